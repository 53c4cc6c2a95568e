"""Several people, or one and the same command, at the same moment."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from activities.record import Record
from domain.envelope import Envelope, Receipt
from domain.policy.playbook import Playbook
from store.database import Pool, open_pool
from store.events import Conflict
from tests.conftest import Office, new_id

E = "alder-creek-usd"
STREAM = f"engagement:{E}"


@pytest.fixture
async def crowd(office: Office) -> AsyncIterator[Record]:
    """The record with enough connections that everybody is really there at once."""
    async with office.pool.acquire() as connection:
        database = await connection.fetchval("select current_database()")
    pool: Pool = await open_pool(office.cluster.app_url(database), size=20)
    held = [await pool.acquire() for _ in range(20)]  # opening takes time, which spreads the start
    for connection in held:
        await pool.release(connection)
    yield Record(pool, office.vault, office.clock)
    await pool.close()


async def _open(office: Office) -> None:
    await office.do("engagement open", engagement=E, lea="ACUSD", lead="marcus", director="dana")


async def test_twenty_commands_at_once_are_all_recorded_once(
    office: Office, crowd: Record, playbook: Playbook
) -> None:
    await _open(office)
    groups = [g.id for g in playbook.stakeholder_groups]
    envelopes = [
        office.envelope(
            "conversation log", "marcus", engagement=E, group=groups[n % len(groups)], notes=f"{n}"
        )
        for n in range(20)
    ]
    receipts = await asyncio.gather(*(crowd.execute(e) for e in envelopes))
    assert {r.outcome for r in receipts} == {"recorded"}
    assert sorted(r.version for r in receipts) == list(range(2, 22))
    async with office.pool.acquire() as connection:
        rows = await connection.fetch(
            "select version, command_id from es.events where stream = $1 order by version", STREAM
        )
        broken = await connection.fetch("select * from es.broken_links($1)", STREAM)
        projected = await connection.fetchval("select version from read.engagements")
    assert [row["version"] for row in rows] == list(range(1, 22))
    assert Counter(row["command_id"] for row in rows[1:]) == {e.command_id: 1 for e in envelopes}
    for receipt in receipts:
        assert rows[receipt.events[0].version - 1]["command_id"] == receipt.command_id
    assert broken == []
    assert projected == 21, "the read model is the last writer's"


async def test_one_command_twenty_times_at_once_is_recorded_once_and_answered_the_same(
    office: Office, crowd: Record
) -> None:
    envelope = office.envelope(
        "engagement open", engagement=E, lea="ACUSD", lead="marcus", director="dana"
    )
    receipts = await asyncio.gather(*(crowd.execute(envelope) for _ in range(20)))
    assert Counter(r.repeated for r in receipts) == {False: 1, True: 19}
    assert len({r.model_copy(update={"repeated": False}).model_dump_json() for r in receipts}) == 1
    async with office.pool.acquire() as connection:
        assert await connection.fetchval(
            "select array_agg(version) from es.events where command_id = $1", envelope.command_id
        ) == [1]
        assert await connection.fetchval(
            "select count(*) from es.receipts where command_id = $1", envelope.command_id
        ) == 1  # fmt: skip


async def test_one_refused_command_twenty_times_at_once_leaves_one_receipt(
    office: Office, crowd: Record
) -> None:
    envelope = office.envelope("engagement close", "dana", engagement="nowhere", reason="done")
    receipts = await asyncio.gather(*(crowd.execute(envelope) for _ in range(20)))
    assert len({(r.outcome, r.refusal, r.message) for r in receipts}) == 1
    async with office.pool.acquire() as connection:
        assert await connection.fetchval(
            "select count(*) from es.receipts where command_id = $1", envelope.command_id
        ) == 1  # fmt: skip


async def test_two_commands_with_one_id_at_once_are_one_command_and_one_refusal(
    office: Office, crowd: Record
) -> None:
    await _open(office)
    for n in range(5):
        command_id = new_id()
        receipts = await asyncio.gather(
            *(
                crowd.execute(
                    office.envelope(
                        "conversation log",
                        "marcus",
                        command_id=command_id,
                        engagement=E,
                        group=g,
                        notes=f"call {n}",
                    )
                )
                for g in ("parents", "students")
            )
        )
        assert sorted(r.refusal or r.outcome for r in receipts) == ["ReusedCommandId", "recorded"]


async def test_two_people_opening_an_engagement_at_once_open_one_and_the_second_is_told_of_it(
    office: Office, crowd: Record
) -> None:
    first, second = await _at_once(
        crowd,
        *(
            office.envelope(
                "engagement open", actor, engagement=E, lea="ACUSD", lead="marcus", director="dana"
            )
            for actor in ("tess", "marcus")
        ),
    )
    assert second.refusal == "AlreadyExists"
    async with office.pool.acquire() as connection:
        rows = await connection.fetch(
            "select actor, command_id from es.events where stream = $1", STREAM
        )
    [row] = rows
    assert row["command_id"] == first.command_id
    assert f"{E} is already there: opened Mon 3 Aug 2026 by {row['actor']}" in second.message
    assert second.is_open, "the second's workflow is the first's, and stays"


async def test_a_handle_given_to_two_people_at_once_is_given_to_one(
    office: Office, crowd: Record
) -> None:
    first, second = await _at_once(
        crowd,
        *(
            office.envelope("person register", handle="ruth", name=name)
            for name in ("Ruth Abara", "Ruth Zeller")
        ),
    )
    assert second.refusal == "AlreadyExists"
    assert first.stream.removeprefix("person:") in second.message


async def test_a_name_given_to_two_leas_at_once_is_given_to_one(
    office: Office, crowd: Record
) -> None:
    for turn in range(5):
        alias = f"The District {turn}"
        first, second = await _at_once(
            crowd,
            *(
                office.envelope(
                    "lea register",
                    id=f"{lea}-{turn}",
                    name=f"{lea} {turn}",
                    type="school_district",
                    alias=[alias],
                )
                for lea in ("elk-grove", "fox-hollow")
            ),
        )
        assert second.refusal == "AlreadyExists"
        assert first.stream.removeprefix("lea:") in second.message
        async with office.pool.acquire() as connection:
            assert await connection.fetchval(
                "select 'lea:' || lea from read.lea_names where folded = $1", alias.casefold()
            ) == first.stream  # fmt: skip


async def test_a_writer_that_keeps_losing_gives_the_race_back_to_whoever_asked(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The attempts are bounded: an activity that never ends would hide what is wrong."""
    await _open(office)
    attempts = 0

    async def always_late(*_: object) -> None:
        nonlocal attempts
        attempts += 1
        raise Conflict("somebody else")

    async def at_once(_: float) -> None:
        return None

    monkeypatch.setattr("activities.record.asyncio.sleep", at_once)
    with pytest.raises(Conflict):
        await office.record.in_transaction(always_late)
    assert attempts > 5


async def test_time_does_not_run_backwards_between_two_workers_with_different_clocks(
    office: Office, crowd: Record
) -> None:
    await _open(office)
    office.clock.at -= timedelta(hours=3)  # another worker's clock is behind
    receipt = await crowd.execute(
        office.envelope("conversation log", "marcus", engagement=E, group="parents",
                        on=office.clock.at.date())
    )  # fmt: skip
    assert receipt.outcome == "recorded", receipt.message
    async with office.pool.acquire() as connection:
        stamps = await connection.fetch(
            "select recorded_at from es.events where stream = $1 order by version", STREAM
        )
    assert stamps[0] == stamps[1]


async def _at_once(record: Record, *envelopes: Envelope) -> tuple[Receipt, Receipt]:
    """The recorded receipt, then the refused one."""
    one, two = await asyncio.gather(*(record.execute(e) for e in envelopes))
    if one.outcome == "refused":
        one, two = two, one
    assert (one.outcome, two.outcome) == ("recorded", "refused"), (one, two)
    return one, two
