"""What moving a summit would do, or did, to each invited LEA."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from domain.deciding import after, decide_in_full
from domain.envelope import Envelope
from domain.summits.following import SummitFollowed, SummitNotFollowed, taken_over
from domain.summits.summits import RescheduleSummit, Summit, entry_of, span
from queries.source import Source
from store.context import standing
from store.database import listed, queries
from store.errors import Unreadable
from store.events import read_state
from store.resolving import resolve

_POLL_SECONDS = 0.25


@dataclass(frozen=True)
class Result:
    """What becomes of one engagement."""

    engagement: str
    outcome: str
    why: str = ""


async def rescheduling(
    source: Source, command: RescheduleSummit, envelope: "Envelope"
) -> tuple[list[Result], str]:
    """What a move would do to every invited engagement, and the new days; nothing is written."""
    now = await source.now()
    results = []
    async with source.pool.acquire() as connection:
        before = await read_state(connection, source.vault, envelope.stream)
        context = await resolve(connection, envelope, command, before, now)
        decided = decide_in_full(command, before, context)
        entry = entry_of(after(before, decided.own, context))
        assert entry is not None
        for engagement in sorted(entry.invited):
            stream = f"engagement:{engagement}"
            try:
                state = await read_state(connection, source.vault, stream)
            except Unreadable as sick:
                source.left_out.append(sick)
                results.append(Result(engagement, "would wait", f"it cannot be read: {sick.why}"))
                continue
            there = replace(await standing(connection, state, now), summit=entry)
            match taken_over(state, there, entry):
                case SummitFollowed(over_cap=str(over)):
                    results.append(Result(engagement, "would move", f"over the cap: {over}"))
                case SummitFollowed():
                    results.append(Result(engagement, "would move"))
                case SummitNotFollowed(why=why):
                    results.append(Result(engagement, "would be skipped", why))
                case _:
                    results.append(Result(engagement, "nothing to move", "it is over"))
    return results, span(entry.first, entry.last)


def has_seen(row: Mapping[str, Any], round_: int) -> bool:
    return bool(row["seen"] >= round_ or row["phase"] in ("closed", "withdrawn"))


def result_of(row: Mapping[str, Any], round_: int) -> Result:
    if not has_seen(row, round_):
        return Result(row["engagement"], "under way")
    if row["seen"] < round_:
        return Result(row["engagement"], "nothing to move", "it is over")
    if row["not_followed"]:
        return Result(row["engagement"], "skipped", row["not_followed"])
    over = f"over the cap: {row['over_cap']}" if row["over_cap"] else ""
    return Result(row["engagement"], "moved", over)


async def followed(
    source: Source, summit: str, stream: str, patience_seconds: float
) -> tuple[list[Result], str]:
    """What became of every invited engagement, once each has taken over where the summit is now."""
    async with source.pool.acquire() as connection:
        now = (await read_state(connection, source.vault, stream)).of(Summit)
    assert now.first is not None
    assert now.last is not None
    waited = 0.0
    while True:
        async with source.pool.acquire() as connection:
            rows = await listed(queries.invitations_to(connection, summit=summit))
        rows = [r for r in rows if r["engagement"] in now.invited]
        if all(has_seen(r, now.round) for r in rows) or waited >= patience_seconds:
            break
        await asyncio.sleep(_POLL_SECONDS)
        waited += _POLL_SECONDS
    return [result_of(r, now.round) for r in rows], span(now.first, now.last)
