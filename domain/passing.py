"""What comes true by the passing of time: a Lead hands over on the day that was set.

A fact that was set for a later moment is recorded when that moment comes, by the engagement's own
timer, so that everybody reads it in the history like any other.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from domain.context import Context
from domain.engagement import Engagement
from domain.kernel import Event, State


@dataclass(frozen=True, slots=True)
class Coming:
    """A fact to come."""

    at: datetime
    """When it comes true."""
    event: Event
    """What is recorded then; once applied it must be coming no more."""


Comes = Callable[[State, Context], Iterable[Coming]]
_SUBJECTS: list[Comes] = []


def comes_true(function: Comes) -> Comes:
    """Register what time alone will bring about in one subject."""
    _SUBJECTS.append(function)
    return function


def coming(state: State, context: Context) -> list[Coming]:
    """Every fact that only time stands between, the earliest first; none once it is over."""
    if not state.of(Engagement).is_open:
        return []
    found = [fact for subject in _SUBJECTS for fact in subject(state, context)]
    return sorted(found, key=lambda fact: fact.at)
