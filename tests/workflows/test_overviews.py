"""Monday mornings and ends of months, from the Program workflow's own timer."""

from collections import Counter
from email.message import EmailMessage

import pytest

from activities.follow import Follower
from bootstrap.recovery import recover_with
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.mailcatcher import MailCatcher
from tests.conftest import load
from tests.workflows.conftest import Running, WorkflowOffice, at, day
from tests.workflows.test_years import E, prepared, submitted


@pytest.fixture
def playbook() -> Playbook:
    return Playbook.model_validate(load("packs/playbooks/dta-sir.yaml"))


def text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    assert part is not None
    return " ".join(str(part.get_content()).split())


def mails_to(mails: MailCatcher, who: str) -> list[EmailMessage]:
    return [m for m in mails.messages() if f"{who}@" in m["To"]]


async def begun(
    running: Running, story: WorkflowOffice, playbook: Playbook, calendar: CalendarPack
) -> None:
    """An engagement under way since Tue 6 Apr, of which the program has heard."""
    await prepared(story, playbook, calendar, day(4, 6))
    at_ = running.services
    follower = Follower(at_.pool, at_.vault, at_.clock, at_.client)
    async with at_.pool.acquire() as connection:
        await follower.catch_up(connection)


async def test_a_lead_gets_one_mail_on_monday_with_the_week_and_a_director_one_a_month(
    running: Running,
    story: WorkflowOffice,
    mails: MailCatcher,
    playbook: Playbook,
    calendar: CalendarPack,
) -> None:
    await begun(running, story, playbook, calendar)
    d1 = await story.agreed("Theory of action", day(4, 16))
    await story.until(at(day(4, 12), 9))
    [monday] = mails_to(mails, "marcus")
    assert "Mon, 12 Apr" in monday["Date"]
    assert monday["Date"].split()[4].startswith("08:01")
    assert "DUE IN THE NEXT 14 DAYS" in text(monday)
    assert "D1 Theory of action, due Fri 16 Apr 2055, with Joy Kim" in text(monday)
    assert "before Theory of action, due Fri 16 Apr 2055, with you" in text(monday)
    assert mails_to(mails, "dana") == []

    await story.until(at(day(4, 19), 9))
    _, second = mails_to(mails, "marcus")
    assert "OVERDUE" in text(second), "D1 was due on Friday"
    await submitted(story, d1)

    await story.until(at(day(5, 1), 9))
    [month] = mails_to(mails, "dana")
    assert "Fri, 30 Apr" in month["Date"]
    assert month["Subject"].startswith("Your month")
    days = Counter(m["Date"][:16] for m in mails_to(mails, "marcus"))
    assert set(days.values()) == {1}, "never two mails a day"


async def test_an_overview_missed_on_monday_comes_once_when_everything_is_back_on_tuesday(
    running: Running,
    story: WorkflowOffice,
    mails: MailCatcher,
    playbook: Playbook,
    calendar: CalendarPack,
) -> None:
    await begun(running, story, playbook, calendar)
    await story.agreed("Theory of action", day(4, 16))
    await story.client.get_workflow_handle("program").terminate("as if it had never been")
    await story.until(at(day(4, 13), 10))
    assert mails_to(mails, "marcus") == []

    await recover_with(running.services)
    await recover_with(running.services)
    await story.until(at(day(4, 16), 12))
    [late] = mails_to(mails, "marcus")
    assert "Tue, 13 Apr" in late["Date"]
    assert "D1 Theory of action" in text(late)


async def test_the_program_wakes_again_after_temporal_was_emptied(
    running: Running,
    story: WorkflowOffice,
    mails: MailCatcher,
    playbook: Playbook,
    calendar: CalendarPack,
) -> None:
    await begun(running, story, playbook, calendar)
    await story.agreed("Theory of action", day(5, 28))
    await story.client.get_workflow_handle("program").terminate("as if it had never been")
    await recover_with(running.services)
    await story.until(at(day(5, 18), 9))
    mondays = [m["Date"][5:11] for m in mails_to(mails, "marcus") if m["Date"].startswith("Mon")]
    assert "17 May" in mondays


async def test_a_director_is_told_of_risks_and_of_money_that_expires(
    running: Running,
    story: WorkflowOffice,
    mails: MailCatcher,
    playbook: Playbook,
    calendar: CalendarPack,
) -> None:
    await begun(running, story, playbook, calendar)
    await story.do("risk raise", "marcus", engagement=E, risk="politics", level="high", reason="r")
    await story.do(
        "appropriation record",
        "dana",
        appropriation="pilot",
        amount="5600000",
        source="Budget Act",
        first=day(7, 1, 2026),
        until=day(6, 30),
    )
    await story.until(at(day(5, 1), 9))
    [month] = mails_to(mails, "dana")
    assert "AT RISK" in text(month)
    assert "risk high" in text(month)
    assert "$5,600,000.00 of $5,600,000.00 left, to commit by Wed 30 Jun 2055" in text(month)
    monday = mails_to(mails, "marcus")[0]
    assert "risk high" in text(monday)
    assert "to commit" not in text(monday)
