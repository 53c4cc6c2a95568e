"""The registry and the directory in detail: facts with their sources, and one person."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

from cli.asking import Json, Names, counted, lea_named, person_named, run
from cli.nouns import noun
from cli.output import emit_json, emit_table
from cli.verbs import Parameter, Verbs

if TYPE_CHECKING:
    from bootstrap.door import Door

Switch = Annotated[bool, Parameter(negative="")]


def register(app: Verbs) -> None:
    """Add the questions."""
    noun(app, "lea").command(lea_facts, name="facts")
    noun(app, "person").command(person_show, name="show")


def classified(profile: dict[str, Any]) -> str | None:
    """What an LEA is like, in a line; None where nobody said."""
    share = profile["unduplicated"]
    said = (
        profile["locale"],
        profile["region"],
        f"{share}% unduplicated pupils" if share is not None else None,
    )
    return ", ".join(part for part in said if part) or None


def standing(fact: dict[str, Any]) -> str:
    """How a fact stands among the others, in a few words."""
    against = " and ".join(fact["against"])
    match fact["standing"]:
        case "in conflict":
            return f"IN CONFLICT with {against}"
        case "prevails":
            return f"prevails over {against}: {fact['why']}"
        case "outweighed":
            return f"outweighed by {against}: {fact['why']}"
        case "withdrawn":
            return f"withdrawn: {fact['why']}"
        case "replaced":
            return "replaced by a later value of its source"
        case _:
            return ""


def show_facts(title: str, facts: Iterable[dict[str, Any]]) -> None:
    """A table of facts with their sources, and a line about each contradiction."""
    rows = list(facts)
    emit_table(
        title,
        ("Id", "Fact", "Value", "Scope", "As of", "Source", "Standing"),
        [
            (
                f["id"],
                f["name"],
                f["said"],
                f["scope"],
                f["as_of"],
                f["source"],
                standing(f),
            )
            for f in rows
        ],
    )
    torn = {f["name"] for f in rows if f["standing"] == "in conflict"}
    for name in sorted(torn):
        said = [f for f in rows if f["name"] == name and f["standing"] == "in conflict"]
        print(
            f"Sources contradict each other about {name}: "
            + "; ".join(f"{f['id']} says {f['said']} ({f['source']})" for f in said)
            + "."
        )


def lea_facts(lea: str | None = None, /, *, conflicts: Switch = False, json_: Json = False) -> None:
    """Show the facts about an LEA, or about all of them, each with its source.

    Args:
        lea: The LEA, by id, name or alias; every LEA if left out.
        conflicts: Only facts that contradict each other and are not settled.
        json_: One JSON object a line.
    """

    async def work(door: "Door") -> list[dict[str, Any]]:
        from store.database import listed, queries

        one = await lea_named(door, lea) if lea is not None else None
        async with door.pool.acquire() as connection:
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

    rows = run(work)
    if json_:
        for row in rows:
            for fact in row["facts"]:
                emit_json({"lea": row["lea"], **fact})
        return
    told = [row for row in rows if row["facts"]]
    for row in told:
        show_facts(
            f"{row['name']} ({row['lea']}): {counted(len(row['facts']), 'fact')}", row["facts"]
        )
    if not told:
        print("No facts contradict each other." if conflicts else "No facts are recorded.")


def person_show(person: str, /, *, json_: Json = False) -> None:
    """Show one person: where they work, whom to write instead, and their engagements.

    Args:
        person: The person's handle.
        json_: One JSON object.
    """

    async def work(door: "Door") -> dict[str, Any]:
        from store.database import listed, queries

        entry = await person_named(door, person)
        async with door.pool.acquire() as connection:
            roles = await listed(queries.engagements_of_person(connection, person=entry.id))
            everybody = await listed(queries.people(connection, organisation=None))
        names = Names(door)
        await names.learn(entry.fallback)
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
            "engagements": [dict(row) for row in roles],
        }

    found = run(work)
    if json_:
        emit_json(found)
        return
    print(f"{found['name']} ({found['handle']})")
    for label, value in (
        ("Mail", found["email"] and f"{found['email']}, {found['digest']}"),
        ("Works at", found["organisation"]),
        ("Staff roles", ", ".join(found["staff_roles"])),
        ("Fallback contact", found["fallback"]),
        ("Fallback contact of", ", ".join(found["fallback_of"])),
    ):
        print(f"  {label}: {value or '–'}")
    for row in found["engagements"]:
        print(f"  {row['role'].replace('_', ' ')} of {row['engagement']} ({row['phase']})")
