"""The door of the staff: what it says of a command that was given before."""

from bootstrap.door import Door
from domain.envelope import Envelope, Receipt
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from store.database import queries
from tests.conftest import Database
from tests.workflows.conftest import Running, WorkflowOffice, day, office_of
from tests.workflows.test_years import RENEWED_AFTER, E, prepared


async def submit(running: Running, envelope: Envelope) -> Receipt:
    at = running.services
    async with at.pool.acquire() as connection:
        # The worker of these tests runs in this process, without the heart of a real one.
        await queries.beat(connection, id="worker of the test", release="test", schema="test")
    return await Door(at.settings, at.pool, at.vault, at.client, at.clock, sandbox=True).submit(
        envelope
    )


async def test_a_command_that_is_given_again_is_answered_again_and_marked(
    story: WorkflowOffice, running: Running, playbook: Playbook, calendar: CalendarPack
) -> None:
    await prepared(story, playbook, calendar, day(3, 9), renewed=True)
    recorded = story.envelope(
        "conversation log", "marcus", engagement=E, group="parents", notes="first"
    )
    refused = story.envelope("conversation log", "marcus", engagement=E, group="janitors")
    for envelope in (recorded, refused):
        first = await submit(running, envelope)
        assert not first.repeated
        again = await submit(running, envelope)
        assert again == first.model_copy(update={"repeated": True})
        # Once more after the run that answered it is over: now the record answers.
        for n in range(RENEWED_AFTER + 1):
            notes = f"{envelope.command_id} {n}"
            await story.do(
                "conversation log", "marcus", engagement=E, group="students", notes=notes
            )
        later = await submit(running, envelope)
        assert later.repeated
        assert (later.outcome, later.events, later.message) == (
            first.outcome,
            first.events,
            first.message,
        )


async def test_an_id_that_stands_for_another_command_is_refused(
    story: WorkflowOffice, running: Running, playbook: Playbook, calendar: CalendarPack
) -> None:
    await prepared(story, playbook, calendar, day(3, 9))
    first = story.envelope("conversation log", "marcus", engagement=E, group="parents")
    await submit(running, first)
    other = first.model_copy(update={"body": {**first.body, "group": "students"}})
    receipt = await submit(running, other)
    assert (receipt.outcome, receipt.refusal) == ("refused", "ReusedCommandId")


async def test_what_was_recorded_is_said_again_even_while_no_worker_runs(
    running: Running, sandbox_database: Database, playbook: Playbook, calendar: CalendarPack
) -> None:
    at = running.services
    async with running.worker():
        story = office_of(at, sandbox_database)
        await prepared(story, playbook, calendar, day(3, 9))
        envelope = story.envelope("conversation log", "marcus", engagement=E, group="parents")
        first = await story.give(envelope)
    door = Door(at.settings, at.pool, at.vault, at.client, at.clock, sandbox=True)
    again = await door.submit(envelope)
    assert again == first.model_copy(update={"repeated": True})
