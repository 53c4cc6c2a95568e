"""What `handrail burden show` and `engagement show` say of the LEA's hours."""

from datetime import date
from typing import Any, cast

from cli.burden import section
from domain.policy.calendar import Closure, WorkingDays
from queries.answers import Who
from queries.burden import MonthInFull, OverTheCap, ahead, burden
from queries.names import Names
from tests.domain.story import CALENDAR, PLAYBOOK, RECESS, Story

RULES = PLAYBOOK.burden
DAYS = WorkingDays(CALENDAR, RECESS, "school")


def months(story: Story, days: WorkingDays = DAYS) -> tuple[MonthInFull, ...]:
    return burden(story.state(), RULES, days, Names(cast(Any, None))).months


def spring() -> Story:
    story = Story(date(2027, 3, 2)).effective()
    story.proposed(date(2027, 4, 16), "D1").signed("D1")
    for title, hours in (("D2", 10), ("D3", 31)):
        due = date(2027, 5, 14)
        story.do("deliverable propose", "marcus", title=title, due=due, hours=hours)
    return story


def test_a_month_shows_its_items_and_how_it_stands() -> None:
    april, may = months(spring())
    assert (april.month, april.agreed, april.standing) == ("2027-04", "10", "30 h under")
    assert (may.agreed, may.proposed, may.forecast) == ("0", "41", "41")
    assert (may.cap, may.over, may.forecast_over) == ("40", False, True)
    assert [(i.item, i.hours, i.agreed) for i in may.items] == [
        ("D2", "10", False),
        ("D3", "31", False),
    ]


def test_what_falls_into_a_recess_set_later_is_named() -> None:
    off = Closure(name="spring break", first=date(2027, 4, 12), last=date(2027, 4, 16))
    april, _ = months(spring(), WorkingDays(CALENDAR, [off], "school"))
    assert april.items[0].collides == ("spring break",)


def test_a_waiver_is_shown_with_its_authority() -> None:
    story = spring().do("burden waive", "dana", month="2027-05", hours=41, reason="two are freed")
    _, may = months(story)
    assert may.waivers == (OverTheCap("41", "two are freed", Who("p-dana", "p-dana")),)
    assert (may.allowed, may.forecast_over) == ("41", False)


def test_the_months_to_come_stand_in_one_line() -> None:
    state = spring().state()
    assert section({"burden": ahead(state, RULES, date(2027, 4, 30))}) == [
        "LEA hours: Apr 2027 10; May 2027 0 (41 if all is signed), would be over the cap"
    ]
    assert section({"burden": ahead(state, RULES, date(2027, 6, 1))}) == []


def test_without_a_cap_there_is_no_line_about_it() -> None:
    [_, may] = ahead(spring().state(), None, date(2027, 4, 1))
    assert (may["cap"], may["forecast_over"], may["standing"]) == (None, False, "no cap")
