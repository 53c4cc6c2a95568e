"""What an engagement asks of the LEA, in hours of its people, month by month, and the cap on it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from domain.engagement.state import Engagement
from domain.kernel.fields import Hours, LeaHours, Line, Positional
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Invalid,
    TooMany,
    WrongPerson,
    WrongState,
)
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full, lea_hours, plain
from domain.policy.calendar import WorkingDays, spoken
from domain.policy.parts import BurdenRules
from domain.rules.context import Context
from domain.rules.days import within_reach
from domain.rules.registry import decides, every_subject, evolves

about_noun("burden", "What is asked of the LEA, in hours a month, against the cap.")


@dataclass(frozen=True, slots=True)
class HoursAsked:
    """Hours of the LEA's people for one thing."""

    item: str
    """``D1``, ``W2``, ``Y1-3``: as the subject calls it."""
    title: str
    on: date
    """The day whose calendar month they count in."""
    hours: Decimal
    agreed: bool
    """False while it is only proposed."""


Asks = Callable[[State], Iterable[HoursAsked]]
_SUBJECTS: list[Asks] = []


def asks(function: Asks) -> Asks:
    """Register what one subject asks of the LEA; what is dropped or declined asks nothing.

    An item with new terms on the table is both: agreed as it stands, proposed as it would be.
    """
    _SUBJECTS.append(function)
    return function


def hours_asked(state: State) -> list[HoursAsked]:
    """Everything asked of the LEA, in the order of its day."""
    every_subject()
    found = [asked for subject in _SUBJECTS for asked in subject(state)]
    return sorted(found, key=lambda asked: (asked.on, asked.item))


@dataclass(frozen=True, slots=True)
class Away:
    """Days on which people of the LEA are somewhere else, so that nothing should be due then."""

    title: str
    """As it is told, for example ``Summit Y1-2``."""
    first: date
    last: date
    item: str | None = None
    """The item that asks for these very hours: it is not in its own way."""


TakesDays = Callable[[State], Iterable[Away]]
_ELSEWHERE: list[TakesDays] = []


def takes_days(function: TakesDays) -> TakesDays:
    """Register the days that one subject takes from the LEA's people."""
    _ELSEWHERE.append(function)
    return function


BurdenWaiver = Annotated[
    Line | None,
    Field(description="Why the LEA may be asked for more than the month's cap, if you may say so."),
]
"""The field ``waive_burden`` of a command that may bring a month over the cap."""


class WaiveBurden(EngagementCommand):
    """Allow more hours of the LEA in one month than the cap of the playbook."""

    noun = "burden"
    verb = "waive"
    happened = "The waiver"

    month: Annotated[
        str,
        StringConstraints(strip_whitespace=True, pattern=r"^[12][0-9]{3}-(0[1-9]|1[0-2])$"),
        Positional(),
    ]
    """The month, as YYYY-MM, for example 2026-11."""
    hours: LeaHours = Field(gt=0)
    """Up to how many hours in all may be asked for in that month."""
    reason: Line
    """Why, for example "the LEA frees two people for it"."""


class BurdenWaived(Event):
    type: ClassVar[str] = "burden-waived"
    month: date
    """The first day of the month."""
    hours: Decimal
    cap: Decimal
    reason: Sealed
    authority: str

    def sentence(self) -> str:
        return (
            f"Up to {lea_hours(self.hours)} in {self.month:%b %Y} were allowed by "
            f"{self.authority}, over the cap of {plain(self.cap)}: {full(self.reason)}"
        )


class Ahead(BaseModel):
    """What was in the way of a proposal, and shown as a warning when it was made."""

    model_config = ConfigDict(frozen=True)

    month: date | None = None
    """The first day of the month that would be over its cap; None where none would."""
    hours: Hours = Decimal(0)
    """What it would ask for, if everything proposed were signed."""
    cap: Hours = Decimal(0)
    collides: tuple[str, ...] = ()
    """What the LEA's people do on the due date instead."""

    def sentence(self) -> str:
        """The warning, behind the sentence of the proposal."""
        over = (
            f" Beware: if all that is proposed were signed, {self.month:%b %Y} would ask "
            f"{lea_hours(self.hours)}, over the cap of {plain(self.cap)}."
            if self.month
            else ""
        )
        return over + "".join(f" Beware: the due date falls on {what}." for what in self.collides)


@dataclass(frozen=True, slots=True)
class Burden:
    """The months for which more than the cap is allowed."""

    waived: tuple[BurdenWaived, ...] = ()

    def limit(self, month: date, rules: BurdenRules) -> Decimal:
        """How many hours may be asked for in a month."""
        return max([rules.cap_hours, *(w.hours for w in self.waived if w.month == month)])


@dataclass(frozen=True, slots=True)
class Month:
    """What one calendar month asks of the LEA."""

    first: date
    items: tuple[HoursAsked, ...] = ()
    moving: frozenset[str] = frozenset()
    """Agreed items with new terms on the table, which take the place of the agreed ones."""
    cap: Decimal | None = None
    """None where the playbook has no cap."""
    limit: Decimal | None = None
    """The cap, or what was allowed over it."""
    waivers: tuple[BurdenWaived, ...] = field(default=())

    @property
    def agreed(self) -> Decimal:
        """What both sides have agreed on."""
        return sum((i.hours for i in self.items if i.agreed), Decimal(0))

    @property
    def proposed(self) -> Decimal:
        """What waits for signatures."""
        return sum((i.hours for i in self.items if not i.agreed), Decimal(0))

    @property
    def forecast(self) -> Decimal:
        """What it would be, if everything proposed were signed."""
        gone = (i.hours for i in self.items if i.agreed and i.item in self.moving)
        return self.agreed + self.proposed - sum(gone, Decimal(0))

    @property
    def standing(self) -> str:
        """Agreed and forecast against the cap, in words."""
        if self.cap is None or self.limit is None:
            return "no cap"
        parts = [_against(self.agreed, self.cap, self.limit)]
        if self.forecast != self.agreed:
            parts.append(_against(self.forecast, self.cap, self.limit) + " if all is signed")
        return "; ".join(parts)


def _against(hours: Decimal, cap: Decimal, limit: Decimal) -> str:
    if hours <= cap:
        return "at the cap" if hours == cap else f"{plain(cap - hours)} h under"
    waived = f", waived up to {plain(limit)} h" if limit > cap else ""
    return f"{plain(hours - cap)} h over{waived}"


def first_of(day: date) -> date:
    """The calendar month a day counts in."""
    return day.replace(day=1)


def by_month(
    state: State, rules: BurdenRules | None, asked: Iterable[HoursAsked] | None = None
) -> list[Month]:
    """Every month in which something is asked for or allowed, in order.

    Args:
        asked: Instead of what the engagement asks for as it stands.
    """
    items = hours_asked(state) if asked is None else list(asked)
    burden = state.of(Burden)
    moving = frozenset(i.item for i in items if not i.agreed)
    months = {first_of(i.on) for i in items} | {w.month for w in burden.waived}
    return [
        Month(
            first=month,
            items=tuple(i for i in items if first_of(i.on) == month),
            moving=moving,
            cap=rules.cap_hours if rules else None,
            limit=burden.limit(month, rules) if rules else None,
            waivers=tuple(w for w in burden.waived if w.month == month),
        )
        for month in sorted(months)
    ]


def collisions(item: str, day: date, state: State, days: WorkingDays) -> list[str]:
    """What the LEA's people do on a day instead of working on the item that is due."""
    every_subject()
    away = [
        a
        for subject in _ELSEWHERE
        for a in subject(state)
        if a.first <= day <= a.last and a.item != item
    ]
    rest = days.why_not(day)
    return [
        *([rest] if rest else []),
        *(
            f"{a.title} ({spoken(a.first)}"
            + (f" to {spoken(a.last)})" if a.last > a.first else ")")
            for a in away
        ),
    ]


def within_burden(
    state: State, context: Context, asking: Iterable[HoursAsked], waiver: str | None
) -> list[Event]:
    """Hold what is agreed for each month to its cap, or waive it.

    Args:
        asking: The items as they are about to be agreed, each in place of what was agreed of it.
        waiver: The reason for asking more than the cap, where one was given.

    Raises:
        TooMany: A month would be over the cap, or further over what was allowed.
        WrongPerson: It may be waived, but not by the acting person.
    """
    asking = list(asking)
    again = {a.item for a in asking}
    agreed = [a for a in hours_asked(state) if a.agreed]
    return _guard(
        state, context, asking, [a for a in agreed if a.item not in again], agreed, waiver
    )


def proposable(
    state: State, context: Context, asking: Iterable[HoursAsked], waiver: str | None
) -> list[Event]:
    """Refuse to propose what alone is more than its month may take; the rest is a forecast.

    Raises:
        TooMany: It could never be signed.
        WrongPerson: It may be waived, but not by the acting person.
    """
    return _guard(state, context, list(asking), [], [], waiver)


def _guard(
    state: State,
    context: Context,
    asking: list[HoursAsked],
    beside: list[HoursAsked],
    before: list[HoursAsked],
    waiver: str | None,
) -> list[Event]:
    rules = context.the_playbook.burden
    if rules is None:
        return []
    over: list[Month] = []
    for month in by_month(state, rules, [*beside, *(replace(a, agreed=True) for a in asking)]):
        assert month.limit is not None
        if month.first < first_of(context.today):
            continue  # What lies behind was asked, whatever the cap says.
        was = sum((a.hours for a in before if first_of(a.on) == month.first), Decimal(0))
        asked_now = any(first_of(a.on) == month.first for a in asking)
        if asked_now and month.agreed > max(month.limit, was):
            over.append(month)
    if not over:
        return []
    if waiver is None:
        names = list(dict.fromkeys(a.item for a in asking))
        raise TooMany(
            f"{state.id}: {' and '.join(names)} would ask too much of the LEA. "
            + " ".join(_as_sentence(month, names, context) for month in over)
            + " Split it over several months, merge it with something else, move it to another "
            "month, drop something, or ask for fewer hours"
            + _waive(state, over[0], rules)
            + f" See every month: handrail burden show {state.id}"
        )
    authorised(f"{over[0].first:%Y-%m} --hours {plain(over[0].agreed)}", state, context, rules)
    reason = Sealed(about=state.stream, text=waiver)
    return [_waived(month.first, month.agreed, rules, reason, context) for month in over]


def _waive(state: State, month: Month, rules: BurdenRules) -> str:
    if rules.waiver is None:
        return "; the cap cannot be waived."
    return (
        f"; or a {rules.waiver} waives the cap: handrail burden waive {state.id} "
        f"{month.first:%Y-%m} --hours {plain(month.agreed)} --reason REASON."
    )


def _as_sentence(month: Month, asking: Iterable[str], context: Context) -> str:
    """A month's table in a sentence, as it would be."""
    assert month.cap is not None
    assert month.limit is not None
    items = ", ".join(
        f"{i.item} {i.title!r} {plain(i.hours)} h" + (" (asked now)" if i.item in asking else "")
        for i in month.items
    )
    allowed = f", {plain(month.limit)} h allowed" if month.limit > month.cap else ""
    return (
        f"{month.first:%B %Y}: {items}; in all {plain(month.agreed)} h, cap {plain(month.cap)} h "
        f"in {context.the_playbook.ref}{allowed}, {plain(month.agreed - month.limit)} h over."
    )


def _waived(
    month: date, hours: Decimal, rules: BurdenRules, reason: Sealed, context: Context
) -> BurdenWaived:
    return BurdenWaived(
        month=month,
        hours=hours,
        cap=rules.cap_hours,
        reason=reason,
        authority=context.actor.id,
    )


def authorised(what: str, state: State, context: Context, rules: BurdenRules) -> None:
    """Refuse whoever may not waive the cap.

    Raises:
        WrongPerson: The playbook gives it to another role, or to nobody.
    """
    if rules.waiver is None or rules.waiver not in context.actor.staff_roles:
        raise WrongPerson(
            f"{state.id}: {context.actor.id} may not waive the cap of {plain(rules.cap_hours)} LEA "
            f"hours a month: in {context.the_playbook.ref} "
            + (
                f"only a {rules.waiver} may. Ask one: handrail burden waive {state.id} {what} "
                f"--reason REASON"
                if rules.waiver
                else f"nobody may. See every month: handrail burden show {state.id}"
            )
        )


def look_ahead(state: State, context: Context, asked: HoursAsked) -> Ahead | None:
    """What to warn of when something is proposed; None when nothing is in the way."""
    rules = context.the_playbook.burden
    terms = (asked.item, asked.agreed)
    others = [a for a in hours_asked(state) if (a.item, a.agreed) != terms]
    [month] = [m for m in by_month(state, rules, [*others, asked]) if m.first == first_of(asked.on)]
    # A rest day of the LEA is refused as a due date; here it is what takes its people elsewhere.
    days = context.lea_days(state.of(Engagement).lea)
    collides = tuple(collisions(asked.item, asked.on, state, days))
    over = month.limit is not None and month.forecast > month.limit
    if not over and not collides:
        return None
    return Ahead(
        month=month.first if over else None,
        hours=month.forecast if over else Decimal(0),
        cap=month.cap or Decimal(0) if over else Decimal(0),
        collides=collides,
    )


@decides(WaiveBurden)
def waive_burden(command: WaiveBurden, state: State, context: Context) -> Decision:
    rules = context.the_playbook.burden
    if rules is None:
        raise WrongState(
            f"{state.id} follows {context.the_playbook.ref}, which has no cap on LEA hours, so "
            f"there is nothing to waive. See every month: handrail burden show {state.id}"
        )
    authorised(f"{command.month} --hours {plain(command.hours)}", state, context, rules)
    month = date.fromisoformat(f"{command.month}-01")
    if month < first_of(context.today):
        raise ImpossibleDate(
            f"{state.id}: {month:%B %Y} is over; today is {spoken(context.today)}, and nothing new "
            f"can be due then. Give this month or a later one."
        )
    within_reach(month, "The month", context)
    if command.hours <= rules.cap_hours:
        raise Invalid(
            f"{state.id}: {lea_hours(command.hours)} in {month:%B %Y} need no waiver, the cap is "
            f"{plain(rules.cap_hours)}. Give --hours above it: all hours of the month together."
        )
    limit = state.of(Burden).limit(month, rules)
    if command.hours <= limit:
        raise AlreadyExists(
            f"{state.id}: up to {lea_hours(limit)} may be asked in {month:%B %Y} already. Nothing "
            f"more is needed; to allow more, give --hours above that."
        )
    reason = Sealed(about=state.stream, text=command.reason)
    return [_waived(month, command.hours, rules, reason, context)]


@evolves(BurdenWaived)
def burden_waived(state: State, event: BurdenWaived, stamp: Stamp) -> State:
    return state.put(Burden((*state.of(Burden).waived, event)))
