"""What every subject may look at: the day, the handbook, who is who, and what a debt is."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Any, Literal
from zoneinfo import ZoneInfo

from tests.domain.oracle.days import Days

Side = Literal["lea", "agency"]

PHASES = ("recruiting", "agreeing", "onboarding", "reviewing", "partnering")


@dataclass(frozen=True)
class Debt:
    """Something that is owed and not settled."""

    item: str
    round: int
    due: date
    policy: str | None
    owner: str
    """The role that owes it."""
    side: Side
    """Whose working days count."""
    at: datetime | None = None
    """The instant, where it is due at an hour."""
    held: bool = False
    """Owed, and nobody is reminded of it for now."""

    @property
    def key(self) -> tuple[str, int]:
        return (self.item, self.round)

    @property
    def root(self) -> str:
        return self.item.partition("/")[0]


@dataclass
class Person:
    """Somebody in the directory."""

    works_at: str
    """``agency`` or an LEA."""
    weekly: bool = False
    fallback: str | None = None
    left: date | None = None
    """The first day on which they are no longer there."""
    dead: bool = False
    """Whether their address is known to be dead on the engagement."""


_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass
class World:
    """One engagement, and the day that it is."""

    books: dict[str, dict[str, Any]]
    """The playbook's versions, by name and version, the oldest first."""
    book: dict[str, Any]
    """The version that the engagement follows."""
    zone: ZoneInfo
    agency: Days
    lea: Days
    people: dict[str, Person]
    now: datetime = _NEVER
    roles: dict[str, str] = field(default_factory=dict)
    phase: str = ""
    over: bool = False
    effective: date | None = None
    """Since when the engagement itself is agreed on."""

    @property
    def today(self) -> date:
        return self.day_of(self.now)

    def day_of(self, moment: datetime) -> date:
        return moment.astimezone(self.zone).date()

    def moment(self, day: date, at: time = time(0)) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)

    def days(self, side: Side) -> Days:
        return self.lea if side == "lea" else self.agency

    def reaches(self, phase: str) -> None:
        """The phase never goes back."""
        if not self.phase or PHASES.index(phase) > PHASES.index(self.phase):
            self.phase = phase

    def tight(self, items: str) -> bool:
        """Whether items of a kind belong to a tight step of the playbook."""
        return any(s["tight"] and items in s.get("items", ()) for s in self.book["steps"])


class Subject:
    """One part of the rules: it hears of what is recorded, and says what is owed.

    What it hears of are methods with the names of commands; each is given the day on which the
    fact came true, and what the command says.
    """

    def __init__(self, world: World) -> None:
        self.world = world

    def owed(self) -> Iterator[Debt]:
        """What is owed and not settled."""
        yield from ()

    def names(self) -> list[str]:
        """What there is, by name."""
        return []

    def to_come(self) -> Iterator[tuple[datetime, Callable[[], None]]]:
        """What time alone brings, each with its moment."""
        yield from ()
