"""Temporal loses everything under a worker that runs; the store is put back to an earlier state."""

import asyncio
import base64

import asyncpg
import pytest

from bootstrap.recovery import recover
from domain.envelope import Envelope, Receipt
from embedded.dumping import dump, restore
from embedded.process import StartError
from tests.lives.conftest import LEAS, Premises, lea

pytestmark = pytest.mark.slow


async def first_commands(at: Premises, group: str) -> list[str]:
    """What the first command to each engagement is answered, all given at the same time."""
    answers = await at.submit(*(at.conversation(lea(n), group) for n in range(LEAS)))
    return [a.outcome if isinstance(a, Receipt) else f"{type(a).__name__}: {a}" for a in answers]


async def answered(at: Premises, envelope: Envelope) -> Receipt:
    [receipt] = await at.submit(envelope)
    assert isinstance(receipt, Receipt), receipt
    return receipt


async def take_dump(at: Premises) -> None:
    owner = await asyncpg.connect(at.database.owner_url)
    async with owner.transaction(isolation="repeatable_read"):
        snapshot = await owner.fetchval("select pg_export_snapshot()")
        await asyncio.to_thread(
            dump, at.database.owner_url, at.home / "store.dump", snapshot=snapshot
        )
    await owner.close()


async def put_back(at: Premises) -> None:
    """Under the running worker, whose locks and the restore's may meet: PostgreSQL ends one."""
    while True:
        try:
            await asyncio.to_thread(
                restore, at.database.owner_url, at.home / "store.dump", replace=True
            )
        except StartError as met:
            if "deadlock detected" not in str(met):
                raise
        else:
            return


async def version_of(at: Premises, engagement: str) -> int:
    version: int = await at.office.pool.fetchval(
        "select max(version) from es.events where stream = $1", f"engagement:{engagement}"
    )
    return version


async def test_the_engine_and_the_store_come_together_again_whichever_forgets(
    premises: Premises,
) -> None:
    at = premises
    await at.worker()
    done = await recover(at.settings)
    assert (done.engagements, done.silent, done.missing) == (LEAS, (), ())
    assert await first_commands(at, "parents") == ["recorded"] * LEAS

    # With another key nothing of what Temporal keeps can be read, which is no end of the look.
    code, said = await at.handrail("doctor", HANDRAIL_KEY=base64.b64encode(bytes(32)).decode())
    assert code == 3
    assert "this store was sealed with master key" in said, said

    # Emptied under the running worker: nobody starts it again.
    await at.empty_temporal()
    code, said = await at.handrail("doctor")
    assert f"of {LEAS} workflows are missing" in said, said
    assert "handrail admin recover" in said
    done = await recover(at.settings)
    assert (done.engagements, done.silent) == (LEAS, ())
    assert await first_commands(at, "students") == ["recorded"] * LEAS

    # The store is put back to before what Temporal has answered, under the running worker too.
    await answered(at, at.conversation(lea(1), "board"))
    await take_dump(at)
    lost = at.conversation(lea(0), "principals")
    assert (await answered(at, lost)).outcome == "recorded"
    at_version = await version_of(at, lea(0))
    await put_back(at)
    assert await version_of(at, lea(0)) == at_version - 1

    refused = await answered(at, at.conversation(lea(0), "superintendent"))
    assert (refused.outcome, refused.refusal) == ("refused", "StorePutBack")
    assert "handrail admin recover" in refused.message
    # What the engine remembers is no answer: neither at once nor when it is asked again.
    for _ in range(2):
        repeated = await answered(at, lost)
        assert (repeated.outcome, repeated.refusal) == ("refused", "StorePutBack")
        assert "handrail admin recover" in repeated.message
    assert await version_of(at, lea(0)) == at_version - 1
    code, said = await at.handrail("doctor")
    assert code == 3
    assert str(lost.command_id) in said
    assert "conversation log" in said

    # A worker that is started now does not begin to work.
    await at.no_worker()
    process = at.start_worker()
    assert await asyncio.to_thread(process.wait, 30) == 1
    assert "1 command is missing from the store" in at.log.read_text()
    at.workers.clear()
    code, said = await at.handrail("admin", "recover")
    assert code == 3, said
    assert str(lost.command_id) in said
    assert "no worker runs" in said

    await at.worker()
    code, said = await at.handrail("admin", "recover")
    assert code == 0, said
    code, said = await at.handrail("doctor")
    assert str(lost.command_id) not in said
    # Given again, it is recorded in the store, not said to be by what remembers it.
    again = await answered(at, lost)
    assert (again.outcome, again.repeated) == ("recorded", False)
    assert await version_of(at, lea(0)) == at_version
    assert (await answered(at, lost)).repeated
    # The store alone is asked: nobody is at work, and the engine knows nothing.
    await at.no_worker()
    await at.empty_temporal()
    assert (await answered(at, lost)).repeated
    await at.worker()
    assert (await recover(at.settings)).silent == ()
    assert await first_commands(at, "ed-services") == ["recorded"] * LEAS
