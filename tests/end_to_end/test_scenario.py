"""One engagement over two fiscal years, told through the command line in 52 steps.

Everything is fictional. The dates are those of August 2026 to August 2028, 28 years later: the
calendar repeats every 28 years, with the same weekdays and the same changes of the clock, so that
a sandbox can reach them. What each step proves, and where a step differs from the story as it was
first told, stands in docs/rules/scenario.md.

The steps are told once, in their order, whatever the order of the tests: a test of a step tells
the story up to it. After a step that fails there is no story.
"""

import re
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from tests.embedded.support import ROOT, Installation
from tests.end_to_end.scenario import (
    agreeing,
    ending,
    invariants,
    partnering,
    queries,
    recruiting,
    reviewing,
    turning,
)
from tests.end_to_end.scenario.desk import Desk, Step, Story

PAGE = ROOT / "docs/rules/scenario.md"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]


def those(kind: str, *modules: ModuleType) -> list[Step]:
    """The functions of modules whose names begin with a word, in the order of their numbers."""
    found = {n: f for m in modules for n, f in vars(m).items() if n.startswith(f"{kind}_")}
    return [found[name] for name in sorted(found)]


STEPS = those("step", recruiting, agreeing, reviewing, partnering, turning, ending)
QUERIES = those("query", queries)
INVARIANTS = those("invariant", invariants)


def name(step: Callable[[Desk], None]) -> str:
    return step.__name__


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    installation = Installation(tmp_path_factory.mktemp("a story") / "handrail data")
    installation.home.mkdir()
    installation.run("up", "--sandbox", "--detach")
    yield Story(Desk(installation), STEPS)
    installation.end()


def test_no_step_is_left_out() -> None:
    assert [int(s.__name__[5:7]) for s in STEPS] == list(range(1, 53))
    assert [int(q.__name__[6:8]) for q in QUERIES] == list(range(1, 11))
    steps = PAGE.read_text("utf-8").split("\n## The steps\n")[1].split("\n## ")[0]
    assert [int(n) for n in re.findall(r"^\| (\d+) \|", steps, re.MULTILINE)] == list(range(1, 53))


@pytest.mark.parametrize("step", STEPS, ids=name)
def test_step(step: Step, story: Story) -> None:
    story.tell(step)


@pytest.mark.parametrize("query", QUERIES, ids=name)
def test_query(query: Step, story: Story) -> None:
    query(story.tell())


@pytest.mark.parametrize("invariant", INVARIANTS, ids=name)
def test_invariant(invariant: Step, story: Story) -> None:
    invariant(story.tell())
