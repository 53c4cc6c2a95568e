"""How results look: tables for people, JSON for programs, refusals for both.

Results go to stdout, narration to stderr.
"""

import codecs
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final, NoReturn
from uuid import UUID

DONE: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
UNAVAILABLE: Final = 3


def emit_table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], *, empty: str = ""
) -> None:
    """A table on stdout: drawn on a terminal wide enough for it, aligned plain text elsewhere.

    Args:
        title: What it is a table of.
        columns: Their names.
        rows: Their cells.
        empty: What to do about a table without rows, which is told in a line.
    """
    if not rows:
        none = f"{title}: none." if title and not title.startswith("0 ") else f"{title}."
        print(f"{none} {empty}".strip())
        return
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    widths = [
        max(len(line) for row in ([name], *([r[i]] for r in cells)) for line in row[0].split("\n"))
        for i, name in enumerate(columns)
    ]
    drawn_width = sum(widths) + 3 * len(columns) + 1
    if sys.stdout.isatty() and drawn_width <= shutil.get_terminal_size().columns:
        # Imported here: most output goes to people, but `--help` and `--json` need not pay for it.
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(title=title or None, title_justify="left")
        for name in columns:
            table.add_column(name)
        for row in cells:
            # Text, not markup: a title may hold square brackets.
            table.add_row(*(Text(cell) for cell in row))
        Console().print(table)
        return
    if title:
        print(title)
    print(_aligned(columns, widths))
    print("  ".join("-" * width for width in widths))
    for row in cells:
        lines = [cell.split("\n") for cell in row]
        for i in range(max(len(parts) for parts in lines)):
            print(_aligned([parts[i] if i < len(parts) else "" for parts in lines], widths))


def emit_json(value: object) -> None:
    """One JSON object or array on one line of stdout."""
    print(json.dumps(value, default=_plain, ensure_ascii=False))


def narrate(message: str) -> None:
    """A line for the person watching, on stderr."""
    print(message, file=sys.stderr, flush=True)


_OUTCOMES: Final = {REFUSED: "refused", USAGE: "usage", UNAVAILABLE: "unavailable"}
_asked_for_json = False


def prepare(arguments: Sequence[str]) -> list[str]:
    """Make ready for one command; answers what was typed, as text.

    A machine set up for plain ASCII still types and reads names as they are written.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and codecs.lookup(stream.encoding).name != "utf-8":
            if stream.isatty():
                stream.reconfigure(errors="replace")
            else:
                stream.reconfigure(encoding="utf-8")
    return [os.fsencode(a).decode("utf-8", "surrogateescape") for a in arguments]


@contextmanager
def answering(arguments: Sequence[str]) -> Iterator[None]:
    """Whoever asks for JSON gets refusals as JSON as well, for the length of one command."""
    global _asked_for_json  # noqa: PLW0603 - a process answers one command at a time
    _asked_for_json = "--json" in arguments
    try:
        yield
    finally:
        _asked_for_json = False


def fail(message: str, code: int, *, refusal: str | None = None) -> NoReturn:
    """Say why not, and leave with an exit code: on stderr, or as JSON to whoever asked for it.

    Args:
        message: A paragraph with the value and the way out.
        code: The exit code.
        refusal: The kind of refusal, where a rule said no.

    Raises:
        SystemExit: Always.
    """
    if _asked_for_json:
        emit_json(
            {"outcome": _OUTCOMES.get(code, "refused"), "message": message, "refusal": refusal}
        )
    else:
        narrate(message)
    raise SystemExit(code)


def leave(code: int) -> NoReturn:
    """End the process at once, with everything written.

    For the outermost frame of a program that may have loaded the Temporal SDK: its threads can
    abort an interpreter that is shutting down, which would turn a success into signal 6.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _aligned(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return "  ".join(padded).rstrip()


def _plain(value: Any) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, Path | UUID):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, set | frozenset | tuple):
        return sorted(value) if isinstance(value, set | frozenset) else list(value)
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    # Decimal and whatever else prints exactly: as a string, never as a float.
    return str(value)
