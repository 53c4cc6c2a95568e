"""LEAs: the registry with its sources, and when each is in recess."""

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, ClassVar, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, model_validator

from domain.calendar import Closure, WorkingDays, out_of_order, spoken
from domain.context import AGENCY, EXTERNAL, Context
from domain.engagement import within_reach
from domain.errors import AlreadyExists, ImpossibleDate, Invalid
from domain.kernel import (
    Command,
    Decision,
    Event,
    LeaRef,
    Line,
    Positional,
    Slug,
    Stamp,
    State,
    decides,
    evolves,
)

LeaType = Literal[
    "school_district", "county_office_of_education", "charter_school", "school_district_part"
]


class SourcedFact(BaseModel):
    """One fact about an LEA with where it was read; a null value means the source is silent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    value: str | int | float | bool | None
    qualifier: str | None = None
    scope: str | None = None
    source: str


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
    if command.id == EXTERNAL:
        raise Invalid(
            f"{EXTERNAL!r} means whoever works neither for the agency nor at an LEA. Choose "
            f"another id for the LEA."
        )
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
