"""One appropriation: until all of it is invested, it expires, or it may lapse."""

from temporalio import workflow
from temporalio.common import VersioningBehavior

with workflow.unsafe.imports_passed_through():
    from activities.names import ANNOUNCE_DUE, RECORD_QUEUE, Announced
    from domain.envelope import Envelope, Receipt
    from workflows.host import KEEP_TRYING, RECORD_TIMEOUT, Host, HostRun, beside, not_taken


@workflow.defn(name="Appropriation", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class AppropriationWorkflow(Host):
    """Takes the appropriation's commands in turn and wakes when Directors are to be reminded."""

    @workflow.init
    def __init__(self, start: HostRun | None = None) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: HostRun | None = None) -> None:
        """Wait until nothing of it need be committed any more."""
        await self.live()

    @workflow.update(name="execute")
    async def execute(self, envelope: Envelope) -> Receipt:
        """Record one command."""
        return await self.answer(envelope)

    @execute.validator
    def _is_ours(self, envelope: Envelope) -> None:
        if envelope.stream != self.carried.stream:
            raise not_taken(f"{envelope.stream} is not {self.carried.stream}")

    async def woken(self) -> None:
        """Hand what is due to the Directors' digests of the day, or note that it expired."""
        announced: Announced = await workflow.execute_activity(
            ANNOUNCE_DUE,
            args=[self.carried.stream, self.carried.told],
            result_type=Announced,
            task_queue=beside(RECORD_QUEUE),
            start_to_close_timeout=RECORD_TIMEOUT,
            retry_policy=KEEP_TRYING,
        )
        self.wake_at(announced.again_at)
        if announced.again_at is None:
            # While something may be committed it will expire one day, so there is always a moment.
            self.carried = self.carried.model_copy(update={"is_open": False})
