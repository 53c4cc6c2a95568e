"""Every host takes the commands of its own streams and lets no other in."""

import pytest
from temporalio.client import WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from activities.names import NOT_TAKEN, WORKFLOW_QUEUE
from domain.envelope import Envelope, Receipt
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from tests.workflows.conftest import WorkflowOffice
from workflows.host import HostRun

STREAMS = {
    "Engagement": "engagement:birch-usd",
    "Summit": "summit:Y9-9",
    "Appropriation": "appropriation:nowhere",
    "Program": "program",
}


@pytest.mark.parametrize("kind", STREAMS)
async def test_a_host_lets_no_command_of_another_in(
    story: WorkflowOffice, playbook: Playbook, calendar: CalendarPack, kind: str
) -> None:
    await story.furnish(playbook, calendar)
    about = {
        "Engagement": story.envelope("engagement withdraw", engagement="birch-usd", reason="-"),
        "Summit": story.envelope("summit cancel", summit="Y9-9", reason="-"),
        "Appropriation": story.envelope("appropriation lapse", appropriation="nowhere", reason="-"),
        "Program": story.envelope("person leave", person="joy"),
    }
    host = await story.client.start_workflow(
        kind, HostRun(stream=STREAMS[kind]), id=STREAMS[kind], task_queue=WORKFLOW_QUEUE
    )

    async def given(envelope: Envelope) -> Receipt:
        return Receipt.model_validate(await host.execute_update("execute", envelope))

    for other, envelope in about.items():
        if other == kind:
            continue
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await given(envelope)
        assert isinstance(refused.value.cause, ApplicationError)
        assert refused.value.cause.type == NOT_TAKEN
        async with story.pool.acquire() as connection:
            assert not await connection.fetchval(
                "select count(*) from es.receipts where command_id = $1", envelope.command_id
            )
    assert (await given(about[kind])).stands, "its own is answered"
