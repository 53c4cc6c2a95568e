"""Who has left is marked wherever people are named in their roles, and who stands in is found."""

import re
from collections.abc import Iterator

import pytest

from tests.end_to_end.conftest import TODAY, E, Handrail


@pytest.fixture
def left(desk: Handrail) -> Iterator[Handrail]:
    """The LEA contact has left, without a superintendent: the Lead stands in."""
    title = "What is left behind"
    assert desk("deliverable", "propose", E, title, "--due", "2054-11-05", actor="marcus").code == 0
    [mine] = [d for d in desk("deliverable", "list", E, "--json").lines if d["title"] == title]
    id_ = mine["deliverable"]
    assert desk("deliverable", "sign", E, id_, actor="marcus").code == 0
    signed = desk("deliverable", "sign", E, id_, "--for", "joy", "--evidence", "mail")
    assert signed.code == 0, signed.said
    away = desk("person", "leave", "joy", "--on", TODAY)
    assert away.code == 0, away.said
    yield desk
    assert desk("person", "return", "joy").code == 0
    desk("deliverable", "redate", E, id_, "--due", "2054-11-06", "--reason", "r", actor="marcus")


def test_whoever_has_left_is_marked_everywhere_and_who_stands_in_is_found(left: Handrail) -> None:
    owed = " ".join(left("due", "--engagement", E).out.split())
    assert "Joy Kim" in owed
    assert "stands in" in owed
    [whole, *_] = [o for o in left("due", "--engagement", E, "--json").lines if o["side"] == "lea"]
    assert (whole["person"], whole["stands_in"]) == ("joy", "marcus")
    assert whole["left_on"] is not None
    for who in ("marcus", "joy"):
        found = left("due", "--person", who, "--json").lines
        assert whole["item"] in {o["item"] for o in found}, who
    assert whole["item"] not in {o["item"] for o in left("due", "--person", "dana", "--json").lines}

    shown = left("engagement", "show", E).out
    [contact] = [line for line in shown.splitlines() if line.strip().startswith("lea contact:")]
    assert "Joy Kim (left " in contact
    assert "; Marcus Oyelaran stands in)" in contact
    data = left("engagement", "show", E, "--json").lines[0]
    assert data["absent"]["lea_contact"]["stands_in"] == "Marcus Oyelaran"
    packet = left("lead", "packet", E).out
    assert re.search(
        r"Joy Kim, joy@alder-creek.example \(left .*; Marcus Oyelaran stands in\)", packet
    )
    team = " ".join(left("team", "show", E).out.split())
    assert "Joy Kim (left" in team


def test_nobody_is_marked_while_everybody_is_there(desk: Handrail) -> None:
    assert "stands in" not in desk("engagement", "show", E).out
    assert all(o["left_on"] is None for o in desk("due", "--engagement", E, "--json").lines)
