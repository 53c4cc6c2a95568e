"""docs/rules/coaching.md, "Cycles" and "Consultancies": every stage and every refusal."""

from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from domain.coaching.cycles import (
    STAGES,
    ConsultancyNoted,
    CycleActedOn,
    CycleDone,
    CycleOpened,
    Cycles,
    CycleStudied,
)
from domain.kernel.messages import Event
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Refused,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.rules.registry import fold
from store.events import as_true
from tests.domain.story import ALDER, Story
from tests.domain.tables import Row, table

START = date(2027, 2, 1)
PLAN: dict[str, Any] = {"title": "Exit tickets", "prediction": "8 of 10 pupils answer."}
BODIES: dict[str, tuple[str, dict[str, Any]]] = {
    "plan": ("cycle open", PLAN),
    "do": ("cycle do", {"cycle": "c1", "tried": "In two classes."}),
    "study": ("cycle study", {"cycle": "C1", "result": "6 of 10.", "prediction_held": "partly"}),
    "act": ("cycle act", {"cycle": "C1", "decision": "adapt", "reason": "Shorter questions."}),
}


def coached() -> Story:
    return Story(START).effective()


def reached(stage: str) -> Story:
    story = coached()
    for name in STAGES[: STAGES.index(stage) + 1]:
        what, body = BODIES[name]
        story.do(what, "marcus", **body)
    return story


def test_a_cycle_compares_its_result_with_its_prediction() -> None:
    story = reached("act")
    cycle = story.state().of(Cycles).all["C1"]
    assert cycle.planned is not None
    assert str(cycle.planned.prediction) == "8 of 10 pupils answer."
    assert cycle.studied is not None
    assert (str(cycle.studied.result), cycle.studied.prediction_held) == ("6 of 10.", "partly")
    assert cycle.acted is not None
    assert (cycle.stage, cycle.acted.decision) == ("act", "adapt")
    assert cycle.steps == tuple((stage, START) for stage in STAGES)


@pytest.mark.parametrize("row", table("coaching.md", "Cycles"), ids=lambda r: r["Reached"])
@pytest.mark.parametrize("step", ["do", "study", "adopt", "adapt", "abandon"])
def test_stages_come_in_order(row: Row, step: str) -> None:
    story = reached(row["Reached"])
    assert story.state().of(Cycles).all["C1"].stage == row["Reached"]
    what, body = BODIES[step if step in BODIES else "act"]
    if step not in BODIES:
        body = {**body, "decision": step}
    given = story.when(what, "marcus", **body)
    if row[step] == "yes":
        events: dict[str, type[Event]] = {"do": CycleDone, "study": CycleStudied}
        given.records(events.get(step, CycleActedOn))
    else:
        given.refuses(WrongState, "C1 'Exit tickets'", "handrail cycle")


def test_a_cycle_names_its_measure_and_the_one_it_goes_on_from() -> None:
    story = reached("act")
    for title in ("Attendance", "Exit tickets answered"):
        story.do("measure add", "marcus", title=title, sort="leading", target="80", baseline="60")
    [second] = story.when(
        "cycle open", title="Exit tickets", prediction="9 of 10.", measure="m2", after="c1"
    ).records(CycleOpened)
    assert isinstance(second, CycleOpened)
    assert (second.cycle, second.measure, second.after) == ("C2", "M2", "C1")


def test_a_cycle_moves_a_measure_that_is_there() -> None:
    story = coached()
    story.when("cycle open", measure="M1", **PLAN).refuses(Unknown, "'M1'", "handrail measure add")
    story.do(
        "measure add", "marcus", title="Attendance", sort="leading", target="80", baseline="60"
    )
    story.when("cycle open", measure="M2", **PLAN).refuses(Unknown, "'M2'", "that it has: M1")
    story.do("measure drop", "marcus", measure="M1", reason="nobody looks at it")
    story.on(date(2027, 2, 2)).when("cycle open", measure="M1", **PLAN).refuses(
        WrongState, "M1 was dropped", "nobody looks at it"
    )


@pytest.mark.parametrize("measure", ["2", "measure 2", "M", "M12345"])
def test_a_measure_has_the_form_of_an_id(measure: str) -> None:
    with pytest.raises(ValidationError, match="measure"):
        coached().do("cycle open", measure=measure, **PLAN)


def test_a_cycle_goes_on_only_from_a_finished_one() -> None:
    story = reached("study")
    body = {"title": "Next", "prediction": "More."}
    story.when("cycle open", after="C1", **body).refuses(WrongState, "C1", "study", "cycle act")
    story.when("cycle open", after="C9", **body).refuses(Unknown, "'C9'", "C1 (Exit tickets)")


def test_a_cycle_does_not_begin_before_the_one_it_goes_on_from_ended() -> None:
    story = reached("study").on(date(2027, 2, 22))
    story.do("cycle act", **BODIES["act"][1])
    story.when(
        "cycle open", title="Next", prediction="More.", after="C1", effective=date(2027, 2, 19)
    ).refuses(ImpossibleDate, "Fri 19 Feb 2027", "Mon 22 Feb 2027", "--on")


def test_two_open_cycles_do_not_share_a_title() -> None:
    story = reached("plan")
    story.when("cycle open", title="exit TICKETS", prediction="p").refuses(
        AlreadyExists, "C1", "handrail cycle act alder-creek-usd C1 abandon"
    )
    story.do("cycle act", cycle="C1", decision="abandon", reason="The teacher left.")
    story.when("cycle open", **PLAN).records(CycleOpened)


def test_a_stage_is_not_before_the_one_before_it_nor_ahead() -> None:
    story = coached().on(date(2027, 2, 8)).do("cycle open", **PLAN)
    what, body = BODIES["do"]
    story.when(what, effective=date(2027, 2, 5), **body).refuses(
        ImpossibleDate, "Fri 5 Feb 2027", "Mon 8 Feb 2027"
    )
    story.when(what, effective=date(2027, 2, 9), **body).refuses(ImpossibleDate, "Tue 9 Feb 2027")


@pytest.mark.parametrize(
    ("what", "body"),
    [BODIES["plan"], ("consultancy note", {"question": "How?", "note": "Begin small."})],
)
def test_cycles_and_consultancies_begin_with_the_agreement(what: str, body: dict[str, Any]) -> None:
    Story().drafted().when(what, **body).refuses(WrongState, "agreeing", "handrail conversation")


def test_an_unknown_cycle_is_named_with_those_there_are() -> None:
    coached().when(*BODIES["do"][:1], **BODIES["do"][1]).refuses(
        Unknown, "'c1'", "handrail cycle open alder-creek-usd"
    )


def test_a_cycle_is_told_as_true_although_it_was_entered_out_of_order() -> None:
    story = coached().on(date(2027, 2, 15)).do("cycle open", **PLAN, effective=date(2027, 2, 8))
    story.do(BODIES["do"][0], **BODIES["do"][1], effective=date(2027, 2, 9))
    history = list(reversed(story.history()))
    told = fold(f"engagement:{ALDER}", as_true(history, story.now, "America/Los_Angeles"))
    assert told.of(Cycles) == story.state().of(Cycles)


def test_a_consultancy_keeps_question_answer_partners_and_cycle() -> None:
    story = reached("plan")
    [noted] = story.when(
        "consultancy note", question="How do teams keep meeting?", note="Fix the hour first.",
        partner=("Harbor Charter", "harbor-charter"), cycle="c1",
    ).records(ConsultancyNoted)  # fmt: skip
    assert isinstance(noted, ConsultancyNoted)
    assert (noted.partners, noted.cycle, noted.on) == (("harbor-charter",), "C1", START)
    assert noted.note.about == "engagement:alder-creek-usd"


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        pytest.param({"partner": ("ACUSD",)}, WrongPerson, ("its own partner",), id="itself"),
        pytest.param({"partner": ("nowhere",)}, Unknown, ("'nowhere'",), id="an unknown LEA"),
        pytest.param({"cycle": "C7"}, Unknown, ("'C7'",), id="an unknown cycle"),
        pytest.param({}, AlreadyExists, ("handrail history",), id="the same twice"),
    ],
)
def test_a_consultancy_that_cannot_be_is_refused(
    body: dict[str, Any], kind: type[Refused], words: tuple[str, ...]
) -> None:
    note = {"question": "How?", "note": "Begin small."}
    story = coached().do("consultancy note", **note)
    story.when("consultancy note", **note, **body).refuses(kind, *words)
