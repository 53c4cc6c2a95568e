"""docs/rules/focus.md, row by row: the lineage, the Dashboard and alignment."""

from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.focus.dashboard import DashboardRecorded, Dashboards, FocusAligned, computed
from domain.focus.focus import (
    Entry,
    Focus,
    FocusSet,
    RootCauseAdded,
    RootCauseDropped,
    RootCauseRevised,
    TheorySet,
)
from domain.focus.measures import Measures
from domain.focus.observations import Observations
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
from domain.policy.calendar import local_date, spoken
from domain.rules.registry import EVENTS, fold
from store.events import as_true
from tests.domain.story import PLAYBOOK, ZONE, Story, made
from tests.domain.tables import Row, day, table

RULES = PLAYBOOK.dashboard
assert RULES is not None
MATHS = "Half of our English learners cannot show what they know in mathematics."
ABSENCE = "One pupil in five is absent for more than a month of the year."


def focused(on: date = date(2027, 3, 2), **more: Any) -> Story:
    story = Story(date(2026, 10, 15)).effective().on(on)
    return story.do("focus set", "marcus", text=MATHS, indicator=("mathematics",), **more)


def focus(story: Story) -> Focus:
    return story.state().of(Focus)


def shown(entry: Entry | None) -> str:
    if entry is None:
        return "–"
    return f"until {spoken(local_date(entry.until, ZONE))}" if entry.until else "holds"


CHANGES: dict[str, dict[str, Any]] = {
    "narrowed with --narrower": {"text": "Grade 6 fractions.", "reason": "data", "keep": True},
    "moved without --narrower": {"text": ABSENCE, "reason": "the Dashboard 2027"},
    "moved without a reason": {"text": ABSENCE},
    "moved, dated too early": {"text": ABSENCE, "reason": "typo", "effective": date(2027, 3, 1)},
    "the same words again": {"text": f" {MATHS.upper()}", "indicator": ("mathematics",),
                             "reason": "again"},
}  # fmt: skip


@pytest.mark.parametrize(
    "row", table("focus.md", "A lineage, not a field"), ids=lambda r: r["What is recorded"]
)
def test_a_lineage_keeps_every_entry_with_its_days(row: Row) -> None:
    story = focused().do("focus cause add", text="No shared planning time")
    story.do("focus theory", text="If teams plan together, pupils talk more mathematics.")
    if row["What is recorded"] in CHANGES:
        body = CHANGES[row["What is recorded"]]
        story.on(date(2027, 4, 1))
        if not row["RC1"]:
            kinds: dict[str, type[Refused]] = {
                k.__name__: k for k in (Incomplete, ImpossibleDate, AlreadyExists)
            }
            story.when("focus set", "marcus", **body).refuses(kinds[row["F1"]], "F1")
            return
        story.do("focus set", "marcus", **body)
    slice_ = focus(story)
    known = {e.id: e for e in (*slice_.problems, *slice_.causes, *slice_.theories)}
    ids = ("F1", "RC1", "T1", "F2")
    assert {i: shown(known.get(i)) for i in ids} == {i: row[i] for i in ids}


def test_an_entry_says_why_it_came_and_why_it_went() -> None:
    story = focused(reason="chosen with the LEA after the review").on(date(2027, 10, 15))
    [moved] = story.when("focus set", "priya", text=ABSENCE, reason="Dashboard 2027").records(
        FocusSet
    )
    assert isinstance(moved, FocusSet)
    first, second = focus(story).problems
    assert (str(first.reason), str(first.ended_because)) == (
        "chosen with the LEA after the review",
        "Dashboard 2027",
    )
    assert (second.by, str(second.reason), second.until) == ("p-priya", "Dashboard 2027", None)
    assert moved.problem.about == "engagement:alder-creek-usd"
    assert focus(story).current is second


def test_whose_words_they_are_is_kept_with_the_evidence() -> None:
    [event] = Story().opened().when(
        "focus set", text=MATHS, person="joy", evidence="notes of 2 March"
    ).records(FocusSet)  # fmt: skip
    assert isinstance(event, FocusSet)
    assert event.said_by == "p-joy"
    assert event.evidence
    assert event.evidence.about == "p-joy"


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        pytest.param({"person": "joy"}, Incomplete, ("joy", "--evidence"), id="no evidence"),
        pytest.param({"person": "noor", "evidence": "mail"}, WrongPerson, ("harbor",),
                     id="of another LEA"),
        pytest.param({"indicator": ("maths",)}, Unknown, ("'maths'", "Did you mean mathematics"),
                     id="unknown indicator"),
        pytest.param({"keep": True}, WrongState, ("--narrower",), id="nothing to keep"),
        pytest.param({"effective": date(2026, 8, 5)}, ImpossibleDate, ("Wed 5 Aug 2026",),
                     id="ahead"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_focus_is_named(
    body: dict[str, Any], kind: type[Refused], words: tuple[str, ...]
) -> None:
    Story().opened().when("focus set", text=MATHS, **body).refuses(kind, *words)


def test_a_text_is_not_blank() -> None:
    with pytest.raises(ValidationError):
        made("focus set", text=" \n ")


def test_causes_and_theory_need_a_problem_of_practice() -> None:
    for what in ("focus cause add", "focus theory"):
        Story().opened().when(what, text="Schedules").refuses(WrongState, "handrail focus set")


def test_a_root_cause_is_added_worded_anew_and_dropped() -> None:
    story = focused()
    story.when("focus cause add", text="Schedules").records(RootCauseAdded)
    story.do("focus cause add", text="Curriculum").on(date(2027, 4, 1))
    body = {"cause": "rc1", "text": "The bell schedule", "reason": "interviews"}
    story.when("focus cause revise", **body).records(RootCauseRevised)
    story.when("focus cause drop", cause="RC2", reason="not so").records(RootCauseDropped)
    assert [(e.id, str(e.text), shown(e)) for e in focus(story).causes] == [
        ("RC1", "Schedules", "until Thu 1 Apr 2027"),
        ("RC2", "Curriculum", "until Thu 1 Apr 2027"),
        ("RC1", "The bell schedule", "holds"),
    ]
    story.do("focus cause add", text="Curriculum")
    assert focus(story).current_causes[-1].id == "RC3", "an id is never given twice"


@pytest.mark.parametrize(
    ("what", "body", "kind", "words"),
    [
        pytest.param("focus cause add", {"text": "schedules"}, AlreadyExists, ("RC1",), id="twice"),
        pytest.param("focus cause revise", {"cause": "RC1", "text": "Schedules", "reason": "r"},
                     AlreadyExists, ("RC1",), id="not another wording"),
        pytest.param("focus cause drop", {"cause": "RC9", "reason": "r"}, Unknown,
                     ("'RC9'", "RC1"), id="unknown"),
        pytest.param("focus cause drop", {"cause": "RC2", "reason": "r"}, WrongState,
                     ("Tue 2 Mar 2027", "not so"), id="dropped before"),
        pytest.param("focus cause drop", {"cause": "RC1", "reason": "r",
                     "effective": date(2027, 3, 1)}, ImpossibleDate, ("Mon 1 Mar 2027", "RC1"),
                     id="dated before it began"),
        pytest.param("focus theory", {"text": "Another"}, Incomplete, ("T1", "--reason"),
                     id="a theory changed without why"),
        pytest.param("focus theory", {"text": "if we plan together", "reason": "r"}, AlreadyExists,
                     ("T1",), id="the same theory"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_cause_or_theory_is_named(
    what: str, body: dict[str, Any], kind: type[Refused], words: tuple[str, ...]
) -> None:
    story = focused().do("focus cause add", text="Schedules")
    story.do("focus cause add", text="Buses").do("focus cause drop", cause="RC2", reason="not so")
    story.do("focus theory", text="If we plan together")
    story.when(what, **body).refuses(kind, *words)


def test_a_theory_takes_the_place_of_the_one_before() -> None:
    story = focused().do("focus theory", text="If A then B", equity="English learners first")
    story.on(date(2027, 4, 1))
    [event] = story.when("focus theory", text="If C then B", reason="A was done").records(TheorySet)
    assert isinstance(event, TheorySet)
    assert (event.theory, event.before, event.focus) == ("T2", "T1", "F1")
    assert [shown(e) for e in focus(story).theories] == ["until Thu 1 Apr 2027", "holds"]
    assert str(focus(story).theories[0].equity) == "English learners first"


# The Dashboard -------------------------------------------------------------------------------


@pytest.mark.parametrize("row", table("focus.md", "The Dashboard"), ids=lambda r: r["Result"])
def test_a_result_is_recorded_as_the_dashboard_shows_it(row: Row) -> None:
    when = Story().opened().when("dashboard record", year=2026, row=(row["Result"],))
    if row["Recorded"] == "Invalid":
        when.refuses(Invalid, row["Result"].partition("/")[0])
        return
    [event] = when.records(DashboardRecorded)
    assert isinstance(event, DashboardRecorded)
    [result] = event.results
    assert result.shown == row["Recorded"]
    assert (result.result is None) == (row["Recorded"] in ("no colour", "not stated"))


def test_every_wrong_result_is_named_at_once() -> None:
    Story().opened().when(
        "dashboard record", year=2026, row=("maths/all=red", "basics/all=blue", "science/all=red")
    ).refuses(Invalid, "maths/all", "Did you mean mathematics", "basics/all", "met")


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        pytest.param({"year": 2027}, ImpossibleDate, ("2027", "--year"), id="a year to come"),
        pytest.param({"row": ()}, Incomplete, ("--result",), id="nothing said"),
        pytest.param({"row": ("mathematics/all=red", "mathematics=blue")}, Invalid,
                     ("mathematics/all", "red and blue"), id="said twice"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_snapshot_is_named(
    body: dict[str, Any], kind: type[Refused], words: tuple[str, ...]
) -> None:
    given = {"year": 2026, "row": ("mathematics/all=red",)} | body
    Story().opened().when("dashboard record", **given).refuses(kind, *words)


def test_a_playbook_without_a_dashboard_records_none() -> None:
    story = Story().opened()
    story.playbook = PLAYBOOK.model_copy(update={"dashboard": None})
    story.when("dashboard record", year=2026, row=("mathematics/all=red",)).refuses(
        WrongState, "dta-sir@3", "handrail playbook publish"
    )
    story.when("focus set", text=MATHS, indicator=("mathematics",)).refuses(Unknown, "--indicator")


def test_a_result_is_corrected_with_a_reason_and_the_former_one_stays() -> None:
    story = Story(date(2026, 10, 16)).opened()
    story.do("dashboard record", year=2026, row=("mathematics/all=red", "science/all="))
    again = story.when("dashboard record", year=2026, row=("mathematics/all=red",))
    assert again.records() == []
    story.when("dashboard record", year=2026, row=("mathematics/all=orange",)).refuses(
        AlreadyExists, "mathematics/all=red", "--reason"
    )
    # What was not stated is added to, not corrected.
    story.do("dashboard record", year=2026, row=("science/all=blue",))
    story.on(date(2026, 11, 2)).do(
        "dashboard record", year=2026, row=("mathematics/all=orange",), reason="misread",
        effective=date(2026, 10, 16),
    )  # fmt: skip
    told = fold(story.state().stream, as_true(story.history(), story.now, "America/Los_Angeles"))
    for state in (story.state(), told):
        snapshot = state.of(Dashboards).all[2026]
        reading = snapshot.readings["mathematics", "all"]
        assert (reading.result.shown, [b.shown for b in reading.before]) == ("orange", ["red"])
        assert snapshot.on == date(2026, 10, 16)


# Alignment -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    table("focus.md", "Alignment"),
    ids=lambda r: f"{r['Indicators of the focus']}: {r['The Dashboard shows']}",
)
def test_alignment_is_computed_from_the_indicators_of_the_focus(row: Row) -> None:
    def split(cell: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in cell.split(",") if part.strip() != "–")

    story = (
        Story().opened().do("dashboard record", year=2026, row=split(row["The Dashboard shows"]))
    )
    indicators = split(row["Indicators of the focus"])
    verdict, _ = computed(indicators, story.state().of(Dashboards).all[2026], RULES)
    assert (verdict or "–") == row["Computed"]
    story.do("focus set", text=MATHS, indicator=indicators)
    [event] = story.when("focus align", year=2026, verdict="no", why="Seen together.").records(
        FocusAligned
    )
    assert isinstance(event, FocusAligned)
    assert (event.verdict, event.computed, str(event.why)) == ("no", verdict, "Seen together.")


def two_years() -> Story:
    """The Dashboard 2026, the focus on mathematics; then the Dashboard 2027 and another focus."""
    story = Story(date(2026, 10, 15)).effective().on(date(2026, 10, 16))
    story.do(
        "dashboard record", year=2026,
        row=("mathematics/all=red", "mathematics/english-learners=red", "suspension=no-colour"),
    )  # fmt: skip
    story.on(date(2027, 3, 2)).do("focus set", text=MATHS, indicator=("mathematics",))
    story.do("focus align", year=2026, verdict="yes", why="Mathematics is red.")
    story.on(date(2027, 10, 15)).do(
        "dashboard record", year=2027, row=("mathematics/all=yellow", "chronic-absence/all=red")
    )
    return story.do("focus set", text=ABSENCE, reason="red in 2027", indicator=("chronic-absence",))


def test_an_earlier_years_alignment_is_unchanged_by_a_later_focus() -> None:
    story = two_years()
    before = story.state().of(Dashboards).judgements(2026)
    story.do("focus align", year=2027, verdict="yes", why="Absence is red.")
    assert story.state().of(Dashboards).judgements(2026) == before
    said = [(a.said.year, a.said.focus, a.said.verdict) for a in
            story.state().of(Dashboards).alignments]  # fmt: skip
    assert said == [(2026, "F1", "yes"), (2027, "F2", "yes")]
    assert len(focus(story).problems) == 2


def test_a_late_judgement_is_about_the_focus_of_its_dashboard() -> None:
    story = two_years().on(date(2027, 11, 1))
    again = {"year": 2026, "verdict": "no", "why": "Looked again."}
    story.when("focus align", **again).refuses(
        Incomplete, "F1 was judged yes for 2026 on Tue 2 Mar 2027", "--reason REASON"
    )
    [late] = story.when("focus align", reason="one school was missed", **again).records(
        FocusAligned
    )
    assert "Changed: one school was missed" in late.sentence()
    [named] = story.when(
        "focus align", year=2026, verdict="no", why="The new one.", judged="f2"
    ).records(FocusAligned)
    assert isinstance(late, FocusAligned)
    assert isinstance(named, FocusAligned)
    assert (late.focus, named.focus) == ("F1", "F2")
    assert [a.said.verdict for a in story.state().of(Dashboards).judgements(2026)] == [
        "yes", "no", "no",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        pytest.param({"year": 2025}, WrongState, ("2025", "recorded: 2026, 2027",
                     "--verdict not-measurable"), id="a Dashboard nobody recorded"),
        pytest.param({"judged": "F7"}, Unknown, ("'F7'", "F1, F2"), id="unknown entry"),
        pytest.param({"effective": date(2027, 10, 14)}, ImpossibleDate, ("Fri 15 Oct 2027",),
                     id="before it was known"),
        pytest.param({"effective": date(2027, 12, 1)}, ImpossibleDate, ("Wed 1 Dec 2027",),
                     id="ahead"),
        pytest.param({"judged": "F2", "effective": date(2027, 3, 2)}, ImpossibleDate,
                     ("F2", "Tue 2 Mar 2027"), id="an entry that did not hold yet"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_judgement_is_named(
    body: dict[str, Any], kind: type[Refused], words: tuple[str, ...]
) -> None:
    given = {"year": 2027, "verdict": "yes", "why": "Seen."} | body
    two_years().when("focus align", **given).refuses(kind, *words)


def test_a_dashboard_that_nobody_has_can_be_beyond_measuring() -> None:
    body: dict[str, Any] = {"year": 2025, "why": "It starts at grade 3."}
    for verdict in ("not-applicable", "not-measurable"):
        focused().when("focus align", verdict=verdict, **body).records(FocusAligned)


def test_nothing_is_aligned_without_a_focus_or_twice_in_the_same_words() -> None:
    body: dict[str, Any] = {"year": 2026, "verdict": "yes", "why": "Mathematics is red."}
    Story().opened().when("focus align", **body).refuses(WrongState, "handrail focus set")
    two_years().when("focus align", **body).refuses(AlreadyExists, "F1", "2026")


def test_a_focus_set_after_the_next_dashboard_is_named_before_it_is_judged() -> None:
    story = Story(date(2026, 10, 16)).opened()
    story.do("dashboard record", year=2026, row=("mathematics/all=red",)).on(date(2027, 10, 15))
    story.do("dashboard record", year=2027, row=("mathematics/all=red",))
    story.do("focus set", text=MATHS)
    story.when("focus align", year=2026, verdict="no", why="w").refuses(
        Incomplete, "2026", "--problem, one of F1"
    )


@pytest.mark.parametrize("why", ["", "  "])
def test_a_verdict_never_stands_without_its_explanation(why: str) -> None:
    with pytest.raises(ValidationError):
        made("focus align", year=2026, verdict="yes", why=why)


# Whatever happens ----------------------------------------------------------------------------

_TEXTS = st.sampled_from(["Reading", "Mathematics", "Absence"])
_REASONS = st.sampled_from([None, "data", "talks"])
_IDS = st.sampled_from(["1", "2", "3"])
_MOVES: dict[str, Callable[[st.DrawFn], dict[str, Any]]] = {
    "focus set": lambda draw: {"text": draw(_TEXTS), "reason": draw(_REASONS),
                               "keep": draw(st.booleans())},
    "focus cause add": lambda draw: {"text": draw(_TEXTS)},
    "focus cause revise": lambda draw: {"cause": f"RC{draw(_IDS)}", "text": draw(_TEXTS),
                                        "reason": "r"},
    "focus cause drop": lambda draw: {"cause": f"RC{draw(_IDS)}", "reason": "r"},
    "focus theory": lambda draw: {"text": draw(_TEXTS), "reason": draw(_REASONS)},
    "focus align": lambda draw: {
        "year": draw(st.sampled_from([2025, 2026])), "why": draw(_TEXTS),
        "verdict": draw(st.sampled_from(["yes", "no", "not-measurable"])),
    },
    "dashboard record": lambda draw: {
        "year": draw(st.sampled_from([2025, 2026])), "reason": draw(_REASONS),
        "row": (f"mathematics/all={draw(st.sampled_from(['red', 'blue', 'no-colour', '']))}",),
    },
    "measure add": lambda draw: {
        "title": draw(_TEXTS), "sort": draw(st.sampled_from(["leading", "lagging"])),
        "target": draw(st.integers(-2, 9)), "baseline": draw(st.sampled_from([None, 3, 5])),
        "not_before": draw(st.sampled_from([None, date(2026, 9, 1)])),
        "better": draw(st.sampled_from([None, "higher", "lower"])),
    },
    "measure revise": lambda draw: {"measure": f"M{draw(_IDS)}", "reason": "r",
                                    "target": draw(st.integers(0, 9))},
    "measure drop": lambda draw: {"measure": f"M{draw(_IDS)}", "reason": "r"},
    "measure observe": lambda draw: {"measure": f"M{draw(_IDS)}", "reason": draw(_REASONS),
                                     "value": draw(st.integers(0, 9))},
}  # fmt: skip


@st.composite
def moves(draw: st.DrawFn) -> tuple[str, int, dict[str, Any], int]:
    kind = draw(st.sampled_from(sorted(_MOVES)))
    return kind, draw(st.sampled_from([0, 0, 1, 4])), _MOVES[kind](draw), draw(st.integers(0, 9))


@settings(max_examples=80, deadline=None)
@given(st.lists(moves(), max_size=25))
def test_whatever_is_recorded_can_be_folded_told_and_asked_as_true(plot: list[Any]) -> None:
    story = Story(date(2026, 8, 4)).opened().on(date(2026, 8, 10))
    for kind, ago, body, later in plot:
        effective = story.today - timedelta(days=ago) if ago else None
        with suppress(Refused):
            story.do(kind, effective=effective, **body)
        story.on(story.today + timedelta(days=later))
    slice_ = focus(story)
    assert sum(e.until is None for e in slice_.problems) <= 1
    assert sum(e.until is None for e in slice_.theories) <= 1
    for entries in (slice_.problems, slice_.theories):
        assert [e.since for e in entries] == sorted(e.since for e in entries)
        assert all(a.until <= b.since for a, b in pairwise(entries) if a.until)
    # A theory of action may be missing for a while: another problem ends the one there is.
    assert all(a.until == b.since for a, b in pairwise(slice_.problems))
    # Told as true today, the subjects say the same: nothing depends on when it was entered.
    told = fold(story.state().stream, as_true(story.history(), story.now, "America/Los_Angeles"))
    for part in (Focus, Measures, Observations, Dashboards):
        assert told.of(part) == story.state().of(part)
    for recorded in story.history():
        event = recorded.event
        assert EVENTS[event.type].model_validate_json(event.model_dump_json()) == event
        assert "None" not in event.sentence()


def test_the_days_of_the_table_are_days() -> None:
    assert all(day(row["Day"]) for row in table("focus.md", "A lineage, not a field"))
