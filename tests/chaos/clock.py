"""The clock of a worker, which somebody can set while it works."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import patch

from bootstrap.clock import SystemClock

CLOCK = "CHAOS_CLOCK"
"""Names the file that says by how many minutes it is wrong."""


def can_be_set() -> None:
    """From now on this process goes by that file: all that its worker knows of the time."""

    async def now(_: SystemClock) -> datetime:
        return datetime.now(UTC) + _wrong_by()

    patch.object(SystemClock, "now", now).start()


def _wrong_by() -> timedelta:
    path = Path(os.environ[CLOCK])
    # An empty file is one that is being written.
    return timedelta(minutes=int((path.read_text() if path.exists() else "") or 0))
