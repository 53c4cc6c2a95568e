"""Tells Temporal which code carries open engagements on: that of the worker started last.

Workflows here hold no rules and sleep for months, so every one of them moves to the newest worker
at its next step (AUTO_UPGRADE).  An office upgrades by replacing its only worker, so the worker
itself declares its version the current one.
"""

import asyncio
import hashlib
from importlib.metadata import version
from pathlib import Path

import structlog
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
)
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.service import RPCError, RPCStatusCode
from temporalio.worker import WorkerDeploymentConfig

from bootstrap.preparation import register_attributes

log = structlog.get_logger()

LOOK_SECONDS = 3.0
"""How often a worker asks whether Temporal still knows which code is current."""


def deployment_of(epoch: str) -> str:
    """One for each life of a store: another never decides which code carries this one on."""
    return f"handrail-{epoch}" if epoch else "handrail"


def build_id() -> str:
    """The release, and a fingerprint of the workflow code: what replay depends on."""
    import workflows

    code = hashlib.sha256()
    for path in sorted(Path(workflows.__path__[0]).glob("*.py")):
        code.update(path.read_bytes())
    return f"{version('handrail')}-{code.hexdigest()[:10]}"


def deployment_config(epoch: str = "") -> WorkerDeploymentConfig:
    """For the workers that run workflows; activity queues stay unversioned."""
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment_name=deployment_of(epoch), build_id=build_id()),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )


async def become_current(client: Client, epoch: str = "") -> None:
    """Have every workflow carried on by this version; until then it is given no task.

    Raises:
        temporalio.service.RPCError: The server is too old (below 1.28), or does not allow it.
    """
    await client.workflow_service.set_worker_deployment_current_version(
        SetWorkerDeploymentCurrentVersionRequest(
            namespace=client.namespace,
            deployment_name=deployment_of(epoch),
            build_id=build_id(),
            identity=client.identity,
            # Queues come and go with releases; another worker may still be starting.
            ignore_missing_task_queues=True,
            allow_no_pollers=True,
        )
    )


async def stay_current(client: Client, epoch: str = "") -> None:
    """Declare this version again whenever Temporal has lost which one is current.

    Until then it would give out no task.  Where another version is current, that stays: the worker
    that was started last decides.
    """
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            if not await _has_current(client, epoch):
                # Whoever forgot the one forgot the others, without which workflows cannot go on.
                await register_attributes(client)
                await become_current(client, epoch)
                log.warning("declared_current_again", deployment=deployment_of(epoch))
        except RPCError as away:
            log.warning("deployment_not_looked_at", why=str(away))


async def _has_current(client: Client, epoch: str) -> bool:
    try:
        found = await client.workflow_service.describe_worker_deployment(
            DescribeWorkerDeploymentRequest(
                namespace=client.namespace, deployment_name=deployment_of(epoch)
            )
        )
    except RPCError as error:
        if error.status is RPCStatusCode.NOT_FOUND:
            return False
        raise
    routing = found.worker_deployment_info.routing_config
    return bool(routing.current_deployment_version.build_id)
