"""What is asked of the LEA, month by month."""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

from domain.engagement.burden import Month, by_month, collisions, first_of
from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.kernel.wording import plain
from domain.policy.calendar import WorkingDays
from domain.policy.parts import BurdenRules
from queries.answers import IF_ASKED, Answer, Who
from queries.names import Names
from queries.seen import around, registered, seen
from queries.source import Source


@dataclass(frozen=True)
class MonthOfHours(Answer):
    """A month of the LEA's hours; hours are text, to be exact."""

    month: str
    name: str
    agreed: str
    proposed: str
    forecast: str
    cap: str | None
    allowed: str | None
    over: bool
    forecast_over: bool
    standing: str


@dataclass(frozen=True)
class AskedOfLea(Answer):
    """What hours are asked for, and the days off on which it falls."""

    item: str
    title: str
    on: date
    hours: str
    agreed: bool
    collides: tuple[str, ...]


@dataclass(frozen=True)
class OverTheCap(Answer):
    """What was allowed in a month, by whom and why."""

    hours: str
    reason: str
    authority: Who


@dataclass(frozen=True)
class MonthInFull(MonthOfHours):
    """A month with what its hours are for."""

    items: tuple[AskedOfLea, ...]
    waivers: tuple[OverTheCap, ...]


@dataclass(frozen=True)
class Burden(Answer):
    """What is asked of an LEA, month by month."""

    engagement: str
    illustrative: bool
    playbook: str
    cap: str | None
    months: tuple[MonthInFull, ...]
    as_known: date | None = field(default=None, metadata=IF_ASKED)
    as_true: date | None = field(default=None, metadata=IF_ASKED)


def burden(
    state: State, rules: BurdenRules | None, days: WorkingDays, names: Names, **asked: date | None
) -> Burden:
    """The burden of a folded engagement."""
    return Burden(
        engagement=state.id,
        illustrative=state.of(Engagement).illustrative,
        playbook=state.of(Engagement).playbook,
        cap=plain(rules.cap_hours) if rules else None,
        months=tuple(
            MonthInFull(
                **hours_of(m),
                items=tuple(
                    AskedOfLea(
                        item=i.item,
                        title=i.title,
                        on=i.on,
                        hours=plain(i.hours),
                        agreed=i.agreed,
                        collides=tuple(collisions(i.item, i.on, state, days)),
                    )
                    for i in m.items
                ),
                waivers=tuple(
                    OverTheCap(plain(w.hours), str(w.reason), names.who(w.authority))
                    for w in m.waivers
                ),
            )
            for m in by_month(state, rules)
        ),
        **asked,
    )


def hours_of(m: Month) -> dict[str, Any]:
    """What every month says of its hours."""
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
        hours_of(m)
        for m in by_month(state, rules)
        if m.first >= first_of(today) and (m.agreed or m.proposed)
    ]


async def burden_of(
    source: Source, engagement: str, known: date | None, true: date | None
) -> Burden:
    """The burden of an engagement as it was asked for."""
    it = await seen(source, engagement, known, true)
    context = await around(source, it)
    lea = it.state.of(Engagement).lea
    if known and (entry := await registered(source, lea, known, it.zone)):
        context = replace(context, leas={entry.id: entry})
    rules = context.the_playbook.burden
    await it.names.learn(*(w.authority for m in by_month(it.state, rules) for w in m.waivers))
    days = context.lea_days(lea)
    return burden(it.state, rules, days, it.names, as_known=known, as_true=true)
