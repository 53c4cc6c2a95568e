"""A command is recorded in one step of its workflow; where that fails, nothing is lost by it."""

from collections.abc import Sequence
from typing import Any

import pytest

from activities.follow import OVERSLEPT, Follower
from activities.names import EXECUTE_COMMAND
from activities.record import Record
from activities.writing import Writer
from domain.envelope import Envelope, Receipt
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.mailcatcher import MailCatcher
from tests.workflows.conftest import Running, WorkflowOffice, at, day
from tests.workflows.test_years import E, prepared


async def history_of(story: WorkflowOffice) -> Sequence[Any]:
    handle = story.client.get_workflow_handle(f"engagement:{E}")
    return (await handle.fetch_history()).events


def activities_of(events: Sequence[Any]) -> list[str]:
    return [
        event.activity_task_scheduled_event_attributes.activity_type.name
        for event in events
        if event.HasField("activity_task_scheduled_event_attributes")
    ]


async def test_a_command_is_accepted_and_recorded_in_one_step(
    story: WorkflowOffice, playbook: Playbook, calendar: CalendarPack
) -> None:
    await prepared(story, playbook, calendar, day(3, 9))
    events = await history_of(story)
    accepted = [
        e.workflow_execution_update_accepted_event_attributes
        for e in events
        if e.HasField("workflow_execution_update_accepted_event_attributes")
    ]
    answered = [
        e.workflow_execution_update_completed_event_attributes
        for e in events
        if e.HasField("workflow_execution_update_completed_event_attributes")
    ]
    steps = [e for e in events if e.HasField("workflow_task_completed_event_attributes")]
    assert len(accepted) == len(answered) == len(steps) > 3
    assert EXECUTE_COMMAND not in activities_of(events)


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
async def test_what_fails_at_once_is_accepted_and_waited_for(
    story: WorkflowOffice,
    playbook: Playbook,
    calendar: CalendarPack,
    monkeypatch: pytest.MonkeyPatch,
    after: bool,
) -> None:
    """Whether the database went away before the record or behind it."""
    await prepared(story, playbook, calendar, day(3, 9))
    execute, failures = Record.execute, [OSError("cut off")]

    async def failing(self: Record, envelope: Envelope, *told: Any) -> Receipt:
        if failures and envelope.kind == "conversation log":
            if after:
                await execute(self, envelope, *told)
            raise failures.pop()
        return await execute(self, envelope, *told)

    monkeypatch.setattr(Record, "execute", failing)
    receipt = await story.do("conversation log", engagement=E, group="principals", notes="Said.")
    assert receipt.repeated is after
    assert activities_of(await history_of(story)).count(EXECUTE_COMMAND) == 1
    async with story.pool.acquire() as connection:
        recorded = await connection.fetchval(
            "select count(*) from es.events where command_id = $1", receipt.command_id
        )
    assert recorded == 1


async def test_a_slow_record_is_not_given_up(
    story: WorkflowOffice,
    playbook: Playbook,
    calendar: CalendarPack,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is broken off beside the workflow is undone, and recorded by the activity."""
    import asyncio

    await prepared(story, playbook, calendar, day(3, 9))
    write, slow = Writer.write, [True]

    async def slowly(self: Writer, *args: Any) -> Any:
        written = await write(self, *args)
        if slow:
            slow.pop()
            await asyncio.sleep(60)
        return written

    monkeypatch.setattr(Writer, "write", slowly)
    receipt = await story.do("conversation log", engagement=E, group="principals", notes="Said.")
    assert not receipt.repeated
    assert activities_of(await history_of(story)).count(EXECUTE_COMMAND) == 1


async def test_a_stream_whose_workflow_was_lost_is_woken_after_its_moment(
    story: WorkflowOffice,
    running: Running,
    mails: MailCatcher,
    playbook: Playbook,
    calendar: CalendarPack,
) -> None:
    await prepared(story, playbook, calendar, day(4, 6))
    await story.agreed("Theory of action", day(4, 16))
    await story.client.get_workflow_handle(f"engagement:{E}").terminate("lost")
    services = running.services
    follower = Follower(services.pool, services.vault, services.clock, services.client)
    morning = at(day(4, 13), 8)
    await story.until(morning + OVERSLEPT)
    async with story.pool.acquire() as connection:
        await follower.look_again(connection)
        assert not mails.messages()
        await story.until(morning + 2 * OVERSLEPT)
        await follower.look_again(connection)
    await story.until(morning + 3 * OVERSLEPT)
    [mail] = mails.messages()
    assert "Theory of action" in mail["Subject"]
    async with story.pool.acquire() as connection:
        before = await connection.fetchval("select count(*) from es.receipts")
        await follower.look_again(connection)
        assert await connection.fetchval("select count(*) from es.receipts") == before
