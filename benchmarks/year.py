"""A year of one engagement, on the clock that skips: what Temporal has to do for it."""

from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

from temporalio.client import Client

from activities.dispatch import send
from benchmarks.footprint import counted
from benchmarks.setting import KEY, ZONE, shipped_playbook
from bootstrap.clock import SandboxClock
from bootstrap.encryption import data_converter
from bootstrap.settings import Settings
from bootstrap.wiring import Services
from domain.envelope import Envelope, Receipt
from domain.policy.calendar import CalendarPack, at_local
from domain.streams import digest_workflow_id
from embedded.mailcatcher import MailCatcher
from embedded.temporal import TemporalServer
from store.database import Pool
from store.vault import Vault
from tests.conftest import FixedClock, load
from tests.workflows.conftest import Running, WorkflowOffice

E = "alder-creek-usd"
BEGINS = date(2054, 9, 1)
DELIVERABLES = 6


class YearOffice(WorkflowOffice):
    """Gives commands as production does: a run is renewed after a hundred of them."""

    commands = 0

    async def give(self, envelope: Envelope) -> Receipt:
        self.commands += 1
        return await send(self.client, envelope)


async def run(
    pool: Pool, cluster: Any, server: TemporalServer, mails: MailCatcher, home: Path
) -> list[str]:
    """Live through the year, then count."""
    client = await Client.connect(server.address, data_converter=data_converter(KEY))
    clock = SandboxClock(client)
    at = Services(
        Settings(home=home, temporal_address=server.address), pool, Vault(KEY), client, clock,
        sandbox=True,
    )  # fmt: skip
    office = YearOffice(pool, Vault(KEY), FixedClock(), cluster)
    office.client, office.time = client, clock
    playbook = shipped_playbook()
    async with Running(at, mails.smtp_url).worker():
        await office.until(at_local(BEGINS, time(9), ZONE))
        calendar = CalendarPack.model_validate(load("packs/calendars/california.yaml"))
        await office.furnish(playbook, calendar)
        office.commands = 0
        await office.to_onboarding(playbook)
        agreed = []
        for number in range(DELIVERABLES):
            due = BEGINS + timedelta(days=42 * (number + 1))
            while due.weekday() != 2:
                due += timedelta(days=1)
            agreed.append((due, await office.agreed(f"Deliverable {number}", due)))
        for due, deliverable in agreed:
            # Every one is a week late, and in every second month somebody visits.
            await office.until(at_local(due + timedelta(days=7), time(10), ZONE))
            about = {"engagement": E, "deliverable": deliverable}
            await office.do("deliverable submit", person="joy", evidence="mail", **about)
            await office.do("contact log", "marcus", engagement=E, how="visit", purpose="coach",
                            people=["joy"])  # fmt: skip
            await office.do("deliverable accept", "marcus", **about)
        await office.until(at_local(BEGINS + timedelta(days=365), time(9), ZONE))
    async with pool.acquire() as connection:
        sent = await connection.fetch("select person, local_date, kind from ops.mails")
    digests = [digest_workflow_id(m["person"], m["local_date"], m["kind"]) for m in sent]
    of_engagement = await counted(client, [f"engagement:{E}"])
    of_mails = await counted(client, digests)
    actions = of_engagement[0] + of_mails[0]
    events = of_engagement[1] + of_mails[1]
    bound = office.commands + len(digests)
    return [
        f"An engagement-year with {DELIVERABLES} deliverables, each a week late:",
        (
            f"  {office.commands} commands of people and {len(digests)} mails; {actions} actions, "
            f"{actions / bound:.1f} times the bound of one for each; {events} history events, "
            f"{events / bound:.1f} for each"
        ),
        (
            f"  the engagement's own workflow {of_engagement[0]} actions and {of_engagement[1]} "
            f"events, the mails' {of_mails[0]} and {of_mails[1]}"
        ),
    ]
