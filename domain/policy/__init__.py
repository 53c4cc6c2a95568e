"""Published data: calendars, playbooks and their parts, frameworks, reminder policies."""
