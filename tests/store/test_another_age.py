"""This code on tables of a later release, which have columns that it does not know."""

import asyncpg

from domain.policy.playbook import Playbook
from store.rebuild import rebuild
from tests.conftest import Office
from tests.journey import whole_journey

TABLES = """
    select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname in ('es', 'vault', 'read', 'ops') order by 1
"""


async def test_commands_are_recorded_on_tables_that_have_more_columns(
    office: Office, playbook: Playbook
) -> None:
    async with office.pool.acquire() as connection:
        name = await connection.fetchval("select current_database()")
    owner = await asyncpg.connect(office.cluster.owner_url(name))
    tables = [row["name"] for row in await owner.fetch(TABLES)]
    assert len(tables) > 25
    for table in tables:
        await owner.execute(
            f"alter table {table} add later_note text,"
            f" add later_kind text not null default 'ordinary'"
        )
    await whole_journey(office, playbook)
    await office.record.in_transaction(lambda c: rebuild(c, office.vault))

    filled = 0
    for table in tables:
        row = await owner.fetchrow(
            f"select count(*) as rows, count(*) filter (where later_kind = 'ordinary') as kept"
            f"  from {table}"
        )
        assert row is not None
        assert row["rows"] == row["kept"], table
        filled += bool(row["rows"])
    assert filled > 15
    await owner.close()
