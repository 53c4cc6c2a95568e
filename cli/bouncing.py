"""What became of each delivery, and the mail addresses that bounce."""

from typing import Any
from zoneinfo import ZoneInfo

from domain.kernel.messages import State
from domain.policy.calendar import local_date, spoken
from domain.reminders.bounces import Bounces


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
