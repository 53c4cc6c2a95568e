"""What happened, for ever: events, receipts, keys and read models on PostgreSQL."""
