"""The page about backups, command by command, on the embedded stack; and a directory copied."""

import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedded.home import CopiedHomeError, Home
from tests.embedded.support import ROOT, Installation

# Two whole stacks, one after the other.
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PAGE = ROOT / "docs/how-to/back-up.md"
BLOCK = re.compile(r"```sh\n(.*?)```", re.DOTALL)


def commands() -> list[list[str]]:
    """Every command of the page's blocks, in order."""
    typed = "".join(BLOCK.findall(PAGE.read_text("utf-8"))).splitlines()
    assert all(line.startswith("handrail ") for line in typed), typed
    return [shlex.split(line)[1:] for line in typed]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Installation]:
    here = Installation(tmp_path / "handrail", more={"HANDRAIL_ACTOR": "dana"})
    here.home.mkdir()
    yield here
    here.end()


def test_the_page_can_be_followed_and_a_copy_is_asked_what_it_is(
    office: Installation, tmp_path: Path
) -> None:
    steps = commands()
    assert [step[0] for step in steps] == [
        "backup", "down", "restore", "up", "admin", "doctor", "admin", "admin",
    ]  # fmt: skip
    file = str(tmp_path / "handrail-monday.backup")
    steps = [[file if word == "handrail-monday.backup" else word for word in s] for s in steps]
    office.run("up", "--detach")
    office.run(
        "init", "--name", "Direct technical assistance", "--agency", "The Collaborative",
        "--sender", "handrail@collaborative.example", "--director", "dana",
        "--director-name", "Dana Whitfield", "--director-email", "dana@collaborative.example",
    )  # fmt: skip
    office.run(*steps[0])
    office.run("lea", "register", "late-usd", "Late Unified")
    for step in steps[1:5]:
        done = office.run(*step)
        if step[0] == "restore":
            assert "lea register" in done.stdout or "lea:late-usd" in done.stdout, done.stdout
            assert "every chain intact" in done.stdout
    assert "late-usd" not in office.run("lea", "list").stdout
    seen = {f["part"]: f for f in office.json(*steps[5], code=0)["findings"]}
    assert seen["Life"]["seen"].startswith("number 2")
    office.run("lea", "register", "late-usd", "Late Unified")
    office.run("down")

    # A copy beside its original: the same key, the same people, the same addresses.
    copy = Installation(tmp_path / "copy", more=office.more)
    subprocess.run(["cp", "-a", office.home, copy.home], check=True)
    refused = copy.run("up", "--detach", code=1)
    assert "is a copy of a data directory" in refused.stderr
    assert "handrail admin adopt --practice" in refused.stderr
    assert copy.is_gone()
    copy.run(*steps[6])
    try:
        copy.run("up", "--detach")
        copy.run("admin", "recover")
        told = {f["part"]: f["seen"] for f in copy.json("doctor")["findings"]}
        assert "no mail leaves it" in told["Life"]
        assert "late-usd" in copy.run("lea", "list").stdout
        copy.run("lea", "register", "practice-usd", "Practice Unified")
    finally:
        copy.end()

    # The original, moved on its disk, is the same one still.
    moved = Home(tmp_path / "moved")
    office.home.rename(moved.path)
    moved.check_seat()
    moved.path.rename(office.home)
    shutil.copytree(copy.home, moved.path)
    with pytest.raises(CopiedHomeError):
        moved.check_seat()
