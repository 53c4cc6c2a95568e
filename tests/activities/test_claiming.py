"""A mail is made on the day whose mail it is, or not at all."""

from datetime import UTC, date, datetime, timedelta

from activities.mailing.claiming import claim
from activities.names import DigestRun
from domain.policy.playbook import Playbook
from domain.streams import alarm_kind
from tests.conftest import Office

FRIDAY = date(2026, 9, 25)


async def test_a_mail_left_gathering_when_the_worker_stopped_is_not_made_on_another_day(
    office: Office, playbook: Playbook
) -> None:
    await office.to_onboarding(playbook)
    await office.agreed("Theory of action", FRIDAY)
    async with office.pool.acquire() as connection:
        joy = await connection.fetchval("select id from read.people where handle = 'joy'")
    mailroom = office.mailroom()
    # The worker comes back at two in the night of Saturday; the engagement announces anew.
    office.clock.move(datetime(2026, 9, 26, 9, tzinfo=UTC))
    late = DigestRun(person=joy, on=FRIDAY)
    assert (await claim(mailroom, late)).mail is None
    office.clock.move(datetime(2026, 9, 28, 15, 1, tzinfo=UTC))
    monday = DigestRun(person=joy, on=date(2026, 9, 28))
    made = await claim(mailroom, monday)
    assert made.mail is not None
    office.clock.move(datetime(2026, 9, 29, 15, 1, tzinfo=UTC))
    assert await claim(mailroom, monday) == made, "what was made is sent, whatever day it is"


async def test_what_is_planned_on_the_way_to_a_mail_that_is_not_made_has_its_receipt(
    office: Office, playbook: Playbook
) -> None:
    """A worker whose clock is behind plans what had passed, and finds nothing to tell of."""
    await office.to_onboarding(playbook)
    began = office.clock.at
    due = began.date() + timedelta(days=21)
    office.clock.move(began + timedelta(days=13))
    await office.agreed("Theory of action", due)
    async with office.pool.acquire() as connection:
        joy = await connection.fetchval("select id from read.people where handle = 'joy'")
        before = await connection.fetchval("select max(position) from es.events")
        office.clock.at = began
        alarm = DigestRun(person=joy, on=began.date(), kind=alarm_kind("alder-creek-usd", 1))
        assert (await claim(office.mailroom(), alarm)).mail is None
        rows = await connection.fetch(
            "select e.type, r.receipt->>'outcome' as outcome from es.events e"
            " left join es.receipts r using (command_id) where e.position > $1",
            before,
        )
    assert {(row["type"], row["outcome"]) for row in rows} == {("notices-planned", "recorded")}
