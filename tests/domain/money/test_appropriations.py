"""What an appropriation may be, who records it, and what can be put right about it."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Invalid,
    OverAppropriation,
    Refused,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.money.appropriations import Appropriation, AppropriationCorrected, AppropriationRecorded
from domain.money.investments import InvestmentAdded
from domain.rules.registry import fold
from store.events import as_true
from tests.domain.story import CALENDAR, ZONE, Story

MONEY = "appropriation:dta"
BODY: dict[str, Any] = {
    "appropriation": "dta",
    "amount": "5600000",
    "source": "Budget Act",
    "first": date(2026, 7, 1),
    "until": date(2029, 6, 30),
    "statute": "EC 52074",
}


def recorded(**body: Any) -> Story:
    return Story().opened().do("appropriation record", "dana", **{**BODY, **body})


def test_an_appropriation_is_recorded_with_its_windows() -> None:
    [event] = Story().when("appropriation record", "dana", **BODY).records(AppropriationRecorded)
    assert event.sentence() == (
        "Appropriation dta recorded: $5,600,000.00, Wed 1 Jul 2026 to Sat 30 Jun 2029 "
        "(Budget Act, EC 52074)."
    )
    found = recorded(spend_until=date(2031, 6, 30)).state(MONEY).of(Appropriation)
    assert found.terms is not None
    assert "payable until Mon 30 Jun 2031" in found.terms.told()


@pytest.mark.parametrize("what", ["record", "correct"])
@pytest.mark.parametrize("who", ["tess", "marcus"])
def test_appropriations_are_a_directors(what: str, who: str) -> None:
    body = BODY if what == "record" else {"appropriation": "dta", "reason": "r", "amount": "1"}
    recorded().when(f"appropriation {what}", who, **body).refuses(
        WrongPerson, f"p-{who}", "Ask a Director"
    )


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        pytest.param({"until": date(2026, 6, 30)}, ImpossibleDate, ("--last",), id="ends before"),
        pytest.param(
            {"spend_until": date(2029, 6, 29)},
            ImpossibleDate,
            ("--last-payment",),
            id="paid before",
        ),
        pytest.param({"until": date(2092, 6, 30)}, ImpossibleDate, ("2092",), id="a slip"),
        pytest.param({"effective": date(2026, 8, 5)}, ImpossibleDate, ("5 Aug",), id="ahead"),
    ],
)
def test_impossible_windows_are_refused(
    change: dict[str, Any], kind: type[Refused], words: tuple[str, ...]
) -> None:
    Story().when("appropriation record", "dana", **{**BODY, **change}).refuses(kind, *words)


def test_one_that_is_there_is_not_recorded_again() -> None:
    recorded().when("appropriation record", "dana", **BODY).refuses(
        AlreadyExists, "dta", "$5,600,000.00", "handrail appropriation correct dta"
    )


def test_a_calendar_without_fiscal_years_is_named() -> None:
    story = Story().opened()
    assert story.program is not None
    calendar = CALENDAR.model_copy(update={"fiscal_year": None})
    story.program = replace(story.program, calendar=calendar)
    story.when("appropriation record", "dana", **BODY).refuses(
        Invalid, "california@2", "fiscal_year", "handrail calendar publish FILE"
    )
    # Investments are recorded as ever; nobody can say whether the year is that of the day.
    story.when("investment add", amount="1", purpose="p", fy="2019-20").records(InvestmentAdded)


def test_a_correction_holds_from_the_day_of_the_appropriation() -> None:
    story = recorded().on(date(2027, 3, 2))
    story.do("investment add", amount="600", purpose="p", fy="2026-27")
    [event] = story.when(
        "appropriation correct", "dana", appropriation="dta", amount="650", reason="typo"
    ).records(AppropriationCorrected)
    assert "$650.00" in event.sentence()
    assert "Why: typo." in event.sentence()
    early = fold(MONEY, as_true(story.history(MONEY), story.context("dana", None).now.replace(
        year=2026, month=12), ZONE))  # fmt: skip
    terms = early.of(Appropriation).terms
    assert terms is not None
    assert (terms.amount, early.of(Appropriation).invested) == (Decimal(650), Decimal(0))


def test_what_is_said_already_is_not_said_again() -> None:
    correct = {"appropriation": "dta", "reason": "r"}
    story = recorded()
    story.when("appropriation correct", "dana", amount="5600000.00", **correct).records()
    story.when("appropriation correct", "dana", **correct).refuses(Incomplete, "dta", "--amount")
    story.when(
        "appropriation correct", "dana", amount="1", effective=date(2026, 8, 3), **correct
    ).refuses(ImpossibleDate, "Mon 3 Aug 2026", "--on")
    story.when("appropriation correct", "dana", **{**correct, "appropriation": "dtb"}).refuses(
        Unknown, "'dtb'", "Did you mean dta", "handrail appropriation list"
    )


def test_an_appropriation_never_holds_less_than_is_invested() -> None:
    story = recorded()
    story.do("investment add", amount="600.01", purpose="p", fy="2026-27")
    correct = {"appropriation": "dta", "reason": "r"}
    story.when("appropriation correct", "dana", amount="600", **correct).refuses(
        OverAppropriation, "$600.00", "$600.01", "handrail appropriation show dta"
    )
    story.do("appropriation correct", "dana", amount="600.01", **correct)
    story.when("investment add", amount="0.01", purpose="q", fy="2026-27").refuses(
        OverAppropriation, "$0.00 is left"
    )


def test_windows_keep_what_was_invested_inside() -> None:
    story = recorded()
    story.do("investment add", amount="600", purpose="p", fy="2026-27")
    correct = {"appropriation": "dta", "reason": "r"}
    story.when("appropriation correct", "dana", first=date(2027, 7, 1), **correct).refuses(
        WrongState, "INV-1 of alder-creek-usd", "handrail investment correct"
    )
    story.do("appropriation correct", "dana", until=date(2027, 6, 30), **correct)
    terms = story.state(MONEY).of(Appropriation).terms
    assert terms is not None
    assert (terms.until, terms.spend_until) == (date(2027, 6, 30), date(2027, 6, 30))
