"""Says what a copied or restored store is: the original from now on, or a copy to practise with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import asyncpg

from activities.record import Record
from bootstrap.clock import SystemClock
from bootstrap.holding import Held, begin_again
from bootstrap.settings import Settings
from store.database import Connection, open_pool, queries
from store.epochs import OldSchema, check_key
from store.renumbering import renumber
from store.sealing import in_order, seal, seal_in_new_order
from store.vault import Vault


class AtWork(Exception):
    """A worker serves the store: what it is cannot change under its hands."""


@dataclass(frozen=True)
class Adopted:
    """What came of it."""

    practice: bool
    since: datetime | None
    """From when on it is not known what was sent; None where nothing could have been."""
    held: Sequence[Held]
    renumbered: bool


async def adopt(
    settings: Settings,
    *,
    database_url: str,
    owner_url: str,
    practice: bool,
    why: str = "adopted",
    since: datetime | None = None,
) -> Adopted:
    """Begin a life of its own for the store in a database.

    As the original it holds whatever may have been sent since the last moment it knows of, by the
    store that it was made from.  A sandbox, whose mails reach nobody, holds nothing.

    Args:
        since: That moment, where it is known better than by the store itself.

    Raises:
        AtWork: A worker is alive.
        AnotherKey: The master key is not the store's.
        OldSchema: The tables are older than this code.
    """
    vault = Vault(settings.master_key())
    owner = await asyncpg.connect(owner_url, timeout=5)
    try:
        if await owner.fetchval("select to_regclass('es.epochs')") is None:
            raise OldSchema(
                "the database's schema is older than this Handrail",
                "Run `handrail admin migrate` first.",
            )
        if await queries.live_workers(owner):
            raise AtWork(
                "A worker is at work on this database, or was seconds ago. Stop it, and repeat in "
                "ten seconds."
            )
        await check_key(owner, vault)
        async with owner.transaction():
            sealed = await in_order(owner, vault)
            if renumbered := await renumber(owner):
                await seal_in_new_order(owner, vault, sealed)
    finally:
        await owner.close()
    pool = await open_pool(database_url, size=2)
    try:
        async with pool.acquire() as connection:
            sandbox = await queries.store_kind(connection) == "sandbox"
            await seal(connection, vault)
            if since is None:
                since = await queries.last_sign_of_life(connection)
        if sandbox or practice:
            since = None
        record = Record(pool, vault, SystemClock())
        now = datetime.now(UTC)

        async def anew(connection: Connection) -> list[Held]:
            return await begin_again(
                connection, record, why=why, practice=practice, since=since, now=now
            )

        held = await record.in_transaction(anew)
    finally:
        await pool.close()
    return Adopted(practice, since, held, renumbered)
