"""What is published, and what it is built from."""

import re
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.deploy.compose import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
SHIPPED = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["only-include"]
LOCKS = {name: ROOT / "requirements" / f"{name}.txt" for name in ("runtime", "dev", "build")}

each_lock = pytest.mark.parametrize("lock", [pytest.param(path, id=n) for n, path in LOCKS.items()])


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[zipfile.ZipFile]:
    target = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", target],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert built.returncode == 0, built.stderr
    with zipfile.ZipFile(next(target.glob("*.whl"))) as archive:
        yield archive


def source_files() -> set[str]:
    """Every file of the shipped packages, data included."""
    found: set[str] = set()
    for name in SHIPPED:
        path = ROOT / name
        files = [path] if path.is_file() else path.rglob("*")
        found |= {
            str(file.relative_to(ROOT))
            for file in files
            if file.is_file() and "__pycache__" not in file.parts
        }
    return found


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(
    wheel: zipfile.ZipFile,
) -> None:
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert inside == source_files()


@pytest.mark.parametrize("kind", [".sql", ".yaml"])
def test_the_wheel_carries_the_data_the_code_reads(wheel: zipfile.ZipFile, kind: str) -> None:
    assert any(name.endswith(kind) for name in wheel.namelist())


def test_the_wheel_brings_the_licence_and_the_command(wheel: zipfile.ZipFile) -> None:
    names = {Path(name).name: name for name in wheel.namelist() if ".dist-info/" in name}
    assert "LICENSE" in names
    assert "handrail = cli.main:run" in wheel.read(names["entry_points.txt"]).decode()


def locked(lock: Path) -> dict[str, str]:
    pins = re.findall(r"^([\w.-]+)==([^\s;\\]+)", lock.read_text("utf-8"), re.MULTILINE)
    return {canonicalize_name(name): version for name, version in pins}


def group(name: str) -> list[str]:
    """A dependency group, its included groups unfolded."""
    entries: list[str] = []
    for entry in PROJECT["dependency-groups"][name]:
        entries += [entry] if isinstance(entry, str) else group(entry["include-group"])
    return entries


@pytest.mark.parametrize(
    ("lock", "asked_for"),
    [
        pytest.param(LOCKS["runtime"], PROJECT["project"]["dependencies"], id="runtime"),
        pytest.param(LOCKS["dev"], PROJECT["project"]["dependencies"], id="dev, to run"),
        pytest.param(LOCKS["dev"], group("dev"), id="dev, to develop"),
        pytest.param(LOCKS["build"], PROJECT["build-system"]["requires"], id="build"),
    ],
)
def test_the_lock_answers_what_the_project_asks_for(lock: Path, asked_for: list[str]) -> None:
    pins = locked(lock)
    unanswered = [
        text
        for text in asked_for
        for wanted in [Requirement(text)]
        if not wanted.specifier.contains(pins.get(canonicalize_name(wanted.name), "0"))
    ]
    assert unanswered == [], "run `make lock`"


@each_lock
def test_the_locks_agree_with_one_another(lock: Path) -> None:
    assert locked(lock).items() <= locked(LOCKS["dev"]).items()


@each_lock
def test_every_pin_has_its_hashes(lock: Path) -> None:
    blocks = re.split(r"^(?=[\w.-]+==)", lock.read_text("utf-8"), flags=re.MULTILINE)[1:]
    assert len(blocks) == len(locked(lock))
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


@each_lock
def test_the_lock_names_no_place_to_download_from(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert re.findall(r"\w+://\S+|--(?:extra-)?index-url|--find-links|(?<=\s)/\S+", text) == []
