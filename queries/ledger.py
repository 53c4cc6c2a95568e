"""What became of each reminder, and who read it."""

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from domain.kernel.refusals import Unknown, did_you_mean
from domain.owing.matter import matter_of
from domain.reminders.not_planned import items_of, why_unplanned
from domain.reminders.notices import Notices
from domain.reminders.planning import addressed
from domain.streams import id_of
from queries.clocks import local, zone_of
from queries.names import Names
from queries.refs import person_named, reminded_stream
from queries.source import Source
from store.context import standing
from store.database import listed, queries
from store.events import read_state

_PLANNED_WHEN = "They are planned once something is owed by a date."


def readers(row: dict[str, Any]) -> list[str]:
    """To whom a reminder went or was to go; where no mail took it, whom it addresses.

    A suppressed one keeps whom it was meant for, whoever holds the role since.
    """
    return [d["to"] for d in row["deliveries"]] or list(row["now_to"])


def outcome(row: dict[str, Any]) -> str:
    """Sent as soon as one of its readers got it; bounced where all that went came back."""
    went = [d["outcome"] for d in row["deliveries"] if d["outcome"] in ("sent", "bounced")]
    return "bounced" if went and "sent" not in went else str(row["status"])


def fate(row: dict[str, Any], reader: str | None, zone: ZoneInfo, now: datetime) -> str:
    """Whether one reader got it, when, and if not, why."""
    mine = next((d for d in row["deliveries"] if d["to"] == reader), None)
    if mine is None:
        if row["status"] == "suppressed":
            return f"not sent: {row['reason']} ({local(row['at'], zone)})"
        return "planned"
    at = local(datetime.fromisoformat(mine["at"]), zone) if mine["at"] else ""
    match mine["outcome"]:
        case "sent":
            return f"sent {at}"
        case "bounced":
            return f"bounced {at}: {mine['detail']}"
        case "dropped":
            return f"not sent: {mine['detail']} ({at})"
        case _:
            if mine["mail"]:
                return "in a mail on its way"
            # A weekly reader may have been told before its moment.
            return "planned" if row["planned_for"] > now else "waits for their next mail"


def as_data(row: dict[str, Any], names: Names) -> dict[str, Any]:
    """A reminder as plain data."""
    return {
        "planned_for": row["planned_for"],
        "item": names.told(row["item"]),
        "round": row["round"],
        "step": row["step"],
        "outcome": outcome(row),
        "reason": row["reason"],
        "at": row["at"],
        "to": [names.handle(p) for p in readers(row)],
        "deliveries": [_delivery(d, names) for d in row["deliveries"]],
    }


def _delivery(delivery: dict[str, Any], names: Names) -> dict[str, Any]:
    return {
        "to": names.handle(delivery["to"]),
        "instead_of": names.handle(delivery["instead_of"]) if delivery["instead_of"] else None,
        "outcome": delivery["outcome"],
        "at": delivery["at"],
        "detail": delivery["detail"] or None,
        "message_id": delivery["message_id"],
    }


async def ledger_of(
    source: Source, engagement: str, item: str | None, person: str | None
) -> tuple[dict[str, Any], Names]:
    """Every planned reminder and what became of it; people and items by id.

    Args:
        engagement: Whose: an engagement, or an appropriation.
        item: Only this item.
        person: Only what went, or was to go, to this person.

    Raises:
        Unknown: There is no such thing.
    """
    stream = await reminded_stream(source, engagement)
    one = id_of(stream)
    whose = await person_named(source, person) if person is not None else None
    who = whose.id if whose else None
    async with source.pool.acquire() as connection:
        every = await listed(queries.ledger(connection, stream=stream, item=None))
        state = await read_state(connection, source.vault, stream)
        context = await standing(connection, state, await source.now())
    names = Names(source)
    items = {r["item"] for r in every} | items_of(state, context)
    await names.learn(*items)
    told = {names.told(i): i for i in sorted(items)}
    wanted = next((told[i] for i in told if item and i.casefold() == item.casefold()), None)
    if item is not None and wanted is None:
        raise Unknown(
            f"{one} has no item {item!r}. {did_you_mean(item, told)}"
            f"What it has: {', '.join(told) or 'nothing yet'}."
        )
    found = [
        {**dict(r), "deliveries": json.loads(r["deliveries"])}
        for r in every
        if wanted in (None, r["item"])
    ]
    why = _PLANNED_WHEN if who is None else f"See those of everybody: handrail ledger {one}"
    if wanted is not None and not found:
        why = why_unplanned(wanted, state, context) or why
        why = names.told(f"No reminders were planned for {wanted}: {why}.")
    known = state.of(Notices).all
    for r in found:
        notice = known.get(r["n"])
        r["now_to"] = (
            list(addressed(notice, state, context)) if notice and not r["deliveries"] else []
        )
    if who is not None:
        found = [r for r in found if who in readers(r)]
        for r in found:
            r["deliveries"] = [d for d in r["deliveries"] if d["to"] == who]
            r["now_to"] = [p for p in r["now_to"] if p == who]
    await names.learn(*(p for r in found for p in readers(r)))
    await names.learn(*(d["instead_of"] for r in found for d in r["deliveries"] if d["instead_of"]))
    invented = matter_of(state, context).illustrative
    title = f"Reminders of {one}" + (f" to {whose.handle}" if whose else "")
    return {
        "title": title,
        "reminders": found,
        "why_none": why,
        "now": context.now,
        "zone": await zone_of(source),
        "illustrative": invented,
    }, names
