"""Weekly readers, snoozes and an engagement's own policies, as docs/rules/reminders.md has them."""

from collections import Counter
from datetime import date, time
from typing import Any

import pytest
from pydantic import ValidationError

from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    TooMany,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.owing.obligations import obligations
from domain.policy.calendar import Closure, WorkingDays, at_local, local_date
from domain.program.people import ChangePerson, PersonChanged
from domain.reminders.etiquette import (
    ReminderPolicyChosen,
    RemindersSnoozed,
    RemindersWoken,
    kind_of,
    snoozed_until,
)
from domain.reminders.notices import NoticesClaimed, RecipientsDropped
from domain.reminders.weekly import mail_day, mail_day_by, next_mail_day
from domain.rules.context import SYSTEM
from tests.domain.reminders.test_reminders import spring
from tests.domain.story import ALDER, CALENDAR, PLAYBOOK, RECESS, ZONE, Story
from tests.domain.tables import Row, day, table

ALDER_CREEK = WorkingDays(CALENDAR, RECESS, "school")
SIXTH = date(2027, 4, 6)


def mails_to(story: Story, who: str) -> list[tuple[date, tuple[tuple[str, int, str], ...]]]:
    return [(m.on, m.items) for m in story.mails if m.person == f"p-{who}"]


# One mail a week -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def weekly_year() -> Story:
    story = spring().reading("weekly", "joy")
    story.proposed(date(2027, 5, 14), "Measures").proposed(date(2027, 5, 28), "Plan")
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


def test_a_weekly_contact_gets_the_mails_of_the_table(weekly_year: Story) -> None:
    expected = {
        day(row["Joy's mail"]): row["Speaks of"].split(", ")
        for row in table("reminders.md", "One mail a week")
    }
    assert {
        on: sorted(" ".join(map(str, i)) for i in items)
        for on, items in mails_to(weekly_year, "joy")
    } == {on: sorted(items) for on, items in expected.items()}
    assert len(mails_to(weekly_year, "joy")) == len(expected) == 7
    assert {m.at for m in weekly_year.mails if m.person == "p-joy"} == {
        at_local(on, time(8), ZONE) for on in expected
    }


def test_a_daily_reader_of_the_same_reminder_is_told_at_its_moment(weekly_year: Story) -> None:
    [notice] = [n for n in weekly_year.ledger("D2") if n.planned.step == "+5"]
    assert local_date(notice.planned.planned_for, ZONE) == date(2027, 5, 21)
    told = {m.person: m.on for m in weekly_year.mails if ("D2", 1, "+5") in m.items}
    assert told == {"p-joy": date(2027, 5, 17), "p-marcus": date(2027, 5, 21)}
    assert {d.outcome for d in notice.deliveries.values()} == {"sent"}


def test_what_is_settled_after_the_weekly_reader_was_told_is_dropped_for_the_daily_ones(
    weekly_year: Story,
) -> None:
    [notice] = [n for n in weekly_year.ledger("D2") if n.planned.step == "+10"]
    assert {who: (d.outcome, d.detail) for who, d in notice.deliveries.items()} == {
        "p-joy": ("sent", "250 OK"),
        "p-marcus": ("dropped", "submitted"),
        "p-dana": ("dropped", "submitted"),
    }


@pytest.mark.parametrize(
    "row",
    table("reminders.md", "The first working day of the week"),
    ids=lambda r: r["Around"],
)
def test_the_weeks_mail_goes_on_the_first_working_day(row: Row) -> None:
    goes = mail_day(day(row["Around"]), ALDER_CREEK)
    assert goes == (
        None if row["Joy's mail goes on"] == "no mail" else day(row["Joy's mail goes on"])
    )


def test_what_is_planned_for_a_recess_stands_in_the_mail_before_it() -> None:
    assert mail_day_by(date(2027, 4, 2), ALDER_CREEK) == date(2027, 3, 22)
    assert next_mail_day(date(2027, 3, 22), ALDER_CREEK) == date(2027, 4, 5)
    assert next_mail_day(date(2027, 4, 4), ALDER_CREEK) == date(2027, 4, 5)


def test_a_week_that_began_with_nothing_to_say_has_its_first_reminder_at_its_moment() -> None:
    late = spring(date(2027, 4, 9)).reading("weekly", "joy").on(date(2027, 4, 6)).signed()
    late.on(date(2027, 4, 13))
    # Signed on a Tuesday for that Friday: there was no mail on Monday, so Friday has the week's.
    assert mails_to(late, "joy") == [
        (date(2027, 4, 9), (("D1", 1, "due"),)),
        (date(2027, 4, 12), (("D1", 1, "+1"), ("D1", 1, "+5"))),
    ]


def test_after_an_outage_the_weeks_mail_goes_with_its_first_reminder() -> None:
    story = spring().reading("weekly", "joy").signed().on(date(2027, 4, 9))
    story.away_until(date(2027, 4, 13), time(10)).on(date(2027, 4, 18))
    assert mails_to(story, "joy")[1:] == [(date(2027, 4, 13), (("D1", 1, "t-3"),))]
    # What was planned for later in the week, after that mail, waits for the next.
    story.on(date(2027, 4, 20))
    assert mails_to(story, "joy")[-1] == (
        date(2027, 4, 19),
        (("D1", 1, "+1"), ("D1", 1, "+5")),
    )
    [due] = [n for n in story.ledger("D1") if n.planned.step == "due"]
    assert (due.status, due.reason) == ("suppressed", "superseded in the week's mail")


def test_a_weekly_reader_gets_at_most_one_mail_a_week() -> None:
    story = spring().reading("weekly", "joy", "marcus", "dana").signed()
    story.proposed(date(2027, 4, 28), "Measures").signed("D2")
    story.on(date(2027, 4, 14)).proposed(date(2027, 4, 29), "Plan").signed("D3")
    story.on(date(2027, 6, 1))
    weeks = Counter((m.person, m.on.isocalendar()[:2]) for m in story.mails)
    assert set(weeks.values()) == {1}
    assert {n.status for n in story.ledger("D1")} <= {"sent", "suppressed"}


def test_alarms_go_at_their_hour_to_a_weekly_reader() -> None:
    story = Story(date(2026, 9, 1)).drafted().reading("weekly", "mendes", "joy", "elena", "tess")
    story.do("board submit", board="lea", meeting=date(2026, 9, 24), at="18:00")
    story.on(date(2026, 9, 25))
    alarms = [m.on for m in story.mails if m.alarm is not None]
    assert set(alarms) == {date(2026, 9, 21)}


def test_going_back_to_daily_is_told_at_the_next_moment() -> None:
    story = spring().reading("weekly", "joy").on(date(2027, 4, 6)).signed().on(date(2027, 4, 9))
    story.reading("daily", "joy").on(date(2027, 4, 16))
    assert mails_to(story, "joy") == [
        (date(2027, 4, 13), (("D1", 1, "t-3"),)),
        (date(2027, 4, 16), (("D1", 1, "due"),)),
    ]


def test_a_date_that_moves_after_the_weekly_reader_was_told_is_told_to_the_others_once() -> None:
    story = spring(date(2027, 4, 9)).reading("weekly", "joy").signed().on(date(2027, 4, 12))
    [plus5] = [n for n in story.ledger("D1") if n.planned.step == "+5"]
    assert plus5.waiting == ("p-marcus",)
    story.recess(*RECESS, Closure(name="storm", first=date(2027, 4, 15), last=date(2027, 4, 16)))
    [dropped] = [e for e in story.news if isinstance(e, RecipientsDropped)]
    assert dropped.reason == "calendar changed"
    story.on(date(2027, 4, 30))
    told = {
        who: Counter(
            step for _, items in mails_to(story, who) for item, _, step in items if item == "D1"
        )
        for who in ("marcus", "joy")
    }
    assert told["marcus"] == {"+5": 1, "+10": 1}
    assert told["joy"]["+5"] == 1, "what was already sent is not said again"


AWAY_AND_BACK: dict[str, tuple[list[tuple[str, str, dict[str, Any]]], ...]] = {
    "snoozed and woken": (
        [("reminders snooze", "marcus", {"item": "D1", "until": date(2027, 4, 20), "reason": "r"})],
        [("reminders wake", "marcus", {"item": "D1"})],
    ),
    "another policy and back": (
        [("reminders policy", "marcus", {"item": "D1", "policy": "window", "reason": "r"})],
        [("reminders policy", "marcus", {"item": "D1", "policy": "standard", "reason": "r"})],
    ),
    "the kind's policy and the item's": (
        [
            (
                "reminders policy",
                "dana",
                {"of_kind": "deliverables", "policy": "window", "reason": "r"},
            )
        ],
        [("reminders policy", "dana", {"item": "D1", "policy": "standard", "reason": "r"})],
    ),
    "the item held": (
        [("engagement hold", "marcus", {"item": ("D1",), "reason": "fire"})],
        [("engagement resume", "marcus", {"item": ("D1",)})],
    ),
    "the item held and everything resumed": (
        [("engagement hold", "dana", {"item": ("D1",), "reason": "fire"})],
        [("engagement resume", "dana", {})],
    ),
    "everything held": (
        [("engagement hold", "marcus", {"reason": "fire"})],
        [("engagement resume", "marcus", {})],
    ),
    "held until a day": (
        [("engagement hold", "marcus", {"reason": "fire", "until": date(2027, 4, 14)})],
        [],
    ),
    "held twice": (
        [("engagement hold", "marcus", {"item": ("D1",), "reason": "fire"})],
        [
            ("engagement resume", "marcus", {"item": ("D1",)}),
            ("engagement hold", "marcus", {"item": ("D1",), "reason": "smoke"}),
            ("engagement resume", "marcus", {}),
        ],
    ),
    "a leader leaves and stays": (
        [("leader leave", "marcus", {"person": "elena", "last_day": date(2027, 5, 31)})],
        [("leader stay", "marcus", {"person": "elena", "reason": "r"})],
    ),
    "a leader leaves and the item goes on": (
        [("leader leave", "marcus", {"person": "elena", "last_day": date(2027, 5, 31)})],
        [("engagement resume", "marcus", {"item": ("D1",)})],
    ),
    "the Lead's role goes and comes back": (
        [("engagement assign", "dana", {"role": "lead", "person": "priya"})],
        [("engagement assign", "dana", {"role": "lead", "person": "marcus"})],
    ),
}
"""What happens on Tuesday, and what undoes it on Wednesday."""


@pytest.mark.parametrize("what", AWAY_AND_BACK)
def test_what_comes_back_before_its_day_is_told_to_whoever_had_not_heard_of_it(what: str) -> None:
    story = spring(date(2027, 4, 9)).reading("weekly", "joy").signed()
    for moves, on in zip(AWAY_AND_BACK[what], (date(2027, 4, 13), date(2027, 4, 14)), strict=True):
        story.on(on)
        for command, actor, body in moves:
            story.do(command, actor, **body)
    story.on(date(2027, 4, 17))
    told = [(m.person, m.on) for m in story.mails if ("D1", 1, "+5") in m.items]
    assert told == [("p-joy", date(2027, 4, 12)), ("p-marcus", date(2027, 4, 16))]


def test_what_is_held_over_its_day_is_not_told_afterwards() -> None:
    story = spring(date(2027, 4, 9)).reading("weekly", "joy").signed().on(date(2027, 4, 13))
    story.do("engagement hold", "marcus", item=("D1",), reason="fire").on(date(2027, 4, 19))
    story.do("engagement resume", "marcus").on(date(2027, 4, 22))
    told = [(m.person, m.on) for m in story.mails if ("D1", 1, "+5") in m.items]
    assert told == [("p-joy", date(2027, 4, 12))]


# Who wants it so -------------------------------------------------------------------------------


def directory() -> tuple[Story, str]:
    story = Story().do("person register", handle="sam", name="Sam", email="s@x.example")
    [stream] = story.histories
    return story, stream.removeprefix("person:")


def test_the_wish_is_a_fact() -> None:
    story, sam = directory()
    [changed] = story.when("person change", person=sam, digest="weekly").records(PersonChanged)
    assert isinstance(changed, PersonChanged)
    assert "mail comes weekly" in changed.sentence()
    story.when("person change", person=sam, digest="weekly").refuses(AlreadyExists, "weekly")
    story.when("person change", person=sam, digest="daily").records(PersonChanged)


@pytest.mark.parametrize("wish", ["none", "never", "monthly", ""])
def test_nobody_opts_out_of_their_role_by_its_mail(wish: str) -> None:
    with pytest.raises(ValidationError, match=r"daily or weekly.*handrail engagement assign"):
        ChangePerson.model_validate({"person": "sam", "digest": wish})


# Snooze ----------------------------------------------------------------------------------------


def asleep(until: date, **body: Any) -> Story:
    story = spring().signed().on(SIXTH)
    return story.do("reminders snooze", item="d1", until=until, reason="on leave", **body)


@pytest.mark.parametrize("row", table("reminders.md", "A snooze"), ids=lambda r: r["Until"])
def test_a_snooze_leaves_the_reminders_in_the_table(row: Row) -> None:
    story = asleep(day(row["Until"]))
    story.on(date(2027, 5, 28))
    reason = "snoozed: see reason"
    gone = [n.planned.step for n in story.ledger("D1") if n.reason == reason]
    assert gone == row["Suppressed"].split(", ")
    sent = sorted(
        (n for n in story.ledger("D1") if n.status == "sent"), key=lambda n: n.planned.planned_for
    )[1:]
    assert [
        f"{n.planned.step} {on:%a} {on.day} {on:%b %Y}"
        for n in sent
        for on in [local_date(n.planned.planned_for, ZONE)]
    ] == row["Sent afterwards"].split(", ")
    assert ", ".join(sent[0].planned.to) == row["The first of them to"]
    assert all(n.at == n.planned.planned_for for n in sent)


def owed_d1(story: Story) -> Any:
    owed = obligations(story.state(), story.context(SYSTEM, None))
    return next(o for o in reversed(owed) if o.item == "D1")


def test_a_snooze_hides_nothing_and_moves_no_date() -> None:
    story = asleep(date(2027, 4, 20))
    d1 = owed_d1(story)
    assert (d1.due, d1.settled, d1.held) == (date(2027, 4, 16), None, None)
    assert snoozed_until(d1, story.state(), story.today) == date(2027, 4, 20)
    story.on(date(2027, 4, 20))
    assert snoozed_until(d1, story.state(), story.today) is None


def test_its_reason_stands_in_its_own_event_only() -> None:
    story = asleep(date(2027, 4, 20))
    assert "on leave" in story.news[0].sentence()
    assert not any("on leave" in event.model_dump_json() for event in story.news[1:])


def test_waking_plans_again_what_lies_ahead() -> None:
    story = asleep(date(2027, 4, 25)).on(date(2027, 4, 14))
    story.when("reminders wake", item="D1").records(RemindersWoken)
    assert sorted(story.planned_days("D1")) == [
        date(2027, 4, 16), date(2027, 4, 19), date(2027, 4, 23), date(2027, 4, 30),
    ]  # fmt: skip
    [gone] = [n for n in story.ledger("D1") if n.planned.step == "snoozed"]
    assert (gone.status, gone.reason) == ("suppressed", "woken early")
    story.when("reminders wake", item="D1").refuses(WrongState, "D1", "handrail reminders plan")


def test_a_new_due_date_ends_it_and_a_submission_says_so() -> None:
    story = asleep(date(2027, 4, 20))
    story.do("deliverable redate", "marcus", deliverable="D1", due=date(2027, 4, 30), reason="r")
    story.signed("D1").on(date(2027, 4, 16), time(10))
    assert mails_to(story, "joy")[-1] == (date(2027, 4, 16), (("D1", 2, "t-14"),))
    story = asleep(date(2027, 4, 20)).by_the_lea("deliverable submit", deliverable="D1")
    [snoozed] = [n for n in story.ledger("D1") if n.planned.step == "snoozed"]
    assert (snoozed.status, snoozed.reason) == ("suppressed", "submitted")


def test_a_further_snooze_takes_the_place_of_the_first() -> None:
    story = asleep(date(2027, 4, 14))
    story.do("reminders snooze", item="D1", until=date(2027, 4, 20), reason="longer")
    story.on(date(2027, 4, 22))
    assert [i for on, i in mails_to(story, "joy") if on > SIXTH] == [(("D1", 1, "snoozed"),)]
    story.when("reminders snooze", item="D1", until=date(2027, 5, 3), reason="r").refuses(
        TooMany, "2 times", "dta-sir@3"
    )


def test_whom_the_first_snooze_left_out_is_told_at_the_end_of_the_further_one() -> None:
    story = asleep(date(2027, 4, 26)).on(date(2027, 4, 24))
    story.do("reminders snooze", item="D1", until=date(2027, 4, 28), reason="longer")
    story.on(date(2027, 4, 29))
    told = [(m.person, m.on) for m in story.mails if ("D1", 1, "snoozed") in m.items]
    assert told == [("p-joy", date(2027, 4, 28)), ("p-marcus", date(2027, 4, 28))]


def test_whom_a_reminder_had_not_reached_before_the_snooze_is_told_at_its_end() -> None:
    story = spring().signed().on(date(2027, 4, 22)).away_until(date(2027, 4, 24))
    story.do("reminders snooze", item="D1", until=date(2027, 4, 27), reason="r")
    story.on(date(2027, 4, 28))
    told = [(m.person, m.on) for m in story.mails if ("D1", 1, "snoozed") in m.items]
    assert told == [("p-joy", date(2027, 4, 27)), ("p-marcus", date(2027, 4, 27))]


def test_the_reminder_of_its_morning_is_planned_anew_because_of_the_snooze() -> None:
    story = Story(date(2027, 3, 4)).effective().on(date(2027, 4, 7))
    until = {"until": date(2027, 4, 18), "reason": "a Sunday"}
    story.do("reminders snooze", "marcus", item="coaching/contact", **until)
    fates = [(n.planned.step, n.planned.to, n.reason) for n in story.ledger("coaching/contact")]
    assert fates == [
        ("due", ("lead",), "snoozed: see reason"),
        ("+10", ("director",), "snoozed: see reason"),
        ("+10", ("director", "lead"), None),
    ]


def test_whom_a_snooze_told_at_its_end_is_not_told_by_the_next() -> None:
    story = asleep(date(2027, 4, 26)).on(date(2027, 4, 26))
    story.do("reminders snooze", item="D1", until=date(2027, 4, 28), reason="longer")
    story.on(date(2027, 4, 29))
    told = [(m.person, m.on.day) for m in story.mails if ("D1", 1, "snoozed") in m.items]
    assert told == [("p-joy", 26), ("p-marcus", 26), ("p-joy", 28)]


def test_what_somebody_was_still_to_be_told_rests_as_well() -> None:
    story = spring().signed().proposed(date(2027, 5, 14), "Measures").signed("D2")
    story.away_until(date(2027, 4, 30), time(7, 30)).on(date(2027, 4, 30))
    story.do("reminders snooze", item="D1", until=date(2027, 5, 11), reason="r")
    [dropped] = [e for e in story.news if isinstance(e, RecipientsDropped)]
    assert dropped.reason == "snoozed: see reason"
    assert dropped.notices[0].recipients == ("p-joy", "p-marcus")
    story.on(date(2027, 5, 12))
    d1 = [
        (m.person, m.on)
        for m in story.mails
        for i in m.items
        if i[0] == "D1" and m.on > date(2027, 4, 30)
    ]
    assert d1 == [("p-joy", date(2027, 5, 11))]


def test_a_snooze_rests_a_weekly_readers_mail_too() -> None:
    story = spring().reading("weekly", "joy").signed().on(SIXTH)
    story.do("reminders snooze", item="D1", until=date(2027, 4, 20), reason="r")
    story.on(date(2027, 4, 30))
    assert mails_to(story, "joy")[1:] == [
        (date(2027, 4, 20), (("D1", 1, "snoozed"),)),
        (date(2027, 4, 26), (("D1", 1, "+5"), ("D1", 1, "+10"))),
    ]


def test_it_may_be_recorded_for_somebody_of_the_lea() -> None:
    story = spring().signed().on(SIXTH)
    body: dict[str, Any] = {"item": "D1", "until": date(2027, 4, 20), "reason": "on leave"}
    story.when("reminders snooze", person="joy", **body).refuses(Incomplete, "--evidence")
    story.when("reminders snooze", person="noor", evidence="mail", **body).refuses(
        WrongPerson, "handrail person list"
    )
    [event] = story.when("reminders snooze", person="joy", evidence="mail", **body).records(
        RemindersSnoozed
    )
    assert "as p-joy asked (mail)" in event.sentence()


@pytest.mark.parametrize(
    ("body", "actor", "kind", "words"),
    [
        ({"item": "D11"}, "tess", Unknown, ("'D11'", "D1", "handrail due")),
        ({"until": SIXTH}, "tess", ImpossibleDate, ("Tue 6 Apr 2027", "lies ahead")),
        (
            {"until": date(2027, 5, 7)}, "tess", ImpossibleDate,
            ("30 days", "Thu 6 May 2027", "handrail engagement hold"),
        ),
        ({"until": date(2072, 5, 7)}, "tess", ImpossibleDate, ("Check the year",)),
        ({}, "priya", WrongPerson, ("p-priya", "assistant")),
        ({"item": "D1/signature"}, "tess", Unknown, ("D1/signature",)),
    ],
    ids=["unknown", "past", "too far", "slip", "another lead", "nothing owed"],
)  # fmt: skip
def test_a_snooze_that_cannot_be_is_refused(
    body: dict[str, Any], actor: str, kind: Any, words: tuple[str, ...]
) -> None:
    story = spring().signed().on(SIXTH)
    whole = {"item": "D1", "until": date(2027, 4, 20), "reason": "r", **body}
    story.when("reminders snooze", actor, **whole).refuses(kind, *words)


def test_an_alarm_a_held_item_and_a_snoozed_one_are_refused() -> None:
    story = Story(date(2026, 9, 1)).drafted()
    story.do("board submit", board="lea", meeting=date(2026, 9, 24), at="18:00")
    body: dict[str, Any] = {"until": date(2026, 9, 10), "reason": "r"}
    story.when("reminders snooze", item="A1/posting-lea", **body).refuses(WrongState, "law")
    story = spring().signed().do("engagement hold", "marcus", reason="fire", item=("D1",))
    body = {"item": "D1", "until": date(2027, 4, 1), "reason": "r"}
    story.when("reminders snooze", **body).refuses(WrongState, "handrail engagement resume")
    story = asleep(date(2027, 4, 20))
    story.when("reminders snooze", item="D1", until=date(2027, 4, 20), reason="r").refuses(
        AlreadyExists, "handrail reminders wake"
    )


def test_without_the_section_there_are_no_limits() -> None:
    story = spring().signed().on(SIXTH)
    story.playbook = PLAYBOOK.model_copy(update={"etiquette": None})
    for until in (date(2027, 6, 20), date(2027, 7, 20), date(2027, 8, 20)):
        story.do("reminders snooze", item="D1", until=until, reason="r")


# An engagement's own policy --------------------------------------------------------------------


def gentle(**body: Any) -> Story:
    story = spring().signed().on(SIXTH)
    body = body or {"of_kind": "deliverables"}
    return story.do("reminders policy", "marcus", policy="gentle", reason="fewer", **body)


@pytest.mark.parametrize("body", [{"of_kind": "deliverables"}, {"item": "d1"}], ids=str)
def test_another_policy_moves_the_reminders_of_the_table(body: dict[str, str]) -> None:
    rows = table("reminders.md", "An engagement's own policy")
    assert [
        (
            n.planned.step,
            local_date(n.planned.planned_for, ZONE),
            n.status,
            ", ".join(n.planned.to),
        )
        for n in gentle(**body).ledger("D1")
    ] == [(r["Step"], day(r["Planned for"]), r["Fate"], r["Who is told"]) for r in rows]
    gone = {n.reason for n in gentle(**body).ledger("D1") if n.status == "suppressed"}
    assert gone == {"policy changed"}


def test_the_playbooks_own_policy_can_be_chosen_again() -> None:
    story = gentle().do(
        "reminders policy", "dana", of_kind="deliverables", policy="standard", reason="r"
    )
    assert sorted(story.planned_days("D1")) == sorted(
        spring().signed().on(SIXTH).planned_days("D1")
    )


def test_an_item_goes_before_its_kind_and_later_items_follow_their_kind() -> None:
    story = gentle().proposed(date(2027, 5, 14), "Measures").signed("D2")
    assert [n.planned.step for n in story.ledger("D2")] == ["t-3", "due", "+5"]
    story.do("reminders policy", "marcus", item="D2", policy="standard", reason="r")
    assert {n.planned.step for n in story.ledger("D2") if n.status == "planned"} == {
        "t-14", "t-3", "due", "+1", "+5", "+10",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "actor", "kind", "words"),
    [
        ({"policy": "gentel"}, "marcus", Unknown, ("'gentel'", "gentle", "standard")),
        ({"policy": "posting"}, "marcus", Unknown, ("'posting'", "standard")),
        ({"of_kind": "deliverable"}, "marcus", Unknown, ("Did you mean deliverables",)),
        ({"of_kind": None}, "marcus", Incomplete, ("--kind", "--item", "deliverables")),
        ({"item": "D1"}, "marcus", Incomplete, ("either",)),
        ({"of_kind": None, "item": "D9"}, "marcus", Unknown, ("'D9'",)),
        ({}, "tess", WrongPerson, ("p-tess", "p-marcus", "p-dana")),
    ],
    ids=["policy", "alarm", "kind", "neither", "both", "item", "assistant"],
)
def test_a_choice_that_cannot_be_is_refused(
    body: dict[str, Any], actor: str, kind: Any, words: tuple[str, ...]
) -> None:
    story = spring().signed().on(SIXTH)
    whole = {"of_kind": "deliverables", "policy": "gentle", "reason": "r", **body}
    story.when("reminders policy", actor, **whole).refuses(kind, *words)


def test_the_same_choice_again_is_refused() -> None:
    gentle().when(
        "reminders policy", "marcus", of_kind="deliverables", policy="gentle", reason="r"
    ).refuses(AlreadyExists, "gentle")
    story = spring().signed()
    story.when(
        "reminders policy", "marcus", of_kind="coaching", policy="window", reason="r"
    ).records(ReminderPolicyChosen)


@pytest.mark.parametrize("row", table("reminders.md", "The kinds of items"), ids=str)
def test_a_kind_means_the_items_of_the_table_and_nothing_that_hangs_on_them(row: Row) -> None:
    for item in row["Means, for example"].split(", "):
        assert kind_of(item, PLAYBOOK) == row["Kind"]
    for item in row["And not"].split(", "):
        assert kind_of(item, PLAYBOOK) != row["Kind"]


def test_the_table_has_every_kind_and_the_exit_is_of_none() -> None:
    assert PLAYBOOK.etiquette is not None
    kinds = [row["Kind"] for row in table("reminders.md", "The kinds of items")]
    assert kinds == [kind.id for kind in PLAYBOOK.etiquette.kinds]
    assert kind_of("exit", PLAYBOOK) is None


@pytest.mark.parametrize(
    "kind", [row["Kind"] for row in table("reminders.md", "The kinds of items")]
)
def test_a_policy_for_a_kind_leaves_every_other_item_as_it_was(kind: str) -> None:
    story = spring().signed()
    story.do("sir open", "marcus", framework="sir-12@2019")
    for verb, body in (
        ("deliverable redate", {"deliverable": "D1", "due": date(2027, 5, 14), "reason": "r"}),
        ("deliverable sign", {"deliverable": "D1"}),
        ("sir wave propose", {"title": "Budgets", "due": date(2027, 5, 14), "hours": 2}),
        ("sir wave sign", {"wave": "W1"}),
    ):
        story.do(verb, "marcus", **body)
    story.do("survey ask", due=date(2027, 5, 14), hours=1)

    def plan() -> set[tuple[str, str, tuple[str, ...]]]:
        return {
            (n.planned.item, n.planned.step, n.planned.to)
            for n in story.ledger()
            if n.status == "planned" and kind_of(n.planned.item, PLAYBOOK) != kind
        }

    before = plan()
    assert {item for item, *_ in before} > {"D1/signature", "W1/signature"}
    story.do("reminders policy", "marcus", of_kind=kind, policy="coaching-gap", reason="r")
    assert plan() == before


def test_what_goes_early_says_to_whom_else() -> None:
    story = spring().reading("weekly", "joy").signed().on(date(2027, 4, 20))
    [early] = [
        notice
        for r in story.history()
        if isinstance(r.event, NoticesClaimed)
        for notice in r.event.notices
        if notice.step == "+5"
    ]
    assert early.recipients == ("p-joy", "p-marcus")
    assert story.state().id == ALDER
