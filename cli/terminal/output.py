"""How results look: tables for people, JSON for programs, refusals for both.

Results go to stdout, narration to stderr.
"""

import codecs
import json
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from io import StringIO, TextIOWrapper
from pathlib import Path
from typing import Any, Final, NoReturn
from uuid import UUID

DONE: Final = 0
REFUSED: Final = 1
USAGE: Final = 2
UNAVAILABLE: Final = 3
UNKNOWN: Final = 4
DEFECT: Final = 5


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
    if sys.stdout.isatty() and drawn_width <= _columns():
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


def _columns() -> int:
    import shutil

    return shutil.get_terminal_size().columns


def emit_json(value: object) -> None:
    """One JSON object or array on one line of stdout."""
    print(json.dumps(value, default=_plain, ensure_ascii=False))


def narrate(message: str) -> None:
    """A line for the person watching, on stderr."""
    print(message, file=sys.stderr, flush=True)


def narrate_once(message: str) -> None:
    """Say on stderr what this command has not said yet."""
    if message not in _said:
        _said.add(message)
        narrate(message)


_OUTCOMES: Final = {
    REFUSED: "refused",
    USAGE: "usage",
    UNAVAILABLE: "unavailable",
    UNKNOWN: "unknown",
    DEFECT: "defect",
}
_asked_for_json = False
_said: set[str] = set()


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
    read = [os.fsencode(a).decode("utf-8", "surrogateescape") for a in arguments]
    broken = [(place, a) for place, a in enumerate(read, start=1) if not _is_text(a)]
    if broken:
        named = ", ".join(f"argument {place} ({_as_bytes(a)})" for place, a in broken)
        fail(
            f"This is not text in UTF-8: {named}. Type it again; where it was pasted or comes "
            f"from a file, save that as UTF-8 first.",
            USAGE,
        )
    return read


def _is_text(argument: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in argument)


def _as_bytes(argument: str) -> str:
    """An argument as a shell would write it, its bytes that are no text by their numbers."""
    return (
        "$'"
        + "".join(f"\\x{ord(c) - 0xDC00:02x}" if "\udc80" <= c <= "\udcff" else c for c in argument)
        + "'"
    )


class _Unread:
    """A stream whose reader may leave early, as ``head`` does: the rest then goes nowhere.

    What a command does must not hang on who reads its answer to the end.

    Args:
        stream: Where to write.
        lost: Collects why something could not be written to somebody who still reads.
    """

    def __init__(self, stream: Any, lost: list[OSError]) -> None:
        self._stream = stream
        self._lost = lost

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    @property
    def buffer(self) -> "_Unread":
        self.flush()
        return _Unread(self._stream.buffer, self._lost)

    def write(self, content: Any) -> int:
        with self._whoever_reads():
            self._stream.write(content)
        return len(content)

    def flush(self) -> None:
        with self._whoever_reads():
            self._stream.flush()

    @contextmanager
    def _whoever_reads(self) -> Iterator[None]:
        try:
            yield
        except OSError as away:
            if not isinstance(away, BrokenPipeError):
                self._lost.append(away)
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


@contextmanager
def answering(arguments: Sequence[str]) -> Iterator[None]:
    """What holds for the length of one command.

    Whoever asks for JSON gets refusals as JSON as well, and nobody has to read to the end.
    """
    global _asked_for_json  # noqa: PLW0603 - a process answers one command at a time
    _asked_for_json = "--json" in arguments
    _said.clear()
    streams = sys.stdout, sys.stderr
    # Python has none where a descriptor was closed.
    lost: list[OSError] = []
    out, err = _Unread(sys.stdout or StringIO(), lost), _Unread(sys.stderr or StringIO(), [])
    sys.stdout, sys.stderr = out, err
    try:
        yield
    finally:
        out.flush()
        if lost:
            narrate(f"The answer could not be written: {lost[0].strerror}. Ask again.")
        err.flush()
        sys.stdout, sys.stderr = streams
        _asked_for_json = False
        if lost:
            raise SystemExit(UNAVAILABLE)


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
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
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
    if hasattr(value, "dumped"):
        return value.dumped()
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    # Decimal and whatever else prints exactly: as a string, never as a float.
    return str(value)


def say_if_illustrative(illustrative: bool) -> None:
    """Whatever is shown of an illustrative engagement says so."""
    if illustrative:
        print("ILLUSTRATIVE: dates and deliverables are invented, not facts about the LEA.")
