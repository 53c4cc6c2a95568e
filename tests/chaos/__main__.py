"""`make chaos`: what was promised, held against servers and calls that fail; docs/reliability.md.

What is tried: `processes` kills, stops and cuts off real servers while people work; `calls` fails
every n-th call along one engagement; `safeguards` breaks each safeguard, which must be found.
"""

import argparse
import asyncio
import logging
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import structlog
import yaml
from temporalio.runtime import LoggingConfig, Runtime, TelemetryConfig, TelemetryFilter

from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.postgres import postgres_cluster
from tests.chaos.calls import Calls, Mode, Where, comb, drawn
from tests.chaos.running import IMPATIENT, Run, run
from tests.chaos.safeguards import SAFEGUARDS
from tests.chaos.story import Outcome, Theatre, differences
from tests.conftest import load, template_of

KEPT = Path(__file__).with_name("seeds.yaml")
STRIDES: Mapping[Where, int] = {"store": 61, "engine": 13, "mail": 11}
"""Every so many calls one fails; as many rounds as the longest of them reach every call."""
MODES: tuple[Mode, ...] = ("before", "after")
WITHIN_SECONDS = 90.0
"""A story that does not come to its end by then has found something."""
SEEDS_FOR_A_SAFEGUARD = 10
CARELESS = "commits_not_waited_for"
"""The one safeguard whose lack only shows on servers that are killed."""
CARELESS_FAULTS, CARELESS_DESKS = 16, 4


def main() -> int:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument(
        "what", nargs="*", default=["processes", "calls"],
        help="processes, calls, safeguards (default: the first two)",
    )  # fmt: skip
    parser.add_argument("--seed", type=int, action="append", help="this seed; can be repeated")
    parser.add_argument("--seeds", type=int, default=2, help="how many seeds, from --first on")
    parser.add_argument("--first", type=int, default=2, help="the first of them")
    parser.add_argument("--faults", type=int, default=40, help="how many faults a seed brings")
    parser.add_argument("--desks", type=int, default=4, help="how many people work at once")
    parser.add_argument(
        "--rounds", type=int, default=4,
        help=f"of failing calls; {max(STRIDES.values())} reach every call",
    )  # fmt: skip
    parser.add_argument("--from", dest="from_round", type=int, default=0,
                        help="the first of these rounds, to play them in pieces")  # fmt: skip
    parser.add_argument("--break", dest="broken", action="append", choices=[*SAFEGUARDS, CARELESS],
                        help="this safeguard alone; can be repeated")  # fmt: skip
    given = parser.parse_args()
    if unknown := set(given.what) - {"processes", "calls", "safeguards"}:
        parser.error(f"{', '.join(unknown)}: choose processes, calls or safeguards")
    # What fails on purpose is told at length by everybody whom it concerns.
    logging.disable(logging.CRITICAL)
    telling = LoggingConfig(filter=TelemetryFilter(core_level="ERROR", other_level="ERROR"))
    Runtime.set_default(Runtime(telemetry=TelemetryConfig(logging=telling)))
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))

    good = True
    if "processes" in given.what:
        good &= processes(given)
    if "calls" in given.what:
        good &= asyncio.run(calls(given.from_round, given.rounds))
    if "safeguards" in given.what:
        names = given.broken or [*SAFEGUARDS, CARELESS]
        good &= asyncio.run(safeguards([n for n in names if n in SAFEGUARDS], bool(given.broken)))
        if CARELESS in names:
            good &= careless()
    say("every promise was kept" if good else "SOMETHING WAS FOUND: see above")
    return 0 if good else 1


def say(text: str) -> None:
    print(text, flush=True)


def processes(given: argparse.Namespace) -> bool:
    """Real servers, each a process."""
    kept = yaml.safe_load(KEPT.read_text("utf-8"))["processes"]
    plan = [] if given.seed else [(k["seed"], k["faults"], k["desks"]) for k in kept]
    chosen = given.seed or range(given.first, given.first + given.seeds)
    plan += [(seed, given.faults, given.desks) for seed in chosen]
    runs = [_one(*of) for of in plan]
    faults: Counter[str] = sum((r.faults for r in runs), Counter())
    answers: Counter[str] = sum((r.answers for r in runs), Counter())
    names = ("commands", "recorded", "events", "mails", "copies", "seconds")
    figures = {name: sum(r.figures.get(name, 0) for r in runs) for name in names}
    say(f"{len(runs)} seeds, {faults.total()} faults: {_told(faults)}")
    say(f"{_told(figures)}; answers: {_told(answers)}")
    if failed := [r.seed for r in runs if r.found]:
        say(f"seeds that found something, to be kept in {KEPT.name}: {failed}")
    return not failed


def _one(seed: int, faults: int, desks: int) -> Run:
    home = Path(tempfile.mkdtemp(prefix="handrail-chaos-"))
    say(f"seed {seed}, {faults} faults, {desks} desks; files in {home}")
    done = asyncio.run(run(seed, faults, desks, home, lambda text: say(f"  {text}")))
    say(f"  {_told(done.figures)}; answers: {_told(done.answers)}")
    if done.found:
        say("\n    ".join([f"seed {seed} FOUND:", *done.found]))
        again = f"processes --seed {seed} --faults {faults} --desks {desks}"
        say(f'  Its logs stay in {home}. Again: make chaos ARGS="{again}"')
    else:
        shutil.rmtree(home)
        say(f"seed {seed}: every promise was kept")
    return done


async def calls(first: int, rounds: int) -> bool:
    """Every n-th call of store, engine and mail server fails, before it acts or after."""
    total: Counter[str] = Counter()
    good = True
    async with _theatre() as theatre:
        wanted, counts = await _clean(theatre)
        say(f"calls along one engagement: {_told(counts)}")
        for offset in range(first, first + rounds):
            for mode in MODES:
                failing = Calls(comb(offset, STRIDES, mode))
                wrong = await _played(theatre, failing, wanted)
                total.update(failed.split()[0] for failed in failing.failed)
                good &= not wrong
                say(f"  round {offset} {mode}: {len(failing.failed)} calls failed")
                for said in wrong:
                    say(f"    FOUND: {said}")
    say(f"{2 * rounds} stories in which calls failed: {_told(total)}")
    return good


async def safeguards(names: list[str], only: bool) -> bool:
    """Each safeguard left out in turn, with the seeds one after the other until that is found."""
    good = True
    async with _theatre() as theatre:
        wanted, counts = await _clean(theatre)
        for seed in () if only else range(1, SEEDS_FOR_A_SAFEGUARD + 1):
            if wrong := await _played(theatre, Calls(drawn(seed, counts)), wanted):
                say(f"seed {seed} finds something with every safeguard in place: {wrong}")
                good = False
        for name in names:
            for seed in range(1, SEEDS_FOR_A_SAFEGUARD + 1):
                with SAFEGUARDS[name]():
                    wrong = await _played(theatre, Calls(drawn(seed, counts)), wanted)
                if wrong:
                    say(f"{name}: found with seed {seed}: {wrong[0][:300]}")
                    break
            else:
                say(f"{name}: NOT FOUND within {SEEDS_FOR_A_SAFEGUARD} seeds")
                good = False
    return good


def careless() -> bool:
    """A PostgreSQL that does not wait until what is committed is written down."""
    for seed in range(1, SEEDS_FOR_A_SAFEGUARD + 1):
        with tempfile.TemporaryDirectory(prefix="handrail-chaos-") as home:
            done = asyncio.run(
                run(seed, CARELESS_FAULTS, CARELESS_DESKS, Path(home), lambda _: None,
                    worker=IMPATIENT, careless=True)
            )  # fmt: skip
        if done.found:
            say(f"{CARELESS}: found with seed {seed}: {done.found[0][:300]}")
            return True
    say(f"{CARELESS}: NOT FOUND within {SEEDS_FOR_A_SAFEGUARD} seeds")
    return False


async def _clean(theatre: Theatre) -> tuple[Outcome, Any]:
    clean = Calls()
    wanted, found = await theatre.play(clean)
    assert found == [], f"something is wrong though nothing failed: {found}"
    return wanted, clean.counts


async def _played(theatre: Theatre, failing: Calls, wanted: Outcome) -> list[str]:
    try:
        came, found = await asyncio.wait_for(theatre.play(failing), WITHIN_SECONDS)
    except Exception as ended:  # noqa: BLE001 - whatever ends a story was found
        return [f"the story ended: {ended!r}"]
    return found + differences(wanted, came)


@asynccontextmanager
async def _theatre() -> AsyncIterator[Theatre]:
    with tempfile.TemporaryDirectory(prefix="handrail-chaos-") as directory:
        home = Path(directory)
        async with postgres_cluster(home / "postgresql", durable=False) as cluster:
            yield Theatre(
                cluster,
                await template_of(cluster, "sandbox"),
                home,
                Playbook.model_validate(load("packs/playbooks/dta-sir.yaml")),
                CalendarPack.model_validate(load("packs/calendars/california.yaml")),
            )


def _told(numbers: Mapping[Any, float]) -> str:
    return ", ".join(f"{name} {number:g}" for name, number in numbers.items())


if __name__ == "__main__":
    code = main()
    # Temporal's runtime sometimes aborts an interpreter that ends in the ordinary way.
    sys.stdout.flush()
    os._exit(code)
