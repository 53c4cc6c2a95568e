"""A backup and the way back; a copy, a restored dump, a read-only database, an old schema."""

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest

from domain.envelope import Receipt
from embedded.dumping import dump, restore
from embedded.postgres import Cluster, postgres_cluster
from store.migrations import newest
from tests.conftest import Database
from tests.lives.conftest import LEAS, Premises, lea

pytestmark = pytest.mark.slow


class Elsewhere(Database):
    """A store in the database of another cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.name = "handrail"
        self.url = cluster.app_url()
        self.owner_url = cluster.owner_url()


async def events(database: Database) -> int:
    connection = await asyncpg.connect(database.url)
    try:
        count: int = await connection.fetchval("select count(*) from es.events")
        return count
    finally:
        await connection.close()


async def test_a_backup_comes_back_whole_and_mails_nobody_twice(premises: Premises) -> None:
    at = premises
    file = at.home / "store.backup"
    await at.worker()
    code, said = await at.handrail("admin", "recover")
    assert code == 0, said
    code, said = await at.handrail("backup", str(file))
    assert code == 0, said
    saved = await events(at.database)
    assert f"{saved} events" in said
    assert file.stat().st_mode & 0o077 == 0, "it names people: nobody else reads it"
    code, said = await at.handrail("backup", str(file))
    assert (code, "is there already" in said) == (1, True)

    lost = at.conversation(lea(0))
    [receipt] = await at.submit(lost)
    assert isinstance(receipt, Receipt)
    code, said = await at.handrail("restore", str(file), "--original", "--replace")
    assert (code, "A worker is at work" in said) == (1, True), said
    await at.no_worker()
    code, said = await at.handrail("restore", str(file), "--original")
    assert (code, "--replace" in said) == (1, True), said
    code, said = await at.handrail("restore", str(file), "--replace")
    assert (code, "--practice" in said) == (2, True), said
    other = {"HANDRAIL_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}
    code, said = await at.handrail("restore", str(file), "--original", "--replace", **other)
    assert (code, "sealed with master key" in said) == (1, True), said
    damaged = at.home / "damaged.backup"
    whole = file.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    code, said = await at.handrail("restore", str(damaged), "--original", "--replace")
    assert code == 1, said
    assert await events(at.database) == saved + 1, "as it was"

    code, said = await at.handrail("restore", str(file), "--original", "--replace", "--json")
    assert code == 0, said
    told = json.loads(said[said.index("{\n") if "{\n" in said else said.index("{") :])
    assert told["contents"]["events"] == saved
    [missing] = told["missing"]
    assert missing["command_id"] == str(lost.command_id)
    assert missing["kind"] == "conversation log"
    assert "Temporal" in told["asked"]
    assert await events(at.database) == saved
    await at.worker()
    code, said = await at.handrail("admin", "recover")
    assert code == 0, said
    assert f"{LEAS} engagements" in said
    [again] = await at.submit(lost)
    assert isinstance(again, Receipt)
    assert (again.outcome, again.repeated) == ("recorded", False)
    code, said = await at.handrail("admin", "verify")
    assert code == 0, said


async def test_a_worker_goes_on_beside_the_tables_of_a_later_release(premises: Premises) -> None:
    """In an office that upgrades the old one serves on until it is replaced, and says so."""
    at = premises
    await at.worker()
    owner = await asyncpg.connect(at.database.owner_url)
    tables = await owner.fetch(
        "select format('%I.%I', schemaname, tablename) as name from pg_tables"
        " where schemaname in ('es', 'vault', 'read', 'ops')"
    )
    for table in tables:
        await owner.execute(
            f"alter table {table['name']} add later_note text,"
            f" add later_kind text not null default 'ordinary'"
        )
    await owner.execute("update alembic_version set version_num = '9999'")
    await owner.close()
    for again in (False, True):  # The worker that runs, and one that is started now.
        [receipt] = await at.submit(at.conversation(lea(0), "students" if again else "parents"))
        assert isinstance(receipt, Receipt)
        assert receipt.outcome == "recorded"
        code, said = await at.handrail("doctor")
        told = " ".join(said.split())
        assert (code, "Traceback" in said) == (3, False), said
        assert "newer than this Handrail" in told
        await at.no_worker()
        await at.worker()


async def test_a_log_from_a_cluster_that_counted_further_is_not_worked_with(
    premises: Premises,
) -> None:
    """Whoever follows it would see nothing of what is recorded from now on."""
    at = premises
    await at.worker()
    await at.no_worker()
    superuser = await asyncpg.connect(at.database.cluster.superuser_url, database=at.database.name)
    await superuser.execute(
        "begin; alter table es.events disable trigger append_only;"
        "update es.events set xact_id = (xact_id::text::bigint + 1000000000)::text::xid8;"
        "alter table es.events enable always trigger append_only; commit"
    )
    await superuser.close()
    said = await refuses_to_start(at)
    assert "its events bear ids of transactions that this one has still to come to" in said
    assert "handrail admin adopt --original" in said
    code, said = await at.handrail("doctor")
    assert (code, "restored from a dump of another PostgreSQL" in " ".join(said.split())) == (
        3, True,
    ), said  # fmt: skip
    code, said = await at.handrail("admin", "adopt", "--original")
    assert code == 0, said
    await at.worker()
    code, said = await at.handrail("admin", "recover")
    assert code == 0, said
    [receipt] = await at.submit(at.conversation(lea(0)))
    assert isinstance(receipt, Receipt)
    assert receipt.outcome == "recorded"


async def refuses_to_start(at: Premises) -> str:
    """What a worker says that does not begin to work."""
    began = at.log.stat().st_size if at.log.exists() else 0
    process = at.start_worker()
    assert await asyncio.to_thread(process.wait, 30) == 1
    at.workers.remove(process)
    return at.log.read_bytes()[began:].decode()


async def test_a_database_that_is_not_what_it_seems_is_refused_with_the_way_out(
    premises: Premises, tmp_path: Path
) -> None:
    at = premises
    owner = await asyncpg.connect(at.database.owner_url)
    admin = await asyncpg.connect(at.database.cluster.superuser_url)
    await at.worker()
    [receipt] = await at.submit(at.conversation(lea(0)))
    assert isinstance(receipt, Receipt)
    await at.no_worker()

    # Tables of an earlier release.
    await owner.execute("update alembic_version set version_num = '0007'")
    assert "handrail admin migrate" in await refuses_to_start(at)
    code, said = await at.handrail("doctor")
    assert (code, "version 0007" in said) == (3, True), said
    await owner.execute("update alembic_version set version_num = $1", newest())

    # A copy that follows another and takes no changes.
    name = at.database.name
    await admin.execute(f"alter database {name} set default_transaction_read_only = on")
    assert "a read-only copy" in await refuses_to_start(at)
    code, said = await at.handrail("doctor")
    assert (code, "Set DATABASE_URL to the database that is written to" in said) == (3, True), said
    [answer] = await at.submit_or_not(at.conversation(lea(1)))
    assert "a read-only copy" in str(answer)
    code, said = await at.handrail("engagement", "list")
    assert code == 0, "questions are answered there"
    await admin.execute(f"alter database {name} reset default_transaction_read_only")

    # A dump, restored into a cluster that has counted fewer transactions.
    async with owner.transaction(isolation="repeatable_read"):
        snapshot = await owner.fetchval("select pg_export_snapshot()")
        await asyncio.to_thread(dump, at.database.owner_url, tmp_path / "d", snapshot=snapshot)
    await owner.close()
    await admin.close()
    with postgres_cluster(tmp_path / "younger", durable=False) as younger:
        await asyncio.to_thread(restore, younger.owner_url(), tmp_path / "d")
        old, at.database = at.database, Elsewhere(younger)
        assert "handrail admin adopt --original" in await refuses_to_start(at)
        code, said = await at.handrail("doctor")
        assert (code, "is a copy or was restored" in said) == (3, True), said
        [answer] = await at.submit_or_not(at.conversation(lea(1)))
        assert "handrail admin adopt" in str(answer)
        code, said = await at.handrail("engagement", "list")
        assert code == 0, said

        code, said = await at.handrail("admin", "adopt")
        assert code == 2, said
        code, said = await at.handrail("admin", "adopt", "--practice")
        assert code == 0, said
        assert "The order of its log was brought into this cluster" in said
        connection = await asyncpg.connect(younger.app_url())
        counter = await connection.fetchval("select pg_current_xact_id()::text::bigint")
        highest = await connection.fetchval("select max(xact_id::text::bigint) from es.events")
        assert highest < counter
        await at.worker_on(connection)
        code, said = await at.handrail("admin", "recover")
        assert code == 0, said
        code, said = await at.handrail("doctor")
        assert "a copy to practise with" in said
        # Its engine is the original's, and it meets nothing there: both go on.
        [answer] = await at.submit(at.conversation(lea(2)))
        assert isinstance(answer, Receipt)
        assert answer.outcome == "recorded"
        await at.no_worker()
        await connection.close()
        # This cluster's database was made with other rights than the one before.
        code, said = await at.handrail("admin", "verify", "--accept-schema")
        assert code == 0, said
        superuser = await asyncpg.connect(younger.superuser_url, database="handrail")
        await superuser.execute(
            "begin; set local session_replication_role = replica;"
            "alter table es.events disable trigger append_only;"
            f"update es.events set xact_id = '4' where stream = 'engagement:{lea(2)}'"
            " and version = 1; alter table es.events enable always trigger append_only; commit"
        )
        await superuser.close()
        code, said = await at.handrail("admin", "verify")
        assert code == 1, said
        assert f"engagement:{lea(2)}" in said
        assert "the transaction ids (xact_id)" in " ".join(said.split())
        at.database = old
