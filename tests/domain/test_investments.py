"""docs/rules/investments.md, row by row."""

from datetime import date
from decimal import Decimal

import pytest
from pydantic import ValidationError

from domain.errors import ChargedToLea, ImpossibleDate, Invalid
from domain.investments import InvestmentAdded, Investments
from tests.domain.story import Story, made
from tests.domain.tables import Row, table


@pytest.mark.parametrize("row", table("investments.md"), ids=lambda r: r["Fiscal year"])
def test_a_fiscal_year_names_both_its_years(row: Row) -> None:
    year = row["Fiscal year"]
    body = {"amount": "24000", "purpose": "special education review", "fy": year}
    if row["Accepted"] == "yes":
        [added] = Story().opened().when("investment add", **body).records(InvestmentAdded)
        assert isinstance(added, InvestmentAdded)
        assert added.fiscal_year == year
    elif len(year) == 7:
        Story().opened().when("investment add", **body).refuses(
            Invalid, repr(year), "Give it as 20"
        )
    else:
        with pytest.raises(ValidationError):
            made("investment add", **body)


def test_investments_are_numbered_and_summed_to_the_cent() -> None:
    story = Story().opened()
    for amount in ("24000", "0.10", "0.20"):
        story.do("investment add", amount=amount, purpose="coaching")
    slice_ = story.state().of(Investments)
    assert [i.investment for i in slice_.all] == ["INV-1", "INV-2", "INV-3"]
    assert slice_.total == Decimal("24000.30")


def test_where_the_source_is_silent_the_record_is_silent() -> None:
    [added] = Story().opened().when(
        "investment add", amount="24000", purpose="review", approx=True, source="report, page 9"
    ).records(InvestmentAdded)  # fmt: skip
    assert isinstance(added, InvestmentAdded)
    assert (added.fiscal_year, added.approximate, added.source) == (None, True, "report, page 9")


def test_the_lea_never_pays() -> None:
    Story().opened().when(
        "investment add", amount="500", purpose="substitutes", paid_by="lea"
    ).refuses(ChargedToLea, "$500.00", "'substitutes'", "Alder Creek", "Leave out --paid-by")


@pytest.mark.parametrize("amount", ["0", "-1", "1.001", "12345678901.00", "NaN", "Infinity"])
def test_an_amount_is_more_than_nothing_in_dollars_and_cents(amount: str) -> None:
    with pytest.raises(ValidationError):
        made("investment add", amount=amount, purpose="coaching")


def test_an_investment_is_not_dated_ahead() -> None:
    Story().opened().when(
        "investment add", amount="1", purpose="coaching", effective=date(2026, 8, 5)
    ).refuses(ImpossibleDate, "Wed 5 Aug 2026")
