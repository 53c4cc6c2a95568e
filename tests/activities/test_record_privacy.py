"""Names, addresses and free text about people never reach the event store in clear."""

from datetime import date
from typing import Any

import pytest

from domain.policy.calendar import local_date
from domain.policy.playbook import Playbook
from store.events import read_stream
from tests.conftest import Office, destroy_key
from tests.journey import E, whole_journey

SECRETS = {
    "a handle": "zaphod-q",
    "a name": "Zaphod Quillfeather",
    "an address": "z.quillfeather@mostly-harmless.example",
    "a changed name": "Zaphod Quillfeather-Prefect",
    "a changed address": "zq@elsewhere-entirely.example",
    "notes": "Quokka grievance in the staff room",
    "evidence": "yellow envelope of the fourteenth",
    "a purpose": "their resolve wavered like a reed",
    "a commitment": "an additional aardvark of a coach",
    "a contact's purpose": "untangling the marmalade timetable",
    "a contact's note": "he sighed like a bellows",
    "a prediction": "nine newts of ten will answer",
    "what was tried": "index cards shaped as turnips",
    "a result": "six newts of ten answered",
    "a cycle's end": "the turnips were too heavy",
    "a consultancy's question": "how do others herd their cats",
    "a consultancy's note": "begin with one tame cat",
    "a prong's reason": "a coach made of gingerbread",
}
PROSE = {
    "a reason to return": "ruminating over the wrong rubric",
    "a note": "splendidly marvellous work by them",
    "a reason to re-date": "their bus met a walrus",
    "a reason to waive": "the board hummed in unison",
    "a reason to end": "the superintendent joined a circus",
}
"""Free text that may speak of anybody."""


async def _everything(office: Office, schemas: list[str]) -> dict[str, str]:
    """Every row of every table as text, as a dump would have it."""
    async with office.pool.acquire() as connection:
        tables = await connection.fetch(
            "select schemaname || '.' || tablename as name from pg_tables"
            " where schemaname = any($1)",
            schemas,
        )
        found = {}
        for table in tables:
            rows = await connection.fetch(f"select t::text as line from {table['name']} t")
            found[table["name"]] = "\n".join(row["line"] for row in rows)
    return found


async def _coached(office: Office, s: dict[str, str]) -> None:
    """What is written down of coaching, all of it about people."""
    await office.do("contact log", "ruth", engagement=E, how="visit", people=[s["a handle"]],
                    purpose=s["a contact's purpose"], note=s["a contact's note"])  # fmt: skip
    await office.do("cycle open", "ruth", engagement=E, title="Cards",
                    prediction=s["a prediction"])  # fmt: skip
    await office.do("cycle do", "ruth", engagement=E, cycle="C1", tried=s["what was tried"])
    await office.do("cycle study", "ruth", engagement=E, cycle="C1", result=s["a result"],
                    prediction_held="partly")  # fmt: skip
    await office.do("cycle act", "ruth", engagement=E, cycle="C1", decision="abandon",
                    reason=s["a cycle's end"])  # fmt: skip
    await office.do("consultancy note", "ruth", engagement=E,
                    question=s["a consultancy's question"],
                    note=s["a consultancy's note"])  # fmt: skip
    await office.do("prong opt-out", "ruth", engagement=E, prong="summits",
                    reason=s["a prong's reason"])  # fmt: skip


async def _tell_all(office: Office, playbook: Playbook) -> None:
    s = SECRETS | PROSE
    await whole_journey(office, playbook)
    await office.do("person register", handle=s["a handle"], name=s["a name"],
                    email=s["an address"], at="ACUSD")  # fmt: skip
    await office.do("conversation log", "ruth", engagement=E, group="parents",
                    person=s["a handle"], notes=s["notes"])  # fmt: skip
    d3 = await _agreed_with(office, s)
    await office.do("deliverable redate", "ruth", engagement=E, deliverable=d3,
                    due=date(2027, 10, 15), reason=s["a reason to re-date"])  # fmt: skip
    await office.do("deliverable submit", engagement=E, deliverable=d3, person=s["a handle"],
                    evidence=s["evidence"])  # fmt: skip
    await office.do("deliverable return", "ruth", engagement=E, deliverable=d3,
                    due=date(2027, 11, 5), reason=s["a reason to return"], person=s["a handle"],
                    evidence=s["evidence"])  # fmt: skip
    await office.do("deliverable submit", engagement=E, deliverable=d3, person=s["a handle"],
                    evidence=s["evidence"])  # fmt: skip
    await office.do("deliverable accept", "ruth", engagement=E, deliverable=d3, note=s["a note"])
    await office.do("checkin hold", "ruth", engagement=E, attended=[s["a handle"]],
                    on=local_date(office.clock.at, "UTC"))  # fmt: skip
    await office.do("checkin close", "ruth", engagement=E,
                    purpose={p.id: s["a purpose"] for p in playbook.checkins.purposes},
                    commitment=[f"2028-01-14/{s['a handle']}={s['a commitment']}"])  # fmt: skip
    await _coached(office, s)
    again = f"{E}-2"
    await office.do("engagement open", engagement=again, lea="ACUSD", lead="marcus",
                    director="dana")  # fmt: skip
    await office.do("fit decide", "dana", engagement=again, proceed=True,
                    criterion={c.id: "yes" for c in playbook.fit_criteria},
                    waive=s["a reason to waive"])  # fmt: skip
    await office.do("engagement withdraw", "dana", engagement=again, reason=s["a reason to end"])
    # Refusals repeat what was typed.
    await office.refused("conversation log", engagement=again, group="parents")
    await office.refused("person register", handle=s["a handle"], name=s["a name"])
    await office.refused("person change", "tess", person=s["a handle"], role=["director"])
    await office.refused("person change", "tess", person=s["a handle"] + "-misspelt",
                         name=s["a name"])  # fmt: skip
    await office.refused("conversation log", s["a handle"], engagement=E, group="parents")
    await office.refused(
        "engagement assign", "dana", engagement=E, role="lead", person=s["a handle"]
    )
    wrong = office.envelope("agreement act", engagement=E, board="lea", action="approved",
                            meeting=date(2026, 8, 3), vote="4-1")  # fmt: skip
    wrong = wrong.model_copy(update={"body": wrong.body | {"vote": s["a name"]}})
    refusal = await office.record.execute(wrong)
    assert s["a name"] in refusal.message
    await office.do("person change", person=s["a handle"], name=s["a changed name"],
                    email=s["a changed address"])  # fmt: skip


async def _agreed_with(office: Office, s: dict[str, str]) -> str:
    receipt = await office.do("deliverable propose", engagement=E, title="Short cycles",
                              due=date(2027, 10, 8), person=s["a handle"],
                              evidence=s["evidence"])  # fmt: skip
    async with office.pool.acquire() as connection:
        number: str = await connection.fetchval(
            "select data->>'deliverable' from es.events where stream = $1 and version = $2",
            receipt.stream,
            receipt.events[0].version,
        )
    await office.do("deliverable sign", "ruth", engagement=E, deliverable=number)
    await office.do("deliverable sign", engagement=E, deliverable=number,
                    person=s["a handle"], evidence=s["evidence"])  # fmt: skip
    return number


def _legible(secrets: dict[str, str], found: dict[str, str]) -> list[str]:
    return [
        f"{what} in {table}"
        for what, secret in secrets.items()
        for table, lines in found.items()
        if secret.casefold() in lines.casefold()
    ]


async def test_no_text_about_people_stands_in_the_event_store(
    office: Office, playbook: Playbook
) -> None:
    await _tell_all(office, playbook)
    found = await _everything(office, ["es", "vault"])
    assert {"es.events", "es.receipts", "es.store", "vault.keys"} <= found.keys()
    assert "deliverable-returned" in found["es.events"], "the scan sees nothing"
    assert _legible(SECRETS, found) == []
    for text in ("Quillfeather", "Marcus Oyelaran", "Joy Kim", "@collaborative.example",
                 "@alder-creek.example"):  # fmt: skip
        for table, lines in found.items():
            # The program's own sender is no person's; a Message-ID is made of it.
            own = lines.replace("handrail@collaborative.example", "")
            clean = "\n".join(part for part in own.splitlines() if "notices-" not in part)
            assert text not in clean, f"{text} in {table}"


async def test_no_free_text_stands_in_the_event_store(office: Office, playbook: Playbook) -> None:
    await _tell_all(office, playbook)
    found = await _everything(office, ["es", "vault"])
    for kind in ("redate-proposed", "step-waived", "engagement-withdrawn"):
        assert kind in found["es.events"], "the scan sees nothing"
    assert _legible(PROSE, found) == []


async def test_erasing_a_person_erases_all_that_is_sealed_about_them(
    office: Office, playbook: Playbook
) -> None:
    await _tell_all(office, playbook)
    async with office.pool.acquire() as connection:
        person = await connection.fetchval(
            "select id from read.people where handle = $1", SECRETS["a handle"]
        )
        streams = [
            r["stream"] for r in await connection.fetch("select distinct stream from es.events")
        ]
        await destroy_key(office.cluster, connection, person)
        told = ""
        for stream in streams:
            told += repr(await read_stream(connection, office.vault, stream))
            assert await connection.fetch("select * from es.broken_links($1)", stream) == []
    for what in (
        "a handle",
        "a name",
        "an address",
        "a changed name",
        "a changed address",
        "notes",
    ):
        assert SECRETS[what] not in told, what
    assert "Marcus Oyelaran" in told, "only one was to be forgotten"


async def test_the_answers_given_about_an_erased_person_are_erased_with_them(
    office: Office,
) -> None:
    await office.do(
        "person register", handle=SECRETS["a handle"], name=SECRETS["a name"], at="ACUSD"
    )
    envelope = office.envelope("person change", person=SECRETS["a handle"])
    first = await office.record.execute(envelope)
    assert first.outcome == "refused"
    assert SECRETS["a handle"] in first.message
    async with office.pool.acquire() as connection:
        await destroy_key(office.cluster, connection, first.stream.removeprefix("person:"))
    again = await office.record.execute(envelope)
    assert (again.outcome, again.message) == ("refused", "(erased)")


@pytest.mark.parametrize("kind", ["person change", "person-of-nobody"])
async def test_a_refusal_names_the_person_by_id_where_there_is_one(
    office: Office, kind: str
) -> None:
    who: dict[str, Any] = {"person": "joy" if kind == "person change" else "joyce-unknown"}
    receipt = await office.refused("person change", **who, role=["lead"])
    async with office.pool.acquire() as connection:
        joy = await connection.fetchval("select id from read.people where handle = 'joy'")
    assert receipt.stream == (f"person:{joy}" if kind == "person change" else "person:unknown")


async def test_a_director_erases_a_person_from_events_lists_and_mails_at_once(
    office: Office, playbook: Playbook
) -> None:
    await _tell_all(office, playbook)
    who = SECRETS["a handle"]
    async with office.pool.acquire() as connection:
        held = await connection.fetch(
            "select r.engagement, r.role from read.engagement_roles r"
            " join read.people p on p.id = r.person"
            " join read.engagements e on e.id = r.engagement"
            " where p.handle = $1 and e.ended_at is null",
            who,
        )
        person = await connection.fetchval("select id from read.people where handle = $1", who)
    assert held == [], "the story ends with the engagement"
    await office.do("person erase", "dana", person=who, reason="request of 3 May", sure=True)
    found = await _everything(office, ["es", "vault", "read", "ops"])
    named = {k: v for k, v in SECRETS.items() if k in ("a handle", "a changed name", "an address")}
    for what, secret in named.items():
        assert not any(secret in text for text in found.values()), what
    async with office.pool.acquire() as connection:
        row = await connection.fetchrow("select * from read.people where id = $1", person)
        broken = await connection.fetch("select * from es.broken_links($1)", f"person:{person}")
    assert row is not None
    assert (row["handle"], row["email"], broken) == (None, None, [])
