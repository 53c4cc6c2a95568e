"""Nobody has to read an answer to its end, and what cannot be written is said."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import main

ANSWERS = [
    pytest.param(["--help"], 0, id="the help of everything"),
    pytest.param(["deliverable", "--help"], 0, id="the help of a noun"),
    pytest.param(["deliverable", "propose", "--help"], 0, id="the help of a verb"),
    pytest.param(["--version"], 0, id="the version"),
    pytest.param(["completion", "bash"], 0, id="a long script"),
    pytest.param(["status", "--json"], 3, id="an answer with a code of its own"),
    pytest.param(["history", "alder-creek-usd", "--json"], 3, id="what is told as JSON"),
    pytest.param(["histroy", "--json"], 2, id="a mistake, told as JSON"),
    pytest.param(["investment", "list", "--fiscal-year", "2026"], 1, id="a refusal"),
]


@pytest.mark.parametrize(("typed", "code"), ANSWERS)
def test_a_reader_who_leaves_early_changes_nothing(
    typed: list[str], code: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path))
    with os.fdopen(writer, "w", encoding="utf-8") as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        monkeypatch.setattr(sys, "stderr", gone)
        with pytest.raises(SystemExit) as left:
            main(typed)
    assert (left.value.code or 0) == code


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no full device here")
@pytest.mark.parametrize("typed", [["--help"], ["completion", "bash"], ["status", "--json"]])
def test_what_cannot_be_written_is_said(
    typed: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path))
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        monkeypatch.setattr(sys, "stdout", full)
        with pytest.raises(SystemExit) as left:
            main(typed)
    assert left.value.code == 3
    assert capsys.readouterr().err == (
        "The answer could not be written: No space left on device. Ask again.\n"
    )


def test_a_pipe_that_is_closed_ends_a_process_without_a_traceback() -> None:
    for typed in ("--help", "completion bash"):
        shown = subprocess.run(
            ["bash", "-c", f'"$0" -m cli.main {typed} | true; echo "${{PIPESTATUS[0]}}"',
             sys.executable],
            capture_output=True,
            text=True,
        )  # fmt: skip
        assert (shown.stdout, shown.stderr) == ("0\n", "")


def test_a_process_without_any_output_still_has_its_code(tmp_path: Path) -> None:
    for redirected in (">&-", "2>&-", ">&- 2>&-"):
        done = subprocess.run(
            ["bash", "-c", f'"$0" -m cli.main xyzzy {redirected}', sys.executable],
            env={**os.environ, "HANDRAIL_HOME": str(tmp_path)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert done.stdout == ""
