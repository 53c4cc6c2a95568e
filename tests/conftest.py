"""Real servers: started once a run, a database copied from a template for each test."""

import os
import shutil
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import psutil
import pytest
import uuid_utils
import yaml
from hypothesis import settings as hypothesis_settings

from activities.mailing.mailroom import Mailroom
from activities.record import Record
from domain.envelope import Envelope, Receipt
from domain.kernel.messages import Command
from domain.policy.calendar import CalendarPack, local_date
from domain.policy.playbook import Playbook
from domain.program.program import InitProgram
from domain.rules.registry import COMMANDS
from embedded.postgres import Cluster, postgres_cluster
from store.database import Connection, Pool, open_pool
from store.migrations import migrate
from store.vault import Vault

# A slow machine is no failure.  Everybody plays the same examples; `make explore` plays others.
hypothesis_settings.register_profile("handrail", deadline=None, derandomize=True)
hypothesis_settings.register_profile("exploring", deadline=None)
hypothesis_settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "handrail"))

ROOT = Path(__file__).parent.parent
MEMORY = Path("/dev/shm")
ROOM = 4 << 30
MASTER_KEY = bytes(range(32))
START = datetime(2026, 8, 3, 16, 0, tzinfo=UTC)
"""Monday 3 August 2026, nine in the morning in California: where the stories begin."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--record-histories",
        metavar="RELEASE",
        help="keep the workflow histories of a release under tests/replay",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Keep what tests write in memory, where there is room: a database is copied there in 12 ms
    instead of 85.
    """
    if config.option.basetemp is not None:
        return  # Somebody wants it elsewhere, or another process of this run made it.
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOM:
        return
    for left in MEMORY.glob("handrail-tests-*"):  # By a run that was killed.
        if not psutil.pid_exists(int(left.name.rpartition("-")[2])):
            shutil.rmtree(left, ignore_errors=True)
    config.option.basetemp = str(MEMORY / f"handrail-tests-{os.getpid()}")
    config.add_cleanup(partial(shutil.rmtree, config.option.basetemp, ignore_errors=True))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes long, so that no worker is left alone with it at the end."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is None)


def pytest_unconfigure(config: pytest.Config) -> None:
    # temporalio's runtime sometimes aborts the interpreter when it ends at once (sdk-python 300).
    if "temporalio" in sys.modules:
        time.sleep(1)


@pytest.fixture(scope="session")
def playbook() -> Playbook:
    return Playbook.model_validate(load("packs/playbooks/dta-sir.yaml"))


@pytest.fixture(scope="session")
def calendar() -> CalendarPack:
    return CalendarPack.model_validate(load("packs/calendars/california.yaml"))


def load(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text(encoding="utf-8"))


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with postgres_cluster(tmp_path_factory.mktemp("postgres"), durable=False) as cluster:
        yield cluster


async def _admin(cluster: Cluster, sql: str) -> None:
    connection = await asyncpg.connect(cluster.superuser_url)
    try:
        await connection.execute(sql)
    finally:
        await connection.close()


@pytest.fixture(scope="session")
def template(cluster: Cluster) -> dict[str, str]:
    """Kinds of store, each with the name of its migrated template database."""
    import asyncio

    async def make() -> dict[str, str]:
        return {kind: await template_of(cluster, kind) for kind in ("production", "sandbox")}

    return asyncio.run(make())


async def template_of(cluster: Cluster, kind: str) -> str:
    """Make the migrated database of a kind that others are copied from."""
    name = f"template_{kind}"
    await _admin(cluster, f"create database {name} owner handrail_owner")
    await migrate(cluster.owner_url(name), sandbox=kind == "sandbox")
    return name


class Database:
    """One test's database."""

    def __init__(self, cluster: Cluster, name: str) -> None:
        self.cluster = cluster
        self.name = name
        self.url = cluster.app_url(name)
        self.owner_url = cluster.owner_url(name)


_counter = iter(range(1, 1_000_000))


@asynccontextmanager
async def copied(cluster: Cluster, template: str) -> AsyncIterator[Database]:
    """A database of one's own, as its template is."""
    name = f"test_{os.getpid()}_{next(_counter)}"
    await _admin(cluster, f"create database {name} template {template} owner handrail_owner")
    try:
        yield Database(cluster, name)
    finally:
        await _admin(cluster, f"drop database {name} with (force)")


@pytest.fixture
async def database(cluster: Cluster, template: dict[str, str]) -> AsyncIterator[Database]:
    async with copied(cluster, template["production"]) as copy:
        yield copy


@pytest.fixture
async def sandbox_database(cluster: Cluster, template: dict[str, str]) -> AsyncIterator[Database]:
    async with copied(cluster, template["sandbox"]) as copy:
        yield copy


async def destroy_key(cluster: Cluster, connection: Connection, subject: str) -> None:
    """Destroy somebody's key with no event, as only the server's own role can."""
    name = await connection.fetchval("select current_database()")
    admin = await asyncpg.connect(cluster.superuser_url, database=name)
    done = await admin.execute(
        "update vault.keys set wrapped = null, destroyed_at = now()"
        " where subject = $1 and wrapped is not null",
        subject,
    )
    await admin.close()
    assert done == "UPDATE 1"


class FixedClock:
    """A clock that stands until it is moved."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    async def now(self) -> datetime:
        return self.at

    def move(self, to: datetime | date) -> None:
        if not isinstance(to, datetime):
            to = datetime(to.year, to.month, to.day, 17, 0, tzinfo=UTC)
        assert to >= self.at, "time does not run backwards"
        self.at = to


def new_id() -> UUID:
    return UUID(str(uuid_utils.uuid7()))


class Office:
    """Gives commands to the record directly, as different people, on a clock of the test's."""

    def __init__(self, pool: Pool, vault: Vault, clock: FixedClock, cluster: Cluster) -> None:
        self.pool = pool
        self.vault = vault
        self.clock = clock
        self.cluster = cluster
        self.record = Record(pool, vault, clock)

    def mailroom(self, smtp_url: str = "smtp://127.0.0.1", *, practice: bool = False) -> Mailroom:
        """What makes and sends mails; nothing that uses it may talk to Temporal."""
        client: Any = None
        return Mailroom(
            pool=self.pool, vault=self.vault, clock=self.clock, record=self.record,
            client=client, smtp_url=smtp_url, practice=practice,
        )  # fmt: skip

    def envelope(
        self,
        command: Command | str,
        actor: str = "tess",
        *,
        command_id: UUID | None = None,
        on: date | None = None,
        illustrative: bool = False,
        **body: Any,
    ) -> Envelope:
        if isinstance(command, str):
            command = COMMANDS[command].model_validate(body)
        return Envelope.of(
            command,
            command_id=command_id or new_id(),
            actor=actor,
            issued_at=self.clock.at,
            effective_on=on,
            illustrative=illustrative,
        )

    async def do(self, command: Command | str, actor: str = "tess", **body: Any) -> Receipt:
        receipt = await self.record.execute(self.envelope(command, actor, **body))
        assert receipt.outcome == "recorded", f"{receipt.refusal}: {receipt.message}"
        return receipt

    async def refused(self, command: Command | str, actor: str = "tess", **body: Any) -> Receipt:
        receipt = await self.record.execute(self.envelope(command, actor, **body))
        assert receipt.outcome == "refused", f"recorded: {receipt.events}"
        return receipt

    async def furnish(self, playbook: Playbook, calendar: CalendarPack) -> None:
        """A program with a Director, a Lead, an assistant, and Alder Creek with its people."""
        await self.do(
            InitProgram(
                name="Direct technical assistance",
                agency="The Collaborative",
                zone="America/Los_Angeles",
                sender="handrail@collaborative.example",
                director="dana",
                director_name="Dana Whitfield",
                director_email="dana@collaborative.example",
                playbook=playbook,
                calendar=calendar,
            ),
            "nobody-yet",
        )
        for handle, name, role in (
            ("marcus", "Marcus Oyelaran", "lead"),
            ("tess", "Tess Nguyen", "assistant"),
        ):
            await self.do(
                "person register",
                "dana",
                handle=handle,
                name=name,
                email=f"{handle}@collaborative.example",
                role=[role],
            )
        await self.do(
            "lea register",
            id="alder-creek-usd",
            name="Alder Creek Unified School District",
            county="Manzanita",
            alias=["ACUSD", "Alder Creek"],
        )
        for handle, name in (("joy", "Joy Kim"), ("elena", "Elena Duarte")):
            await self.do(
                "person register",
                handle=handle,
                name=name,
                email=f"{handle}@alder-creek.example",
                at="ACUSD",
            )

    async def to_onboarding(
        self, playbook: Playbook, engagement: str = "alder-creek-usd", lea: str = "ACUSD"
    ) -> None:
        """An engagement as far as an effective agreement; Alder Creek's with its people."""
        e = engagement
        people = {"contact": "joy", "superintendent": "elena"} if lea == "ACUSD" else {}
        await self.do(
            "engagement open", engagement=e, lea=lea, lead="marcus", director="dana", **people
        )
        for group in playbook.stakeholder_groups:
            await self.do("conversation log", "marcus", engagement=e, group=group.id)
        await self.do(
            "fit decide",
            "marcus",
            engagement=e,
            proceed=True,
            criterion={c.id: "yes" for c in playbook.fit_criteria},
        )
        await self.do("agreement draft", engagement=e)
        today = local_date(self.clock.at, "America/Los_Angeles")
        for board in playbook.boards:
            await self.do(
                "agreement act",
                engagement=e,
                board=board.id,
                action="approved",
                meeting=today,
                vote="4-1",
            )

    async def agreed(self, title: str, due: date, engagement: str = "alder-creek-usd") -> str:
        """A deliverable that both sides have signed; its id."""
        receipt = await self.do(
            "deliverable propose", "marcus", engagement=engagement, title=title, due=due
        )
        assert receipt.events
        async with self.pool.acquire() as connection:
            deliverable: str = await connection.fetchval(
                "select data->>'deliverable' from es.events where stream = $1 and version = $2",
                receipt.stream,
                receipt.events[0].version,
            )
        await self.do("deliverable sign", "marcus", engagement=engagement, deliverable=deliverable)
        await self.do(
            "deliverable sign",
            engagement=engagement,
            deliverable=deliverable,
            person="joy",
            evidence="mail of today",
        )
        return deliverable


@pytest.fixture
async def office(
    sandbox_database: Database, playbook: Playbook, calendar: CalendarPack
) -> AsyncIterator[Office]:
    pool = await open_pool(sandbox_database.url)
    office = Office(pool, Vault(MASTER_KEY), FixedClock(), sandbox_database.cluster)
    await office.furnish(playbook, calendar)
    yield office
    await pool.close()


async def eventually(
    check: Callable[[], Awaitable[Any]], *, within: timedelta = timedelta(seconds=20)
) -> Any:
    """The first true answer of `check`, asked again and again."""
    import asyncio

    deadline = time.monotonic() + within.total_seconds()
    while True:
        answer = await check()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise AssertionError(f"still {answer!r} after {within}")
        await asyncio.sleep(0.05)
