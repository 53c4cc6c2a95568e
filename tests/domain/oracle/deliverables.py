"""Deliverables, by docs/rules/deliverables.md, and the measures before them (focus.md)."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tests.domain.oracle.world import Debt, Subject, World


@dataclass
class Terms:
    """What is on the table."""

    due: date
    hours: int
    on: date
    """The day on which they were put there."""
    signed: set[str] = field(default_factory=set)
    takes_in: list[str] = field(default_factory=list)
    """What is agreed, and ends once these are signed."""


@dataclass
class Work:
    """A deliverable, or a wave of the review."""

    table: Terms | None = None
    due: date | None = None
    hours: int = 0
    round: int = 1
    state: str = "proposed"
    submissions: list[date] = field(default_factory=list)
    answers: int = 0
    parts: list[str] = field(default_factory=list)

    @property
    def open(self) -> bool:
        return self.state in ("proposed", "agreed")

    def would_be(self) -> tuple[date, int]:
        """The due date and the hours on the table, or those that stand."""
        if self.table:
            return self.table.due, self.table.hours
        return self.due or date.min, self.hours

    def agree(self) -> Terms:
        """Both have signed; only another date is another round."""
        assert self.table
        terms = self.table
        self.round += self.due is not None and self.due != terms.due
        self.due, self.hours = terms.due, terms.hours
        self.state, self.table = "agreed", None
        return terms


def signature(item: str, work: Work, world: World) -> Iterator[Debt]:
    """The LEA's signature, asked for once the Lead has signed."""
    rules = world.book["deliverables"]
    if work.table and "agency" in work.table.signed:
        by = world.lea.count(work.table.on, rules["signature_working_days"])
        name, policy = f"{item}/signature", rules["signature_policy"]
        yield Debt(name, work.round, by, policy, "lea_contact", "lea")


class Deliverables(Subject):
    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.works: dict[str, Work] = {}

    def deliverable_propose(self, day: date, *, due: date, hours: int, **_: Any) -> None:
        self._new(due, hours, day)

    def _new(self, due: date, hours: int, day: date) -> str:
        item = f"D{len(self.works) + 1}"
        self.works[item] = Work(Terms(due, hours, day), hours=hours)
        return item

    def deliverable_sign(
        self, day: date, *, deliverable: str, person: str | None = None, **_: Any
    ) -> None:
        work = self.works[deliverable]
        assert work.table
        work.table.signed.add("lea" if person else "agency")
        if work.table.signed == {"lea", "agency"}:
            for other in work.agree().takes_in:
                self._end(other)
            self.world.reaches("partnering")
            self._settled(deliverable)

    def deliverable_redate(self, day: date, *, deliverable: str, due: date, **_: Any) -> None:
        work = self.works[deliverable]
        self._table(work, due, work.would_be()[1], day)

    def deliverable_rescope(
        self,
        day: date,
        *,
        deliverable: str,
        due: date | None = None,
        hours: int | None = None,
        **_: Any,
    ) -> None:
        work = self.works[deliverable]
        before = work.would_be()
        self._table(work, due or before[0], before[1] if hours is None else hours, day)

    def _table(
        self, work: Work, due: date, hours: int, day: date, takes_in: tuple[str, ...] = ()
    ) -> None:
        """A further proposal builds on the one before; what stands takes the proposal back."""
        named = [*(work.table.takes_in if work.table else ()), *takes_in]
        still = [item for item in dict.fromkeys(named) if self.works[item].state == "agreed"]
        stands = work.due is not None and (due, hours) == (work.due, work.hours) and not still
        work.table = None if stands else Terms(due, hours, day, takes_in=still)
        if work.due is None:
            work.hours = hours

    def deliverable_decline(self, day: date, *, deliverable: str, **_: Any) -> None:
        work = self.works[deliverable]
        work.table = None
        if work.state == "proposed":
            work.state = "declined"
            self._settled(deliverable)

    def deliverable_merge(
        self,
        day: date,
        *,
        deliverables: tuple[str, ...],
        into: str | None = None,
        due: date | None = None,
        hours: int | None = None,
        **_: Any,
    ) -> None:
        target = self.works[into or deliverables[0]]
        others = [item for item in deliverables if self.works[item] is not target]
        if hours is None:
            counted = [target, *(self.works[o] for o in others)]
            hours = sum(w.would_be()[1] for w in counted if w.state != "declined")
        takes_in: list[str] = []
        for item in others:
            other = self.works[item]
            if other.state == "agreed":
                takes_in.append(item)
            takes_in += other.table.takes_in if other.table else []
        for item in others:
            if self.works[item].state != "agreed":
                self._end(item)
        self._table(target, due or target.would_be()[0], hours, day, tuple(takes_in))

    def deliverable_split(
        self, day: date, *, deliverable: str, part: tuple[str, ...], **_: Any
    ) -> None:
        for text in part:
            due, hours, _title = text.split(maxsplit=2)
            item = self._new(date.fromisoformat(due), int(hours), day)
            self.works[deliverable].parts.append(item)
        if self.works[deliverable].state == "proposed":
            self._end(deliverable)

    def _end(self, item: str) -> None:
        work = self.works[item]
        work.state, work.table = "ended", None

    def _settled(self, part: str) -> None:
        """What was split ends with its last part, unless every part was declined."""
        for item, work in self.works.items():
            states = {self.works[other].state for other in work.parts}
            over = states - {"declined"} and "proposed" not in states
            if work.open and part in work.parts and over:
                self._end(item)

    def deliverable_submit(self, day: date, *, deliverable: str, **_: Any) -> None:
        work = self.works[deliverable]
        work.state, work.table = "submitted", None
        work.submissions.append(day)

    def deliverable_return(self, day: date, *, deliverable: str, due: date, **_: Any) -> None:
        work = self.works[deliverable]
        work.answers += 1
        work.round += 1
        work.state, work.due = "agreed", due

    def deliverable_accept(self, day: date, *, deliverable: str, **_: Any) -> None:
        work = self.works[deliverable]
        work.answers += 1
        work.state = "accepted"

    def names(self) -> list[str]:
        return list(self.works)

    def owed(self) -> Iterator[Debt]:
        rules = self.world.book["deliverables"]
        for item, work in self.works.items():
            if work.state == "agreed" and work.due:
                yield Debt(item, work.round, work.due, rules["policy"], "lea_contact", "lea")
            yield from signature(item, work, self.world)
            for number, day in enumerate(work.submissions, start=1):
                if work.answers < number:
                    by = self.world.agency.count(day, rules["review_working_days"])
                    name, policy = f"{item}/review", rules["review_policy"]
                    yield Debt(name, number, by, policy, "lead", "agency")


class Measures(Subject):
    """At least one measure stands before the first deliverable falls due."""

    def __init__(self, world: World, deliverables: Deliverables) -> None:
        super().__init__(world)
        self.deliverables = deliverables
        self.standing: list[bool] = []

    def measure_add(self, day: date, **_: Any) -> None:
        self.standing.append(True)

    def measure_drop(self, day: date, *, measure: str, **_: Any) -> None:
        self.standing[int(measure.removeprefix("M")) - 1] = False

    def owed(self) -> Iterator[Debt]:
        dated = [
            (work.due, item, work)
            for item, work in self.deliverables.works.items()
            if work.due and work.state != "ended"
        ]
        if dated and not any(self.standing):
            due, item, work = min(dated, key=lambda entry: entry[:2])
            policy = self.world.book["measures"].get("policy")
            yield Debt(f"{item}/measures", work.round, due, policy, "lead", "agency")
