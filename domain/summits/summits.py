"""A summit: some days on which LEAs meet, with its sessions, its pairs, and what moves it.

The summit knows whom it invited; what an invitation asks of an LEA
is in `domain.summits.invitations`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, ClassVar, Self

from pydantic import StringConstraints, model_validator

from domain.kernel.bounds import Day
from domain.kernel.fields import Hours, LeaHours, Line, Option, Positional, Ref
from domain.kernel.messages import Command, Decision, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.phases import SummitStatus
from domain.kernel.refusals import AlreadyExists, ImpossibleDate, Unknown, WrongState, did_you_mean
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full, lea_hours
from domain.policy.calendar import at_local, spoken
from domain.policy.parts import SummitRules
from domain.rules.context import Context, SummitEntry
from domain.rules.days import not_in_the_future, within_reach
from domain.rules.registry import decides, evolves
from domain.streams import Aggregate

about_noun("summit", "Plan summits, invite LEAs, record who comes and what was promised.")

LONGEST_DAYS = 14
"""A summit takes some days; more is a slip of the keyboard."""

SummitId = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_upper=True, pattern=r"^[Yy][1-9][0-9]?-[1-9][0-9]?$"
    ),
    Positional(),
    Ref("summit"),
]
"""A summit's id: the year of the program and the number in it, for example ``Y2-5``."""


class SummitCommand(Command):
    """A command of one summit."""

    aggregate: ClassVar[Aggregate] = "summit"

    summit: SummitId
    """The summit's id: year of the program and number in it, for example Y1-1."""


def in_order(first: date, last: date) -> None:
    """Refuse days that no summit has; as a wrong value of the command."""
    if last < first:
        raise ValueError(f"the summit ends on {spoken(last)}, before it begins on {spoken(first)}")
    if (last - first).days >= LONGEST_DAYS:
        raise ValueError(
            f"the summit would last from {spoken(first)} to {spoken(last)}, more than "
            f"{LONGEST_DAYS} days; check the dates"
        )


class PlanSummit(SummitCommand):
    """Plan a summit: its days, its place, and by when LEAs register."""

    noun = "summit"
    verb = "plan"

    title: Line
    """What it is called."""
    first: Day
    """Its first day."""
    last: Day
    """Its last day."""
    place: Line
    """Where it is."""
    registration_due: Day
    """By when each invited LEA registers."""
    hours: LeaHours
    """How many hours it asks of each invited LEA's people."""

    @model_validator(mode="after")
    def _days(self) -> Self:
        in_order(self.first, self.last)
        return self


class RescheduleSummit(SummitCommand):
    """Move a summit to other days: every invited LEA follows, but for those that cannot."""

    noun = "summit"
    verb = "reschedule"

    to: Annotated[Day, Option("first")]
    """The new first day; it lasts as long as before."""
    registration_due: Day | None = None
    """By when LEAs register; as long before the summit as until now if left out."""
    place: Line | None = None
    """The new place, where that changes too."""
    reason: Line | None = None
    """Why."""


class CancelSummit(SummitCommand):
    """Call a summit off: nothing is asked of anybody for it any more."""

    noun = "summit"
    verb = "cancel"
    ends = True

    reason: Line
    """Why."""


class ConcludeSummit(SummitCommand):
    """Note that the last day of a summit has passed."""

    noun = "summit"
    verb = "conclude"
    internal = True


class SummitPlanned(Event):
    type: ClassVar[str] = "summit-planned"
    title: str
    first: date
    last: date
    place: str
    registration_due: date
    hours: Hours
    playbook: str

    def sentence(self) -> str:
        return (
            f"{self.title} planned for {span(self.first, self.last)} in {self.place}; LEAs "
            f"register by {spoken(self.registration_due)}, {lea_hours(self.hours)} each."
        )


class SummitRescheduled(Event):
    type: ClassVar[str] = "summit-rescheduled"
    round: int
    first: date
    last: date
    registration_due: date
    place: str
    invited: tuple[str, ...]
    """The engagements that have to follow."""
    reason: Sealed | None = None

    def sentence(self) -> str:
        return (
            f"Moved to {span(self.first, self.last)} in {self.place}; registration by "
            f"{spoken(self.registration_due)}" + (f": {full(self.reason)}" if self.reason else ".")
        )


class SummitCancelled(Event):
    type: ClassVar[str] = "summit-cancelled"
    reason: Sealed
    invited: tuple[str, ...]

    def sentence(self) -> str:
        return f"Called off: {full(self.reason)}"


class SummitHeld(Event):
    type: ClassVar[str] = "summit-held"
    on: date
    """Its last day."""
    invited: tuple[str, ...]

    def sentence(self) -> str:
        return f"Held; it ended on {spoken(self.on)}."


class EngagementInvited(Event):
    type: ClassVar[str] = "summit-engagement-invited"
    engagement: str
    lea: str

    def sentence(self) -> str:
        return f"{self.engagement} invited."


class EngagementDeclined(Event):
    type: ClassVar[str] = "summit-engagement-declined"
    engagement: str

    def sentence(self) -> str:
        return f"{self.engagement} does not come."


@dataclass(frozen=True, slots=True)
class Summit:
    """A summit's slice."""

    title: str = ""
    place: str = ""
    first: date | None = None
    last: date | None = None
    registration_due: date | None = None
    hours: Decimal = Decimal(0)
    playbook: str = ""
    round: int = 0
    status: SummitStatus = "planned"
    invited: Mapping[str, str] = field(default_factory=dict)
    """Each invited engagement with its LEA."""
    declined: tuple[str, ...] = ()
    illustrative: bool = False

    @property
    def is_open(self) -> bool:
        """From planning until it is held or cancelled."""
        return self.first is not None and self.status == "planned"

    def ends(self, zone: str) -> datetime | None:
        """When its last day is over; None where nothing is waited for any more."""
        if not self.is_open or self.last is None:
            return None
        return at_local(self.last + timedelta(days=1), time(0), zone)


def span(first: date, last: date) -> str:
    """One day or several, as people read it."""
    return spoken(first) if first == last else f"{spoken(first)} to {spoken(last)}"


def entry_of(state: State, over: frozenset[str] = frozenset()) -> SummitEntry | None:
    """A summit as other streams' decisions see it; None for one that was never planned."""
    summit = state.of(Summit)
    if summit.first is None or summit.last is None or summit.registration_due is None:
        return None
    return SummitEntry(
        id=state.id,
        version=state.version,
        title=summit.title,
        place=summit.place,
        first=summit.first,
        last=summit.last,
        registration_due=summit.registration_due,
        hours=summit.hours,
        round=summit.round,
        status=summit.status,
        invited=dict(summit.invited),
        over=over & frozenset(summit.invited),
    )


def rules_of(context: Context) -> SummitRules:
    """What the playbook says about summits.

    Raises:
        WrongState: It says nothing.
    """
    rules = context.the_playbook.summits
    if rules is None:
        raise WrongState(
            f"The playbook {context.the_playbook.ref} says nothing about summits, so nothing of "
            f"one can be recorded. See which versions do: handrail playbook list"
        )
    return rules


def the_summit(name: str, context: Context) -> SummitEntry:
    """The summit that a command names.

    Raises:
        Unknown: It was never planned.
    """
    if context.summit is None:
        raise Unknown(
            f"There is no summit {name!r}. {did_you_mean(name, context.summits)}"
            f"See them all: handrail summit list"
        )
    return context.summit


def planned(command: SummitCommand, state: State, context: Context) -> Summit:
    """The summit, provided that it was planned."""
    the_summit(command.summit, context)
    return state.of(Summit)


def _ahead(command: SummitCommand, state: State, context: Context, what: str) -> Summit:
    """The summit, provided that it is neither over nor called off."""
    summit = planned(command, state, context)
    if summit.status != "planned":
        raise WrongState(
            f"{state.id} {summit.title!r} cannot be {what}: it was {summit.status}. Plan another: "
            f"handrail summit plan --help"
        )
    return summit


def _possible_days(summit: str, first: date, due: date, context: Context) -> None:
    if first <= context.said_on:
        raise ImpossibleDate(
            f"A summit is planned for days to come; {spoken(first)} is not after "
            f"{context.said_when}. Give a later day; if it was held already: handrail summit enter "
            f"{summit} --first {first}"
        )
    within_reach(first, "The summit on", context)
    if due >= first:
        raise ImpossibleDate(
            f"Registration by {spoken(due)} would end when the summit has begun on "
            f"{spoken(first)}. Give an earlier day: --registration-due DATE"
        )
    if due < context.said_on:
        raise ImpossibleDate(
            f"Registration by {spoken(due)} would be over already: that is before "
            f"{context.said_when}. Give a day to come: --registration-due DATE"
        )


def not_there_yet(state: State) -> None:
    """Refuse a summit that is there already.

    Raises:
        AlreadyExists: It is.
    """
    known = state.of(Summit)
    if known.first is None or known.last is None:
        return
    days = f"{known.title!r}, {span(known.first, known.last)} in {known.place}"
    if known.status == "planned":
        raise AlreadyExists(
            f"{state.id} is planned already: {days}. To move it: handrail summit reschedule "
            f"{state.id} --first DATE"
        )
    raise AlreadyExists(
        f"{state.id} was {known.status} already: {days}. To put that right: handrail correct "
        f"{state.stream} 1"
    )


@decides(PlanSummit)
def plan_summit(command: PlanSummit, state: State, context: Context) -> Decision:
    not_there_yet(state)
    rules_of(context)
    not_in_the_future(context.effective_on, "The planning", context)
    _possible_days(state.id, command.first, command.registration_due, context)
    return [
        SummitPlanned(
            title=command.title,
            first=command.first,
            last=command.last,
            place=command.place,
            registration_due=command.registration_due,
            hours=command.hours,
            playbook=context.the_playbook.ref,
        )
    ]


@evolves(SummitPlanned)
def summit_planned(state: State, event: SummitPlanned, stamp: Stamp) -> State:
    summit = state.of(Summit)
    if summit.first is None:  # A change of its days that came true before stays.
        summit = replace(
            summit,
            first=event.first,
            last=event.last,
            place=event.place,
            registration_due=event.registration_due,
        )
    return state.put(
        replace(
            summit,
            title=event.title,
            hours=event.hours,
            playbook=event.playbook,
            round=max(summit.round, 1),
            illustrative=event.illustrative,
        )
    )


@decides(RescheduleSummit)
def reschedule_summit(command: RescheduleSummit, state: State, context: Context) -> Decision:
    summit = _ahead(command, state, context, "moved")
    not_in_the_future(context.effective_on, "The change", context)
    assert summit.first is not None
    assert summit.last is not None
    assert summit.registration_due is not None
    by = command.to - summit.first
    due = command.registration_due or summit.registration_due + by
    place = command.place or summit.place
    if (command.to, due, place) == (summit.first, summit.registration_due, summit.place):
        raise AlreadyExists(
            f"{state.id} is on {span(summit.first, summit.last)} in {summit.place} already, with "
            f"registration by {spoken(due)}. Give another day: --first DATE"
        )
    if summit.first <= context.said_on:
        raise WrongState(
            f"{state.id} {summit.title!r} cannot be moved: it began on {spoken(summit.first)}. "
            f"To call it off: handrail summit cancel {state.id} --reason REASON"
        )
    _possible_days(state.id, command.to, due, context)
    return [
        SummitRescheduled(
            round=summit.round + 1,
            first=command.to,
            last=summit.last + by,
            registration_due=due,
            place=place,
            invited=tuple(sorted(summit.invited)),
            reason=Sealed(about=state.stream, text=command.reason) if command.reason else None,
        )
    ]


@evolves(SummitRescheduled)
def summit_rescheduled(state: State, event: SummitRescheduled, stamp: Stamp) -> State:
    return state.put(
        replace(
            state.of(Summit),
            first=event.first,
            last=event.last,
            place=event.place,
            registration_due=event.registration_due,
            round=event.round,
        )
    )


@decides(CancelSummit)
def cancel_summit(command: CancelSummit, state: State, context: Context) -> Decision:
    summit = _ahead(command, state, context, "called off")
    not_in_the_future(context.effective_on, "The cancellation", context)
    reason = Sealed(about=state.stream, text=command.reason)
    return [SummitCancelled(reason=reason, invited=tuple(sorted(summit.invited)))]


@evolves(SummitCancelled)
def summit_cancelled(state: State, event: SummitCancelled, stamp: Stamp) -> State:
    return state.put(replace(state.of(Summit), status="cancelled"))


@decides(ConcludeSummit)
def conclude_summit(command: ConcludeSummit, state: State, context: Context) -> Decision:
    summit = state.of(Summit)
    ends = summit.ends(context.zone)
    if ends is None or context.now < ends:
        return []
    assert summit.last is not None
    return [
        SummitHeld(
            on=summit.last,
            invited=tuple(sorted(summit.invited)),
            illustrative=summit.illustrative,
        )
    ]


@evolves(SummitHeld)
def summit_held(state: State, event: SummitHeld, stamp: Stamp) -> State:
    return state.put(replace(state.of(Summit), status="held"))


@evolves(EngagementInvited)
def engagement_invited(state: State, event: EngagementInvited, stamp: Stamp) -> State:
    summit = state.of(Summit)
    return state.put(
        replace(
            summit,
            invited={**summit.invited, event.engagement: event.lea},
            declined=tuple(e for e in summit.declined if e != event.engagement),
        )
    )


@evolves(EngagementDeclined)
def engagement_declined(state: State, event: EngagementDeclined, stamp: Stamp) -> State:
    summit = state.of(Summit)
    return state.put(
        replace(
            summit,
            invited={e: lea for e, lea in summit.invited.items() if e != event.engagement},
            declined=(*summit.declined, event.engagement),
        )
    )
