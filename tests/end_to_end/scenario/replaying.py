"""The histories of the running workflows, replayed on today's code."""

import asyncio

from temporalio.client import Client
from temporalio.worker import Replayer

from bootstrap.settings import load_settings
from bootstrap.wiring import services
from tests.end_to_end.conftest import environment
from tests.end_to_end.scenario.desk import Desk, E
from worker import RUNNER
from workflows.digest import DigestWorkflow
from workflows.engagement import EngagementWorkflow
from workflows.program import ProgramWorkflow
from workflows.summit import SummitWorkflow

RUNNING = (f"engagement:{E}", "engagement:harbor-charter", "program")


def replay(desk: Desk) -> dict[str, int]:
    """How many events each history has; one that does not replay raises."""

    async def each() -> dict[str, int]:
        async with services(load_settings()) as at:
            return await all_of(at.client)

    async def all_of(client: Client) -> dict[str, int]:
        replayer = Replayer(
            workflows=[EngagementWorkflow, SummitWorkflow, ProgramWorkflow, DigestWorkflow],
            data_converter=client.data_converter,
            workflow_runner=RUNNER,
        )
        found = {}
        for workflow in RUNNING:
            history = await client.get_workflow_handle(workflow).fetch_history()
            await replayer.replay_workflow(history)
            found[workflow] = len(history.events)
        return found

    with environment({"HANDRAIL_HOME": str(desk.home), "PATH": "/usr/bin:/bin"}):
        return asyncio.run(each())
