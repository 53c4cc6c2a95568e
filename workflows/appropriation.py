"""One appropriation: until all of it is invested, it expires, or it may lapse."""

from temporalio import workflow
from temporalio.common import VersioningBehavior

with workflow.unsafe.imports_passed_through():
    from activities.names import ANNOUNCE_DUE
    from workflows.host import Host, HostRun


@workflow.defn(name="Appropriation", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class AppropriationWorkflow(Host):
    """Takes the appropriation's commands in turn and wakes when Directors are to be reminded."""

    @workflow.run
    async def run(self, start: HostRun | None = None) -> None:
        """Wait until nothing of it need be committed any more."""
        await self.live()

    async def woken(self) -> None:
        """Hand what is due to the Directors' digests of the day, or note that it expired."""
        announced = await self.announced(ANNOUNCE_DUE, self.carried.stream, self.carried.told)
        if announced.again_at is None:
            # While something may be committed it will expire one day, so there is always a moment.
            self.carried = self.carried.model_copy(update={"is_open": False})
