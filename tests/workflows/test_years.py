"""Engagements over months, on a clock that skips: what people get in their mailbox, and when."""

import asyncio
from collections import Counter
from datetime import date, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from icalendar import Calendar
from temporalio.client import WorkflowExecutionStatus

from bootstrap.clock import SandboxClock
from bootstrap.recovery import recover_with
from domain.envelope import Receipt
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.mailcatcher import MailCatcher
from embedded.temporal import sandbox_temporal
from tests.conftest import Database, eventually
from tests.workflows.conftest import (
    Running,
    WorkflowOffice,
    at,
    day,
    office_of,
    services_for,
)

E = "alder-creek-usd"
RECESS = [
    ("winter recess", date(2054, 12, 21), date(2055, 1, 8)),
    ("spring recess", date(2055, 3, 29), date(2055, 4, 2)),
    ("summer recess", date(2055, 6, 14), date(2055, 7, 23)),
]


RENEWED_AFTER = 5
"""Commands in a run, where a test is about what comes after one."""


async def prepared(
    story: WorkflowOffice,
    playbook: Playbook,
    calendar: CalendarPack,
    when: date,
    *,
    renewed: bool = False,
) -> None:
    """The agreement is effective on the morning of `when`; spring recess is known.

    Args:
        renewed: Whether the engagement's runs are over after `RENEWED_AFTER` commands.
    """
    now = await story.time.now()
    if now < at(when, 9):
        await story.until(at(when, 9))
    await story.furnish(playbook, calendar)
    for name, first, last in RECESS:
        await story.do("lea recess", lea="ACUSD", name=name, first=first, last=last)
    if renewed:
        await story.renewing_after(RENEWED_AFTER, E)
    await story.to_onboarding(playbook)


async def signed(story: WorkflowOffice, deliverable: str) -> Receipt:
    await story.do("deliverable sign", "marcus", engagement=E, deliverable=deliverable)
    return await story.do(
        "deliverable sign", engagement=E, deliverable=deliverable, person="joy", evidence="mail"
    )


async def submitted(story: WorkflowOffice, deliverable: str) -> None:
    await story.do(
        "deliverable submit", engagement=E, deliverable=deliverable, person="joy", evidence="mail"
    )


def sent_days(rows: list[Any]) -> list[str]:
    return [f"{r['planned_for']:%m-%d}" for r in rows if r["status"] == "sent"]


async def test_a_spring_of_three_deliverables_has_the_ledger_of_the_handbook(
    story: WorkflowOffice, mails: MailCatcher, playbook: Playbook, calendar: CalendarPack
) -> None:
    """D1 is re-dated once and submitted in time, D2 is late, D3 is on time."""
    await prepared(story, playbook, calendar, day(3, 9))
    d1 = await story.agreed("Theory of action", day(4, 16))
    d2 = await story.agreed("Measures of success", day(5, 14))
    d3 = await story.agreed("Action plan", day(5, 28))

    await story.until(at(day(4, 12), 10))
    await story.do(
        "deliverable redate", "marcus", engagement=E, deliverable=d1, due=day(4, 30), reason="wait"
    )
    await signed(story, d1)
    await story.until(at(day(4, 29), 10))
    await submitted(story, d1)
    await story.until(at(day(5, 25), 10))
    await submitted(story, d2)
    await story.until(at(day(5, 27), 10))
    await submitted(story, d3)
    await story.until(at(day(6, 30), 10))

    one, two, three = [await story.ledger(d) for d in (d1, d2, d3)]
    assert sent_days(one) == ["04-05", "04-16", "04-27"]
    assert Counter(r["reason"] for r in one if r["status"] == "suppressed") == {
        "re-dated": 5,
        "submitted": 4,
    }
    assert len(one) == 12
    assert sent_days(two) == ["04-30", "05-11", "05-14", "05-17", "05-21"]
    assert Counter(r["status"] for r in two) == {"sent": 5, "suppressed": 1}
    assert sent_days(three) == ["05-14", "05-25"]
    assert Counter(r["status"] for r in three) == {"sent": 2, "suppressed": 4}

    to_joy = [m for m in mails.messages() if "joy@" in m["To"]]
    on_14_may = [m for m in to_joy if "14 May" in m["Date"]]
    assert len(on_14_may) == 1, "two deliverables, one mail"
    assert "Measures of success" in body(on_14_may[0])
    assert "Action plan" in body(on_14_may[0])
    assert all(m["Date"].split()[4].startswith("08:01") for m in to_joy)
    ids = [m["Message-ID"] for m in to_joy]
    threads = [m["References"].split() for m in to_joy[1:]]
    assert to_joy[0]["References"] is None
    assert threads == [list(dict.fromkeys((ids[0], before))) for before in ids[:-1]]
    d1_entries = [
        (int(str(e["SEQUENCE"])), e.decoded("DTSTAMP"), e.decoded("DTSTART"))
        for m in to_joy
        for part in m.iter_attachments()
        for e in Calendar.from_ical(part.get_content()).walk("VEVENT")
        if e["UID"] == f"{E}.{d1}@collaborative.example"
    ]
    assert d1_entries == sorted(d1_entries), "a later mail counts as newer"
    assert {n for n, _, _ in d1_entries} > {2}, "and a moved date moves the entry"
    to_marcus = [m for m in mails.messages() if "marcus@" in m["To"]]
    assert any("21 May" in m["Date"] for m in to_marcus), "five working days late: the Lead too"


async def test_what_is_settled_while_the_digest_gathers_is_not_in_it(
    story: WorkflowOffice, mails: MailCatcher, playbook: Playbook, calendar: CalendarPack
) -> None:
    await prepared(story, playbook, calendar, day(3, 9))
    first = await story.agreed("Theory of action", day(4, 16))
    second = await story.agreed("Measures", day(4, 16))

    await story.until(at(day(4, 5), 8) + timedelta(seconds=20))
    assert mails.messages() == [], "the digest still gathers"
    await submitted(story, first)
    await story.until(at(day(4, 5), 8, 2))

    [mail] = mails.messages()
    assert "Measures" in body(mail)
    assert "Theory of action" not in body(mail)
    assert (await story.ledger(first))[0]["reason"] == "submitted"
    assert (await story.ledger(second))[0]["status"] == "sent"


async def test_one_person_gets_one_mail_a_day_for_all_engagements(
    story: WorkflowOffice, mails: MailCatcher, playbook: Playbook, calendar: CalendarPack
) -> None:
    await prepared(story, playbook, calendar, day(3, 9))
    await story.do(
        "lea register", id="harbor-charter", name="Harbor Charter", type="charter_school"
    )
    await story.to_onboarding(playbook, engagement="harbor-charter", lea="harbor-charter")
    # Both annual check-ins are Marcus's to hold, a year after the agreement.
    await story.until(at(day(2, 25, 2028), 12))

    to_marcus = [m for m in mails.messages() if "marcus@" in m["To"]]
    days = [m["Date"].rpartition(" ")[0][:16] for m in to_marcus]
    assert len(days) == len(set(days)) == 2, "the coaching contact in April, then the check-in"
    [mail] = [m for m in to_marcus if "Annual check-in" in body(m)]
    assert "Alder Creek" in body(mail)
    assert "Harbor Charter" in body(mail)
    for engagement in (E, "harbor-charter"):
        assert (await story.ledger("CI-1", engagement))[0]["status"] == "sent"


async def test_nothing_is_sent_after_an_engagement_is_withdrawn(
    story: WorkflowOffice, mails: MailCatcher, playbook: Playbook, calendar: CalendarPack
) -> None:
    await prepared(story, playbook, calendar, day(3, 9))
    d1 = await story.agreed("Theory of action", day(4, 16))
    await story.until(at(day(4, 5), 9))
    await story.do("engagement withdraw", "dana", engagement=E, reason="superintendent vacancy")
    await story.until(at(day(4, 30), 9))

    assert len(mails.messages()) == 1
    ledger = await story.ledger(d1)
    assert [r["status"] for r in ledger] == ["sent"] + ["suppressed"] * 5
    assert {r["reason"] for r in ledger[1:]} == {"withdrawn"}
    host = story.client.get_workflow_handle(f"engagement:{E}")
    assert (await host.describe()).status is WorkflowExecutionStatus.COMPLETED


async def test_a_command_after_the_end_is_answered_and_leaves_nothing_running(
    story: WorkflowOffice, playbook: Playbook, calendar: CalendarPack
) -> None:
    await prepared(story, playbook, calendar, day(3, 9))
    await story.do("engagement withdraw", "dana", engagement=E, reason="superintendent vacancy")
    refusal = await story.refused("conversation log", "marcus", engagement=E, group="parents")
    assert refusal.refusal == "WrongState"
    slip = "alder-crek-usd"
    unknown = await story.refused("conversation log", "marcus", engagement=slip, group="parents")
    assert "alder-creek-usd" in unknown.message

    async def over() -> bool:
        hosts = [story.client.get_workflow_handle(f"engagement:{name}") for name in (E, slip)]
        states = [(await host.describe()).status for host in hosts]
        return all(state is WorkflowExecutionStatus.COMPLETED for state in states)

    await eventually(over)


async def test_a_long_run_renews_itself_and_keeps_its_timer(
    story: WorkflowOffice, mails: MailCatcher, playbook: Playbook, calendar: CalendarPack
) -> None:
    await prepared(story, playbook, calendar, day(3, 9), renewed=True)
    await story.agreed("Theory of action", day(4, 16))
    host = story.client.get_workflow_handle(f"engagement:{E}")
    first_run = (await host.describe()).run_id
    for n in range(RENEWED_AFTER + 1):
        await story.do("conversation log", "marcus", engagement=E, group="parents", notes=f"{n}")
    assert (await host.describe()).run_id != first_run
    await story.until(at(day(4, 5), 9))
    assert len(mails.messages()) == 1


async def test_commands_at_the_same_moment_are_all_recorded_once(
    story: WorkflowOffice, playbook: Playbook, calendar: CalendarPack
) -> None:
    await prepared(story, playbook, calendar, day(3, 9))
    envelopes = [
        story.envelope("conversation log", "marcus", engagement=E, group="parents", notes=f"{n}")
        for n in range(8)
    ]
    receipts = await asyncio.gather(*(story.give(e) for e in envelopes + envelopes))
    assert {r.outcome for r in receipts} == {"recorded"}
    assert len({r.version for r in receipts}) == len(envelopes)
    async with story.pool.acquire() as connection:
        stored = await connection.fetchval(
            "select count(distinct command_id) from es.events where command_id = any($1)",
            [e.command_id for e in envelopes],
        )
    assert stored == len(envelopes)


async def test_a_bounced_reminder_says_so_in_the_ledger(
    running: Running,
    sandbox_database: Database,
    refusing_server: str,
    playbook: Playbook,
    calendar: CalendarPack,
) -> None:
    async with Running(running.services, refusing_server).worker():
        story = office_of(running.services, sandbox_database)
        await prepared(story, playbook, calendar, day(3, 9))
        d1 = await story.agreed("Theory of action", day(4, 16))
        await story.until(at(day(4, 5), 9))
    async with story.pool.acquire() as connection:
        rows = await connection.fetch(
            "select p.handle, d.outcome, d.detail from read.deliveries d"
            " join read.people p on p.id = d.person join read.notices n using (stream, n)"
            " where n.item = $1",
            d1,
        )
    assert {row["handle"]: row["outcome"] for row in rows} == dict.fromkeys(
        ("joy", "elena", "marcus"), "bounced"
    ), "each who stands in is tried once"
    assert all("550" in row["detail"] for row in rows)
    assert (await story.ledger(d1))[0]["status"] == "sent"


async def test_an_empty_temporal_is_filled_again_from_the_events(
    running: Running,
    story: WorkflowOffice,
    mails: MailCatcher,
    playbook: Playbook,
    calendar: CalendarPack,
    tmp_path: Path,
) -> None:
    """Temporal loses everything in the middle: no reminder is lost and none comes twice."""
    await prepared(story, playbook, calendar, day(3, 9))
    d1 = await story.agreed("Theory of action", day(4, 16))
    await story.until(at(day(4, 6), 9))
    with sandbox_temporal(tmp_path / "another") as server:
        services = await services_for(story.pool, server, tmp_path)
        clock = services.clock
        assert isinstance(clock, SandboxClock)
        await clock.to(at(day(4, 6), 10))
        async with Running(services, mails.smtp_url).worker():
            done = await recover_with(services)
            again = await recover_with(services)
            await clock.to(at(day(4, 20), 9))
    assert (done.engagements, again.engagements) == (1, 1)
    assert [r["status"] for r in await story.ledger(d1)] == ["sent"] * 4 + ["planned"] * 2
    to_joy = [m for m in mails.messages() if "joy@" in m["To"]]
    to_marcus = [m for m in mails.messages() if "marcus@" in m["To"]]
    assert (len(to_joy), len(to_marcus)) == (4, 1), "D1 four times, the coaching contact once"
    assert len({m["Message-ID"] for m in mails.messages()}) == 5


def body(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content())
