"""The program, its people, LEAs and facts, and what it publishes and erases."""
