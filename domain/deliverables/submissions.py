"""Submissions: what is owed, what the LEA hands in, and the answer: returned, or accepted."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Annotated, ClassVar

from domain.deliverables.proposing import (
    Deliverable,
    DeliverableAgreed,
    DeliverableCommand,
    Deliverables,
    asking,
    deliverable_in,
    found,
    with_deliverable,
)
from domain.deliverables.terms import not_over
from domain.engagement.burden import BurdenWaiver, within_burden
from domain.engagement.guards import of_the_lea
from domain.engagement.state import Engagement
from domain.kernel.bounds import Day
from domain.kernel.fields import Line, Option, PersonRef, Prose
from domain.kernel.messages import Decision, Event, Stamp, State
from domain.kernel.refusals import AlreadyExists, ImpossibleDate, WrongState
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.owing.items import hanging
from domain.owing.obligations import Obligation, owes
from domain.owing.signing import possible_due, signatures_owed
from domain.policy.calendar import spoken
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves


class SubmitDeliverable(DeliverableCommand):
    """Record that the LEA submitted a deliverable."""

    noun = "deliverable"
    verb = "submit"

    person: Annotated[PersonRef, Option("for")]
    """Who at the LEA submitted it."""
    evidence: Line
    """Where it is, for example a link or "mail of 29 April"."""


class ReturnDeliverable(DeliverableCommand):
    """Return a submission for more work, with a new date that the LEA agreed to."""

    noun = "deliverable"
    verb = "return"

    due: Day
    """The new due date agreed with the LEA."""
    reason: Prose
    """What is still needed, in words the LEA can use."""
    person: Annotated[PersonRef, Option("for")]
    """Who at the LEA agreed to the new date."""
    evidence: Line
    """Where that agreement is written down."""
    waive_burden: BurdenWaiver = None


class AcceptDeliverable(DeliverableCommand):
    """Accept a submission."""

    noun = "deliverable"
    verb = "accept"

    note: Prose | None = None
    """What was good about it, for the record."""


class DeliverableSubmitted(Event):
    type: ClassVar[str] = "deliverable-submitted"
    deliverable: str
    on: date
    person: str
    evidence: Sealed

    def sentence(self) -> str:
        return (
            f"{self.deliverable} submitted on {spoken(self.on)} by {self.person} ({self.evidence})."
        )


class DeliverableReturned(Event):
    type: ClassVar[str] = "deliverable-returned"
    deliverable: str
    reason: Sealed
    agreed_by: str
    evidence: Sealed

    def sentence(self) -> str:
        return (
            f"{self.deliverable} returned: {full(self.reason)} New date agreed with "
            f"{self.agreed_by} ({self.evidence})."
        )


class DeliverableAccepted(Event):
    type: ClassVar[str] = "deliverable-accepted"
    deliverable: str
    note: Sealed | None = None

    def sentence(self) -> str:
        return f"{self.deliverable} accepted" + (f": {full(self.note)}" if self.note else ".")


@decides(SubmitDeliverable)
def submit(command: SubmitDeliverable, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    deliverable = found(command, state)
    person = of_the_lea(command.person, engagement, context)
    not_in_the_future(context.effective_on, "The submission", context)
    not_over(deliverable, state, "submitted")
    if deliverable.status == "submitted":
        raise AlreadyExists(
            f"{state.id}: {deliverable.id} {deliverable.title!r} was submitted already on "
            f"{spoken(deliverable.submissions[-1])} and waits for an answer: handrail deliverable "
            f"accept {state.id} {deliverable.id}, or return. What came later goes with a return."
        )
    if deliverable.status != "agreed":
        way = (
            f"Sign it first: handrail deliverable sign {state.id} {deliverable.id}"
            if deliverable.status == "proposed"
            else f"See it: handrail deliverable show {state.id} {deliverable.id}"
        )
        raise WrongState(
            f"{state.id}: {deliverable.id} {deliverable.title!r} cannot be submitted: it is "
            f"{deliverable.status}. {way}"
        )
    return [
        DeliverableSubmitted(
            deliverable=deliverable.id,
            on=context.effective_on,
            person=person.id,
            evidence=Sealed(about=person.id, text=command.evidence),
        )
    ]


@evolves(DeliverableSubmitted)
def submitted(state: State, event: DeliverableSubmitted, stamp: Stamp) -> State:
    deliverable = deliverable_in(state, event.deliverable)
    return with_deliverable(
        state,
        replace(
            deliverable,
            status="submitted",
            proposal=None,
            off_the_table="submitted" if deliverable.proposal else deliverable.off_the_table,
            submissions=(*deliverable.submissions, event.on),
        ),
    )


def _under_review(
    command: DeliverableCommand, state: State, context: Context, what: str
) -> Deliverable:
    deliverable = found(command, state)
    not_over(deliverable, state, what)
    if deliverable.status == "accepted":
        already = f"{state.id}: {deliverable.id} {deliverable.title!r} is accepted already"
        if what == "accepted":
            raise AlreadyExists(f"{already}. Nothing more is needed.")
        raise WrongState(
            f"{already} and cannot be {what}. For more work, propose another deliverable: "
            f"handrail deliverable propose {state.id} TITLE --due DATE"
        )
    if deliverable.status != "submitted":
        raise WrongState(
            f"{state.id}: {deliverable.id} {deliverable.title!r} cannot be {what}: it is "
            f"{deliverable.status}, and only a submission is answered. Record it first: "
            f"handrail deliverable submit {state.id} {deliverable.id} --for PERSON "
            f"--evidence REFERENCE"
        )
    not_in_the_future(context.effective_on, "The answer", context)
    if context.effective_on < deliverable.submissions[-1]:
        raise ImpossibleDate(
            f"{state.id}: {deliverable.id} cannot have been {what} on "
            f"{spoken(context.effective_on)}: it was submitted on "
            f"{spoken(deliverable.submissions[-1])}. Give the day of the answer."
        )
    return deliverable


@decides(ReturnDeliverable)
def return_(command: ReturnDeliverable, state: State, context: Context) -> Decision:
    deliverable = _under_review(command, state, context, "returned")
    person = of_the_lea(command.person, state.of(Engagement), context)
    possible_due(command.due, state, context)
    return [
        *within_burden(state, context, [asking(deliverable, command.due)], command.waive_burden),
        DeliverableReturned(
            deliverable=deliverable.id,
            reason=Sealed(about=state.stream, text=command.reason),
            agreed_by=person.id,
            evidence=Sealed(about=person.id, text=command.evidence),
        ),
        DeliverableAgreed(deliverable=deliverable.id, round=deliverable.round + 1, due=command.due),
    ]


@evolves(DeliverableReturned)
def returned(state: State, event: DeliverableReturned, stamp: Stamp) -> State:
    deliverable = deliverable_in(state, event.deliverable)
    return with_deliverable(
        state,
        replace(
            deliverable,
            answers=deliverable.answers + 1,
            agreed_by={"agency": stamp.actor, "lea": event.agreed_by},
        ),
    )


@decides(AcceptDeliverable)
def accept(command: AcceptDeliverable, state: State, context: Context) -> Decision:
    deliverable = _under_review(command, state, context, "accepted")
    note = Sealed(about=state.stream, text=command.note) if command.note else None
    return [DeliverableAccepted(deliverable=deliverable.id, note=note)]


@evolves(DeliverableAccepted)
def accepted(state: State, event: DeliverableAccepted, stamp: Stamp) -> State:
    deliverable = deliverable_in(state, event.deliverable)
    return with_deliverable(
        state, replace(deliverable, status="accepted", answers=deliverable.answers + 1)
    )


@owes
def deliverables_owed(state: State, context: Context) -> Iterable[Obligation]:
    """The LEA owes an agreed deliverable; the Lead owes an answer to a submitted one."""
    rules = context.the_playbook.deliverables
    for d in state.of(Deliverables).all.values():
        ask = "Send it to your Lead by the due date, or ask for another date."
        command = f"handrail deliverable submit {state.id} {d.id} --for PERSON --evidence REFERENCE"
        for number, (due, why) in enumerate(d.past, start=1):
            yield Obligation(
                d.id, d.title, number, due, "lea_contact", "lea", ask, command, rules.policy, why
            )
        if d.due:
            done = None if d.status == "agreed" else "submitted"
            yield Obligation(
                d.id, d.title, d.round, d.due, "lea_contact", "lea", ask, command, rules.policy,
                done,
            )  # fmt: skip
        if d.proposal or d.due or d.ending:
            yield from signatures_owed(
                (d.id, d.title, len(d.past) + 1),
                d.proposal,
                d.ending or d.off_the_table,
                f"handrail deliverable sign {state.id} {d.id}",
                state,
                context,
            )
        for number, on in enumerate(d.submissions, start=1):
            yield Obligation(
                hanging(d.id, "review"),
                f"Answer to {d.title}",
                number,
                context.agency_days.add(on, rules.review_working_days),
                "lead",
                "agency",
                "Accept it, or return it with a date agreed with the LEA.",
                f"handrail deliverable accept {state.id} {d.id}",
                rules.review_policy,
                "answered" if d.answers >= number else None,
            )
