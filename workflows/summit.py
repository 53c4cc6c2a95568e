"""One summit: planned, moved, held or called off."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import VersioningBehavior

with workflow.unsafe.imports_passed_through():
    from activities.names import EXECUTE_COMMAND, RECORD_QUEUE
    from domain.envelope import Envelope, Receipt
    from domain.summits.summits import ConcludeSummit
    from workflows.host import KEEP_TRYING, RECORD_TIMEOUT, Host, HostRun, beside, not_taken

LOOK_AGAIN = timedelta(minutes=5)
"""The store's clock may be a little behind: then the last day is not over yet."""

AFTER_A_DEFECT = timedelta(hours=1)


@workflow.defn(name="Summit", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class SummitWorkflow(Host):
    """Takes the summit's commands in turn, and notes when its last day is over."""

    @workflow.init
    def __init__(self, start: HostRun | None = None) -> None:
        super().__init__(start)

    @workflow.run
    async def run(self, start: HostRun | None = None) -> None:
        """Wait until the summit is held or called off."""
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
        """Note that it was held; a new id each time, for the answer may be: not yet."""
        receipt: Receipt = await workflow.execute_activity(
            EXECUTE_COMMAND,
            args=[
                Envelope.by_system(
                    ConcludeSummit(summit=self.carried.stream.partition(":")[2]),
                    workflow.uuid4(),
                    workflow.now(),
                ),
                self.carried.told,
            ],
            result_type=Receipt,
            task_queue=beside(RECORD_QUEUE),
            start_to_close_timeout=RECORD_TIMEOUT,
            retry_policy=KEEP_TRYING,
        )
        if receipt.outcome == "defect":
            self.wake_at(workflow.now() + AFTER_A_DEFECT)
            return
        wake = receipt.next_wake
        if wake is not None:
            wake = max(wake, workflow.now() + LOOK_AGAIN)
        self.carried = self.carried.model_copy(
            update={"is_open": receipt.is_open, "next_wake": wake}
        )
