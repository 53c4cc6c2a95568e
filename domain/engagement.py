"""An engagement: opened with an LEA, staffed by roles, ended by closing or withdrawal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time
from typing import Annotated, ClassVar, Literal

from domain.authority import MAY, require
from domain.calendar import clock_trouble, local_date, spoken
from domain.context import AGENCY, Context, LeaEntry, PersonEntry
from domain.errors import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    TightStep,
    Unknown,
    WrongPerson,
    WrongState,
    did_you_mean,
)
from domain.kernel import (
    Decision,
    EngagementCommand,
    Event,
    LeaRef,
    Line,
    Option,
    PersonRef,
    Positional,
    Stamp,
    State,
    about_noun,
    decides,
    evolves,
)
from domain.personal import Sealed
from domain.phases import Phase
from domain.wording import full

about_noun("engagement", "Open, see, staff and end engagements.")

_FORWARD: tuple[Phase, ...] = ("recruiting", "agreeing", "onboarding", "reviewing", "partnering")
AssignableRole = Literal[
    "lead", "director", "lea_contact", "superintendent", "assistant", "board_clerk", "county_rep"
]
EngagementRole = AssignableRole | Literal["incoming_lead"]
"""The incoming Lead is whoever a handover names, until its day comes."""
AGENCY_ROLES: frozenset[EngagementRole] = frozenset({"lead", "director", "assistant"})


class OpenEngagement(EngagementCommand):
    """Open an engagement with an LEA.

    The engagement takes the LEA's id; a later one with the same LEA is numbered -2.
    """

    noun = "engagement"
    verb = "open"

    lea: LeaRef
    """The LEA, by id, name or alias."""
    lead: PersonRef
    """The Lead: the coach of this LEA."""
    director: PersonRef
    """The Director answerable for it."""
    playbook: str | None = None
    """The playbook version, for example dta-sir@3; the newest of the program's if left out."""
    source: Annotated[Line | None, Option("origin")] = None
    """How the LEA came to us, for example county_referral."""
    statute: Line | None = None
    """The statutory pathway, for example "EC 52074(g)(1)(A)"."""
    contact: PersonRef | None = None
    """The LEA contact, who gets the LEA's reminders."""
    superintendent: PersonRef | None = None
    """The superintendent."""
    assistant: PersonRef | None = None
    """The program assistant who keeps its papers."""


class AssignRole(EngagementCommand):
    """Say who holds a role in the engagement from now on."""

    noun = "engagement"
    verb = "assign"

    role: Annotated[AssignableRole, Positional()]
    """lead, director, assistant, lea_contact, superintendent, board_clerk or county_rep."""
    person: Annotated[PersonRef, Positional()]
    """Who holds it."""
    interim: bool = False
    """For a time only, until somebody is found; given again without it, they hold it for good."""


class CloseEngagement(EngagementCommand):
    """Close an engagement that has run its course; its history stays."""

    noun = "engagement"
    verb = "close"
    ends = True

    reason: Line
    """Why it ends, for example "exit agreed at check-in 2"."""


class WithdrawEngagement(EngagementCommand):
    """End an engagement early because one side withdraws; its history stays."""

    noun = "engagement"
    verb = "withdraw"
    ends = True

    reason: Line
    """Why, for example "superintendent vacancy"."""


class EngagementOpened(Event):
    type: ClassVar[str] = "engagement-opened"
    lea: str
    lea_name: str
    lea_type: str = ""
    county: str | None = None
    playbook: str
    lead: str
    director: str
    lea_contact: str | None = None
    superintendent: str | None = None
    assistant: str | None = None
    source: str | None = None
    statute: str | None = None

    def sentence(self) -> str:
        return (
            f"Engagement with {self.lea_name} opened under {self.playbook}; Lead {self.lead}, "
            f"Director {self.director}"
            + (f", assistant {self.assistant}." if self.assistant else ".")
        )


class RoleAssigned(Event):
    type: ClassVar[str] = "role-assigned"
    role: EngagementRole
    person: str
    before: str | None = None
    interim: bool = False

    def sentence(self) -> str:
        role = self.role.replace("_", " ")
        if self.before == self.person:
            return f"{self.person} is {role} {'for a time only' if self.interim else 'for good'}."
        after = f", after {self.before}." if self.before else "."
        return f"{self.person} is {'interim ' if self.interim else ''}{role}{after}"


class StepWaived(Event):
    type: ClassVar[str] = "step-waived"
    step: str
    reason: Sealed
    authority: str

    def sentence(self) -> str:
        return f"Step {self.step!r} was waived by {self.authority}: {full(self.reason)}"


class EngagementClosed(Event):
    type: ClassVar[str] = "engagement-closed"
    reason: Sealed

    def sentence(self) -> str:
        return f"Engagement closed: {full(self.reason)}"


class EngagementWithdrawn(Event):
    type: ClassVar[str] = "engagement-withdrawn"
    reason: Sealed
    phase: Phase

    def sentence(self) -> str:
        return f"Engagement withdrawn while {self.phase}: {full(self.reason)}"


@dataclass(frozen=True, slots=True)
class Tenure:
    """Who held a role, from when until when."""

    role: EngagementRole
    person: str
    since: datetime
    until: datetime | None = None
    interim: bool = False


@dataclass(frozen=True, slots=True)
class Engagement:
    """What every subject may know of the engagement as a whole."""

    phase: Phase | None = None
    lea: str = ""
    lea_name: str = ""
    lea_type: str = ""
    county: str | None = None
    playbook: str = ""
    source: str | None = None
    statute: str | None = None
    opened_at: datetime | None = None
    opened_by: str = ""
    ended_at: datetime | None = None
    end_reason: str | None = None
    roles: Mapping[EngagementRole, str] = field(default_factory=dict)
    tenures: tuple[Tenure, ...] = ()
    waived: Mapping[str, StepWaived] = field(default_factory=dict)
    spared: frozenset[str] = frozenset()
    """Steps that an upgrade of the playbook found done or behind: never asked for again."""
    illustrative: bool = False

    @property
    def is_open(self) -> bool:
        """True from opening until closing or withdrawal."""
        return self.phase is not None and self.ended_at is None


def with_lea(state: State, lea: LeaEntry | None) -> State:
    """The state with what the registry says of its LEA, in place of what it said at the opening."""
    if lea is None:
        return state
    engagement = state.of(Engagement)
    return state.put(replace(engagement, lea_name=lea.name, lea_type=lea.type, county=lea.county))


def running(state: State, context: Context, *, even_before: bool = False) -> Engagement:
    """The engagement, provided that it is open.

    Args:
        even_before: What is recorded may have come true before the opening, as conversations do.

    Raises:
        Unknown: It was never opened.
        WrongState: It is over.
        ImpossibleDate: What is recorded is dated before the opening.
    """
    engagement = state.of(Engagement)
    if engagement.phase is None:
        raise Unknown(
            f"There is no engagement {state.id!r}. {did_you_mean(state.id, context.engagements)}"
            f"See them all: handrail engagement list"
        )
    if engagement.ended_at is not None:
        ended = local_date(engagement.ended_at, context.zone)
        raise WrongState(
            f"{state.id} is {engagement.phase} since {spoken(ended)} "
            f"({engagement.end_reason}), so this cannot be recorded on it. To work with the LEA "
            f"again, open a new engagement: handrail engagement open {engagement.lea}"
        )
    assert engagement.opened_at is not None
    opened = local_date(engagement.opened_at, context.zone)
    if not even_before and context.effective_on < opened:
        raise ImpossibleDate(
            f"{state.id} was opened on {spoken(opened)}, so nothing but a conversation can be "
            f"dated {spoken(context.effective_on)}. Correct --on."
        )
    return engagement


def not_in_the_future(day: date, what: str, context: Context) -> None:
    """Refuse a fact that is dated after today.

    Raises:
        ImpossibleDate: It is.
    """
    if day > context.today:
        raise ImpossibleDate(
            f"{what} is dated {spoken(day)}, but today is {spoken(context.today)}: what has not "
            f"happened yet cannot be recorded. Give the day on which it happened."
        )


def on_the_clock(day: date, at: time, what: str, context: Context) -> None:
    """Refuse a local time that the clock skips; of one that it repeats the first is meant.

    Raises:
        ImpossibleDate: The clocks go forward over it.
    """
    if clock_trouble(day, at, context.zone) == "skipped":
        raise ImpossibleDate(
            f"{what} cannot be {spoken(day)} at {at:%H:%M}: the clocks in {context.zone} go "
            f"forward over that hour. Give the time that the clock on the wall showed or will show."
        )


_REACH_YEARS = 10
"""No engagement plans further; beyond lies a slip of the keyboard, such as 2207 for 2027."""


def within_reach(day: date, what: str, context: Context) -> None:
    """Refuse a date to come that nobody can mean.

    Raises:
        ImpossibleDate: It lies more than ten years ahead.
    """
    if day.year > context.today.year + _REACH_YEARS:
        raise ImpossibleDate(
            f"{what} {spoken(day)} lies more than {_REACH_YEARS} years ahead of today, "
            f"{spoken(context.today)}. Check the year."
        )


def of_the_lea(ref: str, engagement: Engagement, context: Context) -> PersonEntry:
    """A person who works for the engagement's LEA.

    Raises:
        Unknown: Nobody is called that.
        WrongPerson: They work elsewhere.
    """
    person = context.person(ref)
    if person.organisation != engagement.lea:
        where = "the agency" if person.organisation == AGENCY else person.organisation
        raise WrongPerson(
            f"{person.id} works at {where}, not at {engagement.lea_name}, and cannot act for "
            f"it. Name somebody of the LEA: handrail person list --organisation {engagement.lea}"
        )
    if person.left_on is not None and person.has_left(context.effective_on):
        raise WrongPerson(
            f"{person.id} is no longer at {engagement.lea_name} from {spoken(person.left_on)} on. "
            f"Name somebody else (handrail person list --organisation {engagement.lea}), or give "
            f"the day on which it happened: --on DATE"
        )
    return person


def of_a_county_office(ref: str, context: Context) -> PersonEntry:
    """A person who works for a county office of education.

    Raises:
        Unknown: Nobody is called that.
        WrongPerson: They work elsewhere.
    """
    person = context.person(ref)
    office = context.leas.get(person.organisation)
    if office is None or office.type != "county_office_of_education":
        where = "the agency" if person.organisation == AGENCY else person.organisation
        raise WrongPerson(
            f"{person.id} works at {where}, which is no county office of education, and cannot "
            f"represent one. Name somebody of a county office: handrail person list "
            f"--organisation OFFICE"
        )
    return person


def require_step(
    step_id: str, done: bool, missing: str, waiver: str | None, state: State, context: Context
) -> list[Event]:
    """Hold to a tight step of the playbook, or waive it.

    Args:
        step_id: The step as the playbook calls it; a step it does not have, or has as a loose
            one, never blocks.
        done: Whether the step is done.
        missing: What is missing, for the message.
        waiver: The reason for waiving, where one was given.

    Raises:
        TightStep: It is tight, not done and not waived.
        WrongPerson: It may be waived, but not by the acting person.
    """
    step = context.the_playbook.step(step_id)
    engagement = state.of(Engagement)
    if step_id in engagement.waived or step_id in engagement.spared:
        return []
    if done or step is None or not step.tight:
        return []
    if waiver is None:
        can = (
            f"or a {step.waiver} waives it with a reason: --waive REASON"
            if step.waiver
            else "it cannot be waived"
        )
        raise TightStep(
            f"{state.id}: {missing}. In {context.the_playbook.ref} the step "
            f"{step.name!r} is tight: do it first, {can}."
        )
    if step.waiver is None or step.waiver not in context.actor.staff_roles:
        raise WrongPerson(
            f"{context.actor.id} may not waive {step.name!r}: in {context.the_playbook.ref} "
            f"{f'only a {step.waiver} may' if step.waiver else 'nobody may'}. Ask a "
            f"{step.waiver or 'Director'} to run this command."
        )
    reason = Sealed(about=state.stream, text=waiver)
    return [StepWaived(step=step_id, reason=reason, authority=context.actor.id)]


@decides(OpenEngagement)
def open_engagement(command: OpenEngagement, state: State, context: Context) -> Decision:
    already = state.of(Engagement)
    if already.phase is not None:
        opened = already.opened_at
        assert opened is not None
        raise AlreadyExists(
            f"{state.id} is already there: opened {spoken(local_date(opened, context.zone))} by "
            f"{already.opened_by}, now {already.phase}. "
            f"See it: handrail engagement show {state.id}"
        )
    lea = context.lea(command.lea)
    lead = context.staff(command.lead, "lead")
    director = context.staff(command.director, "director")
    context.the_playbook  # noqa: B018 - refuses an unpublished version
    engagement = Engagement(lea=lea.id, lea_name=lea.name)
    contact = of_the_lea(command.contact, engagement, context) if command.contact else None
    superintendent = (
        of_the_lea(command.superintendent, engagement, context) if command.superintendent else None
    )
    assistant = context.staff(command.assistant, "assistant") if command.assistant else None
    not_in_the_future(context.effective_on, "The opening", context)
    return [
        EngagementOpened(
            lea=lea.id,
            lea_name=lea.name,
            lea_type=lea.type,
            county=lea.county,
            playbook=context.the_playbook.ref,
            lead=lead.id,
            director=director.id,
            lea_contact=contact.id if contact else None,
            superintendent=superintendent.id if superintendent else None,
            assistant=assistant.id if assistant else None,
            source=command.source,
            statute=command.statute,
        )
    ]


@evolves(EngagementOpened)
def engagement_opened(state: State, event: EngagementOpened, stamp: Stamp) -> State:
    held: dict[EngagementRole, str] = {"lead": event.lead, "director": event.director}
    if event.lea_contact:
        held["lea_contact"] = event.lea_contact
    if event.superintendent:
        held["superintendent"] = event.superintendent
    if event.assistant:
        held["assistant"] = event.assistant
    return state.put(
        Engagement(
            phase="recruiting",
            lea=event.lea,
            lea_name=event.lea_name,
            lea_type=event.lea_type,
            county=event.county,
            playbook=event.playbook,
            source=event.source,
            statute=event.statute,
            opened_at=stamp.effective_at,
            opened_by=stamp.actor,
            roles=held,
            tenures=tuple(Tenure(r, p, stamp.effective_at) for r, p in held.items()),
            illustrative=event.illustrative,
        )
    )


_BEFORE_ASSIGNING: list[Callable[[EngagementRole, str, State, Context], None]] = []


def before_assigning(
    check: Callable[[EngagementRole, str, State, Context], None],
) -> Callable[[EngagementRole, str, State, Context], None]:
    """Register what a change of role must wait for.

    The check gets the role and whoever holds it now; it refuses or returns nothing.
    """
    _BEFORE_ASSIGNING.append(check)
    return check


@decides(AssignRole)
def assign_role(command: AssignRole, state: State, context: Context) -> Decision:
    engagement = running(state, context)
    not_in_the_future(context.effective_on, "The change of role", context)
    if command.role == "lead":
        person = context.staff(command.person, "lead")
    elif command.role == "director":
        person = context.staff(command.person, "director")
    elif command.role == "assistant":
        person = context.staff(command.person, "assistant")
    elif command.role == "county_rep":
        person = of_a_county_office(command.person, context)
    else:
        person = of_the_lea(command.person, engagement, context)
    if command.role == "director":
        require(f"say who is Director of {state.id}", MAY["director"], context)
    before = engagement.roles.get(command.role)
    held = [t for t in engagement.tenures if t.role == command.role and t.until is None]
    if before == person.id and all(t.interim == command.interim for t in held):
        interim = "interim " if command.interim else ""
        raise AlreadyExists(
            f"{person.id} is already {interim}{command.role} of {state.id}. See who holds which "
            f"role: handrail engagement show {state.id}"
        )
    # Whether a Lead is one for a time only is as much to say as who it is.
    if before is not None and (before != person.id or command.role == "lead"):
        for check in _BEFORE_ASSIGNING:
            check(command.role, before, state, context)
    return [
        RoleAssigned(role=command.role, person=person.id, before=before, interim=command.interim)
    ]


@evolves(RoleAssigned)
def role_assigned(state: State, event: RoleAssigned, stamp: Stamp) -> State:
    engagement = state.of(Engagement)
    if engagement.roles.get(event.role) == event.person == event.before:
        # The same person for good, or for a time after all: the same tenure goes on.
        same = tuple(
            replace(t, interim=event.interim) if t.role == event.role and t.until is None else t
            for t in engagement.tenures
        )
        return state.put(replace(engagement, tenures=same))
    tenures = tuple(
        replace(t, until=stamp.effective_at) if t.role == event.role and t.until is None else t
        for t in engagement.tenures
    )
    held = dict(engagement.roles)
    if event.role == "lead":
        held.pop("incoming_lead", None)
    return state.put(
        replace(
            engagement,
            roles={**held, event.role: event.person},
            tenures=(
                *tenures,
                Tenure(event.role, event.person, stamp.effective_at, interim=event.interim),
            ),
        )
    )


@evolves(StepWaived)
def step_waived(state: State, event: StepWaived, stamp: Stamp) -> State:
    engagement = state.of(Engagement)
    return state.put(replace(engagement, waived={**engagement.waived, event.step: event}))


@decides(CloseEngagement)
def close_engagement(command: CloseEngagement, state: State, context: Context) -> Decision:
    engagement = running(state, context)
    not_in_the_future(context.effective_on, "The close", context)
    require(f"end {state.id}", MAY["end"], context, lead=engagement.roles["lead"])
    if engagement.phase in ("recruiting", "agreeing"):
        raise WrongState(
            f"{state.id} is still {engagement.phase}: there is no agreed work to close. To end it "
            f"now: handrail engagement withdraw {state.id} --reason REASON"
        )
    return [EngagementClosed(reason=Sealed(about=state.stream, text=command.reason))]


@decides(WithdrawEngagement)
def withdraw_engagement(command: WithdrawEngagement, state: State, context: Context) -> Decision:
    engagement = running(state, context)
    not_in_the_future(context.effective_on, "The withdrawal", context)
    require(f"end {state.id}", MAY["end"], context, lead=engagement.roles["lead"])
    assert engagement.phase is not None
    reason = Sealed(about=state.stream, text=command.reason)
    return [EngagementWithdrawn(reason=reason, phase=engagement.phase)]


def _ended(state: State, phase: Phase, reason: str, stamp: Stamp) -> State:
    return state.put(
        replace(state.of(Engagement), phase=phase, ended_at=stamp.effective_at, end_reason=reason)
    )


@evolves(EngagementClosed)
def engagement_closed(state: State, event: EngagementClosed, stamp: Stamp) -> State:
    return _ended(state, "closed", str(event.reason), stamp)


@evolves(EngagementWithdrawn)
def engagement_withdrawn(state: State, event: EngagementWithdrawn, stamp: Stamp) -> State:
    return _ended(state, "withdrawn", str(event.reason), stamp)


def moved_to(state: State, phase: Phase) -> State:
    """The state with the engagement in a later phase; it never goes back, nor on once it is over.

    The parts of an engagement overlap: a review may be opened while deliverables are under way.
    """
    engagement = state.of(Engagement)
    if not engagement.is_open or engagement.phase not in _FORWARD:
        return state
    further = _FORWARD.index(phase) > _FORWARD.index(engagement.phase)
    return state.put(replace(engagement, phase=phase)) if further else state


def evidence_for(person: str | None, evidence: str | None, what: str) -> None:
    """What somebody without an account did is recorded with both its doer and its evidence.

    Raises:
        Incomplete: One is given without the other.
    """
    if person is not None and evidence is None:
        raise Incomplete(
            f"{what} for {person} needs its evidence: add --evidence REFERENCE, for example "
            f'"mail of 9 March".'
        )
    if evidence is not None and person is None:
        raise Incomplete(f"{what} with evidence {evidence!r} needs its person: add --for PERSON.")
