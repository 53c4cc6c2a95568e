"""What the benchmarks of the mails share: a program, its people, and a clock that stands."""

import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, date, datetime, time
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

import psutil
import yaml
from temporalio.client import Client

from activities.mailing.mailroom import Mailroom
from activities.record import Record
from bootstrap.deployment import become_current
from bootstrap.encryption import data_converter
from bootstrap.life import OfThisLife
from bootstrap.settings import Settings
from bootstrap.values import Secret
from bootstrap.wiring import Services
from domain.envelope import Envelope
from domain.policy.calendar import CalendarPack, at_local
from domain.policy.playbook import Playbook
from domain.rules.context import SYSTEM
from domain.rules.registry import COMMANDS
from store.database import Pool
from store.epochs import epoch_of
from store.vault import Vault
from worker import workers

KEY = bytes(32)
ZONE = "America/Los_Angeles"
AGREED = datetime(2055, 3, 9, 17, tzinfo=UTC)
DUE = date(2055, 4, 16)
MORNING = at_local(date(2055, 4, 5), time(8), ZONE)
"""Two weeks before, moved off the recess of nobody: the first reminders go."""
PACKS = Path(__file__).parents[1] / "packs"
LEA = "alder-creek-usd"


class StandingClock:
    """A clock that stands.

    Ahead of the machine's, so that a moment to look again never lies in Temporal's past.
    """

    def __init__(self, at: datetime) -> None:
        self.at = at

    async def now(self) -> datetime:
        return self.at


def shipped_playbook() -> Playbook:
    """The shipped one, without overviews: every mail is about something due."""
    text = (PACKS / "playbooks/dta-sir.yaml").read_text("utf-8")
    return Playbook.model_validate(yaml.safe_load(text)).model_copy(update={"overviews": ()})


async def furnish(pool: Pool, vault: Vault, clock: StandingClock) -> dict[str, str]:
    """Make a program with a Director, a Lead and an LEA; ids by handle."""
    record = Record(pool, vault, clock)
    text = (PACKS / "calendars/california.yaml").read_text("utf-8")
    program = {
        "name": "Direct technical assistance",
        "agency": "The Collaborative",
        "zone": ZONE,
        "sender": "handrail@collaborative.example",
        "director": "dana",
        "director_name": "Dana Whitfield",
        "director_email": "dana@collaborative.example",
        "playbook": shipped_playbook(),
        "calendar": CalendarPack.model_validate(yaml.safe_load(text)),
        "gathering_seconds": 0,
    }
    lead = {
        "handle": "marcus",
        "name": "Marcus Oyelaran",
        "email": "marcus@collaborative.example",
        "role": ["lead"],
    }
    lea = {"id": LEA, "name": "Alder Creek Unified School District", "county": "Manzanita"}
    for what, body in (("init", program), ("person register", lead), ("lea register", lea)):
        kind = next(c for name, c in COMMANDS.items() if name in (what, f"program {what}"))
        receipt = await record.execute(
            Envelope.of(
                kind.model_validate(body),
                command_id=uuid5(NAMESPACE_URL, what),
                actor="dana" if what != "init" else SYSTEM,
                issued_at=clock.at,
            )
        )
        if receipt.outcome != "recorded":
            raise RuntimeError(f"{what}: {receipt.message}")
    async with pool.acquire() as connection:
        rows = await connection.fetch("select id, handle from read.people")
    return {row["handle"]: row["id"] for row in rows}


async def add_contacts(pool: Pool, first: int, last: int) -> Sequence[str]:
    """People at the LEA, from one number up to another, as rows and keys alone; their ids."""
    ids = [f"p-{number:013d}" for number in range(first, last)]
    async with pool.acquire() as connection:
        # What is sealed about somebody first makes their key; nobody who is there gets another.
        await Vault(KEY).seal(connection, "contacts", [{"about": i, "text": ""} for i in ids])
        await connection.executemany(
            "insert into read.people (id, version, handle, name, email, organisation, staff_roles)"
            " values ($1, 1, $1, $2, $3, $4, '{}')",
            [(i, f"Contact {i}", f"{i}@alder-creek.example", LEA) for i in ids],
        )
    return ids


def mailroom(at: Services, smtp_url: str) -> Mailroom:
    """What makes and sends the mails."""
    return Mailroom(
        pool=at.pool,
        vault=at.vault,
        clock=at.clock,
        record=Record(at.pool, at.vault, at.clock),
        client=at.client,
        smtp_url=smtp_url,
    )


async def services_at(
    pool: Pool, vault: Vault, clock: StandingClock, address: str, home: Path
) -> Services:
    """Open connections to a server, with a clock that stands."""
    async with pool.acquire() as connection:
        epoch = await epoch_of(connection)
    client = await Client.connect(
        address, data_converter=data_converter(KEY), interceptors=[OfThisLife(epoch.id)]
    )
    settings = Settings(
        home=home, temporal_address=address, database_url=Secret("postgresql://x/y")
    )
    return Services(settings, pool, vault, client, clock, sandbox=False, epoch=epoch)


@asynccontextmanager
async def serving(at: Services, smtp_url: str) -> AsyncIterator[None]:
    """The worker of production, in this process."""
    async with AsyncExitStack() as stack:
        for worker in workers(at, mailroom(at, smtp_url)):
            await stack.enter_async_context(worker)
        await become_current(at.client, at.epoch_id)
        yield


def resident_mb() -> float:
    """Memory of this process."""
    return float(psutil.Process(os.getpid()).memory_info().rss) / 1e6
