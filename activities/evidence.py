"""Seals the store again and again, and ends what holds back whoever reads the log."""

import asyncio

import structlog

from store.database import AWAY, Connection, Pool, queries
from store.sealing import seal
from store.turns import SEALING, Turn, turn
from store.vault import Vault

log = structlog.get_logger()

_POLL_SECONDS = 0.25
_REST_SECONDS = 2.0
"""After an interruption, and between looks at readers."""
_READERS_SECONDS = 60.0
"""How long a transaction of the reader's role may last."""


class Sealer:
    """One worker seals, the others wait to take over."""

    def __init__(self, pool: Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault

    async def keep(self) -> None:
        """Seal for ever; what cannot be reached now is tried again."""
        while True:
            try:
                async with (
                    self._pool.acquire() as connection,
                    turn(connection, SEALING) as ours,
                ):
                    await self._while_ours(connection, ours)
            except AWAY as away:
                log.warning("sealing_interrupted", why=type(away).__name__)
            await asyncio.sleep(_REST_SECONDS)

    async def _while_ours(self, connection: Connection, ours: Turn) -> None:
        looks = 0
        while await ours.is_ours(connection):
            if await seal(connection, self._vault) is None:
                log.error("store_seal_tampered_with")
                await asyncio.sleep(_REST_SECONDS)
            if looks % 20 == 0:
                ended = await queries.end_old_readers(connection, seconds=_READERS_SECONDS)
                if ended:
                    log.warning("old_readers_ended", transactions=ended)
            looks += 1
            await asyncio.sleep(_POLL_SECONDS)

    async def finish(self, connection: Connection) -> None:
        """Seal what came last, when the worker ends."""
        await seal(connection, self._vault)
