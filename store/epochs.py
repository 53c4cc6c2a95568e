"""The lives of a store: every restored one and every copy begins another."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from store.database import Connection, listed, queries
from store.migrations import newest
from store.vault import Vault


class Unusable(Exception):
    """No work can be done with this database as it is; the message says why and what to do."""

    def __init__(self, seen: str, remedy: str) -> None:
        super().__init__(f"{seen[0].upper()}{seen[1:]}. {remedy}")
        self.seen = seen
        self.remedy = remedy


class OldSchema(Unusable):
    """The tables are older than this code."""


class AnotherKey(Unusable):
    """What is stored was sealed with another master key than the one at hand."""


class ReadOnly(Unusable):
    """The database takes no changes."""


class Elsewhere(Unusable):
    """This is a copy of a store, or a restored one, and nobody has said which."""


class FromAnotherCluster(Unusable):
    """Events bear ids of transactions that this cluster has still to come to."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One life of a store."""

    id: str
    """Part of every workflow id and queue; empty for a store that is older than epochs."""
    n: int
    begun_at: datetime
    practice: bool
    """Whether this is a copy to practise with, which no mail leaves."""
    unknown_since: datetime | None
    """From when on, until it began, it is not known what was sent."""


ADOPT = (
    "Say what it is: `handrail admin adopt --original` if it takes the place of the one it was "
    "made from, which never runs again; `handrail admin adopt --practice` if it is a copy to "
    "practise with, which no mail leaves."
)


def _old(found: str) -> OldSchema:
    return OldSchema(
        f"the database's schema is version {found}, and this Handrail needs {newest()}",
        "Back up, then run `handrail admin migrate` with HANDRAIL_OWNER_DATABASE_URL set, or use "
        "the Handrail that the rest of the office runs.",
    )


async def check_schema(connection: Connection) -> None:
    """Make sure that the tables are not older than this code; newer ones only have more in them.

    Raises:
        OldSchema: They are, or there are none.
    """
    try:
        found: str | None = await queries.schema_version(connection)
    except (asyncpg.UndefinedTableError, asyncpg.InsufficientPrivilegeError) as nothing:
        raise OldSchema(
            "the database holds no Handrail schema",
            "See that DATABASE_URL names the right database; if it does, run "
            "`handrail admin migrate` with HANDRAIL_OWNER_DATABASE_URL set.",
        ) from nothing
    if found is None or found < newest():
        raise _old(found or "none")


async def check_key(connection: Connection, vault: Vault) -> None:
    """Make sure that the master key at hand is the one that the store was sealed with.

    Raises:
        AnotherKey: It is another one.
    """
    keys = {row["master_id"] for row in await listed(queries.master_ids(connection))}
    if keys and vault.master_id not in keys:
        raise AnotherKey(
            f"the master key at hand is {vault.master_id}, and the store was sealed with "
            f"{', '.join(sorted(keys))}: nothing sealed could be read, and what is recorded could "
            f"be read by nobody else",
            "Set HANDRAIL_KEY_FILE to the key this store began with.",
        )


async def epoch_of(connection: Connection) -> Epoch:
    """The life this store lives now; the first one begins when it is first asked for.

    Raises:
        Unusable: No work can be done here as it is.
    """
    try:
        if await queries.is_read_only(connection):
            raise ReadOnly(
                "this database is a read-only copy: it answers questions and takes no commands",
                "Set DATABASE_URL to the database that is written to.",
            )
        row = await queries.epoch(connection)
        if row is None:
            await queries.first_epoch(connection)
            row = await queries.epoch(connection)
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedFunctionError) as old:
        raise _old("older than 0008") from old
    if not row["here"]:
        raise Elsewhere(
            f"this database is a copy or was restored: its store began its life of "
            f"{row['begun_at']:%Y-%m-%d %H:%M} UTC in another one, and both would remind the same "
            f"people",
            ADOPT,
        )
    return Epoch(row["epoch"], row["n"], row["begun_at"], row["practice"], row["unknown_since"])


async def check_log(connection: Connection) -> None:
    """Make sure that whoever follows the log will see what is recorded from now on.

    Raises:
        FromAnotherCluster: Some of it lies in a time to come.
    """
    if await queries.is_ahead_of_its_counter(connection):
        raise FromAnotherCluster(
            "this database was restored from a dump of another PostgreSQL: its events bear ids of "
            "transactions that this one has still to come to, and until then nobody who follows "
            "the log sees anything new",
            ADOPT,
        )
