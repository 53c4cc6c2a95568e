"""People: the agency's own, and those at the LEAs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, ClassVar, cast
from uuid import UUID

from pydantic import AfterValidator, Field, StringConstraints

from domain.kernel.fields import LeaRef, Line, Option, PersonRef, Positional, Slug
from domain.kernel.messages import Command, Decision, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import (
    AlreadyExists,
    Incomplete,
    Invalid,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.kernel.sealed import Sealed
from domain.rules.authority import require
from domain.rules.context import SYSTEM, Context, MailRhythm, StaffRole
from domain.rules.registry import decides, evolves
from domain.streams import AGENCY, EXTERNAL, person_id_from, stream_of

about_noun("person", "The directory of people.")

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS = re.compile(rf"{_ATOM}(?:\.{_ATOM})*@(?:{_LABEL}\.)+{_LABEL}")


def _mail_address(text: str) -> str:
    local, _, _ = text.partition("@")
    if not _ADDRESS.fullmatch(text) or len(text) > 254 or len(local) > 64:
        raise ValueError(f"{text!r} is not a mail address, such as joy.kim@alder-creek.example")
    return text


MailAddress = Annotated[
    str, StringConstraints(strip_whitespace=True), AfterValidator(_mail_address)
]
"""A mail address without a name, safe to be put into a header."""


Capacity = Annotated[int, Field(ge=0, le=99)]
"""A number of engagements."""


def _daily_or_weekly(text: str) -> str:
    if text not in ("daily", "weekly"):
        raise ValueError(
            "choose daily or weekly. Whoever wants no mail at all gives up their role: name "
            "somebody else with handrail engagement assign ENGAGEMENT ROLE PERSON"
        )
    return text


DigestWish = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True), AfterValidator(_daily_or_weekly)
]
"""How often somebody wants their mail."""


class RegisterPerson(Command):
    """Add a person to the directory: a colleague, or somebody at an LEA."""

    aggregate = "person"
    noun = "person"
    verb = "register"

    handle: Annotated[Slug, Positional()]
    """A short name to type, for example joy."""
    name: Annotated[Line, Positional()]
    """The full name."""
    email: MailAddress | None = None
    """Where their mail goes."""
    at: Annotated[LeaRef | None, Option("organisation")] = None
    """The LEA they work for; leave it out for the agency's own people."""
    external: Line | None = None
    """Where they work if neither for the agency nor at an LEA, for example "State University"."""
    role: tuple[StaffRole, ...] = ()
    """Staff role: assistant, lead or director. Only a Director may give one."""
    capacity: Capacity | None = None
    """How many engagements they can lead at a time, for somebody who works part-time."""
    fallback: PersonRef | None = None
    """Whom to write instead when mail does not reach them, or once they have left."""
    digest: DigestWish | None = None
    """How often they want their mail: daily or weekly; daily if left out."""

    @property
    def names(self) -> tuple[str, ...]:
        """The handle that it claims for the person."""
        return (self.handle,)

    def stream(self, command_id: UUID) -> str:
        return stream_of("person", person_id_from(command_id))


class ChangePerson(Command):
    """Change a person's name, mail address or staff roles."""

    aggregate = "person"
    noun = "person"
    verb = "change"

    person: Annotated[PersonRef, Positional()]
    """The person's handle."""
    name: Line | None = None
    """The new full name."""
    email: MailAddress | None = None
    """The new mail address."""
    role: tuple[StaffRole, ...] | None = None
    """All staff roles from now on. Only a Director may give or take one."""
    capacity: Capacity | None = None
    """How many engagements they can lead at a time from now on."""
    fallback: PersonRef | None = None
    """Whom to write instead when mail does not reach them, or once they have left."""
    no_fallback: bool = False
    """Nobody is written to instead any more."""
    digest: DigestWish | None = None
    """How often they want their mail from now on: daily, or weekly on the first working day."""

    @property
    def redirects(self) -> bool:
        """Whether it decides where their mail goes."""
        return bool(self.model_fields_set & {"email", "fallback", "no_fallback"})


class PersonRegistered(Event):
    type: ClassVar[str] = "person-registered"
    handle: Sealed
    name: Sealed
    email: Sealed | None = None
    organisation: str
    staff_roles: tuple[StaffRole, ...] = ()
    capacity: int | None = None
    fallback: str | None = None
    digest: MailRhythm | None = None

    def sentence(self) -> str:
        return (
            f"{self.name} ({self.handle}) joined the directory"
            + (f" as {', '.join(self.staff_roles)}" if self.staff_roles else "")
            + (
                f" of {self.organisation.removeprefix(f'{EXTERNAL}:')}"
                if self.organisation != AGENCY
                else ""
            )
            + (f"; fallback contact {self.fallback}." if self.fallback else ".")
            + (f" Their mail comes {self.digest}." if self.digest else "")
        )


class PersonChanged(Event):
    type: ClassVar[str] = "person-changed"
    name: Sealed | None = None
    email: Sealed | None = None
    staff_roles: tuple[StaffRole, ...] | None = None
    capacity: int | None = None
    fallback: str | None = None
    without_fallback: bool = False
    digest: MailRhythm | None = None
    person: str | None = None

    @property
    def changes(self) -> str:
        """What is otherwise from now on."""
        roles = self.staff_roles
        said = [
            f"roles {', '.join(roles) or 'none'}" if roles is not None else None,
            f"name {self.name}" if self.name else None,
            f"mail {self.email}" if self.email else None,
            f"capacity {self.capacity}" if self.capacity is not None else None,
            f"fallback contact {self.fallback}" if self.fallback else None,
            "no fallback contact" if self.without_fallback else None,
            f"mail comes {self.digest}" if self.digest else None,
        ]
        return ", ".join(part for part in said if part)

    def sentence(self) -> str:
        of = f" of {self.person}" if self.person else ""
        return f"The directory entry{of} was changed: {self.changes}."


@dataclass(frozen=True, slots=True)
class Person:
    """A person's slice."""

    handle: Sealed | None = None
    name: Sealed | None = None
    email: Sealed | None = None
    organisation: str = AGENCY
    staff_roles: tuple[StaffRole, ...] = ()
    capacity: int | None = None
    digest: MailRhythm = "daily"
    left_on: date | None = None
    """The first day on which they are no longer there."""
    fallback: str | None = None


def _staff_need_mail(who: str, roles: Sequence[str], email: object) -> None:
    if roles and email is None:
        raise Incomplete(
            f"{who} needs a mail address to be {roles[0]}: staff get what "
            f"cannot be sent to anybody else. Add --email ADDRESS."
        )


def _only_staff_lead(who: str, lea: str | None) -> None:
    if lea is not None:
        raise WrongPerson(
            f"{who} works at {lea} and leads no engagement, so has no capacity for it. Leave out "
            f"--capacity."
        )


def _fallback(ref: str, person: str, organisation: str, context: Context) -> str:
    """The id of whoever is written to instead of somebody.

    Raises:
        WrongPerson: They cannot be: themselves, out of reach, elsewhere, or round in a circle.
    """
    fallback = context.person(ref)
    if fallback.id == person:
        raise WrongPerson(
            f"{fallback.id} cannot be their own fallback contact. Name somebody else: "
            f"--fallback PERSON"
        )
    if fallback.email is None:
        raise WrongPerson(
            f"{fallback.id} has no mail address, so nobody can be written to instead. Give them "
            f"one first: handrail person change @{fallback.id} --email ADDRESS"
        )
    if fallback.organisation not in (organisation, AGENCY):
        raise WrongPerson(
            f"{fallback.id} works at {fallback.organisation}, and what is written to "
            f"{organisation} is not theirs to read. Name somebody of {organisation} or of the "
            f"agency: handrail person list --organisation {organisation}"
        )
    chain, at = [person], fallback
    while at.fallback is not None and at.id not in chain:
        chain.append(at.id)
        if at.fallback == person:
            raise WrongPerson(
                f"{' → '.join([*chain, person])} would go round in a circle: {at.id} is written to "
                f"through {person}. Name somebody else, or first: "
                f"handrail person change @{at.id} --no-fallback"
            )
        if at.fallback not in context.people:
            break
        at = context.people[at.fallback]
    return fallback.id


@decides(RegisterPerson)
def register_person(command: RegisterPerson, state: State, context: Context) -> Decision:
    if command.handle in context.people or state.version:
        raise AlreadyExists(
            f"The handle {command.handle!r} is taken by {context.person(command.handle).id}. "
            f"Choose another, or change that person: handrail person change {command.handle}"
        )
    if command.handle == SYSTEM or command.handle.startswith("p-"):
        raise Invalid(
            f"The handle {command.handle!r} would be mistaken for an id: {SYSTEM!r} and what "
            f"begins with 'p-' are the record's own names. Choose another handle."
        )
    if command.role:
        what = f"give the staff role {' and '.join(command.role)}"
        require(what, "person register staff", context)
        _staff_need_mail(command.handle, command.role, command.email)
        if command.at is not None:
            raise WrongPerson(
                f"Somebody who works at {context.lea(command.at).name} cannot have the "
                f"staff role {command.role[0]}. Leave out --organisation or --role."
            )
    if command.external and (command.at or command.role):
        raise WrongPerson(
            f"{command.handle} cannot work at {command.external!r} and "
            + (
                f"at {context.lea(command.at).name} as well. Leave out --external or "
                f"--organisation."
                if command.at
                else f"have the staff role {command.role[0]}. Leave out --external or --role."
            )
        )
    at = context.lea(command.at).id if command.at else AGENCY
    if command.capacity is not None:
        _only_staff_lead(command.handle, command.external or (at if command.at else None))
    about = state.id
    return [
        PersonRegistered(
            handle=Sealed(about=about, text=command.handle),
            name=Sealed(about=about, text=command.name),
            email=Sealed(about=about, text=command.email) if command.email else None,
            organisation=f"{EXTERNAL}:{command.external}" if command.external else at,
            staff_roles=command.role,
            capacity=command.capacity,
            fallback=_fallback(command.fallback, about, at, context) if command.fallback else None,
            digest=cast("MailRhythm | None", command.digest),
        )
    ]


@evolves(PersonRegistered)
def person_registered(state: State, event: PersonRegistered, stamp: Stamp) -> State:
    return state.put(
        Person(
            handle=event.handle,
            name=event.name,
            email=event.email,
            organisation=event.organisation,
            staff_roles=event.staff_roles,
            capacity=event.capacity,
            fallback=event.fallback,
            digest=event.digest or "daily",
        )
    )


@decides(ChangePerson)
def change_person(command: ChangePerson, state: State, context: Context) -> Decision:
    person = state.of(Person)
    if person.handle is None:
        raise Unknown(f"Nobody has the id {state.id!r}. See everybody: handrail person list")
    if command == ChangePerson(person=command.person):
        raise WrongState(
            f"Nothing to change for {person.handle}: give --name, --email, --role, --capacity, "
            f"--fallback, --no-fallback or --digest."
        )
    if person.organisation == AGENCY and command.role is None and command.redirects:
        what = f"say where the mail of {state.id} goes, who works for the agency"
        require(what, "person change colleague", context, concerned=state.id)
    if command.fallback is not None and command.no_fallback:
        raise Invalid(
            f"{state.id} cannot both have a fallback contact and none. Give either --fallback or "
            f"--no-fallback."
        )
    if command.capacity is not None:
        _only_staff_lead(state.id, None if person.organisation == AGENCY else person.organisation)
    if command.role is not None:
        what = f"give the staff role {' and '.join(command.role) or 'none'}"
        require(what, "person change staff", context)
        if context.actor.id == state.id and "director" not in command.role:
            raise WrongPerson(
                f"{context.actor.id} cannot give up the role of Director: somebody must hold it. "
                f"Make another person Director, who then runs this command: "
                f"handrail person change PERSON --role director"
            )
        if person.organisation != AGENCY:
            raise WrongPerson(
                f"{state.id} works at {person.organisation} and cannot have a staff role. Leave "
                f"out --role."
            )
        _staff_need_mail(state.id, command.role, command.email or person.email)
    about = state.id
    changed = PersonChanged(
        person=state.id,
        name=Sealed(about=about, text=command.name) if command.name else None,
        email=Sealed(about=about, text=command.email) if command.email else None,
        staff_roles=command.role,
        capacity=command.capacity,
        fallback=_fallback(command.fallback, about, person.organisation, context)
        if command.fallback
        else None,
        without_fallback=command.no_fallback,
        digest=cast("MailRhythm | None", command.digest),
    )
    if _as_changed(person, changed) == person:
        raise AlreadyExists(
            f"The directory says so of {state.id} already ({changed.changes}). Nothing more is "
            f"needed; see it: handrail person show {person.handle}"
        )
    return [changed]


def _as_changed(person: Person, event: PersonChanged) -> Person:
    return replace(
        person,
        name=event.name or person.name,
        email=event.email or person.email,
        staff_roles=person.staff_roles if event.staff_roles is None else event.staff_roles,
        capacity=person.capacity if event.capacity is None else event.capacity,
        fallback=event.fallback or (None if event.without_fallback else person.fallback),
        digest=event.digest or person.digest,
    )


@evolves(PersonChanged)
def person_changed(state: State, event: PersonChanged, stamp: Stamp) -> State:
    return state.put(_as_changed(state.of(Person), event))
