"""What every subject is made of: messages and their fields, refusals, words."""
