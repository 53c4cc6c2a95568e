"""Waiting and ordering; the rules run in activities, so a changed rule breaks no replay."""
