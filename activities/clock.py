"""What time it is, for whoever decides by it."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """What time it is: the machine's, or the sandbox's."""

    async def now(self) -> datetime:
        """The instant, in UTC."""
        ...
