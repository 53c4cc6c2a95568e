"""The id of an imported row: made of what it says, wherever it stands and whoever gives it."""

from dataclasses import replace
from datetime import date
from typing import Any

from cli.imports import Row, new_among, parsed
from cli.terminal.tables import Numbered
from store.vault import Vault
from tests.conftest import Office

TALK = {"engagement": "alder-creek-usd", "group": "parents", "note": "budget"}


def rows(*content: dict[str, Any], kind: str = "conversation log") -> list[Row]:
    good, wrong = parsed([Numbered(n, row) for n, row in enumerate(content, start=1)], kind)
    assert wrong == []
    return good


async def new(office: Office, *content: Row) -> list[Row]:
    return (await new_among(office.pool, office.vault, list(content)))[0]


async def give(office: Office, row: Row, actor: str = "tess") -> str:
    receipt = await office.record.execute(
        office.envelope(row.command, actor, command_id=row.command_id, on=row.effective_on)
    )
    return receipt.outcome


async def test_what_a_file_says_twice_are_two_and_in_every_order_the_same_two(
    office: Office,
) -> None:
    other = {**TALK, "group": "students"}
    first = await new(office, *rows(TALK, other, TALK))
    again = await new(office, *rows(TALK, TALK, other))
    assert len({row.command_id for row in first}) == 3
    assert {row.command_id for row in first} == {row.command_id for row in again}


async def test_a_row_on_another_day_or_of_another_file_of_fewer_rows_is_known(
    office: Office,
) -> None:
    await office.do(
        "engagement open", engagement="alder-creek-usd", lea="ACUSD", lead="marcus", director="dana"
    )
    [row] = await new(office, *rows(TALK))
    assert await give(office, row) == "recorded"
    fresh, [before] = await new_among(
        office.pool, office.vault, rows(TALK, {**TALK, "on": "2026-08-02"})
    )
    assert [r.effective_on for r in fresh] == [date(2026, 8, 2)]
    assert (before.number, before.outcome) == (1, "recorded before")
    assert before.message.startswith("recorded by p-")
    assert before.message.endswith(" on Mon 3 Aug 2026")


async def test_a_row_that_was_refused_is_given_under_another_id(office: Office) -> None:
    [row] = await new(office, *rows(TALK))
    assert await give(office, row) == "refused", "there is no engagement yet"
    [again] = await new(office, *rows(TALK))
    assert again.command_id != row.command_id
    assert await give(office, again) == "refused"
    assert (await new(office, *rows(TALK)))[0].command_id not in (row.command_id, again.command_id)


async def test_the_id_of_an_opened_engagement_comes_from_its_lea(office: Office) -> None:
    opening = {"lea": "ACUSD", "lead": "marcus", "director": "dana"}
    [first] = rows({**opening, "engagement": "alder-creek-usd"}, kind="engagement open")
    [later] = rows({**opening, "engagement": "alder-creek-usd-2"}, kind="engagement open")
    assert first.content != later.content, "each was named in the file"
    assert replace(first, numbered=True).content == replace(later, numbered=True).content


async def test_nobody_finds_out_from_an_id_what_was_said(office: Office) -> None:
    [one] = await new(office, *rows(TALK))
    [[other], _] = await new_among(office.pool, Vault(bytes(32)), rows(TALK))
    assert one.command_id != other.command_id, "another key"
