"""The data directory: its layout, its lock, and the small files a stack keeps in it."""

import fcntl
import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import psutil
from pydantic import BaseModel, ConfigDict

from bootstrap.settings import LOCK_FILE, MASTER_KEY_FILE, STACK_FILE
from embedded.files import private_directory, write_private
from embedded.process import POLL_SECONDS, StartError

Kind = Literal["production", "sandbox"]

POSTGRESQL, TEMPORAL, MAIL, WORKER = "PostgreSQL", "Temporal", "The mail catcher", "The worker"
"""What the parts of a stack are called."""

GLANCE_SECONDS = 1.0
"""Readers touch the lock for microseconds; a holder that stays longer than this is a stack."""

MACHINE_ID = Path("/etc/machine-id")
"""What Linux knows a machine by."""

WINDING_DOWN_SECONDS = 60.0
"""How long the servers of a killed supervisor may take: the sum of their leashes' patience."""


class AlreadyRunningError(RuntimeError):
    """Another stack runs on this data directory."""

    def __init__(self, home: Path, holder: "Holder") -> None:
        self.home = home
        self.holder = holder
        what = "a sandbox" if holder.sandbox else "a stack"
        super().__init__(
            f"{what} is already running on {home}: process {holder.pid}, since "
            f"{holder.since.astimezone():%Y-%m-%d %H:%M:%S %Z}. "
            "See it with `handrail status`, stop it with `handrail down`, "
            "or set HANDRAIL_HOME to another directory for a second one."
        )


class WrongKindError(RuntimeError):
    """A sandbox was asked for on real data, or the reverse."""


class CopiedHomeError(WrongKindError):
    """A copy of a data directory was to be started beside its original."""


class Holder(BaseModel):
    """Who holds the lock."""

    model_config = ConfigDict(frozen=True)

    pid: int
    created: float
    """The process's start, as the operating system counts it: process ids are used again."""
    since: datetime
    sandbox: bool

    def is_alive(self) -> bool:
        """Whether that very process still runs."""
        try:
            process = psutil.Process(self.pid)
            return (
                abs(process.create_time() - self.created) < 1
                and process.status() != psutil.STATUS_ZOMBIE
            )
        except psutil.NoSuchProcess:
            return False


class Part(BaseModel):
    """One line of what runs where."""

    model_config = ConfigDict(frozen=True)

    name: str
    where: str
    """For people; never holds a password."""
    pid: int | None = None
    """None where it has ended, is no process, or is not ours."""
    ours: bool = True
    """False for a real service that the settings name."""
    restarts: int = 0
    """How often it was started again because it had ended by itself."""
    restarted_at: datetime | None = None


class StackRecord(BaseModel):
    """What a running stack says of itself; `stack.json`."""

    model_config = ConfigDict(frozen=True)

    pid: int
    sandbox: bool
    started_at: datetime
    home: Path
    temporal_address: str | None
    """None when Temporal is a service from elsewhere: then each process needs its settings."""
    temporal_namespace: str | None
    ui_url: str | None
    database_url: str
    owner_database_url: str | None
    smtp_url: str
    maildir: Path | None
    key_file: Path | None
    logs: Path
    parts: list[Part]
    alarms: list[str] = []
    """What every command says as long as it is so: a part that is away or would not stay up."""


class Home:
    """Paths and small files below one data directory."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def logs(self) -> Path:
        return self.path / "logs"

    @property
    def secrets(self) -> Path:
        return self.path / "secrets"

    @property
    def maildir(self) -> Path:
        return self.path / "mail"

    @property
    def key_file(self) -> Path:
        return self.path / MASTER_KEY_FILE

    def make(self) -> None:
        """Make the directory.

        Raises:
            StartError: It cannot be made, or belongs to another user.
        """
        try:
            private_directory(self.path)
            for part in (self.logs, self.secrets):
                private_directory(part)
        except OSError as error:
            raise StartError(
                f"The data directory {self.path} cannot be made ({error}). "
                "Set HANDRAIL_HOME to a directory you may write to."
            ) from error
        for log in self.logs.glob("*.log"):
            # Of an earlier version, which left them to the umask.
            with suppress(PermissionError):
                log.chmod(0o600)
        owner = self.secrets.stat().st_uid
        if owner != os.geteuid():
            # Root could go on, and leave files behind that the owner can then not open.
            raise StartError(
                f"The data directory {self.path} belongs to user id {owner}, and you are "
                f"{os.geteuid()}. Run as that user, or set HANDRAIL_HOME to a directory of yours."
            )

    def check_kind(self, wanted: Kind) -> bool:
        """Whether there is a store already.

        Raises:
            WrongKindError: There is, and it is of the other kind.
        """
        found = self._read("store.json").get("kind")
        if found not in (None, wanted):
            message = wrong_kind_message(str(self.path), sandbox=found == "sandbox")
            raise WrongKindError(message)
        return found is not None

    def record_kind(self, kind: Kind) -> None:
        """Say, for ever, what kind of store this is, and where it lives now."""
        said = {"kind": kind, "seat": self._seat()}
        write_private(self.path / "store.json", json.dumps(said) + "\n")

    def check_seat(self) -> None:
        """Make sure that this is the directory in which the store has lived, not a copy of it.

        A directory that was moved on its disk is the same one still.

        Raises:
            CopiedHomeError: It is a copy, or was put back from one.
        """
        seat = self._read("store.json").get("seat")
        if seat is not None and seat != self._seat():
            raise CopiedHomeError(
                f"{self.path} is a copy of a data directory, or was put back from one: both would "
                f"remind the same people. Say what it is: `handrail admin adopt --original` if it "
                f"takes the place of the one it was made from, which never runs again; `handrail "
                f"admin adopt --practice` if it is a copy to practise with, which no mail leaves."
            )

    def settle(self) -> None:
        """The store lives here from now on."""
        kind: Kind = (
            "sandbox" if self._read("store.json").get("kind") == "sandbox" else "production"
        )
        self.record_kind(kind)

    def _seat(self) -> str | None:
        """Where the database's files are: on which machine, and which directory of its disk.

        None where they are not ours.
        """
        data = self.path / "postgresql" / "data"
        if not data.exists():
            return None
        try:
            machine = MACHINE_ID.read_text("ascii").strip()
        except OSError:
            machine = ""
        return f"{machine}/{data.stat().st_ino}"

    def remembered_ports(self) -> dict[str, int]:
        """The ports used last time, by part."""
        ports = self._read("ports.json")
        return {name: port for name, port in ports.items() if isinstance(port, int)}

    def remember_ports(self, ports: Mapping[str, int]) -> None:
        """Keep the ports for next time."""
        if (merged := self.remembered_ports() | dict(ports)) != self.remembered_ports():
            write_private(self.path / "ports.json", json.dumps(merged) + "\n")

    def saved_clock(self) -> datetime | None:
        """The sandbox's clock when it was last seen."""
        text = self._read("clock.json").get("now")
        return None if text is None else datetime.fromisoformat(text)

    def save_clock(self, now: datetime) -> None:
        """Keep the sandbox's clock; an earlier instant than the kept one is ignored."""
        saved = self.saved_clock()
        if saved is None or now > saved:
            text = json.dumps({"now": now.astimezone(UTC).isoformat()})
            write_private(self.path / "clock.json", text + "\n")

    def write_record(self, record: StackRecord) -> None:
        """Publish what runs."""
        write_private(self.path / STACK_FILE, record.model_dump_json(indent=2) + "\n")

    def remove_record(self) -> None:
        """Withdraw it."""
        (self.path / STACK_FILE).unlink(missing_ok=True)

    def _read(self, name: str) -> dict[str, Any]:
        path = self.path / name
        try:
            found = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise StartError(
                f"{path} is damaged ({error}). Put it back from a backup, or remove it if you "
                "know what it said."
            ) from error
        return found if isinstance(found, dict) else {}


class StackLock:
    """The lock that makes a data directory one stack's.

    Taken with `flock`, so the kernel gives it back however we end. The leashes hold the same
    open file: after a SIGKILL the lock stays taken until the last server is gone, and the next
    start waits for that instead of meeting half a stack.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._descriptor: int | None = None

    @property
    def descriptor(self) -> int:
        """For the leashes to hold."""
        assert self._descriptor is not None, "not acquired"
        return self._descriptor

    def acquire(self, *, sandbox: bool, say: Callable[[str], object]) -> None:
        """Take it.

        Args:
            sandbox: What for; told to those who come later.
            say: Told when there is something to wait for.

        Raises:
            AlreadyRunningError: A living stack has it.
            StartError: The servers of a dead one do not end.
        """
        path = self._home / LOCK_FILE
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            self._wait_for(descriptor, say)
            me = psutil.Process()
            holder = Holder(
                pid=me.pid, created=me.create_time(), since=datetime.now(UTC), sandbox=sandbox
            )
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, holder.model_dump_json().encode(), 0)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def release(self) -> None:
        """Give it back; the leashes still running keep their share."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _wait_for(self, descriptor: int, say: Callable[[str], object]) -> None:
        began = time.monotonic()
        told = False
        while True:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waited = time.monotonic() - began
                holder = read_holder(self._home)
                alive = holder is not None and holder.is_alive()
                if holder is not None and alive and waited > GLANCE_SECONDS:
                    raise AlreadyRunningError(self._home, holder) from None
                if waited > WINDING_DOWN_SECONDS:
                    raise StartError(
                        f"The servers of an earlier stack on {self._home} do not end. "
                        f"See who holds {self._home / LOCK_FILE}: fuser -v '{LOCK_FILE}'."
                    ) from None
                if waited > GLANCE_SECONDS and not told:
                    told = True
                    say("waiting for the servers of an earlier stack to end")
                time.sleep(POLL_SECONDS)
            else:
                return


def read_holder(home: Path) -> Holder | None:
    """Who took the lock last; whether it is still held is another question."""
    try:
        text = (home / LOCK_FILE).read_text("utf-8")
    except FileNotFoundError:
        return None
    # Empty between creation and the first write.
    return Holder.model_validate_json(text) if text else None


def wrong_kind_message(where: str, *, sandbox: bool) -> str:
    """Why a store cannot be used as the other kind, and what to do."""
    if sandbox:
        return (
            f"{where} holds a sandbox, and a sandbox stays one for ever: its events carry "
            "practised dates. Start it with `handrail up --sandbox`, or set HANDRAIL_HOME to "
            "another directory for real work."
        )
    return (
        f"{where} holds real data, which cannot become a sandbox: its clock would run ahead of "
        "what really happened. Start it with `handrail up`, or set HANDRAIL_HOME to another "
        "directory and practise there: HANDRAIL_HOME=~/handrail-practice handrail up --sandbox."
    )


def rotate_log(path: Path, limit_bytes: int = 10_000_000) -> None:
    """Set a log that has grown large aside, keeping one predecessor."""
    if path.exists() and path.stat().st_size > limit_bytes:
        path.replace(path.with_suffix(".1.log"))
