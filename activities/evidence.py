"""Seals the store again and again, and ends what holds back whoever reads the log."""

import structlog

from activities.stopping import rest
from activities.turns import in_turn
from store.database import Connection, Pool, queries
from store.sealing import seal
from store.turns import SEALING
from store.vault import Vault

log = structlog.get_logger()

_POLL_SECONDS = 0.25
_TAMPERED_SECONDS = 2.0
"""More, while somebody has tampered with the seal: each look says so."""
_READERS_SECONDS = 60.0
"""How long a transaction of the reader's role may last."""


class Sealer:
    """One worker seals, the others wait to take over."""

    def __init__(self, pool: Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault
        self._looks = 0

    async def keep(self) -> None:
        """Seal for ever; what cannot be reached now is tried again."""
        await in_turn(self._pool, SEALING, self._look, poll_seconds=_POLL_SECONDS)

    async def _look(self, connection: Connection) -> None:
        if await seal(connection, self._vault) is None:
            log.error("store_seal_tampered_with")
            await rest(_TAMPERED_SECONDS)
        if self._looks % 20 == 0:
            ended = await queries.end_old_readers(connection, seconds=_READERS_SECONDS)
            if ended:
                log.warning("old_readers_ended", transactions=ended)
        self._looks += 1

    async def finish(self, connection: Connection) -> None:
        """Seal what came last, when the worker ends."""
        await seal(connection, self._vault)
