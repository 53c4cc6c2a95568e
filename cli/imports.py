"""Many commands from one file: every row checked first, then carried out, safely repeatable."""

import contextlib
import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import NAMESPACE_URL, UUID, uuid5

from cyclopts import App, Parameter
from pydantic import TypeAdapter, ValidationError

from cli.asking import Json, Names, counted, run
from cli.commands import engagement_id, explain, load_yaml, noun, option_name, unreadable
from cli.output import REFUSED, emit_json, emit_table, fail, narrate
from cli.stack import settings_or_fail
from domain.engagement import OpenEngagement
from domain.errors import Unknown
from domain.kernel import COMMANDS, Command
from domain.messages import Envelope, Receipt
from domain.refusing import wrong_with

if TYPE_CHECKING:
    from bootstrap.door import Door

_IMPORTS = uuid5(NAMESPACE_URL, "tag:handrail,2026:import")
_LIST_SEPARATOR = ";"
PROGRESS_EVERY = 20
"""Rows between two lines of progress."""
Switch = Annotated[bool, Parameter(negative="", show_default=False)]


@dataclass(frozen=True)
class Row:
    """One row of a file, as a command."""

    number: int
    """Counts the data rows from 1."""
    command: Command
    command_id: UUID
    effective_on: date | None
    illustrative: bool
    numbers: tuple[int, ...] = ()
    """Every data row that went into it, where several were joined."""


Shape = Callable[[dict[str, Any]], dict[str, Any]]
"""Turns a row as people write it into the columns of its command."""
Join = Callable[[Path, list[Row]], list[Row]]
"""Joins checked rows that are one fact."""


@dataclass(frozen=True)
class Result:
    """What became of a row."""

    number: int
    what: str
    outcome: str
    message: str


def register(app: App) -> None:
    """Add the imports people need most, and one for any command."""
    noun(app, "lea").command(_importer("lea register"), name="import")
    noun(app, "lea").command(_importer("lea fact"), name="fact-import")
    noun(app, "person").command(_importer("person register"), name="import")
    noun(app, "conversation").command(_importer("conversation log"), name="import")
    noun(app, "evidence").command(_importer("evidence log"), name="import")
    noun(app, "investment").command(_importer("investment add"), name="import")
    app.command(import_commands, name="import")


def columns(kind: str) -> str:
    """Which columns a file for a command has: those that must be there, then the others."""
    command = COMMANDS[kind]
    fields = {option_name(n, f): f for n, f in command.model_fields.items() if n != "facts"}
    needed = [n for n, f in fields.items() if f.is_required()]
    others = [n for n, f in fields.items() if not f.is_required()]
    others += [n for n in ("on", "illustrative") if n not in fields]
    return f"Columns that must be there: {', '.join(needed)}. Others: {', '.join(others)}."


def _importer(kind: str) -> Callable[..., None]:
    def importer(
        file: Path, /, *, dry_run: Switch = False, skip_refused: Switch = False, json_: Json = False
    ) -> None:
        carry_out(file, kind, dry_run=dry_run, skip_refused=skip_refused, as_json=json_)

    importer.__doc__ = f"""Give `handrail {kind}` for every row of a CSV or YAML file.

    Every row is checked before anything is written; repeating the same file goes on where it
    stopped. What a column means: `handrail {kind} --help`.

    {columns(kind)}

    Args:
        file: A CSV file with a header, or a YAML list. Several values in a CSV cell are
            separated by ";".
        dry_run: Report every row and write nothing.
        skip_refused: Write the good rows although others are refused.
        json_: One JSON object a row.
    """
    return importer


def import_commands(
    file: Path, /, *, dry_run: Switch = False, skip_refused: Switch = False, json_: Json = False
) -> None:
    """Give any commands from a file: each row names its own in the column "command".

    The other columns are the options of the commands, with on and illustrative: for
    `deliverable propose` they are engagement, title, due and so on, as its --help names them.

    Args:
        file: A CSV file with a header, or a YAML list.
        dry_run: Report every row and write nothing.
        skip_refused: Write the good rows although others are refused.
        json_: One JSON object a row.
    """
    carry_out(file, None, dry_run=dry_run, skip_refused=skip_refused, as_json=json_)


def carry_out(
    file: Path,
    kind: str | None,
    *,
    dry_run: bool,
    skip_refused: bool,
    as_json: bool,
    shape: Shape = dict,
    join: Join | None = None,
) -> None:
    """Check every row, then give the commands; exit code 1 when a row is refused."""
    values = [shape(row) for row in _read(file)]
    settings = settings_or_fail()
    if settings.actor is None:
        fail("Who acts? Set HANDRAIL_ACTOR to your handle in the directory.", REFUSED)
    actor = settings.actor

    async def work(door: "Door") -> tuple[list[Result], Names]:
        issued_at = await door.now()
        await _number_engagements(door, values, kind)
        rows, wrong = parsed(file, values, kind)

        def packed(row: Row) -> Envelope:
            return door.packed(
                row.command,
                command_id=row.command_id,
                actor=actor,
                issued_at=issued_at,
                effective_on=row.effective_on,
                illustrative=row.illustrative,
            )

        results = list(wrong)
        rehearsed = await door.rehearse([packed(row) for row in rows])
        refused = {
            row.number: receipt
            for row, receipt in zip(rows, rehearsed, strict=True)
            if receipt.outcome == "refused"
        }
        writes = not dry_run and (skip_refused or not (refused or wrong))
        good = [row for row in rows if row.number not in refused]
        results += [_result(r, refused[r.number], "refused") for r in rows if r.number in refused]
        if not writes:
            results += [_result(row, None, "would be recorded") for row in good]
            good = []
        for place, row in enumerate(join(file, good) if join else good, start=1):
            receipt = await _given(door, packed(row))
            results += [
                _result(replace(row, number=number), receipt, receipt.outcome)
                for number in row.numbers or (row.number,)
            ]
            if place % PROGRESS_EVERY == 0:
                narrate(f"{place} of {len(good)}")
        names = Names(door)
        await names.learn(*(r.message for r in results))
        return sorted(results, key=lambda r: r.number), names

    results, names = run(work, commands=True)
    _report(file, results, names, dry_run=dry_run, as_json=as_json)


async def _given(door: "Door", envelope: Envelope) -> Receipt:
    """A command's answer, waited for as long as it was accepted."""
    from bootstrap.door import StillWorking

    while True:
        try:
            return await door.submit(envelope)
        except StillWorking:
            narrate("still working …")


def _result(row: Row, receipt: Receipt | None, outcome: str) -> Result:
    if receipt is not None and receipt.repeated:
        outcome = "recorded before"
    return Result(
        row.number, row.command.kind(), outcome, receipt.message if receipt is not None else ""
    )


def _report(
    file: Path, results: list[Result], names: Names, *, dry_run: bool, as_json: bool
) -> None:
    refused = sum(r.outcome == "refused" for r in results)
    if as_json:
        for r in results:
            emit_json(
                {
                    "row": r.number,
                    "command": r.what,
                    "outcome": r.outcome,
                    "message": names.told(r.message),
                }
            )
    else:
        emit_table(
            f"{file.name}: {counted(len(results), 'row')}",
            ("Row", "Command", "Outcome", "Why"),
            [(r.number, r.what, r.outcome, names.told(r.message)) for r in results],
        )
        if dry_run:
            print("Dry run: nothing was written.")
    if refused:
        nothing = not any(r.outcome.startswith("recorded") for r in results)
        narrate(
            f"{refused} of {counted(len(results), 'row')} refused"
            + ("; nothing was written. Correct them" if nothing else ". Correct them")
            + " and repeat, or add --skip-refused to write the others."
        )
        raise SystemExit(REFUSED)


async def _number_engagements(door: "Door", values: list[dict[str, Any]], kind: str | None) -> None:
    """Give `engagement open` rows the id that the command line would make from the LEA."""
    for row in values:
        opens = (row.get("command") or kind) == OpenEngagement.kind()
        if opens and row.get("lea") and not row.get("engagement"):
            with contextlib.suppress(Unknown):  # Said of the row, when it is checked.
                row["engagement"] = await engagement_id(door, str(row["lea"]))


def parsed(
    file: Path, content: list[dict[str, Any]], kind: str | None
) -> tuple[list[Row], list[Result]]:
    """The rows that have the form of a command, and a result for each that has not."""
    rows: list[Row] = []
    wrong: list[Result] = []
    for number, values in enumerate(content, start=1):
        try:
            rows.append(_row(file, number, dict(values), kind))
        except ValueError as problem:
            wrong.append(
                Result(number, kind or str(values.get("command")), "refused", str(problem))
            )
    return rows, wrong


def _row(file: Path, number: int, values: dict[str, Any], kind: str | None) -> Row:
    named = str(values.pop("command", None) or kind or "")
    command_type = COMMANDS.get(named)
    if command_type is None or command_type.internal:
        raise ValueError(
            f"command {named!r} is not one that can be imported. Write noun and verb, for example "
            f'"lea register".'
        )
    by_option = {option_name(n, f): n for n, f in command_type.model_fields.items()}
    content = json.dumps(values, sort_keys=True, default=str)
    digest = hashlib.sha256(f"{named}\n{content}".encode()).hexdigest()
    try:
        day = None if "on" in by_option else values.pop("on", None) or None
        on = TypeAdapter(date | None).validate_python(day)
        illustrative = TypeAdapter(bool).validate_python(values.pop("illustrative", None) or False)
    except ValidationError as problem:
        raise ValueError(f"on or illustrative {wrong_with(problem.errors()[0])}") from problem
    body: dict[str, Any] = {}
    for label, value in values.items():
        name = by_option.get(label.strip().replace("_", "-"))
        if name is None:
            raise ValueError(
                f"{named} has no column {label!r}. It has {', '.join(sorted(by_option))}."
            )
        if value is not None and value != "":
            body[name] = _value(value, command_type, name)
    try:
        command = command_type.model_validate(body)
    except ValidationError as problem:
        raise ValueError(explain(problem, command_type)) from problem
    return Row(
        number,
        command,
        import_id(f"{file.stem}/{number}/{digest}"),
        on,
        illustrative,
    )


def import_id(name: str) -> UUID:
    """The command id of what came from a file: the same content has the same id."""
    return uuid5(_IMPORTS, name)


def _value(value: object, command_type: type[Command], name: str) -> object:
    """A cell as the command takes it; a YAML value already has its shape."""
    if not isinstance(value, str):
        return value
    annotation = str(command_type.model_fields[name].annotation)
    parts = [part.strip() for part in value.split(_LIST_SEPARATOR) if part.strip()]
    if "Mapping" in annotation:
        return dict(part.partition("=")[::2] for part in parts)
    if "tuple[" in annotation:
        return parts
    return value


def _read(file: Path) -> Iterable[dict[str, Any]]:
    if file.suffix.lower() in (".yaml", ".yml"):
        return _read_yaml(file)
    if file.suffix.lower() == ".csv":
        return _read_csv(file)
    return fail(f"{file}: an import is a .csv or .yaml file.", REFUSED)


def _read_yaml(file: Path) -> list[dict[str, Any]]:
    content = load_yaml(file)
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        fail(f"{file}: a YAML import is a list of rows, each with NAME: VALUE.", REFUSED)
    # YAML reads a bare `on:` as yes.
    return [{"on" if k is True else str(k): v for k, v in row.items()} for row in content]


def _read_csv(file: Path) -> list[dict[str, Any]]:
    try:
        text = file.read_text(encoding="utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text), strict=True))
    except (OSError, UnicodeDecodeError) as problem:
        fail(unreadable(file, problem), REFUSED)
    except csv.Error as problem:
        fail(
            f"{file} is not a CSV file: {problem}. Save it as CSV, with quotes around a cell that "
            f"holds a comma or a quote.",
            REFUSED,
        )
    if any(None in row for row in rows):
        fail(f"{file}: a row has more cells than the header has columns.", REFUSED)
    return rows
