"""The clock of whoever gives a command, held against the store's."""

from datetime import datetime

from domain.kernel.refusals import ClocksApart

TOLERANCE_SECONDS = 300
"""Unless the settings say otherwise.  Clocks that are set by a time server are far closer."""


def hold_together(
    given: datetime, store: datetime, tolerance_seconds: int, *, waited: bool = False
) -> None:
    """Refuse what was given by a clock that is not the store's: its today would be another day.

    Args:
        given: What the clock of whoever gives the command says, or said when it was given.
        store: What the store's says.
        tolerance_seconds: How far apart they may be.
        waited: The command may have waited for a worker, so that `given` may lie behind.

    Raises:
        ClocksApart: They are further apart.
    """
    ahead = (given - store).total_seconds()
    if ahead <= tolerance_seconds and (waited or -ahead <= tolerance_seconds):
        return
    raise ClocksApart(
        f"This command was given at {given:%Y-%m-%d %H:%M:%S} by the clock of the machine it comes "
        f"from, while the store's clock says {store:%Y-%m-%d %H:%M:%S} (both UTC). Nothing was "
        f"recorded. Set that machine's clock and repeat; they may be {_told(tolerance_seconds)} "
        f"apart (HANDRAIL_CLOCK_TOLERANCE_SECONDS)."
    )


def _told(seconds: int) -> str:
    return f"{seconds} seconds" if seconds % 60 else f"{seconds // 60} minutes"
