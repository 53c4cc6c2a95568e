"""How often a part that ended by itself is started again, and what people are told of it."""

import time
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before each next start of a part that ended by itself; the last for ever after."""

ENDS_AT_MOST = 5
WITHIN_SECONDS = 600.0
"""A server that ended more often than that within so long is left alone: each start that fails
costs its files another recovery, and whoever looks after it must read why.  The worker, which has
no files and often only waits for somebody else's server, is tried for ever, and the alarm stands
meanwhile."""


class Kept:
    """One part, and how it has been kept running."""

    def __init__(self, name: str, *, for_ever: bool = False) -> None:
        """Nothing has happened to it.

        Args:
            name: For people.
            for_ever: Start it again however often it ended.
        """
        self.name = name
        self.due: float | None = None
        """When it is started again; None while it runs, and once it is given up."""
        self.restarts = 0
        self.restarted_at: datetime | None = None
        self._for_ever = for_ever
        self._ends: deque[float] = deque()
        self._log: Path | None = None
        self._why = ""

    def ended(self, why: str, log: Path) -> str:
        """Note that it ended, or did not start again; answers what to say of it."""
        now = time.monotonic()
        self._log, self._why = log, why
        self._ends.append(now)
        self._forget()
        if self._given_up():
            self.due = None
            return f"{self.name} {why}. {self.alarm}"
        pause = PAUSES[min(len(self._ends), len(PAUSES)) - 1]
        self.due = now + pause
        return f"{self.name} {why}; starting it again in {pause:.0f} s. Its log is {log}."

    def started(self) -> None:
        """Note that it runs again."""
        self.due = None
        self.restarts += 1
        self.restarted_at = datetime.now(UTC)

    @property
    def is_kept(self) -> bool:
        """Whether it would be started again."""
        return not self._given_up()

    @property
    def is_due(self) -> bool:
        """Whether it is to be started again now."""
        return self.due is not None and time.monotonic() >= self.due

    @property
    def alarm(self) -> str | None:
        """What everybody must be told, while it is so."""
        self._forget()
        if len(self._ends) <= ENDS_AT_MOST or self._log is None:
            if self.due is None:
                return None
            return f"{self.name} {self._why}, and is being started again. Its log is {self._log}."
        often = f"ended {len(self._ends)} times within {WITHIN_SECONDS / 60:.0f} minutes"
        if self._given_up():
            return (
                f"{self.name} {often} and is not started again. See {self._log}, then "
                "`handrail down` and `handrail up`."
            )
        return (
            f"{self.name} {often}; it is started again every {PAUSES[-1]:.0f} s. See {self._log}."
        )

    def _given_up(self) -> bool:
        return not self._for_ever and len(self._ends) > ENDS_AT_MOST

    def _forget(self) -> None:
        """Ends long ago count no more; what is given up stays so."""
        while (
            self._ends
            and not self._given_up()
            and time.monotonic() - self._ends[0] > WITHIN_SECONDS
        ):
            self._ends.popleft()
