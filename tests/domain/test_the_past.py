"""The past can be loaded: entered years later, with its own days, it reads as if lived then."""

from collections.abc import Mapping
from datetime import date, time
from typing import Any

from domain.kernel.messages import Spent
from domain.owing.obligations import obligations
from domain.policy.calendar import local_date
from domain.reminders.notices import NOTICE_EVENTS, Notices
from domain.surveys.surveys import Surveys
from tests.domain.story import GROUPS, PURPOSES, YES, ZONE, Story

LEA = {"person": "joy", "evidence": "the file of those years"}
BY = {"title": "Theory of action", "due": date(2023, 4, 14), "hours": 10}
AREA = {"area": "culture", "method": "walk", "group": "schools"}

YEARS: list[tuple[date, str, str, Mapping[str, Any]]] = [
    (date(2022, 8, 2), "engagement open", "tess",
     {"lea": "ACUSD", "lead": "marcus", "director": "dana", "contact": "joy",
      "superintendent": "elena"}),
    *((date(2022, 8, 9), "conversation log", "marcus", {"group": g}) for g in GROUPS),
    (date(2022, 8, 16), "fit decide", "marcus", {"proceed": True, "criterion": YES}),
    (date(2022, 8, 17), "agreement draft", "tess", {"until": date(2027, 6, 30)}),
    (date(2022, 9, 12), "agreement act", "tess",
     {"board": "lea", "action": "approved", "meeting": date(2022, 9, 12), "vote": "5-0"}),
    (date(2022, 9, 20), "agreement act", "tess",
     {"board": "ccee", "action": "approved", "meeting": date(2022, 9, 20)}),
    (date(2022, 9, 26), "sir open", "marcus", {"framework": "sir-12@2019"}),
    (date(2022, 9, 27), "evidence log", "tess", AREA),
    (date(2022, 10, 3), "deliverable propose", "marcus", BY),
    (date(2022, 10, 4), "deliverable sign", "marcus", {"deliverable": "D1"}),
    (date(2022, 10, 6), "deliverable sign", "tess", {"deliverable": "D1", **LEA}),
    (date(2023, 1, 9), "deliverable redate", "tess",
     {"deliverable": "D1", "due": date(2023, 5, 12), "reason": "the storm"}),
    (date(2023, 1, 10), "deliverable sign", "marcus", {"deliverable": "D1"}),
    (date(2023, 1, 11), "deliverable sign", "tess", {"deliverable": "D1", **LEA}),
    (date(2023, 2, 1), "engagement hold", "marcus",
     {"reason": "wildfire", "until": date(2023, 3, 1)}),
    (date(2023, 5, 9), "deliverable submit", "tess", {"deliverable": "D1", **LEA}),
    (date(2023, 5, 15), "deliverable accept", "marcus", {"deliverable": "D1"}),
    (date(2023, 5, 16), "survey ask", "marcus", {"due": date(2023, 6, 2), "hours": "2"}),
    (date(2023, 6, 1), "survey record", "tess",
     {"year": 1, "taken": date(2023, 6, 1), "result": ("coaching=3.4/28",)}),
    (date(2023, 8, 1), "checkin open", "marcus", {"on": date(2023, 9, 19)}),
    (date(2023, 9, 19), "checkin hold", "marcus", {}),
    (date(2023, 9, 20), "checkin close", "marcus", {"purpose": PURPOSES}),
    (date(2026, 6, 1), "deliverable propose", "marcus",
     {"title": "Data teams", "due": date(2026, 10, 9), "hours": 10}),
    (date(2026, 6, 2), "deliverable sign", "marcus", {"deliverable": "D2"}),
    (date(2026, 6, 3), "deliverable sign", "tess", {"deliverable": "D2", **LEA}),
]  # fmt: skip
"""Some years of one engagement, nothing of which was known to Handrail when it was."""

LOADED = date(2026, 8, 4)


def lived() -> Story:
    """Each fact on its own day; nobody's mail goes, as no Handrail was there to send it."""
    story = Story(YEARS[0][0])
    for day, what, actor, body in YEARS:
        story.away_until(day, time(0)).do(what, actor, **body)
    return story.away_until(LOADED).do("conversation log", group="students")


def loaded() -> Story:
    """All of it on one morning years later."""
    story = Story(LOADED)
    for day, what, actor, body in YEARS:
        story.do(what, actor, effective=day, **body)
    return story.do("conversation log", group="students")


def told(story: Story) -> list[tuple[str, date]]:
    facts = [r for r in story.history() if not isinstance(r.event, NOTICE_EVENTS)]
    return [(r.event.sentence(), local_date(r.stamp.effective_at, ZONE)) for r in facts]


def owed(story: Story) -> list[tuple[str, int, date | None, object]]:
    context = story.context("dana", None)
    return [(o.item, o.round, o.due, o.held) for o in obligations(story.state(), context)
            if o.settled is None]  # fmt: skip


def test_years_entered_on_one_morning_read_as_if_they_had_been_lived_here() -> None:
    assert sorted(told(loaded()), key=lambda t: t[1]) == sorted(told(lived()), key=lambda t: t[1])
    # A survey is known by its place in the record, which has mails between them where they went.
    apart = (Notices, Spent, Surveys)
    state, then = loaded().state(), lived().state()
    for kind in {*state.slices, *then.slices}.difference(apart):
        assert state.of(kind) == then.of(kind)
    assert owed(loaded()) == owed(lived())


def test_of_what_has_passed_nobody_is_reminded() -> None:
    story = loaded()
    ledger = story.ledger()
    assert [n for n in ledger if n.status not in ("planned", "suppressed")] == []
    planned = [(n.planned.item, local_date(n.planned.planned_for, ZONE))
               for n in ledger if n.status == "planned"]  # fmt: skip
    assert {item for item, _ in planned} >= {"D2"}, "what is still to come is planned"
    assert min(day for _, day in planned) >= LOADED
    story.on(date(2026, 8, 5))
    mailed = [item for mail in story.mails for item, _, _ in mail.items]
    assert "D1" not in mailed
