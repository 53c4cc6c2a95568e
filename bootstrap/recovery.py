"""Rebuilds every workflow from the events, on a Temporal that knows nothing."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from time import monotonic

import structlog
from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.workflowservice.v1 import TerminateWorkflowExecutionRequest
from temporalio.client import Client, WorkflowQueryFailedError, WorkflowQueryRejectedError
from temporalio.common import WorkflowIDConflictPolicy
from temporalio.service import RPCError

from activities.dispatch import (
    APPROPRIATION_WORKFLOW,
    ENGAGEMENT_WORKFLOW,
    PROGRAM_WORKFLOW,
    SUMMIT_WORKFLOW,
)
from activities.names import WORKFLOW_QUEUE, DigestRun
from activities.record import Record
from bootstrap.holding import Held, begin_again
from bootstrap.lacking import Missing, lacking
from bootstrap.settings import Settings
from bootstrap.wiring import Services, services
from domain.streams import PROGRAM, digest_workflow_id, host_workflow_id, in_epoch, stream_of
from store.context import next_overview_moment
from store.database import Connection, listed, queries

log = structlog.get_logger()

Progress = Callable[[str], None]

_AT_ONCE = 8
_ASK_SECONDS = 5.0
_AGAIN_SECONDS = 0.5
SILENCE_SECONDS = 60.0
"""For so long no workflow more has answered: nobody carries them on."""


@dataclass(frozen=True)
class Recovered:
    """What was started; what ran already is left alone."""

    engagements: int
    digests: int
    silent: tuple[str, ...] = ()
    """Which workflows do not answer yet."""
    missing: tuple[Missing, ...] = ()
    """What was answered "recorded" and is not in the store, which was put back to before."""
    held: tuple[Held, ...] = ()
    """What is not sent, because it may have been sent before."""


async def recover(settings: Settings, progress: Progress | None = None) -> Recovered:
    """Start the workflow of every open engagement, summit ahead, money to commit and mail to send.

    Workflows that run already are left as they are, so recovering twice is recovering once.  Where
    Temporal was told of more than the store has, the store begins another life: what waits in
    Temporal for the one before is over, and whatever may have been sent meanwhile is held.
    """
    async with services(settings) as at:
        missing = () if at.sandbox else tuple((await lacking(at)).missing)
        if not missing:
            return await recover_with(at, progress)
        record = Record(at.pool, at.vault, at.clock)
        now = await at.clock.now()

        async def anew(connection: Connection) -> list[Held]:
            since = await queries.last_recorded_before(connection, at=missing[0].at)
            return await begin_again(
                connection, record, why="recovered", practice=False, since=since, now=now
            )

        held = await record.in_transaction(anew)
    async with services(settings) as at:
        await end_earlier_lives(at)
        return replace(
            await recover_with(at, progress),
            missing=tuple(m for m in missing if not m.by_system),
            held=tuple(held),
        )


async def end_earlier_lives(at: Services) -> int:
    """End what an earlier life of this store left in Temporal, which nobody serves any more."""
    if at.sandbox or at.epoch is None or at.epoch.practice:
        return 0
    async with at.pool.acquire() as connection:
        earlier = [e["epoch"] for e in await listed(queries.epochs(connection))][:-1]
    ended = 0
    for epoch in earlier:
        queue = in_epoch(WORKFLOW_QUEUE, epoch)
        query = f"TaskQueue = '{queue}' AND ExecutionStatus = 'Running'"
        async for found in at.client.list_workflows(query):
            await at.client.workflow_service.terminate_workflow_execution(
                TerminateWorkflowExecutionRequest(
                    namespace=at.client.namespace,
                    workflow_execution=WorkflowExecution(workflow_id=found.id),
                    reason="The store lives another life",
                    identity=at.client.identity,
                )
            )
            ended += 1
    log.info("earlier_lives_ended", workflows=ended)
    return ended


async def recover_with(at: Services, progress: Progress | None = None) -> Recovered:
    """The same over connections that are open; ends when each of them answers."""
    now = await at.clock.now()
    async with at.pool.acquire() as connection:
        overview = await next_overview_moment(connection, now)
        engagements = await listed(queries.running_engagements(connection))
        summits = await listed(queries.running_summits(connection))
        money = await listed(queries.running_appropriations(connection))
        mails = await listed(queries.unfinished_mails(connection))
    digests = [
        DigestRun(person=m["person"], on=m["local_date"], gathering_seconds=0, kind=m["kind"])
        for m in mails
    ]
    if overview is not None:
        # At once: a Monday that passed meanwhile still has a week to be looked over.
        await _start(
            at.client,
            PROGRAM_WORKFLOW,
            {
                "stream": PROGRAM,
                "is_open": True,
                "next_wake": now.isoformat(),
            },
            PROGRAM,
        )
    for number, row in enumerate(engagements, start=1):
        stream = stream_of("engagement", row["id"])
        # A notice already claimed waits for no planned moment, yet somebody may still be owed it.
        wake = now if row["waiting"] else row["next_wake"]
        await _start(
            at.client,
            ENGAGEMENT_WORKFLOW,
            {
                "stream": stream,
                "is_open": True,
                "next_wake": wake.isoformat() if wake else None,
                "facets": {"phase": row["phase"]},
            },
            host_workflow_id(stream),
        )
        if progress is not None:
            progress(f"{number} of {len(engagements)} engagements: {row['id']}")
    for row in summits:
        await _start(
            at.client,
            SUMMIT_WORKFLOW,
            {
                "stream": stream_of("summit", row["id"]),
                "is_open": True,
                "next_wake": row["next_wake"].isoformat() if row["next_wake"] else None,
                "facets": {"phase": row["status"]},
            },
            host_workflow_id(stream_of("summit", row["id"])),
        )
    for row in money:
        stream = stream_of("appropriation", row["id"])
        wake = now if row["waiting"] else row["next_wake"]
        await _start(
            at.client,
            APPROPRIATION_WORKFLOW,
            {
                "stream": stream,
                "is_open": True,
                "next_wake": wake.isoformat(),
            },
            host_workflow_id(stream),
        )
    for digest in digests:
        workflow_id = digest_workflow_id(digest.person, digest.on, digest.kind)
        await _start(at.client, "Digest", digest, workflow_id)
    log.info(
        "recovered",
        engagements=len(engagements),
        summits=len(summits),
        appropriations=len(money),
        digests=len(digests),
    )
    hosts = [stream_of("engagement", row["id"]) for row in engagements]
    hosts += [stream_of("summit", row["id"]) for row in summits]
    hosts += [stream_of("appropriation", row["id"]) for row in money]
    silent = await _until_they_answer(at, hosts, progress)
    return Recovered(len(engagements), len(digests), tuple(silent))


async def _until_they_answer(
    at: Services, hosts: Sequence[str], progress: Progress | None
) -> list[str]:
    """Ask each workflow until a worker answers for it; those for which none did.

    A start alone says that Temporal keeps it.  Its first task may wait behind those of all others,
    or for a worker, and so would the first command.
    """
    async with at.pool.acquire() as connection:
        if not await queries.live_workers(connection):
            return list(hosts)
    turns = asyncio.Semaphore(_AT_ONCE)
    last_answer = monotonic()
    answered = 0

    async def one(host: str) -> bool:
        nonlocal last_answer, answered
        handle = at.client.get_workflow_handle(host_workflow_id(host))
        while monotonic() - last_answer < SILENCE_SECONDS:
            async with turns:
                try:
                    await handle.query("told", rpc_timeout=timedelta(seconds=_ASK_SECONDS))
                except (RPCError, WorkflowQueryFailedError, WorkflowQueryRejectedError):
                    pass  # Nobody took it yet; how long that may last is looked at above.
                else:
                    last_answer = monotonic()
                    answered += 1
                    if progress is not None:
                        progress(f"{answered} of {len(hosts)} answer")
                    return True
            await asyncio.sleep(_AGAIN_SECONDS)
        return False

    answers = await asyncio.gather(*(one(host) for host in hosts))
    return [host for host, answer in zip(hosts, answers, strict=True) if not answer]


async def _start(client: Client, workflow: str, argument: object, workflow_id: str) -> None:
    await client.start_workflow(
        workflow,
        argument,
        id=workflow_id,
        task_queue=WORKFLOW_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
