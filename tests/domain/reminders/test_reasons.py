"""Why a reminder is not sent: the reason names what was done, whoever did it in whatever order."""

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from domain.reminders.notices import NoticesClaimed
from domain.reminders.planning import addressed
from domain.rules.context import SYSTEM
from tests.domain.story import PURPOSES, Story

DUE, NEW, NEWER = date(2027, 4, 16), date(2027, 5, 14), date(2027, 5, 28)


def agreed(*titles: str) -> Story:
    """Deliverables that both have signed, due Fri 16 Apr."""
    story = Story(date(2027, 3, 9)).effective()
    for n, title in enumerate(titles, start=1):
        story.proposed(DUE, title).signed(f"D{n}")
    return story


def reasons(story: Story, item: str, round_: int | None = None) -> set[str | None]:
    """Why the reminders of an item that were planned are not sent."""
    return {n.reason for n in story.ledger(item) if round_ in (None, n.planned.round)}


def wave() -> Story:
    story = Story(date(2027, 3, 9)).effective()
    story.do("sir open", "marcus", framework="sir-12@2019")
    story.do("sir wave propose", "marcus", title="Budgets", due=DUE, hours=2)
    return both("sir wave sign", story, wave="W1")


def both(what: str, story: Story, **named: Any) -> Story:
    return story.do(what, "marcus", **named).by_the_lea(what, **named)


D1 = {"deliverable": "D1"}
TERMS: dict[str, tuple[str, dict[str, Any]]] = {
    "redate": ("deliverable redate", {**D1, "due": NEW, "reason": "illness"}),
    "rescope": ("deliverable rescope", {**D1, "hours": 4, "reason": "less"}),
    "rescope with a date": (
        "deliverable rescope",
        {**D1, "hours": 4, "due": NEW, "reason": "less"},
    ),
    "merge": ("deliverable merge", {"deliverables": ("D1", "D2"), "reason": "one story"}),
    "merge with a date": (
        "deliverable merge",
        {"deliverables": ("D1", "D2"), "due": NEW, "reason": "one story"},
    ),
}


@pytest.mark.parametrize("change", TERMS)
def test_new_terms_that_both_sign_end_the_request_for_a_signature_as_signed(change: str) -> None:
    what, body = TERMS[change]
    story = agreed("Theory of action", "Schedule").do(what, "marcus", **body)
    both("deliverable sign", story, **D1)
    assert reasons(story, "D1/signature") == {"signed"}


@pytest.mark.parametrize("times", [2, 3])
def test_every_further_round_of_terms_ends_as_signed(times: int) -> None:
    story = agreed("Theory of action")
    for due in [NEW, NEWER, date(2027, 6, 4)][:times]:
        story.do("deliverable redate", "marcus", **D1, due=due, reason="illness")
        both("deliverable sign", story, **D1)
    assert {n.planned.round for n in story.ledger("D1/signature")} == set(range(1, times + 1))
    assert reasons(story, "D1/signature") == {"signed"}


def test_terms_that_the_lea_signs_first_ask_it_for_nothing_more() -> None:
    story = agreed("Theory of action")
    story.do("deliverable redate", "marcus", **D1, due=NEW, reason="illness")
    story.by_the_lea("deliverable sign", **D1).do("deliverable sign", "marcus", **D1)
    assert {n.planned.round for n in story.ledger("D1/signature")} == {1}
    assert reasons(story, "D1/signature") == {"signed"}


@pytest.mark.parametrize("hours", [None, 4])
@pytest.mark.parametrize("due", [DUE, NEW])
def test_a_wave_with_new_terms_ends_the_request_for_a_signature_as_signed(
    due: date, hours: int | None
) -> None:
    if due == DUE and hours is None:
        hours = 5
    story = wave().do(
        "sir wave redate", "marcus", wave="W1", due=due, hours=hours, reason="illness"
    )
    both("sir wave sign", story, wave="W1")
    assert reasons(story, "W1/signature") == {"signed"}


def proposed_anew() -> Story:
    """D1 is agreed, and the Lead has signed another date; the LEA has not."""
    story = agreed("Theory of action")
    story.do("deliverable redate", "marcus", **D1, due=NEW, reason="illness")
    return story.do("deliverable sign", "marcus", **D1)


ENDS: dict[str, tuple[str, dict[str, Any]]] = {
    "declined": ("deliverable decline", {**D1, "reason": "no"}),
    "submitted": ("deliverable submit", D1),
    "taken back": ("deliverable redate", {**D1, "due": DUE, "reason": "no need"}),
}


@pytest.mark.parametrize("why", ENDS)
def test_terms_that_are_never_signed_say_how_they_went(why: str) -> None:
    what, body = ENDS[why]
    story = proposed_anew()
    if why == "taken back":
        story.do(what, "marcus", **body)
    else:
        story.by_the_lea(what, **body)
    [waited] = {n.reason for n in story.ledger("D1/signature") if n.reason != "signed"}
    assert waited == why


def test_terms_proposed_again_before_the_lea_signed_end_as_changed_and_then_as_signed() -> None:
    story = proposed_anew().on(date(2027, 3, 10))
    story.do("deliverable redate", "marcus", **D1, due=NEWER, reason="more illness")
    assert reasons(story, "D1/signature") == {"signed", "terms changed"}
    both("deliverable sign", story, **D1)
    assert reasons(story, "D1/signature") == {"signed", "terms changed"}


def test_a_split_that_both_sign_ends_the_whole_by_name() -> None:
    story = agreed("Theory of action")
    parts = ("2027-05-14 2 Schedule", "2027-05-28 2 Materials")
    story.do("deliverable split", "marcus", **D1, part=parts, reason="two steps")
    for part in ("D2", "D3"):
        both("deliverable sign", story, deliverable=part)
    assert reasons(story, "D1") == {"split into D2 and D3"}
    assert reasons(story, "D2/signature") | reasons(story, "D3/signature") == {"signed"}


def test_measures_wanted_before_what_was_merged_end_with_it() -> None:
    story = Story(date(2027, 3, 9))
    assert story.playbook is not None
    rules = story.playbook.measures
    assert rules is not None
    reminded = rules.model_copy(update={"policy": "standard"})
    story.playbook = story.playbook.model_copy(update={"measures": reminded})
    story.effective().proposed(DUE, "Theory of action").signed("D1")
    story.proposed(NEW, "Schedule").signed("D2")
    story.do("deliverable merge", "marcus", deliverables=("D1", "D2"), into="D2", reason="one")
    both("deliverable sign", story, deliverable="D2")
    assert reasons(story, "D1/measures") == {"merged into D2"}


def test_a_promise_that_is_somebody_elses_of_the_other_side_passes_on() -> None:
    story = Story(date(2026, 3, 20)).effective().away_until(date(2027, 3, 2))
    story.do("checkin hold", "marcus")
    story.do(
        "checkin close",
        "marcus",
        purpose=PURPOSES,
        # The LEA rests in the week before; the agency does not.
        commitment=(f"{date(2027, 4, 9)}/joy=Share the data",),
        outcome="continue",
        reason="it goes well",
    )
    story.do(
        "commitment correct", "marcus", checkin="CI-1", number=1, owner="marcus", reason="misheard"
    )
    gone = {n.reason for n in story.ledger("CI-1/1") if n.status == "suppressed"}
    assert gone == {"role passed on"}


def test_another_policy_with_a_step_of_the_same_name_is_named_only_where_it_was_chosen() -> None:
    story = agreed("Theory of action")
    story.do("reminders policy", "marcus", item="D1", policy="coaching-gap", reason="r")
    story.do("reminders policy", "marcus", item="D1", policy="standard", reason="r")
    assert reasons(story, "D1") == {"policy changed", None}


# Whom it was for ---------------------------------------------------------------------------------


def for_whom(story: Story, item: str, step: str) -> list[tuple[str, ...]]:
    """Whom the ledger names for the reminders of an item that were planned and never sent."""
    state, context = story.state(), story.context(SYSTEM, None)
    return [
        addressed(n, state, context)
        for n in story.ledger(item)
        if n.planned.step == step and n.status == "suppressed"
    ]


CHANGES: dict[str, tuple[str, dict[str, Any]]] = {
    "handover": ("lead handover", {"to": "priya", "reason": "r"}),
    "Lead": ("engagement assign", {"role": "lead", "person": "priya"}),
    "contact": ("engagement assign", {"role": "lea_contact", "person": "elena"}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_never_sent_keeps_whom_it_was_meant_for(change: str) -> None:
    story = agreed("Theory of action").by_the_lea("deliverable submit", **D1)
    what, body = CHANGES[change]
    story.do(what, "dana", **body)
    assert for_whom(story, "D1", "+10") == [("p-joy", "p-marcus", "p-dana")]


def test_what_a_change_of_lead_itself_ends_was_meant_for_the_one_before() -> None:
    story = agreed("Theory of action").do("lead handover", "dana", to="priya", reason="r")
    story.do("engagement assign", "dana", role="lead", person="marcus")
    assert set(for_whom(story, "LH1/contact", "due")) == {("p-priya",)}


def test_what_was_planned_for_one_lead_and_ends_under_the_next_was_meant_for_that_one() -> None:
    story = agreed("Theory of action").do("lead handover", "dana", to="priya", reason="r")
    story.by_the_lea("deliverable submit", **D1)
    story.do("engagement assign", "dana", role="lead", person="marcus")
    assert for_whom(story, "D1", "+5") == [("p-joy", "p-priya")]


def test_what_a_later_reminder_overtook_keeps_whom_it_was_meant_for() -> None:
    story = agreed("Theory of action").away_until(date(2027, 4, 23)).on(date(2027, 4, 24))
    story.do("engagement assign", "dana", role="lea_contact", person="elena")
    assert for_whom(story, "D1", "due") == [("p-joy",)]


def test_what_reaches_nobody_was_meant_for_nobody() -> None:
    story = agreed("Theory of action")
    for who in ("joy", "elena", "marcus", "dana", "tess"):
        entry = replace(story.people[who], email=None)
        story.people[who] = story.people[entry.id] = entry
    story.by_the_lea("deliverable submit", **D1)
    assert for_whom(story, "D1", "due") == [()]


def test_what_goes_over_to_a_side_at_rest_was_passed_on() -> None:
    story = Story(date(2026, 10, 15)).effective().on(date(2027, 6, 10))
    story.do("engagement hold", "marcus", reason="fire").do("checkin hold", "marcus")
    story.do("checkin close", "marcus", purpose=PURPOSES, commitment=["2027-09-01/marcus=Visit."])
    story.on(date(2027, 6, 11))
    assert {n.status for n in story.ledger("CI-1/1")} == {"planned"}
    story.do("commitment correct", "marcus", checkin="CI-1", number=1, owner="joy", reason="hers")
    assert reasons(story, "CI-1/1") == {"role passed on"}


def test_whoever_was_told_of_a_mistake_hears_once_that_nothing_is_owed() -> None:
    first, second = date(2026, 9, 25), date(2026, 9, 28)
    story = Story().effective().proposed(first, "Another LEA's").signed()
    story.proposed(second, "Data teams").signed("D2").on(date(2026, 9, 14))
    assert {n.status for n in story.ledger("D1")} >= {"sent", "planned"}

    [proposed] = [e for e in story.entries[story.about]
                  if e.command and e.command.kind() == "deliverable propose"
                  and story.history()[e.number - 1].event.model_dump().get("deliverable") == "D1"
                  ]  # fmt: skip
    story.do("entry retract", "dana", entry=proposed.number, reason="another LEA's",
             with_consequences=True)  # fmt: skip
    story.on(date(2026, 11, 2))

    gone = [
        (event.person, date_.item, date_.why, date_.due)
        for event in (r.event for r in story.history())
        if isinstance(event, NoticesClaimed)
        for date_ in event.taken_back
        if date_.item == "D1"
    ]
    joy = story.people["joy"].id
    assert [g for g in gone if g[0] == joy] == [(joy, "D1", "taken back", first)]
    assert len(gone) == len({person for person, *_ in gone})
