"""Runs every benchmark on servers of its own: ``python -m benchmarks``."""

import asyncio
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import structlog

from benchmarks import commanding, fold, footprint, mailing, starting, verifying, writing, year
from benchmarks.setting import AGREED, KEY, StandingClock, furnish, services_at, serving
from embedded.mailcatcher import mail_catcher
from embedded.postgres import DATABASE, Cluster, postgres_cluster
from embedded.temporal import dev_temporal, sandbox_temporal
from store.database import open_pool
from store.migrations import migrate
from store.vault import Vault


async def main() -> None:
    """Start a database, run each benchmark, print what it found."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(30))
    with (
        tempfile.TemporaryDirectory(prefix="handrail-bench-") as directory,
        postgres_cluster(Path(directory) / "postgres") as cluster,
    ):
        await migrate(cluster.owner_url(DATABASE))
        await _events(cluster)
        await _verifying(cluster)
        await _starting(cluster, Path(directory))
        await _commanding(cluster, Path(directory))
        await _mails(cluster, Path(directory))
        await _year(cluster, Path(directory))


async def _events(cluster: Cluster) -> None:
    owner = await asyncpg.connect(cluster.superuser_url, database=DATABASE)
    pool = await open_pool(cluster.app_url(DATABASE), size=16)
    vault = Vault(KEY)
    try:
        await writing.prepare(owner)
        for line in [*await writing.run(pool, vault), *await fold.run(pool, vault)]:
            print(line, flush=True)
    finally:
        await pool.close()
        await owner.close()


async def _verifying(cluster: Cluster) -> None:
    await _database(cluster, "verified")
    pool = await open_pool(cluster.app_url("verified"))
    for line in await verifying.run(pool, Vault(KEY)):
        print(line, flush=True)
    await pool.close()


async def _starting(cluster: Cluster, directory: Path) -> None:
    # A command comes from a machine whose clock is right.
    vault, clock = Vault(KEY), StandingClock(datetime.now(UTC))
    url = cluster.app_url(DATABASE)
    with (
        dev_temporal(directory / "starting") as temporal,
        mail_catcher(directory / "nobody's mail") as mails,
    ):
        pool = await open_pool(url, size=20)
        await furnish(pool, vault, clock)
        at = await services_at(pool, vault, clock, temporal.address, directory)
        async with serving(at, mails.smtp_url):
            async for line in starting.run(at, url):
                print(line, flush=True)
        await pool.close()


async def _commanding(cluster: Cluster, directory: Path) -> None:
    await _database(cluster, "commanded")
    vault, clock = Vault(KEY), StandingClock(datetime.now(UTC))
    with (
        dev_temporal(directory / "commanded") as temporal,
        mail_catcher(directory / "mail of commands") as mails,
    ):
        pool = await open_pool(cluster.app_url("commanded"), size=20)
        await furnish(pool, vault, clock)
        at = await services_at(pool, vault, clock, temporal.address, directory)
        async with serving(at, mails.smtp_url):
            for line in await commanding.run(at):
                print(line, flush=True)
        await pool.close()


async def _mails(cluster: Cluster, directory: Path) -> None:
    await _database(cluster, "mails")
    vault, clock = Vault(KEY), StandingClock(AGREED)
    with (
        dev_temporal(directory / "temporal") as temporal,
        mail_catcher(directory / "mail") as mails,
    ):
        pool = await open_pool(cluster.app_url("mails"), size=20)
        people = await furnish(pool, vault, clock)
        at = await services_at(pool, vault, clock, temporal.address, directory)
        async with serving(at, mails.smtp_url):
            for line in await footprint.cached(at):
                print(line, flush=True)
            async for line in mailing.run(at, clock, people, mails):
                print(line, flush=True)
        await pool.close()


async def _database(cluster: Cluster, name: str) -> None:
    """A sandbox's, where the clock may stand or run ahead."""
    superuser = await asyncpg.connect(cluster.superuser_url)
    await superuser.execute(f"create database {name} owner handrail_owner")
    await superuser.close()
    await migrate(cluster.owner_url(name), sandbox=True)


async def _year(cluster: Cluster, directory: Path) -> None:
    await _database(cluster, "year")
    with (
        sandbox_temporal(directory / "year") as temporal,
        mail_catcher(directory / "year's mail") as mails,
    ):
        pool = await open_pool(cluster.app_url("year"), size=20)
        for line in await year.run(pool, cluster, temporal, mails, directory):
            print(line, flush=True)
        await pool.close()


if __name__ == "__main__":
    asyncio.run(main())
