"""Tables as text: in which encoding they are, and what stands between their columns."""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from cli.sheets.grid import MOST_BYTES, MOST_COLUMNS, MOST_ROWS, Grid, Line, NotASheet
from cli.sheets.headings import Headings

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "upright strokes"}

_SAYS_SO = re.compile(r'"?sep=([,;\t|])"?[,;\t|]*(?:\r\n|\r|\n)', re.IGNORECASE)
_GUARDED = re.compile(r"'(?=[=+\-@\t\r])")
"""What our own files put before a cell that a spreadsheet would take for a formula."""
_TWICE_ENCODED = re.compile("[\u00c2\u00c3][\u0080-\u00bf]")
_IN_A_WORD = frozenset("’‘–-")
_WORD = re.compile(r"[^\s,;\t\"]*[^\x00-\x7f][^\s,;\t\"]*(?: [^\s,;\t\"]+)?")


def read_text_grid(path: Path, content: bytes, headings: Headings | None = None) -> Grid:
    """The rows of a table of text.

    Args:
        path: As it is named in messages.
        content: What stands in the file.
        headings: What may stand over its columns.

    Raises:
        NotASheet: It is none, or is in an encoding that nothing tells.
    """
    if len(content) > MOST_BYTES:
        raise NotASheet(
            f"{path} is larger than {MOST_BYTES // 1_000_000} MB. Take out what is no row."
        )
    text, encoding = _decoded(path, content)
    read = [f"as {encoding}"] if encoding else []
    try:
        delimiter, text = _delimited(text, headings)
        try:
            lines = _lines(path, text, delimiter)
        except csv.Error:
            # The State's files have no quotes around cells, and names that begin with one.
            if delimiter != "\t":
                raise
            lines = _lines(path, text, delimiter, quoted=False)
    except csv.Error as problem:
        raise NotASheet(
            f"{path} is not a CSV file: {problem}. Save it as CSV, with quotes around a cell that "
            f"holds a comma or a quote, and none that is left open."
        ) from problem
    if delimiter != ",":
        read.append(f"with {DELIMITERS[delimiter]} between the columns")
    return Grid(lines, read, between=DELIMITERS[delimiter])


def _lines(path: Path, text: str, delimiter: str, *, quoted: bool = True) -> list[Line]:
    lines = []
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=delimiter,
        strict=True,
        quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE,
    )
    for number, row in enumerate(reader, start=1):
        if number > MOST_ROWS or len(row) > MOST_COLUMNS:
            raise NotASheet(
                f"{path} has more than {MOST_ROWS} rows, or than {MOST_COLUMNS} columns. Split it."
            )
        cells = [_GUARDED.sub("", cell.strip(), count=1) for cell in row]
        lines.append(Line(number, cells))
    return lines


def _decoded(path: Path, content: bytes) -> tuple[str, str]:
    """The text, and its encoding where that is worth saying."""
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    encoding = "UTF-16" if wide else ""
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as problem:
        if wide:
            raise NotASheet(
                f"{path} is not whole in UTF-16. Save it as CSV UTF-8 and repeat."
            ) from problem
        text = _old(path, content, problem)
        example = _WORD.search(text)
        shown = f" (see that {example[0]!r} is right)" if example else ""
        encoding = f"Windows-1252{shown}"
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        raise NotASheet(
            f"{path}, line {line}: there is a character that no text has (NUL). Save it as plain "
            f"text in UTF-8 and repeat."
        )
    return text, encoding


def _old(path: Path, content: bytes, problem: UnicodeDecodeError) -> str:
    """The text in Windows-1252, as Excel's plain CSV is, where it makes words."""
    try:
        text = content.decode("cp1252")
        if not _TWICE_ENCODED.search(text) and all(map(_fits, *_neighbours(text))):
            return text
    except UnicodeDecodeError:
        pass
    line = content.count(b"\n", 0, problem.start) + 1
    raise NotASheet(
        f"{path}, line {line}, is not text in UTF-8 (byte 0x{content[problem.start]:02X}), and "
        f"makes no words in Windows-1252. Save it as CSV UTF-8 and repeat."
    ) from problem


def _neighbours(text: str) -> tuple[list[str], list[str], list[str]]:
    """Every character beyond ASCII, with those before and behind it."""
    at = [i for i, c in enumerate(text) if c > "\x7f"]
    padded = f" {text} "
    return [padded[i] for i in at], [text[i] for i in at], [padded[i + 2] for i in at]


def _fits(before: str, character: str, behind: str) -> bool:
    """Whether a character may stand there: another old encoding puts signs inside of words."""
    if not (before.isalpha() and behind.isalpha()):
        return character.isprintable() or character == "\xa0"
    if not character.isalpha():
        return character in _IN_A_WORD or character == "\xa0"
    return not (character.isupper() and before.islower() and behind.islower())


def _delimited(text: str, headings: Headings | None) -> tuple[str, str]:
    """What stands between the columns, and the text without the line in which Excel says so.

    Excel does not count that line, nor do we.
    """
    if said := _SAYS_SO.match(text):
        return said[1], text[said.end() :]

    def fits(delimiter: str) -> tuple[int, int, int]:
        """How many headings are known with it; how many rows have as many columns, and how many."""
        lines = list(_first_lines(text, delimiter))
        known = headings.known_in(lines[headings.line_of(lines)].cells) if headings and lines else 0
        several = [w for line in lines if (w := sum(map(bool, line.cells))) > 1]
        width = max(several, key=lambda w: (several.count(w), w), default=1)
        return known, several.count(width), width

    return max(DELIMITERS, key=fits), text


def _first_lines(text: str, delimiter: str) -> Iterator[Line]:
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    filled = (Line(n, [c.strip() for c in row]) for n, row in enumerate(rows, start=1) if any(row))
    return islice(filled, _LOOKED_AT)


_LOOKED_AT = 20
"""Rows by which the delimiter is found: titles may stand above the headings."""
