"""The terms of a deliverable: what stands, what is on the table, and how it can end."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, Literal

from domain.kernel.messages import Event, Stamp, State, next_names
from domain.kernel.refusals import AlreadyExists, ImpossibleDate, Unknown, WrongState
from domain.owing.obligations import Side
from domain.owing.signing import Proposal
from domain.policy.calendar import spoken
from domain.rules.registry import evolves

Status = Literal["proposed", "agreed", "submitted", "accepted", "declined", "merged", "split"]


class DeliverableEnded(Event):
    """It goes on in others: merged into one of them, or split into several."""

    type: ClassVar[str] = "deliverable-ended"
    deliverable: str
    how: Literal["merged", "split"]
    into: tuple[str, ...]

    def sentence(self) -> str:
        return f"{self.deliverable} ends: {self.how} into {' and '.join(self.into)}."


@dataclass(frozen=True, slots=True)
class Deliverable:
    """One deliverable."""

    id: str
    title: str
    hours: Decimal
    status: Status = "proposed"
    due: date | None = None
    """The agreed due date; None until both have signed."""
    past: tuple[tuple[date, str], ...] = ()
    """Earlier agreed due dates, each with why it ended."""
    proposal: Proposal | None = None
    submissions: tuple[date, ...] = ()
    answers: int = 0
    illustrative: bool = False
    scope: str | None = None
    agreed_by: Mapping[Side, str] = field(default_factory=dict)
    """Who signed the agreed terms."""
    into: tuple[str, ...] = ()
    """Where it goes on, if it was merged or split."""
    parts: tuple[str, ...] = ()
    """What it is to be split into; it stands until these are signed."""
    waits_for: tuple[str, ...] = ()
    """The deliverables that come first."""
    refusal: str | None = None
    """Why it was declined, or the last proposal about it was."""
    off_the_table: str = "signed"
    """How the last proposal about it went: signed, declined, taken back, or submitted."""

    @property
    def round(self) -> int:
        """The number of the agreed due date, counted from 1."""
        return len(self.past) + 1

    @property
    def is_open(self) -> bool:
        """True while its terms may still be signed or changed."""
        return self.status in ("proposed", "agreed")

    @property
    def ending(self) -> str | None:
        """How it ended without being handed in: ``merged into D3``; None if it did not."""
        if self.status == "declined":
            return "declined"
        over = self.status in ("merged", "split")
        return f"{self.status} into {' and '.join(self.into)}" if over else None

    @property
    def would_be(self) -> "Deliverable":
        """The deliverable as it is once what is on the table has been signed."""
        p = self.proposal
        if p is None:
            return self
        return replace(
            self,
            title=p.title or self.title,
            hours=self.hours if p.hours is None else p.hours,
            scope=p.scope or self.scope,
        )

    @property
    def terms(self) -> Proposal | None:
        """What is on the table, or else what stands; None once there is neither."""
        return self.proposal or (Proposal(self.due) if self.due else None)


@dataclass(frozen=True, slots=True)
class Deliverables:
    """All deliverables by id."""

    all: Mapping[str, Deliverable] = field(default_factory=dict)


def next_deliverables(state: State, count: int = 1) -> tuple[str, ...]:
    """The names that the next deliverables get."""
    return next_names(state, "D", state.of(Deliverables).all, count)


def deliverable_named(ref: str, state: State) -> Deliverable:
    """A deliverable by its id.

    Raises:
        Unknown: There is none of this id.
    """
    known = state.of(Deliverables).all
    wanted = ref.strip().upper()
    if wanted in known:
        return known[wanted]
    raise Unknown(
        f"{state.id} has no deliverable {ref!r}. "
        + (
            f"Name one that it has: {', '.join(f'{d.id} ({d.title})' for d in known.values())}. "
            f"See how each stands: handrail deliverable list {state.id}"
            if known
            else f"It has none yet. Propose one: handrail deliverable propose {state.id} TITLE"
        )
    )


def not_over(deliverable: Deliverable, state: State, what: str) -> None:
    """Refuse to do anything with a deliverable that was declined, merged or split.

    Raises:
        WrongState: It was.
    """
    if deliverable.ending:
        way = (
            f"What goes on is {deliverable.into[0]}: handrail deliverable show {state.id} "
            f"{deliverable.into[0]}"
            if deliverable.into
            else f"To take it up again, propose it anew: handrail deliverable propose {state.id} "
            f"TITLE --due DATE"
        )
        raise WrongState(
            f"{state.id}: {deliverable.id} {deliverable.title!r} cannot be {what}: it was "
            f"{deliverable.ending}. {way}"
        )


def no_twin(title: str, state: State, *but: str) -> None:
    """Refuse a title that a deliverable not yet finished has.

    Raises:
        AlreadyExists: One has it.
    """
    for d in state.of(Deliverables).all.values():
        unfinished = d.is_open or d.status == "submitted"
        if unfinished and d.id not in but and d.title.casefold() == title.casefold():
            raise AlreadyExists(
                f"{state.id} has {d.id} {d.title!r} already ({d.status}). To move its date: "
                f"handrail deliverable redate {state.id} {d.id} --due DATE --reason REASON"
            )


def awaited(deliverable: Deliverable, state: State) -> list[Deliverable]:
    """What it waits for and is not handed in yet; what was merged or split is followed."""
    all_ = state.of(Deliverables).all
    to_see, seen = list(deliverable.waits_for), {deliverable.id}
    waits = []
    while to_see:
        other = all_.get(to_see.pop(0))
        if other is None or other.id in seen:
            continue
        seen.add(other.id)
        to_see += other.into
        if other.is_open:
            waits.append(other)
    return waits


def not_before_what_it_waits_for(deliverable: Deliverable, due: date, state: State) -> None:
    """Refuse a due date that falls before that of a deliverable that comes first.

    Raises:
        ImpossibleDate: It does.
    """
    for first in awaited(deliverable, state):
        if first.terms and due < first.terms.due:
            raise ImpossibleDate(
                f"{state.id}: {deliverable.id} waits for {first.id} {first.title!r}, due "
                f"{spoken(first.terms.due)}, so it cannot be due {spoken(due)}. Give a date from "
                f"then on, re-date {first.id} first, or say that it waits no longer: handrail "
                f"deliverable depend {state.id} {deliverable.id} --after {first.id} --no-longer"
            )


def deliverable_in(state: State, deliverable_id: str) -> Deliverable:
    """The deliverable; a blank one where facts folded by effective date come before its proposal.

    A signature may be dated before the day on which staff entered the proposal.
    """
    blank = Deliverable(id=deliverable_id, title=deliverable_id, hours=Decimal(0))
    return state.of(Deliverables).all.get(deliverable_id, blank)


def with_deliverable(state: State, deliverable: Deliverable) -> State:
    all_ = state.of(Deliverables).all
    return state.put(Deliverables({**all_, deliverable.id: deliverable}))


def put_on_the_table(
    state: State, deliverable: Deliverable, terms: Proposal, at: datetime
) -> State:
    """Propose terms: what both have signed stands meanwhile, what nobody agreed to takes them.

    Proposing what stands takes the proposal back.
    """
    d = deliverable
    if not d.is_open:
        return state
    still = tuple(o for o in terms.absorbs if not deliverable_in(state, o).ending)
    terms = replace(terms, absorbs=still, signed={}, at=at)
    if d.due is None:
        d = replace(d, proposal=terms).would_be
    stands = (
        terms.due == d.due
        and terms.title in (None, d.title)
        and terms.hours in (None, d.hours)
        and terms.scope in (None, d.scope)
        and not still
    )
    if stands:
        return with_deliverable(state, replace(d, proposal=None, off_the_table="taken back"))
    return with_deliverable(state, replace(d, proposal=terms))


def endings(deliverable: Deliverable, state: State, *, agreed: bool) -> list[DeliverableEnded]:
    """What ends when a deliverable is agreed or declined.

    Agreed deliverables merged into it end with its agreement; one that is split ends once the
    last of its parts is settled, unless none was agreed to.
    """
    ended = []
    if agreed and deliverable.proposal:
        for absorbed in deliverable.proposal.absorbs:
            if deliverable_in(state, absorbed).is_open:
                into = (deliverable.id,)
                ended.append(DeliverableEnded(deliverable=absorbed, how="merged", into=into))
    for whole in state.of(Deliverables).all.values():
        if whole.is_open and deliverable.id in whole.parts:
            standing = {p: deliverable_in(state, p).status for p in whole.parts}
            standing[deliverable.id] = "agreed" if agreed else "declined"
            kept = tuple(p for p in whole.parts if standing[p] != "declined")
            if kept and "proposed" not in standing.values():
                ended.append(DeliverableEnded(deliverable=whole.id, how="split", into=kept))
    return ended


@evolves(DeliverableEnded)
def ended(state: State, event: DeliverableEnded, stamp: Stamp) -> State:
    d = replace(deliverable_in(state, event.deliverable), status=event.how, into=event.into)
    past = d.past + (((d.due, d.ending or event.how),) if d.due else ())
    return with_deliverable(state, replace(d, due=None, past=past, proposal=None))
