"""The program: made once, with its first Director, its calendar and its playbook."""

from dataclasses import dataclass
from typing import Annotated, ClassVar
from uuid import UUID
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field

from domain.kernel.fields import Line, Slug
from domain.kernel.messages import Command, Decision, Event, On, Stamp, State
from domain.kernel.refusals import AlreadyExists
from domain.kernel.sealed import Sealed
from domain.policy.calendar import CalendarPack, local_date
from domain.policy.framework import Framework
from domain.policy.playbook import Playbook
from domain.policy.trial import try_calendar, try_playbook
from domain.program.frameworks import FrameworkPublished
from domain.program.people import MailAddress, PersonRegistered
from domain.program.publishing import CalendarPublished, PlaybookPublished
from domain.rules.context import Context
from domain.rules.registry import decides, evolves
from domain.streams import AGENCY, PROGRAM, person_id_from, stream_of


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError) as problem:
        raise ValueError("not a time zone, such as America/Los_Angeles") from problem
    return text


ZoneName = Annotated[str, AfterValidator(_zone)]


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
    """The playbook, whose newest version new engagements pin."""
    calendar: CalendarPack
    """The agency's working days."""
    frameworks: tuple[Framework, ...] = ()
    """The frameworks by which systems are reviewed, each in one version."""
    gathering_seconds: int = Field(default=60, ge=0, le=3600)
    """How many seconds a day's digest gathers before it is sent."""

    def stream(self, command_id: UUID) -> str:
        return PROGRAM


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


class LookAhead(Command):
    """Look when the program next has something to do by itself, because work has begun."""

    aggregate = "program"
    noun = "program"
    verb = "look-ahead"
    internal = True

    def stream(self, command_id: UUID) -> str:
        return PROGRAM


@decides(LookAhead)
def look_ahead(command: LookAhead, state: State, context: Context) -> Decision:
    return []  # The answer says when; there is nothing to record.


@decides(InitProgram)
def init_program(command: InitProgram, state: State, context: Context) -> Decision:
    made = state.of(Program).initialised
    if made is not None:
        raise AlreadyExists(
            f"The program {made.name!r} of {made.agency} is already there. To add a person: "
            f"handrail person register --help; to change the calendar: "
            f"handrail calendar publish FILE"
        )
    today = local_date(context.issued_at, command.zone)
    try_calendar(command.calendar, today)
    try_playbook(command.playbook, command.calendar, command.zone, today)
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
            stream_of("person", director),
            PersonRegistered(
                handle=Sealed(about=director, text=command.director),
                name=Sealed(about=director, text=command.director_name),
                email=Sealed(about=director, text=command.director_email),
                organisation=AGENCY,
                staff_roles=("director",),
            ),
        ),
        On(stream_of("calendar", command.calendar.id), CalendarPublished(pack=command.calendar)),
        On(
            stream_of("playbook", command.playbook.id), PlaybookPublished(playbook=command.playbook)
        ),
        *(
            On(stream_of("framework", f.id), FrameworkPublished(framework=f))
            for f in command.frameworks
        ),
    ]


@evolves(ProgramInitialised)
def program_initialised(state: State, event: ProgramInitialised, stamp: Stamp) -> State:
    return state.put(Program(initialised=event))
