"""docs/rules/sourced-facts.md, and what the registry and the directory were completed with."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Invalid,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.program.classification import LeaClassified
from domain.program.facts import LeaFactRecorded, LeaFactSettled, LeaFactWithdrawn, facts_of
from domain.program.frameworks import FrameworkPublished
from domain.program.leas import AliasAdded, Lea, LeaChanged
from domain.program.people import Person, PersonChanged, PersonRegistered
from tests.domain.story import ALDER, FRAMEWORKS, Story, made
from tests.domain.tables import Row, day, table

STREAM = f"lea:{ALDER}"
ROWS = table("sourced-facts.md", "What contradicts what")


def registered() -> Story:
    """Alder Creek has a stream of its own to say things about."""
    return Story(date(2027, 11, 1)).do("lea classify", lea=ALDER, locale="town")


def fact(story: Story, attribute: str, value: str, source: str, as_of: Any, **more: Any) -> Story:
    body = {"attribute": attribute, "value": value, "source": source, "as_of": as_of, **more}
    return story.do("lea fact", lea=ALDER, **body)


def told() -> Story:
    story = registered()
    for row in ROWS:
        fact(story, row["Attribute"], row["Value"], row["Source"], day(row["As of"]))
    return story


def standing(story: Story) -> dict[str, str]:
    return {f.id: f.standing for f in facts_of(story.state(STREAM))}


def test_facts_stand_as_the_table_says() -> None:
    found = facts_of(told().state(STREAM))
    assert [(f.id, f.name, f.said, f.source, f.standing) for f in found] == [
        (r["Fact"], r["Attribute"], r["Value"], r["Source"], r["Standing"]) for r in ROWS
    ]
    assert [f.against for f in found] == [(), ("SF3",), ("SF2",), (), ()]


def test_a_contradiction_is_settled_and_the_other_stays() -> None:
    story = told()
    [event] = story.when(
        "lea fact-settle", lea=ALDER, attribute="enrolment", prevails="sf3", why="census day"
    ).records(LeaFactSettled)
    assert isinstance(event, LeaFactSettled)
    assert (event.prevails, event.against) == ("SF3", ("SF2",))
    assert (standing(story)["SF3"], standing(story)["SF2"]) == ("prevails", "outweighed")
    outweighed = facts_of(story.state(STREAM))[1]
    assert (outweighed.said, outweighed.why) == ("4300", "census day")
    story.when(
        "lea fact-settle", lea=ALDER, attribute="enrolment", prevails="SF3", why="again"
    ).refuses(AlreadyExists, "census day", "handrail lea facts")
    story.do("lea fact-settle", lea=ALDER, attribute="enrolment", prevails="SF2", why="rather")
    assert (standing(story)["SF3"], standing(story)["SF2"]) == ("outweighed", "prevails")


def test_a_further_source_opens_the_contradiction_again() -> None:
    story = told().do(
        "lea fact-settle", lea=ALDER, attribute="enrolment", prevails="SF3", why="census day"
    )
    fact(story, "enrolment", "4090", "The county office", date(2027, 10, 5))
    assert standing(story)["SF3"] == "prevails"
    fact(story, "enrolment", "5000", "A newspaper", date(2027, 10, 6))
    assert {standing(story)[f] for f in ("SF2", "SF3", "SF7")} == {"in conflict"}


def test_a_withdrawn_fact_contradicts_nothing() -> None:
    story = told()
    story.when("lea fact-withdraw", lea=ALDER, fact="SF2", reason="another district's").records(
        LeaFactWithdrawn
    )
    assert (standing(story)["SF2"], standing(story)["SF3"]) == ("withdrawn", "stands")
    story.when("lea fact-withdraw", lea=ALDER, fact="SF2", reason="r").refuses(
        AlreadyExists, "another district's"
    )


def test_facts_of_different_scopes_stand_apart() -> None:
    story = registered()
    fact(story, "enrolment", "4120", "Dashboard 2026", date(2026, 10, 7))
    fact(story, "enrolment", "900", "The school", date(2026, 10, 7), scope="high school")
    assert set(standing(story).values()) == {"stands"}


def test_facts_of_the_registration_take_part() -> None:
    story = Story(date(2027, 11, 1))
    body = {"name": "dashboard_year", "source": "a report"}
    facts = ({**body, "value": 2019}, {**body, "name": "grants", "value": None})
    story.do("lea register", id="salt-flat", name="Salt Flat Elementary", facts=facts)
    more = {"attribute": "dashboard-year", "value": "2018", "source": "a site"}
    story.leas["salt-flat"] = replace(story.leas[ALDER], id="salt-flat")
    story.do("lea fact", lea="salt-flat", as_of=date(2027, 1, 1), **more)
    found = facts_of(story.state("lea:salt-flat"))
    assert [(f.id, f.standing) for f in found] == [
        ("SF1", "in conflict"), ("SF2", "stands"), ("SF3", "in conflict"),
    ]  # fmt: skip
    assert found[1].said == "not stated"


@pytest.mark.parametrize(
    ("what", "body", "kind", "words"),
    [
        ("lea fact", {"attribute": "schools", "value": "9", "source": "Dashboard 2026",
                      "as_of": date(2026, 10, 7)}, AlreadyExists, ("SF4",)),
        ("lea fact", {"attribute": "schools", "value": "8", "source": "dashboard 2026",
                      "as_of": date(2026, 10, 7)}, AlreadyExists, ("SF4", "fact-withdraw")),
        ("lea fact", {"attribute": "schools", "value": "8", "source": "x",
                      "as_of": date(2027, 11, 2)}, ImpossibleDate, ("Tue 2 Nov 2027",)),
        ("lea fact", {"lea": "Alder Crek", "attribute": "schools", "value": "8", "source": "x",
                      "as_of": date(2027, 11, 1)}, Unknown, ("'Alder Crek'",)),
        ("lea fact-settle", {"attribute": "schools", "prevails": "SF4", "why": "w"}, WrongState,
         ("nothing contradicts SF4", "stands")),
        ("lea fact-settle", {"attribute": "schools", "prevails": "SF2", "why": "w"}, WrongState,
         ("SF2 is about enrolment",)),
        ("lea fact-settle", {"attribute": "scools", "prevails": "SF2", "why": "w"}, Unknown,
         ("'scools'", "schools")),
        ("lea fact-settle", {"attribute": "enrolment", "prevails": "SF9", "why": "w"}, Unknown,
         ("'SF9'", "SF5 (schools)")),
        ("lea fact-settle", {"attribute": "enrolment", "prevails": "SF1", "why": "w"}, WrongState,
         ("is replaced",)),
        ("lea fact-withdraw", {"fact": "SF9", "reason": "r"}, Unknown, ("'SF9'",)),
        ("lea fact-withdraw", {"fact": "SF1", "reason": "r", "effective": date(2027, 11, 2)},
         ImpossibleDate, ("--on",)),
    ],
)  # fmt: skip
def test_what_cannot_be_said_of_a_fact_is_refused(
    what: str, body: dict[str, Any], kind: type[Any], words: tuple[str, ...]
) -> None:
    told().when(what, **{"lea": ALDER, **body}).refuses(kind, *words)


def test_a_fact_is_recorded_with_its_source_and_day() -> None:
    body = {"attribute": "enrolment", "value": "4120", "source": "s", "as_of": date(2026, 10, 7)}
    [event] = registered().when("lea fact", lea="ACUSD", **body).records(LeaFactRecorded)
    assert isinstance(event, LeaFactRecorded)
    assert (event.fact, event.as_of) == ("SF1", date(2026, 10, 7))


# Names and codes ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row", table("sourced-facts.md", "Names and codes"), ids=lambda r: r["Code"]
)
def test_a_cds_code_has_14_digits(row: Row) -> None:
    body = {"id": "salt-flat", "name": "Salt Flat Elementary", "cds": row["Code"]}
    if row["Accepted"] == "yes":
        story = Story().do("lea register", **body)
        assert story.state("lea:salt-flat").of(Lea).cds == "99123450000000"
    else:
        with pytest.raises(ValidationError, match="not a CDS code"):
            made("lea register", **body)


def test_an_lea_is_completed() -> None:
    story = registered()
    body = {"cds": "99-12345-0000000", "parent": "Manzanita County Office of Education"}
    story.when("lea change", lea=ALDER, **body).records(LeaChanged)
    story.when("lea change", lea=ALDER, **body).records()
    lea = story.state(STREAM).of(Lea)
    assert (lea.cds, lea.parent) == ("99123450000000", body["parent"])
    story.when("lea change", lea=ALDER).refuses(Incomplete, "--county, --parent or --cds")
    story.when("lea change", lea="nowhere", county="Manzanita").refuses(Unknown, "'nowhere'")


def test_a_code_or_alias_means_one_lea() -> None:
    story = registered()
    story.leas["99123450000000"] = story.leas["harbor-charter"]
    story.when("lea change", lea=ALDER, cds="99123450000000").refuses(
        AlreadyExists, "harbor-charter"
    )
    story.when("lea alias add", lea=ALDER, alias="Harbor Charter").refuses(
        AlreadyExists, "harbor-charter"
    )
    story.when("lea alias add", lea="nowhere", alias="x").refuses(Unknown, "'nowhere'")
    story.when("lea alias add", lea=ALDER, alias="The Creek").records(AliasAdded)
    assert story.state(STREAM).of(Lea).aliases == ("The Creek",)
    story.when("lea alias add", lea=ALDER, alias="the  creek").refuses(
        AlreadyExists, "called 'the  creek' already"
    )
    story.when("lea classify", lea=ALDER, locale="rural").records(LeaClassified)


# Fallback contacts -------------------------------------------------------------------------------


def robert(**more: Any) -> dict[str, Any]:
    return {"handle": "robert", "name": "Robert Hale", "email": "r@x.example", "at": ALDER, **more}


def test_a_person_has_a_fallback_contact() -> None:
    story = Story()
    [event] = story.when("person register", **robert(fallback="joy")).records(PersonRegistered)
    assert isinstance(event, PersonRegistered)
    assert event.fallback == "p-joy"
    [stream] = story.histories
    who = stream.removeprefix("person:")
    story.when("person change", person=who, fallback="elena").records(PersonChanged)
    assert story.state(stream).of(Person).fallback == "p-elena"
    story.do("person change", person=who, email="robert@x.example")
    assert story.state(stream).of(Person).fallback == "p-elena"
    story.do("person change", person=who, no_fallback=True)
    assert story.state(stream).of(Person).fallback is None


def test_a_fallback_contact_can_be_reached_and_is_somebody_else() -> None:
    story = Story().do("person register", **robert())
    [stream] = story.histories
    who = stream.removeprefix("person:")
    entry = replace(story.people["joy"], id=who, handle="robert")
    story.people |= {who: entry, "robert": entry}
    change = {"person": who}
    story.when("person change", **change, fallback="robert").refuses(WrongPerson, "their own")
    story.when("person change", **change, fallback="noor").refuses(
        WrongPerson, "p-noor", "handrail person list --organisation alder-creek-usd"
    )
    story.when("person change", **change, fallback="jo").refuses(Unknown, "'jo'", "joy")
    story.when("person change", **change, fallback="joy", no_fallback=True).refuses(
        Invalid, "--no-fallback"
    )
    mute = replace(story.people["elena"], email=None)
    story.people |= {"p-elena": mute, "elena": mute}
    story.when("person change", **change, fallback="elena").refuses(WrongPerson, "--email ADDRESS")
    story.do("person change", **change, fallback="tess")


def test_fallback_contacts_do_not_go_round_in_a_circle() -> None:
    story = Story().do("person register", **robert())
    [stream] = story.histories
    who = stream.removeprefix("person:")
    for handle, fallback in (("joy", "p-elena"), ("elena", who)):
        entry = replace(story.people[handle], fallback=fallback)
        story.people |= {entry.id: entry, handle: entry}
    story.when("person change", person=who, fallback="joy").refuses(
        WrongPerson, f"{who} → p-joy → p-elena → {who}", "--no-fallback"
    )


def test_a_program_begins_with_the_frameworks_that_come_with_it() -> None:
    from tests.domain.program.test_directory import INIT

    story = Story()
    story.program = None
    story.do("program init", "system", **INIT, frameworks=tuple(FRAMEWORKS.values()))
    published = [
        r.event.framework.ref
        for history in story.histories.values()
        for r in history
        if isinstance(r.event, FrameworkPublished)
    ]
    assert sorted(published) == sorted(FRAMEWORKS)
