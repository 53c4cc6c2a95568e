"""Deliverables: co-created, and due only once the Lead and the LEA have both signed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from domain.agreements import Agreements
from domain.burden import (
    Ahead,
    BurdenWaiver,
    HoursAsked,
    asks,
    look_ahead,
    proposable,
    within_burden,
)
from domain.calendar import spoken
from domain.context import Context, PersonEntry
from domain.engagement import (
    evidence_for,
    moved_to,
    not_in_the_future,
    of_the_lea,
    running,
)
from domain.errors import (
    AlreadyExists,
    Unknown,
    WrongState,
)
from domain.kernel import (
    Decision,
    EngagementCommand,
    Event,
    Line,
    Option,
    PersonRef,
    Positional,
    Stamp,
    State,
    decides,
    evolves,
)
from domain.obligations import Obligation, Side, owes
from domain.personal import Sealed
from domain.signing import possible_due, the_lead

Status = Literal["proposed", "agreed", "submitted", "accepted"]
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
    due: date
    """The due date to agree on: a working day of the LEA, after today."""
    hours: int = Field(default=0, ge=0, le=2000)
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

    due: date
    """The new due date: a working day of the LEA, after today."""
    reason: Line
    """Why the date moves."""
    waive_burden: BurdenWaiver = None


class DeliverableProposed(Event):
    type: ClassVar[str] = "deliverable-proposed"
    deliverable: str
    title: str
    due: date
    hours: int
    side: Side
    proposed_for: str | None = None
    evidence: Sealed | None = None
    ahead: Ahead | None = None

    def sentence(self) -> str:
        return (
            f"{self.deliverable} {self.title!r} proposed by the {_SIDES[self.side]}, due "
            f"{spoken(self.due)}, {self.hours} LEA hours."
            + (self.ahead.sentence() if self.ahead else "")
        )


class RedateProposed(Event):
    type: ClassVar[str] = "redate-proposed"
    deliverable: str
    due: date
    reason: Sealed
    ahead: Ahead | None = None

    def sentence(self) -> str:
        return f"{self.deliverable}: new due date {spoken(self.due)} proposed: {self.reason}." + (
            self.ahead.sentence() if self.ahead else ""
        )


class DeliverableSigned(Event):
    type: ClassVar[str] = "deliverable-signed"
    deliverable: str
    side: Side
    person: str
    due: date
    evidence: Sealed | None = None

    def sentence(self) -> str:
        return (
            f"{self.deliverable} due {spoken(self.due)} signed for the {_SIDES[self.side]} by "
            f"{self.person}" + (f" ({self.evidence})." if self.evidence else ".")
        )


class DeliverableAgreed(Event):
    type: ClassVar[str] = "deliverable-agreed"
    deliverable: str
    round: int
    due: date

    def sentence(self) -> str:
        return f"{self.deliverable} is agreed: due {spoken(self.due)}."


@dataclass(frozen=True, slots=True)
class Proposal:
    """Terms on the table, and who has signed them."""

    due: date
    signed: Mapping[Side, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Deliverable:
    """One deliverable."""

    id: str
    title: str
    hours: int
    status: Status = "proposed"
    due: date | None = None
    """The agreed due date; None until both have signed."""
    past: tuple[tuple[date, str], ...] = ()
    """Earlier agreed due dates, each with why it ended."""
    proposal: Proposal | None = None
    submissions: tuple[date, ...] = ()
    answers: int = 0
    illustrative: bool = False

    @property
    def round(self) -> int:
        """The number of the agreed due date, counted from 1."""
        return len(self.past) + 1


@dataclass(frozen=True, slots=True)
class Deliverables:
    """All deliverables by id."""

    all: Mapping[str, Deliverable] = field(default_factory=dict)


def found(command: DeliverableCommand, state: State) -> Deliverable:
    known = state.of(Deliverables).all
    wanted = command.deliverable.upper()
    if wanted in known:
        return known[wanted]
    raise Unknown(
        f"{state.id} has no deliverable {command.deliverable!r}. "
        + (
            f"Name one that it has: {', '.join(f'{d.id} ({d.title})' for d in known.values())}."
            if known
            else f"It has none yet. Propose one: handrail deliverable propose {state.id} TITLE"
        )
    )


def asking(deliverable: Deliverable, due: date, *, agreed: bool = True) -> HoursAsked:
    """What a deliverable asks of the LEA when it is due on a day."""
    hours = Decimal(deliverable.hours)
    return HoursAsked(deliverable.id, deliverable.title, due, hours, agreed)


def _sealed(person: PersonEntry, text: str) -> Sealed:
    return Sealed(about=person.id, text=text)


@decides(ProposeDeliverable)
def propose(command: ProposeDeliverable, state: State, context: Context) -> Decision:
    engagement = running(state, context)
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
    twin = next(
        (
            d
            for d in state.of(Deliverables).all.values()
            if d.title.casefold() == command.title.casefold() and d.status != "accepted"
        ),
        None,
    )
    if twin:
        raise AlreadyExists(
            f"{state.id} has {twin.id} {twin.title!r} already ({twin.status}). To move its date: "
            f"handrail deliverable redate {state.id} {twin.id} --due DATE --reason REASON"
        )
    new = Deliverable(
        f"D{len(state.of(Deliverables).all) + 1}", title=command.title, hours=command.hours
    )
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
    return with_deliverable(
        state,
        replace(
            known,
            title=event.title,
            hours=event.hours,
            proposal=Proposal(event.due) if fresh else known.proposal,
            illustrative=event.illustrative,
        ),
    )


def deliverable_in(state: State, deliverable_id: str) -> Deliverable:
    """The deliverable; a blank one where facts folded by effective date come before its proposal.

    A signature may be dated before the day on which staff entered the proposal.
    """
    blank = Deliverable(id=deliverable_id, title=deliverable_id, hours=0)
    return state.of(Deliverables).all.get(deliverable_id, blank)


def with_deliverable(state: State, deliverable: Deliverable) -> State:
    all_ = state.of(Deliverables).all
    return state.put(Deliverables({**all_, deliverable.id: deliverable}))


@decides(SignDeliverable)
def sign(command: SignDeliverable, state: State, context: Context) -> Decision:
    engagement = running(state, context)
    deliverable = found(command, state)
    evidence_for(command.person, command.evidence, "The LEA's signature")
    not_in_the_future(context.effective_on, "The signature", context)
    proposal = deliverable.proposal
    if proposal is None:
        raise WrongState(
            f"{state.id}: nothing about {deliverable.id} {deliverable.title!r} waits for a "
            f"signature; it is {deliverable.status}"
            f"{f', due {spoken(deliverable.due)}' if deliverable.due else ''}. To propose another "
            f"date: handrail deliverable redate {state.id} {deliverable.id} --due DATE "
            f"--reason REASON"
        )
    side: Side
    if command.person:
        person, side = of_the_lea(command.person, engagement, context), "lea"
    else:
        the_lead(f"sign {deliverable.id}", state, context)
        person, side = context.actor, "agency"
    if side in proposal.signed:
        other, with_whom = (
            ("the LEA", " --for PERSON --evidence REFERENCE")
            if side == "agency"
            else ("the Lead", "")
        )
        raise AlreadyExists(
            f"{state.id}: {deliverable.id} due {spoken(proposal.due)} is signed already for "
            f"{'the agency' if side == 'agency' else 'the LEA'} by "
            f"{proposal.signed[side]}; it waits for {other}: "
            f"handrail deliverable sign {state.id} {deliverable.id}{with_whom}"
        )
    possible_due(proposal.due, state, context)
    waived = within_burden(
        state, context, [asking(deliverable, proposal.due)], command.waive_burden
    )
    signed = DeliverableSigned(
        deliverable=deliverable.id,
        side=side,
        person=person.id,
        due=proposal.due,
        evidence=_sealed(person, command.evidence) if command.evidence else None,
    )
    if not proposal.signed:
        return [*waived, signed]
    round_ = deliverable.round + (1 if deliverable.due else 0)
    return [
        *waived,
        signed,
        DeliverableAgreed(deliverable=deliverable.id, round=round_, due=proposal.due),
    ]


@evolves(DeliverableSigned)
def signed(state: State, event: DeliverableSigned, stamp: Stamp) -> State:
    deliverable = deliverable_in(state, event.deliverable)
    proposal = deliverable.proposal or Proposal(event.due)
    return with_deliverable(
        state,
        replace(
            deliverable,
            proposal=replace(proposal, signed={**proposal.signed, event.side: event.person}),
        ),
    )


@evolves(DeliverableAgreed)
def agreed(state: State, event: DeliverableAgreed, stamp: Stamp) -> State:
    deliverable = deliverable_in(state, event.deliverable)
    why = "returned" if deliverable.status == "submitted" else "re-dated"
    past = deliverable.past + (((deliverable.due, why),) if deliverable.due else ())
    state = with_deliverable(
        state,
        replace(deliverable, status="agreed", due=event.due, past=past, proposal=None),
    )
    return moved_to(state, "partnering")


@decides(RedateDeliverable)
def redate(command: RedateDeliverable, state: State, context: Context) -> Decision:
    running(state, context)
    deliverable = found(command, state)
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
    reason = Sealed(about=state.stream, text=command.reason)
    asked = asking(deliverable, command.due, agreed=False)
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
    return with_deliverable(state, replace(deliverable, proposal=Proposal(event.due)))


_ASKED: frozenset[str] = frozenset({"proposed", "agreed", "submitted", "accepted"})
"""What is declined, merged or dropped asks nothing."""


@asks
def deliverables_asked(state: State) -> Iterable[HoursAsked]:
    """Each deliverable by its due date; what was handed in has cost its hours."""
    for d in state.of(Deliverables).all.values():
        if d.status in _ASKED and d.due:
            yield asking(d, d.due)
        if d.status in _ASKED and d.proposal:
            yield asking(d, d.proposal.due, agreed=False)


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
        if d.proposal:
            waits = [s for s in ("agency", "lea") if s not in d.proposal.signed]
            yield Obligation(
                f"{d.id}/signature",
                f"Signature of {d.title}, proposed for {spoken(d.proposal.due)}",
                len(d.past) + 1,
                None,
                "lead" if "agency" in waits else "lea_contact",
                "agency" if "agency" in waits else "lea",
                "Sign the proposed terms.",
                f"handrail deliverable sign {state.id} {d.id}",
                None,
            )
        for number, on in enumerate(d.submissions, start=1):
            yield Obligation(
                f"{d.id}/review",
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
