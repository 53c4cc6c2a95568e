"""Rebuilds every workflow from the events, on a Temporal that knows nothing."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy

from activities.dispatch import (
    APPROPRIATION_WORKFLOW,
    ENGAGEMENT_WORKFLOW,
    PROGRAM_WORKFLOW,
    SUMMIT_WORKFLOW,
)
from activities.names import WORKFLOW_QUEUE, DigestRun
from bootstrap.settings import Settings
from bootstrap.wiring import Services, services
from domain.ids import PROGRAM, digest_workflow_id, host_workflow_id
from store.context import next_overview_moment
from store.database import listed, queries

log = structlog.get_logger()


@dataclass(frozen=True)
class Recovered:
    """What was started; what ran already is left alone."""

    engagements: int
    digests: int


async def recover(settings: Settings, progress: Callable[[str], None] | None = None) -> Recovered:
    """Start the workflow of every open engagement, summit ahead, money to commit and mail to send.

    Workflows that run already are left as they are, so recovering twice is recovering once.
    """
    async with services(settings) as at:
        return await recover_with(at, progress)


async def recover_with(at: Services, progress: Callable[[str], None] | None = None) -> Recovered:
    """The same over connections that are open."""
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
        stream = f"engagement:{row['id']}"
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
                "stream": f"summit:{row['id']}",
                "is_open": True,
                "next_wake": row["next_wake"].isoformat() if row["next_wake"] else None,
                "facets": {"phase": row["status"]},
            },
            host_workflow_id(f"summit:{row['id']}"),
        )
    for row in money:
        stream = f"appropriation:{row['id']}"
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
    return Recovered(len(engagements), len(digests))


async def _start(client: Client, workflow: str, argument: object, workflow_id: str) -> None:
    await client.start_workflow(
        workflow,
        argument,
        id=workflow_id,
        task_queue=WORKFLOW_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
