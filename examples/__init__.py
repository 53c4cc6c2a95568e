"""Examples that run: `make demo`."""
