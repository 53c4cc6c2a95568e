"""Writes every read model anew from the events alone."""

from dataclasses import dataclass

from store.context import standing
from store.database import Connection, listed, queries
from store.errors import Unreadable
from store.events import folded, read_stream
from store.projections import project
from store.sick import note, sickness
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


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild did."""

    streams: int
    """How many were projected."""
    left: tuple[Unreadable, ...]
    """Those that cannot be read; what the read models said of them stands."""


async def rebuild(connection: Connection, vault: Vault) -> Rebuilt:
    """Empty the read models and project every stream again, in one transaction.

    People go on reading what was there until it commits; a writer waits for it, then adds its own
    events' rows.  One stream is folded at a time, so memory does not grow with the store.

    A stream that cannot be read keeps the rows it has; when one is met, all is begun again without
    emptying those.
    """
    left: dict[str, Unreadable] = {}
    async with connection.transaction():
        await queries.lock_read_models(connection)
        while True:
            attempt = connection.transaction()
            await attempt.start()
            try:
                await queries.clear_read_models(connection, kept=[*left])
                projected, met = await _everything(connection, vault, left)
            except BaseException:
                await attempt.rollback()
                raise
            if not met:
                await attempt.commit()
                break
            await attempt.rollback()
            left |= met
        for sick in left.values():
            await note(connection, sick)
        await queries.take_statistics(connection)
    return Rebuilt(projected, tuple(left.values()))


async def _everything(
    connection: Connection, vault: Vault, left: dict[str, Unreadable]
) -> tuple[int, dict[str, Unreadable]]:
    """Project every stream but some; how many that were, and which others cannot be.

    Where one of a kind cannot be, the kinds after it are left for another attempt: they rest on it.
    """
    met: dict[str, Unreadable] = {}
    projected = 0
    for aggregate in ORDER:
        rows = await listed(queries.streams_of(connection, aggregate=aggregate))
        look_at = _FIRST_LOOK
        for done, stream in enumerate((row["stream"] for row in rows), 1):
            if stream in left:
                continue
            try:
                async with connection.transaction():
                    await _projected(connection, vault, stream)
                projected += 1
            except Exception as problem:
                sick = sickness(problem, stream)
                if sick is None:
                    raise
                met[stream] = sick
            if done == look_at:
                await queries.take_statistics(connection)
                look_at *= 10
        if met:
            break
    return projected, met


async def _projected(connection: Connection, vault: Vault, stream: str) -> None:
    history = await read_stream(connection, vault, stream)
    state = folded(stream, history)
    context = await standing(connection, state, history[-1].stamp.recorded_at)
    await project(connection, state, history, context)
