"""Questions find people and LEAs as they are typed, and tell apart several of a name."""

import json
from datetime import date

import pytest

from domain.policy.playbook import Playbook
from tests.cli.conftest import Ask
from tests.conftest import Office
from tests.journey import E


@pytest.fixture
async def two_joys(office: Office, playbook: Playbook) -> Office:
    """A second Joy Kim, who has left, and an LEA whose name begins like another's."""
    await office.to_onboarding(playbook)
    await office.do("person register", "dana", handle="joy2", name="Joy Kim",
                    email="joy2@collaborative.example", role=["lead"])  # fmt: skip
    await office.do("person leave", "dana", person="joy2", on=date(2026, 8, 1))
    await office.do("lea register", id="alder-flat-usd", name="Alder Flat Unified",
                    county="Fresno")  # fmt: skip
    return office


PEOPLE = [
    ("person", "show", "{}"),
    ("due", "--person", "{}"),
    ("engagement", "list", "--person", "{}"),
    ("ledger", E, "--person", "{}"),
    ("deliverable", "list", "--lead", "{}"),
    ("history", "person:{}"),
]
LEAS = [
    ("lea", "show", "{}"),
    ("lea", "facts", "{}"),
    ("person", "list", "--organisation", "{}"),
    ("history", "lea:{}"),
    ("engagement", "show", "{}"),
    ("burden", "show", "{}"),
    ("calendar", "export", "{}"),
]


def asking(words: tuple[str, ...], typed: str) -> list[str]:
    return [word.format(typed) for word in words]


@pytest.mark.parametrize("words", PEOPLE, ids=" ".join)
async def test_a_question_finds_a_person_as_typed(
    words: tuple[str, ...], two_joys: Office, ask: Ask
) -> None:
    exact = await ask(*asking(words, "marcus"))
    assert exact.code == 0, exact.err
    for typed in ("Marcus", "Oyelaran", "marcus\u00a0 OYELARAN", "@marcus"):
        assert await ask(*asking(words, typed)) == exact, typed


@pytest.mark.parametrize("words", PEOPLE, ids=" ".join)
async def test_a_question_about_several_of_a_name_tells_them_apart(
    words: tuple[str, ...], two_joys: Office, ask: Ask
) -> None:
    answer = await ask(*asking(words, "Joy"))
    assert answer.code == 1
    told = " ".join(answer.err.split())
    assert "'Joy' may be joy (Joy Kim, alder-creek-usd) or joy2 (Joy Kim, the agency, not " in told
    assert "there from Sat 1 Aug 2026 on). Say which, by the handle before its name." in told


@pytest.mark.parametrize("words", PEOPLE, ids=" ".join)
async def test_a_question_about_nobody_says_so(
    words: tuple[str, ...], two_joys: Office, ask: Ask
) -> None:
    answer = await ask(*asking(words, "Zzzz"))
    assert answer.code == 1
    assert " ".join(answer.err.split()) == (
        "Nobody in the directory is called 'Zzzz'. See them all: handrail person list"
    )


@pytest.mark.parametrize("words", LEAS, ids=" ".join)
async def test_a_question_finds_an_lea_as_typed(
    words: tuple[str, ...], two_joys: Office, ask: Ask
) -> None:
    exact = await ask(*asking(words, E))
    assert exact.code == 0, exact.err
    for typed in ("acusd", "Alder  CREEK", "Creek Unified", f" {E} "):
        assert await ask(*asking(words, typed)) == exact, typed
    several = await ask(*asking(words, "Alder"))
    told = " ".join(several.err.split())
    assert (several.code, "alder-flat-usd (Alder Flat Unified, Fresno)" in told) == (1, True)


async def test_everybody_who_left_is_found_by_the_name_that_only_they_have(
    two_joys: Office, ask: Ask
) -> None:
    await two_joys.do("person register", "dana", handle="ned", name="Ned Left",
                      email="ned@collaborative.example")  # fmt: skip
    await two_joys.do("person leave", "dana", person="ned", on=date(2026, 8, 1))
    shown = await ask("person", "show", "Ned Left", "--json")
    assert json.loads(shown.out)["handle"] == "ned"
