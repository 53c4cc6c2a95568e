"""A mail is in one worker's hand at a time, and in nobody's once that worker is gone."""

from uuid import UUID, uuid4

import asyncpg
import pytest

from activities.hands import Hands
from store.database import open_pool
from tests.conftest import Database, eventually

MAIL = UUID("01234567-89ab-4cde-8f01-23456789abcd")


async def test_a_mail_in_hand_is_nobody_elses_until_its_worker_is_gone(database: Database) -> None:
    one, another = [await open_pool(database.url, size=2) for _ in range(2)]
    first, second = Hands(one), Hands(another)
    async with first.holding(MAIL) as ours:
        assert ours
        async with first.holding(MAIL) as again, second.holding(MAIL) as theirs:
            assert not again, "an attempt that was given up for lost may still be under way"
            assert not theirs
        async with second.holding(uuid4()) as other:
            assert other
    async with second.holding(MAIL) as theirs:
        assert theirs

    async with first.holding(MAIL):
        # As when its process is killed: nobody says goodbye.
        one.terminate()

        async def free() -> bool:
            async with second.holding(MAIL) as theirs:
                return theirs

        await eventually(free)
    for pool in (one, another):
        pool.terminate()


async def test_nothing_is_kept_back_when_nothing_is_in_hand(database: Database) -> None:
    pool = await open_pool(database.url, size=1)
    hands = Hands(pool)
    async with hands.holding(MAIL) as ours:
        assert ours
    # The only connection is free again, and the pool can be closed.
    assert await pool.fetchval("select 1") == 1
    await pool.close()


async def test_a_database_that_went_away_in_the_middle_leaves_no_hand_tied(
    database: Database,
) -> None:
    pool = await open_pool(database.url, size=1)
    hands = Hands(pool)
    owner = await asyncpg.connect(database.cluster.superuser_url)
    async with hands.holding(MAIL) as ours:
        assert ours
        await owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1",
            database.name,
        )
    async with hands.holding(MAIL) as ours:
        assert ours
    await owner.close()
    await pool.close()


@pytest.mark.parametrize("role", ["reader_url", "superuser"])
async def test_a_lock_that_somebody_else_took_keeps_no_mail_back(
    database: Database, role: str
) -> None:
    pool = await open_pool(database.url, size=2)
    cluster = database.cluster
    url = (
        cluster.reader_url(database.name)
        if role == "reader_url"
        else cluster.url("postgres", database.name)
    )
    stranger = await asyncpg.connect(url)
    number = int.from_bytes(MAIL.bytes[:4]) & 0x7FFF_FFFF
    assert await stranger.fetchval("select pg_try_advisory_lock(720575940, $1::int)", number)
    async with Hands(pool).holding(MAIL) as ours:
        assert ours
    await stranger.close()
    await pool.close()
