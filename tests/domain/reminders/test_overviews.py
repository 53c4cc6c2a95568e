"""When the overviews of a week and a month go, and which week they belong to."""

from datetime import date, time

import pytest
from pydantic import ValidationError

from domain.policy.calendar import Closure, WorkingDays, at_local, spoken
from domain.policy.overviews import OverviewRules, next_overview
from tests.domain.story import CALENDAR, PLAYBOOK, ZONE
from tests.domain.tables import Row, day, table

DAYS = WorkingDays(CALENDAR)
RULES = {rules.id: rules for rules in PLAYBOOK.overviews}
WEEK, MONTH = RULES["week"], RULES["month"]


@pytest.mark.parametrize("row", table("reminders.md", "Overviews"), ids=str)
def test_an_overview_goes_on_the_day_of_the_table(row: Row) -> None:
    assert RULES[row["Overview"]].day(day(row["Around"]), DAYS) == day(row["Goes on"])


def test_a_week_of_rest_has_no_overview_and_the_next_one_follows() -> None:
    days = WorkingDays(
        CALENDAR, [Closure(name="closed", first=date(2027, 4, 5), last=date(2027, 4, 9))]
    )
    assert WEEK.day(date(2027, 4, 7), days) is None
    now = at_local(date(2027, 4, 2), time(12), ZONE)
    assert WEEK.next_moment(now, days, ZONE) == at_local(date(2027, 4, 12), time(8), ZONE)


def test_the_moment_keeps_its_local_hour_over_the_change_of_clocks() -> None:
    before = at_local(date(2027, 3, 9), time(12), ZONE)
    assert WEEK.next_moment(before, DAYS, ZONE).hour == 15
    assert WEEK.next_moment(at_local(date(2027, 3, 2), time(12), ZONE), DAYS, ZONE).hour == 16


def test_the_next_moment_lies_after_the_one_that_has_come() -> None:
    monday = at_local(date(2027, 4, 5), time(8), ZONE)
    assert WEEK.is_open(monday, DAYS, ZONE)
    assert WEEK.next_moment(monday, DAYS, ZONE) == at_local(date(2027, 4, 12), time(8), ZONE)
    assert next_overview((WEEK, MONTH), monday, DAYS, ZONE) == WEEK.next_moment(monday, DAYS, ZONE)
    assert next_overview((), monday, DAYS, ZONE) is None


def test_an_overview_missed_on_monday_is_still_open_on_thursday_of_the_same_week_only() -> None:
    thursday = at_local(date(2027, 4, 8), time(10), ZONE)
    assert WEEK.is_open(thursday, DAYS, ZONE)
    assert WEEK.period(date(2027, 4, 8)) == WEEK.period(date(2027, 4, 5)) == "2027-W14"
    assert WEEK.period(date(2027, 4, 12)) == "2027-W15"
    assert not WEEK.is_open(at_local(date(2027, 4, 5), time(7, 59), ZONE), DAYS, ZONE)
    assert MONTH.period(date(2027, 4, 8)) == "2027-04"


@pytest.mark.parametrize(
    "row",
    table("reminders.md", "The fifth working day"),
    ids=lambda r: r["working_day"] + r["Around"],
)
def test_an_overview_goes_on_the_working_day_that_the_playbook_counts(row: Row) -> None:
    rule = {"month": MONTH, "week": WEEK}[row["every"]].model_dump()
    counted = OverviewRules.model_validate({**rule, "working_day": row["working_day"]})
    goes = counted.day(day(row["Around"]), DAYS)
    assert (spoken(goes) if goes else "not at all") == row["Goes on"]


def test_no_overview_is_on_the_working_day_before_the_first() -> None:
    with pytest.raises(ValidationError, match="counts from 1"):
        OverviewRules.model_validate({**MONTH.model_dump(), "working_day": 0})


@pytest.mark.parametrize(
    ("now", "opens"),
    [
        ((date(2027, 4, 5), time(8)), (date(2027, 4, 5), time(8))),
        ((date(2027, 4, 5), time(17, 59)), (date(2027, 4, 5), time(17, 59))),
        ((date(2027, 4, 5), time(18)), (date(2027, 4, 6), time(8))),
        ((date(2027, 4, 6), time(6)), (date(2027, 4, 6), time(8))),
        ((date(2027, 4, 9), time(19)), (date(2027, 4, 12), time(8))),
        ((date(2027, 4, 10), time(12)), (date(2027, 4, 12), time(8))),
    ],
)
def test_a_late_overview_keeps_office_hours(
    now: tuple[date, time], opens: tuple[date, time]
) -> None:
    assert WEEK.opening(at_local(*now, ZONE), DAYS, ZONE) == at_local(*opens, ZONE)


def test_a_calendar_without_working_days_is_named_instead_of_searched_for_ever() -> None:
    never = OverviewRules(
        id="never", title="Never", to="lead", every="month", ahead_days=1, quiet_days=1
    )

    class NoDays(WorkingDays):
        def is_working(self, day: date) -> bool:
            return False

    with pytest.raises(ValueError, match="overview never"):
        never.next_moment(at_local(date(2027, 4, 5), time(8), ZONE), NoDays(CALENDAR), ZONE)
