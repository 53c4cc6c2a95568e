"""The mail addresses that bounce."""

from typing import Any
from zoneinfo import ZoneInfo

from domain.kernel.messages import State
from domain.policy.calendar import local_date
from domain.reminders.bounces import Bounces


def section(state: State, zone: ZoneInfo) -> dict[str, Any]:
    """What `engagement show` says of them."""
    dead = [
        {
            "person": b.person,
            "since": local_date(b.at, zone.key),
            "detail": b.detail,
            "find_by": b.find_by,
        }
        for b in state.of(Bounces).open.values()
    ]
    return {"addresses": dead}
