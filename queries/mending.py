"""What was typed for an entry that is to be put right."""

from typing import TYPE_CHECKING, Any

from domain.engagement.engagement import EngagementClosed, EngagementWithdrawn
from domain.kernel.refusals import Unknown, WrongState
from domain.rules.registry import COMMANDS, as_mended
from domain.streams import id_of
from queries.refs import person_named
from queries.source import Source
from store.database import queries
from store.events import read_stream
from store.past import typed_for

if TYPE_CHECKING:
    from domain.kernel.messages import Command


async def typed_then(
    source: Source, stream: str, entry: int
) -> "tuple[type[Command], dict[str, Any]]":
    """The command that made an entry, with the values that were typed then.

    Raises:
        Refused: There is no such entry, or what was typed was not kept.
    """
    async with source.pool.acquire() as connection:
        history = await read_stream(connection, source.vault, stream)
        if not 1 <= entry <= len(history):
            raise Unknown(
                f"{stream} has no entry {entry}: they go from 1 to {len(history)}. See them "
                f"all: handrail history {stream}"
            )
        envelope = await typed_for(connection, source.vault, history, entry)
    if envelope is None:
        raise WrongState(
            f"{stream}: what was typed for entry {entry} is not kept: Handrail recorded it by "
            f"itself, or somebody in it was erased. Put right what it follows from, or take it "
            f'back: handrail retract {stream} {entry} --reason "..."'
        )
    return COMMANDS[envelope.kind], dict(envelope.body)


async def end_of(source: Source, stream: str) -> int:
    """The entry that ended an engagement.

    Raises:
        WrongState: It is not over.
    """
    async with source.pool.acquire() as connection:
        history = as_mended(await read_stream(connection, source.vault, stream))
    for recorded in reversed(history):
        if isinstance(recorded.event, EngagementClosed | EngagementWithdrawn):
            return recorded.stamp.version
    raise WrongState(
        f"{id_of(stream)} is neither closed nor withdrawn, so there is nothing to reopen. See "
        f"where it stands: handrail engagement show {id_of(stream)}"
    )


async def last_entry(source: Source, actor: str) -> Any:
    """The last entry of somebody: its stream, version and type.

    Raises:
        Unknown: They have entered nothing yet.
    """
    me = await person_named(source, actor)
    async with source.pool.acquire() as connection:
        row = await queries.last_entry_of(connection, actor=me.id)
    if row is None:
        raise Unknown("You have entered nothing yet. See: handrail due")
    return row
