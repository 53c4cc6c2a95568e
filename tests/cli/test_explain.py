"""What is wrong with typed values is said in words, all of it, and where it stands."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from cli.terminal.files import load_yaml
from cli.terminal.options import explain
from domain.agreements.agreements import ActOnAgreement
from domain.checkins.closing import CloseCheckIn
from domain.deliverables.proposing import ProposeDeliverable
from domain.kernel.messages import Command
from domain.money.investments import AddInvestment
from domain.policy.playbook import Playbook
from domain.program.leas import RegisterLea
from domain.program.people import RegisterPerson
from domain.program.publishing import PublishPlaybook
from domain.review.evidence import LogEvidence
from tests.conftest import load

E = {"engagement": "alder-creek-usd"}


def said(command: type[Command], **body: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        command.model_validate(body)
    return explain(caught.value, command)


def test_a_value_inside_a_file_is_named_by_its_path() -> None:
    content = load("packs/playbooks/dta-sir.yaml")
    content["policies"][0]["steps"][2]["days"] = "soon"
    text = said(PublishPlaybook, content=content)
    assert "FILE (policies.0.steps.2.days) 'soon': " in text
    assert "See handrail playbook publish --help" in text


def test_a_value_among_several_is_named_by_its_place() -> None:
    text = said(CloseCheckIn, **E, purpose={}, commitment=["2027-09-01/joy=Budget", "Minutes"])
    assert "--commitment (1) 'Minutes': write it as DATE/PERSON=TEXT" in text
    assert "(0)" not in text
    text = said(CloseCheckIn, **E, purpose={}, commitment=["tomorrow/joy=Budget"])
    assert "--commitment (0.by) 'tomorrow': not a day; write it as YYYY-MM-DD" in text


def test_a_fact_without_its_source_is_named() -> None:
    text = said(RegisterLea, id="x", name="X", facts=[{"name": "enrolment", "value": 3}])
    assert "--facts (0.source) is missing" in text


def test_everything_that_is_wrong_is_named_at_once() -> None:
    text = said(ActOnAgreement, **E, board="lea", action="waved", meeting="soon")
    assert "DECISION 'waved': " in text
    assert "--on 'soon': not a day; write it as YYYY-MM-DD" in text
    assert "See handrail agreement act --help" in text


def test_an_amount_with_a_fraction_of_a_cent_is_shown_how_to_be_written() -> None:
    text = said(AddInvestment, **E, amount="12,000", purpose="coaching")
    assert "'12,000': not an amount; write dollars as 12000 or 12000.50" in text


def test_a_long_value_is_not_repeated_whole() -> None:
    text = said(ActOnAgreement, **E, board="lea", action="approved", meeting="x" * 500)
    assert "x" * 60 in text
    assert "x" * 100 not in text


@pytest.mark.parametrize(
    ("command", "body", "words"),
    [
        (
            ProposeDeliverable,
            {"title": " ", "due": "2027-04-16"},
            "TITLE ' ': empty; say something",
        ),
        (
            ProposeDeliverable,
            {"title": "T", "due": "2027-04-16", "hours": "-1"},
            "--hours '-1': must be at least 0",
        ),
        (
            ProposeDeliverable,
            {"title": "T", "due": "2027-04-16", "hours": "9000"},
            "--hours '9000': must be at most 2000",
        ),
        (
            ProposeDeliverable,
            {"title": "T", "due": "2027-04-16", "hours": "many"},
            "--hours 'many': not a number; write it as 12 or 12.5",
        ),
        (
            ProposeDeliverable,
            {"title": "T", "due": "2027-04-16", "hours": "1.125"},
            "--hours '1.125': more than 2 decimal places",
        ),
        (
            LogEvidence,
            {"area": "1", "method": "walk", "group": "teachers", "count": "many"},
            "--count 'many': not a whole number; write it as 12",
        ),
        (
            ProposeDeliverable,
            {"title": "x" * 301, "due": "2027-04-16"},
            "longer than 300 characters; shorten it",
        ),
        (
            ActOnAgreement,
            {"board": "lea", "action": "approved", "meeting": "2026-09-24", "vote": "4:1"},
            "--vote '4:1': not of the form it needs. The vote as yes-no or yes-no-abstained",
        ),
        (
            ActOnAgreement,
            {"board": "lea", "action": "waved", "meeting": "2026-09-24"},
            "DECISION 'waved': not one of approved",
        ),
        (
            RegisterPerson,
            {"handle": "a", "name": "A", "email": "nobody"},
            "--email 'nobody' is not a",
        ),
    ],
)
def test_a_wrong_value_is_told_in_words_of_the_trade(
    command: type[Command], body: dict[str, Any], words: str
) -> None:
    text = said(command, **(E if "engagement" in command.model_fields else {}), **body)
    assert words in text
    assert ".." not in text
    for jargon in ("String should", "Input should", "greater than", "unable to parse", "pattern"):
        assert jargon not in text


def test_a_file_that_is_no_yaml_names_its_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "playbook.yaml"
    file.write_text("id: x\ntitle: a: b\n")
    with pytest.raises(SystemExit):
        load_yaml(file, Playbook)
    said = capsys.readouterr().err
    assert f"{file}, line 2: this is not YAML" in said
    assert "mapping values" not in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("content", "words"), [(None, "There is no file"), (b"id: caf\xe9", "not text in UTF-8")]
)
def test_a_file_that_cannot_be_read_says_what_to_do(
    content: bytes | None, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "playbook.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(SystemExit):
        load_yaml(file, Playbook)
    said = capsys.readouterr().err
    assert words in said
    assert "Errno" not in said
    assert "codec" not in said
