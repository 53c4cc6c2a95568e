"""A backup and the way back; a copy, a restored dump, a read-only database, an old schema."""

import json

import asyncpg
import pytest

from domain.messages import Receipt
from tests.conftest import Database
from tests.lives.conftest import LEAS, Premises, lea

pytestmark = pytest.mark.slow


async def events(database: Database) -> int:
    connection = await asyncpg.connect(database.url)
    try:
        count: int = await connection.fetchval("select count(*) from es.events")
        return count
    finally:
        await connection.close()


async def test_a_backup_comes_back_whole_and_mails_nobody_twice(premises: Premises) -> None:
    at = premises
    file = at.home / "store.backup"
    await at.worker()
    code, said = await at.handrail("admin", "recover")
    assert code == 0, said
    code, said = await at.handrail("backup", str(file))
    assert code == 0, said
    saved = await events(at.database)
    assert f"{saved} events" in said
    code, said = await at.handrail("backup", str(file))
    assert (code, "is there already" in said) == (1, True)

    lost = at.conversation(lea(0))
    [receipt] = await at.submit(lost)
    assert isinstance(receipt, Receipt)
    code, said = await at.handrail("restore", str(file), "--original", "--replace")
    assert (code, "A worker is at work" in said) == (1, True), said
    await at.no_worker()
    code, said = await at.handrail("restore", str(file), "--original")
    assert (code, "--replace" in said) == (1, True), said
    code, said = await at.handrail("restore", str(file), "--replace")
    assert (code, "--practice" in said) == (2, True), said
    other = {"HANDRAIL_KEY": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}
    code, said = await at.handrail("restore", str(file), "--original", "--replace", **other)
    assert (code, "sealed with master key" in said) == (1, True), said
    damaged = at.home / "damaged.backup"
    whole = file.read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    code, said = await at.handrail("restore", str(damaged), "--original", "--replace")
    assert code == 1, said
    assert await events(at.database) == saved + 1, "as it was"

    code, said = await at.handrail("restore", str(file), "--original", "--replace", "--json")
    assert code == 0, said
    told = json.loads(said[said.index("{\n") if "{\n" in said else said.index("{") :])
    assert told["contents"]["events"] == saved
    assert [m["command_id"] for m in told["missing"]] == [str(lost.command_id)]
    assert "Temporal" in told["asked"]
    assert await events(at.database) == saved
    await at.worker()
    code, said = await at.handrail("admin", "recover")
    assert code == 0, said
    assert f"{LEAS} engagements" in said
    [again] = await at.submit(lost)
    assert isinstance(again, Receipt)
    assert (again.outcome, again.repeated) == ("recorded", False)
    code, said = await at.handrail("admin", "verify")
    assert code == 0, said
