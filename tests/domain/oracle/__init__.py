"""A second, slower reading of docs/rules, against which the real rules are held.

Written from the rules pages and from packs/*.yaml alone: it imports nothing of the domain, goes
from day to day, and keeps in plain dictionaries what is owed and who has been told of it.  Each
subject is a module that says what is owed; `etiquette` says which reminders go about a debt,
`people` whom they reach, and `post` when they go.
"""

import copy
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, time
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from tests.domain.oracle.agreements import Agreements
from tests.domain.oracle.checkins import CheckIns
from tests.domain.oracle.days import ONE_DAY, PACKS, Days, Recess
from tests.domain.oracle.deliverables import Deliverables, Measures
from tests.domain.oracle.etiquette import Etiquette, Told
from tests.domain.oracle.holds import Holds, Leaders
from tests.domain.oracle.leads import Coaching, Handovers
from tests.domain.oracle.people import Addresses, Roles
from tests.domain.oracle.post import Letter, Planned, Post
from tests.domain.oracle.review import Review
from tests.domain.oracle.summits import Summits
from tests.domain.oracle.world import Debt, Person, Subject, World
from tests.domain.oracle.yearly import Statutes, Surveys

__all__ = ["Letter", "Oracle", "Person", "Planned", "Told", "handbook"]

ASKS_NOBODY = frozenset(
    {
        "board pull", "conversation log", "evidence log", "fit decide", "notices reconcile",
        "sir answer", "sir finding", "sir wave spare",
    }
)  # fmt: skip
"""What is recorded and makes nobody owe anything else."""

ELSEWHERE = frozenset({"summit plan", "summit reschedule", "summit cancel", "summit conclude"})
"""What is recorded on a summit; the engagement hears of it later."""


@cache
def handbook() -> dict[str, Any]:
    """The playbook, as data."""
    return dict(yaml.safe_load((PACKS / "playbooks/dta-sir.yaml").read_text("utf-8")))


class Oracle:
    """Who has been told what, and what is still planned."""

    def __init__(
        self,
        books: list[dict[str, Any]],
        zone: str,
        recess: list[Recess],
        people: dict[str, Person],
        lea_type: str,
    ) -> None:
        closures: list[Recess] = []
        agency, lea = Days(closures), Days(closures, recess)
        versions = {f"{book['id']}@{book['version']}": book for book in books}
        world = World(versions, books[0], ZoneInfo(zone), agency, lea, people)
        tenures: list[tuple[date, str]] = []
        works, review = Deliverables(world), Review(world)
        coaching = Coaching(world, tenures)
        self.world = world
        self.tenures = tenures
        self.roles, self.addresses = Roles(world), Addresses(world)
        self.etiquette = Etiquette(world)
        self.holds = Holds(world, works)
        self.post = Post(world, self.roles, self.addresses, self.etiquette)
        self.subjects: list[Subject] = [
            self.roles, self.addresses, self.etiquette, works, Measures(world, works), review,
            Agreements(world), Summits(world), CheckIns(world), coaching,
            Handovers(world, coaching, tenures), self.holds,
            Leaders(world, self.holds, works, review), Surveys(world), Statutes(world, lea_type),
        ]  # fmt: skip
        self.holds.owed_by_all = self.etiquette.owed_by_all = self._owed
        self.etiquette.unsaid = self.post.unsaid
        self.looks_at_once = False
        """Whether something may have to go before the next hour at which reminders do."""

    @property
    def planned(self) -> dict[Told, Planned]:
        return self.post.planned

    # What is recorded ------------------------------------------------------------------------

    def record(self, what: str, now: datetime, body: dict[str, Any], on: date) -> None:
        """One accepted command.

        Args:
            on: The day on which it came true.
        """
        if what not in ELSEWHERE:
            self.catch_up(now)
        name = what.replace(" ", "_").replace("-", "_")
        hearers = [getattr(s, name) for s in self.subjects if hasattr(s, name)]
        assert hearers or what in ASKS_NOBODY, f"the oracle has not read about {what!r}"
        for hear in hearers:
            hear(on, **body)
        if what == "engagement open":
            self.tenures.append((on, body["lead"]))
        if what not in ELSEWHERE:
            self._plan()
            self.looks_at_once = True

    def rests(self, now: datetime, days: Recess, *, agency: bool = False) -> None:
        """The LEA has a further recess, or the agency is closed on some days."""
        self.catch_up(now)
        of = self.world.agency.closures if agency else self.world.lea.recess
        of.append(days)
        self._plan()
        self.looks_at_once = True

    def mail_came_back(self, now: datetime, letter: Letter) -> None:
        """A report says so, of a mail that a mail server had taken."""
        self.catch_up(now)
        self.post.comes_back(letter)
        self._plan()
        self.looks_at_once = True

    def catch_up(self, now: datetime) -> bool:
        """What time has brought comes before whatever is recorded next.

        Returns:
            Whether it has brought anything.
        """
        self.world.now = now
        brought = False
        while not self.world.over:
            due = [entry for entry in self._to_come() if entry[0] <= now]
            if not due:
                break
            min(due, key=lambda entry: entry[0])[1]()
            brought = True
        return brought

    def _to_come(self) -> Iterator[tuple[datetime, Callable[[], None]]]:
        for subject in self.subjects:
            yield from subject.to_come()

    def _owed(self) -> list[Debt]:
        if self.world.over:
            return []
        return [debt for subject in self.subjects for debt in subject.owed()]

    def _plan(self) -> None:
        self.post.plan([replace(d, held=True) if self.holds.rests(d) else d for d in self._owed()])

    # Days pass -------------------------------------------------------------------------------

    def days_pass(self, start: datetime, end: datetime) -> None:
        """Go from day to day; look whenever something may happen."""
        moments = {plan.at for plan in self.planned.values() if plan.alarm}
        moments |= {start} if self.looks_at_once else set()
        self.looks_at_once = False
        day = self.world.day_of(start)
        while day <= self.world.day_of(end):
            moments |= {self.world.moment(day, hour) for hour in (time(0), time(8))}
            day += ONE_DAY
        for moment in sorted(moments):
            if start <= moment <= end:
                if self.catch_up(moment):
                    self._plan()
                if self.post.look():
                    self._plan()

    def copied(self) -> "Oracle":
        """The same up to here, to go on otherwise."""
        return copy.deepcopy(self, {id(book): book for book in self.world.books.values()})

    def nobody_works(self, start: datetime, end: datetime) -> None:
        """No worker runs; what one would have done is made up for when it is back."""
        one = self.copied()
        one.days_pass(start, end)
        come = any(start < plan.at <= end for plan in self.planned.values())
        if come or one.planned != self.planned or one.post.letters != self.post.letters:
            self.looks_at_once = True

    def known(self) -> list[str]:
        """The names of what there is: deliverables, waves, agreements, promises, summits."""
        return [name for subject in self.subjects for name in subject.names()]

    def owed(self) -> list[str]:
        """The items that are owed."""
        return sorted({debt.item for debt in self._owed()})
