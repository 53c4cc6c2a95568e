"""Facts that time alone brings: recorded when they come true, whoever comes first."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from domain.deciding import brought
from domain.engagement.engagement import RoleAssigned
from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.kernel.refusals import WrongState
from domain.owing import coming as what_comes
from domain.owing.coming import Coming, coming
from domain.recruitment.recruitment import ConversationLogged
from domain.reminders.claiming import next_wake
from domain.rules.context import SYSTEM, Context
from tests.domain.story import Story

DAYS = (date(2026, 8, 20), date(2026, 8, 10))


@pytest.fixture
def turns() -> Iterator[list[datetime]]:
    """The Director becomes Tess on one day and Dana on another; each once its day has come."""
    at = [Story(on).now for on in DAYS]

    def subject(state: State, context: Context) -> Iterable[Coming]:
        done = {t.since for t in state.of(Engagement).tenures}
        for when, who in zip(at, ("p-dana", "p-tess"), strict=True):
            if when not in done:
                yield Coming(when, RoleAssigned(role="director", person=who))

    subjects = what_comes._SUBJECTS["engagement"]
    before = list(subjects)
    what_comes.comes_true(subject)
    yield at
    subjects[:] = before


def director(story: Story) -> list[tuple[str, datetime]]:
    return [(t.person, t.since) for t in story.engagement.tenures if t.role == "director"]


def test_the_earliest_comes_first(turns: list[datetime]) -> None:
    story = Story().opened()
    found = coming(story.state(), story.context(SYSTEM, None))
    assert [fact.at for fact in found] == sorted(turns)
    assert next_wake(story.state(), story.context(SYSTEM, None)) == min(turns)


def test_nothing_comes_on_what_is_not_open(turns: list[datetime]) -> None:
    story = Story()
    assert coming(story.state(), story.context(SYSTEM, None)) == []
    story.opened().do("engagement withdraw", "dana", reason="over")
    assert coming(story.state(), story.context(SYSTEM, None)) == []
    assert next_wake(story.state(), story.context(SYSTEM, None)) is None


def test_what_has_come_is_recorded_once_in_the_order_in_which_it_came_true(
    turns: list[datetime],
) -> None:
    story = Story().opened().away_until(date(2026, 9, 1))
    late, early = turns
    story.do("notices reconcile", SYSTEM)
    assert director(story)[1:] == [("p-tess", early), ("p-dana", late)]
    version = story.state().version
    story.do("notices reconcile", SYSTEM)
    assert story.state().version == version


def test_each_is_recorded_at_its_own_moment_when_somebody_wakes(turns: list[datetime]) -> None:
    story = Story().opened().on(date(2026, 9, 1))
    stamps = [
        (r.stamp.effective_at, r.stamp.recorded_at)
        for r in story.history()
        if isinstance(r.event, RoleAssigned)
    ]
    assert stamps == [(at, at) for at in sorted(turns)]


def test_it_stands_before_what_the_command_says(turns: list[datetime]) -> None:
    story = Story().opened().away_until(date(2026, 8, 12))
    story.do("conversation log", "marcus", group="parents")
    assert [type(e) for e in story.news] == [RoleAssigned, ConversationLogged]


def test_a_refused_command_does_not_record_it(turns: list[datetime]) -> None:
    story = Story().opened().away_until(date(2026, 8, 12))
    before = story.state().version
    story.when("engagement close", "dana", reason="r").refuses(WrongState)
    assert story.state().version == before
    assert len(brought(story.state(), story.context(SYSTEM, None))) == 1


def test_nothing_is_brought_before_its_moment(turns: list[datetime]) -> None:
    story = Story().opened()
    story.now = min(turns) - timedelta(microseconds=1)
    assert brought(story.state(), story.context(SYSTEM, None)) == []
    story.now = min(turns)
    [(event, at)] = brought(story.state(), story.context(SYSTEM, None))
    assert (event.type, at) == ("role-assigned", min(turns))


def test_what_time_brings_to_an_invented_engagement_is_invented(turns: list[datetime]) -> None:
    story = Story().opened()
    state = story.state()
    marked = state.put(replace(state.of(Engagement), illustrative=True))
    story.now = min(turns)
    [(event, _)] = brought(marked, story.context(SYSTEM, None))
    assert event.illustrative
