"""Whoever changes the store without the master key is found, whatever they change."""

import asyncio
import json
import os
from base64 import b64encode
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from bootstrap.settings import Settings
from bootstrap.values import Secret
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.findings import Finding
from embedded.looks import seals
from embedded.looks.seals import look_at_seals
from embedded.postgres import Cluster
from store import verifying
from store.comparing import TABLES
from store.database import Connection, open_pool, queries
from store.evidence import Head
from store.liveness import FOLLOWER
from store.sealing import accept_schema, in_order, seal, seal_in_new_order
from store.vault import Vault
from store.verifying import Report, compare, head_document, verify
from tests.conftest import MASTER_KEY, Database, FixedClock, Office, copied

E = "engagement:alder-creek-usd"
ORDER = "the transaction ids (xact_id) of its events were changed"


@pytest.fixture(scope="module")
def history(
    cluster: Cluster, template: dict[str, str], playbook: Playbook, calendar: CalendarPack
) -> str:
    """The name of a database with a history, refusals and all, as a worker has sealed it."""

    async def make() -> str:
        admin = await asyncpg.connect(cluster.superuser_url)
        name = f"sealed_{os.getpid()}"
        await admin.execute(
            f"create database {name} template {template['sandbox']} owner handrail_owner"
        )
        pool = await open_pool(cluster.app_url(name))
        office = Office(pool, Vault(MASTER_KEY), FixedClock(), cluster)
        await _seal(office)  # As a worker does before it serves.
        await office.furnish(playbook, calendar)
        await office.to_onboarding(playbook)
        await office.refused("person register", handle="joy", name="Joy", email="j@x.example")
        await _seal(office)
        await _followed(office)
        await pool.close()
        await admin.close()
        return name

    return asyncio.run(make())


@pytest.fixture
async def store(cluster: Cluster, history: str) -> AsyncIterator[Database]:
    """A copy of it."""
    async with copied(cluster, history) as copy:
        yield copy


@pytest.fixture
async def superuser(store: Database) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(store.cluster.superuser_url, database=store.name)
    yield connection
    await connection.close()


@pytest.fixture
async def sealed(store: Database) -> AsyncIterator[Office]:
    pool = await open_pool(store.url)
    yield Office(pool, Vault(MASTER_KEY), FixedClock(), store.cluster)
    await pool.close()


async def _in_order(superuser: Connection, office: Office) -> list[Head]:
    async with superuser.transaction():
        return await in_order(superuser, office.vault)


async def _seal(office: Office) -> int | None:
    async with office.pool.acquire() as connection:
        return await seal(connection, office.vault)


async def _followed(office: Office) -> None:
    """As if the follower had come to the end of the log."""
    async with office.pool.acquire() as connection:
        await queries.put_checkpoint(connection, reader=FOLLOWER, xact_id="999999999", position=0)


async def _verified(office: Office, against: dict[str, Any] | None = None) -> Report:
    async with office.pool.acquire() as connection:
        return await verify(connection, office.vault, against)


async def _compared(office: Office) -> Report:
    async with office.pool.acquire() as connection:
        report = Report()
        await compare(connection, office.vault, report)
        return report


async def _document(office: Office) -> dict[str, Any]:
    document = head_document(office.vault, await _verified(office))
    return dict(json.loads(json.dumps(document)))


async def _tamper(superuser: Connection, *statements: str) -> None:
    """What somebody does who holds the owner's password, or the server itself."""
    tables = ("events", "receipts")
    async with superuser.transaction():
        for table in tables:
            await superuser.execute(f"alter table es.{table} disable trigger append_only")
        for sql in statements:
            await superuser.execute(sql)
        for table in tables:
            await superuser.execute(f"alter table es.{table} enable always trigger append_only")


LAST = f"(select max(version) from es.events where stream = '{E}')"
REHASHED = """
do $$
declare
    e record;
    chain bytea;
begin
    for e in select * from es.events where stream = 'engagement:alder-creek-usd'
              order by version loop
        chain := es.chain_hash(chain, e.stream, e.version, e.recorded_at, e.effective_at,
                               e.command_id, e.type, e.schema_version, e.actor, e.causation_id,
                               e.data);
        update es.events set hash = chain where stream = e.stream and version = e.version;
    end loop;
end $$
"""

TAMPERED = [
    pytest.param(
        [f"delete from es.events where stream = '{E}' and version > {LAST} - 2"],
        E, "its end is missing", id="the last events deleted",
    ),
    pytest.param(
        [f"delete from es.events where stream = '{E}'"], E, "is gone as a whole",
        id="a whole stream deleted",
    ),
    pytest.param(
        [f"delete from es.events where stream = '{E}'",
         f"delete from es.sealed_streams where stream = '{E}'"],
        "the store's seal", "speaks of", id="a whole stream deleted with its seal",
    ),
    *(
        pytest.param(
            [f"delete from es.events where stream = '{E}' and version > {LAST} - 2",
             "delete from es.receipts where position > 9",
             *(f"delete from es.{table}" for table in gone)],
            "the store's seal", "is gone", id=f"the last events deleted with {' and '.join(gone)}",
        )
        for gone in (["sealed"], ["sealed", "sealed_streams", "sealed_schema"])
    ),
    pytest.param(
        [f"update es.events set actor = 'p-forger' where stream = '{E}' and version = 3", REHASHED],
        E, "event 3: changed or forged", id="a chain made anew after a change",
    ),
    pytest.param(
        [(f"update es.events set recorded_at = recorded_at - interval '1 day' where stream = '{E}'"
         " and version = 1"), REHASHED],
        E, "the chain was made anew", id="recorded_at changed and the chain made anew",
    ),
    *(
        pytest.param(
            [f"update es.events set {change} where stream = '{E}' and version = 2"], E, what,
            id=change.replace("null", "gone").replace("'", ""),
        )
        for change, what in (
            ("xact_id = '17'", "xact_id"),
            ("xact_id = '3'", "xact_id"),
            ("command_seq = 9", "changed or forged"),
            ("actor = 'p-forger'", "event 2: changed"),
            ("effective_at = effective_at + interval '1 day'", "event 2: changed"),
            ("recorded_at = recorded_at + interval '1 us'", "event 2: changed"),
            ("causation_id = gen_random_uuid()", "event 2: changed"),
            ("data = data || '{\"added\": null}'", "event 2: changed"),
            ("seal = null", "older release"),
            ("seal = sha256('x')", "changed or forged"),
        )
    ),
    pytest.param(
        ["alter table es.events alter column position drop identity",
         f"update es.events set position = position + 100000 where stream = '{E}' and version = 2"],
        E, "position", id="position",
    ),
    pytest.param(
        [f"delete from es.events where stream = '{E}' and version = 2"], E, "event 2", id="middle",
    ),
    pytest.param(
        [("update es.receipts set receipt = jsonb_set(receipt, '{message}', '\"no\"')"
         " where position = 5")],
        "receipt", "changed or forged", id="a receipt altered",
    ),
    pytest.param(
        ["update es.receipts set recorded_at = recorded_at + interval '1 day' where position = 5"],
        "receipts", "changed since", id="a receipt's time altered",
    ),
    pytest.param(
        ["delete from es.receipts where receipt->>'outcome' = 'refused'"],
        "receipts", "were sealed", id="a refusal deleted",
    ),
    pytest.param(
        ["delete from es.receipts where position = 5"],
        "", "the receipt of its command", id="a receipt deleted",
    ),
    pytest.param(
        [("insert into es.receipts (command_id, stream, content_hash, receipt, recorded_at)"
         " select gen_random_uuid(), stream, content_hash, receipt, recorded_at from es.receipts"
         " where position = 5")],
        "receipt", "forged", id="a receipt forged",
    ),
    pytest.param(
        [("insert into es.receipts (command_id, stream, content_hash, receipt, recorded_at)"
         " values (gen_random_uuid(), 'x', '',"
         " '{\"events\": [{\"stream\": 3, \"version\": 1e99}, 7]}', now())")],
        "receipt", "forged", id="a receipt that makes no sense",
    ),
    pytest.param(
        [("insert into es.events (stream, version, recorded_at, effective_at, type, schema_version,"
         " command_id, command_seq, actor, data, hash)"
         f" select stream, version + 1, recorded_at, effective_at, type, schema_version,"
         f" gen_random_uuid(), 1, 'p-forger', data, hash from es.events where stream = '{E}'"
         f" and version = {LAST}"), REHASHED],
        E, "forged", id="an event forged",
    ),
    pytest.param(
        ["update vault.keys set wrapped = set_byte(wrapped, 20, 1 - get_byte(wrapped, 20) % 2)"],
        "key of", "tampered with", id="a key changed",
    ),
    pytest.param(
        [("insert into vault.keys (subject, wrapped, master_id)"
         " select 'p-ghost', wrapped, master_id from vault.keys limit 1")],
        "key of p-ghost", "tampered with", id="a key added",
    ),
    pytest.param(
        ["delete from vault.keys where subject ^@ 'p-'"], "key of p-", "is missing",
        id="keys deleted",
    ),
    pytest.param(
        ["update vault.keys set wrapped = null, destroyed_at = now() where subject ^@ 'p-'"],
        "key of p-", "no event says so", id="keys destroyed without an event",
    ),
    pytest.param(
        ["update es.sealed set sealed_at = now() + interval '1 day'"], "the store's seal",
        "changed", id="the seal of the store changed",
    ),
    pytest.param(
        [f"update es.sealed_streams set version = version - 1 where stream = '{E}'"], E,
        "the seal of its end", id="the seal of a stream changed",
    ),
    pytest.param(
        [("create or replace function es.stamp(sandbox_now timestamptz) returns timestamptz"
         " language sql as 'select sandbox_now'")],
        "function es.stamp", "migrations", id="a function replaced",
    ),
    pytest.param(
        ["create function es.more() returns int language sql as 'select 1'"],
        "function es.more", "", id="a function added",
    ),
    pytest.param(
        ["drop trigger append_only on es.store"], "trigger append_only on es.store", "missing",
        id="a trigger missing",
    ),
    pytest.param(
        ["alter table es.store disable trigger append_only"], "trigger append_only on es.store",
        "changed", id="a trigger disabled",
    ),
    pytest.param(
        ["alter table es.store enable trigger append_only"], "trigger append_only on es.store",
        "changed", id="a trigger that replicas get round",
    ),
    pytest.param(
        ["grant update on es.events to handrail_app"], "table es.events", "changed", id="a grant",
    ),
    pytest.param(
        ["grant select (data) on es.events to handrail_reader"], "column es.events.data",
        "changed", id="a grant of a column",
    ),
    pytest.param(
        [("alter function es.append(text, integer, uuid, text[], smallint[], jsonb[],"
         " timestamptz[], text, uuid, timestamptz) security invoker")],
        "function es.append(", "changed", id="a function of other rights",
    ),
    pytest.param(
        ["alter table read.people owner to postgres"], "table read.people", "changed",
        id="an owner",
    ),
    pytest.param(
        ["alter table es.receipts drop constraint receipts_pkey"], "constraint receipts_pkey",
        "missing", id="a constraint missing",
    ),
    pytest.param(
        [("create or replace view reporting.summits with (security_barrier) as"
         " select * from reporting.summits where false")],
        "view", "changed", id="a view replaced",
    ),
    pytest.param(
        ["create rule hidden as on insert to es.receipts do instead nothing"], "rule hidden",
        "added", id="a rule",
    ),
]  # fmt: skip


LISTS = [
    pytest.param(
        ["update read.people set email = 'thief@example.org' where handle = 'joy'"],
        "person:", "read.people does not say what its events do (email", id="an address rerouted",
    ),
    pytest.param(
        ["update read.notices set status = 'suppressed', reason = 'forged'"], E,
        "read.notices", id="a notice suppressed",
    ),
    pytest.param(
        ["delete from read.obligations"], E, "read.obligations lacks", id="an obligation hidden",
    ),
    pytest.param(
        ["update read.obligations set due = due + 100 where due is not null"], E, "(due",
        id="a due date moved",
    ),
    pytest.param(
        ["insert into read.people values ('p-ghost', 1, 'ghost', 'Nobody', null, 'agency', '{}')"],
        "person:p-ghost", "no such stream", id="somebody invented",
    ),
    pytest.param(
        ["update read.documents set title = 'forged' where kind = 'playbook'"], "playbook:",
        "read.documents", id="a playbook rewritten",
    ),
    pytest.param(
        ["update read.program set sender = 'thief@example.org'"], "program", "(sender",
        id="a sender changed",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("statements", "where", "what"), TAMPERED)
async def test_what_was_tampered_with_is_found_and_stays_found(
    sealed: Office, superuser: Connection, statements: list[str], where: str, what: str
) -> None:
    await _tamper(superuser, *statements)
    for again in (False, True):
        if again:
            await _seal(sealed)  # A worker seals on: it must not take over what is wrong.
        found = (await _verified(sealed)).found
        assert [f for f in found if where in f.where and what in f.what], found


@pytest.mark.parametrize(("statements", "where", "what"), LISTS)
async def test_a_list_that_does_not_say_what_the_events_do_is_found(
    sealed: Office, superuser: Connection, statements: list[str], where: str, what: str
) -> None:
    await _tamper(superuser, *statements)
    found = (await _compared(sealed)).found
    assert [f for f in found if where in f.where and what in f.what], found


async def test_what_the_follower_has_still_to_bring_about_is_no_fault(
    sealed: Office, superuser: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (await _compared(sealed)).found == []
    monkeypatch.setattr(verifying, "_PATIENCE_SECONDS", 0.1)
    await superuser.execute("delete from read.obligations")
    await superuser.execute("delete from ops.checkpoints")
    report = await _compared(sealed)
    assert report.found == []
    assert any("Look again" in note and E in note for note in report.notes)


async def test_every_read_model_is_compared(superuser: Connection) -> None:
    rows = await superuser.fetch("select tablename from pg_tables where schemaname = 'read'")
    assert {row["tablename"] for row in rows} == TABLES.keys()


async def test_work_goes_on_and_what_is_sealed_grows(sealed: Office) -> None:
    report = await _verified(sealed)
    assert report.found == []
    assert report.events > 20
    assert report.receipts > 10
    assert await _seal(sealed) == 0
    await sealed.do("lea register", id="elk-grove", name="Elk Grove", type="charter_school")
    assert await _seal(sealed) == 1
    report = await _verified(sealed)
    assert report.found == []
    assert report.notes == []


async def test_two_sealing_at_once_make_one_seal(sealed: Office) -> None:
    await sealed.do("lea register", id="elk-grove", name="Elk Grove", type="charter_school")
    await asyncio.gather(_seal(sealed), _seal(sealed))
    assert (await _verified(sealed)).found == []


async def test_an_event_appended_without_the_master_key_is_found(sealed: Office) -> None:
    async with sealed.pool.acquire() as connection:
        await connection.execute(
            "select es.append($1, 0, gen_random_uuid(), array['lea-registered'],"
            " array[1::smallint], array['{}'::jsonb], array[now()], 'p-forger', null, now())",
            "lea:forged",
        )
    await _seal(sealed)
    assert ("lea:forged", 1) in {(f.where, f.version) for f in (await _verified(sealed)).found}


async def test_whoever_has_another_master_key_can_vouch_for_nothing(sealed: Office) -> None:
    async with sealed.pool.acquire() as connection:
        other = Vault(bytes(32))
        assert await seal(connection, other) is None
        assert (await verify(connection, other)).found


async def test_a_document_kept_outside_finds_what_the_holder_of_the_master_key_did(
    sealed: Office, superuser: Connection
) -> None:
    await sealed.do("lea register", id="elk-grove", name="Elk Grove", type="charter_school")
    document = await _document(sealed)
    await sealed.refused("person register", handle="joy", name="Joy", email="j@x.example")
    assert (await _verified(sealed, document)).found == []
    await _tamper(
        superuser,
        "delete from es.events where stream = 'lea:elk-grove'",
        "update es.receipts set recorded_at = recorded_at + interval '1 day' where position = 5",
        "delete from es.sealed", "delete from es.sealed_streams",
    )  # fmt: skip
    await _seal(sealed)
    found = [f"{f.where} {f.what}" for f in (await _verified(sealed, document)).found]
    assert any("lea:elk-grove is gone as a whole" in f for f in found)
    assert any("receipts" in f and "in the document" in f for f in found)
    changed = document | {"events": 1}
    found = [f.where for f in (await _verified(sealed, changed)).found]
    assert "the document" in found


async def test_events_from_before_there_were_seals_still_verify(
    sealed: Office, superuser: Connection
) -> None:
    office = sealed
    await _tamper(
        superuser,
        "delete from es.sealed",
        "delete from es.sealed_streams",
        "update es.events set seal = null",
        "update es.receipts set seal = null, xact_id = null",
    )
    await _seal(office)
    report = await _verified(office)
    assert report.found == []
    assert any("bears no seal of its own" in note for note in report.notes)
    await office.do("lea register", id="elk-grove", name="Elk Grove", type="charter_school")
    await _seal(office)
    assert (await _verified(office)).found == []
    await _tamper(superuser, "update es.events set seal = null where stream = 'lea:elk-grove'")
    assert (await _verified(office)).found


async def test_a_restored_dump_verifies_by_its_new_order_and_is_sealed_on(
    sealed: Office, superuser: Connection
) -> None:
    """Its events are renumbered, so that readers of the log see them in the new cluster."""
    heads = await _in_order(superuser, sealed)
    await _tamper(superuser, "update es.events set xact_id = '3'")
    assert {what for _, what, _ in (await _verified(sealed)).found} == {ORDER}
    async with superuser.transaction():
        await seal_in_new_order(superuser, sealed.vault, heads)
    assert (await _verified(sealed)).found == []
    await sealed.do("lea register", id="elk-grove", name="Elk Grove", type="charter_school")
    await sealed.do("conversation log", "marcus", engagement="alder-creek-usd", group="parents",
                    notes="anew")  # fmt: skip
    assert await _seal(sealed) == 2
    assert (await _verified(sealed)).found == []


@pytest.mark.parametrize("where", ["restored", "recorded since"])
async def test_a_changed_order_is_found_in_a_restored_stream_too(
    sealed: Office, superuser: Connection, where: str
) -> None:
    heads = await _in_order(superuser, sealed)
    await _tamper(superuser, "update es.events set xact_id = '3'")
    async with superuser.transaction():
        await seal_in_new_order(superuser, sealed.vault, heads)
    await sealed.do("conversation log", "marcus", engagement="alder-creek-usd", group="parents",
                    notes="anew")  # fmt: skip
    await _seal(sealed)
    version = (
        "1" if where == "restored" else f"(select max(version) from es.events where stream = '{E}')"
    )
    await _tamper(
        superuser,
        f"update es.events set xact_id = '4' where stream = '{E}' and version = {version}",
    )
    assert [(found.where, found.what) for found in (await _verified(sealed)).found] == [(E, ORDER)]


async def test_an_order_that_was_changed_before_the_restore_is_not_sealed_as_right(
    sealed: Office, superuser: Connection
) -> None:
    await _tamper(
        superuser, f"update es.events set xact_id = '4' where stream = '{E}' and version = 2"
    )
    heads = await _in_order(superuser, sealed)
    assert E not in {head.stream for head in heads}
    await _tamper(superuser, "update es.events set xact_id = '3'")
    async with superuser.transaction():
        await seal_in_new_order(superuser, sealed.vault, heads)
    assert [(found.where, found.what) for found in (await _verified(sealed)).found] == [(E, ORDER)]


async def test_the_schema_as_it_stands_is_accepted_by_whoever_holds_the_master_key(
    sealed: Office, superuser: Connection
) -> None:
    await superuser.execute("grant select on reporting.summits to handrail_owner with grant option")
    await superuser.execute("create view reporting.mine as select 1 as one")
    assert (await _verified(sealed)).found
    async with sealed.pool.acquire() as connection:
        assert await accept_schema(connection, sealed.vault)
    assert (await _verified(sealed)).found == []


async def test_verifying_holds_no_writer_back(sealed: Office) -> None:
    async with (
        sealed.pool.acquire() as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await connection.fetchval("select count(*) from es.events")
        assert await connection.fetchval("select pg_current_xact_id_if_assigned()") is None
        await asyncio.wait_for(
            sealed.do("lea register", id="elk-grove", name="Elk Grove", type="charter_school"), 10
        )


def _doctors(store: Database, home: Path) -> Settings:
    key = Secret(b64encode(MASTER_KEY).decode())
    return Settings(home=home, database_url=Secret(store.url), key=key)


async def _seen(store: Database, home: Path) -> list[Finding]:
    connection = await asyncpg.connect(store.url)
    try:
        return await look_at_seals(connection, _doctors(store, home))
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        (f"delete from es.events where stream = '{E}' and version > {LAST} - 2", E),
        (f"delete from es.events where stream = '{E}'", E),
        (f"update es.events set actor = 'p-forger' where stream = '{E}' and version = {LAST}",
         f"{E} event "),
        (f"update es.events set data = '{{}}' where stream = '{E}' and version = 1",
         f"{E} event 1"),
        (f"update es.events set seal = null where stream = '{E}' and version = 2", f"{E} event 2"),
        (f"update es.sealed_streams set version = version - 1 where stream = '{E}'", E),
        ("update es.sealed set events = events + 1", "the store's seal"),
    ],
)  # fmt: skip
async def test_doctor_names_what_does_not_fit_and_says_to_verify(
    store: Database, superuser: Connection, tmp_path: Path, statement: str, named: str
) -> None:
    assert await _seen(store, tmp_path) == []
    await _tamper(superuser, statement)
    [found] = [f for f in await _seen(store, tmp_path) if "do not fit" in f.seen]
    assert named in found.seen
    assert "handrail admin verify" in found.remedy


async def test_doctor_says_since_when_events_lie_unsealed(
    database: Database,
    tmp_path: Path,
    playbook: Playbook,
    calendar: CalendarPack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pool = await open_pool(database.url)
    office = Office(pool, Vault(MASTER_KEY), FixedClock(datetime.now(UTC)), database.cluster)
    await _seal(office)  # As a worker does before anything is recorded.
    await office.furnish(playbook, calendar)
    assert await _seen(database, tmp_path) == [], "a worker has a minute for it"
    monkeypatch.setattr(seals, "PATIENCE", timedelta(0))
    [found] = await _seen(database, tmp_path)
    count = await pool.fetchval("select count(*) from es.events")
    assert found.seen.startswith(f"{count} events lie unsealed since {datetime.now(UTC):%Y-%m-%d}")
    await _seal(office)
    assert await _seen(database, tmp_path) == []
    await office.do("lea register", id="waits", name="It waits", type="school_district")
    await office.do("lea change", lea="waits", county="Manzanita", source="s")
    [found] = await _seen(database, tmp_path)
    assert found.seen.startswith("2 events lie unsealed")
    await pool.close()


async def test_doctor_leaves_a_foreign_key_to_the_line_about_keys(
    store: Database, tmp_path: Path
) -> None:
    connection = await asyncpg.connect(store.url)
    foreign = replace(_doctors(store, tmp_path), key=Secret(b64encode(bytes(32)).decode()))
    assert await look_at_seals(connection, foreign) == []
    assert await look_at_seals(connection, replace(foreign, key=None)) == []
    await connection.close()
