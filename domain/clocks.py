"""The clock of whoever gives a command, held against the store's."""

from datetime import datetime, timedelta

from domain.errors import ClocksApart

TOLERANCE = timedelta(minutes=5)
"""Unless the settings say otherwise.  Clocks that are set by a time server are far closer."""


def hold_together(
    given: datetime, store: datetime, tolerance: timedelta, *, waited: bool = False
) -> None:
    """Refuse what was given by a clock that is not the store's: its today would be another day.

    Args:
        given: What the clock of whoever gives the command says, or said when it was given.
        store: What the store's says.
        tolerance: How far apart they may be.
        waited: The command may have waited for a worker, so that `given` may lie behind.

    Raises:
        ClocksApart: They are further apart.
    """
    ahead = given - store
    if ahead <= tolerance and (waited or -ahead <= tolerance):
        return
    raise ClocksApart(
        f"This command was given at {given:%Y-%m-%d %H:%M:%S} by the clock of the machine it comes "
        f"from, while the store's clock says {store:%Y-%m-%d %H:%M:%S} (both UTC). Nothing was "
        f"recorded. Set that machine's clock and repeat; they may be {_told(tolerance)} apart "
        f"(HANDRAIL_CLOCK_TOLERANCE_SECONDS)."
    )


def _told(tolerance: timedelta) -> str:
    minutes, seconds = divmod(int(tolerance.total_seconds()), 60)
    return f"{seconds + 60 * minutes} seconds" if seconds else f"{minutes} minutes"
