import asyncio
import json
import traceback
from datetime import timedelta

import asyncpg
import pytest

from domain.rules.registry import fold
from store.database import Connection, Pool, open_pool, queries
from store.errors import UnknownEvent, Unreadable
from store.events import Conflict, as_true, read_stream
from store.vault import Vault
from tests.conftest import Database, new_id
from tests.store.facts import at, fact, put, put_at_the_end, versions

STREAM = "engagement:alder-creek-usd"


@pytest.mark.parametrize("expected", [0, 1, 3, -1, 99])
async def test_only_the_expected_version_is_appended_to(
    app: Connection, vault: Vault, expected: int
) -> None:
    await put(app, vault, STREAM, 0, [fact("a"), fact("b")])
    with pytest.raises(Conflict, match=f"is at 2, not at {expected}"):
        await put(app, vault, STREAM, expected, [fact("c")])
    assert await versions(app, STREAM) == [1, 2]
    await put(app, vault, STREAM, 2, [fact("c")])
    assert await versions(app, STREAM) == [1, 2, 3]


async def test_what_was_appended_is_read_back_as_it_was_returned(
    app: Connection, vault: Vault
) -> None:
    told = await put(app, vault, STREAM, 0, [fact("a"), fact("b")], effective=at(2024))
    assert await read_stream(app, vault, STREAM) == told
    assert await read_stream(app, vault, STREAM, after=1) == told[1:]
    assert fold(STREAM, told).version == 2


async def test_of_two_who_append_at_once_one_is_told_of_a_conflict(
    app: Connection, other: Connection, vault: Vault
) -> None:
    first = app.transaction()
    await first.start()
    await put(app, vault, STREAM, 0, [fact("first")])
    second = asyncio.create_task(put(other, vault, STREAM, 0, [fact("second")]))
    done, _ = await asyncio.wait([second], timeout=0.1)
    assert not done, "the second writer waits for the first"
    await first.commit()
    with pytest.raises(Conflict):
        await second
    [stands] = await read_stream(other, vault, STREAM)
    assert stands.event == fact("first")


async def test_sixteen_writers_of_one_stream_lose_nothing_and_leave_no_gap(
    pool: Pool, vault: Vault
) -> None:
    async def writer(name: int) -> int:
        async with pool.acquire() as connection:
            lost = 0
            for turn in range(4):
                events = [fact(f"{name}/{turn}/a"), fact(f"{name}/{turn}/b")]
                lost += (await put_at_the_end(connection, vault, STREAM, events))[1]
            return lost

    lost = sum(await asyncio.gather(*(writer(name) for name in range(16))))
    assert lost > 0, "nobody ever collided: this was no race"
    async with pool.acquire() as connection:
        assert await versions(connection, STREAM) == list(range(1, 129))
        steps = [
            json.loads(row["data"])["person"]
            for row in await connection.fetch("select data from es.events order by version")
        ]
        broken = await connection.fetch("select * from es.broken_links($1)", STREAM)
    assert sorted(steps) == sorted(
        f"{name}/{turn}/{part}" for name in range(16) for turn in range(4) for part in "ab"
    )
    # The events of one append stand together.
    assert [s[:-1] for s in steps[::2]] == [s[:-1] for s in steps[1::2]]
    assert broken == []


async def test_positions_are_told_as_they_are_kept_while_others_take_numbers_in_between(
    pool: Pool, vault: Vault
) -> None:
    """Forty events each: the sequence is shared, so an append's positions are not contiguous."""

    async def writer(name: int) -> dict[tuple[str, int], int]:
        told = {}
        async with pool.acquire() as connection:
            for turn in range(5):
                stream = f"engagement:e{name}-{turn}"
                for r in await put(connection, vault, stream, 0, [fact(str(n)) for n in range(40)]):
                    told[stream, r.stamp.version] = r.stamp.position
        return told

    told: dict[tuple[str, int], int] = {}
    for each in await asyncio.gather(*(writer(name) for name in range(8))):
        told |= each
    async with pool.acquire() as connection:
        rows = await connection.fetch("select stream, version, position from es.events")
    assert {(row["stream"], row["version"]): row["position"] for row in rows} == told


async def test_an_append_interrupted_by_another_tells_the_positions_of_its_own_events(
    app: Connection, vault: Vault, superuser: Connection
) -> None:
    """A trigger that takes a number before each row stands for the other writer."""
    await superuser.execute(
        """
        create function es.somebody_else() returns trigger language plpgsql as $$
        begin
            perform nextval(pg_get_serial_sequence('es.events', 'position'));
            return new;
        end $$;
        grant execute on function es.somebody_else() to handrail_owner;
        create trigger somebody_else before insert on es.events
            for each row execute function es.somebody_else();
        """
    )
    told = await put(app, vault, STREAM, 0, [fact("a"), fact("b"), fact("c")])
    rows = await app.fetch("select position from es.events order by version")
    kept = [row["position"] for row in rows]
    assert [r.stamp.position for r in told] == kept
    assert kept[1] - kept[0] > 1, "the numbers were contiguous: this proves nothing"


async def test_the_same_command_on_the_same_stream_is_known_as_a_duplicate(
    app: Connection, vault: Vault
) -> None:
    told = await put(app, vault, STREAM, 0, [fact("a"), fact("b")])
    await put(app, vault, STREAM, 2, [fact("c")])
    row = await queries.append(
        app,
        stream=STREAM,
        expected=0,
        command_id=told[0].stamp.command_id,
        types=["role-assigned"],
        schemas=[1],
        data=["{}"],
        effective=[at(2026)],
        actor="p-tess",
        causation_id=None,
        sandbox_now=None,
        seals=None,
    )
    assert row["status"] == "duplicate"
    assert row["version"] == 2
    assert row["positions"] == [r.stamp.position for r in told]
    assert row["recorded_at"] == told[0].stamp.recorded_at
    assert await versions(app, STREAM) == [1, 2, 3]


async def test_one_command_appends_to_a_stream_once_even_at_the_expected_version(
    app: Connection, vault: Vault
) -> None:
    [told] = await put(app, vault, STREAM, 0, [fact("a")])
    with pytest.raises(Conflict):
        await put(app, vault, STREAM, 1, [fact("b")], command_id=told.stamp.command_id)
    assert await versions(app, STREAM) == [1]


async def test_a_production_store_stamps_by_the_databases_clock(
    app: Connection, vault: Vault
) -> None:
    for expected, lie in enumerate((at(1999), at(2099))):
        [told] = await put(app, vault, STREAM, expected, [fact("a")], now=lie, effective=at(2020))
        truth = await app.fetchval("select clock_timestamp()")
        assert timedelta(0) <= truth - told.stamp.recorded_at < timedelta(seconds=30)
        assert told.stamp.effective_at == at(2020)


async def test_a_sandbox_store_stamps_by_the_sandboxs_clock(
    sandbox_database: Database, vault: Vault
) -> None:
    pool = await open_pool(sandbox_database.url)
    async with pool.acquire() as connection:
        [told] = await put(connection, vault, STREAM, 0, [fact("a")], now=at(2054, 9))
        assert told.stamp.recorded_at == at(2054, 9)
        [kept] = await read_stream(connection, vault, STREAM)
        assert kept.stamp.recorded_at == at(2054, 9)
    await pool.close()


@pytest.mark.parametrize("already", [0, 1], ids=["an empty stream", "a stream with a stamp"])
async def test_a_sandbox_store_refuses_an_append_without_its_clock(
    sandbox_database: Database, vault: Vault, already: int
) -> None:
    pool = await open_pool(sandbox_database.url)
    async with pool.acquire() as connection:
        for expected in range(already):
            await put(connection, vault, STREAM, expected, [fact("a")])
        with pytest.raises(asyncpg.NullValueNotAllowedError, match="sandbox clock"):
            await put(
                connection,
                vault,
                STREAM,
                already,
                [fact("b")],
                now=None,  # type: ignore[arg-type]
                effective=at(2026),
            )
        assert len(await versions(connection, STREAM)) == already
    await pool.close()


async def test_recorded_time_never_runs_backwards_in_a_stream(
    sandbox_database: Database, vault: Vault
) -> None:
    pool = await open_pool(sandbox_database.url)
    async with pool.acquire() as connection:
        for expected, now in enumerate((at(2030), at(2029), at(2031), at(2028))):
            await put(connection, vault, STREAM, expected, [fact(str(expected))], now=now)
        history = await read_stream(connection, vault, STREAM)
        assert [r.stamp.recorded_at for r in history] == [at(2030), at(2030), at(2031), at(2031)]
        for moment, known in ((at(2029), 0), (at(2030), 2), (at(2031), 4)):
            prefix = await read_stream(connection, vault, STREAM, known_by=moment)
            assert prefix == history[:known]
        # Another stream has a time of its own.
        [told] = await put(connection, vault, "lea:x", 0, [fact("a")], now=at(2001))
        assert told.stamp.recorded_at == at(2001)
    await pool.close()


async def test_facts_as_true_come_by_effective_time_then_version(
    app: Connection, vault: Vault
) -> None:
    for expected, effective in enumerate((at(2026, 5), at(2026, 2), at(2026, 5), at(2027))):
        await put(app, vault, STREAM, expected, [fact(str(expected))], effective=effective)
    history = await read_stream(app, vault, STREAM)
    assert [r.stamp.version for r in as_true(history, at(2026, 12), "UTC")] == [2, 1, 3]


async def test_an_event_from_a_newer_version_is_named_instead_of_misread(
    app: Connection, vault: Vault
) -> None:
    for expected, (type_, schema) in enumerate((("role-assigned", 2), ("moon-landed", 1))):
        row = await queries.append(
            app,
            stream=STREAM,
            expected=expected,
            command_id=new_id(),
            types=[type_],
            schemas=[schema],
            data=['{"role": "lead", "person": "p-x"}'],
            effective=[at(2026)],
            actor="p-tess",
            causation_id=None,
            sandbox_now=None,
            seals=None,
        )
        assert row["status"] == "appended"
        with pytest.raises(UnknownEvent, match=f"event {expected + 1} is .* '{type_}'"):
            await read_stream(app, vault, STREAM, after=expected)


async def test_an_event_that_lost_its_form_is_named_without_what_it_says(
    app: Connection, vault: Vault
) -> None:
    row = await queries.append(
        app,
        stream=STREAM,
        expected=0,
        command_id=new_id(),
        types=["role-assigned"],
        schemas=[1],
        data=['{"role": "Joy Kim of Alder Creek"}'],
        effective=[at(2026)],
        actor="p-tess",
        causation_id=None,
        sandbox_now=None,
        seals=None,
    )
    assert row["status"] == "appended"
    with pytest.raises(Unreadable) as caught:
        await read_stream(app, vault, STREAM)
    said = str(caught.value)
    assert f"{STREAM} cannot be read: event 1 (role-assigned)" in said
    assert "person, role" in said
    assert "install that release" in said
    # What is wrong with a value may be told; the value may be about somebody.
    assert "Joy" not in "".join(traceback.format_exception(caught.value))
