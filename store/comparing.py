"""Compares the read models with what a rebuild would make of the events, beside the writers."""

import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from domain.rules.registry import fold
from store.context import standing
from store.database import Connection, listed, queries
from store.events import read_stream
from store.projections import project
from store.rebuild import ORDER
from store.vault import Vault

_AT_ONCE = 25
"""Streams a transaction: it is given an id, and readers of the log wait for it."""


@dataclass(frozen=True, slots=True)
class Table:
    """Whose rows a read model has."""

    aggregates: tuple[str, ...]
    key: str | None
    """The column that names the stream; None where all rows are the program's."""
    whole: bool = False
    """Whether that column holds the stream's whole name, not only its id."""
    kind: str | None = None
    """The column that names the aggregate."""


_OWING = ("engagement", "appropriation")

TABLES = {
    "program": Table(("program",), None),
    "documents": Table(("playbook", "calendar", "framework"), "id", kind="kind"),
    "people": Table(("person",), "id"),
    "leas": Table(("lea",), "id"),
    "lea_names": Table(("lea",), "lea"),
    "engagements": Table(("engagement",), "id"),
    "engagement_roles": Table(("engagement",), "engagement"),
    "obligations": Table(_OWING, "stream", whole=True),
    "deliverables": Table(("engagement",), "engagement"),
    "notices": Table(_OWING, "stream", whole=True),
    "deliveries": Table(_OWING, "stream", whole=True),
    "appropriations": Table(("appropriation",), "id"),
    "investments": Table(("engagement",), "engagement"),
    "summits": Table(("summit",), "id"),
    "invitations": Table(("engagement",), "engagement"),
}
"""Every table of the schema `read`; a test holds it to the migrations."""

_LOOKED_AT = 50
"""So many rows of a stream tell which columns are not as they should be."""

_OF_READ = re.compile(r"\bread\.(?=[a-z])")


class _Aside:
    """A connection whose statements about `read` are about tables of its session instead."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def fetch(self, sql: str, *values: Any) -> Any:
        return await self._connection.fetch(_OF_READ.sub("pg_temp.", sql), *values)

    async def fetchrow(self, sql: str, *values: Any) -> Any:
        return await self._connection.fetchrow(_OF_READ.sub("pg_temp.", sql), *values)

    async def fetchval(self, sql: str, *values: Any) -> Any:
        return await self._connection.fetchval(_OF_READ.sub("pg_temp.", sql), *values)

    async def execute(self, sql: str, *values: Any) -> Any:
        return await self._connection.execute(_OF_READ.sub("pg_temp.", sql), *values)


async def differing(connection: Connection, vault: Vault) -> AsyncIterator[tuple[str, str]]:
    """Streams of which a read model says something else than their events would make of it.

    Every so many streams are looked at in a transaction of their own that sees one moment, and
    that writes to tables of its own session alone.

    Yields:
        The stream and what is not as it should be.
    """
    for name in TABLES:
        await connection.execute(
            f"create temporary table if not exists {name}"
            f" (like read.{name} including defaults including indexes including generated)"
            f" on commit delete rows"
        )
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        strays = [stray async for stray in _strays(connection)]
    for stray in strays:
        yield stray
    for aggregate in ORDER:
        rows = await listed(queries.streams_of(connection, aggregate=aggregate))
        streams = [row["stream"] for row in rows]
        for begin in range(0, len(streams), _AT_ONCE):
            for found in await differing_of(
                connection, vault, aggregate, streams[begin : begin + _AT_ONCE]
            ):
                yield found


async def differing_of(
    connection: Connection, vault: Vault, aggregate: str, streams: Sequence[str]
) -> list[tuple[str, str]]:
    """The same, of some streams of an aggregate."""
    found = []
    async with connection.transaction(isolation="repeatable_read"):
        unread = set()
        for stream in streams:
            try:
                async with connection.transaction():
                    await _projected(connection, vault, stream)
            except Exception as problem:  # noqa: BLE001
                # Whatever it is, the others are looked at; and this one is named.
                unread.add(stream)
                found.append((stream, f"cannot be projected: {type(problem).__name__}"))
        looked_at = [stream for stream in streams if stream not in unread]
        for name, table in TABLES.items():
            if aggregate in table.aggregates:
                found += await _differences(connection, name, table, aggregate, looked_at)
    return found


async def _projected(connection: Connection, vault: Vault, stream: str) -> None:
    history = await read_stream(connection, vault, stream)
    state = fold(stream, history)
    context = await standing(connection, state, history[-1].stamp.recorded_at)
    await project(_Aside(connection), state, history, context)  # type: ignore[arg-type]


def _named(table: Table, aggregate: str) -> str:
    if table.key is None:
        return "'program'"
    return table.key if table.whole else f"'{aggregate}:' || {table.key}"


async def _differences(
    connection: Connection, name: str, table: Table, aggregate: str, streams: Sequence[str]
) -> list[tuple[str, str]]:
    keys = [s if table.whole else s.partition(":")[2] for s in streams]
    where = "$1::text[] is not null" if table.key is None else f"{table.key} = any($1::text[])"
    if table.kind is not None:
        where += f" and {table.kind} = '{aggregate}'"
    rows = await connection.fetch(
        # Names of this module.
        f"""
        with live as (select * from read.{name} where {where}),
             made as (select * from pg_temp.{name} where {where})
        select {_named(table, aggregate)} as stream_, side_, to_jsonb(d) - 'side_' as said
          from (select 'live' as side_, x.* from (table live except all table made) x
                union all
                select 'made', x.* from (table made except all table live) x) d
         order by 1
        """,  # noqa: S608
        keys,
    )
    by_stream: dict[str, dict[str, list[str]]] = {}
    for row in rows:
        by_stream.setdefault(row["stream_"], {"live": [], "made": []})[row["side_"]].append(
            row["said"]
        )
    return [(s, _said(name, sides["live"], sides["made"])) for s, sides in by_stream.items()]


def _said(name: str, live: list[str], made: list[str]) -> str:
    import json

    if not made:
        return f"read.{name} has {len(live)} rows of it too many"
    if not live:
        return f"read.{name} lacks {len(made)} rows of it"
    columns: set[str] = set()
    right = [json.loads(other) for other in made[:_LOOKED_AT]]
    for one in (json.loads(mine) for mine in live[:_LOOKED_AT]):
        # A row is held against the one that it is likest: they come in no order.
        changed = ({c for c in one if one[c] != two.get(c)} for two in right)
        columns |= min(changed, key=len)
    return (
        f"read.{name} does not say what its events do ({', '.join(sorted(columns))}; "
        f"rows: {max(len(live), len(made))})"
    )


async def _strays(connection: Connection) -> AsyncIterator[tuple[str, str]]:
    """Rows of streams that there are not."""
    for name, table in TABLES.items():
        if table.key is None:
            continue
        if table.whole:
            stream = f"t.{table.key}"
        elif table.kind is not None:
            stream = f"t.{table.kind} || ':' || t.{table.key}"
        else:
            stream = f"'{table.aggregates[0]}:' || t.{table.key}"
        rows = await connection.fetch(
            f"select distinct {stream} as stream from read.{name} t where not exists"  # noqa: S608
            f" (select from es.events e where e.stream = {stream} and e.version = 1) order by 1"
        )
        for row in rows:
            yield row["stream"], f"read.{name} has rows of it, and there is no such stream"
