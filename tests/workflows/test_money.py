"""Money that must be committed: Directors are reminded of it in their mail of the day, and once."""

from collections import Counter
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowExecutionStatus

from activities.follow import Follower
from bootstrap.clock import SandboxClock
from bootstrap.recovery import recover_with
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.mailcatcher import MailCatcher
from embedded.temporal import sandbox_temporal
from store.rebuild import rebuild
from tests.conftest import Database, load
from tests.workflows.conftest import (
    Running,
    WorkflowOffice,
    at,
    day,
    office_of,
    services_for,
)
from tests.workflows.test_bounces import Moody, deliveries, moody
from tests.workflows.test_overviews import mails_to, text
from tests.workflows.test_years import E, prepared

__all__ = ["moody"]
MONEY = "appropriation:dta-2026"
UNTIL = day(6, 30)
"""A Wednesday: four reminders are still to come on Tue 6 Apr, the first on Fri 30 Apr."""


@pytest.fixture
def with_overviews() -> Playbook:
    return Playbook.model_validate(load("packs/playbooks/dta-sir.yaml"))


async def granted(
    story: WorkflowOffice, playbook: Playbook, calendar: CalendarPack, **body: Any
) -> None:
    """An engagement under way since Tue 6 Apr, and $1,000 to commit."""
    await prepared(story, playbook, calendar, day(4, 6))
    money: dict[str, Any] = {"amount": "1000", "source": "Budget Act", "until": UNTIL}
    await story.do(
        "appropriation record", "dana", appropriation="dta-2026", first=day(7, 1, 2026),
        **{**money, **body},
    )  # fmt: skip


async def invested(story: WorkflowOffice, amount: str) -> None:
    await story.do("investment add", engagement=E, amount=amount, purpose=amount, fy="2054-55")


async def followed(running: Running) -> None:
    at_ = running.services
    follower = Follower(at_.pool, at_.vault, at_.clock, at_.client)
    async with at_.pool.acquire() as connection:
        await follower.catch_up(connection)


async def fates(story: WorkflowOffice) -> list[tuple[str, str, str | None]]:
    async with story.pool.acquire() as connection:
        rows = await connection.fetch(
            "select step, status, reason from read.notices where stream = $1 order by n", MONEY
        )
    return [(r["step"], r["status"], r["reason"]) for r in rows]


def about_money(mails: MailCatcher, who: str) -> list[EmailMessage]:
    return [m for m in mails_to(mails, who) if "* Money to commit" in text(m)]


def days_of(mails: MailCatcher, who: str) -> list[str]:
    return [m["Date"][5:11] for m in about_money(mails, who)]


async def test_a_director_is_told_until_all_is_invested_and_the_ledger_shows_both(
    running: Running,
    story: WorkflowOffice,
    mails: MailCatcher,
    playbook: Playbook,
    calendar: CalendarPack,
) -> None:
    await granted(story, playbook, calendar)
    await invested(story, "400")
    await story.until(at(day(5, 1), 9))
    [mail] = about_money(mails, "dana")
    assert "Fri, 30 Apr 2055 08:01" in mail["Date"]
    assert mail["Subject"] == (
        "Money to commit: due Wed 30 Jun (in 61 days) – Appropriation dta-2026"
    )
    assert mail["References"] is None, "the first of its thread"
    assert "Commit the $600.00 that is left of $1,000.00" in text(mail)
    assert "handrail appropriation show dta-2026" in text(mail)
    [dates] = [p for p in mail.iter_attachments() if p.get_content_type() == "text/calendar"]
    assert "UID:dta-2026.appropriation.money.commit@collaborative.example" in dates.get_content()

    await story.until(at(day(5, 4), 9))
    await invested(story, "600")
    await followed(running)
    assert await fates(story) == [
        ("t-60", "sent", None),
        ("t-30", "suppressed", "all invested"),
        ("t-10", "suppressed", "all invested"),
        ("due", "suppressed", "all invested"),
    ]
    handle = story.client.get_workflow_handle(MONEY)
    assert (await handle.describe()).status == WorkflowExecutionStatus.COMPLETED
    await story.do("investment withdraw", engagement=E, investment="INV-2", reason="never made")
    await followed(running)
    assert [f for f in await fates(story) if f[1] == "planned"] == [
        ("t-30", "planned", None), ("t-10", "planned", None), ("due", "planned", None),
    ]  # fmt: skip
    await story.until(at(day(5, 29), 9))
    assert days_of(mails, "dana") == ["30 Apr", "28 May"]


async def test_two_directors_are_told_once_each_in_one_mail_with_everything_else(
    running: Running,
    story: WorkflowOffice,
    mails: MailCatcher,
    with_overviews: Playbook,
    calendar: CalendarPack,
) -> None:
    await granted(story, with_overviews, calendar)
    await story.do("person register", "dana", handle="erin", name="Erin Alvarez",
                   email="erin@collaborative.example", role=["director"])  # fmt: skip
    await followed(running)
    await story.until(at(day(5, 1), 9))
    [to_dana], [to_erin] = mails_to(mails, "dana"), mails_to(mails, "erin")
    assert "MONEY TO COMMIT" in text(to_dana), "the overview of the month is in the same mail"
    assert "* Money to commit Appropriation dta-2026" in text(to_dana)
    assert "* Money to commit Appropriation dta-2026" in text(to_erin)
    assert await deliveries(story, "money/commit", "t-60") == {
        "dana": ("sent", None),
        "erin": ("sent", None),
    }
    await story.do("person leave", "dana", person="erin", on=day(5, 20))
    await story.until(at(day(5, 29), 9))
    assert await deliveries(story, "money/commit", "t-30") == {"dana": ("sent", None)}


async def test_what_may_lapse_or_has_expired_is_not_reminded_of(
    story: WorkflowOffice, mails: MailCatcher, playbook: Playbook, calendar: CalendarPack
) -> None:
    await granted(story, playbook, calendar)
    lapse = {"appropriation": "dta-2026", "reason": "r"}
    await story.do("appropriation lapse", "dana", **lapse)
    await story.until(at(day(5, 3), 9))
    assert mails_to(mails, "dana") == []
    await story.do("appropriation resume", "dana", **lapse)
    await story.until(at(day(7, 2), 9))
    assert days_of(mails, "dana") == ["28 May", "16 Jun", "30 Jun"]
    async with story.pool.acquire() as connection:
        [expired] = await connection.fetch(
            "select effective_at from es.events where type = 'appropriation-expired'"
        )
    assert expired["effective_at"] == at(day(7, 1), 0)
    handle = story.client.get_workflow_handle(MONEY)
    assert (await handle.describe()).status == WorkflowExecutionStatus.COMPLETED
    assert [status for _, status, _ in (await fates(story))[4:]] == ["sent"] * 3


async def test_an_empty_temporal_gets_its_appropriations_back(
    running: Running,
    story: WorkflowOffice,
    mails: MailCatcher,
    playbook: Playbook,
    calendar: CalendarPack,
    tmp_path: Path,
) -> None:
    """Everything but the events is gone: no reminder is lost and none comes twice."""
    await granted(story, playbook, calendar)
    await story.until(at(day(5, 1), 9))
    async with story.pool.acquire() as connection:
        live = await connection.fetch("select * from read.appropriations")
        before = await connection.fetch("select * from read.notices order by stream, n")
        await rebuild(connection, story.vault)
        assert await connection.fetch("select * from read.appropriations") == live
        assert await connection.fetch("select * from read.notices order by stream, n") == before
    with sandbox_temporal(tmp_path / "another") as server:
        services = await services_for(story.pool, server, tmp_path)
        clock = services.clock
        assert isinstance(clock, SandboxClock)
        await clock.to(at(day(5, 29), 9))
        async with Running(services, mails.smtp_url).worker():
            await recover_with(services)
            await recover_with(services)
            await clock.to(at(day(7, 2), 9))
    assert days_of(mails, "dana") == ["30 Apr", "01 Jun", "16 Jun", "30 Jun"], "one was late"
    assert Counter(status for _, status, _ in await fates(story)) == {"sent": 4}


async def test_mail_to_a_director_that_comes_back_reaches_somebody_else(
    running: Running,
    sandbox_database: Database,
    moody: tuple[Moody, str],
    playbook: Playbook,
    calendar: CalendarPack,
) -> None:
    server, url = moody
    async with Running(running.services, url).worker():
        story = office_of(running.services, sandbox_database)
        await granted(story, playbook, calendar)
        server.answers = {"dana": ["550 5.1.1 no such user"] * 9}
        await story.until(at(day(5, 3), 12))
        assert await deliveries(story, "money/commit", "t-60") == {
            "dana": ("bounced", None),
            "tess": ("sent", "dana"),
        }
        async with story.pool.acquire() as connection:
            person = await connection.fetchval("select id from read.people where handle = 'dana'")
            owed = await connection.fetch(
                "select item, owner from read.obligations where stream = $1", MONEY
            )
        assert {(r["item"], r["owner"]) for r in owed} == {
            ("money/commit", "director"), (f"address/{person}", "assistant"),
        }  # fmt: skip
        server.answers = {}
        await story.do("person change", "dana", person="dana", email="d@collaborative.example")
        await followed(running)
        await story.until(at(day(5, 29), 9))
        assert await deliveries(story, "money/commit", "t-30") == {"dana": ("sent", None)}


async def test_a_new_calendar_and_a_new_playbook_reach_the_appropriation(
    running: Running,
    story: WorkflowOffice,
    mails: MailCatcher,
    playbook: Playbook,
    calendar: CalendarPack,
) -> None:
    await granted(story, playbook, calendar)
    await followed(running)
    closed = {"name": "Office move", "first": day(4, 30), "last": day(4, 30)}
    moved = {**calendar.model_dump(), "version": calendar.version + 1, "closures": [closed]}
    await story.do("calendar publish", "dana", content=moved)
    await followed(running)
    await story.until(at(day(5, 1), 9))
    assert days_of(mails, "dana") == ["29 Apr"], "the timer was moved, too"
    policy = playbook.policy("expiry")
    fewer = policy.model_copy(update={"steps": policy.steps[-1:]})
    policies = tuple(fewer if p.id == "expiry" else p for p in playbook.policies)
    newer = playbook.model_copy(update={"version": 4, "policies": policies})
    await story.do("playbook publish", "dana", content=newer)
    await followed(running)
    why = "calendar or playbook changed"
    assert await fates(story) == [
        ("t-60", "suppressed", why), ("t-30", "suppressed", why), ("t-10", "suppressed", why),
        ("due", "planned", None), ("t-60", "sent", None),
    ]  # fmt: skip
