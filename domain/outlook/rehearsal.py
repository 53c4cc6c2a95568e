"""What the coming months bring if nobody does anything: every mail, and the hours asked.

A rehearsal runs the rules themselves on a copy in memory, as the workflows run them: nothing is
written and nothing is sent.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import partial
from uuid import NAMESPACE_URL, uuid5

from domain.deciding import after, brought, decide_in_full
from domain.deliverables.proposing import DeliverableAgreed
from domain.deliverables.terms import Deliverables, endings
from domain.engagement.state import Engagement
from domain.kernel.messages import Command, Event, State
from domain.owing.obligations import obligations
from domain.policy.calendar import local_date
from domain.reminders.claiming import announcement, next_wake
from domain.reminders.notices import ClaimNotices, Notices, ReconcileNotices, RecordDelivery
from domain.reminders.weekly import is_weekly, monday
from domain.review.review import Review
from domain.review.waves import WaveAgreed
from domain.rules.context import SYSTEM_PERSON, Context

_MOST_WAKES = 20_000
"""Ten years of an engagement need a tenth of it; beyond lies a rule that wakes for ever."""


@dataclass(frozen=True, slots=True)
class Said:
    """One reminder in a mail."""

    item: str
    round: int
    step: str
    title: str
    due: date


@dataclass(frozen=True, slots=True)
class Message:
    """One mail that would go."""

    person: str
    at: datetime
    items: tuple[Said, ...]
    alarm: bool = False


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """What would happen until a moment."""

    messages: tuple[Message, ...]
    state: State
    """The engagement as it would stand then."""


@dataclass(slots=True)
class _Mailed:
    """Who has had a digest on which days."""

    days: dict[str, set[date]] = field(default_factory=dict)

    def had(self, context: Context, person: str) -> bool:
        today = local_date(context.now, context.zone)
        since = monday(today) if is_weekly(person, context) else today
        return any(day >= since for day in self.days.get(person, ()))


def rehearsed(
    state: State,
    context: Context,
    until: datetime,
    mailed: Mapping[str, Collection[date]] | None = None,
) -> Rehearsal:
    """Let time run until a moment while nobody does anything.

    Args:
        context: Of now; everybody who holds a role is in it.
        mailed: The days on which people had a digest already, this week's at least.
    """
    seen = _Mailed({person: set(days) for person, days in (mailed or {}).items()})
    context = _at(context.now, context)
    messages: list[Message] = []
    wake = next_wake(state, context)
    for _ in range(_MOST_WAKES):
        if wake is None or wake > until:
            return Rehearsal(tuple(messages), state)
        context = _at(max(context.now, wake), context)
        if brought(state, context):
            state = _decided(ReconcileNotices(of=state.stream), state, context)
        told = announcement(state, context, partial(seen.had, context))
        wake = told.again_at
        mails: list[tuple[str, int | None]] = [*told.alarms, *((p, None) for p in told.people)]
        for person, alarm in sorted(mails, key=str):
            state, message = _mailed(person, alarm, state, context)
            if message is None:
                continue
            messages.append(message)
            if alarm is None:
                today = local_date(context.now, context.zone)
                seen.days.setdefault(person, set()).add(today)
    raise RuntimeError(f"{state.id} still wakes at {wake}")


def _at(now: datetime, context: Context) -> Context:
    return replace(context, now=now, issued_at=now, effective_at=now, actor=SYSTEM_PERSON)


def _decided(command: Command, state: State, context: Context) -> State:
    return after(state, decide_in_full(command, state, context).own, context)


def _mailed(
    person: str, alarm: int | None, state: State, context: Context
) -> tuple[State, Message | None]:
    """One mail claimed and taken by the mail server."""
    today = local_date(context.now, context.zone)
    mail = uuid5(NAMESPACE_URL, f"rehearsal/{state.id}/{person}/{today}/{alarm}")
    message_id = f"<{mail}@rehearsal>"
    claim = ClaimNotices(
        of=state.stream,
        mail=mail,
        message_id=message_id,
        person=person,
        on=today,
        alarm=alarm,
    )
    state = _decided(claim, state, context)
    titles = {(o.item, o.round): o.title for o in obligations(state, context)}
    said = tuple(
        Said(
            n.planned.item,
            n.planned.round,
            n.planned.step,
            titles.get((n.planned.item, n.planned.round), n.planned.item),
            n.planned.due,
        )
        for n in state.of(Notices).all.values()
        if (d := n.deliveries.get(person)) and d.mail == mail and d.outcome == "pending"
    )
    if not said:
        return state, None
    delivered = RecordDelivery(
        of=state.stream,
        mail=mail,
        message_id=message_id,
        person=person,
        outcome="sent",
        detail="rehearsed",
        at=context.now,
    )
    state = _decided(delivered, state, context)
    return state, Message(person, context.now, said, alarm is not None)


def waiting_for_signatures(state: State) -> list[str]:
    """The items with proposed terms, as ``D1`` and ``W2``."""
    deliverables, waves = state.of(Deliverables).all, state.of(Review).waves
    found: Iterable[str] = (
        *(d.id for d in deliverables.values() if d.proposal),
        *(w.id for w in waves.values() if w.proposal and w.status in ("proposed", "agreed")),
    )
    return list(found)


def as_signed(state: State, context: Context) -> State:
    """The engagement as if both sides signed now whatever is proposed."""
    context = _at(context.now, context)
    for id_ in waiting_for_signatures(state):
        events = _signed(id_, state)
        state = after(state, [(event, context.now) for event in events], context)
    if not state.of(Engagement).is_open:
        return state
    return _decided(ReconcileNotices(of=state.stream), state, context)


def _signed(id_: str, state: State) -> list[Event]:
    if wave := state.of(Review).waves.get(id_):
        if wave.proposal is None:
            return []
        moved = wave.due is not None and wave.due != wave.proposal.due
        hours = wave.hours if wave.proposed_hours is None else wave.proposed_hours
        return [WaveAgreed(wave=id_, round=wave.round + moved, due=wave.proposal.due, hours=hours)]
    deliverable = state.of(Deliverables).all[id_]
    proposal = deliverable.proposal
    if proposal is None:
        return []
    moved = deliverable.due is not None and deliverable.due != proposal.due
    agreed = DeliverableAgreed(
        deliverable=id_,
        round=deliverable.round + moved,
        due=proposal.due,
        title=proposal.title,
        hours=proposal.hours,
    )
    return [agreed, *endings(deliverable, state, agreed=True)]
