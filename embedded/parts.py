"""The parts of one data directory that are ours: started, started again, ended."""

import asyncio
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from bootstrap.settings import Settings
from embedded.home import MAIL, POSTGRESQL, TEMPORAL, WORKER, Home, rotate_log
from embedded.ports import USUAL_PORTS, holder_of, moved
from embedded.process import Leashed, StartError, Stop, free_port, is_free

if TYPE_CHECKING:
    from embedded.mailcatcher import MailCatcherProcess
    from embedded.postgres import Cluster
    from embedded.services import Services
    from embedded.temporal import TemporalServer

START_ATTEMPTS = 3
# The worker finishes what it has in hand within 15 seconds of SIGTERM.
WORKER_STOPS = (Stop(signal.SIGTERM, 20), Stop(signal.SIGKILL, 5))
# With the supervisor gone its database is going too; what it had in hand is done again later.
WORKER_ABANDONED = (Stop(signal.SIGTERM, 1), Stop(signal.SIGKILL, 5))

T = TypeVar("T")
Say = Callable[[str], None]


class Parts:
    """Everything that runs as a child of one supervisor."""

    def __init__(self, settings: Settings, home: Home, *, sandbox: bool, say: Say) -> None:
        """Nothing runs yet.

        Args:
            settings: What they name is not started.
            home: The data directory.
            sandbox: With the time-skipping server.
            say: Told each step, for people.
        """
        self._settings = settings
        self._home = home
        self._sandbox = sandbox
        self._say = say
        self._held: list[int] = []
        self.cluster: Cluster | None = None
        self.temporal: TemporalServer | None = None
        self.catcher: MailCatcherProcess | None = None
        self.worker: Leashed | None = None
        self._ports: dict[str, int] = {}
        self._moves: list[str] = []

    def hold(self, descriptor: int) -> None:
        """Have every leash hold a descriptor: the data directory's lock."""
        self._held = [descriptor]

    def processes(self) -> dict[str, Leashed]:
        """What was started, by name: whatever others need first."""
        servers = {POSTGRESQL: self.cluster, TEMPORAL: self.temporal, MAIL: self.catcher}
        found = {name: server.process for name, server in servers.items() if server is not None}
        return found if self.worker is None else {**found, WORKER: self.worker}

    def temporal_is_foreign(self) -> bool:
        """Whether the settings name a Temporal, which is then used and not started."""
        if self._settings.temporal_address is None:
            return False
        # Temporal's default profile stands for every program of this user; a sandbox is
        # asked for by name and may ignore it.
        return not (self._sandbox and self._settings.temporal_source == "temporal profile")

    def moves(self) -> list[str]:
        """What to say of ports that moved since it was asked last."""
        said, self._moves = self._moves, []
        return said

    def remember_ports(self) -> None:
        """Keep the ports for the next start."""
        self._home.remember_ports(self._ports)

    async def start_database(self) -> None:
        """Start PostgreSQL, or start it again after it was killed."""
        if self._settings.database_url is not None:
            return
        self._say("starting PostgreSQL")
        from embedded.postgres import start_cluster

        log = self._log("postgresql")

        def start() -> None:
            self.cluster = self._with_ports(
                lambda port: start_cluster(
                    self._home.path / "postgresql",
                    durable=not self._sandbox,
                    port=port,
                    log=log,
                    secrets_directory=self._home.secrets,
                    keep_open=self._held,
                ),
                "postgresql",
            )

        await asyncio.to_thread(start)

    async def start_temporal(self) -> None:
        """Start Temporal: the development server, or the one with a clock of its own."""
        if self.temporal_is_foreign():
            return
        if self._sandbox:
            self._say("starting Temporal with a clock of its own")
        else:
            self._say("starting Temporal")
        from embedded.temporal import start_dev_temporal, start_sandbox_temporal

        directory = self._home.path / "temporal"
        log = self._log("temporal")

        def start() -> None:
            if self._sandbox:
                self.temporal = self._with_ports(
                    lambda port: start_sandbox_temporal(
                        directory, port=port, log=log, keep_open=self._held
                    ),
                    "temporal",
                )
            else:
                self.temporal = self._with_ports(
                    lambda port, ui_port: start_dev_temporal(
                        directory,
                        port=port,
                        ui_port=ui_port,
                        namespace=self._settings.temporal_namespace,
                        log=log,
                        keep_open=self._held,
                    ),
                    "temporal",
                    "temporal-ui",
                )

        await asyncio.to_thread(start)

    async def renew_temporal(self) -> None:
        """Start the time-skipping server anew: it waits for ever for a worker that is lost.

        What a worker had cached is offered to that worker alone, and this server has neither a
        time-out for that nor a call that ends it.  The new one has another port, so that no
        command reaches it before its clock is right.
        """
        from embedded.temporal import start_sandbox_temporal

        lost, worker = self.temporal, self.worker
        assert lost is not None

        def renew() -> None:
            if worker is not None:
                # What it has in hand cannot be answered any more.
                worker.abandon()
            lost.process.stop()
            self.temporal = start_sandbox_temporal(
                self._home.path / "temporal",
                port=free_port(avoid=self._ports.values()),
                log=self._log("temporal"),
                keep_open=self._held,
            )

        await asyncio.to_thread(renew)

    async def start_mail(self) -> None:
        """Start the mail catcher."""
        if self._settings.smtp_url is not None:
            return
        from embedded.mailcatcher import start_mail_process

        log = self._log("mail")

        def start() -> None:
            self.catcher = self._with_ports(
                lambda port: start_mail_process(
                    self._home.maildir, port=port, log=log, keep_open=self._held
                ),
                "mail",
            )

        await asyncio.to_thread(start)

    async def start_worker(self, services: "Services") -> None:
        """Start the worker; it may still be some seconds from taking work."""
        env = services.worker_environment(self._home)
        log = self._log("worker")

        def start() -> None:
            self.worker = Leashed(
                WORKER,
                [sys.executable, "-m", "worker"],
                cwd=self._home.path,
                log=log,
                stops=WORKER_STOPS,
                abandoned=WORKER_ABANDONED,
                env=env,
                keep_open=self._held,
            )

        await asyncio.to_thread(start)

    def end_all(self) -> None:
        """The worker first, while what it needs is still there; then the servers together."""
        if self.worker is not None:
            self.worker.stop()
        servers = [process for name, process in self.processes().items() if name != WORKER]
        for server in servers:
            server.ask_to_stop()
        for server in servers:
            server.stop()

    def _with_ports(self, start: Callable[..., T], *names: str) -> T:
        """Start something on the ports it had last time, the usual ones, or any."""
        remembered = self._home.remembered_ports() | self._ports
        for attempt in range(1, START_ATTEMPTS + 1):
            ports: list[int] = []
            for name in names:
                others = [port for other, port in self._ports.items() if other not in names]
                wanted = (remembered.get(name), USUAL_PORTS[name]) if attempt == 1 else ()
                ports.append(free_port(*wanted, avoid=[*others, *ports]))
            try:
                started = start(*ports)
            except StartError:
                # Nothing reserves a free port until its server has it: somebody was quicker.
                if attempt == START_ATTEMPTS or all(is_free(port) for port in ports):
                    raise
            else:
                self._ports |= dict(zip(names, ports, strict=True))
                self._note_moves(names, remembered)
                return started
        raise AssertionError("the last attempt returns or raises")

    def _note_moves(self, names: Iterable[str], remembered: Mapping[str, int]) -> None:
        """Remember what to say of ports that are not those which others expect."""
        for name in names:
            wanted, now = remembered.get(name, USUAL_PORTS[name]), self._ports[name]
            if now != wanted:
                self._moves.append(
                    moved(name, wanted, now, before=name in remembered, holder=holder_of(wanted))
                )

    def _log(self, name: str) -> Path:
        path = self._home.logs / f"{name}.log"
        rotate_log(path)
        return path
