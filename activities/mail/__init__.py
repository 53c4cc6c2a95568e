"""Mail: what a digest says, how it is composed, how it reaches the mail server."""
