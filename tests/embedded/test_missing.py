"""What a backup has not is told in words, also where only the store it replaces knows of it."""

from datetime import UTC, datetime

from store.database import listed, queries
from tests.conftest import Office


async def test_what_was_recorded_since_is_told_by_its_events(office: Office) -> None:
    await office.do("lea register", id="quiet-creek", name="Quiet Creek", type="school_district")
    since = datetime(2000, 1, 1, tzinfo=UTC)
    async with office.pool.acquire() as connection:
        rows = await listed(queries.recorded_since(connection, since=since))
    assert {row["stream"]: row["what"] for row in rows}["lea:quiet-creek"] == "lea-registered"
    assert len({row["command_id"] for row in rows}) == len(rows), "one line a command"
