"""What it takes to start: whole processes, each beside the least that could give its answer.

A question needs the database, a command the database and Temporal: its bare process connects to
both, and asks each one thing.
"""

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
    client = await Client.connect(os.environ["TEMPORAL_ADDRESS"])
    await client.service_client.check_health()
asyncio.run(both())
# As Handrail does: the SDK's threads can abort an interpreter that ends by itself.
import sys
sys.stdout.flush()
os._exit(0)
"""
_PYTHON = [sys.executable, "-c"]
_HANDRAIL = [str(Path(sys.executable).with_name("handrail"))]

_BARE = {
    "question": [*_PYTHON, f"{_ASK}asyncio.run(main())"],
    "command": [*_PYTHON, _ASK + _TEMPORAL],
}
_QUESTIONS = ("person list", "lea list", "engagement list", "due")
_COMMAND = [*_HANDRAIL, "person", "change", "marcus", "--email"]
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
    # An installation keeps what Python compiled; a machine may be set up not to.
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    took: dict[str, list[tuple[float, float]]] = {}
    beating = asyncio.create_task(beat(at.pool, "benchmark", at.epoch_id))
    for turn in range(TIMES + 1):
        asked = {
            "help": _HELP,
            "bare question": _BARE["question"],
            **{what: [*_HANDRAIL, *what.split()] for what in _QUESTIONS},
            "bare command": _BARE["command"],
            # What is recorded already is refused: each changes something.
            "person change": [*_COMMAND, f"marcus-{turn}@c.example"],
        }
        for what, command in asked.items():
            found = await _process(command, environment)
            if turn:  # The first compiles what the others read.
                took.setdefault(what, []).append(found)
    beating.cancel()
    ms, cpu = (
        {what: median(one[part] for one in found) for what, found in took.items()}
        for part in (0, 1)
    )
    yield f"handrail --help: {ms['help']:.0f} ms (wanted: at most {HELP_LIMIT_MS} ms)"
    for what in (*_QUESTIONS, "person change"):
        bare = "bare question" if what in _QUESTIONS else "bare command"
        yield (
            f"handrail {what}, times a {bare}: "
            f"{ms[what] / ms[bare]:.2f}, of CPU {cpu[what] / cpu[bare]:.2f} "
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
