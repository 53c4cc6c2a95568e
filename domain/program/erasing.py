"""Erasing: the key of what is sealed about somebody is destroyed; the history stays whole."""

from typing import Annotated, ClassVar

from domain.kernel.fields import Line, PersonRef, Positional
from domain.kernel.messages import Command, Decision, Event, Stamp, State
from domain.kernel.refusals import AlreadyExists, Incomplete, Unknown, WrongPerson, WrongState
from domain.program.people import Person
from domain.rules.context import Context
from domain.rules.registry import decides, evolves


class ErasePerson(Command):
    """Erase everything that is kept about a person: name, handle, address and what they said.

    What happened stays on record with their id, which means nothing to anybody. It cannot be
    undone, and only a Director does it.
    """

    aggregate = "person"
    noun = "person"
    verb = "erase"
    looks_at = frozenset({"held roles"})
    ends = True

    person: Annotated[PersonRef, Positional()]
    """The person's handle."""
    reason: Line
    """On what ground, without naming them, for example "request of 3 May"; this is kept."""
    sure: bool = False
    """Say that you mean it: nobody can bring it back."""


class PersonErased(Event):
    type: ClassVar[str] = "person-erased"
    reason: str

    def sentence(self) -> str:
        return f"Everything kept about this person was erased: {self.reason}."


@decides(ErasePerson)
def erase(command: ErasePerson, state: State, context: Context) -> Decision:
    person = state.of(Person)
    if person.handle is None:
        raise Unknown(f"Nobody has the id {state.id!r}. See everybody: handrail person list")
    if person.handle.text is None:
        raise AlreadyExists(f"{state.id} was erased already. Nothing more is needed.")
    if context.actor.id == state.id:
        raise WrongPerson(
            f"{state.id} cannot erase themselves: a Director must remain. Ask another Director to "
            f"run this command."
        )
    if context.held:
        roles = "; ".join(f"{h.role.replace('_', ' ')} of {h.engagement}" for h in context.held)
        raise WrongState(
            f"{state.id} cannot be erased while they are {roles}. Name somebody else first: "
            f"handrail engagement assign ENGAGEMENT ROLE PERSON"
        )
    if not command.sure:
        raise Incomplete(
            f"Erasing {state.id} destroys the key of everything that is sealed about them: names, "
            f"addresses, what they said, mails to them. Nobody can bring it back. If you mean it, "
            f"add --sure."
        )
    return [PersonErased(reason=command.reason)]


@evolves(PersonErased)
def person_erased(state: State, event: PersonErased, stamp: Stamp) -> State:
    return state  # The key is gone, and with it whatever the earlier events said.
