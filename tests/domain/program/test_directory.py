"""The program and what it shares; docs/rules/people-and-roles.md."""

import html
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from domain.kernel.refusals import (
    AlreadyExists,
    Ambiguous,
    ImpossibleDate,
    Incomplete,
    Invalid,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.policy.calendar import Closure
from domain.policy.playbook import Playbook
from domain.program.lea_days import LeaRestsAgain, LeaWorksOnRestDay, RecessTakenBack
from domain.program.leas import Lea, LeaRegistered, RecessSet
from domain.program.people import Person, PersonChanged, PersonRegistered
from domain.program.program import ProgramInitialised
from domain.program.publishing import CalendarPublished, PlaybookPublished, Published
from domain.rules.context import SYSTEM
from tests.domain.story import ALDER, CALENDAR, PLAYBOOK, RECESS, Story, made
from tests.domain.tables import Row, table

LINCOLN = date(2027, 2, 12)
INIT: dict[str, Any] = {
    "name": "Direct technical assistance",
    "agency": "The Collaborative",
    "zone": "America/Los_Angeles",
    "sender": "handrail@collaborative.example",
    "director": "dana",
    "director_name": "Dana Whitfield",
    "director_email": "dana@collaborative.example",
    "playbook": PLAYBOOK,
    "calendar": CALENDAR,
}


def founded() -> Story:
    story = Story()
    story.program = None
    return story.do("program init", SYSTEM, **INIT)


def test_a_program_begins_with_its_director_calendar_and_playbook() -> None:
    story = Story()
    made_, director, calendar, playbook = story.when("program init", SYSTEM, **INIT).records(
        ProgramInitialised, PersonRegistered, CalendarPublished, PlaybookPublished
    )
    assert isinstance(made_, ProgramInitialised)
    assert isinstance(director, PersonRegistered)
    assert (made_.playbook, made_.calendar) == ("dta-sir@3", "california")
    assert director.staff_roles == ("director",)
    assert director.handle.about == made_.director
    assert set(story.histories) == {
        "program",
        f"person:{made_.director}",
        "calendar:california",
        "playbook:dta-sir",
    }
    assert isinstance(calendar, CalendarPublished)
    assert calendar.pack == CALENDAR
    assert isinstance(playbook, PlaybookPublished)
    assert playbook.playbook == PLAYBOOK


def test_a_program_is_made_once() -> None:
    founded().when("program init", SYSTEM, **INIT).refuses(
        AlreadyExists, "'Direct technical assistance'", "handrail person register --help"
    )


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("zone", "California"),
        ("zone", "../etc/passwd"),
        ("sender", "nobody"),
        ("director", "Dana W."),
        ("gathering_seconds", -1),
        ("name", "two\nlines"),
    ],
)
def test_a_program_with_an_impossible_setting_is_not_made(field: str, value: object) -> None:
    with pytest.raises(ValidationError):
        made("program init", **{**INIT, field: value})


# People ------------------------------------------------------------------------------------------


def test_a_person_is_registered_with_sealed_particulars() -> None:
    [event] = Story().when(
        "person register", handle="carla", name="Carla Mendes", email="carla@alder-creek.example",
        at="ACUSD",
    ).records(PersonRegistered)  # fmt: skip
    assert isinstance(event, PersonRegistered)
    assert event.handle.about.startswith("p-")
    assert {event.handle.about, event.name.about} == {event.handle.about}
    assert event.email is not None
    assert (event.name.text, event.email.text) == ("Carla Mendes", "carla@alder-creek.example")
    assert (event.organisation, event.staff_roles) == (ALDER, ())


def test_a_director_registers_staff() -> None:
    [event] = (
        Story()
        .when(
            "person register",
            "dana",
            handle="sam",
            name="Sam",
            email="sam@x.example",
            role=("lead",),
        )
        .records(PersonRegistered)
    )
    assert isinstance(event, PersonRegistered)
    assert (event.organisation, event.staff_roles) == ("agency", ("lead",))


@pytest.mark.parametrize(
    "row", table("people-and-roles.md", "The directory"), ids=lambda r: r["Mail address"]
)
def test_a_mail_address_has_its_form(row: Row) -> None:
    body = {"handle": "sam", "name": "Sam", "email": html.unescape(row["Mail address"])}
    if row["Accepted"] == "yes":
        Story().when("person register", **body).records(PersonRegistered)
    else:
        with pytest.raises(ValidationError, match="is not a mail address"):
            made("person register", **body)


@pytest.mark.parametrize(
    "email",
    [
        "a@b.example\nBcc: all@c.example",
        "a@b.example\r",
        "a@" + "b" * 250 + ".example",
        "@b.example",
    ],
)
def test_a_mail_address_never_makes_a_header_of_its_own(email: str) -> None:
    if email.endswith("\r"):
        assert made("person register", handle="a", name="A", email=email).email == "a@b.example"  # type: ignore[attr-defined]
        return
    with pytest.raises(ValidationError):
        made("person register", handle="a", name="A", email=email)


@pytest.mark.parametrize("handle", ["Joy", "joy kim", "-joy", "joy--kim", "", "jöy", "j" * 61])
def test_a_handle_has_its_form(handle: str) -> None:
    with pytest.raises(ValidationError):
        made("person register", handle=handle, name="Joy Kim")


def test_a_handle_belongs_to_one_person() -> None:
    Story().when("person register", handle="joy", name="Joy Other").refuses(
        AlreadyExists, "'joy'", "p-joy", "handrail person change joy"
    )


@pytest.mark.parametrize("handle", ["p-nguyen", "p-joy2", "system"])
def test_a_handle_is_not_mistaken_for_an_id(handle: str) -> None:
    Story().when("person register", handle=handle, name="Pat Nguyen").refuses(
        Invalid, repr(handle), "Choose another handle"
    )


@pytest.mark.parametrize("handle", ["tess", "marcus"])
def test_only_a_director_gives_staff_roles(handle: str) -> None:
    story = Story()
    body = {"handle": "sam", "name": "Sam", "email": "sam@x.example", "role": ("director",)}
    story.when("person register", handle, **body).refuses(
        WrongPerson, f"p-{handle}", "director", "Ask a Director"
    )
    story.do("person register", handle="sam", name="Sam")
    who = next(s for s in story.histories if s.startswith("person:")).removeprefix("person:")
    story.when("person change", handle, person=who, role=()).refuses(
        WrongPerson, "staff role none", "Ask a Director"
    )


def test_staff_have_a_mail_address() -> None:
    story = Story()
    story.when("person register", "dana", handle="sam", name="Sam", role=("lead",)).refuses(
        Incomplete, "sam", "lead", "--email ADDRESS"
    )
    story.do("person register", handle="sam", name="Sam")
    who = next(s for s in story.histories if s.startswith("person:")).removeprefix("person:")
    story.when("person change", "dana", person=who, role=("lead",)).refuses(
        Incomplete, who, "lead", "--email ADDRESS"
    )
    story.when("person change", "dana", person=who, role=("lead",), email="sam@x.example").records(
        PersonChanged
    )


def test_nobody_at_an_lea_has_a_staff_role() -> None:
    story = Story()
    body = {"handle": "sam", "name": "Sam", "email": "sam@x.example"}
    story.when("person register", "dana", **body, at="ACUSD", role=("lead",)).refuses(
        WrongPerson, "Alder Creek Unified School District", "Leave out --organisation or --role"
    )
    story.do("person register", **body, at="ACUSD")
    who = next(s for s in story.histories if s.startswith("person:")).removeprefix("person:")
    story.when("person change", "dana", person=who, role=("lead",)).refuses(
        WrongPerson, who, ALDER, "--role"
    )


def test_somebody_works_at_a_registered_lea() -> None:
    Story().when("person register", handle="sam", name="Sam", at="Alder Crek").refuses(
        Unknown, "'Alder Crek'", "handrail lea list"
    )


def test_a_change_leaves_the_rest_as_it_is() -> None:
    story = Story().do("person register", handle="sam", name="Sam", email="sam@x.example")
    [stream] = story.histories
    who = stream.removeprefix("person:")
    story.do("person change", person=who, name="Samuel Okafor")
    story.do("person change", "dana", person=who, role=("assistant", "lead"))
    story.do("person change", "dana", person=who, email="samuel@x.example")
    person = story.state(stream).of(Person)
    assert (str(person.name), str(person.email)) == ("Samuel Okafor", "samuel@x.example")
    assert (str(person.handle), person.staff_roles) == ("sam", ("assistant", "lead"))


def test_a_change_changes_something() -> None:
    story = Story().do("person register", handle="sam", name="Sam")
    [stream] = story.histories
    story.when("person change", person=stream.removeprefix("person:")).refuses(
        WrongState, "sam", "give --name, --email, --role, --capacity"
    )


def test_a_director_does_not_give_up_the_role_themselves() -> None:
    story = founded()
    who = next(s for s in story.histories if s.startswith("person:"))
    dana = replace(story.people["dana"], id=who.removeprefix("person:"))
    story.people[dana.id] = story.people["dana"] = dana
    story.when("person change", "dana", person=dana.id, role=("lead",)).refuses(
        WrongPerson, dana.id, "cannot give up the role of Director", "another person Director"
    )
    story.do("person change", "dana", person=dana.id, role=("director", "lead"))
    assert story.state(who).of(Person).staff_roles == ("director", "lead")


def test_another_director_takes_the_role() -> None:
    story = founded()
    who = next(s for s in story.histories if s.startswith("person:"))
    # The Director who acts is somebody else than the one just registered.
    story.do("person change", "dana", person=who.removeprefix("person:"), role=("lead",))
    assert story.state(who).of(Person).staff_roles == ("lead",)


def test_nobody_unknown_is_changed() -> None:
    Story().when("person change", person="p-nobody", name="N").refuses(
        Unknown, "'p-nobody'", "handrail person list"
    )


# LEAs --------------------------------------------------------------------------------------------


def test_an_lea_is_registered_with_its_aliases_and_sourced_facts() -> None:
    story = Story()
    fact = {"name": "enrolment", "value": None, "source": "invented for a test"}
    [event] = story.when(
        "lea register", id="salt-flat", name="Salt Flat Elementary", alias=("SFE",), facts=(fact,)
    ).records(LeaRegistered)
    assert isinstance(event, LeaRegistered)
    assert event.facts[0].value is None
    assert story.state("lea:salt-flat").of(Lea).aliases == ("SFE",)


def test_an_lea_is_registered_once() -> None:
    story = Story().do("lea register", id="salt-flat", name="Salt Flat Elementary")
    story.when("lea register", id="salt-flat", name="Another", type="school_district").refuses(
        AlreadyExists, "'salt-flat'", "Salt Flat Elementary", "handrail lea show salt-flat"
    )


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({"id": "acusd", "name": "A. C."}, id="id"),
        pytest.param({"id": "ac", "name": "ALDER CREEK"}, id="name"),
        pytest.param({"id": "ac", "name": "A. C.", "alias": ("AcUsd",)}, id="alias"),
    ],
)
def test_a_name_means_one_lea(body: dict[str, Any]) -> None:
    Story().when("lea register", **body).refuses(AlreadyExists, ALDER, "Leave it out")


@pytest.mark.parametrize("row", table("people-and-roles.md", "LEAs"), ids=lambda row: row["Name"])
def test_what_kind_an_lea_is_is_as_the_table_says(row: dict[str, str]) -> None:
    when = Story().when("lea register", id="new-one", name=row["Name"])
    if row["Its kind, where none was said"] == "asked":
        when.refuses(Incomplete, row["Name"], "--kind")
    else:
        [event] = when.records(LeaRegistered)
        assert isinstance(event, LeaRegistered)
        assert f"a {event.lea_type.replace('_', ' ')}" == row["Its kind, where none was said"]


def test_no_lea_is_mistaken_for_the_agency() -> None:
    Story().when("lea register", id="agency", name="Agency Unified").refuses(
        Invalid, "'agency'", "Choose another id"
    )


def test_a_recess_is_set_once() -> None:
    story = Story().do("lea register", id="salt-flat", name="Salt Flat Elementary")
    body = {"lea": "salt-flat", "name": "ski week", "first": "2027-02-15", "last": "2027-02-19"}
    story.when("lea recess", **body).records(RecessSet)
    story.when("lea recess", **body).records()
    [recess] = story.state("lea:salt-flat").of(Lea).recess
    assert (recess.first, recess.last) == (date(2027, 2, 15), date(2027, 2, 19))


def test_an_unknown_lea_has_no_recess() -> None:
    Story().when(
        "lea recess", lea="salt-flat", name="ski week", first="2027-02-15", last="2027-02-19"
    ).refuses(Unknown, "'salt-flat'", "handrail lea list")


@pytest.mark.parametrize(
    ("first", "last", "why"),
    [
        pytest.param("2027-04-02", "2027-03-29", "before it begins", id="backwards"),
        pytest.param("2026-12-21", "2028-01-08", "check the years", id="a year too long"),
    ],
)
def test_a_recess_with_impossible_days_is_not_set(first: str, last: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        made("lea recess", lea="ACUSD", name="recess", first=first, last=last)


def test_a_recess_in_a_year_that_nobody_can_mean_is_refused() -> None:
    story = Story().do("lea register", id="salt-flat", name="Salt Flat Elementary")
    story.when(
        "lea recess", lea="salt-flat", name="recess", first="2207-02-15", last="2207-02-19"
    ).refuses(ImpossibleDate, "2207", "Check the year")


def test_recess_leaves_a_working_day_in_every_year() -> None:
    story = Story().do("lea register", id="salt-flat", name="Salt Flat Elementary")
    blocks = (("2027-01-01", "2027-04-30"), ("2027-05-01", "2027-08-28"),
              ("2027-08-29", "2027-12-26"))  # fmt: skip
    for first, last in blocks:
        story.do("lea recess", lea="salt-flat", name="closed", first=first, last=last)
    story.when(
        "lea recess", lea="salt-flat", name="closed for good", first="2027-12-27", last="2028-04-20"
    ).refuses(ImpossibleDate, "'closed for good'", "Check the years")


def salt_flat() -> Story:
    story = Story().do("lea register", id="salt-flat", name="Salt Flat Elementary")
    return story.do("lea recess", lea="salt-flat", name="Lincoln Day", first="2027-02-12",
                    last="2027-02-12")  # fmt: skip


def test_an_lea_works_on_a_day_that_its_calendar_rests() -> None:
    story, day = salt_flat(), {"lea": "salt-flat", "on": "2026-11-27"}
    [event] = story.when("lea works", source="board calendar", **day).records(LeaWorksOnRestDay)
    assert isinstance(event, LeaWorksOnRestDay)
    assert event.instead_of == "Day after Thanksgiving"
    story.when("lea works", **day).refuses(AlreadyExists, "Fri 27 Nov 2026", "handrail lea show")
    story.when("lea works-undo", **day).records(LeaRestsAgain)
    assert story.state("lea:salt-flat").of(Lea).works == ()
    story.when("lea works-undo", **day).refuses(Unknown, "Fri 27 Nov 2026", "handrail lea show")
    story.when("lea works", lea="salt-flat", on="2027-02-12").records(LeaWorksOnRestDay)


@pytest.mark.parametrize(
    ("on", "kind", "words"),
    [
        pytest.param("2026-11-28", ImpossibleDate, ("a Saturday", "Give a"), id="a Saturday"),
        pytest.param("2026-11-24", AlreadyExists, ("works", "handrail lea show"), id="worked"),
        pytest.param("2207-11-27", ImpossibleDate, ("2207", "Check the year"), id="far away"),
    ],
)
def test_an_lea_cannot_work_then(on: str, kind: type[Any], words: tuple[str, ...]) -> None:
    salt_flat().when("lea works", lea="salt-flat", on=on).refuses(kind, *words)


def test_a_recess_entered_by_mistake_is_taken_back() -> None:
    story, named = salt_flat(), {"lea": "salt-flat", "name": "lincoln day"}
    story.do("lea recess", lea="salt-flat", name="Lincoln Day", first="2028-02-11",
             last="2028-02-11")  # fmt: skip
    story.when("lea recess-undo", **named).refuses(Ambiguous, "2027-02-12", "--first DATE")
    story.when("lea recess-undo", first="2029-02-12", **named).refuses(Unknown, "2028-02-11")
    story.when("lea recess-undo", first="2028-02-11", **named).records(RecessTakenBack)
    story.when("lea recess-undo", **named).records(RecessTakenBack)
    assert story.state("lea:salt-flat").of(Lea).recess == ()
    story.when("lea recess-undo", **named).refuses(Unknown, "It has none", "handrail lea show")
    story.do("lea recess", lea="salt-flat", name="Lincoln Day", first="2027-02-12",
             last="2027-02-12")  # fmt: skip


def test_an_unknown_lea_has_no_days_of_its_own() -> None:
    for what, body in (
        ("lea works", {"on": "2026-11-27"}),
        ("lea works-undo", {"on": "2026-11-27"}),
        ("lea recess-undo", {"name": "ski week"}),
    ):
        Story().when(what, lea="salt-flat", **body).refuses(Unknown, "'salt-flat'")


@pytest.mark.parametrize(
    ("own", "due", "refused"),
    [
        pytest.param({}, date(2026, 11, 27), "Day after Thanksgiving", id="the calendar's day"),
        pytest.param({"works": (date(2026, 11, 27),)}, date(2026, 11, 27), None, id="worked there"),
        pytest.param({}, date(2027, 2, 12), None, id="no choice was entered"),
        pytest.param(
            {"recess": (Closure(name="Lincoln Day", first=LINCOLN, last=LINCOLN),)},
            LINCOLN, "Lincoln Day", id="the LEA's own holiday",
        ),
        pytest.param({}, date(2027, 3, 31), None, id="a holiday of the state alone"),
        pytest.param({}, date(2027, 12, 24), "Christmas Day", id="a holiday of schools alone"),
    ],
)  # fmt: skip
def test_what_an_lea_owes_is_due_on_its_own_days(
    own: dict[str, Any], due: date, refused: str | None
) -> None:
    story = Story(date(2026, 10, 15))
    story.leas[ALDER] = replace(story.leas[ALDER], **{"recess": (), **own})
    story.leas["acusd"] = story.leas[ALDER]
    story.effective()
    if refused:
        story.when(
            "deliverable propose", "marcus", title="Theory of action", due=due, hours=10
        ).refuses(ImpossibleDate, refused)
    else:
        story.proposed(due)


# Playbooks and calendars -------------------------------------------------------------------------


def published(kind: str, version: int) -> dict[str, Any]:
    content = PLAYBOOK if kind == "playbook" else CALENDAR
    return {"content": {**content.model_dump(), "version": version}}


@pytest.mark.parametrize("kind", ["playbook", "calendar"])
def test_a_director_publishes_the_next_version(kind: str) -> None:
    story = Story()
    for version in (3, 4, 7):
        story.do(f"{kind} publish", "dana", **published(kind, version))
    [stream] = story.histories
    assert [v.version for v in story.state(stream).of(Published).versions] == [3, 4, 7]


@pytest.mark.parametrize("kind", ["playbook", "calendar"])
@pytest.mark.parametrize("version", [2, 3])
def test_a_version_never_changes(kind: str, version: int) -> None:
    story = Story().do(f"{kind} publish", "dana", **published(kind, 3))
    story.when(f"{kind} publish", "dana", **published(kind, version)).refuses(
        AlreadyExists, f"version {version} cannot", "version 4"
    )


@pytest.mark.parametrize("kind", ["playbook", "calendar"])
@pytest.mark.parametrize("handle", ["tess", "marcus"])
def test_only_a_director_publishes_policy(kind: str, handle: str) -> None:
    Story().when(f"{kind} publish", handle, **published(kind, 9)).refuses(
        WrongPerson, f"p-{handle}", kind, "Ask a Director"
    )


def test_a_playbook_has_two_boards() -> None:
    with pytest.raises(ValidationError):
        Playbook.model_validate({**PLAYBOOK.model_dump(), "boards": [{"id": "lea", "name": "L"}]})


def test_the_recess_in_the_pages_is_possible() -> None:
    story = Story().do("lea register", id="salt-flat", name="Salt Flat Elementary")
    for recess in RECESS:
        story.do("lea recess", lea="salt-flat", **recess.model_dump())
    assert story.state("lea:salt-flat").of(Lea).recess == RECESS


def with_sam() -> tuple[Story, str]:
    story = Story()
    [event] = story.when(
        "person register", handle="sam", name="Sam Ortiz", email="sam@alder-creek.example",
        at=ALDER,
    ).records(PersonRegistered)  # fmt: skip
    assert isinstance(event, PersonRegistered)
    return story, event.name.about


def test_a_change_of_the_directory_says_whose_entry_it_was() -> None:
    story, sam = with_sam()
    [changed] = story.when(
        "person change", person=sam, name="Sam Ortiz-Li", digest="weekly"
    ).records(PersonChanged)
    assert changed.sentence() == (
        f"The directory entry of {sam} was changed: name Sam Ortiz-Li, mail comes weekly."
    )


@pytest.mark.parametrize(
    "again",
    [
        {"name": "Sam Ortiz"},
        {"email": "sam@alder-creek.example"},
        {"digest": "daily"},
        {"no_fallback": True},
        {"name": "Sam Ortiz", "digest": "daily"},
    ],
    ids=str,
)
def test_a_second_press_of_a_change_of_the_directory_is_noticed(again: dict[str, Any]) -> None:
    story, sam = with_sam()
    story.when("person change", person=sam, **again).refuses(AlreadyExists, "already")
    story.when("person change", person=sam, **(again | {"name": "Sam Li"})).records(PersonChanged)


def test_an_assistant_may_be_named_when_an_engagement_opens() -> None:
    named = {"lea": "ACUSD", "lead": "marcus", "director": "dana"}
    story = Story().do("engagement open", **named, assistant="tess")
    assert story.engagement.roles["assistant"] == "p-tess"
    assert story.history()[0].event.sentence().endswith("Director p-dana, assistant p-tess.")
    Story().when("engagement open", **named, assistant="joy").refuses(WrongPerson, "joy")
