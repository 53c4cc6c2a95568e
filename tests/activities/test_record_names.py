"""Commands name people and LEAs as they are called, and several of a name are told apart."""

from datetime import date
from typing import Any

import pytest

from domain.policy.playbook import Playbook
from domain.program.lea_closing import CloseLea
from tests.conftest import Office
from tests.journey import E

LEFT = date(2026, 9, 1)


@pytest.fixture
async def two_of_a_name(office: Office, playbook: Playbook) -> Office:
    """Marcus Bell is a Lead beside Marcus Oyelaran, and Alder Flat lies beside Alder Creek."""
    await office.to_onboarding(playbook)
    await office.do("person register", "dana", handle="mbell", name="Marcus Bell",
                    email="mbell@collaborative.example", role=["lead"])  # fmt: skip
    await office.do("lea register", id="alder-flat-usd", name="Alder Flat Unified",
                    county="Fresno")  # fmt: skip
    return office


async def holder(office: Office, handle: str) -> str:
    async with office.pool.acquire() as connection:
        found = await connection.fetchval("select id from read.people where handle = $1", handle)
    assert isinstance(found, str)
    return found


@pytest.mark.parametrize("typed", ["Marcus Oyelaran", "oyelaran", "MARCUS  oyelaran", "@marcus"])
async def test_a_person_is_named_as_they_are_called(two_of_a_name: Office, typed: str) -> None:
    office = two_of_a_name
    office.clock.move(date(2026, 10, 5))
    receipt = await office.do("contact log", "tess", engagement=E, how="visit", purpose="p",
                              people=["Joy Kim"], by=typed)  # fmt: skip
    async with office.pool.acquire() as connection:
        rows = await connection.fetch(
            "select data from es.events where command_id = $1 and type = 'contact-logged'",
            receipt.command_id,
        )
    [logged] = [row["data"] for row in rows]
    assert await holder(office, "marcus") in logged
    assert await holder(office, "joy") in logged


async def test_a_handle_as_it_is_written_is_nobody_elses_name(two_of_a_name: Office) -> None:
    await two_of_a_name.do("lead handover", "dana", engagement=E, to="mbell", reason="r")


async def test_several_of_a_name_are_told_by_their_ids_and_nothing_is_written(
    two_of_a_name: Office,
) -> None:
    office = two_of_a_name
    refused = await office.refused("engagement assign", "dana", engagement=E, role="lead",
                                   person="Marcus")  # fmt: skip
    assert refused.refusal == "Ambiguous"
    for handle in ("marcus", "mbell"):
        person = await holder(office, handle)
        assert f"@{person} ({person}, the agency)" in refused.message
    assert "Oyelaran" not in refused.message, "names are told by the door"


async def test_whoever_has_left_is_meant_only_where_nobody_else_is(two_of_a_name: Office) -> None:
    office = two_of_a_name
    await office.do("person leave", "dana", person="mbell", on=LEFT)
    office.clock.move(date(2026, 10, 5))
    log = {"engagement": E, "how": "visit", "people": ["joy"], "purpose": "p"}
    await office.do("contact log", "tess", by="Marcus", **log)
    gone = await office.refused("lead handover", "dana", engagement=E, to="Bell", reason="r")
    assert gone.refusal == "WrongPerson"
    assert await holder(office, "mbell") in gone.message


async def test_somebody_is_changed_under_any_name_and_erased_under_none_of_two(
    two_of_a_name: Office,
) -> None:
    office = two_of_a_name
    receipt = await office.do("person change", "dana", person="Marcus Bell", capacity=3)
    assert receipt.stream == f"person:{await holder(office, 'mbell')}"
    refused = await office.refused("person erase", "dana", person="Marcus", reason="r", sure=True)
    assert (refused.refusal, refused.stream) == ("Ambiguous", "person:unknown")


async def test_an_lea_is_named_by_a_part_of_its_name_but_not_registered_under_it(
    two_of_a_name: Office,
) -> None:
    office = two_of_a_name
    receipt = await office.do("lea change", lea="alder  FLAT", county="Kern", source="s")
    assert receipt.stream == "lea:alder-flat-usd"
    refused = await office.refused("lea change", lea="Alder", county="Kern", source="s")
    assert refused.message == (
        "'Alder' may be alder-creek-usd (Alder Creek Unified School District, Manzanita) or "
        "alder-flat-usd (Alder Flat Unified, Kern). Say which, by the id before its name."
    )
    created = await office.do("lea register", id="flat", name="Flat", type="school_district")
    assert created.stream == "lea:flat"
    taken = await office.refused("lea register", id="x", name="Alder\u00a0Flat  unified")
    assert "already belongs to alder-flat-usd" in taken.message


async def test_a_name_with_other_accents_or_spaces_is_the_same_name(office: Office) -> None:
    await office.do("lea register", id="canon", name="Can\u0303on  Unified")
    receipt = await office.do("lea change", lea="Cañon Unified", county="Kern", source="s")
    assert receipt.stream == "lea:canon"


PLEASANT: dict[str, Any] = {"name": "Pleasant Valley Elementary", "alias": ["PVE"]}


async def test_two_leas_of_one_name_are_told_apart_by_county_and_code(office: Office) -> None:
    await office.do("lea register", id="pleasant-valley-ventura", county="Ventura",
                    cds="99123450000000", **PLEASANT)  # fmt: skip
    for known in ({}, {"county": "VENTURA "}, {"cds": "99123450000000"}):
        refused = await office.refused("lea register", id="pleasant-valley-butte",
                                       **PLEASANT, **known)  # fmt: skip
        assert "already belongs to pleasant-valley-ventura (Ventura)" in refused.message
    await office.do("lea register", id="pleasant-valley-butte", county="Butte", **PLEASANT)
    await office.do("lea register", id="pleasant-valley-third", cds="98123450000000",
                    county="Nevada", **PLEASANT)  # fmt: skip

    for typed in ("Pleasant  Valley elementary", "PVE", "Pleasant"):
        refused = await office.refused("lea change", lea=typed, parent="x", source="s")
        assert refused.refusal == "Ambiguous"
        for one in ("pleasant-valley-ventura (Pleasant Valley Elementary, Ventura, 9912345",
                    "pleasant-valley-butte (Pleasant Valley Elementary, Butte)"):  # fmt: skip
            assert one in refused.message
    for typed in ("99123450000000", "pleasant-valley-ventura"):
        receipt = await office.do("lea change", lea=typed, parent=f"by {typed}", source="s")
        assert receipt.stream == "lea:pleasant-valley-ventura"
    refused = await office.refused("engagement open", engagement="x", lea="PVE", lead="marcus",
                                   director="dana")  # fmt: skip
    assert refused.refusal == "Ambiguous"


async def test_a_renamed_lea_is_found_by_both_names_and_known_then_by_the_first(
    office: Office,
) -> None:
    await office.do("lea register", id="elk-grove", name="Elk Grove Elementary", county="Kern")
    opened = await office.do("engagement open", engagement="elk-grove", lea="elk-grove",
                             lead="marcus", director="dana")  # fmt: skip
    await office.do("lea change", lea="elk-grove", name="Elk Grove Unified", source="board")
    for typed in ("Elk Grove Elementary", "elk grove unified", "elk-grove"):
        receipt = await office.do("lea change", lea=typed, parent=typed, source="s")
        assert receipt.stream == "lea:elk-grove"
    async with office.pool.acquire() as connection:
        name = await connection.fetchval("select lea_name from read.engagements where id = $1",
                                        opened.stream.removeprefix("engagement:"))  # fmt: skip
    assert name == "Elk Grove Unified"
    again = await office.do("lea change", lea="elk-grove", name="Elk Grove Elementary")
    assert again.outcome == "recorded"
    refused = await office.refused("lea change", lea="elk-grove")
    assert "--name" in refused.message


async def test_an_lea_that_is_no_more_names_what_it_went_on_as(office: Office) -> None:
    for lea in ("east", "west", "old"):
        await office.do("lea register", id=f"{lea}-usd", name=f"{lea.title()} Unified")
    closed = await office.do(CloseLea(lea="Old Unified", on=date(2026, 7, 1),
                             into=("east-usd", "West Unified",), source="order"))  # fmt: skip
    assert closed.stream == "lea:old-usd"
    refused = await office.refused("engagement open", engagement="old-usd", lea="old-usd",
                                   lead="marcus", director="dana")  # fmt: skip
    assert "on split into east-usd and west-usd" in refused.message
    assert "handrail engagement open east-usd or handrail engagement open west-usd" in (
        refused.message
    )
    refused = await office.refused(CloseLea(lea="old-usd", on=date(2026, 8, 1)))
    assert "handrail correct lea:old-usd N" in refused.message
    refused = await office.refused(
        CloseLea(lea="east-usd", on=date(2026, 8, 1), into=("east-usd",))
    )
    assert "handrail lea change east-usd --name" in refused.message
    await office.do("entry retract", of="lea:old-usd", entry=2, reason="another LEA")
    await office.do("engagement open", engagement="old-usd", lea="old-usd", lead="marcus",
                    director="dana")  # fmt: skip


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("Aspire Academy", True),
        ("Harbor Charter", True),
        ("Harbor Charter Elementary", True),
        ("Kern County Superintendent of Schools", True),
        ("Elm Elementary School", True),
        ("Elm Elementary", False),
        ("Elm Union High School District", False),
        ("Elm USD", False),
    ],
)
async def test_what_kind_an_lea_is_is_asked_where_its_name_does_not_say(
    office: Office, name: str, asked: bool
) -> None:
    if asked:
        refused = await office.refused("lea register", id="new-one", name=name)
        assert refused.refusal == "Incomplete"
        assert "--kind with one of school_district, county_office_of_education" in refused.message
    given = {"type": "charter_school"} if asked else {}
    assert (await office.do("lea register", id="new-one", name=name, **given)).outcome == "recorded"
