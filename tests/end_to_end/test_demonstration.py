"""`make demo`, the first thing anybody runs: it passes, checks itself, and is short to read."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.embedded.support import OURS

ROOT = Path(__file__).parent.parent.parent
MOST_LINES = 150
"""What anybody reads of a story that scrolls by."""


def command_of(target: str) -> list[str]:
    """What `make` runs for a target once everything is installed."""
    planned = subprocess.run(
        ["make", "--dry-run", "--assume-old=.venv/.installed", target],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if not k.startswith("MAKE")},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return shlex.split(planned.strip().splitlines()[-1])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_demonstration_passes_its_own_audit_and_is_soon_read(tmp_path: Path) -> None:
    python, *arguments = command_of("demo")
    assert python == ".venv/bin/python"
    told = subprocess.run(
        [sys.executable, *(str(ROOT / a) if (ROOT / a).exists() else a for a in arguments)],
        cwd=tmp_path,
        env={
            **{k: v for k, v in os.environ.items() if not k.startswith(OURS)},
            "PYTHONPATH": str(ROOT),
            "HOME": str(tmp_path),
            "TMPDIR": str(tmp_path),
        },
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert told.stderr == ""
    assert re.search(r"^13 engagements .*, \d+ mails, \d+ seconds: all as computed\.$", told.stdout,
                     re.MULTILINE)  # fmt: skip
    assert len(told.stdout.splitlines()) < MOST_LINES
    assert list(tmp_path.glob("handrail-demo-*")) == [], "it leaves nothing behind"
