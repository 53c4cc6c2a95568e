import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from embedded.postgres import Cluster
from store.migrations import StoreKindMismatch, migrate
from store.vault import Vault
from tests.conftest import Database, new_id
from tests.store.facts import fact, put


@pytest.fixture
async def empty(cluster: Cluster) -> AsyncIterator[Database]:
    """A database that nothing was done to."""
    name = f"empty_{new_id().hex}"
    admin = await asyncpg.connect(cluster.superuser_url)
    await admin.execute(f"create database {name} owner handrail_owner")
    yield Database(cluster, name)
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()


async def _schema(url: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "select c.oid::bigint, n.nspname, c.relname from pg_class c"
            " join pg_namespace n on n.oid = c.relnamespace"
            " where n.nspname in ('es', 'vault', 'read', 'ops', 'reporting', 'public')"
            " union all"
            " select p.oid::bigint, n.nspname, p.proname from pg_proc p"
            " join pg_namespace n on n.oid = p.pronamespace where n.nspname in ('es', 'vault')"
            " order by 1"
        )
        versions = await connection.fetch("select * from public.alembic_version")
    finally:
        await connection.close()
    return [tuple(row) for row in (*rows, *versions)]


async def test_migrating_again_changes_nothing(database: Database, vault: Vault) -> None:
    app = await asyncpg.connect(database.url)
    await put(app, vault, "engagement:e", 0, [fact("a")])
    before = await _schema(database.owner_url)
    await migrate(database.owner_url)
    assert await _schema(database.owner_url) == before
    assert await app.fetchval("select count(*) from es.events") == 1
    await app.close()


async def test_several_who_migrate_at_once_make_one_store(empty: Database) -> None:
    await asyncio.gather(*(migrate(empty.owner_url, sandbox=True) for _ in range(4)))
    app = await asyncpg.connect(empty.url)
    try:
        assert [row["kind"] for row in await app.fetch("select kind from es.store")] == ["sandbox"]
        assert await app.fetchval("select count(*) from public.alembic_version") == 1
        assert await app.fetchval("select count(*) from es.events") == 0
    finally:
        await app.close()


async def test_of_two_kinds_started_at_once_one_is_told_that_it_came_second(
    empty: Database,
) -> None:
    answers = await asyncio.gather(
        migrate(empty.owner_url, sandbox=True),
        migrate(empty.owner_url, sandbox=False),
        return_exceptions=True,
    )
    assert [type(answer) for answer in answers if answer] == [StoreKindMismatch]


@pytest.mark.parametrize("sandbox", [False, True], ids=["production", "sandbox"])
async def test_a_store_stays_of_its_kind(
    database: Database, sandbox_database: Database, sandbox: bool
) -> None:
    store = sandbox_database if sandbox else database
    kind, other = ("sandbox", "production") if sandbox else ("production", "sandbox")
    with pytest.raises(StoreKindMismatch, match=f"created as a {kind} store") as refusal:
        await migrate(store.owner_url, sandbox=not sandbox)
    assert f"Start it with{'' if sandbox else 'out'} --sandbox" in str(refusal.value)
    assert other not in str(refusal.value).split(".")[0]
    await migrate(store.owner_url, sandbox=sandbox)
    app = await asyncpg.connect(store.url)
    assert await app.fetchval("select kind from es.store") == kind
    await app.close()


async def test_a_migration_that_fails_leaves_nothing_behind(cluster: Cluster) -> None:
    """The role that may not make schemas gets as far as it can, in one transaction."""
    name = f"foreign_{new_id().hex}"
    admin = await asyncpg.connect(cluster.superuser_url)
    await admin.execute(f"create database {name}")
    with pytest.raises(Exception, match="permission denied"):
        await migrate(cluster.owner_url(name))
    inside = await asyncpg.connect(cluster.superuser_url, database=name)
    left = await inside.fetch(
        "select nspname from pg_namespace where nspname in ('es', 'vault', 'read', 'ops')"
    )
    assert left == []
    await inside.close()
    await admin.execute(f"drop database {name} with (force)")
    await admin.close()
