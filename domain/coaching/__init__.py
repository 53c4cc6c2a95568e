"""Contacts of coaching, and short cycles of improvement."""
