"""A mail is made on the day whose mail it is, or not at all."""

from datetime import UTC, date, datetime
from typing import Any

from activities.names import DigestRun
from activities.reminders import Reminders
from domain.policy.playbook import Playbook
from tests.conftest import Office

FRIDAY = date(2026, 9, 25)


async def test_a_mail_left_gathering_when_the_worker_stopped_is_not_made_on_another_day(
    office: Office, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    await office.agreed("Theory of action", FRIDAY)
    async with office.pool.acquire() as connection:
        joy = await connection.fetchval("select id from read.people where handle = 'joy'")
    client: Any = None
    reminders = Reminders(
        pool=office.pool, vault=office.vault, clock=office.clock, record=office.record,
        client=client, smtp_url="smtp://127.0.0.1",
    )  # fmt: skip
    # The worker comes back at two in the night of Saturday; the engagement announces anew.
    office.clock.move(datetime(2026, 9, 26, 9, tzinfo=UTC))
    late = DigestRun(person=joy, on=FRIDAY)
    assert (await reminders.claim(late)).mail is None
    office.clock.move(datetime(2026, 9, 28, 15, 1, tzinfo=UTC))
    monday = DigestRun(person=joy, on=date(2026, 9, 28))
    made = await reminders.claim(monday)
    assert made.mail is not None
    office.clock.move(datetime(2026, 9, 29, 15, 1, tzinfo=UTC))
    assert await reminders.claim(monday) == made, "what was made is sent, whatever day it is"
