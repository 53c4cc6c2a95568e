"""docs/rules/review.md, row by row, and every refusal of a review."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.deliverables.proposing import Proposal
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Refused,
    TooMany,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.owing.obligations import Obligation, obligations
from domain.policy.framework import Framework
from domain.program.frameworks import FrameworkPublished, Frameworks
from domain.reminders.planning import reconcile
from domain.review.evidence import EvidenceLogged, EvidenceWithdrawn
from domain.review.presenting import ReviewPresented
from domain.review.recommendations import (
    ActionAdded,
    ActionDropped,
    ActionLinked,
    ActionMarked,
    ActionsChosen,
    ActionUnlinked,
)
from domain.review.report import (
    CorrectionAnswered,
    CorrectionFiled,
    DraftSent,
    ReviewFinalized,
    WindowWaived,
)
from domain.review.review import FindingRecorded, Review, ReviewOpened
from domain.review.thread import Strand, strands, through, unserving
from domain.review.waves import (
    WaveAgreed,
    WaveDropped,
    WaveProposed,
    WaveReceived,
    WaveRedateProposed,
    WaveSigned,
)
from domain.rules.context import SYSTEM
from domain.rules.registry import fold
from store.events import as_true
from tests.domain.story import ALDER, FRAMEWORKS, PACKS, PLAYBOOK, Story, When, made
from tests.domain.tables import Row, day, days, table
from tests.domain.test_properties import whatever_happens

SIR12 = FRAMEWORKS["sir-12@2019"]
PRACTICE = FRAMEWORKS["practice-3@1"]
AREAS = tuple(a.id for a in SIR12.areas)
MADE_UP = tuple(a.id for a in PRACTICE.areas)
MONDAY = date(2026, 11, 2)
DRAFTED = date(2027, 1, 25)
FINAL = date(2027, 2, 16)
LINKED = st.sampled_from(["D1", "D2", "D3"])


def review_of(story: Story) -> Review:
    return story.state().of(Review)


def onboarding() -> Story:
    return Story(date(2026, 10, 15)).effective().on(MONDAY)


def opened(framework: str = "practice-3@1") -> Story:
    return onboarding().do("sir open", "marcus", framework=framework)


def proposed(story: Story, due: date = date(2026, 11, 19), title: str = "Plans") -> Story:
    return story.do("sir wave propose", "marcus", title=title, due=due, hours=32)


def signed(story: Story, wave: str = "W1") -> Story:
    story.do("sir wave sign", "marcus", wave=wave)
    return story.by_the_lea("sir wave sign", wave=wave)


def found(story: Story, areas: tuple[str, ...] = MADE_UP) -> Story:
    for area in areas:
        story.do("sir finding", "marcus", area=area, strength="Steady.", need=f"More in {area}.")
    return story


def logged(story: Story, areas: tuple[str, ...] = MADE_UP) -> Story:
    for area in areas:
        story.do("evidence log", area=area, method="document", group="plans", count=2)
    return story


def recommended(story: Story, number: int = 6) -> Story:
    for n in range(number):
        story.do("sir action add", "marcus", area=MADE_UP[n % 3], title=f"Action {n + 1}")
    return story


def when_chosen(story: Story, *actions: str, person: str = "joy") -> When:
    """What becomes of a choice of both sides."""
    return story.when("sir choose", "marcus", actions=actions, person=person, evidence="minutes")


def chosen(story: Story, *actions: str) -> Story:
    return story.do("sir choose", "marcus", actions=actions, person="joy", evidence="minutes")


def drafted() -> Story:
    story = recommended(logged(found(opened())))
    return story.on(DRAFTED).do("sir draft", "marcus")


def final() -> Story:
    return drafted().on(FINAL).do("sir finalize", "marcus")


def owed(story: Story, item: str) -> list[Obligation]:
    all_ = obligations(story.state(), story.context("marcus", None))
    return [o for o in all_ if o.item == item]


# Frameworks --------------------------------------------------------------------------------------


def test_the_twelve_areas_are_those_of_the_table() -> None:
    rows = table("review.md", "Frameworks")
    assert [(r["Area"], r["Name"], r["LCFF priorities"]) for r in rows] == [
        (a.id, a.name, ", ".join(str(p) for p in a.priorities) or "–") for a in SIR12.areas
    ]
    assert [r["No."] for r in rows] == [str(n) for n in range(1, 13)]
    assert SIR12.source.startswith("https://")


def test_a_framework_for_practice_says_so_wherever_it_is_read() -> None:
    assert "made up for practice" in PRACTICE.title.casefold()
    assert "made up for practice" in PRACTICE.source.casefold()


def version(number: int) -> Framework:
    return PRACTICE.model_copy(update={"version": number})


def test_a_framework_is_published_in_versions() -> None:
    story = Story()
    [event] = story.when("framework publish", "dana", content=PRACTICE).records(FrameworkPublished)
    assert isinstance(event, FrameworkPublished)
    assert event.framework == PRACTICE
    story.do("framework publish", "dana", content=version(2))
    versions = story.state("framework:practice-3").of(Frameworks).versions
    assert [f.ref for f in versions] == ["practice-3@1", "practice-3@2"]


@pytest.mark.parametrize("number", [1, 2])
def test_a_published_framework_version_never_changes(number: int) -> None:
    story = Story().do("framework publish", "dana", content=version(2))
    story.when("framework publish", "dana", content=version(number)).refuses(
        AlreadyExists, f"version {number}", "a version after 2"
    )


@pytest.mark.parametrize("who", ["marcus", "tess"])
def test_only_a_director_publishes_a_framework(who: str) -> None:
    Story().when("framework publish", who, content=PRACTICE).refuses(WrongPerson, f"p-{who}")


@pytest.mark.parametrize(
    "change",
    [
        {"areas": []},
        {"areas": [{"id": "a", "name": "A"}, {"id": "a", "name": "B"}]},
        {"areas": [{"id": "12", "name": "A number"}]},
        {"version": 0},
        {"id": "SIR 12"},
    ],
    ids=["no area", "an area twice", "an area called by a number", "version 0", "capitals"],
)
def test_a_framework_that_cannot_be_is_not_read(change: dict[str, Any]) -> None:
    content = yaml.safe_load((PACKS / "frameworks/practice-3.yaml").read_text("utf-8"))
    with pytest.raises(ValidationError):
        Framework.model_validate({**content, **change})


# Opening -----------------------------------------------------------------------------------------


def test_a_review_keeps_the_version_it_was_opened_with() -> None:
    story = onboarding()
    [event] = story.when("sir open", "marcus", framework="sir-12@2019").records(ReviewOpened)
    assert isinstance(event, ReviewOpened)
    assert (event.framework, event.areas, event.on) == ("sir-12@2019", SIR12.areas, MONDAY)
    # The state after the same events, with no framework to be looked up.
    again = fold(f"engagement:{ALDER}", story.history())
    assert tuple(again.of(Review).areas.values()) == SIR12.areas


STAGES: dict[str, Callable[[], Story]] = {
    "recruiting": lambda: Story(date(2026, 10, 15)).recruited(),
    "agreeing": lambda: Story(date(2026, 10, 15)).drafted(),
    "onboarding": onboarding,
    "reviewing": drafted,
    "partnering": lambda: onboarding().proposed(date(2027, 4, 16)).signed(),
}


@pytest.mark.parametrize(
    "row", table("review.md", "Phases"), ids=lambda r: f"{r['What happens']} when {r['Before']}"
)
def test_a_phase_never_goes_back(row: Row) -> None:
    story = STAGES[row["Before"]]()
    assert story.engagement.phase == row["Before"]
    match row["What happens"]:
        case "review opened":
            body: dict[str, Any] = {"framework": "sir-12@2019"}
            if row["After"] == "WrongState":
                story.when("sir open", "marcus", **body).refuses(WrongState, row["Before"])
                return
            story.do("sir open", "marcus", **body)
        case "deliverable agreed":
            story.proposed(date(2027, 4, 16)).signed()
        case "review final":
            if row["Before"] == "partnering":
                story = drafted().proposed(date(2027, 4, 16)).signed()
            story.on(FINAL).do("sir finalize", "marcus")
            assert review_of(story).standing == "final"
        case other:
            raise AssertionError(other)
    assert story.engagement.phase == row["After"]


def test_an_unpublished_framework_cannot_be_opened() -> None:
    onboarding().when("sir open", "marcus", framework="sir-12@2018").refuses(
        Unknown, "Did you mean sir-12@2019", "practice-3@1", "handrail framework publish"
    )


def test_a_playbook_without_a_review_has_none() -> None:
    story = onboarding()
    story.playbook = PLAYBOOK.model_copy(update={"review": None})
    story.when("sir open", "marcus", framework="sir-12@2019").refuses(WrongState, "no review")


def test_a_review_can_be_opened_under_another_framework_while_it_is_blank() -> None:
    story = opened().do("sir open", "marcus", framework="sir-12@2019")
    assert review_of(story).framework == "sir-12@2019"
    assert tuple(review_of(story).areas) == AREAS


@pytest.mark.parametrize(
    ("begin", "framework"),
    [
        (lambda s: s, "practice-3@1"),
        (proposed, "sir-12@2019"),
        (logged, "sir-12@2019"),
        (found, "sir-12@2019"),
    ],
    ids=["the same", "a wave", "evidence", "a finding"],
)
def test_a_review_that_has_begun_keeps_its_framework(
    begin: Callable[[Story], Story], framework: str
) -> None:
    begin(opened()).when("sir open", "marcus", framework=framework).refuses(
        AlreadyExists, "practice-3@1"
    )


@pytest.mark.parametrize(
    ("on", "word"),
    [(date(2026, 10, 14), "opened on"), (date(2026, 11, 3), "today is")],
    ids=["before the engagement", "tomorrow"],
)
def test_a_review_is_not_opened_on_an_impossible_day(on: date, word: str) -> None:
    onboarding().when("sir open", "marcus", effective=on, framework="sir-12@2019").refuses(
        ImpossibleDate, word
    )


def test_a_review_is_not_opened_before_the_agreement() -> None:
    story = Story(date(2026, 10, 1)).drafted().on(date(2026, 10, 15))
    for board in ("lea", "ccee"):
        story.do("agreement act", board=board, action="approved", meeting=story.today)
    story.when("sir open", "marcus", effective=date(2026, 10, 14), framework="sir-12@2019").refuses(
        ImpossibleDate, "Thu 15 Oct 2026"
    )


IN_A_REVIEW: list[tuple[str, dict[str, Any]]] = [
    ("sir wave propose", {"title": "Plans", "due": date(2027, 5, 14), "hours": 3}),
    ("sir wave sign", {"wave": "W1"}),
    ("sir wave redate", {"wave": "W1", "due": date(2027, 5, 14), "reason": "x"}),
    ("sir wave receive", {"wave": "W1", "person": "joy", "evidence": "x"}),
    ("sir wave drop", {"wave": "W1", "reason": "x"}),
    ("sir wave spare", {"wave": "W1", "part": "LCAP", "hours": 6, "held_by": "the county"}),
    ("evidence log", {"area": "planning", "method": "walk", "group": "schools"}),
    ("evidence withdraw", {"entry": "E1", "reason": "x"}),
    ("sir finding", {"area": "planning", "need": "x"}),
    ("sir action add", {"area": "planning", "title": "x"}),
    ("sir action drop", {"action": "RA1", "reason": "x"}),
    ("sir draft", {}),
    ("sir correct", {"text": "x", "person": "joy", "evidence": "x"}),
    ("sir answer", {"correction": "FC1", "answer": "taken", "note": "x"}),
    ("sir waive", {"person": "joy", "evidence": "x"}),
    ("sir finalize", {}),
]
AFTER_IT: list[tuple[str, dict[str, Any]]] = [
    ("sir action mark", {"action": "RA1", "status": "done"}),
    ("sir choose", {"actions": ("RA1",), "person": "joy", "evidence": "minutes"}),
    ("sir link", {"action": "RA1", "deliverable": "D1"}),
    ("sir unlink", {"action": "RA1", "deliverable": "D1", "reason": "x"}),
]


@pytest.mark.parametrize(("what", "body"), IN_A_REVIEW + AFTER_IT, ids=lambda v: str(v)[:20])
def test_nothing_is_recorded_in_a_review_that_was_not_opened(
    what: str, body: dict[str, Any]
) -> None:
    onboarding().when(what, "marcus", **body).refuses(WrongState, "handrail sir open")


@pytest.mark.parametrize(("what", "body"), IN_A_REVIEW, ids=lambda v: str(v)[:20])
def test_a_final_report_does_not_change(what: str, body: dict[str, Any]) -> None:
    final().when(what, "marcus", **body).refuses(WrongState, "final since Tue 16 Feb 2027")


@pytest.mark.parametrize(("what", "body"), IN_A_REVIEW + AFTER_IT, ids=lambda v: str(v)[:20])
def test_nothing_in_a_review_is_dated_before_its_opening(what: str, body: dict[str, Any]) -> None:
    early = date(2026, 10, 30)
    opened().when(what, "marcus", effective=early, **body).refuses(ImpossibleDate, "2 Nov 2026")


@pytest.mark.parametrize(
    ("what", "body"),
    [c for c in IN_A_REVIEW + AFTER_IT if c[0] not in ("evidence withdraw", "sir unlink")],
    ids=lambda v: str(v)[:20],
)
def test_nothing_in_a_review_is_dated_in_the_future(what: str, body: dict[str, Any]) -> None:
    story = proposed(drafted(), date(2027, 3, 1))
    signed(story).by_the_lea("sir correct", text="x").proposed(date(2027, 4, 16))
    story.when(what, "marcus", effective=date(2027, 1, 26), **body).refuses(
        ImpossibleDate, "Mon 25 Jan 2027"
    )


# Waves -------------------------------------------------------------------------------------------


def test_nobody_owes_a_wave_until_both_sides_have_signed() -> None:
    story = opened()
    [event] = story.when(
        "sir wave propose", "marcus", title="Plans", due=date(2026, 11, 19), hours=32
    ).records(WaveProposed)
    assert isinstance(event, WaveProposed)
    assert (event.wave, event.hours) == ("W1", Decimal(32))
    assert owed(story, "W1") == []
    [waits] = owed(story, "W1/signature")
    assert (waits.owner, waits.policy) == ("lead", None)
    assert story.ledger("W1/signature") == []
    story.do("sir wave sign", "marcus", wave="W1")
    assert story.ledger() == [] or not story.ledger("W1")
    [waits] = owed(story, "W1/signature")
    assert (waits.owner, waits.policy) == ("lea_contact", "signature")
    story.when("sir wave sign", wave="w1", person="joy", evidence="mail").records(
        WaveSigned, WaveAgreed
    )
    [wave] = owed(story, "W1")
    assert (wave.owner, wave.due, wave.policy) == ("lea_contact", date(2026, 11, 19), "standard")
    assert [o.settled for o in owed(story, "W1/signature")] == ["signed"]
    assert {n.reason for n in story.ledger("W1/signature")} == {"signed"}


@pytest.mark.parametrize(
    "row", table("review.md", "Reminders of waves"), ids=lambda r: r["Wave due"]
)
def test_the_lea_contact_is_reminded_of_a_wave(row: Row) -> None:
    story = signed(proposed(opened(), day(row["Wave due"])))
    assert story.planned_days("W1") == days(row["Reminded on"])
    assert all(n.planned.to[0] == "lea_contact" for n in story.ledger("W1"))


WAVES: dict[str, Callable[[Story], Story]] = {
    "proposed": lambda s: s,
    "agreed": signed,
    "received": lambda s: signed(s).by_the_lea("sir wave receive", wave="W1"),
    "dropped": lambda s: s.do("sir wave drop", "marcus", wave="W1", reason="held by the county"),
}


@pytest.mark.parametrize(
    "row", table("review.md", "Evidence requests"), ids=lambda r: f"{r['Before']}, {r['Command']}"
)
def test_a_wave_goes_from_state_to_state(row: Row) -> None:
    story = WAVES[row["Before"]](proposed(opened()))
    commands: dict[str, tuple[str, dict[str, Any]]] = {
        "sign for the LEA": ("sir wave sign", {"person": "joy", "evidence": "mail"}),
        "redate": ("sir wave redate", {"due": date(2026, 12, 4), "reason": "summit"}),
        "receive": ("sir wave receive", {"person": "joy", "evidence": "folder"}),
        "drop": ("sir wave drop", {"reason": "enough"}),
    }
    what, body = commands[row["Command"]]
    assert review_of(story).waves["W1"].status == row["Before"]
    if row["After"] == "WrongState":
        story.when(what, "marcus", wave="W1", **body).refuses(WrongState, "W1")
    else:
        story.do(what, "marcus", wave="W1", **body)
        assert review_of(story).waves["W1"].status == row["After"]


def test_what_was_agreed_about_a_wave_stands_until_both_have_signed_anew() -> None:
    story = signed(proposed(opened()))
    story.when(
        "sir wave redate", "marcus", wave="W1", due=date(2026, 12, 4), hours=18, reason="summit"
    ).records(WaveRedateProposed)
    assert [(o.due, o.settled) for o in owed(story, "W1")] == [(date(2026, 11, 19), None)]
    assert review_of(story).waves["W1"].hours == 32
    signed(story)
    assert [(o.round, o.due, o.settled) for o in owed(story, "W1")] == [
        (1, date(2026, 11, 19), "re-dated"),
        (2, date(2026, 12, 4), None),
    ]
    assert review_of(story).waves["W1"].hours == 18
    assert {n.reason for n in story.ledger("W1") if n.status == "suppressed"} == {"re-dated"}


def test_other_hours_of_a_wave_leave_its_round_and_its_reminders_alone() -> None:
    story = signed(proposed(opened()))
    snoozed = {"item": "W1", "until": date(2026, 11, 10), "reason": "the contact is on leave"}
    story.do("reminders snooze", **snoozed)
    planned = [n.planned for n in story.ledger("W1") if n.status == "planned"]
    same = {"wave": "W1", "due": date(2026, 11, 19)}
    story.do("sir wave redate", "marcus", **same, hours=18, reason="the county has some")
    signed(story)
    assert review_of(story).waves["W1"].hours == 18
    assert [(o.round, o.due, o.settled) for o in owed(story, "W1")] == [
        (1, date(2026, 11, 19), None)
    ]
    assert [n.planned for n in story.ledger("W1") if n.status == "planned"] == planned


def test_a_proposed_wave_can_be_proposed_for_another_day_before_anybody_signs() -> None:
    story = proposed(opened(), date(2027, 1, 22))
    story.do("sir wave redate", "marcus", wave="W1", due=date(2027, 1, 20), reason="the summit")
    signed(story)
    assert [(o.round, o.due) for o in owed(story, "W1")] == [(1, date(2027, 1, 20))]


@pytest.mark.parametrize(("step", "reason"), [("receive", "received"), ("drop", "dropped")])
def test_nobody_is_reminded_of_a_wave_that_is_over(step: str, reason: str) -> None:
    story = signed(proposed(opened())).on(date(2026, 11, 6))
    if step == "receive":
        [event] = story.when(
            "sir wave receive", wave="W1", person="elena", evidence="folder"
        ).records(WaveReceived)
        assert isinstance(event, WaveReceived)
        assert (event.on, event.person) == (date(2026, 11, 6), "p-elena")
    else:
        story.when("sir wave drop", "marcus", wave="W1", reason="enough").records(WaveDropped)
    assert story.planned_days("W1") == []
    assert {n.reason for n in story.ledger("W1") if n.status == "suppressed"} == {reason}


def test_a_final_report_asks_for_no_more_evidence() -> None:
    story = signed(proposed(drafted(), date(2027, 3, 1)))
    story.on(FINAL).do("sir finalize", "marcus")
    assert story.planned_days("W1") == []


@pytest.mark.parametrize(
    ("due", "word"),
    [
        (MONDAY, "not after today"),
        (date(2026, 11, 25), "fall recess"),
        (date(2026, 11, 11), "Veterans Day"),
        (date(2026, 11, 21), "Saturday"),
        (date(2207, 1, 5), "Check the year"),
    ],
    ids=["today", "recess", "a holiday", "a weekend", "the wrong century"],
)
def test_a_wave_is_due_on_a_working_day_ahead(due: date, word: str) -> None:
    story = opened()
    message = story.when("sir wave propose", "marcus", title="Plans", due=due, hours=3).refuses(
        ImpossibleDate
    )
    assert word.casefold() in message.casefold()


def test_a_wave_is_signed_once_for_each_side_and_by_the_right_people() -> None:
    story = proposed(opened())
    story.when("sir wave sign", "priya", wave="W1").refuses(WrongPerson, "p-marcus")
    story.when("sir wave sign", wave="W1", person="noor", evidence="x").refuses(WrongPerson)
    story.when("sir wave sign", wave="W1", person="joy").refuses(Incomplete, "--evidence")
    story.when("sir wave sign", wave="W9").refuses(Unknown, "W1 (Plans)")
    story.do("sir wave sign", "marcus", wave="W1")
    story.when("sir wave sign", "marcus", wave="W1").refuses(AlreadyExists, "--for PERSON")
    story.by_the_lea("sir wave sign", wave="W1")
    story.when("sir wave sign", "marcus", wave="W1").refuses(WrongState, "sir wave redate")


def test_the_lea_may_sign_a_wave_first() -> None:
    story = proposed(opened()).by_the_lea("sir wave sign", wave="W1")
    story.when("sir wave sign", wave="W1", person="joy", evidence="x").refuses(AlreadyExists)
    story.when("sir wave sign", "marcus", wave="W1").records(WaveSigned, WaveAgreed)


def test_a_wave_whose_day_has_passed_cannot_be_signed() -> None:
    story = proposed(opened()).on(date(2026, 11, 20))
    story.when("sir wave sign", "marcus", wave="W1").refuses(ImpossibleDate, "19 Nov 2026")


def test_the_same_wave_is_not_proposed_twice() -> None:
    story = proposed(opened())
    story.when("sir wave propose", "marcus", title="PLANS", due=date(2026, 12, 4), hours=1).refuses(
        AlreadyExists, "W1"
    )
    story.when("sir wave redate", "marcus", wave="W1", due=date(2026, 11, 19), reason="x").refuses(
        AlreadyExists, "32 LEA hours"
    )
    story.do("sir wave drop", "marcus", wave="W1", reason="too many")
    assert review_of(proposed(story)).waves["W2"].proposal == Proposal(
        date(2026, 11, 19), at=story.now
    )


# The evidence log --------------------------------------------------------------------------------


def test_evidence_is_counted_by_method_and_empty_areas_are_flagged() -> None:
    story = opened("sir-12@2019")
    for area in AREAS[:10]:
        story.do("evidence log", area=area, method="interview", group="principals", count=3)
    story.do("evidence log", area="1", method="interview", group="cabinet", count=2)
    story.do("evidence log", area="CULTURE", method="document", group="agendas", count=12)
    review = review_of(story)
    assert review.by_method("culture") == {"interview": 5, "document": 12}
    assert review.empty_areas == ["professional-learning", "governance"]


def test_an_entry_names_its_day_its_wave_and_from_whom_it_is() -> None:
    story = signed(proposed(opened())).on(date(2026, 11, 13))
    story.by_the_lea("sir wave receive", wave="W1")
    story.when(
        "evidence log", area="teaching", method="document", group="plans", wave="W1",
        effective=date(2026, 11, 12),
    ).refuses(ImpossibleDate, "Fri 13 Nov 2026")  # fmt: skip
    [event] = story.on(date(2026, 11, 17)).when(
        "evidence log", area="teaching", method="document", group="plans", wave="w1",
        effective=date(2026, 11, 16),
    ).records(EvidenceLogged)  # fmt: skip
    assert isinstance(event, EvidenceLogged)
    assert (event.entry, event.on, event.wave) == ("E1", date(2026, 11, 16), "W1")
    assert event.group.about == f"engagement:{ALDER}"


def test_the_same_evidence_is_not_logged_twice_on_a_day() -> None:
    story = opened("sir-12@2019")
    body: dict[str, Any] = {"area": "culture", "method": "walk", "group": "schools", "count": 2}
    story.do("evidence log", **body)
    story.when("evidence log", **{**body, "area": "CULTURE"}).refuses(
        AlreadyExists, "E1", "walk × 2", "--count", "handrail evidence withdraw"
    )
    story.when("evidence log", **{**body, "count": 3}).records(EvidenceLogged)
    story.do("evidence withdraw", entry="E1", reason="another area")
    story.when("evidence log", **body).records(EvidenceLogged)
    story.on(story.today + timedelta(days=1)).when("evidence log", **body).records(EvidenceLogged)


def test_evidence_is_gathered_in_a_way_of_the_playbook() -> None:
    body = {"area": "culture", "group": "schools"}
    story = opened("sir-12@2019")
    story.when("evidence log", method="walks", **body).refuses(Unknown, "mean walk?", "interview")
    assert PLAYBOOK.review
    review = PLAYBOOK.review.model_copy(update={"evidence_methods": ()})
    story.playbook = PLAYBOOK.model_copy(update={"review": review})
    story.when("evidence log", method="walks", **body).records(EvidenceLogged)


def test_an_entry_that_was_wrong_is_taken_back() -> None:
    story = logged(opened())
    story.when("evidence withdraw", entry="e1", reason="another LEA's").records(EvidenceWithdrawn)
    assert review_of(story).empty_areas == ["planning"]
    story.when("evidence withdraw", entry="E1", reason="again").refuses(Unknown, "E2, E3")
    story.do("evidence log", area="planning", method="walk", group="schools")
    assert list(review_of(story).evidence) == ["E1", "E2", "E3", "E4"]


@pytest.mark.parametrize("area", ["plannning", "0", "4", "-1", "²", "00031", "99999999999"])
def test_an_area_that_the_framework_does_not_have_is_refused(area: str) -> None:
    opened().when("evidence log", area=area, method="walk", group="x").refuses(
        Unknown, repr(area), "planning, teaching, families"
    )


# Findings and actions ----------------------------------------------------------------------------


def test_a_strength_and_a_need_are_sealed_and_replace_one_another() -> None:
    story = opened()
    [event] = story.when("sir finding", area="planning", strength="Steady.").records(
        FindingRecorded
    )
    assert isinstance(event, FindingRecorded)
    assert event.strength is not None
    assert event.strength.about == f"engagement:{ALDER}"
    story.do("sir finding", area="1", need="One calendar.")
    story.do("sir finding", area="planning", need="One calendar for all.")
    finding = review_of(story).findings["planning"]
    assert (str(finding.strength), str(finding.need)) == ("Steady.", "One calendar for all.")


def test_a_finding_says_something() -> None:
    opened().when("sir finding", area="planning").refuses(Incomplete, "--strength", "--need")


def test_an_action_answers_a_need() -> None:
    story = opened()
    story.when("sir action add", area="planning", title="One calendar").refuses(
        WrongState, "planning", "--need"
    )
    [event] = (
        found(story)
        .when("sir action add", area="planning", title="One calendar")
        .records(ActionAdded)
    )
    assert isinstance(event, ActionAdded)
    assert (event.action, event.area) == ("RA1", "planning")
    story.when("sir action add", area="teaching", title="one CALENDAR").refuses(
        AlreadyExists, "RA1"
    )


def test_an_action_is_planned_then_under_way_then_done() -> None:
    story = final()
    for status in ("under-way", "done", "planned"):
        story.when("sir action mark", action="ra2", status=status).records(ActionMarked)
        assert review_of(story).actions["RA2"].status == status
    story.when("sir action mark", action="RA2", status="planned").refuses(AlreadyExists)
    story.when("sir action mark", action="RA9", status="done").refuses(Unknown, "RA1 (Action 1)")


def test_an_action_that_nobody_needs_is_dropped() -> None:
    story = recommended(found(opened()), 2).proposed(date(2027, 4, 16))
    chosen(story, "RA1")
    story.when("sir action drop", action="RA1", reason="x").refuses(WrongState, "chosen")
    story.do("sir link", action="RA2", deliverable="D1")
    story.when("sir action drop", action="RA2", reason="x").refuses(WrongState, "D1")
    story.do("sir unlink", action="RA2", deliverable="D1", reason="a slip")
    story.when("sir action drop", action="RA2", reason="as RA1").records(ActionDropped)
    assert [a.id for a in review_of(story).recommended] == ["RA1"]
    when_chosen(story, "RA2").refuses(WrongState, "as RA1")
    story.do("sir action add", "marcus", area="planning", title="Action 2")
    assert review_of(story).recommended[-1].id == "RA3"


@pytest.mark.parametrize(
    "row", table("review.md", "Findings and actions"), ids=lambda r: f"{r['Chosen']} chosen"
)
def test_the_playbook_caps_the_priorities(row: Row) -> None:
    story = recommended(found(opened()), 8)
    actions = tuple(f"RA{n}" for n in range(1, int(row["Chosen"]) + 1))
    when = when_chosen(story, *actions)
    if row["Answer"] == "TooMany":
        when.refuses(TooMany, "6 actions", "the 5 that", "dta-sir@3")
        return
    [event] = when.records(ActionsChosen)
    assert isinstance(event, ActionsChosen)
    assert (event.actions, event.person) == (actions, "p-joy")
    assert len(review_of(story).chosen) == int(row["Answer"])


def test_a_choice_counts_each_action_once_and_replaces_the_one_before() -> None:
    story = recommended(found(opened()), 6)
    chosen(story, "ra1", "RA1", "RA2", "RA3", "RA4", "RA5")
    when_chosen(story, "RA1", "RA2", "RA3", "RA4", "RA5").refuses(AlreadyExists, "are chosen")
    chosen(story, "RA6")
    assert review_of(story).chosen == ("RA6",)
    when_chosen(story, "RA6").refuses(AlreadyExists, "RA6 is chosen")
    when_chosen(story).refuses(Incomplete)
    when_chosen(story, "RA7").refuses(Unknown, "RA7")
    when_chosen(story, "RA1", person="noor").refuses(WrongPerson)


def test_the_priorities_are_never_the_agencys_alone() -> None:
    with pytest.raises(ValidationError) as problem:
        made("sir choose", engagement=ALDER, actions=("RA1",))
    assert {e["loc"] for e in problem.value.errors()} == {("person",), ("evidence",)}


# The draft and the LEA's window ------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    table("review.md", "The draft and the LEA's window"),
    ids=lambda r: f"sent {r['Draft sent']}",
)
def test_the_lea_has_ten_of_its_working_days(row: Row) -> None:
    story = found(opened()).on(day(row["Draft sent"]))
    [event] = story.when("sir draft", "marcus").records(DraftSent)
    assert isinstance(event, DraftSent)
    assert (event.due, event.working_days) == (day(row["Window closes"]), 10)
    [check] = owed(story, "SIR/factual-review")
    assert (check.owner, check.due, check.settled) == ("lea_contact", event.due, None)


def test_the_window_is_reminded_of_and_then_closes() -> None:
    story = drafted()
    item = "SIR/factual-review"
    assert story.planned_days(item) == [date(2027, 2, 3), date(2027, 2, 8)]
    assert story.on(date(2027, 3, 1)).planned_days(item) == []


def test_three_corrections_end_the_reminders_but_not_the_window() -> None:
    story = drafted().on(date(2027, 2, 4))
    for text, area in (("11 schools, not 12.", "1"), ("The year is wrong.", None), ("No.", None)):
        [event] = story.when(
            "sir correct", person="joy", evidence="mail of 4 February", text=text, area=area
        ).records(CorrectionFiled)
        assert isinstance(event, CorrectionFiled)
        assert (event.on, event.person) == (date(2027, 2, 4), "p-joy")
    assert list(review_of(story).corrections) == ["FC1", "FC2", "FC3"]
    assert review_of(story).corrections["FC1"].area == "planning"
    assert story.planned_days("SIR/factual-review") == []
    assert "corrections filed" in {n.reason for n in story.ledger("SIR/factual-review")}
    story.when("sir finalize", "marcus").refuses(WrongState, "Mon 8 Feb 2027", "sir waive")


def test_a_correction_is_answered() -> None:
    story = drafted().by_the_lea("sir correct", text="11 schools, not 12.")
    story.when("sir answer", correction="FC1", answer="taken", note="x").refuses(WrongPerson)
    story.when("sir answer", "dana", correction="FC2", answer="taken", note="x").refuses(
        Unknown, "FC1"
    )
    body = {"correction": "fc1", "answer": "not-taken", "note": "The twelfth opened in August."}
    story.when("sir answer", "marcus", **body).records(CorrectionAnswered)
    assert review_of(story).corrections["FC1"].taken is False
    story.when("sir answer", "marcus", **body).refuses(AlreadyExists)
    story.do("sir answer", "marcus", **{**body, "answer": "taken"})
    assert review_of(story).corrections["FC1"].taken is True


def test_the_lea_may_need_no_more_time() -> None:
    story = drafted()
    story.when("sir waive", person="noor", evidence="x").refuses(WrongPerson)
    story.when("sir waive", person="elena", evidence="call").records(WindowWaived)
    assert story.planned_days("SIR/factual-review") == []
    story.when("sir waive", person="joy", evidence="x").refuses(AlreadyExists)


def test_a_new_draft_opens_a_new_window() -> None:
    story = drafted()
    story.when("sir draft", "marcus").refuses(AlreadyExists, "Mon 8 Feb 2027")
    story.by_the_lea("sir waive").on(date(2027, 2, 1)).do("sir draft", "marcus")
    assert [(o.round, o.due, o.settled) for o in owed(story, "SIR/factual-review")] == [
        (1, date(2027, 2, 8), "no more time needed"),
        (2, date(2027, 2, 16), None),
    ]
    story.on(FINAL).when("sir finalize", "marcus").refuses(WrongState, "Tue 16 Feb 2027")


def test_a_draft_has_findings_and_the_right_sender() -> None:
    opened().when("sir draft", "marcus").refuses(WrongState, "handrail sir finding")
    found(opened()).when("sir draft", "tess").refuses(WrongPerson, "p-marcus", "p-dana")


@pytest.mark.parametrize("what", ["sir correct", "sir waive", "sir finalize"])
def test_nothing_about_a_draft_is_dated_before_it(what: str) -> None:
    bodies: dict[str, dict[str, Any]] = dict(IN_A_REVIEW)
    drafted().when(what, "marcus", effective=date(2027, 1, 22), **bodies[what]).refuses(
        ImpossibleDate, "Mon 25 Jan 2027"
    )


# Final -------------------------------------------------------------------------------------------


def _without(what: str) -> tuple[Story, dict[str, Any]]:
    """A story that lacks one thing for its final report, and the values of the command."""
    areas = MADE_UP[:2] if what.startswith("evidence") else MADE_UP
    story = logged(found(opened(), MADE_UP[:2]), areas)
    if what != "a need":
        story.do("sir finding", area="families", need="A place at the table.")
    if what != "a strength":
        story.do("sir finding", area="families", strength="Trust.")
    story.on(DRAFTED)
    if what != "a draft":
        story.do("sir draft", "marcus")
    if what == "the answer to a correction":
        story.by_the_lea("sir correct", text="11 schools, not 12.")
    if what == "the end of the window, waived by the LEA":
        story.by_the_lea("sir waive")
    if not what.startswith("the end of the window"):
        story.on(FINAL)
    if what.startswith("the LEA's look"):
        if what.endswith("corrected"):
            story.by_the_lea("sir correct", text="11 schools.", area="families")
            story.do("sir answer", "marcus", correction="FC1", answer="taken", note="So it is.")
        story.do("sir finding", "marcus", area="families", need="Another one.")
        if what.endswith("drafted again"):
            story.do("sir draft", "marcus")
    reason = {"families": "nobody answered"} if what.endswith("with a reason") else {}
    return story, {"without_evidence": reason}


@pytest.mark.parametrize("row", table("review.md", "Final"), ids=lambda r: r["What is missing"])
def test_a_report_is_final_when_nothing_is_missing(row: Row) -> None:
    story, body = _without(row["What is missing"])
    when = story.when("sir finalize", "marcus", **body)
    if row["Answer"] == "final":
        when.records(ReviewFinalized)
        assert review_of(story).standing == "final"
    else:
        kinds: dict[str, type[Refused]] = {"WrongState": WrongState, "Incomplete": Incomplete}
        when.refuses(kinds[row["Answer"]])


def test_everything_that_is_missing_is_named_at_once() -> None:
    story = logged(found(opened(), ("planning",)), ("teaching",))
    story.do("sir finding", area="teaching", need="x").on(DRAFTED).do("sir draft", "marcus")
    story.by_the_lea("sir correct", text="No.").on(FINAL)
    story.when("sir finalize", "marcus", without_evidence={"teaching": "none"}).refuses(
        Incomplete,
        "Without a strength: teaching, families",
        "Without a need: families",
        "Not answered: FC1",
        "Without evidence: planning, families",
        "There is evidence for teaching",
    )


def test_the_window_is_open_on_its_last_day() -> None:
    story = drafted().on(date(2027, 2, 8))
    story.when("sir finalize", "marcus").refuses(WrongState, "Mon 8 Feb 2027")
    story.on(date(2027, 2, 9)).do("sir finalize", "marcus")


def test_what_the_lea_never_saw_is_not_final() -> None:
    story = drafted().on(FINAL).do("sir finding", "marcus", area="teaching", need="Another one.")
    story.when("sir finalize", "marcus").refuses(
        Incomplete, "Mon 25 Jan 2027", "never saw it: teaching", "handrail sir draft"
    )
    story.do("sir draft", "marcus").by_the_lea("sir waive")
    story.when("sir finalize", "marcus").records(ReviewFinalized)


def test_what_was_found_before_the_draft_may_be_entered_after_it() -> None:
    story = drafted().on(FINAL)
    story.do("sir finding", "marcus", effective=DRAFTED - timedelta(days=3), area="1", need="x")
    story.when("sir finalize", "marcus").records(ReviewFinalized)


@pytest.mark.parametrize("area", ["teaching", None])
def test_what_the_lea_had_corrected_need_not_be_seen_again(area: str | None) -> None:
    story = drafted().by_the_lea("sir correct", text="11 schools.", area=area)
    story.do("sir finding", "marcus", area="teaching", need="For 11 schools.")
    story.do("sir answer", "marcus", correction="FC1", answer="taken", note="now 11").on(FINAL)
    story.when("sir finalize", "marcus").records(ReviewFinalized)


def test_a_correction_of_one_area_is_no_leave_to_change_another() -> None:
    story = drafted().by_the_lea("sir correct", text="11 schools.", area="planning")
    story.do("sir finding", "marcus", area="teaching", need="Another one.")
    story.do("sir answer", "marcus", correction="FC1", answer="taken", note="now 11").on(FINAL)
    story.when("sir finalize", "marcus").refuses(Incomplete, "never saw it: teaching")


def test_the_final_report_says_what_it_holds() -> None:
    story = chosen(drafted(), "RA1", "RA4").on(FINAL)
    story.when("sir finalize", "tess").refuses(WrongPerson, "p-marcus")
    [event] = story.when("sir finalize", "dana").records(ReviewFinalized)
    assert isinstance(event, ReviewFinalized)
    assert (event.on, event.areas, event.actions, event.chosen) == (FINAL, 3, 6, ("RA1", "RA4"))
    assert [o.settled for o in owed(story, "SIR/factual-review")] == ["final"]


def test_the_presentation_to_the_board_is_recorded() -> None:
    meeting = date(2027, 2, 25)
    story = drafted()
    story.when("sir present", meeting=DRAFTED).refuses(WrongState, "sir finalize")
    story.on(FINAL).do("sir finalize", "marcus")
    story.when("sir present", meeting=meeting).refuses(ImpossibleDate, "Thu 25 Feb 2027")
    story.on(date(2027, 3, 1)).when("sir present", meeting=date(2027, 2, 15)).refuses(
        ImpossibleDate, "Tue 16 Feb 2027"
    )
    [event] = story.when("sir present", meeting=meeting).records(ReviewPresented)
    assert event.came_true() == meeting
    story.when("sir present", meeting=meeting).refuses(AlreadyExists)


# The thread --------------------------------------------------------------------------------------


def threaded() -> Story:
    story = final().proposed(date(2027, 4, 16)).proposed(date(2027, 5, 14), "Measures")
    story.proposed(date(2027, 5, 28), "Survey")
    story.when("sir link", action="ra1", deliverable="d1").records(ActionLinked)
    story.do("sir link", action="RA4", deliverable="D1")
    return story.do("sir link", action="RA1", deliverable="D2")


def test_the_thread_is_walked_from_either_end() -> None:
    state = threaded().state()
    from_area = [
        Strand("planning", "RA1", "D1"),
        Strand("planning", "RA1", "D2"),
        Strand("planning", "RA4", "D1"),
    ]
    assert through("planning", state) == through("1", state) == from_area
    assert through("RA1", state) == from_area[:2]
    assert through("d1", state) == [from_area[0], from_area[2]]
    assert through("D3", state) == []
    assert unserving(state) == ["D3"]
    assert {s.area for s in through(None, state)} == set(MADE_UP)
    with pytest.raises(Unknown, match="Did you mean planning"):
        through("plannning", state)


def test_every_strand_is_found_again_from_each_of_its_knots() -> None:
    state = threaded().state()
    for strand in strands(state):
        for knot in (strand.area, strand.action, strand.deliverable):
            assert knot is None or strand in through(knot, state)


def test_an_area_without_actions_stands_in_the_thread_too() -> None:
    assert strands(opened().state()) == [Strand(a) for a in MADE_UP]


def test_a_deliverable_that_is_over_serves_nothing_new() -> None:
    story = recommended(found(opened()), 2).proposed(date(2027, 4, 16))
    story.do("deliverable decline", "marcus", deliverable="D1", reason="no capacity")
    story.when("sir link", action="RA1", deliverable="D1").refuses(
        WrongState, "D1 'Theory of action' is declined", "handrail engagement show"
    )


def test_a_link_is_made_once_and_can_be_taken_back() -> None:
    story = threaded()
    story.when("sir link", action="RA1", deliverable="D1").refuses(AlreadyExists, "sir thread")
    story.when("sir link", action="RA1", deliverable="D9").refuses(Unknown, "D1 (Theory")
    body = {"action": "RA1", "deliverable": "D1", "reason": "D2 serves it"}
    story.when("sir unlink", **body).records(ActionUnlinked)
    story.when("sir unlink", **body).refuses(WrongState, "D1")
    assert through("D1", story.state()) == [Strand("planning", "RA4", "D1")]


# Whatever happens --------------------------------------------------------------------------------

_areas = st.sampled_from([*MADE_UP, "9"])
_waves = st.sampled_from(["W1", "W2"])
_actions = st.sampled_from(["RA1", "RA2", "RA3"])
_lea = {"person": "joy", "evidence": "mail"}


@st.composite
def moves(draw: st.DrawFn) -> tuple[str, int, dict[str, Any]]:
    what = draw(st.sampled_from([w for w, _ in IN_A_REVIEW + AFTER_IT]))
    bodies: dict[str, dict[str, Any]] = {
        "sir wave propose": {"title": draw(st.sampled_from("AB")), "hours": 8,
                             "due+": draw(st.integers(-3, 40))},
        "sir wave sign": {"wave": draw(_waves), **draw(st.sampled_from([{}, _lea]))},
        "sir wave redate": {"wave": draw(_waves), "due+": draw(st.integers(-3, 40)),
                            "reason": "x"},
        "sir wave receive": {"wave": draw(_waves), **_lea},
        "sir wave drop": {"wave": draw(_waves), "reason": "x"},
        "sir wave spare": {"wave": draw(_waves), "part": draw(st.sampled_from("AB")),
                           "hours": draw(st.sampled_from([3, 8])), "held_by": "the county"},
        "evidence log": {"area": draw(_areas), "method": "walk", "group": "schools"},
        "evidence withdraw": {"entry": "E1", "reason": "x"},
        "sir finding": {"area": draw(_areas), "strength": "x", "need": "x"},
        "sir action add": {"area": draw(_areas), "title": draw(st.sampled_from("ABC"))},
        "sir action mark": {"action": draw(_actions), "status": "done"},
        "sir action drop": {"action": draw(_actions), "reason": "x"},
        "sir choose": {"actions": (draw(_actions),), **_lea},
        "sir correct": {"text": "x", **_lea},
        "sir answer": {"correction": "FC1", "answer": "taken", "note": "x"},
        "sir waive": _lea,
        "sir finalize": {"without_evidence": draw(
            st.sampled_from([{}, dict.fromkeys(MADE_UP, "none")]))},
        "sir link": {"action": draw(_actions), "deliverable": draw(LINKED)},
        "sir unlink": {"action": draw(_actions), "deliverable": draw(LINKED), "reason": "x"},
    }  # fmt: skip
    return what, draw(st.sampled_from([0, 0, 1, 3, 9])), bodies.get(what, {})


@whatever_happens
@given(st.sampled_from([opened, drafted, final]), st.lists(moves(), max_size=20))
def test_every_history_of_a_review_folds_and_leaves_nothing_to_reconcile(
    start: Callable[[], Story], plot: list[tuple[str, int, dict[str, Any]]]
) -> None:
    story = start().proposed(date(2027, 4, 16))
    for what, later, body in plot:
        story.on(story.today + timedelta(days=later))
        values = {
            name.removesuffix("+"): story.today + timedelta(days=value)
            if name.endswith("+")
            else value
            for name, value in body.items()
        }
        before = story.engagement.phase
        with suppress(Refused):
            story.do(what, "marcus", **values)
        phases = ["onboarding", "reviewing", "partnering"]
        assert phases.index(str(story.engagement.phase)) >= phases.index(str(before))
        assert reconcile(story.state(), story.context(SYSTEM, None)) == []
    assert fold(f"engagement:{ALDER}", story.history()) == story.state()
    assert len(review_of(story).chosen) <= 5
    for wave in review_of(story).waves.values():
        planned = story.planned_days(wave.id)
        assert wave.status == "agreed" or planned == []
    assert strands(story.state())
    # As true on any day: facts by the day on which they came true, whatever was entered first.
    for recorded in story.history():
        fold(f"engagement:{ALDER}", as_true(story.history(), recorded.stamp.effective_at, "UTC"))
