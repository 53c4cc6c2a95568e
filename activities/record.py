"""Records commands: load, fold, decide, reconcile, append, in one PostgreSQL transaction."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import structlog

from activities.clock import Clock
from activities.sealing import NamesTheErased, about_words, is_sealed, opened, sealed_answer
from activities.standing import UNKNOWN, program_standing, standing_of
from activities.writing import Outcome, Writer
from domain.envelope import Envelope, Receipt, Told
from domain.kernel.clocks import TOLERANCE_SECONDS, hold_together
from domain.kernel.refusals import (
    Ambiguous,
    Refused,
    ReusedCommandId,
    Sick,
    StorePutBack,
    Unknown,
)
from domain.kernel.sealed import Sealed
from domain.program.leas import RegisterLea
from domain.rules.context import SYSTEM
from domain.rules.registry import COMMANDS
from domain.streams import PROGRAM, engagement_of, host_workflow_id, subject_of
from domain.summits.summits import ConcludeSummit
from store import defects
from store.context import standing
from store.database import Connection, Pool, is_outage, queries
from store.defects import NOBODY, Kind, problem_of, without_names
from store.errors import ForeignKey, Unreadable, VaultError
from store.events import Conflict, read_state
from store.finding import canonical_stream
from store.past import typed
from store.receipts import kept_receipt, place, receipt_from_log
from store.sick import note, sickness
from store.start import Start
from store.vault import Vault, remembering

log = structlog.get_logger()

T = TypeVar("T")

PUT_BACK = (
    "Not recorded: the database was put back to a state from before something that was answered "
    "here, so what would be decided on is not what people were told. Nothing goes on until "
    "`handrail admin recover` has brought both together; `handrail doctor` says which commands "
    "are missing. Then give this one again."
)

_ATTEMPTS = 20
"""Writers of one stream take turns through its workflow; only digests and imports collide."""


class Record:
    """The one writer of events."""

    def __init__(
        self, pool: Pool, vault: Vault, clock: Clock, tolerance_seconds: int = TOLERANCE_SECONDS
    ) -> None:
        self._pool = pool
        self._vault = vault
        self._clock = clock
        self._tolerance_seconds = tolerance_seconds
        self._writer = Writer(vault, clock)

    async def execute(self, envelope: Envelope, told: Told | None = None) -> Receipt:
        """Answer one command: the same id again gets the first answer and writes nothing.

        A command that came sealed is answered sealed.

        Args:
            told: The last event that whoever asks was told of.
        """
        given = envelope

        async def once(connection: Connection) -> Receipt:
            nonlocal given
            given = envelope
            start = await self._writer.start(connection, envelope, told)
            if start.receipt is None and start.lacks_told:
                # No receipt is kept: brought together again, the store takes the same command.
                return await self._refused(connection, envelope, StorePutBack(PUT_BACK))
            if not is_sealed(envelope.body):
                return await self._answer(connection, envelope, start)
            try:
                given = await opened(connection, self._vault, envelope)
            except NamesTheErased as refusal:
                receipt = await self._earlier(connection, envelope, refusal)
            else:
                receipt = await self._answer(connection, given, start)
            return await sealed_answer(connection, self._vault, receipt)

        try:
            receipt = await self.in_transaction(once)
        except (Unreadable, VaultError) as problem:
            # All of it is undone; what is noted instead is noted in a transaction of its own.
            found = problem

            async def aside(connection: Connection) -> Receipt:
                receipt = await self._set_aside(connection, given, found)
                if not is_sealed(envelope.body):
                    return receipt
                return await sealed_answer(connection, self._vault, receipt)

            receipt = await self.in_transaction(aside)
        log.info(
            "command_answered",
            command=str(envelope.command_id),
            # As answered: as addressed it may carry a handle.
            stream=receipt.stream,
            engagement=engagement_of(receipt.stream),
            kind=envelope.kind,
            outcome=receipt.outcome,
            refusal=receipt.refusal,
            version=receipt.version,
            repeated=receipt.repeated,
        )
        return receipt

    async def hold_to(self, told: Told | None) -> None:
        """Go on only in a store that has the last event somebody was told of.

        Raises:
            StorePutBack: It has not.
        """
        async with self._pool.acquire() as connection:
            if await _lacks(connection, told):
                raise StorePutBack(PUT_BACK)

    async def tried(self, connection: Connection, envelope: Envelope) -> Receipt:
        """Answer one command in a transaction that will be undone; a defect is told as one."""
        try:
            async with connection.transaction():
                return await self.answer_in(connection, envelope)
        except Exception as error:
            if is_outage(error):
                raise
            return _defect(envelope, problem_of(error))

    async def undecided(self, envelope: Envelope, error: Exception) -> Receipt:
        """Note that a command could not be decided, and answer so; no receipt is kept."""
        problem = problem_of(error)
        kind: Kind = "command"
        place = str(envelope.command_id)
        if envelope.kind == ConcludeSummit.kind():
            # A new id each time it is tried.
            kind, place = "moment", envelope.stream
        elif envelope.causation_id is not None:
            # The follower sends it again, with all that the same command asks for.
            kind, place = "news", str(envelope.causation_id)
        about = envelope.kind if envelope.kind in COMMANDS else ""
        async with self._pool.acquire() as connection:
            await defects.note(
                connection, kind, place, problem, stream=envelope.stream, about=about
            )
        log.error(
            "command_undecided",
            command=str(envelope.command_id),
            stream=without_names(envelope.stream),
            kind=about,
            problem=problem,
        )
        receipt = _defect(envelope, problem)
        try:
            async with self._pool.acquire() as connection:
                return await self._with_standing(connection, receipt)
        except Exception as also:
            if is_outage(also):
                raise
            # It is the stream that is sick.
            return receipt.model_copy(update={"stands": False})

    async def answer_in(self, connection: Connection, envelope: Envelope) -> Receipt:
        """Answer one command in the caller's transaction, and keep its receipt there.

        What rests on something that cannot be read is refused, and no receipt is kept: the same
        command may be given again once it can be.
        """
        try:
            async with connection.transaction():
                start = await self._writer.start(connection, envelope)
                return await self._answer(connection, envelope, start)
        except (Unreadable, VaultError) as problem:
            return await self._set_aside(connection, envelope, problem)

    async def _answer(self, connection: Connection, envelope: Envelope, start: Start) -> Receipt:
        if start.receipt is not None:
            return await self._again(connection, envelope, start.receipt)
        try:
            if envelope.actor != SYSTEM:
                # A command may lie behind by any time, having waited while no worker ran; that the
                # clock was right when it was given is the door's to see.
                hold_together(envelope.issued_at, start.now, self._tolerance_seconds, waited=True)
            decided = await self._writer.decide(connection, envelope, start, start.now)
        except Refused as refusal:  # By whom nothing was written.
            receipt = await self._refused(connection, envelope, refusal)
        else:
            receipt = (await self._writer.write(connection, decided)).receipt
        await self.keep(connection, envelope, receipt, start.now)
        self._writer.needed(receipt.stream)
        return receipt

    async def _set_aside(
        self, connection: Connection, envelope: Envelope, problem: Unreadable | VaultError
    ) -> Receipt:
        """Refuse what rests on something that cannot be read; what the system says is kept for it.

        Raises:
            ForeignKey: Nothing is wrong with the store: this process has another master key.
        """
        if isinstance(problem, ForeignKey):
            raise problem
        stream = await self._stream_of(connection, envelope)
        at_fault = problem.stream if isinstance(problem, Unreadable) else _person(problem, stream)
        sick = sickness(problem, at_fault)
        assert sick is not None
        await note(connection, sick)
        if envelope.actor == SYSTEM:
            await queries.owe_command(
                connection,
                command_id=envelope.command_id,
                stream=sick.stream,
                envelope=envelope.model_dump_json(),
            )
        return await self._with_standing(
            connection, _no(envelope, stream, Sick(f"{sick} Everything else goes on."))
        )

    async def in_transaction(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Run `work` in a transaction, again from the start whenever somebody wrote first."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                async with self._pool.acquire() as connection, connection.transaction():
                    with remembering():
                        return await work(connection)
            except (
                Conflict,
                asyncpg.UniqueViolationError,
                asyncpg.SerializationError,
                asyncpg.DeadlockDetectedError,
            ) as lost:
                if attempt == _ATTEMPTS:
                    raise
                log.debug("write_lost_race", attempt=attempt, why=type(lost).__name__)
                await asyncio.sleep(random.uniform(0, 0.01 * attempt))  # noqa: S311 - jitter
        raise AssertionError("the last attempt returns or raises")

    async def decide_and_append(
        self, connection: Connection, envelope: Envelope, *, now: datetime | None = None
    ) -> Outcome:
        """Decide one command on its stream and append what follows, in the caller's transaction.

        Raises:
            Refused: A rule says no; nothing was written.
            Conflict: Somebody wrote first.
        """
        start = await self._writer.start(connection, envelope)
        decided = await self._writer.decide(connection, envelope, start, now or start.now)
        return await self._writer.write(connection, decided)

    async def _again(self, connection: Connection, envelope: Envelope, row: Any) -> Receipt:
        """The answer to a command that was answered before."""
        if row["content_hash"] != self._vault.fingerprint(envelope.content()):
            refusal = ReusedCommandId(
                f"The command id {envelope.command_id} was used before, for another command on "
                f"{row['stream']}. Leave --command-id out to give a new command."
            )
            return await self._refused(connection, envelope, refusal)
        return await self._answered(connection, envelope.command_id, row)

    async def _earlier(
        self, connection: Connection, envelope: Envelope, refusal: NamesTheErased
    ) -> Receipt:
        """The answer to a command that cannot be read any more: the one it had, or a refusal.

        Erasing somebody is such a command itself, should its first answer have been lost.
        """
        row = await queries.receipt(connection, command_id=envelope.command_id)
        if row is None:
            return await self._refused(connection, envelope, refusal)
        return await self._answered(connection, envelope.command_id, row)

    async def _answered(self, connection: Connection, command_id: UUID, row: Any) -> Receipt:
        """An answer that was kept, as it is given again."""
        try:
            kept = await kept_receipt(connection, self._vault, command_id, row["receipt"])
        except Unreadable as sick:
            await note(connection, sick)
            kept = await receipt_from_log(connection, command_id, row["stream"], sick)
        return await self._with_standing(connection, kept.model_copy(update={"repeated": True}))

    async def _refused(
        self, connection: Connection, envelope: Envelope, refusal: Refused
    ) -> Receipt:
        stream = await self._stream_of(connection, envelope)
        return await self._with_standing(connection, _no(envelope, stream, refusal))

    async def _stream_of(self, connection: Connection, envelope: Envelope) -> str:
        """The stream that a command was for, as it is kept with the answer."""
        try:
            return await canonical_stream(
                connection, envelope.stream, new=envelope.kind == RegisterLea.kind()
            )
        except (Ambiguous, Unknown):
            # What was typed may be somebody's name, and this is kept for ever.
            return NOBODY

    async def _with_standing(self, connection: Connection, receipt: Receipt) -> Receipt:
        """The receipt with what the workflow needs to know as of now, whatever was answered.

        The workflow moves its timer and its search attributes to where any receipt says.
        """
        now = await self._clock.now()
        if host_workflow_id(receipt.stream) == PROGRAM:
            return receipt.model_copy(update=await program_standing(connection, now))
        try:
            async with connection.transaction():
                state = await read_state(connection, self._vault, receipt.stream)
                found = standing_of(state, await standing(connection, state, now))
        except Unreadable as sick:
            # Its workflow waits without a moment: whoever finds that it can be read wakes it.
            await note(connection, sick.seen_from(receipt.stream))
            found = UNKNOWN
        return receipt.model_copy(update=found)

    async def keep(
        self,
        connection: Connection,
        envelope: Envelope,
        receipt: Receipt,
        now: datetime | None = None,
    ) -> None:
        """Keep the answer to a command, in the transaction of its events.

        Args:
            now: The sandbox's clock, where it was read already.
        """
        # A refusal repeats what was typed, which may name somebody: it is kept sealed, also by
        # everybody whom its words name.
        named = await about_words(connection, receipt)
        about = " ".join(dict.fromkeys([subject_of(receipt.stream), *named]))
        said = {"message": Sealed(about=about, text=receipt.message)}
        document = await self._vault.seal(connection, place(envelope.command_id), said)
        kept = receipt.model_copy(update={"message": json.dumps(document["message"])})
        answer = kept.model_dump(mode="json")
        if receipt.outcome == "recorded" and envelope.actor != SYSTEM:
            answer["typed"] = await typed(connection, self._vault, envelope, receipt.stream)
        fingerprint, text = self._vault.fingerprint(envelope.content()), json.dumps(answer)
        await queries.add_receipt(
            connection,
            command_id=envelope.command_id,
            stream=receipt.stream,
            content_hash=fingerprint,
            receipt=text,
            sandbox_now=now or await self._clock.now(),
            seal=self._vault.evidence.receipt(
                envelope.command_id, receipt.stream, fingerprint, text
            ),
        )


def _person(problem: VaultError, otherwise: str) -> str:
    """Whose key is at fault, as a stream."""
    subject = problem.subject or ""
    return f"person:{subject}" if subject.startswith("p-") and " " not in subject else otherwise


def _no(envelope: Envelope, stream: str, refusal: Refused) -> Receipt:
    return Receipt(
        command_id=envelope.command_id,
        stream=stream,
        outcome="refused",
        message=str(refusal),
        refusal=refusal.kind,
    )


async def _lacks(connection: Connection, told: Told | None) -> bool:
    """Whether an event that somebody was told of is not in the store."""
    return told is not None and not await queries.has_event(
        connection, stream=told.stream, version=told.version, position=told.position
    )


def _defect(envelope: Envelope, problem: str) -> Receipt:
    return Receipt(
        command_id=envelope.command_id,
        stream=without_names(envelope.stream),
        outcome="defect",
        message=f"This could not be decided, for Handrail has a defect: {problem}. It is no fault "
        f"of what was typed; nothing was recorded, and everything else goes on. handrail doctor "
        f"lists it for whoever looks after Handrail. Once it is mended, give the command again "
        f"with --command-id {envelope.command_id}",
    )
