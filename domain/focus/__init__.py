"""What an LEA focuses on, and its measures, observations and Dashboard."""
