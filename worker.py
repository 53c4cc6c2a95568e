"""Runs workflows and activities, and says every two seconds that it is alive."""

import asyncio
import os
import signal
import socket
import sys
import threading
from contextlib import AsyncExitStack, suppress
from datetime import timedelta

import structlog
from temporalio.worker import Worker
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from activities.clock import Clock
from activities.evidence import Sealer
from activities.follow import Follower
from activities.mailing.mailroom import Mailroom
from activities.mailing.returns import ReturnReader
from activities.names import MAIL_QUEUE, RECORD_QUEUE, SMTP_QUEUE, WORKFLOW_QUEUE
from activities.record import Record
from activities.registry import (
    execute_activities,
    mail_activities,
    record_activities,
    smtp_activities,
)
from activities.stopping import rest, unless_told_to_stop
from bootstrap.calendars import keeper
from bootstrap.clock import StoreClock
from bootstrap.deployment import become_current, build_id, deployment_config, stay_current
from bootstrap.lacking import lacking
from bootstrap.logging import configure_logging, quiet_temporal_messages
from bootstrap.settings import SettingsError, load_settings
from bootstrap.wiring import Services, services
from domain.streams import in_epoch
from store.database import AWAY, Pool, queries
from store.epochs import Unusable, check_log
from store.migrations import newest
from store.sealing import seal
from workflows.appropriation import AppropriationWorkflow
from workflows.digest import DigestWorkflow
from workflows.engagement import EngagementWorkflow
from workflows.foreign import ForeignWorkflow
from workflows.program import ProgramWorkflow
from workflows.summit import SummitWorkflow

log = structlog.get_logger()

HEARTBEAT_SECONDS = 2.0
CACHED_WORKFLOWS = 1000
"""Some 80 kB each.  The time-skipping server never takes a workflow back from a worker that is
gone: a sandbox whose worker ended needs a new server too, which `embedded.supervisor` gives it."""
GRACE = timedelta(seconds=10)
"""How long activities may finish after SIGTERM."""
LEAVE_SECONDS = 15.0
"""When the process is gone after SIGTERM, whatever it waits for; less than supervisors wait."""
FAREWELL_SECONDS = 2.0

RUNNER = SandboxedWorkflowRunner(
    restrictions=SandboxRestrictions.default.with_passthrough_modules(
        "activities.names", "domain", "workflows.host", "pydantic", "pydantic_core"
    )
)
"""The domain is passed through: imported once, not once for every workflow."""


def workers(at: Services, mailroom: Mailroom) -> list[Worker]:
    """The workers of one process: workflows, the record, the mail, the mail server."""
    return [
        Worker(
            at.client,
            task_queue=in_epoch(WORKFLOW_QUEUE, at.epoch_id),
            workflows=[
                EngagementWorkflow,
                SummitWorkflow,
                AppropriationWorkflow,
                ProgramWorkflow,
                DigestWorkflow,
                ForeignWorkflow,
            ],
            workflow_runner=RUNNER,
            activities=execute_activities(mailroom),
            no_remote_activities=True,
            max_concurrent_local_activities=16,
            max_cached_workflows=CACHED_WORKFLOWS,
            # The time-skipping server knows nothing of versions.
            deployment_config=None if at.sandbox else deployment_config(at.epoch_id),
            graceful_shutdown_timeout=GRACE,
        ),
        Worker(
            at.client,
            task_queue=in_epoch(RECORD_QUEUE, at.epoch_id),
            activities=record_activities(mailroom),
            max_concurrent_activities=16,
            graceful_shutdown_timeout=GRACE,
        ),
        Worker(
            at.client,
            task_queue=in_epoch(MAIL_QUEUE, at.epoch_id),
            activities=mail_activities(mailroom),
            max_concurrent_activities=16,
            graceful_shutdown_timeout=GRACE,
        ),
        Worker(
            at.client,
            task_queue=in_epoch(SMTP_QUEUE, at.epoch_id),
            activities=smtp_activities(mailroom),
            # The server's limit is kept over all workers; those that hang take up places here only.
            max_task_queue_activities_per_second=at.settings.mails_per_second,
            max_concurrent_activities=32,
            graceful_shutdown_timeout=GRACE,
        ),
    ]


class AnotherLife(Exception):
    """The store was restored or adopted meanwhile: what this worker serves is over."""


async def beat(pool: Pool, worker_id: str, epoch: str, clock: Clock | None = None) -> None:
    """Say again and again that this worker lives; a database that is away is asked again.

    Args:
        clock: What goes by the database's clock is set by it each time.

    Raises:
        AnotherLife: The store lives another life.
    """
    release, schema = build_id(), newest()
    while True:
        try:
            async with pool.acquire() as connection:
                seen = await queries.beat(connection, id=worker_id, release=release, schema=schema)
                if isinstance(clock, StoreClock):
                    clock.set_by(seen)
                now = await queries.epoch(connection)
            if now is not None and now["epoch"] != epoch:
                raise AnotherLife(now["epoch"])
        except AWAY as away:
            unless_told_to_stop(away)
            log.warning("heartbeat_missed", why=type(away).__name__)
        await rest(HEARTBEAT_SECONDS)


async def run(stop: asyncio.Event) -> None:
    """Serve until told to stop, one life of the store after the other."""
    while not stop.is_set():
        try:
            await serve(stop)
        except AnotherLife as next_:
            log.warning("store_lives_anew", epoch=str(next_))


class PutBack(Exception):
    """Temporal was told of more than the store has."""


async def hold_together_with_the_engine(at: Services) -> None:
    """Begin no work on a store that was put back to before what its engine has answered.

    Raises:
        PutBack: It was; which commands, since when, and what to do.
    """
    missing = (await lacking(at)).missing
    if missing:
        are = "command is" if len(missing) == 1 else "commands are"
        raise PutBack(
            f"{len(missing)} {are} missing from the store that were answered since "
            f"{missing[0].at:%Y-%m-%d %H:%M} UTC: it was put back to a state from before. Run "
            f"`handrail admin recover`, which names them and brings both together, then start "
            f"the worker again."
        )


async def serve(stop: asyncio.Event) -> None:
    """Serve one life of the store."""
    settings = load_settings()
    configure_logging(settings)
    quiet_temporal_messages()
    worker_id = f"{socket.gethostname()}:{os.getpid()}"
    async with services(settings, pool_size=20) as at:
        practice = at.epoch is not None and at.epoch.practice
        mailroom = Mailroom(
            pool=at.pool,
            vault=at.vault,
            clock=at.clock,
            record=Record(at.pool, at.vault, at.clock, at.settings.clock_tolerance_seconds),
            client=at.client,
            smtp_url=settings.require_smtp_url(),
            caught=settings.caught,
            practice=practice,
        )
        sealer = Sealer(at.pool, at.vault)
        follower = Follower(at.pool, at.vault, at.clock, at.client)
        async with at.pool.acquire() as connection:
            await check_log(connection)
            # Before anything is recorded: from then on a store without its seal was robbed of it.
            await seal(connection, at.vault)
        if not at.sandbox:
            await hold_together_with_the_engine(at)
        async with AsyncExitStack() as stack:
            serving = workers(at, mailroom)
            for worker in serving:
                await stack.enter_async_context(worker)
            if not at.sandbox:
                await become_current(at.client, at.epoch_id)
            background = [
                asyncio.create_task(beat(at.pool, worker_id, at.epoch_id, at.clock)),
                asyncio.create_task(follower.follow()),
                asyncio.create_task(sealer.keep()),
            ]
            if not at.sandbox:
                background.append(asyncio.create_task(stay_current(at.client, at.epoch_id)))
            # What came back, and the calendars that people follow, are the original's.
            if settings.bounces is not None and not practice:
                reader = ReturnReader(at.pool, at.vault, at.clock, at.client, settings.bounces)
                background.append(asyncio.create_task(reader.follow()))
            if settings.feeds is not None and not practice:
                background.append(asyncio.create_task(keeper(at, settings.feeds).keep()))
            log.info("worker_started", worker=worker_id, sandbox=at.sandbox)
            ends = asyncio.create_task(stop.wait())
            try:
                done, _ = await asyncio.wait(
                    [ends, *background], return_when=asyncio.FIRST_COMPLETED
                )
                for task in done:
                    task.result()
            finally:
                for task in (ends, *background):
                    task.cancel()
                await asyncio.gather(ends, *background, return_exceptions=True)
                # Together: each gives what it has in hand the whole grace.
                await asyncio.gather(*(worker.shutdown() for worker in serving))
        # Whoever cannot say goodbye is missed within seconds anyway.
        with suppress(*AWAY):
            async with at.pool.acquire(timeout=FAREWELL_SECONDS) as connection:
                await sealer.finish(connection)
                await queries.bury(connection, id=worker_id)
        log.info("worker_stopped", worker=worker_id)


def leave() -> None:
    """End without what could not be ended: it is done again, as after any kill."""
    log.error("worker_left", why=f"something did not end within {LEAVE_SECONDS:.0f} s")
    os._exit(1)


async def main() -> None:
    """Run until SIGTERM or SIGINT, and no more than `LEAVE_SECONDS` longer."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def told_to_stop(*_: object) -> None:
        loop.call_soon_threadsafe(stop.set)
        # A thread of its own: it must come about whatever else this process hangs in.
        last = threading.Timer(LEAVE_SECONDS, leave)
        last.daemon = True
        last.start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told_to_stop)
    await run(stop)


if __name__ == "__main__":
    try:
        asyncio.run(main())
    except (SettingsError, Unusable, PutBack) as problem:
        sys.exit(f"handrail worker: {problem}")
    # Temporal's runtime sometimes aborts an interpreter that ends in the ordinary way.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
