"""What a question is asked of, whichever door it comes through."""

from datetime import datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from store.database import Pool
    from store.errors import Unreadable
    from store.vault import Vault


class Source(Protocol):
    """An open store, and the clock by which it is asked."""

    @property
    def pool(self) -> "Pool":
        """Its connections."""

    @property
    def vault(self) -> "Vault":
        """The keys of what is sealed."""

    @property
    def sandbox(self) -> bool:
        """Whether it is for practice."""

    @property
    def left_out(self) -> "list[Unreadable]":
        """What an answer about many had to leave out, for whoever asked to be told."""

    async def now(self) -> datetime:
        """What time it is."""
