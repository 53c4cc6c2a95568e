"""The annual check-in: what was said for each purpose, what was promised, how it goes on."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from domain.agreements.agreements import Agreements
from domain.engagement.state import Engagement
from domain.kernel.bounds import Day
from domain.kernel.fields import Option, PersonRef
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import AlreadyExists, ImpossibleDate, WrongState
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.owing.obligations import Obligation, Side, owes
from domain.policy.calendar import add_months, spoken
from domain.rules.context import Context
from domain.rules.days import not_in_the_future, within_reach
from domain.rules.registry import decides, evolves

about_noun(
    "checkin", "The annual check-in: open, hold, close and correct it, and see two side by side."
)

Outcome = Literal["continue", "adjust", "end"]


class OpenCheckIn(EngagementCommand):
    """Open the next annual check-in on a day agreed with the LEA's leadership."""

    noun = "checkin"
    verb = "open"

    on: Annotated[Day, Option("scheduled")]
    """The day agreed on."""


class HoldCheckIn(EngagementCommand):
    """Record that the annual check-in was held."""

    noun = "checkin"
    verb = "hold"
    stated = frozenset({"on", "attended"})

    on: Day | None = None
    """The day it was held."""
    attended: Annotated[tuple[PersonRef, ...], Option("with")] = ()
    """Who was there, once for each person."""


class DatedCommitment(BaseModel):
    """A promise with its day."""

    model_config = ConfigDict(frozen=True)

    by: date
    text: Sealed
    """In the words of the side that promised."""
    owner: str | None = None
    side: Side | None = None


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
    reason: Sealed | None = None
    """Why this outcome."""
    adjust: Sealed | None = None
    """What changes, where the outcome is adjust."""
    sustain: Sealed | None = None
    """How the LEA keeps it going on its own, where the outcome is end."""

    def sentence(self) -> str:
        said = [
            f"{self.checkin} closed, outcome {self.outcome}",
            f" ({self.reason})" if self.reason else "",
            ": " + full("; ".join(f"{k}: {v}" for k, v in self.purposes.items())),
        ]
        for number, c in enumerate(self.commitments, start=1):
            who = f", {c.owner}" if c.owner else ""
            said.append(f" {number}. By {spoken(c.by)}{who}: {full(c.text)}")
        if self.adjust:
            said.append(f" To adjust: {full(self.adjust)}")
        if self.sustain:
            said.append(f" To sustain it: {full(self.sustain)}")
        return "".join(said)


class CheckInCorrected(Event):
    """What was recorded of a closed check-in was wrong; what is not named stays as it was."""

    type: ClassVar[str] = "checkin-corrected"
    checkin: str
    purposes: Mapping[str, Sealed] = {}
    outcome: Outcome | None = None
    because: Sealed | None = None
    """Why that outcome."""
    adjust: Sealed | None = None
    sustain: Sealed | None = None
    reason: Sealed
    """What was wrong."""

    def sentence(self) -> str:
        said = [f"{name}: {text}" for name, text in self.purposes.items()]
        said += [f"outcome {self.outcome}"] if self.outcome else []
        said += [f"because {self.because}"] if self.because else []
        said += [f"to adjust: {self.adjust}"] if self.adjust else []
        said += [f"to sustain it: {self.sustain}"] if self.sustain else []
        return f"{self.checkin} corrected ({self.reason}): {full('; '.join(said))}"


@dataclass(frozen=True, slots=True)
class CheckIn:
    """One annual check-in."""

    id: str
    opened_for: date | None = None
    past: tuple[date, ...] = ()
    held_on: date | None = None
    attended: tuple[str, ...] = ()
    closed: CheckInClosed | None = None
    """As it was closed; `said` has it with what was corrected since."""
    closed_at: datetime | None = None
    corrections: tuple[tuple[int, CheckInCorrected], ...] = ()
    """Each with the version it was recorded at, in that order."""

    @property
    def number(self) -> int:
        """The year it belongs to, counted from 1."""
        return int(self.id.removeprefix("CI-"))

    @property
    def closed_as(self) -> Outcome | None:
        """The outcome that was recorded first, whatever was corrected since."""
        return self.closed.outcome if self.closed else None

    @property
    def said(self) -> CheckInClosed | None:
        """The answers, commitments and outcome as they stand, every correction applied."""
        if self.closed is None:
            return None
        said = self.closed
        for _, fix in self.corrections:
            # What belonged to another outcome goes with it.
            same = fix.outcome is None or fix.outcome == said.outcome
            said = said.model_copy(
                update={
                    "purposes": {**said.purposes, **fix.purposes},
                    "outcome": fix.outcome or said.outcome,
                    "reason": fix.because or (said.reason if same else None),
                    "adjust": fix.adjust or (said.adjust if same else None),
                    "sustain": fix.sustain or (said.sustain if same else None),
                }
            )
        return said

    @property
    def outcome(self) -> Outcome | None:
        """continue, adjust or end; None while it is open."""
        return self.said.outcome if self.said else None


@dataclass(frozen=True, slots=True)
class CheckIns:
    """All check-ins, oldest first; the last may still be open."""

    all: tuple[CheckIn, ...] = ()


def in_play(state: State) -> CheckIn:
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


def needs_agreement(state: State, context: Context) -> None:
    engagement = state.of(Engagement)
    if annual_date(1, state, context) is None:
        raise WrongState(
            f"{state.id} is {engagement.phase}: check-ins begin once the agreement is effective. "
            f"See where it stands: handrail engagement show {state.id}"
        )


@decides(OpenCheckIn)
def open_checkin(command: OpenCheckIn, state: State, context: Context) -> Decision:
    needs_agreement(state, context)
    current = in_play(state)
    not_in_the_future(context.effective_on, "The planning of the check-in", context)
    if current.held_on:
        raise WrongState(
            f"{state.id}: {current.id} was held on {spoken(current.held_on)} and is not closed. "
            f"Close it first: handrail checkin close {state.id} --answer NAME=TEXT"
        )
    if command.on <= context.said_on:
        raise ImpossibleDate(
            f"{state.id}: {current.id} cannot be planned for {spoken(command.on)}: that is not "
            f"after {context.said_when}. Give a day that lies ahead, or record that it was held: "
            f"handrail checkin hold {state.id} --on {command.on} --with PERSON"
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
    return state.put(CheckIns(tuple(sorted((*all_, checkin), key=lambda c: c.number))))


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
    needs_agreement(state, context)
    current = in_play(state)
    on = command.on or context.effective_on
    if current.held_on:
        raise AlreadyExists(
            f"{state.id}: {current.id} was held on {spoken(current.held_on)} already. Close it: "
            f"handrail checkin close {state.id} --answer NAME=TEXT"
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
    return _put(
        state, replace(_get(state, event.checkin), held_on=event.on, attended=event.attended)
    )


@evolves(CheckInClosed)
def checkin_closed(state: State, event: CheckInClosed, stamp: Stamp) -> State:
    known = _get(state, event.checkin)
    return _put(state, replace(known, closed=event, closed_at=stamp.effective_at))


@evolves(CheckInCorrected)
def checkin_corrected(state: State, event: CheckInCorrected, stamp: Stamp) -> State:
    known = _get(state, event.checkin)
    # By version: told as true, a correction may come before the one that it corrects.
    corrections = sorted((*known.corrections, (stamp.version, event)), key=lambda c: c[0])
    return _put(state, replace(known, corrections=tuple(corrections)))


@owes
def checkins_owed(state: State, context: Context) -> Iterable[Obligation]:
    """The Lead owes the annual check-in, a year after the agreement and every year after."""
    known = state.of(CheckIns).all
    current = in_play(state)
    ended = next((c for c in known if c.outcome == "end"), None)
    if ended:
        yield Obligation(
            "exit",
            f"Close the engagement: its end was agreed at {ended.id}",
            1,
            None,
            "lead",
            "agency",
            "Do what is left to do, then close the engagement.",
            f"handrail engagement close {state.id} --reason REASON",
            None,
        )
    # A correction to an end may come when the next one is reminded of already.
    over = current in known or (ended is not None and ended.closed_as == "end")
    for checkin in known if over else (*known, current):
        number = checkin.number
        first = annual_date(number, state, context)
        if first is None:
            return
        planned = checkin.past + ((checkin.opened_for,) if checkin.opened_for else ())
        dates = (first, *planned)
        for round_, due in enumerate(dates, start=1):
            last = round_ == len(dates)
            settled = "held" if checkin.held_on else None
            if ended and checkin not in known:
                settled = "the end was agreed"
            yield Obligation(
                checkin.id,
                f"Annual check-in {number}",
                round_,
                due,
                "lead",
                "agency",
                "Hold the check-in with the LEA's leadership and record it.",
                f"handrail checkin hold {state.id} --on DATE --with PERSON",
                context.the_playbook.checkins.policy,
                settled if last else "re-dated",
            )
