"""docs/rules/surveys.md, row by row: asked for, recorded, corrected, and what has grown."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from domain.engagement.burden import BurdenWaived, hours_asked
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Invalid,
    Refused,
    TooMany,
    Unknown,
    WrongState,
)
from domain.owing.obligations import Obligation, obligations
from domain.policy.parts import SurveyRules
from domain.rules.registry import fold
from domain.surveys.growth import aggregated, average, compared, comparisons
from domain.surveys.means import Mean
from domain.surveys.surveys import (
    SurveyAsked,
    SurveyDropped,
    SurveyRecorded,
    Surveys,
    SurveyWithdrawn,
)
from queries.surveys import growth_of
from store.events import as_true
from tests.domain.story import PLAYBOOK, ZONE, Story
from tests.domain.tables import Row, table

assert PLAYBOOK.surveys is not None
RULES: SurveyRules = PLAYBOOK.surveys
TAKEN = date(2027, 1, 21)
DUE = date(2027, 2, 26)
SIX = tuple(f"{c.id}=3.00/28" for c in RULES.constructs)


def effective() -> Story:
    return Story(date(2026, 10, 15)).effective().on(date(2027, 1, 25))


def recorded(story: Story, year: int = 1, taken: date = TAKEN, **body: Any) -> Story:
    return story.do("survey record", **{"year": year, "taken": taken, "result": SIX, **body})


def owed(story: Story, item: str = "S1") -> list[Obligation]:
    found = obligations(story.state(), story.context("marcus", None))
    return [o for o in found if o.item == item]


def surveys(story: Story) -> Surveys:
    return story.state().of(Surveys)


def survey(mean: str, year: int = 1, **more: Any) -> SurveyRecorded:
    results = () if mean == "–" else (Mean(of="coaching", mean=Decimal(mean), respondents=9),)
    return SurveyRecorded(
        **{"year": year, "taken": TAKEN, "instrument": "growth-1", "lowest": Decimal(0),
           "highest": Decimal(5), "results": results, **more}
    )  # fmt: skip


def test_the_constructs_are_those_of_the_table() -> None:
    assert [(r["Construct"], r["What it is"]) for r in table("surveys.md")] == [
        (c.id, c.name) for c in RULES.constructs
    ]


@pytest.mark.parametrize("row", table("surveys.md", "Recording"), ids=lambda r: r["Answers"])
def test_answers_come_to_a_mean_unless_somebody_could_be_recognised(row: Row) -> None:
    rows = [
        {"Coaching ": "" if a == "–" else a, "sharing": "3" if a == "–" else ""}
        for a in row["Answers"].split(", ")
    ]
    found = aggregated(rows, RULES, RULES.instruments[-1], PLAYBOOK.ref)
    if row["Kept"].startswith("row "):
        assert [f"row {number}" for number, _ in found.wrong] == [row["Kept"]]
        return
    assert not found.wrong
    [coaching] = [r for r in found.results if r.of == "coaching"]
    mean = "no mean" if coaching.mean is None else f"{coaching.mean:f}"
    assert f"{mean} of {coaching.respondents}" == row["Kept"]


@pytest.mark.parametrize("row", table("surveys.md", "Growth"), ids=lambda r: " ".join(r.values()))
def test_growth_is_the_change_in_percent_of_the_earlier_mean(row: Row) -> None:
    found = compared(survey(row["Earlier"]), survey(row["Later"], 2))
    assert found.why_not is None
    [grown] = found.constructs
    assert [
        "–" if n is None else f"{n:f}" for n in (grown.change, grown.percent)
    ] == [row["Change"], row["Growth"]]  # fmt: skip


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"instrument": "growth-2"}, "another instrument: growth-1, then growth-2"),
        ({"highest": Decimal(7)}, "another scale: 0 to 5, then 0 to 7"),
    ],
)
def test_another_instrument_or_scale_is_shown_and_not_compared(
    other: dict[str, Any], why: str
) -> None:
    found = compared(survey("3"), survey("4", 2, **other))
    assert found.why_not == why
    [grown] = found.constructs
    assert grown.before
    assert grown.after
    assert (grown.change, grown.percent, found.percent) == (None, None, None)


# Recorded -----------------------------------------------------------------------------------


def test_a_survey_is_kept_as_means_in_the_order_of_the_playbook() -> None:
    [event] = effective().when(
        "survey record", year=1, taken=TAKEN, result=("sharing=3.456/9", "coaching=2/4"),
        source="export of 25 January",
    ).records(SurveyRecorded)  # fmt: skip
    assert isinstance(event, SurveyRecorded)
    assert [(r.of, r.mean, r.respondents) for r in event.results] == [
        ("coaching", None, 4),
        ("sharing", Decimal("3.46"), 9),
    ]
    assert (event.instrument, event.lowest, event.highest) == (
        "growth-1",
        Decimal(1),
        Decimal(5),
    )
    assert "coaching not kept (answers: 4)" in event.sentence()


def test_a_survey_came_true_on_the_day_it_was_taken() -> None:
    story = recorded(effective())
    [found] = [r for r in story.history() if isinstance(r.event, SurveyRecorded)]
    assert found.stamp.effective_at.date() == TAKEN


def test_there_is_one_survey_a_year_and_the_same_again_changes_nothing() -> None:
    story = recorded(effective())
    story.when("survey record", year=1, taken=TAKEN, result=SIX).records()
    other = {"year": 1, "taken": TAKEN, "result": ("coaching=4/20",)}
    story.when("survey record", **other).refuses(AlreadyExists, "one a year", "--reason REASON")
    [fixed] = story.when("survey record", **other, reason="half of it was missing").records(
        SurveyRecorded
    )
    assert surveys(story).standing == {1: fixed}
    assert len(surveys(story).recorded) == 2


def test_another_leas_survey_is_taken_back() -> None:
    story = recorded(effective())
    story.when("survey withdraw", year=2, reason="r").refuses(Unknown, "year 2", "recorded are: 1")
    story.when("survey withdraw", year=1, reason="Harbor's").records(SurveyWithdrawn)
    assert surveys(story).standing == {}
    assert fold("x", as_true(story.history(), story.now, ZONE)).of(Surveys).standing == {}
    story.when("survey withdraw", year=1, reason="again").refuses(Unknown, "recorded are: none")
    recorded(story)
    assert list(surveys(story).standing) == [1]


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        pytest.param({"result": ()}, Incomplete, ("handrail survey import",), id="nothing"),
        pytest.param({"result": ("coach=3/9",)}, Invalid, ("'coach'", "Did you mean coaching"),
                     id="no such construct"),
        pytest.param({"result": ("coaching=6/9",)}, Invalid, ("coaching=6", "1 and 5"),
                     id="off the scale"),
        pytest.param({"result": ("coaching=3/9", "coaching=4/9")}, Invalid, ("twice",), id="twice"),
        pytest.param({"instrument": "growht-1"}, Unknown, ("Did you mean growth-1",),
                     id="no such instrument"),
        pytest.param({"taken": date(2027, 1, 26)}, ImpossibleDate, ("Tue 26 Jan 2027",),
                     id="ahead"),
        pytest.param({"taken": date(2026, 10, 14)}, ImpossibleDate, ("Thu 15 Oct 2026", "--on"),
                     id="before the opening"),
        pytest.param({"reason": "r"}, Invalid, ("leave out --reason",), id="nothing to correct"),
    ],
)  # fmt: skip
def test_a_survey_that_cannot_be_is_refused(
    body: dict[str, Any], kind: type[Refused], words: tuple[str, ...]
) -> None:
    effective().when("survey record", **{"year": 1, "taken": TAKEN, "result": SIX, **body}).refuses(
        kind, *words
    )


def test_surveys_are_taken_in_the_order_of_their_years() -> None:
    story = recorded(effective().on(date(2028, 1, 24)), 2, date(2028, 1, 20))
    body: dict[str, Any] = {"result": SIX}
    story.when("survey record", year=1, taken=date(2028, 1, 20), **body).refuses(
        ImpossibleDate, "year 2", "Thu 20 Jan 2028", "--survey"
    )
    recorded(story)
    story.when("survey record", year=3, taken=date(2028, 1, 19), **body).refuses(ImpossibleDate)


@pytest.mark.parametrize("typed", ["coaching", "coaching=3", "coaching=x/9", "coaching=3/-1"])
def test_a_result_has_its_form(typed: str) -> None:
    with pytest.raises(ValidationError):
        effective().do("survey record", year=1, taken=TAKEN, result=(typed,))


def test_a_playbook_without_surveys_takes_none() -> None:
    story = effective()
    story.playbook = PLAYBOOK.model_copy(update={"surveys": None})
    for what, body in (
        ("survey record", {"year": 1, "taken": TAKEN, "result": SIX}),
        ("survey ask", {"due": DUE, "hours": "2"}),
    ):
        story.when(what, **body).refuses(WrongState, "dta-sir@3", "handrail playbook publish")


def test_columns_that_are_no_construct_are_refused() -> None:
    [wrong] = aggregated(
        [{"coaching": "3", "name": "J. Doe"}], RULES, RULES.instruments[-1], PLAYBOOK.ref
    ).wrong
    assert "'name'" in wrong[1]
    assert "J. Doe" not in wrong[1]
    [empty] = aggregated([{"coaching": None}], RULES, RULES.instruments[-1], PLAYBOOK.ref).wrong
    assert "nothing is answered" in empty[1]


# Asked --------------------------------------------------------------------------------------


def test_the_lea_owes_a_survey_it_was_asked_for_until_it_is_recorded() -> None:
    story = effective()
    [asked] = story.when("survey ask", due=DUE, hours="2").records(SurveyAsked)
    assert isinstance(asked, SurveyAsked)
    assert asked.year == 1
    [found] = owed(story)
    assert (found.owner, found.side, found.due, found.settled) == ("lea_contact", "lea", DUE, None)
    assert story.planned_days("S1")[:3] == [date(2027, 2, 12), date(2027, 2, 23), DUE]
    assert [(h.item, h.on, h.hours, h.agreed) for h in hours_asked(story.state())] == [
        ("S1", DUE, Decimal(2), True)
    ]
    recorded(story.on(date(2027, 2, 17)), taken=date(2027, 2, 16))
    assert [o.settled for o in owed(story)] == ["received"]
    assert [(n.status, n.reason) for n in story.ledger("S1")] == [
        ("sent", None), *[("suppressed", "received")] * 5,
    ]  # fmt: skip
    assert len(hours_asked(story.state())) == 1
    story.do("survey withdraw", year=1, reason="Harbor's")
    assert [o.settled for o in owed(story)] == [None]
    assert story.planned_days("S1")[0] == date(2027, 2, 23)


def test_an_ask_is_moved_changed_and_dropped() -> None:
    story = effective().do("survey ask", due=DUE, hours="2")
    story.when("survey ask", due=DUE, hours="2.0").refuses(AlreadyExists, "Fri 26 Feb 2027")
    story.do("survey ask", due=DUE, hours="2.5")
    assert [(o.round, o.due) for o in owed(story)] == [(1, DUE)]
    assert [h.hours for h in hours_asked(story.state())] == [Decimal("2.5")]
    later = date(2027, 3, 12)
    story.do("survey ask", due=later, hours="2.5")
    assert [(o.due, o.settled) for o in owed(story)] == [(DUE, "re-dated"), (later, None)]
    story.when("survey drop", year=1, reason="the county has one").records(SurveyDropped)
    assert [o.settled for o in owed(story)] == ["re-dated", "dropped"]
    assert hours_asked(story.state()) == []
    story.when("survey drop", year=1, reason="r").refuses(Unknown, "asked for are: none")
    story.do("survey ask", due=later, hours="2.5")
    assert [o.settled for o in owed(story)] == ["re-dated", "re-dated", None]
    assert story.planned_days("S1")


def test_the_next_year_is_asked_for_once_one_is_recorded() -> None:
    story = recorded(effective())
    story.when("survey ask", due=DUE, hours="2", year=1).refuses(AlreadyExists, "Thu 21 Jan 2027")
    [asked] = story.when("survey ask", due=DUE, hours="2").records(SurveyAsked)
    assert isinstance(asked, SurveyAsked)
    assert asked.year == 2


@pytest.mark.parametrize(
    ("due", "words"),
    [(date(2027, 1, 25), "not after today"), (date(2027, 2, 27), "Saturday")],
)
def test_a_survey_is_asked_for_by_a_working_day_ahead(due: date, words: str) -> None:
    effective().when("survey ask", due=due, hours="2").refuses(ImpossibleDate, words)


def test_a_survey_keeps_to_the_cap_of_its_month_as_everything_does() -> None:
    asking: dict[str, Any] = {"due": DUE, "hours": "41"}
    effective().when("survey ask", "marcus", **asking).refuses(
        TooMany, "February 2027", "41 h", "cap 40 h"
    )
    waived, asked = (
        effective()
        .when("survey ask", "dana", waive_burden="the county asks as well", **asking)
        .records(BurdenWaived, SurveyAsked)
    )
    assert isinstance(asked, SurveyAsked)
    assert asked.hours == 41
    assert isinstance(waived, BurdenWaived)


def test_nothing_is_asked_before_the_agreement() -> None:
    Story().drafted().when("survey ask", due=DUE, hours="2").refuses(WrongState, "agreeing")


# Growth over the portfolio ------------------------------------------------------------------


def test_growth_is_averaged_over_leas_with_the_same_weight() -> None:
    story = recorded(effective()).on(date(2028, 1, 24))
    recorded(story, 2, date(2028, 1, 20), result=tuple(f"{c.id}=3.60/9" for c in RULES.constructs))
    names = {c.id: c.name for c in RULES.constructs}
    found = growth_of([story.state(), recorded(effective()).state()], names, 2)
    assert (found.percent, found.leas) == ("20.0", 1)
    assert {(c.percent, c.leas) for c in found.constructs} == {("20.0", 1)}
    assert growth_of([], names, 2).percent is None
    [pair] = comparisons(surveys(story).standing)
    assert (pair.earlier, pair.later, f"{pair.percent}") == (1, 2, "20.0")
    assert average([Decimal(20), None, Decimal(10)]).leas == 2
    assert average([Decimal(20), None, Decimal(10)]).percent == Decimal("15.0")


@given(st.lists(st.integers(1, 5), min_size=5, max_size=60))
def test_a_mean_lies_between_its_answers(answers: list[int]) -> None:
    rows = [{"coaching": a} for a in answers]
    [found] = aggregated(rows, RULES, RULES.instruments[-1], PLAYBOOK.ref).results
    assert found.mean is not None
    assert min(answers) <= found.mean <= max(answers)
    assert found.respondents == len(answers)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"smallest_group": 1}, "greater than or equal to 2", id="one is a person"),
        pytest.param(
            {"instruments": [{"id": "a", "name": "A", "lowest": 5, "highest": 5}]},
            "not below",
            id="no scale",
        ),
        pytest.param({"constructs": []}, "at least 1", id="nothing asked"),
    ],
)
def test_rules_that_cannot_work_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        SurveyRules.model_validate({**RULES.model_dump(), **change})


@pytest.mark.parametrize("section", ["surveys", "checkins"])
def test_a_policy_that_is_not_there_is_refused(section: str) -> None:
    data = PLAYBOOK.model_dump()
    data[section]["policy" if section == "surveys" else "commitment_policy"] = "weekly"
    with pytest.raises(ValidationError, match="weekly"):
        type(PLAYBOOK).model_validate(data)
