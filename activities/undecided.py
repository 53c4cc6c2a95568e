"""What is no passing outage is tried a few times, noted as a defect, and holds up nothing else.

An outage is for Temporal to wait out: nothing accepted is given up for it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from temporalio import activity
from temporalio.client import (
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError, RPCStatusCode

from activities.mail.deliver import MailUnavailable
from store.database import Pool, is_outage
from store.defects import Kind, mend, note, problem_of

T = TypeVar("T")

TRIES = 3
PAUSE_SECONDS = 0.2
"""Between tries: what came of two things at once does not come again."""

OFTENEST, RAREST = timedelta(minutes=1), timedelta(hours=1)
"""How soon what is defect is tried again at first, and at last."""

_ITS_OWN_FAULT = (RPCStatusCode.INVALID_ARGUMENT, RPCStatusCode.OUT_OF_RANGE)
_RUN_ENDED = "AcceptedUpdateCompletedWorkflow"
"""What Temporal says of a command whose run ended before it was carried out."""


def is_passing(error: BaseException) -> bool:
    """Whether an error is an outage of something, which is waited out."""
    if isinstance(error, RPCError):
        return error.status not in _ITS_OWN_FAULT
    if isinstance(error, WorkflowUpdateFailedError):
        return isinstance(error.cause, ApplicationError) and error.cause.type == _RUN_ENDED
    if isinstance(error, WorkflowUpdateRPCTimeoutOrCancelledError | MailUnavailable):
        return True
    return is_outage(error)


def pace(seen: int) -> timedelta:
    """How long what failed so often rests before it is tried again."""
    doubled: int = 2 ** min(seen - 1, 10)
    return min(OFTENEST * doubled, RAREST)


async def few_times(work: Callable[[], Awaitable[T]]) -> T:
    """Do it, a few times where it fails by no outage."""
    for _ in range(TRIES - 1):
        try:
            return await work()
        except Exception as error:
            if is_passing(error):
                raise
        await asyncio.sleep(PAUSE_SECONDS)
    return await work()


async def or_rest(pool: Pool, mail: str, work: Callable[[], Awaitable[T]]) -> T:
    """Work on one mail; a defect stops it alone, and is tried again ever more rarely.

    Raises:
        ApplicationError: A defect, with when Temporal is to try again.
    """
    try:
        done = await work()
    except Exception as error:
        if is_passing(error):
            raise
        async with pool.acquire() as connection:
            seen = await note(connection, "mail", mail, error)
        raise ApplicationError(problem_of(error), next_retry_delay=pace(seen)) from error
    if activity.info().attempt > 1:
        await _mend(pool, "mail", mail)
    return done


async def or_later(pool: Pool, stream: str, work: Callable[[], Awaitable[T]]) -> T | timedelta:
    """Do what a stream's moment asks for; where it is defect, how long to rest."""
    try:
        done = await work()
    except Exception as error:
        if is_passing(error):
            raise
        async with pool.acquire() as connection:
            seen = await note(connection, "moment", stream, error, stream=stream)
        return pace(seen)
    await _mend(pool, "moment", stream)
    return done


async def _mend(pool: Pool, kind: Kind, place: str) -> None:
    async with pool.acquire() as connection:
        await mend(connection, kind, place)
