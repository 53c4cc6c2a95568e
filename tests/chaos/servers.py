"""A stack of real servers, each of which can be killed, stopped, cut off and started again.

The worker and the people reach every server through a proxy of their own.
"""

import asyncio
import base64
import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from bootstrap.settings import Settings
from bootstrap.values import Secret
from embedded.mailcatcher import CaughtMail, caught_mails
from embedded.postgres import Cluster, start_cluster
from embedded.process import LOOPBACK, Leashed, Stop, accepts, free_port
from embedded.temporal import TemporalServer, start_dev_temporal
from store.migrations import migrate
from tests.chaos.clock import CLOCK
from tests.chaos.proxy import Proxy
from tests.conftest import MASTER_KEY, ROOT
from tests.embedded.support import OURS

PARTS = ("worker", "postgresql", "temporal", "mail")
SMALL_DISK = 24_576
"""Bytes that a file may have while the disk is said to be full."""


class Servers:
    """What runs, in one directory.

    Args:
        worker: What Python runs as the worker.
    """

    def __init__(self, home: Path, worker: tuple[str, ...] = ("-m", "tests.chaos.patient")) -> None:
        self.home = home
        self._worker_words = worker
        self._cluster: Cluster | None = None
        self._temporal: TemporalServer | None = None
        self._running: dict[str, Leashed] = {}
        self._ports = dict.fromkeys(PARTS, 0)
        self._turn = {part: asyncio.Lock() for part in PARTS}
        self._full: set[str] = set()
        self._guests: list[Leashed] = []
        self.proxies = {
            (who, part): Proxy(lambda part=part: self._ports[part])  # type: ignore[misc]
            for who, part in (
                ("people", "postgresql"),
                ("people", "temporal"),
                ("worker", "postgresql"),
                ("worker", "temporal"),
                ("worker", "mail"),
            )
        }
        self.starts = dict.fromkeys(PARTS, 0)

    @property
    def _clock(self) -> Path:
        return self.home / "clock"

    @property
    def maildir(self) -> Path:
        return self.home / "mail"

    def caught(self) -> list[CaughtMail]:
        return caught_mails(self.maildir)

    def url(self, role: str, who: str | None = None) -> str:
        """Where the store is, for somebody behind a proxy or for whoever looks at it."""
        assert self._cluster is not None
        port = self.proxies[who, "postgresql"].port if who else self._cluster.port
        return replace(self._cluster, port=port).url(role, "handrail")

    @property
    def settings(self) -> Settings:
        """What the people's command line would load."""
        return Settings(
            home=self.home,
            temporal_address=f"{LOOPBACK}:{self.proxies['people', 'temporal'].port}",
            temporal_source="stack",
            database_url=Secret(self.url("handrail_app", "people")),
            key=Secret(base64.b64encode(MASTER_KEY).decode()),
        )

    def environment(self, who: str | None) -> dict[str, str]:
        """What a process of the stack is configured by; None goes past the proxies."""
        temporal = self.proxies[who, "temporal"].port if who else self._ports["temporal"]
        mail = self.proxies["worker", "mail"].port if who else self._ports["mail"]
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
        return {
            **inherited,
            "HANDRAIL_HOME": str(self.home / "handrail"),
            "HANDRAIL_KEY": base64.b64encode(MASTER_KEY).decode(),
            "DATABASE_URL": self.url("handrail_app", who),
            "TEMPORAL_ADDRESS": f"{LOOPBACK}:{temporal}",
            "TEMPORAL_CONFIG_FILE": os.devnull,
            "SMTP_URL": f"smtp://{LOOPBACK}:{mail}?timeout=5",
            "PYTHONPATH": str(ROOT),
            CLOCK: str(self._clock),
        }

    async def start(self) -> None:
        for proxy in self.proxies.values():
            await proxy.start()
        for part in PARTS:
            self._ports[part] = free_port(avoid=self._ports.values())
        await asyncio.gather(*(self._up(part) for part in ("postgresql", "temporal", "mail")))
        assert self._cluster is not None
        await migrate(self._cluster.owner_url(), sandbox=False)
        await self._up("worker")
        await self.serving()

    async def stop(self) -> None:
        for part in PARTS:
            if part in self._running:
                self._signal(part, signal.SIGCONT)
        if "worker" in self._running:
            await asyncio.to_thread(self._running["worker"].stop)
        for guest in self._guests:
            await asyncio.to_thread(guest.stop)
        for proxy in self.proxies.values():
            await proxy.stop()
        await asyncio.gather(
            *(asyncio.to_thread(self._running[part].stop) for part in self._running)
        )

    # What may befall a server.

    async def kill(self, part: str) -> None:
        """All its processes at once, with no word."""
        async with self._turn[part]:
            self._signal(part, signal.SIGKILL)
            await asyncio.to_thread(self._running[part].stop)

    async def kill_a_backend(self) -> None:
        """One connection's process of PostgreSQL: the server then ends all and starts over."""
        async with self._turn["postgresql"]:
            named = [p for p in self._processes("postgresql")[1:] if "handrail" in _title(p)]
            for process in named[:1]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()

    def freeze(self, part: str) -> None:
        self._signal(part, signal.SIGSTOP)

    def thaw(self, part: str) -> None:
        self._signal(part, signal.SIGCONT)

    async def terminate_backends(self) -> None:
        """Have PostgreSQL end every connection of the application."""
        connection = await asyncpg.connect(self.url("postgres"), timeout=2)
        try:
            await connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where usename = 'handrail_app'"
            )
        finally:
            connection.terminate()

    async def commit_carelessly(self) -> None:
        """From now on what is committed is written down within seconds only."""
        connection = await asyncpg.connect(self.url("postgres"), timeout=10)
        try:
            await connection.execute("alter system set synchronous_commit = off")
            await connection.execute("alter system set wal_writer_delay = '10s'")
            await connection.execute("select pg_reload_conf()")
        finally:
            await connection.close()

    def fill_disk(self, part: str) -> None:
        """Let no file of a server grow beyond a little, as on a full disk."""
        self._full.add(part)
        self._limit(part, SMALL_DISK)

    def empty_disk(self, part: str) -> None:
        self._full.discard(part)
        self._limit(part, resource.RLIM_INFINITY)

    async def another_worker(self) -> Leashed:
        """One more beside the worker, as where there are several machines."""
        guest = await asyncio.to_thread(self._start_worker, "another")
        self._guests.append(guest)
        return guest

    async def dismiss(self, guest: Leashed, *, killed: bool) -> None:
        """End it, with or without a word."""
        if killed:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(guest.pid).kill()
        await asyncio.to_thread(guest.stop)

    def set_clock(self, minutes: int) -> None:
        """Set the clock by which workers go wrong, by so much; right again by 0."""
        self._clock.write_text(str(minutes))

    async def ensure(self, part: str) -> None:
        """Start a part again if it has ended, as its supervisor would."""
        async with self._turn[part]:
            if self._running[part].exit_code() is not None:
                await asyncio.to_thread(self._running[part].stop)
                await self._up(part)

    async def serving(self, within: float = 60) -> None:
        """Wait until a worker that runs now has said that it lives."""
        began = await self.ask("select clock_timestamp()")

        async def alive() -> bool:
            await self.ensure("worker")
            return bool(
                await self.ask("select exists (select from ops.workers where seen_at > $1)", began)
            )

        await until(alive, within, "no worker")

    async def ask(self, sql: str, *values: Any) -> Any:
        """One value from the store, past the proxies."""
        connection = await asyncpg.connect(self.url("postgres"), timeout=10)
        try:
            return await connection.fetchval(sql, *values)
        finally:
            await connection.close()

    # Starting

    async def _up(self, part: str) -> None:
        self.starts[part] += 1
        starting: dict[str, Callable[[], Leashed]] = {
            "postgresql": self._start_postgresql,
            "temporal": self._start_temporal,
            "mail": self._start_mail,
            "worker": self._start_worker,
        }
        self._running[part] = await asyncio.to_thread(starting[part])

    def _start_postgresql(self) -> Leashed:
        self._cluster = start_cluster(self.home / "postgresql", port=self._ports["postgresql"])
        return self._cluster.process

    def _start_temporal(self) -> Leashed:
        self._temporal = start_dev_temporal(self.home / "temporal", port=self._ports["temporal"])
        return self._temporal.process

    def _start_mail(self) -> Leashed:
        port = self._ports["mail"]
        words = ["-m", "tests.chaos.postman", str(self.maildir), str(port)]
        process = self._python("The mail catcher", words, None, "mail")
        process.wait_until(lambda: accepts(port), 30)
        return process

    def _start_worker(self, log: str = "worker") -> Leashed:
        return self._python("The worker", list(self._worker_words), "worker", log)

    def _python(self, name: str, words: list[str], who: str | None, log: str) -> Leashed:
        env = self.environment(who) if who else {"PYTHONPATH": str(ROOT)}
        return Leashed(
            name,
            [sys.executable, *words],
            cwd=ROOT,
            log=self.home / f"{log}.log",
            stops=(Stop(signal.SIGTERM, 15), Stop(signal.SIGKILL, 5)),
            env=env,
        )

    def command_line(self, *words: str) -> subprocess.CompletedProcess[str]:
        """A command as people type it, past the proxies."""
        return subprocess.run(
            [sys.executable, "-m", "cli.main", *words],
            env=self.environment(None), cwd=ROOT, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    # Its processes

    def _processes(self, part: str) -> list[psutil.Process]:
        try:
            first = psutil.Process(self._running[part].pid)
            return [first, *first.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def _signal(self, part: str, number: signal.Signals) -> None:
        for process in self._processes(part):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(number)

    def _limit(self, part: str, size: int) -> None:
        for process in self._processes(part):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, hard))


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return ""


async def until(condition: Callable[[], Awaitable[object]], seconds: float, what: str) -> None:
    """Wait for something to become true; what cannot be asked now is asked again."""
    deadline = time.monotonic() + seconds
    last: object = None
    while True:
        try:
            last = await condition()
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as away:
            last = away
        else:
            if last:
                return
        assert time.monotonic() < deadline, f"{what} within {seconds:.0f} s: {last!r}"
        await asyncio.sleep(0.1)
