"""One run: people work while servers fail, everything heals, and every promise is looked at."""

import asyncio
import random
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from store.database import open_pool
from store.vault import Vault
from tests.chaos import checks
from tests.chaos.faults import Misfortune, drawn
from tests.chaos.people import Desk, Told, hurried, midday_zone
from tests.chaos.servers import Servers, until
from tests.conftest import MASTER_KEY, load

HEALS_WITHIN = 240.0
"""Seconds in which everything that was begun must come to its end once nothing fails any more:
attempts are up to half a minute apart by then."""
IMPATIENT = ("-m", "tests.chaos.impatient")
"""What Python runs as the worker where nobody has time to wait."""
ONCE_MORE = 30
"""How many commands are given once more when everything is over."""
LONG = 5.0
REMINDERS_AT = 0.5
"""When the one morning of a run is, as a part of the time in which there are faults."""
UNSETTLED = """
select (select count(*) from ops.mails where outcome is null)
     + (select count(*) from ops.mail_streams where not reported)
     + (select count(*) from read.deliveries where outcome = 'pending')
     + (select count(*) from read.notices where status = 'claimed')
     + (select count(*) from read.notices n
         where status = 'planned' and planned_for < clock_timestamp())
     + (select count(*) from es.events e
         where (e.xact_id, e.position) > (select xact_id, position from ops.checkpoints
                                           where reader = 'follower'))
"""


@dataclass
class Run:
    """What a run was and what it found."""

    seed: int
    found: list[str] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    figures: dict[str, float] = field(default_factory=dict)


async def run(
    seed: int,
    faults: int,
    desks: int,
    home: Path,
    say: Callable[[str], None],
    worker: tuple[str, ...] = ("-m", "tests.chaos.patient"),
    careless: bool = False,
) -> Run:
    """Everything follows from the seed, but for what the machine does in between.

    Args:
        faults: How many there are.
        desks: How many people work at the same time.
        home: For the servers' files and logs.
        say: Told what happens, with its moment.
        worker: What Python runs as the worker.
        careless: Whether PostgreSQL says "committed" before that is so.
    """
    began = time.monotonic()

    def said(text: str) -> None:
        say(f"{time.monotonic() - began:7.2f} {text}")

    done = Run(seed)
    servers = Servers(home, worker)
    told = Told()
    try:
        await servers.start()
        if careless:
            await servers.commit_carelessly()
        said("everything runs")
        plan = drawn(seed, faults)
        now = datetime.now(UTC)
        zone = midday_zone(now)
        playbook = hurried(
            Playbook.model_validate(load("packs/playbooks/dta-sir.yaml")),
            zone,
            now + timedelta(seconds=REMINDERS_AT * sum(fault.then for fault in plan)),
        )
        calendar = CalendarPack.model_validate(load("packs/calendars/california.yaml"))
        people = [
            Desk(name, servers.settings, playbook, zone, seed, told)
            for name in [f"desk{n}" for n in range(1, desks + 1)]
        ]
        await people[0].furnish(calendar)
        working = [asyncio.create_task(desk.work()) for desk in people]
        misfortune = Misfortune(servers, said)
        await misfortune.befall(plan)
        await misfortune.over()
        done.faults = misfortune.happened
        for desk in people:
            desk.go_home()
        await asyncio.gather(*working)
        said("nothing fails any more")
        await _heal(servers, people[0], told, done, said)
    except Exception:  # noqa: BLE001 - whatever ends a run was found
        done.found.append(f"the run ended: {traceback.format_exc()}")
    finally:
        done.found += told.wrong
        done.answers = told.answers
        for said_of, times in told.reasons.most_common(8):
            said(f"{times} times: {said_of} ...")
        await servers.stop()
    done.figures |= {
        "commands": len(told.given),
        "recorded": sum(g.final is not None and g.final.outcome == "recorded" for g in told.given),
        "slowest answer": round(told.slowest, 2),
        "seconds": round(time.monotonic() - began, 1),
    }
    return done


async def _heal(
    servers: Servers, desk: Desk, told: Told, done: Run, said: Callable[[str], None]
) -> None:
    await servers.serving()
    for given in told.given:
        if given.is_open:
            asked = time.monotonic()
            await desk.settle(given, 120)
            if (took := time.monotonic() - asked) > LONG:
                said(f"  for {took:.0f} s no answer to {given}: {given.told[-2][1]}")
    said("every question has its answer")
    began = time.monotonic()

    async def settled() -> bool:
        return bool(await servers.ask(UNSETTLED) == 0)

    try:
        await until(settled, HEALS_WITHIN, "not settled")
    except AssertionError as late:
        done.found.append(str(late))
    done.figures["settled after"] = round(time.monotonic() - began, 1)
    said("nothing is under way")
    pool = await open_pool(servers.url("postgres"))
    try:
        streams = await pool.fetch("select distinct stream from es.events order by 1")
        await desk.knock([row["stream"] for row in streams], 90)
        await until(settled, 60, "not settled again")
        # Once more: the same answer, whatever happened since.
        chance = random.Random(done.seed)
        answered = [given for given in told.given if given.final is not None]
        for given in chance.sample(answered, min(ONCE_MORE, len(answered))):
            await desk.once(given)
        caught = servers.caught()
        done.found += await checks.everything(pool, Vault(MASTER_KEY), told.given, caught)
        async with pool.acquire() as connection:
            done.figures["mails"] = await connection.fetchval("select count(*) from ops.mails")
            done.figures["events"] = await connection.fetchval("select count(*) from es.events")
        done.figures["copies"] = len(caught)
    finally:
        await pool.close()
    verified = await asyncio.to_thread(servers.command_line, "admin", "verify", "--json")
    if verified.returncode:
        done.found.append(f"admin verify: {verified.stdout}{verified.stderr}")
