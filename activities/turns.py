"""What one worker does while the others wait to take over, whatever goes wrong meanwhile."""

from collections.abc import Awaitable, Callable

import structlog

from activities.stopping import rest, unless_told_to_stop
from store.database import AWAY, Connection, Pool
from store.errors import ForeignKey
from store.turns import turn

log = structlog.get_logger()

_REST_SECONDS = 2.0
"""After an interruption, and between looks at whose turn it is."""


async def in_turn(
    pool: Pool,
    name: str,
    look: Callable[[Connection], Awaitable[object]],
    *,
    poll_seconds: float,
    away: tuple[type[Exception], ...] = AWAY,
) -> None:
    """Look again and again while the turn is ours, for as long as the worker lives.

    Args:
        look: One look, on the connection of the turn.
        away: What is tried again after a rest; another worker may have the turn meanwhile.
    """
    interrupted = f"{name}_interrupted"
    while True:
        try:
            async with pool.acquire() as connection, turn(connection, name) as ours:
                while await ours.is_ours(connection):
                    await look(connection)
                    await rest(poll_seconds)
        except away as problem:
            unless_told_to_stop(problem)
            why = str(problem) if isinstance(problem, ForeignKey) else type(problem).__name__
            log.warning(interrupted, why=why)
        await rest(_REST_SECONDS)
