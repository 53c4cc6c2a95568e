"""One engagement whole: what every subject shows of it."""

from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.engagement.state import Engagement
from domain.journey.steps import journey
from domain.kernel.messages import State
from domain.kernel.wording import texts
from domain.policy.calendar import local_date
from domain.policy.playbook import Playbook
from queries import (
    addresses,
    agreements,
    burden,
    checkins,
    coaching,
    focus,
    handover,
    money,
    recruitment,
    reminders,
    review,
    summits,
    surveys,
    team,
    whereabouts,
)
from queries.answers import dumped
from queries.names import Names
from queries.roles import Absences, absences
from queries.seen import pinned, seen
from queries.source import Source

Section = Callable[[State, ZoneInfo], dict[str, Any]]

SECTIONS: tuple[Section, ...] = (
    recruitment.section,
    agreements.section,
    review.section,
    focus.section,
    whereabouts.section,
    checkins.section,
    surveys.section,
    coaching.section,
    team.section,
    addresses.section,
    handover.section,
    summits.section,
    money.section,
)
"""What each subject says of an engagement, in this order; a new one brings its own."""


async def show(
    source: Source, engagement: str, known: date | None, true: date | None
) -> tuple[dict[str, Any], Names]:
    """An engagement as it was asked for; people by id."""
    it = await seen(source, engagement, known, true)
    state, playbook = it.state, await pinned(source, it)
    found = as_data(state, it.zone)
    found["next_step"] = next_step(state, playbook) if playbook else None
    if years := recruitment.years_told(state, playbook):
        found["years_met"] = years
    found["burden"] = burden.ahead(state, playbook.burden if playbook else None, it.day)
    found["etiquette"] = reminders.etiquette_as_lines(state, it.day)
    found |= {k: d for k, d in (("as_known", known), ("as_true", true)) if d}
    if (lacks := team.lacks_on(state, playbook, it.day)) is not None:
        found["team_lacks"] = lacks
    away: Absences = {}
    if not known and not true and state.of(Engagement).is_open:
        held = [(state.id, role, person) for role, person in found["roles"].items()]
        async with source.pool.acquire() as connection:
            away = await absences(connection, held, it.today)
    found["absent"] = {
        role: {"left_on": absent.left, "stands_in": absent.stands_in}
        for (_, role), absent in away.items()
    }
    await it.names.learn(*texts(dumped(found)))
    return found, it.names


def next_step(state: State, playbook: Playbook) -> str | None:
    """The step that comes next; None when there is none."""
    now = next((s for s in journey(state, playbook) if s.standing == "next"), None)
    return f"{now.step.name} ({now.step.id}{', tight' if now.step.tight else ''})" if now else None


def as_data(state: State, zone: ZoneInfo) -> dict[str, Any]:
    """A folded engagement as plain data."""
    e = state.of(Engagement)

    def day(instant: datetime | None) -> date | None:
        return local_date(instant, zone.key) if instant else None

    found = {
        "engagement": state.id,
        "version": state.version,
        "lea": e.lea,
        "lea_name": e.lea_name,
        "lea_became": e.lea_became,
        "phase": e.phase,
        "illustrative": e.illustrative,
        "playbook": e.playbook,
        "source": e.source,
        "statute": e.statute,
        "opened": day(e.opened_at),
        "ended": day(e.ended_at),
        "end_reason": e.end_reason,
        "roles": dict(e.roles),
        "tenures": [
            {
                "role": t.role,
                "person": t.person,
                "since": day(t.since),
                "until": day(t.until),
                "interim": t.interim,
            }
            for t in e.tenures
        ],
        "waived": {step: str(w.reason) for step, w in e.waived.items()},
    }
    for section in SECTIONS:
        found |= section(state, zone)
    return found
