"""The least that takes a command: an update that has an activity do nothing, as the SDK runs it."""

import asyncio
from datetime import timedelta

from temporalio import activity, workflow


@activity.defn
async def bare_activity(text: str) -> str:
    """Does nothing."""
    return text


@workflow.defn
class Bare:
    """Takes one update after the other, and has an activity for each."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    @workflow.run
    async def run(self) -> None:
        """Stay until it is ended."""
        await workflow.wait_condition(lambda: False)

    @workflow.update
    async def execute(self, text: str) -> str:
        """Have the activity do nothing."""
        async with self._lock:
            return await workflow.execute_activity(
                bare_activity, text, start_to_close_timeout=timedelta(seconds=10)
            )
