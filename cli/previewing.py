"""What a command would record, shown before it does; and asked, where it ends something."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from cli.output import USAGE, fail
from domain.kernel.wording import full

if TYPE_CHECKING:
    from bootstrap.door import Door
    from cli.asking import Names
    from domain.envelope import Envelope


def asks() -> bool:
    """Whether somebody sits there who can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def wanted(lines: Sequence[str]) -> bool:
    """Whether somebody at a terminal wants what they are shown."""
    for line in lines:
        print(line)
    return input("Record this? [y/N] ").strip().casefold() in ("y", "yes")


async def previewed(door: "Door", envelope: "Envelope") -> list[str]:
    """What a command would record, decided and not recorded, a sentence an event.

    Raises:
        Refused: It would not be taken.
    """
    sentences, _ = await _decided(door, envelope)
    return sentences


async def end_wanted(door: "Door", envelope: "Envelope", names: "Names") -> bool:
    """Whether somebody who sees what ends with it wants it; in a script nobody is asked.

    Raises:
        Refused: It would not be taken.
    """
    sentences, owed = await _decided(door, envelope)
    lines = [*sentences, *([f"Open until then: {full('; '.join(owed))}"] if owed else [])]
    await names.learn(*lines)
    told = [names.told(line) for line in lines]
    if not asks():
        fail(
            f"This ends something, and nobody can be asked here. {' '.join(told)} If that is "
            f"meant, add --sure.",
            USAGE,
        )
    return wanted(told)


async def _decided(door: "Door", envelope: "Envelope") -> tuple[list[str], list[str]]:
    """What would be recorded, and what is owed until then."""
    from domain.deciding import decide_in_full
    from domain.mending import MENDS
    from domain.owing.obligations import owed_now
    from domain.policy.calendar import spoken
    from store.events import folded, read_stream
    from store.finding import canonical_stream
    from store.past import past_of
    from store.resolving import resolve

    command, now = envelope.command(), await door.now()
    async with door.pool.acquire() as connection:
        stream = await canonical_stream(connection, envelope.stream)
        history = await read_stream(connection, door.vault, stream)
        state = folded(stream, history)
        context = await resolve(connection, envelope, command, state, now)
        if isinstance(command, MENDS):
            past = await past_of(connection, door.vault, history, command)
            context = replace(context, past=past)
    decided = decide_in_full(command, state, context)
    owed = [f"{o.item} {o.title}" + (f", due {spoken(o.due)}" if o.due else "")
            for o in owed_now(state, context)]  # fmt: skip
    return [event.sentence() for event, _ in decided.own], owed
