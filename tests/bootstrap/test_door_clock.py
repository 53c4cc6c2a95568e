"""Whoever gives a command by a clock that is wrong is told so before the command leaves."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from bootstrap.door import Door, NotAccepted
from bootstrap.settings import Settings
from domain.engagement.engagement import WithdrawEngagement
from domain.envelope import Envelope
from domain.kernel.refusals import ClocksApart
from store.database import open_pool, queries
from store.vault import Vault
from tests.conftest import MASTER_KEY, Database, FixedClock, new_id


@pytest.mark.parametrize("year", [1999, 2199])
async def test_a_clock_that_is_not_the_stores_is_named_with_both(
    database: Database, tmp_path: Path, year: int
) -> None:
    pool = await open_pool(database.url)
    async with pool.acquire() as connection:
        now = await queries.store_now(connection, sandbox_now=None)
    settings, vault = Settings(home=tmp_path), Vault(MASTER_KEY)
    wrong, right = FixedClock(datetime(year, 1, 1, tzinfo=UTC)), FixedClock(now)
    given = Envelope.of(
        WithdrawEngagement(engagement="alder-creek-usd", reason="never mind"),
        command_id=new_id(),
        actor="tess",
        issued_at=wrong.at,
    )
    with pytest.raises(ClocksApart, match=f"{year}-01-01 00:00:00 .* {now:%Y-%m-%d}"):
        await Door(settings, pool, vault, None, wrong, sandbox=False).submit(given)
    with pytest.raises(NotAccepted, match="no worker is running"):
        await Door(settings, pool, vault, None, right, sandbox=False).submit(given)
    await pool.close()
