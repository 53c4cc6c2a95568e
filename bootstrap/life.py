"""A connection to Temporal that knows the workflows and queues of one life of one store alone."""

import dataclasses
from typing import Any

from temporalio.client import Interceptor, OutboundInterceptor

from domain.streams import in_epoch


class OfThisLife(Interceptor):
    """Gives every workflow id and queue that goes out the epoch of the store.

    So nothing that is started or asked for can be of another life, whoever forgets to say so.
    """

    def __init__(self, epoch: str) -> None:
        self._epoch = epoch

    def intercept_client(self, next: OutboundInterceptor) -> OutboundInterceptor:  # noqa: A002
        """The rest of the client, behind what adds the epoch."""
        return _Outbound(next, self._epoch)


class _Outbound(OutboundInterceptor):
    def __init__(self, rest: OutboundInterceptor, epoch: str) -> None:
        super().__init__(rest)
        self._epoch = epoch

    def _ours(self, asked: Any) -> Any:
        more = {"id": in_epoch(asked.id, self._epoch)}
        if hasattr(asked, "task_queue"):
            more["task_queue"] = in_epoch(asked.task_queue, self._epoch)
        return dataclasses.replace(asked, **more)

    # The name of the argument is the SDK's.
    async def start_update_with_start_workflow(self, input: Any) -> Any:  # noqa: A002
        # Changed, not copied: it also tells its caller how the start went.
        input.start_workflow_input = self._ours(input.start_workflow_input)
        return await self.next.start_update_with_start_workflow(input)

    async def start_workflow(self, input: Any) -> Any:  # noqa: A002
        return await self.next.start_workflow(self._ours(input))

    async def cancel_workflow(self, input: Any) -> Any:  # noqa: A002
        return await self.next.cancel_workflow(self._ours(input))

    async def describe_workflow(self, input: Any) -> Any:  # noqa: A002
        return await self.next.describe_workflow(self._ours(input))

    async def query_workflow(self, input: Any) -> Any:  # noqa: A002
        return await self.next.query_workflow(self._ours(input))

    async def signal_workflow(self, input: Any) -> Any:  # noqa: A002
        return await self.next.signal_workflow(self._ours(input))

    async def terminate_workflow(self, input: Any) -> Any:  # noqa: A002
        return await self.next.terminate_workflow(self._ours(input))

    async def start_workflow_update(self, input: Any) -> Any:  # noqa: A002
        return await self.next.start_workflow_update(self._ours(input))

    def fetch_workflow_history_events(self, input: Any) -> Any:  # noqa: A002
        return self.next.fetch_workflow_history_events(self._ours(input))
