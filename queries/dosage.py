"""How much of the offer reaches an LEA, month by month."""

from datetime import date
from typing import Any

from domain.coaching.contacts import rules_of
from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.kernel.refusals import WrongState
from domain.outlook.dosage import Dosage, Month, dosage
from domain.policy.calendar import local_date
from queries.seen import around, seen
from queries.source import Source


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
