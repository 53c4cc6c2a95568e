"""A copy that follows the database: questions are answered from it, and it takes over."""

from pathlib import Path

import asyncpg
import psutil
import pytest

from domain.envelope import Receipt
from tests.conftest import Database, eventually
from tests.lives.conftest import Premises, lea
from tests.lives.test_copies import events, refuses_to_start
from tests.lives.test_standby import following

pytestmark = pytest.mark.slow


async def test_a_standby_answers_questions_takes_no_command_and_can_take_over(
    premises: Premises, tmp_path: Path
) -> None:
    at = premises
    await at.worker()
    [receipt] = await at.submit(at.conversation(lea(0)))
    assert isinstance(receipt, Receipt)
    await at.no_worker()
    saved = await events(at.database)
    cluster = at.database.cluster
    data = Path(psutil.Process(cluster.process.pid).cwd())
    with following(cluster, data, tmp_path / "copy") as server:
        leader, at.database = at.database, Database(server, at.database.name)

        async def has_followed() -> bool:
            return await events(at.database) == saved

        await eventually(has_followed)
        assert "a read-only copy" in await refuses_to_start(at)
        code, said = await at.handrail("doctor")
        told = " ".join(said.split())
        assert (code, "Traceback" in said) == (3, False), said
        assert "is a read-only copy: it answers questions and takes no commands" in told
        assert "Set DATABASE_URL to the database that is written to" in told
        [answer] = await at.submit_or_not(at.conversation(lea(1)))
        assert "a read-only copy" in str(answer)
        for question in (("engagement", "list"), ("history", lea(0)), ("due",)):
            code, said = await at.handrail(*question)
            assert code == 0, said
        code, said = await at.handrail("admin", "verify")
        assert code == 0, said
        assert "the read models were not compared with the events" in " ".join(said.split())
        assert await events(leader) == saved

        # The first one is lost, and this one takes its place: the same life goes on.
        connection = await asyncpg.connect(server.url("postgres", at.database.name))
        assert await connection.fetchval("select pg_promote()")
        await at.worker_on(connection)
        await connection.close()
        [receipt] = await at.submit(at.conversation(lea(1)))
        assert isinstance(receipt, Receipt)
        assert receipt.outcome == "recorded"
        code, said = await at.handrail("admin", "verify")
        assert (code, "not compared" in said) == (0, False), said
        await at.no_worker()
        at.database = leader
