"""A rehearsal shows what then happens, and changes nothing."""

from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.deliverables.proposing import Deliverables
from domain.outlook.rehearsal import Rehearsal, as_signed, rehearsed, waiting_for_signatures
from domain.policy.calendar import at_local
from domain.rules.context import SYSTEM
from tests.domain.reminders.test_reminders import spring
from tests.domain.story import ZONE, Story
from tests.domain.test_properties import played, plots

Told = tuple[str, Any, frozenset[tuple[str, int, str]], bool]


def rehearsal_of(story: Story, days: int) -> Rehearsal:
    mailed: dict[str, set[date]] = {}
    for mail in story.mails:
        if mail.alarm is None:
            mailed.setdefault(mail.person, set()).add(mail.on)
    until = story.now + timedelta(days=days)
    return rehearsed(story.state(), story.context(SYSTEM, None), until, mailed)


def foretold(rehearsal: Rehearsal) -> list[Told]:
    return sorted(
        (
            (m.person, m.at, frozenset((i.item, i.round, i.step) for i in m.items), m.alarm)
            for m in rehearsal.messages
        ),
        key=str,
    )


def came(story: Story, since: int) -> list[Told]:
    return sorted(
        ((m.person, m.at, frozenset(m.items), m.alarm is not None) for m in story.mails[since:]),
        key=str,
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plots, st.integers(1, 400))
def test_a_rehearsal_lists_exactly_the_mails_that_then_go(plot: list[Any], days: int) -> None:
    story = played("partnering", plot)
    before = story.state()
    rehearsal = rehearsal_of(story, days)
    assert story.state() is before, "a rehearsal writes nothing"
    had = len(story.mails)
    story.until(story.now + timedelta(days=days))
    assert foretold(rehearsal) == came(story, had)


def proposed() -> Story:
    story = spring().proposed(date(2027, 5, 14), "Measures").on(date(2027, 3, 9))
    return story.do("deliverable propose", "marcus", title="Big", due=date(2027, 5, 28), hours=25)


def test_what_is_only_proposed_is_rehearsed_as_if_both_had_signed() -> None:
    story = proposed()
    context = story.context(SYSTEM, None)
    assert waiting_for_signatures(story.state()) == ["D1", "D2", "D3"]
    until = at_local(date(2028, 6, 1), context.now.time(), ZONE)
    assert (
        rehearsed(
            story.state(), context, at_local(date(2027, 9, 1), context.now.time(), ZONE)
        ).messages
        == ()
    )
    would_be = rehearsed(as_signed(story.state(), context), context, until)
    for deliverable in ("D1", "D2", "D3"):
        story.signed(deliverable)
    had = len(story.mails)
    story.until(until)
    assert foretold(would_be) == came(story, had)
    assert {i.item for m in would_be.messages for i in m.items} == {"D1", "D2", "D3", "CI-1"}


def test_a_new_date_that_waits_is_rehearsed_in_place_of_the_agreed_one() -> None:
    story = proposed().signed("D1")
    story.do("deliverable redate", "marcus", deliverable="D1", due=date(2027, 4, 30), reason="r")
    signed = as_signed(story.state(), story.context(SYSTEM, None))
    d1 = signed.of(Deliverables).all["D1"]
    assert (d1.due, d1.round, d1.proposal) == (date(2027, 4, 30), 2, None)
    assert waiting_for_signatures(signed) == []
