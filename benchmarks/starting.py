"""What it takes to start: whole processes, each beside the least that could give its answer."""

import asyncio
import base64
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from statistics import median

from benchmarks.setting import KEY
from bootstrap.wiring import Services
from worker import beat

TIMES = 15
HELP_LIMIT_MS = 150
WANTED = 1.3

_ASK = """
import asyncio, os, asyncpg
async def main():
    pool = await asyncpg.create_pool(os.environ["DATABASE_URL"], min_size=1, max_size=4)
    async with pool.acquire() as connection:
        for row in await connection.fetch("select * from read.people order by name limit 50"):
            print(*row.values())
    pool.terminate()
"""
_TEMPORAL = """
from temporalio.client import Client
async def both():
    await main()
    await Client.connect(os.environ["TEMPORAL_ADDRESS"])
asyncio.run(both())
# As Handrail does: the SDK's threads can abort an interpreter that ends by itself.
import sys
sys.stdout.flush()
os._exit(0)
"""
_PYTHON = [sys.executable, "-c"]
_HANDRAIL = [sys.executable, "-m", "cli.main"]

_BARE = {
    "question": [*_PYTHON, f"{_ASK}asyncio.run(main())"],
    "command": [*_PYTHON, _ASK + _TEMPORAL],
}
_OURS = {
    "question": [*_HANDRAIL, "person", "list"],
    "command": [*_HANDRAIL, "person", "change", "marcus", "--email", "marcus@c.example"],
}
_HELP = [*_HANDRAIL, "--help"]


async def run(at: Services, database_url: str) -> AsyncIterator[str]:
    """Start each so many times, in turn, while the worker of this process serves."""
    environment = {
        **os.environ,
        "DATABASE_URL": database_url,
        "TEMPORAL_ADDRESS": str(at.settings.temporal_address),
        "HANDRAIL_HOME": str(at.settings.home / "nobody's"),
        "HANDRAIL_KEY": base64.b64encode(KEY).decode(),
        "HANDRAIL_ACTOR": "dana",
    }
    took: dict[str, list[tuple[float, float]]] = {}
    beating = asyncio.create_task(beat(at.pool, "benchmark"))
    for _ in range(TIMES):
        took.setdefault("help", []).append(await _process(_HELP, environment))
        for what in ("question", "command"):
            took.setdefault(f"bare {what}", []).append(await _process(_BARE[what], environment))
            took.setdefault(what, []).append(await _process(_OURS[what], environment))
    beating.cancel()
    ms, cpu = (
        {what: median(one[part] for one in found) for what, found in took.items()}
        for part in (0, 1)
    )
    yield f"handrail --help: {ms['help']:.0f} ms (wanted: at most {HELP_LIMIT_MS} ms)"
    for what, beside in (("question", "asyncpg"), ("command", "asyncpg and Temporal's client")):
        bare = f"bare {what}"
        yield (
            f"A {what}, times a bare process with {beside} that connects and asks: "
            f"{ms[what] / ms[bare]:.1f}, of CPU {cpu[what] / cpu[bare]:.1f} "
            f"({ms[what]:.0f} ms and {ms[bare]:.0f} ms, of CPU {cpu[what]:.0f} ms and "
            f"{cpu[bare]:.0f} ms) (wanted: at most {WANTED})"
        )


async def _process(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    return await asyncio.to_thread(_measured, command, environment)


def _measured(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """How long a process took, and how much CPU, in milliseconds."""
    begun = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, cwd=Path(__file__).parents[1], stdout=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    took = time.perf_counter() - begun
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[-3:]} left with {process.returncode}")
    return took * 1000, (used.ru_utime + used.ru_stime) * 1000
