"""Temporal: the development server with its web page, or the time-skipping server of a sandbox.

Both are native programs that wheels put beside the Python interpreter.
"""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from embedded.enclosed import READY
from embedded.files import private_directory
from embedded.process import (
    LOOPBACK,
    POLL_SECONDS,
    EitherWay,
    Leashed,
    StartError,
    Stop,
    free_port,
    run_apart,
)

if TYPE_CHECKING:
    from temporalio.client import Client

ENCLOSED = Path(__file__).with_name("enclosed.py")
TRUST_VARIABLE = "HANDRAIL_TRUST_NETWORK"

DATABASE_FILE = "temporal.db"
PRAGMAS = ("journal_mode=wal", "synchronous=normal")
"""A killed server loses nothing; a power cut may cost its last moments, which the event store gives
back.  Otherwise every step of a workflow waits for the disk several times, and mails for that."""
SOON_TOLD = "system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute"
START_SECONDS = 60.0
# Both servers answer SIGTERM in well under a second; nothing of theirs needs more.
STOPS = (Stop(signal.SIGTERM, 8), Stop(signal.SIGKILL, 5))


@dataclass(frozen=True)
class TemporalServer:
    """A running Temporal."""

    process: Leashed
    address: str
    namespace: str
    ui_url: str | None
    """None for the time-skipping server, which has no web page."""


def dev_temporal(
    directory: Path,
    *,
    port: int | None = None,
    ui_port: int | None = None,
    namespace: str = "default",
    log: Path | None = None,
    keep_open: Iterable[int] = (),
) -> EitherWay[TemporalServer]:
    """Run the development server, its state in a file in `directory`, while the context is open.

    Args:
        directory: For the state.
        port: For clients, on loopback; any free one if None.
        ui_port: For the web page, on loopback; any free one if None.
        namespace: Made if it does not exist.
        log: Default `temporal.log` in `directory`.
        keep_open: Descriptors for the leash to hold.

    Raises:
        StartError: It does not start; the message says why.
    """

    @contextmanager
    def run() -> Iterator[TemporalServer]:
        server = start_dev_temporal(
            directory,
            port=port,
            ui_port=ui_port,
            namespace=namespace,
            log=log,
            keep_open=keep_open,
        )
        try:
            yield server
        finally:
            server.process.stop()

    return EitherWay(run())


def sandbox_temporal(
    directory: Path,
    *,
    port: int | None = None,
    log: Path | None = None,
    keep_open: Iterable[int] = (),
) -> EitherWay[TemporalServer]:
    """Run the time-skipping server while the context is open; its clock is held, not skipping.

    It keeps nothing: what it knew is gone when it ends.

    Args:
        directory: For the log.
        port: Any free one if None.
        log: Default `temporal.log` in `directory`.
        keep_open: Descriptors for the leash to hold.

    Raises:
        StartError: It does not start; the message says why.
    """

    @contextmanager
    def run() -> Iterator[TemporalServer]:
        server = start_sandbox_temporal(directory, port=port, log=log, keep_open=keep_open)
        try:
            yield server
        finally:
            server.process.stop()

    return EitherWay(run())


def start_dev_temporal(
    directory: Path,
    *,
    port: int | None = None,
    ui_port: int | None = None,
    namespace: str = "default",
    log: Path | None = None,
    keep_open: Iterable[int] = (),
) -> TemporalServer:
    """Start the development server. Arguments as for `dev_temporal`.

    Raises:
        StartError: It does not start; the message says why.
    """
    from workflows.attributes import KINDS

    directory = private_directory(directory.absolute())
    port = port or free_port()
    ui_port = ui_port or free_port(avoid=[port])
    # The file is named relative to the working directory: whatever characters the path has,
    # none of them reaches the connection string the server builds from it.
    argv: list[str | Path] = [
        _program("temporal"),
        *("server", "start-dev"),
        *("--ip", LOOPBACK, "--ui-ip", LOOPBACK),
        *("--port", str(port), "--ui-port", str(ui_port)),
        *("--db-filename", DATABASE_FILE),
        *(word for pragma in PRAGMAS for word in ("--sqlite-pragma", pragma)),
        *("--namespace", namespace),
        *("--log-level", "error", "--log-format", "json"),
        # Doctor hears of a workflow whose task fails after seconds instead of a minute.
        *("--dynamic-config-value", f"{SOON_TOLD}=2"),
        # Nothing is fetched from elsewhere without being asked.
        "--ui-disable-news-fetch",
    ]
    for name, kind in KINDS.items():
        argv += ["--search-attribute", f"{name}={kind.name.title()}"]
    process = Leashed(
        "Temporal",
        argv,
        cwd=directory,
        log=log or directory / "temporal.log",
        stops=STOPS,
        env=_environment(directory),
        keep_open=keep_open,
    )
    return _when_ready(
        TemporalServer(process, f"{LOOPBACK}:{port}", namespace, f"http://{LOOPBACK}:{ui_port}"),
        lambda: _listens(process, port),
        sandbox=False,
    )


def start_sandbox_temporal(
    directory: Path,
    *,
    port: int | None = None,
    log: Path | None = None,
    keep_open: Iterable[int] = (),
) -> TemporalServer:
    """Start the time-skipping server and hold its clock. Arguments as for `sandbox_temporal`.

    This server always listens on every interface and offers no choice, so it is enclosed in a
    network of its own (`embedded/enclosed.py`). Where the system does not allow that, it starts
    only if somebody has said that the network is trusted.

    Raises:
        StartError: It does not start; the message says why.
    """
    directory = private_directory(directory.absolute())
    port = port or free_port()
    forbidden = why_not_enclosed()
    if forbidden and not _is_trusted():
        raise StartError(
            f"Temporal's time-skipping server listens on every interface, without a password, and "
            f"this system does not let it be kept to this machine ({forbidden}). Where a firewall "
            f"keeps others out, or everybody who reaches this machine is trusted, say so: "
            f"`handrail up --sandbox --trust-network`, or {TRUST_VARIABLE}=yes."
        )
    server: list[str | Path] = [
        _program("temporal-test-server"),
        str(port),
        "--enable-time-skipping",
    ]
    process = Leashed(
        "Temporal's time-skipping server",
        server if forbidden else [sys.executable, "-I", "-S", ENCLOSED, str(port), *server],
        cwd=directory,
        log=log or directory / "temporal.log",
        stops=STOPS,
        env=_environment(directory),
        keep_open=keep_open,
    )
    found = TemporalServer(process, f"{LOOPBACK}:{port}", "default", None)
    if forbidden:
        return _when_ready(found, lambda: _listens(process, port), sandbox=True)
    return _when_ready(found, lambda: READY in process.new_log(), sandbox=True)


@cache
def why_not_enclosed() -> str | None:
    """What keeps a server from a network of its own on this system; None where nothing does."""
    if not sys.platform.startswith("linux"):
        return "only Linux has network namespaces"
    probe = subprocess.run(
        [sys.executable, "-I", "-S", ENCLOSED, "--probe"],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        start_new_session=True,
    )
    return None if probe.returncode == 0 else probe.stderr.strip().removeprefix("enclosed: ")


def _is_trusted() -> bool:
    return os.environ.get(TRUST_VARIABLE, "").strip().lower() in ("yes", "true", "1")


def _when_ready(
    server: TemporalServer, ready: Callable[[], bool], *, sandbox: bool
) -> TemporalServer:
    try:
        server.process.wait_until(ready, START_SECONDS)
        run_apart(lambda: _prepare(server, sandbox=sandbox))
    except BaseException:
        server.process.stop()
        raise
    return server


def _listens(process: Leashed, port: int) -> bool:
    # The time-skipping server does not end when its port is taken, it only says so.
    if "Address already in use" in process.new_log():
        raise StartError(f"{process.name} found port {port} taken. Its log is {process.log}.")
    return process.listens_on(port)


async def _prepare(server: TemporalServer, *, sandbox: bool) -> None:
    """Wait for the namespace; in a sandbox also hold the clock and register attributes."""
    # Imported here: the SDK is large, and not everybody who imports this module starts a server.
    from bootstrap.clock import SandboxClock
    from bootstrap.preparation import add_attributes

    client = await _connect_when_ready(server)
    if sandbox:
        await SandboxClock(client).hold()
        # Not asked which it knows: it cannot say, and it is new.
        await add_attributes(client)


async def _connect_when_ready(server: TemporalServer) -> "Client":
    from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
    from temporalio.client import Client
    from temporalio.service import RPCError

    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            client = await Client.connect(server.address, namespace=server.namespace)
            if server.ui_url is not None:
                await client.workflow_service.describe_namespace(
                    DescribeNamespaceRequest(namespace=server.namespace),
                    timeout=timedelta(seconds=5),
                )
        except (RPCError, RuntimeError) as error:
            if server.process.exit_code() is not None or time.monotonic() > deadline:
                raise StartError(
                    f"{server.process.name} does not answer on {server.address}: {error}. "
                    f"Its log is {server.process.log}."
                ) from error
            await asyncio.sleep(POLL_SECONDS)
        else:
            return client


def _program(name: str) -> Path:
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        raise StartError(
            f"{path} is missing: the package {name}-bin is not installed beside this Python. "
            "Install Handrail again, or set TEMPORAL_ADDRESS to a Temporal of your own."
        )
    return path


def _environment(directory: Path) -> dict[str, str]:
    """Nothing of ours: a profile or an address of the user must not steer this server."""
    return {"PATH": os.defpath, "HOME": str(directory), "TZ": "UTC"}
