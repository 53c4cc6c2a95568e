"""Check-ins: this year's beside last year's, and what became of promises."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from domain.checkins.checkins import CheckIn, CheckIns
from domain.checkins.commitments import Commitment, commitments
from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.kernel.refusals import Unknown
from domain.policy.playbook import Playbook
from queries.answers import Answer, Who
from queries.names import Names
from queries.seen import around, seen
from queries.source import Source

CLOSING = ("reason", "adjust", "sustain")
"""What the outcome of a check-in rests on and leads to."""


@dataclass(frozen=True)
class PurposeTwice(Answer):
    """What was said for a purpose, before and now."""

    purpose: str
    name: str
    before: str | None
    now: str | None


@dataclass(frozen=True)
class CommitmentShown(Answer):
    """A commitment, and what became of it."""

    number: int
    by: date
    promised_first_for: date | None
    owner: Who | None
    owner_name: str | None
    side: str | None
    text: str
    verdict: str | None
    judged_on: date | None
    note: str | None


@dataclass(frozen=True)
class CheckInSaid(Answer):
    """A check-in: when, who, its outcome and its commitments."""

    checkin: str
    planned: date | None
    held: date | None
    attended: tuple[Who, ...]
    outcome: str | None
    reason: str | None
    adjust: str | None
    sustain: str | None
    corrected: tuple[str, ...]
    commitments: tuple[CommitmentShown, ...]


@dataclass(frozen=True)
class TwoCheckIns(Answer):
    """A check-in beside the one before it."""

    engagement: str
    lea_name: str
    illustrative: bool
    checkin: CheckInSaid
    before: CheckInSaid | None
    purposes: tuple[PurposeTwice, ...]


def people_in(state: State) -> Iterable[str]:
    yield from (c.owner for c in commitments(state) if c.owner)
    yield from (p for c in state.of(CheckIns).all for p in c.attended)


def side_by_side(
    this: CheckIn, before: CheckIn | None, state: State, playbook: Playbook, names: Names
) -> TwoCheckIns:
    """Two check-ins side by side."""
    said = [c.said.purposes if c and c.said else {} for c in (before, this)]
    purposes = {p.id: p.name for p in playbook.checkins.purposes}
    for answers in said:
        # An older playbook may have asked something else.
        purposes |= {p: p for p in answers if p not in purposes}
    return TwoCheckIns(
        engagement=state.id,
        lea_name=state.of(Engagement).lea_name,
        illustrative=state.of(Engagement).illustrative,
        checkin=_checkin(this, state, names),
        before=_checkin(before, state, names) if before else None,
        purposes=tuple(
            PurposeTwice(
                purpose=purpose,
                name=name,
                before=str(said[0][purpose]) if purpose in said[0] else None,
                now=str(said[1][purpose]) if purpose in said[1] else None,
            )
            for purpose, name in purposes.items()
        ),
    )


def _checkin(checkin: CheckIn, state: State, names: Names) -> CheckInSaid:
    said = checkin.said

    def text(sealed: object) -> str | None:
        return str(sealed) if sealed else None

    return CheckInSaid(
        checkin=checkin.id,
        planned=checkin.opened_for,
        held=checkin.held_on,
        attended=tuple(names.who(p) for p in checkin.attended),
        outcome=said.outcome if said else None,
        reason=text(said.reason) if said else None,
        adjust=text(said.adjust) if said else None,
        sustain=text(said.sustain) if said else None,
        corrected=tuple(str(fix.reason) for _, fix in checkin.corrections),
        commitments=tuple(_commitment(c, names) for c in commitments(state, checkin.id)),
    )


def _commitment(c: Commitment, names: Names) -> CommitmentShown:
    return CommitmentShown(
        number=c.number,
        by=c.by,
        promised_first_for=c.past[0] if c.past else None,
        owner=names.perhaps(c.owner),
        owner_name=names.of(c.owner) if c.owner else None,
        side=c.side,
        text=str(c.text),
        verdict=c.judged.verdict if c.judged else None,
        judged_on=c.judged.on if c.judged else None,
        note=str(c.judged.note) if c.judged and c.judged.note else None,
    )


async def checkin_of(
    source: Source, engagement: str, checkin: str | None, known: date | None, true: date | None
) -> TwoCheckIns:
    """A check-in beside the one before it; the last that was held if none is named.

    Raises:
        Unknown: There is no such check-in.
    """
    it = await seen(source, engagement, known, true)
    state = it.state
    every = state.of(CheckIns).all
    held = [c for c in every if c.held_on]
    wanted = checkin.upper() if checkin else held[-1].id if held else None
    this = next((c for c in every if c.id == wanted), None)
    if this is None:
        has = ", ".join(c.id for c in every)
        raise Unknown(
            f"{state.id} has no check-in {checkin!r} that was held; it has {has}. Name one of them."
            if checkin and has
            else f"{state.id} has no check-in that was held yet. See when it is owed: "
            f"handrail due --engagement {state.id}"
        )
    before = next((c for c in every if c.number == this.number - 1), None)
    await it.names.learn(*people_in(state))
    playbook = (await around(source, it)).the_playbook
    return side_by_side(this, before, state, playbook, it.names)


def section(state: State, zone: ZoneInfo) -> dict[str, Any]:
    """What `engagement show` says of them."""
    return {
        "checkins": [
            {
                "checkin": c.id,
                "planned": c.opened_for,
                "held": c.held_on,
                "outcome": c.outcome,
                **{
                    name: str(told) if (told := getattr(c.said, name, None)) else None
                    for name in CLOSING
                },
                "purposes": {k: str(v) for k, v in c.said.purposes.items()} if c.said else {},
                "commitments": [
                    {
                        "number": k.number,
                        "by": k.by,
                        "owner": k.owner,
                        "text": str(k.text),
                        "verdict": k.judged.verdict if k.judged else None,
                    }
                    for k in commitments(state, c.id)
                ],
            }
            for c in state.of(CheckIns).all
        ],
    }
