"""What time it is: the machine's clock, or the sandbox's.

The only module that knows how the sandbox makes time: through the test service of Temporal's
time-skipping server. That server may be replaced one day; its replacement belongs here.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # Whoever has the machine's clock needs no Temporal for it.
    from temporalio.client import Client

FIRST_SLICE = timedelta(days=7)
"""The first jump of a journey. Quick ones double the next, slow ones halve it."""

QUICK_SECONDS, SLOW_SECONDS = 0.2, 2.0

SLICE_TIMEOUT = timedelta(minutes=10)
"""A week of a busy cohort takes seconds; this only ends a call that hangs."""


class ClockStuckError(RuntimeError):
    """The sandbox's server did not reach the instant it was sent to."""


class SystemClock:
    """The machine's clock."""

    async def now(self) -> datetime:
        return datetime.now(UTC)


class StoreClock:
    """The database's clock, which stamps what is recorded: whoever works for it goes by it too.

    This machine's may be wrong, and be put right while it is gone by.
    """

    def __init__(self, stamped: datetime) -> None:
        self.set_by(stamped)

    def set_by(self, stamped: datetime) -> None:
        """Go on from what the database's clock shows now."""
        self._stamped, self._since = stamped, time.monotonic()

    async def now(self) -> datetime:
        return self._stamped + timedelta(seconds=time.monotonic() - self._since)


class SandboxClock:
    """The clock of a sandbox: real time flows, and it can be sent ahead, never back."""

    def __init__(self, client: "Client") -> None:
        self._service = client.service_client.test_service

    async def now(self) -> datetime:
        from google.protobuf.empty_pb2 import Empty

        answer = await self._service.get_current_time(Empty())
        return answer.time.ToDatetime(UTC)

    async def hold(self) -> None:
        """Stop the server from jumping by itself whenever nothing runs.

        To be called once, right after the server's start, before anything waits on it.
        """
        from temporalio.api.testservice.v1 import LockTimeSkippingRequest

        await self._service.lock_time_skipping(LockTimeSkippingRequest())

    async def advance(
        self, by: timedelta, progress: Callable[[datetime], None] | None = None
    ) -> datetime:
        """Send the clock ahead; every timer in between fires at its own instant.

        Args:
            by: How far; not negative.
            progress: Told the clock after each slice.

        Returns:
            The clock afterwards.

        Raises:
            ValueError: `by` is negative.
        """
        if by < timedelta(0):
            raise ValueError(f"The sandbox's clock cannot go back (asked for {by}).")
        return await self._travel(await self.now() + by, progress)

    async def to(
        self, instant: datetime, progress: Callable[[datetime], None] | None = None
    ) -> datetime:
        """Send the clock to an instant.

        Args:
            instant: Aware; not before the clock.
            progress: Told the clock after each slice.

        Returns:
            The clock afterwards.

        Raises:
            ValueError: `instant` is naive, in the past, or further ahead than anything counts.
        """
        if instant.tzinfo is None:
            raise ValueError(f"{instant.isoformat()} has no time zone.")
        from domain.kernel.bounds import within_reach

        within_reach(instant)
        now = await self.now()
        if instant < now:
            here = now.astimezone(instant.tzinfo)
            raise ValueError(
                f"The sandbox's clock cannot go back: it is {here:%Y-%m-%d %H:%M} "
                f"{instant.tzinfo}, later than {instant:%Y-%m-%d %H:%M}. "
                f"For an earlier date start a sandbox in another data directory."
            )
        return await self._travel(instant, progress)

    async def _travel(
        self, target: datetime, progress: Callable[[datetime], None] | None
    ) -> datetime:
        from google.protobuf.duration_pb2 import Duration
        from temporalio.api.testservice.v1 import SleepRequest

        now = await self.now()
        piece = FIRST_SLICE
        while (left := target - now) > timedelta(0):
            duration = Duration()
            duration.FromTimedelta(min(left, piece))
            began, before = time.monotonic(), now
            await self._service.unlock_time_skipping_with_sleep(
                SleepRequest(duration=duration), timeout=SLICE_TIMEOUT
            )
            took = time.monotonic() - began
            now = await self.now()
            if now - before < min(left, piece) / 2:
                raise ClockStuckError(
                    f"The sandbox's clock stays at {now:%Y-%m-%d %H:%M} UTC: something due then "
                    "is waiting for a worker. See `handrail doctor`."
                )
            if progress is not None:
                progress(now)
            if took < QUICK_SECONDS:
                piece *= 2
            elif took > SLOW_SECONDS:
                piece = max(piece / 2, timedelta(days=1))
        return now
