"""What a command declares of its engagement and its day is held before any rule of its own."""

import re
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from domain.deciding import decide_in_full
from domain.engagement.guards import held_to_stated
from domain.kernel.messages import EngagementCommand
from domain.kernel.refusals import ImpossibleDate, Incomplete, Refused, Unknown, WrongState
from domain.rules.registry import COMMANDS
from tests.domain.story import ALDER, Story, made

OTHERWISE = {
    "conversation log": "open now",
    "engagement open": "nothing",
    "investment correct": "open or over",
    "investment withdraw": "open or over",
    "summit take-over": "nothing",
}
"""Every command of an engagement that needs anything but one that is open."""
OF_AN_ENGAGEMENT = {k: c for k, c in COMMANDS.items() if issubclass(c, EngagementCommand)}
OPEN = sorted(k for k, c in OF_AN_ENGAGEMENT.items() if c.needs == "open")
HAPPENED = sorted(k for k, c in COMMANDS.items() if c.happened is not None)


def refusal(story: Story, kind: str, effective: date | None = None) -> Refused:
    """What a command is refused with that says nothing but its engagement."""
    said: dict[str, Any] = {**dict.fromkeys(COMMANDS[kind].model_fields), "engagement": ALDER}
    command = COMMANDS[kind].model_construct(**said)
    with pytest.raises(Refused) as refused:
        decide_in_full(command, story.state(), story.context("dana", command, effective))
    return refused.value


def test_what_needs_no_open_engagement_is_named() -> None:
    assert {k: c.needs for k, c in OF_AN_ENGAGEMENT.items() if c.needs != "open"} == OTHERWISE
    assert len(OPEN) > 100


@pytest.mark.parametrize(
    "kind", sorted(k for k, c in OF_AN_ENGAGEMENT.items() if c.needs != "nothing")
)
def test_nothing_is_recorded_on_an_engagement_that_was_never_opened(kind: str) -> None:
    no = refusal(Story(), kind)

    assert (type(no), "handrail engagement list" in str(no)) == (Unknown, True)


@pytest.mark.parametrize("kind", sorted({*OPEN, "conversation log"}))
def test_nothing_is_recorded_on_an_engagement_that_is_over(kind: str) -> None:
    story = Story().opened().do("engagement withdraw", "dana", reason="vacancy")
    no = refusal(story, kind)

    assert (type(no), f"{ALDER} is withdrawn since" in str(no)) == (WrongState, True)
    assert "handrail engagement open" in str(no)


@pytest.mark.parametrize("kind", OPEN)
def test_nothing_is_dated_before_the_opening(kind: str) -> None:
    no = refusal(Story().opened(), kind, date(2026, 8, 3))

    assert (type(no), "was opened on Tue 4 Aug 2026" in str(no)) == (ImpossibleDate, True)
    assert "Correct --on." in str(no)


@pytest.mark.parametrize("kind", HAPPENED)
def test_what_happened_is_not_dated_in_the_future(kind: str) -> None:
    no = refusal(Story().opened(), kind, date(2026, 8, 5))

    assert type(no) is ImpossibleDate
    assert str(no).startswith(f"{COMMANDS[kind].happened} is dated Wed 5 Aug 2026, but today is")
    assert "Give the day on which it happened." in str(no)


@pytest.mark.parametrize(
    ("what", "body", "needs"),
    [
        ("checkin hold", {}, ("--with", "--on")),
        ("checkin hold", {"on": date(2027, 8, 1)}, ("--with",)),
        ("checkin hold", {"on": date(2027, 8, 1), "attended": ()}, ("--with",)),
        ("leader leave", {"person": "elena"}, ("--last",)),
        ("handover meet", {}, ("--on",)),
        ("person leave", {"person": "joy"}, ("--on",)),
    ],
)
def test_nothing_is_recorded_that_nobody_stated(
    what: str, body: dict[str, Any], needs: tuple[str, ...]
) -> None:
    story = Story().opened()
    context = replace(story.context("marcus", None), day_said=False)
    with pytest.raises(Incomplete, match=re.escape(", ".join(needs))):
        held_to_stated(made(what, **body), context)
    if what == "person leave":
        held_to_stated(made(what, **body), replace(context, day_said=True))
