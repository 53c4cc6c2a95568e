"""The handover packet: everything about an engagement that its next Lead must know."""

import json
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from domain.coaching.contacts import Coaching
from domain.deliverables.proposing import Deliverables
from domain.engagement.burden import hours_asked
from domain.engagement.state import Engagement, with_lea
from domain.kernel.messages import State
from domain.kernel.refusals import Unknown
from domain.kernel.wording import texts
from domain.owing.obligations import obligations
from domain.policy.calendar import local_date
from domain.rules.registry import as_mended
from domain.team.handover import rules_of
from queries.answers import dumped
from queries.names import Names
from queries.refs import engagement_named
from queries.roles import absences
from queries.source import Source
from queries.whole import as_data
from store.context import standing
from store.database import listed, queries
from store.documents import program
from store.events import folded, read_stream

if TYPE_CHECKING:
    from domain.rules.context import Context


async def gathered(source: Source, engagement: str) -> dict[str, Any]:
    """The packet as data, with names for ids."""
    one = await engagement_named(source, engagement)
    stream = f"engagement:{one}"
    now = await source.now()
    async with source.pool.acquire() as connection:
        settings = await program(connection)
        zone = settings.zone if settings else "UTC"
        history = await read_stream(connection, source.vault, stream)
        state, history = folded(stream, history), [*as_mended(history)]
        context = await standing(connection, state, now)
        state = with_lea(state, context.leas.get(state.of(Engagement).lea))
        rows = await listed(queries.ledger(connection, stream=stream, item=None))
        lea = await queries.lea(connection, name=state.of(Engagement).lea)
        directory = {
            row["id"]: row for row in await listed(queries.people(connection, organisation=None))
        }
    if state.of(Engagement).phase is None:
        raise Unknown(f"There is no engagement {one!r}. See them all: handrail engagement list")
    today = local_date(now, zone)
    roles = state.of(Engagement).roles
    async with source.pool.acquire() as connection:
        away = await absences(connection, [(one, role, p) for role, p in roles.items()], today)
    absent = {role: {"left_on": a.left, "stands_in": a.stands_in} for (_, role), a in away.items()}
    found: dict[str, Any] = {
        "as_of": now.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M"),
        "zone": zone,
        "sandbox": source.sandbox,
        **as_data(state, ZoneInfo(zone)),
        "lea_type": state.of(Engagement).lea_type,
        "county": state.of(Engagement).county,
        "also_called": list(lea["aliases"]) if lea else [],
        "recess": [c for c in json.loads(lea["recess"]) if c["last"] >= today.isoformat()]
        if lea
        else [],
        "team": [
            {
                "role": role,
                "person": person,
                "mail": directory[person]["email"] if person in directory else None,
                "leaves": directory[person]["left_on"] if person in directory else None,
                **absent.get(role, {"left_on": None, "stands_in": None}),
            }
            for role, person in state.of(Engagement).roles.items()
        ],
        "waivers": [
            {"step": w.step, "reason": str(w.reason), "authority": w.authority}
            for w in state.of(Engagement).waived.values()
        ],
        **_to_come(state, context, today, absent),
        "reminders": _reminders(rows, state, context, today, ZoneInfo(zone)),
    }
    names = Names(source)
    await names.learn(*texts(dumped(found)))
    told: dict[str, Any] = names.throughout(found)
    return told


def _to_come(
    state: State, context: "Context", today: date, absent: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """What is owed, asked, under way, and what was talked about lately."""
    rules = rules_of(context)
    since = today - timedelta(days=rules.packet_contact_days) if rules else date.min
    open_ = state.of(Engagement).is_open
    return {
        "owed": [
            {
                "item": o.item,
                "title": o.title,
                "due": o.due,
                "side": o.side,
                "owner": state.of(Engagement).roles.get(o.owner, f"nobody ({o.owner})"),
                **absent.get(o.owner, {"left_on": None, "stands_in": None}),
                "held": o.held,
                "ask": o.ask,
                "command": o.command,
            }
            for o in sorted(obligations(state, context), key=lambda o: (o.due or date.max, o.item))
            if open_ and o.settled is None
        ],
        "asked": [
            {"item": a.item, "title": a.title, "on": a.on, "hours": a.hours, "agreed": a.agreed}
            for a in hours_asked(state)
            if a.on >= today
        ],
        "signatures_pending": [
            {
                "deliverable": d.id,
                "proposed_due": d.proposal.due,
                "missing": [s for s in ("agency", "lea") if s not in d.proposal.signed],
            }
            for d in state.of(Deliverables).all.values()
            if d.proposal
        ],
        "coaching_contacts": [
            {
                "on": c.on,
                "kind": c.kind,
                "coach": c.coach,
                "with": list(c.people),
                "for": str(c.purpose),
                "note": str(c.note) if c.note else None,
            }
            for c in state.of(Coaching).contacts
            if c.on >= since
        ],
    }


def _reminders(
    rows: Iterable[Any], state: State, context: "Context", today: date, zone: ZoneInfo
) -> list[dict[str, Any]]:
    """The ledger of the last days, and what is planned."""
    rules = rules_of(context)
    since = today - timedelta(days=rules.packet_ledger_days) if rules else date.min

    def local(instant: datetime) -> str:
        return instant.astimezone(zone).strftime("%Y-%m-%d %H:%M")

    return [
        {
            "planned_for": local(row["planned_for"]),
            "item": row["item"],
            "step": row["step"],
            "outcome": row["status"],
            "reason": row["reason"],
            "to": [d["to"] for d in json.loads(row["deliveries"]) if d["mail"]],
        }
        for row in rows
        if row["planned_for"].astimezone(zone).date() >= since
    ]
