"""Notices: planned, claimed, delivered, returned, and how people want them."""
