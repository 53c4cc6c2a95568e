"""Appending to streams and reading them back."""

import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg
from pydantic import ValidationError

from domain.kernel import EVENTS, Event, Recorded, Stamp, as_mended
from store.database import Connection, listed, queries
from store.errors import Unreadable
from store.vault import Vault, shut

MENDED = "entry-mended"
"""The type of the events that say how others are to be read: no reader may leave them out."""


class Conflict(Exception):
    """Somebody appended first: load again and decide again."""


class UnknownEvent(Unreadable):
    """An event of a type or schema version that this code does not know."""


@dataclass(frozen=True, slots=True)
class Append:
    """Events for one stream."""

    stream: str
    expected: int
    events: Sequence[Event]
    effective: Sequence[datetime]


async def append(
    connection: Connection,
    vault: Vault,
    what: Append,
    *,
    command_id: UUID,
    actor: str,
    now: datetime,
    causation_id: UUID | None = None,
) -> list[Recorded]:
    """Append to a stream inside the caller's transaction.

    Args:
        now: The sandbox's clock; a production store stamps by the database's own.

    Raises:
        Conflict: The stream is not at the expected version; the transaction must be rolled back.
    """
    documents = [event.model_dump(mode="json") for event in what.events]
    for index, document in enumerate(documents):
        await vault.seal(connection, f"{what.stream}@{what.expected + 1 + index}", [document])
    data = [json.dumps(document) for document in documents]
    try:
        row = await queries.append(
            connection,
            stream=what.stream,
            expected=what.expected,
            command_id=command_id,
            types=[event.type for event in what.events],
            schemas=[event.schema_version for event in what.events],
            data=data,
            effective=list(what.effective),
            actor=actor,
            causation_id=causation_id,
            sandbox_now=now,
            seals=[
                vault.evidence.event(
                    stream=what.stream,
                    version=what.expected + 1 + index,
                    seq=1 + index,
                    command_id=command_id,
                    type=event.type,
                    schema_version=event.schema_version,
                    actor=actor,
                    causation_id=causation_id,
                    effective_at=what.effective[index],
                    data=data[index],
                )
                for index, event in enumerate(what.events)
            ],
        )
    except asyncpg.UniqueViolationError as lost:
        raise Conflict(f"{what.stream} was at {what.expected}; somebody is first") from lost
    if row["status"] == "overtaken":
        raise Conflict(f"{what.stream} was written by a younger transaction than this one")
    if row["status"] != "appended":
        raise Conflict(f"{what.stream} is at {row['version']}, not at {what.expected}")
    return [
        Recorded(
            event,
            Stamp(
                stream=what.stream,
                version=what.expected + 1 + index,
                effective_at=what.effective[index],
                recorded_at=row["recorded_at"],
                actor=actor,
                command_id=command_id,
                position=row["positions"][index],
            ),
        )
        for index, event in enumerate(what.events)
    ]


def _event(row: Any, document: dict[str, Any] | None) -> Event:
    kind = EVENTS[row["type"]]
    try:
        if document is None:
            return kind.model_validate_json(row["data"])
        return kind.model_validate(document)
    except ValidationError as problem:
        fields = ", ".join(sorted({str(e["loc"][0]) for e in problem.errors() if e["loc"]}))
        # Not chained: the validation error would repeat the values, which may be about people.
        raise Unreadable(
            f"Event {row['version']} of {row['stream']} ({row['type']}) cannot be read by this "
            f"release: {fields}. Use the release that wrote it, or a newer one."
        ) from None


async def decode(
    connection: Connection, vault: Vault | None, rows: Sequence[Any]
) -> list[Recorded]:
    """Rows of the log as events, with what was sealed opened.

    Args:
        vault: What opens it; without one every sealed text is left out.

    Raises:
        UnknownEvent: A newer Handrail wrote an event that this one does not know.
        Unreadable: An event does not have the form its type should have.
    """
    for row in rows:
        known = EVENTS.get(row["type"])
        if known is None or known.schema_version < row["schema_version"]:
            raise UnknownEvent(
                f"{row['stream']} has at version {row['version']} an event {row['type']!r} "
                f"(schema {row['schema_version']}), which this version of Handrail does not know. "
                f"A newer one wrote it: upgrade this one."
            )
    # Most events hold nothing sealed, and are read in one go.
    documents = [json.loads(row["data"]) if '"sealed"' in row["data"] else None for row in rows]
    if vault is None:
        shut(document for document in documents if document is not None)
    else:
        await vault.open(
            connection,
            (
                (f"{row['stream']}@{row['version']}+0", document)
                for row, document in zip(rows, documents, strict=True)
                if document is not None
            ),
        )
    return [
        Recorded(
            _event(row, document),
            Stamp(
                stream=row["stream"],
                version=row["version"],
                effective_at=row["effective_at"],
                recorded_at=row["recorded_at"],
                actor=row["actor"],
                command_id=row["command_id"],
                position=row["position"],
            ),
        )
        for row, document in zip(rows, documents, strict=True)
    ]


async def read_stream(
    connection: Connection,
    vault: Vault,
    stream: str,
    *,
    after: int = 0,
    known_by: datetime | None = None,
) -> list[Recorded]:
    """One stream, oldest first.

    Args:
        after: The version to begin after.
        known_by: Only what was recorded by then: always a prefix of the stream.
    """
    rows = await listed(
        queries.read_stream(connection, stream=stream, after=after, known_by=known_by)
    )
    return await decode(connection, vault, rows)


async def read_each(
    connection: Connection,
    vault: Vault | None,
    aggregate: str,
    *,
    only: Sequence[str] | None = None,
    without: Sequence[str] = (),
    known_by: datetime | None = None,
    page: int = 2000,
) -> AsyncIterator[tuple[str, list[Recorded]]]:
    """Every stream of an aggregate with its history, one after the other, read in pages.

    Args:
        vault: What opens sealed texts; without one they are left out.
        only: The types of events that are wanted; all of them if None.
        without: The types of events that are not.
    """
    stream, version, history = "", 0, list[Recorded]()
    while True:
        rows = await listed(
            queries.read_each(
                connection,
                stream=stream,
                version=version,
                aggregate=aggregate,
                only=only and [*only, MENDED],
                without=list(without),
                known_by=known_by,
                at_most=page,
            )
        )
        for recorded in await decode(connection, vault, rows):
            if history and recorded.stamp.stream != history[0].stamp.stream:
                yield history[0].stamp.stream, history
                history = []
            history.append(recorded)
        if len(rows) < page:
            break
        stream, version = rows[-1]["stream"], rows[-1]["version"]
    if history:
        yield history[0].stamp.stream, history


def as_true(history: Sequence[Recorded], at: datetime, zone: str) -> list[Recorded]:
    """The facts that were effective by an instant, in the order in which they came true.

    Facts of one local day stand in the order in which they were entered: one that was entered
    later is known by its day alone.
    """
    return sorted(
        (r for r in as_mended(history) if r.stamp.effective_at <= at),
        key=lambda r: (r.stamp.effective_at.astimezone(ZoneInfo(zone)).date(), r.stamp.version),
    )


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far a reader of the whole log came."""

    xact_id: str = "0"
    position: int = 0


async def read_log(
    connection: Connection, vault: Vault, after: Checkpoint, *, page: int = 1000
) -> AsyncIterator[tuple[Checkpoint, list[Recorded]]]:
    """The whole log in pages, each with the checkpoint to keep once it is dealt with.

    An event whose transaction commits late is never passed over: reading stops before the oldest
    transaction that is still open.
    """
    while True:
        rows = await listed(
            queries.read_log(
                connection, xact_id=after.xact_id, position=after.position, at_most=page
            )
        )
        if not rows:
            return
        after = Checkpoint(rows[-1]["xact_id"], rows[-1]["position"])
        yield after, await decode(connection, vault, rows)
