"""What somebody typed is kept with the answer, so that it can be put right later."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from domain.context import SYSTEM
from domain.errors import Invalid, Refused
from domain.kernel import Command, Recorded, State, fold
from domain.mending import CorrectEntry, Entry, EntryMended, Past, RetractEntry, mended
from domain.messages import Envelope
from domain.refusing import explain
from store.context import standing
from store.database import Connection, listed, queries
from store.names import named_in, words
from store.resolving import resolve
from store.vault import Vault


def _place(command_id: UUID) -> str:
    return f"typed {command_id}"


async def typed(
    connection: Connection, vault: Vault, envelope: Envelope, stream: str
) -> dict[str, Any]:
    """What was typed, sealed by the stream and by everybody whom it names."""
    text = envelope.model_dump_json(exclude={"command_id", "causation_id"})
    named = await named_in(connection, "\n".join(words(json.loads(text))))
    about = dict.fromkeys([stream.removeprefix("person:"), *named])
    document = {"about": " ".join(about), "text": text}
    await vault.seal(connection, _place(envelope.command_id), [document])
    return document


async def typed_for(
    connection: Connection, vault: Vault, history: Sequence[Recorded], entry: int
) -> Envelope | None:
    """What was typed for an entry, as it was put right since.

    None where it was not kept, or somebody in it was erased.
    """
    command_id = history[entry - 1].stamp.command_id
    first = next(r.stamp.version for r in history if r.stamp.command_id == command_id)
    mendings = [r.stamp.command_id for r in history if r.event.type == EntryMended.type]
    kept = await _kept(connection, vault, [command_id, *mendings])
    envelope, _ = kept.get(command_id, (None, ()))
    return _as_corrected(envelope, _corrections(history, kept).get(first, ()))


async def past_of(
    connection: Connection,
    vault: Vault,
    history: Sequence[Recorded],
    command: CorrectEntry | RetractEntry,
    now: datetime,
) -> Past:
    """A stream's past with what every command of it could know, as far as it matters.

    Raises:
        Invalid: The right values are not such as the command takes.
        Refused: They name somebody or something that is not there.
    """
    grouped: dict[UUID, list[Recorded]] = {}
    for recorded in history:
        grouped.setdefault(recorded.stamp.command_id, []).append(recorded)
    kept = await _kept(connection, vault, grouped)
    right = _corrections(history, kept)
    read, entries, corrected = mended(history), list[Entry](), None
    state, begun = State(history[0].stamp.stream if history else ""), False
    for command_id, events in grouped.items():
        versions = tuple(r.stamp.version for r in events)
        envelope, elsewhere = kept.get(command_id, (None, ()))
        stamp = events[0].stamp
        envelope = _as_corrected(envelope, right.get(versions[0], ()))
        mending = command.entry in versions
        begun = begun or mending
        entry = Entry(
            versions,
            command_id,
            stamp.actor,
            command=_command(envelope),
            illustrative=any(r.event.illustrative for r in events),
            elsewhere=tuple(other for other in elsewhere if other != stamp.stream),
        )
        if begun:
            given = envelope and envelope.model_copy(update={"actor": stamp.actor})
            entry = await _resolved(connection, entry, given, state, stamp.recorded_at)
            if mending and given is not None and isinstance(command, CorrectEntry):
                corrected = await _corrected(connection, given, command, state, stamp.recorded_at)
        entries.append(entry)
        state = fold(state.stream, (r for r in read if r.stamp.version in versions), state)
    return Past(tuple(history), tuple(entries), corrected)


def _corrections(
    history: Sequence[Recorded], kept: Mapping[UUID, tuple[Envelope | None, Sequence[str]]]
) -> dict[int, list[Envelope]]:
    """What was typed to put entries right, by the entry, oldest first."""
    found: dict[int, list[Envelope]] = {}
    for recorded in history:
        event = recorded.event
        if isinstance(event, EntryMended) and event.says is not None:
            envelope, _ = kept.get(recorded.stamp.command_id, (None, ()))
            if envelope is not None:
                found.setdefault(event.entry, []).append(envelope)
    return found


def _as_corrected(envelope: Envelope | None, right: Iterable[Envelope]) -> Envelope | None:
    """What was typed for a command, with the values that were put in the place of others since."""
    if envelope is None:
        return None
    body, on = dict(envelope.body), envelope.effective_on
    for correction in right:
        command = correction.command()
        assert isinstance(command, CorrectEntry)
        body |= command.values
        on = command.on or on
    return envelope.model_copy(update={"body": body, "effective_on": on})


async def _kept(
    connection: Connection, vault: Vault, command_ids: Iterable[UUID]
) -> dict[UUID, tuple[Envelope | None, Sequence[str]]]:
    """What was typed for each command, where it was kept and can be opened, with its streams."""
    found: dict[UUID, tuple[Envelope | None, Sequence[str]]] = {}
    for row in await listed(queries.what_was_typed(connection, command_ids=[*command_ids])):
        document = json.loads(row["typed"]) if row["typed"] else {"text": None}
        command_id = row["command_id"]
        await vault.open(connection, [(f"{_place(command_id)}+0", document)])
        envelope = None
        if document["text"] is not None:
            envelope = Envelope(command_id=command_id, **json.loads(document["text"]))
        found[command_id] = envelope, row["streams"]
    return found


def _command(envelope: Envelope | None) -> Command | None:
    """The command, where it still has the form that it needs."""
    if envelope is None:
        return None
    try:
        return envelope.command()
    except ValidationError:
        return None


async def _resolved(
    connection: Connection, entry: Entry, envelope: Envelope | None, state: State, at: datetime
) -> Entry:
    """An entry with what its command could know: by today's directory, at its own moment."""
    if entry.command is None or envelope is None:
        context = replace(await standing(connection, state, at), command_id=entry.command_id)
        return replace(entry, context=context if entry.actor == SYSTEM else None)
    try:
        context = await resolve(connection, envelope, entry.command, state, at)
    except Refused:
        return entry  # Somebody it names is gone: what it recorded is left as it is.
    return replace(entry, context=context)


async def _corrected(
    connection: Connection, envelope: Envelope, command: CorrectEntry, state: State, at: datetime
) -> tuple[Command, Any]:
    right = envelope.model_copy(
        update={
            "body": {**envelope.body, **command.values},
            "effective_on": command.on or envelope.effective_on,
        }
    )
    try:
        says = right.command()
    except ValidationError as problem:
        raise Invalid(explain(problem, right.kind)) from problem
    return says, await resolve(connection, right, says, state, at)
