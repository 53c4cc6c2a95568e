"""The servers Handrail brings along: PostgreSQL, Temporal, a mail catcher, and their supervisor."""
