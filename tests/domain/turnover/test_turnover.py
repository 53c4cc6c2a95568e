"""docs/rules/turnover.md, row by row: leaders who leave, recommitment and holds."""

from datetime import date, time
from typing import Any

import pytest

from domain.engagement.engagement import RoleAssigned
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Refused,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.owing.obligations import Obligation, obligations
from domain.policy.calendar import Closure, at_local, local_date
from domain.policy.playbook import Playbook
from domain.reminders.notices import NoticesSuppressed
from domain.rules.context import SYSTEM
from domain.rules.registry import fold
from domain.team.members import Team, TeamMemberLeft
from domain.team.risks import RiskChanged, Risks
from domain.turnover.holds import PASSED, HoldLifted, HoldPlaced, Holds, told
from domain.turnover.leavings import LeaderLeaving, LeaderLeft, LeaderStayed, Turnover
from domain.turnover.recommitment import ITEM, BoardReaffirmed, Recommitted
from store.events import as_true
from tests.domain.story import ALDER, PLAYBOOK, ZONE, Story
from tests.domain.tables import Row, day, days, table
from tests.domain.team.test_team import staffed

ANNOUNCED = date(2027, 8, 12)
LAST_DAY = date(2027, 8, 31)
ELENA: dict[str, Any] = {"person": "elena", "last_day": LAST_DAY}
ROBERT: dict[str, Any] = {"person": "robert", "evidence": "letter"}
MINUTES: dict[str, Any] = {"meeting": date(2027, 9, 23), "evidence": "minutes, item 12"}


def agreed(*due: date, at: date = date(2027, 6, 1)) -> Story:
    """Deliverables on which both sides have signed."""
    story = staffed(at).effective()
    for n, on in enumerate(due, start=1):
        story.proposed(on, f"Deliverable {n}").signed(f"D{n}")
    return story


def owed(story: Story, item: str) -> Obligation:
    found = obligations(story.state(), story.context(SYSTEM, None))
    return [o for o in found if o.item == item][-1]


def told_of(story: Story, item: str) -> list[date]:
    return sorted({m.on for m in story.mails if any(i == item for i, _, _ in m.items)})


def leaving() -> Story:
    story = agreed(date(2027, 8, 27), date(2027, 10, 8))
    return story.on(ANNOUNCED).do("leader leave", **ELENA)


# The tables ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "row",
    table("turnover.md", "A leader leaves"),
    ids=lambda r: f"{r['Last day']} asked {r['Asked on']}",
)
def test_a_leader_keeps_the_role_until_the_last_day(row: Row) -> None:
    story = staffed().effective().on(day(row["Announced"]))
    story.do("leader leave", person="elena", last_day=day(row["Last day"]))
    story.on(day(row["Asked on"]), story.now.time())
    now = story.engagement.roles.get("superintendent", "p-nobody").removeprefix("p-")
    assert now == row["Superintendent"]


@pytest.mark.parametrize(
    "row", table("turnover.md", "The recommitment"), ids=lambda r: r["Owed by"]
)
def test_a_recommitment_is_owed_within_thirty_days(row: Row) -> None:
    story = staffed().effective().on(day(row["Announced"])).do("leader leave", person="elena")
    assert owed(story, ITEM).due == day(row["Owed by"])
    assert owed(story, ITEM).owner == "lead"


@pytest.mark.parametrize("row", table("turnover.md", "Holds"), ids=lambda r: r["Who"])
def test_the_lead_and_the_director_hold_and_resume(row: Row) -> None:
    who = {
        "Assistant": "tess",
        "Lead of the engagement": "marcus",
        "Another Lead": "priya",
        "Director of the engagement": "dana",
    }[row["Who"]]
    story = Story().opened()
    hold = story.when("engagement hold", who, reason="wildfire")
    if row["May hold and resume"] == "yes":
        hold.records(HoldPlaced)
        story.when("engagement resume", who).records(HoldLifted)
        return
    hold.refuses(WrongPerson, f"p-{who}", "p-marcus", "p-dana")
    story.do("engagement hold", "dana", reason="wildfire")
    story.when("engagement resume", who).refuses(WrongPerson, f"p-{who}")


@pytest.mark.parametrize(
    "row", table("turnover.md", "After a hold"), ids=lambda r: r["What happens"]
)
def test_a_hold_that_is_lifted_brings_no_burst(row: Row) -> None:
    start, lifted = day(row["Held from"]), day(row["Lifted"])
    story = agreed(day(row["Due"])).on(start)
    assert told_of(story, "D1") == ([] if not (b := row["Told before the hold"]) else days(b))
    before = len(story.mails)
    story.do("engagement hold", "marcus", reason="wildfire")
    assert owed(story, "D1").held == "held: H1"
    story.on(lifted)
    assert [m for m in story.mails[before:] if any(i == "D1" for i, _, _ in m.items)] == []
    story.do("engagement resume", "marcus").on(date(2028, 3, 1))
    after = [d for d in told_of(story, "D1") if d >= start]
    assert after == ([] if not (a := row["Told after it"]) else days(a))
    needs = day(row["Due"]) < lifted and day(row["Due"]) >= start
    assert owed(story, "D1").held == (PASSED if needs else None)


def test_a_superintendent_leaves_alder_creek() -> None:
    story = leaving()
    assert story.state().of(Risks).level == "high"
    story.on(date(2027, 9, 7)).do("engagement assign", role="superintendent", person="robert")
    story.on(date(2027, 9, 9)).do("recommitment record", **ROBERT)
    assert story.state().of(Holds).open, "the board has still to reaffirm"
    story.on(date(2027, 9, 23)).do("recommitment reaffirm", **MINUTES)
    assert not story.state().of(Holds).open
    story.do("deliverable redate", "marcus", deliverable="D1", due=date(2027, 10, 22), reason="h")
    story.signed()
    rows = table("turnover.md", "A superintendent leaves Alder Creek")
    found = [
        (n.planned.item, n.planned.round, n.planned.step,
         local_date(n.planned.planned_for, ZONE), n.status, n.reason or "")
        for item in ("D1", ITEM)
        for n in story.ledger(item)
    ]  # fmt: skip
    assert found == [
        (r["Item"], int(r["Round"]), r["Step"], day(r["Planned for"]), r["Fate"], r["Reason"])
        for r in rows
    ]
    # D2 lay ahead all the time: it goes on with the date it had.
    assert story.planned_days("D2")[0] == date(2027, 9, 24)
    assert {m.person for m in story.mails if m.on >= ANNOUNCED} == {"p-marcus"}


# A leader leaves ----------------------------------------------------------------------------


def test_what_follows_a_leaving_is_recorded_with_it() -> None:
    story = agreed(date(2027, 8, 27)).on(ANNOUNCED)
    story.do("team add", person="elena", as_="superintendent")
    left, risk, hold = story.when("leader leave", **ELENA, reason="resigned").records(
        LeaderLeaving, RiskChanged, HoldPlaced
    )
    assert left.sentence() == (
        "p-elena leaves as superintendent (resigned): announced Thu 12 Aug 2027, last day "
        "Tue 31 Aug 2027. The new leader's recommitment is owed by Mon 13 Sep 2027."
    )
    assert isinstance(risk, RiskChanged)
    assert risk.level == "high"
    assert isinstance(hold, HoldPlaced)
    assert hold.items == ("D1",)
    story.on(date(2027, 9, 1))
    facts = [r for r in story.history() if isinstance(r.event, LeaderLeft | TeamMemberLeft)]
    assert [local_date(r.stamp.effective_at, ZONE) for r in facts] == [date(2027, 9, 1)] * 2
    assert story.state().of(Team).current("p-elena") is None
    assert "superintendent" not in story.engagement.roles


def test_an_interim_leader_is_marked_until_they_hold_the_role_for_good() -> None:
    story = leaving().on(LAST_DAY)
    robert = {"role": "superintendent", "person": "robert"}
    [interim] = story.when("engagement assign", interim=True, **robert).records(RoleAssigned)
    assert interim.sentence() == "p-robert is interim superintendent, after p-elena."
    story.when("engagement assign", interim=True, **robert).refuses(AlreadyExists, "interim")
    tenures = story.on(date(2027, 10, 1)).engagement.tenures
    [good] = story.when("engagement assign", **robert).records(RoleAssigned)
    assert good.sentence() == "p-robert is superintendent for good."
    assert story.engagement.roles["superintendent"] == "p-robert"
    assert [(t.interim, t.since) for t in tenures[-1:]] == [
        (True, story.engagement.tenures[-1].since)
    ]
    assert not story.engagement.tenures[-1].interim
    assert len(story.engagement.tenures) == len(tenures), "the same tenure goes on"
    story.when("engagement assign", **robert).refuses(AlreadyExists, "already superintendent")
    told = story.when("engagement assign", interim=True, **robert).records(RoleAssigned)
    assert told[0].sentence() == "p-robert is superintendent for a time only."


def test_an_interim_leader_who_came_before_the_last_day_keeps_the_role() -> None:
    story = leaving().on(date(2027, 8, 23))
    story.do("engagement assign", role="superintendent", person="robert").on(date(2027, 9, 2))
    assert story.engagement.roles["superintendent"] == "p-robert"


def test_the_day_before_it_is_true_the_leader_is_still_there_as_true() -> None:
    story = leaving().on(date(2027, 9, 7))
    story.do("engagement assign", role="superintendent", person="robert")
    then = story.context(SYSTEM, None)
    last = [r for r in story.history() if r.stamp.recorded_at <= then.now]
    at = at_local(date(2027, 8, 24), time(23), ZONE)
    state = fold(f"engagement:{ALDER}", as_true(last, at, ZONE))
    [one] = state.of(Turnover).all
    assert (one.last_day, one.gone) == (LAST_DAY, False)


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        pytest.param({"person": "joy"}, WrongPerson,
                     ("p-joy", "superintendent: p-elena", "handrail team leave"), id="no leader"),
        pytest.param({"person": "dana"}, WrongPerson, ("the agency",), id="of the agency"),
        pytest.param({"person": "elenna"}, Unknown, ("'elenna'", "elena"), id="nobody"),
        pytest.param({"last_day": date(2027, 5, 31)}, ImpossibleDate, ("Mon 31 May 2027",),
                     id="before it began"),
        pytest.param({"last_day": date(2207, 8, 31)}, ImpossibleDate, ("2207",), id="a slip"),
        pytest.param({"effective": date(2027, 8, 13)}, ImpossibleDate, ("Fri 13 Aug 2027",),
                     id="announced tomorrow"),
        pytest.param({"keep": ("D7",)}, Unknown, ("'D7'", "D1"), id="keeps what is not held"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_leaving_is_named(
    body: dict[str, Any], kind: type[Refused], words: tuple[str, ...]
) -> None:
    agreed(date(2027, 8, 27)).on(ANNOUNCED).when("leader leave", **{**ELENA, **body}).refuses(
        kind, *words
    )


def test_a_leaving_is_announced_once() -> None:
    leaving().when("leader leave", **ELENA).refuses(
        AlreadyExists, "Thu 12 Aug 2027", "Tue 31 Aug 2027", "handrail leader stay"
    )


def test_what_is_kept_goes_on() -> None:
    story = agreed(date(2027, 8, 27), date(2027, 10, 8)).on(ANNOUNCED)
    story.do("leader leave", **ELENA, keep=("d1",)).on(date(2027, 8, 14))
    assert told_of(story, "D1") == [date(2027, 8, 13)]
    assert owed(story, "D2").held == "held: H1"


def test_what_belongs_to_a_loose_step_goes_on() -> None:
    content = PLAYBOOK.model_dump(mode="json")
    for step in content["steps"]:
        step["tight"] = step["tight"] and not step.get("items")
    story = staffed(date(2027, 6, 1))
    story.playbook = Playbook.model_validate(content)
    story.effective().proposed(date(2027, 8, 27)).signed().on(ANNOUNCED)
    story.when("leader leave", **ELENA).records(LeaderLeaving, RiskChanged)


def test_a_leader_who_stays_ends_what_followed() -> None:
    story = leaving().on(date(2027, 8, 20))
    story.when("leader stay", person="elena", reason="withdrawn").records(LeaderStayed, HoldLifted)
    assert owed(story, ITEM).settled == "stays"
    story.on(date(2027, 9, 2))
    assert story.engagement.roles["superintendent"] == "p-elena"
    story.when("leader stay", person="elena", reason="r").refuses(WrongState, "handrail team show")
    story.when("leader leave", person="elena").records(
        LeaderLeaving, HoldPlaced
    )  # The risk is as high as it was.


# The recommitment ---------------------------------------------------------------------------


def test_whoever_recommits_holds_the_role_and_is_not_leaving() -> None:
    story = leaving().on(date(2027, 8, 20))
    story.when("recommitment record", person="elena", evidence="l").refuses(
        WrongPerson, "p-elena is leaving", "Tue 31 Aug 2027", "handrail leader stay"
    )
    story.when("recommitment record", **ROBERT).refuses(
        WrongPerson,
        "p-elena",
        "handrail engagement assign alder-creek-usd superintendent @p-robert",
    )
    story.on(date(2027, 9, 7)).when("recommitment record", **ROBERT).refuses(
        WrongPerson, "nobody is"
    )
    story.do("engagement assign", role="superintendent", person="robert")
    story.when("recommitment record", **ROBERT, effective=date(2027, 8, 2)).refuses(
        ImpossibleDate, "Mon 2 Aug 2027", "Thu 12 Aug 2027"
    )
    story.when("recommitment record", **ROBERT).records(Recommitted)
    story.when("recommitment record", **ROBERT).refuses(WrongState, "Tue 7 Sep 2027")


def test_the_board_may_come_first() -> None:
    story = leaving().on(date(2027, 9, 23))
    story.when("recommitment reaffirm", **{**MINUTES, "meeting": date(2027, 9, 24)}).refuses(
        ImpossibleDate, "Fri 24 Sep 2027"
    )
    story.when("recommitment reaffirm", **{**MINUTES, "meeting": date(2027, 8, 3)}).refuses(
        ImpossibleDate, "Tue 3 Aug 2027", "Thu 12 Aug 2027"
    )
    story.when("recommitment reaffirm", **MINUTES).records(BoardReaffirmed)
    story.when("recommitment reaffirm", **MINUTES).refuses(WrongState, "handrail team show")
    story.do("engagement assign", role="superintendent", person="robert")
    story.on(date(2027, 9, 28))
    _, lifted = story.when(
        "recommitment record", **ROBERT, effective=date(2027, 9, 24)
    ).records(Recommitted, HoldLifted)  # fmt: skip
    assert isinstance(lifted, HoldLifted)
    assert [p.item for p in lifted.passed] == ["D1", "D1/measures"]
    assert lifted.sentence() == (
        "H1: lifted from Fri 24 Sep 2027. A new date is to be agreed for D1 (was due Fri 27 Aug "
        "2027)."
    )


def test_a_new_superintendent_means_that_the_one_before_leaves() -> None:
    robert: dict[str, Any] = {"role": "superintendent", "person": "robert"}
    story = staffed().effective().on(date(2027, 8, 12))
    message = story.when("engagement assign", **robert).refuses(
        WrongState, "p-elena is superintendent", "handrail leader leave alder-creek-usd @p-elena"
    )
    assert "renew the commitment" in message
    story.do("leader leave", person="elena")
    story.when("engagement assign", **robert).records(RoleAssigned)
    # A slip is corrected on its own day, without a clock.
    story.when("engagement assign", role="superintendent", person="joy").records(RoleAssigned)
    story.on(date(2028, 1, 10)).when("engagement assign", **robert).refuses(WrongState, "p-joy")
    story.do("leader leave", person="joy").do("leader stay", person="joy", reason="a rumour")
    story.when("engagement assign", **robert).refuses(WrongState, "p-joy")


def test_before_the_agreement_no_leader_has_anything_to_renew() -> None:
    story = staffed().drafted()
    story.when("engagement assign", role="superintendent", person="robert").records(RoleAssigned)


def test_without_a_leaving_nobody_recommits() -> None:
    story = staffed().effective()
    story.when("recommitment record", **ROBERT).refuses(WrongState, "handrail leader leave")
    story.when("recommitment reaffirm", meeting=story.today, evidence="m").refuses(WrongState)


def test_another_leaving_begins_the_clock_anew() -> None:
    story = leaving().on(date(2027, 9, 1))
    story.do("engagement assign", role="superintendent", person="robert").on(date(2027, 9, 8))
    story.do("leader leave", person="robert")
    clocks = [o for o in obligations(story.state(), story.context(SYSTEM, None)) if o.item == ITEM]
    assert [(o.round, o.due, o.settled) for o in clocks] == [
        (1, date(2027, 9, 13), "another change of leader"),
        (2, date(2027, 10, 8), None),
    ]
    story.on(date(2027, 9, 9)).do("engagement assign", role="superintendent", person="joy")
    story.do("recommitment reaffirm", meeting=story.today, evidence="m")
    story.do("recommitment record", person="joy", evidence="l")
    assert not story.state().of(Holds).open


# Holds --------------------------------------------------------------------------------------


def test_a_hold_until_a_day_ends_by_itself_as_the_day_begins() -> None:
    story = agreed(date(2027, 8, 27), date(2027, 10, 8)).on(ANNOUNCED)
    story.do("engagement hold", "marcus", reason="wildfire", until=date(2027, 9, 24))
    story.on(date(2027, 9, 25))
    [lifted] = [r for r in story.history() if isinstance(r.event, HoldLifted)]
    assert local_date(lifted.stamp.effective_at, ZONE) == date(2027, 9, 24)
    assert told_of(story, "D1") == []
    assert told_of(story, "D2") == [date(2027, 9, 24)], "the reminder of that very morning goes out"
    assert owed(story, "D1").held == PASSED
    assert owed(story, "D1/new-date").owner == "lead"


def test_a_hold_that_ended_while_no_worker_ran_has_ended_on_its_day() -> None:
    story = agreed(date(2027, 8, 27), date(2027, 9, 30)).on(ANNOUNCED)
    story.do("engagement hold", "marcus", reason="wildfire", until=date(2027, 9, 6))
    story.away_until(date(2027, 9, 28)).on(date(2027, 9, 29))
    [lifted] = [r.event for r in story.history() if isinstance(r.event, HoldLifted)]
    assert isinstance(lifted, HoldLifted)
    assert [p.item for p in lifted.passed] == ["D1", "D1/measures"]
    story.on(date(2027, 9, 30))
    assert told_of(story, "D2") == [date(2027, 9, 30)], (
        "what passed meanwhile is not sent in a burst"
    )


def test_only_what_is_named_is_held() -> None:
    story = agreed(date(2027, 8, 27), date(2027, 8, 27)).on(ANNOUNCED)
    story.do("engagement hold", "dana", reason="clash", item=("d1",)).on(date(2027, 8, 14))
    assert told_of(story, "D1") == []
    assert told_of(story, "D2") == [date(2027, 8, 13)]
    story.when("engagement hold", "dana", reason="r", item=("D1",)).refuses(
        AlreadyExists, "D1 is on hold", "clash", "--item D1"
    )
    story.when("engagement hold", "dana", reason="r", item=("D9",)).refuses(Unknown, "'D9'", "D1")
    story.when("engagement resume", "dana", item=("D2",)).refuses(WrongState, "D2 is not on hold")
    story.when("engagement resume", "dana", item=("D1",)).records(HoldLifted)
    assert not story.state().of(Holds).open


def test_one_item_may_go_on_while_the_rest_waits() -> None:
    story = agreed(date(2027, 8, 27), date(2027, 8, 27)).on(ANNOUNCED)
    story.do("engagement hold", "dana", reason="wildfire")
    story.do("engagement resume", "dana", item=("D2",)).on(date(2027, 8, 14))
    assert (told_of(story, "D1"), told_of(story, "D2")) == ([], [date(2027, 8, 13)])
    assert story.state().of(Holds).whole


def test_the_agency_owes_on_while_the_lea_rests() -> None:
    story = agreed(date(2027, 8, 27)).on(ANNOUNCED).do("engagement hold", "dana", reason="w")
    assert owed(story, "coaching/contact").held is None
    assert owed(story, "CI-1").held is None
    assert owed(story, "D1/measures").held == "held: H1"
    story.by_the_lea("deliverable submit", deliverable="D1")
    assert owed(story, "D1/review").held is None
    assert owed(story, "D1").settled == "submitted"


def test_the_clock_of_an_agenda_runs_on() -> None:
    story = staffed(date(2027, 6, 1)).drafted().do("engagement assign", role="board_clerk",
                                                   person="mendes")  # fmt: skip
    story.do("board submit", board="lea", meeting=date(2027, 6, 24), at="18:00")
    story.do("engagement hold", "dana", reason="wildfire")
    [posting] = [
        o for o in obligations(story.state(), story.context(SYSTEM, None)) if "posting" in o.item
    ]
    assert posting.held is None
    story.do("engagement hold", "dana", reason="recalled", item=(posting.item,))
    assert owed(story, posting.item).held == "held: H2"


def test_the_reason_of_a_hold_is_in_no_event_but_its_own() -> None:
    story = agreed(date(2027, 8, 27)).on(ANNOUNCED)
    story.do("engagement hold", "dana", reason="Elena Duarte is ill")
    [quiet] = [e for e in story.news if isinstance(e, NoticesSuppressed)]
    assert quiet.reason == "held: H1"
    assert told(quiet.reason, story.state()) == "held: Elena Duarte is ill"


def test_a_re_dating_on_hold_counts_from_the_new_date() -> None:
    story = agreed(date(2027, 8, 27)).on(ANNOUNCED).do("engagement hold", "dana", reason="w")
    story.do("deliverable redate", "marcus", deliverable="D1", due=date(2027, 10, 8), reason="w")
    story.signed()
    assert story.planned_days("D1") == []
    story.on(date(2027, 9, 9)).do("engagement resume", "dana")
    assert story.planned_days("D1")[0] == date(2027, 9, 24)
    assert owed(story, "D1").held is None


def test_a_longer_recess_during_a_hold_moves_what_comes_after_it() -> None:
    story = agreed(date(2027, 10, 8)).on(ANNOUNCED).do("engagement hold", "dana", reason="w")
    closed = Closure(name="Smoke days", first=date(2027, 9, 23), last=date(2027, 9, 29))
    story.recess(closed)
    assert story.planned_days("D1") == []
    story.on(date(2027, 9, 20)).do("engagement resume", "dana")
    assert story.planned_days("D1")[:2] == [date(2027, 9, 30), date(2027, 10, 5)]


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        pytest.param({"until": ANNOUNCED}, ImpossibleDate, ("Thu 12 Aug 2027", "--until"),
                     id="over"),
        pytest.param({"until": date(2207, 9, 1)}, ImpossibleDate, ("2207",), id="a slip"),
        pytest.param({"effective": date(2027, 8, 13)}, ImpossibleDate, ("Fri 13 Aug 2027",),
                     id="ahead"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_hold_is_named(
    body: dict[str, Any], kind: type[Refused], words: tuple[str, ...]
) -> None:
    story = agreed(date(2027, 8, 27)).on(ANNOUNCED)
    story.when("engagement hold", "dana", **{"reason": "w", **body}).refuses(kind, *words)


def test_a_hold_is_placed_and_lifted_once() -> None:
    story = agreed(date(2027, 8, 27)).on(ANNOUNCED)
    story.when("engagement resume", "dana").refuses(WrongState, "handrail engagement hold")
    story.do("engagement hold", "dana", reason="wildfire")
    story.when("engagement hold", "marcus", reason="wildfire").refuses(
        AlreadyExists, "since Thu 12 Aug 2027", "H1: wildfire", "handrail engagement resume"
    )
    story.when("engagement resume", "dana", effective=date(2027, 8, 2)).refuses(
        ImpossibleDate, "Thu 12 Aug 2027", "Mon 2 Aug 2027"
    )
    story.do("engagement resume", "dana")
    story.when("engagement resume", "dana").refuses(WrongState, "not on hold")


def test_what_waits_for_a_recommitment_is_not_resumed_by_hand() -> None:
    story = leaving()
    story.when("engagement resume", "dana").refuses(
        WrongState, "D1, D2", "handrail recommitment record", "--item D1"
    )
    story.when("engagement resume", "dana", item=("D2",)).records(HoldLifted)
    assert owed(story, "D2").held is None
    assert owed(story, "D1").held == "held: H1"
