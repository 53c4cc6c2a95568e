"""From a due notice to a mail and back: announced, claimed, sent, reported."""
