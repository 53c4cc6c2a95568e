"""What befalls the servers, drawn from a seed."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import asyncpg

from tests.chaos.servers import Servers

KINDS = {
    # kind: (how often, what it may befall)
    "kill": (8, ("worker", "postgresql", "temporal", "mail")),
    "kill a backend of": (2, ("postgresql",)),
    "freeze": (5, ("worker", "postgresql", "temporal", "mail")),
    "end connections of": (3, ("postgresql",)),
    "fill the disk of": (2, ("postgresql", "temporal", "mail")),
    "cut": (5, ("people:postgresql", "people:temporal", "worker:postgresql", "worker:temporal",
                "worker:mail")),
    "swallow the answer of": (7, ("people:postgresql", "people:temporal", "worker:postgresql",
                                  "worker:temporal", "worker:mail")),
    "half close towards": (2, ("people:postgresql", "people:temporal", "worker:postgresql",
                               "worker:temporal", "worker:mail")),
    "half close from": (2, ("people:postgresql", "people:temporal", "worker:postgresql",
                            "worker:temporal", "worker:mail")),
    "hold back": (4, ("people:postgresql", "people:temporal", "worker:postgresql",
                      "worker:temporal", "worker:mail")),
}  # fmt: skip

EVERY_SEVENTH = ("start another", "set the clock of")
"""In turn; what a seed draws for the others stays what it was."""
CLOCK_MINUTES = (-2160, -10, -1, 1, 10, 2160)
"""By how much the worker's clock is set wrong: a day and a half at most."""


@dataclass(frozen=True)
class Fault:
    """One thing that happens, how long it lasts, and how long it is quiet after it began."""

    kind: str
    what: str
    lasts: float
    then: float
    by_minutes: int = 0
    ends_badly: bool = False

    def __str__(self) -> str:
        by = f" by {self.by_minutes:+d} min" if self.by_minutes else ""
        how = ", which is killed" if self.ends_badly else ""
        return f"{self.kind} {self.what}{by} for {self.lasts:.1f} s{how}"


def drawn(seed: int, count: int) -> list[Fault]:
    """So many faults; the same for the same seed."""
    chance = random.Random(f"faults {seed}")
    weights = [weight for weight, _ in KINDS.values()]
    plan = []
    for kind in chance.choices([*KINDS], weights, k=count):
        what = chance.choice(KINDS[kind][1])
        plan.append(Fault(kind, what, chance.uniform(0.2, 2.0), chance.uniform(0.3, 4.0)))
    for turn, at in enumerate(range(6, count, 7)):
        lasts, then = chance.uniform(3.0, 12.0), chance.uniform(0.3, 4.0)
        if EVERY_SEVENTH[turn % 2] == "start another":
            killed = chance.random() < 0.5
            plan[at] = Fault("start another", "worker", lasts, then, ends_badly=killed)
        else:
            by = chance.choice(CLOCK_MINUTES)
            plan[at] = Fault("set the clock of", "worker", lasts, then, by_minutes=by)
    return plan


class Misfortune:
    """Inflicts faults one after the other; each ends by itself, some only after the next began."""

    def __init__(self, servers: Servers, said: Callable[[str], None]) -> None:
        self._servers = servers
        self._said = said
        self._lasting: set[asyncio.Task[None]] = set()
        self.happened: Counter[str] = Counter()

    async def befall(self, plan: list[Fault]) -> None:
        for fault in plan:
            self._said(str(fault))
            self.happened[fault.kind] += 1
            task = asyncio.create_task(self._inflict(fault))
            self._lasting.add(task)
            await asyncio.sleep(fault.then)

    async def over(self) -> None:
        """Wait until whatever lasts is over, and everything runs again."""
        await asyncio.gather(*self._lasting)
        for part in ("postgresql", "temporal", "mail", "worker"):
            await self._servers.ensure(part)

    async def _inflict(self, fault: Fault) -> None:
        at, what = self._servers, fault.what
        wire = at.proxies[tuple(what.split(":"))] if ":" in what else None  # type: ignore[index]
        match fault.kind:
            case "kill":
                await at.kill(what)
                await asyncio.sleep(fault.lasts)
                await at.ensure(what)
            case "kill a backend of":
                await at.kill_a_backend()
            case "freeze":
                at.freeze(what)
                await asyncio.sleep(fault.lasts)
                at.thaw(what)
            case "end connections of":
                try:
                    await at.terminate_backends()
                except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                    self._said("  (PostgreSQL is away itself)")
            case "fill the disk of":
                at.fill_disk(what)
                await asyncio.sleep(fault.lasts)
                at.empty_disk(what)
                await at.ensure(what)
            case "start another":
                guest = await at.another_worker()
                await asyncio.sleep(fault.lasts)
                await at.dismiss(guest, killed=fault.ends_badly)
            case "set the clock of":
                at.set_clock(fault.by_minutes)
                await asyncio.sleep(fault.lasts)
                at.set_clock(0)
            case "hold back":
                assert wire
                wire.hold()
                await asyncio.sleep(fault.lasts)
                wire.release()
            case "cut":
                assert wire
                wire.cut()
            case "swallow the answer of":
                assert wire
                wire.swallow()
            case kind:
                assert wire
                wire.half_close(towards_server=kind == "half close towards")
