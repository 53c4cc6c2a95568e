"""Files that people hand in: read, or refused with what is wrong with them and what to do."""

import codecs
from pathlib import Path
from typing import Any

from cli.terminal.as_written import NotRead, fitted, read
from cli.terminal.output import REFUSED, fail, narrate


def load_yaml(path: Path, takes: Any) -> Any:
    """What a YAML file says, for a field that takes `takes`; a refusal where it cannot be read."""
    return fitted(read_yaml(path), takes)


def read_yaml(path: Path) -> Any:
    """What a YAML file says, each value as it was typed; a refusal where it cannot be read."""
    import yaml

    try:
        return read(read_text(path))
    except NotRead as problem:
        fail(f"{path}: {problem}", REFUSED)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        where = f", line {mark.line + 1}" if mark else ""
        fail(
            f"{path}{where}: this is not YAML. Look for a quote or bracket that is not closed, a "
            f'tab instead of spaces, a different indentation, or text with a colon that needs "" '
            f"around it, there or in the line before.",
            REFUSED,
        )
    except yaml.YAMLError:
        fail(
            f"{path} has characters that no YAML file may have. Save it as plain text in UTF-8.",
            REFUSED,
        )


def read_text(path: Path) -> str:
    """The text of a file in UTF-8, or in UTF-16 where its first bytes say so.

    An older encoding is not guessed: what a name becomes is kept for ever.
    """
    try:
        content = path.read_bytes()
    except OSError as problem:
        fail(unreadable(path, problem), REFUSED)
    wide = content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    try:
        text = content.decode("utf-16" if wide else "utf-8-sig")
    except UnicodeDecodeError as problem:
        fail(_not_text(path, content, problem), REFUSED)
    if "\0" in text:
        line = text[: text.index("\0")].count("\n") + 1
        fail(
            f"{path}, line {line}: there is a character that no text has (NUL). Save it as plain "
            f"text in UTF-8 and repeat.",
            REFUSED,
        )
    if wide:
        narrate(f"{path.name}: read as UTF-16.")
    return text


def unreadable(path: Path, problem: OSError) -> str:
    """Why a file cannot be read, and what to do about it."""
    if isinstance(problem, FileNotFoundError):
        return f"There is no file {path}. Check how it is written, and in which folder it is."
    if isinstance(problem, IsADirectoryError):
        return f"{path} is a folder. Name a file in it."
    return f"{path} cannot be read: {problem.strerror}. Check who may read it, and repeat."


def _not_text(path: Path, content: bytes, problem: UnicodeDecodeError) -> str:
    if problem.encoding != "utf-8":
        return f"{path} is not text in UTF-8, nor whole in UTF-16. Save it as UTF-8 and repeat."
    line = content.count(b"\n", 0, problem.start) + 1
    return (
        f"{path}, line {line}, is not text in UTF-8 (byte 0x{content[problem.start]:02X}). It may "
        f"be in Windows-1252, as Excel's plain CSV is. Save it as CSV UTF-8, or as UTF-8, and "
        f"repeat."
    )
