"""What a command would record, decided and not recorded."""

from dataclasses import replace
from typing import TYPE_CHECKING

from domain.deciding import decide_in_full
from domain.kernel.wording import spoken
from domain.mending import MENDS
from domain.owing.obligations import owed_now
from queries.source import Source
from store.events import folded, read_stream
from store.finding import canonical_stream
from store.past import past_of
from store.resolving import resolve

if TYPE_CHECKING:
    from domain.envelope import Envelope


async def previewed(source: Source, envelope: "Envelope") -> list[str]:
    """What a command would record, decided and not recorded, a sentence an event.

    Raises:
        Refused: It would not be taken.
    """
    sentences, _ = await what_follows(source, envelope)
    return sentences


async def what_follows(source: Source, envelope: "Envelope") -> tuple[list[str], list[str]]:
    """What would be recorded, and what is owed until then."""
    command, now = envelope.command(), await source.now()
    async with source.pool.acquire() as connection:
        stream = await canonical_stream(connection, envelope.stream)
        history = await read_stream(connection, source.vault, stream)
        state = folded(stream, history)
        context = await resolve(connection, envelope, command, state, now)
        if isinstance(command, MENDS):
            past = await past_of(connection, source.vault, history, command)
            context = replace(context, past=past)
    decided = decide_in_full(command, state, context)
    owed = [f"{o.item} {o.title}" + (f", due {spoken(o.due)}" if o.due else "")
            for o in owed_now(state, context)]  # fmt: skip
    return [event.sentence() for event, _ in decided.own], owed
