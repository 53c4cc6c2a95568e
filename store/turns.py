"""Whose turn it is: what one worker does while the others wait to take over."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from time import monotonic
from uuid import UUID, uuid4

from store.database import AWAY, Connection, queries

FOLLOWING = "following"
RETURNS = "returns"
SEALING = "sealing"

_SECONDS = {FOLLOWING: 6.0, RETURNS: 30.0, SEALING: 6.0}
"""How long a turn lasts that nobody takes up again: its holder may have been killed."""

_GOODBYE_SECONDS = 1.0


class Turn:
    """One worker's turn, kept up as long as it is asked for.

    A row that only the application may write; an advisory lock would be anybody's to take.  Two
    may believe for a moment that it is theirs, so what is done in turn must do no harm when it is
    done twice.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._seconds = _SECONDS[name]
        self._holder: UUID = uuid4()
        self._kept_up = 0.0

    async def is_ours(self, connection: Connection) -> bool:
        """Whether it is; taken where it is nobody's."""
        if self._kept_up and monotonic() - self._kept_up < self._seconds / 3:
            return True
        asked = monotonic()
        ours = await queries.take_turn(
            connection, name=self._name, holder=self._holder, seconds=self._seconds
        )
        self._kept_up = asked if ours else 0.0
        return bool(ours)

    async def give_back(self, connection: Connection) -> None:
        """Let the next one have it at once."""
        self._kept_up = 0.0
        await queries.give_turn_back(connection, name=self._name, holder=self._holder)


@asynccontextmanager
async def turn(connection: Connection, name: str) -> AsyncIterator[Turn]:
    """A turn on a connection of its own, which ends with it.

    Given back where the server still answers at once; where it does not, it runs out.
    """
    mine = Turn(name)
    try:
        yield mine
    finally:
        with suppress(*AWAY, TimeoutError):
            await asyncio.wait_for(mine.give_back(connection), _GOODBYE_SECONDS)
        connection.terminate()
