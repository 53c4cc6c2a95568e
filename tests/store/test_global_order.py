"""Readers of the whole log miss nothing and meet nothing twice, however commits are interleaved."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from domain.kernel.messages import Recorded
from store.database import Connection, Pool
from store.events import Checkpoint, Conflict, read_log
from store.vault import Vault
from tests.store.facts import fact, put, put_at_the_end


class NaiveReader:
    """Remembers the highest position it saw: what must not be done."""

    def __init__(self) -> None:
        self.position = 0
        self.seen: list[tuple[str, int]] = []

    async def catch_up(self, connection: Connection) -> None:
        rows = await connection.fetch(
            "select stream, version, position from es.events where position > $1 order by position",
            self.position,
        )
        for row in rows:
            self.position = row["position"]
            self.seen.append((row["stream"], row["version"]))


class Reader:
    """Keeps its checkpoint between visits, as a subscriber does."""

    def __init__(self, vault: Vault, page: int = 1000) -> None:
        self.vault = vault
        self.page = page
        self.checkpoint = Checkpoint()
        self.seen: list[tuple[str, int]] = []

    async def catch_up(self, connection: Connection) -> None:
        async for reached, page in read_log(
            connection, self.vault, self.checkpoint, page=self.page
        ):
            assert 0 < len(page) <= self.page
            self.checkpoint = reached
            self.seen += [_place(r) for r in page if isinstance(r, Recorded)]


def _place(recorded: Recorded) -> tuple[str, int]:
    return (recorded.stamp.stream, recorded.stamp.version)


@pytest.fixture
async def third(pool: Pool) -> AsyncIterator[Connection]:
    async with pool.acquire() as connection:
        yield connection


async def test_a_transaction_that_commits_late_is_not_passed_over(
    app: Connection, other: Connection, third: Connection, vault: Vault
) -> None:
    reader, naive = Reader(vault), NaiveReader()
    late = app.transaction()
    await late.start()
    [slow] = await put(app, vault, "engagement:slow", 0, [fact("slow")])
    [fast] = await put(other, vault, "engagement:fast", 0, [fact("fast")])
    assert slow.stamp.position < fast.stamp.position
    for visitor in (reader, naive):
        await visitor.catch_up(third)
    assert reader.seen == [], "what stands behind an open transaction is not read yet"
    await late.commit()
    for visitor in (reader, naive):
        await visitor.catch_up(third)
    assert naive.seen == [("engagement:fast", 1)], "a naive reader would have missed nothing"
    assert reader.seen == [("engagement:slow", 1), ("engagement:fast", 1)]
    await reader.catch_up(third)
    assert len(reader.seen) == 2, "nothing is read twice"


async def test_positions_against_the_order_of_transactions_lose_nothing(
    app: Connection, other: Connection, third: Connection, vault: Vault
) -> None:
    """The older transaction takes the higher position: a guard without the order would lose it."""
    reader = Reader(vault, page=1)
    older, younger = app.transaction(), other.transaction()
    await older.start()
    await younger.start()
    await app.execute("select pg_current_xact_id()")
    [first] = await put(other, vault, "engagement:b", 0, [fact("b")])
    [second] = await put(app, vault, "engagement:a", 0, [fact("a")])
    assert second.stamp.position > first.stamp.position
    await younger.commit()
    await reader.catch_up(third)
    assert reader.seen == []
    await older.commit()
    await reader.catch_up(third)
    assert reader.seen == [("engagement:a", 1), ("engagement:b", 1)]


async def test_a_transaction_rolled_back_holds_nobody_up(
    app: Connection, other: Connection, vault: Vault
) -> None:
    reader = Reader(vault)
    undone = app.transaction()
    await undone.start()
    await put(app, vault, "engagement:undone", 0, [fact("a")])
    await put(other, vault, "engagement:done", 0, [fact("b")])
    await undone.rollback()
    await reader.catch_up(other)
    assert reader.seen == [("engagement:done", 1)]


async def test_the_log_never_shows_a_streams_later_event_first(
    app: Connection, other: Connection, third: Connection, vault: Vault
) -> None:
    """A transaction that wrote elsewhere before must start again rather than append here."""
    reader = Reader(vault)
    older = app.transaction()
    await older.start()
    await put(app, vault, "engagement:a", 0, [fact("a")])
    await put(other, vault, "engagement:b", 0, [fact("b1")])  # younger, and commits first
    with pytest.raises(Conflict, match="younger"):
        await put(app, vault, "engagement:b", 1, [fact("b2")])
    await older.rollback()
    async with app.transaction():  # again from the start, now the youngest
        await put(app, vault, "engagement:a", 0, [fact("a")])
        await put(app, vault, "engagement:b", 1, [fact("b2")])
    await reader.catch_up(third)
    assert reader.seen == [("engagement:b", 1), ("engagement:a", 1), ("engagement:b", 2)]


async def test_a_reader_beside_busy_writers_sees_every_event_once_and_streams_in_order(
    pool: Pool, vault: Vault
) -> None:
    chance = random.Random(7)
    done = asyncio.Event()
    reader = Reader(vault, page=7)

    async def follow() -> int:
        visits = 0
        async with pool.acquire() as connection:
            while not done.is_set():
                await reader.catch_up(connection)
                visits += 1
                await asyncio.sleep(0.001)
            await reader.catch_up(connection)
        return visits

    async def writer(name: int) -> None:
        async with pool.acquire() as connection:
            for turn in range(12):
                pause = chance.random() * 0.01
                # Two streams in one transaction, held open for a moment, one of them contended.
                while True:
                    try:
                        async with connection.transaction():
                            await put_once(connection, vault, f"engagement:{name}", turn)
                            await asyncio.sleep(pause)
                            await put_once(connection, vault, "engagement:shared", None)
                        break
                    except Conflict:
                        continue

    async def put_once(
        connection: Connection, vault: Vault, stream: str, expected: int | None
    ) -> None:
        if expected is None:
            expected = await connection.fetchval(
                "select coalesce(max(version), 0) from es.events where stream = $1", stream
            )
        assert expected is not None
        await put(connection, vault, stream, expected, [fact(stream)])

    following = asyncio.create_task(follow())
    try:
        await asyncio.gather(*(writer(name) for name in range(6)))
    finally:
        done.set()
    assert await following > 5, "the reader came too seldom to be in anybody's way"
    async with pool.acquire() as connection:
        rows = await connection.fetch("select stream, version from es.events")
    assert len(reader.seen) == len(set(reader.seen)) == 6 * 12 * 2
    assert set(reader.seen) == {(row["stream"], row["version"]) for row in rows}
    for stream in {stream for stream, _ in reader.seen}:
        met = [version for s, version in reader.seen if s == stream]
        assert met == list(range(1, len(met) + 1)), stream


async def test_pages_end_where_the_next_begins(app: Connection, vault: Vault) -> None:
    for number in range(4):
        await put_at_the_end(app, vault, "lea:x", [fact(f"{number}{part}") for part in "abcde"])
    for page in (1, 3, 5, 20, 1000):
        reader = Reader(vault, page)
        await reader.catch_up(app)
        assert reader.seen == [("lea:x", version) for version in range(1, 21)]
