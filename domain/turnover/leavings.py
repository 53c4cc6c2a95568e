"""A leader of the LEA leaves: the risk rises, the new one recommits, and the work waits unpunished.

A leaving is known before it is true: the clock of the recommitment and the hold begin with the
announcement, the role falls vacant after the last day.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, time, timedelta
from typing import Annotated, ClassVar

from domain.agreements.agreements import Agreements
from domain.deliverables.proposing import Deliverables
from domain.engagement.guards import before_assigning, of_the_lea
from domain.engagement.state import Engagement, EngagementRole
from domain.kernel.bounds import Day
from domain.kernel.fields import Line, Option, PersonRef, Positional
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import AlreadyExists, ImpossibleDate, Unknown, WrongPerson, WrongState
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.owing.coming import Coming, comes_true
from domain.owing.obligations import obligations
from domain.policy.calendar import at_local, local_date, spoken
from domain.policy.parts import TurnoverRules
from domain.review.review import Review
from domain.rules.context import Context
from domain.rules.days import not_in_the_future, within_reach
from domain.rules.registry import decides, evolves
from domain.team.members import Team, left
from domain.team.risks import risen
from domain.turnover.holds import HoldLifted, Holds, lifting, placed

about_noun("leader", "Record that a leader of the LEA leaves, or stays after all.")


class LeaderLeaves(EngagementCommand):
    """Record that a leader of the LEA leaves, as soon as it is announced.

    The new leader's recommitment is owed from the announcement on, and what belongs to a tight
    step is held until then: visible, without reminders, never late.
    """

    noun = "leader"
    verb = "leave"
    stated = frozenset({"last_day"})

    person: Annotated[PersonRef, Positional()]
    """Who leaves, for example the superintendent."""
    last_day: Annotated[Day | None, Option("last")] = None
    """Their last day in the role."""
    reason: Line | None = None
    """Why, where it may be said."""
    keep: tuple[Line, ...] = ()
    """An item that goes on all the same, for example D2; once for each."""


class LeaderStays(EngagementCommand):
    """Record that a leader who had announced to leave stays: nothing is held or owed for it."""

    noun = "leader"
    verb = "stay"

    person: Annotated[PersonRef, Positional()]
    """Who stays."""
    reason: Line
    """Why, for example "the resignation was withdrawn"."""


class LeaderLeaving(Event):
    type: ClassVar[str] = "leader-leaving"
    leaving: int
    """Counts the leavings of the engagement from 1."""
    role: EngagementRole
    person: str
    announced: date
    last_day: date
    recommit_by: date
    board_reaffirms: bool = False
    reason: Sealed | None = None

    def came_true(self) -> date:
        return self.announced

    def sentence(self) -> str:
        why = f" ({self.reason})" if self.reason else ""
        return (
            f"{self.person} leaves as {spoken_role(self.role)}{why}: announced "
            f"{spoken(self.announced)}, last day {spoken(self.last_day)}. The new leader's "
            f"recommitment is owed by {spoken(self.recommit_by)}."
        )


class LeaderLeft(Event):
    type: ClassVar[str] = "leader-left"
    leaving: int
    role: EngagementRole
    person: str
    on: date
    """The first day without them."""

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        return f"{self.person} is not {spoken_role(self.role)} any more from {spoken(self.on)}."


class LeaderStayed(Event):
    type: ClassVar[str] = "leader-stayed"
    leaving: int
    role: EngagementRole
    person: str
    reason: Sealed

    def sentence(self) -> str:
        return f"{self.person} stays {spoken_role(self.role)}: {full(self.reason)}"


def spoken_role(role: str) -> str:
    """A role as sentences say it."""
    return role.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Leaving:
    """One leader's leaving, and what followed."""

    n: int
    role: EngagementRole = "superintendent"
    person: str = ""
    announced: date = date.min
    last_day: date = date.min
    recommit_by: date = date.min
    board_reaffirms: bool = False
    gone: bool = False
    """The last day has passed."""
    stayed: bool = False
    recommitted: date | None = None
    recommitted_by: str | None = None
    reaffirmed: date | None = None

    @property
    def settled(self) -> bool:
        """Whether nothing more is owed for it."""
        return self.stayed or bool(
            self.recommitted and (self.reaffirmed or not self.board_reaffirms)
        )


@dataclass(frozen=True, slots=True)
class Turnover:
    """Every leaving, oldest first."""

    all: tuple[Leaving, ...] = ()

    @property
    def open(self) -> tuple[Leaving, ...]:
        """The last leaving of each role, where something is still owed for it."""
        last = {x.role: x for x in self.all}
        return tuple(x for x in last.values() if not x.settled)


def rules_of(state: State, context: Context) -> TurnoverRules:
    """What the pinned playbook says about leaders who leave.

    Raises:
        WrongState: It says nothing.
    """
    rules = context.the_playbook.turnover
    if rules is None:
        raise WrongState(
            f"{state.id}: its playbook {context.the_playbook.ref} says nothing about leaders who "
            f"leave. Say who holds the role from now on: handrail engagement assign {state.id} "
            f"superintendent PERSON"
        )
    return rules


def _tight_items(state: State, context: Context) -> tuple[str, ...]:
    """What the LEA owes by a date and what belongs to a tight step of the playbook."""
    kinds = {kind for step in context.the_playbook.steps if step.tight for kind in step.items}
    known: set[str] = set()
    if "deliverables" in kinds:
        known |= state.of(Deliverables).all.keys()
    if "waves" in kinds:
        known |= state.of(Review).waves.keys()
    known -= {
        item
        for hold in state.of(Holds).open
        if hold.cause == "turnover"
        for item in set(hold.items) - hold.released
    }
    owed = [o for o in obligations(state, context) if not o.settled and o.due]
    return tuple(o.item for o in owed if o.item in known)


@decides(LeaderLeaves)
def leader_leaves(command: LeaderLeaves, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    rules = rules_of(state, context)
    not_in_the_future(context.effective_on, "The announcement", context)
    person = of_the_lea(command.person, engagement, context)
    role = next((r for r in rules.leaders if engagement.roles.get(r) == person.id), None)
    if role is None:
        who = "; ".join(
            f"{spoken_role(r)}: {engagement.roles.get(r, 'nobody')}" for r in rules.leaders
        )
        raise WrongPerson(
            f"{state.id}: {person.id} is no leader of the LEA in {context.the_playbook.ref} ({who})"
            f". If somebody leaves the team: handrail team leave {state.id} @{person.id} "
            f"--reason REASON"
        )
    known = next((x for x in state.of(Turnover).all if _is_leaving(x, role, person.id)), None)
    if known:
        raise AlreadyExists(
            f"{state.id}: that {person.id} leaves is known since {spoken(known.announced)}, with "
            f"{spoken(known.last_day)} as the last day. If they stay: handrail leader stay "
            f"{state.id} @{person.id} --reason REASON"
        )
    announced = context.effective_on
    last_day = command.last_day or announced
    within_reach(last_day, "The last day", context)
    since = max(t.since for t in engagement.tenures if t.role == role and t.person == person.id)
    if last_day < local_date(since, context.zone):
        raise ImpossibleDate(
            f"{state.id}: the last day of {person.id} cannot be {spoken(last_day)}: they are "
            f"{spoken_role(role)} since {spoken(local_date(since, context.zone))}. "
            f"Give a later day: --last DATE"
        )
    tight = _tight_items(state, context)
    keep = {name.casefold() for name in command.keep}
    if unknown := [n for n in command.keep if n.casefold() not in {i.casefold() for i in tight}]:
        raise Unknown(
            f"{state.id}: {unknown[0]!r} would not be held, so it need not be kept going. Held "
            f"would be: {', '.join(tight) or 'nothing'}. Leave out --keep {unknown[0]}."
        )
    held = tuple(item for item in tight if item.casefold() not in keep)
    number = len(state.of(Turnover).all) + 1
    days = timedelta(days=rules.recommit_within_days)
    facts: list[Event] = [
        LeaderLeaving(
            leaving=number,
            role=role,
            person=person.id,
            announced=announced,
            last_day=last_day,
            recommit_by=context.agency_days.forward(announced + days),
            board_reaffirms=rules.board_reaffirms,
            reason=Sealed(about=person.id, text=command.reason) if command.reason else None,
        )
    ]
    why = f"the {spoken_role(role)} leaves"
    if rules.risk_kind and rules.risk_level:
        facts += risen(rules.risk_kind, rules.risk_level, why, state, context)
    if held:
        facts.append(placed(why, state, context, cause="turnover", items=held))
    if last_day < context.today:
        facts += _gone(number, role, person.id, last_day + timedelta(days=1), state, context)
    return facts


@before_assigning
def a_leader_leaves_first(
    role: EngagementRole, holder: str, state: State, context: Context
) -> None:
    """A new leader of the LEA means that the one before leaves, and starts that clock.

    Before the agreement there is nothing to renew, and a slip is corrected on its own day.

    Raises:
        WrongState: Nobody recorded that the one before leaves.
    """
    rules = context.the_playbook.turnover
    if rules is None or role not in rules.leaders or not state.of(Agreements).effective_on:
        return
    tenures = [t for t in state.of(Engagement).tenures if t.role == role and t.person == holder]
    began = max((local_date(t.since, context.zone) for t in tenures), default=date.min)
    known = any(
        (x.role, x.person) == (role, holder) and not x.stayed and x.announced >= began
        for x in state.of(Turnover).all
    )
    if not known and began != context.effective_on:
        raise WrongState(
            f"{state.id}: {holder} is {spoken_role(role)}, and nobody recorded that they leave. "
            f"A change of leader asks the new one to renew the commitment, so record it first: "
            f"handrail leader leave {state.id} @{holder} --last DATE; then say who follows."
        )


def _is_leaving(leaving: Leaving, role: str, person: str) -> bool:
    return (leaving.role, leaving.person) == (role, person) and not (leaving.gone or leaving.stayed)


def _gone(
    number: int, role: EngagementRole, person: str, on: date, state: State, context: Context
) -> list[Event]:
    """What is true after somebody's last day: the role is vacant, and the team is without them."""
    facts: list[Event] = [LeaderLeft(leaving=number, role=role, person=person, on=on)]
    member = state.of(Team).current(person)
    if member and member.since <= on:
        facts.append(left(person, on, f"left as {spoken_role(role)}", state, context))
    return facts


@comes_true
def last_days_pass(state: State, context: Context) -> Iterable[Coming]:
    """A role falls vacant as the day after its holder's last one begins."""
    for x in state.of(Turnover).all:
        if x.person and not x.gone and not x.stayed:
            on = x.last_day + timedelta(days=1)
            at = at_local(on, time(0), context.zone)
            for event in _gone(x.n, x.role, x.person, on, state, context):
                yield Coming(at, event)


def leaving_in(state: State, n: int) -> Leaving:
    """A leaving by number; one made of its number where facts are folded by effective date."""
    return next((x for x in state.of(Turnover).all if x.n == n), Leaving(n))


def with_leaving(state: State, leaving: Leaving) -> State:
    """The state with one leaving as it is now."""
    others = [x for x in state.of(Turnover).all if x.n != leaving.n]
    return state.put(Turnover(tuple(sorted((*others, leaving), key=lambda x: x.n))))


@evolves(LeaderLeaving)
def leader_leaving(state: State, event: LeaderLeaving, stamp: Stamp) -> State:
    known = leaving_in(state, event.leaving)
    return with_leaving(
        state,
        replace(
            known,
            role=event.role,
            person=event.person,
            announced=event.announced,
            last_day=event.last_day,
            recommit_by=event.recommit_by,
            board_reaffirms=event.board_reaffirms,
        ),
    )


@evolves(LeaderLeft)
def leader_left(state: State, event: LeaderLeft, stamp: Stamp) -> State:
    known = replace(
        leaving_in(state, event.leaving), role=event.role, person=event.person, gone=True
    )
    state = with_leaving(state, known)
    engagement = state.of(Engagement)
    if engagement.roles.get(event.role) != event.person:
        return state
    return state.put(
        replace(
            engagement,
            roles={r: p for r, p in engagement.roles.items() if r != event.role},
            tenures=tuple(
                replace(t, until=stamp.effective_at)
                if t.role == event.role and t.until is None
                else t
                for t in engagement.tenures
            ),
        )
    )


@decides(LeaderStays)
def leader_stays(command: LeaderStays, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    rules_of(state, context)
    not_in_the_future(context.effective_on, "The change", context)
    person = of_the_lea(command.person, engagement, context)
    known = next(
        (
            x
            for x in state.of(Turnover).all
            if x.person == person.id and _is_leaving(x, x.role, x.person)
        ),
        None,
    )
    if known is None:
        raise WrongState(
            f"{state.id}: nobody has recorded that {person.id} leaves, or they are gone. "
            f"See who was what: handrail team show {state.id}"
        )
    not_before_the_announcement(context.effective_on, "The change", known, state)
    stays = LeaderStayed(
        leaving=known.n,
        role=known.role,
        person=person.id,
        reason=Sealed(about=person.id, text=command.reason),
    )
    return [stays, *lifted({known.n: {"stayed": True}}, context.effective_on, state, context)]


@evolves(LeaderStayed)
def leader_stayed(state: State, event: LeaderStayed, stamp: Stamp) -> State:
    return with_leaving(
        state,
        replace(
            leaving_in(state, event.leaving), role=event.role, person=event.person, stayed=True
        ),
    )


def not_before_the_announcement(on: date, what: str, leaving: Leaving, state: State) -> None:
    """Refuse a day on which nobody knew yet that the leader leaves."""
    if on < leaving.announced:
        raise ImpossibleDate(
            f"{state.id}: {what[0].lower()}{what[1:]} cannot be dated {spoken(on)}: that the "
            f"{spoken_role(leaving.role)} leaves was announced on {spoken(leaving.announced)}. "
            f"Give a later day."
        )


def lifted(
    news: dict[int, dict[str, object]], on: date, state: State, context: Context
) -> list[HoldLifted]:
    """The holds that end when these leavings change so: all of them once none is open."""
    for n, values in news.items():
        state = with_leaving(state, replace(leaving_in(state, n), **values))  # type: ignore[arg-type]
    if state.of(Turnover).open:
        return []
    # What came last lifts the hold, in whatever order it was entered.
    days = [
        d
        for n in news
        for d in (leaving_in(state, n).recommitted, leaving_in(state, n).reaffirmed)
        if d
    ]
    on = max([on, *days])
    return [
        lifting(hold, max(on, hold.on), context.today, state, context)
        for hold in state.of(Holds).open
        if hold.cause == "turnover"
    ]
