"""The annual check-in: four purposes, none of which may stay blank."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from domain.agreements import Agreements
from domain.calendar import add_months, spoken
from domain.context import Context
from domain.engagement import Engagement, not_in_the_future, running, within_reach
from domain.errors import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Unknown,
    WrongState,
    did_you_mean,
)
from domain.kernel import (
    Decision,
    EngagementCommand,
    Event,
    PersonRef,
    Stamp,
    State,
    decides,
    evolves,
)
from domain.obligations import Obligation, owes
from domain.personal import Sealed

Outcome = Literal["continue", "adjust", "end"]


class OpenCheckIn(EngagementCommand):
    """Open the next annual check-in on a day agreed with the LEA's leadership."""

    noun = "checkin"
    verb = "open"

    on: date
    """The day agreed on."""


class HoldCheckIn(EngagementCommand):
    """Record that the annual check-in was held."""

    noun = "checkin"
    verb = "hold"

    on: date | None = None
    """The day it was held; today if left out."""
    attended: tuple[PersonRef, ...] = ()
    """Who was there, once for each person."""


class Promise(BaseModel):
    """What somebody will have done by a day."""

    model_config = ConfigDict(frozen=True)

    by: date
    text: str

    @model_validator(mode="before")
    @classmethod
    def _typed(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        by, equals, text = value.partition("=")
        if not equals:
            raise ValueError(f"{value!r}: write it as DATE=TEXT")
        return {"by": by.strip(), "text": text}


class CloseCheckIn(EngagementCommand):
    """Close the check-in that was held: every purpose answered, commitments dated."""

    noun = "checkin"
    verb = "close"

    purpose: Mapping[str, str]
    """An answer to each purpose, as NAME=TEXT."""
    commitment: tuple[Promise, ...] = ()
    """What was promised by when, as DATE=TEXT, once for each promise."""
    outcome: Outcome = "continue"
    """continue, adjust or end."""


class DatedCommitment(BaseModel):
    """A promise with its day."""

    model_config = ConfigDict(frozen=True)

    by: date
    text: Sealed


class CheckInOpened(Event):
    type: ClassVar[str] = "checkin-opened"
    checkin: str
    on: date

    def sentence(self) -> str:
        return f"{self.checkin} planned for {spoken(self.on)}."


class CheckInHeld(Event):
    type: ClassVar[str] = "checkin-held"
    checkin: str
    on: date
    attended: tuple[str, ...] = ()

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        return f"{self.checkin} held on {spoken(self.on)}" + (
            f" with {', '.join(self.attended)}." if self.attended else "."
        )


class CheckInClosed(Event):
    type: ClassVar[str] = "checkin-closed"
    checkin: str
    purposes: Mapping[str, Sealed]
    commitments: tuple[DatedCommitment, ...] = ()
    outcome: Outcome

    def sentence(self) -> str:
        return (
            f"{self.checkin} closed, outcome {self.outcome}: "
            + "; ".join(f"{k}: {v}" for k, v in self.purposes.items())
            + "."
            + "".join(f" By {spoken(c.by)}: {c.text}." for c in self.commitments)
        )


@dataclass(frozen=True, slots=True)
class CheckIn:
    """One annual check-in."""

    id: str
    opened_for: date | None = None
    past: tuple[date, ...] = ()
    held_on: date | None = None
    closed: CheckInClosed | None = None


@dataclass(frozen=True, slots=True)
class CheckIns:
    """All check-ins, oldest first; the last may still be open."""

    all: tuple[CheckIn, ...] = ()


def _current(state: State) -> CheckIn:
    """The check-in in play: the last one that is not closed, or the one that comes next."""
    all_ = state.of(CheckIns).all
    if all_ and all_[-1].closed is None:
        return all_[-1]
    return CheckIn(id=f"CI-{len(all_) + 1}")


def annual_date(number: int, state: State, context: Context) -> date | None:
    """By when the nth check-in is owed: so many years after the agreement became effective."""
    effective = state.of(Agreements).effective_on
    if effective is None:
        return None
    months = context.the_playbook.checkins.every_months * number
    return context.agency_days.forward(add_months(effective, months))


def _needs_agreement(state: State, context: Context) -> None:
    engagement = running(state, context)
    if annual_date(1, state, context) is None:
        raise WrongState(
            f"{state.id} is {engagement.phase}: check-ins begin once the agreement is effective. "
            f"See where it stands: handrail engagement show {state.id}"
        )


@decides(OpenCheckIn)
def open_checkin(command: OpenCheckIn, state: State, context: Context) -> Decision:
    _needs_agreement(state, context)
    current = _current(state)
    not_in_the_future(context.effective_on, "The planning of the check-in", context)
    if current.held_on:
        raise WrongState(
            f"{state.id}: {current.id} was held on {spoken(current.held_on)} and is not closed. "
            f"Close it first: handrail checkin close {state.id} --purpose NAME=TEXT"
        )
    if command.on <= context.today:
        raise ImpossibleDate(
            f"{state.id}: {current.id} cannot be planned for {spoken(command.on)}: today is "
            f"{spoken(context.today)}. Give a day that lies ahead, or record that it was held: "
            f"handrail checkin hold {state.id} --on {command.on}"
        )
    within_reach(command.on, f"{current.id} on", context)
    why_not = context.lea_days(state.of(Engagement).lea).why_not(command.on)
    if why_not:
        raise ImpossibleDate(
            f"{state.id}: {spoken(command.on)} is {why_not}. Give a working day of the LEA."
        )
    if current.opened_for == command.on:
        raise AlreadyExists(
            f"{state.id}: {current.id} is planned for {spoken(command.on)} already. Give another "
            f"day to move it."
        )
    return [CheckInOpened(checkin=current.id, on=command.on)]


def _put(state: State, checkin: CheckIn) -> State:
    all_ = [c for c in state.of(CheckIns).all if c.id != checkin.id]
    return state.put(CheckIns((*all_, checkin)))


def _get(state: State, checkin_id: str) -> CheckIn:
    return next((c for c in state.of(CheckIns).all if c.id == checkin_id), CheckIn(checkin_id))


@evolves(CheckInOpened)
def checkin_opened(state: State, event: CheckInOpened, stamp: Stamp) -> State:
    checkin = _get(state, event.checkin)
    past = (*checkin.past, checkin.opened_for) if checkin.opened_for else checkin.past
    return _put(state, replace(checkin, opened_for=event.on, past=past))


def _cannot_be_before(state: State) -> tuple[date, str]:
    """The first day on which a check-in can be held, and why."""
    held = [c.held_on for c in state.of(CheckIns).all if c.held_on]
    if held:
        return max(held), "the one before was held on"
    effective = state.of(Agreements).effective_on
    assert effective is not None
    return effective, "the agreement is effective since"


@decides(HoldCheckIn)
def hold_checkin(command: HoldCheckIn, state: State, context: Context) -> Decision:
    _needs_agreement(state, context)
    current = _current(state)
    on = command.on or context.effective_on
    if current.held_on:
        raise AlreadyExists(
            f"{state.id}: {current.id} was held on {spoken(current.held_on)} already. Close it: "
            f"handrail checkin close {state.id} --purpose NAME=TEXT"
        )
    not_in_the_future(on, "The check-in", context)
    since, what = _cannot_be_before(state)
    if on < since:
        raise ImpossibleDate(
            f"{state.id}: {current.id} cannot have been held on {spoken(on)}: {what} "
            f"{spoken(since)}. Give the day on which it was held."
        )
    return [
        CheckInHeld(
            checkin=current.id,
            on=on,
            attended=tuple(context.person(p).id for p in command.attended),
        )
    ]


@evolves(CheckInHeld)
def checkin_held(state: State, event: CheckInHeld, stamp: Stamp) -> State:
    return _put(state, replace(_get(state, event.checkin), held_on=event.on))


@decides(CloseCheckIn)
def close_checkin(command: CloseCheckIn, state: State, context: Context) -> Decision:
    _needs_agreement(state, context)
    current = _current(state)
    not_in_the_future(context.effective_on, "The close of the check-in", context)
    if current.held_on is None:
        raise WrongState(
            f"{state.id}: {current.id} was not held yet, so it cannot be closed. Record it first: "
            f"handrail checkin hold {state.id} --on DATE"
        )
    if context.effective_on < current.held_on:
        raise ImpossibleDate(
            f"{state.id}: {current.id} cannot have been closed on "
            f"{spoken(context.effective_on)}: it was held on {spoken(current.held_on)}. Give the "
            f"day of the close."
        )
    purposes = context.the_playbook.checkins.purposes
    known = [p.id for p in purposes]
    for name in command.purpose:
        if name not in known:
            raise Unknown(
                f"{name!r} is not a purpose of the annual check-in. {did_you_mean(name, known)} "
                f"The purposes: {', '.join(known)}."
            )
    blank = [p for p in purposes if not command.purpose.get(p.id, "").strip()]
    if blank:
        raise Incomplete(
            f"{state.id}: {current.id} cannot be closed while "
            f"{', '.join(f'{p.id} ({p.name})' for p in blank)} "
            f"{'is' if len(blank) == 1 else 'are'} blank. Answer it: "
            + " ".join(f'--purpose {p.id}="…"' for p in blank)
        )
    for by, text in ((promise.by, promise.text) for promise in command.commitment):
        if not text.strip():
            raise Incomplete(
                f"{state.id}: the commitment for {spoken(by)} is blank. Say what was promised: "
                f'--commitment {by}="…"'
            )
        if by < current.held_on:
            raise ImpossibleDate(
                f"{state.id}: the commitment {text!r} is dated {spoken(by)}, before the check-in "
                f"of {spoken(current.held_on)}. Give the day by which it will be done."
            )
    about = state.stream
    return [
        CheckInClosed(
            checkin=current.id,
            purposes={
                name: Sealed(about=about, text=text.strip())
                for name, text in command.purpose.items()
            },
            commitments=tuple(
                DatedCommitment(by=p.by, text=Sealed(about=about, text=p.text.strip()))
                for p in sorted(command.commitment, key=lambda p: p.by)
            ),
            outcome=command.outcome,
        )
    ]


@evolves(CheckInClosed)
def checkin_closed(state: State, event: CheckInClosed, stamp: Stamp) -> State:
    return _put(state, replace(_get(state, event.checkin), closed=event))


@owes
def checkins_owed(state: State, context: Context) -> Iterable[Obligation]:
    """The Lead owes the annual check-in, a year after the agreement and every year after."""
    known = state.of(CheckIns).all
    current = _current(state)
    ended = any(c.closed and c.closed.outcome == "end" for c in known)
    for checkin in known if ended or current in known else (*known, current):
        number = int(checkin.id.removeprefix("CI-"))
        first = annual_date(number, state, context)
        if first is None:
            return
        planned = checkin.past + ((checkin.opened_for,) if checkin.opened_for else ())
        dates = (first, *planned)
        for round_, due in enumerate(dates, start=1):
            last = round_ == len(dates)
            settled = "held" if checkin.held_on else None
            yield Obligation(
                checkin.id,
                f"Annual check-in {number}",
                round_,
                due,
                "lead",
                "agency",
                "Hold the check-in with the LEA's leadership and record it.",
                f"handrail checkin hold {state.id} --on DATE",
                context.the_playbook.checkins.policy,
                settled if last else "re-dated",
            )
