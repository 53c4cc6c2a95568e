"""Rebuilds every workflow from the events, on a Temporal that knows nothing."""

from collections.abc import Callable
from dataclasses import dataclass

import structlog
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy

from activities.dispatch import ENGAGEMENT_WORKFLOW
from activities.names import WORKFLOW_QUEUE, DigestRun
from activities.reminders import DIGEST
from bootstrap.settings import Settings
from bootstrap.wiring import services
from domain.calendar import local_date
from domain.ids import digest_workflow_id, host_workflow_id
from store.context import program
from store.database import listed, queries

log = structlog.get_logger()


@dataclass(frozen=True)
class Recovered:
    """What was started; what ran already is left alone."""

    engagements: int
    digests: int


async def recover(settings: Settings, progress: Callable[[str], None] | None = None) -> Recovered:
    """Start the workflow of every open engagement and of every mail on its way.

    Workflows that run already are left as they are, so recovering twice is recovering once.
    """
    async with services(settings) as at:
        async with at.pool.acquire() as connection:
            settings_row = await program(connection)
            engagements = await listed(queries.running_engagements(connection))
            mails = await listed(queries.unfinished_mails(connection))
            waiting = await listed(queries.waiting_people(connection))
        digests: set[tuple[str, DigestRun]] = set()
        for row in mails:
            assert row["kind"] == DIGEST
            run = DigestRun(person=row["person"], on=row["local_date"], gathering_seconds=0)
            digests.add((digest_workflow_id(run.person, run.on), run))
        if settings_row is not None:
            today = local_date(await at.clock.now(), settings_row.zone)
            for row in waiting:
                run = DigestRun(
                    person=row["person"],
                    on=today,
                    gathering_seconds=settings_row.gathering_seconds,
                )
                digests.add((digest_workflow_id(run.person, run.on), run))
        for number, row in enumerate(engagements, start=1):
            stream = f"engagement:{row['id']}"
            wake = row["next_wake"]
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
        for workflow_id, run in sorted(digests, key=lambda pair: pair[0]):
            await _start(at.client, "Digest", run, workflow_id)
        log.info("recovered", engagements=len(engagements), digests=len(digests))
        return Recovered(len(engagements), len(digests))


async def _start(client: Client, workflow: str, argument: object, workflow_id: str) -> None:
    await client.start_workflow(
        workflow,
        argument,
        id=workflow_id,
        task_queue=WORKFLOW_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
