"""Setting up and looking after: init, and the verbs of admin."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cli.keeping import adopt, show_held, show_missing
from cli.terminal.files import load_yaml
from cli.terminal.options import explain
from cli.terminal.output import (
    DONE,
    REFUSED,
    UNAVAILABLE,
    USAGE,
    emit_json,
    emit_table,
    fail,
    narrate,
)
from cli.terminal.receipts import tell
from cli.terminal.session import Json, run, settings_or_fail
from cli.verbs import Parameter, Verbs
from domain.kernel.wording import counted
from queries.names import Names

if TYPE_CHECKING:
    from bootstrap.door import Door
    from store.defects import Defect
    from store.errors import Unreadable
    from store.rebuild import Rebuilt
    from store.verifying import Report

PACKS = Path(__file__).parent.parent / "packs"
DEFAULT_PLAYBOOK = PACKS / "playbooks" / "dta-sir.yaml"
SHIPPED_FRAMEWORKS = PACKS / "frameworks"
DEFAULT_CALENDAR = PACKS / "calendars" / "california.yaml"
DEFAULT_ZONE = "America/Los_Angeles"
"""The time zone of a program whose `init` names none."""


def register(app: Verbs) -> None:
    """Add the verbs of whoever runs Handrail."""
    app.command(init)
    group = Verbs("admin", "Look after the store and the workflows.")
    app.add(group)
    group.command(migrate)
    group.command(prepare_temporal, name="prepare-temporal")
    group.command(adopt)
    group.command(recover)
    group.command(rebuild)
    group.command(verify)
    group.command(head)
    group.command(defects)


def init(
    *,
    name: str,
    agency: str,
    sender: str,
    director: str,
    director_name: str,
    director_email: str,
    zone: str = DEFAULT_ZONE,
    playbook_file: Annotated[Path, Parameter(show_default=False)] = DEFAULT_PLAYBOOK,
    calendar_file: Annotated[Path, Parameter(show_default=False)] = DEFAULT_CALENDAR,
    gathering: Annotated[int, Parameter(name="--gathering-seconds")] = 60,
    command_id: str | None = None,
    json_: Json = False,
) -> None:
    """Make the program, with its calendar, its playbook and its first Director.

    The frameworks that come with Handrail are published as well, so that reviews can be opened.

    Args:
        name: What the program is called, for example "Direct technical assistance".
        agency: The agency that runs it.
        sender: The mail address reminders come from.
        director: The first Director's handle, for example dana.
        director_name: The first Director's full name.
        director_email: The first Director's mail address.
        zone: The program's time zone.
        playbook_file: A playbook file, if not the one that comes with Handrail.
        calendar_file: A calendar file, if not California's.
        gathering: How many seconds a day's digest gathers before it is sent.
        command_id: Repeat safely under its own id.
        json_: One JSON object.
    """
    from pydantic import ValidationError

    from domain.policy.calendar import CalendarPack
    from domain.policy.framework import Framework
    from domain.policy.playbook import Playbook
    from domain.program.program import InitProgram

    try:
        command = InitProgram.model_validate(
            {
                "name": name,
                "agency": agency,
                "zone": zone,
                "sender": sender,
                "director": director,
                "director_name": director_name,
                "director_email": director_email,
                "playbook": load_yaml(playbook_file, Playbook),
                "calendar": load_yaml(calendar_file, CalendarPack),
                "frameworks": [
                    load_yaml(f, Framework) for f in sorted(SHIPPED_FRAMEWORKS.glob("*.yaml"))
                ],
                "gathering_seconds": gathering,
            }
        )
    except ValidationError as problem:
        fail(explain(problem, InitProgram).replace("program init", "init"), REFUSED)

    async def work(door: "Door") -> tuple[Any, list[str], Names]:
        from uuid import UUID

        from bootstrap.door import new_command_id

        receipt = await door.submit(
            door.packed(
                command,
                command_id=UUID(command_id) if command_id else new_command_id(),
                actor=director,
                issued_at=await door.now(),
            )
        )
        from queries.receipts import told

        sentences = await told(door, receipt)
        names = Names(door)
        await names.learn(receipt.message, *sentences)
        return receipt, sentences, names

    receipt, sentences, names = run(work, commands=True)
    tell(receipt, sentences, names, as_json=json_)
    if not json_:
        narrate(f"Act as the Director from now on: export HANDRAIL_ACTOR={director}")


def migrate(*, sandbox: bool = False, json_: Json = False) -> None:
    """Bring the database's schema up; needs HANDRAIL_OWNER_DATABASE_URL.

    Args:
        sandbox: Make a new store a sandbox, for ever.
        json_: One JSON object.
    """
    import asyncio

    import asyncpg

    from bootstrap.settings import SettingsError
    from store.migrations import StoreKindMismatch
    from store.migrations import migrate as bring_up

    settings = settings_or_fail()
    try:
        asyncio.run(bring_up(settings.require_owner_database_url(), sandbox=sandbox))
    except StoreKindMismatch as wrong:
        fail(str(wrong), REFUSED)
    except SettingsError as wrong:
        fail(str(wrong), UNAVAILABLE)
    except (OSError, TimeoutError, asyncpg.PostgresError) as away:
        fail(f"The database does not answer or refuses: {away}. See handrail doctor.", UNAVAILABLE)
    if json_:
        emit_json({"schema": "up to date", "sandbox": sandbox})
    else:
        print("The schema is up to date.")


def prepare_temporal(*, json_: Json = False) -> None:
    """Register the namespace and the search attributes; needed once for a Temporal of your own.

    Args:
        json_: One JSON object.
    """
    import asyncio

    from bootstrap.preparation import prepare
    from bootstrap.settings import SettingsError

    try:
        done = asyncio.run(prepare(settings_or_fail()))
    except SettingsError as wrong:
        fail(str(wrong), UNAVAILABLE)
    except (RuntimeError, OSError) as away:
        fail(f"Temporal does not answer: {away}. See handrail doctor.", UNAVAILABLE)
    if json_:
        emit_json({"done": done})
    else:
        print("\n".join(done))


def recover(*, json_: Json = False) -> None:
    """Rebuild every workflow from the events, on a Temporal that lost them.

    What still runs is left alone, so this is always safe.
    """
    import asyncio

    import asyncpg

    from bootstrap.logging import quiet
    from bootstrap.recovery import recover as rebuild_workflows
    from bootstrap.settings import SettingsError
    from store.epochs import Unusable

    settings = settings_or_fail()
    quiet(settings)
    try:
        done = asyncio.run(rebuild_workflows(settings, progress=narrate))
    except (SettingsError, Unusable) as wrong:
        fail(str(wrong), UNAVAILABLE)
    except (RuntimeError, OSError, TimeoutError, asyncpg.PostgresError) as away:
        fail(f"Not recovered: {away}. See handrail doctor, then repeat.", UNAVAILABLE)
    if json_:
        emit_json(
            {
                "engagements": done.engagements,
                "digests": done.digests,
                "silent": list(done.silent),
                "missing": [vars(command) for command in done.missing],
                "held": [vars(notice) for notice in done.held],
            }
        )
    else:
        print(
            f"{counted(done.engagements, 'engagement')} and {counted(done.digests, 'mail')} under "
            f"way again."
        )
        if done.missing:
            show_missing("Answered before the store was put back, and not in it", done.missing)
        show_held(done.held)
    if done.silent:
        fail(
            f"{len(done.silent)} of them still without an answer, such as {done.silent[0]}: no "
            f"worker runs, or it is busy. Start one, then repeat; see handrail doctor.",
            UNAVAILABLE,
        )


def rebuild(*, json_: Json = False) -> None:
    """Make every read model anew from the events, in one transaction.

    What cannot be read keeps the read models it has, and is named; then it exits with 1.
    """

    async def work(door: "Door") -> "Rebuilt":
        from store.rebuild import rebuild as make_anew

        return await door.record.in_transaction(
            lambda connection: make_anew(connection, door.vault)
        )

    done = run(work)
    if json_:
        emit_json({"streams": done.streams, "left": [_as_data(sick) for sick in done.left]})
    else:
        print(f"Read models of {counted(done.streams, 'stream')} made anew.")
        if done.left:
            print(f"Left as they were, of {counted(len(done.left), 'stream')}:")
        for sick in done.left:
            print(f"  {sick}")
    raise SystemExit(REFUSED if done.left else DONE)


def _as_data(sick: "Unreadable") -> dict[str, Any]:
    return {
        "stream": sick.stream,
        "version": sick.version,
        "why": sick.why,
        "remedy": sick.remedy,
    }


def head(*, json_: Json = False) -> None:
    """Print how far every stream has come, under a seal, for whoever keeps it outside.

    Write it to a file and keep that where nobody who can change the database can change it;
    `admin verify --against FILE` holds the store against it.

    Args:
        json_: The same: it is JSON in any case.
    """

    async def work(door: "Door") -> dict[str, Any]:
        from datetime import UTC, datetime

        from store.schema import described
        from store.verifying import head_document
        from store.verifying import verify as look

        async with door.pool.acquire() as connection:
            report = await look(connection, door.vault)
            parts = await described(connection)
        return head_document(
            door.vault,
            report,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
            schema=door.vault.evidence.schema(parts).hex(),
            faults=len(report.found),
        )

    document = run(work)
    emit_json(document)
    if document["faults"]:
        narrate("The store is not as it was sealed: handrail admin verify says what differs.")


def verify(
    *,
    against: Annotated[Path | None, Parameter(show_default=False)] = None,
    accept_schema: Annotated[bool, Parameter(negative="")] = False,
    json_: Json = False,
) -> None:
    """Hold the whole store against its seals: events, receipts, keys, mails, lists and schema.

    It also reads every stream, and names those that cannot be read.

    Args:
        against: A document that `admin head` wrote earlier, kept outside the database.
        accept_schema: Take functions, rights and roles as they are now for right, and seal them.
        json_: One JSON object.
    """
    document = _document(against) if against else None

    async def work(door: "Door") -> "tuple[Report, list[Unreadable]]":
        from store.sealing import accept_schema as accept
        from store.sick import look_over
        from store.verifying import compare
        from store.verifying import verify as look

        async with door.pool.acquire() as connection:
            if accept_schema and not await accept(connection, door.vault):
                fail(
                    "There is no seal that could take the schema in: either no worker has sealed "
                    "this store yet, or its seal was tampered with. Run: handrail admin verify",
                    REFUSED,
                )
            report = await look(connection, door.vault, document)
            await compare(connection, door.vault, report)
            sick = [one async for one in look_over(connection, door.vault)]
        door.left_out.extend(sick)
        return report, sick

    report, sick = run(work)
    if json_:
        from store.verifying import streams_broken

        emit_json(
            {
                "streams": report.streams,
                "events": report.events,
                "receipts": report.receipts,
                "broken": streams_broken(report),
                "found": [{"where": f.where, "what": f.what} for f in report.found],
                "unreadable": [_as_data(one) for one in sick],
                "notes": report.notes,
            }
        )
    elif report.found:
        emit_table("Tampered with", ("Where", "What"), [(f.where, f.what) for f in report.found])
    elif not sick:
        are = "is" if report.streams == 1 else "are"
        print(f"{counted(report.streams, 'stream')} {are} intact.")
    if not json_:
        if sick:
            emit_table(
                "Cannot be read",
                ("Stream", "Why", "What to do"),
                [(one.stream, one.why, one.remedy) for one in sick],
            )
        for note in report.notes:
            narrate(f"Note: {note}.")
    raise SystemExit(REFUSED if report.found or sick else DONE)


def _document(path: Path) -> dict[str, Any]:
    import json

    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        fail(
            f"{path} cannot be read ({problem}). Name a file that `handrail admin head` wrote.",
            USAGE,
        )
    except ValueError:
        document = None
    if not isinstance(document, dict) or document.get("handrail") != "head of the store":
        fail(f"{path} is no document of `handrail admin head`. Name a file that it wrote.", USAGE)
    return document


def defects(*, json_: Json = False) -> None:
    """List what could not be decoded or decided: each stops itself alone until it is mended."""

    async def work(door: "Door") -> "list[Defect]":
        from store.defects import defects as found

        async with door.pool.acquire() as connection:
            return await found(connection)

    sick = run(work)
    if json_:
        for defect in sick:
            emit_json(vars(defect))
        return
    emit_table(
        "Defects",
        ("Kind", "What", "Which", "Stream", "Problem", "Seen", "Since", "Last", "Release"),
        [
            (
                defect.kind,
                defect.about,
                defect.place,
                defect.stream,
                defect.problem,
                defect.seen,
                f"{defect.first_seen:%Y-%m-%d %H:%M}",
                f"{defect.last_seen:%Y-%m-%d %H:%M}",
                defect.release,
            )
            for defect in sick
        ],
    )
