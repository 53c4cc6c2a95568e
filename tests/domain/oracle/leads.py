"""The Lead: contacts by docs/rules/coaching.md, and handovers by docs/rules/handover.md."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from tests.domain.oracle.days import ONE_DAY
from tests.domain.oracle.world import Debt, Subject, World


@dataclass
class Contact:
    on: date
    coach: str


class Coaching(Subject):
    """No more than so many days pass without contact."""

    def __init__(self, world: World, tenures: list[tuple[date, str]]) -> None:
        super().__init__(world)
        self.tenures = tenures
        self.contacts: list[Contact] = []
        """Those that end a gap."""
        self.begun_anew: list[date] = []
        """The days from which the days without contact are counted, as they were recorded."""
        self.out = False

    def contact_log(self, day: date, *, how: str, by: str | None = None, **_: Any) -> None:
        kinds = {kind["id"]: kind for kind in self.world.book["coaching"]["contact_kinds"]}
        if kinds[how].get("counts", True):
            lead = [who for since, who in self.tenures if since <= day][-1:]
            coach = by or (lead[0] if lead else self.world.roles["lead"])
            self.contacts.append(Contact(day, coach))
            self.begun_anew.append(day)

    def prong_opt_out(self, day: date, *, prong: str, **_: Any) -> None:
        self.out = self.out or prong == "coaching"

    def prong_opt_in(self, day: date, *, prong: str, **_: Any) -> None:
        if prong == "coaching":
            self.out = False
            self.begun_anew.append(day)

    def owed(self) -> Iterator[Debt]:
        rules = self.world.book["coaching"]
        if not self.world.effective or self.out:
            return
        since, count = self.world.effective, 1
        for day in self.begun_anew:
            if day > since:
                since, count = day, count + 1
        by = since + timedelta(days=rules["contact_within_days"])
        yield Debt("coaching/contact", count, by, rules["policy"], "lead", "agency")


@dataclass
class Handover:
    """From one Lead to another, on a day."""

    to: str
    effective: date
    meet_by: date | None
    contact_by: date
    state: str = "set"
    met: bool = False


class Handovers(Subject):
    def __init__(self, world: World, coaching: Coaching, tenures: list[tuple[date, str]]) -> None:
        super().__init__(world)
        self.coaching = coaching
        self.tenures = tenures
        self.all: list[Handover] = []

    def lead_handover(self, day: date, *, to: str, overlap: date | None = None, **_: Any) -> None:
        rules, world = self.world.book["handover"], self.world
        for other in self.all:
            if other.state == "set":
                other.state = "replaced"
        ahead = day > world.today
        if overlap is None and ahead:
            soonest = world.agency.forward(world.today + ONE_DAY)
            overlap = max(world.agency.count(day, -rules["overlap_working_days"]), soonest)
        contact_by = max(day, world.today) + timedelta(days=rules["contact_within_days"])
        handover = Handover(to, day, overlap, contact_by)
        self.all.append(handover)
        world.roles["incoming_lead"] = to
        if not ahead:
            self._change(to, day)

    def lead_handover_cancel(self, day: date, **_: Any) -> None:
        for handover in self.all:
            if handover.state == "set":
                handover.state = "cancelled"
        self.world.roles.pop("incoming_lead", None)

    def engagement_assign(self, day: date, *, role: str, person: str, **_: Any) -> None:
        if role == "lead" and self.world.roles.get("lead") != person:
            self._change(person, day)

    def _change(self, to: str, day: date) -> None:
        """Somebody else is Lead: one handover is done by it, and the others are overtaken."""
        for handover in self.all:
            if handover.state == "set":
                handover.state = "effective" if handover.to == to else "overtaken"
            elif handover.state == "effective":
                handover.state = "overtaken"
        self.world.roles.pop("incoming_lead", None)
        self.world.roles["lead"] = to
        self.tenures.append((day, to))

    def handover_meet(self, day: date, **_: Any) -> None:
        self._met()

    def handover_skip(self, day: date, **_: Any) -> None:
        self._met()

    def _met(self) -> None:
        live = [h for h in self.all if h.meet_by and h.state in ("set", "effective")]
        live[-1].met = True

    def to_come(self) -> Iterator[tuple[datetime, Callable[[], None]]]:
        for handover in self.all:
            if handover.state == "set":
                moment = self.world.moment(handover.effective)
                yield moment, lambda h=handover: self._change(h.to, h.effective)  # type: ignore[misc]

    def owed(self) -> Iterator[Debt]:
        rules = self.world.book["handover"]
        for number, h in enumerate(self.all, start=1):
            if h.meet_by and not h.met and h.state in ("set", "effective"):
                item, policy = f"LH{number}/overlap", rules["policy"]
                yield Debt(item, 1, h.meet_by, policy, "lead", "agency")
            spoken = any(c.coach == h.to and c.on >= h.effective for c in self.coaching.contacts)
            owed = h.state == "effective" and self.world.effective and not self.coaching.out
            if owed and not spoken:
                item, policy = f"LH{number}/contact", rules["contact_policy"]
                yield Debt(item, 1, h.contact_by, policy, "lead", "agency")
