"""What a program shares: itself, its people, its LEAs, its playbooks and calendars."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, ClassVar, Literal, Self
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    model_validator,
)

from domain.calendar import CalendarPack, Closure, WorkingDays, out_of_order, spoken
from domain.context import AGENCY, SYSTEM, Context, StaffRole
from domain.engagement import within_reach
from domain.errors import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Invalid,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.kernel import (
    Command,
    Decision,
    Event,
    LeaRef,
    Line,
    On,
    PersonRef,
    Positional,
    Slug,
    Stamp,
    State,
    decides,
    evolves,
)
from domain.personal import Sealed
from domain.playbook import Playbook

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


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError) as problem:
        raise ValueError(f"{text!r} is not a time zone, such as America/Los_Angeles") from problem
    return text


ZoneName = Annotated[str, AfterValidator(_zone)]
LeaType = Literal[
    "school_district", "county_office_of_education", "charter_school", "school_district_part"
]


def person_id_from(command_id: UUID) -> str:
    """The opaque id of the person a command registers: the same command, the same person."""
    return "p-" + base64.b32encode(command_id.bytes[-8:]).decode().lower().rstrip("=")


class SourcedFact(BaseModel):
    """One fact about an LEA with where it was read; a null value means the source is silent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: str | int | float | bool | None
    qualifier: str | None = None
    scope: str | None = None
    source: str


# The program -------------------------------------------------------------------------------------


class InitProgram(Command):
    """Make the program, with its calendar, its playbook and its first Director.

    It can be made once; the Director registers everybody else.
    """

    aggregate = "program"
    noun = "program"
    verb = "init"
    internal = True

    name: Line
    """What the program is called; mails are signed with it."""
    agency: Line
    """The agency that assists."""
    zone: ZoneName
    """The time zone of every local date and hour, for example America/Los_Angeles."""
    sender: MailAddress
    """The address that mails come from."""
    director: Slug
    """The first Director's handle."""
    director_name: Line
    """The first Director's full name."""
    director_email: MailAddress
    """Where the first Director's mail goes."""
    playbook: Playbook
    """The playbook that new engagements pin."""
    calendar: CalendarPack
    """The agency's working days."""
    gathering_seconds: int = Field(default=60, ge=0, le=3600)
    """How many seconds a day's digest gathers before it is sent."""

    def stream(self, command_id: UUID) -> str:
        return "program"


class ProgramInitialised(Event):
    type: ClassVar[str] = "program-initialised"
    name: str
    agency: str
    zone: str
    sender: str
    director: str
    playbook: str
    calendar: str
    gathering_seconds: int = 60

    def sentence(self) -> str:
        return (
            f"The program {self.name!r} of {self.agency} was made; first Director {self.director}."
        )


@dataclass(frozen=True, slots=True)
class Program:
    """The program's slice."""

    initialised: ProgramInitialised | None = None


@decides(InitProgram)
def init_program(command: InitProgram, state: State, context: Context) -> Decision:
    made = state.of(Program).initialised
    if made is not None:
        raise AlreadyExists(
            f"The program {made.name!r} of {made.agency} is already there. To add a person: "
            f"handrail person register --help; to change the calendar: "
            f"handrail calendar publish FILE"
        )
    director = person_id_from(context.command_id)
    return [
        ProgramInitialised(
            name=command.name,
            agency=command.agency,
            zone=command.zone,
            sender=command.sender,
            director=director,
            playbook=command.playbook.ref,
            calendar=command.calendar.id,
            gathering_seconds=command.gathering_seconds,
        ),
        On(
            f"person:{director}",
            PersonRegistered(
                handle=Sealed(about=director, text=command.director),
                name=Sealed(about=director, text=command.director_name),
                email=Sealed(about=director, text=command.director_email),
                organisation=AGENCY,
                staff_roles=("director",),
            ),
        ),
        On(f"calendar:{command.calendar.id}", CalendarPublished(pack=command.calendar)),
        On(f"playbook:{command.playbook.id}", PlaybookPublished(playbook=command.playbook)),
    ]


@evolves(ProgramInitialised)
def program_initialised(state: State, event: ProgramInitialised, stamp: Stamp) -> State:
    return state.put(Program(initialised=event))


# People ------------------------------------------------------------------------------------------


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
    at: LeaRef | None = None
    """The LEA they work for; leave it out for the agency's own people."""
    role: tuple[StaffRole, ...] = ()
    """Staff role: assistant, lead or director. Only a Director may give one."""

    def stream(self, command_id: UUID) -> str:
        return f"person:{person_id_from(command_id)}"


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

    def stream(self, command_id: UUID) -> str:
        return f"person:{self.person}"


class PersonRegistered(Event):
    type: ClassVar[str] = "person-registered"
    handle: Sealed
    name: Sealed
    email: Sealed | None = None
    organisation: str
    staff_roles: tuple[StaffRole, ...] = ()

    def sentence(self) -> str:
        return (
            f"{self.name} ({self.handle}) joined the directory"
            + (f" as {', '.join(self.staff_roles)}" if self.staff_roles else "")
            + (f" of {self.organisation}." if self.organisation != AGENCY else ".")
        )


class PersonChanged(Event):
    type: ClassVar[str] = "person-changed"
    name: Sealed | None = None
    email: Sealed | None = None
    staff_roles: tuple[StaffRole, ...] | None = None

    def sentence(self) -> str:
        return (
            "The directory entry was changed"
            + (
                f": roles {', '.join(self.staff_roles) or 'none'}"
                if self.staff_roles is not None
                else ""
            )
            + (f", name {self.name}" if self.name else "")
            + (f", mail {self.email}" if self.email else "")
            + "."
        )


@dataclass(frozen=True, slots=True)
class Person:
    """A person's slice."""

    handle: Sealed | None = None
    name: Sealed | None = None
    email: Sealed | None = None
    organisation: str = AGENCY
    staff_roles: tuple[StaffRole, ...] = ()


def _only_a_director_gives_roles(roles: Sequence[str], context: Context) -> None:
    if "director" not in context.actor.staff_roles:
        raise WrongPerson(
            f"{context.actor.id} may not give the staff role {' and '.join(roles) or 'none'}: "
            f"only a Director gives or takes staff roles. Ask a Director to run this command."
        )


def _staff_need_mail(who: str, roles: Sequence[str], email: object) -> None:
    if roles and email is None:
        raise Incomplete(
            f"{who} needs a mail address to be {roles[0]}: staff get what "
            f"cannot be sent to anybody else. Add --email ADDRESS."
        )


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
        _only_a_director_gives_roles(command.role, context)
        _staff_need_mail(command.handle, command.role, command.email)
        if command.at is not None:
            raise WrongPerson(
                f"Somebody who works at {context.lea(command.at).name} cannot have the "
                f"staff role {command.role[0]}. Leave out --at or --role."
            )
    about = state.id
    return [
        PersonRegistered(
            handle=Sealed(about=about, text=command.handle),
            name=Sealed(about=about, text=command.name),
            email=Sealed(about=about, text=command.email) if command.email else None,
            organisation=context.lea(command.at).id if command.at else AGENCY,
            staff_roles=command.role,
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
        )
    )


@decides(ChangePerson)
def change_person(command: ChangePerson, state: State, context: Context) -> Decision:
    person = state.of(Person)
    if person.handle is None:
        raise Unknown(f"Nobody has the id {state.id!r}. See everybody: handrail person list")
    if command.name is None and command.email is None and command.role is None:
        raise WrongState(f"Nothing to change for {person.handle}: give --name, --email or --role.")
    if command.role is not None:
        _only_a_director_gives_roles(command.role, context)
        if context.actor.id == state.id and "director" not in command.role:
            raise WrongPerson(
                f"{context.actor.id} cannot give up the role of Director: somebody must hold it. "
                f"Make another person Director, who then runs this command."
            )
        if person.organisation != AGENCY:
            raise WrongPerson(
                f"{state.id} works at {person.organisation} and cannot have a staff role. Leave "
                f"out --role."
            )
        _staff_need_mail(state.id, command.role, command.email or person.email)
    about = state.id
    return [
        PersonChanged(
            name=Sealed(about=about, text=command.name) if command.name else None,
            email=Sealed(about=about, text=command.email) if command.email else None,
            staff_roles=command.role,
        )
    ]


@evolves(PersonChanged)
def person_changed(state: State, event: PersonChanged, stamp: Stamp) -> State:
    person = state.of(Person)
    return state.put(
        replace(
            person,
            name=event.name or person.name,
            email=event.email or person.email,
            staff_roles=person.staff_roles if event.staff_roles is None else event.staff_roles,
        )
    )


# LEAs --------------------------------------------------------------------------------------------


class RegisterLea(Command):
    """Add a district, county office, charter school or part of a district to the registry."""

    aggregate = "lea"
    noun = "lea"
    verb = "register"

    id: Annotated[Slug, Positional()]
    """A short id, for example alder-creek-usd."""
    name: Annotated[Line, Positional()]
    """The full name."""
    type: LeaType = "school_district"
    """What kind of LEA it is."""
    county: Line | None = None
    """Its county, where known."""
    parent: Line | None = None
    """Its authoriser, or what it is a part of."""
    alias: tuple[Line, ...] = ()
    """Another name or abbreviation people use for it."""
    source: Line | None = None
    """Where the facts come from."""
    facts: tuple[SourcedFact, ...] = ()
    """Further facts, each with its source."""

    def stream(self, command_id: UUID) -> str:
        return f"lea:{self.id}"


class SetRecess(Command):
    """Tell when an LEA is in recess: nothing it owes is reminded of on those days."""

    aggregate = "lea"
    noun = "lea"
    verb = "recess"

    lea: Annotated[LeaRef, Positional()]
    """The LEA, by id, name or alias."""
    name: Annotated[Line, Positional()]
    """What the recess is called, for example winter recess."""
    first: date
    """The first day of the recess."""
    last: date
    """The last day of the recess."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if problem := out_of_order(self.first, self.last):
            raise ValueError(f"the recess {problem}")
        return self

    def stream(self, command_id: UUID) -> str:
        return f"lea:{self.lea}"


class LeaRegistered(Event):
    type: ClassVar[str] = "lea-registered"
    name: str
    lea_type: LeaType
    county: str | None = None
    parent: str | None = None
    aliases: tuple[str, ...] = ()
    source: str | None = None
    facts: tuple[SourcedFact, ...] = ()

    def sentence(self) -> str:
        return f"{self.name} was registered ({self.lea_type.replace('_', ' ')})."


class RecessSet(Event):
    type: ClassVar[str] = "recess-set"
    recess: Closure

    def sentence(self) -> str:
        recess = self.recess
        return f"Recess {recess.name!r}: {spoken(recess.first)} to {spoken(recess.last)}."


@dataclass(frozen=True, slots=True)
class Lea:
    """An LEA's slice."""

    name: str = ""
    lea_type: str = ""
    county: str | None = None
    parent: str | None = None
    aliases: tuple[str, ...] = ()
    source: str | None = None
    facts: tuple[SourcedFact, ...] = ()
    recess: tuple[Closure, ...] = ()


@decides(RegisterLea)
def register_lea(command: RegisterLea, state: State, context: Context) -> Decision:
    if state.version:
        raise AlreadyExists(
            f"The LEA {command.id!r} is already registered as {state.of(Lea).name}. "
            f"See it: handrail lea show {command.id}"
        )
    if command.id == AGENCY:
        raise Invalid(f"{AGENCY!r} means the agency itself. Choose another id for the LEA.")
    for name in (command.id, command.name, *command.alias):
        if name.casefold() in context.lea_names:
            other = context.leas.get(name.casefold())
            raise AlreadyExists(
                f"The name {name!r} already belongs to {other.id if other else 'another LEA'}. "
                f"Leave it out, or use that LEA."
            )
    return [
        LeaRegistered(
            name=command.name,
            lea_type=command.type,
            county=command.county,
            parent=command.parent,
            aliases=command.alias,
            source=command.source,
            facts=command.facts,
        )
    ]


@evolves(LeaRegistered)
def lea_registered(state: State, event: LeaRegistered, stamp: Stamp) -> State:
    return state.put(
        Lea(
            name=event.name,
            lea_type=event.lea_type,
            county=event.county,
            parent=event.parent,
            aliases=event.aliases,
            source=event.source,
            facts=event.facts,
        )
    )


@decides(SetRecess)
def set_recess(command: SetRecess, state: State, context: Context) -> Decision:
    if not state.version:
        context.lea(command.lea)
    within_reach(command.first, "The recess from", context)
    recess = Closure(name=command.name, first=command.first, last=command.last)
    known = state.of(Lea).recess
    if recess in known:
        return []
    days = WorkingDays(context.the_program.calendar, (*known, recess))
    if not days.works_every_year(around=recess):
        raise ImpossibleDate(
            f"With {command.name!r} from {spoken(command.first)} to {spoken(command.last)} "
            f"{state.id} would have no working day within a year. Check the years."
        )
    return [RecessSet(recess=recess)]


@evolves(RecessSet)
def recess_set(state: State, event: RecessSet, stamp: Stamp) -> State:
    lea = state.of(Lea)
    return state.put(replace(lea, recess=(*lea.recess, event.recess)))


# Playbooks and calendars -------------------------------------------------------------------------


class PublishPlaybook(Command):
    """Publish a playbook version. Running engagements keep the version they began with."""

    aggregate = "playbook"
    noun = "playbook"
    verb = "publish"

    content: Annotated[Playbook, Positional()]
    """The playbook, as a YAML file."""

    def stream(self, command_id: UUID) -> str:
        return f"playbook:{self.content.id}"


class PublishCalendar(Command):
    """Publish a calendar version: reminders move to where the new calendar puts them."""

    aggregate = "calendar"
    noun = "calendar"
    verb = "publish"

    content: Annotated[CalendarPack, Positional()]
    """The calendar, as a YAML file."""

    def stream(self, command_id: UUID) -> str:
        return f"calendar:{self.content.id}"


class PlaybookPublished(Event):
    type: ClassVar[str] = "playbook-published"
    playbook: Playbook

    def sentence(self) -> str:
        return f"Playbook {self.playbook.ref} was published: {self.playbook.title}."


class CalendarPublished(Event):
    type: ClassVar[str] = "calendar-published"
    pack: CalendarPack

    def sentence(self) -> str:
        return f"Calendar {self.pack.id}@{self.pack.version} was published: {self.pack.title}."


@dataclass(frozen=True, slots=True)
class Published:
    """The versions of a playbook or calendar, oldest first."""

    versions: tuple[Playbook | CalendarPack, ...] = ()


def _next_version(content: Playbook | CalendarPack, state: State, what: str) -> None:
    versions = state.of(Published).versions
    if versions and content.version <= versions[-1].version:
        raise AlreadyExists(
            f"The {what} {content.id} has version {versions[-1].version} already, so version "
            f"{content.version} cannot be published: a version never changes. Give the file "
            f"version {versions[-1].version + 1}."
        )


def _director_only(context: Context, what: str) -> None:
    if "director" not in context.actor.staff_roles:
        raise WrongPerson(
            f"{context.actor.id} may not publish a {what}: policy is a Director's to change. "
            f"Ask a Director to run this command."
        )


@decides(PublishPlaybook)
def publish_playbook(command: PublishPlaybook, state: State, context: Context) -> Decision:
    _director_only(context, "playbook")
    _next_version(command.content, state, "playbook")
    return [PlaybookPublished(playbook=command.content)]


@evolves(PlaybookPublished)
def playbook_published(state: State, event: PlaybookPublished, stamp: Stamp) -> State:
    return state.put(Published((*state.of(Published).versions, event.playbook)))


@decides(PublishCalendar)
def publish_calendar(command: PublishCalendar, state: State, context: Context) -> Decision:
    _director_only(context, "calendar")
    _next_version(command.content, state, "calendar")
    return [CalendarPublished(pack=command.content)]


@evolves(CalendarPublished)
def calendar_published(state: State, event: CalendarPublished, stamp: Stamp) -> State:
    return state.put(Published((*state.of(Published).versions, event.pack)))
