"""What waits in the store although nothing seems wrong: for a transaction, a worker, a clock."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from bootstrap.settings import Settings
from embedded.findings import Finding
from store.database import listed, queries
from store.liveness import FOLLOWER

PATIENCE = timedelta(minutes=1)
"""What may lie for so long on a busy day."""
UNTOLD = timedelta(minutes=30)
"""A digest gathers for a minute, and another may have to end before it."""
WEEKLY = timedelta(days=8)
"""Whoever reads weekly is told on the next Monday, or the working day after it."""


async def look_at_waiting(connection: Any, settings: Settings) -> list[Finding]:
    """Look at everything that can lie there unnoticed; nothing is said of what is well."""
    # A sandbox's instants are its own clock's, and its clock stands while something is done.
    if await queries.store_kind(connection) != "production":
        return await _versions(connection)
    return [
        *await _clock(connection, settings),
        *await _versions(connection),
        *await _readers(connection),
        *await _news(connection),
        *await _notices(connection),
        *await _mails(connection),
    ]


async def _clock(connection: Any, settings: Settings) -> list[Finding]:
    began = time.monotonic()
    theirs = await queries.store_now(connection, sandbox_now=None)
    ours = datetime.now(UTC) - timedelta(seconds=(time.monotonic() - began) / 2)
    apart = abs(ours - theirs)
    if apart <= timedelta(seconds=settings.clock_tolerance_seconds):
        return []
    return [
        Finding(
            "Clocks",
            "away",
            f"this machine's {_second(ours)}, PostgreSQL's {_second(theirs)}: every command given "
            f"here is refused",
            "Let a time server set both (`timedatectl` says whether one does).",
        )
    ]


async def _versions(connection: Any) -> list[Finding]:
    from bootstrap.deployment import build_id

    schema = await connection.fetchval("select version_num from alembic_version")
    ours = build_id()
    others = [
        f"{row['id']} runs {row['release'] or 'a release before this one'}"
        + (f" for schema {row['schema']}" if row["schema"] not in (None, schema) else "")
        for row in await listed(queries.living(connection))
        if row["release"] != ours or row["schema"] != schema
    ]
    if not others:
        return []
    return [
        Finding(
            "Releases",
            "attention",
            f"{'; '.join(others)}; here is {ours}, and the database has schema {schema}",
            "Replace every worker by one of the release that the office runs, or install that "
            "here. The one started last carries the workflows on.",
        )
    ]


async def _readers(connection: Any) -> list[Finding]:
    held = await queries.held_up(connection)
    if not held["events"] or held["now"] - held["since"] < PATIENCE:
        return []
    holder = await queries.holder(connection, xid=held["xid"])
    if holder is None:
        return []
    if holder["gid"] is not None:
        return [
            Finding(
                "Readers",
                "attention",
                f"held up since {_minute(held['since'])} by the prepared transaction "
                f"'{holder['gid']}' of {holder['usename']} in {holder['datname']}: "
                f"{held['events']} events reach nobody they concern",
                "Whoever prepared it commits it or rolls it back: as a superuser, in that "
                f"database, `rollback prepared '{holder['gid']}'`.",
            )
        ]
    return [
        Finding(
            "Readers",
            "attention",
            f"held up since {_minute(held['since'])} by a transaction of {holder['usename']} in "
            f"{holder['datname']} (process {holder['pid']}): {held['events']} events reach nobody "
            f"they concern",
            "Have it ended where it was begun, or as a superuser: "
            f"`select pg_terminate_backend({holder['pid']})`.",
        )
    ]


async def _news(connection: Any) -> list[Finding]:
    behind = await queries.unread_since(connection, reader=FOLLOWER)
    if not behind["events"] or behind["now"] - behind["since"] < PATIENCE:
        return []
    return [
        Finding(
            "News",
            "attention",
            f"no worker has handed on the last {behind['events']} events since "
            f"{_minute(behind['since'])}",
            "A line about workers, readers or defects says why; else the worker's log does. They "
            "are handed on by themselves then.",
        )
    ]


async def _notices(connection: Any) -> list[Finding]:
    weekly = await queries.reads_weekly(connection)
    due = await queries.untold(connection, waits=WEEKLY if weekly else UNTOLD)
    if not due["notices"]:
        return []
    return [
        Finding(
            "Notices",
            "attention",
            f"{due['notices']} are due and nobody was told, the first since "
            f"{_minute(due['since'])}",
            "See that a worker lives and Temporal answers; if both do, `handrail admin recover`. "
            "Each obligation is then told once.",
        )
    ]


async def _mails(connection: Any) -> list[Finding]:
    waiting = await queries.mails_waiting(connection, waits=UNTOLD)
    if not waiting["mails"]:
        return []
    return [
        Finding(
            "Mails",
            "attention",
            f"{waiting['mails']} are made and no mail server has taken them, the first since "
            f"{_minute(waiting['since'])}",
            "See the line about mail, and what the worker's log says of `send_mail`. They go by "
            "themselves when the mail server takes them.",
        )
    ]


def _minute(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _second(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
