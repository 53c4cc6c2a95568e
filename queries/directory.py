"""The registry of LEAs and the directory of people: all of them, and one with its facts."""

import json
from typing import Any

from domain.streams import AGENCY, EXTERNAL
from queries.clocks import today_of
from queries.names import Names
from queries.refs import lea_named, person_named
from queries.roles import absences
from queries.source import Source
from store.database import listed, queries


async def leas(source: Source) -> list[dict[str, Any]]:
    """The registry of LEAs."""
    async with source.pool.acquire() as connection:
        return [dict(row) for row in await listed(queries.leas(connection))]


async def lea_of(source: Source, lea: str) -> dict[str, Any]:
    """One LEA with its facts and their sources."""
    found = await lea_named(source, lea)
    async with source.pool.acquire() as connection:
        row = await queries.lea(connection, name=found.id)
        engagements = await listed(queries.engagements_of_lea(connection, lea=row["id"]))
    return {
        **dict(row),
        "facts": json.loads(row["facts"]),
        "recess": json.loads(row["recess"]),
        "profile": json.loads(row["profile"]),
        "engagements": [{"id": e["id"], "phase": e["phase"]} for e in engagements],
    }


async def people(source: Source, organisation: str | None) -> list[dict[str, Any]]:
    """The directory.

    Args:
        organisation: Only people of this LEA, or "agency", or "external".
    """
    place = (
        organisation
        if organisation in (None, AGENCY, EXTERNAL)
        else (await lea_named(source, organisation)).id
    )
    async with source.pool.acquire() as connection:
        rows = await listed(queries.people(connection, organisation=place))
    names = Names(source)
    await names.learn(*(row["fallback"] for row in rows))
    return [{**dict(row), "fallback": names.handle(row["fallback"])} for row in rows]


async def facts(
    source: Source, lea: str | None, *, conflicts: bool = False
) -> list[dict[str, Any]]:
    """The facts about an LEA, or about all of them, each with its source.

    Args:
        conflicts: Only facts that contradict each other and are not settled.
    """
    one = await lea_named(source, lea) if lea is not None else None
    async with source.pool.acquire() as connection:
        rows = await listed(queries.facts_of_leas(connection))
    rows = [row for row in rows if one is None or row["id"] == one.id]
    return [
        {
            "lea": row["id"],
            "name": row["name"],
            "facts": [
                fact
                for fact in json.loads(row["facts"])
                if not conflicts or fact["standing"] == "in conflict"
            ],
        }
        for row in rows
    ]


async def person_of(source: Source, person: str) -> dict[str, Any]:
    """One person: where they work, whom to write instead, and their engagements."""
    entry = await person_named(source, person)
    async with source.pool.acquire() as connection:
        roles = await listed(queries.engagements_of_person(connection, person=entry.id))
        everybody = await listed(queries.people(connection, organisation=None))
        held = [(r["engagement"], r["role"], entry.id) for r in roles if not r["over"]]
        away = await absences(connection, held, await today_of(source))
    names = Names(source)
    await names.learn(entry.fallback, *(absent.stands_in for absent in away.values()))
    return {
        "person": entry.id,
        "handle": entry.handle,
        "name": entry.name,
        "email": entry.email,
        "digest": entry.digest,
        "organisation": entry.organisation,
        "staff_roles": sorted(entry.staff_roles),
        "fallback": names.handle(entry.fallback),
        "fallback_of": [p["handle"] or p["id"] for p in everybody if p["fallback"] == entry.id],
        "left_on": entry.left_on,
        "engagements": [
            {
                "engagement": r["engagement"],
                "role": r["role"],
                "phase": r["phase"],
                "stands_in": names.handle(away[r["engagement"], r["role"]].stands_in)
                if (r["engagement"], r["role"]) in away
                else None,
            }
            for r in roles
        ],
    }
