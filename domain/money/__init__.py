"""Appropriations, what is invested from them, and their expiry."""
