"""docs/rules/focus.md, measures of success: definitions, observations and what is owed."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from domain.focus.measures import MeasureAdded, MeasureDropped, MeasureRevised, Measures
from domain.focus.observations import MeasureObserved, Observations, standing
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Invalid,
    Refused,
    Unknown,
    WrongState,
)
from domain.owing.obligations import obligations
from domain.policy.parts import MeasureRules
from domain.rules.registry import fold
from store.events import as_true
from tests.domain.story import PLAYBOOK, Story, made
from tests.domain.tables import Row, day, table

ABSENT: dict[str, Any] = {
    "title": "Pupils absent on a tenth of the days", "sort": "lagging", "baseline": "18.5",
    "target": "10", "unit": "percent", "not_before": date(2027, 10, 1),
}  # fmt: skip


def measured(on: date = date(2027, 3, 2), **more: Any) -> Story:
    story = Story(date(2026, 10, 15)).effective().on(on)
    return story.do("measure add", "marcus", **ABSENT | more)


def stands(story: Story, measure: str = "M1") -> str:
    state = story.state()
    return standing(state.of(Measures).all[measure], state.of(Observations).of(measure))


@pytest.mark.parametrize(
    "row",
    table("focus.md", "Measures of success"),
    ids=lambda r: f"{r['Baseline']} to {r['Target']}: {r['Observed']}",
)
def test_a_measure_stands_where_its_last_judged_observation_puts_it(row: Row) -> None:
    story = Story(date(2026, 10, 15)).effective().on(date(2027, 3, 2))
    early = None if row["Not before"] == "–" else day(row["Not before"])
    body = {"baseline": row["Baseline"], "target": row["Target"], "not_before": early}
    story.do("measure add", title="T", sort="leading", **body).on(date(2027, 11, 1))
    for value, on in re.findall(r"([\d.]+) on (\w{3} \d+ \w+ \d{4})", row["Observed"]):
        story.do("measure observe", measure="M1", value=value, on=day(on))
    assert stands(story) == row["Standing"]


def test_leading_and_lagging_are_kept_apart() -> None:
    story = measured().do("measure add", title="Teams that meet", sort="leading", baseline=3,
                          target=12)  # fmt: skip
    measures = story.state().of(Measures)
    assert [m.id for m in measures.of_kind("lagging")] == ["M1"]
    assert [m.id for m in measures.of_kind("leading")] == ["M2"]


def test_a_measure_knows_the_focus_and_who_defined_it() -> None:
    story = Story().opened().do("focus set", text="Absence")
    [event] = story.when(
        "measure add", title="T", sort="leading", target=5, better="higher", person="joy",
        evidence="notes",
    ).records(MeasureAdded)  # fmt: skip
    assert isinstance(event, MeasureAdded)
    assert (event.focus, event.said_by, event.better) == ("F1", "p-joy", "higher")


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        pytest.param({"not_before": None}, Incomplete, ("lagging", "--not-before"),
                     id="an outcome without a day"),
        pytest.param({"not_before": date(2207, 1, 1)}, ImpossibleDate, ("2207", "Check the year"),
                     id="a year nobody means"),
        pytest.param({"baseline": None}, Incomplete, ("not known", "--better"), id="no baseline"),
        pytest.param({"baseline": "10"}, Incomplete, ("is the target", "--better"), id="no change"),
        pytest.param({"better": "higher"}, Invalid, ("18.5 to 10", "--better higher"),
                     id="the wrong way"),
        pytest.param({"person": "joy"}, Incomplete, ("--evidence",), id="no evidence"),
        pytest.param({"effective": date(2026, 10, 16)}, ImpossibleDate, ("Fri 16 Oct 2026",),
                     id="ahead"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_measure_is_named(
    body: dict[str, Any], kind: type[Refused], words: tuple[str, ...]
) -> None:
    story = Story(date(2026, 10, 15)).effective()
    story.when("measure add", **ABSENT | body).refuses(kind, *words)


@pytest.mark.parametrize("number", ["ten", "NaN", "Infinity", "1.00001", "12345678901"])
def test_a_value_is_a_number(number: str) -> None:
    with pytest.raises(ValidationError):
        made("measure observe", measure="M1", value=number)


def test_a_measure_is_defined_once() -> None:
    story = measured()
    story.when("measure add", **ABSENT).refuses(AlreadyExists, "M1", "handrail measure revise")
    story.do("measure drop", measure="M1", reason="another system").do("measure add", **ABSENT)
    assert set(story.state().of(Measures).all) == {"M1", "M2"}


def test_a_revised_measure_keeps_what_it_said_and_why_it_changed() -> None:
    story = measured().on(date(2027, 5, 3))
    [event] = story.when(
        "measure revise", measure="m1", target="12", reason="two schools joined"
    ).records(MeasureRevised)
    assert isinstance(event, MeasureRevised)
    assert (event.title, event.unit, event.better) == (ABSENT["title"], "percent", "lower")
    first, second = story.state().of(Measures).all["M1"].definitions
    assert (first.target, second.target) == (Decimal(10), Decimal(12))
    assert first.until == second.since
    assert str(second.reason) == "two schools joined"


@pytest.mark.parametrize(
    ("what", "body", "kind", "words"),
    [
        pytest.param("measure revise", {"target": "10"}, AlreadyExists, ("M1", "--target"),
                     id="nothing changes"),
        pytest.param("measure revise", {"target": "12", "effective": date(2027, 3, 1)},
                     ImpossibleDate, ("Mon 1 Mar 2027", "Tue 2 Mar 2027"), id="before it stood"),
        pytest.param("measure drop", {"measure": "M4"}, Unknown, ("'M4'", "M1"), id="unknown"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_change_is_named(
    what: str, body: dict[str, Any], kind: type[Refused], words: tuple[str, ...]
) -> None:
    measured().when(what, **{"measure": "M1", "reason": "r"} | body).refuses(kind, *words)


def test_a_dropped_measure_takes_only_what_was_observed_before() -> None:
    story = measured().on(date(2027, 6, 1))
    story.when("measure drop", measure="M1", reason="no data").records(MeasureDropped)
    story.on(date(2027, 6, 8)).do("measure observe", measure="M1", value=9, on=date(2027, 5, 28))
    for what, body in (("observe", {"value": "9"}), ("revise", {"reason": "r", "target": 3})):
        story.when(f"measure {what}", measure="M1", **body).refuses(
            WrongState, "M1", "Tue 1 Jun 2027", "no data"
        )


def test_what_comes_too_early_is_kept_and_stays_marked() -> None:
    story = measured().on(date(2027, 5, 3))
    [event] = story.when("measure observe", measure="M1", value="9").records(MeasureObserved)
    assert isinstance(event, MeasureObserved)
    assert (event.too_early, event.not_before) == (True, date(2027, 10, 1))
    assert "too early to judge" in event.sentence()
    story.do("measure revise", measure="M1", not_before=date(2027, 4, 1), reason="sooner")
    assert stands(story) == "too early to judge"
    story.on(date(2027, 5, 4)).do("measure observe", measure="M1", value="9.5")
    assert stands(story) == "reached"


def test_a_second_value_for_a_day_is_a_correction() -> None:
    story = measured(not_before=date(2027, 3, 1)).on(date(2027, 5, 3))
    story.do("measure observe", measure="M1", value=0)
    body: dict[str, Any] = {"measure": "M1", "on": date(2027, 5, 3)}
    story.on(date(2027, 5, 10))
    story.when("measure observe", value=0, **body).refuses(AlreadyExists, "0 on Mon 3 May 2027")
    story.when("measure observe", value=20, **body).refuses(AlreadyExists, "--reason")
    [event] = story.when("measure observe", value=20, reason="misread", **body).records(
        MeasureObserved
    )
    assert "in place of 0 (misread)" in event.sentence()
    told = fold(story.state().stream, as_true(story.history(), story.now, "America/Los_Angeles"))
    for state in (story.state(), told):
        [observation] = state.of(Observations).of("M1")
        assert [r.value for _, r in observation.readings] == [0, 20]
    assert stands(story) == "no nearer"


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        pytest.param({"on": date(2027, 3, 3)}, ImpossibleDate, ("Wed 3 Mar 2027",), id="ahead"),
        pytest.param({"on": date(2026, 10, 14)}, ImpossibleDate,
                     ("Thu 15 Oct 2026", "--baseline"), id="before the engagement"),
        pytest.param({"reason": "typo"}, Invalid, ("Tue 2 Mar 2027", "--reason"),
                     id="a correction of nothing"),
        pytest.param({"measure": "M2"}, Unknown, ("'M2'", "M1", "handrail measure add"),
                     id="unknown measure"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_observation_is_named(
    body: dict[str, Any], kind: type[Refused], words: tuple[str, ...]
) -> None:
    measured().when("measure observe", **{"measure": "M1", "value": 5} | body).refuses(kind, *words)


# What is owed --------------------------------------------------------------------------------

D1, D2 = date(2027, 4, 16), date(2027, 5, 14)


def agreed() -> Story:
    story = Story(date(2026, 10, 15)).effective().on(date(2027, 3, 9))
    return story.proposed(D2, "Second").signed("D1").proposed(D1, "First").signed("D2")


def owed(story: Story) -> list[tuple[str, int, date | None, str | None]]:
    found = obligations(story.state(), story.context("marcus", None))
    return [(o.item, o.round, o.due, o.settled) for o in found if o.item.endswith("/measures")]


def test_a_measure_is_owed_before_the_first_deliverable_falls_due() -> None:
    story = agreed()
    assert owed(story) == [
        ("D1/measures", 1, D2, "another deliverable falls due first"),
        ("D2/measures", 1, D1, None),
    ]
    story.do("measure add", **ABSENT)
    assert {settled for *_, settled in owed(story)} == {"measures defined"}


def test_nothing_is_owed_before_a_deliverable_is_agreed_or_where_the_playbook_is_silent() -> None:
    story = Story(date(2026, 10, 15)).effective().on(date(2027, 3, 9)).proposed(D1)
    assert owed(story) == []
    story = agreed()
    story.playbook = PLAYBOOK.model_copy(update={"measures": None})
    assert owed(story) == []


def test_a_playbook_with_a_policy_reminds_the_lead_until_a_measure_stands() -> None:
    story = Story(date(2026, 10, 15)).effective().on(date(2027, 3, 9))
    story.playbook = PLAYBOOK.model_copy(update={"measures": MeasureRules(policy="standard")})
    story.proposed(D1).signed("D1")
    assert len(story.planned_days("D1/measures")) == 6
    assert {n.planned.to[0] for n in story.ledger("D1/measures")} == {"lead"}
    story.do("measure add", **ABSENT)
    assert story.planned_days("D1/measures") == []
    assert {n.reason for n in story.ledger("D1/measures")} == {"measures defined"}


def test_a_dropped_measure_leaves_the_measures_owed_again() -> None:
    story = agreed().do("measure add", **ABSENT)
    story.do("measure drop", measure="M1", reason="not ours")
    assert ("D2/measures", 1, D1, None) in owed(story)
