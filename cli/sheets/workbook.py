"""Excel workbooks: one sheet's rows as texts, each cell as its reader sees it."""

import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from itertools import repeat, zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cli.sheets.grid import MOST_BYTES, MOST_COLUMNS, MOST_ROWS, Broken, Grid, Line, NotASheet
from cli.sheets.headings import Headings

if TYPE_CHECKING:
    from openpyxl.workbook import Workbook

MOST_UNPACKED = 150_000_000
"""Bytes of all parts of a workbook together; a file that unpacks to more was made to do harm."""
_PARTS = 5_000

_CHUNK = 1 << 20
_MOST_OF_A_ROW = 12_000_000
"""Bytes of a sheet without the beginning of a row; what follows the last one counts as well."""
_MOST_OF_A_PART = 50_000_000
"""Bytes of any other part, such as all texts of a workbook: they are held at once."""

_FORMULA = re.compile(rb"<(?:\w{1,20}:)?f[\s/>]")
_TAG_BYTES = 24

_ZEROS = re.compile(r"0{2,20}")
"""A number format that shows a code with its zeros in front."""


def read_workbook(
    path: Path, content: bytes, headings: Headings | None = None, sheet: str | None = None
) -> Grid:
    """The rows of one sheet of a workbook.

    Args:
        path: As it is named in messages.
        content: What stands in the file.
        headings: What may stand over its columns.
        sheet: Its name; the first that is shown and has such headings if None.

    Raises:
        NotASheet: It cannot be read, is too large, or has no such sheet.
    """
    archive = _opened(path, content)
    from openpyxl import load_workbook

    with warnings.catch_warnings():
        # Of styles, pictures and validation that it leaves out: nothing of that is read here.
        warnings.simplefilter("ignore")
        try:
            results = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
            # Twice as long; a sheet says only when asked anew which of its values are results.
            formulas = results
            if _has_formulas(path, archive):
                formulas = load_workbook(io.BytesIO(content), read_only=True)
            return _read(path, results, formulas, headings, sheet)
        except NotASheet:
            raise
        except Exception as problem:  # openpyxl has no error of its own
            raise NotASheet(
                f"{path} is not a workbook that can be read ({type(problem).__name__}). Open it, "
                f"save it again as Excel workbook (.xlsx) or as CSV UTF-8, and repeat."
            ) from problem


def _has_formulas(path: Path, archive: zipfile.ZipFile) -> bool:
    """Whether any sheet has a formula, wherever in the archive it is.

    Raises:
        NotASheet: A row is too large to be held at once, as the reader does.
    """
    found = False
    for name in archive.namelist():
        if name.endswith(".xml"):
            most = _MOST_OF_A_ROW if "worksheets/" in name else _MOST_OF_A_PART
            with archive.open(name) as part:
                before, since_row = b"", 0
                while chunk := part.read(_CHUNK):
                    found = found or bool(_FORMULA.search(before + chunk))
                    rows = chunk.rfind(b"row ")
                    since_row = len(chunk) - rows if rows >= 0 else since_row + len(chunk)
                    if since_row > most:
                        raise NotASheet(
                            f"{path} has a part of more than {most // 1_000_000} MB "
                            f"without a row in it. Save its one sheet as CSV."
                        )
                    before = chunk[-_TAG_BYTES:]
    return found


def _opened(path: Path, content: bytes) -> zipfile.ZipFile:
    if len(content) > MOST_BYTES:
        raise NotASheet(
            f"{path} is larger than {MOST_BYTES // 1_000_000} MB. Save its one sheet as CSV."
        )
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise NotASheet(
            f"{path} is a workbook of the old kind (.xls), or is locked with a password. Save it "
            f"as Excel workbook (.xlsx) without one."
        )
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile as problem:
        raise NotASheet(
            f"{path} is not an Excel workbook, whatever its name says. Save it as .xlsx or as CSV "
            f"UTF-8."
        ) from problem
    # No part is ever read beyond the size that it states.
    parts = archive.infolist()
    if len(parts) > _PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
        raise NotASheet(
            f"{path} unpacks to more than {MOST_UNPACKED // 1_000_000} MB. Save its one sheet as "
            f"CSV."
        )
    return archive


def _read(
    path: Path,
    results: "Workbook",
    formulas: "Workbook",
    headings: Headings | None,
    sheet: str | None,
) -> Grid:
    shown = [s.title for s in results.worksheets if s.sheet_state == "visible"]
    if sheet is not None:
        wanted = [n for n in shown if n.strip().casefold() == sheet.strip().casefold()]
        if not wanted:
            raise NotASheet(f"{path} has no sheet {sheet!r}. It has {', '.join(map(repr, shown))}.")
    else:
        wanted = shown
    found: tuple[str, list[Line]] | None = None
    for name in wanted:
        lines = list(_lines(path, results[name], formulas[name]))
        if lines and (headings is None or headings.known_in(lines[headings.line_of(lines)].cells)):
            found = name, lines
            break
        # Notes may stand on a sheet before the rows; where no sheet has headings, it is refused.
        found = found or ((name, lines) if lines else None)
    if found is None:
        return Grid([])
    others = ", ".join(repr(n) for n in shown if n != found[0])
    read = [f"from its sheet {found[0]!r}"] if others else []
    return Grid(found[1], read, [f"not read: the sheet {others}"] if others else [])


def _lines(path: Path, results: Any, formulas: Any) -> Iterator[Line]:
    # What a sheet says of its own size is not to be relied on.
    results.reset_dimensions()
    typed_rows: Iterator[Any] = repeat(())
    if formulas is not results:
        formulas.reset_dimensions()
        typed_rows = formulas.iter_rows()
    filled = 0
    for number, (row, typed) in enumerate(
        zip(results.iter_rows(), typed_rows, strict=False), start=1
    ):
        filled += len(row)
        if number > MOST_ROWS and any(cell.value is not None for cell in row):
            raise NotASheet(f"{path} has more than {MOST_ROWS} rows. Split it.")
        if filled > MOST_ROWS * 50:
            raise NotASheet(f"{path} has too many cells. Save the rows that count as CSV.")
        cells = [
            _text(cell, was is not None and was.data_type == "f")
            for cell, was in zip_longest(row, typed)
        ]
        while cells and not cells[-1]:
            cells.pop()
        if len(cells) > MOST_COLUMNS:
            raise NotASheet(f"{path} has more than {MOST_COLUMNS} columns. Take some out.")
        if cells:
            yield Line(number, cells)


def _text(cell: Any, is_formula: bool) -> str:
    """A cell as it is to be read: days and hours as we write them, a number as it was typed."""
    value = cell.value
    if value is None:
        if is_formula and cell.data_type != "str":
            return Broken(
                "=…", cell.coordinate, "a formula whose result was not saved. Open and save it"
            )
        return ""
    if cell.data_type == "e":
        return Broken(str(value), cell.coordinate, "an error. Mend or empty it")
    match value:
        case bool():
            return "TRUE" if value else "FALSE"
        case datetime():
            if value.time() == time():
                return value.date().isoformat()
            return value.isoformat(" ", "minutes" if not value.second else "seconds")
        case date():
            return value.isoformat()
        case time():
            return value.isoformat("minutes" if not value.second else "seconds")
        case timedelta():
            return str(value)
        case int() | float():
            digits = f"{value:.15g}" if abs(value) < 1e15 else f"{value:.0f}"
            if _ZEROS.fullmatch(cell.number_format or "") and digits.isdecimal():
                return digits.zfill(len(cell.number_format))
            return digits
        case _:
            return str(value).replace("_x000D_", "").replace("\r\n", "\n").strip()
