"""A short chaos in every run of the tests; `make chaos` plays longer ones."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import pytest

from domain.calendar import CalendarPack
from domain.playbook import Playbook
from embedded.postgres import Cluster
from tests.chaos.calls import FEW, Calls, Where, drawn
from tests.chaos.safeguards import SAFEGUARDS
from tests.chaos.story import Outcome, Theatre, differences


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


@pytest.mark.parametrize("seed", [3, 5])
async def test_a_story_whose_calls_fail_comes_to_the_same(
    seed: int, theatre: Theatre, clean: tuple[Outcome, Mapping[Where, int]]
) -> None:
    wanted, counts = clean
    calls = Calls(drawn(seed, counts, FEW))
    came, found = await theatre.play(calls)
    assert len(calls.failed) >= sum(FEW.values()) - 2, calls.failed
    assert found + differences(wanted, came) == [], calls.failed


@pytest.mark.parametrize("name", ["message_id_made_anew", "reminders_not_reconciled"])
async def test_a_safeguard_that_is_left_out_is_found(
    name: str, theatre: Theatre, clean: tuple[Outcome, Mapping[Where, int]]
) -> None:
    """Two that are found at once; `make chaos ARGS=safeguards` breaks each of them."""
    wanted, _ = clean
    with SAFEGUARDS[name]():
        came, found = await theatre.play(Calls())
    assert found + differences(wanted, came)
