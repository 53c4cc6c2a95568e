"""The commands around a stack, where none runs."""

import json
import smtplib
from collections.abc import Callable
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from cli.sandbox import parse_duration
from embedded.mailcatcher import mail_catcher
from embedded.process import free_port
from tests.embedded.support import OURS

Run = Callable[..., "Answer"]


class Answer:
    """What one command said, and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import os

    for name in list(os.environ):
        if name.startswith(OURS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HANDRAIL_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def run(home: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> Answer:
        capsys.readouterr()
        code: object = 0
        try:
            main(list(arguments))
        except SystemExit as left:
            code = left.code or 0
        said = capsys.readouterr()
        assert isinstance(code, int)
        return Answer(code, said.out, said.err)

    return run


def test_the_doctor_says_what_is_away_and_what_to_do(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SMTP_URL", f"smtp://127.0.0.1:{free_port()}")
    monkeypatch.setenv("HANDRAIL_ACTOR", "dana")
    done = run("doctor")
    assert done.code == 3
    assert "Run `handrail up`" in done.out
    for name in ("Stack", "Temporal", "PostgreSQL", "Mail", "Master key"):
        assert f"\n{name}: " in done.out, "each with what to do"
    assert {f["state"] for f in run("doctor", "--json").json["findings"]} == {"ok", "away"}


def test_stopping_what_does_not_run_is_no_error(run: Run, home: Path) -> None:
    assert "Nothing is running" in run("down").out
    assert run("down", "--json").json == {"home": str(home), "stopped": False}
    assert not home.exists(), "asking leaves no traces"


def test_the_status_of_nothing_is_unavailable(run: Run) -> None:
    status = run("status")
    assert status.code == 3
    assert "handrail up" in status.err
    assert run("status", "--json").json["running"] is False


def test_the_clock_of_real_work_is_told_but_not_moved(run: Run) -> None:
    assert not run("clock", "--json").json["sandbox"]
    moved = run("clock", "advance", "1d")
    assert moved.code == 3
    assert "up --sandbox" in moved.err


def test_an_unusable_setting_is_refused_in_words(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEMPORAL_ADDRESS", "nowhere")
    for command in ("up", "down", "status", "doctor"):
        refused = run(command)
        assert refused.code == 1
        assert "TEMPORAL_ADDRESS 'nowhere' is not usable" in refused.err


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("14d", timedelta(days=14)),
        ("2w", timedelta(days=14)),
        ("3h", timedelta(hours=3)),
        ("90m", timedelta(minutes=90)),
        ("1d 12H", timedelta(days=1, hours=12)),
        ("", None),
        ("d", None),
        ("14", None),
        ("-1d", None),
        ("14 days", None),
        ("1y", None),
        ("9999999d", None),
    ],
)
def test_durations_are_numbers_with_units(text: str, expected: timedelta | None) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize("arguments", [("advance", "soon"), ("to", "2054-02-30"), ("to", "soon")])
def test_what_is_no_time_is_wrong_usage(run: Run, arguments: tuple[str, str]) -> None:
    wrong = run("clock", *arguments)
    assert wrong.code == 2
    assert arguments[1] in wrong.err


@pytest.fixture
def caught(home: Path) -> None:
    message = EmailMessage()
    message["From"] = "Ünal <handrail@example.org>"
    message["To"] = "lead@example.org"
    message["Subject"] = "Grüße [1/2]"
    message["Date"] = "Mon, 01 Mar 2027 08:00:00 -0800"
    message.set_content("Fällig.\nNot a command: \x1b[2J")
    message.add_alternative("<p>Fällig.</p>", subtype="html")
    plain = EmailMessage()
    plain["From"], plain["To"], plain["Subject"] = "a@b.example", "c@d.example", "plain"
    plain.set_content("Nothing else.")
    with (
        mail_catcher(home / "mail") as catcher,
        smtplib.SMTP("127.0.0.1", catcher.port, timeout=5) as server,
    ):
        server.send_message(message)
        server.send_message(plain)


def test_mails_are_listed_in_the_order_of_arrival(run: Run, caught: None) -> None:
    lines = run("mail", "list").out.splitlines()
    assert lines[2].split("  ")[0].strip() == "1"
    assert "2027-03-01 08:00 -0800" in lines[2]
    assert "Grüße [1/2]" in lines[2]
    assert "plain" in lines[3]
    objects = [json.loads(line) for line in run("mail", "list", "--json").out.splitlines()]
    assert [o["number"] for o in objects] == [1, 2]
    assert objects[0]["date"] == "2027-03-01T08:00:00-08:00"


def test_a_mail_is_shown_in_words_that_cannot_steer_the_terminal(run: Run, caught: None) -> None:
    shown = run("mail", "show", "1").out
    assert "From: Ünal <handrail@example.org>" in shown
    assert "Envelope: handrail@example.org to lead@example.org" in shown
    assert "Fällig.\nNot a command: " in shown
    assert "\x1b" not in shown
    assert run("mail", "show", "1", "--json").json["envelope_to"] == ["lead@example.org"]


def test_the_html_part_is_written_for_a_browser(run: Run, caught: None, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert run("mail", "show", "1", "--html", str(page)).code == 0
    assert page.stat().st_mode & 0o077 == 0
    assert "<p>Fällig.</p>" in page.read_text("utf-8")
    assert "no HTML part" in run("mail", "show", "2", "--html", str(page)).err
    assert "cannot be written" in run("mail", "show", "1", "--html", str(tmp_path)).err


@pytest.mark.parametrize("number", ["0", "3", "-1"])
def test_a_mail_that_is_not_there_is_refused(run: Run, caught: None, number: str) -> None:
    refused = run("mail", "show", number)
    assert refused.code == 1
    assert "numbered 1 to 2" in refused.err
