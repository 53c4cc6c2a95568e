"""With a worker running: a stream that cannot be read stops itself alone, and catches up after."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import asyncpg
import pytest

from activities.follow import Follower
from bootstrap.wiring import Services
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.mailcatcher import MailCatcher
from store.database import Connection, queries
from tests.conftest import Database, eventually, new_id
from tests.workflows.conftest import Running, WorkflowOffice, at, day
from tests.workflows.test_years import E, prepared

SICK = "birch-usd"


@pytest.fixture
async def superuser(sandbox_database: Database) -> AsyncIterator[Connection]:
    """A connection that no grant and no trigger holds back."""
    url = sandbox_database.cluster.superuser_url
    admin = await asyncpg.connect(url, database=sandbox_database.name)
    await admin.execute("alter table es.events disable trigger append_only")
    yield admin
    await admin.close()


@pytest.fixture
async def two(
    running: Running, story: WorkflowOffice, playbook: Playbook, calendar: CalendarPack
) -> WorkflowOffice:
    """Two engagements with something due on 16 April to somebody at each LEA."""
    await prepared(story, playbook, calendar, day(3, 23))
    await story.do("lea register", id=SICK, name="Birch Unified", county="Manzanita")
    await story.do("person register", handle="bea", name="Bea Long", email="bea@birch.example",
                   at=SICK)  # fmt: skip
    await story.to_onboarding(playbook, SICK, SICK)
    await story.do("engagement assign", engagement=SICK, role="lea_contact", person="bea")
    for engagement, who in ((E, "joy"), (SICK, "bea")):
        await story.do("deliverable propose", "marcus", engagement=engagement, title="Theory",
                       due=day(4, 16))  # fmt: skip
        await story.do("deliverable sign", "marcus", engagement=engagement, deliverable="D1")
        await story.do("deliverable sign", engagement=engagement, deliverable="D1", person=who,
                       evidence="mail")  # fmt: skip
    return story


@asynccontextmanager
async def followed(services: Services) -> AsyncIterator[None]:
    """The follower, as a worker runs it."""
    follower = Follower(services.pool, services.vault, services.clock, services.client)
    following = asyncio.create_task(follower.follow())
    try:
        yield
    finally:
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following


async def land_on_the_moon(story: WorkflowOffice, stream: str) -> None:
    """What a newer release writes, which this one does not know."""
    async with story.pool.acquire() as connection:
        row = await queries.append(
            connection,
            stream=stream,
            expected=await connection.fetchval(
                "select max(version) from es.events where stream = $1", stream
            ),
            command_id=new_id(), types=["moon-landed"], schemas=[1], data=["{}"],
            effective=[story.clock.at], actor="p-x", causation_id=None,
            sandbox_now=await story.time.now(),
            seals=[bytes(32)],
        )  # fmt: skip
        assert row["status"] == "appended"


async def test_one_that_cannot_be_read_stops_itself_alone_and_misses_nothing_after_the_mend(
    running: Running, two: WorkflowOffice, mails: MailCatcher, superuser: Connection
) -> None:
    services = running.services
    await land_on_the_moon(two, f"engagement:{SICK}")
    # Of another LEA the log itself has a fact that cannot be read.
    for lea in (E, SICK):
        await two.do("lea recess", lea=lea, name="A trip", first=day(4, 1), last=day(4, 6))
    lost = "stream = $1 and type = 'recess-set' and version = 2"
    kept = await superuser.fetchval(f"select data from es.events where {lost}", f"lea:{SICK}")
    await superuser.execute(f"update es.events set data = '{{}}' where {lost}", f"lea:{SICK}")

    async def sick() -> set[str]:
        async with two.pool.acquire() as connection:
            return {row["stream"] async for row in queries.sick_streams(connection)}

    async def first_notice(engagement: str) -> str:
        return f"{(await two.ledger('D1', engagement))[0]['planned_for']:%m-%d}"

    async def healthy_moved() -> bool:
        return any(r["status"] == "suppressed" for r in await two.ledger("D1"))

    async with followed(services):
        await eventually(healthy_moved)
        assert await sick() == {f"engagement:{SICK}", f"lea:{SICK}"}
        refused = await two.refused("engagement hold", "dana", engagement=SICK, reason="a strike")
        assert refused.refusal == "Sick"
        assert "of a kind that this release does not know: 'moon-landed'" in refused.message
        await two.do("conversation log", "marcus", engagement=E, group="parents", notes="More.")
        await two.do("person change", person="bea", name="Bea Longer")
        await two.until(at(day(4, 8), 12))
        assert {m["To"].rpartition("<")[2] for m in mails.messages()} == {
            "joy@alder-creek.example>"
        }

        await superuser.execute("delete from es.events where type = 'moon-landed'")
        await superuser.execute(f"update es.events set data = $2 where {lost}", f"lea:{SICK}", kept)

        async def well() -> bool:
            return not await sick()

        await eventually(well)
        assert any(r["status"] == "suppressed" for r in await two.ledger("D1", SICK)), "the trip"
        await two.until(at(day(4, 13), 12))
        assert any("bea@birch" in m["To"] for m in mails.messages())
