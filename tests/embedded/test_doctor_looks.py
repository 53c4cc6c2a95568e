"""What doctor says of sicknesses that show nowhere else, each made on real servers."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.names import WORKFLOW_QUEUE
from bootstrap.settings import Settings
from bootstrap.values import Secret
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.findings import Finding
from embedded.looks import engine, waiting
from embedded.looks.engine import look_at_engine
from embedded.looks.mail import look_at_mail
from embedded.looks.waiting import look_at_waiting
from embedded.mailcatcher import mail_catcher
from embedded.postgres import postgres_cluster
from embedded.temporal import dev_temporal
from store.database import open_pool, queries
from store.vault import Vault
from tests.conftest import MASTER_KEY, Database, FixedClock, Office, eventually


@pytest.fixture
async def store(database: Database, playbook: Playbook, calendar: CalendarPack) -> Database:
    """A store for real work, with a program in it."""
    pool = await open_pool(database.url)
    clock = FixedClock()
    clock.at = datetime.now(UTC)
    await Office(pool, Vault(MASTER_KEY), clock, database.cluster).furnish(playbook, calendar)
    await pool.close()
    return database


@pytest.fixture
async def owner(store: Database) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(store.cluster.url("postgres", store.name))
    yield connection
    await connection.close()


async def seen(store: Database, part: str, home: Path, tolerance: int = 300) -> list[Finding]:
    settings = Settings(
        home=home, database_url=Secret(store.url), clock_tolerance_seconds=tolerance
    )
    connection = await asyncpg.connect(store.url)
    try:
        found = await look_at_waiting(connection, settings)
    finally:
        await connection.close()
    return [finding for finding in found if finding.part == part]


async def test_nothing_is_said_of_a_store_in_which_all_is_well(
    store: Database, tmp_path: Path
) -> None:
    for part in ("Clocks", "Releases", "Readers", "News", "Notices", "Mails"):
        assert await seen(store, part, tmp_path) == [], part


async def test_clocks_that_are_apart_are_told(store: Database, tmp_path: Path) -> None:
    # No two clocks are the same to the microsecond.
    [found] = await seen(store, "Clocks", tmp_path, tolerance=0)
    assert found.state == "away"
    assert f"{datetime.now(UTC):%Y-%m-%d}" in found.seen
    assert "time server" in found.remedy


async def test_a_worker_of_another_release_or_schema_is_named(
    store: Database, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    await owner.execute(
        "insert into ops.workers values"
        " ('old:1', now(), now() + interval '1 hour', null, null),"
        " ('new:2', now(), now() + interval '1 hour', '9.9.9-abc', '9999'),"
        " ('gone:3', now(), now() - interval '1 hour', '0.0.1-abc', '0001')"
    )
    [found] = await seen(store, "Releases", tmp_path)
    assert "old:1 runs a release before this one" in found.seen
    assert "new:2 runs 9.9.9-abc for schema 9999" in found.seen
    assert "gone" not in found.seen


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_whoever_holds_readers_up_is_named(
    store: Database,
    owner: asyncpg.Connection,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    playbook: Playbook,
    calendar: CalendarPack,
    elsewhere: bool,
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", timedelta(0))
    cluster = store.cluster
    # An open transaction anywhere in the cluster does.
    stranger = await asyncpg.connect(cluster.reader_url("handrail" if elsewhere else store.name))
    held = stranger.transaction()
    await held.start()
    await stranger.fetchval("select pg_current_xact_id()")
    pid = await stranger.fetchval("select pg_backend_pid()")
    pool = await open_pool(store.url)
    clock = FixedClock()
    clock.at = datetime.now(UTC)
    office = Office(pool, Vault(MASTER_KEY), clock, cluster)
    await office.do("lea register", id="waits", name="It waits", type="school_district")
    [found] = await seen(store, "Readers", tmp_path)
    assert f"by a transaction of handrail_reader in {'handrail' if elsewhere else store.name}" in (
        found.seen
    )
    assert f"{datetime.now(UTC):%Y-%m-%d}" in found.seen
    assert f"pg_terminate_backend({pid})" in found.remedy
    await held.rollback()
    assert await seen(store, "Readers", tmp_path) == []
    await stranger.close()
    await pool.close()


async def test_a_prepared_transaction_is_named_by_its_id(tmp_path: Path) -> None:
    with postgres_cluster(tmp_path, durable=False) as first:
        connection = await asyncpg.connect(first.superuser_url)
        await connection.execute("alter system set max_prepared_transactions = 2")
        await connection.close()
    with postgres_cluster(tmp_path, durable=False) as cluster:
        connection = await asyncpg.connect(cluster.superuser_url)
        await connection.execute(
            "begin; select pg_current_xact_id(); prepare transaction 'left behind'"
        )
        xid = await connection.fetchval(
            "select (pg_snapshot_xmin(pg_current_snapshot())::text::numeric % 4294967296)::text"
        )
        application = await asyncpg.connect(cluster.app_url())
        holder = await queries.holder(application, xid=xid)
        assert (holder["gid"], holder["usename"]) == ("left behind", "postgres")
        await application.close()
        await connection.close()


async def test_news_that_nobody_hands_on_are_told_since_when(
    store: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "PATIENCE", timedelta(0))
    [found] = await seen(store, "News", tmp_path)
    assert "no worker has handed on" in found.seen


async def test_notices_that_are_due_and_mails_that_wait_are_told_since_when(
    store: Database, owner: asyncpg.Connection, tmp_path: Path
) -> None:
    await owner.execute(
        "insert into read.notices (stream, n, item, round, step, planned_for, due, roles, status)"
        " values ('engagement:x', 1, 'D1', 1, 'due', '2026-01-05 16:00Z', '2026-01-05',"
        " '{contact}', 'planned'), ('engagement:x', 2, 'D1', 1, '+1', now() + interval '1 day',"
        " '2026-01-05', '{contact}', 'planned')"
    )
    [found] = await seen(store, "Notices", tmp_path)
    assert found.seen.startswith("1 are due")
    assert "since 2026-01-05 16:00 UTC" in found.seen
    await owner.execute(
        "insert into ops.mails (id, person, local_date, kind, message_id, content, claimed_at,"
        " made_on) values (gen_random_uuid(), 'p-x', '2026-01-05', 'digest', '<x@y>', '{}',"
        " '2026-01-05 16:01Z', '2026-01-05')"
    )
    assert await seen(store, "Notices", tmp_path) == [], "somebody was told since"
    [found] = await seen(store, "Mails", tmp_path)
    assert "the first since 2026-01-05 16:01 UTC" in found.seen
    await owner.execute("update ops.mails set outcome = 'sent', at = now(), detail = ''")
    assert await seen(store, "Mails", tmp_path) == []


async def test_a_catcher_in_place_of_a_mail_server_is_told_where_work_is_real(
    store: Database, sandbox_database: Database, tmp_path: Path
) -> None:
    with mail_catcher(tmp_path / "mail") as mail:

        async def state(database: Database | None) -> tuple[str, str]:
            url = None if database is None else Secret(database.url)
            settings = Settings(home=tmp_path, database_url=url, smtp_url=Secret(mail.smtp_url))
            [found] = await look_at_mail(settings, "")
            assert "no mail leaves this machine" in found.seen
            return found.state, found.remedy

        said, remedy = await state(store)
        assert said == "attention"
        assert "SMTP_URL" in remedy
        assert (await state(sandbox_database))[0] == "ok"
        assert (await state(None))[0] == "ok"


@workflow.defn(name="Engagement")
class CannotStep:
    """A workflow of a release in which something is broken."""

    @workflow.run
    async def run(self, _: object) -> None:
        raise RuntimeError("a secret of somebody")


@pytest.mark.timeout(120)
async def test_what_waits_in_temporal_and_what_fails_there_is_told_since_when(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=tmp_path)
    with dev_temporal(tmp_path / "temporal") as server:
        client = await Client.connect(server.address)
        assert await look_at_engine(client, settings) == []
        await client.start_workflow(
            "Engagement", {}, id="engagement:sick", task_queue=WORKFLOW_QUEUE
        )
        monkeypatch.setattr(engine, "BACKLOG", timedelta(0))

        async def told(part: str) -> list[Finding]:
            return [f for f in await look_at_engine(client, settings) if f.part == part]

        [queue] = await eventually(lambda: told("Queue"))
        assert "1 on handrail since" in queue.seen
        async with Worker(
            client,
            task_queue=WORKFLOW_QUEUE,
            workflows=[CannotStep],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ):
            [found] = await eventually(lambda: told("Workflows"), within=timedelta(seconds=60))
            assert "engagement:sick since" in found.seen
            assert f"{datetime.now(UTC):%Y-%m-%d}" in found.seen
            assert "unhandled failure" in found.seen
            assert "secret" not in found.seen
            assert await told("Clocks") == []
            settings = Settings(home=tmp_path, clock_tolerance_seconds=-1_000_000)
            assert {f.seen.split(" this")[0] for f in await told("Clocks")} == {
                "Temporal's is ahead of",
                "Temporal's is behind",
            }
