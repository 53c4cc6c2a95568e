"""Dependencies: a deliverable that waits for another one, never in a circle."""

from dataclasses import replace
from typing import Annotated, ClassVar

from domain.deliverables.coauthoring import terms_open
from domain.deliverables.proposing import DeliverableCommand, found
from domain.deliverables.terms import (
    Deliverable,
    Deliverables,
    deliverable_in,
    deliverable_named,
    not_before_what_it_waits_for,
    not_over,
    with_deliverable,
)
from domain.kernel.fields import Line, Option
from domain.kernel.messages import Decision, Event, Stamp, State
from domain.kernel.refusals import AlreadyExists, Unknown, WrongState
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves


class DependOn(DeliverableCommand):
    """Say that a deliverable waits for another one, or with --no-longer that it does not."""

    noun = "deliverable"
    verb = "depend"

    on: Annotated[Line, Option("after")]
    """The deliverable that comes first, for example D1."""
    no_longer: bool = False
    """It waits for that one no longer."""


class DependencyAdded(Event):
    type: ClassVar[str] = "dependency-added"
    deliverable: str
    on: str

    def sentence(self) -> str:
        return f"{self.deliverable} waits for {self.on}."


class DependencyEnded(Event):
    type: ClassVar[str] = "dependency-ended"
    deliverable: str
    on: str

    def sentence(self) -> str:
        return f"{self.deliverable} waits for {self.on} no longer."


def _way(start: Deliverable, goal: str, state: State) -> list[str] | None:
    """The chain of waits from one deliverable to another; None where there is none."""
    all_ = state.of(Deliverables).all
    to_see, seen = [[start.id]], set[str]()
    while to_see:
        way = to_see.pop(0)
        here = all_.get(way[-1])
        if here is None or here.id in seen:
            continue
        if here.id == goal:
            return way
        seen.add(here.id)
        to_see += [[*way, further] for further in (*here.waits_for, *here.into)]
    return None


@decides(DependOn)
def depend(command: DependOn, state: State, context: Context) -> Decision:
    deliverable = found(command, state)
    first = deliverable_named(command.on, state)
    not_in_the_future(context.effective_on, "The dependency", context)
    waits = first.id in deliverable.waits_for
    if command.no_longer:
        if not waits:
            raise Unknown(
                f"{state.id}: {deliverable.id} does not wait for {first.id}. "
                + (
                    f"Name one that it waits for: {', '.join(deliverable.waits_for)}."
                    if deliverable.waits_for
                    else "It waits for none. Nothing more is needed."
                )
            )
        return [DependencyEnded(deliverable=deliverable.id, on=first.id)]
    if waits:
        raise AlreadyExists(
            f"{state.id}: {deliverable.id} waits for {first.id} already. Nothing more is needed."
        )
    terms = terms_open(deliverable, state, "made to wait")
    not_over(first, state, "waited for")
    if way := _way(first, deliverable.id, state):
        circle = " waits for ".join([deliverable.id, *way])
        raise WrongState(
            f"{state.id}: {deliverable.id} cannot wait for {first.id}: that would be a circle, "
            f"{circle}. Leave it out, or end one of these waits with --no-longer."
        )
    would = replace(deliverable, waits_for=(*deliverable.waits_for, first.id))
    not_before_what_it_waits_for(would, terms.due, state)
    return [DependencyAdded(deliverable=deliverable.id, on=first.id)]


@evolves(DependencyAdded)
def dependency_added(state: State, event: DependencyAdded, stamp: Stamp) -> State:
    d = deliverable_in(state, event.deliverable)
    waits = tuple(dict.fromkeys((*d.waits_for, event.on)))
    return with_deliverable(state, replace(d, waits_for=waits))


@evolves(DependencyEnded)
def dependency_ended(state: State, event: DependencyEnded, stamp: Stamp) -> State:
    d = deliverable_in(state, event.deliverable)
    waits = tuple(w for w in d.waits_for if w != event.on)
    return with_deliverable(state, replace(d, waits_for=waits))
