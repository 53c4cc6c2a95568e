import asyncpg
import pytest

from store.database import Connection
from store.vault import Vault
from tests.conftest import Database, new_id
from tests.store.facts import fact, put

CHANGES = {
    "es.events": (
        "update es.events set data = '{}'",
        "update es.events set actor = 'p-somebody' where version = 99",
        "delete from es.events",
        "truncate es.events",
        "merge into es.events e using es.store s on true when matched then delete",
    ),
    "es.receipts": (
        "update es.receipts set receipt = '{}'",
        "delete from es.receipts",
        "truncate es.receipts",
        "merge into es.receipts using es.store on true when matched then update set stream = ''",
    ),
    "es.epochs": (
        "update es.epochs set epoch = ''",
        "delete from es.epochs",
        "truncate es.epochs",
        "merge into es.epochs using es.store on true when matched then delete",
    ),
    "es.store": (
        "update es.store set kind = 'sandbox'",
        "delete from es.store",
        "truncate es.store",
    ),
}
STATEMENTS = [(table, sql) for table, all_ in CHANGES.items() for sql in all_]


@pytest.fixture
async def written(app: Connection, vault: Vault) -> None:
    await put(app, vault, "engagement:e", 0, [fact("a"), fact("b")])
    await app.execute("select es.first_epoch()")
    await app.execute(
        "insert into es.receipts values ($1, 'engagement:e', '', '{}', clock_timestamp())",
        new_id(),
    )


async def _all(connection: Connection) -> list[list[object]]:
    return [
        [tuple(row) for row in await connection.fetch(f"select * from {table} order by 1, 2")]
        for table in CHANGES
    ]


async def _refused_by_all(
    database: Database, role_url: str, prepare: str, error: type[asyncpg.PostgresError]
) -> None:
    connection = await asyncpg.connect(role_url, database=database.name)
    try:
        before = await _all(connection)
        assert all(before), "nothing was there to be changed"
        for _, sql in STATEMENTS:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(prepare)
            with pytest.raises(error):
                await connection.execute(sql)
            await transaction.rollback()
        assert await _all(connection) == before
    finally:
        await connection.close()


@pytest.mark.usefixtures("written")
async def test_the_application_changes_nothing_that_was_written(database: Database) -> None:
    await _refused_by_all(database, database.url, "select 1", asyncpg.InsufficientPrivilegeError)


@pytest.mark.usefixtures("written")
async def test_the_owner_changes_nothing_that_was_written(database: Database) -> None:
    await _refused_by_all(
        database, database.owner_url, "select 1", asyncpg.FeatureNotSupportedError
    )


@pytest.mark.usefixtures("written")
async def test_not_even_a_superuser_in_replica_mode_changes_what_was_written(
    database: Database,
) -> None:
    """Replica mode skips ordinary triggers; these fire always."""
    await _refused_by_all(
        database,
        database.cluster.superuser_url,
        "set local session_replication_role = replica",
        asyncpg.FeatureNotSupportedError,
    )


async def test_the_guards_are_enabled_always(app: Connection) -> None:
    """What a health check may ask: a trigger that somebody disabled shows here."""
    rows = await app.fetch(
        "select tgrelid::regclass::text as table, tgenabled from pg_trigger"
        " where tgname = 'append_only'"
    )
    assert {(row["table"], row["tgenabled"]) for row in rows} == {
        (table, b"A") for table in CHANGES
    }


async def test_a_store_has_one_kind(app: Connection, database: Database) -> None:
    owner = await asyncpg.connect(database.owner_url)
    try:
        with pytest.raises(asyncpg.UniqueViolationError):
            await owner.execute("insert into es.store (kind) values ('sandbox')")
        with pytest.raises(asyncpg.CheckViolationError):
            await owner.execute("insert into es.store (only_row, kind) values (false, 'sandbox')")
    finally:
        await owner.close()
    assert await app.fetchval("select kind from es.store") == "production"
