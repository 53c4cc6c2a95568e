"""docs/rules/deliverables.md from "Changing the terms" on, row by row, and every refusal."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from domain.deliverables.coauthoring import DeliverableDeclined, ProposalDeclined, RescopeProposed
from domain.deliverables.corrections import CourseCorrected, Courses
from domain.deliverables.dependencies import DependencyAdded, DependencyEnded
from domain.deliverables.merging import DeliverablesMerged, DeliverableSplit
from domain.deliverables.proposing import (
    Deliverable,
    DeliverableAgreed,
    DeliverableProposed,
    Deliverables,
    DeliverableSigned,
    RedateProposed,
)
from domain.deliverables.ratings import DeliverableRated, Ratings
from domain.deliverables.reuse import FeedLinked, FeedUnlinked, Reuse, ReuseLinked, ReuseUnlinked
from domain.deliverables.terms import DeliverableEnded, awaited
from domain.engagement.burden import by_month
from domain.kernel import refusals
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Invalid,
    Refused,
    TooMany,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.owing.obligations import obligations
from domain.policy.calendar import local_date, spoken
from domain.rules.registry import fold
from store.events import as_true
from tests.domain.story import ALDER, PLAYBOOK, ZONE, Story, made
from tests.domain.tables import Row, day, table

DUE, NEW, LATER, LAST = (
    date(2027, 4, 16),
    date(2027, 4, 30),
    date(2027, 5, 14),
    date(2027, 5, 28),
)
LEA: dict[str, Any] = {"person": "joy", "evidence": "mail of today"}
PAGE = "deliverables.md"


def partnering() -> Story:
    return Story(date(2027, 3, 2)).effective()


def get(story: Story, id_: str = "D1") -> Deliverable:
    return story.state().of(Deliverables).all[id_]


def two(first: str, second: str) -> Story:
    """D1 and D2, each in the state that is said."""
    story = partnering().proposed(DUE, "Schedule").proposed(NEW, "Teams")
    for id_, status in (("D1", first), ("D2", second)):
        if status in ("agreed", "submitted"):
            story.signed(id_)
        if status == "submitted":
            story.by_the_lea("deliverable submit", deliverable=id_)
        if status == "declined":
            story.do("deliverable decline", deliverable=id_, reason="the LCAP has it", **LEA)
        assert get(story, id_).status == status
    return story


def sign(story: Story, side: str, id_: str = "D1") -> Story:
    if side == "agency":
        return story.do("deliverable sign", "marcus", deliverable=id_)
    return story.by_the_lea("deliverable sign", deliverable=id_)


# Changing the terms ------------------------------------------------------------------------------


def test_terms_change_only_when_both_have_signed() -> None:
    story = partnering().proposed(DUE).signed()
    for row in table(PAGE, "Changing the terms"):
        what = row["What happens"]
        if hours := re.match(r"(\d+) hours proposed", what):
            story.do(
                "deliverable rescope", deliverable="D1", hours=int(hours[1]), reason="r", **LEA
            )
        elif moved := re.match(r"re-dating to (.*) proposed", what):
            story.do("deliverable redate", deliverable="D1", due=day(moved[1]), reason="r")
        elif what == "declined by the Lead":
            story.do("deliverable decline", "marcus", deliverable="D1", reason="no")
        else:
            sign(story, "agency" if what == "signed by the Lead" else "lea")
        d = get(story)
        assert d.due is not None
        table_now = (str(d.would_be.hours), spoken(d.proposal.due)) if d.proposal else ("–", "–")
        assert (row["Hours on the table"], row["Due on the table"]) == table_now, what
        assert (row["Hours agreed"], row["Due"]) == (str(d.hours), spoken(d.due)), what
        assert row["Round"] == str(d.round), what
        # What is reminded of is what was agreed, whatever is on the table.
        due = {n.planned.due for n in story.ledger("D1") if n.status == "planned"}
        assert due == {d.due}


def test_a_change_that_leaves_the_date_alone_leaves_the_reminders_alone() -> None:
    story = partnering().proposed(DUE).signed().on(date(2027, 4, 6))
    before = story.ledger("D1")
    story.do("deliverable rescope", deliverable="D1", hours=4, reason="fewer people")
    sign(story, "agency")
    story.when("deliverable sign", deliverable="D1", **LEA).records(
        DeliverableSigned, DeliverableAgreed
    )
    assert (get(story).hours, get(story).round, get(story).past) == (Decimal(4), 1, ())
    assert story.ledger("D1") == before
    assert any(n.status == "sent" for n in before)


def test_what_nobody_agreed_to_takes_new_terms_at_once_and_both_sign_anew() -> None:
    story = partnering().proposed(DUE)
    sign(story, "lea")
    [event] = story.when(
        "deliverable rescope", deliverable="d1", title="First draft", hours=3,
        scope="Two grades.", due=NEW, reason="smaller", **LEA,
    ).records(RescopeProposed)  # fmt: skip
    assert isinstance(event, RescopeProposed)
    assert event.scope is not None
    assert (event.side, event.scope.about) == ("lea", f"engagement:{ALDER}")
    d = get(story)
    assert (d.title, d.hours, d.scope, d.due) == ("First draft", Decimal(3), "Two grades.", None)
    assert d.proposal is not None
    assert (d.proposal.signed, d.proposal.due) == ({}, NEW)
    d = get(story.signed())
    assert (d.title, d.hours, d.scope, d.due) == ("First draft", Decimal(3), "Two grades.", NEW)
    assert d.agreed_by == {"agency": "p-marcus", "lea": "p-joy"}


def test_a_rescope_without_change_is_refused() -> None:
    story = partnering().proposed(DUE).signed()
    story.when("deliverable rescope", deliverable="D1", reason="r").refuses(
        Incomplete, "D1", "--title", "--hours", "--scope", "--due"
    )
    story.when(
        "deliverable rescope", deliverable="D1", hours=10, title="Theory of action", reason="r"
    ).refuses(AlreadyExists, "'Theory of action'", "10 LEA hours", "Fri 16 Apr 2027")
    story.do("deliverable rescope", deliverable="D1", hours=8, reason="r")
    story.when("deliverable rescope", deliverable="D1", hours=8, reason="r").refuses(
        AlreadyExists, "8 LEA hours", "handrail deliverable sign alder-creek-usd D1"
    )


def test_a_title_that_another_has_is_refused() -> None:
    two("agreed", "proposed").when(
        "deliverable rescope", deliverable="D1", title="teams", reason="r"
    ).refuses(AlreadyExists, "D2", "'Teams'")


@pytest.mark.parametrize("verb", ["redate", "rescope"])
def test_what_is_handed_in_has_no_terms_to_change(verb: str) -> None:
    body = {"due": NEW} if verb == "redate" else {"hours": 3}
    story = two("submitted", "proposed")
    story.when(f"deliverable {verb}", deliverable="D1", reason="r", **body).refuses(
        WrongState, "D1", "submitted", "deliverable accept"
    )


@pytest.mark.parametrize("due", [date(2027, 3, 2), date(2027, 3, 31), date(2207, 4, 16)])
@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("deliverable rescope", {"deliverable": "D1"}),
        ("deliverable merge", {"deliverables": ("D1", "D2")}),
    ],
)
def test_the_date_of_a_proposal_is_a_working_day_that_lies_ahead(
    what: str, body: dict[str, Any], due: date
) -> None:
    two("agreed", "proposed").when(what, due=due, reason="r", **body).refuses(
        ImpossibleDate, spoken(due)
    )


def test_a_part_has_a_date_that_can_be_kept() -> None:
    two("agreed", "proposed").when(
        "deliverable split", deliverable="D1", part=("2027-03-31 1 A", "2027-05-14 1 B"), reason="r"
    ).refuses(ImpossibleDate, "Wed 31 Mar 2027", "spring recess")


PROPOSALS: dict[str, dict[str, Any]] = {
    "deliverable rescope": {"deliverable": "D1", "hours": 3, "reason": "r"},
    "deliverable decline": {"deliverable": "D1", "reason": "r"},
    "deliverable merge": {"deliverables": ("D1", "D2"), "reason": "r"},
    "deliverable split": {
        "deliverable": "D1",
        "part": ("2027-05-14 8 A", "2027-05-28 8 B"),
        "reason": "r",
    },
    "deliverable rate": {"deliverable": "D1", "focus": "yes"},
    "deliverable satisfies": {"deliverable": "D1", "plan": "lcap", "reference": "goal 2"},
}


@pytest.mark.parametrize("what", PROPOSALS)
def test_what_the_lea_does_has_its_person_and_its_evidence(what: str) -> None:
    story, body = two("proposed", "proposed"), PROPOSALS[what]
    story.when(what, "marcus", person="joy", **body).refuses(Incomplete, "--evidence REFERENCE")
    story.when(what, "marcus", evidence="a mail", **body).refuses(Incomplete, "--for PERSON")
    story.when(what, "marcus", person="noor", evidence="a mail", **body).refuses(
        WrongPerson, "p-noor", "handrail person list --organisation alder-creek-usd"
    )
    story.when(what, "marcus", person="nobody", evidence="a mail", **body).refuses(
        Unknown, "'nobody'"
    )


OTHERS: dict[str, dict[str, Any]] = {
    "deliverable depend": {"deliverable": "D2", "on": "D1"},
    "deliverable feed": {"deliverable": "D1", "summit": "Y2-5"},
    "deliverable correct-course": {
        "deliverable": "D1", "because": "b", "change": "c", "evidence": "e",
    },
    "course correct": {"because": "b", "change": "c", "evidence": "e"},
}  # fmt: skip


@pytest.mark.parametrize("what", [*PROPOSALS, *OTHERS])
def test_nothing_is_dated_ahead(what: str) -> None:
    body = {**PROPOSALS, **OTHERS}[what]
    two("proposed", "proposed").when(what, "marcus", effective=date(2027, 3, 3), **body).refuses(
        ImpossibleDate, "Wed 3 Mar 2027", "today is Tue 2 Mar 2027"
    )


@pytest.mark.parametrize("what", [w for w in (*PROPOSALS, *OTHERS) if w != "course correct"])
def test_an_unknown_deliverable_is_named(what: str) -> None:
    body = dict({**PROPOSALS, **OTHERS}[what])
    if "deliverables" in body:
        body["deliverables"] = ("D1", "D7")
    else:
        body["deliverable"] = "D7"
    two("proposed", "proposed").when(what, "marcus", **body).refuses(
        Unknown, "'D7'", "D1 (Schedule), D2 (Teams)"
    )


# Declining ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    table(PAGE, "Declining"),
    ids=lambda r: f"{r['D1 is']}, signed by {r['Signed']}: {r['Declines']}",
)
def test_a_side_declines_as_the_table_says(row: Row) -> None:
    status, _, moving = row["D1 is"].partition(", ")
    story = two(status, "proposed")
    if moving:
        story.do("deliverable redate", deliverable="D1", due=NEW, reason="clash")
    if row["Signed"] != "nobody":
        sign(story, row["Signed"].lower())
    before = get(story)
    body = LEA if row["Declines"] == "LEA" else {}
    when = story.when("deliverable decline", "marcus", deliverable="D1", reason="we do", **body)
    if row["What follows"][0].isupper():
        refusal: type[Refused] = getattr(refusals, row["What follows"])
        when.refuses(refusal, "D1", "'Schedule'")
        return
    [event] = when.records(ProposalDeclined if moving else DeliverableDeclined)
    assert isinstance(event, ProposalDeclined | DeliverableDeclined)
    who = "p-joy" if body else "p-marcus"
    assert (event.person, event.reason.about, event.reason.text) == (who, who, "we do")
    assert (get(story).status, get(story).proposal) == (row["What follows"], None)
    assert get(story).due == before.due
    owed = obligations(story.state(), story.context("marcus", None))
    assert not [o for o in owed if o.item == "D1/signature" and not o.settled]


def test_only_the_lead_declines_for_the_agency() -> None:
    two("proposed", "proposed").when("deliverable decline", deliverable="D1", reason="r").refuses(
        WrongPerson, "p-tess", "p-marcus", "--for PERSON"
    )


def test_what_was_declined_takes_no_more_and_leaves_its_title_free() -> None:
    story = two("declined", "proposed")
    story.when("deliverable sign", "marcus", deliverable="D1").refuses(
        WrongState, "declined", "handrail deliverable propose alder-creek-usd"
    )
    story.when("deliverable submit", deliverable="D1", **LEA).refuses(WrongState, "declined")
    story.when("deliverable accept", "marcus", deliverable="D1").refuses(WrongState, "declined")
    story.when("deliverable redate", deliverable="D1", due=NEW, reason="r").refuses(
        WrongState, "declined"
    )
    story.when("deliverable propose", title="schedule", due=DUE).records(DeliverableProposed)


# Merging and splitting ---------------------------------------------------------------------------

PARTS = ("2027-05-14 8 Meetings", "2027-05-28 12 Calendar of meetings")


def step(story: Story, what: str) -> None:
    verb, _, id_ = what.partition(" ")
    match verb:
        case "merge":
            story.do("deliverable merge", deliverables=("D1", "D2"), reason="one piece of work")
        case "split":
            story.do("deliverable split", deliverable="D1", part=PARTS, reason="too much", **LEA)
        case "sign":
            story.signed(id_)
        case "decline":
            story.do("deliverable decline", deliverable=id_, reason="we do not", **LEA)
        case _:
            raise AssertionError(what)


@pytest.mark.parametrize(
    "row",
    table(PAGE, "Merging and splitting"),
    ids=lambda r: f"{r['D1']} and {r['D2']}: {r['What happens']}",
)
def test_what_is_merged_or_split_ends_as_the_table_says(row: Row) -> None:
    story = two(row["D1"], row["D2"])
    *first, last = row["What happens"].split(", ")
    for what in first:
        step(story, what)
    if row["D1 afterwards"][0].isupper():
        refusal: type[Refused] = getattr(refusals, row["D1 afterwards"])
        with pytest.raises(refusal, match="handrail deliverable"):
            step(story, last)
        return
    step(story, last)
    all_ = story.state().of(Deliverables).all
    expected = {i: row[f"{i} afterwards"] for i in ("D1", "D2", "D3", "D4")}
    assert {i: d.status for i, d in all_.items()} == {
        i: status for i, status in expected.items() if status != "–"
    }
    # No reminder but of what stands: agreed, by its own date.
    for n in story.ledger():
        if n.status == "planned" and n.planned.item in all_:
            assert all_[n.planned.item].due == n.planned.due
    for d in all_.values():
        if d.status == "agreed":
            assert story.planned_days(d.id)
        if d.into:
            assert d.proposal is None
            assert d.due is None


def test_scenes_of_the_spring() -> None:
    """Joy declines one; two become one with fewer hours; the reason and the LCAP are kept."""
    story = partnering()
    for title, due, hours in (("Theory", DUE, 4), ("Data", LATER, 10), ("A", LAST, 16)):
        story.do("deliverable propose", "marcus", title=title, due=due, hours=hours)
    story.do("deliverable propose", title="Coaching plan", due=LAST, hours=22, **LEA)
    assert not any(n.planned.item.startswith("D") for n in story.ledger())
    story.on(date(2027, 3, 5))
    why = "same as our LCAP work"
    story.do("deliverable decline", deliverable="D4", reason=why, **LEA)
    merged, ended = story.when(
        "deliverable merge", deliverables=("D3", "D4"), into="d3", hours=18, title="Coaching",
        reason="one piece of work", **LEA,
    ).records(DeliverablesMerged, DeliverableEnded)  # fmt: skip
    assert isinstance(merged, DeliverablesMerged)
    assert isinstance(ended, DeliverableEnded)
    assert (ended.deliverable, ended.into) == ("D4", ("D3",))
    d3, d4 = get(story, "D3"), get(story, "D4")
    assert (d3.title, d3.hours, d3.status) == ("Coaching", Decimal(18), "proposed")
    assert (d4.status, d4.into, d4.refusal) == ("merged", ("D3",), why)
    story.do("deliverable satisfies", deliverable="D3", plan="lcap", reference="goal 2", **LEA)
    story.on(date(2027, 3, 9)).signed("D1").signed("D2").signed("D3")
    assert get(story, "D3").due == LAST
    assert sum(d.hours for d in story.state().of(Deliverables).all.values() if d.due) == 32
    items = {n.planned.item for n in story.ledger() if "/" not in n.planned.item}
    assert {i for i in items if i.startswith("D")} == {"D1", "D2", "D3"}


def test_merging_adds_the_hours_up_unless_they_are_given() -> None:
    story = two("proposed", "proposed")
    story.do("deliverable merge", deliverables=("D2", "D1"), reason="r")
    assert (get(story, "D2").hours, get(story, "D2").due) == (Decimal(20), None)
    assert get(story, "D1").into == ("D2",)


def test_merging_a_signed_proposal_asks_for_its_signature_again() -> None:
    story = two("proposed", "proposed")
    sign(story, "lea")
    story.do("deliverable merge", deliverables=("D1", "D2"), hours=10, reason="r")
    proposal = get(story).proposal
    assert proposal is not None
    assert proposal.signed == {}


def test_the_reminders_of_what_is_merged_stop_with_that_reason() -> None:
    story = two("agreed", "agreed")
    step(story, "merge")
    assert story.planned_days("D2")
    story.signed("D1")
    assert story.planned_days("D2") == []
    assert {n.reason for n in story.ledger("D2")} == {"merged into D1"}


def test_the_reminders_of_what_is_split_stop_with_that_reason() -> None:
    story = two("agreed", "proposed")
    for what in ("split", "sign D3", "sign D4"):
        step(story, what)
    assert {n.reason for n in story.ledger("D1")} == {"split into D3 and D4"}
    assert get(story, "D1").past == ((DUE, "split into D3 and D4"),)


def test_what_was_handed_in_meanwhile_does_not_end_by_the_merge() -> None:
    story = two("agreed", "agreed")
    step(story, "merge")
    story.by_the_lea("deliverable submit", deliverable="D2").signed("D1")
    assert get(story, "D2").status == "submitted"


def test_a_merge_is_given_once() -> None:
    story = two("agreed", "agreed")
    step(story, "merge")
    story.when("deliverable merge", deliverables=("D1", "D2"), reason="r").refuses(
        AlreadyExists, "D2", "D1", "handrail deliverable sign"
    )
    story.signed("D1")
    story.when("deliverable merge", deliverables=("D1", "D2"), reason="r").refuses(
        AlreadyExists, "D2", "'Teams'", "handrail deliverable rescope"
    )


def test_what_is_on_its_way_into_another_goes_nowhere_else() -> None:
    story = two("agreed", "agreed").proposed(LATER, "Third")
    step(story, "merge")
    story.when("deliverable merge", deliverables=("D3", "D2"), reason="r").refuses(
        WrongState, "D2", "merged into D1", "handrail deliverable show alder-creek-usd D1"
    )
    story.when("deliverable split", deliverable="D2", part=PARTS, reason="r").refuses(
        WrongState, "D2", "merged into D1"
    )
    story.when("deliverable split", deliverable="D1", part=PARTS, reason="r").refuses(
        WrongState, "D1", "D2 is being merged into it"
    )


def test_what_was_merged_points_to_where_it_went() -> None:
    story = two("proposed", "proposed")
    step(story, "merge")
    for what, body in (
        ("deliverable sign", {}),
        ("deliverable redate", {"due": LATER, "reason": "r"}),
        ("deliverable rescope", {"hours": 1, "reason": "r"}),
        ("deliverable decline", {"reason": "r"}),
        ("deliverable split", {"part": PARTS, "reason": "r"}),
    ):
        story.when(what, "marcus", deliverable="D2", **body).refuses(
            WrongState, "merged into D1", "handrail deliverable show alder-creek-usd D1"
        )


def test_one_alone_is_not_merged() -> None:
    story = two("proposed", "proposed")
    story.when("deliverable merge", deliverables=("D1",), reason="r").refuses(Incomplete, "D1")
    story.when("deliverable merge", deliverables=("D1", "d1"), into="D1", reason="r").refuses(
        Incomplete, "D1 alone"
    )


@pytest.mark.parametrize(
    "part", ["Meetings", "2027-02-30 8 Meetings", "2027-05-14 2001 Meetings", "2027-05-14 Meetings"]
)
def test_a_part_that_cannot_be_read_is_named(part: str) -> None:
    two("proposed", "proposed").when(
        "deliverable split", deliverable="D1", part=(part, PARTS[1]), reason="r"
    ).refuses(Invalid, repr(part), "DATE HOURS TITLE")


def test_parts_have_titles_of_their_own() -> None:
    story = two("proposed", "proposed")
    same = ("2027-05-14 8 Meetings", "2027-05-28 8 meetings")
    story.when("deliverable split", deliverable="D1", part=same, reason="r").refuses(
        AlreadyExists, "'meetings'"
    )
    story.when(
        "deliverable split", deliverable="D1", part=("2027-05-14 8 Teams", PARTS[1]), reason="r"
    ).refuses(AlreadyExists, "D2 'Teams'")
    with pytest.raises(ValidationError):
        made("deliverable split", deliverable="D1", part=PARTS[:1], reason="r")


def test_a_split_says_which_parts_it_makes() -> None:
    story = two("proposed", "proposed")
    events = story.when(
        "deliverable split", deliverable="D1", part=PARTS, reason="too much"
    ).records(DeliverableSplit, DeliverableProposed, DeliverableProposed, DeliverableEnded)
    assert isinstance(events[0], DeliverableSplit)
    assert events[0].parts == ("D3", "D4")
    d4 = get(story, "D4")
    assert (d4.title, d4.hours, d4.proposal and d4.proposal.due) == (
        "Calendar of meetings", Decimal(12), LAST,
    )  # fmt: skip


# Waiting for another -----------------------------------------------------------------------------


def three() -> Story:
    story = partnering()
    for title, due in (("A", DUE), ("B", NEW), ("C", LATER)):
        story.proposed(due, title)
    for id_ in ("D1", "D2", "D3"):
        story.signed(id_)
    return story.do("deliverable depend", deliverable="D3", on="D2")


@pytest.mark.parametrize("row", table(PAGE, "Waiting for another"), ids=lambda r: r["Command"])
def test_waits_are_answered_as_the_table_says(row: Row) -> None:
    story = three()
    if found := re.fullmatch(r"(D\d) waits for (D\d)", row["Command"]):
        when = story.when("deliverable depend", deliverable=found[1], on=found[2])
    else:
        id_, _, to = row["Command"].partition(" to ")
        when = story.when("deliverable redate", deliverable=id_, due=day(to), reason="r")
    if row["Answer"] == "recorded":
        story.do(when.what, **when.body)
        assert story.news
    else:
        refusal: type[Refused] = getattr(refusals, row["Answer"])
        when.refuses(refusal, row["Command"][:2])


def test_a_circle_is_shown_in_full() -> None:
    story = three().do("deliverable depend", deliverable="D2", on="D1")
    story.when("deliverable depend", deliverable="D1", on="D3").refuses(
        WrongState, "D1 waits for D3 waits for D2 waits for D1", "--no-longer"
    )


def test_a_wait_is_ended_once() -> None:
    story = three()
    story.when("deliverable depend", deliverable="D3", on="d2", no_longer=True).records(
        DependencyEnded
    )
    story.when("deliverable depend", deliverable="D3", on="D2", no_longer=True).refuses(
        Unknown, "D3 does not wait for D2"
    )
    story.when("deliverable depend", deliverable="D3", on="D2").records(DependencyAdded)


def test_what_was_handed_in_is_waited_for_no_longer() -> None:
    story = three()
    assert [d.id for d in awaited(get(story, "D3"), story.state())] == ["D2"]
    story.by_the_lea("deliverable submit", deliverable="D2")
    assert awaited(get(story, "D3"), story.state()) == []
    early: dict[str, Any] = {"deliverable": "D3", "due": date(2027, 4, 20)}
    story.when("deliverable redate", reason="it is ready", **early).records(RedateProposed)


def test_of_what_was_split_the_parts_are_waited_for() -> None:
    story = partnering().proposed(DUE, "A").proposed(LAST, "B")
    story.do("deliverable depend", deliverable="D2", on="D1")
    part = ("2027-04-16 1 C", "2027-04-30 1 D")
    story.do("deliverable split", deliverable="D1", part=part, reason="r")
    assert [d.id for d in awaited(get(story, "D2"), story.state())] == ["D3", "D4"]
    story.when("deliverable redate", deliverable="D2", due=DUE, reason="r").refuses(
        ImpossibleDate, "D4", "Fri 30 Apr 2027"
    )
    # A part that is split off still waits for what the whole waited for.
    story.do("deliverable depend", deliverable="D4", on="D3")
    story.when("deliverable depend", deliverable="D3", on="D2").refuses(WrongState, "circle")


def test_a_merge_that_would_make_a_circle_is_refused() -> None:
    story = three().do("deliverable depend", deliverable="D2", on="D1")
    story.when("deliverable merge", deliverables=("D3", "D1"), due=LATER, reason="r").refuses(
        WrongState, "D2 would come both before it and after it", "--no-longer"
    )


def test_a_merge_carries_the_waits_over() -> None:
    story = three().proposed(LAST, "E")
    story.do("deliverable merge", deliverables=("D4", "D3"), reason="r").signed("D4")
    assert get(story, "D4").waits_for == ("D2",)
    assert get(story, "D3").status == "merged"


# Ratings -----------------------------------------------------------------------------------------


def tags(cell: str) -> dict[str, str]:
    return {} if cell == "none" else dict(pair.split() for pair in cell.split(", "))


def submitted() -> Story:
    story = partnering().proposed(DUE).signed()
    return story.by_the_lea("deliverable submit", deliverable="D1")


@pytest.mark.parametrize(
    "row", table(PAGE, "What it shows, as each side sees it"), ids=lambda r: r["The LEA"]
)
def test_the_two_sides_differ_as_the_table_says(row: Row) -> None:
    story = submitted()
    story.do("deliverable rate", "marcus", deliverable="D1", **tags(row["The agency"]))
    if row["The LEA"] != "none":
        story.do("deliverable rate", deliverable="D1", **tags(row["The LEA"]), **LEA)
    ratings = story.state().of(Ratings)
    expected = row["They differ on"]
    assert ratings.differences("D1") == ([] if expected == "nothing" else expected.split(", "))
    assert ratings.of("D1")["agency"].tags == tags(row["The agency"])


def test_a_rating_is_of_the_playbooks_scale() -> None:
    story = submitted()
    rate = {"deliverable": "D1"}
    story.when("deliverable rate", "marcus", **rate, focus="mostly").refuses(
        Unknown, "'mostly'", "yes, partly, no, too-early"
    )
    story.when("deliverable rate", "marcus", **rate).refuses(Incomplete, "--focus", "--impact")
    [event] = story.when("deliverable rate", "marcus", **rate, impact="Too early").records(
        DeliverableRated
    )
    assert isinstance(event, DeliverableRated)
    assert event.tags == {"impact": "too-early"}


def test_a_playbook_may_ask_for_less_or_for_nothing() -> None:
    story = submitted()
    assert PLAYBOOK.coauthoring is not None
    less = PLAYBOOK.coauthoring.model_copy(update={"tags": PLAYBOOK.coauthoring.tags[:1]})
    story.playbook = PLAYBOOK.model_copy(update={"coauthoring": less})
    story.when("deliverable rate", "marcus", deliverable="D1", impact="yes").refuses(
        Unknown, "does not ask for impact", "focus"
    )
    story.playbook = PLAYBOOK.model_copy(update={"coauthoring": None})
    for what in ("deliverable rate", "deliverable satisfies"):
        story.when(what, "marcus", **PROPOSALS[what]).refuses(
            WrongState, "dta-sir@3", "handrail playbook list"
        )


def test_only_what_was_submitted_is_rated_and_not_before() -> None:
    story = partnering().proposed(DUE).signed()
    story.when("deliverable rate", "marcus", deliverable="D1", focus="yes").refuses(
        WrongState, "D1", "agreed", "handrail deliverable submit"
    )
    story.on(date(2027, 3, 9)).by_the_lea("deliverable submit", deliverable="D1")
    story.when(
        "deliverable rate", "marcus", deliverable="D1", focus="yes", effective=date(2027, 3, 8)
    ).refuses(ImpossibleDate, "Mon 8 Mar 2027", "Tue 9 Mar 2027")


@pytest.mark.parametrize("handle", ["tess", "priya"])
def test_only_the_lead_or_the_director_rates_for_the_agency(handle: str) -> None:
    story = submitted()
    story.when("deliverable rate", handle, deliverable="D1", focus="yes").refuses(
        WrongPerson, f"p-{handle}", "p-marcus", "p-dana", "--for PERSON"
    )
    story.when("deliverable rate", "dana", deliverable="D1", focus="yes").records(DeliverableRated)


def test_the_same_rating_is_given_once_and_another_takes_its_place() -> None:
    story = submitted().do("deliverable rate", "marcus", deliverable="D1", focus="yes")
    story.when("deliverable rate", "marcus", deliverable="D1", focus="yes").refuses(
        AlreadyExists, "D1", "p-marcus", "Nothing more is needed"
    )
    story.do("deliverable rate", "marcus", deliverable="D1", progress="no", note="Not yet.")
    rating = story.state().of(Ratings).of("D1")["agency"]
    assert (rating.tags, rating.note) == ({"focus": "yes", "progress": "no"}, "Not yet.")
    assert story.state().of(Ratings).of("D1").keys() == {"agency"}


def test_a_new_submission_is_rated_anew() -> None:
    story = submitted().do("deliverable rate", "marcus", deliverable="D1", focus="no")
    story.do("deliverable return", "marcus", deliverable="D1", due=NEW, reason="More.", **LEA)
    story.by_the_lea("deliverable submit", deliverable="D1")
    story.do("deliverable rate", "marcus", deliverable="D1", progress="yes")
    rating = story.state().of(Ratings).of("D1")["agency"]
    assert (rating.submission, rating.tags) == (2, {"progress": "yes"})


# Work done once ----------------------------------------------------------------------------------


def test_what_it_satisfies_is_kept_with_who_said_so() -> None:
    story = two("declined", "proposed")
    [event] = story.when(
        "deliverable satisfies", deliverable="D1", plan="LCAP", reference="goal 2",
        already_done=True, **LEA,
    ).records(ReuseLinked)  # fmt: skip
    assert isinstance(event, ReuseLinked)
    assert (event.what, event.said_by, event.already_done) == ("lcap", "p-joy", True)
    assert "was done already for lcap" in event.sentence()
    again: dict[str, Any] = {"deliverable": "D1", "plan": "lcap", "reference": "Goal 2"}
    story.when("deliverable satisfies", **again, already_done=True).refuses(
        AlreadyExists, "lcap", "Nothing more is needed"
    )
    story.when("deliverable satisfies", **again).records(ReuseLinked)
    assert len(story.state().of(Reuse).satisfies["D1"]) == 1
    story.when("deliverable satisfies", **again, no_longer=True).records(ReuseUnlinked)
    story.when("deliverable satisfies", **again, no_longer=True).refuses(Unknown, "nothing")


def test_a_kind_is_one_of_the_playbooks() -> None:
    two("proposed", "proposed").when(
        "deliverable satisfies", deliverable="D1", plan="lcpa", reference="goal 2"
    ).refuses(Unknown, "'lcpa'", "Did you mean lcap", "county-plan")


def test_what_went_into_another_is_linked_there() -> None:
    story = two("proposed", "proposed")
    step(story, "merge")
    story.when("deliverable satisfies", deliverable="D2", plan="lcap", reference="goal 2").refuses(
        WrongState, "merged into D1", "handrail deliverable show alder-creek-usd D1"
    )


def test_a_deliverable_feeds_a_root_cause_or_a_summit() -> None:
    story = two("proposed", "proposed").do("focus set", "marcus", text="Reading")
    story.do("focus cause add", "marcus", text="Schedules")
    feed: dict[str, Any] = {"deliverable": "D1", "cause": "rc1", "summit": "y2-5"}
    story.when("deliverable feed", **feed).records(FeedLinked, FeedLinked)
    assert story.state().of(Reuse).feeds["D1"] == ("RC1", "Y2-5")
    story.when("deliverable feed", **feed).refuses(AlreadyExists, "RC1 and Y2-5")
    story.when("deliverable feed", deliverable="D1", cause="RC1", no_longer=True).records(
        FeedUnlinked
    )
    story.when("deliverable feed", deliverable="D1", cause="RC1", no_longer=True).refuses(
        Unknown, "RC1", "Y2-5"
    )
    story.when("deliverable feed", deliverable="D1", cause="RC9").refuses(
        Unknown, "'RC9'", "RC1", "handrail focus show"
    )
    story.when("deliverable feed", deliverable="D1").refuses(Incomplete, "--cause", "--summit")
    story.when("deliverable feed", deliverable="D1", summit="spring").refuses(
        Invalid, "'spring'", "Y2-5"
    )


# Changing course ---------------------------------------------------------------------------------


def test_a_change_of_course_says_what_was_learned_and_what_shows_it() -> None:
    story = submitted()
    body: dict[str, Any] = {
        "because": "8 of 30 came", "change": "Invite by phone", "evidence": "attendance list",
    }  # fmt: skip
    [event] = story.when("deliverable correct-course", deliverable="d1", **body).records(
        CourseCorrected
    )
    assert isinstance(event, CourseCorrected)
    assert (event.correction, event.deliverable, event.side) == ("CC1", "D1", "agency")
    for words in ("8 of 30 came.", "Invite by phone.", "attendance list."):
        assert words in event.sentence()
    story.when("deliverable correct-course", deliverable="D1", **body).refuses(
        AlreadyExists, "CC1", "handrail course list alder-creek-usd"
    )
    story.when("course correct", person="joy", **body).records(CourseCorrected)
    courses = story.state().of(Courses)
    assert [e.correction for e, _ in courses.all] == ["CC1", "CC2"]
    assert [e.correction for e, _ in courses.of("D1")] == ["CC1"]
    assert courses.all[1][0].side == "lea"
    story.when("course correct", person="noor", **{**body, "change": "c"}).refuses(
        WrongPerson, "p-noor"
    )


# In any order ------------------------------------------------------------------------------------


def test_a_signature_dated_before_the_rescope_was_entered_is_told_as_true() -> None:
    story = partnering().proposed(DUE).signed().on(date(2027, 3, 10))
    story.do("deliverable rescope", deliverable="D1", hours=4, title="Draft", reason="r", **LEA)
    back = {"deliverable": "D1", "effective": date(2027, 3, 9)}
    story.do("deliverable sign", "marcus", **back).do("deliverable sign", **back, **LEA)
    stream = f"engagement:{ALDER}"
    told = fold(stream, as_true(story.history(), story.now, ZONE)).of(Deliverables).all["D1"]
    assert (told.hours, told.title, told.proposal) == (Decimal(4), "Draft", None)


def test_a_merge_signed_before_it_was_entered_is_told_as_true() -> None:
    story = two("agreed", "agreed").on(date(2027, 3, 10))
    step(story, "merge")
    back = {"deliverable": "D1", "effective": date(2027, 3, 9)}
    story.do("deliverable sign", "marcus", **back).do("deliverable sign", **back, **LEA)
    stream = f"engagement:{ALDER}"
    told = fold(stream, as_true(story.history(), story.now, ZONE)).of(Deliverables).all
    now = story.state().of(Deliverables).all
    assert {i: (d.status, d.due, d.hours, d.proposal) for i, d in told.items()} == {
        i: (d.status, d.due, d.hours, d.proposal) for i, d in now.items()
    }


def test_the_spring_of_d1_to_its_submission() -> None:
    """Re-dated, reminded by the new date alone, submitted, rated by both: twelve notices."""
    story = partnering().on(date(2027, 3, 9)).proposed(DUE).signed()
    planned = [local_date(n.planned.planned_for, ZONE) for n in story.ledger("D1")]
    assert [d.strftime("%d %b") for d in planned] == [
        "05 Apr", "13 Apr", "16 Apr", "19 Apr", "23 Apr", "30 Apr",
    ]  # fmt: skip
    story.on(date(2027, 4, 12)).do(
        "deliverable redate", "marcus", deliverable="D1", due=NEW, reason="illness"
    )
    story.signed().on(date(2027, 4, 29)).by_the_lea("deliverable submit", deliverable="D1")
    for body in ({}, LEA):
        story.do(
            "deliverable rate", "marcus", deliverable="D1",
            focus="yes", progress="partly", impact="too-early", **body,
        )  # fmt: skip
    ledger = story.ledger("D1")
    counts = {
        reason: sum(n.reason == reason for n in ledger)
        for reason in (None, "re-dated", "submitted")
    }
    assert (len(ledger), counts) == (12, {None: 3, "re-dated": 5, "submitted": 4})
    assert story.state().of(Ratings).differences("D1") == []


# Held to the month's cap -------------------------------------------------------------------------


def may(story: Story) -> tuple[int, int]:
    [month] = [m for m in by_month(story.state(), PLAYBOOK.burden) if m.first == date(2027, 5, 1)]
    return int(month.agreed), int(month.forecast)


def test_what_takes_the_place_of_another_is_not_counted_beside_it() -> None:
    story = partnering()
    for title, hours in (("A", 16), ("B", 22)):
        story.do("deliverable propose", "marcus", title=title, due=LAST, hours=hours)
    story.signed("D1").signed("D2")
    assert may(story) == (38, 38)
    story.do("deliverable merge", deliverables=("D1", "D2"), hours=30, reason="one piece of work")
    assert may(story) == (38, 30)
    story.signed("D1")
    assert may(story) == (30, 30)
    part = ("2027-05-14 15 C", "2027-05-28 15 D")
    story.do("deliverable split", deliverable="D1", part=part, reason="too much at once")
    assert may(story) == (30, 30)
    story.signed("D3").signed("D4")
    assert may(story) == (30, 30)


def test_more_hours_than_the_month_may_take_are_refused_at_the_signature() -> None:
    story = partnering()
    for title in ("A", "B"):
        story.do("deliverable propose", "marcus", title=title, due=LAST, hours=18)
    story.signed("D1").signed("D2")
    [event] = story.when(
        "deliverable rescope", deliverable="D2", hours=30, reason="more schools"
    ).records(RescopeProposed)
    assert "48 LEA hours, over the cap of 40" in event.sentence()
    story.when("deliverable sign", "marcus", deliverable="D2").refuses(TooMany, "May 2027", "48 h")
    story.when("deliverable rescope", deliverable="D2", hours=50, reason="more").refuses(TooMany)
