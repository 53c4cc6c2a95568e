"""Files that only their owner may read, written whole or not at all."""

import os
import tempfile
from pathlib import Path

from embedded.process import User


def private_directory(path: Path) -> Path:
    """Make a directory for its owner alone; an existing one is left as it is."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


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
