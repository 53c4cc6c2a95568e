"""Summits, by docs/rules/summits.md: registrations and promises."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from tests.domain.oracle.world import Debt, Side, Subject, World


@dataclass
class Summit:
    first: date
    last: date
    registration: date
    moves: int = 0
    state: str = "planned"


@dataclass
class Invitation:
    """The LEA's part in one summit, with the days that it took over."""

    first: date
    registration: date
    moves: int
    state: str = "invited"
    round: int = 1
    left_behind: bool = False
    """The summit moved into the LEA's recess, and the LEA did not follow."""
    begun: bool = False


@dataclass
class Promise:
    by: date
    owner: str
    settled: bool = False


class Summits(Subject):
    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.summits: dict[str, Summit] = {}
        self.invitations: dict[str, Invitation] = {}
        self.promises: dict[str, Promise] = {}
        self.out = False

    def summit_plan(
        self, day: date, *, summit: str, first: date, last: date, registration_due: date, **_: Any
    ) -> None:
        self.summits[summit] = Summit(first, last, registration_due)

    def summit_invite(self, day: date, *, summit: str, **_: Any) -> None:
        s, before = self.summits[summit], self.invitations.get(summit)
        round_ = before.round + 1 if before else 1
        self.invitations[summit] = Invitation(s.first, s.registration, s.moves, round=round_)

    def summit_register(self, day: date, *, summit: str, **_: Any) -> None:
        self.invitations[summit].state = "registered"

    def summit_decline_invitation(self, day: date, *, summit: str, **_: Any) -> None:
        self.invitations[summit].state = "declined"

    def summit_reschedule(
        self, day: date, *, summit: str, to: date, registration_due: date | None = None, **_: Any
    ) -> None:
        """Registration ends as many days before it as until now, unless a day is named."""
        s = self.summits[summit]
        by = to - s.first
        s.first, s.last = to, s.last + by
        s.registration = registration_due or s.registration + by
        s.moves += 1

    def summit_cancel(self, day: date, *, summit: str, **_: Any) -> None:
        self.summits[summit].state = "cancelled"

    def summit_conclude(self, day: date, *, summit: str, **_: Any) -> None:
        s = self.summits.get(summit)
        if s and s.state == "planned" and self.world.today > s.last:
            s.state = "held"

    def summit_take_over(self, day: date, *, summit: str, **_: Any) -> None:
        """The engagement hears what became of a summit."""
        s, invitation = self.summits[summit], self.invitations.get(summit)
        if invitation is None or invitation.state not in ("invited", "registered"):
            return
        if s.state == "cancelled":
            invitation.state = "cancelled"
        elif s.moves > invitation.moves:
            rests = any(f <= s.last and s.first <= last for f, last in self.world.lea.recess)
            if rests:
                invitation.moves, invitation.left_behind = s.moves, True
            else:
                self._follow(invitation, s)
        elif s.state == "held" and invitation.left_behind:
            invitation.state = "cancelled"

    def summit_follow(self, day: date, *, summit: str, **_: Any) -> None:
        self._follow(self.invitations[summit], self.summits[summit])

    def _follow(self, invitation: Invitation, summit: Summit) -> None:
        invitation.round += invitation.registration != summit.registration
        invitation.first, invitation.registration = summit.first, summit.registration
        invitation.moves, invitation.left_behind = summit.moves, False

    def prong_opt_out(self, day: date, *, prong: str, **_: Any) -> None:
        self.out = self.out or prong == "summits"

    def prong_opt_in(self, day: date, *, prong: str, **_: Any) -> None:
        self.out = self.out and prong != "summits"

    def summit_commitment_add(
        self, day: date, *, summit: str, by: date, owner: str = "lea_contact", **_: Any
    ) -> None:
        number = sum(item.startswith(f"{summit}/") for item in self.promises) + 1
        self.promises[f"{summit}/{number}"] = Promise(by, owner)

    def summit_commitment_settle(
        self, day: date, *, summit: str, commitment: str, **_: Any
    ) -> None:
        self.promises[f"{summit}/{commitment}"].settled = True

    def to_come(self) -> Iterator[tuple[datetime, Callable[[], None]]]:
        for invitation in self.invitations.values():
            comes = invitation.state in ("invited", "registered") and not invitation.left_behind
            if comes and not invitation.begun:
                yield self.world.moment(invitation.first), lambda i=invitation: self._begin(i)  # type: ignore[misc]

    def _begin(self, invitation: Invitation) -> None:
        invitation.begun = True

    def names(self) -> list[str]:
        return list(self.promises)

    def owed(self) -> Iterator[Debt]:
        rules = self.world.book["summits"]
        for name, i in self.invitations.items():
            if i.state == "invited" and not (i.begun or self.out):
                yield Debt(
                    f"{name}/registration",
                    i.round,
                    i.registration,
                    rules["registration_policy"],
                    "lea_contact",
                    "lea",
                    held=i.left_behind,
                )
        for item, promise in self.promises.items():
            if not promise.settled:
                side: Side = "agency" if promise.owner == "lead" else "lea"
                policy = rules["commitment_policy"]
                yield Debt(item, 1, promise.by, policy, promise.owner, side)
