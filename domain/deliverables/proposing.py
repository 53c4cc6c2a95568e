"""Deliverables: co-created, and due only once the Lead and the LEA have both signed."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar

from domain.agreements.agreements import Agreements
from domain.deliverables.terms import (
    Deliverable,
    Deliverables,
    deliverable_in,
    deliverable_named,
    endings,
    next_deliverables,
    no_twin,
    not_before_what_it_waits_for,
    not_over,
    put_on_the_table,
    with_deliverable,
)
from domain.engagement.burden import (
    Ahead,
    BurdenWaiver,
    HoursAsked,
    asks,
    look_ahead,
    proposable,
    within_burden,
)
from domain.engagement.guards import evidence_for, of_the_lea
from domain.engagement.state import Engagement, moved_to
from domain.kernel.bounds import Day
from domain.kernel.fields import Hours, LeaHours, Line, Option, PersonRef, Positional
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import AlreadyExists, WrongState
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full, lea_hours
from domain.owing.obligations import Side
from domain.owing.signing import Proposal, may_sign, possible_due, signed_told
from domain.policy.calendar import spoken
from domain.rules.context import Context, PersonEntry
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves

about_noun("deliverable", "Propose, sign, change, merge, split, submit, answer, rate and see them.")

__all__ = ["Deliverable", "Deliverables", "Proposal", "deliverable_in", "with_deliverable"]

_SIDES: Mapping[Side, str] = {"lea": "LEA", "agency": "agency"}
DeliverableId = Annotated[Line, Positional()]


class DeliverableCommand(EngagementCommand):
    deliverable: DeliverableId
    """The deliverable's id, for example D1."""


class ProposeDeliverable(EngagementCommand):
    """Propose a deliverable. No due date runs and nobody is reminded until both sides sign."""

    noun = "deliverable"
    verb = "propose"

    title: Annotated[Line, Positional()]
    """What is made, for example "Theory of action"."""
    due: Day
    """The due date to agree on: a working day of the LEA, after today."""
    hours: LeaHours = Decimal(0)
    """Hours of work it costs the LEA."""
    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA proposed it, if it came from there."""
    evidence: Line | None = None
    """Where that is written down."""
    waive_burden: BurdenWaiver = None


class SignDeliverable(DeliverableCommand):
    """Sign what is proposed: the Lead for the agency, or with --for a person of the LEA."""

    noun = "deliverable"
    verb = "sign"

    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA signed; leave it out when you sign as the Lead."""
    evidence: Line | None = None
    """Where the LEA's signature is, for example "mail of 9 March"."""
    waive_burden: BurdenWaiver = None


class RedateDeliverable(DeliverableCommand):
    """Propose a new due date. The agreed one, and its reminders, stand until both have signed."""

    noun = "deliverable"
    verb = "redate"

    due: Day
    """The new due date: a working day of the LEA, after today."""
    reason: Line
    """Why the date moves."""
    waive_burden: BurdenWaiver = None


class DeliverableProposed(Event):
    type: ClassVar[str] = "deliverable-proposed"
    deliverable: str
    title: str
    due: date
    hours: Hours
    side: Side
    proposed_for: str | None = None
    evidence: Sealed | None = None
    ahead: Ahead | None = None

    def sentence(self) -> str:
        return (
            f"{self.deliverable} {self.title!r} proposed by the {_SIDES[self.side]}, due "
            f"{spoken(self.due)}, {lea_hours(self.hours)}."
            + (self.ahead.sentence() if self.ahead else "")
        )


class RedateProposed(Event):
    type: ClassVar[str] = "redate-proposed"
    deliverable: str
    due: date
    reason: Sealed
    ahead: Ahead | None = None

    def sentence(self) -> str:
        return (
            f"{self.deliverable}: new due date {spoken(self.due)} proposed: {full(self.reason)}"
            + (self.ahead.sentence() if self.ahead else "")
        )


class DeliverableSigned(Event):
    type: ClassVar[str] = "deliverable-signed"
    deliverable: str
    side: Side
    person: str
    due: date
    evidence: Sealed | None = None

    def sentence(self) -> str:
        return signed_told(self.deliverable, self.due, self.side, self.person, self.evidence)


class DeliverableAgreed(Event):
    type: ClassVar[str] = "deliverable-agreed"
    deliverable: str
    round: int
    due: date
    title: str | None = None
    hours: Hours | None = None
    scope: Sealed | None = None

    def sentence(self) -> str:
        title = f" {self.title!r}" if self.title else ""
        hours = "" if self.hours is None else f", {lea_hours(self.hours)}"
        return f"{self.deliverable}{title} is agreed: due {spoken(self.due)}{hours}."


def found(command: DeliverableCommand, state: State) -> Deliverable:
    return deliverable_named(command.deliverable, state)


def asking(deliverable: Deliverable, due: date, *, agreed: bool = True) -> HoursAsked:
    """What a deliverable asks of the LEA when it is due on a day."""
    return HoursAsked(deliverable.id, deliverable.title, due, deliverable.hours, agreed)


def making_way(deliverable: Deliverable, state: State) -> list[str]:
    """The agreed deliverables whose place its proposed terms take, wholly or in part."""
    absorbs = deliverable.proposal.absorbs if deliverable.proposal else ()
    all_ = state.of(Deliverables).all
    wholes = (w.id for w in all_.values() if deliverable.id in w.parts)
    return [i for i in (*absorbs, *wholes) if deliverable_in(state, i).status == "agreed"]


def nothing_of(id_: str, state: State, *, agreed: bool = True) -> HoursAsked:
    """What is asked for a deliverable whose place others have taken: it, at no hours."""
    gone = deliverable_in(state, id_)
    assert gone.due is not None
    return asking(replace(gone, hours=Decimal(0)), gone.due, agreed=agreed)


def _sealed(person: PersonEntry, text: str) -> Sealed:
    return Sealed(about=person.id, text=text)


@decides(ProposeDeliverable)
def propose(command: ProposeDeliverable, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    if state.of(Agreements).effective_on is None:
        raise WrongState(
            f"{state.id} is {engagement.phase}: deliverables come after the agreement is "
            f"effective, which needs the final action of both boards. See where it stands: "
            f"handrail engagement show {state.id}"
        )
    evidence_for(command.person, command.evidence, "The proposal")
    not_in_the_future(context.effective_on, "The proposal", context)
    possible_due(command.due, state, context)
    person = of_the_lea(command.person, engagement, context) if command.person else None
    no_twin(command.title, state)
    [id_] = next_deliverables(state)
    new = Deliverable(id_, title=command.title, hours=command.hours)
    asked = asking(new, command.due, agreed=False)
    return [
        *proposable(state, context, [asked], command.waive_burden),
        DeliverableProposed(
            deliverable=new.id,
            title=command.title,
            due=command.due,
            hours=command.hours,
            ahead=look_ahead(state, context, asked),
            side="lea" if person else "agency",
            proposed_for=person.id if person else None,
            evidence=_sealed(person, command.evidence) if person and command.evidence else None,
        ),
    ]


@evolves(DeliverableProposed)
def proposed(state: State, event: DeliverableProposed, stamp: Stamp) -> State:
    known = deliverable_in(state, event.deliverable)
    fresh = known.status == "proposed" and known.proposal is None
    untold = fresh or known.title == known.id
    return with_deliverable(
        state,
        replace(
            known,
            title=event.title if untold else known.title,
            hours=event.hours if untold else known.hours,
            proposal=Proposal(event.due, at=stamp.effective_at) if fresh else known.proposal,
            illustrative=event.illustrative,
        ),
    )


@decides(SignDeliverable)
def sign(command: SignDeliverable, state: State, context: Context) -> Decision:
    deliverable = found(command, state)
    not_over(deliverable, state, "signed")
    evidence_for(command.person, command.evidence, "The LEA's signature")
    not_in_the_future(context.effective_on, "The signature", context)
    by = deliverable.agreed_by.get("lea" if command.person else "agency")
    if deliverable.proposal is None and deliverable.status == "agreed" and by:
        raise AlreadyExists(
            f"{state.id}: {deliverable.id} {deliverable.title!r} is agreed already, due "
            f"{spoken(deliverable.due or context.today)}: signed for "
            f"{'the LEA' if command.person else 'the agency'} by {by}. To propose other "
            f"terms: handrail deliverable redate or rescope {state.id} {deliverable.id}"
        )
    proposal, person, side = may_sign(deliverable, "deliverable", command.person, state, context)
    asked = [asking(deliverable.would_be, proposal.due)]
    asked += [nothing_of(other, state) for other in making_way(deliverable, state)]
    waived = within_burden(state, context, asked, command.waive_burden)
    signed = DeliverableSigned(
        deliverable=deliverable.id,
        side=side,
        person=person.id,
        due=proposal.due,
        evidence=_sealed(person, command.evidence) if command.evidence else None,
    )
    if not proposal.signed:
        return [*waived, signed]
    moved = deliverable.due is not None and deliverable.due != proposal.due
    scope = proposal.scope
    return [
        *waived,
        signed,
        DeliverableAgreed(
            deliverable=deliverable.id,
            round=deliverable.round + (1 if moved else 0),
            due=proposal.due,
            title=proposal.title,
            hours=proposal.hours,
            scope=Sealed(about=state.stream, text=scope) if scope else None,
        ),
        *endings(deliverable, state, agreed=True),
    ]


@evolves(DeliverableSigned)
def signed(state: State, event: DeliverableSigned, stamp: Stamp) -> State:
    deliverable = deliverable_in(state, event.deliverable)
    proposal = deliverable.proposal or Proposal(event.due)
    return with_deliverable(
        state,
        replace(
            deliverable,
            proposal=proposal.with_signature(event.side, event.person),
        ),
    )


@evolves(DeliverableAgreed)
def agreed(state: State, event: DeliverableAgreed, stamp: Stamp) -> State:
    deliverable = deliverable_in(state, event.deliverable)
    why = "returned" if deliverable.status == "submitted" else "re-dated"
    same = deliverable.due == event.due and deliverable.status == "agreed"
    ended = ((deliverable.due, why),) if deliverable.due and not same else ()
    state = with_deliverable(
        state,
        replace(
            deliverable,
            status="agreed",
            due=event.due,
            past=deliverable.past + ended,
            proposal=None,
            off_the_table="signed",
            title=event.title or deliverable.title,
            hours=deliverable.hours if event.hours is None else event.hours,
            scope=str(event.scope) if event.scope else deliverable.scope,
            agreed_by=deliverable.proposal.signed
            if deliverable.proposal
            else deliverable.agreed_by,
        ),
    )
    return moved_to(state, "partnering")


@decides(RedateDeliverable)
def redate(command: RedateDeliverable, state: State, context: Context) -> Decision:
    deliverable = found(command, state)
    not_over(deliverable, state, "re-dated")
    not_in_the_future(context.effective_on, "The proposal", context)
    if deliverable.status in ("submitted", "accepted"):
        raise WrongState(
            f"{state.id}: {deliverable.id} {deliverable.title!r} is {deliverable.status}, so its "
            f"date cannot move. A submission is answered with handrail deliverable accept or "
            f"return."
        )
    possible_due(command.due, state, context)
    current = deliverable.proposal.due if deliverable.proposal else deliverable.due
    if command.due == current:
        raise AlreadyExists(
            f"{state.id}: {deliverable.id} is due {spoken(command.due)} already. Give another "
            f"date, or sign: handrail deliverable sign {state.id} {deliverable.id}"
        )
    not_before_what_it_waits_for(deliverable, command.due, state)
    reason = Sealed(about=state.stream, text=command.reason)
    asked = asking(deliverable.would_be, command.due, agreed=False)
    return [
        *proposable(state, context, [asked], command.waive_burden),
        RedateProposed(
            deliverable=deliverable.id,
            due=command.due,
            reason=reason,
            ahead=look_ahead(state, context, asked),
        ),
    ]


@evolves(RedateProposed)
def redate_proposed(state: State, event: RedateProposed, stamp: Stamp) -> State:
    deliverable = deliverable_in(state, event.deliverable)
    before = deliverable.proposal or Proposal(event.due)
    terms = replace(before, due=event.due, reason=str(event.reason))
    return put_on_the_table(state, deliverable, terms, stamp.effective_at)


_ASKED: frozenset[str] = frozenset({"proposed", "agreed", "submitted", "accepted"})
"""What is declined, merged or dropped asks nothing."""


@asks
def deliverables_asked(state: State) -> Iterable[HoursAsked]:
    """Each deliverable by its due date; what was handed in has cost its hours."""
    leaving: set[str] = set()
    for d in state.of(Deliverables).all.values():
        if d.status in _ASKED and d.due:
            yield asking(d, d.due)
        if d.status in _ASKED and d.proposal:
            yield asking(d.would_be, d.proposal.due, agreed=False)
            leaving |= set(making_way(d, state))
    for id_ in sorted(leaving):
        yield nothing_of(id_, state, agreed=False)
