"""One engagement from its first command to its last mail, in this process, while calls fail.

On the time-skipping server: months pass in seconds.
"""

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from temporalio.client import WorkflowUpdateFailedError, WorkflowUpdateRPCTimeoutOrCancelledError
from temporalio.service import RPCError

from activities.follow import Follower
from bootstrap.clock import SandboxClock
from bootstrap.door import Door, Unavailable
from bootstrap.recovery import recover_with
from domain.envelope import Envelope, Receipt
from domain.policy.calendar import CalendarPack, local_date
from domain.policy.playbook import Playbook
from domain.program.program import InitProgram
from domain.rules.registry import COMMANDS
from embedded.mailcatcher import caught_mails, mail_catcher
from embedded.postgres import Cluster
from embedded.temporal import sandbox_temporal
from store.database import AWAY, open_pool
from tests.chaos import checks
from tests.chaos.answers import Given
from tests.chaos.calls import Calls
from tests.conftest import Database, copied
from tests.workflows.conftest import Running, at, day, services_for

E = "alder-creek-usd"
OTHER = "birch-hill-usd"
LAST = "333.00"
"""What two ask for at once where only one can have it: who does is chance."""
PATIENCE = 12
"""How often a command is given before whoever gives it gives up."""


Outcome = dict[str, Any]


@dataclass
class Story:
    """Who tells it, what they were told, and what came of it."""

    database: Database
    home: Path
    given: list[Given] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    _numbers: Iterator[int] = field(default_factory=count)
    _stack: AsyncExitStack = field(default_factory=AsyncExitStack)
    _engine: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def begin(self) -> None:
        """Servers and a worker of its own, on the morning on which it begins."""
        self.home.mkdir(parents=True, exist_ok=True)
        self.mails = await self._stack.enter_async_context(mail_catcher(self.home / "mail"))
        self.pool = await open_pool(self.database.url, size=20)
        self._stack.push_async_callback(self.pool.close)
        async with self.pool.acquire() as connection:
            # A worker in this process, which nobody need ask whether it lives.
            await connection.execute(
                "insert into ops.workers values ('story', now(), now() + interval '1 day')"
            )
        await self._begin_engine(at(day(3, 9), 9))

    async def end(self) -> None:
        await self._engine.aclose()
        await self._stack.aclose()

    async def power_cut(self) -> None:
        """The engine forgets everything, and the worker what it had in hand."""
        now = await self.services.clock.now()
        await self._engine.aclose()
        self._engine = AsyncExitStack()
        await self._begin_engine(now)
        for _ in range(PATIENCE):
            try:
                await recover_with(self.services)
            except (*AWAY, RPCError):
                await asyncio.sleep(0.05)
            else:
                return
        self.wrong.append("recovery does not come through")

    async def _begin_engine(self, now: datetime) -> None:
        engine = sandbox_temporal(self.home / "temporal")
        server = await self._engine.enter_async_context(engine)
        self.services = await services_for(self.pool, server, self.home)
        running = Running(self.services, self.mails.smtp_url, self.mails.maildir)
        await self.until(now)
        await self._engine.enter_async_context(running.worker())

    async def do(
        self, command: Any, actor: str = "tess", *, may_be_refused: bool = False, **body: Any
    ) -> Receipt | None:
        """Give a command as the answers say until it has its own."""
        if isinstance(command, str):
            command = COMMANDS[command].model_validate(body)
        given = await self._given(command, actor)
        for _ in range(PATIENCE):
            await self._once(given)
            if given.final is not None:
                break
            if given.told[-1][0] == "not accepted" and not given.is_open:
                given = await self._given(command, actor)
        else:
            self.wrong.append(f"no answer: {given}: {given.told[-1][1]}")
            return None
        if given.final.outcome == "refused" and not may_be_refused:
            self.wrong.append(f"refused for no reason: {given}: {given.final.message}")
        return given.final

    async def _once(self, given: Given) -> None:
        at_ = self.services
        door = Door(at_.settings, at_.pool, at_.vault, at_.client, at_.clock, at_.sandbox)
        try:
            given.answered(await door.submit(given.envelope))
        except Unavailable as said:
            given.not_answered(said)
        except Exception as broken:  # noqa: BLE001 - people see a traceback, and know nothing
            given.told.append(("unknown", f"{type(broken).__name__}: {broken}"))
            self.wrong.append(f"no answer but a traceback: {given}: {broken!r}")
        self.answers[given.told[-1][0]] += 1

    async def _given(self, command: Any, actor: str) -> Given:
        given = Given(
            Envelope.of(
                command,
                command_id=uuid5(NAMESPACE_URL, f"tag:handrail,2026:chaos/{next(self._numbers)}"),
                actor=actor,
                issued_at=await self.services.clock.now(),
            )
        )
        self.given.append(given)
        return given

    async def until(self, when: datetime) -> None:
        assert isinstance(self.services.clock, SandboxClock)
        await self.services.clock.to(when)

    async def follow(self) -> None:
        """Let what a fact asks of others reach them, as the follower does again and again."""
        at_ = self.services
        follower = Follower(at_.pool, at_.vault, at_.clock, at_.client)
        for _ in range(PATIENCE):
            try:
                async with at_.pool.acquire() as connection:
                    await follower.catch_up(connection)
            except (
                *AWAY, RPCError, WorkflowUpdateFailedError,
                WorkflowUpdateRPCTimeoutOrCancelledError,
            ):  # fmt: skip
                await asyncio.sleep(0.05)
            else:
                return
        self.wrong.append("the follower does not come through")


async def _invest(
    story: Story, engagement: str, amount: str, refused: bool = False
) -> Receipt | None:
    return await story.do(
        "investment add", engagement=engagement, amount=amount, purpose=f"for {amount}",
        appropriation="dta", may_be_refused=refused,
    )  # fmt: skip


async def told(story: Story, playbook: Playbook, calendar: CalendarPack) -> None:
    """Register, open, agree, a deliverable, reminders, mails, a recess, and what is handed in."""
    do = story.do
    await do(
        InitProgram(
            name="Direct technical assistance", agency="The Collaborative",
            zone="America/Los_Angeles", sender="handrail@collaborative.example",
            director="dana", director_name="Dana Whitfield",
            director_email="dana@collaborative.example",
            playbook=playbook.model_copy(update={"overviews": ()}), calendar=calendar,
        ),
        "dana",
    )  # fmt: skip
    await do("person register", "dana", handle="marcus", name="Marcus Oyelaran", role=["lead"],
             email="marcus@collaborative.example")  # fmt: skip
    await do("person register", "dana", handle="tess", name="Tess Nguyen", role=["assistant"],
             email="tess@collaborative.example")  # fmt: skip
    await do("lea register", id=E, name="Alder Creek Unified", county="Manzanita")
    await do("person register", handle="joy", name="Joy Kim", email="joy@alder-creek.example",
             at=E)  # fmt: skip
    await do("engagement open", engagement=E, lea=E, lead="marcus", director="dana", contact="joy")
    await do("fit decide", "dana", engagement=E, proceed=True, waive="talked in spring",
             criterion={c.id: "yes" for c in playbook.fit_criteria})  # fmt: skip
    await do("agreement draft", engagement=E)
    today = local_date(await story.services.clock.now(), "America/Los_Angeles")
    for board in playbook.boards:
        await do("agreement act", engagement=E, board=board.id, action="approved", meeting=today,
                 vote="4-1")  # fmt: skip
    for number, due in (("D1", day(4, 16)), ("D2", day(4, 30))):
        await do("deliverable propose", "marcus", engagement=E, title=f"Work {number}", due=due)
        await do("deliverable sign", "marcus", engagement=E, deliverable=number)
        await do("deliverable sign", engagement=E, deliverable=number, person="joy",
                 evidence="a mail")  # fmt: skip
    await story.follow()
    await do("lea register", id=OTHER, name="Birch Hill Unified", county="Manzanita")
    await do("engagement open", engagement=OTHER, lea=OTHER, lead="marcus", director="dana")
    await do("appropriation record", "dana", appropriation="dta", amount="1000", source="an act",
             first=day(1, 4), until=day(12, 31))  # fmt: skip
    for amount in ("100", "200"):  # From two engagements at once, out of one purse.
        await asyncio.gather(*(_invest(story, engagement, amount) for engagement in (E, OTHER)))
    # Of what is left there is enough for one of them.
    won = await asyncio.gather(*(_invest(story, e, LAST, True) for e in (E, OTHER)))
    if sorted(receipt.outcome for receipt in won if receipt) != ["recorded", "refused"]:
        story.wrong.append(f"the last of it was not had by one: {won}")
    # T-14 of the first lies in the recess, and is moved behind it by nobody but the follower.
    await do("lea recess", lea=E, name="spring recess", first=day(3, 29), last=day(4, 2))
    await story.follow()
    await story.until(at(day(4, 5), 8) + timedelta(seconds=30))
    await story.power_cut()
    await story.until(at(day(4, 5), 12))
    await do("deliverable submit", engagement=E, deliverable="D1", person="joy",
             evidence="a folder")  # fmt: skip
    await story.until(at(day(4, 17), 12))
    await do("deliverable accept", "marcus", engagement=E, deliverable="D1")
    await story.until(at(day(5, 3), 12))


@dataclass
class Theatre:
    """Where the story is played, again and again, on a store and servers of its own each time."""

    cluster: Cluster
    template: str
    home: Path
    playbook: Playbook
    calendar: CalendarPack
    _plays: Iterator[int] = field(default_factory=count)

    async def play(self, calls: Calls) -> tuple[Outcome, list[str]]:
        """What comes of the story while calls fail, and everything that is wrong with it."""
        async with copied(self.cluster, self.template) as database:
            story = Story(database, self.home / str(next(self._plays)))
            await story.begin()
            try:
                with calls.installed():
                    await told(story, self.playbook, self.calendar)
                found = story.wrong + await checks.everything(
                    story.pool, story.services.vault, story.given,
                    caught_mails(story.mails.maildir),
                )  # fmt: skip
                return await outcome(story), found
            finally:
                await story.end()


_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d)T[0-9:.]+(Z|\+00:00)")


async def outcome(story: Story) -> Outcome:
    """What the story came to, without what chance and the minute bring into it."""
    async with story.pool.acquire() as connection:
        people = await connection.fetch("select id, handle from read.people")
        events = await connection.fetch("select stream, type, actor, data from es.events")
        notices = await connection.fetch(
            "select stream, item, round, step, status, reason from read.notices order by stream, n"
        )
        mails = await connection.fetch(
            "select p.handle, m.local_date, m.kind, m.outcome from ops.mails m"
            " join read.people p on p.id = m.person order by 2, 1, 3"
        )
    handles = {row["id"]: row["handle"] for row in people}

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            if "sealed" in value:
                return "sealed"
            return {name: plain(part) for name, part in value.items()}
        if isinstance(value, list):
            return [plain(part) for part in value]
        if isinstance(value, str):
            for person, handle in handles.items():
                value = value.replace(person, handle)
            return _INSTANT.sub(r"\1", _ID.sub("*", value))
        return value

    return {
        "events": Counter(
            json.dumps([plain(e["stream"]), e["type"], plain(e["actor"]),
                        plain(json.loads(e["data"]))], sort_keys=True)
            for e in events
            if LAST not in e["data"]
        ),
        "notices": [tuple(map(plain, row)) for row in notices],
        "mails": [tuple(row) for row in mails],
    }  # fmt: skip


def differences(clean: Outcome, other: Outcome) -> list[str]:
    """Where two outcomes differ."""
    found = [
        f"{sign} {event}"
        for sign, events in (
            ("missing:", clean["events"] - other["events"]),
            ("too much:", other["events"] - clean["events"]),
        )
        for event in events
    ]
    return found + [
        f"{part}: {clean[part]} became {other[part]}"
        for part in ("notices", "mails")
        if clean[part] != other[part]
    ]
