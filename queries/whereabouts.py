"""Where deliverables are on a day, and with whom."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from domain.deliverables.proposing import Deliverables
from domain.deliverables.terms import Status, awaited
from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.outlook.whereabouts import whereabouts
from domain.owing.obligations import Side
from domain.policy.calendar import local_date
from queries.answers import Answer, Who, perhaps
from queries.clocks import end_of, not_to_come, zone_of
from queries.names import Names
from queries.refs import engagement_named, person_named
from queries.seen import seen
from queries.source import Source
from store.database import listed, queries


@dataclass(frozen=True)
class DeliverableThere(Answer):
    """One deliverable in a list of many: how it stands, when it is due, and with whom it is."""

    engagement: str
    lea_name: str
    lead: Who | None
    deliverable: str
    title: str
    status: Status
    due: date | None
    round: int
    hours: Decimal
    proposed_due: date | None
    unsigned: Sequence[Side]
    waits_on: Sequence[Side]
    held: bool
    illustrative: bool
    overdue: bool


async def deliverables_of(
    source: Source,
    engagement: str | None,
    known: date | None,
    true: date | None,
    *,
    status: Status | None = None,
    side: Side | None = None,
    overdue: bool = False,
    lead: str | None = None,
) -> tuple[list[DeliverableThere], date]:
    """Where deliverables are on a day, and with whom; and which day that is.

    Args:
        engagement: Only this engagement's; all of them if None.
        status: Only those that stand so.
        side: Only those that wait for this side.
        overdue: Only those that were to be handed in by then and are not.
        lead: Only those of engagements that this person leads.
    """
    zone = await zone_of(source)
    await not_to_come(source, zone, known, true)
    today = min(d for d in (known, true, local_date(await source.now(), zone.key)) if d)
    only = await engagement_named(source, engagement) if engagement is not None else None
    leads = (await person_named(source, lead)).id if lead is not None else None
    if known or true:
        rows = await _then(source, only, known, true, today)
    else:
        rows = await _now(source, only, today)
    rows = [
        row
        for row in rows
        if status in (None, row.status)
        and (side is None or side in row.waits_on)
        and (row.overdue or not overdue)
        and (leads is None or (row.lead is not None and row.lead.handle == leads))
    ]
    return await Names(source, known).given(rows), today


async def _now(source: Source, only: str | None, today: date) -> list[DeliverableThere]:
    async with source.pool.acquire() as connection:
        rows = await listed(queries.deliverables(connection, engagement=only, today=today))
    return [DeliverableThere(**{**row, "lead": perhaps(row["lead"])}) for row in rows]


async def _then(
    source: Source, only: str | None, known: date | None, true: date | None, today: date
) -> list[DeliverableThere]:
    """The same from the events, of each engagement that was open by then."""
    zone = await zone_of(source)
    found: list[DeliverableThere] = []

    def add(state: State) -> None:
        engagement = state.of(Engagement)
        found.extend(
            DeliverableThere(
                engagement=state.id,
                lea_name=engagement.lea_name,
                lead=perhaps(engagement.roles.get("lead")),
                overdue=d.overdue(today),
                **asdict(d),
            )
            for d in whereabouts(state)
        )

    if only is not None:
        add((await seen(source, only, known, true)).state)
    else:
        from store.portfolio import states  # It brings along what most questions do without.

        async with source.pool.acquire() as connection:
            async for state in states(
                connection,
                zone=zone.key,
                known_by=end_of(known, zone) if known else None,
                true_by=end_of(true, zone) if true else None,
                left_out=source.left_out,
            ):
                add(state)
    return sorted(found, key=lambda row: row.lea_name)


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
