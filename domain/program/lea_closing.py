"""An LEA that is no more from a day on: closed, merged into another, or split into several."""

from dataclasses import replace
from datetime import date
from typing import Annotated, ClassVar

from domain.kernel.bounds import Day
from domain.kernel.fields import LeaRef, Line, Option, Positional
from domain.kernel.messages import Command, Decision, Event, Stamp, State
from domain.kernel.refusals import AlreadyExists, WrongState
from domain.program.leas import Lea
from domain.rules.context import Context, became
from domain.rules.days import within_reach
from domain.rules.registry import decides, evolves


class CloseLea(Command):
    """Tell that an LEA is no more: it closed, merged into another, or was split into several."""

    aggregate = "lea"
    noun = "lea"
    verb = "close"

    lea: Annotated[LeaRef, Positional()]
    """The LEA, by id, name or alias."""
    on: Day
    """The first day on which it is no more."""
    into: Annotated[tuple[LeaRef, ...], Option("successor")] = ()
    """The LEA that it went on as; several where it was split, none where it just closed."""
    source: Line | None = None
    """Where that is written down, for example "order of the county committee"."""


class LeaClosed(Event):
    type: ClassVar[str] = "lea-closed"
    on: date
    into: tuple[str, ...] = ()
    source: str | None = None

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        source = f" ({self.source})" if self.source else ""
        return f"{became(self.on, self.into)}{source}."


@decides(CloseLea)
def close_lea(command: CloseLea, state: State, context: Context) -> Decision:
    if not state.version:
        context.lea(command.lea)
    lea = state.of(Lea)
    within_reach(command.on, "The day", context)
    into = tuple(dict.fromkeys(context.lea(ref).id for ref in command.into))
    if state.id in into:
        raise WrongState(
            f"{state.id} cannot go on as itself. To give it another name: handrail lea change "
            f"{state.id} --name NAME"
        )
    if lea.closed_on is not None:
        raise AlreadyExists(
            f"{state.id}: {became(lea.closed_on, lea.successors)}, as was recorded already. To put "
            f"that right: handrail history {state.stream}, then handrail correct {state.stream} N"
        )
    return [LeaClosed(on=command.on, into=into, source=command.source)]


@evolves(LeaClosed)
def lea_closed(state: State, event: LeaClosed, stamp: Stamp) -> State:
    return state.put(replace(state.of(Lea), closed_on=event.on, successors=event.into))
