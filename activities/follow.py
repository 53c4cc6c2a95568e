"""Follows the log: a changed calendar, recess or summit reaches every stream it concerns."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Literal
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from temporalio.client import (
    Client,
    WorkflowUpdateFailedError,
)

from activities.clock import Clock
from activities.dispatch import NO_ANSWER, Undecided, hand_on, send, was_set_aside
from activities.erasing import take_out_rest
from activities.turns import in_turn
from activities.undecided import is_passing
from domain.engagement.engagement import EngagementOpened
from domain.envelope import Envelope
from domain.kernel.messages import Command, Recorded
from domain.kernel.sealed import Sealed
from domain.mending import EntryMended
from domain.program.lea_days import LeaRestsAgain, LeaWorksOnRestDay, RecessTakenBack
from domain.program.leas import LeaChanged, RecessSet
from domain.program.leaving import PersonLeft, PersonReturned
from domain.program.people import PersonChanged, PersonRegistered
from domain.program.program import LookAhead
from domain.program.publishing import CalendarPublished, PlaybookPublished
from domain.reminders.bounces import SettleAddress, item_of
from domain.reminders.notices import NoticesPlanned, NoticesSuppressed, ReconcileNotices
from domain.streams import aggregate_of, id_of, stream_of
from domain.summits.following import TakeOverSummit
from domain.summits.summits import ConcludeSummit, SummitCancelled, SummitHeld, SummitRescheduled
from store import defects
from store.context import staff
from store.database import AWAY, Connection, Pool, listed, queries
from store.documents import program
from store.errors import ForeignKey, Unreadable
from store.events import Checkpoint, read_log, read_stream
from store.liveness import FOLLOWER
from store.sick import examine, note, sickness
from store.turns import FOLLOWING
from store.vault import Vault

log = structlog.get_logger()

_POLL_SECONDS = 0.1
_LOOK_AGAIN_SECONDS = 5.0
"""At what could not be read."""
OVERSLEPT = timedelta(minutes=10)
"""How long after its moment a stream is woken: what has gone out by then looks again by itself."""
_WAKE_AGAIN_SECONDS = 3600.0
"""Until the same moment is a reason to wake a stream once more: it may wait for a mail server."""
_FOLLOWED = uuid5(NAMESPACE_URL, "tag:handrail,2026:followed")


class Follower:
    """Reads the log from its checkpoint, for as long as the worker lives."""

    def __init__(self, pool: Pool, vault: Vault, clock: Clock, client: Client) -> None:
        self._pool = pool
        self._vault = vault
        self._clock = clock
        self._client = client
        self._looked_at: float | None = None
        self._woken: dict[tuple[str, datetime], float] = {}

    async def follow(self) -> None:
        """Follow for ever; what cannot be reached now is tried again."""
        away = (*AWAY, *NO_ANSWER, ForeignKey)
        await in_turn(self._pool, FOLLOWING, self.catch_up, poll_seconds=_POLL_SECONDS, away=away)

    async def catch_up(self, connection: Connection) -> None:
        """Deal with everything since the checkpoint; dealing with it twice changes nothing.

        What cannot be decided is noted, and holds up nothing else.
        """
        if self._looked_at is None or monotonic() - self._looked_at > _LOOK_AGAIN_SECONDS:
            await self.look_again(connection)
            self._looked_at = monotonic()
        async for reached, envelopes in news(connection, self._vault, self._clock):
            for envelope in envelopes:
                await self._hand_on(connection, envelope)
            await queries.put_checkpoint(
                connection, reader=FOLLOWER, xact_id=reached.xact_id, position=reached.position
            )

    async def _hand_on(self, connection: Connection, envelope: Envelope) -> bool:
        """Send a command on; one that cannot be decided is noted with what asks for it."""
        try:
            await hand_on(self._client, envelope)
        except (Undecided, WorkflowUpdateFailedError) as defect:
            if is_passing(defect):
                raise
            cause, stream = str(envelope.causation_id), envelope.stream
            if isinstance(defect, WorkflowUpdateFailedError):
                await defects.note(
                    connection, "news", cause, defect, stream=stream, about=envelope.kind
                )
            log.warning("news_undecided", stream=stream, cause=cause)
            return False
        return True

    async def _hand_on_again(self, connection: Connection) -> None:
        """Send once more what could not be decided: a newer release may be able to."""
        for defect in await defects.defects(connection):
            if defect.kind != "news":
                continue
            done = True
            for row in await listed(queries.facts_of_command(connection, id=UUID(defect.place))):
                recorded, *_ = await read_stream(
                    connection, self._vault, row["stream"], after=row["version"] - 1
                )
                asked = await asked_for(connection, recorded, self._clock)
                if isinstance(asked, Unreadable):
                    done = False
                    continue
                done = all([await self._hand_on(connection, one) for one in asked]) and done
            if done:
                await defects.mend(connection, "news", defect.place)

    async def look_again(self, connection: Connection) -> None:
        """Look at what could not be read or decided; what it is owed is dealt with then."""
        await self._hand_on_again(connection)
        await self._wake_the_overslept(connection)
        for row in await listed(queries.streams_to_look_at(connection)):
            stream = row["stream"]
            if sick := await examine(connection, self._vault, stream):
                if row["since"] is None:
                    await note(connection, sick)
                continue
            if await self._made_up_for(connection, stream, row["since"]):
                await defects.mend(connection, "stream", stream)
                log.info("readable_again", stream=stream)

    async def _wake_the_overslept(self, connection: Connection) -> None:
        """Wake every stream whose moment has long passed.

        Its workflow may not know of it: an engine that was lost between the record of a command
        and the word of it has a workflow that waits for another moment, or none at all.
        """
        now = await self._clock.now()
        awake = monotonic() - _WAKE_AGAIN_SECONDS
        self._woken = {moment: at for moment, at in self._woken.items() if at > awake}
        rows = await listed(
            queries.overslept(connection, sandbox_now=now, seconds=OVERSLEPT.total_seconds())
        )
        for row in rows:
            stream, moment = row["stream"], row["next_wake"]
            command = waking(stream)
            if (stream, moment) in self._woken or command is None:
                continue
            self._woken[stream, moment] = monotonic()
            log.warning("stream_overslept", stream=stream, moment=moment.isoformat())
            place = f"{stream}/overslept/{moment.isoformat()}"
            envelope = Envelope.by_system(command, uuid5(_FOLLOWED, place), now)
            await self._hand_on(connection, envelope)

    async def _made_up_for(
        self, connection: Connection, stream: str, since: datetime | None
    ) -> bool:
        """Whether all that a stream is owed could be given, its next moment included."""
        if aggregate_of(stream) == "mail":
            await take_out_rest(connection, self._vault, UUID(id_of(stream)))
        done = True
        for row in await listed(queries.owed_commands(connection, stream=stream)):
            envelope = Envelope.model_validate_json(row["envelope"])
            if was_set_aside(await send(self._client, envelope)):
                done = False
                continue
            await queries.command_given(connection, command_id=row["command_id"])
        for row in await listed(queries.passed_over(connection, stream=stream)):
            if await self._dealt_with(connection, stream, row["version"]):
                await queries.dealt_with(connection, stream=stream, version=row["version"])
            else:
                done = False
        if done and since is not None and (command := waking(stream)):
            command_id = uuid5(_FOLLOWED, f"{stream}/readable/{since.isoformat()}")
            now = await self._clock.now()
            await send(self._client, Envelope.by_system(command, command_id, now))
        return done

    async def _dealt_with(self, connection: Connection, stream: str, version: int) -> bool:
        """Whether an event that was passed over could be dealt with now."""
        # Where a restore took it away there is nothing to deal with.
        for recorded in (await read_stream(connection, self._vault, stream, after=version - 1))[:1]:
            asked = await asked_for(connection, recorded, self._clock)
            if isinstance(asked, Unreadable):
                await note(connection, asked)
                return False
            for envelope in asked:
                await send(self._client, envelope)
        return True


def waking(stream: str) -> Command | None:
    """What has a stream's workflow learn when it must wake; None for what has none."""
    match aggregate_of(stream):
        case "engagement" | "appropriation":
            return ReconcileNotices(of=stream)
        case "summit":
            return ConcludeSummit(summit=id_of(stream))
        case "mail" | "receipt":
            return None
        case _:
            return LookAhead()


async def news(
    connection: Connection, vault: Vault, clock: Clock
) -> AsyncIterator[tuple[Checkpoint, list[Envelope]]]:
    """What the log after the checkpoint asks for, page by page, each with the checkpoint to keep.

    The ids of the commands follow from the events, so that giving one again changes nothing.  An
    event that cannot be read, or of which nobody can tell what it asks for, is noted and passed
    over: it is dealt with once it can be.

    An event that asks for nothing costs the store no call: a page must pass between two failures.
    """
    row = await queries.checkpoint(connection, reader=FOLLOWER)
    start = Checkpoint(row["xact_id"], row["position"]) if row else Checkpoint()
    async for reached, page in read_log(connection, vault, start):
        envelopes: list[Envelope] = []
        for one in page:
            asked = one if isinstance(one, Unreadable) else await asked_for(connection, one, clock)
            if not isinstance(asked, Unreadable):
                envelopes += asked
                continue
            stream, version = (
                (one.stream, one.version)
                if isinstance(one, Unreadable)
                else (one.stamp.stream, one.stamp.version)
            )
            log.warning("event_passed_over", stream=stream, version=version, why=asked.why)
            async with connection.transaction():
                await note(connection, asked)
                await queries.pass_over(connection, stream=stream, version=version)
        yield reached, envelopes


async def asked_for(
    connection: Connection, recorded: Recorded, clock: Clock
) -> list[Envelope] | Unreadable:
    """What a fact asks of other streams, as commands; or why nobody can tell."""
    try:
        commands = await _called_for(connection, recorded)
    except Exception as problem:
        sick = sickness(problem, recorded.stamp.stream)
        if sick is None:
            raise
        return sick
    envelopes = []
    for command in commands:
        about = command.stream(_FOLLOWED)
        place = f"{recorded.stamp.stream}@{recorded.stamp.version}/{about}"
        if isinstance(command, SettleAddress):
            place += "/address"
        envelopes.append(
            Envelope.by_system(
                command, uuid5(_FOLLOWED, place), await clock.now(), recorded.stamp.command_id
            )
        )
    return envelopes


async def _called_for(connection: Connection, recorded: Recorded) -> Sequence[Command]:
    """What a fact asks of other streams, one command for each."""
    match recorded.event:
        case EngagementOpened():
            return [LookAhead()]
        case SummitRescheduled() | SummitCancelled() | SummitHeld():
            summit = id_of(recorded.stamp.stream)
            return [
                TakeOverSummit(summit=summit, engagement=engagement)
                for engagement in recorded.event.invited
            ]
        case EntryMended() if aggregate_of(recorded.stamp.stream) == "summit":
            summit = id_of(recorded.stamp.stream)
            rows = await listed(queries.invitations_to(connection, summit=summit))
            return [TakeOverSummit(summit=summit, engagement=row["engagement"]) for row in rows]
        case _:
            return [
                *await _mended(connection, recorded),
                *(ReconcileNotices(of=stream) for stream in await _concerned(connection, recorded)),
            ]


async def _mended(connection: Connection, recorded: Recorded) -> list[SettleAddress]:
    """Where it is still to be found out how to write to somebody, and now is known."""
    person = id_of(recorded.stamp.stream)
    match recorded.event:
        case PersonChanged(email=Sealed()):
            why: Literal["changed", "left"] = "changed"
        case PersonLeft():
            why = "left"
        case _:
            return []
    rows = await listed(queries.streams_with_dead_address(connection, item=item_of(person)))
    return [SettleAddress(of=row["stream"], person=person, why=why) for row in rows]


async def _money(connection: Connection) -> list[str]:
    """Every appropriation of which something must be committed."""
    rows = await listed(queries.running_appropriations(connection))
    return [stream_of("appropriation", row["id"]) for row in rows]


async def _concerned(connection: Connection, recorded: Recorded) -> list[str]:
    """The streams whose notices a fact may move."""
    match recorded.event:
        case EntryMended() if aggregate_of(recorded.stamp.stream) == "person":
            person = id_of(recorded.stamp.stream)
            held_now = await listed(queries.held_roles(connection, person=person))
            telling = await listed(queries.streams_telling(connection, person=person))
            roles = [stream_of("engagement", row["engagement"]) for row in held_now]
            return [*dict.fromkeys([*roles, *(row["stream"] for row in telling)])]
        case EntryMended() if aggregate_of(recorded.stamp.stream) != "lea":
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
            lea = id_of(recorded.stamp.stream)
            rows = await listed(queries.engagements_of_lea(connection, lea=lea))
            return [stream_of("engagement", row["id"]) for row in rows if row["ended_at"] is None]
        case PersonLeft() | PersonReturned():
            person = id_of(recorded.stamp.stream)
            rows = await listed(queries.streams_telling(connection, person=person))
            return [row["stream"] for row in rows]
        case PersonChanged(digest=rhythm, staff_roles=roles) if rhythm or roles is not None:
            # Whoever goes from weekly to daily, or back, is told at other moments from now on, and
            # so is whoever becomes a Director.
            person = id_of(recorded.stamp.stream)
            rows = await listed(queries.held_roles(connection, person=person)) if rhythm else []
            held = dict.fromkeys(stream_of("engagement", row["engagement"]) for row in rows)
            is_staff = person in await staff(connection)
            return [*held, *(await _money(connection) if is_staff else [])]
        case PersonRegistered(digest="weekly", staff_roles=roles) if "director" in roles:
            return await _money(connection)
        case CalendarPublished():
            rows = await listed(queries.running_engagements(connection))
            return [
                *(stream_of("engagement", row["id"]) for row in rows),
                *await _money(connection),
            ]
        case PlaybookPublished(playbook=published):
            settings = await program(connection)
            newest = settings is not None and published.id == settings.playbook.partition("@")[0]
            return await _money(connection) if newest else []
        case NoticesPlanned() | NoticesSuppressed():
            # An investment on some engagement moved them: its workflow must learn when it wakes.
            stream = recorded.stamp.stream
            return [stream] if aggregate_of(stream) == "appropriation" else []
        case _:
            return []
