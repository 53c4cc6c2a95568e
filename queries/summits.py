"""Summits, with who is invited, expected and came; and what a move would do to each LEA."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from zoneinfo import ZoneInfo

from domain.deciding import after, decide_in_full
from domain.envelope import Envelope
from domain.kernel.messages import State
from domain.kernel.refusals import Unknown, did_you_mean
from domain.kernel.wording import plain
from domain.summits.attendance import Attendance
from domain.summits.following import SummitFollowed, SummitNotFollowed, taken_over
from domain.summits.invitations import Invitations, became_of
from domain.summits.summits import RescheduleSummit, Summit, entry_of, span
from domain.summits.years import PlannedSummit, by_year
from queries.source import Source
from store.context import standing
from store.database import listed, queries
from store.documents import playbook, program
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


def summit_data(row: Mapping[str, Any]) -> dict[str, Any]:
    found = {k: v for k, v in row.items() if k not in ("id", "next_wake", "over", "version")}
    return {
        "summit": row["id"],
        **found,
        "hours": plain(row["hours"]),
        "invited": json.loads(row["invited"]),
        "sessions": json.loads(row["sessions"]),
        "pairs": json.loads(row["pairs"]),
    }


async def summits(source: Source) -> tuple[list[dict[str, Any]], list[str]]:
    """Every summit, and what is to be said of the program's years."""
    async with source.pool.acquire() as connection:
        rows = [dict(row) for row in await listed(queries.summits(connection))]
        settings = await program(connection)
        newest = (
            await playbook(connection, settings.playbook.partition("@")[0]) if settings else None
        )
    years: list[str] = []
    rules, fiscal = newest and newest.summits, settings and settings.calendar.fiscal_year
    if rules and fiscal:
        standing_ = [r for r in rows if r["status"] != "cancelled"]
        days = [PlannedSummit(r["id"], r["first"], r["last"]) for r in standing_]
        years = [year.told() for year in by_year(days, rules, fiscal)]
    return [summit_data(row) for row in rows], years


async def summit_of(source: Source, summit: str) -> dict[str, Any]:
    """One summit with everybody who is invited.

    Raises:
        Unknown: There is no such summit.
    """
    wanted = summit.strip().upper()
    async with source.pool.acquire() as connection:
        row = await queries.summit(connection, id=wanted)
        if row is None:
            known = [r["id"] for r in await listed(queries.summits(connection))]
            raise Unknown(
                f"There is no summit {summit!r}. {did_you_mean(wanted, known)}See them all: "
                f"handrail summit list"
            )
        rows = await listed(queries.invitations_to(connection, summit=wanted))
    invitations = [
        {k: v for k, v in r.items() if k not in ("summit", "seen")}
        | {"days": json.loads(r["days"])}
        for r in map(dict, rows)
    ]
    return {**summit_data(dict(row)), "invitations": invitations}


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


def as_data(state: State) -> list[dict[str, Any]]:
    """An engagement's summits as plain data."""
    attendance = state.of(Attendance)
    partners: dict[str, list[str]] = {}
    for pair in attendance.pairs:
        partners.setdefault(pair.summit, []).append(pair.partner)
    found = []
    for i in state.of(Invitations).all.values():
        there = attendance.at(i.summit)
        found.append(
            {
                "summit": i.summit,
                "title": i.title,
                "status": became_of(i, state),
                "first": i.first,
                "last": i.last,
                "place": i.place,
                "registration_due": i.registration_due,
                "hours": plain(i.hours),
                "not_followed": i.not_followed,
                "new_days": i.new_days,
                "registered": list(i.people),
                "places": dict(i.places),
                "attended": there.people,
                "days": {str(day): dict(roles) for day, roles in there.days.items()},
                "people": sorted({person for _, person in there.named}),
                "paired_with": partners.get(i.summit, []),
            }
        )
    return found


def commitments_as_data(state: State) -> list[dict[str, Any]]:
    """What was promised at summits, as plain data."""
    return [
        {"item": c.item, "text": c.text, "by": c.by, "owner": c.owner, "outcome": c.outcome}
        for c in state.of(Attendance).commitments
    ]


def section(state: State, zone: ZoneInfo) -> dict[str, Any]:
    """What `engagement show` says of them."""
    return {"summits": as_data(state), "commitments": commitments_as_data(state)}
