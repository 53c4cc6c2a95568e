"""Hold one server on a leash: when the process that asked for it is gone, the server is ended.

Run as a program of its own, by path, with nothing but the standard library:

    python -I -S leash.py NAME DIRECTORY

The arguments are for people who list processes. What to run is one line of JSON on standard
input, because it holds the server's environment and with it passwords.
Standard input stays open after that line: it is the read end of a pipe whose only write end the
supervisor holds, so it reads end-of-file the moment the supervisor ends, SIGKILL included.
That works on every POSIX system
and across a change of user, where Linux's "parent died" signal does not suffice: it is lost
when credentials change, and it names a thread rather than a process. The signal is still set
on the server, after the change of user, against the day the leash itself is killed.

SIGTERM asks the leash to end the server at leisure (`stops`); end-of-file says that nobody is
left to wait, and perhaps that the servers it depends on are ending too (`abandoned`).
"""

import contextlib
import json
import os
import select
import signal
import sys
import time
from typing import Any, NoReturn

PR_SET_PDEATHSIG = 1
EXEC_FAILED = 127


def main() -> int:
    """Start the server, wait for its end or for ours, and answer with its exit status."""
    spec: dict[str, Any] = json.loads(read_line())
    wake_read, wake_write = os.pipe()
    os.set_blocking(wake_read, False)
    os.set_blocking(wake_write, False)
    signal.set_wakeup_fd(wake_write, warn_on_full_buffer=False)
    asked: list[int] = []
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: asked.append(1))
    # A Ctrl-C at the terminal is the supervisor's to act on, and a lost terminal is nobody's.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    prctl = linux_prctl()
    leash = os.getpid()
    # Closed by the exec: until then the child is still ours in name and user.
    begun_read, begun_write = os.pipe()
    # Held back until the child has put its handlers down: a signal that came in between would be
    # spent on them, and the server would never hear of it.
    signals = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT, signal.SIGHUP}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    server = os.fork()
    if server == 0:
        become_server(spec, prctl, leash, signals, begun_write)
    os.close(begun_write)
    os.read(begun_read, 1)
    os.close(begun_read)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
    if spec.get("report") is not None:
        # The reader may be gone already; then standard input says so in a moment.
        with contextlib.suppress(BrokenPipeError):
            os.write(spec["report"], f"{server}\n".encode())
        os.close(spec["report"])
    return hold(server, spec["stops"], spec["abandoned"], wake_read, asked)


def read_line() -> bytes:
    """The first line of standard input; after it nothing comes but the end."""
    line = b""
    while not line.endswith(b"\n"):
        if not (piece := os.read(0, 65536)):
            # The supervisor ended before it had said what to start.
            sys.exit(0)
        line += piece
    return line


def hold(
    server: int,
    stops: list[list[float]],
    abandoned: list[list[float]],
    wake_read: int,
    asked: list[int],
) -> int:
    """Wait for the server's end; once asked, bring it about with ever stronger signals."""
    supervisor_alive = True
    deadline: float | None = None
    remaining = list(stops)
    while True:
        watched = [wake_read, 0] if supervisor_alive else [wake_read]
        timeout = None if deadline is None else max(deadline - time.monotonic(), 0)
        readable, _, _ = select.select(watched, [], [], timeout)
        if wake_read in readable:
            os.read(wake_read, 4096)
        if supervisor_alive and 0 in readable and not os.read(0, 4096):
            supervisor_alive = False
            remaining = list(abandoned)
            deadline = None
        ended, status = os.waitpid(server, os.WNOHANG)
        if ended:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code
        stopping = asked or not supervisor_alive
        if stopping and remaining and (deadline is None or time.monotonic() >= deadline):
            number, seconds = remaining.pop(0)
            deadline = time.monotonic() + seconds if remaining else None
            os.kill(server, int(number))
            # A stopped process (Ctrl-Z, a debugger) takes no other signal until it goes on.
            os.kill(server, signal.SIGCONT)


def become_server(
    spec: dict[str, Any],
    prctl: Any,
    leash: int,
    signals: set[signal.Signals],
    begun: int,
) -> NoReturn:
    """Turn this fresh child into the server. Never returns."""
    try:
        signal.set_wakeup_fd(-1)
        for number in signals:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, signals)
        os.setsid()
        # Entered before the change of user: its way may lead through directories closed to it.
        os.chdir(spec["cwd"])
        if spec.get("user"):
            uid, gid = spec["user"]
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
        os.umask(0o077)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        # Among the rest: the lock of the data directory, which is the leash's to hold.
        os.closerange(3, begun)
        os.closerange(begun + 1, 256)
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, int(spec["stops"][0][0]))
            if os.getppid() != leash:
                os._exit(EXEC_FAILED)
        os.execve(spec["argv"][0], spec["argv"], spec["env"])  # noqa: S606 - a shell is what we do not want
    except OSError as error:
        os.write(2, f"cannot start {spec['argv'][0]}: {error}\n".encode())
    os._exit(EXEC_FAILED)


def linux_prctl() -> Any:
    """The C library's prctl, loaded before the fork; None elsewhere than on Linux."""
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    return ctypes.CDLL(None).prctl


if __name__ == "__main__":
    sys.exit(main())
