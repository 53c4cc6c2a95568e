"""docs/rules/deliverables.md, row by row, and every refusal of a deliverable."""

from collections.abc import Callable
from datetime import date, time, timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from domain.deliverables.proposing import (
    Deliverable,
    DeliverableAgreed,
    DeliverableProposed,
    Deliverables,
    DeliverableSigned,
    RedateProposed,
)
from domain.deliverables.submissions import DeliverableReturned, DeliverableSubmitted
from domain.kernel import refusals
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Refused,
    Unknown,
    WrongPerson,
)
from domain.kernel.refusals import WrongState as NotNow
from domain.owing.obligations import obligations
from domain.policy.calendar import WorkingDays
from domain.reminders.notices import RecipientsDropped
from tests.domain.story import CALENDAR, RECESS, Story, made
from tests.domain.tables import Row, day, table

DUE, NEW, LATER = date(2027, 4, 16), date(2027, 4, 30), date(2027, 5, 14)
LEA = {"person": "joy", "evidence": "mail of today"}
COMMANDS: dict[str, tuple[str, dict[str, Any]]] = {
    "sign for the LEA": ("deliverable sign", LEA),
    "redate": ("deliverable redate", {"due": NEW, "reason": "illness"}),
    "submit": ("deliverable submit", LEA),
    "return": ("deliverable return", {"due": LATER, "reason": "Measures are missing.", **LEA}),
    "accept": ("deliverable accept", {}),
}


def partnering() -> Story:
    return Story(date(2027, 3, 2)).effective()


def in_state(status: str) -> Story:
    story = partnering().proposed(DUE)
    if status in ("agreed", "submitted", "accepted"):
        story.signed()
    if status in ("submitted", "accepted"):
        story.by_the_lea("deliverable submit", deliverable="D1")
    if status == "accepted":
        story.do("deliverable accept", "marcus", deliverable="D1")
    assert d1(story).status == status
    return story


def d1(story: Story) -> Deliverable:
    return story.state().of(Deliverables).all["D1"]


@pytest.mark.parametrize(
    "row",
    table("deliverables.md", "From proposal to acceptance"),
    ids=lambda r: f"{r['Before']}, then {r['Command']}",
)
def test_a_command_leads_where_the_table_says(row: Row) -> None:
    story = in_state(row["Before"])
    what, body = COMMANDS[row["Command"]]
    when = story.when(what, "marcus", deliverable="D1", **body)
    if row["After"][0].isupper():
        refusal: type[Refused] = getattr(refusals, row["After"])
        when.refuses(refusal, "D1", row["Before"])
        assert d1(story).status == row["Before"]
    else:
        story.do(what, "marcus", deliverable="D1", **body)
        assert d1(story).status == row["After"]


def test_the_table_names_every_state_with_every_command() -> None:
    rows = table("deliverables.md", "From proposal to acceptance")
    states = ("proposed", "agreed", "submitted", "accepted")
    assert [(r["Before"], r["Command"]) for r in rows] == [(s, c) for s in states for c in COMMANDS]


def test_the_agreed_date_moves_only_when_both_have_signed() -> None:
    story = partnering()
    steps: tuple[Callable[[], Story], ...] = (
        lambda: story.proposed(DUE),
        lambda: story.by_the_lea("deliverable sign", deliverable="D1"),
        lambda: story.do("deliverable sign", "marcus", deliverable="D1"),
        lambda: story.do("deliverable redate", deliverable="D1", due=NEW, reason="illness"),
        lambda: story.do("deliverable sign", "marcus", deliverable="D1"),
        lambda: story.by_the_lea("deliverable sign", deliverable="D1"),
    )
    rows = table("deliverables.md", "Due dates")
    for row, step in zip(rows, steps, strict=True):
        before = story.state().of(Deliverables).all.get("D1")
        known = before.due if before else None
        assert known == (None if row["Agreed date"] == "none" else day(row["Agreed date"]))
        step()
        after = row["Agreed date afterwards"]
        assert d1(story).due == (None if after == "none" else day(after)), row["What happens"]
        assert str(d1(story).round) == row["Round"]
    assert d1(story).past == ((DUE, "re-dated"),)


@pytest.mark.parametrize(
    "row", table("deliverables.md", "The agency's answer"), ids=lambda r: r["Submitted"]
)
def test_an_answer_is_owed_as_the_table_says(row: Row) -> None:
    on = day(row["Submitted"])
    story = Story(date(2026, 9, 2)).effective().proposed(date(2027, 6, 10)).signed().on(on)
    story.by_the_lea("deliverable submit", deliverable="D1")
    found = obligations(story.state(), story.context("marcus", None))
    [review] = [o for o in found if o.item == "D1/review"]
    assert review.due == day(row["Answer due"])
    assert (review.owner, review.side, review.settled) == ("lead", "agency", None)


def test_the_first_agreed_deliverable_begins_the_partnership() -> None:
    story = partnering().proposed(DUE)
    assert story.engagement.phase == "onboarding"
    assert story.signed().engagement.phase == "partnering"


def test_signing_records_who_and_on_which_evidence() -> None:
    story = partnering().proposed(DUE)
    [first] = story.when("deliverable sign", "marcus", deliverable="D1").records(DeliverableSigned)
    assert isinstance(first, DeliverableSigned)
    assert (first.side, first.person, first.evidence) == ("agency", "p-marcus", None)
    second, agreed = story.when(
        "deliverable sign", deliverable="d1", person="elena", evidence="mail of 9 March"
    ).records(DeliverableSigned, DeliverableAgreed)
    assert isinstance(second, DeliverableSigned)
    assert isinstance(agreed, DeliverableAgreed)
    assert (second.side, second.person) == ("lea", "p-elena")
    assert second.evidence is not None
    assert (second.evidence.about, second.evidence.text) == ("p-elena", "mail of 9 March")
    assert (agreed.round, agreed.due) == (1, DUE)


def test_either_side_proposes() -> None:
    story = partnering()
    [ours] = story.when("deliverable propose", "marcus", title="A", due=DUE).records(
        DeliverableProposed
    )
    [theirs] = story.when("deliverable propose", title="B", due=DUE, hours=18, **LEA).records(
        DeliverableProposed
    )
    assert isinstance(ours, DeliverableProposed)
    assert isinstance(theirs, DeliverableProposed)
    assert (ours.deliverable, ours.side, ours.proposed_for) == ("D1", "agency", None)
    assert (theirs.deliverable, theirs.side, theirs.proposed_for) == ("D2", "lea", "p-joy")


def test_a_new_proposal_needs_both_signatures_anew() -> None:
    story = partnering().proposed(DUE)
    story.do("deliverable sign", "marcus", deliverable="D1")
    story.when("deliverable redate", deliverable="D1", due=NEW, reason="clash").records(
        RedateProposed
    )
    story.when("deliverable sign", deliverable="D1", **LEA).records(DeliverableSigned)
    assert d1(story).due is None
    story.do("deliverable sign", "marcus", deliverable="D1")
    assert (d1(story).due, d1(story).round) == (NEW, 1)


def test_a_submission_settles_a_date_that_was_still_on_the_table() -> None:
    story = in_state("agreed").do("deliverable redate", deliverable="D1", due=NEW, reason="clash")
    story.when("deliverable submit", deliverable="D1", **LEA).records(DeliverableSubmitted)
    assert d1(story).proposal is None
    assert d1(story).due == DUE


def test_a_return_agrees_on_the_next_round() -> None:
    story = in_state("submitted")
    story.when(
        "deliverable return", "dana", deliverable="D1", due=LATER, reason="More, please.", **LEA
    ).records(DeliverableReturned, DeliverableAgreed)
    assert (d1(story).due, d1(story).round, d1(story).answers) == (LATER, 2, 1)
    assert d1(story).past == ((DUE, "returned"),)


def test_an_accepted_deliverable_leaves_its_title_free() -> None:
    story = in_state("accepted").proposed(NEW)
    assert story.state().of(Deliverables).all["D2"].title == "Theory of action"


def test_a_signature_is_asked_of_the_lea_once_the_lead_has_signed() -> None:
    story = partnering().proposed(DUE)
    found = obligations(story.state(), story.context("marcus", None))
    [asked] = [o for o in found if o.item == "D1/signature"]
    assert (asked.policy, asked.owner) == (None, "lead")
    assert story.ledger("D1/signature") == []
    story.do("deliverable sign", "marcus", deliverable="D1")
    found = obligations(story.state(), story.context("marcus", None))
    [asked] = [o for o in found if o.item == "D1/signature"]
    assert (asked.owner, asked.side, asked.policy) == ("lea_contact", "lea", "signature")
    assert asked.due == WorkingDays(CALENDAR, RECESS, "school").add(story.today, 10)
    assert [n.status for n in story.ledger("D1/signature")] == ["planned", "planned"]
    assert story.ledger("D1") == [], "the due date runs only once both have signed"
    story.by_the_lea("deliverable sign", deliverable="D1")
    assert {n.reason for n in story.ledger("D1/signature")} == {"signed"}


def test_other_terms_ask_the_lead_first_again() -> None:
    story = partnering().proposed(DUE).do("deliverable sign", "marcus", deliverable="D1")
    later = DUE + timedelta(days=7)
    story.do("deliverable redate", "marcus", deliverable="D1", due=later, reason="fuller")
    assert {n.reason for n in story.ledger("D1/signature")} == {"terms changed"}


def test_whoever_was_still_to_hear_that_a_signature_is_late_hears_nothing_of_former_terms() -> None:
    story = partnering().proposed(DUE).do("deliverable sign", "marcus", deliverable="D1")
    story.on(date(2027, 3, 22)).away_until(date(2027, 3, 23), time(8, 30))
    mail = {"mail": "00000000-0000-0000-0000-000000000001", "message_id": "<1@x>"}
    story.do("notices claim", "system", person="p-joy", on=story.today, **mail)
    [late] = [n for n in story.ledger("D1/signature") if n.planned.step == "+5"]
    assert late.waiting == ("p-marcus",)
    story.do("deliverable redate", "marcus", deliverable="D1", due=NEW, reason="fuller")
    [dropped] = [e for e in story.news if isinstance(e, RecipientsDropped)]
    assert (dropped.reason, dropped.notices[0].recipients) == ("terms changed", ("p-marcus",))


# Refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", ["recruiting", "agreeing"])
def test_deliverables_come_after_the_agreement(stage: str) -> None:
    story = Story().opened() if stage == "recruiting" else Story().drafted()
    story.when("deliverable propose", "marcus", title="A", due=DUE).refuses(
        NotNow, stage, "both boards", "handrail engagement show alder-creek-usd"
    )


PROPOSE = pytest.param("propose", {"title": "B"}, id="propose")
REDATE = pytest.param("redate", {"deliverable": "D1", "reason": "r"}, id="redate")
RETURN = pytest.param("return", {"deliverable": "D1", "reason": "r", **LEA}, id="return")


@pytest.mark.parametrize(
    ("due", "words"),
    [
        pytest.param(date(2027, 3, 1), ("Mon 1 Mar 2027", "Tue 2 Mar 2027"), id="yesterday"),
        pytest.param(date(2027, 3, 2), ("Tue 2 Mar 2027", "lies ahead"), id="today"),
        pytest.param(date(1927, 4, 16), ("lies ahead",), id="a century ago"),
        pytest.param(date(2207, 4, 16), ("2207", "Check the year"), id="a slip of the year"),
        pytest.param(
            date(2027, 3, 31), ("spring recess", "Fri 26 Mar 2027 and Mon 5 Apr 2027"), id="recess"
        ),
        pytest.param(
            date(2027, 4, 17), ("a Saturday", "Fri 16 Apr 2027 and Mon 19 Apr 2027"), id="Saturday"
        ),
        pytest.param(date(2027, 5, 31), ("Memorial Day", "Tue 1 Jun 2027"), id="a holiday"),
    ],
)
@pytest.mark.parametrize(("verb", "body"), [PROPOSE, REDATE, RETURN])
def test_a_due_date_is_a_working_day_of_the_lea_that_lies_ahead(
    verb: str, body: dict[str, Any], due: date, words: tuple[str, ...]
) -> None:
    story = in_state("submitted" if verb == "return" else "agreed")
    story.when(f"deliverable {verb}", "marcus", due=due, **body).refuses(ImpossibleDate, *words)


def test_a_due_date_ten_years_ahead_is_within_reach() -> None:
    partnering().when("deliverable propose", "marcus", title="A", due=date(2037, 12, 31)).records(
        DeliverableProposed
    )


def test_terms_that_have_lapsed_are_not_signed() -> None:
    story = partnering().proposed(DUE).on(DUE)
    story.when("deliverable sign", "marcus", deliverable="D1").refuses(
        ImpossibleDate, "Fri 16 Apr 2027", "lies ahead"
    )


def test_an_unknown_deliverable_is_named_with_the_known_ones() -> None:
    for what, body in COMMANDS.values():
        in_state("agreed").when(what, "marcus", deliverable="D7", **body).refuses(
            Unknown, "'D7'", "Name one that it has: D1 (Theory of action)"
        )


def test_where_there_is_no_deliverable_one_is_proposed() -> None:
    partnering().when("deliverable sign", "marcus", deliverable="D1").refuses(
        Unknown, "'D1'", "handrail deliverable propose alder-creek-usd TITLE"
    )


def test_a_title_is_proposed_once() -> None:
    in_state("agreed").when("deliverable propose", title="theory OF action", due=NEW).refuses(
        AlreadyExists, "D1", "agreed", "handrail deliverable redate alder-creek-usd D1"
    )


@pytest.mark.parametrize("handle", ["tess", "priya", "dana"])
def test_only_the_lead_signs_for_the_agency(handle: str) -> None:
    in_state("proposed").when("deliverable sign", handle, deliverable="D1").refuses(
        WrongPerson, f"p-{handle}", "the Lead is p-marcus", "--for PERSON --evidence REFERENCE"
    )


def test_a_new_lead_signs_and_the_one_before_does_not() -> None:
    story = in_state("proposed").do("engagement assign", "dana", role="lead", person="priya")
    story.when("deliverable sign", "marcus", deliverable="D1").refuses(WrongPerson, "p-priya")
    story.when("deliverable sign", "priya", deliverable="D1").records(DeliverableSigned)


@pytest.mark.parametrize(("who", "where"), [("noor", "harbor-charter"), ("dana", "the agency")])
def test_only_somebody_of_the_lea_signs_for_it(who: str, where: str) -> None:
    in_state("proposed").when(
        "deliverable sign", deliverable="D1", person=who, evidence="mail"
    ).refuses(WrongPerson, f"p-{who}", where, "handrail person list --organisation alder-creek-usd")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param({"person": "joy"}, ("joy", "--evidence REFERENCE"), id="no evidence"),
        pytest.param({"evidence": "a mail"}, ("'a mail'", "--for PERSON"), id="nobody"),
    ],
)
def test_the_leas_act_has_its_person_and_its_evidence(
    body: dict[str, str], words: tuple[str, ...]
) -> None:
    story = in_state("proposed")
    story.when("deliverable sign", deliverable="D1", **body).refuses(Incomplete, *words)
    story.when("deliverable propose", title="B", due=DUE, **body).refuses(Incomplete, *words)


def test_a_side_signs_once() -> None:
    story = in_state("proposed").do("deliverable sign", "marcus", deliverable="D1")
    story.when("deliverable sign", "marcus", deliverable="D1").refuses(
        AlreadyExists, "D1", "Fri 16 Apr 2027", "by p-marcus", "it waits for the LEA"
    )
    story = in_state("proposed").by_the_lea("deliverable sign", deliverable="D1")
    story.when("deliverable sign", deliverable="D1", person="elena", evidence="mail").refuses(
        AlreadyExists, "D1", "by p-joy", "it waits for the Lead"
    )


def test_a_proposed_deliverable_is_signed_before_it_is_submitted() -> None:
    in_state("proposed").when("deliverable submit", deliverable="D1", **LEA).refuses(
        NotNow, "'Theory of action'", "handrail deliverable sign alder-creek-usd D1"
    )


@pytest.mark.parametrize("due", [DUE, NEW])
def test_a_date_that_stands_is_not_proposed_again(due: date) -> None:
    story = in_state("agreed")
    if due == NEW:
        story.do("deliverable redate", deliverable="D1", due=NEW, reason="clash")
    story.when("deliverable redate", deliverable="D1", due=due, reason="r").refuses(
        AlreadyExists, "D1", f"{due.day} Apr 2027", "handrail deliverable sign"
    )


@pytest.mark.parametrize("verb", ["accept", "return"])
@pytest.mark.parametrize("handle", ["tess", "priya"])
def test_only_the_lead_or_the_director_answers(handle: str, verb: str) -> None:
    what, body = COMMANDS[verb]
    in_state("submitted").when(what, handle, deliverable="D1", **body).refuses(
        WrongPerson, f"p-{handle}", "Lead p-marcus", "Director p-dana"
    )


@pytest.mark.parametrize("verb", ["accept", "return"])
def test_an_answer_is_not_dated_before_the_submission(verb: str) -> None:
    what, body = COMMANDS[verb]
    story = (
        in_state("agreed").on(date(2027, 3, 9)).by_the_lea("deliverable submit", deliverable="D1")
    )
    story.when(what, "marcus", deliverable="D1", effective=date(2027, 3, 8), **body).refuses(
        ImpossibleDate, "D1", "Mon 8 Mar 2027", "Tue 9 Mar 2027"
    )


@pytest.mark.parametrize(
    ("status", "command"),
    [
        ("proposed", "sign for the LEA"),
        ("agreed", "redate"),
        ("agreed", "submit"),
        ("submitted", "return"),
        ("submitted", "accept"),
    ],
)
def test_nothing_about_a_deliverable_is_dated_ahead(status: str, command: str) -> None:
    what, body = COMMANDS[command]
    story = in_state(status)
    story.when(what, "marcus", deliverable="D1", effective=date(2027, 3, 3), **body).refuses(
        ImpossibleDate, "Wed 3 Mar 2027", "today is Tue 2 Mar 2027"
    )
    story.when("deliverable propose", title="B", due=DUE, effective=date(2027, 3, 3)).refuses(
        ImpossibleDate, "Wed 3 Mar 2027"
    )


@pytest.mark.parametrize("hours", [-1, 2001])
def test_hours_have_their_bounds(hours: int) -> None:
    with pytest.raises(ValidationError):
        made("deliverable propose", title="A", due=DUE, hours=hours)


@pytest.mark.parametrize(
    "title",
    [
        "",
        "  ",
        "Theory\nof action",
        "Bell\x07",
        pytest.param("The LEA\x92s plan", id="an apostrophe of Windows, read as Latin-1"),
        pytest.param("\u202enoitca", id="text turned round"),
        "x" * 301,
    ],
)
def test_a_title_is_one_line(title: str) -> None:
    with pytest.raises(ValidationError):
        made("deliverable propose", title=title, due=DUE)
