"""Many engagements with something due on one morning, written without a command for each.

Used by the benchmarks and by the test that everybody gets one mail.
"""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from uuid import UUID, uuid5

from domain.deliverables.proposing import DeliverableAgreed, DeliverableProposed, DeliverableSigned
from domain.engagement.engagement import EngagementOpened
from domain.kernel.messages import Event
from domain.owing.obligations import Side
from domain.reminders.planning import reconcile
from domain.rules.context import Context
from domain.rules.registry import fold
from store.context import standing
from store.database import Connection, Pool
from store.events import Append, append
from store.projections import project
from store.vault import Vault

_COMMANDS = UUID("0d6f8c2e-8a56-5f0e-9d0b-3f6f3c1f7a51")
_AT_ONCE = 100
SIDES: tuple[Side, ...] = ("agency", "lea")


def _opening(lea: str, contact: str, lead: str, director: str, playbook: str) -> Event:
    return EngagementOpened(
        lea=lea,
        lea_name="Alder Creek Unified School District",
        lea_type="school_district",
        county="Manzanita",
        playbook=playbook,
        lead=lead,
        director=director,
        lea_contact=contact,
    )


def _agreed(item: str, due: date, contact: str, lead: str) -> list[Event]:
    signed = [
        DeliverableSigned(deliverable=item, side=side, person=person, due=due)
        for side, person in zip(SIDES, (lead, contact), strict=True)
    ]  # type: list[Event]
    return [
        DeliverableProposed(
            deliverable=item,
            title=f"Theory of action {item}",
            due=due,
            hours=Decimal(2),
            side="agency",
        ),
        *signed,
        DeliverableAgreed(deliverable=item, round=1, due=due),
    ]


async def write(
    pool: Pool,
    vault: Vault,
    now: datetime,
    *,
    engagements: int,
    contacts: Sequence[str],
    lead: str,
    director: str,
    lea: str,
    playbook: str,
    due: date,
    deliverables: int = 1,
    name: str = "morning",
) -> list[str]:
    """Write engagements whose deliverables are all due on one day; their ids.

    Args:
        now: The instant at which everything is agreed and its reminders are planned.
        contacts: Who answers for them at the LEA, taken in turn.
        deliverables: How many each engagement has.
    """
    made = []
    context: Context | None = None
    async with pool.acquire() as connection:
        for start in range(0, engagements, _AT_ONCE):
            async with connection.transaction():
                for number in range(start, min(start + _AT_ONCE, engagements)):
                    contact = contacts[number % len(contacts)]
                    events = [_opening(lea, contact, lead, director, playbook)]
                    for n in range(1, deliverables + 1):
                        events += _agreed(f"D{n}", due, contact, lead)
                    made.append(f"{name}-{number:05d}")
                    context = await _write(connection, vault, made[-1], events, lead, context, now)
    return made


async def _write(
    connection: Connection,
    vault: Vault,
    engagement: str,
    events: list[Event],
    actor: str,
    context: Context | None,
    now: datetime,
) -> Context:
    """Write one; its context, which is that of all the others as well."""
    stream = f"engagement:{engagement}"
    agreed = await append(
        connection,
        vault,
        Append(stream, 0, events, [now] * len(events)),
        command_id=uuid5(_COMMANDS, f"{engagement}/agreed"),
        actor=actor,
        now=now,
    )
    state = fold(stream, agreed)
    context = context or await standing(connection, state, now)
    plan = reconcile(state, context)
    planned = await append(
        connection,
        vault,
        Append(stream, state.version, plan, [now] * len(plan)),
        command_id=uuid5(_COMMANDS, f"{engagement}/planned"),
        actor=actor,
        now=now,
    )
    await project(connection, fold(stream, planned, state), [*agreed, *planned], context)
    return context
