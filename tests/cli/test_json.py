"""Scripts can use every verb."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cyclopts import App

from cli.main import main
from cli.whole import build
from tests.end_to_end.measured import measured_as_numbers, otherwise_written

NOT_ASKED = {"completion"}
"""It writes a file for the shell and answers nothing."""


def verbs(app: App, path: str = "") -> Iterator[tuple[str, App]]:
    for name in app:
        if name.startswith("-"):
            continue
        verb = app[name]
        spoken = f"{path} {name}".strip()
        if verb.default_command:
            yield spoken, verb
        yield from verbs(verb, spoken)


def test_every_verb_answers_in_json() -> None:
    found = dict(verbs(build()))
    assert len(found) > 80
    silent = {
        spoken
        for spoken, verb in found.items()
        if "--json"
        not in [name for argument in verb.assemble_argument_collection() for name in argument.names]
    }
    assert silent == NOT_ASKED


def test_what_is_measured_and_told_as_a_number_is_noticed() -> None:
    answer = [{"version": 3, "waves": [{"hours": 8}, {"hours": "8"}], "share": 0.5}]
    assert measured_as_numbers(answer) == {"waves.hours": 8, "share": 0.5}
    counted = {"days_left": 4, "agenda": {"hours": 72}, "facts": [{"value": 4120}]}
    assert measured_as_numbers(counted) == {}


def test_money_and_hours_that_are_written_another_way_are_noticed() -> None:
    answer = [{"invested": "9000", "waves": [{"hours": "8.0"}], "reported": {"amount": "1E+3"}}]
    assert otherwise_written(answer) == {
        "invested": "9000",
        "waves.hours": "8.0",
        "reported.amount": "1E+3",
    }
    assert otherwise_written([{"invested": "9000.00", "hours": "8", "cap": "7.5"}]) == {}


QUESTION = ["history", "alder-creek-usd", "--json"]


def test_a_refused_question_is_answered_in_json(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path))
    with pytest.raises(SystemExit) as left:
        main(["investment", "list", "--fiscal-year", "2026", "--json"])
    answer = capsys.readouterr()
    assert left.value.code == 1
    assert json.loads(answer.out)["outcome"] == "refused"
    assert "'2026' is not a fiscal year" in json.loads(answer.out)["message"]
    assert answer.err == ""


@pytest.mark.parametrize(("typed", "code"), [(QUESTION, 3), (["histroy", "--json"], 2)])
def test_what_cannot_be_asked_is_told_in_json_too(
    typed: list[str],
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path))
    with pytest.raises(SystemExit) as left:
        main(typed)
    assert left.value.code == code
    answer = json.loads(capsys.readouterr().out)
    assert answer["outcome"] == {2: "usage", 3: "unavailable"}[code]
    assert answer["message"]


def test_a_machine_set_up_for_plain_ascii_says_names_as_they_are_written(tmp_path: Path) -> None:
    plain = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    done = subprocess.run(
        [sys.executable, "-m", "cli.main", "history", "Ñandú–Unified"],
        env={**os.environ, **plain, "HANDRAIL_HOME": str(tmp_path)},
        capture_output=True,
        check=False,
    )
    assert b"Traceback" not in done.stderr
    assert done.returncode in (1, 3)
    typed = "Ñandú – 5"
    code = "import sys; from cli.terminal.output import prepare; print(*prepare(sys.argv[1:]))"
    shown = subprocess.run(
        [sys.executable, "-c", code, typed], env={**os.environ, **plain}, capture_output=True
    )
    assert shown.stdout.decode().strip() == typed
