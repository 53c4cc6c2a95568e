"""Writes every read model anew from the events alone."""

from domain.kernel import fold
from store.context import standing
from store.database import Connection, listed, queries
from store.events import read_stream
from store.projections import project
from store.vault import Vault

ORDER = (
    "calendar", "playbook", "framework", "program", "person", "lea", "appropriation", "engagement",
    "summit",
)  # fmt: skip
"""What an engagement's projection looks up is there before it."""

_FIRST_LOOK = 100
"""After so many streams of a kind the tables are looked at, and again after ten times as many.

The plans of the first statements were made on empty tables: they would read all that came since.
"""


async def rebuild(connection: Connection, vault: Vault) -> int:
    """Empty the read models and project every stream again, in one transaction.

    People go on reading what was there until it commits; a writer waits for it, then adds its own
    events' rows.  One stream is folded at a time, so memory does not grow with the store.

    Returns:
        How many streams were projected.
    """
    async with connection.transaction():
        await queries.lock_read_models(connection)
        await queries.clear_read_models(connection)
        projected = 0
        for aggregate in ORDER:
            rows = await listed(queries.streams_of(connection, aggregate=aggregate))
            look_at = _FIRST_LOOK
            for done, row in enumerate(rows, 1):
                await _projected(connection, vault, row["stream"])
                if done == look_at:
                    await queries.take_statistics(connection)
                    look_at *= 10
            projected += len(rows)
        await queries.take_statistics(connection)
    return projected


async def _projected(connection: Connection, vault: Vault, stream: str) -> None:
    history = await read_stream(connection, vault, stream)
    state = fold(stream, history)
    context = await standing(connection, state, history[-1].stamp.recorded_at)
    await project(connection, state, history, context)
