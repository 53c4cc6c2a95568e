"""docs/rules/working-days.md, row by row."""

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.calendar import (
    CalendarPack,
    Closure,
    FixedHoliday,
    FloatingHoliday,
    WorkingDays,
    add_months,
    at_local,
    local_date,
    spoken,
)
from tests.domain.story import CALENDAR, RECESS, ZONE
from tests.domain.tables import Row, day, table

AGENCY = WorkingDays(CALENDAR)
ALDER_CREEK = WorkingDays(CALENDAR, RECESS)


def rows(heading: str, *naming: str) -> list[object]:
    found = table("working-days.md", heading)
    return [pytest.param(row, id=" ".join(row[n] for n in naming)) for row in found]


@pytest.mark.parametrize("row", rows("Holidays", "Kept on"))
def test_a_holiday_is_kept_on_the_day_in_the_table(row: Row) -> None:
    kept = day(row["Kept on"])
    assert AGENCY.why_not(kept) == row["Holiday"]
    assert not AGENCY.is_working(kept)


def test_the_holiday_table_is_complete_from_september_2026_to_the_end_of_2027() -> None:
    first, last = date(2026, 8, 1), date(2027, 12, 31)
    listed = {day(row["Kept on"]) for row in table("working-days.md", "Holidays")}
    every = (first + timedelta(days=n) for n in range((last - first).days + 1))
    weekdays = [d for d in every if d.weekday() < 5]
    assert {d for d in weekdays if not AGENCY.is_working(d)} == {d for d in listed if d <= last}


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
