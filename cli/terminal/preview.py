"""What a command would record, shown to somebody who is asked whether they want it."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from cli.terminal.output import USAGE, fail
from domain.kernel.refusals import Refused
from domain.kernel.wording import full
from domain.streams import id_of

if TYPE_CHECKING:
    from bootstrap.door import Door
    from domain.envelope import Envelope
    from queries.names import Names


def asks() -> bool:
    """Whether somebody sits there who can be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def wanted(lines: Sequence[str]) -> bool:
    """Whether somebody at a terminal wants what they are shown."""
    for line in lines:
        print(line)
    return input("Record this? [y/N] ").strip().casefold() in ("y", "yes")


async def end_wanted(door: "Door", envelope: "Envelope", names: "Names") -> bool:
    """Whether somebody who sees what ends with it wants it; in a script nobody is asked.

    Raises:
        Refused: It would not be taken.
    """
    from queries.preview import what_follows

    sentences, owed = await what_follows(door, envelope)
    lines = [*sentences, *([f"Open until then: {full('; '.join(owed))}"] if owed else [])]
    await names.learn(*lines)
    told = [names.told(line) for line in lines]
    if not asks():
        fail(
            f"This ends something, and nobody can be asked here. {' '.join(told)} If that is "
            f"meant, add --yes.",
            USAGE,
        )
    return wanted(told)


async def ends_wanted(door: "Door", rows: Mapping[int, "Envelope"]) -> bool:
    """Whether somebody wants what rows of a file end; in a script nobody is asked.

    Args:
        rows: What each gives, by its number.
    """
    from queries.names import Names
    from queries.preview import what_follows

    names, lines = Names(door), list[str]()
    for number, envelope in rows.items():
        try:
            sentences, owed = await what_follows(door, envelope)
        except Refused:  # It rests on what the file says before it.
            sentences, owed = [f"{envelope.kind}, {id_of(envelope.stream)}."], []
        open_until = f" Open until then: {full('; '.join(owed))}" if owed else ""
        lines.append(f"Row {number} ends something: {' '.join(sentences)}{open_until}")
    await names.learn(*lines)
    told = [names.told(line) for line in lines]
    if not asks():
        fail(
            f"{' '.join(told)} Nobody can be asked here, so nothing was written. If that is "
            f"meant, add --yes.",
            USAGE,
        )
    return wanted(told)
