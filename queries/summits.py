"""Summits, with who is invited, expected and came; and what a move would do to each LEA."""

import json
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from domain.kernel.messages import State
from domain.kernel.refusals import Unknown, did_you_mean
from domain.kernel.wording import plain
from domain.summits.attendance import Attendance
from domain.summits.invitations import Invitations, became_of
from domain.summits.years import PlannedSummit, by_year
from queries.source import Source
from store.database import listed, queries
from store.documents import playbook, program


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
