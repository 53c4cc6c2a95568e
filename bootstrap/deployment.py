"""Tells Temporal which code carries open engagements on: that of the worker started last.

Workflows here hold no rules and sleep for months, so every one of them moves to the newest worker
at its next step (AUTO_UPGRADE).  An office upgrades by replacing its only worker, so the worker
itself declares its version the current one.
"""

import hashlib
from importlib.metadata import version
from pathlib import Path

from temporalio.api.workflowservice.v1 import SetWorkerDeploymentCurrentVersionRequest
from temporalio.client import Client
from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import WorkerDeploymentConfig

DEPLOYMENT = "handrail"


def build_id() -> str:
    """The release, and a fingerprint of the workflow code: what replay depends on."""
    import workflows

    code = hashlib.sha256()
    for path in sorted(Path(workflows.__path__[0]).glob("*.py")):
        code.update(path.read_bytes())
    return f"{version('handrail')}-{code.hexdigest()[:10]}"


def deployment_config() -> WorkerDeploymentConfig:
    """For the workers that run workflows; activity queues stay unversioned."""
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(deployment_name=DEPLOYMENT, build_id=build_id()),
        use_worker_versioning=True,
        default_versioning_behavior=VersioningBehavior.AUTO_UPGRADE,
    )


async def become_current(client: Client) -> None:
    """Have every workflow carried on by this version; until then it is given no task.

    Raises:
        temporalio.service.RPCError: The server is too old (below 1.28), or does not allow it.
    """
    await client.workflow_service.set_worker_deployment_current_version(
        SetWorkerDeploymentCurrentVersionRequest(
            namespace=client.namespace,
            deployment_name=DEPLOYMENT,
            build_id=build_id(),
            identity=client.identity,
            # Queues come and go with releases; another worker may still be starting.
            ignore_missing_task_queues=True,
            allow_no_pollers=True,
        )
    )
