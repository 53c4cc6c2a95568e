"""What holds whatever happens, in whatever order."""

from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import date, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.agreements.agreements import Agreements
from domain.deliverables.proposing import DeliverableAgreed, Deliverables, DeliverableSigned
from domain.deliverables.submissions import DeliverableReturned
from domain.engagement.state import Engagement
from domain.kernel.messages import Recorded
from domain.kernel.refusals import Refused
from domain.owing.obligations import obligations
from domain.policy.calendar import WorkingDays, at_local, local_date
from domain.reminders.notices import (
    NoticesClaimed,
    NoticesDelivered,
    NoticesPlanned,
    NoticesSuppressed,
    RecipientsDropped,
)
from domain.reminders.planning import reconcile
from domain.rules.context import SYSTEM
from domain.rules.registry import EVENTS, fold
from store.events import as_true
from tests.domain.story import (
    ALDER,
    CALENDAR,
    GROUPS,
    PURPOSES,
    RECESS,
    YES,
    ZONE,
    Story,
)

STREAM = f"engagement:{ALDER}"
STARTS: dict[str, Callable[[Story], Story]] = {
    "nothing": lambda story: story,
    "agreeing": Story.drafted,
    "onboarding": Story.effective,
    "partnering": lambda story: (
        story.effective()
        .proposed(date(2027, 4, 16))
        .signed()
        .proposed(date(2027, 5, 14), "Measures")
    ),
}

actors = st.sampled_from(["tess", "marcus", "dana", "priya"])
lea_people = st.sampled_from(["joy", "elena", "noor", "dana", "nobody"])
offsets = st.integers(-5, 40)
deliverables = st.sampled_from(["D1", "d2", "D3"])
evidence = st.sampled_from([None, "a mail"])
snoozable = st.sampled_from(["D1", "D1", "d2", "coaching/contact", "CI-1", "D1/review"])
chosen_for = st.sampled_from([{"of_kind": "deliverables"}, {"item": "D1"}, {"of_kind": "coaching"}])
prongs = st.sampled_from(["coaching", "coaching", "summits"])


@st.composite
def acts(draw: st.DrawFn) -> tuple[str, str, int, dict[str, Any]]:
    """A command: its kind, who gives it, how many days ago it came true, and its values.

    A number under a name that ends in `+` is a day, counted from the day of the command.
    """
    kind = draw(
        st.sampled_from(
            [
                "engagement open", "engagement assign", "engagement close", "engagement withdraw",
                "conversation log", "fit decide", "agreement draft", "agreement act",
                "agreement act", "board submit", "board submit", "board post", "board pull",
                "board no-quorum", "deliverable propose", "deliverable propose", "deliverable sign",
                "deliverable sign", "deliverable sign", "deliverable redate", "deliverable redate",
                "deliverable submit", "deliverable submit", "deliverable return",
                "deliverable accept", "deliverable decline", "deliverable rescope",
                "deliverable merge", "deliverable split", "deliverable depend",
                "deliverable rate", "deliverable satisfies", "deliverable correct-course",
                "checkin open", "checkin hold", "checkin close",
                "investment add", "contact log", "contact log", "prong opt-out", "prong opt-in",
                "checkin hold", "checkin close", "checkin correct", "commitment judge",
                "commitment redate", "commitment add", "commitment correct", "survey ask",
                "survey drop", "survey record", "survey withdraw",
                "cycle open", "cycle do", "cycle study", "cycle act", "consultancy note",
                "engagement hold", "engagement hold", "engagement resume", "engagement resume",
                "leader leave", "leader leave", "leader stay", "recommitment record",
                "recommitment reaffirm", "team add", "team leave", "risk raise", "risk lower",
                "lead handover", "lead handover", "lead handover-cancel", "handover meet",
                "reminders snooze", "reminders snooze", "reminders wake", "reminders policy",
            ]
        )
    )  # fmt: skip
    for_lea = {"person": draw(lea_people), "evidence": "a mail"}
    maybe_lea = draw(st.sampled_from([{}, {"person": "joy", "evidence": "a mail"}, for_lea]))
    bodies: dict[str, dict[str, Any]] = {
        "engagement open": {"lea": "ACUSD", "lead": "marcus", "director": "dana",
                            "contact": draw(st.sampled_from([None, "joy"]))},
        "engagement assign": {
            "role": draw(st.sampled_from(["lead", "director", "lea_contact", "superintendent"])),
            "person": draw(st.sampled_from(["marcus", "priya", "dana", "joy", "elena"])),
        },
        "engagement close": {"reason": "exit agreed"},
        "engagement withdraw": {"reason": "vacancy"},
        "conversation log": {"group": draw(st.sampled_from(GROUPS))},
        "fit decide": {"proceed": draw(st.booleans()), "criterion": YES,
                       "waive": draw(st.sampled_from([None, "hurry"]))},
        "agreement draft": {"type": draw(st.sampled_from(["engagement", "data-sharing"]))},
        "board submit": {
            "board": draw(st.sampled_from(["lea", "ccee"])), "meeting+": draw(offsets),
            "at": draw(st.sampled_from(["18:00", "02:30"])), "consent": draw(st.booleans()),
            "agreement": draw(st.sampled_from(["A1", "A2"])),
            "act": draw(st.sampled_from([None, "bagley-keene"])),
        },
        "board post": {"board": draw(st.sampled_from(["lea", "ccee"])),
                       "on": draw(st.sampled_from([date(2027, 3, 2), date(2027, 3, 5)])),
                       "at": "08:00"},
        "board pull": {"board": "lea"},
        "board no-quorum": {"board": draw(st.sampled_from(["lea", "ccee"])),
                            "next_meeting+": draw(st.sampled_from([None, 9]))},
        "agreement act": {
            "board": draw(st.sampled_from(["lea", "ccee"])),
            "action": draw(
                st.sampled_from(["approved"] * 2 + ["ratified", "signed", "denied", "continued"])
            ),
            "meeting+": draw(st.integers(-3, 1)),
            "next_meeting+": draw(st.sampled_from([None, 3])),
        },
        "deliverable propose": {"title": draw(st.sampled_from("ABC")), "due+": draw(offsets),
                                **maybe_lea},
        "deliverable sign": {"deliverable": draw(deliverables), **maybe_lea},
        "deliverable redate": {"deliverable": draw(deliverables), "due+": draw(offsets),
                               "reason": "clash"},
        "deliverable submit": {"deliverable": draw(deliverables), **for_lea},
        "deliverable return": {"deliverable": draw(deliverables), "due+": draw(offsets),
                               "reason": "more", **for_lea},
        "deliverable accept": {"deliverable": draw(deliverables)},
        "deliverable decline": {"deliverable": draw(deliverables), "reason": "ours", **maybe_lea},
        "deliverable rescope": {"deliverable": draw(deliverables), "reason": "smaller",
                                "hours": draw(st.integers(0, 3)),
                                "due+": draw(st.sampled_from([None, 9])), **maybe_lea},
        "deliverable merge": {"deliverables": (draw(deliverables), draw(deliverables)),
                              "due+": draw(st.sampled_from([None, 9])), "reason": "one"},
        "deliverable split": {"deliverable": draw(deliverables), "reason": "too much",
                              "part": ("2027-04-16 1 P", "2027-04-30 2 Q")},
        "deliverable depend": {"deliverable": draw(deliverables), "on": draw(deliverables),
                               "no_longer": draw(st.booleans())},
        "deliverable rate": {"deliverable": draw(deliverables), "focus": "yes", **maybe_lea},
        "deliverable satisfies": {"deliverable": draw(deliverables), "plan": "lcap",
                                  "reference": draw(st.sampled_from("ab")),
                                  "no_longer": draw(st.booleans())},
        "deliverable correct-course": {"deliverable": draw(deliverables), "because": "few came",
                                       "change": draw(st.sampled_from("ab")), "evidence": "list"},
        "checkin open": {"on+": draw(offsets)},
        "checkin hold": {"on+": draw(st.sampled_from([None, 0, -1, -9]))},
        "checkin close": {
            "purpose": draw(st.sampled_from([PURPOSES, {}])),
            "outcome": draw(st.sampled_from(["continue", "continue", "end"])),
            "reason": "agreed", "sustain": draw(st.sampled_from([None, "They go on."])),
            "commitment": draw(st.sampled_from(
                [(), ("2027-05-03/joy=Budget", "2027-04-01/marcus=Minutes")]
            )),
        },
        "checkin correct": {"checkin": "CI-1", "reason": "slip", "because": "so",
                            "outcome": draw(st.sampled_from([None, "continue", "adjust"])),
                            "purpose": {"commitment": draw(st.sampled_from("AB"))}},
        "commitment judge": {"checkin": "CI-1", "number": draw(st.integers(1, 3)), "note": "n",
                             "verdict": draw(st.sampled_from(["kept", "partly", "dropped"]))},
        "commitment redate": {"checkin": "CI-1", "number": draw(st.integers(1, 2)),
                              "by+": draw(offsets), "reason": "hiring", **for_lea},
        "commitment add": {"checkin": "CI-1", "text": "Rooms", "owner": draw(lea_people),
                           "by+": draw(offsets)},
        "commitment correct": {"checkin": "CI-1", "number": 1, "reason": "misheard",
                               "owner": draw(lea_people)},
        "survey ask": {"due+": draw(offsets), "hours": draw(st.sampled_from(["2", "3.5"])),
                       "year": draw(st.sampled_from([None, 1]))},
        "survey drop": {"year": 1, "reason": "not now"},
        "survey record": {
            "year": draw(st.integers(1, 2)), "taken+": draw(st.sampled_from([0, -1, -9])),
            "result": (draw(st.sampled_from(["coaching=3.1/9", "coaching=2/3"])),),
            "reason": draw(st.sampled_from([None, "the wrong file"])),
        },
        "survey withdraw": {"year": 1, "reason": "another LEA's"},
        "investment add": {"amount": "24000", "purpose": "review"},
        "contact log": {"how": draw(st.sampled_from(["visit", "message"])), "purpose": "the cycle",
                        "people": ("joy",)},
        "prong opt-out": {"prong": draw(prongs), "reason": "too far"},
        "prong opt-in": {"prong": draw(prongs)},
        "cycle open": {"title": draw(st.sampled_from("AB")), "prediction": "8 of 10",
                       "after": draw(st.sampled_from([None, None, "C1"]))},
        "lead handover": {"to": draw(st.sampled_from(["priya", "marcus"])), "reason": "moves",
                          "replace": draw(st.booleans())},
        "lead handover-cancel": {"reason": "stays"},
        "handover meet": {"on+": draw(st.sampled_from([None, -9]))},
        "cycle do": {"cycle": "C1", "tried": "in two classes"},
        "cycle study": {"cycle": "C1", "result": "6 of 10", "prediction_held": "partly"},
        "cycle act": {"cycle": "C1", "decision": draw(st.sampled_from(["adapt", "abandon"])),
                      "reason": "shorter"},
        "consultancy note": {"question": "How?", "note": "Begin small.",
                             "partner": ("Harbor Charter",)},
        "engagement hold": {"reason": "wildfire", "until+": draw(st.sampled_from([None, 3, 20])),
                            "item": draw(st.sampled_from([(), (), ("D1",), ("d2", "CI-1")]))},
        "engagement resume": {"item": draw(st.sampled_from([(), (), ("D1",)]))},
        "leader leave": {"person": draw(st.sampled_from(["elena", "joy"])),
                         "last_day+": draw(st.sampled_from([None, -3, 10]))},
        "leader stay": {"person": draw(st.sampled_from(["elena", "joy"])), "reason": "withdrawn"},
        "recommitment record": {"person": draw(lea_people), "evidence": "a letter"},
        "recommitment reaffirm": {"meeting+": draw(st.integers(-3, 1)), "evidence": "minutes"},
        "team add": {"person": draw(lea_people), "as_": draw(st.sampled_from(["teacher",
                                                                               "principal"]))},
        "team leave": {"person": draw(lea_people), "reason": "moved"},
        "reminders snooze": {"item": draw(snoozable), "until+": draw(st.integers(0, 32)),
                             "reason": "leave"},
        "reminders wake": {"item": draw(snoozable)},
        "reminders policy": {"policy": draw(st.sampled_from(["gentle", "standard"])),
                             "reason": "fewer", **draw(chosen_for)},
        "risk raise": {"risk": "politics", "level": draw(st.sampled_from(["medium", "high"])),
                       "reason": "election"},
        "risk lower": {"risk": "turnover", "level": "low", "reason": "settled"},
    }  # fmt: skip
    ago = draw(st.sampled_from([0, 0, 0, 1, 2, 30]))
    if kind == "lead handover":
        ago = draw(st.sampled_from([0, 2, -3, -10, -30]))
    return kind, draw(actors), ago, bodies[kind]


rhythms = st.tuples(
    st.sampled_from(["weekly", "weekly", "daily"]), st.sampled_from(["joy", "marcus", "dana"])
)
clock_moves = st.tuples(
    st.integers(0, 25), st.sampled_from([time(7, 30), time(9), time(19)]), st.booleans()
)
plots = st.lists(st.one_of(acts(), acts(), clock_moves, acts(), clock_moves, rhythms), max_size=25)


def played(start: str, plot: list[Any], check: Callable[[Story], None] | None = None) -> Story:
    """The story after a plot; what is refused is simply not done, and nothing else may fail."""
    story = STARTS[start](Story(date(2027, 3, 2)))
    for move in plot:
        if len(move) == 2:
            rhythm, reader = move
            story.reading(rhythm, reader)
            continue
        if len(move) == 3:
            days, hour, worker_runs = move
            on = story.today + timedelta(days=days)
            if at_local(on, hour, ZONE) >= story.now:
                story.on(on, hour) if worker_runs else story.away_until(on, hour)
            continue
        kind, actor, ago, body = move
        values = {
            name.removesuffix("+"): story.today + timedelta(days=value)
            if name.endswith("+") and value is not None
            else value
            for name, value in body.items()
        }
        effective = story.today - timedelta(days=ago) if ago else None
        with suppress(Refused):
            story.do(kind, actor, effective=effective, **values)
        if check:
            check(story)
    return story


whatever_happens = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
starts = st.sampled_from(sorted(STARTS))


@whatever_happens
@given(starts, plots)
def test_evolve_accepts_every_history_that_decide_produces(start: str, plot: list[Any]) -> None:
    story = played(start, plot)
    state = fold(STREAM, story.history())
    assert state == story.state()
    assert state.version == len(story.history())
    obligations(state, story.context(SYSTEM, None))


@whatever_happens
@given(starts, plots, st.integers(0, 120))
def test_folding_is_deterministic_and_may_stop_anywhere(
    start: str, plot: list[Any], cut: int
) -> None:
    story = played(start, plot)
    history = story.history()
    prefix = fold(STREAM, history[:cut])
    assert fold(STREAM, history[cut:], prefix) == fold(STREAM, history) == fold(STREAM, history)


@whatever_happens
@given(starts, plots, st.integers(0, 400))
def test_a_history_can_be_told_as_true_on_any_day(start: str, plot: list[Any], ago: int) -> None:
    story = played(start, plot)
    at = story.now - timedelta(days=ago)
    told = as_true(story.history(), at, ZONE)
    state = fold(STREAM, told)
    assert len(told) <= len(story.history())
    assert all(r.stamp.effective_at <= at for r in told)
    assert state == fold(STREAM, as_true(story.history(), at, ZONE))


def test_a_signature_dated_before_its_proposal_is_told_as_true() -> None:
    story = Story(date(2027, 3, 2)).effective().on(date(2027, 3, 10)).proposed(date(2027, 4, 16))
    story.do("deliverable sign", "marcus", deliverable="D1", effective=date(2027, 3, 8))
    lea = {"person": "joy", "evidence": "mail of 9 March"}
    story.do("deliverable sign", deliverable="D1", effective=date(2027, 3, 9), **lea)
    on_the_ninth = fold(
        STREAM, as_true(story.history(), at_local(date(2027, 3, 9), time(9), ZONE), ZONE)
    )
    assert on_the_ninth.of(Deliverables).all["D1"].due == date(2027, 4, 16)
    today = fold(STREAM, as_true(story.history(), story.now, ZONE)).of(Deliverables).all["D1"]
    assert today == story.state().of(Deliverables).all["D1"]


def test_a_boards_action_dated_before_the_draft_was_entered_is_told_as_true() -> None:
    story = Story(date(2026, 9, 1)).fitting().on(date(2026, 9, 10)).do("agreement draft")
    body: dict[str, Any] = {"action": "approved", "meeting": date(2026, 9, 10)}
    for board in ("lea", "ccee"):
        story.do("agreement act", board=board, effective=date(2026, 9, 9), **body)
    told = fold(STREAM, as_true(story.history(), story.now, ZONE))
    assert told.of(Agreements) == story.state().of(Agreements)


def test_what_was_entered_later_stands_after_what_was_entered_that_day() -> None:
    story = Story(date(2026, 9, 1)).fitting().do("agreement draft").on(date(2026, 9, 3))
    for board in ("lea", "ccee"):
        story.do("agreement act", board=board, action="approved", meeting=date(2026, 9, 1))
    told = fold(STREAM, as_true(story.history(), story.now, ZONE))
    assert told.of(Engagement).phase == "onboarding"


@whatever_happens
@given(starts, plots)
def test_every_event_survives_json(start: str, plot: list[Any]) -> None:
    for recorded in played(start, plot).history():
        event = recorded.event
        assert EVENTS[event.type].model_validate(event.model_dump(mode="json")) == event
        assert EVENTS[event.type].model_validate_json(event.model_dump_json()) == event
        sentence = event.sentence()
        assert sentence.strip()
        assert "None" not in sentence


@whatever_happens
@given(starts, plots)
def test_reconciling_again_adds_nothing(start: str, plot: list[Any]) -> None:
    def settled(story: Story) -> None:
        assert reconcile(story.state(), story.context(SYSTEM, None)) == []

    story = played(start, plot, settled)
    story.now += timedelta(days=9)
    settled(story)


@whatever_happens
@given(starts, plots)
def test_no_due_date_is_reminded_of_without_both_signatures(start: str, plot: list[Any]) -> None:
    signed: dict[tuple[str, date], set[str]] = defaultdict(set)
    returned: set[str] = set()
    agreed: dict[tuple[str, int], date] = {}
    for recorded in played(start, plot).history():
        match recorded.event:
            case DeliverableSigned() as event:
                signed[event.deliverable, event.due].add(event.side)
            case DeliverableReturned() as event:
                returned.add(event.deliverable)
            case DeliverableAgreed() as event:
                both = signed[event.deliverable, event.due] == {"lea", "agency"}
                assert both or event.deliverable in returned
                returned.discard(event.deliverable)
                agreed[event.deliverable, event.round] = event.due
            case NoticesPlanned() as event:
                for notice in event.notices:
                    if notice.item.startswith("D") and "/" not in notice.item:
                        assert agreed[notice.item, notice.round] == notice.due
            case _:
                pass


@whatever_happens
@given(starts, plots)
def test_nobody_is_reminded_at_night_or_on_a_rest_day(start: str, plot: list[Any]) -> None:
    story = played(start, plot)
    agency, lea = WorkingDays(CALENDAR), WorkingDays(CALENDAR, RECESS, "school")
    for notice in story.ledger():
        assert notice.planned.alarm == ("/posting-" in notice.planned.item)
        if notice.planned.alarm:
            continue
        on = local_date(notice.planned.planned_for, ZONE)
        hour = notice.planned.planned_for.astimezone(ZoneInfo(ZONE)).time()
        item = notice.planned.item
        mine = item.startswith(("D", "S")) and "/" not in item
        mine |= item.startswith("CI-") and notice.planned.to[0] in ("lea_contact", "superintendent")
        # A promise may have changed hands since, with a correction.
        assert (lea if mine else agency).is_working(on) or "/" in item
        assert hour == time(8)
    for mail in story.mails:
        if mail.alarm is not None:
            assert all("/posting-" in item for item, _, _ in mail.items)
            continue
        assert time(7) <= mail.at.astimezone(ZoneInfo(ZONE)).time() < time(18)
        assert agency.is_working(mail.on)


@whatever_happens
@given(starts, plots)
def test_nobody_is_reminded_of_what_is_held(start: str, plot: list[Any]) -> None:
    def rests(story: Story) -> None:
        owed = obligations(story.state(), story.context(SYSTEM, None))
        held = {(o.item, o.round) for o in owed if o.held}
        waiting = [n for n in story.ledger() if n.status == "planned"]
        assert not held & {(n.planned.item, n.planned.round) for n in waiting}

    played(start, plot, rests)


@whatever_happens
@given(starts, plots)
def test_every_notice_has_one_fate(start: str, plot: list[Any]) -> None:
    story = played(start, plot)
    suppressed: set[int] = set()
    claimed: set[int] = set()
    delivered: list[tuple[int, str]] = []
    dropped: set[tuple[int, str]] = set()
    planned: list[int] = []
    for recorded in story.history():
        match recorded.event:
            case NoticesPlanned() as event:
                assert all(n.planned_for > recorded.stamp.recorded_at for n in event.notices)
                planned += [n.n for n in event.notices]
            case NoticesSuppressed() as event:
                assert event.reason
                numbers = {n.n for n in event.notices}
                assert not numbers & (claimed | suppressed)
                suppressed |= numbers
            case NoticesClaimed() as event:
                assert not {n.n for n in event.notices} & suppressed
                claimed |= {n.n for n in event.notices}
                assert not {(n.n, event.person) for n in event.notices} & dropped
            case RecipientsDropped() as event:
                assert event.reason
                assert {n.n for n in event.notices} <= claimed
                gone = {(n.n, person) for n in event.notices for person in n.recipients}
                assert not gone & (dropped | set(delivered))
                dropped |= gone
            case NoticesDelivered() as event:
                delivered += [(n.n, event.person) for n in event.notices]
            case _:
                pass
    assert planned == sorted(set(planned))
    assert len(delivered) == len(set(delivered))
    assert {n for n, _ in delivered} <= claimed
    assert not dropped & set(delivered)


@whatever_happens
@given(plots)
def test_in_the_end_every_notice_of_an_ended_engagement_is_settled(plot: list[Any]) -> None:
    story = played("partnering", plot)
    if story.engagement.is_open:
        story.do("engagement withdraw", "dana", reason="vacancy")
    assert {n.status for n in story.ledger()} <= {"sent", "suppressed", "claimed"}
    claimed = [n for n in story.ledger() if n.status == "claimed"]
    assert claimed == []
    assert [n for n in story.ledger() if n.waiting] == []


@pytest.mark.parametrize("start", STARTS)
def test_a_beginning_is_possible(start: str) -> None:
    story = played(start, [])
    assert isinstance(story.history(), list)
    assert all(isinstance(r, Recorded) for r in story.history())
