"""What `handrail reminders plan`, `handrail rehearse` and `handrail ledger` say."""

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from domain.engagement.burden import by_month
from domain.outlook.rehearsal import as_signed
from domain.policy.calendar import add_months
from domain.rules.context import SYSTEM
from queries.ledger import fate, readers
from queries.reminders import OwnPolicy, Snoozed, etiquette_as_lines, plan, rehearsal
from tests.domain.outlook.test_rehearsal import proposed
from tests.domain.reminders.test_reminders import spring
from tests.domain.story import PLAYBOOK, ZONE, Story


def test_the_hours_are_those_of_the_months_as_signed() -> None:
    story = proposed()
    context = story.context(SYSTEM, None)
    found = rehearsal(story.state(), context, {}, 24)
    signed = as_signed(story.state(), context)
    assert {m.month: m.agreed for m in found.hours} == {
        f"{m.first:%Y-%m}": str(m.agreed) for m in by_month(signed, PLAYBOOK.burden)
    }
    assert found.until == add_months(story.today, 24)
    assert found.as_signed == ("D1", "D2", "D3")
    assert any("D1, D2, D3" in text for text in found.assumes)


def test_before_the_agreement_and_after_the_end_nothing_goes_and_it_says_why() -> None:
    story = Story().opened()
    found = rehearsal(story.state(), story.context(SYSTEM, None), {}, 24)
    assert found.mails == ()
    assert "not effective yet" in found.assumes[0]
    story.do("engagement withdraw", "dana", reason="vacancy")
    found = rehearsal(story.state(), story.context(SYSTEM, None), {}, 24)
    assert (found.mails, "withdrawn" in found.assumes[0]) == ((), True)


def test_the_plan_shows_every_step_its_readers_and_the_mails_that_makes() -> None:
    story = spring().reading("weekly", "joy").signed().on(date(2027, 4, 6))
    story.do("reminders snooze", item="D1", until=date(2027, 4, 20), reason="on leave")
    story.do("reminders policy", "marcus", item="D1", policy="gentle", reason="fewer")
    found = plan(story.state(), story.context(SYSTEM, None), {})
    of_d1 = [r for r in found.planned if r.item == "D1"]
    assert [(r.step, r.policy, [who.handle for who in r.to]) for r in of_d1] == [
        ("snoozed", "gentle", ["p-joy"]),
        ("+5", "gentle", ["p-joy", "p-marcus"]),
    ]
    about_d1 = [m for m in found.mails if m.items[0].item == "D1"]
    assert [(m.person.handle, m.local) for m in about_d1] == [
        ("p-joy", "Tue 2027-04-20 08:00"),
        ("p-marcus", "Fri 2027-04-23 08:00"),
        ("p-joy", "Mon 2027-04-26 08:00"),
    ]
    assert found.snoozed == (Snoozed("D1", date(2027, 4, 20), "on leave"),)
    assert found.own_policies == (OwnPolicy("D1", "gentle", "fewer"),)


def test_the_plan_says_of_what_nobody_is_reminded() -> None:
    story = spring().signed().do("engagement hold", "marcus", reason="wildfire", item=("D1",))
    found = plan(story.state(), story.context(SYSTEM, None), {})
    assert {q.item: q.why for q in found.not_reminded}["D1"] == "held: wildfire"


def test_the_engagement_shows_snoozes_and_own_policies() -> None:
    story = spring().signed().on(date(2027, 4, 6))
    story.do("reminders snooze", item="D1", until=date(2027, 4, 20), reason="on leave")
    story.do("reminders policy", "marcus", of_kind="coaching", policy="window", reason="fewer")
    assert etiquette_as_lines(story.state(), story.today) == [
        "D1 is snoozed until Tue 20 Apr 2027: on leave",
        "Reminders of coaching by window: fewer",
    ]
    assert len(etiquette_as_lines(story.state(), date(2027, 4, 20))) == 1


AT = datetime(2027, 4, 5, 15, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "delivery", "told"),
    [
        ("sent", {"outcome": "sent", "detail": "250 OK"}, "sent Mon 2027-04-05 08:01"),
        (
            "sent",
            {"outcome": "bounced", "detail": "550 no such user"},
            "bounced Mon 2027-04-05 08:01: 550 no such user",
        ),
        (
            "sent",
            {"outcome": "dropped", "detail": "submitted"},
            "not sent: submitted (Mon 2027-04-05 08:01)",
        ),
        ("claimed", {"outcome": "pending", "at": None, "mail": "m"}, "in a mail on its way"),
        ("sent", {"outcome": "pending", "at": None}, "waits for their next mail"),
        ("suppressed", None, "not sent: re-dated (Mon 2027-04-05 08:01)"),
        ("planned", None, "planned"),
    ],
)
def test_a_line_says_whether_somebody_got_it_when_and_if_not_why(
    status: str, delivery: dict[str, Any] | None, told: str
) -> None:
    one = {"to": "p-joy", "at": AT.isoformat(), "mail": None, "detail": "", **(delivery or {})}
    row = {
        "status": status,
        "reason": "re-dated",
        "at": AT,
        "deliveries": [one] if delivery else [],
        "now_to": ["p-joy"],
        "planned_for": AT,
    }
    assert readers(row) == ["p-joy"]
    assert fate(row, "p-joy", ZoneInfo(ZONE), AT) == told
