"""Read models are made of events: thrown away and made again, they are the same."""

import asyncio
from datetime import date
from typing import Any

import asyncpg

from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from store.database import Connection, queries
from store.rebuild import rebuild
from tests.conftest import Office, destroy_key
from tests.journey import E, whole_journey

Rows = dict[str, list[tuple[Any, ...]]]


async def read_models(office: Office) -> Rows:
    async with office.pool.acquire() as connection:
        tables = await connection.fetch(
            "select schemaname || '.' || tablename as name from pg_tables where schemaname = 'read'"
        )
        return {
            row["name"]: [
                tuple(r)
                for r in await connection.fetch(f"select * from {row['name']} order by 1, 2, 3")
            ]
            for row in tables
        }


async def _log(office: Office) -> list[tuple[Any, ...]]:
    async with office.pool.acquire() as connection:
        rows = await connection.fetch(
            "select *, (select count(*) from es.receipts) from es.events order by position"
        )
        return [tuple(row) for row in rows]


async def _rebuild(office: Office) -> int:
    async with office.pool.acquire() as connection:
        done = await rebuild(connection, office.vault)
    assert done.left == ()
    return done.streams


async def _second_engagement(office: Office) -> None:
    await office.do("lea register", id="elk-grove", name="Elk Grove Elementary",
                    type="charter_school", parent="Manzanita County", alias=["EGE", "ege"],
                    source="a letter")  # fmt: skip
    await office.do("engagement open", engagement="elk-grove", lea="EGE", lead="ruth",
                    director="dana", illustrative=True)  # fmt: skip
    await office.do("engagement withdraw", "dana", engagement="elk-grove", reason="a vacancy")


async def _summit(office: Office) -> None:
    await office.do("summit plan", summit="Y2-1", title="Autumn summit", place="Fresno", hours=6,
                    first=date(2027, 10, 14), last=date(2027, 10, 15),
                    registration_due=date(2027, 10, 1))  # fmt: skip
    await office.do("summit session add", summit="Y2-1", title="Data", day=1, triad=["what"])
    await office.do("summit invite", summit="Y2-1", engagement=E)
    await office.do("summit register", summit="Y2-1", engagement=E, places={"teacher": 3})


async def test_read_models_rebuilt_from_nothing_equal_the_live_ones(
    office: Office, playbook: Playbook
) -> None:
    await whole_journey(office, playbook)
    await _second_engagement(office)
    await _summit(office)
    live = await read_models(office)
    empty = [name for name, rows in live.items() if not rows]
    assert empty == [], "a table without rows proves nothing"
    assert {row[8] for row in live["read.notices"]} >= {"planned", "sent", "suppressed"}
    log = await _log(office)
    async with office.pool.acquire() as connection:
        await queries.clear_read_models(connection, kept=[])
        streams = await connection.fetchval("select count(distinct stream) from es.events")
    assert not any((await read_models(office)).values())
    assert await _rebuild(office) == streams
    assert await read_models(office) == live
    assert await _log(office) == log, "a rebuild adds nothing to the log"


async def test_rebuilding_over_what_is_wrong_puts_it_right(
    office: Office, playbook: Playbook
) -> None:
    await whole_journey(office, playbook)
    live = await read_models(office)
    async with office.pool.acquire() as connection:
        await connection.execute("update read.engagements set phase = 'recruiting', version = 1")
        await connection.execute("delete from read.notices where n % 2 = 0")
        await connection.execute(
            "insert into read.obligations select stream, item, 'invented', 99, due, owner,"
            " person, side, ask, command from read.obligations limit 1"
        )
        await connection.execute(
            "insert into read.people values ('p-ghost', 1, 'ghost', 'Nobody', null, 'agency', '{}')"
        )
    assert await read_models(office) != live
    await _rebuild(office)
    assert await read_models(office) == live
    await _rebuild(office)
    assert await read_models(office) == live


async def test_after_a_rebuild_work_goes_on(office: Office, playbook: Playbook) -> None:
    await whole_journey(office, playbook)
    await _rebuild(office)
    receipt = await office.do("deliverable propose", "ruth", engagement=E, title="More",
                              due=date(2027, 12, 1))  # fmt: skip
    async with office.pool.acquire() as connection:
        assert await connection.fetchval("select version from read.engagements") == receipt.version
    live = await read_models(office)
    await _rebuild(office)
    assert await read_models(office) == live


async def test_an_erased_person_leaves_the_read_models_at_the_next_rebuild(
    office: Office, playbook: Playbook
) -> None:
    await whole_journey(office, playbook)
    async with office.pool.acquire() as connection:
        joy = await connection.fetchval("select id from read.people where handle = 'joy'")
        await destroy_key(office.cluster, connection, joy)
        await rebuild(connection, office.vault)
        row = await connection.fetchrow("select * from read.people where id = $1", joy)
        others = await connection.fetchval(
            "select count(*) from read.people where email is not null"
        )
    assert row is not None
    assert (row["handle"], row["name"], row["email"]) == (None, "(erased)", None)
    assert others > 3
    assert "Joy Kim" not in repr(await read_models(office))


async def test_a_stream_whose_rows_the_tables_refuse_keeps_those_it_has(
    office: Office, playbook: Playbook
) -> None:
    await whole_journey(office, playbook)
    live = await read_models(office)
    admin = await _admin(office)
    phase = live["read.engagements"][0][6]
    await admin.execute(
        f"alter table read.engagements add constraint stuck check (phase <> '{phase}') not valid"
    )
    await admin.close()
    async with office.pool.acquire() as connection:
        done = await rebuild(connection, office.vault)
    assert [one.stream for one in done.left] == [f"engagement:{E}"]
    assert "CheckViolationError" in done.left[0].why
    assert await read_models(office) == live


async def test_a_writer_in_the_middle_of_a_rebuild_waits_and_loses_nothing(
    office: Office, playbook: Playbook
) -> None:
    await whole_journey(office, playbook)
    async with office.pool.acquire() as connection:
        outer = connection.transaction()
        await outer.start()
        await rebuild(connection, office.vault)
        writing = asyncio.create_task(
            office.do("deliverable propose", "ruth", engagement=E, title="Meanwhile",
                      due=date(2027, 12, 1))
        )  # fmt: skip
        registering = asyncio.create_task(
            office.do("lea register", id="fox-hollow", name="Fox Hollow Elementary")
        )
        done, _ = await asyncio.wait([writing, registering], timeout=0.3)
        assert not done, "it wrote into read models that were being made"
        async with office.pool.acquire() as another:
            assert await another.fetchval("select count(*) from read.engagements") == 1
        await outer.commit()
    receipt = await writing
    await registering
    live = await read_models(office)
    assert live["read.engagements"][0][1] == receipt.version
    await _rebuild(office)
    assert await read_models(office) == live


async def test_a_rebuild_beside_busy_writers_ends_with_what_they_wrote(
    office: Office, playbook: Playbook, calendar: CalendarPack
) -> None:
    await whole_journey(office, playbook)

    async def writer(name: int) -> None:
        for turn in range(4):
            notes = f"{name}, {turn}"
            await office.do("conversation log", "ruth", engagement=E, group="parents", notes=notes)
            await office.do(
                "lea register",
                id=f"lea-{name}-{turn}",
                name=f"LEA {name} {turn}",
                type="school_district",
            )

    async def rebuilder() -> None:
        for _ in range(3):
            await office.record.in_transaction(lambda c: rebuild(c, office.vault))

    await asyncio.gather(*(writer(name) for name in range(3)), rebuilder())
    live = await read_models(office)
    assert len(live["read.leas"]) == 13
    await _rebuild(office)
    assert await read_models(office) == live


async def _admin(office: Office) -> Connection:
    async with office.pool.acquire() as connection:
        name = await connection.fetchval("select current_database()")
    return await asyncpg.connect(office.cluster.superuser_url, database=name)


async def test_a_handover_on_its_way_and_a_leaving_are_rebuilt(office: Office) -> None:
    await office.do("person register", "dana", handle="priya", name="Priya Raman", role=["lead"],
                    email="priya@collaborative.example", capacity=3)  # fmt: skip
    await office.do("engagement open", engagement=E, lea="ACUSD", lead="marcus", director="dana")
    day = date(2026, 9, 1)
    refused = await office.refused("person leave", "dana", person="marcus", on=day)
    assert E in refused.message
    handover = {"engagement": E, "to": "priya", "reason": "moves away"}
    await office.do("lead handover", "dana", on=day, **handover)
    await office.do("person leave", "dana", person="marcus", on=day)
    live = await read_models(office)
    roles = {row[1]: row[3] for row in live["read.engagement_roles"]}
    assert roles == {"lead": day, "incoming_lead": day, "director": None}
    assert {row[7] for row in live["read.people"]} == {None, day}
    assert {row[8] for row in live["read.people"]} == {None, 3}
    await _rebuild(office)
    assert await read_models(office) == live

    office.clock.move(date(2026, 9, 2))
    refused = await office.refused("conversation log", "marcus", engagement=E, group="parents")
    assert "no longer there from Tue 1 Sep 2026" in refused.message
    await office.do("conversation log", "priya", engagement=E, group="parents")
    live = await read_models(office)
    roles = {row[1]: row[3] for row in live["read.engagement_roles"]}
    assert roles == {"lead": None, "director": None}
    await _rebuild(office)
    assert await read_models(office) == live


async def test_a_rebuild_leaves_statistics_of_what_it_made(
    office: Office, playbook: Playbook
) -> None:
    await whole_journey(office, playbook)
    await _rebuild(office)
    async with office.pool.acquire() as connection:
        for table in ("notices", "deliveries", "people"):
            there = await connection.fetchval(f"select count(*) from read.{table}")
            known = await connection.fetchval(
                "select reltuples from pg_class where oid = $1::text::regclass", f"read.{table}"
            )
            assert known == there > 0, table
