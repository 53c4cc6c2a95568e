"""Reminders as data: every notice of a stream and its fate, which is the ledger.

A notice is planned, then claimed by a mail, then sent.  Only a planned one may be suppressed.
"""

from collections.abc import Mapping, Sized
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from domain.engagement.state import EngagementRole
from domain.kernel.fields import PROSE
from domain.kernel.messages import Event, ReminderCommand, Stamp, State
from domain.policy.calendar import spoken
from domain.reminders.bounces import BOUNCES
from domain.rules.registry import evolves

NoticeStatus = Literal["planned", "claimed", "sent", "suppressed"]
DeliveryOutcome = Literal["pending", "sent", "bounced", "dropped"]


class PlannedNotice(BaseModel):
    """One reminder to come."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    n: int
    """Counts the stream's notices from 1."""
    item: str
    round: int
    step: str
    planned_for: datetime
    due: date
    to: tuple[EngagementRole, ...]
    alarm: bool = False
    """Goes at its hour, on any day, as a mail of its own; never in a digest."""


class NoticeRef(BaseModel):
    """A notice named in an event, readable without looking up its number."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    n: int
    item: str
    round: int
    step: str
    planned_for: datetime


class TakenBackDate(BaseModel):
    """A date that nobody has to keep any more."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    item: str
    round: int
    why: str
    due: date | None = None
    """The day that was announced, of what is not there any more."""


class ClaimedNotice(NoticeRef):
    """A notice with the people it goes to."""

    recipients: tuple[str, ...]
    also: tuple[EngagementRole, ...] = ()
    """The roles that it takes over from earlier reminders of its item, which it overtook."""
    instead_of: Mapping[str, str] = {}
    """Who of them stands in for whom, because no mail reaches that person."""


class AddedRecipients(NoticeRef):
    """A notice that somebody gets because it did not reach somebody else."""

    instead_of: Mapping[str, str]
    """Who gets it, each with the person in whose place."""


class DroppedNotice(NoticeRef):
    """A notice that its recipients will not get any more."""

    recipients: tuple[str, ...]
    instead: tuple[str, ...] = ()
    """Who gets it in their place."""


def _reminders(notices: Sized) -> str:
    return "1 reminder" if len(notices) == 1 else f"{len(notices)} reminders"


class NoticesPlanned(Event):
    type: ClassVar[str] = "notices-planned"
    notices: tuple[PlannedNotice, ...]

    def sentence(self) -> str:
        return (
            f"{_reminders(self.notices)} planned: "
            + ", ".join(f"{n.item} {n.step}" for n in self.notices)
            + "."
        )


class SuppressedNotice(NoticeRef):
    """A notice that nobody gets any more."""

    meant_for: tuple[str, ...] | None = None
    """Whom it would have gone to, had it gone then; unknown where it was not recorded yet."""


class NoticesSuppressed(Event):
    type: ClassVar[str] = "notices-suppressed"
    notices: tuple[SuppressedNotice, ...]
    reason: str

    def sentence(self) -> str:
        return (
            f"{_reminders(self.notices)} will not be sent ({self.reason}): "
            + ", ".join(f"{n.item} {n.step}" for n in self.notices)
            + "."
        )


class NoticesClaimed(Event):
    type: ClassVar[str] = "notices-claimed"
    mail: UUID
    message_id: str
    person: str
    on: date
    notices: tuple[ClaimedNotice, ...]
    taken_back: tuple[TakenBackDate, ...] = ()
    """Dates announced to this person before, of which the same mail says that they fell away."""

    def sentence(self) -> str:
        said = [f"{n.item} {n.step}" for n in self.notices]
        said += [f"{gone.item} no longer needed" for gone in self.taken_back]
        return (
            f"Reminders for {self.person} go into the mail of {spoken(self.on)}: {', '.join(said)}."
        )


class NoticesDelivered(Event):
    type: ClassVar[str] = "notices-delivered"
    mail: UUID
    message_id: str
    person: str
    outcome: Literal["sent", "bounced"]
    detail: str
    at: datetime
    notices: tuple[NoticeRef, ...]

    def sentence(self) -> str:
        return (
            f"Mail to {self.person} {self.outcome}: "
            + ", ".join(f"{n.item} {n.step}" for n in self.notices)
            + "."
        )


class RecipientsDropped(Event):
    """What somebody's next mail was still to say is settled; others were told already."""

    type: ClassVar[str] = "recipients-dropped"
    notices: tuple[DroppedNotice, ...]
    reason: str

    def sentence(self) -> str:
        told = ", ".join(
            f"{n.item} {n.step} to {' and '.join(n.recipients)}"
            + (f", but to {' and '.join(n.instead)}" if n.instead else "")
            for n in self.notices
        )
        return f"Not sent any more ({self.reason}): {told}."


class RecipientsAdded(Event):
    """What came back from somebody goes to whoever stands in for them."""

    type: ClassVar[str] = "recipients-added"
    notices: tuple[AddedRecipients, ...]

    def sentence(self) -> str:
        told = (
            f"{n.item} {n.step} to {person} instead of {other}"
            for n in self.notices
            for person, other in n.instead_of.items()
        )
        return f"Told somebody else: {', '.join(told)}."


NOTICE_EVENTS = (
    NoticesPlanned,
    NoticesSuppressed,
    NoticesClaimed,
    NoticesDelivered,
    RecipientsDropped,
    RecipientsAdded,
)
"""What became of reminders: it stays as it was, whatever is mended."""


class ReconcileNotices(ReminderCommand):
    """Compare the plan with what is owed, because a calendar or a policy changed."""

    noun = "notices"
    verb = "reconcile"


UNKNOWN_FATE = "may have been sent before the store was restored"
"""Why a notice is not sent by a store that does not know what the one it came from has sent."""


class HoldUnknown(ReminderCommand):
    """Send nothing that may have been sent already, by the store that this one was made from."""

    noun = "notices"
    verb = "hold"

    since: datetime
    """The last moment that the store knows of."""
    until: datetime
    """From then on this store sends."""


class ClaimNotices(ReminderCommand):
    """Take what is due for one person into their mail of the day."""

    noun = "notices"
    verb = "claim"

    mail: UUID
    """The mail's id."""
    message_id: str
    """The mail's Message-ID, the same at every attempt."""
    person: str
    """To whom it goes, by id."""
    on: date
    """The local date whose mail it is."""
    alarm: int | None = None
    """The number of the one notice that the mail is for; None for everything in a digest."""
    again: bool = False
    """The mail was made before, no mail server has seen it, and its day is over: it is made anew,
    without what was settled or overtaken meanwhile."""
    in_passing: bool = False
    """The mail goes for the sake of another stream: it takes dates back here as well."""


class RecordDelivery(ReminderCommand):
    """Record what became of a mail's notices."""

    noun = "notices"
    verb = "delivered"

    mail: UUID
    """The mail's id."""
    message_id: str
    """The mail's Message-ID."""
    person: str
    """To whom it went, by id."""
    outcome: Literal["sent", "bounced"]
    """sent once the mail server took it, bounced once it refused it for good."""
    detail: Annotated[str, PROSE]
    """What the mail server answered."""
    at: datetime
    """When it answered."""
    current: bool = True
    """Whether the address it went to is still the person's."""
    overview: bool = False
    """Whether it held an overview: then it comes back here even if it spoke of nothing else."""


class RecordReturn(ReminderCommand):
    """Record that a mail which a mail server had taken came back for good."""

    noun = "notices"
    verb = "returned"

    mail: UUID
    """The mail's id."""
    message_id: str
    """The mail's Message-ID."""
    person: str
    """To whom it went, by id."""
    detail: Annotated[str, PROSE]
    """What the report says, without anybody's address."""
    at: datetime
    """When the report was read."""
    current: bool = True
    """Whether the address it went to is still the person's."""
    overview: bool = False
    """Whether it held an overview: then it comes back here even if it spoke of nothing else."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One notice to one person."""

    outcome: DeliveryOutcome = "pending"
    mail: UUID | None = None
    message_id: str | None = None
    at: datetime | None = None
    detail: str = ""
    instead_of: str | None = None
    """In whose place, where no mail reaches that person."""


@dataclass(frozen=True, slots=True)
class Notice:
    """A planned notice and its fate."""

    planned: PlannedNotice
    status: NoticeStatus = "planned"
    reason: str | None = None
    at: datetime | None = None
    deliveries: Mapping[str, Delivery] = field(default_factory=dict)
    also: tuple[EngagementRole, ...] = ()
    """The roles of reminders that it overtook."""
    meant_for: tuple[str, ...] | None = None
    """Whom it would have gone to when it was suppressed; None where that was not recorded."""

    @property
    def waiting(self) -> tuple[str, ...]:
        """The people whose mail has still to claim it, after somebody else's did."""
        return tuple(
            p for p, d in self.deliveries.items() if d.mail is None and d.outcome == "pending"
        )

    @property
    def ref(self) -> NoticeRef:
        """How events name it."""
        p = self.planned
        return NoticeRef(n=p.n, item=p.item, round=p.round, step=p.step, planned_for=p.planned_for)

    @property
    def moment(self) -> tuple[str, int, str, datetime]:
        """What makes two notices the same."""
        p = self.planned
        return (p.item, p.round, p.step, p.planned_for)


@dataclass(frozen=True, slots=True)
class Notices:
    """Every notice of a stream, by number: the ledger."""

    all: Mapping[int, Notice] = field(default_factory=dict)

    @property
    def next_wake(self) -> datetime | None:
        """The earliest moment of a notice that some mail has still to claim.

        A notice goes to several people, each with a mail of their own: it counts until all have
        claimed it, or whoever had their mail of the day would be forgotten.
        """
        open_ = (n for n in self.all.values() if n.status == "planned" or n.waiting)
        return min((n.planned.planned_for for n in open_), default=None)


@dataclass(frozen=True, slots=True)
class TakenBack:
    """Which dates each person has been told to forget."""

    dates: Mapping[tuple[str, str, int], UUID] = field(default_factory=dict)
    """Person, item and round, with the mail that says so."""


@evolves(NoticesPlanned)
def planned(state: State, event: NoticesPlanned, stamp: Stamp) -> State:
    all_ = dict(state.of(Notices).all)
    for notice in event.notices:
        known = all_.get(notice.n)
        all_[notice.n] = replace(known, planned=notice) if known else Notice(planned=notice)
    return state.put(Notices(all_))


def _get(all_: Mapping[int, Notice], ref: NoticeRef) -> Notice:
    """The notice named; one made of its name where facts folded by effective date come first."""
    return all_.get(ref.n) or Notice(
        PlannedNotice(
            n=ref.n,
            item=ref.item,
            round=ref.round,
            step=ref.step,
            planned_for=ref.planned_for,
            due=ref.planned_for.date(),
            to=(),
        )
    )


@evolves(NoticesSuppressed)
def suppressed(state: State, event: NoticesSuppressed, stamp: Stamp) -> State:
    all_ = dict(state.of(Notices).all)
    for ref in event.notices:
        all_[ref.n] = replace(
            _get(all_, ref),
            status="suppressed",
            reason=event.reason,
            at=stamp.recorded_at,
            meant_for=ref.meant_for,
        )
    return state.put(Notices(all_))


@evolves(NoticesClaimed)
def claimed(state: State, event: NoticesClaimed, stamp: Stamp) -> State:
    if event.taken_back:
        gone = {(event.person, date.item, date.round): event.mail for date in event.taken_back}
        state = state.put(TakenBack({**state.of(TakenBack).dates, **gone}))
    all_ = dict(state.of(Notices).all)
    for ref in event.notices:
        notice = _get(all_, ref)
        deliveries = {p: Delivery(instead_of=ref.instead_of.get(p)) for p in ref.recipients}
        deliveries.update(notice.deliveries)
        before = deliveries.get(event.person, Delivery())
        deliveries[event.person] = Delivery(
            mail=event.mail, message_id=event.message_id, instead_of=before.instead_of
        )
        status: NoticeStatus = "claimed" if notice.status == "planned" else notice.status
        all_[ref.n] = replace(
            notice,
            status=status,
            at=stamp.recorded_at,
            deliveries=deliveries,
            also=ref.also or notice.also,
        )
    return state.put(Notices(all_))


@evolves(RecipientsDropped)
def recipients_dropped(state: State, event: RecipientsDropped, stamp: Stamp) -> State:
    all_ = dict(state.of(Notices).all)
    for ref in event.notices:
        notice = all_.get(ref.n)
        if notice is None:
            continue
        gone = Delivery(outcome="dropped", at=stamp.recorded_at, detail=event.reason)
        other = ref.recipients[0] if event.reason == BOUNCES else None
        # Whose role came back to them is a reader again.
        kept = {p: d for p, d in notice.deliveries.items() if p not in ref.instead}
        notice = replace(
            notice,
            deliveries={
                **dict.fromkeys(ref.instead, Delivery(instead_of=other)),
                **kept,
                **dict.fromkeys(ref.recipients, gone),
            },
        )
        if notice.status == "claimed" and all(
            d.outcome == "dropped" for d in notice.deliveries.values()
        ):
            # Its mail never went, and nobody is left to be told.
            notice = replace(notice, status="suppressed", reason=event.reason, at=stamp.recorded_at)
        all_[ref.n] = notice
    return state.put(Notices(all_))


@evolves(RecipientsAdded)
def recipients_added(state: State, event: RecipientsAdded, stamp: Stamp) -> State:
    all_ = dict(state.of(Notices).all)
    for ref in event.notices:
        notice = _get(all_, ref)
        added = {p: Delivery(instead_of=other) for p, other in ref.instead_of.items()}
        kept = {p: d for p, d in notice.deliveries.items() if p not in added}
        all_[ref.n] = replace(notice, deliveries={**added, **kept})
    return state.put(Notices(all_))


@evolves(NoticesDelivered)
def delivered(state: State, event: NoticesDelivered, stamp: Stamp) -> State:
    all_ = dict(state.of(Notices).all)
    for ref in event.notices:
        notice = _get(all_, ref)
        before = notice.deliveries.get(event.person, Delivery())
        delivery = Delivery(
            outcome=event.outcome,
            mail=event.mail,
            message_id=event.message_id,
            at=event.at,
            detail=event.detail,
            instead_of=before.instead_of,
        )
        all_[ref.n] = replace(
            notice,
            status="sent",
            at=event.at if notice.status != "sent" else notice.at,
            deliveries={**notice.deliveries, event.person: delivery},
        )
    return state.put(Notices(all_))
