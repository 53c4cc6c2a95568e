"""What the oracle was really asked: every kind of reminder, and every reason not to send one."""

from datetime import time
from functools import cache

import pytest

from domain.owing import obligations
from domain.rules.context import SYSTEM
from tests.domain.lives import FINAL, FOUND, OPENED, PURPOSES, both_sign, told_of
from tests.domain.plots import (
    BOOK,
    LEA,
    REASONS,
    Both,
    Closes,
    Do,
    In,
    Leaves,
    Move,
    Pass,
    Piece,
    Promised,
    Reads,
    Recess,
    Refuses,
    Returns,
    bare,
    begun,
)


def deliverable(title: str, days: int) -> list[Move]:
    due = In(days, worked=True)
    return [Do("deliverable propose", {"title": title, "due": due, "hours": 1})]


def agreed(item: str, days: int) -> list[Move]:
    return [*deliverable(item, days), *both_sign("deliverable sign", deliverable=item)]


def redated(item: str, days: int) -> Do:
    body = {"deliverable": item, "due": In(days, worked=True), "reason": "r"}
    return Do("deliverable redate", body)


def visit(who: str = "elena") -> Do:
    return Do("contact log", {"how": "visit", "purpose": "talk", "people": (who,)})


def assign(role: str, person: str) -> Do:
    return Do("engagement assign", {"role": role, "person": person}, by="dana")


def acts(board: str, action: str, **more: object) -> Do:
    return Do("agreement act", {"board": board, "action": action, "meeting": In(0), **more})


def submits(board: str, days: int, **more: object) -> Do:
    body = {"board": board, "meeting": In(days), "at": time(18), **more}
    return Do("board submit", body)


SIGNS = {"deliverable": "D1"}
LATE: list[Move] = [*agreed("D1", 15), Pass(15), Pass(22)]
D1 = {"item": "D1", "reason": "away"}
W1 = {"wave": "W1"}
Y1 = {"summit": "Y1-1"}
PLAN = {**Y1, "title": "T", "first": In(20), "last": In(21), "place": "P", "hours": 1}
INVITED: list[Move] = [
    Do("summit plan", {**PLAN, "registration_due": In(17)}),
    Do("summit invite", Y1),
]
CLOSES = {"purpose": dict.fromkeys(PURPOSES, "Said.")}
PROMISES = {
    "commitment": (Promised(9, "joy", "A"), Promised(9, "marcus", "B"), Promised(9, "joy", "C"))
}
CHECKED_IN: list[Move] = [Do("checkin hold"), Do("checkin close", {**CLOSES, **PROMISES})]
HANDS_OVER = {"to": "priya", "reason": "r"}
NEXT_MEETING = {"next_meeting": In(9), "next_at": time(9)}
RECOMMITS = Do("recommitment record", {"person": "mendes", "evidence": "letter"})

PLOTS: dict[str, tuple[str, list[Move]]] = {
    "a signature and an answer are late": ("agreed", [
        *deliverable("D1", 45), Do("deliverable sign", SIGNS), Pass(22), redated("D1", 40),
        Do("deliverable sign", SIGNS), redated("D1", 35),
        *both_sign("deliverable sign", **SIGNS), Do("deliverable submit", {**SIGNS, **LEA}),
        Pass(40),
        Do("deliverable return", {**SIGNS, **LEA, "due": In(30, worked=True), "reason": "more"}),
        Do("deliverable submit", {**SIGNS, **LEA}), Do("deliverable accept", SIGNS),
    ]),
    "deliverables change hands": ("agreed", [
        *agreed("D1", 30), *agreed("D2", 20), *agreed("D3", 25), Pass(3),
        Do("deliverable merge", {"deliverables": ("D1", "D2"), "reason": "r"}),
        *both_sign("deliverable sign", **SIGNS),
        Do("deliverable split", {"deliverable": "D3", "part": (Piece(9, 1, "X"), Piece(9, 1, "Y")),
                                 "reason": "r"}),
        *both_sign("deliverable sign", deliverable="D4"),
        *both_sign("deliverable sign", deliverable="D5"),
        *deliverable("D6", 20), Do("deliverable sign", {"deliverable": "D6"}),
        Do("deliverable decline", {"deliverable": "D6", **LEA, "reason": "r"}),
        Do("measure add", {"title": "M", "sort": "leading", "target": 1, "baseline": 0}), Pass(40),
    ]),
    "a deliverable is late": ("agreed", LATE),
    "evidence and the draft": ("agreed", [
        *OPENED, *FOUND,
        Do("sir wave propose", {"title": "P", "due": In(30, worked=True), "hours": 1}),
        Do("sir wave sign", W1), Pass(22), Do("sir wave sign", {**W1, **LEA}), Pass(30),
        Do("sir wave receive", {**W1, **LEA}),
        Do("sir wave propose", {"title": "Q", "due": In(20, worked=True), "hours": 1}),
        *both_sign("sir wave sign", wave="W2"), Do("sir wave drop", {"wave": "W2", "reason": "r"}),
        Do("sir wave propose", {"title": "R", "due": In(45, worked=True), "hours": 1}),
        *both_sign("sir wave sign", wave="W3"),
        Do("sir draft"), Pass(1), Do("sir draft"), Do("sir correct", {"text": "T", **LEA}), Pass(1),
        Do("sir answer", {"correction": "FC1", "answer": "taken", "note": "n"}),
        Do("sir draft"), Do("sir waive", LEA), Pass(1), Do("sir draft"), Pass(18), FINAL,
    ]),
    "the review is final without a word": ("agreed", [
        *OPENED, *FOUND, Do("sir draft"), Pass(13), Pass(3, running=False), FINAL, Pass(9),
    ]),
    "holds": ("agreed", [
        *agreed("D1", 20), Do("engagement hold", {"reason": "fire", "until": In(25)}), Pass(40),
        redated("D1", 20), *both_sign("deliverable sign", **SIGNS), Pass(30),
    ]),
    "two boards": ("for a term", [
        assign("board_clerk", "mendes"), assign("assistant", "tess"), Pass(20),
        Do("agreement draft", {"type": "renewal", "until": In(170)}),
        submits("lea", 5), Pass(1), submits("lea", 3, meeting_kind="special"),
        Pass(3, running=False), Do("board no-quorum", {"board": "lea", **NEXT_MEETING}),
        submits("lea", 9),
        acts("lea", "continued", **NEXT_MEETING), Pass(6, time(19)),
        submits("ccee", 4, act="brown-act"), Pass(1, time(17)),
        Do("board post", {"board": "ccee", "on": In(0), "at": time(16, 30)}), Pass(3),
        acts("lea", "continued", **NEXT_MEETING), Pass(4), acts("lea", "approved"),
        acts("ccee", "approved"), Pass(40),
        Do("agreement draft", {"type": "renewal", "until": In(190)}), submits("lea", 8),
        acts("lea", "signed"), acts("lea", "ratified"), submits("ccee", 8, act="brown-act"),
        acts("ccee", "denied"), Pass(9),
        Do("agreement draft", {"type": "amendment"}), submits("lea", 8), acts("ccee", "denied"),
    ]),
    "a renewal takes effect": ("for a term", [
        Do("agreement draft", {"type": "renewal"}), acts("lea", "approved"),
        acts("ccee", "approved"),
        Pass(40),
    ]),
    "a summit that nobody answers": ("agreed", [
        *INVITED, Pass(10), Do("summit reschedule", {**Y1, "to": In(15)}), told_of(Y1), Pass(40),
        Do("summit conclude", Y1, by=SYSTEM), told_of(Y1),
    ]),
    "a summit in recess": ("agreed", [
        *INVITED, Recess(30, 5), Do("summit reschedule", {**Y1, "to": In(31)}), told_of(Y1),
        Pass(9),
        Do("summit follow", {**Y1, "waive": "agreed"}),
        Do("summit register", {**Y1, "places": {"teacher": 1}}),
        Do("summit commitment add", {**Y1, "text": "A", "by": In(10, worked=True)}),
        Do("summit commitment add", {**Y1, "text": "B", "by": In(10, worked=True),
        "owner": "lead"}),
        Do("summit commitment add", {**Y1, "text": "C", "by": In(30), "owner": "superintendent"}),
        Do("summit commitment settle", {**Y1, "commitment": "3", "outcome": "kept"}), Pass(40),
    ]),
    "invitations end": ("agreed", [
        *INVITED, Do("summit decline-invitation", {**Y1, "reason": "r"}), Do("summit invite", Y1),
        Do("prong opt-out", {"prong": "summits", "reason": "r"}),
        Do("prong opt-in", {"prong": "summits"}),
        Do("summit cancel", {**Y1, "reason": "r"}), told_of(Y1),
    ]),
    "check-ins": ("a year ago", [
        Do("checkin open", {"on": In(9, worked=True)}), Pass(40), *CHECKED_IN, Pass(20),
        Do("commitment judge", {"checkin": "CI-1", "number": 1, "verdict": "kept"}),
        Do("commitment judge", {"checkin": "CI-1", "number": 2, "verdict": "partly", "note": "n"}),
        Do("commitment redate", {"checkin": "CI-1", "number": 3, "by": In(20), "reason": "r",
        **LEA}),
        Do("commitment judge", {"checkin": "CI-1", "number": 3, "verdict": "dropped", "note": "n"}),
    ]),
    "an end that was not said at once": ("a year ago", [
        *CHECKED_IN, Do("checkin correct", {"checkin": "CI-1", "reason": "r", "outcome": "end",
        "because": "b", "sustain": "s"}),
    ]),
    "terms that come back to what was agreed": ("agreed", [
        *agreed("D1", 30), redated("D1", 40), Do("deliverable sign", SIGNS), redated("D1", 30),
    ]),
    "who promised holds another role": ("a year ago", [
        Do("checkin hold"), Do("checkin close",
        {**CLOSES, "commitment": (Promised(30, "elena", "A"),)}),
        assign("lea_contact", "elena"), Pass(40),
    ]),
    "a check-in held early": ("a year ago", [*CHECKED_IN, Pass(4)]),
    "surveys": ("agreed", [
        Do("survey ask", {"due": In(20, worked=True), "hours": 1}), Pass(30),
        Do("survey ask", {"due": In(20, worked=True), "hours": 1}),
        Do("survey record", {"year": 1, "taken": In(0), "result": ("coaching=3.4/28",)}),
        Do("survey ask", {"due": In(20, worked=True), "hours": 1}),
        Do("survey drop", {"year": 2, "reason": "r"}),
    ]),
    "a statute's date": ("agreed", [Pass(90),
        Do("statute done", {"statute": "lcap-adoption", "year": 2027, **LEA})]),
    "a statute's date passes": ("agreed", [Pass(90), Pass(340, running=False), Pass(40)]),
    "a statute's date is met": ("agreed", [Pass(110)]),
    "a handover": ("agreed", [
        Do("lead handover", HANDS_OVER, on=9, by="dana"), Pass(25), Do("handover meet"), Pass(15),
        visit(),
    ]),
    "handovers that end otherwise": ("agreed", [
        Do("lead handover", HANDS_OVER, on=20, by="dana"), Do("handover skip", {"reason": "r"}),
        Do("lead handover", {**HANDS_OVER, "replace": True}, on=19, by="dana"),
        Do("lead handover", {**HANDS_OVER, "replace": True}, on=21, by="dana"),
        Do("lead handover-cancel", {"reason": "r"}, by="dana"),
        Do("lead handover", HANDS_OVER, on=9, by="dana"), assign("lead", "priya"),
        Do("handover meet"),
        Do("lead handover", {"to": "marcus", "reason": "r"}, on=9, by="dana"), Pass(12),
        assign("lead", "priya"), Do("lead handover", {"to": "marcus", "reason": "r"}, by="dana"),
        visit(),
    ]),
    "nobody is coached": ("agreed", [
        Do("lead handover", HANDS_OVER, by="dana"),
        Do("prong opt-out", {"prong": "coaching", "reason": "r"}),
    ]),
    "a leader leaves": ("agreed", [
        *agreed("D1", 30), Do("leader leave", {"person": "elena", "last_day": In(3)}), Pass(50),
        assign("superintendent", "mendes"), RECOMMITS,
        Do("recommitment reaffirm", {"meeting": In(0), "evidence": "minutes"}), Pass(9),
    ]),
    "leaders come and go": ("agreed", [
        Do("leader leave", {"person": "elena", "last_day": In(9)}),
        Do("leader stay", {"person": "elena", "reason": "r"}),
        Do("leader leave", {"person": "elena", "last_day": In(2)}), Pass(4),
        assign("superintendent", "mendes"),
        Do("leader leave", {"person": "mendes", "last_day": In(2)}), Pass(4),
        assign("superintendent", "joy"),
        Do("recommitment record", {"person": "joy", "evidence": "letter"}),
    ]),
    "mail comes back": ("agreed", [
        *agreed("D1", 15), Pass(10), Returns("joy"), Pass(1),
        Do("address confirm", {"person": "joy", "note": "right"}), Refuses(("joy",)), Pass(5),
        Refuses(()), Do("address settle", {"person": "p-joy", "why": "changed"}, by=SYSTEM),
        Pass(9),
        Returns("marcus"), Pass(1), Returns("joy"), Leaves("joy", 0), Pass(20),
    ]),
    "snoozes": ("agreed", [
        *agreed("D1", 15), Do("reminders snooze", {**D1, "until": In(20)}), Pass(3),
        Do("reminders wake", {"item": "D1"}), Do("reminders snooze", {**D1, "until": In(26)}),
        Pass(40),
    ]),
    "policies of its own": ("agreed", [
        *agreed("D1", 25), Do("reminders policy",
        {"of_kind": "deliverables", "policy": "gentle", "reason": "r"}),
        Pass(45), *agreed("D2", 25), Do("reminders policy",
        {"item": "D2", "policy": "standard", "reason": "r"}), Pass(5),
    ]),
    "a week's mail": ("agreed", [
        *agreed("D1", 20), Reads("joy", "weekly"), Pass(9), Pass(12, running=False), Pass(30),
    ]),
    "the calendar moves": ("agreed", [
        *agreed("D1", 20), Recess(10, 4), Closes(34, 4), Pass(5), Pass(30, running=False), Pass(30),
    ]),
    "another playbook": ("a year ago", [
        *agreed("D1", 20), Do("agreement draft", {"type": "amendment"}), submits("lea", 80),
        Pass(70),
        Do("playbook upgrade", {"to": "dta-sir@4", "reason": "r"}, by="director"), Pass(30),
    ]),
    "it is closed": ("agreed", [*agreed("D1", 20), Do("engagement close", {"reason": "r"},
        by="dana"), Pass(40)]),
    "it is withdrawn": ("agreed", [*agreed("D1", 20), Do("engagement withdraw", {"reason": "r"},
        by="dana"), Pass(40)]),
}  # fmt: skip


WAITS: list[Move] = [
    *agreed("D1", 24), Pass(34), Pass(4, time(7, 30), running=False), Pass(0),
]  # fmt: skip
"""The Lead has had a mail before eight, so the late deliverable at eight waits for the next day."""

WEEKLY: list[Move] = [*agreed("D1", 24), Reads("joy", "weekly"), Pass(36)]
"""The LEA contact was told on Monday what the Lead is to be told on Friday."""

PLOTS |= {
    f"somebody waits, and {why}": ("agreed", [*moves, *then, Pass(10)])
    for moves, why, then in (
        (WAITS, "it is handed in", [Do("deliverable submit", {**SIGNS, **LEA})]),
        (WAITS, "it is held", [Do("engagement hold", {"reason": "fire"})]),
        (WAITS, "it is snoozed", [Do("reminders snooze", {**D1, "until": In(9)})]),
        (WAITS, "somebody else is Lead", [assign("lead", "priya")]),
        (WAITS, "leaves", [Leaves("marcus", 1)]),
        (WAITS, "mail to them comes back", [Returns("marcus")]),
        (WAITS, "no mail goes for a week", [Pass(10, running=False)]),
        (WAITS, "the engagement ends", [Do("engagement withdraw", {"reason": "r"}, by="dana")]),
        (WEEKLY, "recess moves it", [Recess(1, 2)]),
        (WEEKLY, "another policy has no such step", [
            Do("reminders policy", {"item": "D1", "policy": "window", "reason": "r"}),
        ]),
        (WEEKLY, "it is moved", [redated("D1", 20), *both_sign("deliverable sign", **SIGNS)]),
    )
}  # fmt: skip

NOT_TOLD = {
    "calendar changed", "held: …", "left", "mail comes back", "policy changed", "re-dated",
    "role passed on", "snoozed: see reason", "submitted", "superseded after an outage", "withdrawn",
}  # fmt: skip
"""Why somebody who waited for their next mail was not told in it, though others had been."""

OF_MONEY = {"all invested", "calendar or playbook changed", "expired", "let lapse"}
"""Why a reminder of an appropriation is not sent; no engagement has those."""

ELSEWHERE = {
    "no mail address": "nobody in the plots loses their address",
    "not owed any more": "no rule that there is leads to it",
    "returned": "the submission ended the reminders of that date",
}
"""What the page lists for the reader's sake, or for the sake of rules to come, and why."""


@cache
def told(name: str) -> Both:
    beginning, moves = PLOTS[name]
    return begun(beginning).play(*moves)


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_is_told_alike_and_nothing_in_it_is_refused(name: str) -> None:
    assert told(name).refusals == []


def mailed() -> dict[str, set[tuple[str, int]]]:
    """The items and rounds that somebody was told of, by plot."""
    return {
        name: {
            (n.planned.item, n.planned.round)
            for n in told(name).story.ledger()
            if any(d.outcome == "sent" for d in n.deliveries.values())
        }
        for name in PLOTS
    }


def test_whatever_any_subject_has_people_reminded_of_was_mailed() -> None:
    met: set[str] = set()
    for name, keys in mailed().items():
        story = told(name).story
        state, context = story.state(), story.context(SYSTEM, None)
        for subject in obligations._SUBJECTS["engagement"]:
            if keys & {(o.item, o.round) for o in subject(state, context)}:
                met.add(subject.__name__)
    everybody = {subject.__name__ for subject in obligations._SUBJECTS["engagement"]}
    assert everybody - met == {"new_dates_owed"}, "of a new date nobody is reminded"


def test_every_step_of_every_policy_went_to_somebody() -> None:
    sent = {
        (owed.policy, n.planned.step)
        for name in PLOTS
        for story in [told(name).story]
        for owed in obligations.obligations(story.state(), story.context(SYSTEM, None))
        for n in story.ledger()
        if (n.planned.item, n.planned.round) == (owed.item, owed.round) and n.status == "sent"
    }
    of_money = BOOK["appropriations"]["policy"]  # No engagement owes that.
    policies = [p for p in BOOK["policies"] if p["id"] != of_money]
    wanted = {(p["id"], step["id"]) for p in policies for step in p["steps"]}
    assert wanted <= sent
    assert ("standard", "snoozed") in sent


def test_reminders_were_left_out_for_every_reason_that_the_page_lists() -> None:
    met = {
        bare(why)
        for name in PLOTS
        for n in told(name).story.ledger()
        for why in (n.reason, *(d.detail for d in n.deliveries.values() if d.outcome == "dropped"))
        if why
    }
    assert met == set(REASONS) - OF_MONEY - set(ELSEWHERE)


def test_people_who_waited_were_left_out_for_every_reason_that_there_is() -> None:
    met = {
        bare(d.detail)
        for name in PLOTS
        for n in told(name).story.ledger()
        for d in n.deliveries.values()
        if d.outcome == "dropped"
    }
    assert met == NOT_TOLD
