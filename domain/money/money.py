"""Money: dollars, fiscal years, and from which appropriation an investment may come."""

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, Field, StringConstraints

from domain.kernel.refusals import (
    ImpossibleDate,
    Incomplete,
    OverAppropriation,
    Unknown,
    WrongState,
    did_you_mean,
)
from domain.kernel.wording import dollars
from domain.kernel.wording import exact as exact  # noqa: PLC0414
from domain.policy.calendar import FiscalYears, spoken

if TYPE_CHECKING:
    from domain.rules.context import AppropriationEntry, Context

_CENT = Decimal("0.01")


def _with_cents(amount: Decimal) -> Decimal:
    return amount.quantize(_CENT)


Money = Annotated[
    Decimal, Field(gt=0, max_digits=12, decimal_places=2), AfterValidator(_with_cents)
]
"""Dollars and cents, exactly."""
FiscalYear = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r"^20\d\d-\d\d$")]
"""A fiscal year by both its years, for example 2026-27."""


def fiscal_years(context: "Context") -> FiscalYears | None:
    """When fiscal years begin; None where the program's calendar does not say."""
    return context.the_program.calendar.fiscal_year


def misfit(
    money: "AppropriationEntry", fiscal_year: str | None, on: date, years: FiscalYears | None
) -> str | None:
    """Why money may not be used for an investment, as half a sentence; None where it may."""
    if on < money.first:
        return f"it may be used from {spoken(money.first)}, and the investment is of {spoken(on)}"
    if on > money.spend_until:
        return f"it ended on {spoken(money.spend_until)}, and the investment is of {spoken(on)}"
    if fiscal_year is None or years is None:
        if on > money.until:
            return (
                f"it could be committed until {spoken(money.until)}, and for an investment of "
                f"{spoken(on)} its fiscal year must be said (--fiscal-year)"
            )
        return None
    if years.last_day(fiscal_year) < money.first or years.first_day(fiscal_year) > money.until:
        return (
            f"it may be committed from {spoken(money.first)} to {spoken(money.until)}, outside "
            f"{fiscal_year}"
        )
    if on > years.last_day(fiscal_year) and money.spend_until <= money.until:
        return (
            f"{fiscal_year} ended on {spoken(years.last_day(fiscal_year))}, the investment is of "
            f"{spoken(on)}, and it says nothing of paying later"
        )
    return None


def fits(
    money: "AppropriationEntry", fiscal_year: str | None, on: date, years: FiscalYears | None
) -> bool:
    """Whether money may be used for an investment of that fiscal year and day."""
    return misfit(money, fiscal_year, on, years) is None


def _told(money: "AppropriationEntry") -> str:
    return (
        f"{money.id} ({dollars(money.left)} left, {spoken(money.first)} to {spoken(money.until)})"
    )


def drawn_from(
    named: str | None, fiscal_year: str | None, on: date, what: str, context: "Context"
) -> "AppropriationEntry | None":
    """The appropriation an investment comes from; None where the program has none at all.

    Raises:
        Unknown: None is called that.
        WrongState: It cannot be used for this, or none can.
        Incomplete: Several can, or it is not said for which year.
    """
    everything, years = context.appropriations, fiscal_years(context)
    if named is not None:
        found = everything.get(named)
        if found is None:
            raise Unknown(
                f"{what}: there is no appropriation {named!r}. {did_you_mean(named, everything)}"
                f"See them all: handrail appropriation list"
            )
        if problem := misfit(found, fiscal_year, on, years):
            raise WrongState(
                f"{what} cannot come from {found.id}: {problem}. Name another (handrail "
                f"appropriation list), or correct --fiscal-year or the day."
            )
        return found
    if not everything:
        return None
    if fiscal_year is None:
        raise Incomplete(
            f"{what}: it must be clear from which appropriation it comes. Give its fiscal year "
            f"(--fiscal-year), or name one: --appropriation {' or '.join(sorted(everything))}"
        )
    fitting = [m for m in everything.values() if misfit(m, fiscal_year, on, years) is None]
    if len(fitting) > 1:
        raise Incomplete(
            f"{what} could come from {' or '.join(map(_told, fitting))}. Name one: "
            f"--appropriation ID"
        )
    if not fitting:
        raise WrongState(
            f"{what}: no appropriation can be used in {fiscal_year} for an investment of "
            f"{spoken(on)}; there is {', '.join(map(_told, everything.values()))}. Correct "
            f"--fiscal-year or "
            f"the day, or a Director records the one it comes from: handrail appropriation record"
        )
    return fitting[0]


def enough(money: "AppropriationEntry", more: Decimal, what: str) -> None:
    """Refuse to draw more than is left.

    Raises:
        OverAppropriation: There is not enough.
    """
    if more > money.left:
        raise OverAppropriation(
            f"{what} would draw {dollars(more)} {'more ' if money.invested else ''}from {money.id},"
            f" which holds {dollars(money.amount)}: {dollars(money.invested)} is invested and "
            f"{dollars(money.left)} is left. Give a smaller amount, or another --appropriation; "
            f"see what it went to: handrail appropriation show {money.id}"
        )


def stands_from_its_own_day(what: str, context: "Context") -> None:
    """Refuse a day for a correction: it holds from the day of what it corrects.

    Raises:
        ImpossibleDate: One was given.
    """
    if context.effective_on != context.today:
        raise ImpossibleDate(
            f"What is put right in {what} holds from the day of {what} itself, not from "
            f"{spoken(context.effective_on)}. Leave --on out."
        )
