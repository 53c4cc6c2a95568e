"""What a program shares: its people, LEAs, playbooks and calendars."""

from temporalio import workflow
from temporalio.common import VersioningBehavior

with workflow.unsafe.imports_passed_through():
    from domain.ids import host_workflow_id
    from domain.messages import Envelope, Receipt
    from workflows.host import Host, HostRun


@workflow.defn(name="Program", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class ProgramWorkflow(Host):
    """Takes the commands of every stream that is not an engagement's, in turn."""

    @workflow.init
    def __init__(self, start: HostRun) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: HostRun) -> None:
        """Wait until every command that came is answered."""
        await self.live()

    @workflow.update(name="execute")
    async def execute(self, envelope: Envelope) -> Receipt:
        """Record one command; the update's id is the command's."""
        return await self.answer(envelope)

    @execute.validator
    def _is_ours(self, envelope: Envelope) -> None:
        if host_workflow_id(envelope.stream) != self.carried.stream:
            raise ValueError(f"{envelope.stream} is not the program's")
