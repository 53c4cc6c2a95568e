"""People who work through engagements, each at their desk, whatever befalls the servers."""

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from bootstrap.door import Unavailable, open_door
from bootstrap.settings import Settings
from domain.envelope import Envelope, Receipt
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from domain.program.program import InitProgram
from domain.reminders.notices import ReconcileNotices
from domain.rules.context import SYSTEM
from domain.rules.registry import COMMANDS
from tests.chaos.answers import Given

MONEY = "dta-chaos"
AMOUNT = 10_000
SLICE = 700
"""Dollars of one investment: after some of them there is nothing left."""
REFUSED_RIGHTLY = frozenset({"investment add"})
"""What may be refused on this way through an engagement; all else is possible when it is given."""


def midday_zone(now: datetime) -> str:
    """A time zone in which it is about noon, so that the day does not end during a run."""
    ahead = 12 - now.hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def hurried(playbook: Playbook, zone: str, reminders_at: datetime) -> Playbook:
    """The shipped playbook with its reminders at a moment of the run, and at any hour."""
    at = reminders_at.astimezone(ZoneInfo(zone)).time().replace(microsecond=0)
    hours = {"at": at, "earliest": time(0, 0), "latest": time(23, 59, 59)}
    policies = tuple(p if p.any_hour else p.model_copy(update=hours) for p in playbook.policies)
    return playbook.model_copy(update={"policies": policies, "overviews": ()})


@dataclass
class Told:
    """Every command that anybody gave, with its answers, and what was wrong on the way."""

    given: list[Given] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    answers: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    """How what was said began where there was no answer."""
    slowest: float = 0.0


class Desk:
    """Somebody who gives commands and acts on what the answers say."""

    def __init__(
        self, name: str, settings: Settings, playbook: Playbook, zone: str, seed: int, told: Told
    ) -> None:
        self.name = name
        self._settings = settings
        self._playbook = playbook
        self._zone = ZoneInfo(zone)
        self._chance = random.Random(f"{name} {seed}")
        self._told = told
        self._over = asyncio.Event()

    def go_home(self) -> None:
        self._over.set()

    async def work(self) -> None:
        """One engagement after the other, until it is time to go."""
        number = 0
        while not self._over.is_set():
            number += 1
            await self._engagement(f"{self.name}-{number}")

    async def furnish(self, calendar: CalendarPack) -> None:
        """A program with its people and its money."""
        await self.do(
            InitProgram(
                name="Direct technical assistance", agency="The Collaborative",
                zone=str(self._zone), sender="handrail@collaborative.example",
                director="dana", director_name="Dana Whitfield",
                director_email="dana@collaborative.example",
                playbook=self._playbook, calendar=calendar, gathering_seconds=1,
            ),
            "dana",
        )  # fmt: skip
        for handle, name, role in (
            ("marcus", "Marcus Oyelaran", "lead"),
            ("tess", "Tess Nguyen", "assistant"),
        ):
            await self.do(
                "person register", "dana", handle=handle, name=name, role=[role],
                email=f"{handle}@collaborative.example",
            )  # fmt: skip
        today = self._now().date()
        await self.do(
            "appropriation record", "dana", appropriation=MONEY, amount=str(AMOUNT),
            source="an act", first=today - timedelta(days=30), until=today + timedelta(days=300),
        )  # fmt: skip

    async def _engagement(self, lea: str) -> None:
        contact = f"contact-{lea}"
        steps = [
            self._step("lea register", id=lea, name=f"{lea.title()} Unified", county="Manzanita"),
            self._step("person register", handle=contact, name=f"Contact {lea.title()}",
                       email=f"{contact}@{lea}.example", at=lea),
            self._step("engagement open", engagement=lea, lea=lea, lead="marcus", director="dana",
                       contact=contact, assistant="tess"),
            self._step("fit decide", "dana", engagement=lea, proceed=True, waive="in a hurry",
                       criterion={c.id: "yes" for c in self._playbook.fit_criteria}),
            self._step("agreement draft", engagement=lea),
            *self._before_the_board(lea),
            *(self._step("agreement act", engagement=lea, board=board.id, action="approved",
                         meeting=self._now().date(), vote="4-1")
              for board in self._playbook.boards),
            *self._together(lea, contact),
        ]  # fmt: skip
        for step in steps:
            if self._over.is_set() or await step() is None:
                return

    def _before_the_board(self, lea: str) -> list[Any]:
        """On agendas whose deadlines are seconds away, which sounds alarms; talks meanwhile."""
        steps: list[Any] = []
        for board in ("lea", "ccee"):
            seconds = self._chance.uniform(2, 6)

            def submit(board: str = board, seconds: float = seconds) -> Any:
                meeting = self._now() + timedelta(hours=72, seconds=seconds)
                return self.do("board submit", engagement=lea, board=board, act="brown-act",
                               meeting=meeting.date(),
                               at=meeting.time().replace(microsecond=0))  # fmt: skip

            steps.append(submit)
        for group in self._playbook.stakeholder_groups:
            pause = self._chance.uniform(0.3, 1.2)

            async def talk(group: str = group.id, pause: float = pause) -> Any:
                await asyncio.sleep(pause)
                return await self.do("conversation log", "marcus", engagement=lea, group=group,
                                     notes=f"for {pause:.3f} hours")  # fmt: skip

            steps.append(talk)
        return steps

    def _together(self, lea: str, contact: str) -> list[Any]:
        """Deliverables that are signed, talks, and money from what all engagements share."""
        steps: list[Any] = []
        for number in range(1, 4):
            on_it = {"engagement": lea, "deliverable": f"D{number}"}
            by_lea = {"person": contact, "evidence": "a mail"}
            due = self._now().date() + timedelta(days=14 + number)
            steps += [
                self._step("deliverable propose", "marcus", engagement=lea,
                           title=f"Work {number}", due=due - timedelta(days=number)),
                self._step("deliverable sign", "marcus", **on_it),
                self._step("deliverable sign", **on_it, **by_lea),
                self._step("contact log", "marcus", engagement=lea, how="visit",
                           purpose=f"work {number}", people=[contact]),
                self._step("investment add", engagement=lea, amount=str(SLICE),
                           purpose=f"work {number}", appropriation=MONEY),
            ]  # fmt: skip
            if self._chance.random() < 0.6:
                steps.append(self._step("deliverable submit", **on_it, **by_lea))
        return steps

    def _step(self, kind: str, actor: str = "tess", **body: Any) -> Any:
        return lambda: self.do(kind, actor, **body)

    async def do(self, command: Any, actor: str = "tess", **body: Any) -> Receipt | None:
        """Give a command until it has an answer, as the answers say; None when it is time to go."""
        given = self._given(command, actor, body)
        while True:
            await self.once(given)
            if given.final is not None:
                break
            if self._over.is_set():
                return None
            denied = given.told[-1][0] == "not accepted" and not given.is_open
            if denied and self._chance.random() < 0.5:
                # Nothing was accepted: whoever heard that may give it anew.
                given = self._given(command, actor, body)
            await asyncio.sleep(self._chance.uniform(0.05, 0.4))
        receipt = given.final
        if receipt.outcome == "refused" and given.envelope.kind not in REFUSED_RIGHTLY:
            self._told.wrong.append(f"refused for no reason: {given}: {receipt.message}")
        return receipt

    async def once(self, given: Given) -> None:
        """Give a command once."""
        began = asyncio.get_running_loop().time()
        try:
            async with open_door(self._settings, commands=True) as door:
                given.answered(await door.submit(given.envelope))
        except Unavailable as said:
            given.not_answered(said)
        except Exception as broken:  # noqa: BLE001 - people see a traceback, and know nothing
            given.told.append(("unknown", f"{type(broken).__name__}: {broken}"))
            self._told.wrong.append(f"no answer but a traceback: {given}: {broken!r}")
        kind, words = given.told[-1]
        self._told.answers[kind] += 1
        if given.final is None:
            self._told.reasons[" ".join(words.split()[:12])] += 1
        took = asyncio.get_running_loop().time() - began
        self._told.slowest = max(self._told.slowest, took)

    def _given(self, command: Any, actor: str, body: dict[str, Any]) -> Given:
        if isinstance(command, str):
            command = COMMANDS[command].model_validate(body)
        given = Given(
            Envelope.of(
                command,
                command_id=UUID(int=self._chance.getrandbits(128), version=4),
                actor=actor,
                issued_at=datetime.now(UTC),
            )
        )
        self._told.given.append(given)
        return given

    def _now(self) -> datetime:
        return datetime.now(self._zone)

    # Afterwards

    async def settle(self, given: Given, within: float) -> None:
        """Repeat what may or may not have been carried out, until it has its one answer."""
        deadline = asyncio.get_running_loop().time() + within
        while given.final is None:
            await self.once(given)
            if asyncio.get_running_loop().time() > deadline:
                self._told.wrong.append(f"no answer within {within:.0f} s: {given}")
                return
            await asyncio.sleep(0.1)

    async def knock(self, streams: list[str], within: float) -> None:
        """See that every stream takes a command."""
        at_once = asyncio.Semaphore(4)

        async def one(given: Given) -> None:
            async with at_once:
                await self.settle(given, within)

        knocks = [given for given in map(self._knock, streams) if given is not None]
        await asyncio.gather(*map(one, knocks))

    def _knock(self, stream: str) -> Given | None:
        kind, _, name = stream.partition(":")
        match kind:
            case "engagement" | "appropriation":
                return self._given(ReconcileNotices(of=stream), SYSTEM, {})
            case "person":
                body: dict[str, Any] = {"person": name, "digest": "daily"}
                return self._given("person change", "dana", body)
            case "lea":
                return self._given("lea change", "dana", {"lea": name, "county": "Manzanita"})
            case "program":
                body = {"handle": "late", "name": "Late Comer", "role": ["lead"]}
                body["email"] = "late@collaborative.example"
                return self._given("person register", "dana", body)
            case _:
                return None  # Documents, which are published and then read alone.
