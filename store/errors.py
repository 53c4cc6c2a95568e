"""What of the store cannot be read, for whoever reads it to say."""


class VaultError(Exception):
    """A key cannot be unwrapped, or sealed text was tampered with."""


class Unreadable(Exception):
    """A stored event that this release cannot read."""
