"""What is owed, by whom, by when: each subject says it for its own part of the state."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Literal

from domain.engagement.state import EngagementRole
from domain.kernel.messages import State
from domain.owing.matter import kind_of_stream, matter_of
from domain.rules.context import Context
from domain.rules.registry import every_subject

Side = Literal["lea", "agency"]


@dataclass(frozen=True, slots=True)
class Obligation:
    """One thing owed, in one round of its due date.

    A settled obligation stays in the list with its reason, so that the notices planned for it
    can say why they were not sent.
    """

    item: str
    """``D1``, ``D1/review``, ``CI-1``: unique in its stream, together with the round."""
    title: str
    round: int
    """1 for the first agreed due date, one more for each that replaces it."""
    due: date | None
    """None while no date runs, as before both signatures."""
    owner: EngagementRole
    side: Side
    """Whose working days count."""
    ask: str
    """The one thing to do, in a sentence."""
    command: str
    """The command with which staff record that it was done."""
    policy: str | None
    """The reminder policy; None when nobody is reminded."""
    settled: str | None = None
    """Why nothing is owed any more; None while it is."""
    held: str | None = None
    """Why nobody is reminded of it for now, though it is owed; None while reminders run."""
    due_at: datetime | None = None
    """The instant, where it is due at an hour of the due date."""
    signs: str | None = None
    """The item whose terms are to be signed, where that is what is owed."""
    others: str | None = None
    """What whoever is told besides the owner does about it, with the same command; None for
    asking the owner."""


Owes = Callable[[State, Context], Iterable[Obligation]]
_SUBJECTS: dict[str, list[Owes]] = {}


def owes_on(*aggregates: str) -> Callable[[Owes], Owes]:
    """Register what one subject owes on streams of some kinds."""

    def register(function: Owes) -> Owes:
        for aggregate in aggregates:
            _SUBJECTS.setdefault(aggregate, []).append(function)
        return function

    return register


owes = owes_on("engagement")
"""Registers what one subject owes on an engagement."""


Holding = Callable[[Obligation], str | None]
"""Why nobody is reminded of an obligation for now; None while reminders run."""
Holds = Callable[[State, Context], Holding | None]
_HOLDERS: list[Holds] = []


def holds(function: Holds) -> Holds:
    """Register what may hold the obligations of other subjects; None while it holds none."""
    _HOLDERS.append(function)
    return function


Choosing = Callable[[Obligation], str | None]
"""The reminder policy of an obligation: its own, or one chosen in its place."""
Chooses = Callable[[State, Context], Choosing | None]
_CHOOSERS: list[Chooses] = []


def chooses_policy(function: Chooses) -> Chooses:
    """Register what may choose other reminder policies; None while it chooses none."""
    _CHOOSERS.append(function)
    return function


def obligations(state: State, context: Context) -> list[Obligation]:
    """Everything that is or was owed on a stream; nothing on one that has not begun."""
    if not matter_of(state, context).begun:
        return []
    every_subject()
    subjects = _SUBJECTS.get(kind_of_stream(state), ())
    found = [obligation for subject in subjects for obligation in subject(state, context)]
    for chooser in _CHOOSERS:
        if choosing := chooser(state, context):
            found = [replace(o, policy=choosing(o)) for o in found]
    for holder in _HOLDERS:
        if holding := holder(state, context):
            found = [o if o.settled or o.held else replace(o, held=holding(o)) for o in found]
    return found


def owed_now(state: State, context: Context) -> list[Obligation]:
    """What is owed on a stream, as long as anything is."""
    if not matter_of(state, context).is_open:
        return []
    return [o for o in obligations(state, context) if o.settled is None]


def next_due(owed: Iterable[Obligation]) -> date | None:
    """The earliest due date of what is owed; what is held is not due."""
    return min((o.due for o in owed if o.due and not o.held), default=None)
