"""A command starts from what the last one left, where that is still so, and asks for little."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from activities.record import Record
from domain.envelope import Envelope, Receipt
from domain.kernel.messages import State
from domain.kernel.sealed import Sealed
from domain.program.people import Person
from domain.recruitment.recruitment import Recruitment
from store.database import Connection
from store.events import read_state
from store.start import Folds
from tests.conftest import Office, new_id

E = "alder-creek-usd"
STREAM = f"engagement:{E}"


def conversation(office: Office) -> Envelope:
    return office.envelope(
        "conversation log", engagement=E, group="principals", notes=f"Said: {new_id()}"
    )


async def talked(office: Office, record: Record | None = None) -> Receipt:
    receipt = await (record or office.record).execute(conversation(office))
    assert receipt.outcome == "recorded", receipt.message
    return receipt


async def opened(office: Office) -> None:
    await office.do("engagement open", engagement=E, lea="ACUSD", lead="marcus", director="dana")


@asynccontextmanager
async def statements(office: Office) -> AsyncIterator[list[str]]:
    """What is asked for on the connection that is used next, the last one to be given back."""
    asked: list[str] = []

    def note(record: Any) -> None:
        asked.append(record.query)

    async with office.pool.acquire() as connection:
        connection.add_query_logger(note)
    yield asked
    async with office.pool.acquire() as connection:
        connection.remove_query_logger(note)


@pytest.fixture
async def superuser(office: Office) -> AsyncIterator[Connection]:
    name = await office.pool.fetchval("select current_database()")
    connection = await asyncpg.connect(office.cluster.superuser_url, database=name)
    yield connection
    await connection.close()


async def as_folded_anew(office: Office) -> State:
    async with office.pool.acquire() as connection:
        return await read_state(connection, office.vault, STREAM)


async def as_kept(office: Office, folds: Folds) -> State:
    async with office.pool.acquire() as connection:
        return await folds.state(connection, office.vault, STREAM)


async def test_a_command_takes_eight_round_trips_however_long_its_stream_is(
    office: Office,
) -> None:
    await opened(office)
    counts = []
    for _ in range(30):
        async with statements(office) as asked:
            await talked(office)
        counts.append(len(asked))
    assert 4 < max(counts[2:]) <= 8, counts
    assert not any("es.events" in s and "order by version;" in s for s in asked)


async def test_what_another_worker_recorded_is_read_before_the_next_command(
    office: Office,
) -> None:
    await opened(office)
    other = Record(office.pool, office.vault, office.clock)
    for record in (office.record, other, office.record, other):
        await talked(office, record)
    folds = Folds()
    await as_kept(office, folds)
    await talked(office)
    assert await as_kept(office, folds) == await as_folded_anew(office)


async def test_what_another_worker_put_right_is_read_whole(office: Office) -> None:
    await opened(office)
    said = await talked(office)
    folds = Folds()
    before = await as_kept(office, folds)
    assert before.of(Recruitment).conversations
    await office.do("entry retract", of=STREAM, entry=said.version, reason="Another LEA")
    after = await as_kept(office, folds)
    assert not after.of(Recruitment).conversations
    assert after == await as_folded_anew(office)


async def test_nothing_about_somebody_erased_is_kept(office: Office) -> None:
    await opened(office)
    folds = Folds()
    async with office.pool.acquire() as connection:
        [joy] = await connection.fetch("select id from read.people where handle = 'joy'")
        stream = f"person:{joy['id']}"
        state = await folds.state(connection, office.vault, stream)
        assert str(state.of(Person).name) == "Joy Kim"
    await office.do("person erase", "dana", person="joy", reason="She asked for it", sure=True)
    async with office.pool.acquire() as connection:
        state = await folds.state(connection, office.vault, stream)
        assert state.of(Person).name == Sealed(about=stream.removeprefix("person:"), text=None)


async def test_what_was_undone_is_not_kept(office: Office, superuser: Connection) -> None:
    await opened(office)
    await superuser.execute(
        "create function refuse() returns trigger language plpgsql as"
        " $$ begin raise exception 'no room' using errcode = 'disk_full'; end $$;"
        "create trigger refuse before insert on es.receipts execute function refuse()"
    )
    with pytest.raises(Exception, match="no room"):
        await talked(office)
    await superuser.execute("drop trigger refuse on es.receipts")
    await talked(office)
    state = await as_folded_anew(office)
    assert await as_kept(office, office.record._writer._folds) == state
    assert state.version == 2


async def test_a_store_that_was_put_back_is_read_anew(
    office: Office, superuser: Connection
) -> None:
    await opened(office)
    await talked(office)
    folds = office.record._writer._folds
    there = await as_kept(office, folds)
    await superuser.execute("alter table es.events disable trigger append_only")
    await superuser.execute("delete from es.events where stream = $1 and version = 2", STREAM)
    await superuser.execute("alter table es.events enable always trigger append_only")
    assert (await as_kept(office, folds)).version == 1
    other = Record(office.pool, office.vault, office.clock)
    await talked(office, other)
    assert (await as_kept(office, folds)).version == there.version
    assert await as_kept(office, folds) == await as_folded_anew(office) != there


async def test_only_so_many_streams_are_kept(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("store.start._AT_MOST", 1)
    await opened(office)
    folds = Folds()
    await as_kept(office, folds)
    await talked(office)
    await talked(office)
    async with office.pool.acquire() as connection:
        await folds.state(connection, office.vault, "lea:alder-creek-usd")
        assert folds._kept.keys() == {"lea:alder-creek-usd"}
        await folds.state(connection, office.vault, STREAM)
        assert folds._kept.keys() == {STREAM}
