"""docs/rules/statute-dates.md: dates of the calendar that come anew every year by themselves."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from domain.journey.statute_dates import (
    StatuteDateMet,
    StatuteDateOpened,
    StatuteDateUnmet,
    Statutes,
)
from domain.kernel.refusals import AlreadyExists, ImpossibleDate, Incomplete, Unknown, WrongPerson
from domain.owing.obligations import obligations
from domain.policy.calendar import CalendarPack, StatuteDate, local_date
from domain.policy.parts import StatuteRules
from domain.policy.playbook import Playbook
from domain.reminders.planning import reconcile
from domain.rules.context import SYSTEM
from domain.rules.registry import fold
from tests.domain.journey.test_upgrade import looked_at
from tests.domain.story import ALDER, CALENDAR, HARBOR, PLAYBOOK, ZONE, Story
from tests.domain.tables import Row, day, table

MID_YEAR = "lcap-mid-year"
RULES = StatuteRules(phases=("onboarding", "partnering"), opens_days_before=60)
DONE: dict[str, Any] = {"statute": MID_YEAR, "person": "joy", "evidence": "board minutes"}


def asking(rules: StatuteRules | None = RULES, version: int = 3) -> Playbook:
    changed = {"version": version, "statutes": rules}
    return Playbook.model_validate({**PLAYBOOK.model_dump(), **changed})


def begun(on: date, rules: StatuteRules | None = RULES) -> Story:
    """An effective agreement with nobody to coach, under a playbook that asks for the dates."""
    story = Story(on)
    story.playbook = asking(rules)
    story.effective()
    return story.do("prong opt-out", prong="coaching", reason="A coach of their own.")


def opened(story: Story) -> list[tuple[str, int]]:
    return sorted(story.state().of(Statutes).opened)


def told(story: Story, item: str) -> list[date]:
    return [m.on for m in story.mails if item in {i for i, _, _ in m.items}]


def with_calendar(story: Story, **changed: Any) -> Story:
    """Another calendar is in force, and the engagement is told of it as the follower does."""
    assert story.program is not None
    pack = CalendarPack.model_validate({**CALENDAR.model_dump(), "version": 2, **changed})
    story.program = replace(story.program, calendar=pack)
    return story.do("notices reconcile", SYSTEM)


def test_the_dates_are_those_in_the_table() -> None:
    shown = {"28 February": (2, 28), "1 July": (7, 1)}
    rows = table("statute-dates.md", "The dates")
    assert [
        (r["Date"], shown[r["Due"].removeprefix("the ")], r["Who owes it"], r["Citation"])
        for r in rows
    ] == [
        (d.id, (d.month, d.day), ", ".join(t.replace("_", " ") for t in d.lea_types), d.statute)
        for d in CALENDAR.statute_dates
    ]


@pytest.mark.parametrize(
    "row", table("statute-dates.md", "Reminders"), ids=lambda r: f"{r['Date']} {r['Due']}"
)
def test_the_lea_is_told_on_the_day_in_the_table(row: Row) -> None:
    due = day(row["Due"])
    story = begun(date(due.year, 1, 25)).on(due)
    item = f"{row['Date']}/{due.year}"
    assert told(story, item) == [day(row["Told"])]
    [notice] = story.ledger(item)
    assert (notice.planned.due, notice.planned.to) == (due, ("lea_contact",))


def test_every_year_comes_anew_with_nobody_doing_anything() -> None:
    story = begun(date(2026, 10, 15)).on(date(2029, 3, 10))
    years = [year for statute, year in opened(story) if statute == MID_YEAR]
    assert years == [2027, 2028, 2029]
    assert [told(story, f"{MID_YEAR}/{year}") for year in years] == [
        [date(2027, 2, 24)], [date(2028, 2, 23)], [date(2029, 2, 23)],
    ]  # fmt: skip
    events = [r for r in story.history() if isinstance(r.event, StatuteDateOpened)]
    first = next(r for r in events if r.event.due == date(2028, 2, 28))  # type: ignore[attr-defined]
    assert local_date(first.stamp.effective_at, ZONE) == date(2027, 12, 30)
    assert fold(f"engagement:{ALDER}", story.history()) == story.state()
    assert reconcile(story.state(), story.context(SYSTEM, None)) == []


def test_where_nobody_asks_for_it_nothing_opens() -> None:
    assert opened(begun(date(2026, 10, 15), None).on(date(2027, 8, 1))) == []


def test_a_date_left_out_by_the_playbook_does_not_open() -> None:
    rules = RULES.model_copy(update={"leave_out": (MID_YEAR,)})
    story = begun(date(2026, 10, 15), rules).on(date(2027, 8, 1))
    assert {statute for statute, _ in opened(story)} == {"lcap-adoption"}


def test_before_its_phases_nothing_opens_and_then_at_once() -> None:
    rules = RULES.model_copy(update={"phases": ("partnering",)})
    story = begun(date(2027, 2, 8), rules).on(date(2027, 2, 9))
    assert opened(story) == []
    story.proposed(date(2027, 4, 16)).signed().on(date(2027, 2, 10))
    assert opened(story) == [(MID_YEAR, 2027)]


def test_a_date_already_past_is_left_alone() -> None:
    assert opened(begun(date(2027, 3, 2)).on(date(2027, 3, 5))) == []


@pytest.mark.parametrize(
    ("lea_type", "years"),
    [
        ("school_district", [("lcap-adoption", 2027), (MID_YEAR, 2027)]),
        ("county_office_of_education", [("lcap-adoption", 2027), (MID_YEAR, 2027)]),
        ("charter_school", [("lcap-adoption", 2027), (MID_YEAR, 2027)]),
        ("school_district_part", []),
    ],
)
def test_each_kind_of_lea_owes_what_is_asked_of_it(
    lea_type: str, years: list[tuple[str, int]]
) -> None:
    story = Story(date(2027, 2, 1))
    story.playbook = asking()
    story.leas[ALDER] = replace(story.leas[ALDER], type=lea_type)
    story.leas["acusd"] = story.leas[ALDER]
    story.effective().on(date(2027, 7, 2))
    assert opened(story) == years
    assert HARBOR not in {s.partition(":")[2] for s in story.histories}


@pytest.mark.parametrize(
    ("checked", "unchecked", "opens"),
    [
        pytest.param(True, (), True, id="somebody read it"),
        pytest.param(None, (), True, id="a calendar that does not say"),
        pytest.param(False, (), False, id="nobody read it"),
        pytest.param(False, (MID_YEAR,), True, id="nobody read it, and the playbook names it"),
    ],
)
def test_of_a_date_that_nobody_read_nobody_is_reminded_unless_the_playbook_names_it(
    checked: bool | None, unchecked: tuple[str, ...], opens: bool
) -> None:
    story = Story(date(2027, 2, 1))
    story.playbook = asking(RULES.model_copy(update={"unchecked": unchecked}))
    assert story.program is not None
    dates = tuple(d.model_copy(update={"checked": checked}) for d in CALENDAR.statute_dates)
    pack = CALENDAR.model_copy(update={"statute_dates": dates})
    story.program = replace(story.program, calendar=pack)
    story.effective().on(date(2027, 2, 10))
    assert opened(story) == ([(MID_YEAR, 2027)] if opens else [])


def test_what_was_done_is_asked_for_no_more() -> None:
    story = begun(date(2027, 2, 1)).on(date(2027, 2, 10))
    assert len(story.planned_days(f"{MID_YEAR}/2027")) == 1
    story.when("statute done", year=2027, effective=date(2027, 2, 9), **DONE).records(
        StatuteDateMet
    )
    [notice] = story.ledger(f"{MID_YEAR}/2027")
    assert (notice.status, notice.reason) == ("suppressed", "done")
    story.when("statute done", year=2027, **DONE).refuses(
        AlreadyExists, "Tue 9 Feb 2027", "handrail statute undo"
    )
    story.when("statute undo", statute=MID_YEAR, year=2027, reason="last year's").records(
        StatuteDateUnmet
    )
    assert story.planned_days(f"{MID_YEAR}/2027") == [date(2027, 2, 24)]
    story.when("statute undo", statute=MID_YEAR, year=2027, reason="r").refuses(
        Unknown, "'lcap-mid-year' of 2027", "handrail statute list"
    )


def test_what_was_done_early_never_opens() -> None:
    story = begun(date(2026, 10, 15)).on(date(2026, 12, 1)).do("statute done", year=2027, **DONE)
    story.on(date(2027, 12, 1))
    assert (MID_YEAR, 2027) not in opened(story)
    assert told(story, f"{MID_YEAR}/2027") == []


def test_what_nobody_recorded_is_open_until_the_next_year_opens() -> None:
    story = begun(date(2027, 2, 1)).on(date(2027, 12, 1))

    def owed() -> dict[str, str | None]:
        found = obligations(story.state(), story.context(SYSTEM, None))
        return {o.item: o.settled for o in found if o.item.startswith(MID_YEAR)}

    assert owed() == {f"{MID_YEAR}/2027": None}
    story.on(date(2028, 1, 10))
    assert owed() == {
        f"{MID_YEAR}/2027": "the next year's date is open", f"{MID_YEAR}/2028": None,
    }  # fmt: skip


def test_a_changed_calendar_moves_the_date_and_its_reminder() -> None:
    story = begun(date(2027, 2, 1)).on(date(2027, 2, 2))
    dates = [{**d.model_dump(), "month": 3, "day": 15} for d in CALENDAR.statute_dates[:1]]
    with_calendar(story, statute_dates=dates)
    assert story.planned_days(f"{MID_YEAR}/2027") == [date(2027, 3, 10)]
    assert {n.reason for n in story.ledger() if n.status == "suppressed"} >= {"calendar changed"}


def test_a_calendar_without_the_date_takes_it_back() -> None:
    story = begun(date(2027, 2, 1)).on(date(2027, 2, 2))
    with_calendar(story, statute_dates=())
    [notice] = story.ledger(f"{MID_YEAR}/2027")
    assert notice.reason == "not asked for any more"


def test_an_upgrade_begins_to_ask_for_the_dates() -> None:
    """Scenario: on 1 December an upgrade, on 23 February the reminder for the 28th."""
    story = begun(date(2026, 10, 15), None)
    story.versions["dta-sir@4"] = asking(version=4)
    story.on(date(2027, 12, 1))
    assert [(f.event.sentence()[:8], local_date(f.at, ZONE)) for f in looked_at(story).coming] == [
        ("Mid-year", date(2027, 12, 30)), ("LCAP ado", date(2028, 5, 2)),
    ]  # fmt: skip
    story.do("playbook upgrade", "dana", to="dta-sir@4", reason="r")
    story.on(date(2028, 2, 23))
    assert told(story, f"{MID_YEAR}/2028") == [date(2028, 2, 23)]


def test_nobody_is_reminded_where_the_playbook_lacks_the_policy() -> None:
    story = begun(date(2027, 2, 1))
    dates = [{**d.model_dump(), "policy": "elsewhere"} for d in CALENDAR.statute_dates]
    with_calendar(story, statute_dates=dates).on(date(2027, 3, 1))
    assert opened(story) == [(MID_YEAR, 2027)]
    assert told(story, f"{MID_YEAR}/2027") == []


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ({"statute": "lcap-midyear"}, Unknown, ("'lcap-midyear'", "Did you mean lcap-mid-year")),
        ({"person": None, "evidence": None}, Incomplete, ("--for PERSON", "--evidence")),
        ({"evidence": None}, Incomplete, ("--evidence",)),
        ({"person": "noor"}, WrongPerson, ("p-noor", "harbor-charter")),
        ({"year": 2028}, ImpossibleDate, ("Sun 28 Feb 2027", "Check --year 2028")),
        ({"effective": date(2027, 2, 12)}, ImpossibleDate, ("Fri 12 Feb 2027",)),
    ],
)
def test_what_cannot_have_been_done_is_refused(
    body: dict[str, Any], kind: type[Any], words: tuple[str, ...]
) -> None:
    begun(date(2027, 2, 1)).on(date(2027, 2, 10)).when(
        "statute done", **{**DONE, "year": 2027, **body}
    ).refuses(kind, *words)


def test_a_playbook_that_leaves_them_to_the_lea_takes_nothing() -> None:
    begun(date(2027, 2, 1), None).when("statute done", year=2027, **DONE).refuses(
        Unknown, "dta-sir@3", "leaves the dates of statutes to the LEA"
    )


@pytest.mark.parametrize(("month", "number"), [(2, 29), (2, 30), (4, 31)])
def test_a_date_is_in_every_year(month: int, number: int) -> None:
    with pytest.raises(ValidationError, match="day: last"):
        StatuteDate.model_validate(
            {**CALENDAR.statute_dates[0].model_dump(), "month": month, "day": number}
        )


@pytest.mark.parametrize(("year", "due"), [(2027, 28), (2028, 29), (2100, 28)])
def test_the_last_day_of_february_knows_leap_years(year: int, due: int) -> None:
    last = CALENDAR.statute_dates[0].model_copy(update={"day": "last"})
    assert last.on(year) == date(year, 2, due)


@pytest.mark.parametrize("year", [2027, 2028])
def test_the_mid_year_report_is_due_on_the_28th_in_a_leap_year_too(year: int) -> None:
    assert CALENDAR.statute_dates[0].on(year) == date(year, 2, 28)


def test_a_date_is_there_once() -> None:
    with pytest.raises(ValidationError, match="lcap-mid-year is there twice"):
        CalendarPack.model_validate(
            {**CALENDAR.model_dump(), "statute_dates": CALENDAR.statute_dates[:1] * 2}
        )
