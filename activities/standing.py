"""How a stream stands, as every answer about it says: the workflow moves its timer there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from domain.engagement.state import Engagement, with_lea
from domain.envelope import Facets
from domain.kernel.messages import State
from domain.owing.matter import kind_of_stream, matter_of
from domain.owing.obligations import Obligation, next_due, owed_now
from domain.reminders.claiming import next_wake
from domain.rules.context import Context
from domain.summits.summits import Summit
from store.context import next_overview_moment
from store.database import Connection
from store.errors import Unreadable
from store.sick import note

UNKNOWN: dict[str, Any] = {"is_open": True, "next_wake": None}
"""How a stream stands that cannot be read."""


async def program_standing(connection: Connection, now: datetime) -> dict[str, Any]:
    """What a receipt says of the program: when its next overview is due."""
    try:
        async with connection.transaction():
            wake = await next_overview_moment(connection, now)
    except Unreadable as sick:
        await note(connection, sick)
        return UNKNOWN
    return {"is_open": wake is not None, "next_wake": wake}


def standing_of(
    state: State, context: Context, owed: Sequence[Obligation] | None = None
) -> dict[str, Any]:
    """What a receipt says of its stream as it stands, besides the answer.

    Args:
        owed: What is owed on it, where that is known already.
    """
    if kind_of_stream(state) == "summit":
        summit = state.of(Summit)
        return {
            "is_open": summit.is_open,
            "next_wake": summit.ends(context.zone) if summit.is_open else None,
            "facets": Facets(phase=summit.status if summit.first else None, next_due=summit.first),
        }
    state = with_lea(state, context.leas.get(state.of(Engagement).lea))
    engagement = state.of(Engagement)
    return {
        "is_open": matter_of(state, context).is_open,
        "next_wake": next_wake(state, context),
        "facets": Facets(
            phase=engagement.phase,
            lead=engagement.roles.get("lead"),
            county=engagement.county,
            lea_type=engagement.lea_type or None,
            next_due=next_due(owed_now(state, context) if owed is None else owed),
        ),
    }
