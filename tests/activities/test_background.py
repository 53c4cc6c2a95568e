"""What runs for as long as the worker lives ends when told to, however its database is."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from activities.evidence import Sealer
from activities.feeds import Keeper
from activities.follow import Follower
from activities.mailing.returns import ReturnReader
from bootstrap.clock import SystemClock
from store.database import Pool, open_pool
from store.vault import Vault
from tests.conftest import MASTER_KEY, Database, eventually
from tests.lines import line_to
from worker import beat

Work = Callable[[Pool, Path], Coroutine[Any, Any, None]]


def followed(pool: Pool, home: Path) -> Coroutine[Any, Any, None]:
    # No event asks anything of a stream here, so nothing is sent.
    client: Any = None
    return Follower(pool, Vault(MASTER_KEY), SystemClock(), client).follow()


def returns_read(pool: Pool, home: Path) -> Coroutine[Any, Any, None]:
    client: Any = None
    (home / "bounces").write_bytes(b"From x\n\nnot a report\n\n")
    return ReturnReader(pool, Vault(MASTER_KEY), SystemClock(), client, home / "bounces").follow()


def feeds_kept(pool: Pool, home: Path) -> Coroutine[Any, Any, None]:
    return Keeper(pool, Vault(MASTER_KEY), SystemClock(), home / "feeds").keep()


def store_sealed(pool: Pool, home: Path) -> Coroutine[Any, Any, None]:
    return Sealer(pool, Vault(MASTER_KEY)).keep()


def heart_beaten(pool: Pool, home: Path) -> Coroutine[Any, Any, None]:
    return beat(pool, "a worker", "")


@pytest.mark.parametrize("work", [followed, returns_read, store_sealed, feeds_kept, heart_beaten])
@pytest.mark.parametrize("end", ["silent", "cut as it is told", "ended by the server"])
async def test_a_background_task_ends_when_told_to_though_its_connection_has_died(
    database: Database, tmp_path: Path, work: Work, end: str
) -> None:
    async with line_to(database.url) as line:
        pool = await open_pool(line.url(database.url), size=2, command_seconds=4)
        if end == "silent":
            # From the first word on that it says.
            line.silence()
        doing = asyncio.create_task(work(pool, tmp_path))

        async def in_its_hand() -> bool:
            return line.held > 0 if end == "silent" else pool.get_idle_size() == 0

        if end == "silent" or work in (followed, returns_read, store_sealed):
            await eventually(in_its_hand)
        if end == "ended by the server":
            owner = await asyncpg.connect(database.cluster.superuser_url)
            await owner.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1",
                database.name,
            )
            await owner.close()
        elif end == "cut as it is told":
            line.silence()
        doing.cancel()
        for _ in range(20):
            await asyncio.sleep(0)
        if end != "ended by the server":
            line.cut()
        done, _ = await asyncio.wait({doing}, timeout=10)
        pool.terminate()
        assert done, "it goes on for ever"
        assert doing.cancelled()
