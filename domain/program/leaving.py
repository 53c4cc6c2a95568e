"""Leaving: from a day on somebody is no longer there, holds no role and gets no mail."""

from dataclasses import replace
from datetime import date
from typing import Annotated, ClassVar

from domain.engagement.state import AGENCY_ROLES
from domain.kernel.fields import PersonRef, Positional
from domain.kernel.messages import Command, Decision, Event, Stamp, State
from domain.kernel.refusals import AlreadyExists, Unknown, WrongPerson, WrongState
from domain.policy.calendar import spoken
from domain.program.people import Person
from domain.rules.authority import require
from domain.rules.context import Context, HeldRole
from domain.rules.days import within_reach
from domain.rules.registry import decides, evolves
from domain.streams import AGENCY


class _PersonCommand(Command):
    aggregate = "person"

    person: Annotated[PersonRef, Positional()]
    """The person's handle."""


class LeavePerson(_PersonCommand):
    """Record that somebody leaves: --on is the first day on which they are not there.

    From that day on nothing is mailed to them. Staff hand over their engagements first.
    """

    noun = "person"
    verb = "leave"
    stated = frozenset({"on"})
    looks_at = frozenset({"held roles"})


class ReturnPerson(_PersonCommand):
    """Record that somebody who left is back, or that their leaving was entered by mistake."""

    noun = "person"
    verb = "return"


class PersonLeft(Event):
    type: ClassVar[str] = "person-left"
    on: date

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        return f"Left: no longer there from {spoken(self.on)} on, and nothing is mailed from then."


class PersonReturned(Event):
    type: ClassVar[str] = "person-returned"

    def sentence(self) -> str:
        return "Is there again, and gets mail again."


def _known(state: State, context: Context) -> Person:
    """The person, whom the acting person may speak for."""
    person = state.of(Person)
    if person.handle is None:
        raise Unknown(f"Nobody has the id {state.id!r}. See everybody: handrail person list")
    if person.staff_roles:
        require(f"say that {state.id} leaves or returns", "person leave staff", context)
    return person


def _still_held(on: date, context: Context) -> list[HeldRole]:
    """The staff roles that nobody takes over by a day."""
    return [
        held
        for held in context.held
        if held.role == "incoming_lead"
        or (held.role in AGENCY_ROLES and (held.changes_on is None or held.changes_on > on))
    ]


@decides(LeavePerson)
def leave(command: LeavePerson, state: State, context: Context) -> Decision:
    person = _known(state, context)
    on = context.effective_on
    within_reach(on, "The leaving on", context)
    if person.left_on == on:
        raise AlreadyExists(
            f"{state.id} leaves on {spoken(on)} already. Nothing more is needed; to take it back: "
            f"handrail person return @{state.id}"
        )
    if context.actor.id == state.id and "director" in person.staff_roles:
        raise WrongPerson(
            f"{state.id} cannot record their own leaving: a Director must remain. Ask another "
            f"Director to run this command."
        )
    held = _still_held(on, context) if person.organisation == AGENCY else []
    if held:
        listed = "; ".join(
            f"{h.role.replace('_', ' ')} of {h.engagement}"
            + (f" until {spoken(h.changes_on)}" if h.changes_on and h.role == "lead" else "")
            for h in held
        )
        raise WrongState(
            f"{state.id} cannot leave on {spoken(on)} while they are {listed}. Give it to somebody "
            f"else first: handrail person reassign @{state.id} --to PERSON"
        )
    return [PersonLeft(on=on)]


@evolves(PersonLeft)
def person_left(state: State, event: PersonLeft, stamp: Stamp) -> State:
    return state.put(replace(state.of(Person), left_on=event.on))


@decides(ReturnPerson)
def come_back(command: ReturnPerson, state: State, context: Context) -> Decision:
    person = _known(state, context)
    if person.left_on is None:
        raise WrongState(
            f"{state.id} has not left, so cannot return. See everybody: handrail person list"
        )
    return [PersonReturned()]


@evolves(PersonReturned)
def person_returned(state: State, event: PersonReturned, stamp: Stamp) -> State:
    return state.put(replace(state.of(Person), left_on=None))
