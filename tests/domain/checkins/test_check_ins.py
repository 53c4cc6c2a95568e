"""docs/rules/check-ins.md, row by row, and every refusal of a check-in."""

from datetime import date, time
from typing import Any

import pytest
from pydantic import ValidationError

from domain.checkins.checkins import (
    CheckInClosed,
    CheckInCorrected,
    CheckInHeld,
    CheckInOpened,
    CheckIns,
    annual_date,
)
from domain.checkins.closing import CloseCheckIn
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
from domain.policy.calendar import at_local
from store.events import as_true
from tests.domain.story import PLAYBOOK, PURPOSES, ZONE, Story
from tests.domain.tables import Row, day, table

HELD = date(2027, 6, 10)


def partnering(effective: date = date(2026, 10, 15)) -> Story:
    return Story(effective).effective()


def owed(story: Story, item: str) -> list[Obligation]:
    found = obligations(story.state(), story.context("marcus", None))
    return [o for o in found if o.item == item]


END: dict[str, Any] = {"outcome": "end", "reason": "exit agreed", "sustain": "The team goes on."}


def close(story: Story, **body: Any) -> Story:
    return story.do("checkin close", "marcus", **{"purpose": PURPOSES, **body})


@pytest.mark.parametrize(
    "row",
    table("check-ins.md"),
    ids=lambda r: f"{r['Check-in']} after {r['Agreement effective']}",
)
def test_a_check_in_is_owed_years_after_the_agreement(row: Row) -> None:
    story = partnering(day(row["Agreement effective"]))
    number = int(row["Check-in"].removeprefix("CI-"))
    context = story.context("marcus", None)
    assert annual_date(number, story.state(), context) == day(row["Owed by"])


def test_the_purposes_are_those_of_the_table() -> None:
    rows = table("check-ins.md", "Opening, holding, closing")
    assert [(r["Purpose"], r["What it asks"]) for r in rows] == [
        (p.id, p.name) for p in PLAYBOOK.checkins.purposes
    ]


def test_the_lead_is_reminded_of_a_check_in_that_nobody_has_opened() -> None:
    story = partnering()
    assert story.planned_days("CI-1") == [
        date(2027, 10, 1),
        date(2027, 10, 12),
        date(2027, 10, 15),
        date(2027, 10, 18),
        date(2027, 10, 22),
        date(2027, 10, 29),
    ]
    assert {n.planned.to[0] for n in story.ledger("CI-1")} == {"lead"}


def test_no_check_in_is_owed_before_the_agreement_is_effective() -> None:
    story = Story().drafted()
    assert owed(story, "CI-1") == []


def test_an_opened_check_in_is_reminded_of_on_its_new_day() -> None:
    story = partnering().on(date(2027, 5, 3))
    [opened] = story.when("checkin open", "marcus", on=HELD).records(CheckInOpened)
    assert isinstance(opened, CheckInOpened)
    assert opened.checkin == "CI-1"
    assert story.planned_days("CI-1") == [
        date(2027, 5, 27),
        date(2027, 6, 7),
        date(2027, 6, 10),
        date(2027, 6, 11),
        date(2027, 6, 17),
        date(2027, 6, 24),
    ]
    assert {n.reason for n in story.ledger("CI-1") if n.status == "suppressed"} == {"re-dated"}


def test_a_check_in_can_be_moved_again() -> None:
    story = partnering().on(date(2027, 5, 3)).do("checkin open", "marcus", on=HELD)
    story.do("checkin open", "marcus", on=date(2027, 5, 27))
    assert [(o.round, o.due, o.settled) for o in owed(story, "CI-1")] == [
        (1, date(2027, 10, 15), "re-dated"),
        (2, HELD, "re-dated"),
        (3, date(2027, 5, 27), None),
    ]


def test_nobody_is_reminded_of_a_check_in_that_was_held() -> None:
    story = partnering().on(date(2027, 5, 3)).do("checkin open", "marcus", on=HELD)
    story.on(HELD).do("checkin hold", "marcus")
    assert story.planned_days("CI-1") == []
    assert {n.reason for n in story.ledger("CI-1") if n.status == "suppressed"} == {
        "re-dated",
        "held",
    }


def test_the_next_check_in_is_owed_once_one_is_closed() -> None:
    story = close(partnering().on(HELD).do("checkin hold", "marcus"))
    assert [o.due for o in owed(story, "CI-2")] == [date(2028, 10, 16)]
    assert story.planned_days("CI-2")[0] == date(2028, 10, 2)


def test_after_an_end_no_further_check_in_is_owed() -> None:
    story = close(partnering().on(HELD).do("checkin hold", "marcus"), **END)
    assert owed(story, "CI-2") == []
    [exit_] = owed(story, "exit")
    assert (exit_.owner, exit_.due, exit_.settled) == ("lead", None, None)
    assert exit_.title == "Close the engagement: its end was agreed at CI-1"
    assert [o.settled for o in owed(story, "CI-1")] == ["held"]


def test_a_check_in_is_held_as_it_comes_on_the_day_that_is_named() -> None:
    story = partnering().on(date(2027, 6, 14))
    [held] = story.when("checkin hold", "marcus", on=HELD, attended=("joy", "elena")).records(
        CheckInHeld
    )
    assert isinstance(held, CheckInHeld)
    assert (held.checkin, held.on, held.attended) == ("CI-1", HELD, ("p-joy", "p-elena"))


def test_a_check_in_that_is_backdated_was_held_on_that_day() -> None:
    story = partnering().on(date(2027, 6, 14))
    [held] = story.when("checkin hold", "marcus", effective=HELD).records(CheckInHeld)
    assert isinstance(held, CheckInHeld)
    assert held.on == HELD


@pytest.mark.parametrize("how", [{"on": HELD}, {"effective": HELD}], ids=["own day", "said day"])
def test_a_check_in_came_true_on_the_day_on_which_it_was_held(how: dict[str, Any]) -> None:
    story = partnering().on(date(2027, 6, 14)).do("checkin hold", "marcus", **how)
    [held] = [r for r in story.history() if isinstance(r.event, CheckInHeld)]
    assert held.stamp.effective_at == at_local(HELD, time(0), ZONE)
    assert held.stamp.recorded_at == story.now
    day_before = as_true(story.history(), at_local(date(2027, 6, 9), time(23, 59), ZONE), ZONE)
    assert held not in day_before
    assert held in as_true(story.history(), at_local(HELD, time(23, 59), ZONE), ZONE)


def test_a_check_in_that_was_held_today_came_true_now() -> None:
    story = partnering().on(HELD).do("checkin hold", "marcus", on=HELD)
    [held] = [r for r in story.history() if isinstance(r.event, CheckInHeld)]
    assert held.stamp.effective_at == story.now


def test_closing_keeps_answers_and_dated_commitments_sealed() -> None:
    story = partnering().on(HELD).do("checkin hold", "marcus")
    commitments = [
        "2027-09-01/joy=Name two teacher leaders.",
        "2027-08-02/ elena =  Budget.  ",
        "2027-08-02/dana=A second coach, half time = Fridays.",
        f"{HELD}/marcus=Minutes.",
    ]
    [closed] = story.when(
        "checkin close",
        "marcus",
        purpose=PURPOSES,
        commitment=commitments,
        outcome="adjust",
        reason="more help with data",
        adjust="Two visits a month.",
    ).records(CheckInClosed)
    assert isinstance(closed, CheckInClosed)
    assert {name: text.text for name, text in closed.purposes.items()} == PURPOSES
    assert [(c.by, c.owner, c.side, c.text.text) for c in closed.commitments] == [
        (HELD, "p-marcus", "agency", "Minutes."),
        (date(2027, 8, 2), "p-elena", "lea", "Budget."),
        (date(2027, 8, 2), "p-dana", "agency", "A second coach, half time = Fridays."),
        (date(2027, 9, 1), "p-joy", "lea", "Name two teacher leaders."),
    ]
    assert (str(closed.reason), str(closed.adjust)) == (
        "more help with data",
        "Two visits a month.",
    )
    assert {s.about for s in closed.purposes.values()} == {"engagement:alder-creek-usd"}
    [checkin] = story.state().of(CheckIns).all
    assert checkin.closed == closed


@pytest.mark.parametrize(
    ("verb", "body"),
    [("open", {"on": date(2026, 9, 1)}), ("hold", {}), ("close", {"purpose": PURPOSES})],
)
def test_check_ins_begin_once_the_agreement_is_effective(verb: str, body: dict[str, Any]) -> None:
    Story().drafted().when(f"checkin {verb}", "marcus", **body).refuses(
        WrongState, "agreeing", "handrail engagement show alder-creek-usd"
    )


@pytest.mark.parametrize("on", [date(2026, 10, 15), date(2026, 10, 14)])
def test_a_check_in_is_planned_for_a_day_ahead(on: date) -> None:
    partnering().when("checkin open", "marcus", on=on).refuses(
        ImpossibleDate, "Thu 15 Oct 2026", f"handrail checkin hold alder-creek-usd --on {on}"
    )


@pytest.mark.parametrize(
    ("on", "why"),
    [
        pytest.param(date(2027, 6, 12), "a Saturday", id="a weekend"),
        pytest.param(date(2027, 6, 14), "summer recess", id="recess"),
        pytest.param(date(2027, 5, 31), "Memorial Day", id="a holiday"),
    ],
)
def test_a_check_in_is_planned_for_a_working_day_of_the_lea(on: date, why: str) -> None:
    partnering().when("checkin open", "marcus", on=on).refuses(ImpossibleDate, why, "working day")


@pytest.mark.parametrize("on", [date(2037, 1, 2), date(2207, 12, 31)])
def test_a_check_in_is_not_planned_for_a_year_that_nobody_can_mean(on: date) -> None:
    partnering().when("checkin open", "marcus", on=on).refuses(
        ImpossibleDate, str(on.year), "Check the year"
    )


def test_a_check_in_is_planned_once_for_a_day() -> None:
    story = partnering().do("checkin open", "marcus", on=HELD)
    story.when("checkin open", "marcus", on=HELD).refuses(AlreadyExists, "CI-1", "Thu 10 Jun 2027")


def test_a_check_in_is_closed_before_the_next_is_planned() -> None:
    story = partnering().on(HELD).do("checkin hold", "marcus")
    story.when("checkin open", "marcus", on=date(2027, 9, 1)).refuses(
        WrongState, "CI-1", "Thu 10 Jun 2027", "handrail checkin close alder-creek-usd"
    )


def test_a_check_in_is_held_once() -> None:
    story = partnering().on(HELD).do("checkin hold", "marcus")
    story.when("checkin hold", "marcus").refuses(
        AlreadyExists, "CI-1", "Thu 10 Jun 2027", "handrail checkin close alder-creek-usd"
    )


@pytest.mark.parametrize(
    ("on", "words"),
    [
        pytest.param(date(2027, 6, 11), ("Fri 11 Jun 2027", "today is"), id="ahead"),
        pytest.param(date(2026, 10, 14), ("Wed 14 Oct 2026", "effective since Thu 15 Oct 2026"),
                     id="before the agreement"),
    ],
)  # fmt: skip
def test_a_check_in_is_held_on_a_possible_day(on: date, words: tuple[str, ...]) -> None:
    partnering().on(HELD).when("checkin hold", "marcus", on=on).refuses(ImpossibleDate, *words)


def test_a_check_in_is_not_held_before_the_one_of_the_year_before() -> None:
    story = close(partnering().on(HELD).do("checkin hold", "marcus")).on(date(2028, 6, 8))
    story.when("checkin hold", "marcus", on=date(2027, 6, 9)).refuses(
        ImpossibleDate, "CI-2", "Wed 9 Jun 2027", "Thu 10 Jun 2027"
    )


def test_whoever_attended_is_in_the_directory() -> None:
    partnering().on(HELD).when("checkin hold", "marcus", attended=("joy", "elenna")).refuses(
        Unknown, "'elenna'", "Did you mean elena"
    )


def test_a_check_in_is_closed_after_it_was_held() -> None:
    partnering().on(HELD).when("checkin close", "marcus", purpose=PURPOSES).refuses(
        WrongState, "CI-1", "handrail checkin hold alder-creek-usd --on DATE"
    )


@pytest.mark.parametrize("blank", [None, "", "   ", "\n"])
def test_no_purpose_stays_blank(blank: str | None) -> None:
    story = partnering().on(HELD).do("checkin hold", "marcus")
    answers = {name: text for name, text in PURPOSES.items() if name != "coaching-capacity"}
    if blank is not None:
        answers["coaching-capacity"] = blank
    story.when("checkin close", "marcus", purpose=answers).refuses(
        Incomplete, "coaching-capacity (Check the capacity for coaching) is blank",
        '--answer coaching-capacity="…"',
    )  # fmt: skip


def test_every_blank_purpose_is_named_at_once() -> None:
    story = partnering().on(HELD).do("checkin hold", "marcus")
    story.when("checkin close", "marcus", purpose={}).refuses(Incomplete, *PURPOSES, "are blank")


def test_an_unknown_purpose_is_named_with_the_known_ones() -> None:
    story = partnering().on(HELD).do("checkin hold", "marcus")
    story.when("checkin close", "marcus", purpose={**PURPOSES, "commitments": "x"}).refuses(
        Unknown, "'commitments'", "Did you mean commitment", "The purposes: commitment"
    )


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        pytest.param("Budget by September", "DATE/PERSON=TEXT", id="neither"),
        pytest.param("2027-09-01=Budget", "DATE/PERSON=TEXT", id="nobody"),
        pytest.param("2027-09-01/ =Budget", "DATE/PERSON=TEXT", id="a blank owner"),
        pytest.param("tomorrow/joy=Budget", "write it as YYYY-MM-DD", id="no day"),
        pytest.param("2027-09-01/joy= ", "say what joy promised", id="blank"),
        pytest.param("2027-09-01/joy=a\nb", "one line", id="two lines"),
        pytest.param("2027-09-01/joy=" + "x" * 301, "300", id="too long"),
    ],
)
def test_a_commitment_names_its_day_its_owner_and_what_was_promised(typed: str, why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        CloseCheckIn.model_validate(
            {"engagement": "alder-creek-usd", "purpose": PURPOSES, "commitment": [typed]}
        )


def test_a_commitment_is_not_dated_before_the_check_in() -> None:
    story = partnering().on(HELD).do("checkin hold", "marcus")
    story.when(
        "checkin close", "marcus", purpose=PURPOSES, commitment=["2027-06-09/joy=Budget."]
    ).refuses(ImpossibleDate, "'Budget.'", "Wed 9 Jun 2027", "Thu 10 Jun 2027")


def test_a_check_in_is_not_closed_before_the_day_on_which_it_was_held() -> None:
    story = partnering().on(HELD).do("checkin hold", "marcus").on(date(2027, 6, 11))
    story.when("checkin close", "marcus", purpose=PURPOSES, effective=date(2027, 6, 9)).refuses(
        ImpossibleDate, "CI-1", "Wed 9 Jun 2027", "Thu 10 Jun 2027"
    )
    story.when("checkin close", "marcus", purpose=PURPOSES, effective=HELD).records(CheckInClosed)


def test_a_planning_that_lies_ahead_is_refused() -> None:
    partnering().when("checkin open", "marcus", on=HELD, effective=date(2026, 10, 16)).refuses(
        ImpossibleDate, "Fri 16 Oct 2026"
    )


def test_a_close_that_lies_ahead_is_refused() -> None:
    story = partnering().on(HELD).do("checkin hold", "marcus")
    story.when("checkin close", "marcus", purpose=PURPOSES, effective=date(2027, 6, 11)).refuses(
        ImpossibleDate, "Fri 11 Jun 2027"
    )


@pytest.mark.parametrize("row", table("check-ins.md", "How it goes on"), ids=lambda r: r["Outcome"])
def test_an_outcome_has_its_reason_and_what_goes_with_it(row: Row) -> None:
    def held() -> Story:
        return partnering().on(HELD).do("checkin hold", "marcus")

    outcome = row["Outcome"]
    body: dict[str, Any] = {"purpose": PURPOSES, "outcome": outcome}
    if row["Its reason"] == "--basis":
        held().when("checkin close", "marcus", **body).refuses(Incomplete, outcome, "--basis TEXT")
        body["reason"] = "r"
    if "--sustain says" in row["Goes with it"]:
        held().when("checkin close", "marcus", **body).refuses(Incomplete, "--sustain TEXT")
        body["sustain"] = "s"
    for option, typed, of in (("adjust", "change", "adjust"), ("sustain", "sustain", "end")):
        if of != outcome:
            held().when("checkin close", "marcus", **{**body, option: "x"}).refuses(
                Invalid, f"--{typed} belongs to outcome {of}"
            )
    story = close(held(), **body)
    ended = row["What follows"] == "the Lead is to close the engagement"
    assert bool(owed(story, "exit")) == ended
    assert bool(owed(story, "CI-2")) != ended
    if ended:
        story.do("engagement close", "marcus", reason="exit agreed at CI-1")
        assert story.engagement.phase == "closed"


def test_a_close_that_is_given_twice_says_how_to_correct_the_first() -> None:
    story = close(partnering().on(HELD).do("checkin hold", "marcus"))
    story.when("checkin close", "marcus", purpose=PURPOSES).refuses(
        AlreadyExists, "CI-1 was closed on Thu 10 Jun 2027", "handrail checkin correct"
    )


def test_a_promise_is_not_said_twice() -> None:
    story = partnering().on(HELD).do("checkin hold", "marcus")
    story.when(
        "checkin close", "marcus", purpose=PURPOSES, commitment=["2027-09-01/joy=A"] * 2
    ).refuses(AlreadyExists, "'A'", "Give it once")


@pytest.mark.parametrize("owner", ["noor", "nobody"])
def test_a_promise_is_somebodys_of_either_side(owner: str) -> None:
    story = partnering().on(HELD).do("checkin hold", "marcus")
    kind = WrongPerson if owner == "noor" else Unknown
    story.when(
        "checkin close", "marcus", purpose=PURPOSES, commitment=[f"2027-09-01/{owner}=A"]
    ).refuses(kind, owner, "handrail person list")


# Corrections --------------------------------------------------------------------------------


def test_what_was_recorded_wrongly_is_corrected_and_the_history_keeps_both() -> None:
    story = close(partnering().on(HELD).do("checkin hold", "marcus")).on(date(2027, 6, 14))
    [fixed] = story.when(
        "checkin correct", "marcus", checkin="ci-1", reason="wrong notes",
        purpose={"commitment": "Renewed by the board."}, outcome="adjust", because="new coach",
    ).records(CheckInCorrected)  # fmt: skip
    assert isinstance(fixed, CheckInCorrected)
    [checkin] = story.state().of(CheckIns).all
    assert checkin.said
    assert checkin.closed
    assert str(checkin.said.purposes["commitment"]) == "Renewed by the board."
    assert str(checkin.closed.purposes["commitment"]) == PURPOSES["commitment"]
    assert (checkin.outcome, str(checkin.said.reason)) == ("adjust", "new coach")
    assert str(checkin.said.purposes["support-match"]) == PURPOSES["support-match"]


def test_an_outcome_that_was_wrong_takes_what_belonged_to_it_along() -> None:
    story = close(partnering().on(HELD).do("checkin hold", "marcus"), **END)
    story.do("checkin correct", checkin="CI-1", reason="slip", outcome="continue")
    [checkin] = story.state().of(CheckIns).all
    assert checkin.said
    assert (checkin.said.reason, checkin.said.sustain) == (None, None)
    assert owed(story, "exit") == []
    assert [o.due for o in owed(story, "CI-2")] == [date(2028, 10, 16)]


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        pytest.param({"checkin": "CI-9"}, Unknown, ("'CI-9'", "CI-1"), id="no such check-in"),
        pytest.param({}, AlreadyExists, ("says that already", "--answer"), id="nothing said"),
        pytest.param({"purpose": {"commitment": PURPOSES["commitment"]}}, AlreadyExists,
                     ("says that already",), id="the same words"),
        pytest.param({"purpose": {"commitment": " "}}, Incomplete, ("commitment",), id="blank"),
        pytest.param({"purpose": {"commit": "x"}}, Unknown, ("Did you mean commitment",),
                     id="no such purpose"),
        pytest.param({"outcome": "end"}, Incomplete, ("--basis TEXT",), id="without why"),
        pytest.param({"outcome": "end", "because": "b"}, Incomplete, ("--sustain TEXT",),
                     id="without a plan"),
        pytest.param({"adjust": "x"}, Invalid, ("belongs to outcome adjust",), id="of another"),
        pytest.param({"purpose": {"commitment": "x"}, "effective": date(2027, 6, 9)},
                     ImpossibleDate, ("Thu 10 Jun 2027",), id="before the close"),
        pytest.param({"purpose": {"commitment": "x"}, "effective": date(2027, 6, 15)},
                     ImpossibleDate, ("Tue 15 Jun 2027",), id="ahead"),
    ],
)  # fmt: skip
def test_a_correction_that_cannot_be_is_refused(
    body: dict[str, Any], kind: type[Refused], words: tuple[str, ...]
) -> None:
    story = close(partnering().on(HELD).do("checkin hold", "marcus")).on(date(2027, 6, 14))
    story.when("checkin correct", **{"checkin": "CI-1", "reason": "r", **body}).refuses(
        kind, *words
    )
