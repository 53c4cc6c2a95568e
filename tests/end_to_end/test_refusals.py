"""What people mistype and mistake: one paragraph, the value, the way out, and the exit code."""

import pytest

from tests.end_to_end.conftest import TODAY, E, Handrail

LINE_BREAK = "Plan\nBcc: everybody@example.org"

REFUSALS = [
    pytest.param(
        "tess", ("engagement", "open", "ACUS", "--lead", "marcus", "--director", "dana"),
        ("'ACUS'", "acusd", "handrail lea list"), id="unknown LEA",
    ),
    pytest.param(
        "tess", ("engagement", "show", "alder-crek"),
        ("'alder-crek'", E, "handrail engagement list"), id="unknown engagement",
    ),
    pytest.param(
        "marcus", ("conversation", "log", "alder-crek", "parents"),
        ("'alder-crek'", E), id="unknown engagement in a command",
    ),
    pytest.param(
        "marcus", ("deliverable", "accept", E, "D9"),
        ("'D9'", "D1 (Theory of action)"), id="unknown deliverable",
    ),
    pytest.param(
        "tess", ("deliverable", "sign", E, "D2", "--for", "joi", "--evidence", "mail"),
        ("'joi'", "joy", "handrail person list"), id="unknown person",
    ),
    pytest.param(
        "tess", ("engagement", "open", "ACUSD", "--lead", "marcus", "--director", "dana"),
        (E, "opened Tue 4 Aug 2054 by Tess Nguyen", "handrail engagement show"), id="double press",
    ),
    pytest.param(
        "marcus", ("deliverable", "accept", E, "D1"),
        ("D1", "agreed", "handrail deliverable submit"), id="wrong state",
    ),
    pytest.param(
        "tess", ("deliverable", "sign", E, "D2"),
        ("Tess Nguyen is not the Lead", "Marcus Oyelaran", "--for PERSON"), id="wrong person",
    ),
    pytest.param(
        "dana", ("deliverable", "sign", E, "D2", "--for", "marcus", "--evidence", "mail"),
        ("Marcus Oyelaran works at the agency", "handrail person list --organisation"),
        id="not of the LEA",
    ),
    pytest.param(
        "tess", ("person", "register", "eve", "Eve", "--email", "eve@c.example", "--role", "lead"),
        ("Tess Nguyen", "only a Director"), id="roles are a Director's to give",
    ),
    pytest.param(
        "marcus", ("deliverable", "propose", E, "Plan", "--due", "2055-02-30"),
        ("--due '2055-02-30'", "handrail deliverable propose --help"), id="impossible date",
    ),
    pytest.param(
        "marcus", ("deliverable", "propose", E, "Plan", "--due", "2054-07-01"),
        ("Wed 1 Jul 2054", "not after today", "lies ahead"), id="due date in the past",
    ),
    pytest.param(
        "marcus", ("deliverable", "propose", E, "Plan", "--due", "2054-11-26"),
        ("Thanksgiving Day", "Wed 25 Nov 2054", "Mon 30 Nov 2054"), id="due on a holiday",
    ),
    pytest.param(
        "marcus", ("conversation", "log", E, "parents", "--on", "2054-12-24"),
        ("Thu 24 Dec 2054", "today is"), id="a fact from the future",
    ),
    pytest.param(
        "tess", ("agreement", "draft", E, "--charge", "500"),
        ("$500.00", "the LEA never pays"), id="charged to the LEA",
    ),
    pytest.param(
        "tess", ("investment", "add", E, "--amount=500", "--purpose=pens", "--paid-by=lea"),
        ("$500.00", "the LEA never pays"), id="investment charged to the LEA",
    ),
    pytest.param(
        "tess", ("person", "register", "sam", "Sam", "--email", "sam at county"),
        ("'sam at county'", "is not a mail address"), id="malformed mail address",
    ),
    pytest.param(
        "tess", ("person", "register", "sam", "Sam", "--email", "sam@county.example\nBcc: x@y.z"),
        ("is not a mail address",), id="header injection by address",
    ),
    pytest.param(
        "tess", ("person", "register", "sam", "Sam\r\nBcc: x@y.z"),
        ("one line",), id="header injection by name",
    ),
    pytest.param(
        "marcus", ("deliverable", "propose", E, LINE_BREAK, "--due", "2054-12-01"),
        ("one line",), id="header injection by title",
    ),
    pytest.param(
        "marcus", ("deliverable", "sign", E, "D2"),
        ("signed already for the agency by Marcus Oyelaran", "waits for the LEA"),
        id="second signature by the same side",
    ),
    pytest.param(
        "nobody", ("conversation", "log", E, "parents"),
        ("'nobody'", "HANDRAIL_ACTOR"), id="unknown actor",
    ),
    pytest.param(
        "joy", ("conversation", "log", E, "parents"),
        ("Joy Kim", "no staff role", "--for"), id="an LEA person acts",
    ),
    pytest.param(
        "marcus", ("engagement", "close", E, "--reason", "  "),
        ("--reason '  '",), id="blank reason",
    ),
    pytest.param(
        "tess", ("ledger", E, "--item", "D7"),
        ("'D7'", "D1"), id="ledger of an unknown item",
    ),
    pytest.param(
        "tess", ("history", E, "--as-known", "yesterday"),
        ("'yesterday'", "YYYY-MM-DD"), id="as known when",
    ),
    pytest.param(
        "tess", ("deliverable", "sign", E, "D2", "--for", "joy"),
        ("needs its evidence", "--evidence"), id="no evidence",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("actor", "arguments", "words"), REFUSALS)
def test_a_refusal_names_the_value_and_the_way_out(
    desk: Handrail, actor: str, arguments: tuple[str, ...], words: tuple[str, ...]
) -> None:
    answer = desk(*arguments, actor=actor)
    assert answer.code == 1, answer.said
    assert answer.out == ""
    message = answer.err.strip()
    assert "\n\n" not in message
    assert "Traceback" not in message
    assert "p-" not in message, "people are named, not numbered"
    for word in words:
        assert word in message


def test_blank_purposes_are_refused_and_nothing_is_half_closed(desk: Handrail) -> None:
    early = desk("checkin", "close", E, "--answer", "commitment=yes", actor="marcus")
    assert early.code == 1
    assert "not held yet" in early.err
    assert "handrail checkin hold" in early.err
    held = desk("checkin", "hold", E, "--on", TODAY, "--with", "joy", actor="marcus")
    assert held.code == 0, held.said
    answer = desk(
        "checkin", "close", E, "--answer", "commitment=renewed", "--answer", "support-match= ",
        actor="marcus",
    )  # fmt: skip
    assert answer.code == 1
    for purpose in ("support-match", "coaching-capacity", "impact-measurement"):
        assert purpose in answer.err
    [shown] = desk("engagement", "show", E, "--json").lines
    assert shown["checkins"][0]["outcome"] is None


@pytest.mark.parametrize(
    ("arguments", "way_out"),
    [
        pytest.param(
            ("deliverable", "propoze", E), "`handrail deliverable propose`", id="unknown verb"
        ),
        pytest.param(("deliverable", "propose", E), "--help", id="missing argument"),
        pytest.param(
            ("agreement", "act", E, "lea", "blessed", "--on", TODAY), "--help", id="a choice"
        ),
        pytest.param(("due", "--sonest"), "--help", id="unknown option"),
    ],
)  # fmt: skip
def test_wrong_usage_is_exit_code_2(
    desk: Handrail, arguments: tuple[str, ...], way_out: str
) -> None:
    answer = desk(*arguments)
    assert answer.code == 2
    assert way_out in answer.err


def test_without_an_actor_nothing_is_changed(desk: Handrail) -> None:
    answer = desk("conversation", "log", E, "parents", actor=None)
    assert answer.code == 1
    assert "HANDRAIL_ACTOR" in answer.err


def test_a_refusal_as_json_says_what_kind_it_is(desk: Handrail) -> None:
    answer = desk("deliverable", "accept", E, "D1", "--json", actor="marcus")
    assert answer.code == 1
    [receipt] = answer.lines
    assert receipt["outcome"] == "refused"
    assert receipt["refusal"] == "WrongState"
    assert "D1" in receipt["message"]
