"""The tutorial, command by command, as a newcomer would type it: what the page shows must come."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
TUTORIAL = ROOT / "docs/tutorial/first-engagement.md"

OURS = ("HANDRAIL_", "TEMPORAL_", "DATABASE_URL", "SMTP_URL", "PG", "XDG_")
"""Variables of whoever runs the tests that must not steer what they test."""

VOLATILE = re.compile(
    r"127\.0\.0\.1"  # ports and processes
    r"|/handrail-practice"  # where the newcomer lives
    r"|this machine  |, since \d{4}-"  # a process, today
    r"|…"  # what the page leaves out
    r"|^\s*\d{4}-\d\d-\d\d \d\d:\d\d$"  # how far the clock came, in slices that follow the load
)
"""Lines of the page that are different on every screen."""

MOVING = (
    (re.compile(r"\b\d\d:\d\d(:\d\d)?\b"), "00:00"),  # minutes pass while one types
    (re.compile(r"^\d+  (?=\d{4}-)"), "N  "),  # two mails of one minute go in either order
    (re.compile(r"-{2,}"), "--"),  # rules are as wide as their columns
    (re.compile(r"\s+"), " "),
)
"""Parts of a line that may differ."""


@dataclass
class Step:
    """One command with what the page shows below it."""

    line: int
    command: str
    refused: bool
    expected: list[str] = field(default_factory=list)


def steps(page: str) -> list[Step]:
    """The commands of a page's console blocks, in order; ``> `` continues one."""
    found: list[Step] = []
    inside = refused = False
    for number, line in enumerate(page.splitlines(), start=1):
        if line.startswith("```"):
            inside = not inside and line.startswith("```console")
            refused = line == "```console refused"
        elif not inside:
            continue
        elif line.startswith("$ "):
            found.append(Step(number, line[2:], refused))
        elif line.startswith("> "):
            found[-1].command += "\n" + line[2:]
        elif line.strip():
            found[-1].expected.append(line)
    return found


def settled(line: str) -> str:
    """A line without what may differ."""
    for pattern, instead in MOVING:
        line = pattern.sub(instead, line)
    return line.strip()


def missing(step: Step, shown: str) -> list[str]:
    """The lines that the page promises and the command did not print."""
    seen = {settled(line) for line in shown.splitlines()}
    wanted = [line for line in step.expected if not VOLATILE.search(line)]
    return [line for line in wanted if settled(line) not in seen]


class Newcomer:
    """A shell in an empty home directory, with Handrail on its path."""

    def __init__(self, home: Path) -> None:
        self.home = home
        tools = home / "bin"
        tools.mkdir()
        handrail = tools / "handrail"
        handrail.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cli.main "$@"\n', "utf-8")
        handrail.chmod(0o755)
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(OURS)}
        self.environment = {
            **inherited,
            "HOME": str(home),
            "PATH": f"{tools}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
        }

    def type(self, command: str) -> tuple[int, str]:
        """Exit code and everything on the screen."""
        if setting := re.fullmatch(r"export (\w+)=(\S+)", command):
            self.environment[setting[1]] = setting[2].replace("~", str(self.home))
            return 0, ""
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=self.home,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=90,
        )
        return done.returncode, done.stdout


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    """One desk for all pages, whichever is read first."""
    return Newcomer(tmp_path_factory.mktemp("newcomer"))


@pytest.fixture
def newcomer(desk: Newcomer) -> Iterator[Newcomer]:
    yield desk
    code, shown = desk.type("handrail down")
    assert code == 0, shown


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_tutorial_shows_what_a_newcomer_sees(newcomer: Newcomer) -> None:
    story = steps(TUTORIAL.read_text("utf-8"))
    assert len(story) > 20
    for step in story:
        code, shown = newcomer.type(step.command)
        where = f"{TUTORIAL.name}:{step.line}: {step.command}\n{shown}"
        assert code == (1 if step.refused else 0), f"exit code {code}: {where}"
        assert not missing(step, shown), where


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_the_tour_of_the_readme_shows_what_it_promises(newcomer: Newcomer) -> None:
    """The README quotes the telling part of each answer, refusals included."""
    story = steps((ROOT / "README.md").read_text("utf-8"))
    assert len(story) > 20
    for step in story:
        code, shown = newcomer.type(step.command)
        assert code in (0, 1), f"exit code {code}: {step.command}\n{shown}"
        for line in step.expected:
            assert settled(line) in settled(shown), f"README.md:{step.line}: {line!r}\n{shown}"


def test_a_line_that_is_not_shown_is_noticed() -> None:
    page = "```console\n$ clock\nMonday 09:00\nTuesday 127.0.0.1\nWednesday\n```\n"
    [step] = steps(page)

    assert missing(step, "Monday  10:17\n") == ["Wednesday"]


def test_commands_may_go_over_several_lines_and_expect_a_refusal() -> None:
    page = "Text\n```console refused\n$ cat <<END\n> x\n> END\nx\n$ fit\n```\n```sh\n$ no\n```\n"

    assert steps(page) == [
        Step(3, "cat <<END\nx\nEND", True, ["x"]),
        Step(7, "fit", True),
    ]
