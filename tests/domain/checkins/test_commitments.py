"""Commitments of a check-in, docs/rules/check-ins.md: owed, judged, moved and corrected."""

from datetime import date
from typing import Any

import pytest

from domain.checkins.checkins import CheckInClosed
from domain.checkins.commitments import (
    Commitment,
    CommitmentAdded,
    CommitmentCorrected,
    CommitmentJudged,
    CommitmentRedated,
    commitments,
)
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Invalid,
    Refused,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.owing.obligations import Obligation, obligations
from domain.rules.references import refs
from domain.rules.registry import fold
from store.events import as_true
from tests.domain.story import ALDER, PLAYBOOK, PURPOSES, ZONE, Story, made
from tests.domain.tables import Row, day, table

HELD = date(2027, 6, 10)
NEXT = date(2028, 6, 8)
SEPTEMBER = date(2027, 9, 1)


def closed(*commitment: str) -> Story:
    """The first check-in, closed with these commitments, on the day after."""
    story = Story(date(2026, 10, 15)).effective().on(HELD).do("checkin hold", "marcus")
    story.do("checkin close", "marcus", purpose=PURPOSES, commitment=list(commitment))
    return story.on(date(2027, 6, 11))


def promised(by: date = SEPTEMBER, owner: str = "joy") -> Story:
    return closed(f"{by}/{owner}=Name two teacher leaders.")


def only(story: Story) -> Commitment:
    [found] = commitments(story.state())
    return found


def owed(story: Story, item: str = "CI-1/1") -> list[Obligation]:
    found = obligations(story.state(), story.context("marcus", None))
    return [o for o in found if o.item == item]


JUDGE: dict[str, Any] = {"checkin": "CI-1", "number": 1}
MOVE: dict[str, Any] = {
    **JUDGE, "by": date(2027, 10, 1), "reason": "hiring", "person": "elena", "evidence": "mail",
}  # fmt: skip


@pytest.mark.parametrize(
    "row",
    table("check-ins.md", "Commitments"),
    ids=lambda r: f"{r['Promised for']} {r['Judged']}",
)
def test_the_next_check_in_asks_what_became_of_earlier_promises(row: Row) -> None:
    story = promised(day(row["Promised for"]))
    if row["Judged"] != "–":
        note = None if row["Judged"] == "kept" else "one of two"
        story.do("commitment judge", verdict=row["Judged"], note=note, **JUDGE)
    story.on(NEXT).do("checkin hold", "marcus")
    close = story.when("checkin close", "marcus", purpose=PURPOSES)
    if row["The check-in of Thu 8 Jun 2028"] == "closes":
        close.records(CheckInClosed)
    else:
        close.refuses(
            Incomplete, "CI-2", "CI-1 commitment 1 (Name two teacher leaders.)",
            f"handrail commitment judge {ALDER} CI-1 1 --outcome kept",
        )  # fmt: skip


def test_three_promises_are_kept_partly_kept_and_dropped_a_year_later() -> None:
    story = closed("2027-09-01/joy=A", "2027-10-01/marcus=B", "2027-11-01/elena=C").on(NEXT)
    story.do("checkin hold", "marcus")
    message = story.when("checkin close", "marcus", purpose=PURPOSES).refuses(
        Incomplete, "commitment 1 (A)", "commitment 2 (B)", "commitment 3 (C)"
    )
    assert message.count("handrail commitment judge") == 1
    for number, verdict in enumerate(("kept", "partly", "dropped"), start=1):
        story.do("commitment judge", checkin="CI-1", number=number, verdict=verdict, note="n")
    story.do(
        "checkin close", "marcus", purpose=PURPOSES, outcome="end", reason="exit agreed",
        sustain="The team goes on.", commitment=["2028-06-22/joy=Report to the board"],
    )  # fmt: skip
    found = commitments(story.state())
    assert [(c.item, c.judged.verdict if c.judged else None) for c in found] == [
        ("CI-1/1", "kept"), ("CI-1/2", "partly"), ("CI-1/3", "dropped"), ("CI-2/1", None),
    ]  # fmt: skip


# Owed ---------------------------------------------------------------------------------------


def test_whoever_promised_is_reminded_until_it_is_judged() -> None:
    story = promised()
    assert story.planned_days("CI-1/1") == [
        date(2027, 8, 18), date(2027, 8, 27), SEPTEMBER, date(2027, 9, 2), date(2027, 9, 9),
        date(2027, 9, 16),
    ]  # fmt: skip
    assert story.ledger("CI-1/1")[0].planned.to == ("lea_contact",)
    story.on(date(2027, 8, 30)).do("commitment judge", verdict="kept", **JUDGE)
    assert story.planned_days("CI-1/1") == []
    assert [(n.status, n.reason) for n in story.ledger("CI-1/1")] == [
        ("sent", None), ("sent", None), *[("suppressed", "kept")] * 4,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("owner", "role", "side"),
    [
        ("joy", "lea_contact", "lea"),
        ("elena", "superintendent", "lea"),
        ("mendes", "lea_contact", "lea"),
        ("marcus", "lead", "agency"),
        ("dana", "director", "agency"),
        ("tess", "lead", "agency"),
    ],
)
def test_an_owner_is_reminded_by_role_or_through_whom_their_side_answers(
    owner: str, role: str, side: str
) -> None:
    [found] = owed(promised(owner=owner))
    assert (found.owner, found.side, found.due) == (role, side, SEPTEMBER)
    assert found.title == "Commitment: Name two teacher leaders."


def test_a_promise_of_the_lead_goes_on_with_the_next_lead() -> None:
    story = promised(owner="marcus").do("engagement assign", "dana", role="lead", person="priya")
    assert owed(story)[0].owner == "lead"
    story.on(date(2027, 8, 19))
    told = [m.person for m in story.mails if ("CI-1/1", 1, "t-14") in m.items]
    assert told == ["p-priya"]


def test_a_playbook_without_a_policy_reminds_nobody_of_promises() -> None:
    story = Story(date(2026, 10, 15)).effective()
    rules = PLAYBOOK.checkins.model_copy(update={"commitment_policy": None})
    story.playbook = PLAYBOOK.model_copy(update={"checkins": rules})
    story.on(HELD).do("checkin hold", "marcus")
    story.do("checkin close", "marcus", purpose=PURPOSES, commitment=["2027-09-01/joy=A"])
    assert story.ledger("CI-1/1") == []
    assert owed(story)[0].settled is None


# Judged -------------------------------------------------------------------------------------


def test_a_judgement_is_corrected_with_a_note() -> None:
    story = promised().on(date(2027, 9, 2)).do("commitment judge", verdict="kept", **JUDGE)
    story.when("commitment judge", verdict="kept", **JUDGE).refuses(
        AlreadyExists, "kept on Thu 2 Sep 2027"
    )
    story.when("commitment judge", verdict="partly", **JUDGE).refuses(
        Incomplete, "judged kept before", "--note TEXT"
    )
    [judged] = story.when("commitment judge", verdict="partly", note="one", **JUDGE).records(
        CommitmentJudged
    )
    assert isinstance(judged, CommitmentJudged)
    assert (judged.before, judged.on) == ("kept", date(2027, 9, 2))
    assert only(story).judged == judged


@pytest.mark.parametrize("verdict", ["partly", "dropped"])
def test_what_was_not_kept_says_why(verdict: str) -> None:
    promised().when("commitment judge", verdict=verdict, **JUDGE).refuses(
        Incomplete, verdict, "--note TEXT"
    )


def test_a_judgement_is_known_from_its_day() -> None:
    story = promised().on(date(2027, 9, 20))
    story.do("commitment judge", verdict="kept", effective=date(2027, 9, 1), **JUDGE)
    assert only(story).judged
    told = as_true(story.history(), story.now, ZONE)
    assert commitments(fold(f"engagement:{ALDER}", told)) == commitments(story.state())


# Moved, added and corrected ------------------------------------------------------------------


def test_a_promise_moves_as_the_lead_agreed_with_the_lea() -> None:
    story = promised()
    story.when("commitment redate", "tess", **MOVE).refuses(WrongPerson, "p-tess", "p-marcus")
    story.when("commitment redate", "marcus", **{**MOVE, "person": "noor"}).refuses(
        WrongPerson, "p-noor"
    )
    [moved] = story.when("commitment redate", "marcus", **MOVE).records(CommitmentRedated)
    assert isinstance(moved, CommitmentRedated)
    assert (moved.agreed_by, moved.evidence.about) == ("p-elena", "p-elena")
    assert [(o.round, o.due, o.settled) for o in owed(story)] == [
        (1, SEPTEMBER, "re-dated"),
        (2, date(2027, 10, 1), None),
    ]
    assert {n.reason for n in story.ledger("CI-1/1") if n.planned.round == 1} == {"re-dated"}
    story.when("commitment redate", "marcus", **MOVE).refuses(AlreadyExists, "Fri 1 Oct 2027")
    story.do("commitment judge", verdict="kept", **JUDGE)
    story.when("commitment redate", "marcus", **{**MOVE, "by": date(2027, 11, 1)}).refuses(
        WrongState, "judged kept", "--commitment DATE/PERSON=TEXT"
    )


@pytest.mark.parametrize("by", [date(2027, 6, 11), date(2099, 1, 1)])
def test_a_promise_moves_to_a_day_ahead_that_can_be_meant(by: date) -> None:
    promised().when("commitment redate", "marcus", **{**MOVE, "by": by}).refuses(
        ImpossibleDate, f"{by:%Y}"
    )


def test_a_promise_that_was_left_out_is_added() -> None:
    story = promised()
    body: dict[str, Any] = {
        "checkin": "ci-1", "text": "A second coach", "owner": "dana", "by": SEPTEMBER
    }  # fmt: skip
    [added] = story.when("commitment add", **body).records(CommitmentAdded)
    assert isinstance(added, CommitmentAdded)
    assert (added.number, added.side, added.owner) == (2, "agency", "p-dana")
    assert owed(story, "CI-1/2")[0].owner == "director"
    story.when("commitment add", **body).refuses(AlreadyExists, "number 2")
    story.when("commitment add", **{**body, "by": date(2027, 6, 9)}).refuses(
        ImpossibleDate, "Wed 9 Jun 2027"
    )
    story.when("commitment add", **{**body, "owner": "noor"}).refuses(WrongPerson, "p-noor")


def test_wrong_words_and_a_wrong_owner_are_corrected() -> None:
    story = promised()
    body: dict[str, Any] = {**JUDGE, "reason": "misheard"}
    story.when("commitment correct", **body).refuses(Incomplete, "--text TEXT or --owner PERSON")
    [fixed] = story.when(
        "commitment correct", **body, text="Name three leaders.", owner="dana"
    ).records(CommitmentCorrected)
    assert isinstance(fixed, CommitmentCorrected)
    found = only(story)
    assert (str(found.text), found.owner, found.side) == ("Name three leaders.", "p-dana", "agency")
    story.when("commitment correct", **body, owner="dana").refuses(AlreadyExists, "already")


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        pytest.param({"checkin": "CI-7"}, Unknown, ("'CI-7'", "CI-1"), id="no such check-in"),
        pytest.param({"number": 4}, Unknown, ("no commitment 4", "1 (Name two"), id="no number"),
        pytest.param({"effective": date(2027, 6, 9)}, ImpossibleDate, ("Thu 10 Jun 2027",),
                     id="before the close"),
        pytest.param({"effective": date(2027, 6, 12)}, ImpossibleDate, ("Sat 12 Jun 2027",),
                     id="ahead"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("what", ["judge", "redate", "correct"])
def test_a_commitment_that_is_not_there_is_named(
    what: str, body: dict[str, Any], kind: type[Refused], words: tuple[str, ...]
) -> None:
    full = {"judge": {**JUDGE, "verdict": "kept"}, "redate": MOVE,
            "correct": {**JUDGE, "reason": "r", "text": "t"}}[what]  # fmt: skip
    promised().when(f"commitment {what}", "marcus", **{**full, **body}).refuses(kind, *words)


def test_a_check_in_that_is_open_has_no_commitments_yet() -> None:
    story = Story(date(2026, 10, 15)).effective().on(HELD).do("checkin hold", "marcus")
    story.when("commitment judge", verdict="kept", **JUDGE).refuses(
        WrongState, "not closed", "handrail checkin close"
    )
    story.do("checkin close", "marcus", purpose=PURPOSES)
    story.when("commitment judge", verdict="kept", **JUDGE).refuses(
        Unknown, "Nothing was promised there", "handrail commitment add"
    )


def test_an_outcome_takes_only_what_belongs_to_it() -> None:
    story = Story(date(2026, 10, 15)).effective().on(HELD).do("checkin hold", "marcus")
    story.when("checkin close", purpose=PURPOSES, sustain="x").refuses(Invalid, "--sustain")


def test_whoever_promises_is_looked_up_like_anybody_a_command_names() -> None:
    command = made(
        "checkin close", purpose=PURPOSES,
        commitment=["2027-09-01/noor=A", "2027-09-02/dana=B"],
    )  # fmt: skip
    assert refs(command, "person") == ["noor", "dana"]
    assert refs(command, "lea") == []
