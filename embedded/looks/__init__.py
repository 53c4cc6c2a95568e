"""What `handrail doctor` looks at besides whether the parts answer, a module a kind of sickness."""
