"""Seals the store as it is, again and again, beside the writers and never in their way."""

import json
from collections.abc import AsyncIterator
from dataclasses import asdict, fields, replace
from typing import Any

import structlog

from store.database import Connection, listed, queries, streamed
from store.evidence import NOTHING, Head, Whole, added, fits
from store.schema import described
from store.vault import Vault

log = structlog.get_logger()

_AT_ONCE = 5000


def head_of(row: Any) -> Head:
    """How far a stream had come, as it is kept."""
    return Head(
        stream=row["stream"],
        version=row["version"],
        keyed_from=row["keyed_from"],
        hash=bytes(row["hash"]),
        places=bytes(row["places"]),
        orders=bytes(row["orders"]),
    )


def whole_of(row: Any) -> Whole:
    """The store as it was, as it is kept."""
    return Whole(**{kept.name: row[kept.name] for kept in fields(Whole)})


async def seal(connection: Connection, vault: Vault) -> int | None:
    """Seal what was recorded and answered since the last time, in one transaction.

    What is read is over and done, so nothing waits for it.  A stream whose seal, or the end that it
    sealed, was tampered with is left as it is, for `verify` to name.

    Returns:
        How many events were added to what is sealed; None where nothing can be: the seal of the
        store was tampered with, or taken away.  A worker seals before it records anything, so a
        store that bears seals and none of its own was sealed once.
    """
    async with connection.transaction():
        # Two who read the same end would each add what came after it: verify would take that for
        # tampering.
        await queries.take_turn_to_seal(connection)
        at = await queries.horizon(connection)
        row = await queries.sealed(connection)
        before = None if row is None else whole_of(row)
        if row is not None and not fits(row["mac"], vault.evidence.whole(whole_of(row))):
            return None
        if before is None:
            if await queries.bears_seals(connection):
                return None
            whole = await _beginning(connection, vault, at)
            beyond = streamed(connection, queries.events_to_seal, since="0", until=at["until"])
        elif int(before.until) > int(at["next"]):
            # From another cluster, whose counter was ahead: what is sealed is known by its place.
            whole = replace(before, restored_to=before.receipts_to, until="0")
            beyond = streamed(connection, queries.events_beyond, until=at["until"])
        else:
            whole = before
            beyond = streamed(
                connection, queries.events_to_seal, since=before.until, until=at["until"]
            )
        since = whole.until
        count, whole = await _sealed_streams(connection, vault, whole, beyond, first=before is None)
        whole = await _sealed_receipts(
            connection, vault, whole, since=since, until=at["until"], first=before is None
        )
        whole = await _sealed_schema(connection, vault, whole)
        if before is not None and whole == before:
            return 0
        whole = replace(whole, until=at["until"], sealed_at=at["at"])
        await queries.put_sealed(connection, **asdict(whole), mac=vault.evidence.whole(whole))
        return count


async def _beginning(connection: Connection, vault: Vault, at: Any) -> Whole:
    parts = await described(connection)
    await queries.put_sealed_schema(connection, parts=json.dumps(parts))
    return Whole(
        until="0",
        restored_to=0,
        receipts_to=0,
        receipts_keyed_from=1,
        streams=0,
        events=0,
        receipts=0,
        heads=NOTHING,
        answers=NOTHING,
        revision=await connection.fetchval("select version_num from alembic_version"),
        schema_=vault.evidence.schema(parts),
        begun_at=at["at"],
        sealed_at=at["at"],
    )


async def _sealed_streams(
    connection: Connection, vault: Vault, whole: Whole, rows: AsyncIterator[Any], *, first: bool
) -> tuple[int, Whole]:
    """Extend the heads of the streams that went on, some hundreds at a time."""
    news, held, count = dict[str, list[Any]](), 0, 0
    async for row in rows:
        if held >= _AT_ONCE and row["stream"] not in news:
            whole = await _extended(connection, vault, whole, news, first=first)
            news, held = {}, 0
        news.setdefault(row["stream"], []).append(row)
        held += 1
        count += 1
    if news:
        whole = await _extended(connection, vault, whole, news, first=first)
    return count, whole


async def _extended(
    connection: Connection, vault: Vault, whole: Whole, news: dict[str, list[Any]], *, first: bool
) -> Whole:
    rows = await listed(queries.sealed_streams(connection, streams=list(news)))
    kept = {row["stream"]: row for row in rows}
    heads = list[Head]()
    for stream, events in news.items():
        row = kept.get(stream)
        head = Head(stream, 0, 1, b"") if row is None else head_of(row)
        if row is not None and not fits(row["mac"], vault.evidence.head(head)):
            log.error("seal_tampered_with", stream=stream)
            continue
        if [e["version"] for e in events] != list(
            range(head.version + 1, head.version + 1 + len(events))
        ):
            log.error("sealed_end_tampered_with", stream=stream, sealed=head.version)
            continue
        if row is not None:
            whole = whole.without_head(bytes(row["mac"]), head.version)
        for event in events:
            unsealed = first and event["seal"] is None
            head = replace(
                head,
                version=event["version"],
                keyed_from=event["version"] + 1 if unsealed else head.keyed_from,
                hash=bytes(event["hash"]),
                places=added(head.places, vault.evidence.place(event)),
                orders=added(head.orders, vault.evidence.order(event)),
            )
        whole = whole.with_head(vault.evidence.head(head), head.version)
        heads.append(head)
    await _put_heads(connection, vault, heads)
    return whole


async def _put_heads(connection: Connection, vault: Vault, heads: list[Head]) -> None:
    await queries.put_sealed_streams(
        connection,
        streams=[h.stream for h in heads],
        versions=[h.version for h in heads],
        keyed_from=[h.keyed_from for h in heads],
        hashes=[h.hash for h in heads],
        places=[h.places for h in heads],
        orders=[h.orders for h in heads],
        macs=[vault.evidence.head(h) for h in heads],
    )


async def _sealed_receipts(
    connection: Connection, vault: Vault, whole: Whole, *, since: str, until: str, first: bool
) -> Whole:
    async for row in streamed(
        connection,
        queries.receipts_to_seal,
        since=since,
        until=until,
        restored_to=whole.restored_to,
    ):
        whole = replace(
            whole,
            receipts=whole.receipts + 1,
            receipts_to=max(whole.receipts_to, row["position"]),
            receipts_keyed_from=max(
                whole.receipts_keyed_from,
                row["position"] + 1 if first and row["seal"] is None else 0,
            ),
            answers=added(whole.answers, vault.evidence.answer(row)),
        )
    return whole


async def _sealed_schema(connection: Connection, vault: Vault, whole: Whole) -> Whole:
    """Describe the schema anew where it was brought up; a change without that is not taken over."""
    revision = await connection.fetchval("select version_num from alembic_version")
    if revision == whole.revision:
        return whole
    parts = await described(connection)
    await queries.put_sealed_schema(connection, parts=json.dumps(parts))
    return replace(whole, revision=revision, schema_=vault.evidence.schema(parts))


async def in_order(connection: Connection, vault: Vault) -> list[Head]:
    """The streams whose seal is true, and whose events bear the transaction ids they had then.

    In the caller's transaction; the master key must be the store's.
    """
    rows = await listed(queries.sealed_streams(connection, streams=None))
    heads = [head_of(row) for row in rows if fits(row["mac"], vault.evidence.head(head_of(row)))]
    sealed_to = {head.stream: head.version for head in heads}
    orders = dict[str, bytes]()
    async for event in streamed(connection, queries.log_order):
        stream = event["stream"]
        if event["version"] <= sealed_to.get(stream, 0):
            orders[stream] = added(orders.get(stream, NOTHING), vault.evidence.order(event))
    return [head for head in heads if orders.get(head.stream, NOTHING) == head.orders]


async def seal_in_new_order(connection: Connection, vault: Vault, heads: list[Head]) -> None:
    """Seal streams by the transaction ids that their events bear now, in the caller's transaction.

    Args:
        heads: Those that were `in_order` before the ids were given anew.  Any other is left as it
            is, for `verify` to name.
    """
    await queries.take_turn_to_seal(connection)
    row = await queries.sealed(connection)
    if row is None or not fits(row["mac"], vault.evidence.whole(whole_of(row))):
        return
    whole, anew = whole_of(row), {head.stream: replace(head, orders=NOTHING) for head in heads}
    async for event in streamed(connection, queries.log_order):
        head = anew.get(event["stream"])
        if head is not None and event["version"] <= head.version:
            orders = added(head.orders, vault.evidence.order(event))
            anew[head.stream] = replace(head, orders=orders)
    for before in heads:
        whole = whole.without_head(vault.evidence.head(before), before.version)
        whole = whole.with_head(vault.evidence.head(anew[before.stream]), before.version)
    await _put_heads(connection, vault, list(anew.values()))
    await queries.put_sealed(connection, **asdict(whole), mac=vault.evidence.whole(whole))


async def accept_schema(connection: Connection, vault: Vault) -> bool:
    """Take the schema as it stands for right; False where the seal does not allow it."""
    async with connection.transaction():
        await queries.take_turn_to_seal(connection)
        row = await queries.sealed(connection)
        if row is None or not fits(row["mac"], vault.evidence.whole(whole_of(row))):
            return False
        parts = await described(connection)
        await queries.put_sealed_schema(connection, parts=json.dumps(parts))
        whole = replace(whole_of(row), schema_=vault.evidence.schema(parts))
        await queries.put_sealed(connection, **asdict(whole), mac=vault.evidence.whole(whole))
        return True
