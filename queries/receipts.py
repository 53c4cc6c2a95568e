"""What a command recorded, and what somebody should look at now."""

from typing import TYPE_CHECKING

from domain.streams import id_of
from queries.source import Source
from store.database import listed, queries
from store.events import read_stream

if TYPE_CHECKING:
    from domain.envelope import Receipt
    from domain.kernel.messages import Event


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


async def taken_over(source: Source, receipt: "Receipt") -> list[str]:
    """Who acts from now on, and for what: after somebody left, or a role went to another.

    People are named by id.
    """
    if {"person-left", "role-assigned"}.isdisjoint(e.type for e in receipt.events):
        return []
    from queries.roles import now_acting

    return await now_acting(source, receipt.stream, await recorded_by(source, receipt))


async def unreached(source: Source, person: str) -> list[str]:
    """What erasing somebody could not reach."""
    async with source.pool.acquire() as connection:
        rows = await listed(queries.unreached_of(connection, person=person))
    if not rows:
        return []
    them = ", ".join(row["mail"] for row in rows)
    return [f"not reached yet, for it cannot be opened: {them}. It follows then: handrail doctor"]


async def told(source: Source, receipt: "Receipt") -> list[str]:
    """What a command recorded, a sentence an event, and who takes over what by it."""
    sentences = [event.sentence() for event in await recorded_by(source, receipt)]
    return sentences + await taken_over(source, receipt)


async def recorded_by(source: Source, receipt: "Receipt") -> list["Event"]:
    """What a command recorded."""
    found: list[Event] = []
    async with source.pool.acquire() as connection:
        for stream in dict.fromkeys(e.stream for e in receipt.events):
            versions = {e.version for e in receipt.events if e.stream == stream}
            recorded = await read_stream(connection, source.vault, stream, after=min(versions) - 1)
            found += [r.event for r in recorded if r.stamp.version in versions]
    return found
