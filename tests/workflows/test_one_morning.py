"""Many engagements, all with something due on one morning: one mail for each person."""

import json
from collections import Counter

import pytest

from benchmarks import morning
from bootstrap.recovery import recover_with
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.mailcatcher import MailCatcher
from tests.workflows.conftest import Running, WorkflowOffice, at, day
from tests.workflows.test_years import body

ENGAGEMENTS, PEOPLE = 1000, 50


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_everybody_gets_one_mail_and_every_notice_is_in_exactly_one(
    running: Running,
    story: WorkflowOffice,
    mails: MailCatcher,
    playbook: Playbook,
    calendar: CalendarPack,
) -> None:
    await story.until(at(day(3, 9), 9))
    await story.furnish(playbook, calendar)
    for number in range(PEOPLE):
        receipt = await story.record.execute(
            story.envelope(
                "person register",
                handle=f"contact-{number}",
                name=f"Contact {number}",
                email=f"contact-{number}@alder-creek.example",
                at="ACUSD",
            )
        )
        assert receipt.outcome == "recorded", receipt.message
    async with story.pool.acquire() as connection:
        ids = {r["handle"]: r["id"] for r in await connection.fetch("select * from read.people")}
    contacts = [ids[f"contact-{number}"] for number in range(PEOPLE)]
    made = await morning.write(
        story.pool,
        story.vault,
        story.clock.at,
        engagements=ENGAGEMENTS,
        contacts=contacts,
        lead=ids["marcus"],
        director=ids["dana"],
        lea="alder-creek-usd",
        playbook=playbook.ref,
        due=day(4, 16),
    )
    assert (await recover_with(running.services)).engagements == ENGAGEMENTS
    await story.until(at(day(4, 2), 9))
    await story.until(at(day(4, 5), 12))

    caught = mails.messages()
    assert len(caught) == PEOPLE
    assert len({m["To"] for m in caught}) == PEOPLE
    assert len({m["Message-ID"] for m in caught}) == PEOPLE
    told: Counter[str] = Counter()
    for mail in caught:
        assert body(mail).count("D1 Theory of action") == ENGAGEMENTS // PEOPLE
    async with story.pool.acquire() as connection:
        rows = await connection.fetch(
            "select n.stream, n.status, d.person, d.outcome, d.message_id"
            "  from read.notices n join read.deliveries d using (stream, n)"
            " where n.step = 't-14'"
        )
        claims = await connection.fetch(
            "select stream, data from es.events where type = 'notices-claimed'"
        )
    told.update(row["stream"].removeprefix("engagement:") for row in rows)
    assert told == Counter(made), "each in exactly one mail"
    assert {(row["status"], row["outcome"]) for row in rows} == {("sent", "sent")}
    assert {row["message_id"] for row in rows} == {m["Message-ID"] for m in caught}
    assert len(claims) == ENGAGEMENTS
    assert all(len(json.loads(row["data"])["notices"]) == 1 for row in claims)
