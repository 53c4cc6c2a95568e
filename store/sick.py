"""Streams that cannot be read for now: noted where they are met, looked at again, and let go.

Whoever reads many streams goes round them.  A stream is sick by itself: no other waits for it.
"""

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from store import defects
from store.database import AWAY, Connection, listed, queries
from store.defects import problem_of
from store.errors import MEND, RESTORE, ForeignKey, Unreadable, VaultError
from store.events import Conflict
from store.vault import Vault

_ABOUT_THE_ROW = (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError)
"""What the database says of values that it cannot keep: asked again it says the same."""


def sickness(problem: Exception, stream: str) -> Unreadable | None:
    """What a problem that came up while a stream was dealt with says of that stream.

    Returns:
        None where it says nothing: a part is away, somebody wrote first, or this process has
        another master key than the store.
    """
    match problem:
        case Unreadable():
            return problem.seen_from(stream)
        case ForeignKey() | Conflict() | asyncpg.UniqueViolationError():
            return None
        case VaultError():
            return Unreadable(stream, None, str(problem), RESTORE)
        case _ if isinstance(problem, AWAY) and not isinstance(problem, _ABOUT_THE_ROW):
            return None
        case _:
            return Unreadable(stream, None, f"a rule fails on it ({problem_of(problem)})", MEND)


async def note(connection: Connection, sick: Unreadable) -> None:
    """Keep that something cannot be read, until somebody finds that it can."""
    told = f"{sick.why}. {sick.remedy}"
    await defects.note(connection, "stream", sick.stream, told, stream=sick.stream)


async def examine(connection: Connection, vault: Vault, stream: str) -> Unreadable | None:
    """What is wrong with a stream, or with a mail or a receipt; None where it can be read."""
    try:
        async with connection.transaction():
            await _read(connection, vault, stream)
    except Exception as problem:
        if sick := sickness(problem, stream):
            return sick
        raise
    return None


async def _read(connection: Connection, vault: Vault, stream: str) -> None:
    from domain.owing.obligations import owed_now
    from domain.reminders.claiming import next_wake
    from store.context import standing
    from store.documents import check_published
    from store.events import read_state
    from store.mails import kept_letter

    kind, _, name = stream.partition(":")
    match kind:
        case "mail":
            row = await queries.mail(connection, id=UUID(name))
            unreached = await queries.is_unreached(connection, mail=UUID(name))
            if row is None or not (row["outcome"] is None or unreached):
                return
            try:
                await kept_letter(connection, vault, row)
            except Unreadable as sick:
                if not unreached:
                    raise
                why = f"{sick.why}; and somebody who was erased is still to be taken out of it"
                raise Unreadable(sick.stream, None, why, sick.remedy) from sick
        case "receipt":
            from store.receipts import kept_receipt

            row = await queries.receipt(connection, command_id=UUID(name))
            if row is not None:
                await kept_receipt(connection, vault, UUID(name), row["receipt"])
        case _:
            state = await read_state(connection, vault, stream)
            if kind in ("playbook", "calendar", "framework"):
                await check_published(connection, kind, name)
            if kind in ("engagement", "appropriation") and state.version:
                context = await standing(connection, state, datetime.now(UTC))
                owed_now(state, context)
                next_wake(state, context)


async def look_over(
    connection: Connection, vault: Vault, streams: Sequence[str] | None = None
) -> AsyncIterator[Unreadable]:
    """Every stream of some that cannot be read, or of all of them; read one after the other."""
    if streams is None:
        streams = [row["stream"] for row in await listed(queries.all_streams(connection))]
    for stream in streams:
        if sick := await examine(connection, vault, stream):
            yield sick
