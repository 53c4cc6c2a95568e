"""The staff's door: commands, refusals in words, results as tables or JSON."""
