"""Servers as child processes that never outlive us."""

import asyncio
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, TypeVar

import psutil

from embedded.files import User, private_directory, private_log

LEASH = Path(__file__).with_name("leash.py")
LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.02

T = TypeVar("T")


class StartError(RuntimeError):
    """A server did not come up; the message says which, and where it wrote why."""


@dataclass(frozen=True)
class Stop:
    """A signal, and how long to wait for its effect before the next one."""

    signal: signal.Signals
    seconds: float


class Leashed:
    """A running server and the leash that ends it when we end."""

    def __init__(
        self,
        name: str,
        argv: Sequence[str | Path],
        *,
        cwd: Path,
        log: Path,
        stops: Sequence[Stop],
        abandoned: Sequence[Stop] | None = None,
        env: Mapping[str, str] | None = None,
        user: User | None = None,
        keep_open: Iterable[int] = (),
    ) -> None:
        """Start the server.

        Args:
            name: For messages.
            argv: Program, absolute, and its arguments.
            cwd: Where it runs; need not be reachable for `user`.
            log: Its standard output and error are appended here.
            stops: Signals that end it, mildest first; the last should be SIGKILL.
            abandoned: Instead of `stops` when we have ended without stopping it.
            env: Its whole environment; ours if None.
            user: Whom to become; needs root.
            keep_open: Descriptors the leash holds, and the server does not.

        Raises:
            StartError: The leash itself could not be started.
        """
        self.name = name
        self.log = log
        self._patience = sum(stop.seconds for stop in stops) + 5
        report_read, report_write = os.pipe()
        lifeline_read, self._lifeline = os.pipe()
        held = list(keep_open)
        spec = {
            "argv": [str(part) for part in argv],
            "cwd": str(cwd),
            "env": dict(os.environ if env is None else env),
            "user": [user.uid, user.gid] if user else None,
            "stops": [[int(stop.signal), stop.seconds] for stop in stops],
            "abandoned": [[int(stop.signal), stop.seconds] for stop in abandoned or stops],
            "report": report_write,
        }
        private_directory(log.parent)
        try:
            with private_log(log) as output:
                self.log_start = output.tell()
                # -I and -S: nothing of the user's environment may reach a process that may be root.
                self._leash = subprocess.Popen(
                    [sys.executable, "-I", "-S", str(LEASH), name, str(cwd)],
                    stdin=lifeline_read,
                    stdout=output,
                    stderr=output,
                    cwd="/",
                    pass_fds=[report_write, *held],
                    start_new_session=True,
                )
        except OSError as error:
            os.close(self._lifeline)
            os.close(report_read)
            raise StartError(f"{name} could not be started: {error}.") from error
        finally:
            os.close(lifeline_read)
            os.close(report_write)
        with os.fdopen(report_read) as report:
            # A leash that has ended says so by its silence.
            with suppress(BrokenPipeError):
                _write_all(self._lifeline, json.dumps(spec).encode() + b"\n")
            ready, _, _ = select.select([report], [], [], 10)
            line = report.readline() if ready else ""
        if not line:
            self.stop()
            raise StartError(f"{name} could not be started; its leash wrote to {log}.")
        self.pid = int(line)

    @property
    def leash_pid(self) -> int:
        """The process that watches us and the server."""
        return self._leash.pid

    def exit_code(self) -> int | None:
        """The server's exit status once it has ended, 128 + N if by signal N; else None."""
        return self._leash.poll()

    def ask_to_stop(self) -> None:
        """Begin the end without waiting for it."""
        # Its exit status not yet taken, so the number cannot be anyone else's.
        if self._leash.poll() is None:
            self._leash.terminate()

    def stop(self) -> int:
        """End the server and wait until it is gone; harmless when it is already.

        Raises:
            StartError: It outlived every signal.
        """
        self.ask_to_stop()
        try:
            code = self._leash.wait(self._patience)
        except subprocess.TimeoutExpired as error:
            raise StartError(f"{self.name} does not end; see {self.log}.") from error
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
        return code

    def abandon(self) -> None:
        """End the server as if we had ended: with `abandoned`, which is quick.

        Raises:
            StartError: It outlived every signal.
        """
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1
        try:
            self._leash.wait(self._patience)
        except subprocess.TimeoutExpired as error:
            raise StartError(f"{self.name} does not end; see {self.log}.") from error

    def new_log(self) -> str:
        """What was written to the log since this server was started."""
        with self.log.open("rb") as file:
            file.seek(self.log_start)
            return file.read().decode("utf-8", "replace")

    def listens_on(self, port: int) -> bool:
        """Whether it is this very server that answers on a port, and not somebody else's."""
        try:
            connections = psutil.Process(self.pid).net_connections("tcp")
        except psutil.NoSuchProcess:
            return False
        listening = (c.laddr for c in connections if c.status == psutil.CONN_LISTEN)
        return any(address.port == port for address in listening)

    def wait_until(self, ready: Callable[[], bool], seconds: float) -> None:
        """Wait for the server to be of use.

        Raises:
            StartError: It ended, or `seconds` have passed.
        """
        deadline = time.monotonic() + seconds
        while not ready():
            code = self.exit_code()
            if code is not None:
                raise StartError(
                    f"{self.name} ended at once with status {code}. {self._last_words()}"
                )
            if time.monotonic() > deadline:
                raise StartError(
                    f"{self.name} was not ready within {seconds:.0f} s. {self._last_words()}"
                )
            time.sleep(POLL_SECONDS)

    def _last_words(self) -> str:
        lines = [line for line in self.new_log().splitlines() if line.strip()][-5:]
        said = "\n".join(f"  {line}" for line in lines)
        return f"It wrote to {self.log}:\n{said}" if lines else f"Its log is {self.log}."


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]


def accepts(port: int) -> bool:
    """Whether something listens on a loopback port."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(0.5)
        return probe.connect_ex((LOOPBACK, port)) == 0


def is_free(port: int) -> bool:
    """Whether a loopback port can be had."""
    # Both questions: on some systems a bind to loopback succeeds beside a listener on "any".
    if accepts(port):
        return False
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def free_port(*wanted: int | None, avoid: Iterable[int] = ()) -> int:
    """The first wanted port that is free, else any.

    Nothing reserves it until its server binds it; a start that loses that race is repeated.
    """
    taken = set(avoid)
    for port in wanted:
        if port is not None and port not in taken and is_free(port):
            return port
    while True:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.bind((LOOPBACK, 0))
            port = int(probe.getsockname()[1])
        if port not in taken:
            return port


def run_apart(make: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a coroutine to its end from anywhere, even inside another event loop."""
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(lambda: asyncio.run(make())).result()


class EitherWay(AbstractContextManager[T], AbstractAsyncContextManager[T], Generic[T]):
    """A context manager for `with` and for `async with`, where it leaves the event loop free."""

    def __init__(self, inner: AbstractContextManager[T]) -> None:
        self._inner = inner

    def __enter__(self) -> T:
        return self._inner.__enter__()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return self._inner.__exit__(kind, error, trace)

    async def __aenter__(self) -> T:
        return await asyncio.to_thread(self._inner.__enter__)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        return await asyncio.to_thread(self._inner.__exit__, kind, error, trace)


def child_environment() -> dict[str, str]:
    """Our environment, in which a child Python finds the same Handrail as we did."""
    root = Path(__file__).parent.parent
    paths = [str(root), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
