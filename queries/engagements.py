"""All engagements: where each stands, who leads it and what is next."""

from typing import Any

from domain.kernel.phases import Phase
from domain.kernel.wording import exact
from queries.clocks import today_of
from queries.names import Names
from queries.refs import person_named
from queries.roles import Absences, absences
from queries.roles import as_data as absence_as_data
from queries.source import Source
from store.database import listed, queries


async def engagements(
    source: Source, phase: Phase | None, person: str | None
) -> tuple[list[Any], Absences, Names]:
    """Every engagement, where it stands and what is next; people by id.

    Args:
        phase: Only engagements in this phase.
        person: Only engagements in which this person has a role.
    """
    today = await today_of(source)
    async with source.pool.acquire() as connection:
        who = (await person_named(source, person)).id if person else None
        rows = await listed(queries.engagements(connection, phase=phase, person=who))
        leads = [(r["id"], "lead", r["lead"]) for r in rows if not r["ended_at"]]
        away = await absences(connection, leads, today)
    names = Names(source)
    await names.learn(*(r["lead"] for r in rows), *(r["director"] for r in rows))
    await names.learn(*(absent.stands_in for absent in away.values()))
    return rows, away, names


def as_data(row: Any, away: Absences, names: Names) -> dict[str, Any]:
    """One engagement of the list as plain data."""
    absent = absence_as_data(away.get((row["id"], "lead")), names)
    return {
        **dict(row),
        "lead": names.handle(row["lead"]),
        "director": names.handle(row["director"]),
        "lead_left_on": absent["left_on"],
        "lead_stands_in": absent["stands_in"],
        "invested": exact(row["invested"]),
    }
