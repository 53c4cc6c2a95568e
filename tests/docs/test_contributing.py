"""The subject that CONTRIBUTING.md shows is one: whoever copies it has begun."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
PLAYED = """

from datetime import date

from domain.kernel.refusals import AlreadyExists, Unknown
from domain.owing.obligations import obligations
from tests.domain.story import Story

def owed():
    all_owed = obligations(story.state(), story.context("tess", None))
    return [(o.due, o.settled) for o in all_owed if o.item == "interpreter/Mixteco"]

story, it = Story().opened(), {"language": "Mixteco", "meeting": date(2026, 9, 14)}
Story().when("interpreter need", **it).refuses(Unknown, "handrail engagement list")
story.do("interpreter need", **it)
assert owed() == [(date(2026, 9, 14), None)]
story.when("interpreter need", **it).refuses(AlreadyExists, "handrail history")
story.do("interpreter need", **it, booked="Ana Ruiz")
assert owed() == [(date(2026, 9, 14), "booked")]
print(*(r.event.sentence() for r in story.history()[-2:]), sep="\\n")
"""


def test_the_subject_that_is_shown_can_be_played() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    [code] = re.findall(r"plays it -->\n```python\n(.*?)```", page, re.DOTALL)
    # In a process of its own: the registry of this one must not learn it.
    played = subprocess.run(
        [sys.executable, "-c", f"{code}{PLAYED}"], cwd=ROOT, capture_output=True, text=True
    )

    assert played.returncode == 0, played.stderr
    assert played.stdout.splitlines() == [
        "The meeting on Mon 14 Sep 2026 needs Mixteco, not booked yet.",
        "The meeting on Mon 14 Sep 2026 needs Mixteco: Ana Ruiz.",
    ]
