"""What is not sealed with the store's key is refused, and keeps nobody from working."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from temporalio.api.common.v1 import Payload
from temporalio.client import (
    Client,
    WorkflowExecutionStatus,
    WorkflowQueryFailedError,
    WorkflowUpdateFailedError,
)
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.converter import DataConverter
from temporalio.exceptions import ApplicationError
from temporalio.service import RPCError

from activities.dispatch import begin
from activities.names import UNDECODABLE, WORKFLOW_QUEUE
from bootstrap.clock import SystemClock
from bootstrap.deployment import become_current
from bootstrap.encryption import EncryptingCodec, data_converter
from bootstrap.settings import Settings
from bootstrap.values import Secret
from bootstrap.wiring import Services
from domain.policy.calendar import CalendarPack
from domain.policy.playbook import Playbook
from embedded.mailcatcher import MailCatcher
from embedded.temporal import dev_temporal
from store.database import open_pool
from store.vault import Vault
from tests.conftest import MASTER_KEY, Database, FixedClock, eventually, new_id
from tests.workflows.conftest import Running, WorkflowOffice, office_of

ID = "alder-creek-usd"
E = f"engagement:{ID}"


class Damaging(EncryptingCodec):
    """The store's own seal, of which a byte is lost on the way."""

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        return [
            Payload(metadata=p.metadata, data=p.data[:-1] + bytes([p.data[-1] ^ 1]))
            for p in await super().encode(payloads)
        ]


FOREIGN = {
    "never sealed": pydantic_data_converter,
    "sealed with another key": data_converter(MASTER_KEY[::-1]),
    "damaged": replace(data_converter(MASTER_KEY), payload_codec=Damaging(MASTER_KEY)),
}


@asynccontextmanager
async def development(
    database: Database, mails: MailCatcher, home: Path
) -> AsyncIterator[tuple[Running, WorkflowOffice]]:
    """The development server and a production store, with the versions of real workers."""
    async with dev_temporal(home / "temporal") as server:
        pool = await open_pool(database.url, size=20)
        clock = SystemClock()
        services = Services(
            settings=Settings(
                home=home, temporal_address=server.address, database_url=Secret(database.url)
            ),
            pool=pool,
            vault=Vault(MASTER_KEY),
            client=await Client.connect(server.address, data_converter=data_converter(MASTER_KEY)),
            clock=clock,
            sandbox=False,
        )
        office = WorkflowOffice(
            pool, services.vault, FixedClock(await clock.now()), database.cluster
        )
        office.client = services.client
        office.time = clock  # type: ignore[assignment]  # Nothing here skips.
        running = Running(services, mails.smtp_url)
        async with running.worker():
            await become_current(services.client)
            yield running, office
        await pool.close()


@asynccontextmanager
async def skipping(
    running: Running, database: Database
) -> AsyncIterator[tuple[Running, WorkflowOffice]]:
    """The server whose clock skips."""
    async with running.worker():
        office = office_of(running.services, database)
        office.clock.at = await office.time.now()
        yield running, office


async def everything_foreign_is_refused(
    running: Running, office: WorkflowOffice, playbook: Playbook, calendar: CalendarPack
) -> None:
    async def count() -> int:
        async with office.pool.acquire() as connection:
            found: int = await connection.fetchval("select count(*) from es.events")
            return found

    async def logged(note: str) -> None:
        await office.do("conversation log", "marcus", engagement=ID, group="parents", notes=note)

    def clients(converter: DataConverter) -> Client:
        config = running.services.client.config()
        config["data_converter"] = converter
        return Client(**config)

    sealed = running.services.client
    theirs = office.envelope("engagement withdraw", "dana", engagement=ID, reason="of Eve")
    for converter in FOREIGN.values():
        # A run that is started with it ends by itself, and its id is free for the real one.
        await clients(converter).start_workflow(
            "Engagement", {"stream": E}, id=E, task_queue=WORKFLOW_QUEUE
        )
        await ended(sealed, E)
    starts: list[tuple[str, list[Any]]] = [
        ("Engagement", []),
        ("Nonsense", [{"a": 1}]),
        ("Digest", []),
    ]
    for kind, arguments in starts:
        await sealed.start_workflow(kind, args=arguments, id=E, task_queue=WORKFLOW_QUEUE)
        await ended(sealed, E)
    if not running.services.sandbox:  # On the other server such a start and update waits 20 s.
        for converter in FOREIGN.values():
            with pytest.raises((WorkflowUpdateFailedError, RPCError)):
                await (await begin(clients(converter), theirs)).result()
    await office.furnish(playbook, calendar)
    await office.do("engagement open", engagement=ID, lea="ACUSD", lead="marcus", director="dana")
    before = await count()
    for name, converter in FOREIGN.items():
        with pytest.raises(WorkflowUpdateFailedError):
            await (await begin(clients(converter), theirs)).result()
        handle = clients(converter).get_workflow_handle(E)
        await handle.signal("execute", theirs)
        with pytest.raises(WorkflowQueryFailedError):
            await handle.query("execute", theirs)
        assert await count() == before, name
        await logged(f"after-{name.split()[0]}")
        before = await count()
    # What is sealed and has not the form of a command.
    given = theirs.model_dump(mode="json")
    for argument in ({**given, "more": 1}, {"stream": E}, "execute", 7, [given]):
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await sealed.get_workflow_handle(E).execute_update("execute", argument)
        assert isinstance(refused.value.cause, ApplicationError)
        assert refused.value.cause.type == UNDECODABLE, argument
        assert "Eve" not in str(refused.value.cause)
    updates: list[tuple[str, list[Any]]] = [
        ("execute", []),
        ("execute", [None]),
        ("execute", [given, given]),
        ("nonsense", [given]),
    ]
    for update, arguments in updates:
        with pytest.raises(WorkflowUpdateFailedError):
            await sealed.get_workflow_handle(E).execute_update(update, args=arguments)
    assert await count() == before
    unknown = theirs.model_copy(update={"kind": "person promote", "command_id": new_id()})
    receipt = await office.give(unknown)
    assert (receipt.outcome, receipt.refusal) == ("refused", "Unknown")
    assert "person promote" in receipt.message
    await logged("at-last")


async def ended(client: Client, workflow_id: str) -> None:
    async def failed() -> bool:
        told = await client.get_workflow_handle(workflow_id).describe()
        return told.status is WorkflowExecutionStatus.FAILED

    await eventually(failed)


async def test_on_the_development_server(
    database: Database,
    mails: MailCatcher,
    tmp_path: Path,
    playbook: Playbook,
    calendar: CalendarPack,
) -> None:
    async with development(database, mails, tmp_path) as (running, office):
        await everything_foreign_is_refused(running, office, playbook, calendar)


async def test_on_the_server_whose_clock_skips(
    running: Running, sandbox_database: Database, playbook: Playbook, calendar: CalendarPack
) -> None:
    async with skipping(running, sandbox_database) as (_, office):
        await everything_foreign_is_refused(running, office, playbook, calendar)
