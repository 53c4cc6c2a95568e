"""Somebody leaves, or has only so much time; docs/rules/handover.md."""

from dataclasses import replace
from datetime import date, time
from typing import Any

import pytest
from pydantic import ValidationError

from domain.kernel.refusals import AlreadyExists, ImpossibleDate, Unknown, WrongPerson, WrongState
from domain.program.leaving import PersonLeft, PersonReturned
from domain.program.people import Person, PersonChanged, PersonRegistered
from domain.reminders.notices import RecipientsDropped
from tests.domain.story import HARBOR, Story, made

ON = date(2027, 8, 2)


def hired(handle: str = "sam", *roles: str, at: str | None = None) -> tuple[Story, str]:
    """Somebody in the directory with a stream of their own; their id."""
    story = Story(date(2027, 7, 15))
    story.do("person register", "dana", handle=handle, name="Sam", role=roles, at=at,
             email="sam@x.example")  # fmt: skip
    return story, _entered(story, handle)


def _entered(story: Story, handle: str) -> str:
    [stream] = [s for s in story.histories if s.startswith("person:")]
    person = story.state(stream).of(Person)
    entry = replace(
        story.people["priya"],
        id=stream.removeprefix("person:"),
        handle=handle,
        organisation=person.organisation,
        staff_roles=frozenset(person.staff_roles),
    )
    story.people[handle] = story.people[entry.id] = entry
    return entry.id


def gone(story: Story, who: str, on: date) -> Story:
    entry = replace(story.people[who], left_on=on)
    story.people[who] = story.people[entry.id] = entry
    return story


def test_a_leaving_is_recorded_ahead_and_taken_back() -> None:
    story, who = hired("sam", "lead")
    [left] = story.when("person leave", "dana", person=who, effective=ON).records(PersonLeft)
    assert isinstance(left, PersonLeft)
    assert left.on == ON
    assert story.state(f"person:{who}").of(Person).left_on == ON
    story.when("person leave", "dana", person=who, effective=ON).refuses(
        AlreadyExists, "Mon 2 Aug 2027", "handrail person return"
    )
    story.when("person return", "dana", person=who).records(PersonReturned)
    assert story.state(f"person:{who}").of(Person).left_on is None
    story.when("person return", "dana", person=who).refuses(WrongState, "has not left")


def test_of_staff_only_a_director_says_that_they_leave() -> None:
    story, who = hired("sam", "lead")
    for verb in ("leave", "return"):
        story.when(f"person {verb}", "tess", person=who).refuses(WrongPerson, "p-tess", "Director")
    other, joyce = hired("joyce", at="ACUSD")
    other.when("person leave", "tess", person=joyce).records(PersonLeft)


def test_a_director_does_not_leave_by_themselves() -> None:
    story, who = hired("sam", "director")
    story.when("person leave", "sam", person=who).refuses(WrongPerson, "Ask another Director")
    story.when("person leave", "dana", person=who).records(PersonLeft)


def test_a_leaving_has_a_possible_day_and_somebody_who_leaves() -> None:
    story, who = hired("sam", "lead")
    story.when("person leave", "dana", person=who, effective=date(2072, 8, 2)).refuses(
        ImpossibleDate, "Check the year"
    )
    story.when("person leave", "dana", person="p-nobody").refuses(Unknown, "'p-nobody'")
    story.when("person return", "dana", person="p-nobody").refuses(Unknown, "'p-nobody'")


def leading() -> tuple[Story, str]:
    story, who = hired("sam", "lead")
    story.do("engagement open", lea="ACUSD", lead="sam", director="dana")
    story.do("engagement open", engagement=HARBOR, lea=HARBOR, lead="priya", director="dana")
    return story, who


def test_staff_do_not_leave_what_nobody_takes_over() -> None:
    story, who = leading()
    away: dict[str, Any] = {"person": who, "effective": ON}
    story.do("lead handover", "dana", engagement=HARBOR, to="sam", reason="r",
             effective=date(2027, 9, 1))  # fmt: skip
    story.when("person leave", "dana", **away).refuses(
        WrongState, "lead of alder-creek-usd; incoming lead of harbor-charter",
        f"handrail person reassign @{who} --to PERSON",
    )  # fmt: skip
    story.do("lead handover-cancel", "dana", engagement=HARBOR, reason="r")
    handover = {"to": "priya", "reason": "r"}
    story.do("lead handover", "dana", effective=date(2027, 8, 3), **handover)
    story.when("person leave", "dana", **away).refuses(
        WrongState, "lead of alder-creek-usd until Tue 3 Aug 2027"
    )
    story.do("lead handover", "dana", effective=ON, replace=True, **handover)
    story.when("person leave", "dana", **away).records(PersonLeft)


def test_an_engagement_that_is_over_holds_nobody() -> None:
    story, who = leading()
    story.do("engagement withdraw", "dana", reason="over")
    story.when("person leave", "dana", person=who).records(PersonLeft)


def test_whoever_left_is_given_no_staff_role_and_acts_for_no_lea() -> None:
    story = gone(Story(date(2027, 3, 2)).effective(), "priya", date(2027, 3, 1))
    story.when("engagement assign", "dana", role="lead", person="priya").refuses(
        WrongPerson, "p-priya", "Mon 1 Mar 2027"
    )
    gone(story.proposed(date(2027, 4, 16)), "joy", date(2027, 3, 9)).on(date(2027, 3, 9))
    sign: dict[str, Any] = {"deliverable": "D1", "person": "joy", "evidence": "mail"}
    story.when("deliverable sign", **sign).refuses(WrongPerson, "p-joy", "Tue 9 Mar 2027")
    story.do("deliverable sign", effective=date(2027, 3, 8), **sign)


def test_from_the_day_on_the_stand_in_is_told() -> None:
    story = Story(date(2027, 3, 2)).effective().proposed(date(2027, 4, 16)).signed()
    gone(story, "joy", date(2027, 4, 13)).on(date(2027, 4, 20))
    to = {s: m.person for m in story.mails for i, _, s in m.items if i == "D1"}
    assert to == {"t-14": "p-joy", "t-3": "p-elena", "due": "p-elena", "+1": "p-elena"}


def test_what_still_waited_for_them_is_dropped() -> None:
    story = Story(date(2027, 3, 2)).effective().proposed(date(2027, 4, 16)).signed()
    story.on(date(2027, 4, 22)).away_until(date(2027, 4, 23), time(8, 30))
    body = {"mail": "00000000-0000-0000-0000-000000000001", "message_id": "<1@x>"}
    story.do("notices claim", "system", person="p-joy", on=story.today, **body)
    [notice] = [n for n in story.ledger("D1") if n.planned.step == "+5"]
    assert notice.waiting == ("p-marcus",)
    gone(story, "marcus", date(2027, 4, 24)).away_until(date(2027, 4, 26), time(8, 30))
    story.on(date(2027, 4, 26))
    [notice] = [n for n in story.ledger("D1") if n.planned.step == "+5"]
    assert (notice.deliveries["p-marcus"].outcome, notice.deliveries["p-marcus"].detail) == (
        "dropped",
        "left",
    )
    dropped = [r.event for r in story.history() if isinstance(r.event, RecipientsDropped)]
    assert [e.reason for e in dropped] == ["left"]
    assert not [m for m in story.mails if m.person == "p-marcus" and m.on >= date(2027, 4, 24)]


def test_a_capacity_is_kept_and_changed() -> None:
    story = Story()
    [event] = story.when(
        "person register", "dana", handle="sam", name="Sam", role=("lead",), capacity=3,
        email="sam@x.example",
    ).records(PersonRegistered)  # fmt: skip
    assert isinstance(event, PersonRegistered)
    who = _entered(story, "sam")
    story.when("person change", person=who, capacity=0).records(PersonChanged)
    assert story.state(f"person:{who}").of(Person).capacity == 0
    story.do("person change", person=who, name="Samuel")
    assert story.state(f"person:{who}").of(Person).capacity == 0


def test_a_capacity_is_for_the_agencys_own_and_a_number() -> None:
    Story().when("person register", handle="al", name="Al", at="ACUSD", capacity=3).refuses(
        WrongPerson, "alder-creek-usd", "Leave out --capacity"
    )
    story, who = hired("al", at="ACUSD")
    story.when("person change", person=who, capacity=3).refuses(WrongPerson, "--capacity")
    for wrong in (-1, 100):
        with pytest.raises(ValidationError):
            made("person change", person="sam", capacity=wrong)
