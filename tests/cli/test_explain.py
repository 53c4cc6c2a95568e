"""What is wrong with typed values is said in words, all of it, and where it stands."""

from typing import Any

import pytest
from pydantic import ValidationError

from cli.commands import explain
from domain.agreements import ActOnAgreement
from domain.closing import CloseCheckIn
from domain.investments import AddInvestment
from domain.kernel import Command
from domain.leas import RegisterLea
from domain.policy import PublishPlaybook
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
    assert "CONTENT (policies.0.steps.2.days) 'soon': " in text
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
    assert "ACTION 'waved': " in text
    assert "--meeting 'soon': not a day; write it as YYYY-MM-DD" in text
    assert "See handrail agreement act --help" in text


def test_an_amount_with_a_fraction_of_a_cent_is_shown_how_to_be_written() -> None:
    text = said(AddInvestment, **E, amount="12,000", purpose="coaching")
    assert "'12,000': not an amount; write dollars as 12000 or 12000.50" in text


def test_a_long_value_is_not_repeated_whole() -> None:
    text = said(ActOnAgreement, **E, board="lea", action="approved", meeting="x" * 500)
    assert "x" * 60 in text
    assert "x" * 100 not in text
