"""What a program shares: its people, LEAs, playbooks and calendars, and its Monday mornings."""

from temporalio import workflow
from temporalio.common import VersioningBehavior

with workflow.unsafe.imports_passed_through():
    from activities.names import ANNOUNCE_OVERVIEWS
    from domain.streams import host_workflow_id
    from workflows.host import Host, HostRun


@workflow.defn(name="Program", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class ProgramWorkflow(Host):
    """Takes the commands of what the program shares, in turn, and wakes for its overviews."""

    @workflow.run
    async def run(self, start: HostRun | None = None) -> None:
        """Wait for commands and for Monday mornings, for as long as there is a program."""
        await self.live()

    def takes(self, stream: str) -> bool:
        """What has no workflow of its own is the program's."""
        return host_workflow_id(stream) == self.carried.stream

    async def woken(self) -> None:
        """Start the mails of everybody who has an overview to come."""
        await self.announced(ANNOUNCE_OVERVIEWS)
