"""Annual check-ins, what was committed to in them, and the end."""
