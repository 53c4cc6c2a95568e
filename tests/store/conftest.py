from collections.abc import AsyncIterator

import asyncpg
import pytest

from store.database import Connection, Pool, open_pool
from store.vault import Vault
from tests.conftest import MASTER_KEY, Database


@pytest.fixture
def vault() -> Vault:
    return Vault(MASTER_KEY)


@pytest.fixture
async def pool(database: Database) -> AsyncIterator[Pool]:
    pool = await open_pool(database.url, size=16)
    yield pool
    await pool.close()


@pytest.fixture
async def app(pool: Pool) -> AsyncIterator[Connection]:
    """One connection as the application."""
    async with pool.acquire() as connection:
        yield connection


@pytest.fixture
async def other(pool: Pool) -> AsyncIterator[Connection]:
    """Another connection as the application."""
    async with pool.acquire() as connection:
        yield connection


@pytest.fixture
async def superuser(database: Database) -> AsyncIterator[Connection]:
    """A connection that no grant holds back."""
    connection = await asyncpg.connect(database.cluster.superuser_url, database=database.name)
    yield connection
    await connection.close()
