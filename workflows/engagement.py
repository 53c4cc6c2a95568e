"""One engagement, years long: recruitment, agreements, partnership with its check-ins, close."""

from temporalio import workflow
from temporalio.common import VersioningBehavior

with workflow.unsafe.imports_passed_through():
    from activities.names import ANNOUNCE_DUE
    from workflows.host import Host, HostRun


@workflow.defn(name="Engagement", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class EngagementWorkflow(Host):
    """Takes the engagement's commands in turn and wakes when the next reminder is due.

    What phase it is in, what is owed and what a command means is the store's to know.
    """

    @workflow.run
    async def run(self, start: HostRun | None = None) -> None:
        """Wait until the engagement is closed or withdrawn."""
        await self.live()

    async def woken(self) -> None:
        """Hand what is due to its recipients' digests of the day."""
        await self.announced(ANNOUNCE_DUE, self.carried.stream, self.carried.told)
