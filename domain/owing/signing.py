"""What both sides sign: the conditions that every due date and every signature meets."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from domain.engagement.guards import of_the_lea
from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.kernel.refusals import AlreadyExists, ImpossibleDate, WrongPerson, WrongState
from domain.kernel.sealed import Sealed
from domain.owing.items import hanging
from domain.owing.obligations import Obligation, Side
from domain.policy.calendar import local_date, spoken
from domain.rules.context import Context, PersonEntry
from domain.rules.days import within_reach


@dataclass(frozen=True, slots=True)
class Proposal:
    """Terms on the table, and who has signed them; None leaves a term as it stands."""

    due: date
    signed: Mapping[Side, str] = field(default_factory=dict)
    title: str | None = None
    hours: Decimal | None = None
    scope: str | None = None
    reason: str | None = None
    """Why the standing terms are to change."""
    absorbs: tuple[str, ...] = ()
    """Agreed deliverables that end, merged into this one, once both have signed."""
    at: datetime | None = None
    """When they were put on the table."""

    def with_signature(self, side: Side, person: str) -> "Proposal":
        """These terms once a side has signed them."""
        return replace(self, signed={**self.signed, side: person})


class Cosigned(Protocol):
    """What both sides sign, such as a deliverable or a wave of evidence requests."""

    @property
    def id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def due(self) -> date | None: ...
    @property
    def proposal(self) -> Proposal | None: ...


def signed_told(item: str, due: date, side: Side, person: str, evidence: Sealed | None) -> str:
    """That a side has signed proposed terms, in a sentence."""
    return (
        f"{item} due {spoken(due)} signed for the {'LEA' if side == 'lea' else 'agency'} by "
        f"{person}" + (f" ({evidence})." if evidence else ".")
    )


def possible_due(due: date, state: State, context: Context) -> None:
    """Refuse a due date that the LEA cannot keep.

    Raises:
        ImpossibleDate: It does not lie ahead, lies absurdly far ahead, or the LEA rests then.
    """
    if due <= context.said_on:
        raise ImpossibleDate(
            f"{state.id}: the due date {spoken(due)} is not after {context.said_when}. Give a date "
            f"that lies ahead; if it was said long ago, say when: --on DATE"
        )
    within_reach(due, "The due date", context)
    days = context.lea_days(state.of(Engagement).lea)
    why_not = days.why_not(due)
    if why_not:
        raise ImpossibleDate(
            f"{state.id}: {spoken(due)} is {why_not}, and nothing is due at the LEA then. Give a "
            f"working day: the nearest are {spoken(days.back(due))} and "
            f"{spoken(days.forward(due))}."
        )


def the_lead(what: str, state: State, context: Context) -> None:
    """Refuse anybody but the Lead where the agency signs.

    Raises:
        WrongPerson: Somebody else acts.
    """
    lead = state.of(Engagement).roles["lead"]
    if context.actor.id != lead:
        raise WrongPerson(
            f"{state.id}: {context.actor.id} is not the Lead and cannot {what} for the agency; "
            f"the Lead is {lead}. For the LEA's side, name who it was: "
            f"--for PERSON --evidence REFERENCE"
        )


def may_sign(
    what: Cosigned, noun: str, person: str | None, state: State, context: Context
) -> tuple[Proposal, PersonEntry, Side]:
    """The terms that wait for a signature, and who gives it for which side.

    Args:
        noun: Of the commands about it, for the way out.
        person: Who signs for the LEA; None where the acting person signs for the agency.

    Raises:
        WrongState: Nothing about it waits for a signature.
        Unknown: Nobody is called so.
        WrongPerson: They are not of the LEA, or not the Lead.
        AlreadyExists: That side has signed.
        ImpossibleDate: The LEA cannot keep the due date any more.
    """
    proposal = what.proposal
    if proposal is None:
        raise WrongState(
            f"{state.id}: nothing about {what.id} {what.title!r} waits for a signature; it is "
            f"{what.status}{f', due {spoken(what.due)}' if what.due else ''}. To propose another "
            f"date: handrail {noun} redate {state.id} {what.id} --due DATE --reason REASON"
        )
    side: Side = "lea" if person else "agency"
    if person:
        signer = of_the_lea(person, state.of(Engagement), context)
    else:
        the_lead(f"sign {what.id}", state, context)
        signer = context.actor
    if side in proposal.signed:
        by, other, with_whom = (
            ("the agency", "the LEA", " --for PERSON --evidence REFERENCE")
            if side == "agency"
            else ("the LEA", "the Lead", "")
        )
        raise AlreadyExists(
            f"{state.id}: {what.id} due {spoken(proposal.due)} is signed already for {by} by "
            f"{proposal.signed[side]}; it waits for {other}: handrail {noun} sign {state.id} "
            f"{what.id}{with_whom}"
        )
    possible_due(proposal.due, state, context)
    return proposal, signer, side


def signatures_owed(
    what: tuple[str, str, int],
    proposal: Proposal | None,
    over: str,
    command: str,
    state: State,
    context: Context,
) -> Iterable[Obligation]:
    """The signature that is missing under proposed terms: the Lead's first, then the LEA's.

    The LEA is reminded of its own once the Lead has signed, so that nobody chases it for what the
    agency has not agreed to yet.  The signatures under the terms of earlier rounds were given.

    Args:
        what: The item's id, its title, and the round that the terms would begin.
        proposal: What is on the table; None once nothing is.
        over: Why nothing is to be signed any more, where nothing is on the table.
        command: With which a signature is recorded.
    """
    item, title, round_ = what
    rules = context.the_playbook.deliverables
    by_agency = proposal is not None and "agency" not in proposal.signed
    due = None
    if proposal and proposal.at and rules.signature_working_days:
        days = context.lea_days(state.of(Engagement).lea)
        due = days.add(local_date(proposal.at, context.zone), rules.signature_working_days)
    last = Obligation(
        hanging(item, "signature"),
        f"Signature of {title}" + (f", proposed for {spoken(proposal.due)}" if proposal else ""),
        round_,
        due,
        "lead" if by_agency else "lea_contact",
        "agency" if by_agency else "lea",
        "Sign the proposed terms.",
        command,
        None if by_agency else rules.signature_policy,
        None if proposal else over,
        signs=item,
    )
    for earlier in range(1, round_):
        yield replace(last, round=earlier, due=None, settled="signed")
    yield last
