"""Whether store and engine are of one life, and neither knows more than the other."""

import asyncio
from typing import Any

from bootstrap.settings import Settings, SettingsError
from embedded.findings import Finding

AT_MOST = 500
SECONDS = 10.0


async def look_at_lives(settings: Settings) -> list[Finding]:
    """What is wrong between the database and Temporal; nothing where either is away."""
    import asyncpg

    from store.epochs import AnotherKey

    if settings.database_url is None:
        return []
    try:
        connection = await asyncpg.connect(settings.database_url.told(), timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return []  # Said under "PostgreSQL".
    try:
        found = await _life(connection)
    finally:
        await connection.close()
    if found is None:
        return []  # Said under "Schema".
    if found.state == "away" or settings.temporal_address is None:
        return [found]
    try:
        async with asyncio.timeout(SECONDS):
            return [found, *await _engine(settings)]
    except (RuntimeError, OSError, TimeoutError, SettingsError, AnotherKey, asyncpg.PostgresError):
        return [found]  # Said under "Temporal", "Master key" or "Keys".


async def _life(connection: Any) -> Finding | None:
    """Whether this database is where its store lives, and may be worked with."""
    from store.epochs import OldSchema, Unusable, check_log, check_schema, epoch_of

    part = "Life"
    try:
        await check_schema(connection)
        epoch = await epoch_of(connection)
        await check_log(connection)
    except OldSchema:
        return None
    except Unusable as unusable:
        return Finding(part, "away", unusable.seen, unusable.remedy)
    if epoch.practice:
        return Finding(
            part,
            "attention",
            f"a copy to practise with, since {epoch.begun_at:%Y-%m-%d}: no mail leaves it",
            "Nothing, if that is what it is for. Never record real work in it.",
        )
    return Finding(part, "ok", f"number {epoch.n}, since {epoch.begun_at:%Y-%m-%d %H:%M} UTC")


async def _engine(settings: Settings) -> list[Finding]:
    """What the store has and Temporal has not, and the reverse."""
    from bootstrap.lacking import lacking, not_running
    from bootstrap.wiring import services

    findings: list[Finding] = []
    async with services(settings) as at:
        if at.sandbox:
            return findings  # Its Temporal keeps nothing and cannot be asked for lists.
        running = await not_running(at, AT_MOST)
        if running.missing:
            findings.append(
                Finding(
                    "Workflows",
                    "away",
                    f"{len(running.missing)} of {running.looked_at} workflows are missing in "
                    f"Temporal: no reminder of theirs goes out in time",
                    "Run `handrail admin recover`.",
                )
            )
        else:
            findings.append(Finding("Workflows", "ok", f"{running.looked_at} run as they should"))
        lost = (await lacking(at, at_most=AT_MOST)).missing
        if lost:
            named = "; ".join(f"{m.command_id} {m.kind} on {m.stream}" for m in lost[:20])
            findings.append(
                Finding(
                    "Lost commands",
                    "away",
                    f"{len(lost)} answered since {lost[0].at:%Y-%m-%d %H:%M} UTC and not in the "
                    f"store, which was put back to before: {named}",
                    "Run `handrail admin recover`, then have them given again.",
                )
            )
    return findings


async def epoch_in(settings: Settings) -> str:
    """What the queues in Temporal are called by; empty where the database cannot be asked."""
    import asyncpg

    from store.database import queries

    if settings.database_url is None:
        return ""
    try:
        connection = await asyncpg.connect(settings.database_url.told(), timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return ""
    try:
        row = await queries.epoch(connection)
    except asyncpg.PostgresError:
        return ""
    finally:
        await connection.close()
    return row["epoch"] if row else ""
