"""The real time-skipping server with a worker in this process, and a mail server that catches."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from temporalio.client import Client

from activities.dispatch import send
from activities.mailing.mailroom import Mailroom
from activities.names import WORKFLOW_QUEUE
from activities.record import Record
from bootstrap.clock import SandboxClock
from bootstrap.encryption import data_converter
from bootstrap.settings import Settings
from bootstrap.values import Secret
from bootstrap.wiring import Services
from domain.envelope import Envelope, Receipt
from domain.policy.calendar import at_local
from domain.policy.playbook import Playbook
from embedded.mailcatcher import MailCatcher, mail_catcher
from embedded.process import free_port
from embedded.temporal import TemporalServer, sandbox_temporal
from store.database import Pool, open_pool
from store.vault import Vault
from tests.conftest import MASTER_KEY, Database, FixedClock, Office
from worker import workers

YEARS = 28
"""The Gregorian calendar repeats: 2026 and 2054 have the same weekdays and holidays."""


def day(month: int, number: int, year: int = 2027) -> date:
    """A day of the story, which takes place 28 years later than it was thought up."""
    return date(year + YEARS, month, number)


def at(when: date, hour: int, minute: int = 0) -> datetime:
    """A local clock time on a day."""
    return at_local(when, time(hour, minute), "America/Los_Angeles")


@pytest.fixture
def playbook(playbook: Playbook) -> Playbook:
    """The shipped one without its weekly overviews, so that every mail is about something due."""
    return playbook.model_copy(update={"overviews": ()})


@pytest.fixture
def time_server(tmp_path: Path) -> Iterator[TemporalServer]:
    # One for each test: its clock only goes forward, and starts in a tenth of a second.
    with sandbox_temporal(tmp_path / "temporal") as server:
        yield server


@pytest.fixture
def mails(tmp_path: Path) -> Iterator[MailCatcher]:
    with mail_catcher(tmp_path / "mail") as catcher:
        yield catcher


class WorkflowOffice(Office):
    """Gives commands through the workflows, on the sandbox's clock."""

    client: Client
    time: SandboxClock

    async def do(self, command: Any, actor: str = "tess", **body: Any) -> Receipt:
        receipt = await self.ask(command, actor, **body)
        assert receipt.outcome == "recorded", f"{receipt.refusal}: {receipt.message}"
        return receipt

    async def refused(self, command: Any, actor: str = "tess", **body: Any) -> Receipt:
        receipt = await self.ask(command, actor, **body)
        assert receipt.outcome == "refused", f"recorded: {receipt.events}"
        return receipt

    async def renewing_after(self, commands: int, engagement: str) -> None:
        """Start an engagement's workflow with runs that are over sooner than usual."""
        await self.client.start_workflow(
            "Engagement",
            {"stream": f"engagement:{engagement}", "renew_after": commands},
            id=f"engagement:{engagement}",
            task_queue=WORKFLOW_QUEUE,
        )

    async def ask(self, command: Any, actor: str = "tess", **body: Any) -> Receipt:
        self.clock.at = await self.time.now()
        return await self.give(self.envelope(command, actor, **body))

    async def give(self, envelope: Envelope) -> Receipt:
        return await send(self.client, envelope)

    async def until(self, when: datetime) -> None:
        await self.time.to(when)
        self.clock.at = await self.time.now()

    async def ledger(self, item: str, engagement: str = "alder-creek-usd") -> list[Any]:
        async with self.pool.acquire() as connection:
            rows: list[Any] = await connection.fetch(
                "select * from read.notices where stream = $1 and item = $2"
                " order by planned_for, n",
                f"engagement:{engagement}",
                item,
            )
            return rows


@dataclass
class Running:
    """What a worker in this process needs to be started again."""

    services: Services
    smtp_url: str
    caught: Path | None = None

    @asynccontextmanager
    async def worker(self) -> AsyncIterator[None]:
        services = self.services
        mailroom = Mailroom(
            pool=services.pool,
            vault=services.vault,
            clock=services.clock,
            record=Record(services.pool, services.vault, services.clock),
            client=services.client,
            smtp_url=self.smtp_url,
            caught=self.caught,
        )
        async with AsyncExitStack() as stack:
            for worker in workers(services, mailroom):
                await stack.enter_async_context(worker)
            yield


async def services_for(pool: Pool, server: TemporalServer, home: Path) -> Services:
    client = await Client.connect(server.address, data_converter=data_converter(MASTER_KEY))
    return Services(
        settings=Settings(
            home=home, temporal_address=server.address, database_url=Secret("postgresql://x/y")
        ),
        pool=pool,
        vault=Vault(MASTER_KEY),
        client=client,
        clock=SandboxClock(client),
        sandbox=True,
    )


@pytest.fixture
async def running(
    sandbox_database: Database, time_server: TemporalServer, mails: MailCatcher, tmp_path: Path
) -> AsyncIterator[Running]:
    pool = await open_pool(sandbox_database.url, size=20)
    yield Running(await services_for(pool, time_server, tmp_path), mails.smtp_url, mails.maildir)
    await pool.close()


def office_of(services: Services, database: Database) -> WorkflowOffice:
    office = WorkflowOffice(services.pool, services.vault, FixedClock(), database.cluster)
    office.client = services.client
    assert isinstance(services.clock, SandboxClock)
    office.time = services.clock
    return office


@pytest.fixture
async def story(running: Running, sandbox_database: Database) -> AsyncIterator[WorkflowOffice]:
    """An office whose commands go through a running worker; nobody is in it yet."""
    async with running.worker():
        yield office_of(running.services, sandbox_database)


class RefusesMail:
    """A mail server that knows nobody."""

    # The name and the arguments are aiosmtpd's.
    async def handle_RCPT(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        return "550 5.1.1 no such mailbox"


@pytest.fixture
def refusing_server() -> Iterator[str]:
    """Where a mail server listens that refuses every recipient."""
    controller = Controller(RefusesMail(), hostname="127.0.0.1", port=free_port())
    controller.start()
    yield f"smtp://127.0.0.1:{controller.port}"
    controller.stop()
