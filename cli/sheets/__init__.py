"""Spreadsheets as people have them: read, understood, answered, and made to be filled in."""
