"""What is owed, by whom, and who is told in their place."""

from datetime import date, timedelta
from typing import Any

from queries.clocks import zone_of
from queries.names import Names
from queries.refs import engagement_named, person_named
from queries.roles import Absences, Absent, absences
from queries.roles import as_data as absence_as_data
from queries.source import Source
from store.database import listed, queries


async def owed(
    source: Source, engagement: str | None, person: str | None, within: int | None
) -> tuple[list[Any], Absences, Names, date]:
    """What is owed across all engagements and appropriations, soonest first; people by id.

    Args:
        engagement: Only this engagement.
        person: Only what this person owes, or is told of in somebody's place.
        within: Only what is due within so many days.
    """
    zone = await zone_of(source)
    today = (await source.now()).astimezone(zone).date()
    one = await engagement_named(source, engagement) if engagement is not None else None
    who = (await person_named(source, person)).id if person else None
    async with source.pool.acquire() as connection:
        near = await listed(queries.may_stand_in(connection, person=who)) if who else []
        rows = await listed(
            queries.due(
                connection,
                engagement=one,
                person=who,
                stands_in=[r["engagement"] for r in near],
                until=today + timedelta(days=within) if within is not None else None,
            )
        )
        away = await absences(
            connection,
            {(r["engagement"], r["owner"], r["person"]) for r in rows if r["engagement"]},
            today,
        )
    if who:
        rows = [
            r
            for r in rows
            if r["appropriation"]
            or who == r["person"]
            or ((absent := away_from(away, r)) and absent.stands_in == who)
        ]
    names = Names(source)
    await names.learn(*(text for r in rows for text in (r["person"], r["title"])))
    await names.learn(*(absent.stands_in for absent in away.values()))
    return rows, away, names, today


def away_from(away: Absences, row: Any) -> Absent | None:
    """Why no mail reaches who owes this."""
    engagement: str = row["engagement"]
    owner: str = row["owner"]
    return away.get((engagement, owner))


def as_data(row: Any, away: Absences, names: Names) -> dict[str, Any]:
    """One thing that is owed as plain data."""
    return {
        **dict(row),
        "item": names.told(row["item"]),
        "person": names.handle(row["person"]),
        "title": names.told(row["title"]),
        **absence_as_data(away_from(away, row), names),
    }
