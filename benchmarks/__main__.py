"""Runs every benchmark on a database of its own: ``python -m benchmarks``."""

import asyncio
import tempfile
from pathlib import Path

import asyncpg

from benchmarks import fold, writing
from embedded.postgres import DATABASE, postgres_cluster
from store.database import open_pool
from store.migrations import migrate
from store.vault import Vault


async def main() -> None:
    """Start a database, run each benchmark, print what it found."""
    with (
        tempfile.TemporaryDirectory(prefix="handrail-bench-") as directory,
        postgres_cluster(Path(directory)) as cluster,
    ):
        await migrate(cluster.owner_url(DATABASE))
        owner = await asyncpg.connect(cluster.superuser_url, database=DATABASE)
        pool = await open_pool(cluster.app_url(DATABASE), size=16)
        vault = Vault(bytes(32))
        try:
            await writing.prepare(owner)
            for line in [*await writing.run(pool, vault), *await fold.run(pool, vault)]:
                print(line)
        finally:
            await pool.close()
            await owner.close()


if __name__ == "__main__":
    asyncio.run(main())
