"""Least privilege, enumerated: a grant that appears later must be put into this list on purpose."""

import asyncio
import re
from pathlib import Path

import asyncpg
import pytest

from store.database import Connection, queries
from store.migrations import migrate
from store.turns import FOLLOWING, Turn
from store.vault import Vault
from tests.conftest import Database, eventually
from tests.store.facts import fact, put

PRIVILEGES = (
    "SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN",
)  # fmt: skip
PAGE = Path(__file__).parent.parent.parent / "docs" / "security.md"
_ROW = re.compile(r"^\| `([a-z_.]+)` \| ([^|]*) \| ([^|]*) \|$", re.MULTILINE)


def _table() -> dict[str, tuple[set[str], set[str]]]:
    """What the page says that the application and the reader may do, by table or by schema."""
    section = PAGE.read_text("utf-8").partition("## What each role may do")[2].partition("\n## ")[0]

    def rights(cell: str) -> set[str]:
        return set(re.sub(r" \([^)]*\)", "", cell).split(", ")) - {"nothing"}

    return {name: (rights(app), rights(reader)) for name, app, reader in _ROW.findall(section)}


def _said(table: str, role: int) -> set[str]:
    page = _table()
    return page.get(table, page.get(table.partition(".")[0], (set(), set())))[role]


APP_FUNCTIONS = {
    "es.append", "es.read_log", "es.broken_links", "es.chain_hash", "es.stamp",
    "es.place", "es.begin_epoch", "es.first_epoch",
    "ops.end_old_readers", "read.take_statistics", "vault.destroy",
}  # fmt: skip


async def _tables(connection: Connection) -> list[str]:
    rows = await connection.fetch(
        "select n.nspname || '.' || c.relname as name from pg_class c"
        " join pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind in ('r', 'v', 'm', 'p', 'f')"
        "   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
    )
    return [row["name"] for row in rows]


async def _rights(connection: Connection, role: str) -> dict[str, set[str]]:
    """What a role may do with each table or any of its columns, whoever granted it."""
    return {
        table: {
            privilege
            for privilege in PRIVILEGES
            if await connection.fetchval(
                "select has_table_privilege($1, $2, $3)", role, table, privilege
            )
            or (
                privilege in ("SELECT", "INSERT", "UPDATE", "REFERENCES")
                and await connection.fetchval(
                    "select has_any_column_privilege($1, $2, $3)", role, table, privilege
                )
            )
        }
        for table in await _tables(connection)
    }


async def test_the_application_may_do_what_it_must_and_no_more(superuser: Connection) -> None:
    rights = await _rights(superuser, "handrail_app")
    assert len(rights) > 15
    for table, have in rights.items():
        assert have == _said(table, 0), table
    assert {name for name in _table() if "." in name} <= rights.keys(), "of a table that is gone"


async def test_the_reader_sees_the_reporting_views_and_nothing_else(superuser: Connection) -> None:
    rights = await _rights(superuser, "handrail_reader")
    for table, have in rights.items():
        assert have == _said(table, 1), table


@pytest.mark.parametrize(
    ("role", "allowed"), [("handrail_app", APP_FUNCTIONS), ("handrail_reader", set())]
)
async def test_only_the_functions_it_needs_can_be_called(
    superuser: Connection, role: str, allowed: set[str]
) -> None:
    rows = await superuser.fetch(
        "select distinct n.nspname || '.' || p.proname as name from pg_proc p"
        " join pg_namespace n on n.oid = p.pronamespace"
        " where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"
        "   and has_schema_privilege($1, n.oid, 'USAGE')"
        "   and has_function_privilege($1, p.oid, 'EXECUTE')",
        role,
    )
    assert {row["name"] for row in rows} == allowed


@pytest.mark.parametrize("role", ["handrail_app", "handrail_reader"])
async def test_neither_can_create_own_or_become_anything(superuser: Connection, role: str) -> None:
    power = await superuser.fetchrow(
        "select rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls"
        "  from pg_roles where rolname = $1",
        role,
    )
    assert power is not None
    assert not any(power.values())
    assert not await superuser.fetchval(
        "select exists (select from pg_auth_members m where m.member = $1::regrole)", role
    )
    assert not await superuser.fetchval(
        "select exists (select from pg_shdepend where refobjid = $1::regrole and deptype = 'o')",
        role,
    )
    rows = await superuser.fetch(
        "select nspname from pg_namespace where has_schema_privilege($1, oid, 'CREATE')", role
    )
    assert rows == []
    assert not await superuser.fetchval(
        "select has_database_privilege($1, current_database(), 'CREATE')", role
    )


FORBIDDEN = (
    """
    insert into es.events (stream, version, recorded_at, effective_at, type, schema_version,
                           command_id, command_seq, actor, data, hash)
    values ('engagement:e', 1, now(), now(), 't', 1, gen_random_uuid(), 1, 'a', '{}', '')
    """,
    "update vault.keys set wrapped = null, destroyed_at = now()",
    "delete from vault.keys",
    "create table es.mine ()",
    "create table public.mine ()",
    "create schema mine",
    "alter table es.events disable trigger append_only",
    "drop trigger append_only on es.events",
    """
    create or replace function es.stamp(timestamptz) returns timestamptz language sql
    as 'select $1'
    """,
    "set role handrail_owner",
    "set session_replication_role = replica",
    "update ops.mails set person = 'p-thief'",
    "update ops.mails set message_id = 'another'",
    "delete from ops.mails",
    (
        "insert into es.receipts (command_id, stream, content_hash, receipt, recorded_at, xact_id)"
        " values (gen_random_uuid(), 'x', '', '{}', now(), '1')"
    ),
    "truncate es.events",
    "select vault.destroy('p-joy')",
    "select nextval(pg_get_serial_sequence('es.events', 'position'))",
)


async def test_the_server_refuses_the_application(app: Connection) -> None:
    for sql in FORBIDDEN:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await app.execute(sql)


async def test_the_server_shows_the_reader_views_without_personal_data(database: Database) -> None:
    reader = await asyncpg.connect(database.cluster.reader_url(database.name))
    try:
        for view in ("engagements", "notices", "deliveries", "events"):
            await reader.fetch(f"select * from reporting.{view}")
        for table in ("es.events", "es.receipts", "vault.keys", "read.people", "ops.mails"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await reader.fetch(f"select * from {table}")
        columns = await reader.fetch(
            "select distinct column_name from information_schema.columns"
            " where table_schema = 'reporting'"
        )
    finally:
        await reader.close()
    shown = {row["column_name"] for row in columns}
    assert "person" in shown, "the views were empty of columns"
    assert not shown & {"name", "email", "handle", "data", "content", "detail"}


async def test_a_reader_who_holds_on_to_a_transaction_is_ended(
    database: Database, app: Connection, vault: Vault
) -> None:
    reader = await asyncpg.connect(database.cluster.reader_url(database.name))
    limits = await reader.fetchrow(
        "select current_setting('transaction_timeout'),"
        " current_setting('idle_in_transaction_session_timeout')"
    )
    assert limits is not None
    assert tuple(limits) == ("1min", "30s")
    await reader.execute("set transaction_timeout = 0")
    await reader.execute("begin")
    held = await reader.fetchval("select pg_current_xact_id()::text")
    await put(app, vault, "engagement:e", 0, [fact("1")])
    assert await app.fetch("select * from es.read_log('0', 0, 10)") == [], "nothing was held back"
    assert await queries.end_old_readers(app, seconds=60.0) == 0
    assert await queries.end_old_readers(app, seconds=0.0) == 1

    async def read() -> object:
        return await app.fetch("select * from es.read_log($1::text::xid8, 0, 10)", held)

    await eventually(read)

    async def cut() -> bool:
        return reader.is_closed()

    await eventually(cut)


async def test_nobody_else_can_take_a_lock_that_holds_us_up(
    database: Database, app: Connection
) -> None:
    """A reader that has taken every lock it can: whose turn it is, and migrating, goes on."""
    reader = await asyncpg.connect(database.cluster.reader_url(database.name))
    for key in range(7_205_759_400, 7_205_759_410):
        await reader.execute("select pg_advisory_lock($1)", key)
    for table in ("ops.turns", "public.alembic_version", "es.events"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with reader.transaction():
                await reader.execute(f"lock table {table} in access share mode")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with app.transaction():
            await app.execute("lock table alembic_version in exclusive mode")
    first, second = Turn(FOLLOWING), Turn(FOLLOWING)
    assert await first.is_ours(app)
    assert not await second.is_ours(app)
    await first.give_back(app)
    assert await second.is_ours(app)
    await app.execute("update ops.turns set until = clock_timestamp() - interval '1 second'")
    assert await first.is_ours(app), "the second was killed, say"
    await asyncio.wait_for(migrate(database.owner_url), 20)
    await reader.close()
