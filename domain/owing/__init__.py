"""Who owes what to whom by when, what comes by itself, and what both sides sign."""
