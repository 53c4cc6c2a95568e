"""From eligibility through conversations to the fit decision."""
