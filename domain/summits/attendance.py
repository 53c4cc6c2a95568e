"""Who was at a summit, day by day and by role, and what an LEA promised there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from domain.engagement.guards import of_the_lea
from domain.engagement.state import Engagement
from domain.kernel.bounds import Day
from domain.kernel.fields import Line, Option, PersonRef, Positional
from domain.kernel.messages import Decision, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Invalid,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.owing.obligations import Obligation, Side, owes
from domain.policy.calendar import spoken
from domain.policy.parts import AttendanceRole
from domain.rules.context import Context, SummitEntry
from domain.rules.days import not_in_the_future, within_reach
from domain.rules.named import the_named
from domain.rules.registry import decides, evolves
from domain.summits.invitations import (
    MOST_PLACES,
    InvitationCommand,
    Invitations,
    invitation_in,
    summit_rules,
    with_invitation,
)
from domain.summits.program import PairedAtSummit
from domain.summits.summits import span, the_summit

about_noun("summit attendance", "Who was at a summit, day by day and by role.")
about_noun("summit commitment", "What an LEA promised at a summit.")

CommitmentOwner = Literal["lea_contact", "superintendent", "lead"]
CommitmentOutcome = Literal["kept", "partly", "dropped"]


class RecordAttendance(InvitationCommand):
    """Record who of an LEA was at a summit on one of its days: a person, or so many of a role."""

    noun = "summit attendance"
    verb = "record"

    day: Line
    """The day: a date (YYYY-MM-DD), or the day of the summit counted from 1."""
    role: Line
    """In what role, by a role of the playbook, for example teacher."""
    person: PersonRef | None = None
    """Who it was; leave it out for people without names."""
    count: Annotated[int, Field(ge=0, le=MOST_PLACES)] = 1
    """How many, without names; 0 takes back what was recorded by mistake."""


class CommitAtSummit(InvitationCommand):
    """Record what was promised at a summit: what, by whom, by when."""

    noun = "summit commitment"
    verb = "add"

    text: Annotated[Line, Positional()]
    """What was promised."""
    by: Annotated[Day, Option("due")]
    """By when."""
    owner: Annotated[CommitmentOwner, Option("role")] = "lea_contact"
    """Who owes it: lea_contact, superintendent or lead."""


class SettleCommitment(InvitationCommand):
    """Record what became of a promise."""

    noun = "summit commitment"
    verb = "settle"

    commitment: Annotated[Line, Positional(), Option("number")]
    """The commitment's number at that summit, for example 1."""
    outcome: CommitmentOutcome
    """kept, partly or dropped."""
    note: Line | None = None
    """What became of it."""


class SummitAttended(Event):
    type: ClassVar[str] = "summit-attended"
    summit: str
    day: date
    role: str
    person: str | None = None
    count: int = 1
    """Of that role on that day, without names: the whole number, not one more."""

    def came_true(self) -> date:
        return self.day

    def sentence(self) -> str:
        who = self.person or f"{self.count} without {'a name' if self.count == 1 else 'names'}"
        if self.count == 0:
            return (
                f"Not at summit {self.summit} on {spoken(self.day)} after all: "
                f"{self.person or self.role}."
            )
        return f"At summit {self.summit} on {spoken(self.day)}: {who} ({self.role})."


class SummitCommitted(Event):
    type: ClassVar[str] = "summit-commitment-made"
    summit: str
    commitment: str
    text: Sealed
    by: date
    owner: CommitmentOwner

    def sentence(self) -> str:
        return (
            f"{self.summit}/{self.commitment} promised by the {self.owner.replace('_', ' ')} for "
            f"{spoken(self.by)}: {full(self.text)}"
        )


class SummitCommitmentSettled(Event):
    type: ClassVar[str] = "summit-commitment-settled"
    summit: str
    commitment: str
    on: date
    outcome: CommitmentOutcome
    note: Sealed | None = None

    def sentence(self) -> str:
        return f"{self.summit}/{self.commitment} {self.outcome} on {spoken(self.on)}" + (
            f": {full(self.note)}" if self.note else "."
        )


@dataclass(frozen=True, slots=True)
class Commitment:
    """One promise."""

    summit: str
    id: str
    text: str = ""
    by: date | None = None
    owner: CommitmentOwner = "lea_contact"
    outcome: CommitmentOutcome | None = None

    @property
    def item(self) -> str:
        """As it is owed: ``Y1-1/1``."""
        return f"{self.summit}/{self.id}"


@dataclass(frozen=True, slots=True)
class Presence:
    """An LEA's people at one summit."""

    named: Mapping[tuple[date, str], str] = field(default_factory=dict)
    """The role of each person on each day."""
    unnamed: Mapping[tuple[date, str], int] = field(default_factory=dict)
    """How many of each role came on each day, besides those with names."""

    @property
    def days(self) -> Mapping[date, Mapping[str, int]]:
        """How many of each role came, day by day."""
        found: dict[date, dict[str, int]] = {}
        for (day, _), role in self.named.items():
            of_day = found.setdefault(day, {})
            of_day[role] = of_day.get(role, 0) + 1
        for (day, role), count in self.unnamed.items():
            of_day = found.setdefault(day, {})
            of_day[role] = of_day.get(role, 0) + count
        return dict(sorted(found.items()))

    @property
    def people(self) -> int:
        """How many came on any day.  Of those without names the fullest day of a role counts."""
        fullest: dict[str, int] = {}
        for (_, role), count in self.unnamed.items():
            fullest[role] = max(fullest.get(role, 0), count)
        return len({person for _, person in self.named}) + sum(fullest.values())


@dataclass(frozen=True, slots=True)
class Attendance:
    """An engagement's presence at summits, its pairs, and what was promised there."""

    all: Mapping[str, Presence] = field(default_factory=dict)
    pairs: tuple[PairedAtSummit, ...] = ()
    commitments: tuple[Commitment, ...] = ()

    def at(self, summit: str) -> Presence:
        """Who was at one summit."""
        return self.all.get(summit, Presence())


def _role(wanted: str, state: State, context: Context) -> AttendanceRole:
    no = f"is no role at a summit in {context.the_playbook.ref}"
    return the_named(wanted, summit_rules(state, context).roles, no, "Name one of")


def _day(wanted: str, entry: SummitEntry) -> date:
    if wanted.isdecimal() and len(wanted) < 3:
        number = int(wanted)
        if 1 <= number <= len(entry.days):
            return entry.days[number - 1]
    else:
        try:
            found = date.fromisoformat(wanted)
        except ValueError:
            raise Invalid(
                f"The day {wanted!r} is neither a date, as YYYY-MM-DD, nor the number of a day of "
                f"summit {entry.id}. Give one of {_days(entry)}."
            ) from None
        if found in entry.days:
            return found
    raise ImpossibleDate(
        f"Summit {entry.id} has no day {wanted!r}: it takes place {span(entry.first, entry.last)}. "
        f"Give one of {_days(entry)}."
    )


def _days(entry: SummitEntry) -> str:
    return ", ".join(f"{n} ({day})" for n, day in enumerate(entry.days, start=1))


@decides(RecordAttendance)
def record_attendance(command: RecordAttendance, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    role = _role(command.role, state, context)
    entry = the_summit(command.summit, context)
    if entry.status == "cancelled":
        raise WrongState(
            f"Nobody can have been at summit {entry.id}: it was cancelled. See the others: "
            f"handrail summit list"
        )
    day = _day(command.day, entry)
    not_in_the_future(day, f"The attendance at summit {entry.id}", context)
    number = (day - entry.first).days + 1
    if role.days and number not in role.days:
        joins = " and ".join(f"day {n}" for n in role.days)
        raise ImpossibleDate(
            f"A {role.name.lower()} joins a summit on {joins} in {context.the_playbook.ref}, and "
            f"{spoken(day)} is day {number} of {entry.id}. Correct the day, or give another role, "
            f"such as guest."
        )
    known = state.of(Attendance).at(entry.id)
    if command.person is None:
        before = known.unnamed.get((day, role.id), 0)
        if before == command.count:
            raise AlreadyExists(
                f"{state.id}: {before} of the role {role.id} without names are recorded at summit "
                f"{entry.id} on {spoken(day)} already. If there were more, give the whole number: "
                f"--count N"
            )
        return [SummitAttended(summit=entry.id, day=day, role=role.id, count=command.count)]
    if command.count > 1:
        raise Invalid(
            f"{command.person!r} is one person, and --count {command.count} says more. Leave out "
            f"--count, or leave out --person for people without names."
        )
    person = context.person(command.person)
    if role.of_lea:
        of_the_lea(command.person, engagement, context)
    elif person.organisation == engagement.lea:
        raise WrongPerson(
            f"{person.id} works at {engagement.lea_name} and is no {role.name.lower()}. Give the "
            f"role they have at the LEA, for example staff."
        )
    there = known.named.get((day, person.id))
    if (there == role.id) if command.count else (there is None):
        raise AlreadyExists(
            f"{state.id}: {person.id} is {'' if command.count else 'not '}recorded at summit "
            f"{entry.id} on {spoken(day)} {f'as {role.id} already' if command.count else ''}. See "
            f"handrail summit show {entry.id}"
        )
    return [
        SummitAttended(
            summit=entry.id, day=day, role=role.id, person=person.id, count=command.count
        )
    ]


@evolves(SummitAttended)
def summit_attended(state: State, event: SummitAttended, stamp: Stamp) -> State:
    attendance = state.of(Attendance)
    known = attendance.at(event.summit)
    if event.person:
        named = {k: role for k, role in known.named.items() if k != (event.day, event.person)}
        if event.count:
            named[event.day, event.person] = event.role
        known = replace(known, named=named)
    else:
        unnamed = {k: n for k, n in known.unnamed.items() if k != (event.day, event.role)}
        if event.count:
            unnamed[event.day, event.role] = event.count
        known = replace(known, unnamed=unnamed)
    state = state.put(replace(attendance, all={**attendance.all, event.summit: known}))
    # Whoever came without an invitation is still seen among the summits.
    return with_invitation(state, invitation_in(state, event.summit))


@evolves(PairedAtSummit)
def paired_at_summit(state: State, event: PairedAtSummit, stamp: Stamp) -> State:
    attendance = state.of(Attendance)
    return state.put(replace(attendance, pairs=(*attendance.pairs, event)))


@decides(CommitAtSummit)
def commit(command: CommitAtSummit, state: State, context: Context) -> Decision:
    summit_rules(state, context)
    entry = the_summit(command.summit, context)
    not_in_the_future(context.effective_on, "The promise", context)
    known = state.of(Invitations).all.get(entry.id)
    if known is None or known.status in ("declined", "cancelled"):
        raise WrongState(
            f"{state.id} is not expected at summit {entry.id}, so nothing was promised there. "
            f"Invite it first: handrail summit invite {entry.id} {state.id}"
        )
    if command.by <= context.said_on:
        raise ImpossibleDate(
            f"A promise for {spoken(command.by)} cannot be made on {spoken(context.said_on)}: give "
            f"a later day: --due DATE; if it was made long ago, say when: --on DATE"
        )
    within_reach(command.by, "A promise for", context)
    of_summit = [c for c in state.of(Attendance).commitments if c.summit == entry.id]
    twin = next((c for c in of_summit if (c.text, c.by) == (command.text, command.by)), None)
    if twin:
        raise AlreadyExists(
            f"{state.id}: {twin.item} says so already, for {spoken(command.by)}. To record what "
            f"became of it: handrail summit commitment settle {entry.id} {state.id} {twin.id} "
            f"--outcome kept"
        )
    return [
        SummitCommitted(
            summit=entry.id,
            commitment=f"{len(of_summit) + 1}",
            text=Sealed(about=state.stream, text=command.text),
            by=command.by,
            owner=command.owner,
        )
    ]


def _commitment(state: State, summit: str, commitment: str) -> Commitment:
    return next(
        (c for c in state.of(Attendance).commitments if (c.summit, c.id) == (summit, commitment)),
        Commitment(summit, commitment),
    )


def _with_commitment(state: State, changed: Commitment) -> State:
    attendance = state.of(Attendance)
    others = tuple(c for c in attendance.commitments if c.item != changed.item)
    ordered = tuple(sorted((*others, changed), key=lambda c: (c.summit, len(c.id), c.id)))
    return state.put(replace(attendance, commitments=ordered))


@evolves(SummitCommitted)
def summit_committed(state: State, event: SummitCommitted, stamp: Stamp) -> State:
    known = _commitment(state, event.summit, event.commitment)
    return _with_commitment(
        state, replace(known, text=str(event.text), by=event.by, owner=event.owner)
    )


@decides(SettleCommitment)
def settle(command: SettleCommitment, state: State, context: Context) -> Decision:
    of_summit = {c.id: c for c in state.of(Attendance).commitments if c.summit == command.summit}
    wanted = command.commitment.upper().rpartition("/")[2]
    found = of_summit.get(wanted)
    if found is None:
        known = ", ".join(f"{c.id} ({c.text})" for c in of_summit.values())
        raise Unknown(
            f"{state.id} has no commitment {command.commitment!r} from summit {command.summit}. "
            + (
                f"Name one that it has: {known}."
                if known
                else f"It has none: see handrail engagement show {state.id}"
            )
        )
    not_in_the_future(context.effective_on, "The outcome", context)
    if found.outcome is not None:
        raise AlreadyExists(
            f"{state.id}: {found.item} is settled already: {found.outcome}. See handrail "
            f"engagement show {state.id}"
        )
    if command.outcome != "kept" and command.note is None:
        raise Incomplete(f"{state.id}: why was {found.item} {command.outcome}? Say it: --note TEXT")
    return [
        SummitCommitmentSettled(
            summit=found.summit,
            commitment=found.id,
            on=context.effective_on,
            outcome=command.outcome,
            note=Sealed(about=state.stream, text=command.note) if command.note else None,
        )
    ]


@evolves(SummitCommitmentSettled)
def commitment_settled(state: State, event: SummitCommitmentSettled, stamp: Stamp) -> State:
    known = _commitment(state, event.summit, event.commitment)
    return _with_commitment(state, replace(known, outcome=event.outcome))


@owes
def commitments_owed(state: State, context: Context) -> Iterable[Obligation]:
    """Whoever promised something at a summit owes it."""
    rules = context.the_playbook.summits
    for c in state.of(Attendance).commitments:
        if c.by is None:
            continue
        side: Side = "agency" if c.owner == "lead" else "lea"
        yield Obligation(
            item=c.item,
            title=f"Promised at summit {c.summit}: {c.text}",
            round=1,
            due=c.by,
            owner=c.owner,
            side=side,
            ask="Do what was promised, or say what became of it.",
            command=f"handrail summit commitment settle {c.summit} {state.id} {c.id} "
            f"--outcome kept",
            policy=rules.commitment_policy if rules else None,
            settled=c.outcome,
        )


def missed(state: State, summit: str) -> bool:
    """Whether the LEA was expected at a summit that is over, and nobody of it was there."""
    invitation = invitation_in(state, summit)
    return invitation.stands and invitation.began and not state.of(Attendance).at(summit).days


NOBODY = "nobody"
"""Said of a summit where the LEA was expected and stayed away."""


def attended_between(state: State, first: date, following: date) -> tuple[str, ...]:
    """The summits that began in a stretch of days, each with how many people came.

    Args:
        following: The first day after the stretch.
    """
    found = []
    for i in state.of(Invitations).all.values():
        presence = state.of(Attendance).at(i.summit)
        begins = i.first or min(presence.days, default=None)
        if begins is None or not first <= begins < following:
            continue
        if presence.people:
            found.append(f"{i.summit} {presence.people}")
        elif missed(state, i.summit):
            found.append(f"{i.summit} {NOBODY}")
    return tuple(found)
