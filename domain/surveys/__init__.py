"""Surveys, their means and their growth."""
