"""The connection pool, and the named queries of ``queries.sql``."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from store.named import Queries, Query

if TYPE_CHECKING:  # generic in their type stubs alone
    Connection = asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]
    Pool = asyncpg.Pool[Any]
else:
    Connection = asyncpg.Connection
    Pool = asyncpg.Pool

AWAY = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""What the database's absence looks like.  A connection that is cut in the middle of a statement
ends it in any of these ways."""

_PASSING = frozenset({"08", "25", "28", "3D", "40", "53", "55", "57", "58"})
"""Classes of what PostgreSQL answers that have to do with the server and not with what was asked:
connections, transactions, passwords, room, locks, an administrator's hand, the machine."""


def is_outage(error: BaseException) -> bool:
    """Whether an error passes by itself, or by somebody's hand at the server.

    A value that the database cannot take, or a statement that it does not understand, fails again
    however often it is tried.
    """
    if isinstance(error, asyncpg.PostgresError):
        return str(error.sqlstate or "08")[:2] in _PASSING
    return isinstance(error, AWAY) and not isinstance(error, ValueError)


queries = Queries(Path(__file__).parent / "queries.sql")
"""Every query by name; its comment in the file says what it answers."""


async def listed(found: AsyncIterator[Any]) -> list[Any]:
    """All rows of a query that answers with any number of them."""
    return [row async for row in found]


async def streamed(connection: Connection, query: Query, **values: object) -> AsyncIterator[Any]:
    """The rows of a query as they come, inside the caller's transaction: for what may be large."""
    async for row in connection.cursor(query.sql, *(values[n] for n in query.takes), prefetch=500):
        yield row


async def _as_it_is(connection: Connection) -> None:
    """Give a connection back without asking the server to reset it.

    Nobody changes a session's settings or listens, who holds a lock beyond a transaction resets the
    connection, and asyncpg itself rolls back what was left open.
    """


async def open_pool(
    url: str, *, size: int = 8, timeout_seconds: float = 5.0, command_seconds: float = 60.0
) -> Pool:
    """A pool of connections as the application's role.

    Args:
        command_seconds: How long a statement may take; and how long asyncpg waits for the server's
            word that one was broken off, which a server that ended meanwhile never gives.

    Raises:
        OSError, asyncpg.PostgresError: The server cannot be reached or does not let us in.
    """
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        timeout=timeout_seconds,
        command_timeout=command_seconds,
        reset=_as_it_is,
        server_settings={
            "application_name": "handrail",
            # A writer that stops in the middle would hold back every reader of the log.
            "idle_in_transaction_session_timeout": "60s",
        },
    )
