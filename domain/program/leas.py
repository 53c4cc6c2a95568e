"""LEAs: the registry with its sources, and when each is in recess."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, ClassVar, Literal, Self, get_args
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator

from domain.kernel.bounds import Day, Written
from domain.kernel.fields import LeaRef, Line, Option, Positional, Slug
from domain.kernel.messages import Command, Decision, Event, Stamp, State
from domain.kernel.naming import folded
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import AlreadyExists, ImpossibleDate, Incomplete, Invalid
from domain.policy.calendar import Closure, endless_rest, out_of_order, spoken
from domain.rules.context import Context
from domain.rules.days import within_reach
from domain.rules.registry import decides, evolves
from domain.streams import AGENCY, EXTERNAL, stream_of

about_noun("lea alias", "Other names that people use for an LEA.")
about_noun("lea", "The registry of districts, county offices and charter schools.")

LeaType = Literal[
    "school_district", "county_office_of_education", "charter_school", "school_district_part"
]


def _cds_code(text: str) -> str:
    digits = re.sub(r"[\s-]", "", text)
    if re.fullmatch(r"[0-9]{7}", digits):
        raise ValueError(
            f"not a CDS code, which ends with 7 digits for the school. For a whole district those "
            f"are zeros: {digits}0000000"
        )
    if not re.fullmatch(r"[0-9]{14}", digits):
        raise ValueError(
            "not a CDS code: it has 14 digits, 2 for the county, 5 for the district and 7 for "
            "the school (zeros for a whole district)"
        )
    return digits


CdsCode = Annotated[str, AfterValidator(_cds_code)]
"""The State's code of county, district and school; spaces and hyphens are left out."""


MOST_OF_A_FACT = 10**15
"""No LEA has more of anything, its dollars included."""


class SourcedFact(Written):
    """One fact about an LEA with where it was read; a null value means the source is silent."""

    name: str
    value: (
        str
        | Annotated[int, Field(ge=-MOST_OF_A_FACT, le=MOST_OF_A_FACT)]
        | Annotated[float, Field(ge=-MOST_OF_A_FACT, le=MOST_OF_A_FACT)]
        | bool
        | None
    )
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
    type: Annotated[LeaType | None, Option("kind")] = None
    """What kind of LEA it is; may be left out where its name says that it is a district."""
    county: Line | None = None
    """Its county, where known."""
    parent: Line | None = None
    """Its authoriser, or what it is a part of."""
    alias: tuple[Line, ...] = ()
    """Another name or abbreviation people use for it."""
    cds: CdsCode | None = None
    """Its CDS code, 14 digits; the LEA is found by it as by a name."""
    source: Line | None = None
    """Where the facts come from."""
    facts: tuple[SourcedFact, ...] = ()
    """Further facts, each with its source."""

    def stream(self, command_id: UUID) -> str:
        return stream_of("lea", self.id)

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that it claims for the LEA."""
        return (self.id, self.name, *self.alias, *((self.cds,) if self.cds else ()))


class ChangeLea(Command):
    """Rename an LEA, or complete what the registry says of it; what is left out stays."""

    aggregate = "lea"
    noun = "lea"
    verb = "change"

    lea: Annotated[LeaRef, Positional()]
    """The LEA, by id, name or alias."""
    name: Line | None = None
    """Its new name; it is found by the old one as well."""
    type: Annotated[LeaType | None, Option("kind")] = None
    """What kind of LEA it is now."""
    county: Line | None = None
    """Its county."""
    parent: Line | None = None
    """Its authoriser, or what it is a part of."""
    cds: CdsCode | None = None
    """Its CDS code, 14 digits."""
    source: Line | None = None
    """Where that was read."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that it claims for the LEA."""
        return tuple(name for name in (self.name, self.cds) if name)


class AddAlias(Command):
    """Add another name or abbreviation that people use for an LEA."""

    aggregate = "lea"
    noun = "lea alias"
    verb = "add"

    lea: Annotated[LeaRef, Positional()]
    """The LEA, by id, name or alias."""
    alias: Annotated[Line, Positional()]
    """The other name."""

    @property
    def names(self) -> tuple[str, ...]:
        """Every name that it claims for the LEA."""
        return (self.alias,)


class SetRecess(Command):
    """Tell when an LEA is in recess: nothing it owes is reminded of on those days."""

    aggregate = "lea"
    noun = "lea"
    verb = "recess"

    lea: Annotated[LeaRef, Positional()]
    """The LEA, by id, name or alias."""
    name: Annotated[Line, Positional()]
    """What the recess is called, for example winter recess."""
    first: Day
    """The first day of the recess."""
    last: Day
    """The last day of the recess."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if problem := out_of_order(self.first, self.last):
            raise ValueError(f"the recess {problem}")
        return self


class LeaRegistered(Event):
    type: ClassVar[str] = "lea-registered"
    name: str
    lea_type: LeaType
    county: str | None = None
    parent: str | None = None
    aliases: tuple[str, ...] = ()
    source: str | None = None
    facts: tuple[SourcedFact, ...] = ()
    cds: str | None = None

    def sentence(self) -> str:
        return f"{self.name} was registered ({self.lea_type.replace('_', ' ')})."


class LeaChanged(Event):
    type: ClassVar[str] = "lea-changed"
    name: str | None = None
    lea_type: LeaType | None = None
    county: str | None = None
    parent: str | None = None
    cds: str | None = None
    source: str | None = None

    def sentence(self) -> str:
        said = (
            ("name", self.name),
            ("kind", self.lea_type and self.lea_type.replace("_", " ")),
            ("county", self.county),
            ("part of", self.parent),
            ("CDS code", self.cds),
        )
        source = f" ({self.source})" if self.source else ""
        told = ", ".join(f"{name} {value}" for name, value in said if value)
        return f"The registry's entry was changed: {told}{source}."


class AliasAdded(Event):
    type: ClassVar[str] = "alias-added"
    alias: str

    def sentence(self) -> str:
        return f"The LEA is also called {self.alias}."


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
    works: tuple[date, ...] = ()
    """Days on which it works although the calendar or its recess has them for rest."""
    cds: str | None = None
    closed_on: date | None = None
    """The first day on which it is no more."""
    successors: tuple[str, ...] = ()
    """The LEAs that it went on as."""


def _free(
    names: Iterable[str],
    state: State,
    context: Context,
    *,
    own: Iterable[str] = (),
    county: str | None = None,
    cds: str | None = None,
) -> None:
    """Refuse names that it has already, or that would not tell it from another LEA.

    Args:
        own: Those that no other may have at all: its id and its code.
        county: Its county, where known; a name is shared only by LEAs of different counties,
        cds: or of different codes.

    Raises:
        AlreadyExists: One is taken.
    """
    lea = state.of(Lea)
    has = {folded(name) for name in (state.id, lea.name, *lea.aliases, lea.cds or "")}
    for name in (*own, *names):
        if state.version and folded(name) in has:
            raise AlreadyExists(
                f"{state.id} is called {name!r} already. See it: handrail lea show {state.id}"
            )
        for other in context.bearers.get(folded(name), ()):
            if state.version and other.id == state.id:
                continue  # As it is now; what it was called then says its state.
            where = f"{other.id} ({other.county or 'county not stated'})"
            if name in own or folded(name) in (folded(other.id), other.cds):
                raise AlreadyExists(
                    f"The name {name!r} already belongs to {where}. Leave it out, or use that LEA."
                )
            elsewhere = county and other.county and folded(county) != folded(other.county)
            if not elsewhere and not (cds and other.cds and cds != other.cds):
                raise AlreadyExists(
                    f"The name {name!r} already belongs to {where}. Leave it out, or use that LEA; "
                    f"if it is another of the same name, say of both what tells them apart: "
                    f"--county COUNTY or --cds CODE"
                )


_DISTRICT = re.compile(r"(?i)\b(district|unified|usd|esd|uhsd|elementary|union)\b")
"""Words by which a name says that it is a school district's."""
_SCHOOL = re.compile(r"(?i)\b(charter|academy|school)\b(?! district)")
"""Words by which it may be a charter school's after all."""


def _kind(command: RegisterLea) -> LeaType:
    """What kind of LEA it is, as was said or as its name says.

    Raises:
        Incomplete: Neither says.
    """
    if command.type is not None:
        return command.type
    if _DISTRICT.search(command.name) and not _SCHOOL.search(command.name):
        return "school_district"
    raise Incomplete(
        f"What kind of LEA is {command.name!r}? Its name does not say that it is a district. Add "
        f"--kind with one of {', '.join(get_args(LeaType))}."
    )


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
    own = (command.id, *((command.cds,) if command.cds else ()))
    shared = (command.name, *command.alias)
    _free(shared, state, context, own=own, county=command.county, cds=command.cds)
    return [
        LeaRegistered(
            name=command.name,
            lea_type=_kind(command),
            county=command.county,
            parent=command.parent,
            aliases=command.alias,
            source=command.source,
            facts=command.facts,
            cds=command.cds,
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
            cds=event.cds,
        )
    )


@decides(ChangeLea)
def change_lea(command: ChangeLea, state: State, context: Context) -> Decision:
    if not state.version:
        context.lea(command.lea)
    given = (command.name, command.type, command.county, command.parent, command.cds)
    if given == (None,) * len(given):
        raise Incomplete(
            f"Nothing to change for {state.id}: give --name, --kind, --county, --parent or --cds."
        )
    lea = state.of(Lea)
    already = {folded(name) for name in (lea.name, *lea.aliases)}
    _free(
        [command.name] if command.name and folded(command.name) not in already else [],
        state,
        context,
        own=[command.cds] if command.cds and command.cds != lea.cds else [],
        county=command.county or lea.county,
        cds=command.cds or lea.cds,
    )
    changed = LeaChanged(
        name=None if command.name == lea.name else command.name,
        lea_type=None if command.type == lea.lea_type else command.type,
        county=None if command.county == lea.county else command.county,
        parent=None if command.parent == lea.parent else command.parent,
        cds=None if command.cds == lea.cds else command.cds,
        source=command.source,
    )
    return [] if changed == LeaChanged(source=command.source) else [changed]


@evolves(LeaChanged)
def lea_changed(state: State, event: LeaChanged, stamp: Stamp) -> State:
    lea = state.of(Lea)
    # It goes on being found by what it was called.
    former = [lea.name, *lea.aliases] if event.name else lea.aliases
    now = event.name or lea.name
    return state.put(
        replace(
            lea,
            name=now,
            aliases=tuple(a for a in former if folded(a) != folded(now)),
            lea_type=event.lea_type or lea.lea_type,
            county=event.county or lea.county,
            parent=event.parent or lea.parent,
            cds=event.cds or lea.cds,
        )
    )


@decides(AddAlias)
def add_alias(command: AddAlias, state: State, context: Context) -> Decision:
    if not state.version:
        context.lea(command.lea)
    lea = state.of(Lea)
    _free([command.alias], state, context, county=lea.county, cds=lea.cds)
    return [AliasAdded(alias=command.alias)]


@evolves(AliasAdded)
def alias_added(state: State, event: AliasAdded, stamp: Stamp) -> State:
    lea = state.of(Lea)
    return state.put(replace(lea, aliases=(*lea.aliases, event.alias)))


@decides(SetRecess)
def set_recess(command: SetRecess, state: State, context: Context) -> Decision:
    if not state.version:
        context.lea(command.lea)
    within_reach(command.first, "The recess from", context)
    recess = Closure(name=command.name, first=command.first, last=command.last)
    known = state.of(Lea).recess
    if recess in known:
        return []
    calendar = context.the_program.calendar
    closures = (*calendar.closures, *known, recess)
    if day := endless_rest(calendar, closures, command.first.year, calendar.leas_keep):
        raise ImpossibleDate(
            f"With {command.name!r} from {spoken(command.first)} to {spoken(command.last)} "
            f"{state.id} would have no working day within a year of {spoken(day)}. Check the years."
        )
    return [RecessSet(recess=recess)]


@evolves(RecessSet)
def recess_set(state: State, event: RecessSet, stamp: Stamp) -> State:
    lea = state.of(Lea)
    return state.put(replace(lea, recess=(*lea.recess, event.recess)))
