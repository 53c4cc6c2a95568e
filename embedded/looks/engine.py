"""What Temporal has waiting: tasks nobody takes, workflows whose tasks fail, a clock of its own."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from activities.names import MAIL_QUEUE, RECORD_QUEUE, SMTP_QUEUE, WORKFLOW_QUEUE
from bootstrap.settings import Settings
from domain.streams import in_epoch
from embedded.findings import Finding

if TYPE_CHECKING:
    from temporalio.client import Client

SHOWN = 3
BACKLOG = timedelta(seconds=30)
"""A worker takes a task at once; behind a slow mail server it may wait its turn."""
LONG_POLL = timedelta(seconds=90)
"""A worker asks again within that time, so the server wrote its own time so lately."""
PROBLEMS = (
    "TemporalReportedProblems in ('category=WorkflowTaskFailed', 'category=WorkflowTaskTimedOut')"
)
"""Kept by the server for workflows whose task failed several times in a row."""


async def look_at_engine(client: "Client", settings: Settings, epoch: str = "") -> list[Finding]:
    """Look at the queues, the workflows and the clock; nothing is said of what is well."""
    return [
        *await _failing(client),
        *await _queues(client, settings, epoch),
    ]


async def _failing(client: "Client") -> list[Finding]:
    told: list[str] = []
    count = 0
    async for workflow in client.list_workflows(f"ExecutionStatus = 'Running' and {PROBLEMS}"):
        count += 1
        if count <= SHOWN:
            told.append(await _one(client, workflow))
    if not count:
        return []
    more = f"; and {count - SHOWN} more" if count > SHOWN else ""
    return [
        Finding(
            "Workflows",
            "attention",
            f"{count} cannot take a step: {'; '.join(told)}{more}",
            "The worker's log says what fails, under the workflow's id. Start a worker of the "
            "release that wrote it, or of one in which it is mended; it goes on by itself. The "
            "others go on meanwhile.",
        )
    ]


async def _one(client: "Client", workflow: Any) -> str:
    from temporalio.api.common.v1 import WorkflowExecution
    from temporalio.api.enums.v1 import WorkflowTaskFailedCause
    from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest

    described = await client.get_workflow_handle(workflow.id, run_id=workflow.run_id).describe()
    attempt = described.raw_description.pending_workflow_task.attempt
    # What failed again is not written down again: the last event is the first failure.
    history = await client.workflow_service.get_workflow_execution_history_reverse(
        GetWorkflowExecutionHistoryReverseRequest(
            namespace=client.namespace,
            execution=WorkflowExecution(workflow_id=workflow.id, run_id=workflow.run_id),
            maximum_page_size=1,
        )
    )
    last = history.history.events[0]
    since = f"{last.event_time.ToDatetime(UTC):%Y-%m-%d %H:%M} UTC"
    if not last.HasField("workflow_task_failed_event_attributes"):
        return f"{workflow.id} since {since} (attempt {attempt}, timed out)"
    cause = WorkflowTaskFailedCause.Name(last.workflow_task_failed_event_attributes.cause)
    why = cause.removeprefix("WORKFLOW_TASK_FAILED_CAUSE_").lower().replace("_", " ")
    return f"{workflow.id} since {since} (attempt {attempt}, {why})"


async def _queues(client: "Client", settings: Settings, epoch: str = "") -> list[Finding]:
    waiting: list[str] = []
    seen: list[datetime] = []
    async for name, described in _described(client, epoch):
        age = described.stats.approximate_backlog_age.ToTimedelta()
        if described.stats.approximate_backlog_count and age > BACKLOG:
            since = datetime.now(UTC) - age
            waiting.append(
                f"{described.stats.approximate_backlog_count} on {name} since "
                f"{since:%Y-%m-%d %H:%M} UTC"
            )
        seen += [poller.last_access_time.ToDatetime(UTC) for poller in described.pollers]
    findings = []
    if waiting:
        findings.append(
            Finding(
                "Queue",
                "attention",
                f"accepted and not begun: {', '.join(waiting)}",
                "No worker takes it, or too few do: see the line about workers, and start one "
                "more. What was accepted is carried out by itself then.",
            )
        )
    tolerance = timedelta(seconds=settings.clock_tolerance_seconds)
    if seen and max(seen) - datetime.now(UTC) > tolerance:
        findings.append(
            Finding(
                "Clocks",
                "attention",
                f"Temporal's is ahead of this machine's: a worker asked it at "
                f"{max(seen):%Y-%m-%d %H:%M:%S} UTC",
                "Reminders go out by Temporal's clock. Let a time server set both.",
            )
        )
    if seen and datetime.now(UTC) - max(seen) > tolerance + LONG_POLL:
        findings.append(
            Finding(
                "Clocks",
                "attention",
                f"Temporal's is behind this machine's, or no worker has asked it since "
                f"{max(seen):%Y-%m-%d %H:%M:%S} UTC",
                "Reminders go out by Temporal's clock. Let a time server set both; where a worker "
                "lives and does not ask, its log says why.",
            )
        )
    return findings


async def _described(client: "Client", epoch: str) -> AsyncIterator[tuple[str, Any]]:
    from temporalio.api.enums.v1 import TaskQueueType
    from temporalio.api.taskqueue.v1 import TaskQueue
    from temporalio.api.workflowservice.v1 import DescribeTaskQueueRequest

    for name, kind in (
        (WORKFLOW_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW),
        (RECORD_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
        (MAIL_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
        (SMTP_QUEUE, TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY),
    ):
        yield (
            name,
            await client.workflow_service.describe_task_queue(
                DescribeTaskQueueRequest(
                    namespace=client.namespace,
                    task_queue=TaskQueue(name=in_epoch(name, epoch)),
                    task_queue_type=kind,
                    report_stats=True,
                )
            ),
        )
