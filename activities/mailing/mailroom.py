"""What the activities around mails work with."""

from dataclasses import dataclass, field
from pathlib import Path

from temporalio.client import Client

from activities.clock import Clock
from activities.hands import Hands
from activities.record import Record
from store.database import Pool
from store.vault import Vault


@dataclass(frozen=True)
class Mailroom:
    """The connections of one worker, and how its mails leave."""

    pool: Pool
    vault: Vault
    clock: Clock
    record: Record
    client: Client
    smtp_url: str
    caught: Path | None = None
    """The mail catcher's copies; None where mails go to a real server."""
    practice: bool = False
    """Whether the store is a copy to practise with, which no mail leaves."""
    hands: Hands = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "hands", Hands(self.pool))
