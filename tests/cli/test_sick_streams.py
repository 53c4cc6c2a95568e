"""Sick streams of every kind among healthy ones: every answer goes round them and says so."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from activities.record import Record
from bootstrap.settings import Settings
from bootstrap.values import Secret
from domain.kernel.messages import Event, Stamp, State
from domain.policy.playbook import Playbook
from domain.rules import registry
from domain.rules.registry import EVENTS
from embedded.doctor import examine
from store.database import Connection, queries
from tests.cli.conftest import Ask
from tests.conftest import MASTER_KEY, Database, Office, new_id
from tests.end_to_end.scenario.invariants import ON_AN_ENGAGEMENT

WELL = "alder-creek-usd"
DUE = date(2026, 9, 25)

CAUSES = {
    "newer-kind": "of a kind that this release does not know: 'moon-landed'",
    "newer-schema": "of a kind that this release does not know: 'role-assigned', schema 99",
    "lost-field": "does not have the form that this release knows: group",
    "wrong-type": "does not have the form that this release knows: group",
    "no-object": "does not have the form that this release knows: all of it",
    "odd": "(engagement-withdrawn) does not follow from what stands before it (KeyError in domain.",
    "damaged-text": "/notes was tampered with",
    "no-text": "/notes was tampered with",
    "nobodys-text": "does not say whose it is",
    "lost-key": "is missing, though nobody destroyed it",
    "damaged-key": "was tampered with",
    "foreign-key": "was tampered with",
}
"""Each sick engagement with what is said of it."""


@pytest.fixture
async def superuser(office: Office, sandbox_database: Database) -> AsyncIterator[Connection]:
    """A connection that no grant and no trigger holds back."""
    url = sandbox_database.cluster.superuser_url
    admin = await asyncpg.connect(url, database=sandbox_database.name)
    for table in ("es.events", "es.receipts"):
        await admin.execute(f"alter table {table} disable trigger append_only")
    yield admin
    await admin.close()


async def _keep_healthy(admin: Connection) -> None:
    for table, copy in (("es.events", "well_events"), ("vault.keys", "well_keys")):
        await admin.execute(f"create table public.{copy} as select * from {table}")


async def _mend(admin: Connection) -> None:
    """Put back what was there before the harm, as from a backup."""
    async with admin.transaction():
        await admin.execute(
            "delete from es.events e where not exists (select from public.well_events w"
            " where (w.stream, w.version, w.data, w.type) = (e.stream, e.version, e.data, e.type))"
            " and stream in (select 'engagement:' || x from unnest($1::text[]) x)",
            [*CAUSES],
        )
        await admin.execute(
            "insert into es.events overriding system value select * from public.well_events"
            " on conflict do nothing"
        )
        await admin.execute(
            "delete from vault.keys where subject in (select subject from well_keys)"
        )
        await admin.execute("insert into vault.keys select * from public.well_keys")


async def _append(office: Office, stream: str, kind: str, schema: int, data: object) -> None:
    async with office.pool.acquire() as connection:
        version = await connection.fetchval(
            "select max(version) from es.events where stream = $1", stream
        )
        row = await queries.append(
            connection, stream=stream, expected=version, command_id=new_id(), types=[kind],
            schemas=[schema], data=[json.dumps(data)], effective=[office.clock.at],
            actor="p-tess", causation_id=None, sandbox_now=office.clock.at, seals=[bytes(32)],
        )  # fmt: skip
    assert row["status"] == "appended"


async def _harm(office: Office, admin: Connection, name: str) -> None:
    """Do to an engagement what its name says."""
    stream = f"engagement:{name}"

    async def change(data: str) -> None:
        done = await admin.execute(
            f"update es.events set data = {data}"
            " where stream = $1 and type = 'conversation-logged'",
            stream,
        )
        assert done == "UPDATE 1"

    async def change_key(what: str) -> None:
        assert (await admin.execute(f"{what} where subject = $1", stream)).endswith(" 1")

    match name:
        case "newer-kind":
            await _append(office, stream, "moon-landed", 1, {})
        case "newer-schema":
            await _append(office, stream, "role-assigned", 99, {"role": "lead", "person": "p"})
        case "lost-field":
            await change("data - 'group'")
        case "wrong-type":
            await change("jsonb_set(data, '{group}', '[7]')")
        case "no-object":
            await change("'17'")
        case "odd":
            await _append(
                office,
                stream,
                "engagement-withdrawn",
                1,
                {"phase": "recruiting", "reason": {"about": "p", "sealed": None}},
            )
        case "damaged-text":
            await change(
                "jsonb_set(data, '{notes,sealed}', '\"QUJDREVGR0hJSktMTU5PUFFSU1RVVg==\"')"
            )
        case "no-text":
            await change("jsonb_set(data, '{notes,sealed}', '7')")
        case "nobodys-text":
            await change("jsonb_set(data, '{notes,about}', '[]')")
        case "lost-key":
            await change_key("delete from vault.keys")
        case "damaged-key":
            await change_key("update vault.keys set wrapped = '\\x0102'")
        case "foreign-key":
            await change_key("update vault.keys set master_id = 'other', wrapped = '\\x0102'")
        case _:
            raise AssertionError(name)


def _faulty(state: State, event: Event, stamp: Stamp) -> State:
    raise KeyError(event.type)


@pytest.fixture
async def ward(
    office: Office, playbook: Playbook, superuser: Connection, monkeypatch: pytest.MonkeyPatch
) -> Office:
    """A healthy engagement with something due, and a sick one of every kind."""
    monkeypatch.setitem(registry._EVOLVERS, EVENTS["engagement-withdrawn"], _faulty)
    await office.to_onboarding(playbook)
    await office.agreed("Theory of action", DUE)
    for name in CAUSES:
        await office.do("lea register", id=name, name=f"{name} District", county="Fresno")
        await office.do("engagement open", engagement=name, lea=name, lead="marcus",
                        director="dana")  # fmt: skip
        await office.do("conversation log", "marcus", engagement=name, group="parents",
                        notes="They want to know.")  # fmt: skip
    await _keep_healthy(superuser)
    for name in CAUSES:
        await _harm(office, superuser, name)
    return office


NOTHING_YET = {"checkin show", "sir show", "sir thread"}
"""What a healthy engagement that has just begun has nothing of."""

OVERVIEWS = {
    "engagement list": WELL, "due": "Theory of action", "deliverable list": "Theory of action",
    f"deliverable list --as-known {DUE}": None, "portfolio mix": "LEAs taking part",
    "portfolio triage": WELL, "investment list": "", "appropriation list": "", "summit list": "",
    "lea list": "Alder Creek", "person list": "marcus", "lead caseload": "Marcus", "lea facts": "",
    "person show marcus": WELL, "survey growth": "", "playbook list": "", "framework list": "",
    "mail list": None, "calendar export": None,
}  # fmt: skip
"""Questions about many, with a word of what is healthy."""


async def test_questions_about_many_go_round_the_sick_and_name_them(ward: Office, ask: Ask) -> None:
    triage = await ask("portfolio", "triage")
    assert (triage.code, WELL in triage.out) == (0, True)
    assert "Cannot be read for now: lost-field, newer-kind, newer-schema and " in triage.err
    verified = await ask("admin", "verify")
    assert verified.code == 1
    for name, why in CAUSES.items():
        lines = [x for x in verified.out.splitlines() if x.startswith(f"engagement:{name} ")]
        assert why in "".join(lines)
    told = json.loads((await ask("admin", "verify", "--json")).out)
    assert {one["stream"] for one in told["unreadable"]} == {f"engagement:{x}" for x in CAUSES}
    for question, word in OVERVIEWS.items():
        answer = await ask(*question.split())
        assert "Traceback" not in answer.err, question
        if word is not None:
            assert (answer.code, word in answer.out) == (0, True), (question, answer)
            assert "damaged-key, damaged-text, foreign-key and 9 more" in answer.err, question


async def test_questions_about_a_healthy_one_are_answered_as_ever(ward: Office, ask: Ask) -> None:
    for verb in ON_AN_ENGAGEMENT:
        answer = await ask(*verb.split(), WELL)
        assert answer.code == (verb in NOTHING_YET), (verb, answer)
        assert "Traceback" not in answer.err, verb
    for day in ("--as-known", "--as-true"):
        answer = await ask("history", WELL, day, "2026-08-03")
        assert (answer.code, "Deliverable" in answer.out or "D1" in answer.out) == (0, True)


async def test_a_read_only_copy_answers_as_much_though_it_can_note_nothing(
    ward: Office,
    ask: Ask,
    superuser: Connection,
    sandbox_database: Database,
    tmp_path: Path,
) -> None:
    name = sandbox_database.name
    await superuser.execute(f"alter database {name} set default_transaction_read_only = on")
    for question, word in OVERVIEWS.items():
        answer = await ask(*question.split())
        assert "Traceback" not in answer.err, question
        assert "stopped answering" not in answer.err, question
        if word is not None:
            assert (answer.code, word in answer.out) == (0, True), (question, answer)
    triage = await ask("portfolio", "triage")
    assert "Cannot be read for now: lost-field, newer-kind, newer-schema and " in triage.err
    for sick, why in CAUSES.items():
        answer = await ask("engagement", "show", sick)
        assert (answer.code, why in answer.err) == (3, True), (sick, answer)
    key = Secret(base64.b64encode(MASTER_KEY).decode())
    settings = Settings(home=tmp_path, database_url=Secret(sandbox_database.url), key=key)
    told = {f.seen.partition(" ")[0] for f in await examine(settings) if f.part == "Streams"}
    assert told == {f"engagement:{name}" for name in CAUSES}


async def test_a_question_about_a_sick_one_says_what_is_wrong(ward: Office, ask: Ask) -> None:
    for name, why in CAUSES.items():
        answer = await ask("engagement", "show", name)
        assert answer.code == 3, (name, answer)
        assert f"engagement:{name} cannot be read: " in answer.err
        assert why in answer.err
        assert "Traceback" not in answer.err
    for verb in ON_AN_ENGAGEMENT:
        answer = await ask(*verb.split(), "lost-field")
        assert answer.code == 3, (verb, answer)
        assert CAUSES["lost-field"] in answer.err, verb


async def test_a_command_to_a_sick_one_is_refused_and_can_be_given_again_after_the_mend(
    ward: Office, superuser: Connection
) -> None:
    record = Record(ward.pool, ward.vault, ward.clock)  # Of a worker that begins now.
    async with ward.pool.acquire() as connection:
        before = await connection.fetchval("select count(*) from es.receipts")
    given = {
        name: ward.envelope("conversation log", "marcus", engagement=name, group="students")
        for name in CAUSES
    }
    for name, envelope in given.items():
        refused = await record.execute(envelope)
        assert (refused.outcome, refused.refusal) == ("refused", "Sick"), name
        assert f"engagement:{name} cannot be read" in refused.message
        assert CAUSES[name] in refused.message, name
        assert "Everything else goes on." in refused.message
        assert (refused.is_open, refused.next_wake) == (True, None), "its workflow waits"
    async with ward.pool.acquire() as connection:
        assert await connection.fetchval("select count(*) from es.receipts") == before
        noted = [row["stream"] async for row in queries.sick_streams(connection)]
    assert noted == sorted(f"engagement:{name}" for name in CAUSES)
    await ward.do("conversation log", "marcus", engagement=WELL, group="students", notes="More.")
    await _mend(superuser)
    for envelope in given.values():
        assert (await record.execute(envelope)).outcome == "recorded"
        assert (await record.execute(envelope)).repeated


async def test_a_worker_that_has_read_a_stream_goes_on_with_it_whatever_was_done_to_it_since(
    ward: Office,
) -> None:
    receipt = await ward.do("conversation log", "marcus", engagement="lost-field", group="students")
    assert receipt.outcome == "recorded"


async def test_a_rebuild_goes_round_the_sick_and_leaves_their_rows(
    ward: Office, superuser: Connection, ask: Ask
) -> None:
    async def rows() -> list[Any]:
        return await superuser.fetch("select * from read.engagements order by id")

    before = await rows()
    await superuser.execute("update read.engagements set phase = 'closed' where id = $1", WELL)
    done = await ask("admin", "rebuild", "--json")
    told = json.loads(done.out)
    assert done.code == 1
    assert {one["stream"] for one in told["left"]} == {f"engagement:{x}" for x in CAUSES}
    assert await rows() == before
    in_words = await ask("admin", "rebuild")
    assert f"Left as they were, of {len(CAUSES)} streams:" in in_words.out
    for why in CAUSES.values():
        assert why in in_words.out
    await _mend(superuser)
    assert (await ask("admin", "rebuild")).code == 0
    assert await rows() == before


async def test_doctor_names_each_until_it_is_mended(
    ward: Office,
    superuser: Connection,
    sandbox_database: Database,
    tmp_path: Path,
) -> None:
    key = Secret(base64.b64encode(MASTER_KEY).decode())
    settings = Settings(home=tmp_path, database_url=Secret(sandbox_database.url), key=key)

    async def streams() -> dict[str, str]:
        found = [f for f in await examine(settings) if f.part == "Streams"]
        return {f.seen.partition(" ")[0]: f"{f.state} {f.seen} {f.remedy}" for f in found}

    told = await streams()
    assert told.keys() == {f"engagement:{name}" for name in CAUSES}
    for name, why in CAUSES.items():
        line = told[f"engagement:{name}"]
        assert line.startswith("attention")
        assert why in line
    assert "install that release" in told["engagement:newer-kind"]
    assert "from a backup" in told["engagement:lost-key"]
    await _mend(superuser)
    assert (await streams()).keys() == {"all"}
