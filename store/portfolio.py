"""The whole portfolio at once: from the read models for today, from the log for a day gone by."""

import json
from collections.abc import AsyncIterator
from datetime import datetime
from decimal import Decimal

from domain.engagement.state import Engagement
from domain.kernel.messages import Event, State
from domain.outlook.mix import Member
from domain.program.classification import LeaProfile
from domain.reminders import notices
from store.database import Connection, listed, queries
from store.errors import Unreadable
from store.events import as_true, folded, read_each

LEDGER = tuple(
    sorted(
        kind.type
        for kind in vars(notices).values()
        if isinstance(kind, type)
        and issubclass(kind, Event)
        and kind.__module__ == notices.__name__
    )
)
"""The events of reminders: most of what there is, and nothing but the ledger comes of them."""


async def states(
    connection: Connection,
    aggregate: str = "engagement",
    *,
    zone: str,
    known_by: datetime | None = None,
    true_by: datetime | None = None,
    left_out: list[Unreadable],
) -> AsyncIterator[State]:
    """Every stream of an aggregate as it stood, one after the other.

    Their ledgers are left out, and so is what was sealed about people.

    Args:
        left_out: Takes up those that cannot be read.
    """
    async for stream, history in read_each(
        connection, None, aggregate, without=LEDGER, known_by=known_by
    ):
        try:
            if isinstance(history, Unreadable):
                raise history
            state = folded(stream, as_true(history, true_by, zone) if true_by else history)
        except Unreadable as sick:
            left_out.append(sick)
            continue
        yield state


async def members(
    connection: Connection,
    *,
    zone: str,
    known_by: datetime | None,
    true_by: datetime | None,
    left_out: list[Unreadable],
) -> list[Member]:
    """Every engagement as the mix looks at it; one that was not open yet is left out."""
    if known_by is None and true_by is None:
        return [
            Member(row["lea"], row["lea_type"], row["phase"], _profile(row["profile"]),
                   row["illustrative"])
            for row in await listed(queries.members(connection))
        ]  # fmt: skip

    def then(aggregate: str) -> AsyncIterator[State]:
        return states(
            connection,
            aggregate,
            zone=zone,
            known_by=known_by,
            true_by=true_by,
            left_out=left_out,
        )

    profiles = {state.id: state.of(LeaProfile) async for state in then("lea")}
    found = []
    async for state in then("engagement"):
        of = state.of(Engagement)
        if of.phase is not None:
            profile = profiles.get(of.lea, LeaProfile())
            member = Member(of.lea, of.lea_type, of.phase, profile, of.illustrative)
            found.append((of.lea_name, state.id, member))
    return [member for _, _, member in sorted(found, key=lambda f: f[:2])]


def _profile(content: str | None) -> LeaProfile:
    said = json.loads(content) if content else {}
    share = said.get("unduplicated")
    return LeaProfile(
        said.get("locale"), said.get("region"), Decimal(share) if share is not None else None
    )
