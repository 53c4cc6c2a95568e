"""The last dollars of an appropriation, invested by several people at the same moment."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from activities.record import Record
from domain.envelope import Envelope, Receipt
from domain.kernel.messages import State
from domain.money.appropriations import Appropriation
from domain.money.investments import Investments
from domain.reminders.notices import ReconcileNotices
from domain.rules.context import SYSTEM
from domain.rules.registry import fold
from store.database import Pool, open_pool
from store.events import read_stream
from tests.conftest import Office

ENGAGEMENTS = ("alder-creek-usd", "elk-grove")
MONEY = "appropriation:dta"


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


async def _furnished(office: Office, amount: str) -> None:
    await office.do("lea register", id="elk-grove", name="Elk Grove Elementary")
    for engagement in ENGAGEMENTS:
        await office.do("engagement open", engagement=engagement, lea=engagement, lead="marcus",
                        director="dana")  # fmt: skip
    await office.do("appropriation record", "dana", appropriation="dta", amount=amount,
                    source="act", first="2026-07-01", until="2027-06-30")  # fmt: skip


def _add(office: Office, engagement: str, amount: str, purpose: str) -> Envelope:
    return office.envelope("investment add", engagement=engagement, amount=amount,
                           purpose=purpose, fy="2026-27")  # fmt: skip


async def _state(office: Office, stream: str) -> State:
    async with office.pool.acquire() as connection:
        return fold(stream, await read_stream(connection, office.vault, stream))


async def _agrees(office: Office) -> Decimal:
    """What is invested in all: the same by the engagements, the appropriation and its row."""
    money = (await _state(office, MONEY)).of(Appropriation)
    invested = sum(
        [(await _state(office, f"engagement:{e}")).of(Investments).total for e in ENGAGEMENTS],
        Decimal(0),
    )
    async with office.pool.acquire() as connection:
        row = await connection.fetchrow("select amount, invested from reporting.appropriations")
        listed = await connection.fetchval("select sum(amount) from reporting.investments")
    assert row is not None
    assert money.terms is not None
    assert invested == money.invested == row["invested"] == (listed or 0)
    assert invested <= money.terms.amount == row["amount"]
    return invested


async def test_two_who_invest_the_last_dollars_at_once_do_not_both_succeed(
    office: Office, crowd: Record
) -> None:
    await _furnished(office, "100")
    for turn in range(5):
        receipts = await asyncio.gather(
            *(crowd.execute(_add(office, e, "60", f"turn {turn}")) for e in ENGAGEMENTS)
        )
        assert sorted(r.refusal or r.outcome for r in receipts) == ["OverAppropriation", "recorded"]
        [refused] = [r for r in receipts if r.outcome == "refused"]
        assert "$40.00 is left" in refused.message
        assert await _agrees(office) == 60
        [winner] = [r for r in receipts if r.outcome == "recorded"]
        assert {e.stream for e in winner.events} == {winner.stream, MONEY}
        latest = f"INV-{await _latest(office, winner)}"
        await office.do("investment withdraw", engagement=winner.stream.partition(":")[2],
                        investment=latest, reason="again")  # fmt: skip
        assert await _agrees(office) == 0


async def _latest(office: Office, receipt: Receipt) -> int:
    return len((await _state(office, receipt.stream)).of(Investments).all)


async def test_many_at_once_draw_what_there_is_and_no_more(office: Office, crowd: Record) -> None:
    await _furnished(office, "75")
    receipts = await asyncio.gather(
        *(crowd.execute(_add(office, ENGAGEMENTS[n % 2], "10", f"purpose {n}")) for n in range(12))
    )
    outcomes = Counter(r.refusal or r.outcome for r in receipts)
    assert outcomes == {"recorded": 7, "OverAppropriation": 5}
    assert await _agrees(office) == 70


async def test_corrections_and_the_appropriations_own_race_as_well(
    office: Office, crowd: Record
) -> None:
    await _furnished(office, "100")
    for engagement in ENGAGEMENTS:
        await crowd.execute(_add(office, engagement, "40", "first"))
    correct = [
        office.envelope("investment correct", engagement=e, investment="INV-1", amount="60",
                        reason="r")
        for e in ENGAGEMENTS
    ]  # fmt: skip
    less = office.envelope("appropriation correct", "dana", appropriation="dta", amount="90",
                           reason="r")  # fmt: skip
    receipts = await asyncio.gather(*(crowd.execute(e) for e in [*correct, less]))
    assert Counter(r.outcome for r in receipts) == {"recorded": 1, "refused": 2}
    assert {r.refusal for r in receipts} == {None, "OverAppropriation"}
    await _agrees(office)


async def test_what_is_looked_at_again_meanwhile_does_not_put_older_rows_back(
    office: Office, crowd: Record
) -> None:
    await _furnished(office, "10000")
    again = [office.envelope(ReconcileNotices(of=MONEY), SYSTEM) for _ in range(40)]
    adds = [_add(office, ENGAGEMENTS[n % 2], "10", f"purpose {n}") for n in range(20)]
    receipts = await asyncio.gather(*(crowd.execute(e) for pair in zip(again, adds * 2, strict=True)
                                      for e in pair))  # fmt: skip
    assert {r.outcome for r in receipts} == {"recorded"}
    assert await _agrees(office) == 200
