"""The engagement's own timer hands over to the new Lead, although nobody gives a command."""

from datetime import date, datetime, time
from email.message import EmailMessage
from pathlib import Path
from zoneinfo import ZoneInfo

from bootstrap.clock import SandboxClock
from bootstrap.recovery import recover_with
from domain.policy.calendar import CalendarPack, at_local
from domain.policy.playbook import Playbook
from embedded.mailcatcher import MailCatcher
from embedded.temporal import sandbox_temporal
from tests.workflows.conftest import Running, WorkflowOffice, at, day, services_for

E = "alder-creek-usd"
DAY = day(8, 2)
MIDNIGHT = at_local(DAY, time(0), "America/Los_Angeles")


async def set_up(story: WorkflowOffice, playbook: Playbook, calendar: CalendarPack) -> None:
    """Marcus hands over to Priya on 2 August; D1 is five working days late that morning."""
    await story.until(at(day(7, 1), 9))
    await story.furnish(playbook, calendar)
    await story.do("person register", "dana", handle="priya", name="Priya Raman", role=["lead"],
                   email="priya@collaborative.example")  # fmt: skip
    await story.to_onboarding(playbook)
    await story.agreed("Theory of action", day(7, 26))
    await story.until(at(day(7, 15), 9))
    envelope = story.envelope(
        "lead handover", "marcus", on=DAY, engagement=E, to="priya", reason="moves away"
    )
    receipt = await story.give(envelope)
    assert receipt.outcome == "recorded", receipt.message
    assert receipt.next_wake is not None
    await story.do("contact log", "marcus", engagement=E, how="visit", purpose="p", people=["joy"])


async def roles_of(story: WorkflowOffice) -> dict[str, str]:
    async with story.pool.acquire() as connection:
        rows = await connection.fetch(
            "select r.role, p.handle, r.changes_on from read.engagement_roles r"
            " join read.people p on p.id = r.person where r.engagement = $1",
            E,
        )
    return {row["role"]: row["handle"] for row in rows}


async def changes(story: WorkflowOffice) -> list[tuple[datetime, datetime, str]]:
    async with story.pool.acquire() as connection:
        rows = await connection.fetch(
            "select effective_at, recorded_at, actor from es.events"
            " where stream = $1 and type = 'role-assigned'",
            f"engagement:{E}",
        )
    return [(r["effective_at"], r["recorded_at"], r["actor"]) for r in rows]


def mailed(mails: MailCatcher, who: str) -> list[EmailMessage]:
    return [m for m in mails.messages() if f"{who}@" in m["To"]]


def sent_on(mail: EmailMessage) -> date:
    sent = datetime.strptime(mail["Date"], "%a, %d %b %Y %H:%M:%S %z")
    return sent.astimezone(ZoneInfo("America/Los_Angeles")).date()


async def test_the_role_changes_at_midnight_and_the_mornings_mail_goes_to_the_new_lead(
    story: WorkflowOffice, mails: MailCatcher, playbook: Playbook, calendar: CalendarPack
) -> None:
    await set_up(story, playbook, calendar)
    await story.until(at(day(8, 1), 23))
    assert await changes(story) == []
    assert (await roles_of(story))["incoming_lead"] == "priya"

    await story.until(at(DAY, 0, 5))
    [(effective, recorded, actor)] = await changes(story)
    assert effective == MIDNIGHT
    assert (recorded - MIDNIGHT).total_seconds() < 60, "the timer woke when it came true"
    assert actor == "system"
    roles = await roles_of(story)
    assert roles["lead"] == "priya"
    assert "incoming_lead" not in roles

    await story.until(at(DAY, 9))
    assert DAY not in [sent_on(m) for m in mailed(mails, "marcus")]
    [mail] = [m for m in mailed(mails, "priya") if sent_on(m) == DAY]
    part = mail.get_body(("plain",))
    assert part is not None
    assert "Theory of action" in part.get_content()
    async with story.pool.acquire() as connection:
        owing = await connection.fetch(
            "select distinct p.handle from read.obligations o join read.people p on p.id = o.person"
            " where o.stream = $1 and o.owner = 'lead'",
            f"engagement:{E}",
        )
    assert [row["handle"] for row in owing] == ["priya"]


async def test_a_handover_survives_an_empty_temporal(
    running: Running,
    story: WorkflowOffice,
    mails: MailCatcher,
    playbook: Playbook,
    calendar: CalendarPack,
    tmp_path: Path,
) -> None:
    """Temporal loses everything between the setting and the day."""
    await set_up(story, playbook, calendar)
    with sandbox_temporal(tmp_path / "another") as server:
        services = await services_for(story.pool, server, tmp_path)
        clock = services.clock
        assert isinstance(clock, SandboxClock)
        await clock.to(at(day(7, 27), 9))
        async with Running(services, mails.smtp_url).worker():
            assert (await recover_with(services)).engagements == 1
            await clock.to(at(DAY, 9))
    [(effective, recorded, _)] = await changes(story)
    assert effective == MIDNIGHT
    assert (recorded - MIDNIGHT).total_seconds() < 60
    assert (await roles_of(story))["lead"] == "priya"
    assert DAY not in [sent_on(m) for m in mailed(mails, "marcus")]
    assert len([m for m in mailed(mails, "priya") if sent_on(m) == DAY]) == 1
