"""Investments: what the agency spends on an LEA's work; the LEA never pays."""

from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from domain.context import Context
from domain.engagement import not_in_the_future, running
from domain.errors import ChargedToLea, Invalid
from domain.kernel import (
    Decision,
    EngagementCommand,
    Event,
    Line,
    Stamp,
    State,
    decides,
    evolves,
)

FiscalYear = Annotated[str, StringConstraints(pattern=r"^20\d\d-\d\d$")]
"""A fiscal year as 2026-27: 1 July to 30 June."""


class AddInvestment(EngagementCommand):
    """Record an investment of the agency in the LEA's work."""

    noun = "investment"
    verb = "add"

    amount: Decimal = Field(gt=0, max_digits=12, decimal_places=2)
    """Dollars."""
    purpose: Line
    """What it pays for."""
    fy: FiscalYear | None = None
    """The fiscal year, for example 2026-27; left out where the source is silent."""
    approx: bool = False
    """The source gives the amount as approximate."""
    source: Line | None = None
    """Where the amount is stated."""
    paid_by: Literal["agency", "lea"] = "agency"
    """Who pays: only the agency can."""


class InvestmentAdded(Event):
    type: ClassVar[str] = "investment-added"
    investment: str
    amount: Decimal
    currency: Literal["USD"] = "USD"
    purpose: str
    fiscal_year: str | None = None
    approximate: bool = False
    source: str | None = None

    def sentence(self) -> str:
        return (
            f"{self.investment}: {'about ' if self.approximate else ''}${self.amount:,.2f} for "
            f"{self.purpose}"
            + (f", fiscal year {self.fiscal_year}" if self.fiscal_year else "")
            + "."
        )


@dataclass(frozen=True, slots=True)
class Investments:
    """All investments, oldest first."""

    all: tuple[InvestmentAdded, ...] = ()

    @property
    def total(self) -> Decimal:
        """Dollars in all."""
        return sum((i.amount for i in self.all), Decimal(0))


@decides(AddInvestment)
def add_investment(command: AddInvestment, state: State, context: Context) -> Decision:
    engagement = running(state, context)
    if command.paid_by == "lea":
        raise ChargedToLea(
            f"{state.id}: ${command.amount:,.2f} for {command.purpose!r} cannot be charged to "
            f"{engagement.lea_name}: the LEA never pays. Leave out --paid-by lea if the agency "
            f"pays it."
        )
    not_in_the_future(context.effective_on, "The investment", context)
    if command.fy is not None:
        first, second = int(command.fy[2:4]), int(command.fy[5:7])
        if (first + 1) % 100 != second:
            raise Invalid(
                f"{state.id}: {command.fy!r} is not a fiscal year: the second year follows the "
                f"first. Give it as {command.fy[:4]}-{(first + 1) % 100:02d}."
            )
    return [
        InvestmentAdded(
            investment=f"INV-{len(state.of(Investments).all) + 1}",
            amount=command.amount,
            purpose=command.purpose,
            fiscal_year=command.fy,
            approximate=command.approx,
            source=command.source,
        )
    ]


@evolves(InvestmentAdded)
def investment_added(state: State, event: InvestmentAdded, stamp: Stamp) -> State:
    slice_ = state.of(Investments)
    return state.put(replace(slice_, all=(*slice_.all, event)))
