"""Mail servers that are away, answers that are lost, workers that are killed: nothing twice."""

import asyncio
import base64
import os
import re
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from temporalio.client import Client

from activities.mailing import sending
from bootstrap.clock import SandboxClock
from bootstrap.encryption import data_converter
from bootstrap.life import OfThisLife
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.mailcatcher import MAILDIR_PARTS, KeepInMaildir, MailCatcher, start_mail_catcher
from embedded.process import LOOPBACK, free_port
from store.epochs import epoch_of
from tests.conftest import MASTER_KEY, ROOT, Database, eventually
from tests.lines import line_to
from tests.workflows.conftest import Running, WorkflowOffice, at, day, office_of
from tests.workflows.test_years import E, body, prepared, submitted

pytestmark = pytest.mark.slow


class Post:
    """A mail server that can go away and come back at the same place."""

    def __init__(self, maildir: Path) -> None:
        self.catcher, self._server = start_mail_catcher(maildir)

    @property
    def smtp_url(self) -> str:
        return self.catcher.smtp_url

    @property
    def maildir(self) -> Path:
        return self.catcher.maildir

    def messages(self, who: str = "") -> list[Any]:
        return [m for m in self.catcher.messages() if f"{who}@" in m["To"] or not who]

    def stop(self) -> None:
        self._server.stop()

    def start(self) -> None:
        self.catcher, self._server = start_mail_catcher(
            self.catcher.maildir, port=self.catcher.port
        )


@pytest.fixture
def mails(tmp_path: Path) -> Iterator[Any]:
    post = Post(tmp_path / "mail")
    yield post
    post.stop()


async def frozen(story: WorkflowOffice, handle: str = "joy") -> list[asyncpg.Record]:
    """Every mail that was made for somebody, whatever became of it."""
    async with story.pool.acquire() as connection:
        rows: list[asyncpg.Record] = await connection.fetch(
            "select m.* from ops.mails m join read.people p on p.id = m.person"
            " where p.handle = $1 order by m.claimed_at",
            handle,
        )
        return rows


def fates(rows: list[Any]) -> list[tuple[str, str, str | None]]:
    return [(r["step"], r["status"], r["reason"]) for r in rows]


async def test_a_mail_server_away_for_two_days_brings_one_mail_that_is_true_when_it_is_back(
    story: WorkflowOffice, mails: Post, playbook: Playbook, calendar: CalendarPack
) -> None:
    await prepared(story, playbook, calendar, day(3, 9))
    submitted_meanwhile = await story.agreed("Theory of action", day(4, 16))
    still_owed = await story.agreed("Measures of success", day(4, 16))
    overtaken = await story.agreed("Action plan", day(4, 6))
    await story.until(at(day(4, 2), 12))
    before = len(mails.messages("joy"))
    mails.stop()
    await story.until(at(day(4, 6), 10))
    [made] = [m for m in await frozen(story) if m["outcome"] is None]
    await submitted(story, submitted_meanwhile)
    # Late in the evening: what waits, waits for office hours.
    await story.until(at(day(4, 6), 22))
    mails.start()
    await story.until(at(day(4, 7), 7, 59))
    assert len(mails.messages("joy")) == before
    await story.until(at(day(4, 7), 8, 10))

    [mail] = mails.messages("joy")[before:]
    assert mail["Message-ID"] == made["message_id"], "as it was claimed on Monday"
    assert mail["Date"].startswith("Wed, 07 Apr"), mail["Date"]
    assert mail["Date"].split()[4].startswith("08:0")
    assert "Measures of success" in body(mail)
    assert "in 9 days" in body(mail), body(mail)
    assert "Action plan" in body(mail)
    assert "OVERDUE" in body(mail), body(mail)
    assert "Theory of action" not in body(mail)

    assert fates(await story.ledger(submitted_meanwhile)) == [
        ("t-14", "suppressed", "submitted"),
        *[(step, "suppressed", "submitted") for step in ("t-3", "due", "+1", "+5", "+10")],
    ]
    assert fates(await story.ledger(still_owed))[0] == ("t-14", "sent", None)
    assert fates(await story.ledger(overtaken)) == [
        ("t-14", "sent", None),
        ("t-3", "sent", None),
        ("due", "suppressed", "superseded after an outage"),
        ("+1", "sent", None),
        ("+5", "planned", None),
        ("+10", "planned", None),
    ]
    await story.until(at(day(4, 12), 12))
    assert len(mails.messages("joy")) == before + 1, "and nothing twice"


async def test_a_mail_of_which_nothing_is_left_is_dropped_when_the_server_is_back(
    story: WorkflowOffice, mails: Post, playbook: Playbook, calendar: CalendarPack
) -> None:
    await prepared(story, playbook, calendar, day(3, 9))
    d1 = await story.agreed("Theory of action", day(4, 16))
    mails.stop()
    await story.until(at(day(4, 5), 16))
    await submitted(story, d1)
    await story.until(at(day(4, 7), 10))
    mails.start()
    await story.until(at(day(4, 8), 12))

    assert mails.messages("joy") == []
    [mail] = await frozen(story)
    assert mail["outcome"] == "dropped"
    assert {(r["status"], r["reason"]) for r in await story.ledger(d1)} == {
        ("suppressed", "submitted")
    }


DEATHS = 12
"""So often a worker dies between the mail server's 250 and our record of it."""


async def test_every_answer_that_is_lost_costs_at_most_one_duplicate_with_the_same_id(
    running: Running,
    mails: Post,
    sandbox_database: Database,
    playbook: Playbook,
    calendar: CalendarPack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settle, left = sending._settle, [None] * DEATHS

    async def forgets_its_answer(*args: Any) -> None:
        if left:
            left.pop()
            raise ConnectionAbortedError("the worker died")
        await settle(*args)

    monkeypatch.setattr(sending, "_settle", forgets_its_answer)
    async with running.worker():
        story = office_of(running.services, sandbox_database)
        await prepared(story, playbook, calendar, day(3, 9))
        d1 = await story.agreed("Theory of action", day(4, 16))
        await story.until(at(day(4, 6), 12))

        caught = mails.messages("joy")
        assert len(caught) == DEATHS + 1
        assert len({m["Message-ID"] for m in caught}) == 1
        assert len({m.as_bytes() for m in caught}) == 1, "the very same mail"
        assert fates(await story.ledger(d1))[:2] == [
            ("t-14", "sent", None),
            ("t-3", "planned", None),
        ]


class Dispatch(KeepInMaildir):
    """A mail server at which something happens as soon as it has taken a mail."""

    def __init__(self, maildir: Path, then: Callable[[], Awaitable[None]]) -> None:
        super().__init__(maildir)
        self._then = then

    async def handle_DATA(  # noqa: N802 - aiosmtpd's
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        answer = await super().handle_DATA(server, session, envelope)
        await self._then()
        return answer


@pytest.fixture
def happening(tmp_path: Path) -> Iterator[Callable[[Callable[[], Awaitable[None]]], MailCatcher]]:
    """Starts a mail server at which something happens with every mail it took."""
    controllers = []

    def start(then: Callable[[], Awaitable[None]]) -> MailCatcher:
        maildir = tmp_path / "happening"
        for part in MAILDIR_PARTS:
            (maildir / part).mkdir(parents=True)
        controller = Controller(Dispatch(maildir, then), hostname=LOOPBACK, port=free_port())
        controller.start()
        controllers.append(controller)
        return MailCatcher(controller.port, maildir)

    yield start
    for controller in controllers:
        controller.stop()


async def test_a_database_that_is_away_when_the_mail_server_answers_costs_no_duplicate(
    running: Running,
    sandbox_database: Database,
    playbook: Playbook,
    calendar: CalendarPack,
    happening: Callable[[Callable[[], Awaitable[None]]], MailCatcher],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sending, "_INSIST_SECONDS", 0.2)
    outages = []

    async def admin(sql: str) -> None:
        connection = await asyncpg.connect(sandbox_database.cluster.superuser_url)
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async def database_goes_away() -> None:
        name = sandbox_database.name
        await admin(f"alter database {name} with allow_connections false")
        await admin(
            f"select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'"
        )
        outages.append(asyncio.create_task(back_in_a_while(name)))

    async def back_in_a_while(name: str) -> None:
        await asyncio.sleep(1.5)
        await admin(f"alter database {name} with allow_connections true")

    catcher = happening(database_goes_away)
    async with Running(running.services, catcher.smtp_url).worker():
        story = office_of(running.services, sandbox_database)
        await prepared(story, playbook, calendar, day(3, 9))
        d1 = await story.agreed("Theory of action", day(4, 16))
        await story.until(at(day(4, 5), 9))
        await story.until(at(day(4, 6), 9))
        assert len(outages) == 1
        assert len(catcher.messages()) == 1
        assert fates(await story.ledger(d1))[0] == ("t-14", "sent", None)


IMPATIENT = """
import asyncio
from datetime import timedelta
from temporalio.worker import UnsandboxedWorkflowRunner
import worker
import activities.hands
import workflows.digest
worker.CACHED_WORKFLOWS = 0
worker.RUNNER = UnsandboxedWorkflowRunner()
worker.GRACE = timedelta(seconds=1)
worker.LEAVE_SECONDS = 4.0
activities.hands.BEAT_SECONDS = 0.3
workflows.digest.MISSED = timedelta(seconds=2)
asyncio.run(worker.main())
"""
"""The worker, missed after two seconds: while one has a mail in hand, the server's clock walks
instead of jumping.  It keeps nothing that its successor would wait for."""


class WorkerProcess:
    """The real worker, as a process that can be killed."""

    def __init__(self, running: Running, database: Database, smtp_url: str, home: Path) -> None:
        address = running.services.settings.temporal_address
        assert address is not None
        self._log = home / "worker.log"
        self._environment = {
            **os.environ,
            "DATABASE_URL": database.url,
            "TEMPORAL_ADDRESS": address,
            "SMTP_URL": smtp_url,
            "HANDRAIL_KEY": base64.b64encode(MASTER_KEY).decode(),
            "HANDRAIL_HOME": str(home),
            "PYTHONPATH": str(ROOT),
        }
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        started = self._said().count("worker_started")
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", IMPATIENT, env=self._environment, cwd=ROOT, stderr=log
            )

        async def up() -> bool:
            assert self._process is not None
            assert self._process.returncode is None, self._said()
            return self._said().count("worker_started") > started

        await eventually(up, within=timedelta(seconds=60))

    def kill(self) -> None:
        assert self._process is not None
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)

    def tell_to_stop(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    async def ended(self) -> None:
        assert self._process is not None
        await self._process.wait()

    def _said(self) -> str:
        return self._log.read_text("utf-8") if self._log.exists() else ""


async def beside(running: Running, database: Database) -> WorkflowOffice:
    """An office that knows the workflows and queues of the store's life, as a process does."""
    services = running.services
    async with services.pool.acquire() as connection:
        epoch = await epoch_of(connection)
    client = await Client.connect(
        str(services.settings.temporal_address),
        data_converter=data_converter(MASTER_KEY),
        interceptors=[OfThisLife(epoch.id)],
    )
    return office_of(replace(services, client=client, clock=SandboxClock(client)), database)


@asynccontextmanager
async def process(
    running: Running, database: Database, smtp_url: str, home: Path
) -> AsyncIterator[WorkerProcess]:
    worker = WorkerProcess(running, database, smtp_url, home)
    await worker.start()
    try:
        yield worker
    finally:
        worker.kill()
        await worker.ended()


@pytest.mark.timeout(180)
async def test_a_worker_killed_between_the_250_and_its_record_sends_the_same_mail_once_more(
    running: Running,
    sandbox_database: Database,
    playbook: Playbook,
    calendar: CalendarPack,
    happening: Callable[[Callable[[], Awaitable[None]]], MailCatcher],
    tmp_path: Path,
) -> None:
    kills = 3
    left = kills

    async def kill() -> None:
        nonlocal left
        if left:
            left -= 1
            worker.kill()

    catcher = happening(kill)
    async with process(running, sandbox_database, catcher.smtp_url, tmp_path) as worker:
        story = await beside(running, sandbox_database)
        await prepared(story, playbook, calendar, day(3, 9))
        d1 = await story.agreed("Theory of action", day(4, 16))
        await story.until(at(day(4, 5), 7, 59))
        moving = asyncio.create_task(story.time.to(at(day(4, 5), 8, 2)))
        for number in range(1, kills + 1):
            await worker.ended()
            assert len(catcher.messages()) == number
            await worker.start()
        await moving
        await story.until(at(day(4, 5), 12))

        caught = catcher.messages()
        assert len(caught) == kills + 1
        assert len({m["Message-ID"] for m in caught}) == 1
        assert fates(await story.ledger(d1))[0] == ("t-14", "sent", None)


@pytest.mark.timeout(120)
async def test_a_worker_killed_over_eight_o_clock_sends_one_mail_when_it_is_back(
    running: Running,
    mails: Post,
    sandbox_database: Database,
    playbook: Playbook,
    calendar: CalendarPack,
    tmp_path: Path,
) -> None:
    async with process(running, sandbox_database, mails.smtp_url, tmp_path) as worker:
        story = await beside(running, sandbox_database)
        await prepared(story, playbook, calendar, day(3, 9))
        d1 = await story.agreed("Theory of action", day(4, 16))
        await story.until(at(day(4, 5), 7, 59))
        worker.kill()
        await worker.ended()
        # From eight on the server's clock only walks: a task waits for a worker.
        await story.time.to(at(day(4, 5), 8) + timedelta(seconds=3))
        assert mails.messages() == []
        await worker.start()
        await story.until(at(day(4, 6), 12))

    [mail] = mails.messages("joy")
    assert re.search(r"Mon, 05 Apr 2055 08:0\d", mail["Date"])
    first = (await story.ledger(d1))[0]
    assert (first["status"], first["planned_for"]) == ("sent", at(day(4, 5), 8))
    assert Counter(r["status"] for r in await story.ledger(d1)) == {"sent": 1, "planned": 5}
    assert (await frozen(story))[0]["outcome"] == "sent"
    assert f"engagement:{E}" in {r["stream"] for r in await story.ledger(d1)}


@pytest.mark.timeout(120)
async def test_a_worker_ends_when_told_to_though_its_database_has_fallen_silent(
    running: Running, sandbox_database: Database, mails: Post, tmp_path: Path
) -> None:
    async with line_to(sandbox_database.url) as line:
        through = Database(sandbox_database.cluster, sandbox_database.name)
        through.url = line.url(sandbox_database.url)
        async with process(running, through, mails.smtp_url, tmp_path) as worker:
            line.silence()

            async def it_waits() -> bool:
                return line.held > 0

            await eventually(it_waits)
            worker.tell_to_stop()
            await asyncio.wait_for(worker.ended(), 20)

            # And with every connection ended by the server, at the same moment.
            line.cut()
            await worker.start()
            admin = await asyncpg.connect(sandbox_database.cluster.superuser_url)
            await admin.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1",
                sandbox_database.name,
            )
            worker.tell_to_stop()
            await asyncio.wait_for(worker.ended(), 20)
            await admin.close()
