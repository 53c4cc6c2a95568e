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

queries = Queries(Path(__file__).parent / "queries.sql")
"""Every query by name; its comment in the file says what it answers."""


async def listed(found: AsyncIterator[Any]) -> list[Any]:
    """All rows of a query that answers with any number of them."""
    return [row async for row in found]


async def streamed(connection: Connection, query: Query, **values: object) -> AsyncIterator[Any]:
    """The rows of a query as they come, inside the caller's transaction: for what may be large."""
    async for row in connection.cursor(query.sql, *(values[n] for n in query.takes), prefetch=500):
        yield row


async def open_pool(url: str, *, size: int = 8, timeout_seconds: float = 5.0) -> Pool:
    """A pool of connections as the application's role.

    Raises:
        OSError, asyncpg.PostgresError: The server cannot be reached or does not let us in.
    """
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        timeout=timeout_seconds,
        command_timeout=60,
        server_settings={
            "application_name": "handrail",
            # A writer that stops in the middle would hold back every reader of the log.
            "idle_in_transaction_session_timeout": "60s",
        },
    )
