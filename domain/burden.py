"""What an engagement asks of the LEA, in hours of its people, month by month."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from domain.kernel import State


@dataclass(frozen=True, slots=True)
class HoursAsked:
    """Hours of the LEA's people for one thing."""

    item: str
    """``D1``, ``W2``, ``Y1-3``: as the subject calls it."""
    title: str
    on: date
    """The day whose calendar month they count in."""
    hours: Decimal
    agreed: bool
    """False while it is only proposed."""


Asks = Callable[[State], Iterable[HoursAsked]]
_SUBJECTS: list[Asks] = []


def asks(function: Asks) -> Asks:
    """Register what one subject asks of the LEA; what is dropped or declined asks nothing."""
    _SUBJECTS.append(function)
    return function


def hours_asked(state: State) -> list[HoursAsked]:
    """Everything asked of the LEA, in the order of its day."""
    found = [asked for subject in _SUBJECTS for asked in subject(state)]
    return sorted(found, key=lambda asked: (asked.on, asked.item))
