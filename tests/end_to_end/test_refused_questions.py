"""Whatever is asked wrongly with --json is answered with one object on stdout, and nothing else."""

import json

from cli.whole import build
from domain import subjects  # noqa: F401 - registers every command
from domain.rules.registry import COMMANDS
from tests.cli.test_json import verbs
from tests.end_to_end.conftest import Handrail

NO_QUESTIONS = (
    "up", "down", "init", "completion", "clock", "admin", "serve", "backup", "restore",
    "undo",
)  # fmt: skip


def test_every_question_about_what_is_not_there_is_refused_in_json(desk: Handrail) -> None:
    refused = 0
    for name, verb in verbs(build()):
        if name in COMMANDS or name.startswith(NO_QUESTIONS):
            continue
        arguments = verb.assemble_argument_collection()
        positions = [a for a in arguments if not any(n.startswith("-") for n in a.names)]
        answer = desk(*name.split(), *["nonsense"] * len(positions), "--json")
        if answer.code == 0:
            continue
        told = json.loads(answer.out)
        assert told["outcome"] in ("refused", "usage", "unavailable"), name
        assert told["message"], name
        assert answer.err == "", name
        assert answer.code == {"refused": 1, "usage": 2, "unavailable": 3}[told["outcome"]], name
        refused += 1
    assert refused > 30
