"""Every target of the Makefile that is promised can be made."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
MAKEFILE = ROOT.joinpath("Makefile").read_text("utf-8")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
TYPED = re.compile(r"`make ([a-z-]+)|^(?:\$ )?make ([a-z-]+)", re.MULTILINE)


def promised() -> set[str]:
    [listed] = re.findall(r"^\.PHONY: (?!\$)(.+)$", MAKEFILE, re.MULTILINE)
    said = {
        first or second
        for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/**/*.md")]
        for block in [*FENCED.findall(page.read_text("utf-8")), page.read_text("utf-8")]
        for first, second in TYPED.findall(block)
        if first or "```" in block
    }
    return {*listed.split(), *said}


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make, as every user does")
def test_every_target_that_is_promised_is_known_to_make_and_defined_once() -> None:
    # As a text that make itself has read: with -p it says what it knows, with -q it runs nothing.
    # Whatever made these tests has flags of its own, which are not for this.
    own = {name: value for name, value in os.environ.items() if "MAKE" not in name}
    read = subprocess.run(
        ["make", "-npq", "--no-builtin-rules", "help"],
        cwd=ROOT, env=own, capture_output=True, text=True, check=False,
    )  # fmt: skip
    known = re.findall(r"^([a-z-]+):", read.stdout, re.MULTILINE)
    rules = {name: MAKEFILE.count(f"\n{name}:") for name in promised()}

    assert "warning" not in read.stderr
    assert promised() - set(known) == set()
    assert {name: count for name, count in rules.items() if count != 1} == {}
