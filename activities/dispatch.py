"""Sends a command to the workflow that takes it, the same way for all, and starts mails."""

import asyncio
from datetime import timedelta
from uuid import uuid4

from temporalio.client import (
    Client,
    WithStartWorkflowOperation,
    WorkflowUpdateFailedError,
    WorkflowUpdateHandle,
    WorkflowUpdateRPCTimeoutOrCancelledError,
    WorkflowUpdateStage,
)
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy
from temporalio.service import RPCError

from activities.names import WORKFLOW_QUEUE, DigestRun
from activities.stopping import unless_told_to_stop
from domain.envelope import Envelope, Receipt
from domain.kernel.refusals import Invalid, Sick
from domain.streams import PROGRAM, aggregate_of, digest_workflow_id, host_workflow_id

ENGAGEMENT_WORKFLOW = "Engagement"
PROGRAM_WORKFLOW = "Program"
SUMMIT_WORKFLOW = "Summit"
APPROPRIATION_WORKFLOW = "Appropriation"
_WORKFLOWS = {
    "engagement": ENGAGEMENT_WORKFLOW,
    "summit": SUMMIT_WORKFLOW,
    "appropriation": APPROPRIATION_WORKFLOW,
    PROGRAM: PROGRAM_WORKFLOW,
}


MOST_BYTES = 1_000_000
"""Of a command on its way: Temporal keeps it twice and takes no more than two million at once."""


NO_ANSWER = (
    RPCError,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
"""What sending a command ends in where the engine, or whoever carries it out, is away."""


class Undecided(Exception):
    """A command that was sent on met a defect, which is noted already."""


def _host(envelope: Envelope) -> tuple[str, str]:
    """Workflow type and id of the host of a command's stream."""
    host = host_workflow_id(envelope.stream)
    return _WORKFLOWS[aggregate_of(host)], host


async def begin(
    client: Client,
    envelope: Envelope,
    *,
    rpc_timeout: timedelta | None = None,
) -> WorkflowUpdateHandle[Receipt]:
    """Send a command; returns once it is durably accepted.

    Each sending is an update of its own: whether a command was carried out before is for the
    store's receipt to say, which a restored store may not have, and never for what the engine
    remembers of an id.

    A workflow that is not there is started with it, so a correction after closing finds its host.

    Args:
        rpc_timeout: For the call to the server; None waits as long as it takes.

    Raises:
        Invalid: It is too long; nothing was sent.
    """
    length = len(envelope.model_dump_json().encode())
    if length > MOST_BYTES:
        raise Invalid(
            f"This command has {length:,} bytes, and may have at most {MOST_BYTES:,}. Say it in "
            f"fewer words, or in several commands. Nothing was sent."
        )
    workflow_type, host = _host(envelope)
    operation: WithStartWorkflowOperation[object, object] = WithStartWorkflowOperation(
        workflow_type,
        {"stream": host},
        id=host,
        task_queue=WORKFLOW_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
    )
    try:
        return await client.start_update_with_start_workflow(
            "execute",
            envelope,
            wait_for_stage=WorkflowUpdateStage.ACCEPTED,
            id=f"{envelope.command_id}/{uuid4()}",
            result_type=Receipt,
            start_workflow_operation=operation,
            rpc_timeout=rpc_timeout,
        )
    except BaseException:
        # The start's own result holds the same failure; unread, asyncio complains about it later.
        await asyncio.gather(operation.workflow_handle(), return_exceptions=True)
        raise


async def send(client: Client, envelope: Envelope) -> Receipt:
    """Send a command and wait for its receipt, as long as it takes."""
    try:
        handle = await begin(client, envelope)
        return Receipt.model_validate(await handle.result())
    except WorkflowUpdateRPCTimeoutOrCancelledError as ended:
        # The SDK says the same when the server was slow and when we are told to stop.
        unless_told_to_stop(ended)
        raise


def was_set_aside(receipt: Receipt) -> bool:
    """Whether what the command rests on could not be read when it was answered."""
    return receipt.refusal == Sick.__name__


async def hand_on(client: Client, envelope: Envelope) -> Receipt:
    """Send a command that must have an answer.

    Raises:
        Undecided: It could not be decided; it is to be sent again once that is mended.
    """
    receipt = await send(client, envelope)
    if receipt.outcome == "defect":
        raise Undecided(f"{envelope.kind} on {receipt.stream}: see handrail doctor")
    return receipt


async def start_digest(client: Client, digest: DigestRun) -> None:
    """Start a person's digest or alarm of a day, unless it is on its way already."""
    await client.start_workflow(
        "Digest",
        digest,
        id=digest_workflow_id(digest.person, digest.on, digest.kind),
        task_queue=WORKFLOW_QUEUE,
        id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
    )
