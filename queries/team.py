"""Who was what, on any day: roles, the team, what it lacks, and who stayed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.kernel.refusals import Unknown
from domain.policy.calendar import local_date
from domain.policy.playbook import Playbook
from domain.team.members import Team, continuity, lacking
from domain.team.risks import Risks
from domain.turnover.holds import Holds
from domain.turnover.leavings import Leaving, Turnover
from queries.answers import IF_ASKED, Answer, Who
from queries.names import Names
from queries.seen import pinned, seen
from queries.source import Source


@dataclass(frozen=True)
class Place(Answer):
    """Somebody in a role or in the team, from a day to a day."""

    what: str
    side: str
    person: Who
    since: date
    until: date | None
    interim: bool | None = field(default=None, metadata=IF_ASKED)
    """Of a role alone."""


@dataclass(frozen=True)
class RoleHeld(Place):
    """A role, and the last day of whoever is to leave it."""

    leaves: date | None = None


@dataclass(frozen=True)
class Stayed(Answer):
    """How many were still there some months after they joined, and which roles lost a holder."""

    months: int
    joined: int
    stayed: int
    percent: str | None
    changes: Mapping[str, int]


@dataclass(frozen=True)
class WhoWasWhat(Answer):
    """Roles and team on a day, and before it."""

    engagement: str
    on: date
    illustrative: bool
    roles: tuple[RoleHeld, ...]
    team: tuple[Place, ...]
    before: tuple[Place, ...]
    lacks: tuple[str, ...] = ()
    continuity: Stayed | None = None


def who_was_what(state: State, day: date, zone: str, names: Names) -> WhoWasWhat | None:
    """Roles and memberships at the end of a day; None before the engagement was opened."""
    engagement = state.of(Engagement)
    if engagement.opened_at is None or local_date(engagement.opened_at, zone) > day:
        return None
    roles: list[RoleHeld] = []
    team: list[Place] = []
    before: list[Place] = []
    for t in engagement.tenures:
        since = local_date(t.since, zone)
        until = local_date(t.until, zone) if t.until else None
        who = names.who(t.person)
        if since <= day and (until is None or day < until):
            note = _leaving(state.of(Turnover).all, t.role, t.person, day)
            leaves = note.last_day if note else None
            roles.append(RoleHeld(t.role, "role", who, since, until, t.interim, leaves))
        elif until is not None and until <= day and since < until:
            before.append(Place(t.role, "role", who, since, until, t.interim))
    for m in state.of(Team).all:
        place = Place(m.kind, m.side, names.who(m.person), m.since, m.until)
        if m.on(day):
            team.append(place)
        elif m.until is not None and m.until <= day:
            before.append(place)
    marked = engagement.illustrative
    return WhoWasWhat(state.id, day, marked, tuple(roles), tuple(team), tuple(before))


def _leaving(leavings: tuple[Leaving, ...], role: str, person: str, day: date) -> Leaving | None:
    """The leaving that was announced by a day."""
    mine = [x for x in leavings if (x.role, x.person) == (role, person) and not x.stayed]
    return next((x for x in reversed(mine) if x.announced <= day), None)


async def team_of(
    source: Source, engagement: str, day: date | None, known: date | None
) -> WhoWasWhat:
    """Who was what at the end of a day.

    Raises:
        Unknown: It was not open yet on that day.
    """
    # What came true by a day is told apart below, so that whoever is to leave says so.
    it = await seen(source, engagement, known, None)
    playbook = await pinned(source, it)
    asked, zone = day or known or it.today, it.zone.key
    await it.names.learn(*(t.person for t in it.state.of(Engagement).tenures))
    await it.names.learn(*(m.person for m in it.state.of(Team).all))
    found = who_was_what(it.state, asked, zone, it.names)
    if found is None:
        raise Unknown(f"{engagement} was not open yet on that day. Ask for a later one.")
    if playbook is None or playbook.team is None:
        return found
    figures = continuity(it.state, playbook.team, asked, zone)
    stayed = Stayed(
        months=figures.months,
        joined=figures.joined,
        stayed=figures.stayed,
        percent=None if figures.share is None else str(figures.share),
        changes=dict(figures.changes),
    )
    lacks = lacks_on(it.state, playbook, asked)
    return replace(found, lacks=tuple(lacks or ()), continuity=stayed)


def section(state: State, zone: ZoneInfo) -> dict[str, Any]:
    """Who is in the team, what is on hold, the risks, and the leaders who leave."""
    holds = state.of(Holds)
    return {
        "team": [
            {"person": m.person, "kind": m.kind, "side": m.side, "since": m.since}
            for m in state.of(Team).all
            if m.until is None
        ],
        "risk": state.of(Risks).level,
        "risks": {
            kind: {"level": r.level, "since": r.since, "reason": r.reason}
            for kind, r in state.of(Risks).all.items()
        },
        "on_hold_since": holds.whole.on if holds.whole else None,
        "holds": [
            {
                "hold": h.id,
                "on": h.on,
                "until": h.until,
                "items": [i for i in h.items if i not in h.released],
                "reason": h.reason,
            }
            for h in holds.open
        ],
        "passed_on_hold": [
            {"item": item, "round": round_, "due": due}
            for (item, round_), due in holds.passed.items()
        ],
        "leavings": [
            {
                "role": x.role,
                "person": x.person,
                "announced": x.announced,
                "last_day": x.last_day,
                "recommit_by": x.recommit_by,
                "recommitted": x.recommitted,
                "reaffirmed": x.reaffirmed,
                "board_reaffirms": x.board_reaffirms,
            }
            for x in state.of(Turnover).open
        ],
    }


def lacks_on(state: State, playbook: Playbook | None, day: date) -> list[str] | None:
    """What the team lacks on a day; None where the playbook asks for none."""
    if playbook is None or playbook.team is None:
        return None
    members = state.of(Team).on(day)
    return list(lacking(members, playbook.team)) if members else []
