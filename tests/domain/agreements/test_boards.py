"""docs/rules/boards.md, row by row: the clock of each board's agenda, and every refusal."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from domain.agreements.agenda import AgendaItem, clocked
from domain.agreements.agreements import AgreementEffective, Agreements, BoardActed, BoardItem
from domain.agreements.boards import (
    AgendaPosted,
    BoardItemSubmitted,
    MeetingWithoutQuorum,
    PulledFromConsent,
)
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.owing.obligations import Obligation, obligations
from domain.policy.calendar import at_local, local_date
from domain.policy.parts import OpenMeetingAct, PostingRules
from domain.policy.reminder_policies import ReminderPolicy
from domain.reminders.claiming import announcement
from domain.reminders.notices import ClaimNotices
from domain.rules.context import SYSTEM
from tests.domain.story import ALDER, ENGAGEMENT, PLAYBOOK, ZONE, Story, made
from tests.domain.tables import Row, day, table

MEETING = date(2026, 9, 24)
DEADLINE = date(2026, 9, 21)
LATER = date(2026, 10, 8)
POSTING = PLAYBOOK.posting
assert POSTING is not None


def moment(cell: str) -> datetime:
    """A day and an hour as the page writes them."""
    on, _, hour = cell.rpartition(" ")
    return at_local(day(on), time.fromisoformat(hour), ZONE)


def item(story: Story, board: str = "lea", agreement: str = "A1") -> BoardItem:
    found = next(a for a in story.state().of(Agreements).all if a.id == agreement)
    return found.boards[board]


def on_agenda(story: Story, board: str = "lea") -> AgendaItem:
    found = item(story, board).on_agenda
    assert found is not None
    return found


def owed(story: Story, board: str = "lea", agreement: str = "A1") -> list[Obligation]:
    return [
        o
        for o in obligations(story.state(), story.context(SYSTEM, None))
        if o.item == f"{agreement}/posting-{board}"
    ]


def drafted(on: date = date(2026, 9, 2)) -> Story:
    """A drafted agreement, with a board clerk and an assistant."""
    story = Story(on).drafted()
    story.do("engagement assign", "dana", role="board_clerk", person="mendes")
    return story.do("engagement assign", "dana", role="assistant", person="tess")


def submitted(**body: Any) -> Story:
    story = drafted().on(date(2026, 9, 10))
    values = {"board": "lea", "meeting": MEETING, "at": "18:00", **body}
    return story.do("board submit", **values)


def alarms(story: Story, status: str) -> list[str]:
    return [
        clocked(n.planned.planned_for, ZONE)
        for n in story.ledger("A1/posting-lea")
        if n.status == status
    ]


@pytest.mark.parametrize(
    "row",
    table("boards.md", "The deadline"),
    ids=lambda r: f"{r['Meeting']} {r['Kind']} {r['Act']}",
)
def test_a_deadline_is_worked_back_from_the_meeting(row: Row) -> None:
    meeting = moment(row["Meeting"])
    on = local_date(meeting, ZONE)
    act = None if row["Act"] in ("brown-act", "none") else row["Act"]
    board = "lea" if row["Act"] == "brown-act" else "ccee"
    [event] = (
        drafted()
        .when(
            "board submit",
            board=board,
            meeting=on,
            at=meeting.astimezone(ZoneInfo(ZONE)).time(),
            meeting_kind=row["Kind"],
            act=act,
        )
        .records(BoardItemSubmitted)
    )
    assert isinstance(event, BoardItemSubmitted)
    if row["Posted by"] == "no deadline":
        assert event.posting.post_by is None
        assert "no act is named" in event.sentence()
    else:
        assert event.posting.post_by == moment(row["Posted by"])
        assert row["Posted by"] in event.sentence()
        assert event.posting.act == row["Act"]


def test_an_act_may_leave_rest_days_out_of_its_days() -> None:
    assert POSTING is not None
    [brown, *others] = POSTING.acts
    strict = brown.model_copy(
        update={"rest_days_count": False, "regular_hours": None, "regular_days": 2}
    )
    story = drafted()
    posting = POSTING.model_copy(update={"acts": (strict, *others)})
    story.playbook = PLAYBOOK.model_copy(update={"posting": posting})
    story.do("board submit", board="lea", meeting=date(2026, 9, 8), at="18:00")
    by = on_agenda(story).posting
    assert by is not None
    assert by.post_by is not None
    assert (clocked(by.post_by, ZONE), by.notice) == ("Thu 3 Sep 2026 18:00", "2 days")


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"regular_hours": 240, "regular_days": 10},
    ],
)
def test_an_act_says_hours_or_days(said: dict[str, int]) -> None:
    with pytest.raises(ValidationError, match="regular_hours or regular_days"):
        OpenMeetingAct.model_validate({"id": "a", "name": "Act", "special_hours": 24, **said})


@pytest.mark.parametrize(
    ("what", "body"),
    [
        ("board submit", {"meeting": date(2027, 3, 14), "at": "02:30"}),
        ("board submit", {"meeting": date(2027, 3, 14), "at": "02:00"}),
        ("board post", {"on": date(2027, 3, 14), "at": "02:59"}),
        ("board no-quorum", {"next_meeting": date(2027, 3, 14), "next_at": "02:30"}),
        (
            "agreement act",
            {
                "action": "continued",
                "meeting": date(2026, 9, 24),
                "next_meeting": date(2027, 3, 14),
                "next_at": "02:30",
            },
        ),
    ],
)
def test_an_hour_that_the_clock_skips_is_refused(what: str, body: dict[str, Any]) -> None:
    story = drafted().do("board submit", board="lea", meeting=date(2026, 9, 24), at="18:00")
    story.on(date(2027, 3, 20)).when(what, board="lea", **body).refuses(
        ImpossibleDate, "Sun 14 Mar 2027", "go forward", "Give the time"
    )


@pytest.mark.parametrize("at", ["01:59", "03:00"])
def test_the_hours_around_it_are_taken(at: str) -> None:
    drafted().when("board submit", board="lea", meeting=date(2027, 3, 14), at=at).records(
        BoardItemSubmitted
    )


def test_of_an_hour_that_comes_twice_the_first_is_meant() -> None:
    story = drafted()
    [event] = story.when(
        "board submit", board="lea", meeting=date(2026, 11, 1), at="01:30"
    ).records(BoardItemSubmitted)
    assert isinstance(event, BoardItemSubmitted)
    assert event.posting.meeting_at == datetime(2026, 11, 1, 8, 30, tzinfo=UTC)


def test_an_act_may_leave_rest_days_out() -> None:
    assert POSTING is not None
    [brown, *others] = POSTING.acts
    strict = brown.model_copy(update={"rest_days_count": False, "regular_hours": 50})
    story = drafted()
    posting = POSTING.model_copy(update={"acts": (strict, *others)})
    story.playbook = PLAYBOOK.model_copy(update={"posting": posting})
    story.do("board submit", board="lea", meeting=date(2026, 9, 8), at="18:00")
    by = on_agenda(story).posting
    assert by is not None
    assert by.post_by is not None
    # Labor Day and the weekend are passed over: two working days before Tuesday is Thursday.
    assert clocked(by.post_by, ZONE) == "Thu 3 Sep 2026 16:00"


def test_the_policy_is_the_one_in_the_table() -> None:
    policy = PLAYBOOK.policy("posting")
    assert policy.any_hour
    assert [(r["Step"], r["When"], r["Who is told"]) for r in table("boards.md", "The alarms")] == [
        (s.id, f"{s.hours} hours", ", ".join(s.to)) for s in policy.steps
    ]


def test_a_policy_in_hours_is_an_alarm() -> None:
    with pytest.raises(ValidationError, match="any_hour"):
        ReminderPolicy.model_validate(
            {"id": "x", "steps": [{"id": "a", "hours": -2, "to": ["owner"]}]}
        )


def test_a_board_is_bound_by_a_known_act() -> None:
    with pytest.raises(ValidationError, match="brown-atc"):
        PostingRules.model_validate(
            {"policy": "posting", "acts": [], "boards": {"lea": {"act": "brown-atc"}}}
        )
    content = PLAYBOOK.model_dump()
    content["posting"]["boards"] = {"lae": {}}
    with pytest.raises(ValidationError, match="'lae'"):
        type(PLAYBOOK).model_validate(content)


@pytest.mark.parametrize("row", table("boards.md", "Posted"), ids=lambda r: r["Posted"])
def test_what_is_posted_late_is_said_and_nothing_else(row: Row) -> None:
    at = moment(row["Posted"])
    story = submitted().on(date(2026, 9, 22), time(10))
    local = at.astimezone(ZoneInfo(ZONE))
    [event] = story.when("board post", board="lea", on=local.date(), at=f"{local:%H:%M}").records(
        AgendaPosted
    )
    assert isinstance(event, AgendaPosted)
    assert event.at == at
    assert event.came_true() == local_date(at, ZONE)
    assert f", {row['Said']}" in event.sentence()
    assert on_agenda(story).late == (row["Said"] == "late")
    assert [o.settled for o in owed(story)] == ["posted"]


def test_alder_creeks_boards_go_as_the_table_says() -> None:
    rows = {r["Moment"]: r for r in table("boards.md", "Alder Creek's two boards")}
    story = drafted()

    def at(cell: str) -> Row:
        story.until(moment(cell))
        return rows[cell]

    def check(row: Row) -> None:
        running = [o.due_at for o in owed(story) if o.settled in (None, "posted")]
        wanted = row["Deadline of the LEA's board"]
        assert running == ([] if wanted == "none" else [moment(wanted)])

    row = at("Thu 10 Sep 2026 09:00")
    story.do(
        "board submit", board="lea", meeting=MEETING, at="18:00", consent=True, person="mendes",
        evidence="mail of 10 September",
    )  # fmt: skip
    check(row)
    assert alarms(story, "planned") == ["Mon 21 Sep 2026 16:00", "Mon 21 Sep 2026 18:00"]

    story.until(moment("Mon 21 Sep 2026 16:00") - timedelta(minutes=1))
    assert story.mails == []
    check(at("Mon 21 Sep 2026 16:00"))
    assert sorted(m.person for m in story.mails) == ["p-mendes", "p-tess"]
    assert {m.at for m in story.mails} == {moment("Mon 21 Sep 2026 16:00")}
    assert {m.items for m in story.mails} == {(("A1/posting-lea", 1, "2h"),)}

    row = at("Mon 21 Sep 2026 17:20")
    body = {"person": "mendes", "evidence": "the district's website"}
    story.do("board post", board="lea", on=date(2026, 9, 21), at="17:20", **body)
    check(row)
    check(at("Mon 21 Sep 2026 18:00"))
    assert len(story.mails) == 2
    [suppressed] = [n for n in story.ledger("A1/posting-lea") if n.status == "suppressed"]
    assert (suppressed.planned.step, suppressed.reason) == ("deadline", "posted")

    row = at("Thu 24 Sep 2026 20:00")
    story.do("board pull", board="lea", reason="a trustee asks for a discussion")
    [acted] = story.when(
        "agreement act", board="lea", action="continued", meeting=MEETING, next_meeting=LATER
    ).records(BoardActed)
    assert "agenda posted by Mon 5 Oct 2026 18:00" in acted.sentence()
    assert [o.settled for o in owed(story)] == ["posted", None]
    assert owed(story)[-1].due_at == moment(row["Deadline of the LEA's board"])
    assert alarms(story, "planned") == ["Mon 5 Oct 2026 16:00", "Mon 5 Oct 2026 18:00"]

    at("Thu 1 Oct 2026 09:00")
    story.do("agreement act", board="ccee", action="signed", meeting=date(2026, 10, 1))
    assert item(story, "ccee").state == "signed"
    story.until(moment("Mon 5 Oct 2026 16:30"))
    story.do("board post", board="lea", on=date(2026, 10, 5), at="16:30")
    row = at("Thu 8 Oct 2026 20:00")
    [acted] = story.when(
        "agreement act", board="lea", action="approved", meeting=LATER, vote="4-1"
    ).records(BoardActed)
    assert isinstance(acted, BoardActed)
    assert not acted.on_consent
    row = at("Thu 15 Oct 2026 20:00")
    effective = story.when(
        "agreement act", board="ccee", action="ratified", meeting=date(2026, 10, 15),
        person="lionel", evidence="minutes",
    ).records(BoardActed, AgreementEffective)[1]  # fmt: skip
    assert isinstance(effective, AgreementEffective)
    assert effective.on == date(2026, 10, 15)
    assert story.engagement.phase == "onboarding"
    assert alarms(story, "planned") == []


def test_an_unposted_agenda_is_said_at_the_deadline_too() -> None:
    story = submitted().on(date(2026, 9, 22))
    assert alarms(story, "sent") == ["Mon 21 Sep 2026 16:00", "Mon 21 Sep 2026 18:00"]
    assert len(story.mails) == 4


def test_an_alarm_goes_on_a_sunday_and_at_night() -> None:
    story = drafted()
    story.do(
        "board submit", board="lea", meeting=date(2026, 9, 14), at="23:00", meeting_kind="special"
    )
    story.on(date(2026, 9, 15))
    assert {clocked(m.at, ZONE) for m in story.mails} == {
        "Sun 13 Sep 2026 21:00",
        "Sun 13 Sep 2026 23:00",
    }


def test_an_alarm_does_not_wait_for_the_next_morning_after_the_days_digest() -> None:
    story = Story(date(2027, 3, 2)).effective().proposed(date(2027, 4, 16)).signed()
    story.do("agreement draft", type="amendment")
    story.do("board submit", board="lea", meeting=date(2027, 4, 19), at="18:00")
    story.on(date(2027, 4, 17))
    # Nobody is board clerk or assistant: Joy stands in for the one, Marcus for the other.
    friday = [m for m in story.mails if m.on == date(2027, 4, 16) and m.person == "p-joy"]
    assert [(clocked(m.at, ZONE), m.items) for m in friday] == [
        ("Fri 16 Apr 2027 08:00", (("D1", 1, "due"),)),
        ("Fri 16 Apr 2027 16:00", (("A2/posting-lea", 1, "2h"),)),
        ("Fri 16 Apr 2027 18:00", (("A2/posting-lea", 1, "deadline"),)),
    ]


def test_a_digest_never_takes_an_alarm() -> None:
    story = submitted().away_until(DEADLINE, time(17))
    mail: dict[str, Any] = {"mail": UUID(int=1), "message_id": "<x@y>"}
    claim = ClaimNotices(of=ENGAGEMENT, person="p-tess", on=DEADLINE, **mail)
    story.when(claim, SYSTEM).records()


def test_an_alarm_that_a_slow_clock_found_too_early_is_announced_again() -> None:
    story = submitted().away_until(DEADLINE, time(16))
    told = announcement(story.state(), story.context(SYSTEM, None), lambda _: False)
    assert ("p-mendes", 1) in told.alarms
    mail: dict[str, Any] = {"mail": UUID(int=1), "message_id": "<x@y>"}
    claim = ClaimNotices(of=ENGAGEMENT, person="p-mendes", on=DEADLINE, alarm=1, **mail)
    story.now -= timedelta(seconds=2)  # on another machine
    story.when(claim, SYSTEM).records()
    assert next(n.status for n in story.ledger("A1/posting-lea")) == "planned"
    story.now += timedelta(seconds=2)
    assert told.again_at is not None
    assert story.now < told.again_at < story.now + timedelta(minutes=10)
    again = announcement(story.state(), story.context(SYSTEM, None), lambda _: False)
    assert again.alarms == told.alarms


def test_after_an_outage_only_the_last_alarm_goes() -> None:
    story = submitted().away_until(date(2026, 9, 22), time(7))
    told = announcement(story.state(), story.context(SYSTEM, None), lambda _: False)
    assert {person for person, _ in told.alarms} == {"p-mendes", "p-tess"}
    story.on(date(2026, 9, 22), time(9))
    assert sorted((m.person, m.items) for m in story.mails) == [
        ("p-mendes", (("A1/posting-lea", 1, "deadline"),)),
        ("p-tess", (("A1/posting-lea", 1, "deadline"),)),
    ]
    assert [n.reason for n in story.ledger("A1/posting-lea")] == [
        "superseded after an outage",
        None,
    ]


def test_whoever_was_still_to_be_told_is_not_once_it_is_posted() -> None:
    story = submitted().away_until(DEADLINE, time(16))
    claim = ClaimNotices(
        of=ENGAGEMENT, mail=UUID(int=1), message_id="<x@y>",
        person="p-mendes", on=DEADLINE, alarm=1,
    )  # fmt: skip
    story.do(claim, SYSTEM)
    story.do("board post", board="lea", on=date(2026, 9, 21), at="16:00")
    deliveries = story.ledger("A1/posting-lea")[0].deliveries
    assert (deliveries["p-mendes"].outcome, deliveries["p-tess"].outcome) == ("pending", "dropped")
    again = claim.model_copy(update={"person": "p-tess"})
    story.when(again, SYSTEM).records()


def test_the_agencys_own_agenda_alarms_the_assistant() -> None:
    story = submitted(board="ccee", meeting=date(2026, 10, 15), at="10:00", act="bagley-keene")
    assert [(o.owner, o.side) for o in owed(story, "ccee")] == [("assistant", "agency")]
    story.on(date(2026, 10, 6))
    assert {m.person for m in story.mails} == {"p-tess"}


def test_what_is_approved_on_the_consent_agenda_says_so() -> None:
    story = submitted(consent=True).on(date(2026, 9, 25))
    [acted] = story.when("agreement act", board="lea", action="approved", meeting=MEETING).records(
        BoardActed
    )
    assert isinstance(acted, BoardActed)
    assert acted.on_consent
    assert "on consent" in acted.sentence()


def test_what_was_pulled_is_continued_as_an_item_of_its_own() -> None:
    story = submitted(consent=True)
    [pulled] = story.when("board pull", board="lea", reason="a question").records(PulledFromConsent)
    assert isinstance(pulled, PulledFromConsent)
    assert pulled.reason is not None
    assert pulled.reason.about == f"engagement:{ALDER}"
    story.on(date(2026, 9, 25))
    story.do("agreement act", board="lea", action="continued", meeting=MEETING, next_meeting=LATER)
    assert not on_agenda(story).on_consent


@pytest.mark.parametrize(
    ("body", "round_two"),
    [
        pytest.param({}, None, id="open"),
        pytest.param({"next_meeting": LATER}, "Mon 5 Oct 2026 18:00", id="same hour"),
        pytest.param(
            {"next_meeting": LATER, "next_at": "19:30"}, "Mon 5 Oct 2026 19:30", id="another hour"
        ),
    ],
)
def test_without_a_quorum_the_clock_moves_or_stops(
    body: dict[str, Any], round_two: str | None
) -> None:
    story = submitted().on(date(2026, 9, 25))
    [event] = story.when("board no-quorum", board="lea", **body).records(MeetingWithoutQuorum)
    assert isinstance(event, MeetingWithoutQuorum)
    assert event.came_true() == MEETING
    assert item(story).state == "pending"
    first, *rest = owed(story)
    assert first.settled == "no quorum"
    assert [clocked(o.due_at, ZONE) for o in rest if o.due_at] == ([round_two] if round_two else [])
    assert (item(story).on_agenda is None) == (round_two is None)
    if round_two is None:
        story.do("board submit", board="lea", meeting=LATER, at="18:00")
        assert on_agenda(story).round == 2


def test_a_continuation_before_any_agenda_has_a_clock_once_its_hour_is_known() -> None:
    story = drafted().on(date(2026, 9, 25))
    act: dict[str, Any] = {"board": "lea", "action": "continued", "meeting": MEETING}
    story.do("agreement act", next_meeting=LATER, **act)
    assert owed(story) == []
    story.do("agreement act", next_meeting=LATER, next_at="18:00", **act)
    assert [clocked(o.due_at, ZONE) for o in owed(story) if o.due_at] == ["Mon 5 Oct 2026 18:00"]


def test_submitting_for_another_meeting_moves_the_clock() -> None:
    story = submitted()
    story.do("board submit", board="lea", meeting=LATER, at="18:00")
    assert [o.settled for o in owed(story)] == ["moved to another meeting", None]
    assert alarms(story, "suppressed") == ["Mon 21 Sep 2026 16:00", "Mon 21 Sep 2026 18:00"]
    assert alarms(story, "planned") == ["Mon 5 Oct 2026 16:00", "Mon 5 Oct 2026 18:00"]


def test_a_denial_by_the_other_board_stops_the_clock() -> None:
    story = submitted().on(date(2026, 9, 11))
    story.do("agreement act", board="ccee", action="denied", meeting=date(2026, 9, 11))
    assert alarms(story, "planned") == []
    assert {n.reason for n in story.ledger("A1/posting-lea")} == {"denied"}


def test_each_agreement_has_its_own_clock() -> None:
    story = Story(date(2026, 9, 2)).effective()
    for kind in ("amendment", "data-sharing"):
        story.do("agreement draft", type=kind)
    body: dict[str, Any] = {"board": "lea", "meeting": MEETING, "at": "18:00"}
    story.when("board submit", **body).refuses(Incomplete, "A2 (amendment of A1)", "--agreement A2")
    story.do("board submit", agreement="A2", **body)
    story.do("board submit", agreement="a3", **{**body, "meeting": LATER})
    assert [clocked(o.due_at, ZONE) for o in owed(story, agreement="A3") if o.due_at] == [
        "Mon 5 Oct 2026 18:00"
    ]
    assert "--agreement A3" in owed(story, agreement="A3")[0].command


# Refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        pytest.param({"board": "cce"}, Unknown, ("'cce'", "Did you mean ccee"), id="board"),
        pytest.param({"act": "brown"}, Unknown, ("'brown'", "brown-act"), id="act"),
        pytest.param({"agreement": "A9"}, Unknown, ("'A9'", "A1"), id="agreement"),
        pytest.param(
            {"meeting": date(2026, 9, 1)}, ImpossibleDate, ("Tue 1 Sep 2026", "Wed 2 Sep 2026"),
            id="before the draft",
        ),
        pytest.param({"meeting": date(2226, 9, 24)}, ImpossibleDate, ("2226",), id="far ahead"),
        pytest.param({"person": "mendes"}, Incomplete, ("--evidence",), id="no evidence"),
        pytest.param({"person": "carlo", "evidence": "x"}, Unknown, ("'carlo'",), id="person"),
        pytest.param({}, AlreadyExists, ("Thu 24 Sep 2026 18:00", "board post"), id="twice"),
    ],
)  # fmt: skip
def test_a_submission_that_cannot_be_is_refused(
    body: dict[str, Any], kind: Any, words: tuple[str, ...]
) -> None:
    values = {"board": "lea", "meeting": MEETING, "at": "18:00", **body}
    submitted().when("board submit", **values).refuses(kind, *words)


def test_nothing_is_submitted_before_a_draft_or_after_the_final_action() -> None:
    body: dict[str, Any] = {"board": "lea", "meeting": MEETING, "at": "18:00"}
    Story().fitting().when("board submit", **body).refuses(WrongState, "handrail agreement draft")
    story = submitted().on(date(2026, 9, 25))
    story.do("agreement act", board="lea", action="approved", meeting=MEETING)
    body["meeting"] = LATER
    story.when("board submit", **body).refuses(WrongState, "approved", "Thu 24 Sep 2026")
    story.when("board post", board="lea", on=date(2026, 9, 25), at="08:00").refuses(
        WrongState, "approved"
    )


def test_a_posting_entered_after_its_meeting_is_that_meetings() -> None:
    story = submitted().on(date(2026, 9, 25))
    story.do("agreement act", board="lea", action="continued", meeting=MEETING, next_meeting=LATER)
    story.do("board post", board="lea", on=date(2026, 9, 21), at="17:20")
    assert [o.settled for o in owed(story)] == ["posted", None]
    story.do("board post", board="lea", on=date(2026, 9, 25), at="08:00")
    assert [o.settled for o in owed(story)] == ["posted", "posted"]


@pytest.mark.parametrize(
    ("on", "at", "words"),
    [
        pytest.param(date(2026, 9, 10), "09:01", ("Thu 10 Sep 2026 09:01", "09:00"), id="ahead"),
        pytest.param(date(2026, 9, 1), "12:00", ("Wed 2 Sep 2026",), id="before the draft"),
    ],
)
def test_a_posting_that_cannot_be_is_refused(on: date, at: str, words: tuple[str, ...]) -> None:
    submitted().when("board post", board="lea", on=on, at=at).refuses(ImpossibleDate, *words)


def test_an_agenda_is_posted_once_and_only_after_a_submission() -> None:
    drafted().when("board post", board="lea", on=date(2026, 9, 2), at="08:00").refuses(
        WrongState, "on no agenda", "handrail board submit"
    )
    story = submitted().do("board post", board="lea", on=date(2026, 9, 10), at="08:30")
    story.when("board post", board="lea", on=date(2026, 9, 10), at="08:40").refuses(
        AlreadyExists, "Thu 10 Sep 2026 08:30"
    )


def test_only_what_is_on_consent_is_pulled() -> None:
    submitted().when("board pull", board="lea").refuses(WrongState, "never on the consent agenda")
    story = submitted(consent=True).do("board pull", board="lea")
    story.when("board pull", board="lea").refuses(WrongState, "pulled already")


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        pytest.param({"next_at": "18:00"}, WrongState, ("--next-at 18:00",), id="an hour alone"),
        pytest.param({"next_meeting": MEETING}, ImpossibleDate, ("later",), id="the same day"),
    ],
)
def test_a_next_meeting_that_cannot_be_is_refused(
    body: dict[str, Any], kind: Any, words: tuple[str, ...]
) -> None:
    story = submitted().on(date(2026, 9, 25))
    story.when("board no-quorum", board="lea", **body).refuses(kind, *words)


@pytest.mark.parametrize(
    ("body", "words"),
    [({}, "the next meeting is open"), ({"next_meeting": LATER}, "next is Thu 8 Oct 2026 18:00")],
)
def test_a_missing_quorum_is_said_once(body: dict[str, Any], words: str) -> None:
    story = submitted().on(date(2026, 9, 25)).do("board no-quorum", board="lea", **body)
    story.when("board no-quorum", board="lea", **body).refuses(
        AlreadyExists, "Thu 24 Sep 2026", words, "handrail board submit"
    )
    if not body:
        story.do("board submit", board="lea", meeting=LATER, at="18:00")
    story.on(LATER, time(20)).when("board no-quorum", board="lea").records(MeetingWithoutQuorum)


@pytest.mark.parametrize(
    ("on", "kind", "late"),
    [
        pytest.param(time(17), "regular", False, id="in time"),
        pytest.param(time(18, 1), "regular", True, id="a minute late"),
        pytest.param(time(18, 1), "special", False, id="in time for a special meeting"),
    ],
)
def test_a_submission_after_its_posting_deadline_says_so(on: time, kind: str, late: bool) -> None:
    story = drafted().on(date(2026, 9, 21), on)
    [event] = story.when(
        "board submit", board="lea", meeting=MEETING, at="18:00", meeting_kind=kind
    ).records(BoardItemSubmitted)
    assert ("deadline had passed" in event.sentence()) is late


def test_a_posting_after_the_meeting_says_so() -> None:
    story = submitted().on(date(2026, 9, 25))
    [event] = story.when("board post", board="lea", on=date(2026, 9, 25), at="08:00").records(
        AgendaPosted
    )
    assert "the meeting was Thu 24 Sep 2026 18:00, before the posting" in event.sentence()


def test_a_meeting_that_is_still_to_come_has_not_failed() -> None:
    submitted().when("board no-quorum", board="lea").refuses(ImpossibleDate, "Thu 24 Sep 2026")


@pytest.mark.parametrize("at", ["18", "6pm", "25:00", "2026-09-10 18:00+00:00", "18:00Z"])
def test_an_hour_has_its_form(at: str) -> None:
    with pytest.raises(ValidationError):
        made("board submit", board="lea", meeting=MEETING, at=at)
    with pytest.raises(ValidationError):
        made("board post", board="lea", on=MEETING, at=at)


def test_the_assistant_is_staff_and_the_clerk_is_the_leas() -> None:
    story = Story().opened()
    story.when("engagement assign", "dana", role="assistant", person="joy").refuses(WrongPerson)
    story.when("engagement assign", "dana", role="board_clerk", person="tess").refuses(WrongPerson)
