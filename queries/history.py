"""Everything that happened, and what was put right since."""

from datetime import date
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from domain.kernel.messages import Recorded
from domain.mending import EntryMended
from queries.clocks import zone_of
from queries.names import Names
from queries.refs import stream_named
from queries.seen import read_history
from queries.source import Source

if TYPE_CHECKING:
    from collections.abc import Sequence


def mended_since(recorded: "Sequence[Recorded]") -> dict[int, tuple[int, str]]:
    """Each version that something else stands for now: the entry that mended it, and how."""
    if not any(r.event.mends() for r in recorded):
        return {}

    return {
        instead.version: (r.stamp.version, "corrected" if r.event.says else "taken back")
        for r in recorded
        if isinstance(r.event, EntryMended)
        for instead in r.event.instead
    }


async def history_of(
    source: Source, name: str, known: date | None, true: date | None
) -> tuple[list[Recorded], Names, ZoneInfo]:
    """Everything that happened on a stream; people by id.

    Args:
        name: An engagement's id, or a whole stream.
    """
    zone = await zone_of(source)
    stream = await stream_named(source, name)
    recorded = await read_history(source, stream, known, true, zone, as_recorded=True)
    names = Names(source, known)
    await names.learn(*(r.stamp.actor for r in recorded), *(r.event.sentence() for r in recorded))
    return recorded, names, zone
