"""What a program shares: its people, LEAs, playbooks and calendars, and its Monday mornings."""

from temporalio import workflow
from temporalio.common import VersioningBehavior

with workflow.unsafe.imports_passed_through():
    from activities.names import ANNOUNCE_OVERVIEWS, RECORD_QUEUE, Announced
    from domain.envelope import Envelope, Receipt
    from domain.streams import host_workflow_id
    from workflows.host import KEEP_TRYING, RECORD_TIMEOUT, Host, HostRun, beside, not_taken


@workflow.defn(name="Program", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class ProgramWorkflow(Host):
    """Takes the commands of what the program shares, in turn, and wakes for its overviews."""

    @workflow.init
    def __init__(self, start: HostRun | None = None) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: HostRun | None = None) -> None:
        """Wait for commands and for Monday mornings, for as long as there is a program."""
        await self.live()

    @workflow.update(name="execute")
    async def execute(self, envelope: Envelope) -> Receipt:
        """Record one command."""
        return await self.answer(envelope)

    @execute.validator
    def _is_ours(self, envelope: Envelope) -> None:
        if host_workflow_id(envelope.stream) != self.carried.stream:
            raise not_taken(f"{envelope.stream} is not the program's")

    async def woken(self) -> None:
        """Start the mails of everybody who has an overview to come."""
        announced: Announced = await workflow.execute_activity(
            ANNOUNCE_OVERVIEWS,
            result_type=Announced,
            task_queue=beside(RECORD_QUEUE),
            start_to_close_timeout=RECORD_TIMEOUT,
            retry_policy=KEEP_TRYING,
        )
        self.wake_at(announced.again_at)
