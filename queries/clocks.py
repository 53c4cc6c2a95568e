"""The days of a question: the program's zone, the end of a day, and no day to come."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.kernel.refusals import ImpossibleDate
from domain.kernel.wording import spoken
from queries.source import Source


async def not_to_come(
    source: Source, zone: "ZoneInfo", known: date | None, true: date | None = None
) -> None:
    """Refuse a question about a day that has not come: nobody knows yet what will be known then.

    Raises:
        ImpossibleDate: It has not.
    """
    asked = [(o, d) for o, d in (("--as-known", known), ("--as-true", true)) if d]
    today = (await source.now()).astimezone(zone).date() if asked else date.max
    for option, day in asked:
        if day > today:
            raise ImpossibleDate(
                f"{option} {day} is still to come: today is {spoken(today)}. Give today or a day "
                f"before it, or leave it out; what is to come: handrail due"
            )


def end_of(day: date, zone: "ZoneInfo") -> datetime:
    """The last instant of a local day."""
    return datetime.combine(day + timedelta(days=1), time(0), tzinfo=zone) - timedelta(
        microseconds=1
    )


async def zone_of(source: Source) -> ZoneInfo:
    """The zone of the program; UTC before there is one."""
    from store.database import queries

    async with source.pool.acquire() as connection:
        settings = await queries.program(connection)
    return ZoneInfo(settings["zone"] if settings else "UTC")


async def today_of(source: Source) -> date:
    """What day it is where the program is."""
    return (await source.now()).astimezone(await zone_of(source)).date()


def local(instant: datetime, zone: ZoneInfo) -> str:
    """A moment as people there say it, with its weekday."""
    return f"{instant.astimezone(zone):%a %Y-%m-%d %H:%M}"
