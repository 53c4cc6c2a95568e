"""A short chaos in every run of the tests; `make chaos` plays longer ones."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.postgres import Cluster
from tests.chaos import running
from tests.chaos.calls import FEW, Calls, Where, drawn
from tests.chaos.safeguards import SAFEGUARDS
from tests.chaos.story import Outcome, Theatre, differences
from tests.conftest import load


@pytest.fixture(scope="module")
def theatre(
    cluster: Cluster,
    template: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
    playbook: Playbook,
    calendar: CalendarPack,
) -> Theatre:
    home: Path = tmp_path_factory.mktemp("theatre")
    return Theatre(cluster, template["sandbox"], home, playbook, calendar)


@pytest.fixture(scope="module")
def clean(theatre: Theatre) -> tuple[Outcome, Mapping[Where, int]]:
    """What the story comes to where nothing fails, and how many calls it takes."""
    calls = Calls()
    wanted, found = asyncio.run(theatre.play(calls))
    assert found == []
    assert min(calls.counts.values()) > 30, calls.counts
    return wanted, calls.counts


@pytest.mark.parametrize("seed", [kept["seed"] for kept in load("tests/chaos/seeds.yaml")["calls"]])
async def test_a_story_whose_calls_fail_comes_to_the_same(
    seed: int, theatre: Theatre, clean: tuple[Outcome, Mapping[Where, int]]
) -> None:
    wanted, counts = clean
    calls = Calls(drawn(seed, counts, FEW))
    came, found = await theatre.play(calls)
    assert len(calls.failed) >= sum(FEW.values()) - 2, calls.failed
    assert found + differences(wanted, came) == [], calls.failed


async def test_a_safeguard_that_is_left_out_is_found(
    theatre: Theatre, clean: tuple[Outcome, Mapping[Where, int]]
) -> None:
    """One that is found at once; `make chaos ARGS=safeguards` breaks each of them."""
    wanted, _ = clean
    with SAFEGUARDS["message_id_made_anew"]():
        came, found = await theatre.play(Calls())
    assert found + differences(wanted, came)


@pytest.mark.slow
@pytest.mark.timeout(300)
async def test_servers_that_are_killed_and_cut_off_break_no_promise(tmp_path: Path) -> None:
    """The worker and PostgreSQL killed, Temporal frozen, answers lost on the way."""
    said: list[str] = []
    done = await running.run(23006, 5, 3, tmp_path, said.append, worker=running.IMPATIENT)
    assert done.found == [], "\n".join(said)
    assert {"kill", "freeze", "swallow the answer of"} <= done.faults.keys()
    assert done.figures["recorded"] > 10
