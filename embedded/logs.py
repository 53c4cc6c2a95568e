"""Following the logs of a stack."""

from collections.abc import Iterator
from pathlib import Path


class LogFollower:
    """Yields what is added to the logs of a directory, line by line."""

    def __init__(self, directory: Path) -> None:
        """Begin at the present end of each log; later ones are read from their start."""
        self._directory = directory
        self._read = {path: path.stat().st_size for path in self._paths()}

    def new_lines(self) -> Iterator[tuple[str, str]]:
        """Name of the log and line, for each whole line since the last call."""
        for path in self._paths():
            size = path.stat().st_size
            # A log that shrank was set aside and begun anew.
            start = self._read.get(path, 0) if size >= self._read.get(path, 0) else 0
            with path.open("rb") as file:
                file.seek(start)
                whole, newline, _ = file.read(size - start).rpartition(b"\n")
            self._read[path] = start + len(whole) + len(newline)
            for line in whole.decode("utf-8", "replace").splitlines():
                yield path.stem, line

    def _paths(self) -> list[Path]:
        return sorted(p for p in self._directory.glob("*.log") if not p.stem.endswith(".1"))
