"""Answers to questions: read from the store, told by no door in particular."""
