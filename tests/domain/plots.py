"""Moves that a story and the oracle make together, and what they must agree on after each."""

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta
from functools import cache
from typing import Any, Literal
from uuid import NAMESPACE_URL, UUID, uuid5

from domain.kernel.refusals import Refused
from domain.policy.calendar import Closure, at_local
from domain.policy.playbook import Playbook
from domain.reminders.bounces import SettleAddress
from domain.reminders.notices import Notice, RecordDelivery, RecordReturn
from domain.rules.context import SYSTEM
from tests.domain.oracle import Oracle, Person, Told, handbook
from tests.domain.story import ALDER, GROUPS, PEOPLE, RECESS, YES, ZONE, Mail, Story
from tests.domain.tables import table

BOOK = {
    **handbook(),
    "statutes": {
        "phases": ["onboarding", "reviewing", "partnering"],
        "opens_days_before": 60,
        "leave_out": [],
    },
    "measures": {**handbook()["measures"], "policy": "standard"},
}
"""The handbook, with what it leaves out itself: statute dates, and mails about measures."""


def _with(policies: list[dict[str, Any]], **steps: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**p, "steps": steps.get(p["id"], p["steps"])} for p in policies if p["id"] != "gentle"]


NEXT = {
    **BOOK,
    "version": 4,
    "policies": _with(
        BOOK["policies"],
        standard=[
            {"id": "t-14", "days": -14, "to": ["owner"]},
            {"id": "t-2", "days": -2, "unit": "working", "to": ["owner", "lead"]},
            {"id": "due", "days": 1, "to": ["owner"]},
            {"id": "+6", "days": 6, "to": ["owner", "director"]},
        ],
        posting=[
            {"id": "4h", "hours": -4, "to": ["assistant"]},
            {"id": "deadline", "hours": 0, "to": ["owner"]},
        ],
    ),
    "coaching": {**BOOK["coaching"], "contact_within_days": 30},
    "deliverables": {**BOOK["deliverables"], "review_working_days": 7, "signature_working_days": 5},
    "checkins": {**BOOK["checkins"], "every_months": 11, "commitment_policy": "signature"},
    "renewal": {"days_before": 110, "policy": "window"},
    "statutes": {**BOOK["statutes"], "leave_out": ["lcap-adoption"]},
    "turnover": {**BOOK["turnover"], "policy": "handover"},
}
"""Another version: other days, other readers, and one policy less."""

PLAYBOOKS = [Playbook.model_validate(book) for book in (BOOK, NEXT)]
LEA = {"person": "joy", "evidence": "a mail"}


@dataclass(frozen=True)
class In:
    """A day so many days from the day of the command."""

    days: int
    worked: bool = False
    """Moved forward to a working day of the LEA."""


@dataclass(frozen=True)
class Mine:
    """What the same life made: its first deliverable, its last wave (-1) and so on."""

    prefix: str
    n: int = 0


@dataclass(frozen=True)
class One:
    """One of the ids that there are, whoever made them."""

    prefix: str
    n: int


@dataclass(frozen=True)
class Owed:
    """One of the items that are owed; of those on hold, or of those with another life's hold."""

    n: int


@dataclass(frozen=True)
class Piece:
    """A part of a deliverable that is split, with its day, its hours and its title."""

    days: int
    hours: int
    title: str


@dataclass(frozen=True)
class Promised:
    """What somebody promises at the close of a check-in."""

    days: int
    owner: str
    text: str


@dataclass(frozen=True)
class Holder:
    """Whoever holds a role, or would if anybody did."""

    role: str
    otherwise: str


@dataclass(frozen=True)
class Do:
    """A command; one that is refused changes nothing."""

    what: str
    body: Mapping[str, Any] = field(default_factory=dict)
    on: int = 0
    """The day on which it came true, counted from today."""
    by: str = "lead"
    """A role, or somebody's handle."""
    life: int = 0
    """What belongs together; see `Mine`."""


@dataclass(frozen=True)
class Pass:
    """Days pass, with a worker or without."""

    days: int
    at: time = time(9)
    running: bool = True


@dataclass(frozen=True)
class Recess:
    """The LEA rests on some more days."""

    first: int
    days: int


@dataclass(frozen=True)
class Closes:
    """The agency is closed on some more days."""

    first: int
    days: int


@dataclass(frozen=True)
class Reads:
    """Somebody wants their mail at another rhythm."""

    who: str
    rhythm: Literal["daily", "weekly"]


@dataclass(frozen=True)
class Leaves:
    """Somebody will not be there any more, from a day on; None when they come back."""

    who: str
    on: int | None


@dataclass(frozen=True)
class Refuses:
    """From now on the mail server refuses the mail of some people, and takes everybody else's."""

    who: tuple[str, ...]


@dataclass(frozen=True)
class Returns:
    """A report says that somebody's last mail was not delivered after all."""

    who: str


@dataclass(frozen=True)
class FallsBack:
    """Somebody's fallback contact."""

    who: str
    to: str | None


Move = Do | Pass | Recess | Closes | Reads | Leaves | Refuses | Returns | FallsBack


class Posted(Story):
    """A story in which the mail server refuses some people's mail for good."""

    refused: frozenset[str] = frozenset()

    def do(self, what: Any, actor: str = "tess", /, **rest: Any) -> "Posted":
        if isinstance(what, RecordDelivery) and what.person in self.refused:
            what = what.model_copy(update={"outcome": "bounced", "detail": "550 no such mailbox"})
        super().do(what, actor, **rest)
        return self

    def copied(self) -> "Posted":
        """The same story up to here, to go on otherwise."""
        other = copy.copy(self)
        other.histories = {stream: list(history) for stream, history in self.histories.items()}
        other.states, other.people = dict(self.states), dict(self.people)
        other.mails, other.news = list(self.mails), list(self.news)
        return other


def bare(reason: str) -> str:
    """A reason without what is said of one case: which deliverables, and a hold's words."""
    return re.sub(r"^(held:|merged into|split into) .*", r"\1 …", reason.partition(" (")[0])


REASONS = {
    bare(row["Reason"]): frozenset(row["Named after"].split(", "))
    for row in table("reminders.md", "Why a reminder is not sent")
}
"""Why a reminder is not sent, each with what must have been done or have happened."""


def what_happened(move: "Move") -> frozenset[str]:
    """How the page calls a move; with whatever is recorded comes what time has brought."""
    match move:
        case Do():
            return frozenset({move.what, "time", "any"})
        case Pass() | Refuses() | Returns():
            return frozenset({"time", "mail"})
        case Recess() | Closes():
            return frozenset({"calendar", "time"})
        case Reads() | Leaves() | FallsBack():
            return frozenset({"directory", "time"})


def told(notice: Notice) -> Told:
    p = notice.planned
    return (p.item, p.round, p.step, p.due)


def id_of(mail: Mail) -> UUID:
    """The id that the story gives it."""
    return uuid5(NAMESPACE_URL, f"{mail.person}/{mail.on}/{mail.alarm}")


class Both:
    """A story, and the oracle that is told of it."""

    def __init__(self, at: date) -> None:
        self.story = Posted(at)
        self.story.playbook = PLAYBOOKS[0]
        self.story.versions = {book.ref: book for book in PLAYBOOKS[1:]}
        people = {p.handle: Person(p.organisation) for p in PEOPLE}
        days = [(c.first, c.last) for c in RECESS]
        self.oracle = Oracle([BOOK, NEXT], ZONE, days, people, "school_district")
        self.made: dict[int, list[str]] = {}
        self.refusals: list[str] = []

    def copied(self) -> "Both":
        other = copy.copy(self)
        other.story = self.story.copied()
        other.oracle = self.oracle.copied()
        other.refusals, other.made = [], {}
        return other

    def play(self, *moves: Move) -> "Both":
        for move in moves:
            before = self._left_out()
            self._make(move)
            self._agree()
            for which, reason in self._left_out().items() - before.items():
                assert what_happened(move) & REASONS[bare(reason)], (move, which, reason)
        return self

    def _left_out(self) -> dict[tuple[int, str], str]:
        """Why each reminder is not sent, or why one reader does not get it."""
        found = {}
        for notice in self.story.ledger():
            if notice.status == "suppressed" and notice.reason:
                found[notice.planned.n, ""] = notice.reason
            for person, delivery in notice.deliveries.items():
                if delivery.outcome == "dropped":
                    found[notice.planned.n, person] = delivery.detail
        return found

    def _make(self, move: Move) -> None:
        match move:
            case Do():
                self._command(move)
            case Pass():
                self._days(move)
            case Recess() | Closes():
                self._rest(move)
            case Reads():
                self.story.reading(move.rhythm, move.who)
                self.oracle.world.people[move.who].weekly = move.rhythm == "weekly"
                self.oracle.record("notices reconcile", self.story.now, {}, self.story.today)
            case Leaves():
                self._leave(move)
            case Refuses():
                self.story.refused = frozenset(f"p-{who}" for who in move.who)
                self.oracle.post.refused = set(move.who)
            case Returns():
                self._return(move.who)
            case FallsBack():
                self._entry(move.who, fallback=f"p-{move.to}" if move.to else None)
                self.oracle.world.people[move.who].fallback = move.to

    def _days(self, move: Pass) -> None:
        story = self.story
        on = story.today + timedelta(days=move.days)
        start, end = story.now, at_local(on, move.at, ZONE)
        if end < start:
            return
        if move.running:
            story.on(on, move.at)
            self.oracle.days_pass(start, end)
        else:
            story.away_until(on, move.at)
            self.oracle.nobody_works(start, end)

    def _command(self, move: Do) -> None:
        today, roles = self.story.today, self.oracle.world.roles
        on = today + timedelta(days=move.on)
        body = {name: self._value(value, move.life) for name, value in move.body.items()}
        known = self.oracle.known()
        try:
            self.story.do(
                move.what, roles.get(move.by, move.by), effective=on if move.on else None, **body
            )
        except Refused as refused:
            self.refusals.append(f"{move.what}: {refused}")
            return
        self.oracle.record(move.what, self.story.now, body, on)
        self.made.setdefault(move.life, []).extend(
            name for name in self.oracle.known() if name not in known
        )

    def _value(self, value: Any, life: int) -> Any:
        match value:
            case Mine():
                mine = [i for i in self.made.get(life, ()) if i.startswith(value.prefix)]
                return mine[value.n] if -len(mine) <= value.n < len(mine) else "none"
            case In():
                day = self.story.today + timedelta(days=value.days)
                return self.oracle.world.lea.forward(day) if value.worked else day
            case One():
                known = [i for i in self.oracle.known() if i.startswith(value.prefix)]
                return known[value.n % len(known)] if known else "none"
            case Owed():
                owed = self.oracle.owed()
                return owed[value.n % len(owed)] if owed else "none"
            case Promised():
                by = self.story.today + timedelta(days=value.days)
                return f"{by}/{value.owner}={value.text}"
            case Piece():
                due = self._value(In(value.days, worked=True), life)
                return f"{due} {value.hours} {value.title}"
            case Holder():
                return self.oracle.world.roles.get(value.role, value.otherwise)
            case tuple():
                return tuple(self._value(part, life) for part in value)
            case _:
                return value

    def _rest(self, move: Recess | Closes) -> None:
        first = self.story.today + timedelta(days=move.first)
        days = (first, first + timedelta(days=move.days - 1))
        closure = Closure(name="more", first=days[0], last=days[1])
        if isinstance(move, Recess):
            self.story.recess(*self.story.leas[ALDER].recess, closure)
        else:
            assert self.story.program is not None
            pack = self.story.program.calendar
            changed = {"version": pack.version + 1, "closures": (*pack.closures, closure)}
            self.story.program = replace(
                self.story.program, calendar=pack.model_copy(update=changed)
            )
            self.story.do("notices reconcile", SYSTEM)
        self.oracle.rests(self.story.now, days, agency=isinstance(move, Closes))

    def _entry(self, who: str, **changes: Any) -> None:
        entry = replace(self.story.people[who], **changes)
        self.story.people[who] = self.story.people[entry.id] = entry

    def _leave(self, move: Leaves) -> None:
        on = None if move.on is None else self.story.today + timedelta(days=move.on)
        self._entry(move.who, left_on=on)
        self.oracle.world.people[move.who].left = on
        if on is not None:
            settled = SettleAddress(of=f"engagement:{ALDER}", person=f"p-{move.who}", why="left")
            self.story.do(settled, SYSTEM)
            body = {"person": move.who}
            self.oracle.record("address settle", self.story.now, body, self.story.today)
        self.story.do("notices reconcile", SYSTEM)
        self.oracle.record("notices reconcile", self.story.now, {}, self.story.today)

    def _return(self, who: str) -> None:
        letters = [letter for letter in self.oracle.post.letters if letter.person == who]
        if not letters:
            return
        mail = next(id_of(m) for m in reversed(self.story.mails) if m.person == f"p-{who}")
        self.story.do(
            RecordReturn(
                of=f"engagement:{ALDER}",
                mail=mail,
                message_id=f"<{mail}@handrail.example>",
                person=f"p-{who}",
                detail="550 5.1.1 user unknown",
                at=self.story.now,
            ),
            SYSTEM,
        )
        self.oracle.mail_came_back(self.story.now, letters[-1])

    def _agree(self) -> None:
        ledger = self.story.ledger()
        rules = {
            (told(n), n.planned.planned_for, *sorted(n.planned.to))
            for n in ledger
            if n.status == "planned"
        }
        oracle = {(t, plan.at, *sorted(plan.to)) for t, plan in self.oracle.planned.items()}
        assert (rules - oracle, oracle - rules) == (set(), set()), "one of them plans otherwise"
        mailed = {
            (mail.at, mail.person.removeprefix("p-"), mail.alarm is not None, *sorted(contents))
            for mail, contents in self.mails()
        }
        written = {(x.at, x.person, x.alarm, *sorted(x.told)) for x in self.oracle.post.letters}
        assert (mailed - written, written - mailed) == (set(), set()), "one of them mails otherwise"
        assert len(self.story.mails) == len(self.oracle.post.letters), "a mail goes twice"

    def mails(self) -> list[tuple[Mail, list[Told]]]:
        """Every mail of the story with what it said."""
        contents: dict[UUID, list[Told]] = {}
        for notice in self.story.ledger():
            for delivery in notice.deliveries.values():
                if delivery.mail:
                    contents.setdefault(delivery.mail, []).append(told(notice))
        return [(mail, contents[id_of(mail)]) for mail in self.story.mails]


# How stories begin -----------------------------------------------------------------------------

START = date(2027, 3, 2)


def _opened(on: date) -> Both:
    both = Both(on)
    who = {"lea": "ACUSD", "lead": "marcus", "director": "dana",
           "contact": "joy", "superintendent": "elena"}  # fmt: skip
    both.play(Do("engagement open", who, by="tess"))
    both.play(*(Do("conversation log", {"group": group}) for group in GROUPS))
    return both.play(Do("fit decide", {"proceed": True, "criterion": YES}))


def _effective(on: date, **terms: Any) -> Both:
    both = _opened(on).play(Do("agreement draft", terms, by="tess"))
    for board in ("lea", "ccee"):
        act = {"board": board, "action": "approved", "meeting": In(0)}
        both.play(Do("agreement act", act, by="tess"))
    return both


def _contact() -> Do:
    return Do("contact log", {"how": "visit", "purpose": "A", "people": ("joy",)})


def _year(first: date) -> Both:
    """A year after the agreement, with its check-in ahead."""
    both = _effective(first)
    return both.play(Pass((START - first).days, running=False), _contact())


@cache
def _begun(how: str) -> Both:
    match how:
        case "recruited":
            return _opened(START)
        case "drafted":
            return _opened(START).play(Do("agreement draft", by="tess"))
        case "agreed":
            return _effective(START)
        case "for a term":
            return _effective(START, until=In(160))
        case "a year ago":
            return _year(date(2026, 3, 20))
        case _:
            raise ValueError(how)


def begun(how: str) -> Both:
    """A story that begins so."""
    return _begun(how).copied()
