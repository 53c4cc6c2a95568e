"""What the registry, the directory and the pinned versions look like in the read models."""

import json
from datetime import date
from typing import Any

from domain.policy.playbook import Playbook
from store.database import listed, queries
from store.rebuild import rebuild
from tests.conftest import Office

E = "alder-creek-usd"


async def rows(office: Office, table: str) -> list[Any]:
    async with office.pool.acquire() as connection:
        return [tuple(r) for r in await connection.fetch(f"select * from {table} order by 1, 2")]


async def test_facts_codes_and_fallbacks_are_found_and_can_be_rebuilt(office: Office) -> None:
    await office.do("lea change", lea="ACUSD", cds="99-12345-0000000")
    await office.do("lea alias add", lea="99123450000000", alias="The Creek")
    await office.do("lea classify", lea="the creek", locale="town", unduplicated="61.5")
    for value, source in (("4,120", "one page"), ("4300", "another page")):
        body: dict[str, Any] = {"value": value, "source": source, "as_of": date(2026, 5, 1)}
        await office.do("lea fact", lea="ACUSD", attribute="enrolment", **body)
    await office.do("person change", person="joy", fallback="elena")
    refused = await office.refused("person change", person="elena", fallback="joy")
    assert "circle" in refused.message

    async with office.pool.acquire() as connection:
        lea = await queries.lea(connection, name="99123450000000")
        people = {r["handle"]: r for r in await listed(queries.people(connection, organisation=E))}
    assert lea["aliases"] == ["ACUSD", "Alder Creek", "The Creek"]
    assert json.loads(lea["profile"]) == {"locale": "town", "region": None, "unduplicated": "61.5"}
    assert [f["standing"] for f in json.loads(lea["facts"])] == ["in conflict"] * 2
    assert people["joy"]["fallback"] == people["elena"]["id"]

    tables = ("read.leas", "read.lea_names", "read.people")
    before = [await rows(office, table) for table in tables]
    await office.record.in_transaction(lambda connection: rebuild(connection, office.vault))
    assert [await rows(office, table) for table in tables] == before


async def test_a_code_belongs_to_one_lea(office: Office) -> None:
    await office.do(
        "lea register",
        id="salt-flat",
        name="Salt Flat",
        type="school_district",
        cds="99123450000000",
    )
    refused = await office.refused("lea change", lea="ACUSD", cds="99123450000000")
    assert "salt-flat" in refused.message


async def test_an_upgrade_is_pinned_counted_and_rebuilt(office: Office, playbook: Playbook) -> None:
    await office.to_onboarding(playbook)
    newer = Playbook.model_validate({**playbook.model_dump(), "version": 4, "coaching": None})
    await office.do("playbook publish", "dana", content=newer)
    missing = await office.refused(
        "playbook upgrade", "dana", engagement=E, to="dta-sir@5", reason="r"
    )
    assert "dta-sir@4" in missing.message
    receipt = await office.do(
        "playbook upgrade", "dana", engagement=E, to="dta-sir@4", reason="the handbook"
    )
    # Nobody is coached any more: what comes next is the check-in, a year from now.
    assert receipt.facets.next_due == date(2027, 8, 3)
    async with office.pool.acquire() as connection:
        pinned = await listed(queries.pinned_playbooks(connection))
        asked = queries.due(connection, engagement=E, person=None, stands_in=[], until=None)
        due = await listed(asked)
    assert [tuple(r) for r in pinned] == [("dta-sir@4", 1)]
    assert [r["item"] for r in due] == ["CI-1"]
    tables = ("read.engagements", "read.obligations", "read.notices")
    before = [await rows(office, table) for table in tables]
    await office.record.in_transaction(lambda connection: rebuild(connection, office.vault))
    assert [await rows(office, table) for table in tables] == before
