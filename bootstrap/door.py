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

from bootstrap.away import why
from bootstrap.clock import Clock, SandboxClock, SystemClock
from bootstrap.settings import Settings
from domain.clocks import hold_together
from store.database import AWAY, Pool, open_pool, queries
from store.epochs import Unusable, epoch_of
from store.vault import Vault

if TYPE_CHECKING:
    # Imported late where they are used: a question needs neither Temporal nor the rules.
    from temporalio.client import Client

    from activities.record import Record
    from domain.kernel import Command
    from domain.messages import Envelope, Receipt
    from store.errors import Unreadable

PATIENCE_SECONDS = 4.0
"""Whoever types a command has its answer within five seconds, the start of Python included."""
_REACH_SECONDS = 2.0
_CUT = (
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""How a connection to the database ends in the middle."""


class Unavailable(Exception):
    """A part that is needed does not answer; the message says which and what to do."""


class NotAccepted(Unavailable):
    """The command was not taken; repeating it is safe."""


class NotKnown(Unavailable):
    """Whether the command was taken cannot be told; only repeating it with its id is safe."""


class StillWorking(Unavailable):
    """The command was taken and will be carried out; its answer is still to come."""


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
        from domain.messages import Envelope

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
                f"({why(away)}). See handrail doctor. Nothing was accepted; repeating is safe."
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
                return [await self.record.answer_in(connection, envelope) for envelope in envelopes]
            finally:
                await undone.rollback()

    async def submit(self, envelope: "Envelope") -> "Receipt":
        """Send a command and wait for its answer, five seconds at most.

        Raises:
            NotAccepted: It was not sent.
            NotKnown: It was sent, and whether it was taken is not known.
            StillWorking: It was taken, and is not answered yet.
            ClocksApart: This machine's clock is not the store's.
        """
        from temporalio.client import (
            WorkflowUpdateFailedError,
            WorkflowUpdateRPCTimeoutOrCancelledError,
        )
        from temporalio.service import RPCError

        from activities.dispatch import begin, was_set_aside
        from activities.sealing import opened_answer, seal
        from domain.messages import Receipt

        again = f"Repeat the command with --command-id {envelope.command_id}"
        only_so = (
            f"Repeat it only with --command-id {envelope.command_id}: it is recorded once, however "
            f"often you repeat it so"
        )
        try:
            async with asyncio.timeout(_REACH_SECONDS):
                async with self.pool.acquire() as connection:
                    alive = await queries.live_workers(connection)
                    known = await queries.receipt(connection, command_id=envelope.command_id)
                    stamped = await queries.store_now(connection, sandbox_now=None)
                    travelling = await seal(connection, self.vault, envelope)
                if known is not None:
                    # It needs nobody to carry it out any more; and the engine, which knows updates
                    # by their id alone, would give this answer to another command of the same id.
                    return await self.record.execute(envelope)
        except _CUT as away:
            raise NotAccepted(
                f"Not accepted: the database went away ({why(away)}), so the command was not sent. "
                f"See handrail doctor. {again}."
            ) from away
        if not self.sandbox:
            hold_together(await self.clock.now(), stamped, self.settings.clock_tolerance_seconds)
        if not alive:
            raise NotAccepted(
                f"Not accepted: no worker is running, so nobody would carry it out. Start one "
                f"(handrail up, or python -m worker; handrail doctor says what is missing). "
                f"{again}."
            )
        assert self.client is not None
        accepted = False
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                handle = await begin(
                    self.client,
                    travelling,
                    rpc_timeout=timedelta(seconds=PATIENCE_SECONDS),
                )
                accepted = True
                answer = Receipt.model_validate(await handle.result())
                if was_set_aside(answer):
                    # The engine remembers it, and what was sick may have been mended since.
                    handle = await begin(
                        self.client,
                        travelling,
                        rpc_timeout=timedelta(seconds=PATIENCE_SECONDS),
                        afresh=True,
                    )
                    answer = Receipt.model_validate(await handle.result())
                async with self.pool.acquire() as connection:
                    return await opened_answer(connection, self.vault, answer)
        except (*_CUT, WorkflowUpdateRPCTimeoutOrCancelledError, RPCError) as away:
            where = f"Temporal at {self.settings.temporal_address}"
            if accepted:
                raise StillWorking(
                    f"Accepted, still working: the command is kept and will be carried out. "
                    f"{again} to see its answer; handrail doctor says what it waits for."
                ) from away
            # It was sent: the engine may have taken it all the same, or may do so yet.
            raise NotKnown(
                f"Not known whether it was accepted: {where} gave no answer within "
                f"{PATIENCE_SECONDS:.0f} seconds. See handrail doctor. {only_so}."
            ) from away
        except WorkflowUpdateFailedError as failed:
            raise NotKnown(
                f"Not known whether it was accepted: its workflow gave no answer "
                f"({failed.cause}). {only_so}."
            ) from failed


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
        except _CUT as away:
            raise _database_away(settings, away) from away
        client: Client | None = None
        if commands or sandbox:
            client = await _reach_temporal(settings, epoch)
        clock: Clock = SandboxClock(client) if sandbox and client is not None else SystemClock()
        yield Door(settings, pool, Vault(settings.master_key()), client, clock, sandbox)
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
        f"Start it (handrail up), or see handrail doctor. Nothing was accepted; repeating is safe."
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
            f"Nothing was accepted; repeating is safe."
        ) from away
