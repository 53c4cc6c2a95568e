"""How people's commands come in and their questions are answered, whichever door they use.

Within five seconds a command is answered, or the caller knows which part is away, whether the
command was accepted, and how to repeat it safely.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from uuid import UUID

import asyncpg

from activities.clock import Clock
from bootstrap.away import why
from bootstrap.clock import SandboxClock, SystemClock
from bootstrap.settings import Settings
from domain.kernel.clocks import hold_together
from domain.kernel.refusals import ForeignKey
from store.database import AWAY, Pool, listed, open_pool, queries
from store.epochs import Unusable, epoch_of
from store.vault import Vault

if TYPE_CHECKING:
    # Imported late where they are used: a question needs neither Temporal nor the rules.
    from temporalio.client import Client

    from activities.record import Record
    from domain.envelope import Envelope, Receipt
    from domain.kernel.messages import Command
    from store.errors import Unreadable

PATIENCE_SECONDS = 3.8
"""Whoever types a command has its answer within five seconds, the start of Python included."""
_REACH_SECONDS = 2.0
_LOOK_SECONDS = 0.5
"""For a last look at whether the store has an answer that was lost on its way."""


class Unavailable(Exception):
    """A part that is needed does not answer; the message says which and what to do."""


class NotAccepted(Unavailable):
    """It is certain that nothing became of the command as it was given now."""


class NotKnown(Unavailable):
    """The command may have been taken or not; it may be repeated with its id alone."""


class StillWorking(NotKnown):
    """The command was taken and will be carried out; its answer is still to come."""


class Undecided(Unavailable):
    """The command met a defect of Handrail's; nothing was recorded."""

    def __init__(self, receipt: "Receipt") -> None:
        super().__init__(receipt.message)
        self.receipt = receipt


def new_command_id() -> UUID:
    """A fresh command id, in the order of time."""
    import uuid_utils

    return UUID(str(uuid_utils.uuid7()))


@dataclass(frozen=True)
class Door:
    """An open connection to the store, and to Temporal where commands or the sandbox need it."""

    settings: Settings
    pool: Pool
    vault: Vault
    client: "Client | None"
    clock: Clock
    sandbox: bool
    away: NotAccepted | None = None
    """Why there is no Temporal; what was answered before is answered by the store alone."""
    left_out: "list[Unreadable]" = field(default_factory=list)
    """What an answer about many had to leave out, for whoever asked to be told."""

    def packed(
        self,
        command: "Command",
        *,
        command_id: UUID,
        actor: str,
        issued_at: datetime,
        effective_on: date | None = None,
        illustrative: bool = False,
    ) -> "Envelope":
        """A command with what travels along."""
        from domain.envelope import Envelope

        return Envelope.of(
            command,
            command_id=command_id,
            actor=actor,
            issued_at=issued_at,
            effective_on=effective_on,
            illustrative=illustrative,
        )

    async def now(self) -> datetime:
        """What time it is, by the store's own kind of clock.

        Raises:
            NotAccepted: The sandbox's clock does not answer.
        """
        if self.client is None:
            return await self.clock.now()
        from temporalio.service import RPCError

        try:
            return await self.clock.now()
        except RPCError as away:
            raise NotAccepted(
                f"The sandbox's clock at {self.settings.temporal_address} does not answer "
                f"({why(away)}). See handrail doctor. Nothing was sent."
            ) from away

    @property
    def record(self) -> "Record":
        """The record, for what needs no workflow: rehearsals and rebuilding."""
        from activities.record import Record
        from bootstrap.logging import quiet

        quiet(self.settings)
        return Record(self.pool, self.vault, self.clock, self.settings.clock_tolerance_seconds)

    async def rehearse(self, envelopes: Sequence["Envelope"]) -> "list[Receipt]":
        """What commands would be answered, one after the other; nothing is written.

        They are carried out in a transaction that is then undone.
        """
        async with self.pool.acquire() as connection:
            undone = connection.transaction()
            await undone.start()
            try:
                return [await self.record.tried(connection, envelope) for envelope in envelopes]
            finally:
                await undone.rollback()

    async def submit(self, envelope: "Envelope") -> "Receipt":
        """Send a command and wait for its answer, five seconds at most.

        Raises:
            NotAccepted: It is certain that nothing became of it.
            NotKnown: It may have been taken or not.
            StillWorking: It was taken, and is not answered yet.
            Undecided: It met a defect; nothing was recorded.
            ForeignKey: The master key here is not the store's.
            ClocksApart: This machine's clock is not the store's.
        """
        again = f"--command-id {envelope.command_id}"
        try:
            async with asyncio.timeout(_REACH_SECONDS), self.pool.acquire() as connection:
                alive = await queries.live_workers(connection)
                known = await queries.receipt(connection, command_id=envelope.command_id)
                stamped = await queries.store_now(connection, sandbox_now=None)
                keys = {row["master_id"] for row in await listed(queries.master_ids(connection))}
        except AWAY as away:
            raise NotAccepted(
                f"Not accepted: the database does not answer ({why(away)}), and nothing was sent. "
                f"See handrail doctor, then repeat it with {again}."
            ) from away
        hold_key(self.vault, keys)
        if known is not None:
            # The record answers, never the engine; and it needs nobody to carry it out any more.
            return await self._kept(envelope)
        if self.away is not None:
            raise self.away
        if not self.sandbox:
            hold_together(await self.clock.now(), stamped, self.settings.clock_tolerance_seconds)
        if not alive:
            raise NotAccepted(
                f"Not accepted: no worker is running, so nobody would carry it out, and nothing "
                f"was sent. Start one (handrail up, or python -m worker; handrail doctor says what "
                f"is missing), then repeat it with {again}."
            )
        receipt = await self._sent(envelope)
        if receipt.outcome == "defect":
            raise Undecided(receipt)
        return receipt

    async def _sent(self, envelope: "Envelope") -> "Receipt":
        """Send a command and wait for its answer; what becomes of it is said as far as it is known.

        Raises:
            NotAccepted, NotKnown, StillWorking: As above.
        """
        from temporalio.client import (
            WorkflowUpdateFailedError,
            WorkflowUpdateRPCTimeoutOrCancelledError,
        )
        from temporalio.exceptions import ApplicationError
        from temporalio.service import RPCError, RPCStatusCode

        from activities.dispatch import begin
        from activities.names import NOT_TAKEN, UNDECODABLE
        from activities.sealing import opened_answer, seal
        from domain.envelope import Receipt

        assert self.client is not None
        again = f"--command-id {envelope.command_id}"
        where = f"Temporal at {self.settings.temporal_address}"
        sent = accepted = False
        trouble: BaseException
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                async with self.pool.acquire() as connection:
                    travelling = await seal(connection, self.vault, envelope)
                sent = True
                handle = await begin(
                    self.client,
                    travelling,
                    rpc_timeout=timedelta(seconds=PATIENCE_SECONDS),
                )
                accepted = True
                answer = Receipt.model_validate(await handle.result())
                async with self.pool.acquire() as connection:
                    return await opened_answer(connection, self.vault, answer)
        except WorkflowUpdateFailedError as failed:
            cause = failed.cause
            if isinstance(cause, ApplicationError) and cause.type in (NOT_TAKEN, UNDECODABLE):
                raise NotAccepted(
                    f"Not accepted: its workflow does not take it ({cause.message}), and nothing "
                    f"became of it."
                ) from failed
            trouble, accepted = failed, False
        except (*AWAY, WorkflowUpdateRPCTimeoutOrCancelledError, RPCError) as away:
            if not sent:
                raise NotAccepted(
                    f"Not accepted: the database does not answer ({why(away)}), and nothing was "
                    f"sent. See handrail doctor, then repeat it with {again}."
                ) from away
            if isinstance(away, RPCError) and away.status is RPCStatusCode.INVALID_ARGUMENT:
                raise NotAccepted(
                    f"Not accepted: {where} does not take it ({away.message}), and nothing became "
                    f"of it."
                ) from away
            trouble = away
        except asyncio.CancelledError as stopped:
            if not sent:
                raise
            # Whoever breaks it off is to know all the same how to find out.
            raise NotKnown(_not_known("you did not wait for its answer", again)) from stopped
        kept = await self._kept_by_now(envelope)
        if kept is not None:
            return kept
        if accepted:
            raise StillWorking(
                f"Accepted, still working: the command is kept and will be carried out. Repeat it "
                f"only with {again}, to see its answer; handrail doctor says what it waits for."
            ) from trouble
        raise NotKnown(_not_known(f"{where} gave no answer ({why(trouble)})", again)) from trouble

    async def _kept(self, envelope: "Envelope") -> "Receipt":
        """The answer that the store keeps."""
        try:
            return await self.record.execute(envelope)
        except AWAY as away:
            raise NotKnown(
                f"It was answered before, and the answer cannot be read now: the database does not "
                f"answer ({why(away)}). See handrail doctor, then repeat it only with "
                f"--command-id {envelope.command_id}"
            ) from away

    async def _kept_by_now(self, envelope: "Envelope") -> "Receipt | None":
        """What became of a command whose answer was lost, where the store knows by now."""
        try:
            async with asyncio.timeout(_LOOK_SECONDS):
                async with self.pool.acquire() as connection:
                    known = await queries.receipt(connection, command_id=envelope.command_id)
                return None if known is None else await self.record.execute(envelope)
        except AWAY:
            return None


def hold_key(vault: Vault, keys: set[str]) -> None:
    """Go on only with the master key that the store was sealed with.

    Raises:
        ForeignKey: It is another one.
    """
    if keys and vault.master_id not in keys:
        raise ForeignKey(
            f"The master key at hand is {vault.master_id}, and this store was sealed with "
            f"{', '.join(sorted(keys))}: what you send could be read by nobody there. Nothing was "
            f"sent. Set HANDRAIL_KEY_FILE to the key this store began with."
        )


def _not_known(why_not: str, again: str) -> str:
    return (
        f"Not known whether it was accepted: {why_not}. It may be recorded already, be recorded "
        f"later, or never. See handrail doctor, then repeat it only with this id, under which it "
        f"is recorded once, however often you repeat it: {again}"
    )


@asynccontextmanager
async def open_door(settings: Settings, *, commands: bool = False) -> AsyncIterator[Door]:
    """Connect to what a question or a command needs.

    Args:
        commands: Also connect to Temporal; a sandbox needs it for its clock in any case.

    Raises:
        Unavailable: A part does not answer.
    """
    try:
        pool = await asyncio.wait_for(
            open_pool(settings.require_database_url(), size=4), _REACH_SECONDS
        )
    except AWAY as away:
        raise _database_away(settings, away) from away
    try:
        try:
            async with pool.acquire() as connection:
                sandbox = await queries.store_kind(connection) == "sandbox"
            epoch = await _life(pool) if commands else ""
        except asyncpg.UndefinedTableError as empty:
            raise Unavailable(
                "The database has no Handrail schema yet. Make it: handrail admin migrate"
            ) from empty
        except AWAY as away:
            raise _database_away(settings, away) from away
        client: Client | None = None
        shut: NotAccepted | None = None
        if commands or sandbox:
            try:
                client = await _reach_temporal(settings, epoch)
            except NotAccepted as problem:
                if sandbox:
                    raise  # Which has no other clock.
                shut = problem
        clock: Clock = SandboxClock(client) if sandbox and client is not None else SystemClock()
        yield Door(settings, pool, Vault(settings.master_key()), client, clock, sandbox, shut)
    finally:
        pool.terminate()


async def _life(pool: Pool) -> str:
    """The epoch that commands go to."""
    try:
        async with pool.acquire() as connection:
            return (await epoch_of(connection)).id
    except Unusable as unusable:
        raise NotAccepted(f"{unusable} Nothing was accepted.") from unusable


def _database_away(settings: Settings, away: BaseException) -> NotAccepted:
    parts = urlsplit(settings.require_database_url())
    return NotAccepted(
        f"The database at {parts.hostname}:{parts.port or 5432} does not answer ({why(away)}). "
        f"Start it (handrail up), or see handrail doctor. Nothing was sent."
    )


async def _reach_temporal(settings: Settings, epoch: str) -> "Client":
    from temporalio.service import RPCError

    from bootstrap.wiring import connect_temporal

    try:
        return await asyncio.wait_for(connect_temporal(settings, epoch=epoch), _REACH_SECONDS)
    except (RuntimeError, RPCError, OSError, TimeoutError) as away:
        raise NotAccepted(
            f"Temporal at {settings.temporal_address} does not answer "
            f"({why(away)}). Start it (handrail up), or see handrail doctor. "
            f"Nothing was sent."
        ) from away
