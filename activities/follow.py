"""Follows the log: a changed calendar, recess or summit reaches every stream it concerns."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

import structlog
from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
    WorkflowUpdateRPCTimeoutOrCancelledError,
)
from temporalio.service import RPCError

from activities.dispatch import send
from activities.record import Clock
from activities.stopping import unless_told_to_stop
from domain.bounces import SettleAddress, item_of
from domain.context import SYSTEM
from domain.engagement import EngagementOpened
from domain.following import TakeOverSummit
from domain.kernel import Command, Recorded
from domain.lea_days import LeaRestsAgain, LeaWorksOnRestDay, RecessTakenBack
from domain.leas import LeaChanged, RecessSet
from domain.leaving import PersonLeft, PersonReturned
from domain.mending import EntryMended
from domain.messages import Envelope
from domain.notices import NoticesPlanned, NoticesSuppressed, ReconcileNotices
from domain.people import PersonChanged, PersonRegistered
from domain.personal import Sealed
from domain.policy import CalendarPublished, PlaybookPublished
from domain.program import LookAhead
from domain.summits import SummitCancelled, SummitHeld, SummitRescheduled
from store.context import program, staff
from store.database import AWAY, Connection, Pool, listed, queries
from store.events import Checkpoint, UnknownEvent, read_log
from store.liveness import FOLLOWER
from store.turns import FOLLOWING, turn
from store.vault import Vault

log = structlog.get_logger()

_POLL_SECONDS = 0.1
_REST_SECONDS = 2.0
"""After an interruption."""
_FOLLOWED = uuid5(NAMESPACE_URL, "tag:handrail,2026:followed")


class Follower:
    """Reads the log from its checkpoint, for as long as the worker lives."""

    def __init__(self, pool: Pool, vault: Vault, clock: Clock, client: Client) -> None:
        self._pool = pool
        self._vault = vault
        self._clock = clock
        self._client = client

    async def follow(self) -> None:
        """Follow for ever; what cannot be reached now is tried again."""
        while True:
            try:
                async with self._pool.acquire() as connection, turn(connection, FOLLOWING) as ours:
                    while await ours.is_ours(connection):
                        await self.catch_up(connection)
                        await asyncio.sleep(_POLL_SECONDS)
            except (
                *AWAY,
                RPCError,
                WorkflowUpdateFailedError,
                WorkflowUpdateRPCTimeoutOrCancelledError,
            ) as away:
                unless_told_to_stop(away)
                log.warning("follower_interrupted", why=type(away).__name__)
            except UnknownEvent as newer:
                unless_told_to_stop(newer)
                # During an upgrade a newer worker follows; this one only must not stop working.
                log.warning("follower_outdated", why=str(newer))
            await asyncio.sleep(_REST_SECONDS)

    async def catch_up(self, connection: Connection) -> None:
        """Deal with everything since the checkpoint; dealing with it twice changes nothing."""
        async for reached, envelopes in news(connection, self._vault, self._clock):
            for envelope in envelopes:
                await send(self._client, envelope)
            await queries.put_checkpoint(
                connection, reader=FOLLOWER, xact_id=reached.xact_id, position=reached.position
            )


async def news(
    connection: Connection, vault: Vault, clock: Clock
) -> AsyncIterator[tuple[Checkpoint, list[Envelope]]]:
    """What the log after the checkpoint asks for, page by page, each with the checkpoint to keep.

    The ids of the commands follow from the events, so that giving one again changes nothing.
    """
    row = await queries.checkpoint(connection, reader=FOLLOWER)
    start = Checkpoint(row["xact_id"], row["position"]) if row else Checkpoint()
    async for reached, page in read_log(connection, vault, start):
        envelopes = []
        for recorded in page:
            for command in await _called_for(connection, recorded):
                about = command.stream(_FOLLOWED)
                place = f"{recorded.stamp.stream}@{recorded.stamp.version}/{about}"
                if isinstance(command, SettleAddress):
                    place += "/address"
                envelopes.append(
                    Envelope.of(
                        command,
                        command_id=uuid5(_FOLLOWED, place),
                        actor=SYSTEM,
                        issued_at=await clock.now(),
                        causation_id=recorded.stamp.command_id,
                    )
                )
        yield reached, envelopes


async def _called_for(connection: Connection, recorded: Recorded) -> Sequence[Command]:
    """What a fact asks of other streams, one command for each."""
    match recorded.event:
        case EngagementOpened():
            return [LookAhead()]
        case SummitRescheduled() | SummitCancelled() | SummitHeld():
            summit = recorded.stamp.stream.partition(":")[2]
            return [
                TakeOverSummit(summit=summit, engagement=engagement)
                for engagement in recorded.event.invited
            ]
        case _:
            return [
                *await _mended(connection, recorded),
                *(ReconcileNotices(of=stream) for stream in await _concerned(connection, recorded)),
            ]


async def _mended(connection: Connection, recorded: Recorded) -> list[SettleAddress]:
    """Where it is still to be found out how to write to somebody, and now is known."""
    person = recorded.stamp.stream.partition(":")[2]
    match recorded.event:
        case PersonChanged(email=Sealed()):
            why: Literal["changed", "left"] = "changed"
        case PersonLeft():
            why = "left"
        case _:
            return []
    rows = await listed(queries.streams_with_dead_address(connection, item=item_of(person)))
    return [SettleAddress(of=row["stream"], person=person, why=why) for row in rows]


def _of(recorded: Recorded) -> str:
    return recorded.stamp.stream.partition(":")[2]


async def _money(connection: Connection) -> list[str]:
    """Every appropriation of which something must be committed."""
    rows = await listed(queries.running_appropriations(connection))
    return [f"appropriation:{row['id']}" for row in rows]


async def _concerned(connection: Connection, recorded: Recorded) -> list[str]:
    """The streams whose notices a fact may move."""
    match recorded.event:
        case EntryMended() if recorded.stamp.stream.startswith("person:"):
            person = _of(recorded)
            held_now = await listed(queries.held_roles(connection, person=person))
            telling = await listed(queries.streams_telling(connection, person=person))
            roles = [f"engagement:{row['engagement']}" for row in held_now]
            return [*dict.fromkeys([*roles, *(row["stream"] for row in telling)])]
        case EntryMended() if not recorded.stamp.stream.startswith("lea:"):
            return []
        case (
            RecessSet()
            | RecessTakenBack()
            | LeaWorksOnRestDay()
            | LeaRestsAgain()
            | LeaChanged()
            | EntryMended()
        ):
            # A recess moves what is due; another county is to be searched for.
            lea = recorded.stamp.stream.partition(":")[2]
            rows = await listed(queries.engagements_of_lea(connection, lea=lea))
            return [f"engagement:{row['id']}" for row in rows if row["ended_at"] is None]
        case PersonLeft() | PersonReturned():
            person = recorded.stamp.stream.partition(":")[2]
            rows = await listed(queries.streams_telling(connection, person=person))
            return [row["stream"] for row in rows]
        case PersonChanged(digest=rhythm, staff_roles=roles) if rhythm or roles is not None:
            # Whoever goes from weekly to daily, or back, is told at other moments from now on, and
            # so is whoever becomes a Director.
            person = recorded.stamp.stream.partition(":")[2]
            rows = await listed(queries.held_roles(connection, person=person)) if rhythm else []
            held = dict.fromkeys(f"engagement:{row['engagement']}" for row in rows)
            is_staff = person in await staff(connection)
            return [*held, *(await _money(connection) if is_staff else [])]
        case PersonRegistered(digest="weekly", staff_roles=roles) if "director" in roles:
            return await _money(connection)
        case CalendarPublished():
            rows = await listed(queries.running_engagements(connection))
            return [*(f"engagement:{row['id']}" for row in rows), *await _money(connection)]
        case PlaybookPublished(playbook=published):
            settings = await program(connection)
            newest = settings is not None and published.id == settings.playbook.partition("@")[0]
            return await _money(connection) if newest else []
        case NoticesPlanned() | NoticesSuppressed():
            # An investment on some engagement moved them: its workflow must learn when it wakes.
            stream = recorded.stamp.stream
            return [stream] if stream.startswith("appropriation:") else []
        case _:
            return []
