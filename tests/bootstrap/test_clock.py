import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from bootstrap.clock import SandboxClock, StoreClock, SystemClock
from embedded.temporal import sandbox_temporal
from store.database import open_pool
from tests.conftest import Database, eventually
from worker import beat


@workflow.defn
class Alarms:
    """Notes the instant of each of twelve months."""

    @workflow.run
    async def run(self) -> list[str]:
        fired = []
        for _ in range(12):
            await workflow.sleep(timedelta(days=30))
            fired.append(workflow.now().isoformat())
        return fired


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[Client]:
    async with sandbox_temporal(tmp_path) as server:
        yield await Client.connect(server.address)


@pytest.fixture
async def clock(client: Client) -> SandboxClock:
    return SandboxClock(client)


async def test_the_systems_clock_is_aware() -> None:
    assert (await SystemClock().now()).tzinfo is UTC


async def test_a_workers_clock_is_the_databases_whatever_the_machines_shows(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    pool = await open_pool(database.url)
    wrong = StoreClock(datetime.now(UTC) - timedelta(days=2))
    assert datetime.now(UTC) - await wrong.now() > timedelta(days=1)
    beating = asyncio.create_task(beat(pool, "w", "", wrong))

    async def is_right() -> bool:
        return abs(await wrong.now() - datetime.now(UTC)) < timedelta(seconds=30)

    await eventually(is_right)
    # A clock that somebody sets meanwhile is not looked at.
    monkeypatch.setattr("bootstrap.clock.datetime", None)
    assert await is_right()
    beating.cancel()
    await asyncio.gather(beating, return_exceptions=True)
    await pool.close()


async def test_a_held_clock_goes_with_real_time(clock: SandboxClock) -> None:
    began, real = await clock.now(), datetime.now(UTC)
    assert abs(began - real) < timedelta(seconds=5)


async def test_every_timer_on_the_way_fires_at_its_own_instant(
    client: Client, clock: SandboxClock
) -> None:
    async with Worker(
        client,
        task_queue="alarms",
        workflows=[Alarms],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_cached_workflows=0,
    ):
        began = await clock.now()
        handle = await client.start_workflow(Alarms.run, id="alarms", task_queue="alarms")
        seen: list[datetime] = []
        now = await clock.advance(timedelta(days=400), seen.append)
        fired = [datetime.fromisoformat(text) for text in await handle.result()]
    assert timedelta(days=400) <= now - began < timedelta(days=400, minutes=1)
    days = [round((instant - began) / timedelta(days=1)) for instant in fired]
    assert days == [30 * month for month in range(1, 13)]
    assert len(seen) > 1, "a long journey reports on the way"
    assert seen == sorted(seen)
    assert seen[-1] == now


async def test_the_clock_goes_to_an_instant_decades_away(clock: SandboxClock) -> None:
    wanted = datetime(2054, 9, 1, tzinfo=UTC)
    assert timedelta() <= await clock.to(wanted) - wanted < timedelta(minutes=1)


async def test_the_clock_does_not_go_to_a_year_that_nobody_can_mean(clock: SandboxClock) -> None:
    with pytest.raises(ValueError, match="the year 9999 must lie between 1900 and 2250"):
        await clock.to(datetime(9999, 12, 31, tzinfo=UTC))


async def test_the_clock_never_goes_back(clock: SandboxClock) -> None:
    await clock.advance(timedelta(days=10))
    with pytest.raises(ValueError, match=r"cannot go back: it is .* later than 2020-02-29 00:00"):
        await clock.to(datetime(2020, 2, 29, tzinfo=UTC))
    with pytest.raises(ValueError, match="cannot go back"):
        await clock.advance(timedelta(days=-1))
    assert await clock.now() - datetime.now(UTC) > timedelta(days=9)


async def test_an_instant_without_a_zone_is_refused(clock: SandboxClock) -> None:
    with pytest.raises(ValueError, match="no time zone"):
        await clock.to(datetime(2054, 9, 1))  # noqa: DTZ001 - the case under test
