"""The ledger: did somebody get a reminder, when, and if not, why."""

import json
from collections import Counter
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cli.asking import Json, Names, counted, person_named, reminded_stream, run, say_if_illustrative
from cli.output import emit_json, emit_table
from cli.reading import Who, _zone
from cli.verbs import Verbs
from domain.kernel.refusals import Unknown, did_you_mean
from domain.owing.matter import matter_of
from domain.reminders.not_planned import items_of, why_unplanned
from domain.reminders.notices import Notices
from domain.reminders.planning import addressed

if TYPE_CHECKING:
    from bootstrap.door import Door

NOBODY: tuple[str | None, ...] = (None,)
_PLANNED_WHEN = "They are planned once something is owed by a date."


def register(app: Verbs) -> None:
    """Add the ledger."""
    app.command(ledger)


def ledger(
    engagement: str,
    /,
    *,
    item: str | None = None,
    person: Who = None,
    json_: Json = False,
) -> None:
    """Show every planned reminder of an engagement and what became of it, a line a reader.

    Args:
        engagement: The engagement's id, or any name of its LEA; or an appropriation's id.
        item: Only this item, for example D1.
        person: Only what went, or was to go, to this person.
        json_: One JSON object a line.
    """

    async def work(
        door: "Door",
    ) -> tuple[list[dict[str, Any]], Names, ZoneInfo, str, datetime, str, bool]:
        from store.context import standing
        from store.database import listed, queries
        from store.events import read_state

        stream = await reminded_stream(door, engagement)
        one = stream.partition(":")[2]
        whose = await person_named(door, person) if person is not None else None
        who = whose.id if whose else None
        async with door.pool.acquire() as connection:
            every = await listed(queries.ledger(connection, stream=stream, item=None))
            state = await read_state(connection, door.vault, stream)
            context = await standing(connection, state, await door.now())
        names = Names(door)
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
        await names.learn(
            *(d["instead_of"] for r in found for d in r["deliveries"] if d["instead_of"])
        )
        invented = matter_of(state, context).illustrative
        title = f"Reminders of {one}" + (f" to {whose.handle}" if whose else "")
        return found, names, await _zone(door), title, context.now, why, invented

    rows, names, zone, title, now, why, invented = run(work)
    if json_:
        for r in rows:
            emit_json(as_data(r, names))
        return
    emit_table(
        title,
        ("Planned for", "Item", "Round", "Step", "To", "What became of it"),
        [
            (
                _local(r["planned_for"], zone),
                names.told(r["item"]),
                r["round"],
                r["step"],
                _reader(r, reader, names, now.astimezone(zone).date()),
                fate(r, reader, zone, now),
            )
            for r in rows
            for reader in (readers(r) or NOBODY)
        ],
        empty=why,
    )
    if not rows:
        return
    counts = Counter(_outcome(r) for r in rows)
    print(
        f"{counted(len(rows), 'reminder')}: "
        + ", ".join(f"{n} {what}" for what, n in counts.items())
    )
    say_if_illustrative(invented)


def _reader(row: dict[str, Any], reader: str | None, names: Names, today: date) -> str:
    """Who a line is about, and in whose place they get it."""
    if reader is None:
        return "nobody"
    mine = next((d for d in row["deliveries"] if d["to"] == reader), None)
    other = mine["instead_of"] if mine else None
    return names.now(reader, today) + (f" for {names.now(other, today)}" if other else "")


def readers(row: dict[str, Any]) -> list[str]:
    """To whom a reminder went or was to go; where no mail took it, whom it addresses.

    A suppressed one keeps whom it was meant for, whoever holds the role since.
    """
    return [d["to"] for d in row["deliveries"]] or list(row["now_to"])


def _outcome(row: dict[str, Any]) -> str:
    """Sent as soon as one of its readers got it; bounced where all that went came back."""
    went = [d["outcome"] for d in row["deliveries"] if d["outcome"] in ("sent", "bounced")]
    return "bounced" if went and "sent" not in went else str(row["status"])


def fate(row: dict[str, Any], reader: str | None, zone: ZoneInfo, now: datetime) -> str:
    """Whether one reader got it, when, and if not, why."""
    mine = next((d for d in row["deliveries"] if d["to"] == reader), None)
    if mine is None:
        if row["status"] == "suppressed":
            return f"not sent: {row['reason']} ({_local(row['at'], zone)})"
        return "planned"
    at = _local(datetime.fromisoformat(mine["at"]), zone) if mine["at"] else ""
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
        "outcome": _outcome(row),
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


def _local(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%a %Y-%m-%d %H:%M}"
