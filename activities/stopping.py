"""Ending when told to, whatever else goes wrong on the way out."""

import asyncio


def unless_told_to_stop(problem: BaseException) -> None:
    """Go on after a failure only where nobody has told this task to stop meanwhile.

    What cleans up after a cancellation may fail itself, as on a connection that is dead; its error
    then takes the cancellation's place, and whoever tries again after it would never end.

    Raises:
        CancelledError: Somebody has.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError from problem


async def rest(seconds: float) -> None:
    """Sleep, unless this task was told to stop while something under way kept that to itself.

    Raises:
        CancelledError: It was.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
    await asyncio.sleep(seconds)
