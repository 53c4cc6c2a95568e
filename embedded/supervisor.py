"""Start the parts of a stack, watch them, and end them.

The supervisor is one process, in the foreground of `handrail up` or detached from it
(`embedded/detached.py`). The servers are its children, each on a leash; the mail catcher is a
thread of it.
"""

import asyncio
import secrets
import signal
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bootstrap.settings import ENVIRONMENT, KEY_BYTES, Settings, SettingsError
from embedded.files import write_private
from embedded.foreign import (
    CONNECT_SECONDS,
    check_database,
    check_temporal,
    without_password,
)
from embedded.home import (
    Home,
    Kind,
    StackLock,
    StackRecord,
    WrongKindError,
    rotate_log,
    wrong_kind_message,
)
from embedded.ports import USUAL_PORTS, holder_of, moved
from embedded.process import Leashed, StartError, Stop, free_port, is_free
from embedded.services import Services

if TYPE_CHECKING:
    from bootstrap.clock import SandboxClock
    from embedded.mailcatcher import MailCatcher, MailServer
    from embedded.postgres import Cluster
    from embedded.temporal import TemporalServer

START_ATTEMPTS = 3
WORKER_READY_SECONDS = 60.0
# The worker finishes what it has in hand within 15 seconds of SIGTERM.
WORKER_STOPS = (Stop(signal.SIGTERM, 20), Stop(signal.SIGKILL, 5))
# With the supervisor gone its database is going too; what it had in hand is done again later.
WORKER_ABANDONED = (Stop(signal.SIGTERM, 1), Stop(signal.SIGKILL, 5))
WORKER_PAUSES = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before each next start of a worker that ended by itself; the last for ever after."""
WORKER_SETTLED_SECONDS = 120.0
WATCH_SECONDS = 0.5
CLOCK_SECONDS = 1.0

T = TypeVar("T")
Say = Callable[[str], None]


class StoppedEarlyError(RuntimeError):
    """Somebody asked for the end while the stack was starting."""


class Stack:
    """Everything that runs on one data directory."""

    def __init__(self, settings: Settings, *, sandbox: bool, say: Say) -> None:
        """Prepare, start nothing.

        Args:
            settings: Loaded without asking a running stack.
            sandbox: With the time-skipping server.
            say: Told each step, for people; called in this event loop only.
        """
        self._settings = settings
        self._sandbox = sandbox
        self._say = say
        self._home = Home(settings.home)
        self._lock = StackLock(settings.home)
        self._stop = asyncio.Event()
        self._started_at = datetime.now(UTC)
        self._cluster: Cluster | None = None
        self._temporal: TemporalServer | None = None
        self._mail: tuple[MailCatcher, MailServer] | None = None
        self._worker: Leashed | None = None
        self._worker_started = 0.0
        self._worker_failures = 0
        self._ports: dict[str, int] = {}
        self._moves: list[str] = []
        self._clock: SandboxClock | None = None

    def stop(self) -> None:
        """Ask for the end; `run` brings it about."""
        self._stop.set()

    async def run(self, ready: Callable[[StackRecord], None]) -> int:
        """Start, say so, watch until asked to stop or a server is lost, and end everything.

        Returns:
            0 when asked to stop, 3 when a server was lost.

        Raises:
            AlreadyRunningError: Another stack runs here; nothing was touched.
            WrongKindError: The store is of the other kind; nothing was started.
            SettingsError: What is configured does not fit; nothing was started.
            StartError: Something did not start; everything is ended again.
        """
        if self._sandbox and self._temporal_is_foreign():
            raise SettingsError(
                f"A sandbox brings its own Temporal, whose time can be skipped, but "
                f"{ENVIRONMENT['temporal_address']} names {self._settings.temporal_address}. "
                f"Unset it for `handrail up --sandbox`."
            )
        self._home.make()
        loop = asyncio.get_running_loop()
        await asyncio.to_thread(
            self._lock.acquire,
            sandbox=self._sandbox,
            say=lambda message: loop.call_soon_threadsafe(self._say, message),
        )
        try:
            # What a killed predecessor left.
            self._home.remove_record()
            services = await self._start_all()
            record = self._record(services)
            ready(record)
            return await self._watch(services)
        except StoppedEarlyError:
            return 0
        finally:
            self._home.remove_record()
            await asyncio.to_thread(self._end_all)
            self._lock.release()

    # Starting

    async def _start_all(self) -> Services:
        import asyncpg
        from temporalio.exceptions import TemporalError

        try:
            return await self._start()
        except (asyncpg.PostgresError, asyncpg.InterfaceError, TemporalError, OSError) as error:
            raise StartError(
                f"The start failed: {error}. `handrail doctor` says more of real services; the "
                f"logs of the rest are in {self._home.logs}."
            ) from error

    async def _start(self) -> Services:
        kind: Kind = "sandbox" if self._sandbox else "production"
        store_exists = self._home.check_kind(kind)
        await self._until_stop(self._check_foreign_services())
        key_file = self._settle_key(store_exists=store_exists)
        # Together: each takes about half a second. Both are awaited even if one fails, so that
        # nothing starts behind our back while we already end the rest.
        results = await asyncio.gather(
            self._start_database(), self._start_temporal(), return_exceptions=True
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        services = Services(
            database_url=self._database_url(),
            owner_database_url=self._owner_database_url(),
            temporal_address=self._temporal_address(),
            temporal_namespace=self._settings.temporal_namespace,
            smtp_url=await self._start_mail(),
            key_file=key_file,
            sandbox=self._sandbox,
            cluster=self._cluster,
            temporal=self._temporal,
            catches_mail=self._mail is not None,
        )
        for said in self._moves:
            self._say(said)
        await self._until_stop(self._migrate(services))
        self._home.record_kind(kind)
        if self._sandbox:
            await self._until_stop(self._restore_clock(services))
        self._say("starting the worker")
        await self._until_stop(self._begin_work(services))
        self._home.remember_ports(self._ports)
        return services

    async def _until_stop(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something that may take long, unless asked to stop first."""
        doing = asyncio.create_task(work)
        stopping = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if self._stop.is_set():
                raise StoppedEarlyError
            return doing.result()
        finally:
            doing.cancel()
            stopping.cancel()
            await asyncio.gather(doing, stopping, return_exceptions=True)

    def _settle_key(self, *, store_exists: bool) -> Path | None:
        """Find the master key, or make one for a store that does not exist yet."""
        if self._settings.key is not None:
            self._settings.master_key()
            return None
        if self._settings.key_file is not None:
            self._settings.master_key()
            return self._settings.key_file
        path = self._home.key_file
        if store_exists:
            # A new key would open nothing of what is stored, and hide that it is lost.
            raise SettingsError(
                f"The master key {path} of this store is gone, and without it no personal data "
                f"can be read. Put it back from your backup, or point "
                f"{ENVIRONMENT['key_file']} at it."
            )
        write_private(path, b64encode(secrets.token_bytes(KEY_BYTES)).decode() + "\n")
        self._say(f"made the master key {path}: keep a copy of it in a safe place")
        return path

    async def _start_database(self) -> None:
        if self._settings.database_url is not None:
            return
        self._say("starting PostgreSQL")
        from embedded.postgres import start_cluster

        log = self._log("postgresql")

        def start() -> None:
            self._cluster = self._with_ports(
                lambda port: start_cluster(
                    self._home.path / "postgresql",
                    durable=not self._sandbox,
                    port=port,
                    log=log,
                    secrets_directory=self._home.secrets,
                    keep_open=[self._lock.descriptor],
                ),
                "postgresql",
            )

        await asyncio.to_thread(start)

    async def _start_temporal(self) -> None:
        if self._temporal_is_foreign():
            return
        if self._sandbox:
            self._say("starting Temporal with a clock of its own (it listens on every interface)")
        else:
            self._say("starting Temporal")
        from embedded.temporal import start_dev_temporal, start_sandbox_temporal

        directory = self._home.path / "temporal"
        held = [self._lock.descriptor]
        log = self._log("temporal")

        def start() -> None:
            if self._sandbox:
                self._temporal = self._with_ports(
                    lambda port: start_sandbox_temporal(
                        directory, port=port, log=log, keep_open=held
                    ),
                    "temporal",
                )
            else:
                self._temporal = self._with_ports(
                    lambda port, ui_port: start_dev_temporal(
                        directory,
                        port=port,
                        ui_port=ui_port,
                        namespace=self._settings.temporal_namespace,
                        log=log,
                        keep_open=held,
                    ),
                    "temporal",
                    "temporal-ui",
                )

        await asyncio.to_thread(start)

    async def _start_mail(self) -> str:
        if self._settings.smtp_url is not None:
            return self._settings.smtp_url.told()
        from embedded.mailcatcher import start_mail_catcher

        def start() -> str:
            self._mail = self._with_ports(
                lambda port: start_mail_catcher(self._home.maildir, port=port), "mail"
            )
            return self._mail[0].smtp_url

        return await asyncio.to_thread(start)

    def _with_ports(self, start: Callable[..., T], *names: str) -> T:
        """Start something on the ports it had last time, the usual ones, or any."""
        remembered = self._home.remembered_ports()
        for attempt in range(1, START_ATTEMPTS + 1):
            ports: list[int] = []
            for name in names:
                others = [*self._ports.values(), *ports]
                wanted = (remembered.get(name), USUAL_PORTS[name]) if attempt == 1 else ()
                ports.append(free_port(*wanted, avoid=others))
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

    async def _check_foreign_services(self) -> None:
        """Meet the services that are not ours before anything is started beside them."""
        for url in (self._settings.owner_database_url, self._settings.database_url):
            if url is not None:
                await check_database(url.told())
        if self._temporal_is_foreign():
            await check_temporal(self._settings)

    async def _migrate(self, services: Services) -> None:
        import asyncpg
        from sqlalchemy.exc import SQLAlchemyError

        from store.migrations import StoreKindMismatch, migrate

        if services.owner_database_url is None:
            self._say(
                f"not migrating: {ENVIRONMENT['owner_database_url']} is not set; "
                "`handrail doctor` says whether the schema fits"
            )
            return
        self._say("bringing the database's schema up to date")
        where = without_password(services.owner_database_url)
        try:
            await migrate(services.owner_database_url, sandbox=self._sandbox)
        except StoreKindMismatch as error:
            raise WrongKindError(wrong_kind_message(where, sandbox=not self._sandbox)) from error
        except (SQLAlchemyError, asyncpg.PostgresError, OSError) as error:
            raise StartError(f"The schema of {where} could not be brought up: {error}") from error

    async def _restore_clock(self, services: Services) -> None:
        from store.liveness import latest_recorded_at

        clock = await self._open_clock()
        wanted = self._home.saved_clock()
        recorded = await latest_recorded_at(services.database_url)
        if recorded is not None and (wanted is None or recorded > wanted):
            wanted = recorded
        now = await clock.now()
        if wanted is not None and wanted > now:
            now = await clock.to(wanted)
            self._say(f"the sandbox's clock goes on from {now:%Y-%m-%d %H:%M} UTC")
        self._home.save_clock(now)
        self._clock = clock

    async def _recover(self, services: Services) -> None:
        from bootstrap.recovery import recover

        await recover(services.settings(self._settings), self._say)

    async def _begin_work(self, services: Services) -> None:
        """Start a worker; in a sandbox, whose Temporal knows nothing yet, also every workflow."""
        await self._start_worker(services)
        await self._worker_to_report(services)
        if self._sandbox:
            await self._recover(services)

    async def _start_worker(self, services: Services) -> None:
        env = services.worker_environment(self._home)
        log = self._log("worker")

        def start() -> None:
            self._worker = Leashed(
                "The worker",
                [sys.executable, "-m", "worker"],
                cwd=self._home.path,
                log=log,
                stops=WORKER_STOPS,
                abandoned=WORKER_ABANDONED,
                env=env,
                keep_open=[self._lock.descriptor],
            )

        await asyncio.to_thread(start)
        self._worker_started = time.monotonic()

    async def _worker_to_report(self, services: Services) -> None:
        """Wait for the worker's heartbeat: from then on it takes work."""
        import asyncpg

        assert self._worker is not None
        connection = await asyncpg.connect(services.database_url, timeout=CONNECT_SECONDS)
        try:
            # Newer than now: the last word of a worker killed a moment ago would do for "alive".
            began = await connection.fetchval("select clock_timestamp()")
            deadline = time.monotonic() + WORKER_READY_SECONDS
            while not await connection.fetchval(
                "select exists (select from ops.workers where seen_at > $1)", began
            ):
                if self._worker.exit_code() is not None or time.monotonic() > deadline:
                    # Says what the log says, in the words used for every server.
                    await asyncio.to_thread(self._worker.wait_until, lambda: False, 0)
                await asyncio.sleep(0.1)
        finally:
            await connection.close()

    # Running

    async def _watch(self, services: Services) -> int:
        next_look = 0.0
        worker_due: float | None = None
        while not self._stop.is_set():
            for lost in (self._cluster, self._temporal):
                if lost is not None and (code := lost.process.exit_code()) is not None:
                    self._say(
                        f"{lost.process.name} ended by itself with status {code}; stopping the "
                        f"rest. Its log is {lost.process.log}. `handrail up` starts again."
                    )
                    return 3
            worker_due = await self._keep_worker(services, worker_due)
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + CLOCK_SECONDS
                await self._save_clock()
            try:
                await asyncio.wait_for(self._stop.wait(), WATCH_SECONDS)
            except TimeoutError:
                continue
        await self._save_clock()
        return 0

    async def _keep_worker(self, services: Services, due: float | None) -> float | None:
        """Start a worker that ended again, after a pause; answers when that will be."""
        assert self._worker is not None
        code = self._worker.exit_code()
        if code is None:
            return None
        now = time.monotonic()
        if due is None:
            if now - self._worker_started > WORKER_SETTLED_SECONDS:
                self._worker_failures = 0
            pause = WORKER_PAUSES[min(self._worker_failures, len(WORKER_PAUSES) - 1)]
            self._worker_failures += 1
            self._say(
                f"the worker ended with status {code}; starting it again in {pause:.0f} s. "
                f"Its log is {self._worker.log}."
            )
            return now + pause
        if now < due:
            return due
        if self._sandbox:
            services = await self._renew_temporal(services)
            try:
                await self._until_stop(self._begin_work(services))
            except StartError as error:
                # The next look sees that it ended again, and waits longer.
                self._say(str(error))
        else:
            await self._start_worker(services)
        self._record(services)
        return None

    async def _renew_temporal(self, services: Services) -> Services:
        """Start the time-skipping server anew: it waits for ever for a worker that is lost.

        What a worker had cached is offered to that worker alone, and this server has neither a
        time-out for that nor a call that ends it.  The new one has another port, so that no
        command reaches it before its clock is right.
        """
        from embedded.temporal import start_sandbox_temporal

        lost = self._temporal
        assert lost is not None

        def renew() -> "TemporalServer":
            lost.process.stop()
            return start_sandbox_temporal(
                self._home.path / "temporal",
                port=free_port(avoid=self._ports.values()),
                log=self._log("temporal"),
                keep_open=[self._lock.descriptor],
            )

        self._temporal = await asyncio.to_thread(renew)
        await self._restore_clock(services)
        return replace(services, temporal=self._temporal, temporal_address=self._temporal.address)

    async def _open_clock(self) -> "SandboxClock":
        from temporalio.client import Client

        from bootstrap.clock import SandboxClock

        assert self._temporal is not None
        return SandboxClock(
            await Client.connect(self._temporal.address, namespace=self._temporal.namespace)
        )

    async def _save_clock(self) -> None:
        if self._clock is None:
            return
        from temporalio.service import RPCError

        try:
            self._home.save_clock(await asyncio.wait_for(self._clock.now(), CONNECT_SECONDS))
        except (RPCError, TimeoutError) as error:
            # The next look tells: either the server is busy, or it has ended and ends us.
            self._say(f"the sandbox's clock did not answer: {str(error) or 'no answer in time'}")

    # Ending

    def _end_all(self) -> None:
        """The worker first, while what it needs is still there; then the servers together."""
        if self._worker is not None:
            self._worker.stop()
        if self._mail is not None:
            self._mail[1].stop()
        servers = [part.process for part in (self._temporal, self._cluster) if part is not None]
        for server in servers:
            server.ask_to_stop()
        for server in servers:
            server.stop()

    # What is where

    def _temporal_is_foreign(self) -> bool:
        if self._settings.temporal_address is None:
            return False
        # Temporal's default profile stands for every program of this user; a sandbox is
        # asked for by name and may ignore it.
        return not (self._sandbox and self._settings.temporal_source == "temporal profile")

    def _database_url(self) -> str:
        if self._cluster is not None:
            return self._cluster.app_url()
        return self._settings.require_database_url()

    def _owner_database_url(self) -> str | None:
        if self._cluster is not None:
            return self._cluster.owner_url()
        found = self._settings.owner_database_url
        return None if found is None else found.told()

    def _temporal_address(self) -> str:
        if self._temporal is not None:
            return self._temporal.address
        assert self._settings.temporal_address is not None
        return self._settings.temporal_address

    def _record(self, services: Services) -> StackRecord:
        """Write down what runs where."""
        assert self._worker is not None
        record = services.record(
            self._home, started_at=self._started_at, worker_pid=self._worker.pid
        )
        self._home.write_record(record)
        return record

    def _log(self, name: str) -> Path:
        path = self._home.logs / f"{name}.log"
        rotate_log(path)
        return path
