"""What is asked and never decides: mix, dosage, triage, rehearsal, whereabouts."""
