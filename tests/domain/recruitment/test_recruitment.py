"""docs/rules/recruitment.md, row by row, and every refusal on the way to fit."""

from datetime import date

import pytest
from pydantic import ValidationError

from domain.engagement.state import StepWaived
from domain.kernel import refusals
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Refused,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.policy.playbook import Playbook
from domain.recruitment.recruitment import ConversationLogged, FitDecided, Recruitment, coverage
from tests.domain.story import GROUPS, PLAYBOOK, YES, Story, made
from tests.domain.tables import Row, table

ACTORS = {"nobody": "marcus", "Lead": "marcus", "Director": "dana"}


def test_the_groups_and_criteria_are_those_of_the_tables() -> None:
    groups = [(r["Group"], r["Who"]) for r in table("recruitment.md", "Conversations")]
    assert groups == [(g.id, g.name) for g in PLAYBOOK.stakeholder_groups]


@pytest.mark.parametrize(
    "row",
    table("recruitment.md", "The decision"),
    ids=lambda r: f"{r['Groups covered']} groups, {r['Answers']}, waiver by {r['Waiver by']}",
)
def test_fit_is_decided_as_the_table_says(row: Row) -> None:
    answers = dict(zip(YES, row["Answers"].split(", "), strict=True))
    story = Story().recruited(GROUPS[: int(row["Groups covered"])])
    by = row["Waiver by"]
    waive = {} if by == "nobody" else {"waive": "the board asked us to begin"}
    when = story.when("fit decide", ACTORS[by], proceed=True, criterion=answers, **waive)
    outcome, _, waived = row["Outcome"].partition(", ")
    if outcome[0].isupper():
        refusal: type[Refused] = getattr(refusals, outcome)
        when.refuses(refusal, PLAYBOOK.ref)
        assert story.engagement.phase == "recruiting"
        return
    steps = waived.removesuffix(" waived").split(" and ") if waived else []
    events = when.records(*[StepWaived] * len(steps), FitDecided)
    assert [e.step for e in events if isinstance(e, StepWaived)] == steps
    assert {e.authority for e in events if isinstance(e, StepWaived)} <= {"p-dana"}
    assert story.engagement.phase == outcome


def test_a_blocked_decision_names_what_is_missing() -> None:
    missing = [g for g in GROUPS if g not in ("parents", "students")]
    Story().recruited(missing).when("fit decide", "marcus", proceed=True, criterion=YES).refuses(
        refusals.TightStep, "5 of 7", "parents, students are missing", "handrail conversation log",
        "a director waives it with a reason: --waive REASON",
    )  # fmt: skip


def test_a_step_that_nobody_may_waive_is_not_waived() -> None:
    content = PLAYBOOK.model_dump()
    content["steps"][0]["waiver"] = None
    story = Story()
    story.playbook = Playbook.model_validate(content)
    story.recruited(GROUPS[:5])
    story.when("fit decide", "dana", proceed=True, criterion=YES).refuses(
        refusals.TightStep, "it cannot be waived"
    )
    story.when("fit decide", "dana", proceed=True, criterion=YES, waive="hurry").refuses(
        WrongPerson, "p-dana", "nobody may"
    )


def test_a_loose_step_never_blocks() -> None:
    content = PLAYBOOK.model_dump()
    content["steps"][0]["tight"] = False
    story = Story()
    story.playbook = Playbook.model_validate(content)
    story.recruited(()).when("fit decide", "marcus", proceed=True, criterion=YES).records(
        FitDecided
    )


def test_a_conversation_keeps_the_day_on_which_it_was_held() -> None:
    story = Story(date(2026, 8, 31)).opened()
    [logged] = story.when("conversation log", group="parents", effective=date(2026, 8, 27)).records(
        ConversationLogged
    )
    assert isinstance(logged, ConversationLogged)
    assert logged.on == date(2026, 8, 27)
    stamp = story.history()[-1].stamp
    assert stamp.effective_at < stamp.recorded_at


def test_a_group_is_covered_since_its_first_conversation() -> None:
    story = Story(date(2026, 8, 31)).opened()
    for on in (date(2026, 8, 27), date(2026, 8, 20), date(2026, 8, 28)):
        story.do("conversation log", group="parents", effective=on)
    slice_ = story.state().of(Recruitment)
    assert slice_.conversations == 3
    assert slice_.covered == {"parents": date(2026, 8, 20)}
    known = {group: day for group, _, day in coverage(story.state(), story.context("tess", None))}
    assert known["parents"] == "Thu 20 Aug 2026"
    assert known["students"] is None
    assert list(known) == list(GROUPS)


def test_notes_are_sealed_for_whom_they_are_about() -> None:
    story = Story().opened()
    [logged] = story.when(
        "conversation log", group="superintendent", person="elena", notes="Glad.\nReady."
    ).records(ConversationLogged)
    assert isinstance(logged, ConversationLogged)
    assert logged.notes is not None
    assert (logged.notes.about, logged.notes.text) == ("p-elena", "Glad.\nReady.")
    [logged] = story.when("conversation log", group="parents", notes="Mixed.").records(
        ConversationLogged
    )
    assert isinstance(logged, ConversationLogged)
    assert logged.notes is not None
    assert logged.notes.about == "engagement:alder-creek-usd"


def test_an_unknown_group_is_named_with_the_known_ones() -> None:
    Story().opened().when("conversation log", group="parent").refuses(
        Unknown, "'parent'", "Did you mean parents", "The groups: board, superintendent"
    )


def test_a_conversation_that_lies_ahead_is_refused() -> None:
    Story().opened().when("conversation log", group="parents", effective=date(2026, 8, 5)).refuses(
        ImpossibleDate, "Wed 5 Aug 2026", "today is Tue 4 Aug 2026"
    )


def test_a_conversation_with_nobody_known_is_refused() -> None:
    Story().opened().when("conversation log", group="parents", person="jo").refuses(
        Unknown, "'jo'", "Did you mean joy"
    )


def test_every_criterion_is_answered_whatever_the_decision() -> None:
    for proceed in (True, False):
        Story().recruited().when(
            "fit decide", "marcus", proceed=proceed, criterion={"agreement": "yes"}
        ).refuses(Incomplete, "underserved, commitment", "--answer underserved=yes")


def test_an_unknown_criterion_is_named_with_the_known_ones() -> None:
    Story().recruited().when(
        "fit decide", "marcus", proceed=True, criterion={**YES, "agreements": "yes"}
    ).refuses(Unknown, "'agreements'", "Did you mean agreement", "The criteria: agreement")


def test_an_answer_is_yes_partly_or_no() -> None:
    with pytest.raises(ValidationError):
        made("fit decide", proceed=True, criterion={**YES, "agreement": "maybe"})


def test_a_decision_that_lies_ahead_is_refused() -> None:
    Story().recruited().when(
        "fit decide", "marcus", proceed=True, criterion=YES, effective=date(2027, 1, 1)
    ).refuses(ImpossibleDate, "Fri 1 Jan 2027")


def test_whoever_does_not_proceed_can_decide_again() -> None:
    story = Story().opened()
    no = dict.fromkeys(YES, "no")
    story.when("fit decide", "marcus", proceed=False, criterion=no).records(FitDecided)
    phases = [story.engagement.phase]
    for group in GROUPS:
        story.do("conversation log", group=group)
    story.when("fit decide", "marcus", proceed=True, criterion=YES).records(FitDecided)
    assert [*phases, story.engagement.phase] == ["recruiting", "agreeing"]


def test_fit_is_not_decided_twice() -> None:
    Story().fitting().when("fit decide", "marcus", proceed=False, criterion=YES).refuses(
        WrongState, "agreeing", "(proceed)", "handrail engagement withdraw alder-creek-usd"
    )


def test_the_same_conversation_is_logged_once() -> None:
    story = Story().opened().do("conversation log", group="parents", notes="Buses run late.")
    story.when("conversation log", group="parents", notes="Buses run late.").refuses(
        AlreadyExists, "parents on Tue 4 Aug 2026", "--note"
    )
    story.when("conversation log", group="parents", notes="Lunch is late.").records(
        ConversationLogged
    )
    story.when("conversation log", group="parents", person="joy").records(ConversationLogged)
    story.when("conversation log", group="parents", person="joy").refuses(AlreadyExists, "p-joy")
