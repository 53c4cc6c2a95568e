"""docs/rules/investments.md, row by row."""

from contextlib import suppress
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.kernel.refusals import (
    AlreadyExists,
    ChargedToLea,
    ImpossibleDate,
    Incomplete,
    Invalid,
    OverAppropriation,
    Refused,
    Unknown,
    WrongState,
)
from domain.money.appropriations import Appropriation, AppropriationCharged, AppropriationReleased
from domain.money.investments import (
    Investment,
    InvestmentAdded,
    InvestmentCorrected,
    Investments,
    InvestmentWithdrawn,
)
from domain.money.money import misfit
from domain.policy.calendar import FiscalYears, at_local, local_date
from domain.rules.context import AppropriationEntry
from domain.rules.registry import fold
from store.events import as_true
from tests.domain.story import ALDER, CALENDAR, HARBOR, PLAYBOOK, ZONE, Story, made
from tests.domain.tables import Row, day, table

PAGE = "investments.md"
YEARS = FiscalYears(month=7, day=1)
MONEY = "appropriation:dta"


def funded(amount: str = "100000", **body: Any) -> Story:
    """An engagement, and an appropriation of three fiscal years."""
    story = Story().opened()
    return appropriated(story, "dta", amount, **body)


def appropriated(story: Story, name: str, amount: str = "100000", **body: Any) -> Story:
    windows = {"first": date(2026, 7, 1), "until": date(2029, 6, 30), "source": "Budget Act"}
    return story.do(
        "appropriation record", "dana", appropriation=name, amount=amount, **{**windows, **body}
    )


def with_harbor(story: Story) -> Story:
    return story.do("engagement open", engagement=HARBOR, lea=HARBOR, lead="marcus",
                    director="dana")  # fmt: skip


def one(story: Story, name: str = "INV-1", engagement: str = ALDER) -> Investment:
    found = story.state(f"engagement:{engagement}").of(Investments).of(name)
    assert found is not None
    return found


def added(story: Story, **body: Any) -> InvestmentAdded:
    story.do("investment add", **{"amount": "24000", "purpose": "review", **body})
    found = next(e for e in story.news if isinstance(e, InvestmentAdded))
    assert found is story.news[0]
    return found


# Fiscal years -------------------------------------------------------------------------------


@pytest.mark.parametrize("row", table(PAGE, "Fiscal years"), ids=lambda r: r["Fiscal year"])
def test_an_investment_names_the_fiscal_year_of_its_day(row: Row) -> None:
    year = row["Fiscal year"]
    body = {"amount": "24000", "purpose": "special education review", "fy": year}
    story = Story(date(2026, 8, 4)).opened()
    if row["Accepted"] == "yes":
        assert added(story, **body).fiscal_year == year
    elif row["Why"] == "not how it is written":
        with pytest.raises(ValidationError):
            made("investment add", **body)
    elif row["Why"].startswith("the second year"):
        story.when("investment add", **body).refuses(Invalid, repr(year), "Give it as 20")
    else:
        story.when("investment add", **body).refuses(
            ImpossibleDate, year, "Tue 4 Aug 2026", "Give --fiscal-year 2026-27"
        )


def test_a_fiscal_year_is_that_of_its_day() -> None:
    rows = table(PAGE, "The year of a day")
    assert CALENDAR.fiscal_year == YEARS
    for row in rows:
        on, year = day(row["Day"]), row["Fiscal year"]
        assert YEARS.of(on) == year
        assert YEARS.first_day(year) <= on <= YEARS.last_day(year)


def test_when_fiscal_years_begin_is_the_calendars_to_say() -> None:
    october = FiscalYears(month=10, day=1)
    assert [october.of(date(2026, m, 30)) for m in (6, 9, 10)] == ["2025-26", "2025-26", "2026-27"]
    assert october.last_day("2026-27") == date(2027, 9, 30)
    assert (YEARS.of(date(2099, 7, 1)), YEARS.last_day("2099-00")) == ("2099-00", date(2100, 6, 30))
    with pytest.raises(ValidationError, match="not in every year"):
        FiscalYears(month=2, day=29)


@given(st.dates(date(2001, 1, 1), date(2098, 12, 31)), st.integers(1, 12), st.integers(1, 28))
def test_every_day_lies_in_its_fiscal_year(on: date, month: int, first: int) -> None:
    years = FiscalYears(month=month, day=first)
    year = years.of(on)
    assert years.first_day(year) <= on <= years.last_day(year)
    assert years.of(years.last_day(year) + timedelta(days=1)) != year


# Adding -------------------------------------------------------------------------------------


def test_investments_are_numbered_and_summed_to_the_cent() -> None:
    story = Story().opened()
    for amount in ("24000", "0.10", "0.20"):
        story.do("investment add", amount=amount, purpose="coaching")
    slice_ = story.state().of(Investments)
    assert [i.investment for i in slice_.all] == ["INV-1", "INV-2", "INV-3"]
    assert slice_.total == Decimal("24000.30")


def test_where_the_source_is_silent_the_record_is_silent() -> None:
    found = added(Story().opened(), approx=True, source="report, page 9")
    assert (found.fiscal_year, found.approximate, found.source) == (None, True, "report, page 9")
    assert (found.category, found.appropriation, found.focus) == (None, None, None)


def test_the_lea_never_pays() -> None:
    Story().opened().when(
        "investment add", amount="500", purpose="substitutes", paid_by="lea"
    ).refuses(ChargedToLea, "$500.00", "'substitutes'", "Alder Creek", "Leave out --paid-by")


@pytest.mark.parametrize("amount", ["0", "-1", "1.001", "12345678901.00", "NaN", "Infinity"])
def test_an_amount_is_more_than_nothing_in_dollars_and_cents(amount: str) -> None:
    for what, body in (
        ("investment add", {"purpose": "coaching"}),
        ("investment correct", {"investment": "INV-1", "reason": "r"}),
        ("appropriation record", {"appropriation": "dta", "source": "s", "first": "2026-07-01",
                                  "until": "2027-06-30"}),
        ("appropriation correct", {"appropriation": "dta", "reason": "r"}),
    ):  # fmt: skip
        with pytest.raises(ValidationError):
            made(what, amount=amount, **body)


def test_an_investment_is_not_dated_ahead() -> None:
    Story().opened().when(
        "investment add", amount="1", purpose="coaching", effective=date(2026, 8, 5)
    ).refuses(ImpossibleDate, "Wed 5 Aug 2026")


def test_the_same_investment_is_not_recorded_twice() -> None:
    story = Story().opened()
    body = {"amount": "24000", "purpose": "Review"}
    added(story, **body)
    story.when("investment add", **body | {"purpose": "review"}).refuses(
        AlreadyExists, "INV-1", "$24,000.00", "Tue 4 Aug 2026", "--purpose"
    )
    added(story, **body | {"purpose": "review, second school"})
    story.do("investment withdraw", investment="INV-1", reason="typed twice")
    added(story, **body)
    assert story.state().of(Investments).total == 48000


def test_the_kinds_are_the_playbooks() -> None:
    rows = table(PAGE, "What it is for")
    assert PLAYBOOK.investments is not None
    assert [(r["Kind"], r["What it is"]) for r in rows] == [
        (k.id, k.name) for k in PLAYBOOK.investments.kinds
    ]
    assert added(Story().opened(), category="consultant").category == "consultant"
    Story().opened().when("investment add", amount="1", purpose="p", category="stipend").refuses(
        Invalid, "'stipend'", "Did you mean stipends", "dta-sir@3", "--kind"
    )


def test_an_investment_serves_the_problem_of_practice_of_its_day() -> None:
    story = Story(date(2027, 3, 2)).effective()
    assert added(story, amount="1").focus is None
    story.on(date(2027, 3, 4)).do("focus set", "marcus", text="Mathematics")
    assert added(story, amount="2").focus == "F1"
    assert added(story, amount="3", effective=date(2027, 3, 3)).focus is None
    story.on(date(2027, 10, 15)).do("focus set", "marcus", text="Absence", reason="Dashboard")
    assert added(story, amount="4").focus == "F2"
    assert added(story, amount="5", effective=date(2027, 4, 20)).focus == "F1"
    assert added(story, amount="6", focus="f1").focus == "F1"
    body = {"amount": "7", "purpose": "p"}
    story.when("investment add", focus="F9", **body).refuses(Unknown, "'F9'", "F1, F2", "--problem")
    story.when("investment add", focus="F2", effective=date(2027, 4, 20), **body).refuses(
        ImpossibleDate, "F2", "Tue 20 Apr 2027", "--on"
    )


# Appropriations -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    table(PAGE, "Appropriations"),
    ids=lambda r: f"{r['From']}, {r['Spend until']}, {r['Fiscal year']}",
)
def test_an_appropriation_is_used_within_its_windows(row: Row) -> None:
    until = day(row["Until"])
    later = day(row["Spend until"]) if row["Spend until"] != "–" else until
    money = AppropriationEntry("dta", 1, Decimal(9), Decimal(0), day(row["From"]), until, later)
    year = row["Fiscal year"] if row["Fiscal year"] != "–" else None
    problem = misfit(money, year, day(row["Day"]), YEARS)
    assert (problem is None) == (row["May be used"] == "yes"), problem


@pytest.mark.parametrize(
    "row",
    table(PAGE, "Never more than there is"),
    ids=lambda r: f"{r['New amount']} after {r['Where']}",
)
def test_never_more_than_the_appropriation(row: Row) -> None:
    story = with_harbor(funded(row["Appropriation"]))
    if row["Where"] != "–":
        before = ALDER if row["Where"] == "the same engagement" else HARBOR
        story.do("investment add", engagement=before, amount=row["Invested before"],
                 purpose="earlier", fy="2026-27")  # fmt: skip
    new = story.when("investment add", amount=row["New amount"], purpose="p", fy="2026-27")
    if row["Accepted"] == "yes":
        [invested, _] = new.records(InvestmentAdded, AppropriationCharged)
        assert isinstance(invested, InvestmentAdded)
        assert invested.appropriation == "dta"
    else:
        left = Decimal(row["Appropriation"]) - Decimal(row["Invested before"])
        new.refuses(OverAppropriation, f"${left:,.2f} is left", "handrail appropriation show dta")
    agree(story)


def test_without_any_appropriation_investments_are_recorded_as_ever() -> None:
    story = Story().opened()
    assert added(story, fy="2026-27").appropriation is None
    appropriated(story, "dta", "10000")
    assert one(story).terms.appropriation is None
    story.when("investment correct", investment="INV-1", reason="r", appropriation="dta").refuses(
        OverAppropriation, "$24,000.00", "$10,000.00"
    )
    story.do("appropriation correct", "dana", appropriation="dta", amount="30000", reason="typo")
    story.do("investment correct", investment="INV-1", reason="named", appropriation="dta")
    assert story.state(MONEY).of(Appropriation).invested == 24000
    agree(story)


def test_several_that_fit_are_named() -> None:
    story = appropriated(funded(), "grant", "500")
    body = {"amount": "400", "purpose": "p", "fy": "2026-27"}
    story.when("investment add", **body).refuses(
        Incomplete, "dta ($100,000.00 left", "grant ($500.00 left", "--appropriation"
    )
    assert added(story, **body, appropriation="grant").appropriation == "grant"
    story.when("investment add", **body | {"purpose": "q", "appropriation": "grants"}).refuses(
        Unknown, "'grants'", "Did you mean grant", "handrail appropriation list"
    )
    agree(story)


def test_where_none_fits_what_there_is_is_named() -> None:
    story = funded(first=date(2027, 7, 1))
    story.when("investment add", amount="4", purpose="p", fy="2026-27").refuses(
        WrongState, "2026-27", "Thu 1 Jul 2027", "handrail appropriation record"
    )
    story.when("investment add", amount="4", purpose="p", appropriation="dta").refuses(
        WrongState, "Thu 1 Jul 2027", "Tue 4 Aug 2026", "handrail appropriation list"
    )


def test_with_appropriations_a_year_or_a_name_must_be_said() -> None:
    story = funded()
    story.when("investment add", amount="4", purpose="p").refuses(
        Incomplete, "--fiscal-year", "--appropriation dta"
    )
    assert added(story, appropriation="dta").fiscal_year is None
    assert story.state(MONEY).of(Appropriation).by_fiscal_year == {None: Decimal(24000)}


def test_what_is_paid_later_belongs_to_the_year_it_was_committed_in() -> None:
    story = funded(until=date(2027, 6, 30), spend_until=date(2029, 6, 30))
    story.on(date(2028, 2, 1))
    assert added(story, fy="2026-27").appropriation == "dta"
    story.on(date(2029, 7, 2)).when(
        "investment add", amount="4", purpose="p", fy="2026-27"
    ).refuses(ImpossibleDate, "ended on Wed 30 Jun 2027", "Give --fiscal-year 2029-30")


# Corrections --------------------------------------------------------------------------------


def swapped() -> Story:
    """The digits of INV-1 were swapped, which was noticed half a year later."""
    story = Story(date(2027, 3, 2)).opened()
    appropriated(story, "dta", "50000").on(date(2027, 4, 20))
    added(story, amount="24000", purpose="special education review", fy="2026-27")
    return story.on(date(2027, 11, 10)).do(
        "investment correct", investment="inv-1", amount="42000", reason="digits swapped"
    )


@pytest.mark.parametrize(
    "row", table(PAGE, "Corrections"), ids=lambda r: f"{r['Asked']} on {r['Day']}"
)
def test_a_correction_holds_from_the_investments_own_day(row: Row) -> None:
    story = swapped()
    end = at_local(day(row["Day"]) + timedelta(days=1), time(0), ZONE)
    end -= timedelta(microseconds=1)
    for stream in (f"engagement:{ALDER}", MONEY):
        history = story.history(stream)
        if row["Asked"] == "as known":
            told = [r for r in history if r.stamp.recorded_at <= end]
        else:
            told = as_true(history, end, ZONE)
        state = fold(stream, told)
        total = (
            state.of(Investments).total
            if stream.startswith("engagement")
            else state.of(Appropriation).invested
        )
        assert total == (0 if row["Amount"] == "–" else Decimal(row["Amount"]))


def test_a_correction_is_a_fact_beside_what_was_reported() -> None:
    story = swapped()
    found = one(story)
    assert (found.reported.amount, found.amount) == (Decimal(24000), Decimal(42000))
    assert local_date(found.since, ZONE) == date(2027, 4, 20)
    [(at, correction)] = found.corrected
    assert local_date(at, ZONE) == date(2027, 11, 10)
    assert correction.sentence() == (
        "INV-1 corrected: $42,000.00 instead of $24,000.00. Why: digits swapped."
    )
    assert story.state(MONEY).of(Appropriation).by_fiscal_year == {"2026-27": Decimal(42000)}


def test_the_same_correction_again_changes_nothing() -> None:
    swapped().when(
        "investment correct", investment="INV-1", amount="42000.00", reason="again"
    ).records()


def test_a_correction_never_draws_more_than_is_left() -> None:
    story = swapped()
    story.when("investment correct", investment="INV-1", amount="50000.01", reason="r").refuses(
        OverAppropriation, "INV-1 of $50,000.01", "$8,000.01 more", "$8,000.00 is left"
    )
    story.do("investment correct", investment="INV-1", amount="50000", reason="r")
    story.do("investment correct", investment="INV-1", amount="1", reason="r")
    agree(story)


def test_an_investment_moves_to_another_appropriation_with_its_amount() -> None:
    story = appropriated(swapped(), "grant", "42000")
    story.when(
        "investment correct", investment="INV-1", appropriation="grant", reason="wrong one"
    ).records(InvestmentCorrected, AppropriationReleased, AppropriationCharged)
    assert story.state(MONEY).of(Appropriation).drawn == {}
    assert story.state("appropriation:grant").of(Appropriation).invested == 42000
    agree(story)


def test_a_corrected_year_must_fit_as_a_first_one_must() -> None:
    story = swapped()
    correct = {"investment": "INV-1", "reason": "r"}
    story.when("investment correct", fy="2027-28", **correct).refuses(
        ImpossibleDate, "2027-28", "Tue 20 Apr 2027", "Give --fiscal-year 2026-27"
    )
    story.when("investment correct", fy="2026-28", **correct).refuses(Invalid, "'2026-28'", "Give")
    story.when("investment correct", category="x", **correct).refuses(Invalid, "'x'", "Choose")
    story.when("investment correct", **correct).refuses(Incomplete, "INV-1", "--amount")
    story.when("investment correct", amount="1", effective=date(2027, 11, 9), **correct).refuses(
        ImpossibleDate, "Tue 9 Nov 2027", "--on"
    )
    story.when("investment correct", amount="1", **correct | {"investment": "INV-7"}).refuses(
        Unknown, "'INV-7'", "INV-1", "handrail investment list alder-creek-usd"
    )


def test_what_only_is_called_otherwise_moves_no_money() -> None:
    [corrected] = swapped().when(
        "investment correct", investment="INV-1", purpose="review", category="consultant",
        reason="r",
    ).records(InvestmentCorrected)  # fmt: skip
    assert "purpose review instead of special education review" in corrected.sentence()


def test_a_withdrawal_gives_the_money_back_and_keeps_the_number() -> None:
    story = swapped()
    story.when("investment withdraw", investment="INV-1", reason="never paid").records(
        InvestmentWithdrawn, AppropriationReleased
    )
    assert story.state().of(Investments).total == 0
    assert story.state(MONEY).of(Appropriation).invested == 0
    story.when("investment withdraw", investment="INV-1", reason="again").refuses(
        AlreadyExists, "INV-1", "never paid", "Nothing more is needed"
    )
    story.when("investment correct", investment="INV-1", amount="1", reason="r").refuses(
        WrongState, "INV-1", "never paid", "handrail investment add"
    )
    assert added(story, fy="2027-28").investment == "INV-2"
    agree(story)


@pytest.mark.parametrize("end", ["close", "withdraw"])
def test_money_is_put_right_after_the_end(end: str) -> None:
    story = Story().effective()
    appropriated(story, "dta")
    for amount in ("24000", "1"):
        added(story, amount=amount, fy="2026-27")
    story.do(f"engagement {end}", "dana", reason="over").on(date(2026, 9, 9))
    story.when("investment correct", investment="INV-1", amount="42000", reason="r").records(
        InvestmentCorrected, AppropriationCharged
    )
    story.when("investment withdraw", investment="INV-2", reason="r").records(
        InvestmentWithdrawn, AppropriationReleased
    )
    assert story.state().of(Investments).total == 42000
    agree(story)


# Whatever happens ---------------------------------------------------------------------------


def agree(story: Story) -> None:
    """What engagements draw is what the appropriations say, and never more than they hold."""
    drawn: dict[str, Decimal] = {}
    years: dict[tuple[str, str | None], Decimal] = {}
    for engagement in (ALDER, HARBOR):
        for i in story.state(f"engagement:{engagement}").of(Investments).all:
            name = i.terms.appropriation
            if i.withdrawn is None and name is not None:
                drawn[name] = drawn.get(name, Decimal(0)) + i.amount
                year = (name, i.terms.fiscal_year)
                years[year] = years.get(year, Decimal(0)) + i.amount
    for stream, state in story.states.items():
        if not stream.startswith("appropriation:"):
            continue
        found = state.of(Appropriation)
        assert found.terms is not None
        assert found.invested == drawn.get(state.id, Decimal(0)) <= found.terms.amount
        assert found.by_fiscal_year == {
            year: amount for (name, year), amount in years.items() if name == state.id
        }


amounts = st.integers(1, 60_00).map(lambda cents: Decimal(cents) / 100)
names = st.sampled_from([None, "one", "two", "late"])
acts = st.one_of(
    st.tuples(
        st.just("investment add"),
        st.fixed_dictionaries(
            {"amount": amounts, "purpose": st.sampled_from("abcdef")},
            optional={"fy": st.sampled_from(["2026-27", "2027-28"]), "appropriation": names},
        ),
    ),
    st.tuples(
        st.just("investment correct"),
        st.fixed_dictionaries(
            {"investment": st.sampled_from(["INV-1", "INV-2", "INV-3"]), "reason": st.just("r")},
            optional={
                "amount": amounts,
                "fy": st.sampled_from(["2026-27", "2027-28"]),
                "appropriation": names,
                "purpose": st.just("other"),
            },
        ),
    ),
    st.tuples(
        st.just("investment withdraw"),
        st.fixed_dictionaries(
            {"investment": st.sampled_from(["INV-1", "INV-2"]), "reason": st.just("r")}
        ),
    ),
    st.tuples(
        st.just("appropriation record"),
        st.fixed_dictionaries(
            {
                "appropriation": st.sampled_from(["one", "two", "late"]),
                "amount": amounts,
                "source": st.just("act"),
                "first": st.sampled_from([date(2026, 7, 1), date(2027, 7, 1)]),
                "until": st.sampled_from([date(2027, 6, 30), date(2028, 6, 30)]),
            },
            optional={"spend_until": st.just(date(2029, 6, 30))},
        ),
    ),
    st.tuples(
        st.just("appropriation correct"),
        st.fixed_dictionaries(
            {"appropriation": st.sampled_from(["one", "two"]), "reason": st.just("r")},
            optional={"amount": amounts, "until": st.just(date(2028, 6, 30))},
        ),
    ),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(acts, st.sampled_from([ALDER, HARBOR]), st.integers(0, 60)), max_size=30))
def test_whatever_is_invested_never_more_than_there_is(plot: list[Any]) -> None:
    story = with_harbor(Story(date(2027, 5, 3)).opened())
    for name in ("one", "two"):
        appropriated(story, name, "100", until=date(2028, 6, 30))
    for (what, body), engagement, later in plot:
        target = {} if what.startswith("appropriation") else {"engagement": engagement}
        with suppress(Refused):
            story.do(what, "dana", **target, **{k: v for k, v in body.items() if v is not None})
        agree(story)
        story.now += timedelta(days=later // 10)
    for stream in (*story.states,):
        assert fold(stream, story.history(stream)) == story.state(stream)
        again = fold(stream, as_true(story.history(stream), story.now, ZONE))
        assert again.of(Appropriation).drawn == story.state(stream).of(Appropriation).drawn
        assert again.of(Investments).total == story.state(stream).of(Investments).total
