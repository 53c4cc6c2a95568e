"""What a command recorded, and what somebody should look at now."""

from typing import TYPE_CHECKING

from domain.streams import id_of
from queries.source import Source
from store.database import listed, queries
from store.events import read_stream

if TYPE_CHECKING:
    from domain.envelope import Receipt


GIVES_A_LEAD = frozenset({"engagement-opened", "handover-set", "role-assigned"})
"""The events by which somebody may come to lead more than they can."""

BRINGS_MONEY = frozenset({"investment-added", "appropriation-recorded"})
"""The events by which an investment may stand outside the appropriation it should draw from."""


async def warned(source: Source, receipt: "Receipt") -> list[str]:
    """What somebody should look at now that this is recorded; it never blocks."""
    kinds = {event.type for event in receipt.events}
    warnings: list[str] = []
    if not GIVES_A_LEAD.isdisjoint(kinds):
        from queries.handover import overload

        warnings += await overload(source, receipt)
    if not BRINGS_MONEY.isdisjoint(kinds):
        from queries.unappropriated import unappropriated

        warnings += await unappropriated(source, receipt)
    if "person-erased" in kinds:
        warnings += await unreached(source, id_of(receipt.stream))
    return warnings


async def unreached(source: Source, person: str) -> list[str]:
    """What erasing somebody could not reach."""
    async with source.pool.acquire() as connection:
        rows = await listed(queries.unreached_of(connection, person=person))
    if not rows:
        return []
    them = ", ".join(row["mail"] for row in rows)
    return [f"not reached yet, for it cannot be opened: {them}. It follows then: handrail doctor"]


async def told(source: Source, receipt: "Receipt") -> list[str]:
    """What a command recorded, a sentence an event."""
    sentences: list[str] = []
    async with source.pool.acquire() as connection:
        for stream in dict.fromkeys(e.stream for e in receipt.events):
            versions = {e.version for e in receipt.events if e.stream == stream}
            recorded = await read_stream(connection, source.vault, stream, after=min(versions) - 1)
            sentences += [r.event.sentence() for r in recorded if r.stamp.version in versions]
    return sentences
