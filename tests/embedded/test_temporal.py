from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from temporalio.api.operatorservice.v1 import ListSearchAttributesRequest
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.common import SearchAttributePair, TypedSearchAttributes

from embedded.process import StartError
from embedded.temporal import (
    dev_temporal,
    sandbox_temporal,
    start_dev_temporal,
)
from workflows.attributes import KINDS, NEXT_DUE, PHASE

ATTRIBUTES = TypedSearchAttributes(
    [
        SearchAttributePair(PHASE, "recruiting"),
        SearchAttributePair(NEXT_DUE, datetime(2027, 1, 4, 16, tzinfo=UTC)),
    ]
)


async def test_what_waits_on_the_development_server_outlives_it(tmp_path: Path) -> None:
    # Characters that mean something in the address of a database file.
    place = tmp_path / "a path? with #50% more"
    place.mkdir()
    async with dev_temporal(place, namespace="office") as server:
        client = await Client.connect(server.address, namespace="office")
        await client.start_workflow(
            "Waits", id="kept", task_queue="nobody", search_attributes=ATTRIBUTES
        )
    async with dev_temporal(place, namespace="office") as server:
        client = await Client.connect(server.address, namespace="office")
        found = await client.get_workflow_handle("kept").describe()
        assert found.status is WorkflowExecutionStatus.RUNNING
        assert found.typed_search_attributes.get(PHASE) == "recruiting"
        known = await client.operator_service.list_search_attributes(
            ListSearchAttributesRequest(namespace="office")
        )
        assert known.custom_attributes.keys() >= KINDS.keys()
        listening = psutil.Process(server.process.pid).net_connections()
        assert {c.laddr.ip for c in listening if c.status == "LISTEN"} == {"127.0.0.1"}
        assert server.ui_url is not None
        await _page_answers(server.ui_url)


async def test_what_waits_outlives_a_killed_development_server(tmp_path: Path) -> None:
    server = start_dev_temporal(tmp_path)
    client = await Client.connect(server.address)
    for number in range(20):
        await client.start_workflow("Waits", id=f"kept-{number}", task_queue="nobody")
    psutil.Process(server.process.pid).kill()
    server.process.stop()
    async with dev_temporal(tmp_path) as again:
        client = await Client.connect(again.address)
        for number in range(20):
            found = await client.get_workflow_handle(f"kept-{number}").describe()
            assert found.status is WorkflowExecutionStatus.RUNNING


async def _page_answers(url: str) -> None:
    import asyncio
    from urllib.parse import urlsplit

    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    writer.write(f"GET / HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n".encode())
    status = await reader.readline()
    writer.close()
    await writer.wait_closed()
    assert b" 200 " in status


async def test_the_sandbox_knows_the_search_attributes(tmp_path: Path) -> None:
    async with sandbox_temporal(tmp_path) as server:
        assert server.ui_url is None
        client = await Client.connect(server.address, namespace=server.namespace)
        handle = await client.start_workflow(
            "Waits",
            id="kept",
            task_queue="nobody",
            search_attributes=ATTRIBUTES,
            execution_timeout=timedelta(days=900),
        )
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING


@pytest.mark.parametrize("kind", [dev_temporal, sandbox_temporal])
def test_a_taken_port_is_named(kind: type, tmp_path: Path) -> None:
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=r"Temporal.* (ended at once|found port \d+ taken)"):
            kind(tmp_path, port=port).__enter__()
