"""Holding a hundred thousand events against their seals, against reading the same rows."""

import json
import time
from collections.abc import Awaitable, Callable
from statistics import median
from uuid import uuid4

from benchmarks.sample import START, history
from domain.kernel.messages import Event
from domain.rules.context import SYSTEM
from store.database import Connection, Pool, queries, streamed
from store.events import Append, append
from store.sealing import seal
from store.vault import Vault
from store.verifying import verify

EVENTS = 100_000
A_STREAM = 100
A_COMMAND = 4
"""Events of one command, each with its receipt: what a signature records with its reminders."""
ROUNDS = 3


async def run(pool: Pool, vault: Vault, events: int = EVENTS) -> list[str]:
    """Record and seal them, then look at all of them in turn with the bare scan."""
    async with pool.acquire() as connection:
        await seal(connection, vault)
        began = time.perf_counter()
        await _record(connection, vault, events)
        recorded = time.perf_counter() - began
        began = time.perf_counter()
        await seal(connection, vault)
        sealed = time.perf_counter() - began

        async def scan() -> None:
            async with connection.transaction():
                read = 0
                async for _ in streamed(connection, queries.whole_log):
                    read += 1
                assert read >= events

        async def look() -> None:
            report = await verify(connection, vault)
            assert not report.found, report.found[:3]

        took: dict[str, list[float]] = {"scan": [], "verify": []}
        for _ in range(ROUNDS):
            for name, what in (("scan", scan), ("verify", look)):
                took[name].append(await _seconds(what))
    bare, whole = median(took["scan"]), median(took["verify"])
    return [
        (
            f"Verifying {events:,} events with {events // A_COMMAND:,} receipts: {whole:.1f} s, "
            f"{whole / bare:.1f} times a bare scan of the same rows ({bare:.1f} s); sealing them "
            f"in one go {sealed:.1f} s, recording them before {recorded:.0f} s"
        )
    ]


async def _seconds(what: Callable[[], Awaitable[None]]) -> float:
    began = time.perf_counter()
    await what()
    return time.perf_counter() - began


async def _record(connection: Connection, vault: Vault, events: int) -> None:
    for number in range(events // A_STREAM):
        stream = f"engagement:verified-{number}"
        facts = history(stream, A_STREAM)
        for first in range(0, A_STREAM, A_COMMAND):
            await _one(connection, vault, stream, first, facts[first : first + A_COMMAND])


async def _one(
    connection: Connection, vault: Vault, stream: str, version: int, facts: list[Event]
) -> None:
    """A command with its events and its receipt, sealed as the record seals them."""
    command_id = uuid4()
    async with connection.transaction():
        what = Append(stream, version, facts, [START] * len(facts))
        recorded = await append(
            connection, vault, what, command_id=command_id, actor=SYSTEM, now=START
        )
        receipt = json.dumps(
            {
                "outcome": "recorded",
                "events": [
                    {"stream": stream, "version": one.stamp.version, "type": one.event.type}
                    for one in recorded
                ],
            }
        )
        await queries.add_receipt(
            connection,
            command_id=command_id,
            stream=stream,
            content_hash=b"",
            receipt=receipt,
            sandbox_now=START,
            seal=vault.evidence.receipt(command_id, stream, b"", receipt),
        )
