"""A weekly reader and a snooze, on the real server: what is in the mailbox, and when."""

from email.message import EmailMessage

from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.mailcatcher import MailCatcher
from tests.workflows.conftest import WorkflowOffice, at, day
from tests.workflows.test_years import E, body, prepared, submitted


def to(mails: MailCatcher, who: str) -> list[EmailMessage]:
    return [m for m in mails.messages() if f"{who}@" in m["To"]]


def days(mails: MailCatcher, who: str) -> list[str]:
    return [m["Date"][:11] + m["Date"].split()[4][:5] for m in to(mails, who)]


async def test_a_weekly_contact_gets_mondays_mail_and_a_daily_lead_is_told_on_the_day(
    story: WorkflowOffice, mails: MailCatcher, playbook: Playbook, calendar: CalendarPack
) -> None:
    await prepared(story, playbook, calendar, day(4, 6))
    d1 = await story.agreed("Theory of action", day(4, 16))
    await story.do("person change", "tess", person="joy", digest="weekly")
    d2 = await story.agreed("Measures", day(5, 4))
    await story.until(at(day(4, 24), 9))
    assert days(mails, "joy") == ["Mon, 12 Apr08:01", "Mon, 19 Apr08:01"]
    [first, second] = to(mails, "joy")
    assert body(first).count("Theory of action") == body(second).count("Theory of action")
    assert "Measures" in body(second), "its first reminder is planned for Tuesday"
    assert "Fri, 23 Apr08:01" in days(mails, "marcus"), "who reads daily is told at its moment"
    steps = {r["step"]: r["status"] for r in await story.ledger(d1)}
    assert steps == {"t-3": "sent", "due": "sent", "+1": "sent", "+5": "sent", "+10": "planned"}
    await submitted(story, d1)
    await submitted(story, d2)
    await story.until(at(day(5, 8), 9))
    assert len(to(mails, "joy")) == 2


async def test_a_snoozed_item_is_silent_until_its_day(
    story: WorkflowOffice, mails: MailCatcher, playbook: Playbook, calendar: CalendarPack
) -> None:
    await prepared(story, playbook, calendar, day(4, 6))
    d1 = await story.agreed("Theory of action", day(4, 16))
    await story.do(
        "reminders snooze", engagement=E, item=d1, until=day(4, 20), reason="on leave until then"
    )
    await story.until(at(day(4, 21), 9))
    assert days(mails, "joy") == ["Tue, 20 Apr08:01"]
    fates = {r["step"]: (r["status"], r["reason"]) for r in await story.ledger(d1)}
    assert fates["due"] == ("suppressed", "snoozed: see reason")
    assert fates["snoozed"] == ("sent", None)
    async with story.pool.acquire() as connection:
        until = await connection.fetchval(
            "select snoozed_until from read.obligations where item = $1", d1
        )
    assert until == day(4, 20)
