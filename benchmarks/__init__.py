"""Side-by-side measurements: ratios of what we do to the least that could be done."""
