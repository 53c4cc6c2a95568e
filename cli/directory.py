"""The registry of LEAs and the directory of people: all of them, and one with its facts."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from cli.terminal.nouns import noun
from cli.terminal.output import emit_json, emit_table
from cli.terminal.session import Json, Shown, run
from cli.verbs import Verbs
from domain.kernel.wording import counted, spoken

if TYPE_CHECKING:
    pass


def register(app: Verbs) -> None:
    """Add the questions."""
    noun(app, "lea").command(lea_list, name="list")
    noun(app, "lea").command(lea_show, name="show")
    noun(app, "lea").command(lea_facts, name="facts")
    noun(app, "person").command(person_list, name="list")
    noun(app, "person").command(person_show, name="show")


def lea_list(*, json_: Json = False) -> None:
    """Show the registry of LEAs."""
    from queries.directory import leas

    rows = run(leas)
    if json_:
        for row in rows:
            emit_json(row)
        return
    emit_table(
        counted(len(rows), "LEA"),
        ("Id", "Name", "Type", "County", "Also called"),
        [
            (
                r["id"],
                r["name"] + (f", until {spoken(r['closed_on'])}" if r["closed_on"] else ""),
                r["type"].replace("_", " "),
                r["county"],
                ", ".join(r["aliases"]),
            )
            for r in rows
        ],
        empty="Register one: handrail lea register --help",
    )


def lea_show(lea: str, /, *, json_: Json = False) -> None:
    """Show one LEA with its facts and their sources.

    Args:
        lea: The LEA, by id, name or alias.
        json_: One JSON object.
    """
    from domain.rules.context import became
    from queries.directory import lea_of

    row = run(lambda door: lea_of(door, lea))
    if json_:
        emit_json(row)
        return
    print(f"{row['name']} ({row['id']}), {row['type'].replace('_', ' ')}")
    for label, value in (
        ("Became", row["closed_on"] and became(row["closed_on"], (*row["successors"],))),
        ("County", row["county"]),
        ("CDS code", row["cds"]),
        ("Part of", row["parent"]),
        ("Also called", ", ".join(row["aliases"]) or None),
        ("Source", row["source"]),
        ("Engagements", ", ".join(f"{e['id']} ({e['phase']})" for e in row["engagements"])),
        ("Classified", classified(row["profile"])),
        ("Recess", "; ".join(f"{c['name']} {c['first']} to {c['last']}" for c in row["recess"])),
        ("Works all the same", ", ".join(str(day) for day in row["works"])),
    ):
        if value or label != "Became":
            print(f"  {label}: {value or '–'}")
    if row["facts"]:
        show_facts("Facts", row["facts"])


def person_list(*, organisation: str | None = None, json_: Json = False) -> None:
    """Show the directory.

    Args:
        organisation: Only people of this LEA, or "agency", or "external".
        json_: One JSON object a line.
    """
    from queries.directory import people

    rows = run(lambda door: people(door, organisation))
    if json_:
        for row in rows:
            emit_json(row)
        return
    emit_table(
        counted(len(rows), "person", "people"),
        ("Handle", "Name", "Mail", "Comes", "Works at", "Staff roles", "Leaves", "Fallback"),
        [
            (
                r["handle"],
                r["name"],
                r["email"],
                r["digest"],
                _works_at(r),
                ", ".join(r["staff_roles"]),
                spoken(r["left_on"]) if r["left_on"] else "",
                r["fallback"],
            )
            for r in rows
        ],
        empty="Register somebody: handrail person register --help",
    )


def _works_at(row: dict[str, Any]) -> str:
    kind, colon, name = row["organisation"].partition(":")
    return f"{name} ({kind})" if colon else kind


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


def lea_facts(lea: str | None = None, /, *, conflicts: Shown = False, json_: Json = False) -> None:
    """Show the facts about an LEA, or about all of them, each with its source.

    Args:
        lea: The LEA, by id, name or alias; every LEA if left out.
        conflicts: Only facts that contradict each other and are not settled.
        json_: One JSON object a line.
    """
    from queries.directory import facts

    rows = run(lambda door: facts(door, lea, conflicts=conflicts))
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
    from queries.directory import person_of

    found = run(lambda door: person_of(door, person))
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
