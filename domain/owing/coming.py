"""What comes true by the passing of time: a Lead hands over on the day that was set.

A fact that was set for a later moment is recorded when that moment comes, by the stream's own
timer, so that everybody reads it in the history like any other.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from domain.kernel.messages import Event, State
from domain.owing.matter import kind_of_stream, matter_of
from domain.rules.context import Context
from domain.rules.registry import every_subject


@dataclass(frozen=True, slots=True)
class Coming:
    """A fact to come."""

    at: datetime
    """When it comes true."""
    event: Event
    """What is recorded then; once applied it must be coming no more."""


Comes = Callable[[State, Context], Iterable[Coming]]
_SUBJECTS: dict[str, list[Comes]] = {}


def comes_true_on(aggregate: str) -> Callable[[Comes], Comes]:
    """Register what time alone will bring about in one subject, on streams of a kind."""

    def register(function: Comes) -> Comes:
        _SUBJECTS.setdefault(aggregate, []).append(function)
        return function

    return register


comes_true = comes_true_on("engagement")
"""Registers what time alone will bring about in one subject of an engagement."""


def coming(state: State, context: Context) -> list[Coming]:
    """Every fact that only time stands between, the earliest first; none once it is over."""
    if not matter_of(state, context).is_open:
        return []
    every_subject()
    subjects = _SUBJECTS.get(kind_of_stream(state), ())
    found = [fact for subject in subjects for fact in subject(state, context)]
    return sorted(found, key=lambda fact: fact.at)
