"""Handovers, and who leads how much."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from domain.envelope import Receipt
from domain.kernel.messages import State
from domain.kernel.wording import counted
from domain.streams import id_of
from domain.team.handover import Handovers, status_of
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


def by_lead(rows: list[Any]) -> list[dict[str, Any]]:
    """One entry a Lead: what they lead now, and what a handover that is set adds or takes."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows:
        lead = found.setdefault(
            row["id"],
            {
                "lead": row["id"],
                "capacity": row["capacity"],
                "leaves_on": row["left_on"],
                "over": 0,
                "engagements": [],
                "lea_types": {},
                "changes": [],
            },
        )
        if row["role"] is None:
            continue
        if row["role"] == "lead":
            lead["engagements"].append(row["engagement"])
            kinds = lead["lea_types"]
            kinds[row["lea_type"]] = kinds.get(row["lea_type"], 0) + 1
        if row["changes_on"] is not None:
            becomes = "lead" if row["role"] == "incoming_lead" else "former lead"
            lead["changes"].append(
                {"engagement": row["engagement"], "on": row["changes_on"], "becomes": becomes}
            )
    for lead in found.values():
        if lead["capacity"] is not None:
            now = len(lead["engagements"])
            then = now + sum(1 if c["becomes"] == "lead" else -1 for c in lead["changes"])
            lead["over"] = max(0, max(now, then) - lead["capacity"])
    return list(found.values())


async def overload(source: Source, receipt: Receipt) -> list[str]:
    """A warning for each Lead whom this made lead more than they can; it never blocks."""
    async with source.pool.acquire() as connection:
        rows = await listed(queries.caseload(connection))
    engagement = id_of(receipt.stream)
    return [
        f"{lead['lead']} can lead {counted(lead['capacity'], 'engagement')} and is over it by "
        f"{lead['over']}. See everybody's: handrail lead caseload"
        for lead in by_lead(rows)
        if lead["over"]
        and (
            engagement in lead["engagements"]
            or any(
                c["engagement"] == engagement and c["becomes"] == "lead" for c in lead["changes"]
            )
        )
    ]


async def caseload_of(source: Source) -> tuple[list[dict[str, Any]], Names, date]:
    """Every Lead with what they lead, by id, as of today."""
    async with source.pool.acquire() as connection:
        rows = await listed(queries.caseload(connection))
    names = Names(source)
    await names.learn(*(row["id"] for row in rows))
    return by_lead(rows), names, await today_of(source)
