"""Mistakes of an ordinary first year: once put right, all is as if it had been right at once."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import pytest

from domain.kernel.messages import Spent, State
from domain.mending import EntryMended, Mendings, NamesSpent
from domain.owing.obligations import obligations
from domain.reminders.notices import NOTICE_EVENTS, Notices
from domain.rules.registry import as_mended
from tests.domain.story import ENGAGEMENT, PURPOSES, YES, Story

DUE = date(2027, 4, 16)
TODAY = date(2026, 8, 4)
LEA = {"person": "joy", "evidence": "mail"}
REVIEW = {"area": "culture", "method": "walk", "group": "schools"}


def agreed(story: Story) -> Story:
    return story.effective().proposed(DUE).signed()


def partnering(story: Story) -> Story:
    return agreed(story).do("deliverable submit", deliverable="D1", **LEA)


def in_check_in(story: Story) -> Story:
    return agreed(story).on(date(2027, 8, 2))


def in_review(story: Story) -> Story:
    return story.effective().do("sir open", framework="sir-12@2019")


def cycling(story: Story) -> Story:
    return agreed(story).do("cycle open", "marcus", title="Exit tickets", prediction="8 of 10")


@dataclass(frozen=True)
class Slip:
    """What somebody meant to type, and what they typed instead."""

    what: str
    kind: str
    before: Callable[[Story], Story]
    right: dict[str, Any]
    wrong: dict[str, Any] = field(default_factory=dict)
    """Empty where it should never have been typed at all."""
    actor: str = "tess"
    since: date | None = None
    """The right day, where the day was wrong."""


SLIPS = [
    Slip("a board's vote", "agreement act", Story.drafted,
         {"board": "lea", "action": "approved", "meeting": TODAY, "vote": "5-0"}, {"vote": "4-1"}),
    Slip("a board's outcome", "agreement act", Story.drafted,
         {"board": "lea", "action": "denied", "meeting": TODAY}, {"action": "approved"}),
    Slip("the day of a board's act", "agreement act",
         lambda s: s.drafted().on(date(2026, 8, 12)),
         {"board": "lea", "action": "approved", "meeting": date(2026, 8, 11)},
         {"meeting": date(2026, 8, 12)}),
    Slip("which board", "agreement act", Story.drafted,
         {"board": "ccee", "action": "approved", "meeting": TODAY}, {"board": "lea"}),
    Slip("a conversation's group", "conversation log", Story.opened,
         {"group": "students"}, {"group": "parents"}),
    Slip("a conversation's day", "conversation log", lambda s: s.opened().on(date(2026, 8, 10)),
         {"group": "students"}, {"group": "students"}, since=date(2026, 8, 7)),
    Slip("a conversation with another LEA", "conversation log", Story.opened, {"group": "board"}),
    Slip("a fit answer", "fit decide", Story.recruited,
         {"proceed": True, "criterion": {**YES, "agreement": "partly"}}, {"criterion": YES},
         actor="marcus"),
    Slip("a readiness", "readiness judge", Story.opened,
         {"willing": "yes", "able": "partly", "why": "new board"}, {"able": "yes"}, actor="marcus"),
    Slip("an eligibility row", "eligibility row", Story.opened,
         {"year": "2023-24", "group": "Foster youth", "criterion": "red"}, {"year": "2022-23"}),
    Slip("an agreement drafted twice", "agreement draft",
         lambda s: s.effective(), {"type": "data-sharing"}),
    Slip("a visit to another LEA", "contact log", lambda s: agreed(s).on(date(2026, 9, 1)),
         {"how": "visit", "purpose": "coaching", "people": ("joy",)}),
    Slip("a visit's day", "contact log", lambda s: agreed(s).on(date(2026, 9, 1)),
         {"how": "visit", "purpose": "coaching", "people": ("joy",)},
         {"how": "visit"}, since=date(2026, 8, 31)),
    Slip("a visit's people", "contact log", lambda s: agreed(s).on(date(2026, 9, 1)),
         {"how": "visit", "purpose": "coaching", "people": ("joy", "elena")},
         {"people": ("joy",)}),
    Slip("a deliverable on another engagement", "deliverable propose", Story.effective,
         {"title": "Theory of action", "due": DUE, "hours": 10}, actor="marcus"),
    Slip("a deliverable's title", "deliverable propose", Story.effective,
         {"title": "Theory of action", "due": DUE}, {"title": "Theroy of action"}, actor="marcus"),
    Slip("a deliverable's day", "deliverable propose", Story.effective,
         {"title": "Theory of action", "due": DUE}, {"due": date(2027, 5, 17)}, actor="marcus"),
    Slip("a signatory", "deliverable sign", lambda s: s.effective().proposed(DUE),
         {"deliverable": "D1", "person": "elena", "evidence": "mail"}, {"person": "joy"}),
    Slip("a signature that was never given", "deliverable sign",
         lambda s: s.effective().proposed(DUE), {"deliverable": "D1", **LEA}),
    Slip("a signature that completed what nobody agreed", "deliverable sign",
         lambda s: s.effective().proposed(DUE).do("deliverable sign", "marcus", deliverable="D1"),
         {"deliverable": "D1", **LEA}),
    Slip("a submission", "deliverable submit", agreed, {"deliverable": "D1", **LEA}),
    Slip("whose submission", "deliverable submit", agreed,
         {"deliverable": "D1", "person": "elena", "evidence": "mail"}, {"person": "joy"}),
    Slip("an acceptance", "deliverable accept", partnering, {"deliverable": "D1"}, actor="marcus"),
    Slip("a deliverable that was declined", "deliverable decline",
         lambda s: s.effective().proposed(DUE), {"deliverable": "D1", "reason": "r"},
         actor="marcus"),
    Slip("another date asked for", "deliverable redate", agreed,
         {"deliverable": "D1", "due": date(2027, 5, 7), "reason": "r"}, actor="marcus"),
    Slip("a check-in held by typing the verb", "checkin hold", in_check_in, {}, actor="marcus"),
    Slip("a check-in's day", "checkin hold", lambda s: in_check_in(s).on(date(2027, 8, 5)),
         {"on": date(2027, 8, 3)}, {"on": date(2027, 8, 5)}, actor="marcus"),
    Slip("an answer in a check-in", "checkin close",
         lambda s: in_check_in(s).do("checkin hold", "marcus"),
         {"purpose": PURPOSES}, {"purpose": {**PURPOSES, next(iter(PURPOSES)): "Typed wrongly."}},
         actor="marcus"),
    Slip("a cycle's result", "cycle do", cycling,
         {"cycle": "C1", "tried": "in two classes"}, {"tried": "in ten classes"}),
    Slip("a cycle nobody opened", "cycle open", agreed,
         {"title": "Exit tickets", "prediction": "8 of 10"}),
    Slip("a survey's figures", "survey record",
         lambda s: agreed(s).do("survey ask", "marcus", due=DUE, hours="2"),
         {"year": 1, "taken": TODAY, "result": ("coaching=3.4/28",)},
         {"result": ("coaching=4.3/28",)}),
    Slip("an evidence entry", "evidence log", in_review, REVIEW, {"method": "interview"}),
    Slip("evidence of another LEA", "evidence log", in_review, REVIEW),
    Slip("a finding", "sir finding", in_review,
         {"area": "culture", "need": "time together"}, {"need": "more time"}, actor="marcus"),
    Slip("a role's holder", "engagement assign", Story.opened,
         {"role": "lea_contact", "person": "elena"}, {"person": "mendes"}),
    Slip("a role that nobody took", "engagement assign", Story.opened,
         {"role": "board_clerk", "person": "mendes"}),
    Slip("an engagement withdrawn with the wrong id", "engagement withdraw", agreed,
         {"reason": "vacancy"}, actor="dana"),
    Slip("an engagement closed too early", "engagement close", agreed,
         {"reason": "exit agreed"}, actor="dana"),
    Slip("a hold", "engagement hold", agreed, {"reason": "wildfire"}, actor="marcus"),
    Slip("an opening day", "engagement open", lambda s: s.on(date(2026, 8, 10)),
         {"lea": "ACUSD", "lead": "marcus", "director": "dana", "contact": "joy"},
         {"lea": "ACUSD"}, since=date(2026, 8, 6)),
    Slip("who leads from the start", "engagement open", lambda s: s,
         {"lea": "ACUSD", "lead": "priya", "director": "dana"}, {"lead": "marcus"}),
    Slip("an investment's amount", "investment add", agreed,
         {"amount": "900", "purpose": "coaching"}, {"amount": "9000"}, actor="dana"),
    Slip("an investment elsewhere", "investment add", agreed,
         {"amount": "900", "purpose": "coaching"}, actor="dana"),
    Slip("a member of the team", "team add", agreed, {"person": "joy", "as_": "teacher"}),
    Slip("a leader who does not leave", "leader leave", agreed, {"person": "elena"}),
    Slip("a risk", "risk raise", agreed,
         {"risk": "politics", "level": "medium", "reason": "election"}, {"level": "high"},
         actor="marcus"),
    Slip("a focus", "focus set", agreed, {"text": "Reading"}, {"text": "Raeding"}, actor="marcus"),
    Slip("a measure's target", "measure add", lambda s: agreed(s).do("focus set", text="Reading"),
         {"title": "Teams that meet", "sort": "leading", "target": "12", "better": "higher"},
         {"target": "21"}),
]  # fmt: skip


BESIDE = (*NOTICE_EVENTS, EntryMended, NamesSpent)


def as_it_stands(story: Story) -> tuple[dict[type, Any], list[Any], list[Any]]:
    """What is so, what is said of it and what is owed, without what was mailed on the way and how
    it was put right.
    """
    state: State = story.state()
    facts = {k: v for k, v in state.slices.items() if k not in (Notices, Mendings, Spent)}
    said = [
        (r.event, r.stamp.effective_at)
        for r in as_mended(story.history())
        if not isinstance(r.event, BESIDE)
    ]
    owed = obligations(state, story.context("dana", None)) if facts else []
    return facts, said, [(o.item, o.round, o.due, o.settled, o.held) for o in owed]


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.what)
def test_a_mistake_that_is_put_right_leaves_all_as_if_it_had_been_right(slip: Slip) -> None:
    made = slip.before(Story())
    given = {**slip.right, **slip.wrong}
    made.do(slip.kind, slip.actor, **given)
    [*_, entry] = [e for e in made.entries[ENGAGEMENT] if e.command]
    wrong = as_it_stands(made)

    if slip.wrong or slip.since:
        values = {name: slip.right[name] for name in slip.wrong}
        made.do(
            "entry correct", "dana", entry=entry.number, values=values, on=slip.since,
            reason="a slip",
        )  # fmt: skip
    else:
        made.do("entry retract", "dana", entry=entry.number, reason="a slip")

    right = slip.before(Story())
    if slip.wrong or slip.since:
        right.do(slip.kind, slip.actor, effective=slip.since, **slip.right)
    assert as_it_stands(made) == as_it_stands(right)
    assert as_it_stands(made) != wrong
    planned = {(n.planned.item, n.planned.step, n.planned.planned_for)
               for n in made.ledger() if n.status == "planned"}  # fmt: skip
    wanted = {(n.planned.item, n.planned.step, n.planned.planned_for)
              for n in right.ledger() if n.status == "planned"}  # fmt: skip
    assert planned == wanted
