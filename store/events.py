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

from domain.kernel.messages import Event, Recorded, Stamp, State
from domain.rules.registry import EVENTS, as_mended, evolve, fold
from store.database import Connection, listed, queries
from store.defects import problem_of
from store.errors import MEND, RESTORE, UPGRADE, ForeignKey, UnknownEvent, Unreadable, VaultError
from store.vault import Vault, shut

MENDED = "entry-mended"
"""The type of the events that say how others are to be read: no reader may leave them out."""


class Conflict(Exception):
    """Somebody appended first: load again and decide again."""


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
    data = [
        json.dumps(await vault.seal(connection, f"{what.stream}@{version}", event))
        for version, event in enumerate(what.events, start=what.expected + 1)
    ]
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


def _named(row: Any) -> str:
    return f"event {row['version']} ({row['type']})"


def _event(row: Any, document: dict[str, Any] | None) -> Event:
    kind = EVENTS[row["type"]]
    try:
        if document is None:
            return kind.model_validate_json(row["data"])
        return kind.model_validate(document)
    except ValidationError as problem:
        fields = ", ".join(sorted({str(e["loc"][0]) for e in problem.errors() if e["loc"]}))
        fields = fields or "all of it"
        # Not chained: the validation error would repeat the values, which may be about people.
        raise Unreadable(
            row["stream"],
            row["version"],
            f"{_named(row)} does not have the form that this release knows: {fields}",
            f"Either a newer Handrail wrote it: install that release. Or it was changed: {RESTORE}",
        ) from None


async def _decoded(
    connection: Connection, vault: Vault | None, rows: Sequence[Any]
) -> list[Recorded]:
    for row in rows:
        known = EVENTS.get(row["type"])
        if known is None or known.schema_version < row["schema_version"]:
            raise UnknownEvent(
                row["stream"],
                row["version"],
                f"event {row['version']} is of a kind that this release does not know: "
                f"{row['type']!r}, schema {row['schema_version']}",
                UPGRADE,
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


async def decode_each(
    connection: Connection, vault: Vault | None, rows: Sequence[Any]
) -> list[Recorded | Unreadable]:
    """Rows of the log, each as an event with what was sealed opened, or as what is wrong with it.

    Args:
        vault: What opens it; without one every sealed text is left out.

    Raises:
        ForeignKey: This process has another master key than the store.
    """
    try:
        return [*await _decoded(connection, vault, rows)]
    except ForeignKey:
        raise
    except (Unreadable, VaultError, RecursionError) as problem:
        if len(rows) > 1:
            # One after the other, so that none hides behind another.
            return [one for row in rows for one in await decode_each(connection, vault, [row])]
        if isinstance(problem, Unreadable):
            return [problem]
        row = rows[0]
        why = str(problem) if isinstance(problem, VaultError) else "it is nested too deeply"
        why = f"{_named(row)} cannot be opened: {why}"
        return [Unreadable(row["stream"], row["version"], why, RESTORE)]


async def decode(
    connection: Connection, vault: Vault | None, rows: Sequence[Any]
) -> list[Recorded]:
    """Rows of the log as events, with what was sealed opened.

    Raises:
        Unreadable: One of them cannot be read.
        ForeignKey: This process has another master key than the store.
    """
    found = []
    for one in await decode_each(connection, vault, rows):
        if isinstance(one, Unreadable):
            raise one
        found.append(one)
    return found


def folded(stream: str, history: Sequence[Recorded], start: State | None = None) -> State:
    """The state after a history.

    Raises:
        Unreadable: What an event says does not follow from what stands before it.
    """
    try:
        return fold(stream, history, start)
    except Exception as problem:
        at = _stops_at(stream, history, start)
        named = f"event {at.stamp.version} ({at.event.type})" if at else "what was put right"
        raise Unreadable(
            stream,
            at.stamp.version if at else None,
            f"{named} does not follow from what stands before it ({problem_of(problem)})",
            MEND,
        ) from problem


def _stops_at(stream: str, history: Sequence[Recorded], start: State | None) -> Recorded | None:
    """The event that cannot be applied; None where it is none by itself."""
    state = start or State(stream)
    for recorded in history:
        try:
            state = evolve(state, recorded)
        except Exception:  # noqa: BLE001 - the one that was asked for
            return recorded
    return None


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


async def read_state(
    connection: Connection, vault: Vault, stream: str, *, known_by: datetime | None = None
) -> State:
    """One stream, folded.

    Raises:
        Unreadable: It cannot be.
    """
    return folded(stream, await read_stream(connection, vault, stream, known_by=known_by))


async def read_each(
    connection: Connection,
    vault: Vault | None,
    aggregate: str,
    *,
    only: Sequence[str] | None = None,
    without: Sequence[str] = (),
    known_by: datetime | None = None,
    page: int = 2000,
) -> AsyncIterator[tuple[str, list[Recorded] | Unreadable]]:
    """Every stream of an aggregate with its history, one after the other, read in pages.

    One that cannot be read comes with what is wrong with it, and holds up none of the others.

    Args:
        vault: What opens sealed texts; without one they are left out.
        only: The types of events that are wanted; all of them if None.
        without: The types of events that are not.
    """
    stream, version = "", 0
    at, history, wrong = "", list[Recorded](), None
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
        decoded = await decode_each(connection, vault, rows)
        for row, one in zip(rows, decoded, strict=True):
            if row["stream"] != at:
                if at:
                    yield at, wrong or history
                at, history, wrong = row["stream"], [], None
            if isinstance(one, Unreadable):
                wrong = wrong or one
            else:
                history.append(one)
        if len(rows) < page:
            break
        stream, version = rows[-1]["stream"], rows[-1]["version"]
    if at:
        yield at, wrong or history


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
) -> AsyncIterator[tuple[Checkpoint, list[Recorded | Unreadable]]]:
    """The whole log in pages, each with the checkpoint to keep once it is dealt with.

    In the place of an event that cannot be read stands what is wrong with it.

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
        yield after, await decode_each(connection, vault, rows)
