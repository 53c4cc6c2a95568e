"""Commands through Temporal into the store, against a bare update with an activity of its own."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from statistics import median
from uuid import uuid4

from temporalio.client import Client, WithStartWorkflowOperation
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.worker import Worker

from activities.dispatch import begin
from benchmarks.bare import Bare, bare_activity
from bootstrap.wiring import Services
from domain.envelope import Envelope, Receipt
from domain.rules.registry import COMMANDS
from domain.streams import in_epoch

COMMANDS_EACH = 160
"""For each count of clients, in every round."""
ROUNDS = 3
CLIENTS = (1, 8, 32)
QUEUE = "bare"

Once = Callable[[int, int], Awaitable[object]]


async def run(at: Services) -> list[str]:
    """Measure in turn, round by round."""
    client = at.client
    lines = ["Commands, times as many a second as bare updates with an activity (more is better):"]
    for number in range(max(CLIENTS)):
        await _opened(client, f"command-{number}")

    async def bare(number: int, _: int) -> None:
        start = WithStartWorkflowOperation(
            Bare.run,
            id=f"bare-{number}",
            task_queue=QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )
        await client.execute_update_with_start_workflow(
            Bare.execute, "x" * 200, start_workflow_operation=start
        )

    async def command(number: int, count: int) -> None:
        await _carried_out(
            client,
            "conversation log",
            engagement=f"command-{number}",
            group="principals",
            notes=f"Conversation {count} {uuid4()}",
        )

    queue = in_epoch(QUEUE, at.epoch_id)
    async with Worker(client, task_queue=queue, workflows=[Bare], activities=[bare_activity]):
        for clients in CLIENTS:
            seconds: dict[str, list[float]] = {"bare": [], "command": []}
            waits: dict[str, list[float]] = {"bare": [], "command": []}
            for _ in range(ROUNDS):
                for name, once in (("bare", bare), ("command", command)):
                    seconds[name].append(await _time(once, clients, waits[name]))
            ratio = median(seconds["bare"]) / median(seconds["command"])
            lines.append(
                f"  {clients} client{'s' if clients > 1 else ' '}: {ratio:.2f}; "
                f"{COMMANDS_EACH / median(seconds['command']):.0f} commands/s, half within "
                f"{median(waits['command']) * 1000:.0f} ms, of bare ones within "
                f"{median(waits['bare']) * 1000:.0f} ms"
            )
    return lines


async def _time(once: Once, clients: int, waits: list[float]) -> float:
    async def client(number: int) -> None:
        for count in range(COMMANDS_EACH // clients):
            begun = time.perf_counter()
            await once(number, count)
            waits.append(time.perf_counter() - begun)

    begun = time.perf_counter()
    await asyncio.gather(*(client(number) for number in range(clients)))
    return time.perf_counter() - begun


async def _opened(client: Client, engagement: str) -> None:
    await _carried_out(
        client,
        "engagement open",
        engagement=engagement,
        lea="alder-creek-usd",
        lead="marcus",
        director="dana",
    )


async def _carried_out(client: Client, kind: str, **body: object) -> None:
    envelope = Envelope.of(
        COMMANDS[kind].model_validate(body),
        command_id=uuid4(),
        actor="dana",
        issued_at=datetime.now(UTC),
    )
    handle = await begin(client, envelope, rpc_timeout=timedelta(seconds=30))
    receipt = Receipt.model_validate(await handle.result())
    if receipt.outcome != "recorded":
        raise RuntimeError(receipt.message)
