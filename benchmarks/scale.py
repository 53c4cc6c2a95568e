"""What a large store costs its keepers: ``make bench-scale``.

The store is filled by copying one engagement's events in SQL, so that ten thousand are there in
seconds; their read models come from the rebuild that is measured.
"""

import asyncio
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import asyncpg
import structlog

from activities.record import Record
from benchmarks import morning
from benchmarks.setting import (
    AGREED,
    DUE,
    KEY,
    LEA,
    StandingClock,
    add_contacts,
    furnish,
    shipped_playbook,
)
from domain.envelope import Envelope
from domain.rules.registry import COMMANDS, fold
from embedded.postgres import DATABASE, Cluster, postgres_cluster
from store.database import Connection, Pool, open_pool
from store.events import read_stream
from store.migrations import migrate
from store.portfolio import members
from store.rebuild import rebuild
from store.vault import Vault

T = TypeVar("T")

SIZES: tuple[int, ...] = (1_000, 10_000)
A_STREAM = 4
"""Deliverables of the engagement that is copied, with the reminders of each."""
ZONE = "America/Los_Angeles"


async def timed(work: Awaitable[T]) -> tuple[float, T]:
    """Seconds, and the answer."""
    begin = time.perf_counter()
    answer = await work
    return time.perf_counter() - begin, answer


async def fill(cluster: Cluster, first: int, last: int) -> None:
    """Copies of the first engagement, each with a registered LEA of its own."""
    owner: Connection = await asyncpg.connect(cluster.superuser_url, database=DATABASE)
    await owner.execute(
        "insert into es.events (stream, version, recorded_at, effective_at, type, schema_version,"
        " command_id, command_seq, actor, causation_id, data, hash)"
        " select 'engagement:copy-' || lpad(n::text, 6, '0'), version, recorded_at, effective_at,"
        " type, schema_version, gen_random_uuid(), command_seq, actor, causation_id,"
        " case type when 'engagement-opened' then data || jsonb_build_object('lea', 'copy-' || n)"
        " else data end, hash"
        " from es.events cross join generate_series($1::int, $2::int) n"
        " where stream = 'engagement:morning-00000' order by n, version",
        first,
        last - 1,
    )
    await owner.execute(
        "insert into es.events (stream, version, recorded_at, effective_at, type, schema_version,"
        " command_id, command_seq, actor, causation_id, data, hash)"
        " select 'lea:copy-' || n, version, recorded_at, effective_at, type, schema_version,"
        " gen_random_uuid(), command_seq, actor, causation_id,"
        " data || jsonb_build_object('name', 'Copy ' || n), hash"
        " from es.events cross join generate_series($1::int, $2::int) n"
        " where stream = 'lea:' || $3 order by n, version",
        first,
        last - 1,
        LEA,
    )
    # Statistics as a store has them that was looked at when it had begun: a few rows in a page.
    for table in await owner.fetch("select tablename from pg_tables where schemaname = 'read'"):
        name = f"read.{table['tablename']}"
        few = f"select ctid from {name} limit 3"  # noqa: S608 - a name of the catalogue
        await owner.execute(f"delete from {name} where ctid <> all(array({few}))")  # noqa: S608
        await owner.execute(f"vacuum (full, analyze) {name}")
    await owner.execute("analyze es.events")
    await owner.close()


async def bare_pass(connection: Connection) -> int:
    """Every event's row, fetched in pages and thrown away: what no reading can do without."""
    rows, stream, version = 0, "", 0
    while page := await connection.fetch(
        "select stream, version, data from es.events where (stream, version) > ($1, $2)"
        " order by stream, version limit 2000",
        stream,
        version,
    ):
        rows += len(page)
        stream, version = page[-1]["stream"], page[-1]["version"]
    return rows


async def one_by_one(connection: Connection, vault: Vault, engagements: int) -> int:
    """The mix as it would be read stream by stream, the LEA's as well."""
    rows = await connection.fetch("select id, lea from read.engagements limit $1", engagements)
    for row in rows:
        for stream in (f"engagement:{row['id']}", f"lea:{row['lea']}"):
            fold(stream, await read_stream(connection, vault, stream))
    return len(rows)


async def erased(pool: Pool, vault: Vault, clock: StandingClock, handle: str) -> float:
    """Seconds in which somebody is erased who is in the directory and in no role."""
    record = Record(pool, vault, clock)

    async def do(kind: str, **body: Any) -> None:
        command = COMMANDS[kind].model_validate(body)
        receipt = await record.execute(
            Envelope.of(command, command_id=uuid4(), actor="dana", issued_at=clock.at)
        )
        if receipt.outcome != "recorded":
            raise RuntimeError(receipt.message)

    await do("person register", handle=handle, name="Zed Quill", email="z@x.example", at=LEA)
    seconds, _ = await timed(do("person erase", person=handle, reason="request", sure=True))
    return seconds


async def measure(cluster: Cluster, pool: Pool, vault: Vault, clock: StandingClock) -> None:
    """Fill, rebuild, look over and erase, at each size."""
    before, filled = None, 0
    for size in SIZES:
        await fill(cluster, filled, size)
        filled = size
        async with pool.acquire() as connection:
            bare, events = await timed(bare_pass(connection))
            seconds, streams = await timed(rebuild(connection, vault))
        grown = f", {seconds / before:.1f} times the smaller store's" if before else ""
        before = seconds
        print(f"{size:,} engagements, {events:,} events in {streams:,} streams:")
        print(
            f"  a bare pass over the events {bare:.2f} s; rebuild {seconds:.1f} s, "
            f"{seconds / bare:.0f} times the pass{grown}",
            flush=True,
        )
        async with pool.acquire() as connection:
            raw, _ = await timed(
                connection.fetch(
                    "select e.phase, l.profile from read.engagements e"
                    " join read.leas l on l.id = e.lea"
                )
            )
            now, found = await timed(
                members(connection, zone=ZONE, known_by=None, true_by=None, left_out=[])
            )
            then, known = await timed(
                members(connection, zone=ZONE, known_by=clock.at, true_by=None, left_out=[])
            )
            tracemalloc.start()
            await members(connection, zone=ZONE, known_by=clock.at, true_by=None, left_out=[])
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            sample = 200
            each, read = await timed(one_by_one(connection, vault, sample))
        if len(found) != len(known):
            raise RuntimeError(f"{len(found)} LEAs today, {len(known)} as known today")
        print(
            f"  mix of today {now * 1000:.0f} ms, {now / raw:.1f} times the bare query; as known "
            f"on a day {then:.1f} s, {then / bare:.0f} times the bare pass, with "
            f"{peak / 1e6:.0f} MB at most; stream by stream "
            f"{each / read * len(found):.1f} s, from {read} of them",
            flush=True,
        )
        erasing = [await erased(pool, vault, clock, f"zed-{size}-{n}") for n in range(3)]
        print(
            f"  erasing somebody {min(erasing) * 1000:.0f} ms; a rebuild is "
            f"{seconds / min(erasing):,.0f} times as long",
            flush=True,
        )


async def main() -> None:
    """On a server of its own."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    with (
        tempfile.TemporaryDirectory(prefix="handrail-bench-") as directory,
        postgres_cluster(Path(directory) / "postgres", durable=False) as cluster,
    ):
        await migrate(cluster.owner_url(DATABASE))
        pool = await open_pool(cluster.app_url(DATABASE), size=4)
        vault, clock = Vault(KEY), StandingClock(AGREED)
        people = await furnish(pool, vault, clock)
        contacts = await add_contacts(pool, 0, 1)
        await morning.write(
            pool, vault, AGREED, engagements=1, contacts=contacts, lead=people["marcus"],
            director=people["dana"], lea=LEA, playbook=shipped_playbook().ref, due=DUE,
            deliverables=A_STREAM,
        )  # fmt: skip
        await measure(cluster, pool, vault, clock)
        await pool.close()


if __name__ == "__main__":
    if sys.argv[1:]:
        SIZES = tuple(map(int, sys.argv[1:]))
    asyncio.run(main())
