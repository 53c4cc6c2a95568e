"""Deliverables: everything about one, where all of them are, and every change of course."""

import json
from collections.abc import Sequence
from datetime import date
from typing import Any
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
from domain.policy.calendar import local_date
from domain.reminders.notices import Notices
from queries.names import Names
from queries.seen import pinned, seen
from queries.source import Source


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


async def deliverable_of(
    source: Source, engagement: str, deliverable: str, known: date | None, true: date | None
) -> tuple[dict[str, Any], Names]:
    """Everything about one deliverable; people by id."""
    it = await seen(source, engagement, known, true)
    playbook = await pinned(source, it)
    found = as_data(deliverable_named(deliverable, it.state), it.state, it.history, it.zone)
    if playbook and playbook.coauthoring:
        rules = playbook.coauthoring
        found["kinds"] = {k.id: k.name for k in rules.satisfies}
        found["scale"] = {s.id: s.name for s in rules.scale}
    await it.names.learn(json.dumps(found, default=_plain))
    return found, it.names


async def courses_of(source: Source, engagement: str) -> tuple[dict[str, Any], Names]:
    """Every change of course of an engagement, oldest first; people by id."""
    it = await seen(source, engagement, None, None)
    every = it.state.of(Courses).all
    rows = [correction_data(e, s, it.zone) for e, s in every]
    await it.names.learn(json.dumps(rows, default=_plain))
    marked = it.state.of(Engagement).illustrative or any(e.illustrative for e, _ in every)
    return {"engagement": it.state.id, "illustrative": marked, "corrections": rows}, it.names


def as_data(
    d: Deliverable, state: State, history: Sequence[Recorded], zone: ZoneInfo
) -> dict[str, Any]:
    """One deliverable as plain data."""
    ratings = state.of(Ratings)
    reuse = state.of(Reuse)
    notices = [n for n in state.of(Notices).all.values() if root(n.planned.item) == d.id]
    counts: dict[str, int] = {}
    for n in notices:
        counts[n.status] = counts.get(n.status, 0) + 1
    p = d.proposal
    return {
        "engagement": state.id,
        "deliverable": d.id,
        "title": d.title,
        "status": d.status,
        "scope": d.scope,
        "hours": d.hours,
        "due": d.due,
        "round": d.round,
        "agreed_by": dict(d.agreed_by),
        "past": [{"due": due, "why": why} for due, why in d.past],
        "proposal": None
        if p is None
        else {
            "due": p.due,
            "title": p.title,
            "hours": p.hours,
            "scope": p.scope,
            "reason": p.reason,
            "merges": list(p.absorbs),
            "signed": dict(p.signed),
        },
        "declined_because": d.refusal,
        "went_into": list(d.into),
        "came_from": [o.id for o in state.of(Deliverables).all.values() if d.id in o.into],
        "being_split_into": list(d.parts) if d.is_open and d.parts else [],
        "unsettled_parts": unsettled_parts(d, state) if d.is_open else [],
        "waits_for": [_wait(w, d) for w in awaited(d, state)] if d.is_open else [],
        "depends_on": list(d.waits_for),
        "awaited_by": [
            o.id
            for o in state.of(Deliverables).all.values()
            if d.is_open and o.is_open and d.id in o.waits_for
        ],
        "submissions": [
            {"on": e.on, "by": e.person, "evidence": str(e.evidence)}
            for e in (r.event for r in history)
            if isinstance(e, DeliverableSubmitted) and e.deliverable == d.id
        ],
        "ratings": {
            side: {
                "by": r.person,
                "submission": r.submission,
                "tags": dict(r.tags),
                "note": r.note,
            }
            for side, r in ratings.of(d.id).items()
        },
        "differences": ratings.differences(d.id),
        "satisfies": [
            {
                "what": k.what,
                "reference": k.reference,
                "already_done": k.already_done,
                "said_by": k.said_by,
            }
            for k in reuse.satisfies.get(d.id, ())
        ],
        "feeds": list(reuse.feeds.get(d.id, ())),
        "corrections": [correction_data(e, s, zone) for e, s in state.of(Courses).of(d.id)],
        "reminders": [
            {
                "planned_for": n.planned.planned_for.astimezone(zone),
                "item": n.planned.item,
                "round": n.planned.round,
                "step": n.planned.step,
                "outcome": n.status,
                "reason": n.reason,
            }
            for n in notices
        ],
        "reminder_counts": counts,
        "illustrative": d.illustrative or state.of(Engagement).illustrative,
    }


def _wait(first: Deliverable, waiting: Deliverable) -> dict[str, Any]:
    due = first.terms.due if first.terms else None
    mine = waiting.terms.due if waiting.terms else None
    return {
        "deliverable": first.id,
        "title": first.title,
        "due": due,
        "too_late": bool(due and mine and due > mine),
    }


def correction_data(event: CourseCorrected, stamp: Stamp, zone: ZoneInfo) -> dict[str, Any]:
    """One course correction as plain data."""
    return {
        "correction": event.correction,
        "deliverable": event.deliverable,
        "on": local_date(stamp.effective_at, zone.key),
        "because": str(event.because),
        "change": str(event.change),
        "evidence": str(event.evidence),
        "side": event.side,
        "person": event.person,
    }


def section(state: State, zone: ZoneInfo) -> dict[str, Any]:
    """What `engagement show` says of them."""
    return {
        "deliverables": [
            {
                "deliverable": d.id,
                "title": d.title,
                "status": d.status,
                "due": d.due,
                "round": d.round,
                "hours": d.hours,
                "proposed_due": d.proposal.due if d.proposal else None,
                "signed": dict(d.proposal.signed) if d.proposal else {},
                "proposed_hours": d.proposal.hours if d.proposal else None,
                "went_into": list(d.into),
                "waits_for": [w.id for w in awaited(d, state)] if d.is_open else [],
            }
            for d in state.of(Deliverables).all.values()
        ],
    }
