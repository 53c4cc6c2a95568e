"""Holds, and leaders who leave, by docs/rules/turnover.md."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tests.domain.oracle.days import ONE_DAY
from tests.domain.oracle.deliverables import Deliverables
from tests.domain.oracle.review import Review
from tests.domain.oracle.world import Debt, Subject, World


@dataclass
class Hold:
    """What rests: the items named, or everything the LEA owes."""

    since: date
    items: frozenset[str] = frozenset()
    """None where everything rests."""
    until: date | None = None
    of_leader: bool = False
    """Until a new leader recommits."""
    let_go: set[str] = field(default_factory=set)
    """Items that go on before the rest."""


class Holds(Subject):
    def __init__(self, world: World, works: Deliverables) -> None:
        super().__init__(world)
        self.works = works.works
        self.owed_by_all: Callable[[], list[Debt]] = list
        """Everything owed, whatever rests."""
        self.all: list[Hold] = []
        self.passed: set[tuple[str, int]] = set()
        """What fell due on hold, and has no other date yet."""

    def covers(self, hold: Hold, debt: Debt) -> bool:
        if {debt.item, debt.root} & hold.let_go:
            return False
        if debt.item in hold.items:
            return True
        if hold.items and debt.root not in hold.items:
            return False
        work = self.works.get(debt.root)
        before = work is not None and work.state == "agreed" and debt.due == work.due
        # A statute set the clock of an alarm, which rests only where it is named.
        return (debt.side == "lea" and debt.at is None) or before

    def rests(self, debt: Debt) -> bool:
        return debt.key in self.passed or any(self.covers(hold, debt) for hold in self.all)

    def engagement_hold(
        self, day: date, *, until: date | None = None, item: tuple[str, ...] = (), **_: Any
    ) -> None:
        self.all.append(Hold(day, frozenset(item), until))

    def engagement_resume(self, day: date, *, item: tuple[str, ...] = (), **_: Any) -> None:
        if item:
            self._let_go(set(item))
            return
        for hold in [h for h in self.all if not h.of_leader]:
            self.lift(hold, self.world.today)

    def _let_go(self, items: set[str]) -> None:
        for hold in list(self.all):
            covered = [debt for debt in self.owed_by_all() if self.covers(hold, debt)]
            going = {i for i in items if any(i in (debt.item, debt.root) for debt in covered)}
            if not going:
                continue
            part = Hold(hold.since, frozenset(going), let_go=hold.let_go)
            self._what_passed(part, self.world.today)
            hold.let_go |= going
            if hold.items and hold.items <= hold.let_go:
                self.all.remove(hold)

    def lift(self, hold: Hold, until: date) -> None:
        self._what_passed(hold, until)
        self.all.remove(hold)

    def _what_passed(self, hold: Hold, until: date) -> None:
        """What fell due on hold, before the day of the lifting, needs a new date."""
        for debt in self.owed_by_all():
            signature = debt.item.endswith("/signature")
            if not signature and hold.since <= debt.due < until and self.covers(hold, debt):
                self.passed.add(debt.key)

    def to_come(self) -> Iterator[tuple[datetime, Callable[[], None]]]:
        for hold in self.all:
            if hold.until:
                moment = self.world.moment(hold.until)
                yield moment, lambda h=hold: self.lift(h, h.until)  # type: ignore[misc]


@dataclass
class Leaving:
    """A leader of the LEA leaves."""

    person: str
    last_day: date
    recommit_by: date
    gone: bool = False
    stays: bool = False
    recommitted: bool = False
    reaffirmed: bool = False


class Leaders(Subject):
    """Of the leaders only the superintendent counts."""

    def __init__(self, world: World, holds: Holds, works: Deliverables, review: Review) -> None:
        super().__init__(world)
        self.holds, self.works, self.review = holds, works, review
        self.all: list[Leaving] = []

    def leader_leave(
        self,
        day: date,
        *,
        person: str,
        last_day: date | None = None,
        keep: tuple[str, ...] = (),
        **_: Any,
    ) -> None:
        rules, world = self.world.book["turnover"], self.world
        by = world.agency.forward(day + timedelta(days=rules["recommit_within_days"]))
        if held := self._tight() - set(keep):
            self.holds.all.append(Hold(day, frozenset(held), of_leader=True))
        leaving = Leaving(person, last_day or day, by)
        self.all.append(leaving)
        if leaving.last_day < world.today:
            self._goes(leaving)

    def _tight(self) -> set[str]:
        """What is agreed and belongs to a tight step, and rests for no other leader yet."""
        found = set()
        if self.world.tight("deliverables"):
            found |= {i for i, work in self.works.works.items() if work.state == "agreed"}
        if self.world.tight("waves") and not self.review.final:
            found |= {i for i, work in self.review.waves.items() if work.state == "agreed"}
        already = [hold.items - hold.let_go for hold in self.holds.all if hold.of_leader]
        return found.difference(*already)

    def _goes(self, leaving: Leaving) -> None:
        leaving.gone = True
        if self.world.roles.get("superintendent") == leaving.person:
            del self.world.roles["superintendent"]

    def to_come(self) -> Iterator[tuple[datetime, Callable[[], None]]]:
        for leaving in self.all:
            if not (leaving.gone or leaving.stays):
                moment = self.world.moment(leaving.last_day + ONE_DAY)
                yield moment, lambda x=leaving: self._goes(x)  # type: ignore[misc]

    def leader_stay(self, day: date, *, person: str, **_: Any) -> None:
        for leaving in self.all:
            if leaving.person == person and not leaving.gone:
                leaving.stays = True
        self._end_the_hold()

    def recommitment_record(self, day: date, **_: Any) -> None:
        self.all[-1].recommitted = True
        self._end_the_hold()

    def recommitment_reaffirm(self, day: date, **_: Any) -> None:
        self.all[-1].reaffirmed = True
        self._end_the_hold()

    def _end_the_hold(self) -> None:
        last, board = self.all[-1], self.world.book["turnover"]["board_reaffirms"]
        if last.stays or (last.recommitted and (last.reaffirmed or not board)):
            for hold in [h for h in self.holds.all if h.of_leader]:
                self.holds.lift(hold, self.world.today)

    def owed(self) -> Iterator[Debt]:
        for number, leaving in enumerate(self.all, start=1):
            last = number == len(self.all)
            if last and not (leaving.stays or leaving.recommitted):
                policy = self.world.book["turnover"]["policy"]
                name = "recommitment/leader"
                yield Debt(name, number, leaving.recommit_by, policy, "lead", "agency")
