"""All deliverables in a list: now from the read model, on an earlier day from the events."""

import pytest

from tests.end_to_end.conftest import TODAY, E, Handrail

pytestmark = pytest.mark.timeout(120)


OF_THE_DESK = ("D1", "D2")
"""Other tests, which share its sandbox, may have added more."""


def ids(handrail: Handrail, *options: str) -> list[str]:
    """Which of the desk's own deliverables are listed."""
    answer = handrail("deliverable", "list", *options, "--json")
    assert answer.code == 0, answer.said
    return [i for row in answer.lines if (i := row["deliverable"]) in OF_THE_DESK]


def test_the_list_says_how_each_stands_and_with_whom_it_is(desk: Handrail) -> None:
    rows = {row["deliverable"]: row for row in desk("deliverable", "list", "--json").lines}
    assert rows["D1"] == {
        "engagement": E,
        "lea_name": "Alder Creek Unified School District",
        "lead": "marcus",
        "deliverable": "D1",
        "title": "Theory of action",
        "status": "agreed",
        "due": "2054-09-25",
        "round": 1,
        "hours": "0",
        "proposed_due": None,
        "unsigned": [],
        "waits_on": ["lea"],
        "held": False,
        "illustrative": False,
        "overdue": False,
    }
    said = desk("deliverable", "list", E).out
    assert "D1" in said
    assert "Fri 25 Sep 2054" in said
    assert "signature of the LEA" in said
    assert "Fri 20 Nov 2054 if signed" in said


def test_the_list_is_narrowed_by_status_side_lead_and_what_is_overdue(desk: Handrail) -> None:
    assert ids(desk, "--status", "agreed") == ["D1"]
    assert ids(desk, "--side", "lea") == ["D1", "D2"]
    assert ids(desk, "--side", "agency") == []
    assert ids(desk, "--lead", "marcus") == ["D1", "D2"]
    assert ids(desk, "--lead", "tess") == []
    assert ids(desk, "--overdue") == []
    none = desk("deliverable", "list", "--overdue")
    assert "0 deliverables" in none.out
    assert "Leave out an option" in none.out
    nobody = desk("deliverable", "list", "--lead", "marcos")
    assert nobody.code == 1
    assert "marcus" in nobody.err


@pytest.mark.parametrize("clock", ["--as-known", "--as-true"])
def test_on_an_earlier_day_it_is_what_was_there_by_then(desk: Handrail, clock: str) -> None:
    now = desk("deliverable", "list", "--json").lines
    assert desk("deliverable", "list", clock, TODAY, "--json").lines == now
    assert ids(desk, clock, "2054-08-01") == []
    early = desk("deliverable", "list", E, clock, "2054-08-01")
    assert early.code == 1
    assert "was not open yet on that day" in early.err
