"""docs/rules/working-days.md, row by row."""

from datetime import UTC, date, datetime, time, timedelta
from typing import get_args

import holidays
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.policy.calendar import (
    CalendarPack,
    ChosenHoliday,
    Closure,
    FixedHoliday,
    FloatingHoliday,
    Keeper,
    WorkingDays,
    add_months,
    at_local,
    local_date,
    spoken,
)
from tests.domain.story import CALENDAR, RECESS, ZONE
from tests.domain.tables import Row, day, table

AGENCY = WorkingDays(CALENDAR)
OFFICES: dict[Keeper, WorkingDays] = {k: WorkingDays(CALENDAR, keeper=k) for k in get_args(Keeper)}
ALDER_CREEK = WorkingDays(CALENDAR, RECESS, "school")


def rows(heading: str, *naming: str) -> list[object]:
    found = table("working-days.md", heading)
    return [pytest.param(row, id=" ".join(row[n] for n in naming)) for row in found]


@pytest.mark.parametrize("row", rows("Holidays", "Kept on", "Holiday"))
def test_a_holiday_is_kept_on_the_day_and_by_those_in_the_table(row: Row) -> None:
    kept = day(row["Kept on"])
    by = [k for k in OFFICES if OFFICES[k].why_not(kept) == row["Holiday"]]
    assert ", ".join(by) == row["By"]


@pytest.mark.parametrize("keeper", OFFICES)
def test_the_holiday_table_is_complete_from_september_2026_to_the_end_of_2028(
    keeper: Keeper,
) -> None:
    first, last = date(2026, 8, 1), date(2028, 12, 31)
    listed = {
        day(row["Kept on"])
        for row in table("working-days.md", "Holidays")
        if keeper in row["By"].split(", ")
    }
    every = (first + timedelta(days=n) for n in range((last - first).days + 1))
    weekdays = [d for d in every if d.weekday() < 5]
    assert {d for d in weekdays if not OFFICES[keeper].is_working(d)} == listed


@pytest.mark.parametrize("row", rows("Holidays on a weekend", "Observed"))
def test_a_weekend_moves_as_the_table_says(row: Row) -> None:
    # 1 January is a Saturday in 2028, a Sunday in 2034.
    holiday = FixedHoliday.model_validate(
        {"name": "New Year", "month": 1, "day": 1, "observed": row["Observed"]}
    )
    for column, actual in (("Saturday", date(2028, 1, 1)), ("Sunday", date(2034, 1, 1))):
        kept = holiday.on(actual.year)
        assert (f"{kept:%A}" if kept != actual else "not at all") == row[column]


def test_what_an_lea_chooses_stands_in_the_table_and_closes_nothing() -> None:
    chosen = [h for h in CALENDAR.holidays if isinstance(h, ChosenHoliday)]
    assert [
        (r["Holiday"], r["Whose choice"], r["Between"])
        for r in table("working-days.md", "Days that an LEA chooses")
    ] == [(h.name, ", ".join(h.kept_by), h.choice) for h in chosen]
    assert OFFICES["school"].is_working(date(2027, 2, 12))


def test_every_line_says_whether_somebody_read_it() -> None:
    unread = {(h.name, h.kept_by, h.source is None) for h in CALENDAR.holidays if not h.checked}
    assert unread == {
        ("Day after Thanksgiving", ("school", "college"), True),
        *((name, ("college",), False) for name in (
            "New Year's Day", "Lincoln Day", "Juneteenth", "Independence Day", "Veterans Day",
            "Christmas Day",
        )),
    }  # fmt: skip


def test_what_was_checked_says_where() -> None:
    with pytest.raises(ValidationError, match="give its source"):
        FixedHoliday(name="Founders", month=5, day=1, checked=True)


def test_a_published_calendar_of_before_means_what_it_meant() -> None:
    """Every office kept every day of it, and Saturday was kept on Friday."""
    old = CalendarPack.model_validate(
        {"id": "old", "version": 1, "title": "Old", "source": "s",
         "holidays": [{"kind": "fixed", "name": "Christmas Day", "month": 12, "day": 25}]}
    )  # fmt: skip
    for keeper in OFFICES:
        assert WorkingDays(old, keeper=keeper).why_not(date(2027, 12, 24)) == "Christmas Day"


def test_an_agency_may_be_a_school_office() -> None:
    pack = CALENDAR.model_copy(update={"agency_keeps": "school"})
    assert WorkingDays(pack).why_not(date(2027, 12, 24)) == "Christmas Day"
    assert WorkingDays(pack).is_working(date(2028, 3, 31))


def test_a_day_that_an_lea_works_is_a_working_day() -> None:
    friday = date(2026, 11, 27)
    days = WorkingDays(CALENDAR, RECESS, "school", [friday])
    assert days.is_working(friday)
    assert days.forward(date(2026, 11, 23)) == friday
    assert days.add(date(2026, 11, 20), 1) == friday


OVERLAP = range(2026, 2041)
EXPLAINED: dict[Keeper, tuple[set[str], set[str]]] = {
    # The library's days that are not ours, and ours that are not the library's, by keeper.
    "state": (
        {
            # The library has the federal days, which close no office of the state: 19853 does not
            # list them.
            "Juneteenth National Independence Day", "Susan B. Anthony Day", "Diwali",
            # It keeps Saturday's holidays on Friday, as the federal offices do; of the state a
            # Saturday is lost.
            "New Year's Day (observed)", "Independence Day (observed)",
            "Juneteenth National Independence Day (observed)", "Christmas Day (observed)",
        },
        set(),
    ),
    "court": (
        {"Susan B. Anthony Day", "Diwali"},  # Neither is among the days that the courts list.
        # The library ends Lincoln's birthday in 2009 and keeps 31 March of a Saturday on no day.
        {"Lincoln Day", "Native American Day", "Farmworkers Day"},
    ),
    "school": (
        {
            # Schools keep it by agreement alone (37220.5, 37220.7), or not at all.
            "Cesar Chavez Day", "Cesar Chavez Day (observed)", "Diwali", "Susan B. Anthony Day",
        },
        set(),
    ),
}  # fmt: skip


@pytest.mark.parametrize("keeper", EXPLAINED)
def test_a_well_kept_library_has_the_same_days_where_the_difference_is_not_explained(
    keeper: Keeper,
) -> None:
    theirs = holidays.country_holidays("US", subdiv="CA", years=OVERLAP)
    days, only_theirs, only_ours = OFFICES[keeper], set[str](), set[str]()
    for year in OVERLAP:
        for n in range(365):
            some = date(year, 1, 1) + timedelta(days=n)
            if some.weekday() >= 5:
                continue
            if some in theirs and days.is_working(some):
                only_theirs.update(theirs.get_list(some))
            elif some not in theirs and (ours := days.why_not(some)):
                only_ours.add(ours)
    assert (only_theirs, only_ours) == EXPLAINED[keeper]


@pytest.mark.parametrize("row", rows("Is it a working day?", "Day"))
def test_a_day_is_worked_or_rested_as_the_table_says(row: Row) -> None:
    for calendar, answer in ((AGENCY, row["At the agency"]), (ALDER_CREEK, row["At Alder Creek"])):
        found = calendar.why_not(day(row["Day"]))
        assert (found or "working") == answer
        assert calendar.is_working(day(row["Day"])) == (answer == "working")


@pytest.mark.parametrize("row", rows("Counting working days", "From", "Working days"))
def test_working_days_are_counted_as_the_table_says(row: Row) -> None:
    start, count = day(row["From"]), int(row["Working days"])
    assert AGENCY.add(start, count) == day(row["At the agency"])
    assert ALDER_CREEK.add(start, count) == day(row["At Alder Creek"])


@pytest.mark.parametrize("row", rows("The next working day, and the one before", "Day"))
def test_the_nearest_working_days_are_those_of_the_table(row: Row) -> None:
    assert ALDER_CREEK.forward(day(row["Day"])) == day(row["Forward at Alder Creek"])
    assert ALDER_CREEK.back(day(row["Day"])) == day(row["Back at Alder Creek"])


@pytest.mark.parametrize("row", rows("Months later", "Day", "Months"))
def test_months_are_added_as_the_table_says(row: Row) -> None:
    assert add_months(day(row["Day"]), int(row["Months"])) == day(row["Then"])


def test_a_holiday_on_a_weekend_may_be_kept_on_the_day_itself() -> None:
    holiday = FixedHoliday(name="Founders", month=5, day=1, observed="on-the-day")
    assert holiday.on(2027) == date(2027, 5, 1)
    assert spoken(holiday.on(2027)).startswith("Sat")


@pytest.mark.parametrize(
    ("nth", "kept"),
    [
        pytest.param(1, date(2028, 2, 1), id="first"),
        pytest.param(4, date(2028, 2, 22), id="fourth"),
        pytest.param(-1, date(2028, 2, 29), id="last, a leap day"),
    ],
)
def test_a_floating_holiday_is_found_in_its_month(nth: int, kept: date) -> None:
    holiday = FloatingHoliday.model_validate(
        {"name": "Tuesday", "month": 2, "weekday": "tuesday", "nth": nth}
    )
    assert holiday.on(2028) == kept


def test_the_last_weekday_of_december_is_found() -> None:
    holiday = FloatingHoliday(name="Last Friday", month=12, weekday="friday", nth=-1)
    assert holiday.on(2027) == date(2027, 12, 31)


@pytest.mark.parametrize(
    ("month", "on"),
    [
        pytest.param(2, 29, id="a leap day"),
        pytest.param(4, 31, id="31 April"),
        pytest.param(13, 1, id="month 13"),
    ],
)
def test_a_holiday_that_is_not_in_every_year_is_not_accepted(month: int, on: int) -> None:
    with pytest.raises(ValidationError):
        FixedHoliday(name="Never", month=month, day=on)


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [
        pytest.param(date(2027, 4, 2), date(2027, 3, 29), "before it begins", id="backwards"),
        pytest.param(date(2026, 12, 21), date(2028, 1, 8), "check the years", id="a year too long"),
    ],
)
def test_a_closure_with_impossible_days_is_not_accepted(first: date, last: date, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Closure(name="recess", first=first, last=last)


def test_closures_without_a_working_day_in_a_year_are_reported_and_do_not_hang() -> None:
    pack = CalendarPack(
        id="asleep",
        version=1,
        title="No work",
        source="invented",
        closures=tuple(
            Closure(
                name=f"nap {n}",
                first=date(2027, 1, 1) + timedelta(days=100 * n),
                last=date(2027, 1, 1) + timedelta(days=100 * n + 99),
            )
            for n in range(5)
        ),
    )
    with pytest.raises(ValueError, match="no working day within a year"):
        WorkingDays(pack).forward(date(2027, 1, 1))


@pytest.mark.parametrize(
    "row", table("reminders.md", "The local hour"), ids=lambda r: r["Local day"]
)
def test_eight_in_the_morning_is_kept_over_the_clock_change(row: Row) -> None:
    hour, minute = (int(part) for part in row["08:00 in UTC"].split(":"))
    instant = at_local(day(row["Local day"]), time(8), ZONE)
    assert instant == datetime.combine(day(row["Local day"]), time(hour, minute), tzinfo=UTC)
    assert local_date(instant, ZONE) == day(row["Local day"])


def test_a_local_time_that_spring_skips_is_taken_an_hour_later() -> None:
    assert at_local(date(2027, 3, 14), time(2, 30), ZONE) == datetime(
        2027, 3, 14, 10, 30, tzinfo=UTC
    )


def test_a_local_time_that_autumn_repeats_is_the_first_of_the_two() -> None:
    assert at_local(date(2026, 11, 1), time(1, 30), ZONE) == datetime(
        2026, 11, 1, 8, 30, tzinfo=UTC
    )


def test_an_instant_late_in_the_utc_day_is_still_the_local_day_before() -> None:
    assert local_date(datetime(2027, 4, 17, 6, 59, tzinfo=UTC), ZONE) == date(2027, 4, 16)
    assert local_date(datetime(2027, 4, 17, 7, 0, tzinfo=UTC), ZONE) == date(2027, 4, 17)


any_day = st.dates(date(2020, 1, 1), date(2040, 12, 31))


@given(any_day)
def test_a_rest_day_always_has_a_reason_and_a_working_day_never(some: date) -> None:
    for calendar in (AGENCY, ALDER_CREEK):
        assert calendar.is_working(some) == (calendar.why_not(some) is None)


@given(any_day, st.integers(1, 30))
def test_counting_there_and_back_returns_to_a_working_day(some: date, count: int) -> None:
    start = ALDER_CREEK.forward(some)
    end = ALDER_CREEK.add(start, count)
    assert ALDER_CREEK.is_working(end)
    assert ALDER_CREEK.add(end, -count) == start
    between = [start + timedelta(days=n) for n in range(1, (end - start).days + 1)]
    assert sum(ALDER_CREEK.is_working(d) for d in between) == count


@given(any_day)
def test_the_nearest_working_day_has_none_between(some: date) -> None:
    ahead = ALDER_CREEK.forward(some)
    between = [some + timedelta(days=n) for n in range((ahead - some).days)]
    assert ALDER_CREEK.is_working(ahead)
    assert not any(ALDER_CREEK.is_working(d) for d in between)


@given(any_day, st.integers(0, 120))
def test_months_never_skip_a_month(some: date, months: int) -> None:
    then = add_months(some, months)
    assert (then.year * 12 + then.month) - (some.year * 12 + some.month) == months
    assert then.day <= some.day
