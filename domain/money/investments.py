"""Investments: what the agency spends on an LEA's work; the LEA never pays."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from domain.engagement.guards import running
from domain.engagement.state import Engagement
from domain.focus.focus import Focus
from domain.kernel.fields import Line, Option, Positional, Slug
from domain.kernel.messages import Decision, EngagementCommand, Event, On, Stamp, State, next_name
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import (
    AlreadyExists,
    ChargedToLea,
    ImpossibleDate,
    Incomplete,
    Invalid,
    Unknown,
    WrongState,
    did_you_mean,
)
from domain.kernel.sealed import Sealed
from domain.kernel.wording import dollars, full
from domain.money.appropriations import AppropriationCharged, AppropriationReleased
from domain.money.money import (
    FiscalYear,
    Money,
    drawn_from,
    enough,
    fiscal_years,
    stands_from_its_own_day,
)
from domain.policy.calendar import local_date, spoken
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves
from domain.streams import stream_of

about_noun("investment", "Record, correct and see what the agency invests; the LEA never pays.")


class InvestmentCommand(EngagementCommand):
    """A command about investments: its decision knows every appropriation."""

    looks_at = frozenset({"appropriations"})


class AddInvestment(InvestmentCommand):
    """Record an investment of the agency in the LEA's work."""

    noun = "investment"
    verb = "add"

    amount: Money
    """Dollars."""
    purpose: Line
    """What it pays for."""
    fy: Annotated[FiscalYear | None, Option("fiscal-year")] = None
    """The fiscal year, for example 2026-27; left out where the source is silent."""
    category: Annotated[Slug | None, Option("kind")] = None
    """What kind of thing it pays for, as the playbook lists them, for example stipends."""
    appropriation: Slug | None = None
    """The appropriation it comes from; taken by itself where only one can be meant."""
    focus: Annotated[Line | None, Option("problem")] = None
    """The problem of practice it serves, for example F2; the one of that day if left out."""
    approx: bool = False
    """The source gives the amount as approximate."""
    source: Line | None = None
    """Where the amount is stated."""
    paid_by: Literal["agency", "lea"] = "agency"
    """Who pays: only the agency can."""


class _OneInvestment(InvestmentCommand):
    investment: Annotated[Line, Positional()]
    """The investment's id, for example INV-7."""
    reason: Line
    """Why."""


class CorrectInvestment(_OneInvestment):
    """Correct an investment, from its own day on; what was reported before stays known."""

    noun = "investment"
    verb = "correct"

    amount: Money | None = None
    """Dollars."""
    fy: Annotated[FiscalYear | None, Option("fiscal-year")] = None
    """The fiscal year, for example 2026-27."""
    purpose: Line | None = None
    """What it pays for."""
    category: Annotated[Slug | None, Option("kind")] = None
    """What kind of thing it pays for, as the playbook lists them, for example stipends."""
    appropriation: Slug | None = None
    """The appropriation it comes from."""


class WithdrawInvestment(_OneInvestment):
    """Take an investment back that was never made; its record stays."""

    noun = "investment"
    verb = "withdraw"


class InvestmentTerms(BaseModel):
    """What is said of an investment and may be corrected."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    amount: Decimal
    currency: Literal["USD"] = "USD"
    purpose: str
    fiscal_year: str | None = None
    category: str | None = None
    appropriation: str | None = None


class InvestmentAdded(Event):
    type: ClassVar[str] = "investment-added"
    investment: str
    amount: Decimal
    currency: Literal["USD"] = "USD"
    purpose: str
    fiscal_year: str | None = None
    approximate: bool = False
    source: str | None = None
    category: str | None = None
    appropriation: str | None = None
    focus: str | None = None

    @property
    def terms(self) -> InvestmentTerms:
        """What may be corrected."""
        return InvestmentTerms(
            amount=self.amount,
            purpose=self.purpose,
            fiscal_year=self.fiscal_year,
            category=self.category,
            appropriation=self.appropriation,
        )

    def sentence(self) -> str:
        said = [
            f"{'about ' if self.approximate else ''}{dollars(self.amount)} for {self.purpose}",
            f"fiscal year {self.fiscal_year}" if self.fiscal_year else None,
            f"from {self.appropriation or 'no appropriation'}",
            f"for focus {self.focus}" if self.focus else None,
        ]
        return f"{self.investment}: {', '.join(s for s in said if s)}."


class InvestmentCorrected(Event):
    type: ClassVar[str] = "investment-corrected"
    investment: str
    on: date
    before: InvestmentTerms
    terms: InvestmentTerms
    reason: Sealed

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        said = changes(self.before, self.terms)
        return f"{self.investment} corrected: {said}. Why: {full(self.reason)}"


class InvestmentWithdrawn(Event):
    type: ClassVar[str] = "investment-withdrawn"
    investment: str
    on: date
    amount: Decimal
    reason: Sealed

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        return f"{self.investment} of {dollars(self.amount)} was withdrawn: {full(self.reason)}"


def changes(before: InvestmentTerms, now: InvestmentTerms) -> str:
    """What is otherwise, and what it was."""
    said = []
    if now.amount != before.amount:
        said.append(f"{dollars(now.amount)} instead of {dollars(before.amount)}")
    for label, is_, was in (
        ("fiscal year", now.fiscal_year, before.fiscal_year),
        ("purpose", now.purpose, before.purpose),
        ("kind", now.category, before.category),
        ("appropriation", now.appropriation, before.appropriation),
    ):
        if is_ != was:
            said.append(f"{label} {is_}" + (f" instead of {was}" if was else ""))
    return ", ".join(said)


@dataclass(frozen=True, slots=True)
class Investment:
    """One investment as it stands, with what was first reported."""

    reported: InvestmentAdded
    since: datetime
    """When it was made; a correction does not move it."""
    recorded_at: datetime
    terms: InvestmentTerms
    corrected: tuple[tuple[datetime, InvestmentCorrected], ...] = ()
    """Every correction with when it was entered, oldest first."""
    withdrawn: InvestmentWithdrawn | None = None

    @property
    def investment(self) -> str:
        """Its id."""
        return self.reported.investment

    @property
    def amount(self) -> Decimal:
        """Dollars; nothing once it is withdrawn."""
        return self.terms.amount if self.withdrawn is None else Decimal(0)


@dataclass(frozen=True, slots=True)
class Investments:
    """All investments, oldest first."""

    all: tuple[Investment, ...] = ()

    @property
    def total(self) -> Decimal:
        """Dollars in all."""
        return sum((i.amount for i in self.all), Decimal(0))

    def of(self, investment: str) -> Investment | None:
        """One of them by id."""
        return next((i for i in self.all if i.investment == investment.upper()), None)


def _kind(named: str | None, context: Context) -> str | None:
    rules = context.the_playbook.investments
    if named is None:
        return None
    kinds = [k.id for k in rules.kinds] if rules else []
    if named not in kinds:
        raise Invalid(
            f"{named!r} is no kind of investment in {context.the_playbook.ref}. "
            f"{did_you_mean(named, kinds)}Choose among: {', '.join(kinds) or 'it names none'}; or "
            f"leave --kind out."
        )
    return named


def _in_its_year(
    fiscal_year: str | None, on: date, named: str | None, what: str, context: Context
) -> None:
    """Refuse a fiscal year that is none, or that the investment does not belong to."""
    if fiscal_year is None:
        return
    first, second = int(fiscal_year[2:4]), int(fiscal_year[5:7])
    if (first + 1) % 100 != second:
        raise Invalid(
            f"{what}: {fiscal_year!r} is not a fiscal year: the second year follows the first. "
            f"Give it as {fiscal_year[:4]}-{(first + 1) % 100:02d}."
        )
    years = fiscal_years(context)
    if years is None:
        return
    begins, ends = years.first_day(fiscal_year), years.last_day(fiscal_year)
    payable = any(
        money.spend_until > money.until and on <= money.spend_until
        for money in context.appropriations.values()
        if named in (None, money.id)
    )
    if on < begins or (on > ends and not payable):
        when = f"begins on {spoken(begins)}" if on < begins else f"ended on {spoken(ends)}"
        raise ImpossibleDate(
            f"{what}: the fiscal year {fiscal_year} {when}, and the investment is of {spoken(on)}. "
            f"Give --fiscal-year {years.of(on)}, or correct the day on which it was made."
        )


def _focus(named: str | None, state: State, context: Context) -> str | None:
    """The problem of practice that held on the day of the investment, or the one that is named."""
    problems = state.of(Focus).problems
    begun = [p for p in problems if local_date(p.since, context.zone) <= context.effective_on]
    if named is None:
        return begun[-1].id if begun else None
    known = [p.id for p in problems]
    if named.upper() not in known:
        raise Unknown(
            f"{state.id} has no focus {named!r}; it has {', '.join(known) or 'none yet'}. Name one "
            f"of them, leave --problem out, or see handrail focus show {state.id}"
        )
    if named.upper() not in [p.id for p in begun]:
        raise ImpossibleDate(
            f"{state.id}: the focus {named.upper()} began after {spoken(context.effective_on)}, "
            f"the day of the investment. Name an earlier one, or correct --on."
        )
    return named.upper()


def _charge(state: State, investment: str, terms: InvestmentTerms, on: date) -> list[On]:
    if terms.appropriation is None:
        return []
    event = AppropriationCharged(
        engagement=state.id,
        investment=investment,
        on=on,
        amount=terms.amount,
        fiscal_year=terms.fiscal_year,
    )
    return [On(stream_of("appropriation", terms.appropriation), event)]


def _release(state: State, investment: str, terms: InvestmentTerms, on: date) -> list[On]:
    if terms.appropriation is None:
        return []
    event = AppropriationReleased(engagement=state.id, investment=investment, on=on)
    return [On(stream_of("appropriation", terms.appropriation), event)]


@decides(AddInvestment)
def add_investment(command: AddInvestment, state: State, context: Context) -> Decision:
    engagement = running(state, context)
    if command.paid_by == "lea":
        raise ChargedToLea(
            f"{state.id}: {dollars(command.amount)} for {command.purpose!r} cannot be charged to "
            f"{engagement.lea_name}: the LEA never pays. Leave out --paid-by lea if the agency "
            f"pays it."
        )
    on = context.effective_on
    not_in_the_future(on, "The investment", context)
    known = state.of(Investments).all
    investment = next_name(state, "INV-", (i.investment for i in known))
    category = _kind(command.category, context)
    what = f"{state.id}: {dollars(command.amount)} for {command.purpose!r}"
    _in_its_year(command.fy, on, command.appropriation, what, context)
    for earlier in known:
        if (
            earlier.withdrawn is None
            and local_date(earlier.since, context.zone) == on
            and (earlier.amount, earlier.terms.fiscal_year) == (command.amount, command.fy)
            and earlier.terms.purpose.casefold() == command.purpose.casefold()
        ):
            raise AlreadyExists(
                f"{what}, of {spoken(on)}, is already there as {earlier.investment}. If this is "
                f"another one, say in its --purpose what tells it apart."
            )
    money = drawn_from(command.appropriation, command.fy, on, what, context)
    if money is not None:
        enough(money, command.amount, what)
    added = InvestmentAdded(
        investment=investment,
        amount=command.amount,
        purpose=command.purpose,
        fiscal_year=command.fy,
        approximate=command.approx,
        source=command.source,
        category=category,
        appropriation=money.id if money else None,
        focus=_focus(command.focus, state, context),
    )
    return [added, *_charge(state, investment, added.terms, on)]


def _standing(command: _OneInvestment, state: State, context: Context) -> Investment:
    """The investment that is put right, on an engagement that may be over."""
    engagement = state.of(Engagement)
    if engagement.is_open or engagement.phase is None:
        running(state, context)
    known = state.of(Investments)
    found = known.of(command.investment)
    if found is None:
        ids = [i.investment for i in known.all]
        raise Unknown(
            f"{state.id} has no investment {command.investment!r}. "
            f"{did_you_mean(command.investment.upper(), ids)}"
            f"See them all: handrail investment list {state.id}"
        )
    stands_from_its_own_day(found.investment, context)
    return found


@decides(CorrectInvestment)
def correct_investment(command: CorrectInvestment, state: State, context: Context) -> Decision:
    found = _standing(command, state, context)
    before, on = found.terms, local_date(found.since, context.zone)
    if found.withdrawn is not None:
        raise WrongState(
            f"{state.id}: {found.investment} was withdrawn ({found.withdrawn.reason}), so there is "
            f"nothing to correct. Add it anew: handrail investment add {state.id} --help"
        )
    if not command.model_fields_set - {"engagement", "investment", "reason"}:
        raise Incomplete(
            f"{state.id}: nothing is said to correct in {found.investment}. Give --amount, "
            f"--fiscal-year, "
            f"--purpose, --kind or --appropriation. To take it back: "
            f"handrail investment withdraw {state.id} {found.investment} --reason REASON"
        )
    terms = InvestmentTerms(
        amount=before.amount if command.amount is None else command.amount,
        purpose=command.purpose or before.purpose,
        fiscal_year=command.fy or before.fiscal_year,
        category=_kind(command.category, context) or before.category,
        appropriation=command.appropriation or before.appropriation,
    )
    if terms == before:
        return []
    what = f"{state.id}: {found.investment} of {dollars(terms.amount)}"
    same = terms.appropriation == before.appropriation
    if not same or terms.fiscal_year != before.fiscal_year:
        _in_its_year(terms.fiscal_year, on, terms.appropriation, what, context)
    moved: list[On] = []
    if terms.appropriation is not None:
        if not same or terms.fiscal_year != before.fiscal_year:
            drawn_from(terms.appropriation, terms.fiscal_year, on, what, context)
        more = terms.amount - before.amount if same else terms.amount
        if more > 0:
            enough(context.appropriations[terms.appropriation], more, what)
        if not same:
            moved += _release(state, found.investment, before, on)
        if not same or more or terms.fiscal_year != before.fiscal_year:
            moved += _charge(state, found.investment, terms, on)
    corrected = InvestmentCorrected(
        investment=found.investment,
        on=on,
        before=before,
        terms=terms,
        reason=Sealed(about=state.stream, text=command.reason),
    )
    return [corrected, *moved]


@decides(WithdrawInvestment)
def withdraw_investment(command: WithdrawInvestment, state: State, context: Context) -> Decision:
    found = _standing(command, state, context)
    if found.withdrawn is not None:
        raise AlreadyExists(
            f"{state.id}: {found.investment} was withdrawn already ({found.withdrawn.reason}). "
            f"Nothing more is needed."
        )
    on = local_date(found.since, context.zone)
    withdrawn = InvestmentWithdrawn(
        investment=found.investment,
        on=on,
        amount=found.terms.amount,
        reason=Sealed(about=state.stream, text=command.reason),
    )
    return [withdrawn, *_release(state, found.investment, found.terms, on)]


@evolves(InvestmentAdded)
def investment_added(state: State, event: InvestmentAdded, stamp: Stamp) -> State:
    new = Investment(event, stamp.effective_at, stamp.recorded_at, event.terms)
    return state.put(Investments((*state.of(Investments).all, new)))


def _put_right(state: State, investment: str, **now: object) -> State:
    """The state with one investment changed, where it is known: on an early day it is not."""
    return state.put(
        Investments(
            tuple(
                replace(i, **now) if i.investment == investment else i  # type: ignore[arg-type]
                for i in state.of(Investments).all
            )
        )
    )


@evolves(InvestmentCorrected)
def investment_corrected(state: State, event: InvestmentCorrected, stamp: Stamp) -> State:
    found = state.of(Investments).of(event.investment)
    if found is None:
        return state
    corrected = (*found.corrected, (stamp.recorded_at, event))
    return _put_right(state, event.investment, terms=event.terms, corrected=corrected)


@evolves(InvestmentWithdrawn)
def investment_withdrawn(state: State, event: InvestmentWithdrawn, stamp: Stamp) -> State:
    return _put_right(state, event.investment, withdrawn=event)
