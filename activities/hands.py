"""Which mails a worker has in hand, so that no second attempt begins beside the first."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any
from uuid import UUID

from temporalio import activity

from store.database import AWAY, Pool, queries

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

BEAT_SECONDS = 2.0
"""Well within the time-out that workflows give: a worker that is killed is missed soon."""


@asynccontextmanager
async def beating() -> AsyncIterator[None]:
    """Tell Temporal, while the block runs, that this worker still has the activity in hand."""

    async def beat() -> None:
        while True:
            activity.heartbeat()
            await asyncio.sleep(BEAT_SECONDS)

    task = asyncio.create_task(beat())
    try:
        yield
    finally:
        task.cancel()


class Hands:
    """Holds mails for as long as this process lives and its connection does.

    Temporal gives a mail to another worker soon after it has missed the first one's heartbeat.
    That one may be dead, or only stopped for a while in the middle of a conversation; the
    database knows, because a session's locks are gone exactly when its process is.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._held: set[UUID] = set()
        self._connection: PoolConnectionProxy[Any] | None = None
        self._one_at_a_time = asyncio.Lock()

    @asynccontextmanager
    async def holding(self, mail: UUID) -> AsyncIterator[bool]:
        """Whether the mail is ours while the block runs; False where another attempt has it."""
        async with self._one_at_a_time:
            ours = mail not in self._held and await self._take(mail)
            if ours:
                self._held.add(mail)
        try:
            yield ours
        finally:
            if ours:
                self._held.discard(mail)
                await self._let_go(mail)

    async def _take(self, mail: UUID) -> bool:
        if self._connection is None or self._connection.is_closed():
            await self._put_back()
            self._connection = await self._pool.acquire()
        taken: bool = False
        try:
            taken = await queries.take_in_hand(self._connection, mail=_number(mail))
        finally:
            if not taken and not self._held:
                await self._put_back()
        return taken

    async def _let_go(self, mail: UUID) -> None:
        async with self._one_at_a_time:
            if self._connection is None:
                return
            # A connection that is gone holds nothing any more.
            with suppress(*AWAY):
                if self._held:
                    await queries.let_go(self._connection, mail=_number(mail))
                else:
                    await self._put_back()

    async def _put_back(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                # Which lets go of everything.
                await connection.reset()
            finally:
                await self._pool.release(connection)


def _number(mail: UUID) -> int:
    """What a lock is known by; two mails of one number only wait for each other."""
    return int.from_bytes(mail.bytes[:4]) & 0x7FFF_FFFF
