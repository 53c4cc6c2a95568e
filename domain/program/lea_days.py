"""An LEA's own days: those on which it works although the calendar rests, and a recess taken back.

A day on which an LEA rests and the calendar does not is a recess of one day: handrail lea recess.
"""

from dataclasses import replace
from datetime import date
from typing import Annotated, ClassVar

from domain.kernel.bounds import Day
from domain.kernel.fields import LeaRef, Line, Positional
from domain.kernel.messages import Command, Decision, Event, Stamp, State
from domain.kernel.refusals import AlreadyExists, Ambiguous, ImpossibleDate, Unknown, did_you_mean
from domain.policy.calendar import Closure, WorkingDays, spoken
from domain.program.leas import Lea
from domain.rules.context import Context
from domain.rules.days import within_reach
from domain.rules.registry import decides, evolves


class WorkOnRestDay(Command):
    """Tell that an LEA works on a weekday which the calendar or its recess has for rest."""

    aggregate = "lea"
    noun = "lea"
    verb = "works"

    lea: Annotated[LeaRef, Positional()]
    """The LEA, by id, name or alias."""
    on: Day
    """The day, for example that after Thanksgiving."""
    source: Line | None = None
    """Where that is written down, for example "board calendar 2026-27"."""


class RestAgain(Command):
    """Take back that an LEA works on a rest day."""

    aggregate = "lea"
    noun = "lea"
    verb = "works-undo"

    lea: Annotated[LeaRef, Positional()]
    """The LEA, by id, name or alias."""
    on: Day
    """The day."""


class TakeBackRecess(Command):
    """Take back a recess that was entered by mistake, or that the LEA dropped."""

    aggregate = "lea"
    noun = "lea"
    verb = "recess-undo"

    lea: Annotated[LeaRef, Positional()]
    """The LEA, by id, name or alias."""
    name: Annotated[Line, Positional()]
    """What the recess is called, for example winter recess."""
    first: Day | None = None
    """Its first day, where several are called so."""


class LeaWorksOnRestDay(Event):
    type: ClassVar[str] = "lea-works-on-rest-day"
    on: date
    instead_of: str
    """Why it would have been rest."""
    source: str | None = None

    def sentence(self) -> str:
        source = f" ({self.source})" if self.source else ""
        return f"The LEA works on {spoken(self.on)}, in spite of {self.instead_of}{source}."


class LeaRestsAgain(Event):
    type: ClassVar[str] = "lea-rests-again"
    on: date

    def sentence(self) -> str:
        return f"The LEA rests on {spoken(self.on)} after all."


class RecessTakenBack(Event):
    type: ClassVar[str] = "recess-taken-back"
    recess: Closure

    def sentence(self) -> str:
        recess = self.recess
        return (
            f"Recess {recess.name!r} from {spoken(recess.first)} to {spoken(recess.last)} was "
            f"taken back."
        )


def _known(command: WorkOnRestDay | RestAgain | TakeBackRecess, state: State, c: Context) -> Lea:
    if not state.version:
        c.lea(command.lea)
    return state.of(Lea)


@decides(WorkOnRestDay)
def work_on_rest_day(command: WorkOnRestDay, state: State, context: Context) -> Decision:
    lea, calendar = _known(command, state, context), context.the_program.calendar
    within_reach(command.on, "The day", context)
    if command.on.weekday() >= 5:
        raise ImpossibleDate(
            f"{spoken(command.on)} is a {command.on:%A}, and nothing is due or sent on one. Give a "
            f"weekday that the calendar or a recess has for rest."
        )
    days = WorkingDays(calendar, lea.recess, calendar.leas_keep, lea.works)
    rests = days.why_not(command.on)
    if rests is None:
        raise AlreadyExists(
            f"{state.id} works on {spoken(command.on)} already: it is neither a holiday nor in a "
            f"recess. See its days: handrail lea show {state.id}"
        )
    return [LeaWorksOnRestDay(on=command.on, instead_of=rests, source=command.source)]


@evolves(LeaWorksOnRestDay)
def lea_works(state: State, event: LeaWorksOnRestDay, stamp: Stamp) -> State:
    lea = state.of(Lea)
    return state.put(replace(lea, works=(*(d for d in lea.works if d != event.on), event.on)))


@decides(RestAgain)
def rest_again(command: RestAgain, state: State, context: Context) -> Decision:
    lea = _known(command, state, context)
    if command.on not in lea.works:
        days = ", ".join(spoken(d) for d in sorted(lea.works)) or "none"
        raise Unknown(
            f"{state.id} has no working day of its own on {spoken(command.on)}; it has {days}. See "
            f"its days: handrail lea show {state.id}"
        )
    return [LeaRestsAgain(on=command.on)]


@evolves(LeaRestsAgain)
def lea_rests(state: State, event: LeaRestsAgain, stamp: Stamp) -> State:
    lea = state.of(Lea)
    return state.put(replace(lea, works=tuple(d for d in lea.works if d != event.on)))


@decides(TakeBackRecess)
def take_back_recess(command: TakeBackRecess, state: State, context: Context) -> Decision:
    lea = _known(command, state, context)
    named = [c for c in lea.recess if c.name.casefold() == command.name.casefold()]
    found = [c for c in named if command.first in (None, c.first)]
    told = ", ".join(f"{c.name} from {c.first} to {c.last}" for c in named or lea.recess)
    if not found:
        raise Unknown(
            f"{state.id} has no recess {command.name!r}"
            + (f" that begins {spoken(command.first)}" if command.first and named else "")
            + f". {did_you_mean(command.name, [c.name for c in lea.recess])}"
            f"It has {told or 'none'}. See handrail lea show {state.id}"
        )
    if len(found) > 1:
        raise Ambiguous(
            f"{state.id} has several recesses called {command.name!r}: {told}. Say which: add "
            f"--first DATE."
        )
    return [RecessTakenBack(recess=found[0])]


@evolves(RecessTakenBack)
def recess_taken_back(state: State, event: RecessTakenBack, stamp: Stamp) -> State:
    lea = state.of(Lea)
    return state.put(replace(lea, recess=tuple(c for c in lea.recess if c != event.recess)))
