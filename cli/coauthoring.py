"""Questions about deliverables: everything about one, and every change of course."""

import json
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cli.asking import Json, Names, counted, engagement_named, run, say_if_illustrative
from cli.delivering import deliverable_list
from cli.nouns import noun
from cli.output import emit_json, emit_table
from cli.reading import AsKnown, AsTrue, _day
from cli.verbs import Verbs
from domain.deliverables.corrections import CourseCorrected, Courses
from domain.deliverables.merging import unsettled_parts
from domain.deliverables.proposing import Deliverable, Deliverables
from domain.deliverables.ratings import TAGS, Ratings
from domain.deliverables.reuse import Reuse
from domain.deliverables.submissions import DeliverableSubmitted
from domain.deliverables.terms import awaited, deliverable_named
from domain.engagement.state import Engagement
from domain.kernel.messages import Recorded, Stamp, State
from domain.kernel.refusals import Unknown
from domain.kernel.wording import lea_hours
from domain.policy.calendar import local_date, spoken
from domain.policy.playbook import Playbook
from domain.reminders.notices import Notices

if TYPE_CHECKING:
    from bootstrap.door import Door


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else str(value)


_SIDES = {"agency": "agency", "lea": "LEA"}


def register(app: Verbs) -> None:
    """Add the questions about deliverables."""
    noun(app, "deliverable").command(deliverable_list, name="list")
    noun(app, "deliverable").command(deliverable_show, name="show")
    noun(app, "course").command(course_list, name="list")


async def _read(
    door: "Door", engagement: str, as_known: str | None, as_true: str | None
) -> tuple[State, list[Recorded], Playbook | None, ZoneInfo]:
    from cli.showing import read_history
    from store.context import playbook, program

    one = await engagement_named(door, engagement)
    async with door.pool.acquire() as connection:
        settings = await program(connection)
    zone = ZoneInfo(settings.zone if settings else "UTC")
    stream = f"engagement:{one}"
    history = await read_history(
        door, stream, _day(as_known, "--as-known"), _day(as_true, "--as-true"), zone
    )
    from store.events import folded

    state = folded(stream, history)
    if state.of(Engagement).phase is None:
        raise Unknown(f"{one} was not open yet on that day. Ask for a later one.")
    async with door.pool.acquire() as connection:
        pinned = await playbook(connection, state.of(Engagement).playbook)
    return state, history, pinned, zone


def deliverable_show(
    engagement: str,
    deliverable: str,
    /,
    *,
    as_known: AsKnown = None,
    as_true: AsTrue = None,
    json_: Json = False,
) -> None:
    """Show everything about one deliverable: terms, signatures, ratings, links and reminders.

    Args:
        engagement: The engagement's id, for example alder-creek-usd.
        deliverable: The deliverable's id, for example D1.
        as_known: Only what had been entered by the end of this day (YYYY-MM-DD).
        as_true: Only what had come true by the end of this day (YYYY-MM-DD).
        json_: One JSON object.
    """

    async def work(door: "Door") -> tuple[dict[str, Any], Names]:
        state, history, pinned, zone = await _read(door, engagement, as_known, as_true)
        found = as_data(deliverable_named(deliverable, state), state, history, zone)
        if pinned and pinned.coauthoring:
            rules = pinned.coauthoring
            found["kinds"] = {k.id: k.name for k in rules.satisfies}
            found["scale"] = {s.id: s.name for s in rules.scale}
        names = Names(door, _day(as_known, "--as-known"))
        await names.learn(json.dumps(found, default=_plain))
        return found, names

    found, names = run(work)
    if json_:
        emit_json(names.throughout(found))
        return
    for line in as_lines(found):
        print(names.told(line))
    if found["reminders"]:
        emit_table(
            "Reminders",
            ("Planned for", "Item", "Round", "Step", "Outcome", "Why"),
            [
                (
                    f"{n['planned_for']:%a %Y-%m-%d %H:%M}",
                    n["item"],
                    n["round"],
                    n["step"],
                    n["outcome"],
                    n["reason"] or "",
                )
                for n in found["reminders"]
            ],
        )
        print(
            f"{counted(len(found['reminders']), 'reminder')}: "
            + ", ".join(f"{n} {what}" for what, n in found["reminder_counts"].items())
        )
    say_if_illustrative(found["illustrative"])


def as_data(
    d: Deliverable, state: State, history: list[Recorded], zone: ZoneInfo
) -> dict[str, Any]:
    """One deliverable as plain data."""
    ratings = state.of(Ratings)
    reuse = state.of(Reuse)
    notices = [
        n for n in state.of(Notices).all.values() if n.planned.item.partition("/")[0] == d.id
    ]
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


def as_lines(found: Mapping[str, Any]) -> list[str]:
    """One deliverable for reading, without its reminders."""
    ending = f" into {' and '.join(found['went_into'])}" if found["went_into"] else ""
    due = f", due {spoken(found['due'])} (round {found['round']})" if found["due"] else ""
    lines = [f"{found['deliverable']} {found['title']}: {found['status']}{ending}{due}"]

    def say(label: str, value: object) -> None:
        if value:
            lines.append(f"  {label}: {value}")

    say("Hours", lea_hours(found["hours"]) if found["hours"] else None)
    say("Scope", found["scope"])
    say("Agreed by", _signatures(found["agreed_by"]) if found["due"] else None)
    for gone in found["past"]:
        say("Earlier", f"due {spoken(gone['due'])}, {gone['why']}")
    if p := found["proposal"]:
        say("Proposed", _proposed(p))
        say("  because", p["reason"])
        say("  merging", f"{' and '.join(p['merges'])} once signed" if p["merges"] else None)
        say("  signed by", _signatures(p["signed"]) or "nobody yet")
    proposal = "Last proposal declined because" if found["status"] == "agreed" else ""
    say(proposal or "Declined because", found["declined_because"])
    say("Came from", " and ".join(found["came_from"]))
    if found["unsettled_parts"]:
        say("Being split into", " and ".join(found["being_split_into"]))
        say("  still to sign", " and ".join(found["unsettled_parts"]))
    for wait in found["waits_for"]:
        late = ", later than this one" if wait["too_late"] else ""
        say(
            "Waits for",
            f"{wait['deliverable']} {wait['title']}"
            + (f", due {spoken(wait['due'])}{late}" if wait["due"] else ""),
        )
    say("Awaited by", " and ".join(found["awaited_by"]))
    say("Feeds", " and ".join(found["feeds"]))
    kinds = found.get("kinds", {})
    for link in found["satisfies"]:
        label = "Done already for" if link["already_done"] else "Also satisfies"
        by = f" (says {link['said_by']})" if link["said_by"] else ""
        say(label, f"{kinds.get(link['what'], link['what'])}, {link['reference']}{by}")
    for sent in found["submissions"]:
        say("Submitted", f"{spoken(sent['on'])} by {sent['by']}: {sent['evidence']}")
    _say_ratings(found, say)
    for c in found["corrections"]:
        lines += correction_lines(c, "  ")
    return lines


def _signatures(signed: Mapping[str, str]) -> str:
    return " and ".join(f"{person} for the {_SIDES[side]}" for side, person in signed.items())


def _proposed(p: Mapping[str, Any]) -> str:
    return ", ".join(
        [
            *([repr(p["title"])] if p["title"] else []),
            *([lea_hours(p["hours"])] if p["hours"] is not None else []),
            *([f"scope {p['scope']!r}"] if p["scope"] else []),
            f"due {spoken(p['due'])}",
        ]
    )


def _say_ratings(found: Mapping[str, Any], say: Any) -> None:
    scale = found.get("scale", {})
    last = len(found["submissions"])
    for side, rating in found["ratings"].items():
        tags = ", ".join(
            f"{t} {scale.get(rating['tags'][t], rating['tags'][t]).lower()}"
            for t in TAGS
            if t in rating["tags"]
        )
        of = f" (of submission {rating['submission']})" if rating["submission"] != last else ""
        note = f" – {rating['note']}" if rating["note"] else ""
        say(f"Rated by the {_SIDES[side]}", f"{tags}{note}{of} ({rating['by']})")
    say("The two sides differ on", " and ".join(found["differences"]))


def correction_lines(c: Mapping[str, Any], indent: str = "") -> list[str]:
    """One course correction for reading."""
    about = f" after {c['deliverable']}" if c["deliverable"] and not indent else ""
    who = f"the {_SIDES[c['side']]} ({c['person']})"
    return [
        f"{indent}Course correction {c['correction']}, {spoken(c['on'])}{about}, from {who}",
        f"{indent}  Learned: {c['because']}",
        f"{indent}  Now: {c['change']}",
        f"{indent}  Evidence: {c['evidence']}",
    ]


def course_list(engagement: str, /, *, json_: Json = False) -> None:
    """Show every change of course of an engagement, oldest first.

    Args:
        engagement: The engagement's id, for example alder-creek-usd.
        json_: One JSON object a line.
    """

    async def work(door: "Door") -> tuple[list[dict[str, Any]], str, bool, Names]:
        state, _, _, zone = await _read(door, engagement, None, None)
        rows = [correction_data(e, s, zone) for e, s in state.of(Courses).all]
        names = Names(door)
        await names.learn(json.dumps(rows, default=_plain))
        invented = any(e.illustrative for e, _ in state.of(Courses).all)
        return rows, state.id, invented or state.of(Engagement).illustrative, names

    rows, one, illustrative, names = run(work)
    if json_:
        for row in rows:
            emit_json(names.throughout(row))
        return
    if not rows:
        print(f"{one} has recorded no change of course yet.")
    for row in rows:
        for line in correction_lines(row):
            print(names.told(line))
    say_if_illustrative(illustrative)
