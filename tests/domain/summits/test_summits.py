"""Summits: invited, registered, moved, held; who came, and what was promised."""

from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from domain.coaching.cycles import Cycles
from domain.engagement.burden import BurdenWaived, collisions, hours_asked
from domain.kernel import refusals
from domain.kernel.messages import On
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Refused,
    TooMany,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.outlook.dosage import dosage
from domain.policy.calendar import Closure, WorkingDays, local_date
from domain.reminders.notices import ClaimNotices
from domain.rules.context import SYSTEM
from domain.summits.attendance import (
    Attendance,
    SummitAttended,
    SummitCommitmentSettled,
    SummitCommitted,
    attended_between,
)
from domain.summits.entering import SummitEntered
from domain.summits.following import SummitCalledOff, SummitFollowed, SummitNotFollowed
from domain.summits.invitations import (
    Invitations,
    SummitDeclined,
    SummitInvited,
    SummitRegistered,
    became_of,
    summit_days,
)
from domain.summits.program import (
    PairedAtSummit,
    PairMade,
    SessionAdded,
    SessionDropped,
    SummitProgram,
)
from domain.summits.summits import (
    EngagementDeclined,
    EngagementInvited,
    Summit,
    SummitCancelled,
    SummitHeld,
    SummitPlanned,
    SummitRescheduled,
)
from domain.summits.years import PlannedSummit, by_year
from tests.domain.story import (
    ALDER,
    CALENDAR,
    ENGAGEMENT,
    GROUPS,
    HARBOR,
    PLAYBOOK,
    YES,
    ZONE,
    Story,
    person,
)
from tests.domain.tables import Row, day, table

PLAN: dict[str, Any] = {
    "summit": "Y1-1",
    "title": "Summit 1",
    "first": date(2026, 11, 12),
    "last": date(2026, 11, 13),
    "place": "Sacramento",
    "registration_due": date(2026, 11, 4),
    "hours": 12,
}
LAST: dict[str, Any] = {
    **PLAN,
    "summit": "Y2-5",
    "first": date(2028, 5, 11),
    "last": date(2028, 5, 12),
    "registration_due": date(2028, 5, 3),
}
MOVED = date(2028, 5, 18)


def planned(plan: dict[str, Any] = PLAN, at: date = date(2026, 10, 15)) -> Story:
    return Story(at).effective().do("summit plan", **plan)


def invited(plan: dict[str, Any] = PLAN, at: date = date(2026, 10, 15)) -> Story:
    return planned(plan, at).do("summit invite", summit=plan["summit"])


def with_harbor(story: Story) -> Story:
    """Harbor Charter has an effective agreement too."""
    harbor: dict[str, Any] = {"engagement": HARBOR}
    story.do("engagement open", lea=HARBOR, lead="marcus", director="dana", **harbor)
    for group in GROUPS:
        story.do("conversation log", "marcus", group=group, **harbor)
    story.do("fit decide", "marcus", proceed=True, criterion=YES, **harbor)
    story.do("agreement draft", **harbor)
    for board in ("lea", "ccee"):
        story.do("agreement act", board=board, action="approved", meeting=story.today, **harbor)
    return story


def recess(story: Story, lea: str, first: date, last: date) -> None:
    entry = replace(
        story.leas[lea], recess=(Closure(name="spring recess", first=first, last=last),)
    )
    story.leas = {k: entry if known.id == lea else known for k, known in story.leas.items()}


def registration(story: Story) -> list[tuple[str, date, str, str]]:
    return [
        (n.planned.step, local_date(n.planned.planned_for, ZONE), n.status, n.reason or "")
        for n in story.ledger("Y1-1/registration")
    ]


# Planning ------------------------------------------------------------------------------------


def test_a_summit_is_planned_once() -> None:
    story = Story(date(2026, 10, 15))
    [event] = story.when("summit plan", **{**PLAN, "summit": "y1-1"}).records(SummitPlanned)
    assert "Thu 12 Nov 2026 to Fri 13 Nov 2026" in event.sentence()
    assert story.state("summit:Y1-1").of(Summit).playbook == PLAYBOOK.ref
    story.when("summit plan", **PLAN).refuses(
        AlreadyExists, "Y1-1", "Sacramento", "handrail summit reschedule"
    )


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"first": date(2026, 10, 15), "last": date(2026, 10, 16)}, "days to come"),
        ({"registration_due": date(2026, 11, 12)}, "--registration-due"),
        ({"registration_due": date(2026, 10, 14)}, "over already"),
        ({"first": date(2207, 11, 12), "last": date(2207, 11, 12)}, "Check the year"),
    ],
)
def test_a_summit_cannot_be_planned_for_days_that_cannot_be(
    change: dict[str, Any], words: str
) -> None:
    story = Story(date(2026, 10, 15))
    story.when("summit plan", **{**PLAN, **change}).refuses(ImpossibleDate, words)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"last": date(2026, 11, 11)}, "before it begins"),
        ({"last": date(2026, 12, 24)}, "more than 14 days"),
        ({"summit": "Y0-1"}, "pattern"),
        ({"summit": "first"}, "pattern"),
        ({"hours": -1}, "greater than or equal to 0"),
    ],
)
def test_a_plan_with_impossible_values_is_no_command(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Story().do("summit plan", **{**PLAN, **change})


def test_a_playbook_without_summits_has_none() -> None:
    story = Story(date(2026, 10, 15))
    story.playbook = PLAYBOOK.model_copy(update={"summits": None})
    story.when("summit plan", **PLAN).refuses(WrongState, "dta-sir@3", "handrail playbook list")


def test_contents_are_those_of_the_table() -> None:
    assert PLAYBOOK.summits is not None
    rows = [(r["Content"], r["What it is"]) for r in table("summits.md", "Planning")]
    assert rows == [(c.id, c.name) for c in PLAYBOOK.summits.contents]


def test_sessions_are_tagged_with_the_triad_and_dropped_again() -> None:
    story = planned()
    add = {"summit": "Y1-1", "title": "Our own data", "day": 1}
    story.when("summit session add", triad=("what", "why"), content="data-focus", **add).records(
        SessionAdded
    )
    story.when("summit session add", **add).refuses(AlreadyExists, "SE1", "session drop")
    story.when("summit session add", **{**add, "day": 3}).refuses(ImpossibleDate, "no day 3")
    story.when("summit session add", triad=("whom",), **{**add, "title": "B"}).refuses(
        Unknown, "'whom'", "what, how, why"
    )
    story.when("summit session add", content="data", **{**add, "title": "B"}).refuses(
        Unknown, "data-focus"
    )
    story.when("summit session drop", summit="Y1-1", session="SE2").refuses(Unknown, "SE1")
    story.when("summit session drop", summit="Y1-1", session="se1").records(SessionDropped)
    assert story.state("summit:Y1-1").of(SummitProgram).standing == ()
    story.when("summit session drop", summit="Y1-1", session="se1").refuses(Unknown, "session add")


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("summit reschedule", {"to": date(2026, 11, 19)}),
        ("summit cancel", {"reason": "smoke"}),
        ("summit session add", {"title": "A", "day": 1}),
        ("summit session drop", {"session": "SE1"}),
        ("summit pair", {"one": ALDER, "other": HARBOR}),
        ("summit invite", {}),
        ("summit register", {"people": ("joy",)}),
        ("summit decline-invitation", {"reason": "r"}),
        ("summit follow", {"waive": "w"}),
        ("summit attendance record", {"day": "1", "role": "teacher"}),
        ("summit commitment add", {"text": "t", "by": date(2026, 12, 1)}),
    ],
)
def test_an_unknown_summit_is_named_with_the_nearest(what: str, body: dict[str, Any]) -> None:
    planned().when(what, summit="Y1-2", **body).refuses(Unknown, "'Y1-2'", "Y1-1")


# Invitations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row", table("summits.md", "Invitations"), ids=lambda r: r["Registration due"]
)
def test_the_lea_contact_is_reminded_to_register(row: Row) -> None:
    due = day(row["Registration due"])
    plan = {**PLAN, "registration_due": due, "first": date(2027, 2, 18), "last": date(2027, 2, 19)}
    story = invited(plan)
    found = {step: on for step, on, _, _ in registration(story)}
    assert found == {step: day(row[step]) for step in list(row)[1:] if row[step]}
    assert {n.planned.to[0] for n in story.ledger("Y1-1/registration")} == {"lea_contact"}


def test_the_reminder_goes_three_working_days_before_at_eight_in_the_morning() -> None:
    story = invited(at=date(2026, 10, 22)).on(date(2026, 11, 1))
    [mail] = story.mails
    assert mail.person == "p-joy"
    assert mail.at.isoformat() == "2026-10-30T15:00:00+00:00", "08:00 in summer time"


def test_an_invitation_is_on_the_engagement_and_on_the_summit() -> None:
    story = planned()
    story.when("summit invite", summit="y1-1").records(SummitInvited, EngagementInvited)
    assert story.state("summit:Y1-1").of(Summit).invited == {ALDER: ALDER}
    [days] = summit_days(story.state())
    assert (days.first, days.last) == (PLAN["first"], PLAN["last"])
    story.when("summit invite", summit="Y1-1").refuses(AlreadyExists, "handrail summit register")


def test_an_invitation_rests_on_the_summit_as_it_was_read() -> None:
    story = planned()
    story.do("summit session add", summit="Y1-1", title="A", day=1)
    from domain.rules.registry import COMMANDS, decide

    command = COMMANDS["summit invite"].model_validate({"summit": "Y1-1", "engagement": ALDER})
    events = decide(command, story.state(), story.context("tess", command))
    [other] = [e for e in events if isinstance(e, On)]
    assert (other.stream, other.version) == ("summit:Y1-1", 2)


def test_whoever_has_no_effective_agreement_is_not_invited() -> None:
    story = Story(date(2026, 10, 15)).drafted().do("summit plan", **PLAN)
    story.when("summit invite", summit="Y1-1").refuses(
        WrongState, "agreement is effective", "handrail engagement show"
    )


def test_whoever_opted_out_is_not_invited_and_not_reminded() -> None:
    story = planned().do("prong opt-out", prong="summits", reason="too far")
    story.when("summit invite", summit="Y1-1").refuses(WrongState, "too far", "prong opt-in")
    story = invited().do("prong opt-out", prong="summits", reason="too far")
    assert {fate[2:] for fate in registration(story)} == {("suppressed", "opted out")}


def test_an_lea_in_recess_is_invited_only_with_a_reason() -> None:
    plan = {**PLAN, "first": date(2026, 11, 23), "last": date(2026, 11, 24)}
    story = planned(plan)
    story.when("summit invite", summit="Y1-1").refuses(ImpossibleDate, "recess", "--waive")
    [event, _] = story.when("summit invite", summit="Y1-1", waive="they come").records(
        SummitInvited, EngagementInvited
    )
    assert "they come" in event.sentence()


def test_nobody_is_invited_after_registration_has_ended() -> None:
    story = planned().on(date(2026, 11, 5))
    story.when("summit invite", summit="Y1-1").refuses(
        ImpossibleDate, "Wed 4 Nov 2026", "--registration-due"
    )


def settle_by(what: str, story: Story) -> None:
    summit = {"summit": "Y1-1"}
    match what:
        case "the LEA registers":
            story.do("summit register", places={"teacher": 2}, **summit)
        case "the LEA declines":
            story.do("summit decline-invitation", reason="no substitutes", **summit)
        case "the summit begins":
            story.on(date(2026, 11, 12))
        case "the summit is called off":
            story.do("summit cancel", reason="smoke", **summit)
            story.do("summit take-over", SYSTEM, **summit)
        case "the LEA opts out of summits":
            story.do("prong opt-out", prong="summits", reason="too far")
        case _:
            raise AssertionError(what)


@pytest.mark.parametrize(
    "row", table("summits.md", "What settles a registration"), ids=lambda r: r["What happens"]
)
def test_what_settles_a_registration(row: Row) -> None:
    story = invited()
    settle_by(row["What happens"], story)
    reasons = {reason for _, _, status, reason in registration(story) if status == "suppressed"}
    assert reasons == {row["The registration is"]}
    assert all(status != "planned" for _, _, status, _ in registration(story))


def test_a_registration_settles_what_is_owed_and_can_be_changed() -> None:
    story = invited().on(date(2026, 11, 2))
    story.when(
        "summit register", summit="Y1-1", people=("joy", "elena", "joy"), places={"teacher": 3},
        person="joy", evidence="mail of today",
    ).records(SummitRegistered)  # fmt: skip
    assert {f[2:] for f in registration(story)} == {("sent", ""), ("suppressed", "registered")}
    assert story.state().of(Invitations).all["Y1-1"].registered == 5
    again = {"summit": "Y1-1", "people": ("joy", "elena"), "places": {"teacher": 3}}
    story.when("summit register", **again).refuses(AlreadyExists, "summit show")
    story.when("summit register", **{**again, "places": {}}).records(SummitRegistered)
    assert story.state().of(Invitations).all["Y1-1"].registered == 2


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ({}, Incomplete, "--places"),
        ({"places": {"teachers": 3}}, Unknown, "teacher"),
        ({"people": ("noor",)}, WrongPerson, "p-noor"),
        ({"people": ("marcus",)}, WrongPerson, "the agency"),
        ({"people": ("nobody",)}, Unknown, "'nobody'"),
        ({"people": ("joy",), "person": "joy"}, Incomplete, "--evidence"),
        ({"people": ("joy",), "evidence": "mail"}, Incomplete, "--for"),
    ],
)
def test_a_registration_that_cannot_be_is_refused(
    body: dict[str, Any], kind: type[Refused], words: str
) -> None:
    invited().when("summit register", summit="Y1-1", **body).refuses(kind, words)


def test_nobody_registers_uninvited() -> None:
    planned().when("summit register", summit="Y1-1", people=("joy",)).refuses(
        Unknown, "not invited", "handrail summit invite Y1-1 alder-creek-usd"
    )


def test_declining_settles_it_and_a_new_invitation_asks_anew() -> None:
    story = invited()
    story.when("summit decline-invitation", summit="Y1-1", reason="no substitutes").records(
        SummitDeclined, EngagementDeclined
    )
    assert {f[2:] for f in registration(story)} == {("suppressed", "declined")}
    assert hours_asked(story.state()) == []
    assert story.state("summit:Y1-1").of(Summit).invited == {}
    story.when("summit register", summit="Y1-1", people=("joy",)).refuses(
        WrongState, "declined", "handrail summit invite"
    )
    story.do("summit invite", summit="Y1-1")
    standing = [n for n in story.ledger("Y1-1/registration") if n.status == "planned"]
    assert [n.planned.round for n in standing] == [2] * 6


def test_a_summit_that_has_begun_asks_for_no_registration() -> None:
    story = invited().on(date(2026, 11, 20))
    assert registration(story)[-1][2:] == ("suppressed", "begun")
    told = [m.on for m in story.mails if ("Y1-1/registration", 1, "+5") in m.items]
    assert told == [], "the first day of the summit is the fifth working day over"


def test_a_mail_made_before_the_engagement_woke_asks_for_no_registration_any_more() -> None:
    story = invited().away_until(date(2026, 11, 12), time(8))
    claim = ClaimNotices(
        of=ENGAGEMENT, mail=UUID(int=1), message_id="<x@y>", person="p-joy", on=story.today
    )
    story.do(claim, SYSTEM)
    assert {(status, why) for _, _, status, why in registration(story)} == {("suppressed", "begun")}


def test_its_hours_are_proposed_then_agreed() -> None:
    story = invited()
    [asked] = hours_asked(story.state())
    assert (asked.item, asked.on, asked.agreed) == ("Y1-1", PLAN["first"], False)
    assert asked.hours == Decimal(12)
    story.do("summit register", summit="Y1-1", people=("joy",))
    assert hours_asked(story.state())[0].agreed


# Moving --------------------------------------------------------------------------------------


def moved(story: Story, *engagements: str) -> list[Any]:
    """The summit moves, and every engagement follows as the log tells it."""
    story.do("summit reschedule", summit="Y2-5", to=MOVED)
    [event] = story.news
    assert isinstance(event, SummitRescheduled)
    assert event.invited == engagements
    news = []
    for engagement in event.invited:
        story.do("summit take-over", SYSTEM, summit="Y2-5", engagement=engagement)
        news.append(story.news[0])
    return news


def two() -> Story:
    """On Tue 4 Apr 2028 both LEAs are invited to Y2-5."""
    story = with_harbor(Story(date(2028, 4, 4)).effective()).do("summit plan", **LAST)
    for engagement in (ALDER, HARBOR):
        story.do("summit invite", summit="Y2-5", engagement=engagement)
    return story


def test_a_summit_moves_for_every_lea_but_one_in_recess() -> None:
    alder, harbor = table("summits.md", "Moving a summit")
    first, last = (day(d) for d in harbor["In recess"].split(" to "))
    story = two()
    recess(story, HARBOR, first, last)
    followed, skipped = moved(story, ALDER, HARBOR)
    assert isinstance(followed, SummitFollowed)
    assert followed.registration_due == day(alder["Registration by"])
    assert isinstance(skipped, SummitNotFollowed)
    assert "spring recess" in skipped.why
    there = story.state(f"engagement:{HARBOR}")
    assert summit_days(there) == []
    assert not there.of(Invitations).all["Y2-5"].stands
    story.when("summit register", summit="Y2-5", engagement=HARBOR, places={"teacher": 1}).refuses(
        WrongState, "recess", "handrail summit follow Y2-5 harbor-charter --waive REASON"
    )
    story.when("summit follow", summit="Y2-5", engagement=HARBOR, waive="they come").records(
        SummitFollowed
    )
    story.when("summit follow", summit="Y2-5", engagement=HARBOR, waive="they come").refuses(
        AlreadyExists, "handrail summit show Y2-5"
    )
    assert story.state(f"engagement:{HARBOR}").of(Invitations).all["Y2-5"].first == MOVED


def test_what_was_planned_before_the_move_is_suppressed_and_nothing_is_planned_twice() -> None:
    story = two()
    moved(story, ALDER, HARBOR)
    rows = table("summits.md", "What was planned before the move")
    found = [
        (n.planned.due, n.planned.step, local_date(n.planned.planned_for, ZONE), n.status,
         n.reason or "")
        for n in story.ledger("Y2-5/registration")
    ]  # fmt: skip
    assert found == [
        (day(r["Registration due"]), r["Step"], day(r["Planned for"]), r["Fate"], r["Reason"])
        for r in rows
    ]
    before = len(story.history())
    story.do("summit take-over", SYSTEM, summit="Y2-5")
    assert len(story.history()) == before, "taking it over twice changes nothing"


def test_no_new_reminder_is_planned_for_a_moment_already_past() -> None:
    story = two().on(date(2028, 4, 28))
    story.do("summit reschedule", summit="Y2-5", to=MOVED, registration_due=date(2028, 5, 2))
    story.do("summit take-over", SYSTEM, summit="Y2-5")
    planned_ = [n for n in story.ledger("Y2-5/registration") if n.status == "planned"]
    assert [n.planned.step for n in planned_] == ["due", "+1", "+5", "+10"]


def test_a_registration_stands_when_the_summit_moves() -> None:
    story = two().do("summit register", summit="Y2-5", people=("joy",))
    moved(story, ALDER, HARBOR)
    invitation = story.state().of(Invitations).all["Y2-5"]
    assert (invitation.status, invitation.first) == ("registered", MOVED)
    assert all(n.status == "suppressed" for n in story.ledger("Y2-5/registration"))


def test_a_second_move_out_of_the_recess_takes_the_lea_along() -> None:
    story = two()
    recess(story, HARBOR, date(2028, 5, 15), date(2028, 5, 19))
    moved(story, ALDER, HARBOR)
    story.do("summit reschedule", summit="Y2-5", to=date(2028, 5, 24))
    story.do("summit take-over", SYSTEM, summit="Y2-5", engagement=HARBOR)
    invitation = story.state(f"engagement:{HARBOR}").of(Invitations).all["Y2-5"]
    assert invitation.stands
    assert invitation.first == date(2028, 5, 24)


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ({"to": date(2028, 5, 11)}, AlreadyExists, "--first DATE"),
        ({"to": date(2028, 4, 4)}, ImpossibleDate, "days to come"),
        ({"to": date(2028, 4, 10)}, ImpossibleDate, "--registration-due"),
        ({"to": MOVED, "registration_due": MOVED}, ImpossibleDate, "--registration-due"),
    ],
)
def test_a_summit_does_not_move_to_days_that_cannot_be(
    body: dict[str, Any], kind: type[Refused], words: str
) -> None:
    two().when("summit reschedule", summit="Y2-5", **body).refuses(kind, words)


def test_what_is_called_off_is_off_for_every_lea() -> None:
    story = two()
    [event] = story.when("summit cancel", summit="Y2-5", reason="smoke").records(SummitCancelled)
    assert isinstance(event, SummitCancelled)
    assert event.invited == (ALDER, HARBOR)
    story.when("summit take-over", SYSTEM, summit="Y2-5").records(SummitCalledOff)
    reasons = {n.reason for n in story.ledger("Y2-5/registration")}
    assert reasons == {"cancelled"}
    assert hours_asked(story.state()) == []
    story.when("summit cancel", summit="Y2-5", reason="smoke").refuses(
        WrongState, "cancelled", "summit plan"
    )
    story.when("summit reschedule", summit="Y2-5", to=MOVED).refuses(WrongState, "cancelled")
    story.when("summit invite", summit="Y2-5").refuses(WrongState, "cancelled")
    story.when("summit attendance record", summit="Y2-5", day="1", role="teacher").refuses(
        WrongState, "cancelled"
    )


def test_an_engagement_that_is_over_follows_nothing() -> None:
    story = two().do("engagement withdraw", "dana", reason="vacancy")
    story.do("summit reschedule", summit="Y2-5", to=MOVED)
    story.do("summit take-over", SYSTEM, summit="Y2-5")
    assert story.news == []


def test_who_withdrew_before_a_summit_is_not_expected_there_and_whoever_came_was_there() -> None:
    def fate(story: Story) -> str:
        state = story.state(f"engagement:{ALDER}")
        return became_of(state.of(Invitations).all["Y1-1"], state)

    ends = {"reason": "vacancy"}
    assert fate(invited()) == "invited"
    assert fate(invited().do("engagement withdraw", "dana", **ends)) == "withdrawn"
    excused = invited().do("summit decline-invitation", summit="Y1-1", reason="a flood")
    assert fate(excused.do("engagement withdraw", "dana", **ends)) == "declined"
    begun = invited().on(date(2026, 11, 12)).do("notices reconcile", SYSTEM)
    assert fate(begun.do("engagement withdraw", "dana", **ends)) == "invited"


def test_a_summit_is_held_once_its_last_day_is_over() -> None:
    story = invited().on(date(2026, 11, 13)).do("summit conclude", SYSTEM, summit="Y1-1")
    assert story.news == []
    story.on(date(2026, 11, 14)).when("summit conclude", SYSTEM, summit="Y1-1").records(SummitHeld)
    story.do("summit conclude", SYSTEM, summit="Y1-1")
    assert story.news == []
    assert not story.state("summit:Y1-1").of(Summit).is_open
    story.when("summit reschedule", summit="Y1-1", to=date(2026, 12, 1)).refuses(WrongState, "held")


def test_a_summit_that_has_begun_does_not_move() -> None:
    story = invited().on(date(2026, 11, 12))
    story.when("summit reschedule", summit="Y1-1", to=date(2026, 12, 3)).refuses(
        WrongState, "began", "summit cancel"
    )


# Attendance, pairs, promises -----------------------------------------------------------------


def after_the_summit() -> Story:
    story = invited().do("summit register", summit="Y1-1", places={"teacher": 3})
    sam = person("sam", "Sam Okafor", at="manzanita-coe")
    story.people |= {sam.id: sam, "sam": sam}
    return story.on(date(2026, 11, 16))


def test_people_are_recorded_by_person_role_and_day() -> None:
    story = after_the_summit()
    for row in table("summits.md", "Attendance"):
        body: dict[str, Any] = {"summit": "Y1-1", "day": row["Day"], "role": row["Role"]}
        body |= {"person": row["Person"]} if row["Person"] else {}
        body |= {"count": int(row["Count"])} if row["Count"] else {}
        if row["Answer"] == "recorded":
            story.when("summit attendance record", **body).records(SummitAttended)
        else:
            kind = getattr(refusals, row["Answer"])
            story.when("summit attendance record", **body).refuses(kind)
    presence = story.state().of(Attendance).at("Y1-1")
    assert presence.people == 7
    sam = [on for (on, who), _ in presence.named.items() if who == "p-sam"]
    assert sam == [date(2026, 11, 13)], "on the second day only"
    assert presence.days[date(2026, 11, 12)] == {
        "superintendent": 1, "district-leader": 1, "principal": 1, "teacher": 3,
    }  # fmt: skip


def test_attendance_is_corrected_and_taken_back() -> None:
    story = after_the_summit()
    teachers: dict[str, Any] = {"summit": "Y1-1", "day": "1", "role": "teacher"}
    story.do("summit attendance record", **teachers, count=3)
    story.do("summit attendance record", **teachers, count=4)
    story.do("summit attendance record", **teachers, person="joy")
    assert story.state().of(Attendance).at("Y1-1").people == 5
    story.do("summit attendance record", **teachers, person="joy", count=0)
    story.when("summit attendance record", **teachers, person="joy", count=0).refuses(AlreadyExists)
    story.do("summit attendance record", **teachers, count=0)
    assert story.state().of(Attendance).at("Y1-1").people == 0


def test_nobody_was_at_a_summit_to_come() -> None:
    invited().when("summit attendance record", summit="Y1-1", day="1", role="teacher").refuses(
        ImpossibleDate, "Thu 12 Nov 2026"
    )


def test_the_dosage_shows_who_came_and_who_stayed_away() -> None:
    story = after_the_summit()
    assert PLAYBOOK.coaching is not None
    found = dosage(story.state(), PLAYBOOK.coaching, story.today)
    assert found is not None
    assert [m.summits for m in found.months] == [(), ("Y1-1 nobody",)]
    story.do("summit attendance record", summit="Y1-1", day="1", role="teacher", count=3)
    november = (date(2026, 11, 1), date(2026, 12, 1))
    assert attended_between(story.state(), *november) == ("Y1-1 3",)


def test_a_pair_and_its_consultancy_are_on_both_engagements() -> None:
    story = two()
    pair: dict[str, Any] = {"summit": "Y2-5", "one": ALDER, "other": HARBOR}
    story.do("summit pair", **pair)
    assert [type(e) for e in story.news] == [PairMade, PairedAtSummit, PairedAtSummit]
    story.when("summit pair", **{**pair, "one": HARBOR, "other": ALDER}).refuses(
        AlreadyExists, "--question"
    )
    talk = {"question": "How do others begin?", "note": "With two classes."}
    story.when("summit pair", **pair, **talk).refuses(ImpossibleDate, "Thu 11 May 2028")
    story.on(date(2028, 5, 15)).do("summit pair", **pair, **talk)
    for engagement, partner in ((ALDER, HARBOR), (HARBOR, ALDER)):
        state = story.state(f"engagement:{engagement}")
        [noted] = state.of(Cycles).consultancies
        assert noted.partners == (partner,)
        assert [p.partner for p in state.of(Attendance).pairs] == [partner]


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        ({"other": ALDER}, WrongState, "itself"),
        ({"other": "harbour-charter"}, Unknown, "Did you mean harbor-charter"),
        ({"question": "How?"}, Incomplete, "--note"),
    ],
)
def test_a_pair_that_cannot_be_is_refused(
    body: dict[str, Any], kind: type[Refused], words: str
) -> None:
    pair = {"summit": "Y2-5", "one": ALDER, "other": HARBOR}
    two().when("summit pair", **{**pair, **body}).refuses(kind, words)


def test_nothing_is_recorded_on_a_pair_with_an_engagement_that_is_over() -> None:
    story = two().do("engagement withdraw", "dana", engagement=HARBOR, reason="vacancy")
    story.when("summit pair", summit="Y2-5", one=ALDER, other=HARBOR).refuses(
        WrongState, HARBOR, "handrail engagement show"
    )


def test_a_promise_is_owed_until_it_is_settled() -> None:
    story = after_the_summit()
    promise: dict[str, Any] = {"summit": "Y1-1", "text": "Share the plan", "by": date(2026, 12, 18)}
    story.when("summit commitment add", **promise).records(SummitCommitted)
    assert story.planned_days("Y1-1/1")[0] == date(2026, 12, 4)
    story.when("summit commitment add", **promise).refuses(AlreadyExists, "Y1-1/1")
    story.when("summit commitment add", **{**promise, "by": date(2026, 11, 16)}).refuses(
        ImpossibleDate, "--due"
    )
    done: dict[str, Any] = {"summit": "Y1-1", "commitment": "y1-1/1"}
    story.when("summit commitment settle", **done, outcome="dropped").refuses(Incomplete, "--note")
    story.when("summit commitment settle", **done, outcome="kept").records(SummitCommitmentSettled)
    assert {n.reason for n in story.ledger("Y1-1/1")} == {"kept"}
    story.when("summit commitment settle", **done, outcome="kept").refuses(AlreadyExists)
    story.when("summit commitment settle", summit="Y1-1", commitment="9", outcome="kept").refuses(
        Unknown, "1 (Share the plan)"
    )


def capped(story: Story, hours: int) -> Story:
    """The story under a playbook with another cap."""
    assert PLAYBOOK.burden is not None
    rules = PLAYBOOK.burden.model_copy(update={"cap_hours": Decimal(hours)})
    story.playbook = PLAYBOOK.model_copy(update={"burden": rules})
    return story


def test_the_cap_is_told_and_keeps_nobody_from_following() -> None:
    followed, _ = moved(capped(two(), 10), ALDER, HARBOR)
    assert followed.over_cap == "12 LEA hours in May 2028 against 10"


def test_registering_over_the_cap_is_refused_and_may_be_waived() -> None:
    story = capped(two(), 10)
    coming: dict[str, Any] = {"engagement": ALDER, "summit": "Y2-5", "places": {"teacher": 2}}
    story.when("summit register", **coming).refuses(
        TooMany, "12 h", "cap 10 h", "handrail burden waive"
    )
    story.when("summit register", "dana", **coming, waive_burden="both boards asked").records(
        BurdenWaived, SummitRegistered
    )


def test_what_falls_due_on_the_days_of_a_summit_is_warned_about() -> None:
    story = two()
    first = story.state().of(Invitations).all["Y2-5"].first
    assert first is not None
    days = WorkingDays(CALENDAR)
    assert any("Summit Y2-5" in said for said in collisions("W1", first, story.state(), days))
    assert collisions("Y2-5", first, story.state(), days) == [], "not in its own way"


@pytest.mark.parametrize("row", table("summits.md", "How many a year"), ids=str)
def test_the_summits_of_a_year_are_counted_as_the_table_says(row: Row) -> None:
    assert PLAYBOOK.summits is not None
    assert CALENDAR.fiscal_year is not None
    spans = [part.split(" to ") for part in row["Planned"].split(", ")]
    planned = [
        PlannedSummit(f"Y{n}", day(first), day(last)) for n, (first, last) in enumerate(spans, 1)
    ]
    [year] = by_year(planned, PLAYBOOK.summits, CALENDAR.fiscal_year)
    assert (year.fiscal_year, year.told()) == (row["Fiscal year"], row["Said"])


# What was held before it could be planned here --------------------------------------------------

HELD = {
    "summit": "Y1-1",
    "title": "Fall summit",
    "first": date(2021, 10, 4),
    "last": date(2021, 10, 5),
    "place": "Fresno",
}


def test_a_summit_that_was_held_is_entered_with_who_was_there() -> None:
    story = Story(date(2026, 10, 15)).do(
        "engagement open", lea="ACUSD", lead="marcus", director="dana", contact="joy",
        effective=date(2021, 8, 2),
    )  # fmt: skip
    [event] = story.when("summit enter", **HELD).records(SummitEntered)
    assert "was held Mon 4 Oct 2021 to Tue 5 Oct 2021 in Fresno" in event.sentence()
    assert "LEA hours" not in event.sentence()
    assert story.history("summit:Y1-1")[0].stamp.effective_at.date() == date(2021, 10, 5)
    story.do("summit session add", summit="Y1-1", day=1, title="Data")
    story.do("summit attendance record", summit="Y1-1", day="1", role="teacher", count=8)
    story.do("summit commitment add", summit="Y1-1", text="Share it", by=date(2021, 11, 1),
             effective=date(2021, 10, 5))  # fmt: skip
    story.do("summit commitment settle", summit="Y1-1", commitment="1", outcome="kept",
             effective=date(2021, 10, 29))  # fmt: skip
    assert story.state().of(Attendance).at("Y1-1").people == 8
    assert not [n for n in story.ledger() if n.planned.item.startswith("Y1-1")]


def test_what_was_held_is_neither_invited_to_nor_still_to_come() -> None:
    story = Story(date(2026, 10, 15)).effective()
    story.when(
        "summit enter", **{**HELD, "first": date(2026, 10, 14), "last": date(2026, 10, 15)}
    ).refuses(ImpossibleDate, "not before today", "handrail summit plan Y1-1")
    story.when(
        "summit plan", **{**PLAN, "first": date(2021, 10, 4), "last": date(2021, 10, 5)}
    ).refuses(ImpossibleDate, "handrail summit enter Y1-1 --first 2021-10-04")
    story.do("summit enter", **HELD)
    story.when("summit invite", summit="Y1-1").refuses(WrongState, "it was held")
    story.when("summit enter", **HELD).refuses(AlreadyExists, "handrail correct summit:Y1-1 1")


def test_a_summit_of_years_ago_is_planned_and_joined_with_the_days_of_then() -> None:
    past = date(2021, 8, 30)
    story = Story(date(2021, 8, 2)).effective().away_until(date(2026, 10, 15))
    given = {**PLAN, "first": date(2021, 10, 4), "last": date(2021, 10, 5)}
    story.do("summit plan", effective=past, **{**given, "registration_due": date(2021, 9, 20)})
    story.do("summit conclude", SYSTEM, summit="Y1-1")
    story.do("summit invite", summit="Y1-1", effective=past)
    story.do("summit register", summit="Y1-1", places={"teacher": 3}, effective=date(2021, 9, 10))
    assert story.state().of(Invitations).all["Y1-1"].registered == 3
    assert not [n for n in story.ledger("Y1-1/registration") if n.status == "planned"]
    story.when("summit invite", summit="Y1-1").refuses(WrongState, "it was held")


# Put right ---------------------------------------------------------------------------------------


def told_of(story: Story) -> Story:
    return story.do("summit take-over", SYSTEM, summit="Y1-1")


def mended(story: Story, verb: str, kind: str, **body: Any) -> Story:
    """Mend the last entry that a command made on the summit, and let the LEA hear of it."""
    [*_, entry] = [e for e in story.entries["summit:Y1-1"]
                   if e.command and e.command.kind() == kind]  # fmt: skip
    story.do(f"entry {verb}", "dana", of="summit:Y1-1", entry=entry.number, reason="a slip", **body)
    return told_of(story)


@pytest.mark.parametrize(
    ("wrong", "shows"),
    [
        ({"title": "Frist summit"}, {"title": PLAN["title"]}),
        ({"place": "Fresno"}, {"place": PLAN["place"]}),
        ({"hours": 21}, {"hours": PLAN["hours"]}),
        ({"first": date(2026, 11, 11)}, {"first": PLAN["first"]}),
        ({"registration_due": date(2026, 11, 5)}, {"registration_due": PLAN["registration_due"]}),
    ],
    ids=lambda value: next(iter(value)),
)
def test_what_was_typed_wrongly_of_a_summit_is_put_right_at_each_lea(
    wrong: dict[str, Any], shows: dict[str, Any]
) -> None:
    def invited(**plan: Any) -> Story:
        story = Story(date(2026, 10, 15)).effective().do("summit plan", **{**PLAN, **plan})
        return story.do("summit invite", summit="Y1-1")

    right = invited()
    story = mended(invited(**wrong), "correct", "summit plan", values={k: PLAN[k] for k in wrong})
    [known], [there] = (s.state().of(Invitations).all.values() for s in (story, right))
    for name, value in shows.items():
        assert getattr(known, name) == value
    assert replace(known, past=()) == there
    assert story.state("summit:Y1-1").of(Summit) == right.state("summit:Y1-1").of(Summit)
    planned = [[row for row in registration(s) if row[2] == "planned"] for s in (story, right)]
    assert planned[0] == planned[1] != []


def test_a_summit_called_off_by_mistake_takes_place_and_all_are_invited_as_before() -> None:
    story = Story(date(2026, 10, 15)).effective().do("summit plan", **PLAN)
    story.do("summit invite", summit="Y1-1")
    story.do("summit register", summit="Y1-1", places={"teacher": 3})
    before = story.state().of(Invitations).all["Y1-1"]
    told_of(story.do("summit cancel", summit="Y1-1", reason="the wrong one"))
    assert story.state().of(Invitations).all["Y1-1"].status == "cancelled"

    mended(story, "retract", "summit cancel")

    assert story.state("summit:Y1-1").of(Summit).is_open
    assert story.state().of(Invitations).all["Y1-1"] == before


def test_a_summit_moved_by_mistake_is_back_on_its_days_and_can_be_moved_again() -> None:
    story = Story(date(2026, 10, 15)).effective().do("summit plan", **PLAN)
    story.do("summit invite", summit="Y1-1")
    moved = {"summit": "Y1-1", "reason": "r"}
    told_of(story.do("summit reschedule", to=date(2026, 12, 3), **moved))
    mended(story, "retract", "summit reschedule")
    known = story.state().of(Invitations).all["Y1-1"]
    assert (known.first, known.registration_due) == (PLAN["first"], PLAN["registration_due"])
    assert [d for _, d, status, _ in registration(story) if status == "planned"]

    told_of(story.do("summit reschedule", to=date(2026, 12, 10), **moved))
    assert story.state().of(Invitations).all["Y1-1"].first == date(2026, 12, 10)
    story.when("entry retract", of="summit:Y1-1", entry=1, reason="x").refuses(
        WrongState, "handrail correct summit:Y1-1 1", "handrail summit cancel"
    )


def test_a_pair_is_taken_back_at_the_summit_and_at_both_leas() -> None:
    story = with_harbor(Story(date(2026, 10, 15)).effective()).do("summit plan", **PLAN)
    for engagement in (ALDER, HARBOR):
        story.do("summit invite", summit="Y1-1", engagement=engagement)
    story.do("summit pair", summit="Y1-1", one=ALDER, other=HARBOR)
    assert story.state().of(Attendance).pairs
    [*_, entry] = [e for e in story.entries["summit:Y1-1"] if e.command]
    story.do("entry retract", "dana", of="summit:Y1-1", entry=entry.number, reason="slip")
    assert story.state("summit:Y1-1").of(SummitProgram).pairs == ()
    for engagement in (ALDER, HARBOR):
        assert story.state(f"engagement:{engagement}").of(Attendance).pairs == ()


def test_who_came_and_who_was_invited_are_put_right() -> None:
    story = Story(date(2026, 10, 15)).effective().do("summit plan", **PLAN)
    story.do("summit invite", summit="Y1-1").on(date(2026, 11, 12))
    invited, came = "summit invite", "summit attendance record"
    story.do(came, summit="Y1-1", day="1", role="teacher", count=8)

    def entry(kind: str) -> int:
        [*_, last] = [
            e for e in story.entries[story.about] if e.command and e.command.kind() == kind
        ]
        return last.number

    story.do("entry correct", "dana", entry=entry(came), values={"count": 6}, reason="slip")
    assert story.state().of(Attendance).at("Y1-1").people == 6
    story.do("entry retract", "dana", entry=entry(came), reason="slip")
    story.do("entry retract", "dana", entry=entry(invited), reason="slip")
    assert not story.state("summit:Y1-1").of(Summit).invited
    assert not story.state().of(Invitations).all
