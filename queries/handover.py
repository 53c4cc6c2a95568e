"""Handovers, and who leads how much."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from domain.envelope import Receipt
from domain.kernel.messages import State
from domain.kernel.wording import counted
from domain.streams import id_of
from domain.team.handover import Handovers, status_of
from queries.answers import Answer, Who
from queries.clocks import today_of
from queries.names import Names
from queries.source import Source
from store.database import listed, queries

# What `engagement show` says -------------------------------------------------------------------


def section(state: State, zone: ZoneInfo) -> dict[str, Any]:
    """Every handover that was set, with what became of it."""
    handovers = [
        {
            "handover": h.id,
            "from": h.facts.before,
            "to": h.facts.to,
            "effective": h.facts.effective,
            "status": status_of(h, state),
            "reason": str(h.facts.reason),
            "overlap": h.facts.overlap,
            "met": h.met_on,
            "note": str(h.met_note) if h.met_note else None,
            "no_meeting": str(h.skipped) if h.skipped else None,
        }
        for h in state.of(Handovers).all.values()
        if h.facts
    ]
    return {"handovers": handovers}


@dataclass(frozen=True)
class Change(Answer):
    """What a handover that is set will add or take."""

    engagement: str
    on: date
    becomes: str


@dataclass(frozen=True)
class Caseload(Answer):
    """What one Lead leads now, and what changes."""

    lead: Who
    capacity: int | None
    leaves_on: date | None
    over: int
    """By how many engagements it is more than they can, now or then."""
    engagements: tuple[str, ...]
    lea_types: Mapping[str, int]
    changes: tuple[Change, ...]


def by_lead(rows: list[Any], names: Names) -> list[Caseload]:
    """One entry a Lead."""
    every: dict[str, list[Any]] = {}
    for row in rows:
        every.setdefault(row["id"], []).append(row)
    return [_caseload(names.who(lead), held) for lead, held in every.items()]


def _caseload(lead: Who, held: list[Any]) -> Caseload:
    leads = [row for row in held if row["role"] == "lead"]
    changes = [
        Change(
            row["engagement"],
            row["changes_on"],
            "lead" if row["role"] == "incoming_lead" else "former lead",
        )
        for row in held
        if row["role"] is not None and row["changes_on"] is not None
    ]
    capacity, over = held[0]["capacity"], 0
    if capacity is not None:
        then = len(leads) + sum(1 if c.becomes == "lead" else -1 for c in changes)
        over = max(0, max(len(leads), then) - capacity)
    return Caseload(
        lead=lead,
        capacity=capacity,
        leaves_on=held[0]["left_on"],
        over=over,
        engagements=tuple(row["engagement"] for row in leads),
        lea_types=Counter(row["lea_type"] for row in leads),
        changes=tuple(changes),
    )


async def overload(source: Source, receipt: Receipt) -> list[str]:
    """A warning for each Lead whom this made lead more than they can; it never blocks."""
    async with source.pool.acquire() as connection:
        rows = await listed(queries.caseload(connection))
    engagement = id_of(receipt.stream)
    return [
        f"{lead.lead} can lead {counted(lead.capacity, 'engagement')} and is over it by "
        f"{lead.over}. See everybody's: handrail lead caseload"
        for lead in by_lead(rows, Names(source))
        if lead.over
        and lead.capacity is not None
        and (
            engagement in lead.engagements
            or any(c.engagement == engagement and c.becomes == "lead" for c in lead.changes)
        )
    ]


async def caseload_of(source: Source) -> tuple[list[Caseload], date]:
    """Every Lead with what they lead, as of today."""
    async with source.pool.acquire() as connection:
        rows = await listed(queries.caseload(connection))
    names = Names(source)
    await names.learn(*(row["id"] for row in rows))
    return by_lead(rows, names), await today_of(source)
