"""What both sides create together: terms, signatures, submissions, ratings."""
