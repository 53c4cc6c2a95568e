"""The contacts, the cycles, and how much of the offer reaches an LEA."""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from domain.coaching.contacts import Coaching, rules_of
from domain.coaching.cycles import Cycle, Cycles
from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.kernel.refusals import WrongState
from domain.outlook.dosage import Dosage, Month, dosage
from domain.policy.calendar import local_date
from queries.names import Names
from queries.seen import around, seen
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


async def dosage_of(
    source: Source, engagement: str, known: date | None, true: date | None
) -> tuple[State, Dosage]:
    """How much of the offer reached an LEA, to the day asked for or on which it ended.

    Raises:
        WrongState: Coaching has not begun.
    """
    it = await seen(source, engagement, known, true)
    ended = it.state.of(Engagement).ended_at
    last = min(it.day, local_date(ended, it.zone.key)) if ended else it.day
    found = dosage(it.state, rules_of(it.state, await around(source, it)), last)
    if found is None:
        raise WrongState(
            f"{it.state.id} has no dosage yet: coaching begins once the agreement is effective. "
            f"See where it stands: handrail engagement show {it.state.id}"
        )
    return it.state, found


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


def dosage_data(found: Dosage) -> dict[str, Any]:
    """The dosage as plain data."""
    return {
        "since": found.since,
        "until": found.until,
        "limit_days": found.limit_days,
        "days_since_contact": found.days_since_contact,
        "days_over": found.days_over,
        "gaps": [
            {"since": g.since, "until": g.until, "days": g.days, "over": g.over, "open": g.open}
            for g in found.gaps
        ],
        "months": [_month(m) for m in found.months],
        "cycles": dict(found.cycles),
        "prongs": [
            {
                "prong": p.id,
                "name": p.name,
                "months": p.months,
                "last_month": p.last,
                "opted_out": {"on": p.out.on, "reason": p.out.reason} if p.out else None,
            }
            for p in found.prongs
        ],
    }


def _month(month: Month) -> dict[str, Any]:
    return {
        "month": f"{month.first:%Y-%m}",
        "contacts": sum(month.contacts.values()),
        "by_kind": dict(month.contacts),
        "messages": month.other_contacts,
        "cycle_steps": month.cycle_steps,
        "consultancies": month.consultancies,
        "submissions": month.submissions,
        "summits": list(month.summits),
        "opted_out": list(month.out),
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
