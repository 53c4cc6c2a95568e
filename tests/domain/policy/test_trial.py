"""A playbook or calendar by which work would stop is not published."""

from datetime import date, timedelta
from typing import Any

import pytest

from domain.kernel.bounds import MOST_ENTRIES
from domain.kernel.refusals import Unworkable
from domain.policy.calendar import CalendarPack, Closure
from domain.policy.trial import try_playbook
from domain.program.publishing import CalendarPublished, PlaybookPublished
from domain.rules.context import SYSTEM, LeaEntry
from tests.domain.program.test_directory import INIT
from tests.domain.story import CALENDAR, PLAYBOOK, Story

EVERY_DAY = [
    {"kind": "fixed", "name": "rest", "month": day.month, "day": day.day, "observed": "on-the-day"}
    for day in (date(2027, 1, 1) + timedelta(days=n) for n in range(365))
]


def calendar(**changed: Any) -> dict[str, Any]:
    return {"content": {**CALENDAR.model_dump(), "version": 9, **changed}}


def playbook(**changed: Any) -> dict[str, Any]:
    return {"content": {**PLAYBOOK.model_dump(), "version": 9, **changed}}


def closures(first: date, *lengths: int) -> list[dict[str, Any]]:
    found = []
    for n, days in enumerate(lengths):
        last = first + timedelta(days=days - 1)
        found.append({"name": f"closure {n}", "first": first, "last": last})
        first = last + timedelta(days=1)
    return found


def test_what_comes_with_handrail_can_be_published() -> None:
    Story().when("calendar publish", "dana", **calendar()).records(CalendarPublished)
    Story().when("playbook publish", "dana", **playbook()).records(PlaybookPublished)


@pytest.mark.parametrize(
    ("content", "day"),
    [
        pytest.param({"holidays": EVERY_DAY}, "Thu 1 Jan 2026", id="every day a holiday"),
        pytest.param({"closures": closures(date(2026, 9, 1), 120, 120, 120, 120)},
                     "2026", id="closures that join"),
        pytest.param({"closures": closures(date(2041, 1, 1), 120, 120, 120, 120)},
                     "2041", id="closures far ahead"),
        pytest.param({"holidays": EVERY_DAY[:250], "closures": closures(date(2027, 9, 1), 120)},
                     "with the recess of alder-creek-usd", id="holidays, a closure and a recess"),
    ],
)  # fmt: skip
def test_a_calendar_on_which_nobody_works_is_refused(content: dict[str, Any], day: str) -> None:
    Story().when("calendar publish", "dana", **calendar(**content)).refuses(
        Unworkable, "no working day within a year", day
    )


def test_a_calendar_with_one_working_day_a_week_is_published() -> None:
    rest = [
        {"kind": "floating", "name": f"{w} {nth}", "month": month, "weekday": w, "nth": nth}
        for month in range(1, 13)
        for w in ("monday", "tuesday", "wednesday", "thursday")
        for nth in (1, 2, 3, 4, -1)
    ]
    assert len(rest) < MOST_ENTRIES
    Story().when("calendar publish", "dana", **calendar(holidays=rest)).records(CalendarPublished)


def test_a_calendar_is_tried_with_the_recess_of_each_lea() -> None:
    story = Story()
    recess = [Closure.model_validate(c) for c in closures(date(2027, 1, 1), 120, 120)]
    story.leas["salt-flat"] = LeaEntry("salt-flat", "Salt Flat", recess=tuple(recess))
    joining = calendar(closures=closures(date(2027, 8, 29), 120, 30))
    story.when("calendar publish", "dana", **joining).refuses(
        Unworkable, "with the recess of salt-flat"
    )


def changed(policy: dict[str, Any]) -> dict[str, Any]:
    policies = [p.model_dump() for p in PLAYBOOK.policies if p.id != policy["id"]]
    return playbook(policies=[*policies, policy])


def test_a_reminder_that_is_never_sent_is_refused_by_its_name() -> None:
    steps = [
        {"id": "due", "days": 0, "to": ["owner"]},
        {"id": "before", "days": -14, "to": ["owner"]},
    ]
    Story().when("playbook publish", "dana", **changed({"id": "odd", "steps": steps})).refuses(
        Unworkable, "dta-sir@9", "'odd' never sends its step due", "order"
    )


def test_what_fails_on_some_day_is_told_with_that_day() -> None:
    dead = CalendarPack.model_validate({**CALENDAR.model_dump(), "holidays": EVERY_DAY})
    with pytest.raises(Unworkable, match=r"dta-sir@3 .* policy 'standard', for what is due on "):
        try_playbook(PLAYBOOK, dead, "America/Los_Angeles", date(2026, 8, 3))


def test_a_program_does_not_begin_with_a_calendar_on_which_nobody_works() -> None:
    story = Story()
    story.program = None
    dead = {**CALENDAR.model_dump(), "holidays": EVERY_DAY}
    story.when("program init", SYSTEM, **{**INIT, "calendar": dead}).refuses(
        Unworkable, "no working day"
    )
