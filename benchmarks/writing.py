"""Appending one event at a time, against the same rows put into a bare table."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from statistics import median
from unittest.mock import patch
from uuid import uuid4

from activities.evidence import Sealer
from benchmarks.sample import START, history
from domain.kernel.messages import Event
from store.database import Connection, Pool, queries
from store.events import Append, append
from store.evidence import Evidence
from store.sealing import seal
from store.vault import Vault

EVENTS = 240
"""For each client count; enough that a flush more or less does not show."""
ROUNDS = 5

Write = Callable[[Connection, str, int, Event], Awaitable[object]]


async def prepare(owner: Connection) -> None:
    """The bare table: a primary key and nothing else."""
    await owner.execute(
        """
        create schema bench;
        create table bench.bare (stream text, version integer, type text, data jsonb,
                                 primary key (stream, version));
        grant usage on schema bench to handrail_app;
        grant insert, select on bench.bare to handrail_app;
        """
    )


async def run(pool: Pool, vault: Vault) -> list[str]:
    """Measure in turn, round by round, so that a busy machine slows all of them alike."""
    events = history("engagement:bench", 40)
    async with pool.acquire() as connection:
        await seal(connection, vault)  # As a worker does before it serves.
    lines = ["Append of one event a transaction, ratio to a bare INSERT (higher is better):"]

    async def bare(connection: Connection, stream: str, version: int, event: Event) -> None:
        await connection.execute(
            "insert into bench.bare values ($1, $2, $3, $4)",
            stream,
            version,
            event.type,
            event.model_dump_json(),
        )

    async def function(connection: Connection, stream: str, version: int, event: Event) -> None:
        await queries.append(
            connection,
            stream=stream,
            expected=version - 1,
            command_id=uuid4(),
            types=[event.type],
            schemas=[1],
            data=[json.dumps(event.model_dump(mode="json"))],
            effective=[START],
            actor="p-lead",
            causation_id=None,
            sandbox_now=None,
            seals=None,
        )

    async def sealed(connection: Connection, stream: str, version: int, event: Event) -> None:
        async with connection.transaction():
            await append(
                connection,
                vault,
                Append(stream, version - 1, [event], [START]),
                command_id=uuid4(),
                actor="p-lead",
                now=START,
            )

    async def unsealed(connection: Connection, stream: str, version: int, event: Event) -> None:
        with patch.object(Evidence, "event", lambda *_, **__: b""):
            await sealed(connection, stream, version, event)

    for clients in (1, 8):
        took: dict[str, list[float]] = {
            name: [] for name in ("bare", "es.append", "sealed", "unsealed", "beside")
        }
        for round_ in range(ROUNDS):
            for name, write in (
                ("bare", bare), ("es.append", function), ("sealed", sealed), ("unsealed", unsealed)
            ):  # fmt: skip
                took[name].append(
                    await _time(pool, write, f"{name}-{clients}-{round_}", clients, events)
                )
            sealing = asyncio.create_task(Sealer(pool, vault).keep())
            name = f"beside-{clients}-{round_}"
            took["beside"].append(await _time(pool, sealed, name, clients, events))
            sealing.cancel()
            await asyncio.gather(sealing, return_exceptions=True)
        base = median(took["bare"])
        lines.append(
            f"  {clients} client{'s' if clients > 1 else ' '}: es.append "
            f"{base / median(took['es.append']):.2f}, store.append in a transaction with sealing "
            f"{base / median(took['sealed']):.2f}, without the writer's seal "
            f"{base / median(took['unsealed']):.2f}, with both while a worker seals beside it "
            f"{base / median(took['beside']):.2f}  (bare {EVENTS / base:,.0f} events/s)"
        )
    return lines


async def _time(pool: Pool, write: Write, name: str, clients: int, events: list[Event]) -> float:
    async def client(number: int) -> None:
        async with pool.acquire() as connection:
            stream = f"engagement:{name}-{number}"
            for version in range(1, EVENTS // clients + 1):
                await write(connection, stream, version, events[version % len(events)])

    begin = time.perf_counter()
    await asyncio.gather(*(client(number) for number in range(clients)))
    return time.perf_counter() - begin
