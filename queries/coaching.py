"""The contacts, the cycles, and how much of the offer reaches an LEA."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from domain.coaching.contacts import Coaching
from domain.coaching.cycles import Cycle, Cycles
from domain.engagement.state import Engagement
from domain.kernel.messages import State
from queries.names import Names
from queries.seen import seen
from queries.source import Source


async def contacts_of(
    source: Source, engagement: str, known: date | None, true: date | None
) -> tuple[dict[str, Any], Names]:
    """Every coaching contact of an engagement, oldest first; people by id."""
    it = await seen(source, engagement, known, true)
    contacts = it.state.of(Coaching).contacts
    await it.names.learn(*(p for c in contacts for p in (c.coach, *c.people)))
    rows = [
        {
            "on": c.on,
            "kind": c.kind,
            "counts": c.counts,
            "coach": c.coach,
            "with": list(c.people),
            "for": str(c.purpose),
            "note": str(c.note) if c.note else None,
        }
        for c in contacts
    ]
    return {"illustrative": it.state.of(Engagement).illustrative, "contacts": rows}, it.names


async def cycles_of(
    source: Source, engagement: str, known: date | None, true: date | None
) -> dict[str, Any]:
    """Every short cycle of an engagement."""
    state = (await seen(source, engagement, known, true)).state
    return {
        "engagement": state.id,
        "illustrative": state.of(Engagement).illustrative,
        "cycles": [cycle_data(cycle) for cycle in state.of(Cycles).all.values()],
    }


async def consultancies_of(
    source: Source, engagement: str, known: date | None, true: date | None
) -> dict[str, Any]:
    """Every consultancy of an engagement, oldest first."""
    state = (await seen(source, engagement, known, true)).state
    return {
        "illustrative": state.of(Engagement).illustrative,
        "consultancies": [
            {
                "on": c.on,
                "partners": list(c.partners),
                "cycle": c.cycle,
                "question": str(c.question),
                "note": str(c.note),
            }
            for c in sorted(state.of(Cycles).consultancies, key=lambda c: c.on)
        ],
    }


def cycle_data(cycle: Cycle) -> dict[str, Any]:
    planned, done, studied, acted = cycle.planned, cycle.done, cycle.studied, cycle.acted
    return {
        "cycle": cycle.id,
        "title": cycle.title,
        "stage": cycle.stage,
        "measure": planned.measure if planned else None,
        "after": planned.after if planned else None,
        "dates": dict(cycle.steps),
        "prediction": str(planned.prediction) if planned else None,
        "done": str(done.tried) if done else None,
        "result": str(studied.result) if studied else None,
        "prediction_held": studied.prediction_held if studied else None,
        "decision": acted.decision if acted else None,
        "reason": str(acted.reason) if acted else None,
    }


def section(state: State, zone: ZoneInfo) -> dict[str, Any]:
    """The last contact, every cycle, and the prongs left out."""
    coaching = state.of(Coaching)
    last = next((c for c in reversed(coaching.contacts) if c.counts), None)
    return {
        "contacts": len(coaching.contacts),
        "last_contact": {"on": last.on, "kind": last.kind} if last else None,
        "cycles": [
            {
                "cycle": c.id,
                "title": c.title,
                "stage": c.stage,
                "since": c.steps[-1][1] if c.steps else None,
                "prediction_held": c.studied.prediction_held if c.studied else None,
                "decision": c.acted.decision if c.acted else None,
            }
            for c in state.of(Cycles).all.values()
        ],
        "opted_out": {
            prong: {"on": out.on, "reason": out.reason} for prong, out in coaching.out.items()
        },
    }
