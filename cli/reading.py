"""Questions: who and what there is, what is owed, and what happened."""

import json
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING, Annotated, Any

from cli.asking import (
    Date,
    Json,
    Names,
    counted,
    engagement_named,
    lea_named,
    person_named,
    run,
)
from cli.nouns import noun
from cli.output import REFUSED, emit_json, emit_table, fail
from cli.registry import classified, show_facts
from cli.roles import Absent, absences, behind
from cli.roles import as_data as absence_as_data
from cli.verbs import Parameter, Verbs
from domain.kernel.phases import Phase
from domain.kernel.refusals import ImpossibleDate
from domain.kernel.wording import dollars, exact, spoken
from domain.streams import AGENCY, EXTERNAL

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from bootstrap.door import Door
    from domain.kernel.messages import Recorded

Who = Annotated[str | None, Parameter(name="--person")]
FARTHEST = 3660
"""Days: ten years, longer than anything is owed ahead."""

AsKnown = Annotated[Date | None, Parameter(name="--as-known")]
AsTrue = Annotated[Date | None, Parameter(name="--as-true")]


def register(app: Verbs) -> None:
    """Add every question."""
    noun(app, "lea").command(lea_list, name="list")
    noun(app, "lea").command(lea_show, name="show")
    noun(app, "person").command(person_list, name="list")
    noun(app, "engagement").command(engagement_list, name="list")
    noun(app, "engagement").command(engagement_show, name="show")
    app.command(due)
    app.command(history)


def lea_list(*, json_: Json = False) -> None:
    """Show the registry of LEAs."""

    async def work(door: "Door") -> list[dict[str, Any]]:
        from store.database import listed, queries

        async with door.pool.acquire() as connection:
            return [dict(row) for row in await listed(queries.leas(connection))]

    rows = run(work)
    if json_:
        for row in rows:
            emit_json(row)
        return
    emit_table(
        counted(len(rows), "LEA"),
        ("Id", "Name", "Type", "County", "Also called"),
        [
            (r["id"], r["name"], r["type"].replace("_", " "), r["county"], ", ".join(r["aliases"]))
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

    async def work(door: "Door") -> dict[str, Any]:
        from store.database import listed, queries

        found = await lea_named(door, lea)
        async with door.pool.acquire() as connection:
            row = await queries.lea(connection, name=found.id)
            engagements = await listed(queries.engagements_of_lea(connection, lea=row["id"]))
        return {
            **dict(row),
            "facts": json.loads(row["facts"]),
            "recess": json.loads(row["recess"]),
            "profile": json.loads(row["profile"]),
            "engagements": [{"id": e["id"], "phase": e["phase"]} for e in engagements],
        }

    row = run(work)
    if json_:
        emit_json(row)
        return
    print(f"{row['name']} ({row['id']}), {row['type'].replace('_', ' ')}")
    for label, value in (
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
        print(f"  {label}: {value or '–'}")
    if row["facts"]:
        show_facts("Facts", row["facts"])


def person_list(*, organisation: str | None = None, json_: Json = False) -> None:
    """Show the directory.

    Args:
        organisation: Only people of this LEA, or "agency", or "external".
        json_: One JSON object a line.
    """

    async def work(door: "Door") -> list[dict[str, Any]]:
        from store.database import listed, queries

        place = (
            organisation
            if organisation in (None, AGENCY, EXTERNAL)
            else (await lea_named(door, organisation)).id
        )
        async with door.pool.acquire() as connection:
            rows = await listed(queries.people(connection, organisation=place))
        names = Names(door)
        await names.learn(*(row["fallback"] for row in rows))
        return [{**dict(row), "fallback": names.handle(row["fallback"])} for row in rows]

    rows = run(work)
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


def engagement_list(*, phase: Phase | None = None, person: Who = None, json_: Json = False) -> None:
    """Show the portfolio: every engagement, where it stands and what is next.

    Args:
        phase: Only engagements in this phase, for example partnering.
        person: Only engagements in which this person has a role.
        json_: One JSON object a line.
    """

    async def work(door: "Door") -> tuple[list[Any], Absences, Names]:
        from store.database import listed, queries

        today = (await door.now()).astimezone(await _zone(door)).date()
        async with door.pool.acquire() as connection:
            who = (await person_named(door, person)).id if person else None
            rows = await listed(queries.engagements(connection, phase=phase, person=who))
            leads = [(r["id"], "lead", r["lead"]) for r in rows if not r["ended_at"]]
            away = await absences(connection, leads, today)
        names = Names(door)
        await names.learn(*(r["lead"] for r in rows), *(r["director"] for r in rows))
        await names.learn(*(absent.stands_in for absent in away.values()))
        return rows, away, names

    rows, away, names = run(work)
    if json_:
        for r in rows:
            row = dict(r)
            row["lead"], row["director"] = names.handle(r["lead"]), names.handle(r["director"])
            absent = absence_as_data(away.get((r["id"], "lead")), names)
            row["lead_left_on"], row["lead_stands_in"] = absent["left_on"], absent["stands_in"]
            row["invested"] = exact(r["invested"])
            emit_json(row)
        return
    emit_table(
        counted(len(rows), "engagement"),
        ("Engagement", "LEA", "Phase", "Lead", "Next due", "Invested"),
        [
            (
                r["id"] + (" *" if r["illustrative"] else ""),
                r["lea_name"],
                r["phase"] + (", on hold" if r["held_since"] else ""),
                behind(names.of(r["lead"]), away.get((r["id"], "lead")), names),
                spoken(r["next_due"]) if r["next_due"] else "–",
                dollars(r["invested"]) if r["invested"] else "–",
            )
            for r in rows
        ],
        empty="Open one: handrail engagement open --help",
    )
    invested = [r["invested"] for r in rows if r["invested"]]
    if invested:
        print(f"Invested: {dollars(sum(invested))} in {counted(len(invested), 'engagement')}")
    if any(r["illustrative"] for r in rows):
        print("* illustrative: dates and deliverables are invented, not facts about the LEA.")


def engagement_show(
    engagement: str,
    /,
    *,
    as_known: AsKnown = None,
    as_true: AsTrue = None,
    json_: Json = False,
) -> None:
    """Show one engagement: now, as known on a day, or as true on a day.

    Args:
        engagement: The engagement's id, for example alder-creek-usd.
        as_known: Only what had been entered by the end of this day (YYYY-MM-DD).
        as_true: Only what had come true by the end of this day (YYYY-MM-DD).
        json_: One JSON object.
    """
    from cli.showing import show

    async def work(door: "Door") -> tuple[dict[str, Any], Names]:
        known = _day(as_known, "--as-known")
        found, texts = await show(door, engagement, known, _day(as_true, "--as-true"))
        names = Names(door, known)
        await names.learn(*texts)
        return found, names

    from cli.showing import as_text

    found, names = run(work)
    if json_:
        emit_json(names.throughout(found))
    else:
        print(names.told(as_text(found)))


def due(
    *,
    engagement: str | None = None,
    person: Who = None,
    within: Annotated[int | None, Parameter(name="--within")] = None,
    json_: Json = False,
) -> None:
    """Show what is owed across all engagements and appropriations, soonest first.

    Args:
        engagement: Only this engagement.
        person: Only what this person owes.
        within: Only what is due within so many days.
        json_: One JSON object a line.
    """
    if within is not None and not 0 <= within <= FARTHEST:
        fail(f"--within {within} cannot be: give a number from 0 to {FARTHEST}.", REFUSED)

    async def work(door: "Door") -> tuple[list[Any], Absences, Names, date]:
        from store.database import listed, queries

        zone = await _zone(door)
        today = (await door.now()).astimezone(zone).date()
        one = await engagement_named(door, engagement) if engagement is not None else None
        who = (await person_named(door, person)).id if person else None
        async with door.pool.acquire() as connection:
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
                or ((absent := _away(away, r)) and absent.stands_in == who)
            ]
        names = Names(door)
        await names.learn(*(text for r in rows for text in (r["person"], r["title"])))
        await names.learn(*(absent.stands_in for absent in away.values()))
        return rows, away, names, today

    rows, away, names, today = run(work)
    if json_:
        for r in rows:
            person_, title = names.handle(r["person"]), names.told(r["title"])
            told = {"item": names.told(r["item"]), "person": person_, "title": title}
            emit_json({**dict(r), **told, **absence_as_data(_away(away, r), names)})
        return
    emit_table(
        f"Owed as of {spoken(today)}",
        ("Due", "In", "Engagement", "Item", "What", "Who"),
        [
            (
                spoken(r["due"]) if r["due"] else "no date",
                "held" if r["held"] else _distance(r["due"], today),
                (r["engagement"] or f"appropriation:{r['appropriation']}")
                + (" *" if r["illustrative"] else ""),
                names.told(r["item"]),
                names.told(r["title"])
                + (f" ({r['held']})" if r["held"] else "")
                + _snoozed(r, today),
                _owing(r, _away(away, r), names),
            )
            for r in rows
        ],
        empty="Nothing is owed by these terms.",
    )
    if any(r["illustrative"] for r in rows):
        print("* illustrative: dates and deliverables are invented, not facts about the LEA.")


Absences = dict[tuple[str, str], Absent]


def _away(away: Absences, row: Any) -> Absent | None:
    return away.get((row["engagement"], row["owner"]))


def _owing(row: Any, absent: Absent | None, names: Names) -> str:
    role = row["owner"].replace("_", " ")
    if row["appropriation"]:
        return f"every {role}"
    said = absent.told(names) if absent else ""
    return f"{names.of(row['person'])} ({'; '.join(filter(None, (role, said)))})"


def _snoozed(row: Any, today: date) -> str:
    until = row["snoozed_until"]
    return f" (snoozed until {spoken(until)})" if until and until > today else ""


def _distance(due_on: date | None, today: date) -> str:
    if due_on is None:
        return ""
    days = (due_on - today).days
    if days == 0:
        return "today"
    return counted(days, "day") if days > 0 else f"{counted(-days, 'day')} over"


def history(
    engagement: str,
    /,
    *,
    as_known: AsKnown = None,
    as_true: AsTrue = None,
    json_: Json = False,
) -> None:
    """Show everything that happened on an engagement, oldest first.

    Args:
        engagement: The engagement's id; or a whole stream, such as lea:alder-creek-usd.
        as_known: Only what had been entered by the end of this day (YYYY-MM-DD).
        as_true: Only what had come true by the end of this day, in the order it came true.
        json_: One JSON object a line.
    """

    async def work(door: "Door") -> "tuple[list[Any], Names, ZoneInfo]":
        from cli.showing import read_history

        zone = await _zone(door)
        stream = await stream_named(door, engagement)
        known = _day(as_known, "--as-known")
        true = _day(as_true, "--as-true")
        recorded = await read_history(door, stream, known, true, zone, as_recorded=True)
        names = Names(door, known)
        await names.learn(
            *(r.stamp.actor for r in recorded), *(r.event.sentence() for r in recorded)
        )
        return recorded, names, zone

    recorded, names, zone = run(work)
    became = _became(recorded)
    if json_:
        for r in recorded:
            emit_json(
                {
                    "position": r.stamp.position,
                    "stream": r.stamp.stream,
                    "version": r.stamp.version,
                    "type": r.event.type,
                    "effective_at": r.stamp.effective_at,
                    "recorded_at": r.stamp.recorded_at,
                    "actor": r.stamp.actor,
                    "command_id": r.stamp.command_id,
                    "mended_by": became.get(r.stamp.version, (None, ""))[0],
                    "data": r.event.model_dump(mode="json"),
                }
            )
        return
    for r in recorded:
        when = r.stamp.recorded_at.astimezone(zone)
        effective = r.stamp.effective_at.astimezone(zone).date()
        line = f"{r.stamp.version:>4}  {when:%Y-%m-%d %H:%M}  {names.told(r.event.sentence())}"
        if effective != when.date():
            line += f" [true since {effective}]"
        if r.event.illustrative:
            line += " *"
        if r.stamp.version in became:
            line += " [{1} by {0}]".format(*became[r.stamp.version])
        print(f"{line} — {names.of(r.stamp.actor)}")
    if any(r.event.illustrative for r in recorded):
        print("* illustrative: invented for demonstration, not a fact about the LEA.")


def _became(recorded: "Sequence[Recorded]") -> dict[int, tuple[int, str]]:
    """Each version that something else stands for now: the entry that mended it, and how."""
    if not any(r.event.mends() for r in recorded):
        return {}
    from domain.mending import EntryMended

    return {
        instead.version: (r.stamp.version, "corrected" if r.event.says else "taken back")
        for r in recorded
        if isinstance(r.event, EntryMended)
        for instead in r.event.instead
    }


def _day(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    from pydantic import TypeAdapter, ValidationError

    from domain.kernel.bounds import Day
    from domain.kernel.validation import wrong_with

    try:
        return TypeAdapter(Day).validate_python(text)
    except ValidationError as problem:
        fail(f"{option} {wrong_with(problem.errors()[0])}.", REFUSED)


async def not_to_come(
    door: "Door", zone: "ZoneInfo", known: date | None, true: date | None = None
) -> None:
    """Refuse a question about a day that has not come: nobody knows yet what will be known then.

    Raises:
        ImpossibleDate: It has not.
    """
    asked = [(o, d) for o, d in (("--as-known", known), ("--as-true", true)) if d]
    today = (await door.now()).astimezone(zone).date() if asked else date.max
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


async def stream_named(door: "Door", name: str) -> str:
    """The stream somebody means: an engagement's, unless they name another aggregate's."""
    if name == "program":
        return name
    if ":" not in name or name.startswith("engagement:"):
        return f"engagement:{await engagement_named(door, name.removeprefix('engagement:'))}"
    aggregate, _, typed = name.partition(":")
    if aggregate == "person":
        return f"person:{(await person_named(door, typed)).id}"
    if aggregate == "lea":
        return f"lea:{(await lea_named(door, typed)).id}"
    return name


async def _zone(door: "Door") -> "ZoneInfo":
    from zoneinfo import ZoneInfo

    from store.database import queries

    async with door.pool.acquire() as connection:
        settings = await queries.program(connection)
    return ZoneInfo(settings["zone"] if settings else "UTC")
