"""Which reminders go about a debt, by docs/rules/reminders.md: policies, recess and snoozes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import Any

from tests.domain.oracle.world import Debt, Subject, World

Step = tuple[str, datetime, frozenset[str]]
"""What it is called, when it goes, and the roles that it goes to."""

Told = tuple[str, int, str, date]
"""A reminder: the item, its round, the step, and the due date."""


SNOOZED = "snoozed"
"""The step that ends a snooze where the policy has none that day."""


@dataclass
class Snooze:
    since: datetime
    until: date
    missed: frozenset[str]
    """The roles that somebody had still to be told for when it began."""


class Etiquette(Subject):
    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.snoozes: dict[tuple[str, int], Snooze] = {}
        self.of_kinds: dict[str, str] = {}
        self.of_items: dict[str, str] = {}
        self.owed_by_all: Callable[[], list[Debt]] = list
        self.unsaid: Callable[[tuple[str, int]], frozenset[str]] = _nothing
        """The roles of what has not been said of a debt although its moment has come."""

    def policy(self, name: str) -> dict[str, Any]:
        return next(p for p in self.world.book["policies"] if p["id"] == name)

    def policy_of(self, debt: Debt) -> dict[str, Any] | None:
        """The one chosen for the item or its kind, or the playbook's; an alarm keeps its own."""
        if debt.policy is None:
            return None
        own = self.policy(debt.policy)
        if own.get("any_hour"):
            return own
        kinds = self.world.book["etiquette"]["kinds"]
        kind = next((k["id"] for k in kinds if _matches(debt.item, k["items"])), "")
        chosen = self.of_items.get(debt.item) or self.of_kinds.get(kind)
        known = {p["id"] for p in self.world.book["policies"]}
        return self.policy(chosen) if chosen and chosen in known else own

    def _hour(self, policy: dict[str, Any]) -> time:
        return time.fromisoformat(policy.get("at", "08:00"))

    def reminders_policy(
        self,
        day: date,
        *,
        policy: str,
        of_kind: str | None = None,
        item: str | None = None,
        **_: Any,
    ) -> None:
        if item:
            self.of_items[item] = policy
        if of_kind:
            self.of_kinds[of_kind] = policy

    def reminders_snooze(self, day: date, *, item: str, until: date, **_: Any) -> None:
        key = self._debt(item).key
        self.snoozes[key] = Snooze(self.world.now, until, self.unsaid(key))

    def reminders_wake(self, day: date, *, item: str, **_: Any) -> None:
        del self.snoozes[self._debt(item).key]

    def _debt(self, item: str) -> Debt:
        return [debt for debt in self.owed_by_all() if debt.item == item][-1]

    def rests(self, key: tuple[str, int]) -> bool:
        """Whether nothing may be said yet."""
        snooze = self.snoozes.get(key)
        return snooze is not None and snooze.until > self.world.today

    def steps(self, debt: Debt) -> list[Step]:
        """Everything that is said of a debt, whenever that is."""
        policy, snooze = self.policy_of(debt), self.snoozes.get(debt.key)
        if policy is None:
            return []
        steps = self._by_policy(debt, policy)
        if snooze is None or policy.get("any_hour"):
            return steps
        morning = self.world.moment(self.ends(debt) or snooze.until, self._hour(policy))
        left_out = [step for step in steps if self._rests(step, snooze)]
        missed = snooze.missed.union(*(to for _, _, to in left_out))
        later = [step for step in steps if self.world.day_of(step[1]) >= snooze.until]
        if not any(at == morning for _, at, _ in later):
            later.append((SNOOZED, morning, frozenset({debt.owner})))
        return [(step, at, to | missed if at == morning else to) for step, at, to in later]

    def _rests(self, step: Step, snooze: Snooze) -> bool:
        return step[1] > snooze.since and self.world.day_of(step[1]) < snooze.until

    def ends(self, debt: Debt) -> date | None:
        """The day on whose morning the snooze of a debt ends."""
        snooze = self.snoozes.get(debt.key)
        return self.world.days(debt.side).forward(snooze.until) if snooze else None

    def _by_policy(self, debt: Debt, policy: dict[str, Any]) -> list[Step]:
        days = self.world.days(debt.side)
        found: list[Step] = []
        for step in policy["steps"]:
            to = frozenset(debt.owner if role == "owner" else role for role in step["to"])
            if "hours" in step:
                assert debt.at
                found.append((step["id"], debt.at + timedelta(hours=step["hours"]), to))
                continue
            if step.get("unit") == "working":
                day = days.count(debt.due, step["days"])
            else:
                day = days.forward(debt.due + timedelta(days=step["days"]))
            found.append((step["id"], self.world.moment(day, self._hour(policy)), to))
        # A step that recess pushes onto or past a later one is left out.
        return [s for n, s in enumerate(found) if all(s[1] < later[1] for later in found[n + 1 :])]


def _nothing(key: tuple[str, int]) -> frozenset[str]:
    return frozenset()


def _matches(item: str, patterns: list[str]) -> bool:
    """What hangs on an item is of another kind: its name has one part more."""
    return any(
        fnmatchcase(item, pattern) and item.count("/") == pattern.count("/") for pattern in patterns
    )
