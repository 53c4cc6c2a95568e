"""Investments that draw from no appropriation: said when one is entered, and when money comes."""

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from domain.kernel.wording import counted, dollars
from domain.money.appropriations import AppropriationRecorded
from domain.money.investments import InvestmentAdded
from domain.money.money import fits
from domain.streams import id_of
from queries.source import Source

if TYPE_CHECKING:
    from domain.envelope import Receipt


NAMED = 5
"""How many are named one by one."""


async def unappropriated(source: Source, receipt: "Receipt") -> list[str]:
    """A warning where money and what it pays for came in the wrong order; it never blocks."""
    from store.context import appropriations
    from store.database import listed, queries
    from store.documents import program

    kinds = {e.type for e in receipt.events}
    if kinds.isdisjoint({InvestmentAdded.type, AppropriationRecorded.type}):
        return []
    async with source.pool.acquire() as connection:
        outside = await listed(queries.without_appropriation(connection))
        money = await appropriations(connection)
        settings = await program(connection)
    if InvestmentAdded.type in kinds:
        mine = id_of(receipt.stream)
        last = [row for row in outside if row["engagement"] == mine][-1:]
        return [_entered(row) for row in last if not money]
    came = money[id_of(receipt.stream)]
    years = settings.calendar.fiscal_year if settings else None
    fitting = [r for r in outside if fits(came, r["fiscal_year"], r["made_on"], years)]
    return [_came(came.id, fitting)] if fitting else []


def _entered(row: Any) -> str:
    return (
        f"no appropriation is recorded yet, so {row['investment']} draws from none. Once there is "
        f"one: {_bring_in(row, 'ID')}"
    )


def _came(appropriation: str, rows: Sequence[Any]) -> str:
    one = len(rows) == 1
    more = "" if len(rows) <= NAMED else f" and {len(rows) - NAMED} more"
    return (
        f"{told(rows)} and {'is' if one else 'are'} not counted in {appropriation}: "
        + ", ".join(
            f"{r['investment']} of {r['engagement']} ({dollars(r['amount'])})" for r in rows[:NAMED]
        )
        + f"{more}. Bring in what it paid for: {_bring_in(rows[0], appropriation)}; see all of "
        f"them: handrail investment list --outside"
    )


def told(rows: Sequence[Any]) -> str:
    """How many there are and how much that is, as the beginning of a sentence."""
    total = dollars(sum((r["amount"] for r in rows), Decimal(0)))
    many = f"{counted(len(rows), 'investment')} of {total}"
    return f"{many} {'draws' if len(rows) == 1 else 'draw'} from no appropriation"


def _bring_in(row: Any, appropriation: str) -> str:
    return (
        f"handrail investment correct {row['engagement']} {row['investment']} "
        f"--appropriation {appropriation} --reason REASON"
    )
