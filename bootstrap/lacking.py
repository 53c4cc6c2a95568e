"""What Temporal was told is recorded, and the store does not have: it was put back to before."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from temporalio.api.common.v1 import WorkflowExecution
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.api.workflowservice.v1 import GetWorkflowExecutionHistoryReverseRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.names import WORKFLOW_QUEUE
from bootstrap.wiring import Services
from domain import subjects  # noqa: F401 - by whom a command is given is known of every one
from domain.envelope import Envelope, Receipt
from domain.rules.registry import COMMANDS
from domain.streams import host_workflow_id, in_epoch
from store.database import listed, queries

AT_ONCE = 8
AT_MOST = 2000
"""Workflows that are looked at, those that began last first: a call each, some milliseconds."""

_PAGE = 50
_ANSWERED = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_COMPLETED
_GIVEN = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED
_BEGUN = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED
HOSTS = "WorkflowType IN ('Engagement', 'Summit', 'Appropriation', 'Program')"


@dataclass(frozen=True)
class Missing:
    """A command that was answered "recorded", and that the store has not."""

    command_id: UUID
    stream: str
    at: datetime
    kind: str
    """The verb, or empty where nobody remembers it."""

    @property
    def by_system(self) -> bool:
        """Whether nobody gave it: then it comes again by itself."""
        return self.kind in COMMANDS and COMMANDS[self.kind].internal


@dataclass
class Look:
    """What was found, and how far was looked."""

    missing: list[Missing] = field(default_factory=list)
    workflows: int = 0
    all_seen: bool = True


async def lacking(at: Services, *, at_most: int = AT_MOST) -> Look:
    """Which commands Temporal answered for this life of the store that the store does not have.

    Not for a sandbox, whose Temporal keeps nothing.
    """
    look = Look()
    query = f"TaskQueue = '{in_epoch(WORKFLOW_QUEUE, at.epoch_id)}' AND {HOSTS}"
    listed_ = at.client.list_workflows(query, limit=at_most + 1)
    ids = [(found.id, found.run_id) async for found in listed_]
    look.all_seen = len(ids) <= at_most
    ids = ids[:at_most]
    look.workflows = len(ids)
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(workflow_id: str, run_id: str) -> list[Missing]:
        async with turns:
            return await _missing_in(at, workflow_id, run_id)

    for found_missing in await asyncio.gather(*(one(*pair) for pair in ids)):
        look.missing += found_missing
    look.missing = sorted(
        {m.command_id: m for m in look.missing}.values(), key=lambda m: (m.at, m.command_id)
    )
    return look


async def _missing_in(at: Services, workflow_id: str, run_id: str) -> list[Missing]:
    """Back from the end of a workflow to the first answer that the store knows."""
    missing: list[Missing] = []
    unnamed: dict[int, int] = {}
    async for page in _backwards(at.client, workflow_id, run_id):
        answers = [(e, r) for e in page if (r := await _answer(at.client, e)) is not None]
        async with at.pool.acquire() as connection:
            known = {
                row["command_id"]
                for row in await listed(
                    queries.answered_before(
                        connection, command_ids=[r.command_id for _, r in answers]
                    )
                )
            }
        reached = False
        for event, receipt in answers:
            if receipt.command_id in known:
                reached = True
                break
            when = event.event_time.ToDatetime(UTC)
            accepted = event.workflow_execution_update_completed_event_attributes.accepted_event_id
            unnamed[accepted] = len(missing)
            missing.append(Missing(receipt.command_id, receipt.stream, when, ""))
        for event in page:
            if event.event_id in unnamed and event.event_type == _GIVEN:
                n = unnamed.pop(event.event_id)
                kind = await _kind(at.client, event)
                missing[n] = Missing(missing[n].command_id, missing[n].stream, missing[n].at, kind)
        if reached and not unnamed:
            break
    return missing


async def _backwards(
    client: Client, workflow_id: str, run_id: str
) -> AsyncIterator[list[HistoryEvent]]:
    """A workflow's history from its end, through earlier runs, as far as it is kept."""
    while run_id:
        token, begun = b"", ""
        while True:
            try:
                answer = await client.workflow_service.get_workflow_execution_history_reverse(
                    GetWorkflowExecutionHistoryReverseRequest(
                        namespace=client.namespace,
                        execution=WorkflowExecution(workflow_id=workflow_id, run_id=run_id),
                        maximum_page_size=_PAGE,
                        next_page_token=token,
                    )
                )
            except RPCError as gone:
                if gone.status is RPCStatusCode.NOT_FOUND:
                    return
                raise
            events = list(answer.history.events)
            yield events
            for event in events:
                if event.event_type == _BEGUN:
                    attributes = event.workflow_execution_started_event_attributes
                    begun = attributes.continued_execution_run_id
            token = answer.next_page_token
            if not token:
                break
        run_id = begun


async def _answer(client: Client, event: HistoryEvent) -> Receipt | None:
    """The answer that an event of a history gives, if it names what was recorded."""
    if event.event_type != _ANSWERED:
        return None
    outcome = event.workflow_execution_update_completed_event_attributes.outcome
    if not outcome.HasField("success"):
        return None
    try:
        [receipt] = await client.data_converter.decode(outcome.success.payloads, [Receipt])
    except ApplicationError:
        return None  # Not sealed with our key: somebody else's, or ours is another's.
    return receipt if receipt.outcome == "recorded" and receipt.events else None


async def _kind(client: Client, event: HistoryEvent) -> str:
    given = event.workflow_execution_update_accepted_event_attributes.accepted_request.input
    if not given.args.payloads:
        return ""
    try:
        [envelope, *_] = await client.data_converter.decode(given.args.payloads, [Envelope])
    except ApplicationError:
        return ""
    kind: str = envelope.kind
    return kind


@dataclass(frozen=True)
class Running:
    """Which workflows the store's open streams should have, and which of them Temporal has not."""

    looked_at: int
    missing: tuple[str, ...]


async def not_running(at: Services, at_most: int = AT_MOST) -> Running:
    """The open streams for which no workflow waits in Temporal, of so many at most.

    Those that must wake soonest are looked at first.
    """
    async with at.pool.acquire() as connection:
        rows = await listed(queries.open_streams(connection, at_most=at_most))
    streams = [row["stream"] for row in rows]
    turns = asyncio.Semaphore(AT_ONCE)

    async def runs(stream: str) -> bool:
        async with turns:
            try:
                found = await at.client.get_workflow_handle(host_workflow_id(stream)).describe()
            except RPCError as error:
                if error.status is RPCStatusCode.NOT_FOUND:
                    return False
                raise
            return found.status is WorkflowExecutionStatus.RUNNING

    answers = await asyncio.gather(*(runs(stream) for stream in streams))
    gone = [s for s, answer in zip(streams, answers, strict=True) if not answer]
    return Running(len(streams), tuple(gone))
