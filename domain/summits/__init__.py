"""Summits: days and programs, invitations, attendance, what follows from them."""
