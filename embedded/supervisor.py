"""Start the parts of a stack, watch them, start again what ends by itself, and end everything.

The supervisor is one process, in the foreground of `handrail up` or detached from it
(`embedded/detached.py`). Everything else is its child, each on a leash.
"""

import asyncio
import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bootstrap.away import why
from bootstrap.settings import ENVIRONMENT, KEY_BYTES, Settings, SettingsError
from embedded.files import write_private
from embedded.foreign import (
    CONNECT_SECONDS,
    check_database,
    check_temporal,
    without_password,
)
from embedded.home import (
    MAIL,
    POSTGRESQL,
    TEMPORAL,
    WORKER,
    Home,
    Kind,
    StackLock,
    StackRecord,
    WrongKindError,
    wrong_kind_message,
)
from embedded.keeping import Kept
from embedded.parts import Parts
from embedded.process import StartError
from embedded.services import Services

if TYPE_CHECKING:
    from bootstrap.clock import SandboxClock

WORKER_READY_SECONDS = 60.0
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
        self._parts = Parts(settings, self._home, sandbox=sandbox, say=say)
        self._kept = {
            name: Kept(name, for_ever=name == WORKER)
            for name in (POSTGRESQL, TEMPORAL, MAIL, WORKER)
        }
        self._stop = asyncio.Event()
        self._started_at = datetime.now(UTC)
        self._clock: SandboxClock | None = None
        self._told: StackRecord | None = None

    def stop(self) -> None:
        """Ask for the end; `run` brings it about."""
        self._stop.set()

    async def run(self, ready: Callable[[StackRecord], None]) -> int:
        """Start, say so, keep everything running until asked to stop, and end everything.

        Returns:
            0 when asked to stop.

        Raises:
            AlreadyRunningError: Another stack runs here; nothing was touched.
            WrongKindError: The store is of the other kind; nothing was started.
            SettingsError: What is configured does not fit; nothing was started.
            StartError: Something did not start; everything is ended again.
        """
        if self._sandbox and self._parts.temporal_is_foreign():
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
            self._parts.hold(self._lock.descriptor)
            # What a killed predecessor left.
            self._home.remove_record()
            services = await self._start_all()
            ready(self._record(services))
            await self._watch(services)
        except StoppedEarlyError:
            pass
        except StartError:
            # A server that was only beginning may have died of the same Ctrl-C.
            if not self._stop.is_set():
                raise
        finally:
            self._home.remove_record()
            await asyncio.to_thread(self._parts.end_all)
            self._lock.release()
        return 0

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
        self._home.check_seat()
        await self._until_stop(self._check_foreign_services())
        key_file = self._settle_key(store_exists=store_exists)
        # Together: each takes about half a second. Both are awaited even if one fails, so that
        # nothing starts behind our back while we already end the rest.
        results = await asyncio.gather(
            self._parts.start_database(),
            self._parts.start_temporal(),
            self._parts.start_mail(),
            return_exceptions=True,
        )
        for result in results:
            if isinstance(result, BaseException):
                raise result
        services = self._services(key_file)
        for said in self._parts.moves():
            self._say(said)
        await self._until_stop(self._migrate(services))
        self._home.record_kind(kind)
        if self._sandbox:
            await self._until_stop(self._restore_clock(services))
        self._say("starting the worker")
        await self._until_stop(self._begin_work(services))
        self._parts.remember_ports()
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

    async def _check_foreign_services(self) -> None:
        """Meet the services that are not ours before anything is started beside them."""
        for url in (self._settings.owner_database_url, self._settings.database_url):
            if url is not None:
                await check_database(url.told())
        if self._parts.temporal_is_foreign():
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
        await self._parts.start_worker(services)
        await self._worker_to_report(services)
        if self._sandbox:
            await self._recover(services)

    async def _worker_to_report(self, services: Services) -> None:
        """Wait for the worker's heartbeat: from then on it takes work."""
        import asyncpg

        worker = self._parts.worker
        assert worker is not None
        connection = await asyncpg.connect(services.database_url, timeout=CONNECT_SECONDS)
        try:
            # Newer than now: the last word of a worker killed a moment ago would do for "alive".
            began = await connection.fetchval("select clock_timestamp()")
            deadline = time.monotonic() + WORKER_READY_SECONDS
            while not await connection.fetchval(
                "select exists (select from ops.workers where seen_at > $1)", began
            ):
                if worker.exit_code() is not None or time.monotonic() > deadline:
                    # Says what the log says, in the words used for every server.
                    await asyncio.to_thread(worker.wait_until, lambda: False, 0)
                await asyncio.sleep(0.1)
        finally:
            await connection.close()

    # Running

    async def _watch(self, services: Services) -> None:
        next_look = 0.0
        while not self._stop.is_set():
            services = await self._keep(services)
            if time.monotonic() >= next_look:
                next_look = time.monotonic() + CLOCK_SECONDS
                await self._save_clock()
            try:
                await asyncio.wait_for(self._stop.wait(), WATCH_SECONDS)
            except TimeoutError:
                continue
        await self._save_clock()

    async def _keep(self, services: Services) -> Services:
        """Start again what ended by itself, each after its pause; what others need comes first."""
        ended = {
            name: process
            for name, process in self._parts.processes().items()
            if process.exit_code() is not None
        }
        for name, process in ended.items():
            kept = self._kept[name]
            if kept.due is None and kept.is_kept:
                status = f"ended by itself with status {process.exit_code()}"
                self._say(kept.ended(status, process.log))
        for name in ended:
            if self._stop.is_set() or not self._kept[name].is_due:
                continue
            if name == WORKER and len(ended) > 1:
                # It would only end again for want of what is away.
                continue
            services = await self._again(name, services)
            break
        self._record(services)
        return services

    async def _again(self, name: str, services: Services) -> Services:
        """Start one part again, and with it whatever cannot go on without."""
        import asyncpg
        from temporalio.exceptions import TemporalError
        from temporalio.service import RPCError

        try:
            if self._sandbox and name in (TEMPORAL, WORKER):
                return await self._renew(name, services)
            before = services
            if name == POSTGRESQL:
                await self._parts.start_database()
            elif name == TEMPORAL:
                await self._parts.start_temporal()
            elif name == MAIL:
                await self._parts.start_mail()
            services = self._services(services.key_file)
            if name == WORKER or services.addresses() != before.addresses():
                worker = self._parts.worker
                assert worker is not None
                # Where a part had to move, its worker must learn the new address.
                await asyncio.to_thread(worker.stop)
                await self._parts.start_worker(services)
        except StoppedEarlyError:
            raise
        except (
            StartError,
            TemporalError,
            RPCError,
            asyncpg.PostgresError,
            asyncpg.InterfaceError,
            RuntimeError,
            OSError,
        ) as error:
            log = self._parts.processes()[name].log
            self._say(self._kept[name].ended(f"did not start: {error}", log))
            return services
        for said in self._parts.moves():
            self._say(said)
        self._parts.remember_ports()
        self._kept[name].started()
        self._say(f"{name} runs again")
        return services

    async def _renew(self, name: str, services: Services) -> Services:
        """In a sandbox worker and Temporal come and go together."""
        await self._parts.renew_temporal()
        services = self._services(services.key_file)
        try:
            await self._restore_clock(services)
            await self._until_stop(self._begin_work(services))
        except BaseException:
            # Half of it would pass for a part that runs.
            worker = self._parts.worker
            assert worker is not None
            await asyncio.to_thread(worker.abandon)
            raise
        for part in (TEMPORAL, WORKER):
            if part == name or self._kept[part].due is not None:
                self._kept[part].started()
        self._say(f"{name} runs again")
        return services

    async def _open_clock(self) -> "SandboxClock":
        from temporalio.client import Client

        from bootstrap.clock import SandboxClock

        server = self._parts.temporal
        assert server is not None
        return SandboxClock(await Client.connect(server.address, namespace=server.namespace))

    async def _save_clock(self) -> None:
        server = self._parts.temporal
        if self._clock is None or server is None or server.process.exit_code() is not None:
            return
        from temporalio.service import RPCError

        try:
            self._home.save_clock(await asyncio.wait_for(self._clock.now(), CONNECT_SECONDS))
        except (RPCError, TimeoutError) as error:
            # The next look tells: either the server is busy, or it has ended.
            self._say(f"the sandbox's clock did not answer: {why(error)}")

    # What is where

    def _services(self, key_file: Path | None) -> Services:
        """Where each part is now."""
        parts, settings = self._parts, self._settings
        if parts.cluster is not None:
            database: str = parts.cluster.app_url()
            owner: str | None = parts.cluster.owner_url()
        else:
            database = settings.require_database_url()
            named = settings.owner_database_url
            owner = None if named is None else named.told()
        address = parts.temporal.address if parts.temporal else settings.temporal_address
        assert address is not None
        return Services(
            database_url=database,
            owner_database_url=owner,
            temporal_address=address,
            temporal_namespace=settings.temporal_namespace,
            smtp_url=parts.catcher.smtp_url if parts.catcher else settings.require_smtp_url(),
            key_file=key_file,
            sandbox=self._sandbox,
            cluster=parts.cluster,
            temporal=parts.temporal,
            catcher=parts.catcher,
        )

    def _record(self, services: Services) -> StackRecord:
        """Write down what runs where, where that has changed."""
        assert self._parts.worker is not None
        record = services.record(
            self._home,
            started_at=self._started_at,
            worker=self._parts.worker,
            kept=self._kept,
        )
        if record != self._told:
            self._home.write_record(record)
            self._told = record
        return record
