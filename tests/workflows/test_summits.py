"""Summits on a clock that skips: reminded, moved for many, held; whoever dies in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

import activities.follow
from activities.dispatch import hand_on
from activities.follow import Follower
from bootstrap.clock import SandboxClock
from bootstrap.recovery import recover_with
from domain.envelope import Envelope, Receipt
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.mailcatcher import MailCatcher
from embedded.temporal import sandbox_temporal
from tests.conftest import eventually
from tests.workflows.conftest import Running, WorkflowOffice, at, day, services_for
from tests.workflows.test_replay import replayer
from tests.workflows.test_years import E, prepared

HARBOR = "harbor-charter"
SALT = "salt-flat-elementary"
SUMMIT = "Y1-1"


async def planned(story: WorkflowOffice, first: date, due: date) -> None:
    await story.do(
        "summit plan", summit=SUMMIT, title="First summit", first=first, last=first,
        place="Sacramento", registration_due=due, hours=6,
    )  # fmt: skip


async def standing(story: WorkflowOffice) -> str:
    async with story.pool.acquire() as connection:
        status: str = await connection.fetchval("select status from read.summits")
        return status


async def events(story: WorkflowOffice, engagement: str, kind: str) -> int:
    async with story.pool.acquire() as connection:
        count: int = await connection.fetchval(
            "select count(*) from es.events where stream = $1 and type = $2",
            f"engagement:{engagement}",
            kind,
        )
        return count


@asynccontextmanager
async def following(running: Running) -> AsyncIterator[None]:
    at_ = running.services
    follower = Follower(at_.pool, at_.vault, at_.clock, at_.client)
    task = asyncio.create_task(follower.follow())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def test_an_invitation_is_reminded_of_until_the_lea_registers(
    story: WorkflowOffice, mails: MailCatcher, playbook: Playbook, calendar: CalendarPack
) -> None:
    await prepared(story, playbook, calendar, day(10, 15, 2026))
    await planned(story, day(11, 12, 2026), day(11, 4, 2026))
    await story.do("summit invite", summit=SUMMIT, engagement=E)
    await story.until(at(day(10, 30, 2026), 7, 59))
    before = len(mails.messages())
    await story.until(at(day(10, 30, 2026), 8, 3))
    [mail] = mails.messages()[before:]
    assert "joy@" in mail["To"]
    [sent] = [r for r in await story.ledger(f"{SUMMIT}/registration") if r["step"] == "t-3"]
    assert f"{sent['planned_for']:%m-%d %H:%M}" == "10-30 15:00", "eight in summer time"
    assert sent["status"] == "sent"

    await story.until(at(day(11, 2, 2026), 10))
    await story.do("summit register", summit=SUMMIT, engagement=E, places={"teacher": 3})
    host = story.client.get_workflow_handle(f"summit:{SUMMIT}")
    assert (await host.describe()).status is WorkflowExecutionStatus.RUNNING
    await story.until(at(day(11, 13, 2026), 9))
    ledger = await story.ledger(f"{SUMMIT}/registration")
    assert [(r["step"], r["status"], r["reason"]) for r in ledger] == [
        ("t-14", "sent", None),
        ("t-3", "sent", None),
        *((step, "suppressed", "registered") for step in ("due", "+1", "+5", "+10")),
    ]
    assert await standing(story) == "held", "its own timer notes that the last day is over"

    async def over() -> bool:
        return (await host.describe()).status is WorkflowExecutionStatus.COMPLETED

    await eventually(over)
    await story.do(
        "summit attendance record", summit=SUMMIT, engagement=E, day="1", role="teacher", count=3
    )
    refusal = await story.refused("summit reschedule", summit=SUMMIT, to=day(12, 3, 2026))
    assert refusal.refusal == "WrongState"


async def three(story: WorkflowOffice, playbook: Playbook, calendar: CalendarPack) -> None:
    """Three LEAs are invited to a summit in November; Harbor Charter is in recess a week later."""
    await prepared(story, playbook, calendar, day(10, 1, 2026))
    for lea in (HARBOR, SALT):
        await story.do(
            "lea register", id=lea, name=lea.replace("-", " ").title(), type="school_district"
        )
        await story.to_onboarding(playbook, engagement=lea, lea=lea)
    await story.do(
        "lea recess", lea=HARBOR, name="fall recess",
        first=day(11, 16, 2026), last=day(11, 20, 2026),
    )  # fmt: skip
    await planned(story, day(11, 12, 2026), day(11, 4, 2026))
    for engagement in (E, HARBOR, SALT):
        await story.do("summit invite", summit=SUMMIT, engagement=engagement)


async def test_a_move_is_finished_by_the_next_follower_and_reaches_nobody_twice(
    running: Running,
    story: WorkflowOffice,
    playbook: Playbook,
    calendar: CalendarPack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await three(story, playbook, calendar)
    given: list[Envelope] = []
    died = asyncio.Event()

    async def dies(client: Client, envelope: Envelope, **more: Any) -> Receipt:
        if envelope.kind == "summit take-over" and any(g.kind == envelope.kind for g in given):
            died.set()
            await asyncio.Event().wait()  # The process is gone; nothing comes back.
        given.append(envelope)
        return await hand_on(client, envelope, **more)

    monkeypatch.setattr(activities.follow, "hand_on", dies)
    async with following(running):
        await story.do("summit reschedule", summit=SUMMIT, to=day(11, 19, 2026))
        await asyncio.wait_for(died.wait(), 20)
    assert await events(story, E, "summit-followed") == 1
    assert await events(story, SALT, "summit-followed") == 0

    monkeypatch.setattr(activities.follow, "hand_on", hand_on)
    async with following(running):

        async def all_followed() -> bool:
            return await events(story, SALT, "summit-followed") == 1

        await eventually(all_followed)
    assert [await events(story, e, "summit-followed") for e in (E, HARBOR, SALT)] == [1, 0, 1]
    assert await events(story, HARBOR, "summit-not-followed") == 1
    ledger = await story.ledger(f"{SUMMIT}/registration")
    assert {(r["round"], r["status"], r["reason"]) for r in ledger} == {
        (1, "suppressed", "re-dated"),
        (2, "planned", None),
    }
    skipped = await story.ledger(f"{SUMMIT}/registration", HARBOR)
    assert {r["status"] for r in skipped} == {"suppressed"}
    assert all("recess" in r["reason"] for r in skipped)


async def test_an_empty_temporal_gets_its_summits_back(
    running: Running,
    story: WorkflowOffice,
    mails: MailCatcher,
    playbook: Playbook,
    calendar: CalendarPack,
    tmp_path: Path,
) -> None:
    await prepared(story, playbook, calendar, day(10, 15, 2026))
    await planned(story, day(11, 12, 2026), day(11, 4, 2026))
    await story.do("summit invite", summit=SUMMIT, engagement=E)
    await story.until(at(day(10, 22, 2026), 9))
    with sandbox_temporal(tmp_path / "another") as server:
        services = await services_for(story.pool, server, tmp_path)
        clock = services.clock
        assert isinstance(clock, SandboxClock)
        await clock.to(at(day(10, 22, 2026), 10))
        async with Running(services, mails.smtp_url).worker():
            await recover_with(services)
            await recover_with(services)
            await clock.to(at(day(11, 13, 2026), 9))
            assert await standing(story) == "held"
            history = await services.client.get_workflow_handle(f"summit:{SUMMIT}").fetch_history()
    ledger = await story.ledger(f"{SUMMIT}/registration")
    assert [(r["step"], r["status"]) for r in ledger] == [
        ("t-14", "sent"),
        ("t-3", "sent"),
        ("due", "sent"),
        ("+1", "sent"),
        ("+5", "suppressed"),
        ("+10", "suppressed"),
    ]
    to_joy = [m["Message-ID"] for m in mails.messages() if "joy@" in m["To"]]
    assert len(to_joy) == len(set(to_joy)) == 4
    await replayer().replay_workflow(history)
