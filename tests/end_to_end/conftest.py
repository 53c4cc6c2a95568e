"""One sandbox for all tests of the command line, started as a person starts it."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from cli.main import main
from tests.embedded.support import OURS, Installation
from tests.end_to_end.measured import measured_as_numbers, otherwise_written

TODAY = "2054-08-04"
E = "alder-creek-usd"


@dataclass(frozen=True)
class Answer:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def said(self) -> str:
        return self.out + self.err

    @property
    def lines(self) -> list[Any]:
        """Every line of a ``--json`` answer."""
        lines = [json.loads(line) for line in self.out.splitlines()]
        assert measured_as_numbers(lines) == {}, "see docs/reference/exit-codes.md"
        assert otherwise_written(lines) == {}, "see docs/reference/exit-codes.md"
        return lines


Handrail = Callable[..., Answer]


@contextmanager
def environment(values: dict[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    for name in list(os.environ):
        if name.startswith(OURS):
            del os.environ[name]
    os.environ.update(values)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("a desk") / "handrail data")
    installation.home.mkdir()
    started = installation.run("up", "--sandbox", "--detach")
    assert started.returncode == 0, started.stderr
    yield installation
    installation.run("down")


@pytest.fixture
def handrail(installation: Installation, capfd: pytest.CaptureFixture[str]) -> Handrail:
    """Runs one command in this process, as somebody; the servers are real."""

    def run(*arguments: str, actor: str | None = "tess", **more: str) -> Answer:
        values = {"HANDRAIL_HOME": str(installation.home), **more}
        if actor is not None:
            values["HANDRAIL_ACTOR"] = actor
        capfd.readouterr()
        code = 0
        with environment(values):
            try:
                main(list(arguments))
            except SystemExit as left:
                code = left.code if isinstance(left.code, int) else 1
        captured = capfd.readouterr()
        return Answer(code, captured.out, captured.err)

    return run


@pytest.fixture
def desk(handrail: Handrail) -> Handrail:
    """A program with its people, and Alder Creek's engagement with a deliverable under way."""

    def must(*arguments: str, actor: str = "tess") -> None:
        answer = handrail(*arguments, actor=actor)
        assert answer.code == 0, f"{arguments}: {answer.said}"

    if handrail("person", "list", "--json").out:
        return handrail
    must("clock", "to", f"{TODAY}T09:00")
    must(
        "init", "--name", "Direct technical assistance", "--agency", "The Collaborative",
        "--sender", "handrail@collaborative.example", "--director", "dana",
        "--director-name", "Dana Whitfield", "--director-email", "dana@collaborative.example",
    )  # fmt: skip
    must("clock", "to", f"{TODAY}T09:30")
    for handle, name, role in (
        ("marcus", "Marcus Oyelaran", "lead"),
        ("tess", "Tess Nguyen", "assistant"),
    ):
        must(
            "person", "register", handle, name, "--email", f"{handle}@collaborative.example",
            "--role", role, actor="dana",
        )  # fmt: skip
    must("lea", "register", E, "Alder Creek Unified School District", "--alias", "ACUSD")
    must(
        "person",
        "register",
        "joy",
        "Joy Kim",
        "--email",
        "joy@alder-creek.example",
        "--organisation",
        E,
    )
    must(
        "engagement", "open", "ACUSD", "--lead", "marcus", "--director", "dana", "--contact", "joy"
    )
    for group in ("board", "superintendent", "union-president", "principals", "ed-services",
                  "parents", "students"):  # fmt: skip
        must("conversation", "log", E, group, actor="marcus")
    must(
        "fit", "decide", E, "--proceed", "--answer", "agreement=yes",
        "--answer", "underserved=yes", "--answer", "commitment=yes", actor="marcus",
    )  # fmt: skip
    must("agreement", "draft", E)
    for board in ("lea", "ccee"):
        must("agreement", "act", E, board, "approved", "--on", TODAY)
    must("deliverable", "propose", E, "Theory of action", "--due", "2054-09-25", actor="marcus")
    must("deliverable", "sign", E, "D1", actor="marcus")
    must("deliverable", "sign", E, "D1", "--for", "joy", "--evidence", "mail of 4 August")
    must("deliverable", "propose", E, "Measures", "--due", "2054-11-20", actor="marcus")
    must("deliverable", "sign", E, "D2", actor="marcus")
    return handrail
