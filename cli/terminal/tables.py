"""A file of rows as spreadsheets write it: the rows, and what had to be understood to read them."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.terminal.files import read_text, read_yaml
from cli.terminal.output import REFUSED, fail, narrate
from domain.kernel.wording import counted

_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs"}
_NO_DATA = "no data"
"""What the State's files write into a cell that says nothing."""


@dataclass(frozen=True)
class Numbered:
    """One row of a file."""

    number: int
    """Counts the rows below the header from 1, empty ones included: a spreadsheet's, less one."""
    values: dict[str, Any]


def read_table(file: Path) -> list[Numbered]:
    """The rows of a CSV or YAML file, each with what is said in it.

    How it was read is told where it is not the usual way; a file that cannot be read, or has no
    rows, ends the command.
    """
    kind = file.suffix.lower()
    if kind in (".yaml", ".yml"):
        rows = _rows_of_yaml(file)
    elif kind in (".csv", ".tsv", ".txt"):
        rows = _rows_of_csv(file)
    else:
        fail(
            f"{file}: an import is a .csv or .yaml file (.tsv and .txt are read like .csv). Save "
            f"the table as CSV UTF-8.",
            REFUSED,
        )
    if not rows:
        fail(f"{file} has no rows: there is nothing to record.", REFUSED)
    return rows


def _rows_of_yaml(file: Path) -> list[Numbered]:
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
        rows.append(Numbered(number, _named(file, number, row)))
    return rows


def _named(file: Path, number: int, row: dict[str, Any]) -> dict[str, Any]:
    names = [column(name) for name in row]
    if twice := _twice(names):
        fail(f"{file}, row {number}: {twice!r} is there twice. Leave one of them out.", REFUSED)
    return dict(zip(names, row.values(), strict=True))


def column(name: str) -> str:
    """A column's name, however a spreadsheet writes it: As Of is as-of."""
    return "-".join(name.replace("_", " ").replace("-", " ").split()).casefold()


def _twice(names: list[str]) -> str | None:
    return next((n for i, n in enumerate(names) if n and n in names[:i]), None)


def _rows_of_csv(file: Path) -> list[Numbered]:
    text = read_text(file)
    try:
        delimiter, text = _delimited(text)
        records = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True))
    except csv.Error as problem:
        fail(
            f"{file} is not a CSV file: {problem}. Save it as CSV, with quotes around a cell that "
            f"holds a comma or a quote, and none that is left open.",
            REFUSED,
        )
    while records and not any(cell.strip() for cell in records[0]):
        records.pop(0)
    if not records:
        return []
    header = [column(name) for name in records[0]]
    if twice := _twice(header):
        fail(f"{file}: the column {twice!r} is there twice. Take one of them out.", REFUSED)
    rows, empty, silent = [], 0, 0
    for number, cells in enumerate(records[1:], start=1):
        said = [cell.strip() for cell in cells]
        if not any(said):
            empty += 1
            continue
        header += [""] * (len(said) - len(header))
        for name, cell in zip(header, said, strict=False):
            if cell and not name:
                fail(
                    f"{file}, row {number}: {_shown(cell)} stands under a column without a name, "
                    f"or beyond the last one. Name the column, take it out, or put quotes around "
                    f"a cell that holds {_DELIMITERS[delimiter]}.",
                    REFUSED,
                )
        silent += sum(cell.casefold() == _NO_DATA for cell in said)
        rows.append(
            Numbered(
                number,
                {
                    name: "" if cell.casefold() == _NO_DATA else cell
                    for name, cell in zip(header, said, strict=False)
                    if name
                },
            )
        )
    if rows and delimiter != ",":
        narrate(f"{file.name}: read with {_DELIMITERS[delimiter]} between the columns.")
    if rows and empty:
        narrate(f"{file.name}: {counted(empty, 'empty row')} skipped.")
    if silent:
        narrate(f'{file.name}: {counted(silent, "cell")} with "No Data" counted as left out.')
    return rows


def _delimited(text: str) -> tuple[str, str]:
    """What stands between the columns, and the text without the line in which Excel says so."""
    first, _, rest = text.partition("\n")
    said = first.strip("\r").strip('"')
    if said[:4].casefold() == "sep=" and said[4:5] in _DELIMITERS:
        return said[4], rest

    def columns(delimiter: str) -> int:
        lines = io.StringIO(text, newline="")
        return next((len(r) for r in csv.reader(lines, delimiter=delimiter) if any(r)), 0)

    return max(_DELIMITERS, key=columns), text


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}…"
