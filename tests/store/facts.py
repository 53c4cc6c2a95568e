"""Facts to append, and short ways to append and read them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import UUID

from domain.engagement.engagement import RoleAssigned
from domain.kernel.messages import Event, Recorded
from store.database import Connection
from store.events import Append, Conflict, append
from store.vault import Vault
from tests.conftest import START, new_id


def fact(name: str) -> RoleAssigned:
    """A fact without personal text."""
    return RoleAssigned(role="lead", person=name)


async def put(
    connection: Connection,
    vault: Vault,
    stream: str,
    expected: int,
    events: Sequence[Event],
    *,
    command_id: UUID | None = None,
    now: datetime = START,
    effective: datetime | None = None,
) -> list[Recorded]:
    """Append in a transaction of its own, unless the caller has one open."""
    async with connection.transaction():
        return await append(
            connection,
            vault,
            Append(stream, expected, events, [effective or now] * len(events)),
            command_id=command_id or new_id(),
            actor="p-tess",
            now=now,
        )


async def put_at_the_end(
    connection: Connection, vault: Vault, stream: str, events: Sequence[Event]
) -> tuple[list[Recorded], int]:
    """Append after whatever is there, again after each lost race; how many races were lost."""
    lost = 0
    while True:
        version = await connection.fetchval(
            "select coalesce(max(version), 0) from es.events where stream = $1", stream
        )
        try:
            return await put(connection, vault, stream, version, events), lost
        except Conflict:
            lost += 1


async def versions(connection: Connection, stream: str) -> list[int]:
    rows = await connection.fetch(
        "select version from es.events where stream = $1 order by version", stream
    )
    return [row["version"] for row in rows]


def at(year: int, month: int = 1, day: int = 1) -> datetime:
    return datetime(year, month, day, 12, tzinfo=UTC)
