"""Leaders who leave, holds meanwhile, and recommitment."""
