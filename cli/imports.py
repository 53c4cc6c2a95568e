"""Many commands from one file: every row checked first, then carried out, safely repeatable."""

import contextlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from pydantic import TypeAdapter, ValidationError

from cli.sheets.headings import Headings, headings_of
from cli.sheets.refs import registered_before, resolved
from cli.sheets.results import LEFT_OUT, How, Result, about, report, writable
from cli.sheets.standing import stands
from cli.sheets.state import LIST_HEADINGS, LIST_MARKS, Skip, shaped_lea, slug
from cli.sheets.template import import_template
from cli.sheets.values import ORDER_UNKNOWN, Order, Reading, value_for
from cli.terminal.as_written import fitted
from cli.terminal.nouns import noun
from cli.terminal.options import explain
from cli.terminal.output import REFUSED, fail, narrate
from cli.terminal.preview import ends_wanted
from cli.terminal.receipts import given
from cli.terminal.session import Json, Switch, run, who_acts
from cli.terminal.tables import Numbered, column, read_table
from cli.verbs import Verbs
from domain.engagement.engagement import OpenEngagement
from domain.envelope import Envelope, Receipt
from domain.kernel.bounds import Day
from domain.kernel.fields import option_name
from domain.kernel.messages import Command
from domain.kernel.refusals import AlreadyExists, ReusedCommandId, Unknown
from domain.kernel.validation import wrong_with
from domain.kernel.wording import counted, spoken
from domain.policy.calendar import local_date
from domain.program.leas import RegisterLea
from domain.rules.registry import COMMANDS
from queries.names import Names
from queries.refs import engagement_id

if TYPE_CHECKING:
    from bootstrap.door import Door
    from store.database import Pool
    from store.vault import Vault


_IMPORTS = uuid5(NAMESPACE_URL, "tag:handrail,2026:import")


PROGRESS_EVERY = 20
"""Rows between two lines of progress."""


@dataclass(frozen=True)
class Row:
    """One row of a file, as a command."""

    number: int
    """Counts the data rows from 1."""
    command: Command
    effective_on: date | None
    illustrative: bool
    numbered: bool = False
    """Whether the engagement it opens has its id from us: that depends on what is over by now."""
    numbers: tuple[int, ...] = ()
    """Every data row that went into it, where several were joined."""
    unordered: str | None = None
    """The list of the command whose order says nothing."""
    command_id: UUID | None = None
    """Made of its content, once it is known how often the file says the same."""

    @property
    def content(self) -> str:
        """What the row says, whatever file and place it stands in, however its cells are typed."""
        body = self.command.model_dump(
            mode="json",
            exclude_defaults=True,
            exclude={"engagement"} if self.numbered else None,
        )
        if self.unordered:
            body[self.unordered].sort(key=json.dumps)
        said = [self.command.kind(), body, str(self.effective_on), self.illustrative]
        return json.dumps(said, sort_keys=True)


Shape = Callable[[dict[str, Any]], dict[str, Any] | Skip]
"""Turns a row as people write it into the columns of its command, or says why it is left out."""
Join = Callable[[list[Row]], list[Row]]
"""Joins checked rows that are one fact."""


def register(app: Verbs) -> None:
    """Add the imports people need most, and one for any command."""
    noun(app, "lea").command(_importer("lea register"), name="import")
    noun(app, "lea").command(_importer("lea fact"), name="fact-import")
    noun(app, "person").command(_importer("person register"), name="import")
    noun(app, "conversation").command(_importer("conversation log"), name="import")
    noun(app, "evidence").command(_importer("evidence log"), name="import")
    noun(app, "investment").command(_importer("investment add"), name="import")
    app.command(import_commands, name="import")
    app["import"].command(import_template, name="template")


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
        how = How(dry_run, skip_refused, strict, sheet, dates, results, json_)
        carry_out(file, kind, how, shape=_shape(kind))

    importer.__doc__ = f"""Give `handrail {kind}` for every row of a spreadsheet: XLSX, CSV or YAML.

    Every row is checked before anything is written. Rows that were recorded before are not recorded
    again, whoever imports them and whatever the file is called. What a column means:
    `handrail {kind} --help`; a sheet to fill in: `handrail import template "{kind}" --xlsx FILE`.

    {columns(kind)}

    Args:
        file: An Excel workbook, a CSV file with a header, or a YAML list. Several values in a cell
            are separated by ";".
        dry_run: Report every row and write nothing.
        skip_refused: Write the good rows although others are refused.
        strict: Refuse columns that nobody needs, instead of skipping them.
        sheet: Which sheet of a workbook; the first one with such headings if left out.
        dates: The order in which days such as 3/9/2026 are written.
        results: Write the result of every row into this file, .csv or .xlsx.
        json_: One JSON object a row.
    """
    return importer


_BY_ID: Final = {"conversation log": "group", "evidence log": "method"}
"""The column that holds an id of the playbook, which people write as a word: Union President."""


def _shape(kind: str) -> Shape:
    if kind == RegisterLea.kind():
        return shaped_lea
    column = _BY_ID.get(kind)

    def with_id(row: dict[str, Any]) -> dict[str, Any]:
        if column and (said := row.get(column)):
            row[column] = slug(str(said))
        return row

    return with_id


def import_commands(
    file: Path,
    /,
    *,
    dry_run: Switch = False,
    skip_refused: Switch = False,
    strict: Switch = False,
    sheet: str | None = None,
    dates: Order | None = None,
    results: Path | None = None,
    yes: Switch = False,
    json_: Json = False,
) -> None:
    """Give any commands from a file: each row names its own in the column "command".

    The other columns are the options of the commands, with on and illustrative: for
    `deliverable propose` they are engagement, title, due and so on, as its --help names them.

    Args:
        file: An Excel workbook, a CSV file with a header, or a YAML list.
        dry_run: Report every row and write nothing.
        skip_refused: Write the good rows although others are refused.
        strict: Refuse columns that nobody needs, instead of skipping them.
        sheet: Which sheet of a workbook; the first one with such headings if left out.
        dates: The order in which days such as 3/9/2026 are written.
        results: Write the result of every row into this file, .csv or .xlsx.
        yes: Do not ask about rows that end something.
        json_: One JSON object a row.
    """
    carry_out(file, None, How(dry_run, skip_refused, strict, sheet, dates, results, json_, yes))


def headings_for(kind: str | None, extra: Mapping[str, str] | None = None) -> Headings:
    """What may stand over the columns of a file.

    Args:
        kind: The command that each row gives; None where each names its own.
        extra: Further columns, with other words for each.
    """
    given = [COMMANDS[kind]] if kind else [c for c in COMMANDS.values() if not c.internal]
    if kind == RegisterLea.kind():
        headings = headings_of(given, {"command": "", **LIST_HEADINGS})
        return replace(headings, marks=LIST_MARKS, lone=frozenset(LIST_HEADINGS) - LIST_MARKS)
    return headings_of(given, {"command": "", **(extra or {})})


def carry_out(
    file: Path,
    kind: str | None,
    how: How,
    *,
    table: list[Numbered] | None = None,
    shape: Shape = dict,
    join: Join | None = None,
    reading: Reading | None = None,
) -> None:
    """Check every row, then give the commands; exit code 1 when a row is refused.

    Args:
        file: Where the rows stand.
        kind: The command that each row gives; None where each names its own.
        how: What was typed besides.
        table: The rows, where they were read already.
        shape: Turns each row into the columns of its command.
        join: Joins rows that are one fact.
        reading: How values were read, where some were already.
    """
    writable(how.results, file)
    if table is None:
        table = read_table(file, headings_for(kind), strict=how.strict, sheet=how.sheet)
    values, left_out = _shaped(file, table, shape, kind)
    actor = who_acts()
    reading = reading or Reading(how.dates)

    async def work(door: "Door") -> tuple[list[Result], Names]:
        from bootstrap.door import new_command_id

        issued_at = await door.now()
        known, before = await registered_before(door, values, kind)
        numbered = await _number_engagements(door, known, kind)
        named, wrong = await resolved(door, known, kind)
        rows, malformed = parsed(named, kind, reading)
        wrong += malformed
        rows = [replace(row, numbered=row.number in numbered) for row in rows]
        names = Names(door)

        def packed(row: Row) -> Envelope:
            return door.packed(
                row.command,
                command_id=row.command_id or new_command_id(),
                actor=actor,
                issued_at=issued_at,
                effective_on=row.effective_on,
                illustrative=row.illustrative,
            )

        results = [*left_out, *before, *wrong]
        if join is None:
            rows, before = await new_among(door.pool, door.vault, rows)
            results += before
        rehearsed = await door.rehearse([packed(row) for row in rows])
        refused, known_already = {}, {}
        for row, receipt in zip(rows, rehearsed, strict=True):
            if receipt.outcome != "refused":
                continue
            if receipt.refusal == AlreadyExists.__name__ and (
                so := await stands(door, row.command)
            ):
                known_already[row.number] = so
            else:
                refused[row.number] = receipt
        results += [
            _result(row, None, "recorded before", known_already[row.number])
            for row in rows
            if row.number in known_already
        ]
        rows = [row for row in rows if row.number not in known_already]
        writes = not how.dry_run and (how.skip_refused or not (refused or wrong))
        good = [row for row in rows if row.number not in refused]
        if writes and not how.yes and (ends := [row for row in good if row.command.ends]):
            writes = await ends_wanted(door, {row.number: packed(row) for row in ends})
        results += [_result(r, refused[r.number], "refused") for r in rows if r.number in refused]
        if not writes:
            results += [_result(row, None, "would be recorded") for row in good]
            good = []
        if join is not None:
            good, before = await new_among(door.pool, door.vault, join(good))
            results += before
        for place, row in enumerate(good, start=1):
            receipt = await given(door, packed(row))
            if receipt.refusal == ReusedCommandId.__name__:
                # Somebody else was importing the same at this moment.
                results += (await new_among(door.pool, door.vault, [row]))[1]
            else:
                results += _results(row, receipt, receipt.outcome)
            if place % PROGRESS_EVERY == 0:
                narrate(f"{place} of {len(good)}")
        await names.learn(*(r.message for r in results))
        return sorted(results, key=lambda r: r.number), names

    results, names = run(work, commands=True)
    if days := reading.in_words():
        narrate(f"{file.name}: {days}")
    written = {row.number: row.values for row in table}
    called = {row.number: about(row.values) for row in table}
    called |= {row.number: about({**written[row.number], **row.values}) for row in values}
    report(file, results, names, called, how)


def _shaped(
    file: Path, table: list[Numbered], shape: Shape, kind: str | None
) -> tuple[list[Numbered], list[Result]]:
    """The rows as their command takes them, and a result for every one that is left out."""
    kept, left_out = [], []
    for row in table:
        values = shape(dict(row.values))
        if isinstance(values, Skip):
            left_out.append(Result(row.number, kind or "", LEFT_OUT, values.why))
        else:
            kept.append(replace(row, values=values))
    for why, rows in Counter(r.message for r in left_out).items():
        narrate(f"{file.name}: {counted(rows, 'row')} left out: {why}.")
    if not kept:
        fail(f"{file}: no row is of the kind that is imported here.", REFUSED)
    return kept, left_out


async def new_among(
    pool: "Pool", vault: "Vault", rows: list[Row]
) -> tuple[list[Row], list[Result]]:
    """The rows that say something new, each with its command id, and a result for every other.

    The id comes from what a row says and how often the file says it: neither the file's name, nor
    the row's place, nor who imports it makes it another.  A row that was refused before is new:
    what stood in its way may be gone.
    """
    from store.database import listed, queries
    from store.documents import program

    nth: Counter[str] = Counter()
    wanted: list[tuple[Row, str]] = []
    for row in rows:
        nth[row.content] += 1
        # With the key, so that nobody can find out from an id what an erased row said.
        said = vault.fingerprint(f"{row.content} {nth[row.content]}".encode()).hex()
        wanted.append((row, said))
    new, before = [], []
    async with pool.acquire() as connection:
        settings = await program(connection)
        zone = settings.zone if settings else "UTC"
        attempt = 0
        while wanted:
            attempt += 1
            ids = [uuid5(_IMPORTS, f"{said} {attempt}") for _, said in wanted]
            answers = {
                answer["command_id"]: answer
                for answer in await listed(queries.answered_before(connection, command_ids=ids))
            }
            again = []
            for (row, said), command_id in zip(wanted, ids, strict=True):
                answer = answers.get(command_id)
                if answer is None:
                    new.append(replace(row, command_id=command_id))
                elif answer["outcome"] == "refused":
                    again.append((row, said))
                else:
                    on = spoken(local_date(answer["recorded_at"], zone))
                    by = f"by {answer['actor']} " if answer["actor"] else ""
                    before += _results(row, None, "recorded before", f"recorded {by}on {on}")
            wanted = again
    return sorted(new, key=lambda row: row.number), before


def _result(row: Row, receipt: Receipt | None, outcome: str, message: str = "") -> Result:
    if receipt is not None:
        message = receipt.message
    return Result(row.number, row.command.kind(), outcome, message)


def _results(row: Row, receipt: Receipt | None, outcome: str, message: str = "") -> list[Result]:
    """The same for every row of the file that went into it."""
    return [
        _result(replace(row, number=number), receipt, outcome, message)
        for number in row.numbers or (row.number,)
    ]


async def _number_engagements(
    door: "Door", rows: list[Numbered], kind: str | None
) -> frozenset[int]:
    """Give `engagement open` rows the id that the command line would make from the LEA.

    Returns:
        The numbers of the rows that had none.
    """
    numbered = set()
    for row in rows:
        values = row.values
        opens = (values.get("command") or kind) == OpenEngagement.kind()
        if opens and values.get("lea") and not values.get("engagement"):
            with contextlib.suppress(Unknown):  # Said of the row, when it is checked.
                values["engagement"] = await engagement_id(door, str(values["lea"]))
                numbered.add(row.number)
    return frozenset(numbered)


def parsed(
    content: list[Numbered], kind: str | None, reading: Reading | None = None
) -> tuple[list[Row], list[Result]]:
    """The rows that have the form of a command, and a result for each that has not."""
    rows: list[Row] = []
    wrong: list[Result] = []
    reading = reading or Reading()
    for row in content:
        try:
            rows.append(_row(row.number, dict(row.values), kind, reading))
        except ValueError as problem:
            message = str(problem)
            if any(map(reading.doubtful, row.values.values())):
                message += f" ({ORDER_UNKNOWN})"
            what = kind or str(row.values.get("command") or "")
            wrong.append(Result(row.number, what, "refused", message))
    return rows, wrong


def _row(number: int, values: dict[str, Any], kind: str | None, reading: Reading) -> Row:
    named = " ".join(str(values.pop("command", None) or kind or "").split()).casefold()
    command_type = COMMANDS.get(named)
    if command_type is None or command_type.internal:
        raise ValueError(
            f"command {named!r} is not one that can be imported. Write noun and verb, for example "
            f'"lea register".'
        )
    by_option = {option_name(n, f): n for n, f in command_type.model_fields.items()}
    on = None if "on" in by_option else _common(Day, values, "on", reading)
    illustrative = _common(bool, values, "illustrative", reading)
    body: dict[str, Any] = {}
    for label, value in values.items():
        if value is None or value == "":
            continue  # Left out: the column is there for the rows of another command.
        name = by_option.get(column(label))
        if name is None:
            raise ValueError(
                f"{named} has no column {label!r}. It has {', '.join(sorted(by_option))}."
            )
        body[name] = value_for(value, command_type.model_fields[name], reading)
    try:
        command = command_type.model_validate(body)
    except ValidationError as problem:
        raise ValueError(explain(problem, command_type)) from problem
    return Row(number, command, on, bool(illustrative))


def _common(kind: Any, values: dict[str, Any], name: str, reading: Reading) -> Any:
    """What any row may say besides its command; None where it does not."""
    value = fitted(values.pop(name, None) or None, kind | None)
    if value is None:
        return None
    if kind is Day and isinstance(value, str):
        value = reading.day(value.strip())
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as problem:
        raise ValueError(f"{name} {wrong_with(problem.errors()[0])}") from problem
