import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from embedded.files import User
from embedded.process import Leashed, StartError, Stop, free_port, is_free
from tests.embedded.support import eventually, is_running

ROOT = Path(__file__).parent.parent.parent
SLEEP = ("/bin/sleep", "600")
GENTLE = (Stop(signal.SIGTERM, 5), Stop(signal.SIGKILL, 5))

SUPERVISOR = """
import json, sys, signal, time
from pathlib import Path
from embedded.files import User
from embedded.process import Leashed, Stop
options = json.loads(sys.argv[1])
user = User("test", *options["user"]) if options["user"] else None
server = Leashed(
    "server", ["/bin/sleep", "600"], cwd=Path(options["cwd"]), log=Path(options["cwd"]) / "log",
    stops=[Stop(signal.SIGTERM, 5), Stop(signal.SIGKILL, 5)], user=user,
)
print(server.pid, server.leash_pid, flush=True)
time.sleep(600)
"""


def leashed(tmp_path: Path, *argv: str, stops: tuple[Stop, ...] = GENTLE) -> Leashed:
    return Leashed("server", argv or SLEEP, cwd=tmp_path, log=tmp_path / "log", stops=stops)


class Supervisor:
    """A process with a server on a leash."""

    def __init__(self, tmp_path: Path, user: tuple[int, int] | None = None) -> None:
        options = json.dumps({"cwd": str(tmp_path), "user": user})
        self.process = subprocess.Popen(
            [sys.executable, "-c", SUPERVISOR, options],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self.server, self.leash = (int(pid) for pid in self.process.stdout.readline().split())


Supervise = Callable[..., Supervisor]


@pytest.fixture
def supervise(tmp_path: Path) -> Iterator[Supervise]:
    started: list[Supervisor] = []

    def start(user: tuple[int, int] | None = None) -> Supervisor:
        started.append(Supervisor(tmp_path, user))
        return started[-1]

    yield start
    for supervisor in started:
        supervisor.process.kill()
        supervisor.process.communicate()


@pytest.fixture
def supervisor(supervise: Supervise) -> Supervisor:
    return supervise()


def test_a_server_ends_when_it_is_stopped(tmp_path: Path) -> None:
    server = leashed(tmp_path)
    assert is_running(server.pid)
    assert server.stop() == 128 + signal.SIGTERM
    assert not is_running(server.pid)
    assert not is_running(server.leash_pid)
    assert server.stop() == 128 + signal.SIGTERM, "stopping twice is harmless"


def test_a_server_ends_when_its_supervisor_is_killed(supervisor: Supervisor) -> None:
    supervisor.process.kill()
    eventually(lambda: not is_running(supervisor.server) and not is_running(supervisor.leash))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a process to another user")
def test_a_server_of_another_user_ends_when_its_supervisor_is_killed(
    supervise: Supervise,
) -> None:
    supervisor = supervise((65534, 65534))
    assert psutil.Process(supervisor.server).uids().effective == 65534
    supervisor.process.kill()
    eventually(lambda: not is_running(supervisor.server))


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux tells a child of its parent's end"
)
@pytest.mark.parametrize("user", [None, (65534, 65534)], ids=["own user", "another user"])
def test_a_server_ends_when_its_leash_is_killed(
    user: tuple[int, int] | None, supervise: Supervise
) -> None:
    if user and os.geteuid() != 0:
        pytest.skip("only root can give a process to another user")
    supervisor = supervise(user)
    os.kill(supervisor.leash, signal.SIGKILL)
    eventually(lambda: not is_running(supervisor.server))


def test_ctrl_c_at_the_terminal_reaches_neither_leash_nor_server(supervisor: Supervisor) -> None:
    os.killpg(supervisor.process.pid, signal.SIGINT)
    for pid in (supervisor.server, supervisor.leash):
        assert os.getpgid(pid) != supervisor.process.pid
    supervisor.process.wait(10)
    eventually(lambda: not is_running(supervisor.server))


def test_a_server_that_ignores_the_mild_signal_gets_the_strong_one(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    program = (
        "import signal, time, pathlib; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
        f"pathlib.Path({str(ready)!r}).touch(); time.sleep(600)"
    )
    stops = (Stop(signal.SIGTERM, 0.2), Stop(signal.SIGKILL, 5))
    server = leashed(tmp_path, sys.executable, "-c", program, stops=stops)
    eventually(ready.exists)
    assert server.stop() == 128 + signal.SIGKILL


def test_a_server_that_is_suspended_ends_all_the_same(tmp_path: Path) -> None:
    server = leashed(tmp_path)
    os.kill(server.pid, signal.SIGSTOP)
    assert server.stop() == 128 + signal.SIGTERM


def test_a_program_that_does_not_exist_is_reported_with_what_was_written(tmp_path: Path) -> None:
    server = leashed(tmp_path, "/no/such/program")
    with pytest.raises(StartError, match=r"(?s)status 127.*cannot start /no/such/program"):
        server.wait_until(lambda: False, 10)
    server.stop()


def test_a_server_that_is_never_ready_is_given_up(tmp_path: Path) -> None:
    server = leashed(tmp_path)
    with pytest.raises(StartError, match="not ready within"):
        server.wait_until(lambda: False, 0.1)
    server.stop()


def test_the_leash_holds_a_descriptor_that_the_server_does_not_get(tmp_path: Path) -> None:
    with tempfile.TemporaryFile(dir=tmp_path) as held:
        server = Leashed(
            "server",
            SLEEP,
            cwd=tmp_path,
            log=tmp_path / "log",
            stops=GENTLE,
            keep_open=[held.fileno()],
        )
        inode = os.fstat(held.fileno()).st_ino
    try:
        eventually(lambda: psutil.Process(server.pid).name() == "sleep")
        assert inode in open_inodes(server.leash_pid)
        assert inode not in open_inodes(server.pid)
    finally:
        server.stop()


def open_inodes(pid: int) -> set[int]:
    if not sys.platform.startswith("linux"):
        pytest.skip("descriptors of another process can be seen on Linux only")
    return {entry.stat().st_ino for entry in Path(f"/proc/{pid}/fd").iterdir()}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a process to another user")
def test_a_server_runs_in_a_directory_its_user_cannot_walk_to(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    inside = closed / "inside"
    inside.mkdir(parents=True)
    inside.chmod(0o755)
    closed.chmod(0o700)
    server = Leashed(
        "server",
        ["/bin/sh", "-c", "ls /proc/self/cwd && id -u"],
        cwd=inside,
        log=tmp_path / "log",
        stops=GENTLE,
        user=User("test", 65534, 65534),
    )
    eventually(lambda: server.exit_code() is not None)
    assert server.new_log().split() == ["65534"]


def test_a_taken_port_is_passed_over() -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert not is_free(port)
        assert free_port(port) != port
    other = free_port()
    assert free_port(other, avoid=[other]) != other
