"""What is asked of the LEA, month by month."""

from dataclasses import replace
from datetime import date
from typing import Any

from domain.engagement.burden import Month, by_month, collisions, first_of
from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.kernel.wording import plain
from domain.policy.calendar import WorkingDays
from domain.policy.parts import BurdenRules
from queries.names import Names
from queries.seen import around, registered, seen
from queries.source import Source


def as_data(state: State, rules: BurdenRules | None, days: WorkingDays) -> dict[str, Any]:
    """The burden of a folded engagement as plain data; hours are text, to be exact."""
    return {
        "engagement": state.id,
        "illustrative": state.of(Engagement).illustrative,
        "playbook": state.of(Engagement).playbook,
        "cap": plain(rules.cap_hours) if rules else None,
        "months": [
            {
                **month_as_data(m),
                "items": [
                    {
                        "item": i.item,
                        "title": i.title,
                        "on": i.on,
                        "hours": plain(i.hours),
                        "agreed": i.agreed,
                        "collides": collisions(i.item, i.on, state, days),
                    }
                    for i in m.items
                ],
                "waivers": [
                    {
                        "hours": plain(w.hours),
                        "reason": str(w.reason),
                        "authority": w.authority,
                    }
                    for w in m.waivers
                ],
            }
            for m in by_month(state, rules)
        ],
    }


def month_as_data(m: Month) -> dict[str, Any]:
    """A month as plain data; hours are text, to be exact."""
    over = m.limit is not None and m.agreed > m.limit
    return {
        "month": f"{m.first:%Y-%m}",
        "name": f"{m.first:%b %Y}",
        "agreed": plain(m.agreed),
        "proposed": plain(m.proposed),
        "forecast": plain(m.forecast),
        "cap": plain(m.cap) if m.cap is not None else None,
        "allowed": plain(m.limit) if m.limit is not None else None,
        "over": over,
        "forecast_over": m.limit is not None and m.forecast > m.limit,
        "standing": m.standing,
    }


def ahead(state: State, rules: BurdenRules | None, today: date) -> list[dict[str, Any]]:
    """The months that are not over and cost the LEA something, for `engagement show`."""
    return [
        month_as_data(m)
        for m in by_month(state, rules)
        if m.first >= first_of(today) and (m.agreed or m.proposed)
    ]


async def burden_of(
    source: Source, engagement: str, known: date | None, true: date | None
) -> tuple[dict[str, Any], Names]:
    """The burden of an engagement as it was asked for; who waived is named by id."""
    it = await seen(source, engagement, known, true)
    context = await around(source, it)
    lea = it.state.of(Engagement).lea
    if known and (entry := await registered(source, lea, known, it.zone)):
        context = replace(context, leas={entry.id: entry})
    found = as_data(it.state, context.the_playbook.burden, context.lea_days(lea))
    found |= {k: d for k, d in (("as_known", known), ("as_true", true)) if d}
    await it.names.learn(*(w["authority"] for m in found["months"] for w in m["waivers"]))
    return found, it.names
