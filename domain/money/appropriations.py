"""Appropriations: the money that investments come from, with its windows and what is left of it.

Each is a stream of its own.  An investment is recorded there too, in the same transaction, so that
all engagements together never draw more than there is.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from domain.kernel.bounds import Day
from domain.kernel.fields import Line, Option, Positional, Slug
from domain.kernel.messages import Command, Decision, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Invalid,
    OverAppropriation,
    Unknown,
    WrongState,
    did_you_mean,
)
from domain.kernel.sealed import Sealed
from domain.kernel.wording import dollars, full
from domain.money.money import Money, fiscal_years, misfit, stands_from_its_own_day
from domain.policy.calendar import local_date, spoken
from domain.rules.context import AppropriationEntry, Context
from domain.rules.days import not_in_the_future, within_reach
from domain.rules.registry import decides, evolves

about_noun("appropriation", "The money that investments come from: record, correct and see it.")


class AppropriationCommand(Command):
    """A command of one appropriation."""

    aggregate = "appropriation"
    looks_at = frozenset({"appropriations"})

    appropriation: Annotated[Slug, Positional()]
    """The appropriation's id, for example dta-2026."""


class RecordAppropriation(AppropriationCommand):
    """Record an appropriation, from which investments are made from then on."""

    noun = "appropriation"
    verb = "record"

    amount: Money
    """Dollars."""
    source: Line
    """Where the money comes from and where that is stated."""
    first: Day
    """The first day on which it may be committed (YYYY-MM-DD)."""
    until: Annotated[Day, Option("last")]
    """The last day on which it may be committed."""
    spend_until: Annotated[Day | None, Option("last-payment")] = None
    """The last day on which what was committed in time may be paid; as --last if left out."""
    statute: Line | None = None
    """The act or section that appropriates it."""


class CorrectAppropriation(AppropriationCommand):
    """Correct what was recorded of an appropriation; what is left out stays."""

    noun = "appropriation"
    verb = "correct"

    reason: Line
    """Why."""
    amount: Money | None = None
    """Dollars."""
    source: Line | None = None
    """Where the money comes from and where that is stated."""
    first: Day | None = None
    """The first day on which it may be committed (YYYY-MM-DD)."""
    until: Annotated[Day | None, Option("last")] = None
    """The last day on which it may be committed."""
    spend_until: Annotated[Day | None, Option("last-payment")] = None
    """The last day on which what was committed in time may be paid."""
    statute: Line | None = None
    """The act or section that appropriates it."""


class AppropriationTerms(BaseModel):
    """What is said of an appropriation."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    amount: Decimal
    currency: Literal["USD"] = "USD"
    source: str
    first: date
    until: date
    spend_until: date
    statute: str | None = None

    def told(self) -> str:
        """The amount and its windows."""
        later = f", payable until {spoken(self.spend_until)}" if self.pays_later else ""
        return (
            f"{dollars(self.amount)}, {spoken(self.first)} to {spoken(self.until)}{later} "
            f"({', '.join(part for part in (self.source, self.statute) if part)})"
        )

    @property
    def pays_later(self) -> bool:
        """Whether what was committed in time may be paid after that time."""
        return self.spend_until > self.until


class AppropriationRecorded(Event):
    type: ClassVar[str] = "appropriation-recorded"
    appropriation: str
    terms: AppropriationTerms

    def sentence(self) -> str:
        return f"Appropriation {self.appropriation} recorded: {self.terms.told()}."


class AppropriationCorrected(Event):
    type: ClassVar[str] = "appropriation-corrected"
    appropriation: str
    on: date
    before: AppropriationTerms
    terms: AppropriationTerms
    reason: Sealed

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        return (
            f"Appropriation {self.appropriation} corrected: {self.terms.told()}; before, "
            f"{self.before.told()}. Why: {full(self.reason)}"
        )


class _OfInvestment(Event):
    engagement: str
    investment: str
    on: date

    def came_true(self) -> date:
        return self.on


class AppropriationCharged(_OfInvestment):
    """An investment draws so much; told again, it draws that instead."""

    type: ClassVar[str] = "appropriation-charged"
    amount: Decimal
    currency: Literal["USD"] = "USD"
    fiscal_year: str | None = None

    def sentence(self) -> str:
        return (
            f"{self.investment} of {self.engagement} draws {dollars(self.amount)}"
            + (f" in {self.fiscal_year}" if self.fiscal_year else "")
            + "."
        )


class AppropriationReleased(_OfInvestment):
    """An investment draws nothing any more."""

    type: ClassVar[str] = "appropriation-released"

    def sentence(self) -> str:
        return f"{self.investment} of {self.engagement} draws nothing any more."


Drawn = tuple[str, str]
"""An engagement and one of its investments."""


@dataclass(frozen=True, slots=True)
class Appropriation:
    """An appropriation with what is drawn from it."""

    terms: AppropriationTerms | None = None
    recorded_at: datetime | None = None
    """When it came true that there is this money."""
    recorded_by: str = ""
    illustrative: bool = False
    ends: tuple[date, ...] = ()
    """Every last day to commit that it has had, oldest first."""
    drawn: Mapping[Drawn, AppropriationCharged] = field(default_factory=dict)

    @property
    def invested(self) -> Decimal:
        """Dollars drawn in all."""
        return sum((c.amount for c in self.drawn.values()), Decimal(0))

    @property
    def left(self) -> Decimal:
        """Dollars that are not drawn; none before it was recorded."""
        return self.terms.amount - self.invested if self.terms else Decimal(0)

    @property
    def round(self) -> int:
        """Counts its last days to commit, from 1; 0 before it was recorded."""
        return len(self.ends)

    @property
    def by_fiscal_year(self) -> dict[str | None, Decimal]:
        """Dollars drawn in each fiscal year; None where an investment names none."""
        found: dict[str | None, Decimal] = {}
        for charge in self.drawn.values():
            found[charge.fiscal_year] = found.get(charge.fiscal_year, Decimal(0)) + charge.amount
        return dict(sorted(found.items(), key=lambda entry: entry[0] or "9999"))


def entry(state: State) -> AppropriationEntry | None:
    """The appropriation as other decisions know it; None before it was recorded."""
    found = state.of(Appropriation)
    if found.terms is None:
        return None
    return _entry(state, found.terms, found.invested)


def _entry(state: State, terms: AppropriationTerms, invested: Decimal) -> AppropriationEntry:
    return AppropriationEntry(
        id=state.id,
        version=state.version,
        amount=terms.amount,
        invested=invested,
        first=terms.first,
        until=terms.until,
        spend_until=terms.spend_until,
    )


def the_appropriation(state: State, context: Context) -> Appropriation:
    """The appropriation, provided that it was recorded.

    Raises:
        Unknown: It was not.
    """
    known = state.of(Appropriation)
    if known.terms is None:
        raise Unknown(
            f"There is no appropriation {state.id!r}. "
            f"{did_you_mean(state.id, context.appropriations)}"
            f"See them all: handrail appropriation list"
        )
    return known


def _possible(terms: AppropriationTerms, what: str, context: Context) -> None:
    if terms.until < terms.first:
        raise ImpossibleDate(
            f"{what} cannot end on {spoken(terms.until)}, before it begins on "
            f"{spoken(terms.first)}. Correct --first or --last."
        )
    if terms.spend_until < terms.until:
        raise ImpossibleDate(
            f"{what} cannot be payable until {spoken(terms.spend_until)} only, when it may be "
            f"committed until {spoken(terms.until)}. Correct --last-payment or --last."
        )
    within_reach(terms.spend_until, "The end of an appropriation on", context)
    if fiscal_years(context) is None:
        raise Invalid(
            f"{what} is used by fiscal years, and the calendar "
            f"{context.the_program.calendar.id}@{context.the_program.calendar.version} does not "
            f"say when they begin. Add fiscal_year to it, for example "
            f"fiscal_year: {{month: 7, day: 1}}, and publish it: handrail calendar publish FILE"
        )


@decides(RecordAppropriation)
def record_appropriation(command: RecordAppropriation, state: State, context: Context) -> Decision:
    known = state.of(Appropriation)
    if known.terms is not None:
        raise AlreadyExists(
            f"The appropriation {state.id} is already there: {known.terms.told()}. To put it "
            f"right: handrail appropriation correct {state.id} --reason REASON"
        )
    not_in_the_future(context.effective_on, "The appropriation", context)
    terms = AppropriationTerms(
        amount=command.amount,
        source=command.source,
        first=command.first,
        until=command.until,
        spend_until=command.spend_until or command.until,
        statute=command.statute,
    )
    _possible(terms, state.id, context)
    return [AppropriationRecorded(appropriation=state.id, terms=terms)]


def _with_end(known: Appropriation, until: date) -> tuple[date, ...]:
    return known.ends if known.ends and known.ends[-1] == until else (*known.ends, until)


@evolves(AppropriationRecorded)
def appropriation_recorded(state: State, event: AppropriationRecorded, stamp: Stamp) -> State:
    return state.put(
        replace(
            state.of(Appropriation),
            terms=event.terms,
            recorded_at=stamp.effective_at,
            recorded_by=stamp.actor,
            illustrative=event.illustrative,
            ends=_with_end(state.of(Appropriation), event.terms.until),
        )
    )


def _changed(command: CorrectAppropriation, before: AppropriationTerms) -> AppropriationTerms:
    said = {
        name: value
        for name in AppropriationTerms.model_fields
        if (value := getattr(command, name, None)) is not None
    }
    if "until" in said and "spend_until" not in said and not before.pays_later:
        said["spend_until"] = said["until"]
    return before.model_copy(update=said)


@decides(CorrectAppropriation)
def correct_appropriation(
    command: CorrectAppropriation, state: State, context: Context
) -> Decision:
    known = the_appropriation(state, context)
    assert known.terms is not None
    assert known.recorded_at is not None
    stands_from_its_own_day(state.id, context)
    terms = _changed(command, known.terms)
    if not command.model_fields_set - {"appropriation", "reason"}:
        raise Incomplete(
            f"Nothing is said to correct in {state.id}. Give --amount, --first, --last, "
            f"--last-payment, --source or --statute."
        )
    if terms == known.terms:
        return []
    _possible(terms, state.id, context)
    if known.invested > terms.amount:
        raise OverAppropriation(
            f"{state.id} cannot hold {dollars(terms.amount)} only: {dollars(known.invested)} of it "
            f"is invested. Correct or withdraw investments first: "
            f"handrail appropriation show {state.id}"
        )
    money = _entry(state, terms, known.invested)
    outside = [
        f"{c.investment} of {c.engagement} ({problem})"
        for c in known.drawn.values()
        if (problem := misfit(money, c.fiscal_year, c.on, fiscal_years(context)))
    ]
    if outside:
        raise WrongState(
            f"{state.id} cannot have these windows, for what was invested from it: "
            f"{'; '.join(outside)}. Give wider ones, or correct these investments first: "
            f"handrail investment correct --help"
        )
    return [
        AppropriationCorrected(
            appropriation=state.id,
            on=local_date(known.recorded_at, context.zone),
            before=known.terms,
            terms=terms,
            reason=Sealed(about=state.stream, text=command.reason),
        )
    ]


@evolves(AppropriationCorrected)
def appropriation_corrected(state: State, event: AppropriationCorrected, stamp: Stamp) -> State:
    known = state.of(Appropriation)
    return state.put(replace(known, terms=event.terms, ends=_with_end(known, event.terms.until)))


@evolves(AppropriationCharged)
def appropriation_charged(state: State, event: AppropriationCharged, stamp: Stamp) -> State:
    known = state.of(Appropriation)
    key = (event.engagement, event.investment)
    return state.put(replace(known, drawn={**known.drawn, key: event}))


@evolves(AppropriationReleased)
def appropriation_released(state: State, event: AppropriationReleased, stamp: Stamp) -> State:
    known = state.of(Appropriation)
    gone = (event.engagement, event.investment)
    return state.put(
        replace(known, drawn={key: c for key, c in known.drawn.items() if key != gone})
    )
