"""What a shell is told about the word that is being typed."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli import index
from cli.completing import FILES, candidates
from cli.main import main


@pytest.mark.parametrize("verb", index.VERBS)
def test_every_verb_is_reached_word_by_word(verb: str) -> None:
    words = verb.split()
    for count, word in enumerate(words):
        assert word in candidates([*words[:count], ""])
        assert word in candidates([*words[:count], word[:2]])
    assert "--help" in candidates([*words, "--"])


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("deliv|", ["deliverable"]),
        ("xyzzy |", []),
        ("deliverable xyzzy |", []),
        # The name of the board is the name of a noun, and the noun's verbs are no answer.
        ("agreement act alder-creek-usd lea |",
         ["approved", "denied", "continued", "signed", "ratified"]),
        ("agreement act alder-creek-usd lea a|", ["approved"]),
        ("agreement act alder-creek-usd |", []),
        ("deliverable propose alder-creek-usd Title --d|", ["--due"]),
        ("deliverable propose alder-creek-usd Title --due 2054-09-25 --ho|", ["--hours"]),
        ("deliverable propose alder-creek-usd Title --due |", []),
        ("deliverable propose alder-creek-usd Title --illustrative --du|", ["--due"]),
        ("engagement list --phase c|", ["closed"]),
        ("engagement list --phase = c|", ["closed"]),
        ("engagement list --phase=c|", ["--phase=closed"]),
        ("lea import |", [FILES]),
        ("lead packet alder-creek-usd --out |", [FILES]),
        ("completion |", ["bash", "zsh", "fish"]),
    ],
)  # fmt: skip
def test_what_may_follow_is_offered(typed: str, offered: list[str]) -> None:
    *before, word = typed.removesuffix("|").split(" ")
    assert candidates([*before, word]) == offered


def test_bash_completes_with_the_script_that_is_printed(tmp_path: Path) -> None:
    handrail = tmp_path / "handrail"
    handrail.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cli.main "$@"\n', "utf-8")
    handrail.chmod(0o755)
    (tmp_path / "a file.csv").touch()
    typed = f"""
        source <(handrail completion bash)
        completed() {{
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _handrail; printf '%s\\n' "${{COMPREPLY[@]}}"
        }}
        completed handrail deliverable pro
        completed handrail lea import "{tmp_path}/a"
    """
    root = Path(__file__).parents[2]
    shown = subprocess.run(
        ["bash", "-c", typed],
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
    )
    assert shown.stdout.splitlines() == ["propose", f"{tmp_path}/a file.csv"]


def test_the_script_is_printed_and_nothing_is_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for shell in ("bash", "zsh", "fish"):
        with pytest.raises(SystemExit) as left:
            main(["completion", shell])
        assert not left.value.code
        assert f"handrail completion {shell}" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_shell_is_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SHELL", "/bin/dash")
    with pytest.raises(SystemExit) as left:
        main(["completion"])
    assert left.value.code == 2
    assert "handrail completion bash" in capsys.readouterr().err
