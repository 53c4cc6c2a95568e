"""A worker whose clock is minutes behind Temporal's waits for the moment, and does not spin."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from activities.names import ANNOUNCE_DUE
from bootstrap.clock import SandboxClock
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.mailcatcher import MailCatcher
from tests.conftest import Database
from tests.workflows.conftest import Running, WorkflowOffice, at, day, office_of
from tests.workflows.test_years import E, prepared

BEHIND = timedelta(minutes=4)


class LateClock(SandboxClock):
    """The sandbox's clock, as a machine shows it that was never set."""

    async def now(self) -> datetime:
        return await super().now() - BEHIND


@pytest.fixture
async def late_story(running: Running, sandbox_database: Database) -> AsyncIterator[WorkflowOffice]:
    late = LateClock(running.services.client)
    services = replace(running.services, clock=late)
    async with Running(services, running.smtp_url).worker():
        yield office_of(running.services, sandbox_database)


async def test_the_engagement_looks_again_no_sooner_than_after_a_minute(
    late_story: WorkflowOffice, mails: MailCatcher, playbook: Playbook, calendar: CalendarPack
) -> None:
    await prepared(late_story, playbook, calendar, day(4, 6))
    await late_story.agreed("Theory of action", day(4, 16))
    await late_story.until(at(day(4, 13), 9))
    [mail] = mails.messages()
    assert "13 Apr" in mail["Date"]
    history = await late_story.client.get_workflow_handle(f"engagement:{E}").fetch_history()
    announced = [
        event
        for event in history.events
        if event.activity_task_scheduled_event_attributes.activity_type.name == ANNOUNCE_DUE
    ]
    minutes = BEHIND // timedelta(minutes=1)
    # Once a minute until the worker sees eight o'clock, then to look whether it was claimed.
    assert minutes <= len(announced) <= minutes + 4
