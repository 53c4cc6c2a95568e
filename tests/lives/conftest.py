"""One database, one Temporal that can be emptied, one mail server, one worker process: real."""

import asyncio
import base64
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bootstrap.door import Unavailable, open_door
from bootstrap.settings import Settings
from bootstrap.values import Secret
from domain.envelope import Envelope, Receipt
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.mailcatcher import MailCatcher, mail_catcher
from embedded.temporal import TemporalServer, start_dev_temporal
from store.database import open_pool
from store.sealing import seal
from store.vault import Vault
from tests.conftest import MASTER_KEY, ROOT, Database, FixedClock, Office, eventually
from tests.embedded.support import OURS

LEAS = 24


class Rooms(Office):
    """The office beside its servers; what it records itself goes past the workflows."""

    def now(self) -> None:
        self.clock.at = datetime.now(UTC)


@dataclass
class Premises:
    """Where everything runs, and how to break it."""

    database: Database
    home: Path
    temporal: TemporalServer
    mails: MailCatcher
    office: Rooms
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    key: str = base64.b64encode(MASTER_KEY).decode()
    """What every process of Handrail takes for the master key."""

    @property
    def environment(self) -> dict[str, str]:
        """What every process of Handrail is told here."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
        return inherited | {
            "HANDRAIL_HOME": str(self.home),
            "HANDRAIL_KEY": self.key,
            "DATABASE_URL": self.database.url,
            "HANDRAIL_OWNER_DATABASE_URL": self.database.owner_url,
            "TEMPORAL_ADDRESS": self.temporal.address,
            "TEMPORAL_CONFIG_FILE": os.devnull,
            "SMTP_URL": self.mails.smtp_url,
            "HANDRAIL_ACTOR": "dana",
            "PYTHONPATH": str(ROOT),
        }

    @property
    def settings(self) -> Settings:
        return Settings(
            home=self.home,
            key=Secret(base64.b64encode(MASTER_KEY).decode()),
            temporal_address=self.temporal.address,
            database_url=Secret(self.database.url),
            owner_database_url=Secret(self.database.owner_url),
            smtp_url=Secret(self.mails.smtp_url),
            actor="dana",
        )

    @property
    def log(self) -> Path:
        return self.home / "worker.log"

    def start_worker(self) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "worker"],
                cwd=ROOT, env=self.environment, stdout=log, stderr=log,
            )  # fmt: skip
        self.workers.append(process)
        return process

    async def worker(self) -> None:
        """Start a worker and wait for its first heartbeat."""
        await self.worker_on(self.office.pool)

    async def worker_on(self, database: Any) -> None:
        """The same, seen in another database than the office's."""
        began = await database.fetchval("select clock_timestamp()")
        process = self.start_worker()

        async def beats() -> bool:
            assert process.poll() is None, self.log.read_text()
            return bool(
                await database.fetchval(
                    "select exists (select from ops.workers where seen_at > $1)", began
                )
            )

        await eventually(beats)

    async def no_worker(self) -> None:
        for process in self.workers:
            process.send_signal(signal.SIGTERM)
        for process in self.workers:
            await asyncio.to_thread(process.wait, 30)
        self.workers.clear()
        await self.office.pool.execute("delete from ops.workers")

    async def empty_temporal(self) -> None:
        """Temporal forgets everything, and is there again at the same place."""
        port = int(self.temporal.address.rpartition(":")[2])
        await asyncio.to_thread(self.temporal.process.stop)
        shutil.rmtree(self.home / "temporal")
        self.temporal = await asyncio.to_thread(
            lambda: start_dev_temporal(self.home / "temporal", port=port)
        )

    async def handrail(self, *arguments: str, **more: str) -> tuple[int, str]:
        """A command as somebody types it: its exit code and what it said."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "cli.main", *arguments,
            cwd=ROOT, env=self.environment | more,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await asyncio.wait_for(process.communicate(), 120)
        assert process.returncode is not None
        return process.returncode, said.decode()

    def conversation(self, engagement: str, group: str = "parents", **body: Any) -> Envelope:
        self.office.now()
        return self.office.envelope(
            "conversation log", "marcus", engagement=engagement, group=group, **body
        )

    async def submit(self, *envelopes: Envelope) -> list[Receipt | BaseException]:
        """Commands given at the same time, each answered as at a keyboard."""
        async with open_door(self.settings, commands=True) as door:
            return await asyncio.gather(
                *(door.submit(envelope) for envelope in envelopes), return_exceptions=True
            )

    async def submit_or_not(self, envelope: Envelope) -> list[Receipt | BaseException]:
        """The same for one, where the door itself may be shut."""
        try:
            return await self.submit(envelope)
        except Unavailable as shut:
            return [shut]


def lea(number: int) -> str:
    return f"lea-{number:02}"


@pytest.fixture
async def premises(
    database: Database, tmp_path: Path, playbook: Playbook, calendar: CalendarPack
) -> AsyncIterator[Premises]:
    home = tmp_path / "home"
    home.mkdir()
    pool = await open_pool(database.url)
    office = Rooms(pool, Vault(MASTER_KEY), FixedClock(datetime.now(UTC)), database.cluster)
    async with pool.acquire() as connection:
        await seal(connection, office.vault)  # As a worker does before it serves.
    await office.furnish(playbook, calendar)
    for number in range(LEAS):
        await office.do("lea register", id=lea(number), name=f"District {number:02}")
        await office.do(
            "engagement open", engagement=lea(number), lea=lea(number), lead="marcus",
            director="dana",
        )  # fmt: skip
    temporal = await asyncio.to_thread(start_dev_temporal, home / "temporal")
    with mail_catcher(tmp_path / "mail") as mails:
        here = Premises(database, home, temporal, mails, office)
        try:
            yield here
        finally:
            for process in here.workers:
                process.kill()
                process.wait()
            await asyncio.to_thread(here.temporal.process.stop)
            await pool.close()
