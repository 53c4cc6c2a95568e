"""What became of each delivery, and the mail addresses that bounce."""

from collections.abc import Iterable
from typing import Any
from zoneinfo import ZoneInfo

from cli.asking import Names
from domain.bounces import Bounces
from domain.calendar import local_date, spoken
from domain.kernel import State


def fate(row: Any) -> str:
    """What became of a reminder: one that went and reached nobody has bounced."""
    ended = {d["outcome"] for d in row["deliveries"]}
    nobody = row["status"] == "sent" and "bounced" in ended and "sent" not in ended
    return "bounced" if nobody else str(row["status"])


def mentioned(rows: Iterable[Any]) -> list[str | None]:
    """Everybody whom the ledger names."""
    deliveries = [d for row in rows for d in row["deliveries"]]
    return [
        *(d[who] for d in deliveries for who in ("to", "instead_of")),
        *(row["item"] for row in rows),
    ]


def item_told(item: str, names: Names) -> str:
    """An item as people read it, with a handle for an id."""
    return names.told(item.replace("/p-", "/@p-"))


def delivery_as_data(delivery: dict[str, Any], names: Names) -> dict[str, Any]:
    """One notice to one person."""
    return {
        "to": names.handle(delivery["to"]),
        "instead_of": names.handle(delivery["instead_of"]),
        "outcome": delivery["outcome"],
        "at": delivery["at"],
        "message_id": delivery["message_id"],
        "detail": delivery["detail"],
    }


def delivery_as_text(delivery: dict[str, Any], names: Names) -> str:
    """The same for reading: why it did not arrive is said, that it did is not."""
    to = names.of(delivery["to"])
    if delivery["instead_of"]:
        to += f" instead of {names.of(delivery['instead_of'])}"
    if delivery["outcome"] == "sent":
        return to
    why = f": {delivery['detail']}" if delivery["detail"] else ""
    return f"{to} ({delivery['outcome']}{why})"


def as_data(state: State, zone: ZoneInfo) -> list[dict[str, Any]]:
    """The addresses that are known to be dead on an engagement."""
    return [
        {
            "person": b.person,
            "since": local_date(b.at, zone.key),
            "detail": b.detail,
            "find_by": b.find_by,
        }
        for b in state.of(Bounces).open.values()
    ]


def as_text(found: dict[str, Any]) -> list[str]:
    """The same for reading."""
    return [
        f"Mail to {a['person']} comes back since {spoken(a['since'])}: {a['detail']}"
        + (f"; right address by {spoken(a['find_by'])}" if a["find_by"] else "")
        for a in found["addresses"]
    ]
