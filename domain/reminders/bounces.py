"""Mail addresses that bounce: known to be dead on a stream until somebody mends them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from domain.engagement.guards import running
from domain.engagement.state import EngagementRole
from domain.kernel.fields import Line, Option, PersonRef, Positional
from domain.kernel.messages import Decision, EngagementCommand, Event, ReminderCommand, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import ImpossibleDate, WrongState
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.owing.items import hanging
from domain.owing.matter import matter_of
from domain.owing.obligations import Obligation, owes_on
from domain.policy.calendar import local_date, spoken
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves

about_noun("address", "Say that a mail address from which mail came back is right after all.")

BOUNCES = "mail comes back"
"""Why somebody whose mail was still to come is not sent it."""

_FINDERS: tuple[EngagementRole, ...] = ("assistant", "lead", "director")
"""Who finds out the right address: the first of these that is held by somebody else."""


_SETTLED = {"changed": "address changed", "confirmed": "address confirmed", "left": "left"}


class ConfirmAddress(EngagementCommand):
    """Say that a mail address is right although mail came back: mail goes there again.

    A new address needs no such word: `handrail person change` settles it by itself.
    """

    noun = "address"
    verb = "confirm"

    person: Annotated[PersonRef, Positional()]
    """Whose address it is."""
    note: Annotated[Line, Option("basis")]
    """How you know, for example "the mailbox was full and is not any more"."""


class SettleAddress(ReminderCommand):
    """Take a mail address for mended, because the directory says something new."""

    noun = "address"
    verb = "settle"

    person: str
    """Whose address it is, by id."""
    why: Literal["changed", "left"]
    """changed for another address, left for somebody who is not written to any more."""


class AddressBounced(Event):
    """Mail to somebody came back for good; it is found out where to write to them."""

    type: ClassVar[str] = "address-bounced"
    person: str
    round: int
    """Counts the times that this person's address was found dead, from 1."""
    mail: UUID
    at: datetime
    detail: str
    find_by: date | None = None
    """By when the right address is to be found out; None where the playbook says nothing."""

    def sentence(self) -> str:
        return f"The mail address of {self.person} bounces ({self.detail})." + (
            f" The right one is to be found out by {spoken(self.find_by)}." if self.find_by else ""
        )


class AddressMended(Event):
    type: ClassVar[str] = "address-mended"
    person: str
    round: int
    why: Literal["changed", "confirmed", "left"]
    note: Sealed | None = None

    def sentence(self) -> str:
        said = {
            "changed": f"{self.person} has another mail address",
            "confirmed": f"The mail address of {self.person} is right",
            "left": f"{self.person} left and is not written to any more",
        }[self.why]
        return f"{said}: {full(self.note)}" if self.note else f"{said}."


@dataclass(frozen=True, slots=True)
class Bounce:
    """One time that an address was dead; `facts` are missing where the mending is folded first."""

    person: str
    round: int
    facts: AddressBounced | None = None
    mended: AddressMended | None = None


@dataclass(frozen=True, slots=True)
class Bounces:
    """Every address that was ever dead on the stream."""

    all: Mapping[tuple[str, int], Bounce] = field(default_factory=dict)

    @property
    def open(self) -> dict[str, AddressBounced]:
        """The addresses that are dead now, by person."""
        return {b.person: b.facts for b in self.all.values() if b.facts and not b.mended}

    def rounds(self, person: str) -> int:
        """How often somebody's address was dead."""
        return max((round_ for who, round_ in self.all if who == person), default=0)


def found_dead(
    person: str, mail: UUID, at: datetime, detail: str, state: State, context: Context
) -> AddressBounced:
    """The fact that an address is dead, with the day by which the right one is found out."""
    rules = context.the_playbook.bounces
    return AddressBounced(
        person=person,
        round=state.of(Bounces).rounds(person) + 1,
        mail=mail,
        at=at,
        detail=detail,
        find_by=context.agency_days.add(
            local_date(context.now, context.zone), rules.find_within_working_days
        )
        if rules
        else None,
    )


def _changed(state: State, person: str, round_: int, **values: object) -> State:
    known = state.of(Bounces).all
    bounce = known.get((person, round_), Bounce(person, round_))
    bounce = replace(bounce, **values)  # type: ignore[arg-type]
    return state.put(Bounces({**known, (person, round_): bounce}))


@evolves(AddressBounced)
def address_bounced(state: State, event: AddressBounced, stamp: Stamp) -> State:
    return _changed(state, event.person, event.round, facts=event)


@evolves(AddressMended)
def address_mended(state: State, event: AddressMended, stamp: Stamp) -> State:
    return _changed(state, event.person, event.round, mended=event)


@decides(ConfirmAddress)
def confirm_address(command: ConfirmAddress, state: State, context: Context) -> Decision:
    running(state, context)
    return confirmed(command.person, command.note, state, context)


def confirmed(who: str, note: str, state: State, context: Context) -> Decision:
    """The fact that an address is right although mail came back.

    Raises:
        WrongState: No mail to them came back.
        ImpossibleDate: It is dated before that, or after today.
    """
    not_in_the_future(context.effective_on, "The confirmation", context)
    person = context.person(who).id
    bounced = state.of(Bounces).open.get(person)
    if bounced is None:
        dead = ", ".join(state.of(Bounces).open)
        raise WrongState(
            f"{state.id}: mail to {person} does not come back, so there is nothing to confirm. "
            f"The addresses that bounce here: {dead or 'none'}. "
            f"See what came back: handrail ledger {state.id}"
        )
    since = local_date(bounced.at, context.zone)
    if context.effective_on < since:
        raise ImpossibleDate(
            f"{state.id}: mail to {person} came back on {spoken(since)}, and their address cannot "
            f"have been confirmed on {spoken(context.effective_on)}. Give a later day: "
            f"--on DATE"
        )
    return [
        AddressMended(
            person=person,
            round=bounced.round,
            why="confirmed",
            note=Sealed(about=person, text=note),
        )
    ]


@decides(SettleAddress)
def settle_address(command: SettleAddress, state: State, context: Context) -> Decision:
    bounced = state.of(Bounces).open.get(command.person)
    if bounced is None:
        return []
    return [AddressMended(person=command.person, round=bounced.round, why=command.why)]


def item_of(person: str) -> str:
    """What the task to find out an address is called."""
    return hanging("address", person)


@owes_on("engagement", "appropriation")
def addresses_owed(state: State, context: Context) -> Iterable[Obligation]:
    """The assistant finds out where to write to somebody whose mail came back."""
    matter = matter_of(state, context)
    rules = context.the_playbook.bounces
    for bounce in state.of(Bounces).all.values():
        if bounce.facts is None:
            continue
        holders = (r for r in _FINDERS if {*matter.holding(r)} - {bounce.person})
        mended = bounce.mended
        yield Obligation(
            item_of(bounce.person),
            f"Find out the right mail address of {bounce.person}",
            bounce.round,
            bounce.facts.find_by,
            next(holders, "director"),
            "agency",
            "Find out the right address and put it into the directory.",
            f"handrail person change @{bounce.person} --email ADDRESS",
            rules.policy if rules else None,
            settled=_SETTLED[mended.why] if mended else None,
        )
