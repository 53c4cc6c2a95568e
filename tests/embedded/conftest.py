from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.embedded.support import Installation, Make


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Make]:
    made: list[Installation] = []

    def make(**more: str) -> Installation:
        made.append(Installation(tmp_path / "a path with spaces" / "data", more=more))
        return made[-1]

    yield make
    for one in made:
        one.end()
