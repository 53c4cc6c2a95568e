"""Loading and folding a long engagement, against a bare SELECT of the same rows."""

import time
from statistics import median
from uuid import uuid4

from benchmarks.sample import START, history
from domain.reminders.notices import Notices
from domain.rules.registry import fold
from store.database import Connection, Pool
from store.events import Append, append, read_stream
from store.vault import Vault

EVENTS = 600
"""About what a three-year engagement leaves."""
ROUNDS = 15
STREAM = "engagement:three-years"


async def run(pool: Pool, vault: Vault) -> list[str]:
    """Append the history once, then read it in turns."""
    async with pool.acquire() as connection:
        await _append(connection, vault)
        select, load, whole = [], [], []
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            rows = await connection.fetch(
                "select data from es.events where stream = $1 order by version", STREAM
            )
            select.append(time.perf_counter() - begin)
            begin = time.perf_counter()
            events = await read_stream(connection, vault, STREAM)
            load.append(time.perf_counter() - begin)
            state = fold(STREAM, events)
            whole.append(time.perf_counter() - begin)
            if not (len(rows) == len(events) == state.version == EVENTS):
                raise RuntimeError(f"read {len(rows)} rows, {len(events)} events")
    base = median(select)
    return [
        f"Load and fold of {EVENTS} events, times a bare SELECT of the rows (lower is better):",
        (
            f"  bare SELECT {base * 1000:.1f} ms; load, unseal and validate "
            f"{median(load) / base:.1f} times; with the fold {median(whole) / base:.1f} times, "
            f"{median(whole) * 1000:.1f} ms, {median(whole) / EVENTS * 1e6:.0f} us an event, "
            f"{len(state.of(Notices).all)} notices in the ledger"
        ),
    ]


async def _append(connection: Connection, vault: Vault) -> None:
    events = history(STREAM, EVENTS)
    for start in range(0, EVENTS, 100):
        part = events[start : start + 100]
        async with connection.transaction():
            await append(
                connection,
                vault,
                Append(STREAM, start, part, [START] * len(part)),
                command_id=uuid4(),
                actor="p-lead",
                now=START,
            )
