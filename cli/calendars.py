"""Calendars for people: the dates of engagements as a file, and the files to subscribe to."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cli.terminal.nouns import noun
from cli.terminal.output import REFUSED, USAGE, emit_json, emit_table, fail, narrate
from cli.terminal.session import Json, run
from cli.verbs import Parameter, Verbs
from domain.kernel.wording import counted
from queries.names import Names
from queries.refs import engagement_named, person_named

if TYPE_CHECKING:
    from bootstrap.door import Door

_NO_PROGRAM = "There is no program yet. Make one first: handrail init --help"


def register(app: Verbs) -> None:
    """Add the verbs."""
    noun(app, "calendar").command(calendar_export, name="export")
    noun(app, "calendar").command(calendar_feeds, name="feeds")


def calendar_export(
    *engagements: str,
    lead: str | None = None,
    all_: Annotated[bool, Parameter(name="--all", negative="")] = False,
    out: Path | None = None,
    json_: Json = False,
) -> None:
    """Write the dates of engagements as a calendar file (iCalendar).

    Each date has the identity it has in the mails, so whoever opens both sees it once.

    Args:
        engagements: Whose dates, by id or LEA.
        lead: All engagements of this Lead instead.
        all_: All engagements that are not over instead.
        out: Where to write it, for example alder-creek.ics; to standard output if left out.
        json_: One JSON object: how many dates, and where they are.
    """
    asked = [bool(engagements), lead is not None, all_]
    if sum(asked) != 1:
        fail(
            "Say whose dates: one engagement or more, or --lead PERSON, or --all. For example: "
            "handrail calendar export alder-creek-usd --out alder-creek.ics",
            USAGE,
        )
    if json_ and out is None:
        fail("--json tells where the file is: say where to write it, with --out FILE.ics", USAGE)
    if out is not None and out.is_dir():
        fail(f"{out} is a directory. Name a file: --out {out / 'dates.ics'}", REFUSED)

    async def work(door: "Door") -> tuple[bytes, int]:
        from bootstrap.calendars import exported
        from domain.kernel.refusals import Unknown
        from store.database import listed, queries
        from store.documents import program

        chosen: list[str] | None = [await engagement_named(door, one) for one in engagements]
        title = ", ".join(chosen or ())
        leads = await person_named(door, lead) if lead is not None else None
        async with door.pool.acquire() as connection:
            settings = await program(connection)
            if settings is None:
                raise Unknown(_NO_PROGRAM)
            if leads is not None:
                owners = await listed(queries.calendar_owners(connection))
                chosen = [r["id"] for r in owners if r["lead"] == leads.id and not r["over"]]
                title = "Engagements"
                if not chosen:
                    raise Unknown(
                        f"{leads.name} leads no engagement that is under way. "
                        f"See who leads what: handrail engagement list"
                    )
            elif all_:
                chosen, title = None, "Engagements"
            return await exported(connection, settings, chosen, title, await door.now())

    content, dates = run(work)
    if out is None:
        sys.stdout.buffer.write(content)
        return
    try:
        out.write_bytes(content)
    except OSError as wrong:
        fail(f"{out} cannot be written: {wrong.strerror}. Name another file with --out.", REFUSED)
    if json_:
        emit_json({"file": str(out), "dates": dates})
        return
    narrate(f"{counted(dates, 'date')} written to {out}")


def calendar_feeds(*, json_: Json = False) -> None:
    """Show which calendar file to subscribe to is whose; whoever knows a file's name can read it.

    Args:
        json_: One JSON object a line.
    """

    async def work(door: "Door") -> tuple[list[dict[str, Any]], Path | None]:
        from bootstrap.calendars import known_feeds

        async with door.pool.acquire() as connection:
            found = await known_feeds(connection, door.vault, await door.now())
        names = Names(door)
        await names.learn(*(feed.of for feed in found if feed.kind == "lead"))
        directory = door.settings.feeds
        return [
            {
                "kind": feed.kind,
                "of": names.handle(feed.of) if feed.kind == "lead" else feed.of,
                "name": names.of(feed.of) if feed.kind == "lead" else feed.title,
                "file": feed.file,
                "written": directory is not None and (directory / feed.file).exists(),
            }
            for feed in sorted(found, key=lambda feed: (feed.kind, feed.title, feed.of))
            if feed.kind == "lead" or feed.engagements
        ], directory

    found, directory = run(work)
    if directory is None:
        fail(
            "HANDRAIL_FEEDS is not set, so no calendar files are kept. Set it to a directory, for "
            "the worker and for yourself, and start the worker again: see "
            "docs/how-to/calendars.md",
            REFUSED,
        )
    if json_:
        for one in found:
            emit_json(one)
        return
    emit_table(
        f"{counted(len(found), 'calendar file')} in {directory}",
        ("Whose", "", "File", "There"),
        [(f["name"], f["kind"], f["file"], "yes" if f["written"] else "no") for f in found],
    )
