"""Under --as-known the directory is that of the day; without it, today's."""

import json
from datetime import date

import pytest

from domain.policy.playbook import Playbook
from tests.cli.conftest import Ask
from tests.conftest import Office
from tests.journey import E

THEN, LATER = date(2026, 10, 12), date(2026, 12, 7)


@pytest.fixture
async def renamed(office: Office, playbook: Playbook) -> Office:
    """In December Joy and Marcus have other names, and Alder Creek another county."""
    await office.to_onboarding(playbook)
    office.clock.move(date(2026, 10, 5))
    await office.do("contact log", "marcus", engagement=E, how="visit", people=["joy"],
                    purpose="p")  # fmt: skip
    await office.do("team add", engagement=E, person="joy", as_="teacher")
    await office.do("focus set", engagement=E, text="p", person="joy", evidence="e")
    number = await office.agreed("Theory", date(2026, 11, 20))
    assert number == "D1"
    office.clock.move(LATER)
    await office.do("person change", person="joy", name="Joy Kim-Park")
    await office.do("person change", "dana", person="marcus", name="Marcus Newname")
    await office.do("lea change", lea=E, county="Fresno", source="s")
    return office


VIEWS = {
    "engagement show": (E,),
    "history": (E,),
    "contact list": (E,),
    "team show": (E,),
    "focus show": (E,),
    "deliverable show": (E, "D1"),
    "deliverable list": (),
}
"""Those that name people, and take --as-known."""


async def test_a_view_of_a_day_names_people_as_they_were_called_then(
    renamed: Office, ask: Ask
) -> None:
    for view, more in VIEWS.items():
        words = (*view.split(), *more)
        then, now, today = [
            await ask(*words, *day)
            for day in ((), ("--as-known", LATER.isoformat()), ("--as-known", THEN.isoformat()))
        ][::-1]
        assert (then.code, now.code, today.code) == (0, 0, 0), (view, then.err)
        assert ("Newname" in then.out, "Kim-Park" in then.out) == (False, False), view
        assert "Joy Kim" in then.out or "Marcus Oyelaran" in then.out, view
        for answer in (now, today):
            assert "Joy Kim-Park" in answer.out or "Marcus Newname" in answer.out, view
            assert "Oyelaran" not in answer.out, view
        in_json = await ask(*words, "--as-known", THEN.isoformat(), "--json")
        assert ("Newname" in in_json.out, "Kim-Park" in in_json.out) == (False, False), view


async def test_whoever_was_registered_later_is_not_known_earlier(renamed: Office, ask: Ask) -> None:
    before = await ask("engagement", "show", E, "--as-known", "2026-08-02")
    assert (before.code, "not open yet" in before.err) == (1, True)


async def test_another_county_is_in_every_view_of_today(renamed: Office, ask: Ask) -> None:
    packet = json.loads((await ask("lead", "packet", E, "--json")).out)
    assert packet["county"] == "Fresno"
    listed = json.loads((await ask("engagement", "list", "--json")).out)
    assert listed["county"] == "Fresno"
    async with renamed.pool.acquire() as connection:
        reported = await connection.fetchval("select county from reporting.engagements")
    assert reported == "Fresno"
    receipt = await renamed.do("conversation log", "marcus", engagement=E, group="parents")
    assert receipt.facets.county == "Fresno", "and it is what is searched for"


TO_COME = [
    *((*view.split(), *words) for view, words in VIEWS.items()),
    ("deliverable", "list"),
    ("burden", "show", E),
    ("cycle", "list", E),
    ("consultancy", "list", E),
    ("dosage", E),
    ("survey", "show", E),
    ("survey", "growth"),
    ("checkin", "show", E),
    ("portfolio", "mix"),
    ("investment", "list"),
    ("appropriation", "list"),
    ("appropriation", "show", "nothing"),
]


async def test_every_view_that_takes_a_day_is_tried_here() -> None:
    from cli.whole import build
    from tests.cli.test_json import verbs

    takes = {
        spoken
        for spoken, verb in verbs(build())
        if "--as-known"
        in [name for argument in verb.assemble_argument_collection() for name in argument.names]
    }
    tried = {" ".join(words) for words in TO_COME}
    assert {verb for verb in takes if not any(t.startswith(verb) for t in tried)} == set()


@pytest.mark.parametrize("option", ["--as-known", "--as-true"])
async def test_nobody_is_told_what_will_be_known_on_a_day_to_come(
    renamed: Office, ask: Ask, option: str
) -> None:
    without = {"team", "investment", "appropriation"} if option == "--as-true" else set()
    for words in TO_COME:
        if words[0] in without:
            continue
        answer = await ask(*words, option, "2026-12-08")
        assert answer.code == 1, (words, answer)
        assert f"{option} 2026-12-08 is still to come: today is Mon 7 Dec 2026" in " ".join(
            answer.err.split()
        ), words
        assert "before it, or leave it out" in " ".join(answer.err.split())
    assert (await ask("engagement", "show", E, option, LATER.isoformat())).code == 0
