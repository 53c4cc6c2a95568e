"""Files that only their owner may read, written whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO


@dataclass(frozen=True)
class User:
    """An account of the operating system."""

    name: str
    uid: int
    gid: int


def private_directory(path: Path) -> Path:
    """Make a directory for its owner alone; an existing one is left as it is."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


@contextmanager
def private_log(path: Path) -> Iterator[BinaryIO]:
    """A log to append to, for its owner alone, whatever it was before."""
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "ab") as file:
        os.fchmod(descriptor, 0o600)
        yield file


def write_private(path: Path, text: str, owner: User | None = None) -> None:
    """Replace a file in one step, readable by its owner alone.

    A reader sees the old text or the new, also when the machine stops in between.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if owner is not None:
                os.fchown(file.fileno(), owner.uid, owner.gid)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
