"""docs/rules/reminders.md, row by row, and what moves a plan."""

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from domain.policy.calendar import Closure, WorkingDays, at_local, local_date
from domain.policy.playbook import Playbook
from domain.policy.reminder_policies import NoticeStep, ReminderPolicy
from domain.reminders.notices import (
    ClaimNotices,
    Notice,
    Notices,
    NoticesClaimed,
    NoticesDelivered,
    NoticesPlanned,
    NoticesSuppressed,
    RecipientsDropped,
)
from domain.reminders.planning import recipients, reconcile
from domain.rules.context import SYSTEM
from tests.domain.story import ALDER, CALENDAR, PLAYBOOK, RECESS, ZONE, Story, made
from tests.domain.tables import Row, day, days, table

ALDER_CREEK = WorkingDays(CALENDAR, RECESS, "school")
STANDARD = PLAYBOOK.policy("standard")
STEPS = [step.id for step in STANDARD.steps]


def local(cell: str) -> datetime:
    """A day and an hour as the page writes them."""
    on, _, hour = cell.rpartition(" ")
    return at_local(day(on), time.fromisoformat(hour), ZONE)


def test_the_policy_is_the_one_in_the_table() -> None:
    rows = table("reminders.md", "The policy `standard`")
    assert [(r["Step"], r["When"], r["Who is told"]) for r in rows] == [
        (s.id, f"{s.days} {s.unit} days", ", ".join(s.to)) for s in STANDARD.steps
    ]


@pytest.mark.parametrize(
    "row", table("reminders.md", "When a deliverable is reminded of"), ids=lambda r: r["Due"]
)
def test_a_deliverable_is_reminded_of_on_the_days_in_the_table(row: Row) -> None:
    moments = STANDARD.moments(day(row["Due"]), ALDER_CREEK, ZONE)
    expected = [(step, day(row[step])) for step in STEPS if row[step] != "left out"]
    assert [(step.id, local_date(at, ZONE)) for step, at in moments] == expected
    assert {at.astimezone(ZoneInfo(ZONE)).time() for _, at in moments} == {time(8)}


@pytest.mark.parametrize("row", table("reminders.md", "Quiet hours"), ids=lambda r: r["Ready at"])
def test_what_is_ready_goes_at_the_first_opening(row: Row) -> None:
    assert STANDARD.opening(local(row["Ready at"]), ALDER_CREEK, ZONE) == local(row["Goes at"])


def spring(due: date = date(2027, 4, 16)) -> Story:
    """An effective agreement, and one deliverable that nobody has signed yet.

    Nobody is coached, so that no mail but the deliverable's is in the way.
    """
    story = Story(date(2027, 3, 2)).effective()
    story.do("prong opt-out", prong="coaching", reason="A coach of their own.")
    return story.proposed(due)


def test_nobody_is_reminded_before_both_sides_have_signed() -> None:
    story = spring().on(date(2027, 3, 9))
    assert story.planned_days("D1") == []
    story.do("deliverable sign", "marcus", deliverable="D1")
    assert story.planned_days("D1") == []
    story.by_the_lea("deliverable sign", "elena", deliverable="D1")
    assert story.planned_days("D1") == days(
        "Mon 5 Apr 2027, Tue 13 Apr 2027, Fri 16 Apr 2027, Mon 19 Apr 2027, Fri 23 Apr 2027, "
        "Fri 30 Apr 2027"
    )


def test_a_proposed_date_leaves_the_agreed_reminders_standing() -> None:
    story = spring().signed().on(date(2027, 4, 12))
    before = story.planned_days("D1")
    story.do("deliverable redate", "marcus", deliverable="D1", due=date(2027, 4, 30), reason="r")
    assert story.planned_days("D1") == before
    story.do("deliverable sign", "marcus", deliverable="D1")
    assert story.planned_days("D1") == before
    story.by_the_lea("deliverable sign", deliverable="D1")
    assert story.planned_days("D1", 1) == []
    assert story.planned_days("D1", 2) == days(
        "Fri 16 Apr 2027, Tue 27 Apr 2027, Fri 30 Apr 2027, Mon 3 May 2027, Fri 7 May 2027, "
        "Fri 14 May 2027"
    )


@pytest.fixture(scope="module")
def year() -> Story:
    """D1, D2 and D3 as docs/rules/reminders.md tells them."""
    story = spring().proposed(date(2027, 5, 14), "Measures").proposed(date(2027, 5, 28), "Plan")
    story.on(date(2027, 3, 9))
    for deliverable in ("D1", "D2", "D3"):
        story.signed(deliverable)
    story.on(date(2027, 4, 12))
    story.do("deliverable redate", "marcus", deliverable="D1", due=date(2027, 4, 30), reason="ill")
    story.signed("D1")
    for deliverable, on in (
        ("D1", date(2027, 4, 29)),
        ("D2", date(2027, 5, 25)),
        ("D3", date(2027, 5, 27)),
    ):
        story.on(on).by_the_lea("deliverable submit", deliverable=deliverable)
    return story.on(date(2027, 6, 4))


@pytest.mark.parametrize(
    ("number", "row"),
    list(enumerate(table("reminders.md", "A year in the life of D1"))),
    ids=lambda x: f"{x['Round']} {x['Step']}" if isinstance(x, dict) else None,
)
def test_d1_has_the_ledger_in_the_table(year: Story, number: int, row: Row) -> None:
    entries = sorted(year.ledger("D1"), key=lambda n: (n.planned.round, n.planned.planned_for))
    assert len(entries) == 12
    entry = entries[number]
    assert str(entry.planned.round) == row["Round"]
    assert entry.planned.step == row["Step"]
    assert local_date(entry.planned.planned_for, ZONE) == day(row["Planned for"])
    assert entry.status == row["Fate"]
    assert (entry.reason or "") == row["Reason"]


@pytest.mark.parametrize(
    "row", table("reminders.md", "D1, D2 and D3 together"), ids=lambda r: r["Item"]
)
def test_a_deliverable_is_told_and_suppressed_as_often_as_the_table_says(
    year: Story, row: Row
) -> None:
    entries = year.ledger(row["Item"])
    sent = [n for n in entries if n.status == "sent"]
    suppressed = [n for n in entries if n.status == "suppressed"]
    assert sorted(local_date(n.planned.planned_for, ZONE) for n in sent) == days(row["Sent"])
    assert len(suppressed) == int(row["Suppressed"])
    assert ", ".join(dict.fromkeys(str(n.reason) for n in suppressed)) == row["Reason"]
    assert len(sent) + len(suppressed) == len(entries)


def test_joys_mail_of_14_may_has_two_items(year: Story) -> None:
    [mail] = [m for m in year.mails if m.person == "p-joy" and m.on == date(2027, 5, 14)]
    assert mail.items == (("D2", 1, "due"), ("D3", 1, "t-14"))


def test_the_lead_is_told_when_a_deliverable_is_five_working_days_late(year: Story) -> None:
    late = [m for m in year.mails if ("D2", 1, "+5") in m.items]
    assert [(m.person, m.on) for m in late] == [
        ("p-joy", date(2027, 5, 21)),
        ("p-marcus", date(2027, 5, 21)),
    ]
    [notice] = [n for n in year.ledger("D2") if n.planned.step == "+5"]
    assert {who: d.outcome for who, d in notice.deliveries.items()} == {
        "p-joy": "sent",
        "p-marcus": "sent",
    }


def test_no_notice_is_mailed_twice_to_one_person(year: Story) -> None:
    told = Counter((m.person, item) for m in year.mails for item in m.items)
    assert set(told.values()) == {1}
    assert max(Counter((m.person, m.on) for m in year.mails).values()) == 1


def test_what_is_signed_late_has_only_the_moments_that_lie_ahead() -> None:
    story = spring().on(date(2027, 4, 13), time(8)).signed()
    assert story.planned_days("D1") == days(
        "Fri 16 Apr 2027, Mon 19 Apr 2027, Fri 23 Apr 2027, Fri 30 Apr 2027"
    )


def test_a_submission_suppresses_what_is_planned() -> None:
    story = (
        spring().signed().on(date(2027, 4, 6)).by_the_lea("deliverable submit", deliverable="D1")
    )
    assert {(n.status, n.reason) for n in story.ledger("D1")} == {
        ("sent", None),
        ("suppressed", "submitted"),
    }


def test_a_return_plans_the_next_round() -> None:
    story = (
        spring().signed().on(date(2027, 4, 6)).by_the_lea("deliverable submit", deliverable="D1")
    )
    story.do(
        "deliverable return", "marcus", deliverable="D1", due=date(2027, 5, 14), reason="Measures.",
        person="joy", evidence="call of today",
    )  # fmt: skip
    assert story.planned_days("D1", 2)[0] == date(2027, 4, 30)
    assert {n.reason for n in story.ledger("D1/review")} == {"answered"}


@pytest.mark.parametrize(("verb", "reason"), [("close", "closed"), ("withdraw", "withdrawn")])
def test_the_end_of_an_engagement_suppresses_every_planned_notice(verb: str, reason: str) -> None:
    story = spring().signed().do(f"engagement {verb}", "dana", reason="exit agreed")
    settled = ("coaching/contact", "D1/signature")
    others = [n for n in story.ledger() if n.planned.item not in settled]
    assert {n.reason for n in others} == {reason}
    assert reconcile(story.state(), story.context(SYSTEM, None)) == []
    mails = len(story.mails)
    assert len(story.on(date(2027, 8, 2)).mails) == mails


def test_a_new_recess_moves_what_is_planned_and_says_so() -> None:
    story = spring().signed().on(date(2027, 4, 6))
    story.recess(*RECESS, Closure(name="storm", first=date(2027, 4, 13), last=date(2027, 4, 14)))
    moved = [n for n in story.ledger("D1") if n.planned.step == "t-3"]
    assert [(n.status, n.reason, local_date(n.planned.planned_for, ZONE)) for n in moved] == [
        ("suppressed", "calendar changed", date(2027, 4, 13)),
        ("planned", None, date(2027, 4, 9)),
    ]
    assert [n.status for n in story.ledger("D1") if n.planned.step == "t-14"] == ["sent"]


def test_a_calendar_that_moves_a_due_date_moves_it_in_every_reminder_to_come() -> None:
    story = Story(date(2026, 3, 20)).effective().away_until(date(2027, 3, 2))
    assert story.program is not None
    closed = Closure(name="flood", first=date(2027, 3, 21), last=date(2027, 3, 23))
    pack = CALENDAR.model_copy(update={"version": 2, "closures": (closed,)})
    story.program = replace(story.program, calendar=pack)
    story.do("notices reconcile", SYSTEM)
    t3 = [n for n in story.ledger("CI-1") if n.planned.step == "t-3"]
    # Three working days before: the closed days move the due date, and not this day.
    assert {local_date(n.planned.planned_for, ZONE) for n in t3} == {date(2027, 3, 17)}
    assert [(n.planned.due, n.status, n.reason) for n in t3] == [
        (date(2027, 3, 22), "suppressed", "calendar changed"),
        (date(2027, 3, 24), "planned", None),
    ]


def test_a_calendar_that_changes_back_plans_the_old_moment_again() -> None:
    story = spring().signed()
    before = story.planned_days("D1")
    story.recess(*RECESS, Closure(name="storm", first=date(2027, 4, 13), last=date(2027, 4, 14)))
    story.recess(*RECESS)
    assert sorted(story.planned_days("D1")) == before


def test_a_calendar_change_plans_nothing_in_the_past() -> None:
    story = spring().signed().on(date(2027, 4, 12))
    story.recess(*RECESS, Closure(name="storm", first=date(2027, 4, 13), last=date(2027, 4, 15)))
    assert [n.status for n in story.ledger("D1") if n.planned.step == "t-3"] == ["suppressed"]
    assert min(story.planned_days("D1")) == date(2027, 4, 16)


@pytest.mark.parametrize("row", table("reminders.md", "After an outage"), ids=lambda r: r["Item"])
def test_after_an_outage_only_the_latest_reminder_goes(row: Row) -> None:
    story = spring(day(row["Due"])).signed().on(day(row["Worker away from"]))
    story.away_until(day(row["until"])).on(day(row["until"]), time(10))
    missed = {n.planned.step: (n.status, n.reason) for n in story.ledger(row["Item"])}
    assert missed[row["Sent"]] == ("sent", None)
    for step in row["Suppressed"].split(", "):
        assert missed[step] == ("suppressed", "superseded after an outage")
    assert story.mails[-1].items == ((row["Item"], 1, row["Sent"]),)


def test_what_falls_due_at_night_after_an_outage_waits_for_the_morning() -> None:
    story = spring().signed().away_until(date(2027, 4, 5), time(19)).on(date(2027, 4, 6), time(9))
    assert [(m.person, m.at) for m in story.mails] == [
        ("p-joy", at_local(date(2027, 4, 6), time(8), ZONE))
    ]


def test_what_falls_due_after_the_days_mail_waits_for_the_next_working_day() -> None:
    story = spring().signed().proposed(date(2027, 5, 14), "Measures").signed("D2")
    # The worker is late: Joy's mail of the day goes at half past seven for what was missed.
    story.away_until(date(2027, 4, 30), time(7, 30)).on(date(2027, 5, 4))
    told = [(m.person, m.on, m.items) for m in story.mails]
    assert ("p-joy", date(2027, 4, 30), (("D1", 1, "+5"),)) in told
    # D1's last reminder and D2's first fell due at eight.
    assert ("p-joy", date(2027, 5, 3), (("D1", 1, "+10"), ("D2", 1, "t-14"))) in told
    assert ("p-dana", date(2027, 4, 30), (("D1", 1, "+10"),)) in told


def test_somebody_who_had_a_mail_today_is_not_forgotten_when_a_colleague_is_told() -> None:
    story = spring().signed().away_until(date(2027, 4, 30), time(7, 30)).on(date(2027, 4, 30))
    [last] = [n for n in story.ledger("D1") if n.planned.step == "+10"]
    assert {who: d.outcome for who, d in last.deliveries.items()} == {
        "p-joy": "pending",
        "p-marcus": "pending",
        "p-dana": "sent",
    }
    # A command that has nothing to do with it moves the engagement's one timer.
    story.do("conversation log", group="parents").on(date(2027, 5, 3))
    [last] = [n for n in story.ledger("D1") if n.planned.step == "+10"]
    assert {d.outcome for d in last.deliveries.values()} == {"sent"}
    assert {m.person for m in story.mails if m.on == date(2027, 5, 3)} == {"p-joy", "p-marcus"}


def half_told() -> Story:
    """Only Dana has been told that D1 is ten days late; Joy and Marcus are to hear on Monday."""
    story = spring().signed().proposed(date(2027, 5, 14), "Measures").signed("D2")
    return story.away_until(date(2027, 4, 30), time(7, 30)).on(date(2027, 4, 30))


@pytest.mark.parametrize(
    ("what", "body", "reason"),
    [
        (
            "deliverable submit",
            {"deliverable": "D1", "person": "joy", "evidence": "mail"},
            "submitted",
        ),
        ("engagement close", {"reason": "exit agreed"}, "closed"),
        ("engagement withdraw", {"reason": "vacancy"}, "withdrawn"),
    ],
    ids=["submitted", "closed", "withdrawn"],
)
def test_whoever_was_still_to_be_told_is_dropped_once_nothing_is_owed(
    what: str, body: dict[str, Any], reason: str
) -> None:
    story = half_told().do(what, "dana", **body)
    [dropped] = [e for e in story.news if isinstance(e, RecipientsDropped)]
    assert dropped.reason == reason
    [ref] = dropped.notices
    assert (ref.item, ref.step, ref.recipients) == ("D1", "+10", ("p-joy", "p-marcus"))
    assert "(" + reason + "): D1 +10 to p-joy and p-marcus" in dropped.sentence()
    mails = len(story.mails)
    story.on(date(2027, 5, 4))
    told = [item for m in story.mails[mails:] for item in m.items]
    assert ("D1", 1, "+10") not in told
    [last] = [n for n in story.ledger("D1") if n.planned.step == "+10"]
    assert last.status == "sent"
    assert {who: (d.outcome, d.detail) for who, d in last.deliveries.items()} == {
        "p-joy": ("dropped", reason),
        "p-marcus": ("dropped", reason),
        "p-dana": ("sent", "250 OK"),
    }


def test_whoever_lost_their_address_before_their_mail_is_dropped() -> None:
    story = half_told()
    gone = replace(story.people["joy"], email=None)
    story.people[gone.id] = story.people["joy"] = gone
    story.on(date(2027, 5, 4))
    [last] = [n for n in story.ledger("D1") if n.planned.step == "+10"]
    assert {who: (d.outcome, d.detail) for who, d in last.deliveries.items()} == {
        "p-joy": ("dropped", "no mail address"),
        "p-marcus": ("sent", "250 OK"),
        "p-dana": ("sent", "250 OK"),
    }
    assert "p-joy" not in {m.person for m in story.mails if m.on > date(2027, 4, 30)}


def test_a_dropped_reminder_does_not_come_back_with_the_next_mail() -> None:
    story = half_told().by_the_lea("deliverable submit", deliverable="D1").on(date(2027, 5, 3))
    # Joy's mail of that day is about D2 alone.
    [mail] = [m for m in story.mails if m.person == "p-joy" and m.on == date(2027, 5, 3)]
    assert mail.items == (("D2", 1, "t-14"),)


def test_what_was_dropped_wakes_nobody() -> None:
    story = half_told()
    assert story.state().of(Notices).next_wake == at_local(date(2027, 4, 30), time(8), ZONE)
    story.do("engagement withdraw", "dana", reason="vacancy")
    assert story.state().of(Notices).next_wake is None


def test_nobody_is_dropped_while_it_is_owed() -> None:
    story = half_told().recess(
        *RECESS, Closure(name="storm", first=date(2027, 4, 13), last=date(2027, 4, 14))
    )
    assert not [e for e in story.news if isinstance(e, RecipientsDropped)]
    story.on(date(2027, 5, 3))
    assert ("D1", 1, "+10") in [i for m in story.mails if m.person == "p-joy" for i in m.items]


def claims(story: Story, who: str) -> list[object]:
    body = {"mail": "00000000-0000-4000-8000-000000000001", "message_id": "<1@x.example>"}
    command = made("notices claim", person=who, on=story.today, **body)
    assert isinstance(command, ClaimNotices)
    story.do(command, SYSTEM)
    return [e for e in story.news if isinstance(e, NoticesClaimed)]


def test_a_claimed_notice_is_not_suppressed_and_ends_sent() -> None:
    story = spring().signed().away_until(date(2027, 4, 5), time(8))
    assert len(claims(story, "p-joy")) == 1
    story.by_the_lea("deliverable submit", deliverable="D1")
    [first] = [n for n in story.ledger("D1") if n.planned.step == "t-14"]
    assert first.status == "claimed"
    story.do(
        "notices delivered", SYSTEM, mail="00000000-0000-4000-8000-000000000001",
        message_id="<1@x.example>", person="p-joy", outcome="bounced", detail="550 no such user",
        at=story.now,
    )  # fmt: skip
    [first] = [n for n in story.ledger("D1") if n.planned.step == "t-14"]
    assert (first.status, first.deliveries["p-joy"].outcome) == ("sent", "bounced")
    assert first.deliveries["p-joy"].detail == "550 no such user"


def test_claiming_again_claims_nothing_more() -> None:
    story = spring().signed().away_until(date(2027, 4, 5), time(8))
    assert len(claims(story, "p-joy")) == 1
    assert claims(story, "p-joy") == []
    assert claims(story, "p-marcus") == []


def test_a_delivery_is_recorded_once() -> None:
    story = spring().signed().on(date(2027, 4, 5))
    [sent] = [e for e in story.history() if isinstance(e.event, NoticesDelivered)]
    again = made("notices delivered", **sent.event.model_dump(exclude={"notices", "illustrative"}))
    story.do(again, SYSTEM)
    assert story.news == []


@pytest.mark.parametrize(
    ("without", "told"),
    [
        pytest.param((), ("p-joy",), id="the LEA contact"),
        pytest.param(("joy",), ("p-elena",), id="no contact: the superintendent"),
        pytest.param(("joy", "elena"), ("p-marcus",), id="nobody at the LEA: the Lead"),
    ],
)
def test_whoever_cannot_be_mailed_is_told_through_somebody_else(
    without: tuple[str, ...], told: tuple[str, ...]
) -> None:
    story = spring().signed()
    for handle in without:
        entry = replace(story.people[handle], email=None)
        story.people[entry.id] = story.people[handle] = entry
    first = story.ledger("D1")[0]
    assert tuple(recipients(first, story.state(), story.context(SYSTEM, None))) == told


def test_a_role_that_was_never_filled_is_told_through_somebody_else() -> None:
    story = spring().signed()
    vacant = replace(
        story.engagement,
        roles={r: p for r, p in story.engagement.roles.items() if r != "lea_contact"},
    )
    first = story.ledger("D1")[0]
    state = story.state().put(vacant)
    assert recipients(first, state, story.context(SYSTEM, None)) == {"p-elena": None}


def test_somebody_with_two_roles_is_told_once() -> None:
    story = spring().signed()
    both = replace(story.engagement, roles={**story.engagement.roles, "lead": "p-dana"})
    last = story.ledger("D1")[-1]
    assert last.planned.step == "+10"
    state = story.state().put(both)
    assert recipients(last, state, story.context(SYSTEM, None)) == {"p-joy": None, "p-dana": None}


def test_a_notice_goes_to_whoever_holds_the_role_when_it_is_due() -> None:
    story = spring().signed()
    story.do("engagement assign", role="lea_contact", person="elena").on(date(2027, 4, 5))
    assert [m.person for m in story.mails] == ["p-elena"]


def test_an_answer_is_owed_by_the_lead_on_the_agencys_days() -> None:
    story = Story(date(2027, 3, 8)).effective().proposed(date(2027, 3, 24)).signed()
    story.on(date(2027, 3, 22)).by_the_lea("deliverable submit", deliverable="D1")
    review = [n for n in story.ledger("D1/review") if n.status == "planned"]
    due = {n.planned.due for n in review}
    # Over Farmworkers Day, which the state keeps.
    assert due == {date(2027, 4, 6)}
    # 1 April is spring recess at Alder Creek, and an ordinary Thursday at the agency.
    assert story.planned_days("D1/review")[:2] == [date(2027, 3, 23), date(2027, 4, 1)]
    assert review[0].planned.to == ("lead",)
    assert [m.person for m in story.on(date(2027, 4, 1)).mails][-1] == "p-marcus"


def test_next_wake_is_the_earliest_planned_moment() -> None:
    story = spring().signed()
    notices = {n.planned.n: n for n in story.ledger()}
    assert story.state().of(Notices).next_wake == at_local(date(2027, 4, 5), time(8), ZONE)
    claims(story.away_until(date(2027, 4, 5), time(8)), "p-joy")
    assert story.state().of(Notices).next_wake == at_local(date(2027, 4, 13), time(8), ZONE)
    assert len(notices) == len(story.ledger())


def test_every_kind_of_notice_event_numbers_the_notices_it_names() -> None:
    story = half_told().by_the_lea("deliverable submit", deliverable="D1")
    numbers: list[int] = []
    kinds: set[type] = set()
    named: set[int] = set()
    for recorded in story.history():
        event = recorded.event
        if isinstance(event, NoticesPlanned):
            numbers += [n.n for n in event.notices]
        elif isinstance(
            event, NoticesSuppressed | NoticesClaimed | NoticesDelivered | RecipientsDropped
        ):
            named |= {n.n for n in event.notices}
            kinds.add(type(event))
    assert numbers == list(range(1, len(numbers) + 1))
    assert named <= set(numbers)
    assert len(kinds) == 4


@pytest.mark.parametrize(
    ("at", "accepted"),
    [("06:59", False), ("07:00", True), ("17:59", True), ("18:00", False)],
)
def test_a_policy_outside_office_hours_is_not_accepted(at: str, accepted: bool) -> None:
    content = {**STANDARD.model_dump(), "at": at}
    if accepted:
        assert ReminderPolicy.model_validate(content).at == time.fromisoformat(at)
    else:
        with pytest.raises(ValidationError, match="is not between 07:00 and 18:00"):
            ReminderPolicy.model_validate(content)


def test_a_notice_to_nobody_is_not_accepted() -> None:
    with pytest.raises(ValidationError):
        NoticeStep(id="void", days=0, to=())


def test_a_policy_that_is_used_must_be_defined() -> None:
    content = {**PLAYBOOK.model_dump(), "policies": []}
    with pytest.raises(ValidationError, match="'standard' is used but not defined"):
        Playbook.model_validate(content)


def test_an_unopened_engagement_owes_nothing() -> None:
    story = Story()
    assert reconcile(story.state(), story.context(SYSTEM, None)) == []


def test_the_ledger_of_another_item_is_another_ledger() -> None:
    story = spring().signed()
    entries: list[Notice] = story.ledger("D1")
    assert {n.planned.item for n in entries} == {"D1"}
    assert story.state().id == ALDER
