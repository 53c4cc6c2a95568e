"""One summit: planned, moved, held or called off."""

from datetime import timedelta

from temporalio import workflow
from temporalio.common import VersioningBehavior

with workflow.unsafe.imports_passed_through():
    from activities.names import EXECUTE_COMMAND
    from domain.envelope import Envelope, Receipt
    from domain.streams import id_of
    from domain.summits.summits import ConcludeSummit
    from workflows.host import Host, HostRun

LOOK_AGAIN = timedelta(minutes=5)
"""The store's clock may be a little behind: then the last day is not over yet."""

AFTER_A_DEFECT = timedelta(hours=1)


@workflow.defn(name="Summit", versioning_behavior=VersioningBehavior.AUTO_UPGRADE)
class SummitWorkflow(Host):
    """Takes the summit's commands in turn, and notes when its last day is over."""

    @workflow.run
    async def run(self, start: HostRun | None = None) -> None:
        """Wait until the summit is held or called off."""
        await self.live()

    async def woken(self) -> None:
        """Note that it was held; a new id each time, for the answer may be: not yet."""
        conclude = ConcludeSummit(summit=id_of(self.carried.stream))
        envelope = Envelope.by_system(conclude, workflow.uuid4(), workflow.now())
        receipt = await self.asked(EXECUTE_COMMAND, Receipt, envelope, self.carried.told)
        if receipt.outcome == "defect":
            self.wake_at(workflow.now() + AFTER_A_DEFECT)
            return
        wake = receipt.next_wake
        if wake is not None:
            wake = max(wake, workflow.now() + LOOK_AGAIN)
        self.carried = self.carried.model_copy(
            update={"is_open": receipt.is_open, "next_wake": wake}
        )
