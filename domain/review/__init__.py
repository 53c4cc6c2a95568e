"""The Systemic Instructional Review: waves, evidence, recommendations, report."""
