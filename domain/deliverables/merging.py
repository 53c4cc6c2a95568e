"""Merging and splitting deliverables: what goes on, and where what ended went."""

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field, TypeAdapter

from domain.deliverables.coauthoring import SIDES, proposer, sealed, terms_open
from domain.deliverables.proposing import DeliverableCommand, DeliverableProposed, asking, found
from domain.deliverables.terms import (
    Deliverable,
    DeliverableEnded,
    Deliverables,
    deliverable_in,
    deliverable_named,
    next_deliverables,
    no_twin,
    not_before_what_it_waits_for,
    put_on_the_table,
    with_deliverable,
)
from domain.engagement.burden import Ahead, BurdenWaiver, look_ahead, proposable
from domain.kernel.bounds import Day
from domain.kernel.fields import Hours, LeaHours, Line, Option, PersonRef, Positional, Prose
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.refusals import AlreadyExists, Incomplete, Invalid, WrongState
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full, lea_hours
from domain.owing.obligations import Side
from domain.owing.signing import Proposal, possible_due
from domain.policy.calendar import spoken
from domain.rules.context import Context
from domain.rules.registry import decides, evolves


class MergeDeliverables(EngagementCommand):
    """Propose to make one deliverable of several: one keeps its id, the others end in it.

    What was never agreed ends at once; an agreed one ends when the merged terms are signed.
    """

    noun = "deliverable"
    verb = "merge"

    deliverables: Annotated[tuple[Line, ...], Positional()] = Field(min_length=1)
    """The deliverables to make one of, for example D3 D4."""
    into: Line | None = None
    """Which one goes on under its id; the first if left out."""
    title: Line | None = None
    """The title of what goes on; left as it is otherwise."""
    hours: LeaHours | None = None
    """Hours of work it costs the LEA; what they cost together, if left out."""
    due: Day | None = None
    """The due date; that of the one that goes on, if left out."""
    scope: Prose | None = None
    """What belongs to it and what does not; kept encrypted."""
    reason: Line
    """Why they become one."""
    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA proposed it, if it came from there."""
    evidence: Line | None = None
    """Where that is written down."""
    waive_burden: BurdenWaiver = None


class SplitDeliverable(DeliverableCommand):
    """Propose several deliverables in place of one. An agreed one stands until they are signed."""

    noun = "deliverable"
    verb = "split"

    part: tuple[Line, ...] = Field(min_length=2, max_length=20)
    """One part as "DATE HOURS TITLE", for example "2027-05-14 8 Schedule"; once for each."""
    reason: Line
    """Why it becomes several."""
    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA proposed it, if it came from there."""
    evidence: Line | None = None
    """Where that is written down."""
    waive_burden: BurdenWaiver = None


class DeliverablesMerged(Event):
    """Terms for what goes on; each of the others ends by a fact of its own."""

    type: ClassVar[str] = "deliverables-merged"
    deliverable: str
    merged: tuple[str, ...]
    due: date
    hours: Hours
    title: str | None = None
    scope: Sealed | None = None
    reason: Sealed
    side: Side
    proposed_for: str | None = None
    evidence: Sealed | None = None
    waiting: tuple[str, ...] = ()
    """Those that are agreed, and stand until the merged terms are signed."""
    ahead: Ahead | None = None

    def sentence(self) -> str:
        title = f" {self.title!r}" if self.title else ""
        stand = f" {' and '.join(self.waiting)} until then as agreed." if self.waiting else ""
        return (
            f"{SIDES[self.side].capitalize()} merges {' and '.join(self.merged)} into "
            f"{self.deliverable}{title}, to be signed: due {spoken(self.due)}, "
            f"{lea_hours(self.hours)}: {full(self.reason)}{stand}"
        ).replace("The lea", "The LEA") + (self.ahead.sentence() if self.ahead else "")


class DeliverableSplit(Event):
    type: ClassVar[str] = "deliverable-split"
    deliverable: str
    parts: tuple[str, ...]
    reason: Sealed
    side: Side
    proposed_for: str | None = None
    evidence: Sealed | None = None

    def sentence(self) -> str:
        return (
            f"{self.deliverable} is to be split into {' and '.join(self.parts)}, proposed by "
            f"{SIDES[self.side]}: {full(self.reason)}"
        )


def _not_changing_hands(d: Deliverable, state: State, what: str) -> None:
    """Refuse what is already on its way into others, or out of one.

    Raises:
        WrongState: It is.
    """
    for other in state.of(Deliverables).all.values():
        if other.is_open and other.proposal and d.id in other.proposal.absorbs:
            raise WrongState(
                f"{state.id}: {d.id} {d.title!r} cannot be {what}: it is being merged into "
                f"{other.id}, which waits for signatures. Sign or decline that first: handrail "
                f"deliverable show {state.id} {other.id}"
            )
        whole = other if other.id == d.id else (other if d.id in other.parts else None)
        if whole and whole.is_open and (waits := unsettled_parts(whole, state)):
            raise WrongState(
                f"{state.id}: {d.id} {d.title!r} cannot be {what}: {whole.id} is being split, and "
                f"{' and '.join(waits)} of it wait for signatures. Sign or decline them first: "
                f"handrail deliverable show {state.id} {waits[0]}"
            )


def unsettled_parts(whole: Deliverable, state: State) -> list[str]:
    """The parts of a deliverable that nobody has agreed to or declined yet."""
    return [p for p in whole.parts if deliverable_in(state, p).status == "proposed"]


def _go_in_circles(target: Deliverable, sources: list[Deliverable], state: State) -> str | None:
    """A deliverable that would have to come both before and after the merged one."""
    all_ = state.of(Deliverables).all
    merged = {target.id, *(s.id for s in sources)}
    for first in {w for m in merged for w in all_[m].waits_for} - merged:
        to_see, seen = [first], set[str]()
        while to_see:
            here = all_.get(to_see.pop())
            if here is None or here.id in seen:
                continue
            seen.add(here.id)
            after = {*here.waits_for, *here.into}
            if after & merged:
                return first
            to_see += after
    return None


def _without(gone: list[Deliverable], state: State) -> State:
    """The engagement as it would be once these have ended in others, to look ahead from."""
    for d in gone:
        ended = replace(d, status="merged", due=None, proposal=None)
        state = with_deliverable(state, ended)
    return state


@decides(MergeDeliverables)
def merge(command: MergeDeliverables, state: State, context: Context) -> Decision:
    person = proposer(command.person, command.evidence, "The proposal", state, context)
    named = dict.fromkeys(deliverable_named(r, state).id for r in command.deliverables)
    into = deliverable_named(command.into, state).id if command.into else next(iter(named))
    all_ = state.of(Deliverables).all
    target, sources = all_[into], [all_[d] for d in named if d != into]
    if not sources:
        raise Incomplete(
            f"{state.id}: {into} alone cannot be merged. Give another one beside it: handrail "
            f"deliverable merge {state.id} {into} OTHER --into {into} --reason REASON"
        )
    terms = terms_open(target, state, "merged with others")
    for d in (target, *sources):
        if into in d.into and d.status == "merged":
            raise AlreadyExists(
                f"{state.id}: {d.id} {d.title!r} is merged into {into} already. To change its "
                f"terms: handrail deliverable rescope {state.id} {into} --reason REASON"
            )
        if target.proposal and d.id in target.proposal.absorbs:
            raise AlreadyExists(
                f"{state.id}: merging {d.id} into {into} is proposed already and waits for "
                f"signatures: handrail deliverable sign {state.id} {into}"
            )
        # What was declined was so for a reason; it may still live on within another.
        if d.status != "declined":
            terms_open(d, state, "merged")
        _not_changing_hands(d, state, "merged")
    if first := _go_in_circles(target, sources, state):
        raise WrongState(
            f"{state.id}: {' and '.join(s.id for s in sources)} cannot be merged into {into}: "
            f"{first} would come both before it and after it. End one of the waits first: "
            f"handrail deliverable depend {state.id} {first} --after {into} --no-longer"
        )
    due = command.due or terms.due
    possible_due(due, state, context)
    after = replace(target, waits_for=tuple(w for d in (target, *sources) for w in d.waits_for))
    not_before_what_it_waits_for(after, due, state)
    if command.title:
        no_twin(command.title, state, into, *(s.id for s in sources))
    hours = command.hours
    if hours is None:
        costs = (d.would_be.hours for d in (target, *sources) if d.status != "declined")
        hours = sum(costs, Decimal(0))
    waiting = tuple(s.id for s in sources if s.status == "agreed")
    asked = asking(
        replace(target, title=command.title or target.would_be.title, hours=hours),
        due,
        agreed=False,
    )
    return [
        *proposable(state, context, [asked], command.waive_burden),
        DeliverablesMerged(
            deliverable=into,
            merged=tuple(s.id for s in sources),
            due=due,
            hours=hours,
            title=command.title,
            scope=Sealed(about=state.stream, text=command.scope) if command.scope else None,
            reason=Sealed(about=state.stream, text=command.reason),
            side="lea" if person else "agency",
            proposed_for=person.id if person else None,
            evidence=sealed(person, command.evidence),
            waiting=waiting,
            ahead=look_ahead(_without(sources, state), context, asked),
        ),
        *(
            DeliverableEnded(deliverable=s.id, how="merged", into=(into,))
            for s in sources
            if s.id not in waiting
        ),
    ]


@evolves(DeliverablesMerged)
def merged(state: State, event: DeliverablesMerged, stamp: Stamp) -> State:
    target = deliverable_in(state, event.deliverable)
    before = target.proposal or Proposal(event.due)
    sources = [deliverable_in(state, s) for s in event.merged]
    carried = [a for s in sources if s.proposal for a in s.proposal.absorbs]
    waits = [w for d in (target, *sources) for w in d.waits_for]
    own = {event.deliverable, *event.merged}
    target = replace(target, waits_for=tuple(w for w in dict.fromkeys(waits) if w not in own))
    terms = replace(
        before,
        due=event.due,
        hours=event.hours,
        title=event.title or before.title,
        scope=str(event.scope) if event.scope else before.scope,
        reason=str(event.reason),
        absorbs=tuple(dict.fromkeys((*before.absorbs, *event.waiting, *carried))),
    )
    return put_on_the_table(state, target, terms, stamp.effective_at)


_DAY = TypeAdapter(Day)
_PART = re.compile(r"(\d{4}-\d\d-\d\d)\s+(\d{1,4}(?:\.\d{1,2})?)\s+(\S.*)")


def _part(text: str, state: State) -> tuple[date, Decimal, str]:
    match = _PART.fullmatch(text)
    try:
        if match and Decimal(match[2]) <= 2000:
            return _DAY.validate_python(match[1]), Decimal(match[2]), match[3]
    except ValueError:
        pass  # No such day: told like any other slip of the form.
    raise Invalid(
        f'{state.id}: --part {text!r} is not of the form "DATE HOURS TITLE", with at most 2000 '
        f'hours. Give it as, for example, --part "2027-05-14 8 Schedule".'
    )


@decides(SplitDeliverable)
def split(command: SplitDeliverable, state: State, context: Context) -> Decision:
    deliverable = found(command, state)
    person = proposer(command.person, command.evidence, "The proposal", state, context)
    terms_open(deliverable, state, "split")
    _not_changing_hands(deliverable, state, "split")
    if deliverable.proposal and deliverable.proposal.absorbs:
        raise WrongState(
            f"{state.id}: {deliverable.id} {deliverable.title!r} cannot be split: "
            f"{' and '.join(deliverable.proposal.absorbs)} is being merged into it. Sign or "
            f"decline that first: handrail deliverable show {state.id} {deliverable.id}"
        )
    parts = [_part(text, state) for text in command.part]
    titles: set[str] = set()
    for due, _, title in parts:
        possible_due(due, state, context)
        not_before_what_it_waits_for(deliverable, due, state)
        no_twin(title, state, deliverable.id)
        if title.casefold() in titles:
            raise AlreadyExists(
                f"{state.id}: two parts are called {title!r}. Give each a title of its own."
            )
        titles.add(title.casefold())
    side: Side = "lea" if person else "agency"
    ids = next_deliverables(state, len(parts))
    would_be = [
        asking(Deliverable(id_, title=title, hours=hours), due, agreed=False)
        for id_, (due, hours, title) in zip(ids, parts, strict=True)
    ]
    events: list[Event] = proposable(state, context, would_be, command.waive_burden)
    events += [
        DeliverableSplit(
            deliverable=deliverable.id,
            parts=ids,
            reason=Sealed(about=state.stream, text=command.reason),
            side=side,
            proposed_for=person.id if person else None,
            evidence=sealed(person, command.evidence),
        )
    ]
    later = _without([deliverable], state)
    for asked, (due, hours, title) in zip(would_be, parts, strict=True):
        events.append(
            DeliverableProposed(
                deliverable=asked.item,
                title=title,
                due=due,
                hours=hours,
                side=side,
                proposed_for=person.id if person else None,
                evidence=sealed(person, command.evidence),
                ahead=look_ahead(later, context, asked),
            )
        )
        part = Deliverable(asked.item, title=title, hours=hours, proposal=Proposal(due))
        later = with_deliverable(later, part)
    if deliverable.status == "proposed":
        events.append(DeliverableEnded(deliverable=deliverable.id, how="split", into=ids))
    return events


@evolves(DeliverableSplit)
def is_split(state: State, event: DeliverableSplit, stamp: Stamp) -> State:
    whole = deliverable_in(state, event.deliverable)
    state = with_deliverable(state, replace(whole, parts=event.parts))
    for part in event.parts:
        # A part waits for whatever the whole waited for.
        waits = replace(deliverable_in(state, part), waits_for=whole.waits_for)
        state = with_deliverable(state, waits)
    return state
