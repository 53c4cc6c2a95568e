"""The steps of a playbook through all subjects, its upgrade, dates of statute."""
