"""Holds every pinned package against known weaknesses, from a copy of OSV's records on this disk.

    make audit OSV=pypi-all.zip

OSV publishes the records of each ecosystem as one archive of JSON files; whoever audits brings it.
Nothing is fetched.
"""

import json
import re
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

ROOT = Path(__file__).parents[2]
ECOSYSTEM = "PyPI"


class Weakness(NamedTuple):
    """A record that speaks of a version that is pinned."""

    package: str
    version: str
    id: str
    summary: str
    mended: tuple[str, ...]
    """The versions in which it is mended, where there are any."""


@dataclass(frozen=True)
class Audit:
    """What was found, and in how many records of which age."""

    found: list[Weakness]
    records: int
    newest: str
    """The day of the latest record: what became known after it is not found."""


def pinned() -> dict[str, str]:
    """Every package of every lock with its version."""
    pins: dict[str, str] = {}
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        for name, version in re.findall(r"(?m)^([a-z0-9._-]+)==([^\s\\;]+)", path.read_text()):
            pins[canonicalize_name(name)] = version
    return pins


def records(osv: Path) -> Iterator[dict[str, Any]]:
    """The records in an archive, or in a directory at any depth."""
    if osv.is_dir():
        for path in sorted(osv.rglob("*.json")):
            yield json.loads(path.read_text("utf-8"))
    else:
        with zipfile.ZipFile(osv) as archive:
            for name in archive.namelist():
                if name.endswith(".json"):
                    yield json.loads(archive.read(name))


def audit(osv: Path, pins: dict[str, str]) -> Audit:
    """Hold the pins against all records; one that was withdrawn says nothing.

    Raises:
        ValueError: There is no record of the packages' ecosystem.
    """
    found: list[Weakness] = []
    count, newest = 0, ""
    for record in records(osv):
        parts = [
            part
            for part in record.get("affected", ())
            if part.get("package", {}).get("ecosystem") == ECOSYSTEM
        ]
        if not parts:
            continue
        count, newest = count + 1, max(newest, record.get("modified", "")[:10])
        if "withdrawn" not in record:
            found += _weak(record, parts, pins)
    if not count:
        raise ValueError(f"{osv} holds no record of {ECOSYSTEM}")
    return Audit(sorted(set(found)), count, newest)


def _weak(
    record: dict[str, Any], parts: list[dict[str, Any]], pins: dict[str, str]
) -> Iterator[Weakness]:
    for part in parts:
        name = canonicalize_name(part["package"]["name"])
        if name in pins and _affects(part, pins[name]):
            events = [e for r in part.get("ranges", ()) for e in r["events"] if r["type"] != "GIT"]
            mended = tuple(event["fixed"] for event in events if "fixed" in event)
            yield Weakness(name, pins[name], record["id"], record.get("summary", ""), mended)


def _affects(part: dict[str, Any], version: str) -> bool:
    """Whether a version is named, or lies in a range; what cannot be compared is for a person."""
    if version in part.get("versions", ()):
        return True
    try:
        return any(
            _within(span["events"], Version(version))
            for span in part.get("ranges", ())
            if span["type"] != "GIT"
        )
    except InvalidVersion:
        return True


def _within(events: list[dict[str, str]], version: Version) -> bool:
    """By OSV's rule: the last event at or before the version says."""
    inside = False
    steps = [(kind, Version(at)) for event in events for kind, at in event.items() if at != "*"]
    for kind, at in sorted(steps, key=lambda step: step[1]):
        if kind == "introduced" and version >= at:
            inside = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            inside = False
    return inside


def main(arguments: list[str]) -> int:
    """Say what was found; 0 for nothing, 1 for something, 2 where there is nothing to look in."""
    if len(arguments) != 1 or not Path(arguments[0]).exists():
        print(
            "Name a copy of OSV's records of PyPI, an archive or a directory: "
            "make audit OSV=pypi-all.zip",
            file=sys.stderr,
        )
        return 2
    pins = pinned()
    try:
        done = audit(Path(arguments[0]), pins)
    except (ValueError, zipfile.BadZipFile) as wrong:
        print(f"{wrong}. Bring OSV's archive of {ECOSYSTEM}.", file=sys.stderr)
        return 2
    for weak in done.found:
        out = f"mended in {', '.join(weak.mended)}" if weak.mended else "not mended yet"
        print(f"{weak.package} {weak.version}: {weak.id} {weak.summary} ({out})")
    print(
        f"{len(pins)} packages held against {done.records} records up to {done.newest}: "
        f"{len(done.found)} weaknesses"
    )
    return 1 if done.found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
