"""docs/rules/recruitment.md on eligibility, readiness and the mix of the portfolio."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from domain.kernel.refusals import AlreadyExists, ImpossibleDate, Incomplete, Unknown
from domain.outlook.mix import Member, mix
from domain.policy.parts import MixTarget
from domain.program.classification import LeaClassified, LeaProfile
from domain.recruitment.eligibility import (
    Eligibility,
    EligibilityRowAdded,
    EligibilityRowStruck,
    ReadinessJudged,
    years_met,
)
from tests.domain.story import ALDER, HARBOR, PLAYBOOK, Story, made
from tests.domain.tables import Row, table

RULES = PLAYBOOK.eligibility
ROW: dict[str, Any] = {"year": "2023-24", "group": "English learners", "criterion": "math red"}


@pytest.mark.parametrize(
    "row", table("recruitment.md", "Eligibility by statute"), ids=lambda r: r["Rows"]
)
def test_years_count_as_the_table_says(row: Row) -> None:
    assert RULES is not None
    story = Story().opened()
    for said in row["Rows"].split(", ") if row["Rows"] != "none" else ():
        year, _, groups = said.partition(": ")
        count, _, whole = groups.partition(" ")
        for n in range(int(count)):
            body = {"year": year, "group": f"group {n}", "criterion": "red"}
            story.do("eligibility row", all_groups=whole == "all", **body)
    found = years_met(story.state().of(Eligibility).rows.values(), RULES)
    assert ", ".join(found.met) == (row["Years that count"].replace("none", ""))
    assert found.enough == (row["Enough"] == "yes")
    assert f"{len(found.met)} of 4 school years" in found.told(RULES)


def test_one_group_with_two_criteria_is_one_group() -> None:
    assert RULES is not None
    story = Story().opened()
    for criterion in ("math red", "absence red", "suspension red"):
        story.do("eligibility row", year="2023-24", group="Foster youth", criterion=criterion)
    assert years_met(story.state().of(Eligibility).rows.values(), RULES).met == ()


def test_eligibility_never_blocks() -> None:
    story = Story().recruited().do("eligibility row", **ROW)
    story.do(
        "fit decide",
        "marcus",
        proceed=True,
        criterion=dict.fromkeys((c.id for c in PLAYBOOK.fit_criteria), "yes"),
    )
    assert story.engagement.phase == "agreeing"


def test_a_row_is_added_once_and_taken_back_with_a_reason() -> None:
    story = Story().opened()
    story.when("eligibility row", **ROW).records(EligibilityRowAdded)
    story.when("eligibility row", **{**ROW, "group": "ENGLISH learners"}).refuses(
        AlreadyExists, "English learners", "2023-24"
    )
    story.when("eligibility strike", reason="wrong LEA", **{**ROW, "year": "2022-23"}).refuses(
        Unknown, "2022-23"
    )
    [struck] = story.when("eligibility strike", reason="x", **ROW).records(EligibilityRowStruck)
    assert isinstance(struck, EligibilityRowStruck)
    assert struck.reason.about == f"engagement:{ALDER}"
    assert story.state().of(Eligibility).rows == {}


@pytest.mark.parametrize("year", ["2023", "2023-25", "23-24", "2023/24", "abcd-ef"])
def test_a_school_year_has_its_form(year: str) -> None:
    with pytest.raises(ValidationError, match="2023-24"):
        made("eligibility row", **{**ROW, "year": year})


def test_a_school_year_may_end_a_century() -> None:
    made("eligibility row", **{**ROW, "year": "2099-00"})


def test_readiness_is_judged_again_and_its_history_kept() -> None:
    story = Story().opened().on(date(2026, 9, 1))
    [judged] = story.when(
        "readiness judge", "marcus", willing="yes", able="partly", why="two vacancies"
    ).records(ReadinessJudged)
    assert isinstance(judged, ReadinessJudged)
    assert judged.why.about == f"engagement:{ALDER}"
    story.do(
        "readiness judge",
        "marcus",
        willing="partly",
        able="no",
        why="w",
        effective=date(2026, 8, 20),
    )
    history = story.state().of(Eligibility).readiness
    assert [(j.on, j.able) for j in history] == [
        (date(2026, 8, 20), "no"),
        (date(2026, 9, 1), "partly"),
    ]
    story.when(
        "readiness judge", willing="yes", able="yes", why="w", effective=date(2026, 9, 2)
    ).refuses(ImpossibleDate, "Wed 2 Sep 2026")


def test_the_same_judgement_is_not_recorded_twice_on_a_day() -> None:
    story = Story().opened().on(date(2026, 9, 1))
    body: dict[str, Any] = {"willing": "yes", "able": "no", "why": "vacancies"}
    story.do("readiness judge", **body)
    story.when("readiness judge", **body).refuses(AlreadyExists, "Tue 1 Sep 2026", "able no")
    story.do("readiness judge", **{**body, "able": "partly"})
    story.when("readiness judge", **body).records(ReadinessJudged)
    story.on(date(2026, 9, 2)).when("readiness judge", **body).records(ReadinessJudged)


def registered() -> Story:
    return Story().do(
        "lea register", "dana", id="salt-flat", name="Salt Flat", type="school_district"
    )


def test_what_is_left_out_of_a_classification_stays() -> None:
    story = registered()
    body: dict[str, Any] = {"lea": "salt-flat"}
    [said] = story.when("lea classify", locale="rural", unduplicated="71.5", **body).records(
        LeaClassified
    )
    assert "71.5% unduplicated" in said.sentence()
    story.do("lea classify", region="Inland", **body)
    profile = story.state("lea:salt-flat").of(LeaProfile)
    assert profile == LeaProfile("rural", "Inland", Decimal("71.5"))
    story.when("lea classify", locale="rural", **body).records()
    story.when("lea classify", **body).refuses(Incomplete, "salt-flat", "--locale")
    with pytest.raises(ValidationError):
        made("lea classify", unduplicated="101", **body)


def test_an_unknown_lea_is_not_classified() -> None:
    Story().when("lea classify", lea="salt-flat", locale="rural").refuses(Unknown, "'salt-flat'")


def test_the_mix_counts_each_lea_once_and_the_withdrawn_as_left() -> None:
    needy = MixTarget.model_validate(
        {"id": "n", "name": "N", "fact": "unduplicated", "from_percent": "70", "at_least": 2}
    )
    rural = next(t for t in PLAYBOOK.mix if t.id == "rural")
    found = mix(
        [
            Member(ALDER, "school_district", "closed", LeaProfile("town", "North", Decimal(80))),
            Member(
                ALDER, "school_district", "partnering", LeaProfile("town", "North", Decimal(80))
            ),
            Member(HARBOR, "charter_school", "agreeing"),
            Member("salt-flat", "school_district", "withdrawn", LeaProfile("rural", None, None)),
            Member("back", "school_district", "withdrawn"),
            Member("back", "school_district", "reviewing", LeaProfile("urban", None, Decimal(70))),
        ],
        [rural, needy],
    )
    assert (found.taking_part, found.left, found.gone) == (3, 1, ("salt-flat",))
    assert found.phases == {"agreeing": 1, "reviewing": 1, "partnering": 1}
    assert found.unduplicated == (Decimal(70), Decimal(80))
    assert found.counts["type"] == {"charter_school": 1, "school_district": 2}
    assert found.counts["locale"] == {"town": 1, "unknown": 1, "urban": 1}
    assert [(a.have, a.met) for a in found.achieved] == [(1, True), (2, True)]


@pytest.mark.parametrize(
    "body", [{"fact": "unduplicated"}, {"fact": "locale"}, {"fact": "type", "from_percent": "5"}]
)
def test_a_target_says_what_counts(body: dict[str, str]) -> None:
    with pytest.raises(ValidationError, match="give from_percent"):
        MixTarget.model_validate({"id": "x", "name": "X", **body})
