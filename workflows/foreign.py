"""Whatever is started on our queue and is no workflow of ours: it ends at once."""

from collections.abc import Sequence

from temporalio import workflow
from temporalio.common import RawValue, VersioningBehavior
from temporalio.exceptions import ApplicationError

with workflow.unsafe.imports_passed_through():
    from activities.names import UNDECODABLE


@workflow.defn(dynamic=True, versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class ForeignWorkflow:
    """Left to wait, it would keep the id that it was started with from the workflow it is for."""

    @workflow.run
    async def run(self, args: Sequence[RawValue]) -> None:
        """End.

        Raises:
            ApplicationError: Always.
        """
        kind = workflow.info().workflow_type
        raise ApplicationError(f"no workflow {kind} here", type=UNDECODABLE, non_retryable=True)
