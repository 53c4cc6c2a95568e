"""The plan and the mails of any history are those of a second reading of the rules pages."""

from collections import defaultdict
from contextlib import suppress
from datetime import date, time, timedelta
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from domain.calendar import Closure, at_local, local_date
from domain.errors import Refused
from domain.notices import Notice
from tests.domain.oracle import Oracle, Told
from tests.domain.story import ALDER, RECESS, ZONE, Story

START = date(2027, 3, 2)

LEA = {"person": "joy", "evidence": "a mail"}
named = st.sampled_from(["D1", "D1", "D2", "D3"])
ahead = st.integers(0, 45)
hours = st.integers(0, 3)
signing = st.sampled_from([{}, LEA])


def command(what: str, **values: Any) -> Any:
    return st.tuples(st.just(what), st.fixed_dictionaries(values), signing)


commands = st.one_of(
    command("deliverable propose", title=st.sampled_from("ABCD"), due=ahead, hours=hours),
    command("deliverable sign", deliverable=named),
    command("deliverable redate", deliverable=named, due=ahead, reason=st.just("clash")),
    command("deliverable rescope", deliverable=named, hours=hours,
            due=st.one_of(st.none(), ahead), reason=st.just("smaller")),
    command("deliverable submit", deliverable=named, ago=st.sampled_from([0, 0, 1, 4])),
    command("deliverable return", deliverable=named, due=ahead, reason=st.just("more")),
    command("deliverable accept", deliverable=named),
    command("deliverable decline", deliverable=named, reason=st.just("ours")),
    command("contact log", how=st.just("visit"), purpose=st.sampled_from("AB"),
            people=st.just(("joy",))),
    command("engagement hold", reason=st.just("fire"),
            until=st.one_of(st.none(), st.integers(1, 20))),
    command("engagement resume"),
    command("recess", first=st.integers(-3, 30), days=st.integers(1, 12)),
)  # fmt: skip
withdrawal = command("engagement withdraw", reason=st.just("vacancy"))
passing = st.tuples(
    st.one_of(st.integers(0, 4), st.integers(0, 25)),
    st.sampled_from([time(7, 30), time(9), time(9), time(19)]),
    st.sampled_from([True, True, False]),
)


def both_sign(deliverable: str) -> list[Any]:
    return [("deliverable sign", {"deliverable": deliverable}, side) for side in ({}, LEA)]


@st.composite
def longer(draw: st.DrawFn) -> list[Any]:
    """What people mostly do: several commands that belong together, perhaps some days apart."""
    one = draw(named)
    wait = draw(st.lists(passing, max_size=1))
    submit: Any = ("deliverable submit", {"deliverable": one, "ago": draw(st.integers(0, 2))}, {})
    match draw(st.sampled_from(["agree", "redate", "return", "accept"])):
        case "agree":
            terms = {"title": draw(st.sampled_from("BCDE")), "due": draw(ahead), "hours": 1}
            return [("deliverable propose", terms, {}), *wait, *both_sign(one)]
        case "redate":
            terms = {"deliverable": one, "due": draw(ahead), "reason": "clash"}
            return [("deliverable redate", terms, {}), *wait, *both_sign(one)]
        case "return":
            terms = {"deliverable": one, "due": draw(ahead), "reason": "more"}
            return [submit, *wait, ("deliverable return", terms, {})]
        case _:
            return [submit, *wait, ("deliverable accept", {"deliverable": one}, {})]


alone = st.one_of(commands, *[passing] * 9).map(lambda move: [move])
plots = st.lists(st.one_of(alone, alone, longer()), max_size=24).flatmap(
    lambda parts: st.one_of(
        st.just([move for part in parts for move in part]),
        st.tuples(st.just([move for part in parts for move in part]), withdrawal).map(
            lambda ended: [*ended[0], ended[1]]
        ),
    )
)
agreed = [
    ("deliverable propose", {"title": "A", "due": 45, "hours": 2}, {}),
    *both_sign("D1"),
]

_BY_THE_LEA_ALONE = ("deliverable submit", "deliverable return")
_SIDED = ("deliverable sign", "deliverable propose", "deliverable rescope", "deliverable decline")


def told(notice: Notice) -> Told:
    p = notice.planned
    return (p.item, 0 if p.item == "coaching/contact" else p.round, p.step, p.due)


class Both:
    """A story, and the oracle that is told of it."""

    def __init__(self) -> None:
        self.story = Story(START).effective()
        recess = [(c.first, c.last) for c in RECESS]
        self.oracle = Oracle(ZONE, START, recess)
        self.recess = list(RECESS)
        self.oracle._plan(self.story.now)

    def play(self, move: Any) -> None:
        if isinstance(move[0], int):
            self._days(*move)
        else:
            self._command(*move)
        self._agree()

    def _days(self, days: int, hour: time, worker_runs: bool) -> None:
        story = self.story
        on = story.today + timedelta(days=days)
        start, end = story.now, at_local(on, hour, ZONE)
        if end < start:
            return
        story.on(on, hour) if worker_runs else story.away_until(on, hour)
        self.oracle.days_pass(start, end, worker_runs=worker_runs)

    def _command(self, what: str, values: dict[str, Any], side: dict[str, str]) -> None:
        story, today = self.story, self.story.today
        body: dict[str, Any] = {**values}
        ago = body.pop("ago", 0)
        for name in ("due", "until", "first"):
            if isinstance(body.get(name), int):
                body[name] = today + timedelta(days=body[name])
        if what in _BY_THE_LEA_ALONE or (what in _SIDED and side):
            body |= LEA
        if what == "recess":
            body["last"] = body["first"] + timedelta(days=body.pop("days") - 1)
            self.oracle.catch_up(story.now)
            self.recess.append(Closure(name="more", **body))
            story.recess(*self.recess)
            self.oracle.record(what, story.now, body, today)
            return
        on = today - timedelta(days=ago)
        with suppress(Refused):
            story.do(what, "marcus", effective=on if ago else None, **body)
            self.oracle.catch_up(story.now)
            self.oracle.record(what, story.now, body, on)

    def _agree(self) -> None:
        planned = {told(n): n.planned.planned_for for n in self.story.ledger()
                   if n.status == "planned"}  # fmt: skip
        assert planned == self.oracle.planned
        by_round = {(n.planned.item, n.planned.round, n.planned.step): told(n)
                    for n in self.story.ledger()}  # fmt: skip
        mails: dict[tuple[date, str], set[Told]] = defaultdict(set)
        for mail in self.story.mails:
            key = (local_date(mail.at, ZONE), mail.person.removeprefix("p-"))
            assert key not in mails, "one mail a day"
            mails[key] = {by_round[item] for item in mail.items}
            assert len(mails[key]) == len(mail.items), "nothing twice"
        assert dict(mails) == self.oracle.mails


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plots)
@example(plot=[(23, time(7, 30), True), (22, time(9), False)])  # a gap grows while all is away
@example([("recess", {"first": 34, "days": 8}, {}), (44, time(9), True)])
@example([(34, time(9), True), ("recess", {"first": 0, "days": 5}, {}), (30, time(9), True)])
@example([
    (31, time(9), True), ("deliverable submit", {"deliverable": "D1", "ago": 0}, {}),
    ("engagement hold", {"reason": "fire", "until": 20}, {}), (30, time(9), True),
])  # fmt: skip
def test_the_reminders_of_any_history_are_those_of_the_rules_pages(plot: list[Any]) -> None:
    both = Both()
    for move in [*agreed, *plot]:
        both.play(move)
    for days in (1, 30):
        both.play((days, time(9), True))


def test_the_oracle_has_been_told_enough_to_disagree() -> None:
    both = Both()
    for move in [*agreed, (45, time(9), True)]:
        both.play(move)
    items = {item for mail in both.oracle.mails.values() for item, *_ in mail}
    assert items == {"D1", "coaching/contact"}
    assert both.story.engagement.lea == ALDER
