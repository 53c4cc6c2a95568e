"""Co-authoring: either side declines what it has not signed, and either proposes other terms."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar

from domain.deliverables.proposing import DeliverableCommand, asking, found
from domain.deliverables.terms import (
    Deliverable,
    deliverable_in,
    endings,
    no_twin,
    not_before_what_it_waits_for,
    not_over,
    put_on_the_table,
    with_deliverable,
)
from domain.engagement.burden import Ahead, BurdenWaiver, look_ahead, proposable
from domain.engagement.guards import evidence_for, of_the_lea
from domain.engagement.state import Engagement
from domain.kernel.bounds import Day
from domain.kernel.fields import Hours, LeaHours, Line, Option, PersonRef, Prose
from domain.kernel.messages import Decision, Event, Stamp, State
from domain.kernel.refusals import AlreadyExists, Incomplete, WrongState
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full, lea_hours
from domain.owing.obligations import Side
from domain.owing.signing import Proposal, possible_due, the_lead
from domain.policy.calendar import spoken
from domain.rules.context import Context, PersonEntry
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves

SIDES: dict[Side, str] = {"lea": "the LEA", "agency": "the agency"}


class RescopeDeliverable(DeliverableCommand):
    """Propose another scope, title or hours. What is agreed stands until both have signed."""

    noun = "deliverable"
    verb = "rescope"

    title: Line | None = None
    """What is made now."""
    hours: LeaHours | None = None
    """Hours of work it costs the LEA now."""
    scope: Prose | None = None
    """What belongs to it and what does not; kept encrypted."""
    due: Day | None = None
    """Another due date, signed together with the rest; left as it is otherwise."""
    reason: Line
    """Why it changes."""
    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA proposed it, if it came from there."""
    evidence: Line | None = None
    """Where that is written down."""
    waive_burden: BurdenWaiver = None


class DeclineDeliverable(DeliverableCommand):
    """Decline what is proposed, before signing it: with --for the LEA does, else the Lead.

    A deliverable that was never agreed ends; of an agreed one the agreed terms stand.
    """

    noun = "deliverable"
    verb = "decline"

    reason: Prose
    """Why, in the words of whoever declines; kept encrypted."""
    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA declined; leave it out when you decline as the Lead."""
    evidence: Line | None = None
    """Where that is written down, for example "mail of 5 March"."""


class RescopeProposed(Event):
    type: ClassVar[str] = "rescope-proposed"
    deliverable: str
    due: date
    title: str | None = None
    hours: Hours | None = None
    scope: Sealed | None = None
    reason: Sealed
    side: Side
    proposed_for: str | None = None
    evidence: Sealed | None = None
    ahead: Ahead | None = None

    def sentence(self) -> str:
        return (
            f"{self.deliverable}: {SIDES[self.side]} proposes "
            f"{terms_told(self.title, self.hours, self.scope, self.due)}: {full(self.reason)}"
            + (self.ahead.sentence() if self.ahead else "")
        )


class _Declined(Event):
    deliverable: str
    side: Side
    person: str
    reason: Sealed
    evidence: Sealed | None = None

    def _by(self) -> str:
        on = f" ({self.evidence})" if self.evidence else ""
        return f"declined for {SIDES[self.side]} by {self.person}{on}: {full(self.reason)}"


class DeliverableDeclined(_Declined):
    """It ends before it was ever agreed."""

    type: ClassVar[str] = "deliverable-declined"

    def sentence(self) -> str:
        return f"{self.deliverable} {self._by()}"


class ProposalDeclined(_Declined):
    """The agreed terms stand, those on the table are gone."""

    type: ClassVar[str] = "proposal-declined"
    due: date

    def sentence(self) -> str:
        return (
            f"{self.deliverable}: the new terms, due {spoken(self.due)}, {self._by()} "
            f"What was agreed stands."
        )


def terms_told(title: str | None, hours: Decimal | None, scope: object, due: date) -> str:
    """Proposed terms in words, those that change first."""
    changed = [
        *([f"the title {title!r}"] if title else []),
        *([lea_hours(hours)] if hours is not None else []),
        *([f"the scope {str(scope).rstrip('.!')!r}"] if scope else []),
    ]
    return ", ".join([*changed, f"due {spoken(due)}"])


def proposer(
    person: str | None, evidence: str | None, what: str, state: State, context: Context
) -> PersonEntry | None:
    """Who at the LEA proposes it; None where the agency does.

    Raises:
        Incomplete: The person is named without evidence, or the other way round.
        WrongPerson: They do not work at the LEA.
        ImpossibleDate: It is dated ahead.
    """
    evidence_for(person, evidence, what)
    not_in_the_future(context.effective_on, what, context)
    return of_the_lea(person, state.of(Engagement), context) if person else None


def sealed(person: PersonEntry | None, evidence: str | None) -> Sealed | None:
    """Evidence of what somebody of the LEA did, under their own key."""
    return Sealed(about=person.id, text=evidence) if person and evidence else None


def terms_open(deliverable: Deliverable, state: State, what: str) -> Proposal:
    """The terms on the table, or those that stand, of a deliverable not handed in.

    Raises:
        WrongState: It is over, or handed in.
    """
    not_over(deliverable, state, what)
    if not deliverable.is_open or deliverable.terms is None:
        raise WrongState(
            f"{state.id}: {deliverable.id} {deliverable.title!r} is {deliverable.status} and "
            f"cannot be {what}: its terms are met. A submission is answered with handrail "
            f"deliverable accept or return; what is left is proposed anew: handrail deliverable "
            f"propose {state.id} TITLE --due DATE"
        )
    return deliverable.terms


@decides(RescopeDeliverable)
def rescope(command: RescopeDeliverable, state: State, context: Context) -> Decision:
    deliverable = found(command, state)
    person = proposer(command.person, command.evidence, "The proposal", state, context)
    terms = terms_open(deliverable, state, "rescoped")
    wanted = {"title": command.title, "hours": command.hours, "scope": command.scope}
    if command.due is None and all(value is None for value in wanted.values()):
        raise Incomplete(
            f"{state.id}: nothing is said about what becomes of {deliverable.id}. Give --title, "
            f"--hours, --scope or --due, as many as change."
        )
    due = command.due or terms.due
    now = deliverable.would_be
    if due == terms.due and all(
        value in (None, getattr(now, name)) for name, value in wanted.items()
    ):
        raise AlreadyExists(
            f"{state.id}: {deliverable.id} is {now.title!r} for {lea_hours(now.hours)}, due "
            f"{spoken(due)}, already. Give what changes, or sign: handrail deliverable sign "
            f"{state.id} {deliverable.id}"
        )
    possible_due(due, state, context)
    not_before_what_it_waits_for(deliverable, due, state)
    if command.title:
        no_twin(command.title, state, deliverable.id)
    hours = now.hours if command.hours is None else command.hours
    asked = asking(replace(now, title=command.title or now.title, hours=hours), due, agreed=False)
    return [
        *proposable(state, context, [asked], command.waive_burden),
        RescopeProposed(
            deliverable=deliverable.id,
            due=due,
            title=command.title,
            hours=command.hours,
            scope=Sealed(about=state.stream, text=command.scope) if command.scope else None,
            reason=Sealed(about=state.stream, text=command.reason),
            side="lea" if person else "agency",
            proposed_for=person.id if person else None,
            evidence=sealed(person, command.evidence),
            ahead=look_ahead(state, context, asked),
        ),
    ]


@evolves(RescopeProposed)
def rescope_proposed(state: State, event: RescopeProposed, stamp: Stamp) -> State:
    deliverable = deliverable_in(state, event.deliverable)
    before = deliverable.proposal or Proposal(event.due)
    terms = replace(
        before,
        due=event.due,
        title=event.title or before.title,
        hours=before.hours if event.hours is None else event.hours,
        scope=str(event.scope) if event.scope else before.scope,
        reason=str(event.reason),
    )
    return put_on_the_table(state, deliverable, terms, stamp.effective_at)


@decides(DeclineDeliverable)
def decline(command: DeclineDeliverable, state: State, context: Context) -> Decision:
    deliverable = found(command, state)
    if deliverable.status == "declined":
        raise AlreadyExists(
            f"{state.id}: {deliverable.id} {deliverable.title!r} is declined already "
            f"({deliverable.refusal}). Nothing more is needed."
        )
    person = proposer(command.person, command.evidence, "The refusal", state, context)
    terms_open(deliverable, state, "declined")
    if person is None:
        the_lead(f"decline {deliverable.id}", state, context)
    side: Side = "lea" if person else "agency"
    proposal = deliverable.proposal
    if proposal is None or side in proposal.signed:
        by = (proposal.signed if proposal else deliverable.agreed_by).get(side)
        raise WrongState(
            f"{state.id}: {deliverable.id} {deliverable.title!r} cannot be declined: it is signed "
            f"for {SIDES[side]}{f' by {by}' if by else ''}. Other terms are a proposal: handrail "
            f"deliverable redate or rescope {state.id} {deliverable.id}"
        )
    who = person or context.actor
    kept = {
        "deliverable": deliverable.id,
        "side": side,
        "person": who.id,
        "reason": Sealed(about=who.id, text=command.reason),
        "evidence": sealed(person, command.evidence),
    }
    if deliverable.due:
        return [ProposalDeclined.model_validate({**kept, "due": proposal.due})]
    ended = endings(deliverable, state, agreed=False)
    return [DeliverableDeclined.model_validate(kept), *ended]


@evolves(DeliverableDeclined)
def deliverable_declined(state: State, event: DeliverableDeclined, stamp: Stamp) -> State:
    deliverable = deliverable_in(state, event.deliverable)
    over = replace(deliverable, status="declined", proposal=None, refusal=str(event.reason))
    return with_deliverable(state, over)


@evolves(ProposalDeclined)
def proposal_declined(state: State, event: ProposalDeclined, stamp: Stamp) -> State:
    deliverable = deliverable_in(state, event.deliverable)
    return with_deliverable(
        state,
        replace(deliverable, proposal=None, off_the_table="declined", refusal=str(event.reason)),
    )
