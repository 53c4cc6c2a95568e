"""Etiquette while much changes: dates that move, new policies, people who leave, holds."""

from dataclasses import replace
from datetime import date, time, timedelta

import pytest

from domain.owing.obligations import obligations
from domain.policy.calendar import at_local
from domain.policy.playbook import Playbook
from domain.reminders.notices import Notice
from domain.rules.context import SYSTEM, MailRhythm
from tests.domain.reminders.test_reminders import spring
from tests.domain.story import PLAYBOOK, ZONE, Story

DUES = (date(2027, 4, 16), date(2027, 4, 30), date(2027, 5, 14))


def round_of(story: Story, number: int) -> list[Notice]:
    return [n for n in story.ledger("D1") if n.planned.round == number]


def moved_twice(story: Story) -> Story:
    """The due date moves on 12 April, and again on 20 April."""
    for on, due in ((date(2027, 4, 12), DUES[1]), (date(2027, 4, 20), DUES[2])):
        story.on(on).do("deliverable redate", "marcus", deliverable="D1", due=due, reason="r")
        story.signed()
    return story.on(date(2027, 5, 31))


@pytest.mark.parametrize("digest", ["daily", "weekly"])
def test_of_a_date_that_moves_twice_each_round_is_told_once_and_the_last_in_full(
    digest: MailRhythm,
) -> None:
    story = spring(DUES[0]).signed()
    joy = replace(story.people["joy"], digest=digest)
    story.people[joy.id] = story.people[joy.handle] = joy
    moved_twice(story)
    for number in (1, 2, 3):
        steps = [n.planned.step for n in round_of(story, number) if n.status == "sent"]
        assert len(steps) == len(set(steps))
    gone = {n.reason for r in (1, 2) for n in round_of(story, r) if n.status == "suppressed"}
    assert gone == {"re-dated"}
    assert all(n.planned.due == DUES[2] for n in round_of(story, 3))
    told = [n.planned.step for n in round_of(story, 3) if n.status == "sent"]
    assert told == ["t-14", "t-3", "due", "+1", "+5", "+10"]
    mails = [m.on for m in story.mails if m.person == joy.id]
    assert len(mails) == len(set(mails)), "one mail a day"
    if digest == "weekly":
        weeks = [on.isocalendar()[:2] for on in mails]
        assert len(weeks) == len(set(weeks)), "one mail a week"


def more_eager() -> Playbook:
    """A version with a step long before the due date, and one to the Director the day after."""
    content = PLAYBOOK.model_dump(mode="json")
    standard = next(p for p in content["policies"] if p["id"] == "standard")
    standard["steps"].insert(0, {"id": "t-60", "days": -60, "to": ["owner"]})
    next(s for s in standard["steps"] if s["id"] == "+1")["to"] = ["owner", "director"]
    return Playbook.model_validate({**content, "version": 4})


def test_a_new_step_over_overdue_items_says_nothing_of_moments_that_have_passed() -> None:
    stories = []
    for n in range(5):
        story = spring(date(2027, 4, 5) + timedelta(days=n)).signed()
        story.versions["dta-sir@4"] = more_eager()
        story.on(date(2027, 4, 20), time(12))
        assert story.ledger("D1")[-1].planned.due < story.today
        stories.append((story, len(story.mails)))
    for story, mails in stories:
        before = {n.planned.n for n in story.ledger("D1")}
        story.do("playbook upgrade", "dana", to="dta-sir@4", reason="r")
        new = [n for n in story.ledger("D1") if n.planned.n not in before]
        assert all(n.planned.planned_for > story.now for n in new)
        assert {n.planned.step for n in new}.isdisjoint({"t-60", "+1"})
        assert len(story.until(story.now + timedelta(hours=1)).mails) == mails


@pytest.mark.parametrize("gone", ["left", "erased"])
def test_whoever_leaves_the_evening_before_stops_nobody_elses_mail(gone: str) -> None:
    stories = [spring().signed() for _ in range(10)]
    for n, story in enumerate(stories):
        story.on(date(2027, 4, 4), time(19))
        if n == 0:
            joy = story.people["joy"]
            joy = (
                replace(joy, left_on=date(2027, 4, 5))
                if gone == "left"
                else replace(joy, email=None)
            )
            story.people[joy.id] = story.people[joy.handle] = joy
        story.on(date(2027, 4, 5))
    morning = at_local(date(2027, 4, 5), time(8), ZONE)
    told = [[m.person for m in s.mails if m.at >= morning] for s in stories]
    assert told == [["p-elena"], *[["p-joy"]] * 9]


def test_held_and_resumed_twice_each_period_keeps_its_own_reason() -> None:
    story = spring().signed()
    for hold, first, last, why in (
        ("H1", date(2027, 3, 10), date(2027, 3, 17), "fire"),
        ("H2", date(2027, 4, 6), date(2027, 4, 12), "flood"),
    ):
        story.on(first).do("engagement hold", "marcus", item=("D1",), reason=why)
        assert story.planned_days("D1") == []
        [held] = [r.event for r in story.history() if r.event.type == "hold-placed"][-1:]
        assert why in held.sentence()
        [owed] = [
            o for o in obligations(story.state(), story.context(SYSTEM, None)) if o.item == "D1"
        ]
        assert owed.held == f"held: {hold}"
        story.on(last).do("engagement resume", "marcus", item=("D1",))
    assert story.planned_days("D1")[0] == date(2027, 4, 13)
    reasons = [n.reason for n in story.ledger("D1") if n.status == "suppressed"]
    assert set(reasons) == {"held: H1", "held: H2"}
