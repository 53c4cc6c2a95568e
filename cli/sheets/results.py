"""What became of every row, in a file to send back, whose cells are text and never a formula."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from cli.sheets.values import Order
from cli.terminal.files import unreadable
from cli.terminal.output import DEFECT, REFUSED, emit_json, emit_table, fail, narrate
from domain.kernel.wording import counted
from queries.names import Names

_HEADINGS: Final = ("Row", "About", "Command", "Outcome", "Why")
LEFT_OUT: Final = "left out"
"""What becomes of rows that are of another kind: counted on the screen, told of in a file."""
_RUNS: Final = ("=", "+", "-", "@", "\t", "\r")
"""What a spreadsheet takes for the beginning of a formula."""
_NAMES: Final = ("name", "title", "person", "handle", "id")
_SAYS_WHAT: Final = (*_NAMES, "indicator", "lea", "engagement")
"""Columns that say what a row is about, the most telling first."""
_PARTS: Final = ("group", "role", "purpose", "attribute", "area")


@dataclass(frozen=True)
class Result:
    """What became of a row."""

    number: int
    what: str
    outcome: str
    message: str


@dataclass(frozen=True)
class How:
    """How a file is to be imported, as it was typed."""

    dry_run: bool = False
    """Write nothing."""
    skip_refused: bool = False
    """Write the good rows although others are refused."""
    strict: bool = False
    """Refuse columns that nobody needs."""
    sheet: str | None = None
    """Which sheet of a workbook."""
    dates: Order | None = None
    """In which order days are written."""
    results: Path | None = None
    """A file for the result of every row."""
    as_json: bool = False
    """Answer with one JSON object a row."""
    yes: bool = False
    """Do not ask about rows that end something."""


def about(values: Mapping[str, Any]) -> str:
    """Whom or what a row is about, by what it says first of that."""
    said = [str(values[name]) for name in _SAYS_WHAT if values.get(name)][:1]
    # Of what has no name of its own, the place is said and what is there.
    if not any(values.get(name) for name in _NAMES):
        said += [str(values[name]) for name in _PARTS if values.get(name)][:1]
    return ", ".join(said)


def writable(results: Path | None, file: Path) -> None:
    """Refuse, before anything is done, a file for results that cannot be meant."""
    if results is None:
        return
    if results.suffix.lower() not in (".csv", ".xlsx"):
        fail(f"--results {results}: name it .csv or .xlsx.", REFUSED)
    if results.exists() and file.exists() and results.samefile(file):
        fail(f"--results {results} is the file that is imported. Choose another name.", REFUSED)
    if not results.parent.is_dir():
        fail(f"--results {results}: there is no folder {results.parent}. Make it first.", REFUSED)


def report(
    file: Path, results: list[Result], names: Names, called: Mapping[int, str], how: How
) -> None:
    """Tell what became of every row, on the screen and in the file that was asked for.

    Args:
        file: Whence the rows came.
        results: What became of each.
        names: People's names for the ids in messages.
        called: Whom or what each row is about.
        how: What was typed.
    """
    results = [replace(r, message=names.told(r.message)) for r in results]
    every = results
    results = [r for r in every if r.outcome != LEFT_OUT]
    refused = sum(r.outcome == "refused" for r in results)
    same = {(r.what, r.message) for r in results} if refused == len(results) > 1 else set()
    if how.results:
        write_results(how.results, every, called)
        narrate(f"The result of every row: {how.results}")
    if how.as_json:
        for r in every:
            emit_json(
                {
                    "row": r.number,
                    "about": called.get(r.number) or None,
                    "command": r.what,
                    "outcome": r.outcome,
                    "message": r.message,
                }
            )
    elif len(same) == 1:
        [(_, message)] = same
        fail(f"{file.name}, each of {counted(len(results), 'row')}: {message}", REFUSED)
    else:
        emit_table(
            f"{file.name}: {counted(len(results), 'row')}",
            ("Row", "About", "Command", "Outcome", "Why"),
            [(r.number, called.get(r.number, ""), r.what, r.outcome, r.message) for r in results],
        )
        if how.dry_run:
            print("Dry run: nothing was written.")
    if any(r.outcome == "recorded before" for r in results):
        narrate(
            "What was recorded before was not recorded again. If it happened once more, give its "
            "day in the column on."
        )
    if defect := sum(r.outcome == "defect" for r in results):
        narrate(f"{counted(defect, 'row')} met a defect; once it is mended, import the file again.")
        raise SystemExit(DEFECT)
    if refused:
        nothing = not any(r.outcome == "recorded" for r in results)
        others = any(r.outcome == "would be recorded" for r in results)
        narrate(
            f"{refused} of {counted(len(results), 'row')} refused"
            + ("; nothing was written. Correct them" if nothing else ". Correct them")
            + (
                " and repeat, or add --skip-refused to write the others."
                if others
                else " and repeat."
            )
        )
        raise SystemExit(REFUSED)


def write_results(path: Path, results: Sequence[Result], called: Mapping[int, str]) -> None:
    """Write a line for every row."""
    rows = [(r.number, called.get(r.number, ""), r.what, r.outcome, r.message) for r in results]
    try:
        if path.suffix.lower() == ".csv":
            _write_csv(path, rows)
        else:
            _write_workbook(path, rows)
    except OSError as problem:
        fail(unreadable(path, problem), REFUSED)


def _write_csv(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    # With the mark by which Excel knows UTF-8.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_HEADINGS)
        writer.writerows([guarded(cell) for cell in row] for row in rows)


def guarded(cell: Any) -> Any:
    """A cell of a CSV file, with an apostrophe before what would run; reading takes it off."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_RUNS) else cell


def _write_workbook(path: Path, rows: Iterable[Sequence[Any]]) -> None:
    from openpyxl import Workbook
    from openpyxl.styles import Font
    from openpyxl.utils import get_column_letter

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Results"
    for at, row in enumerate([_HEADINGS, *rows], start=1):
        for place, cell in enumerate(row, start=1):
            put(sheet.cell(at, place), cell)
    for place, width in enumerate((6, 32, 24, 18, 90), start=1):
        sheet.cell(1, place).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(place)].width = width
    sheet.freeze_panes = "A2"
    book.save(path)


def put(cell: Any, value: Any) -> None:
    """Put a value into a workbook's cell: text stays text, whatever it begins with."""
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    if isinstance(value, str):
        cell.value = ILLEGAL_CHARACTERS_RE.sub("", value)
        cell.data_type = "s"
        cell.quotePrefix = value.startswith(_RUNS)
    else:
        cell.value = value
