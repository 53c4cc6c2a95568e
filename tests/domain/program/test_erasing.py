"""Whoever is erased is gone from every list, and what happened stays."""

import pytest

from domain.kernel.refusals import Incomplete, WrongPerson, WrongState
from domain.program.erasing import PersonErased
from tests.domain.program.test_leaving import hired


def test_a_director_who_is_sure_erases_somebody() -> None:
    story, who = hired("noor-2", at="ACUSD")
    [event] = story.when("person erase", "dana", person=who, reason="r 5", sure=True).records(
        PersonErased
    )
    assert "r 5" in event.sentence()


@pytest.mark.parametrize(
    ("actor", "sure", "kind", "word"),
    [("tess", True, WrongPerson, "only a Director"), ("dana", False, Incomplete, "--yes")],
)
def test_nobody_is_erased_by_mistake(actor: str, sure: bool, kind: type, word: str) -> None:
    story, who = hired("noor-2", at="ACUSD")
    story.when("person erase", actor, person=who, reason="r", sure=sure).refuses(kind, word)


def test_whoever_holds_a_role_in_an_open_engagement_is_not_erased() -> None:
    story, who = hired("lea-2", at="ACUSD")
    story.opened().do("engagement assign", role="board_clerk", person=who)
    story.when("person erase", "dana", person=who, reason="r", sure=True).refuses(
        WrongState, "board clerk of alder-creek-usd", "handrail engagement assign"
    )
