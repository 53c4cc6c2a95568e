"""What waits for an answer ends when it is told to."""

import asyncio

import asyncpg

from activities.follow import Follower
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from tests.conftest import Database, eventually
from tests.workflows.conftest import Running, WorkflowOffice


async def test_a_follower_stops_while_it_waits_for_the_answer_to_a_command(
    running: Running,
    story: WorkflowOffice,
    sandbox_database: Database,
    playbook: Playbook,
    calendar: CalendarPack,
) -> None:
    await story.furnish(playbook, calendar)
    await story.do("engagement open", engagement="e", lea="ACUSD", lead="marcus", director="dana")
    at = running.services
    owner = await asyncpg.connect(sandbox_database.owner_url)
    async with owner.transaction():
        await owner.execute("lock table es.receipts in exclusive mode")
        follower = Follower(at.pool, at.vault, at.clock, at.client)
        following = asyncio.create_task(follower.follow())

        async def a_command_waits() -> bool:
            return bool(await owner.fetchval("select count(*) from pg_locks where not granted"))

        await eventually(a_command_waits)
        following.cancel()
        done, _ = await asyncio.wait({following}, timeout=20)
        assert done
        assert following.cancelled()
    await owner.close()
