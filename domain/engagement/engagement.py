"""An engagement: opened with an LEA, staffed by roles, ended by closing or withdrawal."""

from dataclasses import replace
from typing import Annotated, ClassVar

from domain.engagement.guards import BEFORE_ASSIGNING, of_a_county_office, of_the_lea
from domain.engagement.state import AssignableRole, Engagement, EngagementRole, Tenure
from domain.kernel.fields import LeaRef, Line, Option, PersonRef, Positional, Ref
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.phases import Phase
from domain.kernel.refusals import AlreadyExists, WrongState
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.policy.calendar import local_date, spoken
from domain.rules.authority import require
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves

about_noun("engagement", "Open, see, staff and end engagements.")


class OpenEngagement(EngagementCommand):
    """Open an engagement with an LEA.

    The engagement takes the LEA's id; a later one with the same LEA is numbered -2.
    """

    noun = "engagement"
    verb = "open"
    needs = "nothing"

    lea: LeaRef
    """The LEA, by id, name or alias."""
    lead: PersonRef
    """The Lead: the coach of this LEA."""
    director: PersonRef
    """The Director answerable for it."""
    playbook: Annotated[str | None, Ref("playbook")] = None
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
    happened = "The change of role"

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
    happened = "The close"
    ends = True

    reason: Line
    """Why it ends, for example "exit agreed at check-in 2"."""


class WithdrawEngagement(EngagementCommand):
    """End an engagement early because one side withdraws; its history stays."""

    noun = "engagement"
    verb = "withdraw"
    happened = "The withdrawal"
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
    if lea.closed_on is not None and lea.closed_on <= context.effective_on:
        went_on = " or ".join(f"handrail engagement open {it}" for it in lea.successors)
        raise WrongState(
            f"{lea.id} is no more: {lea.became}. "
            + (
                f"Open one with what it went on as: {went_on}"
                if went_on
                else f"If that is a mistake, see handrail history lea:{lea.id}"
            )
        )
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


@decides(AssignRole)
def assign_role(command: AssignRole, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
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
        require(f"say who is Director of {state.id}", "engagement assign director", context)
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
        for check in BEFORE_ASSIGNING:
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


@decides(CloseEngagement)
def close_engagement(command: CloseEngagement, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    if engagement.phase in ("recruiting", "agreeing"):
        raise WrongState(
            f"{state.id} is still {engagement.phase}: there is no agreed work to close. To end it "
            f"now: handrail engagement withdraw {state.id} --reason REASON"
        )
    return [EngagementClosed(reason=Sealed(about=state.stream, text=command.reason))]


@decides(WithdrawEngagement)
def withdraw_engagement(command: WithdrawEngagement, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
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
