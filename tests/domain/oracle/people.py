"""Who is told, by docs/rules/reminders.md: roles, who stands in, and addresses that are dead."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

from tests.domain.oracle.world import Debt, Subject, World

INSTEAD: dict[str, tuple[str, ...]] = {
    "lea_contact": ("superintendent", "lead"),
    "superintendent": ("lea_contact", "lead"),
    "lead": ("director",),
    "incoming_lead": ("lead", "director"),
    "director": ("lead",),
    "assistant": ("lead", "director"),
    "board_clerk": ("lea_contact", "superintendent", "assistant", "lead"),
}
"""Who is told in the place of a role, nearest first."""


class Roles(Subject):
    """Who holds which role; the Lead's is handed over."""

    def engagement_open(
        self,
        day: date,
        *,
        lead: str,
        director: str,
        contact: str | None = None,
        superintendent: str | None = None,
        **_: Any,
    ) -> None:
        held = {"lead": lead, "director": director}
        held |= {"lea_contact": contact} if contact else {}
        held |= {"superintendent": superintendent} if superintendent else {}
        self.world.roles.update(held)
        self.world.reaches("recruiting")

    def engagement_assign(self, day: date, *, role: str, person: str, **_: Any) -> None:
        if role != "lead":
            self.world.roles[role] = person

    def playbook_upgrade(self, day: date, *, to: str, **_: Any) -> None:
        self.world.book = self.world.books[to]

    def engagement_close(self, day: date, **_: Any) -> None:
        self.world.over = True

    def engagement_withdraw(self, day: date, **_: Any) -> None:
        self.world.over = True

    def gone(self, person: str) -> bool:
        left = self.world.people[person].left
        return left is not None and left <= self.world.today

    def reached(self, person: str) -> bool:
        return not (self.gone(person) or self.world.people[person].dead)

    def in_turn(self, role: str) -> Iterator[str]:
        """Who may be told what a role is told: each holder, then their own fallback contacts."""
        for candidate in (role, *INSTEAD[role]):
            person = self.world.roles.get(candidate)
            seen: set[str] = set()
            while person and person not in seen:
                seen.add(person)
                yield person
                person = self.world.people[person].fallback

    def told(self, role: str, *, but: str | None = None) -> str | None:
        """Whom mail for a role reaches."""
        turns = (p for p in self.in_turn(role) if p != but and self.reached(p))
        return next(turns, None)

    def readers(self, roles: Iterable[str]) -> set[str]:
        return {person for role in roles if (person := self.told(role))}


@dataclass
class Lost:
    """An address from which mail came back, to be found out by a day."""

    person: str
    by: date
    open: bool = True


class Addresses(Subject):
    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.all: list[Lost] = []

    def found_dead(self, person: str) -> None:
        within = self.world.book["bounces"]["find_within_working_days"]
        self.world.people[person].dead = True
        self.all.append(Lost(person, self.world.agency.count(self.world.today, within)))

    def address_confirm(self, day: date, *, person: str, **_: Any) -> None:
        self._mended(person)

    def address_settle(self, day: date, *, person: str, **_: Any) -> None:
        self._mended(person.removeprefix("p-"))

    def _mended(self, person: str) -> None:
        self.world.people[person].dead = False
        for lost in self.all:
            if lost.person == person:
                lost.open = False

    def owed(self) -> Iterator[Debt]:
        times: dict[str, int] = {}
        for lost in self.all:
            times[lost.person] = times.get(lost.person, 0) + 1
            if lost.open:
                finders = ("assistant", "lead", "director")
                others = [r for r in finders if self.world.roles.get(r) not in (None, lost.person)]
                yield Debt(
                    f"address/p-{lost.person}",
                    times[lost.person],
                    lost.by,
                    self.world.book["bounces"]["policy"],
                    others[0] if others else "director",
                    "agency",
                )
