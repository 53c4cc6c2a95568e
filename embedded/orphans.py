"""What a killed PostgreSQL leaves behind: its backends, and a lock file that names nobody."""

import contextlib
import signal
from pathlib import Path

import psutil

from embedded.process import StartError

STOPS = ((signal.SIGINT, 20), (signal.SIGQUIT, 5), (signal.SIGKILL, 5))
"""Signals for whoever is left, mildest first, and how long each may take."""


def end_predecessor(data: Path) -> None:
    """End what an earlier server left on these files: itself, or the backends of a killed one.

    Backends that outlive their killed server may still write.  PostgreSQL itself would refuse to
    start beside them, by what its lock file says; but it also compares the file's process id with
    the living, which after a reboot, and in containers all the time, belongs to something else.
    So the file goes, and only once nobody is left.  The caller holds the lock of the data
    directory: whoever still works in it is an orphan.
    """
    left = _servers_on(data)
    for number, seconds in STOPS:
        ours = {process.pid for process in left}
        for process in left:
            # A server that lives ends its own backends, in good order.
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.ppid() not in ours:
                    process.send_signal(number)
        _, left = psutil.wait_procs(left, seconds)
        if not left:
            break
    if left:
        pids = ", ".join(str(process.pid) for process in left)
        raise StartError(
            f"An earlier PostgreSQL (process {pids}) still runs on {data} and does not end. "
            f"See what it waits for, and try again once it has ended."
        )
    (data / "postmaster.pid").unlink(missing_ok=True)


def _servers_on(data: Path) -> list[psutil.Process]:
    """Every process of a PostgreSQL that works in a data directory: it stays there for life."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied, OSError):
            if process.name() == "postgres" and Path(process.cwd()).samefile(data):
                found.append(process)
    return found
