"""A file of rows as spreadsheets write it: the rows, and what had to be understood to read them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.sheets.grid import Broken, Grid, Line, NotASheet
from cli.sheets.headings import Headings
from cli.sheets.text import read_text_grid
from cli.sheets.workbook import read_workbook
from cli.terminal.files import read_yaml, unreadable
from cli.terminal.output import REFUSED, fail, narrate
from domain.kernel.refusals import did_you_mean
from domain.kernel.wording import counted

_WORKBOOKS = (".xlsx", ".xlsm")
_PACKED = b"PK\x03\x04"
_MOST_NAMED = 8
_NO_DATA = "no data"
"""What the State's files write into a cell that says nothing."""


@dataclass(frozen=True)
class Numbered:
    """One row of a file."""

    number: int
    """As the spreadsheet shows it; in a YAML list, counted from 1."""
    values: dict[str, Any]


def read_table(
    file: Path,
    headings: Headings | None = None,
    *,
    strict: bool = False,
    sheet: str | None = None,
) -> list[Numbered]:
    """The rows of a workbook, a table of text or a YAML list, each with what is said in it.

    How it was read is told where it is not the usual way; a file that cannot be read, or has no
    rows, ends the command.

    Args:
        file: Where the rows stand.
        headings: What may stand over the columns; every column counts, by its name, if None.
        strict: Refuse columns that nobody needs, instead of skipping them.
        sheet: Which sheet of a workbook; the first one with something in it if None.
    """
    kind = file.suffix.lower()
    if kind in (".yaml", ".yml"):
        rows = _rows_of_yaml(file, headings)
    elif kind in (*_WORKBOOKS, ".csv", ".tsv", ".txt"):
        rows = _rows_of_sheet(file, headings, strict=strict, sheet=sheet)
    else:
        fail(
            f"{file}: an import is an .xlsx, .csv or .yaml file (.tsv and .txt are read like "
            f".csv). Save the table as Excel workbook or as CSV UTF-8.",
            REFUSED,
        )
    if not rows:
        fail(f"{file} has no rows: there is nothing to record.", REFUSED)
    return rows


def _rows_of_yaml(file: Path, headings: Headings | None) -> list[Numbered]:
    content = read_yaml(file)
    if content is not None and not isinstance(content, list):
        fail(f"{file}: a YAML import is a list of rows, each with NAME: VALUE.", REFUSED)
    rows = []
    for number, row in enumerate(content or (), start=1):
        if not isinstance(row, dict):
            fail(
                f"{file}, row {number}: {_shown(row)} is no row. Each has NAME: VALUE, and a list "
                f"of rows begins each with a dash.",
                REFUSED,
            )
        rows.append(Numbered(number, _named(file, number, row, headings)))
    return rows


def _named(
    file: Path, number: int, row: dict[str, Any], headings: Headings | None
) -> dict[str, Any]:
    """A row by our names; one that nobody needs stays, and its command refuses it."""
    ours = headings.named([*row]) if headings else [""] * len(row)
    names = [name or column(written) for name, written in zip(ours, row, strict=True)]
    if twice := _twice(names):
        fail(f"{file}, row {number}: {twice!r} is there twice. Leave one of them out.", REFUSED)
    return dict(zip(names, row.values(), strict=True))


def column(name: str) -> str:
    """A column's name, however a spreadsheet writes it: As Of is as-of."""
    return "-".join(name.replace("_", " ").replace("-", " ").split()).casefold()


def _twice(names: list[str]) -> str | None:
    return next((n for i, n in enumerate(names) if n and n in names[:i]), None)


def _rows_of_sheet(
    file: Path, headings: Headings | None, *, strict: bool, sheet: str | None
) -> list[Numbered]:
    try:
        content = file.read_bytes()
    except OSError as problem:
        fail(unreadable(file, problem), REFUSED)
    try:
        if file.suffix.lower() in _WORKBOOKS or content.startswith(_PACKED):
            grid = read_workbook(file, content, headings, sheet)
        elif sheet is not None:
            fail(f"{file} has no sheets: --sheet is for Excel workbooks. Leave it out.", REFUSED)
        else:
            grid = read_text_grid(file, content, headings)
    except NotASheet as problem:
        fail(str(problem), REFUSED)
    return _rows_of_grid(file, grid, headings, strict=strict)


def _rows_of_grid(
    file: Path, grid: Grid, headings: Headings | None, *, strict: bool
) -> list[Numbered]:
    """The rows below the headings of a sheet, and what is to be told of how they were found."""
    if not any(any(line.cells) for line in grid.lines):
        return []
    at = headings.line_of(grid.lines) if headings else _first(grid.lines)
    top, below = grid.lines[at], [line for line in grid.lines[at + 1 :] if any(line.cells)]
    read, also = list(grid.read), list(grid.told)
    if above := [line for line in grid.lines[:at] if any(line.cells)]:
        read.append(f"headings in row {top.number}, what stands above left out")
        also.append(f"above the headings: {_shown(' '.join(filter(None, above[0].cells)))}")
    width = max(map(len, (top.cells, *(line.cells for line in below))))
    over = [*top.cells, *[""] * (width - len(top.cells))]
    named = _columns(file, over, headings)
    for line in below:
        _all_below_a_name(file, line, over, grid.between)
    unneeded = [heading for heading, name in zip(over, named, strict=True) if heading and not name]
    if unneeded and strict:
        fail(
            f"{file}: {_not_needed(unneeded, headings)}Take it out, or leave out --strict.", REFUSED
        )
    if below and unneeded:
        also.append(_not_needed(unneeded, headings).rstrip(" .") + ": skipped")
    kept = [(i, name) for i, name in enumerate(named) if name]
    if below and not kept:
        fail(
            f"{file}: {_not_needed(unneeded, headings).rstrip()} None that is needed is there. See "
            f"which are: the verb with --help, or a sheet to fill in: handrail import template",
            REFUSED,
        )
    broken = [
        cell
        for line in below
        for i, _ in kept
        if i < len(line.cells) and isinstance(cell := line.cells[i], Broken)
    ]
    if broken:
        fail(f"{file}: {_not_taken(broken)}", REFUSED)
    silent = sum(
        line.cells[i].casefold() == _NO_DATA
        for line in below
        for i, _ in kept
        if i < len(line.cells)
    )
    rows = [
        Numbered(line.number, {name: _cell(line, i) for i, name in kept})
        for line in below
        if any(_cell(line, i) for i, _ in kept)
    ]
    empty = grid.lines[-1].number - top.number - len(rows)
    if rows and empty:
        also.append(f"{counted(empty, 'empty row')} skipped")
    if rows and (blank := sum(not cell for cell in top.cells)):
        also.append(f"{counted(blank, 'empty column')} skipped")
    if silent:
        also.append(f'{counted(silent, "cell")} with "No Data" counted as left out')
    if rows and read:
        narrate(f"{file.name}: read {', '.join(read)}.")
    for sentence in also if rows else ():
        narrate(f"{file.name}: {sentence}.")
    return rows


def _first(lines: list[Line]) -> int:
    return next(i for i, line in enumerate(lines) if any(line.cells))


def _is_silent(line: Line, at: int) -> bool:
    return at < len(line.cells) and line.cells[at].casefold() == _NO_DATA


def _cell(line: Line, at: int) -> str:
    return "" if at >= len(line.cells) or _is_silent(line, at) else line.cells[at]


def _columns(file: Path, over: list[str], headings: Headings | None) -> list[str]:
    names = headings.named(over) if headings else [column(heading) for heading in over]
    if twice := _twice(names):
        first, second = [h for h, n in zip(over, names, strict=True) if n == twice][:2]
        also = "" if column(first) == column(second) else f" ({first!r} and {second!r})"
        fail(f"{file}: the column {twice!r} is there twice{also}. Take one of them out.", REFUSED)
    return names


def _all_below_a_name(file: Path, line: Line, over: list[str], between: str) -> None:
    for heading, cell in zip(over, line.cells, strict=False):
        if cell and not heading:
            quotes = f", or put quotes around a cell that holds {between}" if between else ""
            fail(
                f"{file}, row {line.number}: {_shown(str(cell))} stands under a column without a "
                f"name, or beyond the last one. Name the column, or take it out{quotes}.",
                REFUSED,
            )


def _not_needed(unneeded: list[str], headings: Headings | None) -> str:
    known = sorted({*headings.names.values()}) if headings else []
    near = did_you_mean(column(unneeded[0]), known) if len(unneeded) == 1 else ""
    shown = ", ".join(map(_shown, unneeded[:_MOST_NAMED]))
    more = f" and {len(unneeded) - _MOST_NAMED} more" if len(unneeded) > _MOST_NAMED else ""
    which = "the column" if len(unneeded) == 1 else "the columns"
    return f"nobody needs {which} {shown}{more}. {near}"


def _not_taken(broken: list[Broken]) -> str:
    shown = "; ".join(f"{c.place} holds {c}, {c.why}" for c in broken[:_MOST_NAMED])
    more = f"; and {len(broken) - _MOST_NAMED} more" if len(broken) > _MOST_NAMED else ""
    return f"{shown}{more}."


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
