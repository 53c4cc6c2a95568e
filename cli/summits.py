"""Summits: invite many, move them for many, take in who was there, and see them."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from cli.imports import carry_out, headings_for
from cli.sheets.results import How
from cli.sheets.state import slug
from cli.sheets.values import Order, Reading
from cli.terminal.dates import checked
from cli.terminal.nouns import noun
from cli.terminal.options import validated
from cli.terminal.output import (
    DEFECT,
    REFUSED,
    emit_json,
    emit_table,
    fail,
    narrate,
    say_if_illustrative,
)
from cli.terminal.receipts import given
from cli.terminal.session import Json, Switch, run, who_acts
from cli.terminal.tables import read_table
from cli.verbs import Date, Parameter, Verbs
from domain.kernel.nouns import about_noun
from domain.kernel.wording import counted, lea_hours, spoken
from domain.summits.attendance import RecordAttendance
from domain.summits.invitations import InviteToSummit
from domain.summits.summits import RescheduleSummit, span
from queries.names import Names
from queries.refs import engagement_named

if TYPE_CHECKING:
    from bootstrap.door import Door
    from domain.envelope import Receipt
    from queries.rescheduling import Result


PATIENCE_SECONDS = 60.0
"""How long the verb waits for every engagement to take over a summit's new days."""

CommandId = Annotated[str | None, Parameter(name="--command-id")]

about_noun("bulk", "Change many engagements at once, with a result for each.")
about_noun("bulk reschedule", "Move what many engagements share.")


def register(app: Verbs) -> None:
    """Add every question about summits, and the verbs that concern many engagements."""
    noun(app, "summit").command(invite, name="invite")
    noun(app, "summit").command(reschedule, name="reschedule")
    noun(app, "summit").command(summit_list, name="list")
    noun(app, "summit").command(summit_show, name="show")
    noun(app, "summit attendance").command(attendance_import, name="import")
    noun(app, "bulk reschedule").command(reschedule, name="summit")


def invite(
    summit: str,
    /,
    *engagements: str,
    waive: str | None = None,
    on: Date | None = None,
    illustrative: Switch = False,
    json_: Json = False,
) -> None:
    """Invite engagements to a summit: each LEA owes its registration from now on.

    Args:
        summit: The summit, for example Y1-1.
        engagements: The engagements, by id or by any name of their LEA.
        waive: Why they are invited although they are in recess on those days.
        on: The day it came true; today if left out (YYYY-MM-DD).
        illustrative: Mark what this records as illustrative: every mail and report says so.
        json_: One JSON object an engagement.
    """
    from queries.rescheduling import Result

    if not engagements:
        fail(
            f"Whom? Name at least one engagement: handrail summit invite {summit} ENGAGEMENT",
            REFUSED,
        )
    actor = who_acts()
    effective_on = checked(date, on, "--on")
    validated(InviteToSummit, {"summit": summit, "engagement": "any", "waive": waive})

    async def work(door: "Door") -> "tuple[list[Result], Names]":
        from bootstrap.door import new_command_id
        from domain.kernel.refusals import Unknown

        results = []
        for name in dict.fromkeys(engagements):
            try:
                one = await engagement_named(door, name)
            except Unknown as nobody:
                results.append(Result(name, "refused", str(nobody)))
                continue
            command = InviteToSummit(summit=summit, engagement=one, waive=waive)
            receipt = await given(
                door,
                door.packed(
                    command,
                    command_id=new_command_id(),
                    actor=actor,
                    issued_at=await door.now(),
                    effective_on=effective_on,
                    illustrative=illustrative,
                ),
            )
            outcome = "invited" if receipt.outcome == "recorded" else receipt.outcome
            results.append(Result(one, outcome, receipt.message))
        names = Names(door)
        await names.learn(*(r.why for r in results))
        return results, names

    results, names = run(work, commands=True)
    _report(summit.strip().upper(), results, names, as_json=json_)
    if defect := sum(r.outcome == "defect" for r in results):
        fail(f"{defect} of {counted(len(results), 'engagement')} met a defect.", DEFECT)
    if refused := sum(r.outcome == "refused" for r in results):
        fail(f"{refused} of {counted(len(results), 'engagement')} refused.", REFUSED)


def _report(title: str, results: "list[Result]", names: Names, *, as_json: bool) -> None:
    if as_json:
        for r in results:
            emit_json({"engagement": r.engagement, "outcome": r.outcome, "why": names.told(r.why)})
        return
    emit_table(
        f"{title}: {counted(len(results), 'engagement')}",
        ("Engagement", "Outcome", "Why"),
        [(r.engagement, r.outcome, names.told(r.why)) for r in results],
    )


def reschedule(
    summit: str,
    /,
    *,
    first: Date,
    registration_due: Date | None = None,
    place: str | None = None,
    reason: str | None = None,
    dry_run: Switch = False,
    command_id: CommandId = None,
    json_: Json = False,
) -> None:
    """Move a summit to other days, and tell for every invited LEA what becomes of it.

    An LEA in recess on the new days does not follow; one whose month is over the cap follows and is
    reported.

    Args:
        summit: The summit, for example Y2-5.
        first: The new first day (YYYY-MM-DD); it lasts as long as before.
        registration_due: By when LEAs register; as long before the summit as until now if left out.
        place: The new place, where that changes too.
        reason: Why.
        dry_run: Report every LEA and write nothing.
        command_id: Repeat a command safely under its own id.
        json_: One JSON object an engagement.
    """
    actor = who_acts()
    typed_id = checked(UUID, command_id, "--command-id")
    body = {
        "summit": summit, "to": first, "registration_due": registration_due, "place": place,
        "reason": reason,
    }  # fmt: skip
    command = validated(RescheduleSummit, {k: v for k, v in body.items() if v is not None})
    assert isinstance(command, RescheduleSummit)

    async def work(door: "Door") -> "tuple[list[Result], Names, str]":
        if dry_run:
            results, days = await _rehearsed(door, command, actor)
        else:
            results, days = await _moved(door, command, actor, typed_id)
        names = Names(door)
        await names.learn(*(r.why for r in results))
        return results, names, days

    results, names, days = run(work, commands=not dry_run)
    if not json_:
        print(f"{command.summit} {'would move' if dry_run else 'moved'} to {days}.")
    _report(command.summit, results, names, as_json=json_)
    if dry_run and not json_:
        print("Dry run: nothing was written.")
    if any(r.outcome == "under way" for r in results):
        narrate(f"Not all have followed yet; they will. See handrail summit show {command.summit}")


async def _moved(
    door: "Door", command: RescheduleSummit, actor: str, command_id: UUID | None
) -> "tuple[list[Result], str]":
    """Move it, and wait until every invited engagement has taken that over."""
    from bootstrap.door import new_command_id
    from domain.kernel.refusals import Refused
    from queries.rescheduling import followed

    envelope = door.packed(
        command,
        command_id=command_id or new_command_id(),
        actor=actor,
        issued_at=await door.now(),
    )
    receipt: Receipt = await given(door, envelope)
    if receipt.outcome == "refused":
        raise Refused(receipt.message)
    return await followed(door, command.summit, receipt.stream, PATIENCE_SECONDS)


async def _rehearsed(
    door: "Door", command: RescheduleSummit, actor: str
) -> "tuple[list[Result], str]":
    """What would become of every invited engagement; nothing is written."""
    from bootstrap.door import new_command_id
    from queries.rescheduling import rescheduling

    envelope = door.packed(
        command, command_id=new_command_id(), actor=actor, issued_at=await door.now()
    )
    return await rescheduling(door, command, envelope)


def attendance_import(
    summit: str,
    file: Path,
    /,
    *,
    dry_run: Switch = False,
    skip_refused: Switch = False,
    strict: Switch = False,
    sheet: str | None = None,
    dates: Order | None = None,
    results: Path | None = None,
    json_: Json = False,
) -> None:
    """Record who was at a summit from a spreadsheet: XLSX, CSV or YAML, a person or a role a row.

    Columns are lea (any name of the LEA, or its engagement), day (a date, or 1 for the first day),
    role, and person (a handle) or count. Every row is checked before anything is written;
    repeating the same file goes on where it stopped.

    Args:
        summit: The summit, for example Y1-1.
        file: An Excel workbook, a CSV file with a header, or a YAML list.
        dry_run: Report every row and write nothing.
        skip_refused: Write the good rows although others are refused.
        strict: Refuse columns that nobody needs, instead of skipping them.
        sheet: Which sheet of a workbook; the first one with such headings if left out.
        dates: The order in which days such as 3/9/2026 are written.
        results: Write the result of every row into this file, .csv or .xlsx.
        json_: One JSON object a row.
    """
    kind = RecordAttendance.kind()
    headings = headings_for(kind, {"lea": "lea name|district|district name"})
    table = read_table(file, headings, strict=strict, sheet=sheet)
    reading = Reading(dates)
    first, last = run(lambda door: _days(door, summit))

    def shape(row: dict[str, Any]) -> dict[str, Any]:
        name = row.pop("lea", None)
        return {
            **row,
            "summit": summit,
            "engagement": name or row.get("engagement"),
            "role": slug(str(row.get("role") or "")),
            "day": _number_of(reading.day(str(row.get("day") or "").strip()), first, last),
        }

    how = How(dry_run, skip_refused, strict, sheet, dates, results, json_)
    carry_out(file, kind, how, table=table, shape=shape, reading=reading)


async def _days(door: "Door", summit: str) -> tuple[date, date]:
    from queries.summits import summit_of

    found = await summit_of(door, summit)
    return found["first"], found["last"]


def _number_of(day: str, first: date, last: date) -> str:
    """A day of the summit by its number, however it is written, so that a row says the same."""
    try:
        meant = date.fromisoformat(day)
    except ValueError:
        return day
    return str((meant - first).days + 1) if first <= meant <= last else day


def summit_list(*, json_: Json = False) -> None:
    """Show every summit: when, where, how many LEAs are expected, and how many people came."""
    from queries.summits import summits

    rows, years = run(summits)
    if json_:
        for row in rows:
            emit_json(row)
        return
    emit_table(
        counted(len(rows), "summit"),
        ("Summit", "Title", "Days", "Place", "Status", "LEAs", "Registered", "Came"),
        [
            (
                r["summit"] + (" *" if r["illustrative"] else ""),
                r["title"],
                span(r["first"], r["last"]),
                r["place"],
                r["status"],
                r["expected"],
                r["registered"],
                r["attended"] if r["attended"] or r["status"] == "held" else "–",
            )
            for r in rows
        ],
        empty="Plan one: handrail summit plan --help",
    )
    for year in years:
        print(year)
    held = [r["attended"] for r in rows if r["attended"]]
    if held:
        average = f"{sum(held) / len(held):.0f}"
        print(f"On average {average} people came to {counted(len(held), 'summit')}.")
    if any(r["illustrative"] for r in rows):
        print("* illustrative: invented for demonstration.")


def summit_show(summit: str, /, *, json_: Json = False) -> None:
    """Show one summit: its sessions, and every invited LEA with who is expected and who came.

    Args:
        summit: The summit, for example Y1-1.
        json_: One JSON object.
    """
    from queries.summits import summit_of

    found = run(lambda door: summit_of(door, summit))
    if json_:
        emit_json(found)
        return
    invitations = found["invitations"]
    print(f"{found['summit']}: {found['title']}, {found['status']}")
    print(f"  {span(found['first'], found['last'])} in {found['place']}")
    asked = lea_hours(Decimal(found["hours"]))
    if found["registration_due"] < found["first"]:  # Else it was entered after it was held.
        print(f"  Registration by {spoken(found['registration_due'])}; {asked} each")
    elif Decimal(found["hours"]):
        print(f"  {asked} each")
    for s in found["sessions"]:
        tags = ", ".join([*s["triad"], *([s["content"]] if s["content"] else [])])
        print(f"  Day {s['day']}  {s['id']} {s['title']}{f' ({tags})' if tags else ''}")
    for one, other in found["pairs"]:
        print(f"  Paired: {one} and {other}")
    emit_table(
        counted(len(invitations), "LEA"),
        ("Engagement", "LEA", "Status", "Registered", "Came", "By day"),
        [
            (
                i["engagement"],
                i["lea_name"],
                _status(i),
                i["registered"] or "–",
                i["attended"] or "–",
                "; ".join(f"{day}: {_roles(roles)}" for day, roles in sorted(i["days"].items())),
            )
            for i in invitations
        ],
        empty="Invite one: handrail summit invite --help",
    )
    say_if_illustrative(found["illustrative"])


def _status(row: Mapping[str, Any]) -> str:
    if row["not_followed"] and row["status"] in ("invited", "registered"):
        return f"not followed: {row['not_followed']}"
    return "not invited" if row["status"] == "none" else str(row["status"])


def _roles(roles: Mapping[str, int]) -> str:
    return ", ".join(f"{n} {role}" for role, n in sorted(roles.items()))


def section(found: dict[str, Any]) -> list[str]:
    """What `engagement show` says of summits."""
    lines = []
    for s in found["summits"]:
        line = f"Summit {s['summit']}"
        if s["first"]:
            line += f", {span(s['first'], s['last'])}: {s['status']}"
        if s["status"] == "invited":
            line += f", registration by {spoken(s['registration_due'])}"
        lines.append(line)
        if s["not_followed"] and s["status"] in ("invited", "registered"):
            lines.append(f"   moved to {span(*s['new_days'])}, not followed: {s['not_followed']}")
        who = [*s["registered"], *(f"{n} {role}" for role, n in s["places"].items())]
        if who:
            lines.append(f"   registered: {', '.join(who)}")
        if s["attended"]:
            lines.append(f"   came: {counted(s['attended'], 'person', 'people')}")
            lines += [
                f"      {spoken(date.fromisoformat(day))}: {_roles(roles)}"
                for day, roles in s["days"].items()
            ]
        if s["paired_with"]:
            lines.append(f"   paired with {' and '.join(s['paired_with'])}")
    lines += [
        f"{c['item']}: {c['text']}, by {spoken(c['by'])}: {c['outcome'] or 'open'}"
        for c in found["commitments"]
        if c["by"]
    ]
    return lines
