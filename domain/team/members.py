"""The improvement team: who belongs to it from when to when, whom it lacks, and who stayed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, ClassVar, Literal

from domain.engagement.guards import of_the_lea
from domain.engagement.state import Engagement, EngagementRole
from domain.kernel.fields import Line, Option, PersonRef, Positional
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    WrongPerson,
    WrongState,
)
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.policy.calendar import add_months, local_date, spoken
from domain.policy.parts import MemberKind, TeamRules
from domain.rules.context import Context, PersonEntry
from domain.rules.days import not_in_the_future
from domain.rules.named import the_named
from domain.rules.registry import decides, evolves
from domain.streams import AGENCY

about_noun("team", "The improvement team: who belongs to it, whom it lacks, who was what when.")

TeamSide = Literal["lea", "agency", "external"]


class _TeamCommand(EngagementCommand):
    person: Annotated[PersonRef, Positional()]
    """The person's handle."""


class AddMember(_TeamCommand):
    """Say that somebody belongs to the improvement team from now on."""

    noun = "team"
    verb = "add"
    happened = "The membership"

    as_: Annotated[Line, Option("role")]
    """As what, by a kind of the playbook, for example teacher, principal or district_admin."""


class RemoveMember(_TeamCommand):
    """Say that somebody does not belong to the team any more; their time in it stays."""

    noun = "team"
    verb = "leave"

    reason: Line
    """Why, for example "moved to another school"."""


class TeamMemberAdded(Event):
    type: ClassVar[str] = "team-member-added"
    person: str
    kind: str
    side: TeamSide
    on: date
    lacks: tuple[str, ...] = ()
    """Whom the team lacked after that, as the playbook of that day says."""

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        kind = self.kind.replace("_", " ")
        return (
            f"{self.person} is in the team as {kind} from {spoken(self.on)}.{_lacking(self.lacks)}"
        )


class TeamMemberLeft(Event):
    type: ClassVar[str] = "team-member-left"
    person: str
    on: date
    """The first day without them."""
    reason: Sealed
    lacks: tuple[str, ...] = ()

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        return (
            f"{self.person} is not in the team from {spoken(self.on)}: {full(self.reason)}"
            f"{_lacking(self.lacks)}"
        )


def _lacking(lacks: Iterable[str]) -> str:
    missing = " and ".join(lacks)
    return f" The team has not yet: {missing}." if missing else ""


@dataclass(frozen=True, slots=True)
class Membership:
    """One stretch of somebody's time in the team."""

    person: str
    kind: str
    side: TeamSide
    since: date
    until: date | None = None
    """The first day without them; None while they stay."""

    def on(self, day: date) -> bool:
        """Whether they belong to the team at the end of a day."""
        return self.since <= day and (self.until is None or day < self.until)


@dataclass(frozen=True, slots=True)
class Team:
    """Every membership, past ones as well, in the order of its first day."""

    all: tuple[Membership, ...] = ()

    def on(self, day: date) -> tuple[Membership, ...]:
        """Who belongs to the team at the end of a day."""
        return tuple(m for m in self.all if m.on(day))

    def current(self, person: str) -> Membership | None:
        """The membership of somebody that has not ended."""
        return next((m for m in self.all if m.person == person and m.until is None), None)


def rules_of(state: State, context: Context) -> TeamRules:
    """What the pinned playbook says about the team.

    Raises:
        WrongState: It says nothing.
    """
    rules = context.the_playbook.team
    if rules is None:
        raise WrongState(
            f"{state.id}: its playbook {context.the_playbook.ref} says nothing about a team, so "
            f"none can be recorded. See which versions do: handrail playbook list"
        )
    return rules


def lacking(members: Iterable[Membership], rules: TeamRules) -> tuple[str, ...]:
    """The wishes of the playbook that these members do not meet, in its words."""
    kinds = [m.kind for m in members]
    return tuple(
        f"{wish.name}"
        + (
            f" ({sum(kinds.count(k) for k in wish.kinds)} of {wish.at_least})"
            if wish.at_least > 1
            else ""
        )
        for wish in rules.coverage
        if sum(kinds.count(k) for k in wish.kinds) < wish.at_least
    )


def _placed(kind: MemberKind, ref: str, engagement: Engagement, context: Context) -> PersonEntry:
    """The person, provided that they work where this kind of member does.

    Raises:
        WrongPerson: They work elsewhere.
    """
    person = context.person(ref)
    if kind.side == "lea":
        return of_the_lea(ref, engagement, context)
    if kind.side == "agency" and person.organisation != AGENCY:
        raise WrongPerson(
            f"{person.id} works at {person.organisation}, and {kind.name!r} is somebody of the "
            f"agency. Name a colleague: handrail person list --organisation agency"
        )
    if kind.side == "external" and not person.is_external:
        where = "the agency" if person.organisation == AGENCY else person.organisation
        raise WrongPerson(
            f"{person.id} works at {where}, and {kind.name!r} is somebody of neither the agency "
            f"nor an LEA. Choose another kind, or see who is: handrail person list "
            f"--organisation external"
        )
    return person


@decides(AddMember)
def add_member(command: AddMember, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    rules = rules_of(state, context)
    no = f"is not a kind of member in {context.the_playbook.ref}"
    kind, on = the_named(command.as_, rules.kinds, no, "The kinds:"), context.effective_on
    person = _placed(kind, command.person, engagement, context)
    team = state.of(Team)
    mine = [m for m in team.all if m.person == person.id]
    if current := team.current(person.id):
        raise AlreadyExists(
            f"{state.id}: {person.id} is in the team already, as {current.kind} since "
            f"{spoken(current.since)}. To change that, end it first: "
            f"handrail team leave {state.id} @{person.id} --reason REASON"
        )
    if clash := next((m for m in mine if m.until and on < m.until), None):
        assert clash.until is not None
        raise ImpossibleDate(
            f"{state.id}: {person.id} cannot have joined on {spoken(on)}: they were in the team "
            f"from {spoken(clash.since)} until {spoken(clash.until)}. Give a later day: "
            f"--on DATE"
        )
    joined = Membership(person.id, kind.id, kind.side, on)
    return [
        TeamMemberAdded(
            person=person.id,
            kind=kind.id,
            side=kind.side,
            on=on,
            lacks=lacking((*team.on(context.today), joined), rules),
        )
    ]


@evolves(TeamMemberAdded)
def member_added(state: State, event: TeamMemberAdded, stamp: Stamp) -> State:
    team = state.of(Team)
    joined = Membership(event.person, event.kind, event.side, event.on)
    return state.put(Team(tuple(sorted((*team.all, joined), key=lambda m: m.since))))


@decides(RemoveMember)
def remove_member(command: RemoveMember, state: State, context: Context) -> Decision:
    rules_of(state, context)
    not_in_the_future(context.effective_on, "The leaving", context)
    person = context.person(command.person)
    team, on = state.of(Team), context.effective_on
    current = team.current(person.id)
    if current is None:
        past = [m for m in team.all if m.person == person.id and m.until]
        last = f" since {spoken(past[-1].until)}" if past and past[-1].until else ""
        raise WrongState(
            f"{state.id}: {person.id} is not in the team{last}. See who is: "
            f"handrail team show {state.id}"
        )
    if on < current.since:
        raise ImpossibleDate(
            f"{state.id}: {person.id} cannot have left on {spoken(on)}: they are in the team since "
            f"{spoken(current.since)}. Give a later day: --on DATE"
        )
    return [left(person.id, on, command.reason, state, context)]


def left(person: str, on: date, reason: str, state: State, context: Context) -> TeamMemberLeft:
    """The end of a membership, with whom the team lacks after it."""
    rules = context.the_playbook.team
    rest = [m for m in state.of(Team).all if m.until is None and m.person != person]
    return TeamMemberLeft(
        person=person,
        on=on,
        reason=Sealed(about=person, text=reason),
        lacks=lacking(rest, rules) if rules else (),
    )


@evolves(TeamMemberLeft)
def member_left(state: State, event: TeamMemberLeft, stamp: Stamp) -> State:
    team = state.of(Team)
    return state.put(
        Team(
            tuple(
                replace(m, until=event.on) if m.person == event.person and m.until is None else m
                for m in team.all
            )
        )
    )


@dataclass(frozen=True, slots=True)
class Continuity:
    """Who stayed, and how often the roles changed hands."""

    months: int
    joined: int
    """The people of the LEA and of outside who joined at least so many months ago."""
    stayed: int
    """Those of them who were still there so many months after they joined."""
    changes: tuple[tuple[EngagementRole, int], ...]
    """How often each role lost its holder, where it did."""

    @property
    def share(self) -> int | None:
        """The share that stayed, in percent; None while nobody could have."""
        return round(100 * self.stayed / self.joined) if self.joined else None


def continuity(state: State, rules: TeamRules, day: date, zone: str) -> Continuity:
    """The figures as of a day: facts to look at, with no threshold."""
    first: dict[str, date] = {}
    for m in state.of(Team).all:
        if m.side != "agency":
            first.setdefault(m.person, m.since)
    then = {p: add_months(since, rules.continuity_months) for p, since in first.items()}
    asked = {p: on for p, on in then.items() if on <= day}
    stayed = [p for p, on in asked.items() if any(m.person == p for m in state.of(Team).on(on))]
    changes: dict[EngagementRole, int] = {}
    for tenure in state.of(Engagement).tenures:
        if tenure.until is not None and local_date(tenure.until, zone) <= day:
            changes[tenure.role] = changes.get(tenure.role, 0) + 1
    return Continuity(rules.continuity_months, len(asked), len(stayed), tuple(changes.items()))
