"""Check-ins and what is promised there, by docs/rules/check-ins.md."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from tests.domain.oracle.days import months_later
from tests.domain.oracle.world import Debt, Side, Subject, World


@dataclass
class CheckIn:
    agreed: list[date] = field(default_factory=list)
    """The days it was opened for, one after the other."""
    held: bool = False
    outcome: str | None = None
    """None until it is closed."""


@dataclass
class Promise:
    by: date
    owner: str
    round: int = 1
    judged: bool = False


class CheckIns(Subject):
    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.all: list[CheckIn] = []
        self.promises: dict[str, Promise] = {}

    def _in_play(self) -> CheckIn:
        if not self.all or self.all[-1].outcome:
            self.all.append(CheckIn())
        return self.all[-1]

    def checkin_open(self, day: date, *, on: date, **_: Any) -> None:
        self._in_play().agreed.append(on)

    def checkin_hold(self, day: date, **_: Any) -> None:
        self._in_play().held = True

    def checkin_close(
        self,
        day: date,
        *,
        outcome: str = "continue",
        commitment: tuple[str, ...] = (),
        **_: Any,
    ) -> None:
        self._in_play().outcome = outcome
        promised = []
        for said in commitment:
            by, _slash, owner = said.partition("=")[0].partition("/")
            promised.append((date.fromisoformat(by), owner))
        for by_, owner in sorted(promised, key=lambda p: p[0]):
            self._promise(f"CI-{len(self.all)}", by_, owner)

    def _promise(self, checkin: str, by: date, owner: str) -> None:
        number = sum(item.startswith(f"{checkin}/") for item in self.promises) + 1
        self.promises[f"{checkin}/{number}"] = Promise(by, owner)

    def checkin_correct(
        self, day: date, *, checkin: str, outcome: str | None = None, **_: Any
    ) -> None:
        corrected = self.all[int(checkin.removeprefix("CI-")) - 1]
        corrected.outcome = outcome or corrected.outcome

    def commitment_add(self, day: date, *, checkin: str, owner: str, by: date, **_: Any) -> None:
        self._promise(checkin, by, owner)

    def commitment_judge(self, day: date, *, checkin: str, number: int, **_: Any) -> None:
        self.promises[f"{checkin}/{number}"].judged = True

    def commitment_redate(
        self, day: date, *, checkin: str, number: int, by: date, **_: Any
    ) -> None:
        promise = self.promises[f"{checkin}/{number}"]
        promise.by, promise.round = by, promise.round + 1

    def commitment_correct(
        self, day: date, *, checkin: str, number: int, owner: str | None = None, **_: Any
    ) -> None:
        promise = self.promises[f"{checkin}/{number}"]
        promise.owner = owner or promise.owner

    def names(self) -> list[str]:
        return [*(f"CI-{n}" for n in range(1, len(self.all) + 1)), *self.promises]

    def owed(self) -> Iterator[Debt]:
        rules = self.world.book["checkins"]
        ended = any(checkin.outcome == "end" for checkin in self.all)
        closed = [checkin for checkin in self.all if checkin.outcome]
        current = self.all[-1] if len(self.all) > len(closed) else CheckIn()
        # Once the end is agreed on, only a day that was agreed on all the same is owed.
        if self.world.effective and (current.agreed or not ended):
            number = len(closed) + 1
            annual = months_later(self.world.effective, rules["every_months"] * number)
            dates = [self.world.agency.forward(annual), *current.agreed]
            if not current.held:
                policy = rules["policy"]
                yield Debt(f"CI-{number}", len(dates), dates[-1], policy, "lead", "agency")
        for item, promise in self.promises.items():
            if not promise.judged:
                yield self._promised(item, promise, rules["commitment_policy"])

    def _promised(self, item: str, promise: Promise, policy: str) -> Debt:
        """Its owner is reminded in a role that they hold, or else whoever answers for the side."""
        agency = self.world.people[promise.owner].works_at == "agency"
        held = [role for role, person in self.world.roles.items() if person == promise.owner]
        role = held[0] if held else "lead" if agency else "lea_contact"
        side: Side = "agency" if agency else "lea"
        return Debt(item, promise.round, promise.by, policy, role, side)
