"""Deliverables: everything about one, where all of them are, and every change of course."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from domain.deliverables.corrections import CourseCorrected, Courses
from domain.deliverables.merging import unsettled_parts
from domain.deliverables.proposing import Deliverable, Deliverables
from domain.deliverables.ratings import Ratings
from domain.deliverables.reuse import Reuse
from domain.deliverables.submissions import DeliverableSubmitted
from domain.deliverables.terms import awaited, deliverable_named
from domain.engagement.state import Engagement
from domain.kernel.messages import Recorded, Stamp, State
from domain.owing.items import root
from domain.owing.obligations import Side
from domain.policy.calendar import local_date
from domain.reminders.notices import Notices
from queries.answers import IF_ASKED, Answer, dumped
from queries.names import Names
from queries.seen import pinned, seen
from queries.source import Source


@dataclass(frozen=True)
class CourseShown(Answer):
    """A change of course, with what was learned."""

    correction: str
    deliverable: str | None
    on: date
    because: str
    change: str
    evidence: str
    side: str
    person: str


@dataclass(frozen=True)
class CoursesShown(Answer):
    """Every change of course of an engagement."""

    engagement: str
    illustrative: bool
    corrections: tuple[CourseShown, ...]


@dataclass(frozen=True)
class ReminderShown(Answer):
    """A reminder, and what became of it."""

    planned_for: datetime
    item: str
    round: int
    step: str
    outcome: str
    reason: str | None


@dataclass(frozen=True)
class AlsoSatisfies(Answer):
    """What else it satisfies."""

    what: str
    reference: str
    already_done: bool
    said_by: str | None


@dataclass(frozen=True)
class RatingShown(Answer):
    """How one side rated it."""

    by: str
    submission: int
    tags: dict[str, str]
    note: str | None


@dataclass(frozen=True)
class HandedIn(Answer):
    """A submission."""

    on: date
    by: str
    evidence: str


@dataclass(frozen=True)
class ProposalShown(Answer):
    """Terms that wait for signatures."""

    due: date
    title: str | None
    hours: Decimal | None
    scope: str | None
    reason: str | None
    merges: tuple[str, ...]
    signed: Mapping[Side, str]


@dataclass(frozen=True)
class EarlierDue(Answer):
    """A due date that no longer holds."""

    due: date
    why: str


@dataclass(frozen=True)
class Awaited(Answer):
    """A deliverable that another one waits for."""

    deliverable: str
    title: str
    due: date | None
    too_late: bool


@dataclass(frozen=True)
class DeliverableShown(Answer):
    """Everything about one deliverable."""

    engagement: str
    deliverable: str
    title: str
    status: str
    scope: str | None
    hours: Decimal
    due: date | None
    round: int
    agreed_by: Mapping[Side, str]
    past: tuple[EarlierDue, ...]
    proposal: ProposalShown | None
    declined_because: str | None
    went_into: tuple[str, ...]
    came_from: tuple[str, ...]
    being_split_into: tuple[str, ...]
    unsettled_parts: tuple[str, ...]
    waits_for: tuple[Awaited, ...]
    depends_on: tuple[str, ...]
    awaited_by: tuple[str, ...]
    submissions: tuple[HandedIn, ...]
    ratings: dict[str, RatingShown]
    differences: tuple[str, ...]
    satisfies: tuple[AlsoSatisfies, ...]
    feeds: tuple[str, ...]
    corrections: tuple[CourseShown, ...]
    reminders: tuple[ReminderShown, ...]
    reminder_counts: dict[str, int]
    illustrative: bool
    kinds: dict[str, str] | None = field(default=None, metadata=IF_ASKED)
    scale: dict[str, str] | None = field(default=None, metadata=IF_ASKED)


async def deliverable_of(
    source: Source, engagement: str, deliverable: str, known: date | None, true: date | None
) -> tuple[DeliverableShown, Names]:
    """Everything about one deliverable; people by id."""
    it = await seen(source, engagement, known, true)
    playbook = await pinned(source, it)
    found = as_data(deliverable_named(deliverable, it.state), it.state, it.history, it.zone)
    if playbook and playbook.coauthoring:
        rules = playbook.coauthoring
        found = replace(
            found,
            kinds={k.id: k.name for k in rules.satisfies},
            scale={s.id: s.name for s in rules.scale},
        )
    await it.names.learn(json.dumps(found.dumped(), default=str))
    return found, it.names


async def courses_of(source: Source, engagement: str) -> tuple[CoursesShown, Names]:
    """Every change of course of an engagement, oldest first; people by id."""
    it = await seen(source, engagement, None, None)
    every = it.state.of(Courses).all
    rows = [correction_data(e, s, it.zone) for e, s in every]
    await it.names.learn(json.dumps(dumped(rows), default=str))
    marked = it.state.of(Engagement).illustrative or any(e.illustrative for e, _ in every)
    return CoursesShown(
        engagement=it.state.id, illustrative=marked, corrections=tuple(rows)
    ), it.names


def as_data(
    d: Deliverable, state: State, history: Sequence[Recorded], zone: ZoneInfo
) -> DeliverableShown:
    """One deliverable; people by id."""
    ratings = state.of(Ratings)
    reuse = state.of(Reuse)
    notices = [n for n in state.of(Notices).all.values() if root(n.planned.item) == d.id]
    counts: dict[str, int] = {}
    for n in notices:
        counts[n.status] = counts.get(n.status, 0) + 1
    p = d.proposal
    return DeliverableShown(
        engagement=state.id,
        deliverable=d.id,
        title=d.title,
        status=d.status,
        scope=d.scope,
        hours=d.hours,
        due=d.due,
        round=d.round,
        agreed_by=dict(d.agreed_by),
        past=tuple(EarlierDue(due=due, why=why) for due, why in d.past),
        proposal=None
        if p is None
        else ProposalShown(
            due=p.due,
            title=p.title,
            hours=p.hours,
            scope=p.scope,
            reason=p.reason,
            merges=tuple(p.absorbs),
            signed=dict(p.signed),
        ),
        declined_because=d.refusal,
        went_into=tuple(d.into),
        came_from=tuple(o.id for o in state.of(Deliverables).all.values() if d.id in o.into),
        being_split_into=tuple(d.parts if d.is_open else ()),
        unsettled_parts=tuple(unsettled_parts(d, state) if d.is_open else ()),
        waits_for=tuple(_wait(w, d) for w in (awaited(d, state) if d.is_open else ())),
        depends_on=tuple(d.waits_for),
        awaited_by=tuple(
            o.id
            for o in state.of(Deliverables).all.values()
            if d.is_open and o.is_open and d.id in o.waits_for
        ),
        submissions=tuple(
            HandedIn(on=e.on, by=e.person, evidence=str(e.evidence))
            for e in (r.event for r in history)
            if isinstance(e, DeliverableSubmitted) and e.deliverable == d.id
        ),
        ratings={
            side: RatingShown(by=r.person, submission=r.submission, tags=dict(r.tags), note=r.note)
            for side, r in ratings.of(d.id).items()
        },
        differences=tuple(ratings.differences(d.id)),
        satisfies=tuple(
            AlsoSatisfies(
                what=k.what, reference=k.reference, already_done=k.already_done, said_by=k.said_by
            )
            for k in reuse.satisfies.get(d.id, ())
        ),
        feeds=tuple(reuse.feeds.get(d.id, ())),
        corrections=tuple(correction_data(e, s, zone) for e, s in state.of(Courses).of(d.id)),
        reminders=tuple(
            ReminderShown(
                planned_for=n.planned.planned_for.astimezone(zone),
                item=n.planned.item,
                round=n.planned.round,
                step=n.planned.step,
                outcome=n.status,
                reason=n.reason,
            )
            for n in notices
        ),
        reminder_counts=counts,
        illustrative=d.illustrative or state.of(Engagement).illustrative,
    )


def _wait(first: Deliverable, waiting: Deliverable) -> Awaited:
    due = first.terms.due if first.terms else None
    mine = waiting.terms.due if waiting.terms else None
    return Awaited(
        deliverable=first.id, title=first.title, due=due, too_late=bool(due and mine and due > mine)
    )


def correction_data(event: CourseCorrected, stamp: Stamp, zone: ZoneInfo) -> CourseShown:
    """One course correction."""
    return CourseShown(
        correction=event.correction,
        deliverable=event.deliverable,
        on=local_date(stamp.effective_at, zone.key),
        because=str(event.because),
        change=str(event.change),
        evidence=str(event.evidence),
        side=event.side,
        person=event.person,
    )
