"""An engagement as it is asked for: as known on a day, as true on a day, or now."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from domain.engagement.state import Engagement, with_lea
from domain.kernel.messages import Recorded, State
from domain.kernel.refusals import Unknown
from domain.policy.playbook import Playbook
from domain.rules.context import Context, LeaEntry
from domain.rules.registry import as_mended
from queries.clocks import end_of, not_to_come, zone_of
from queries.names import Names
from queries.refs import engagement_named
from queries.source import Source
from store.context import leas_named, standing
from store.directory import leas_known
from store.documents import playbook
from store.events import as_true, folded, read_state, read_stream


async def read_history(
    source: Source,
    stream: str,
    known: date | None,
    true: date | None,
    zone: ZoneInfo,
    *,
    as_recorded: bool = False,
) -> list[Recorded]:
    """A stream's events: what was entered by a day, then what was true by a day.

    Args:
        as_recorded: Also what was put right or taken back since, as it was first said.

    Raises:
        ImpossibleDate: One of the days is still to come.
    """
    await not_to_come(source, zone, known, true)
    async with source.pool.acquire() as connection:
        recorded = await read_stream(
            connection, source.vault, stream, known_by=end_of(known, zone) if known else None
        )
    if true:
        return as_true(recorded, end_of(true, zone), zone.key)
    return recorded if as_recorded else list(as_mended(recorded))


async def registered(
    source: Source, lea: str, known: date | None, zone: ZoneInfo
) -> LeaEntry | None:
    """What the registry says of an LEA, or said at the end of a day."""
    async with source.pool.acquire() as connection:
        found = (
            await leas_known(connection, source.vault, [lea], end_of(known, zone))
            if known
            else await leas_named(connection, {lea})
        )
    return found.get(lea)


@dataclass(frozen=True)
class Seen:
    """An engagement as it was asked for."""

    state: State
    history: Sequence[Recorded]
    zone: ZoneInfo
    known: date | None
    true: date | None
    now: datetime
    names: Names
    """What people are called, or were called on the day as of which it is known."""

    @property
    def today(self) -> date:
        """The day of now, where the program is."""
        return self.now.astimezone(self.zone).date()

    @property
    def day(self) -> date:
        """The day it is looked at: today, or the earliest of those asked for."""
        return min(d for d in (self.today, self.known, self.true) if d)


async def seen(source: Source, engagement: str, known: date | None, true: date | None) -> Seen:
    """An engagement folded as known and as true on the days that are asked for.

    Args:
        engagement: Its id, or any name of its LEA.

    Raises:
        ImpossibleDate: One of the days is still to come.
        Unknown: There is none, or it was not open yet on that day.
    """
    one = await engagement_named(source, engagement)
    zone = await zone_of(source)
    stream = f"engagement:{one}"
    history = await read_history(source, stream, known, true, zone)
    state = folded(stream, history)
    if state.of(Engagement).phase is None:
        raise Unknown(
            f"{one} was not open yet on that day. Ask for a later one, or see "
            f"handrail history {one}"
        )
    state = with_lea(state, await registered(source, state.of(Engagement).lea, known, zone))
    now = await source.now()
    return Seen(state, history, zone, known, true, now, Names(source, known))


async def around(source: Source, found: Seen) -> Context:
    """What the rules know of an engagement now: its playbook, calendars, people and LEAs."""
    async with source.pool.acquire() as connection:
        return await standing(connection, found.state, found.now)


async def pinned(source: Source, found: Seen) -> Playbook | None:
    """The version of the playbook that an engagement follows."""
    async with source.pool.acquire() as connection:
        return await playbook(connection, found.state.of(Engagement).playbook)


async def standing_of(source: Source, name: str) -> tuple[State, "Context"]:
    """An engagement as it is now, with what is known of it."""
    stream = f"engagement:{await engagement_named(source, name)}"
    async with source.pool.acquire() as connection:
        state = await read_state(connection, source.vault, stream)
        return state, await standing(connection, state, await source.now())
