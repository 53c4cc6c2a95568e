"""Why an item has no reminders at all, in words."""

from collections.abc import Callable

import pytest

from domain.reminders.not_planned import items_of, why_unplanned
from domain.rules.context import SYSTEM
from tests.domain.reminders.test_reminders import spring
from tests.domain.story import Story


def partly_signed() -> Story:
    return spring().do("deliverable sign", "marcus", deliverable="D1")


def declined() -> Story:
    return spring().do("deliverable decline", "marcus", deliverable="D1", reason="too much")


def held() -> Story:
    story = spring().do("engagement hold", "marcus", reason="wildfire")
    return story.signed("D1")


def withdrawn() -> Story:
    return spring().do("engagement withdraw", "dana", reason="a vacancy")


def told(story: Story, item: str) -> str | None:
    assert story.ledger(item) == []
    return why_unplanned(item, story.state(), story.context(SYSTEM, None))


@pytest.mark.parametrize(
    ("story", "item", "why"),
    [
        (spring, "D1", "it is proposed and not signed by both sides"),
        (partly_signed, "D1", "it is proposed and not signed by both sides"),
        (declined, "D1", "it was never agreed (declined)"),
        (
            spring,
            "D1/signature",
            "the Lead is to sign first; once that is done, the LEA is reminded to sign",
        ),
        (held, "D1", "held: wildfire"),
        (withdrawn, "D1", "it was never signed by both sides"),
        (spring, "D7", None),
        (spring, "M1", None),
    ],
)
def test_it_is_told_why_nobody_was_to_be_reminded(
    story: Callable[[], Story], item: str, why: str | None
) -> None:
    assert told(story(), item) == why


def test_an_items_proposal_counts_as_an_item() -> None:
    story = spring()
    assert {"D1", "D1/signature"} <= items_of(story.state(), story.context(SYSTEM, None))
