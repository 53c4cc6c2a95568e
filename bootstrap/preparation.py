"""Prepares a Temporal of your own: its namespace and the search attributes."""

import asyncio
from collections.abc import Iterable
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.enums.v1 import IndexedValueType
from temporalio.api.operatorservice.v1 import (
    AddSearchAttributesRequest,
    ListSearchAttributesRequest,
)
from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest, RegisterNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from bootstrap.settings import Settings
from bootstrap.wiring import connect_temporal
from workflows.attributes import KINDS

RETENTION = timedelta(days=30)
"""For a namespace made here; nothing of ours rests on it."""

_WAIT_SECONDS = 60.0
_POLL_SECONDS = 1.0


async def prepare(settings: Settings) -> list[str]:
    """Make what is missing; say what was made and what was there.

    Waits up to a minute for a server that is just starting.
    """
    deadline = asyncio.get_running_loop().time() + _WAIT_SECONDS
    while True:
        try:
            client = await connect_temporal(settings)
            return [await _namespace(client), *await register_attributes(client)]
        except (RuntimeError, RPCError) as not_yet:
            if asyncio.get_running_loop().time() > deadline:
                raise RuntimeError(str(not_yet)) from not_yet
            await asyncio.sleep(_POLL_SECONDS)


async def _namespace(client: Client) -> str:
    try:
        await client.workflow_service.describe_namespace(
            DescribeNamespaceRequest(namespace=client.namespace)
        )
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        retention = Duration()
        retention.FromTimedelta(RETENTION)
        await client.workflow_service.register_namespace(
            RegisterNamespaceRequest(
                namespace=client.namespace, workflow_execution_retention_period=retention
            )
        )
        return f"Namespace {client.namespace}: made."
    return f"Namespace {client.namespace}: there already."


async def register_attributes(client: Client) -> list[str]:
    """Register the search attributes that are missing; say which were.

    Raises:
        temporalio.service.RPCError: Some are missing and may not be added here.
    """
    known = await client.operator_service.list_search_attributes(
        ListSearchAttributesRequest(namespace=client.namespace)
    )
    missing = KINDS.keys() - known.custom_attributes.keys()
    if missing:
        await add_attributes(client, missing)
    return [
        f"Search attribute {name}: {'made' if name in missing else 'there already'}."
        for name in KINDS
    ]


async def add_attributes(client: Client, names: Iterable[str] = KINDS) -> None:
    """Register search attributes that are not there."""
    await client.operator_service.add_search_attributes(
        AddSearchAttributesRequest(
            namespace=client.namespace,
            search_attributes={name: IndexedValueType.ValueType(KINDS[name]) for name in names},
        )
    )
