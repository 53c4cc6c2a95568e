"""Who was what, on any day: roles, the team, what it lacks, and who stayed."""

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
from queries.names import Names
from queries.seen import pinned, seen
from queries.source import Source


def who_was_what(state: State, day: date, zone: str) -> dict[str, Any] | None:
    """Roles and memberships at the end of a day; None before the engagement was opened."""
    engagement = state.of(Engagement)
    if engagement.opened_at is None or local_date(engagement.opened_at, zone) > day:
        return None
    roles, before = [], []
    for t in engagement.tenures:
        since = local_date(t.since, zone)
        until = local_date(t.until, zone) if t.until else None
        row: dict[str, Any] = {
            "what": t.role,
            "side": "role",
            "person": t.person,
            "since": since,
            "until": until,
            "interim": t.interim,
        }
        if since <= day and (until is None or day < until):
            note = _leaving(state.of(Turnover).all, t.role, t.person, day)
            roles.append({**row, "leaves": note.last_day if note else None})
        elif until is not None and until <= day and since < until:
            before.append(row)
    team = []
    for m in state.of(Team).all:
        row = {
            "what": m.kind,
            "side": m.side,
            "person": m.person,
            "since": m.since,
            "until": m.until,
        }
        if m.on(day):
            team.append(row)
        elif m.until is not None and m.until <= day:
            before.append(row)
    return {
        "engagement": state.id,
        "on": day,
        "illustrative": engagement.illustrative,
        "roles": roles,
        "team": team,
        "before": before,
        "lacks": [],
        "continuity": None,
    }


def _leaving(leavings: tuple[Leaving, ...], role: str, person: str, day: date) -> Leaving | None:
    """The leaving that was announced by a day."""
    mine = [x for x in leavings if (x.role, x.person) == (role, person) and not x.stayed]
    return next((x for x in reversed(mine) if x.announced <= day), None)


async def team_of(
    source: Source, engagement: str, day: date | None, known: date | None
) -> tuple[dict[str, Any], Names]:
    """Who was what at the end of a day; people by id.

    Raises:
        Unknown: It was not open yet on that day.
    """
    # What came true by a day is told apart below, so that whoever is to leave says so.
    it = await seen(source, engagement, known, None)
    playbook = await pinned(source, it)
    asked, zone = day or known or it.today, it.zone.key
    found = who_was_what(it.state, asked, zone)
    if found is None:
        raise Unknown(f"{engagement} was not open yet on that day. Ask for a later one.")
    if playbook and playbook.team:
        found["lacks"] = lacks_on(it.state, playbook, asked)
        figures = continuity(it.state, playbook.team, asked, zone)
        found["continuity"] = {
            "months": figures.months,
            "joined": figures.joined,
            "stayed": figures.stayed,
            "percent": None if figures.share is None else str(figures.share),
            "changes": dict(figures.changes),
        }
    named = (*found["roles"], *found["team"], *found["before"])
    await it.names.learn(*(row["person"] for row in named))
    return found, it.names


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
