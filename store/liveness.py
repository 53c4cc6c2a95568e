"""Who is alive, and how late it is: asked by people's commands before they send anything."""

from datetime import datetime

import asyncpg

from store.database import queries

FOLLOWER = "reconciler"
"""The reader of the log that takes what happened to every stream it concerns."""


async def live_workers(database_url: str) -> int:
    """How many workers wrote their heartbeat within the last seconds."""
    connection = await asyncpg.connect(database_url, timeout=5)
    try:
        count: int = await queries.live_workers(connection)
        return count
    finally:
        await connection.close()


async def unread(database_url: str) -> int:
    """How many events the follower has not come to yet."""
    connection = await asyncpg.connect(database_url, timeout=5)
    try:
        count: int = await queries.unread(connection, reader=FOLLOWER)
        return count
    finally:
        await connection.close()


async def latest_recorded_at(database_url: str) -> datetime | None:
    """The newest recorded instant in the store; None while it is empty."""
    connection = await asyncpg.connect(database_url, timeout=5)
    try:
        latest: datetime | None = await queries.latest_recorded_at(connection)
        return latest
    finally:
        await connection.close()
