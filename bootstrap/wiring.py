"""Builds what a process works with: pool, vault, client, clock, and the objects that use them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from temporalio.client import Client

from activities.clock import Clock
from bootstrap.clock import SandboxClock, StoreClock
from bootstrap.encryption import data_converter
from bootstrap.life import OfThisLife
from bootstrap.settings import Settings
from store.database import Pool, open_pool, queries
from store.epochs import Epoch, check_key, check_schema, epoch_of
from store.vault import Vault

CONNECT_TIMEOUT = timedelta(seconds=5)
CLOSE_SECONDS = 2.0


@dataclass(frozen=True)
class Services:
    """Open connections to everything."""

    settings: Settings
    pool: Pool
    vault: Vault
    client: Client
    clock: Clock
    sandbox: bool
    epoch: Epoch | None = None
    """The life of the store that the client is for."""

    @property
    def epoch_id(self) -> str:
        """What its queues are called by; empty where there is none."""
        return "" if self.epoch is None else self.epoch.id


async def connect_temporal(settings: Settings, *, lazy: bool = False, epoch: str = "") -> Client:
    """A client whose payloads and failures are encrypted.

    Args:
        epoch: The life of the store, whose workflows and queues alone it then knows.

    Raises:
        RuntimeError: The server cannot be reached.
    """
    return await Client.connect(
        **settings.temporal_connect_config(),
        data_converter=data_converter(settings.master_key()),
        lazy=lazy,
        interceptors=[OfThisLife(epoch)],
    )


@asynccontextmanager
async def services(settings: Settings, *, pool_size: int = 8) -> AsyncIterator[Services]:
    """Everything, opened and closed again.

    In a store that was created as a sandbox every "now" is the sandbox's.

    Raises:
        store.epochs.Unusable: No work can be done with the database as it is.
    """
    vault = Vault(settings.master_key())
    pool = await open_pool(settings.require_database_url(), size=pool_size)
    try:
        async with pool.acquire() as connection:
            await check_schema(connection)
            await check_key(connection, vault)
            epoch = await epoch_of(connection)
            sandbox = await queries.store_kind(connection) == "sandbox"
            stamped = None if sandbox else await queries.store_now(connection, sandbox_now=None)
        client = await connect_temporal(settings, epoch=epoch.id)
        yield Services(
            settings=settings,
            pool=pool,
            vault=vault,
            client=client,
            clock=StoreClock(stamped) if stamped else SandboxClock(client),
            sandbox=sandbox,
            epoch=epoch,
        )
    finally:
        # A server that is silent is not waited for.
        with suppress(TimeoutError):
            await asyncio.wait_for(pool.close(), CLOSE_SECONDS)
