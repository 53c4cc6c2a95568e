"""What a decision may know besides the state: resolved beforehand, so that rules stay pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Literal
from uuid import UUID

from domain.kernel.messages import Command, Event, Recorded
from domain.kernel.naming import folded
from domain.kernel.refusals import Ambiguous, Unknown, WrongPerson, did_you_mean
from domain.policy.calendar import CalendarPack, Closure, WorkingDays, at_local, local_date, spoken
from domain.streams import AGENCY, EXTERNAL

if TYPE_CHECKING:
    from domain.policy.framework import Framework
    from domain.policy.playbook import Playbook

StaffRole = Literal["assistant", "lead", "director"]
MailRhythm = Literal["daily", "weekly"]
"""How often somebody wants their mail."""
SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class PersonEntry:
    """A person as the directory has them now."""

    id: str
    handle: str
    name: str
    email: str | None = None
    organisation: str = AGENCY
    """``agency``, the id of an LEA, or ``external:`` with the name of another organisation."""
    staff_roles: frozenset[StaffRole] = frozenset()
    left_on: date | None = None
    """The first day on which they are no longer there; None while nobody has said so."""
    capacity: int | None = None
    """How many engagements they can lead; None where nobody has said."""
    fallback: str | None = None
    """Whom to write instead when mail does not reach them."""
    digest: MailRhythm = "daily"
    """How often they want their mail."""

    def has_left(self, day: date) -> bool:
        """Whether they are gone by a day: nothing is mailed to them any more."""
        return self.left_on is not None and self.left_on <= day

    @property
    def is_external(self) -> bool:
        """Whether they work neither for the agency nor at an LEA."""
        return self.organisation.startswith(f"{EXTERNAL}:")

    @property
    def is_staff(self) -> bool:
        """Staff act on their own; what others did is recorded for them."""
        return bool(self.staff_roles)


SYSTEM_PERSON = PersonEntry(id=SYSTEM, handle=SYSTEM, name="Handrail")


@dataclass(frozen=True, slots=True)
class LeaEntry:
    """An LEA as the registry has it now."""

    id: str
    name: str
    type: str = ""
    county: str | None = None
    recess: tuple[Closure, ...] = ()
    works: tuple[date, ...] = ()
    """Days on which it works although the calendar or its recess has them for rest."""
    cds: str | None = None
    """Its code, which is its alone."""
    closed_on: date | None = None
    """The first day on which it is no more; None while it is."""
    successors: tuple[str, ...] = ()
    """The LEAs that it went on as."""

    @property
    def became(self) -> str | None:
        """What became of it, in words; None while it is."""
        return became(self.closed_on, self.successors) if self.closed_on else None


def became(on: date, into: tuple[str, ...]) -> str:
    """What became of an LEA from a day on, in words."""
    if not into:
        return f"Closed from {spoken(on)} on"
    what = "merged into" if len(into) == 1 else "split into"
    return f"From {spoken(on)} on {what} {' and '.join(into)}"


@dataclass(frozen=True, slots=True)
class HeldRole:
    """A role that somebody holds in an engagement that is open."""

    engagement: str
    role: str
    changes_on: date | None = None
    """The day on which a handover that is set ends it, or begins it; None without one."""


@dataclass(frozen=True, slots=True)
class SummitEntry:
    """A summit as it stands now, for the engagements that are invited to it."""

    id: str
    version: int
    title: str
    place: str
    first: date
    last: date
    registration_due: date
    hours: Decimal
    """Of each invited LEA's people."""
    round: int
    """1 for the days first set, one more for each change."""
    status: Literal["planned", "held", "cancelled"]
    invited: Mapping[str, str] = field(default_factory=dict)
    """Each invited engagement with its LEA; whoever declined is not among them."""
    over: frozenset[str] = frozenset()
    """The invited engagements that are closed or withdrawn."""

    @property
    def days(self) -> tuple[date, ...]:
        """Every day of it."""
        return tuple(self.first + timedelta(n) for n in range((self.last - self.first).days + 1))


@dataclass(frozen=True, slots=True)
class ProgramEntry:
    """The program's own settings."""

    name: str
    agency: str
    zone: str
    sender: str
    playbook: str
    """The playbook it began with, for example ``dta-sir@3``: new engagements pin its newest."""
    calendar: CalendarPack
    gathering_seconds: int = 60
    """How long a day's digest gathers before it is sent."""


@dataclass(frozen=True, slots=True)
class AppropriationEntry:
    """An appropriation as it stands now."""

    id: str
    version: int
    amount: Decimal
    invested: Decimal
    first: date
    until: date
    spend_until: date

    @property
    def left(self) -> Decimal:
        """What may still be invested from it."""
        return self.amount - self.invested


@dataclass(frozen=True, slots=True)
class Context:
    """The facts of the moment.

    An event records what it rested on, so that a later change of directory or calendar never
    rewrites history.
    """

    now: datetime
    """The moment of the decision: no notice is planned at or before it."""
    issued_at: datetime
    """When the command was given; its date is the command's today."""
    effective_at: datetime
    """When what the command says came true."""
    command_id: UUID
    actor: PersonEntry
    day_said: bool = False
    """Whether somebody said on which day it came true."""
    program: ProgramEntry | None = None
    playbook: "Playbook | None" = None
    playbooks: frozenset[str] = frozenset()
    other_playbook: "Playbook | None" = None
    """The version to which an engagement is upgraded, where the command names one."""
    framework: "Framework | None" = None
    """The framework version that the command names."""
    frameworks: frozenset[str] = frozenset()
    """Every published framework version, where the one named is not among them."""
    people: Mapping[str, PersonEntry] = field(default_factory=dict)
    """By id, by handle, and by the name a command used."""
    several: Mapping[str, Sequence[PersonEntry]] = field(default_factory=dict)
    """Whom a name may mean that a command used and that several people have."""
    handles: frozenset[str] = frozenset()
    """Every handle, for suggestions and uniqueness."""
    leas: Mapping[str, LeaEntry] = field(default_factory=dict)
    """By id, and by the name a command used."""
    several_leas: Mapping[str, Sequence[LeaEntry]] = field(default_factory=dict)
    """Which LEAs a name may mean that a command used and that several have."""
    lea_names: frozenset[str] = frozenset()
    """Every id, name and alias, folded, for suggestions."""
    bearers: Mapping[str, Sequence[LeaEntry]] = field(default_factory=dict)
    """All the LEAs that have a name that was mentioned, by that name as it is folded."""
    engagements: frozenset[str] = frozenset()
    """Ids of all engagements, for suggestions."""
    held: tuple[HeldRole, ...] = ()
    """What the person whom the command is about holds in open engagements."""
    appropriations: Mapping[str, AppropriationEntry] = field(default_factory=dict)
    """All of them, where the command is about money."""
    versions: Mapping[str, int] = field(default_factory=dict)
    """Of the other streams the decision looks at: it counts only while they are at these."""
    summit: SummitEntry | None = None
    """The summit that the command names."""
    summits: frozenset[str] = frozenset()
    """Ids of all summits, where the one named is not among them."""
    past: "Past | None" = None
    """The stream's past, where the command mends an entry of it."""

    @property
    def zone(self) -> str:
        """The program's time zone."""
        return self.the_program.zone

    @property
    def today(self) -> date:
        """The local date on which the command was given."""
        return local_date(self.issued_at, self.zone)

    @property
    def effective_on(self) -> date:
        """The local date on which it came true."""
        return local_date(self.effective_at, self.zone)

    @property
    def said_on(self) -> date:
        """The day from which what is recorded looks ahead: today, or the earlier day it was on."""
        return min(self.effective_on, self.today)

    @property
    def said_when(self) -> str:
        """That day in words."""
        return f"{'today, ' if self.said_on == self.today else ''}{spoken(self.said_on)}"

    def effective(self, event: Event) -> datetime:
        """When an event of this decision came true."""
        on = event.came_true()
        if on is None or on == self.effective_on:
            return self.effective_at
        return self.issued_at if on == self.today else at_local(on, time(0), self.zone)

    @property
    def the_program(self) -> ProgramEntry:
        """The program.

        Raises:
            Unknown: Nobody has run ``handrail init`` yet.
        """
        if self.program is None:
            raise Unknown("There is no program yet. Make one first: handrail init --help")
        return self.program

    @property
    def agency_days(self) -> WorkingDays:
        """The agency's working days."""
        return WorkingDays(self.the_program.calendar)

    def lea_days(self, lea: str) -> WorkingDays:
        """An LEA's working days: the schools' by the calendar, and the LEA's own."""
        entry, calendar = self.leas.get(lea) or LeaEntry(lea, lea), self.the_program.calendar
        return WorkingDays(calendar, entry.recess, calendar.leas_keep, entry.works)

    @property
    def the_playbook(self) -> "Playbook":
        """The playbook version that the engagement pins.

        Raises:
            Unknown: It was never published here.
        """
        if self.playbook is None:
            raise Unknown(
                f"The playbook this engagement needs is not published; known are "
                f"{', '.join(sorted(self.playbooks)) or 'none'}. "
                f"Publish it: handrail playbook publish FILE"
            )
        return self.playbook

    def pinning(self, ref: str) -> "Context":
        """The same facts with the playbook version that an engagement pins by now."""
        if self.other_playbook is None or self.other_playbook.ref != ref:
            return self
        return replace(self, playbook=self.other_playbook)

    def person(self, ref: str) -> PersonEntry:
        """A person by handle, id or name.

        Raises:
            Ambiguous: Several people are called that.
            Unknown: Nobody is called that.
        """
        if ref in self.people:
            return self.people[ref]
        if ref in self.several:
            raise several_people(ref, self.several[ref])
        raise nobody(ref, self.handles)

    def staff(self, ref: str, role: StaffRole) -> PersonEntry:
        """A person with a staff role.

        Raises:
            Unknown: Nobody is called that.
            WrongPerson: They do not have the role.
        """
        person = self.person(ref)
        if person.organisation != AGENCY:
            raise WrongPerson(
                f"{person.id} cannot be {role}: they work at {person.organisation}, and a {role} "
                f"is one of the agency's own. Name somebody else: handrail person list "
                f"--organisation agency"
            )
        if person.left_on is not None and person.has_left(max(self.today, self.effective_on)):
            raise WrongPerson(
                f"{person.id} cannot be {role}: they leave the agency on "
                f"{spoken(person.left_on)}. Name somebody else: handrail person list "
                f"--organisation agency"
            )
        if role not in person.staff_roles:
            has = ", ".join(sorted(person.staff_roles)) or "no staff role"
            raise WrongPerson(
                f"{person.id} cannot be {role} here: the directory gives "
                f"them {has}. A Director can add it: "
                f"handrail person change @{person.id} --role {role}"
            )
        return person

    def lea(self, ref: str) -> LeaEntry:
        """An LEA by id, name or alias.

        Raises:
            Ambiguous: Several are called that.
            Unknown: None is called that.
        """
        found = self.leas.get(ref) or self.leas.get(folded(ref))
        if found:
            return found
        if ref in self.several_leas:
            raise several_leas(ref, self.several_leas[ref])
        raise no_lea(ref, self.lea_names)


NAMED_AT_MOST = 8
"""So many of those whom a name may mean are told; a name of more is told to be longer."""


def nobody(ref: str, handles: Iterable[str]) -> Unknown:
    """The refusal of a name that is nobody's."""
    return Unknown(
        f"Nobody in the directory is called {ref!r}. {did_you_mean(folded(ref), handles)}"
        f"See them all: handrail person list"
    )


def no_lea(ref: str, names: Iterable[str]) -> Unknown:
    """The refusal of a name that is no LEA's."""
    return Unknown(
        f"No LEA is called {ref!r}. {did_you_mean(folded(ref), names)}"
        f"Register it: handrail lea register --help, or see them all: handrail lea list"
    )


def several_people(ref: str, people: Sequence[PersonEntry]) -> Ambiguous:
    """The refusal of a name that several people have; the door shows names for ids."""
    told = [
        f"@{p.id} ({p.id}, {_where(p)}"
        + (f", not there from {spoken(p.left_on)} on" if p.left_on else "")
        + ")"
        for p in people
    ]
    return Ambiguous(f"{ref!r} may be {_listed(told)}. Say which, by the handle before its name.")


def several_leas(ref: str, leas: Sequence[LeaEntry]) -> Ambiguous:
    """The refusal of a name that several LEAs have."""
    told = [
        f"{e.id} ({e.name}, {e.county or 'county not stated'}{f', {e.cds}' if e.cds else ''})"
        for e in leas
    ]
    return Ambiguous(f"{ref!r} may be {_listed(told)}. Say which, by the id before its name.")


def _where(person: PersonEntry) -> str:
    if person.organisation == AGENCY:
        return "the agency"
    return person.organisation.removeprefix(f"{EXTERNAL}:")


def _listed(told: Sequence[str]) -> str:
    more = len(told) - NAMED_AT_MOST
    if more > 0:
        return f"{', '.join(told[:NAMED_AT_MOST])} or {more} more"
    return f"{', '.join(told[:-1])} or {told[-1]}"


@dataclass(frozen=True, slots=True)
class Entry:
    """What one command recorded on a stream, with what is known of the command."""

    versions: tuple[int, ...]
    """Of every event, notices included."""
    command_id: UUID
    actor: str
    command: Command | None = None
    """None for what the system recorded, and where it was not kept."""
    context: Context | None = None
    """What it could know, as far as it can still be resolved; None where it cannot."""
    illustrative: bool = False
    elsewhere: tuple[str, ...] = ()
    """Other streams on which it recorded something."""

    @property
    def number(self) -> int:
        """What it is called."""
        return self.versions[0]


@dataclass(frozen=True, slots=True)
class Past:
    """A stream's past, as whoever mends something needs it."""

    history: tuple[Recorded, ...]
    """As recorded."""
    entries: tuple[Entry, ...]
    corrected: tuple[Command, Context] | None = None
    """The command with its right values, and what it could know."""
    elsewhere: Mapping[str, "Past"] = field(default_factory=dict)
    """The past of every other stream on which the entry recorded something."""

    def entry(self, number: int) -> Entry | None:
        """The entry that has an event of this version."""
        return next((e for e in self.entries if number in e.versions), None)
