"""What somebody typed is kept with the answer, so that it can be put right later."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from domain.envelope import Envelope
from domain.kernel.messages import Command, Recorded, State
from domain.kernel.refusals import Invalid, Refused
from domain.kernel.sealed import Sealed
from domain.kernel.validation import explain
from domain.mending import CorrectEntry, EntryMended, RetractEntry
from domain.money.appropriations import entry as appropriation_entry
from domain.rules.context import SYSTEM, Context, Entry, Past
from domain.rules.registry import as_mended, fold
from domain.streams import aggregate_of, subject_of
from store.context import standing
from store.database import Connection, listed, queries
from store.events import read_stream
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
    about = dict.fromkeys([subject_of(stream), *named])
    told = Sealed(about=" ".join(about), text=text)
    return await vault.seal(connection, _place(envelope.command_id), told)


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
) -> Past:
    """A stream's past with what every command of it could know, as far as it matters.

    Raises:
        Invalid: The right values are not such as the command takes.
        Refused: They name somebody or something that is not there.
    """
    made = next((r.stamp.command_id for r in history if r.stamp.version == command.entry), None)
    if made is None:
        return Past(tuple(history), ())
    past, then = await _past(connection, vault, history, made)
    [entry] = [e for e in past.entries if e.command_id == made]
    elsewhere = {
        other: (await _past(connection, vault, await read_stream(connection, vault, other), made))[
            0
        ]
        for other in entry.elsewhere
    }
    corrected = None
    given = await typed_for(connection, vault, history, command.entry)
    if given is not None and isinstance(command, CorrectEntry):
        given = given.model_copy(update={"actor": entry.actor})
        right = _as_corrected(given, [command])
        assert right is not None
        at = history[command.entry - 1].stamp.recorded_at
        corrected = await _corrected(connection, right, then, at)
        knew = _without(made, corrected[1], elsewhere)
        corrected = corrected[0], _before(then, knew) if then.version == 0 else knew
    return replace(past, corrected=corrected, elsewhere=elsewhere)


async def _past(
    connection: Connection, vault: Vault, history: Sequence[Recorded], made: UUID
) -> tuple[Past, State]:
    """A past with the contexts that matter once one command is mended, and the state before it."""
    grouped: dict[UUID, list[Recorded]] = {}
    for recorded in history:
        grouped.setdefault(recorded.stamp.command_id, []).append(recorded)
    kept = await _kept(connection, vault, grouped)
    right = _corrections(history, kept)
    read, entries = as_mended(history), list[Entry]()
    stream = history[0].stamp.stream
    state, begun, then = State(stream), False, State(stream)
    for command_id, events in grouped.items():
        versions = tuple(r.stamp.version for r in events)
        envelope, streams = kept.get(command_id, (None, ()))
        envelope = _as_corrected(envelope, right.get(versions[0], ()))
        stamp = events[0].stamp
        if command_id == made:
            begun, then = True, state
        entry = Entry(
            versions,
            command_id,
            stamp.actor,
            command=_command(envelope),
            illustrative=any(r.event.illustrative for r in events),
            elsewhere=tuple(other for other in streams if other != stream),
        )
        # What another stream decided is decided there.
        if begun and (envelope is None or envelope.stream == stream):
            given = envelope and envelope.model_copy(update={"actor": stamp.actor})
            entry = await _resolved(connection, entry, given, state, stamp.recorded_at)
        entries.append(entry)
        state = fold(stream, (r for r in read if r.stamp.version in versions), state)
    return Past(tuple(history), tuple(entries)), then


def _before(state: State, context: Context) -> Context:
    """What could be known before somebody, or an LEA, was registered at all."""
    return replace(
        context,
        people={ref: p for ref, p in context.people.items() if state.stream != f"person:{p.id}"},
        leas={ref: lea for ref, lea in context.leas.items() if state.stream != f"lea:{lea.id}"},
        bearers={
            name: [lea for lea in leas if state.stream != f"lea:{lea.id}"]
            for name, leas in context.bearers.items()
        },
    )


def _without(made: UUID, context: Context, elsewhere: Mapping[str, Past]) -> Context:
    """What a command can know of money that it has not spent yet."""
    money = dict(context.appropriations)
    for stream, past in elsewhere.items():
        if aggregate_of(stream) == "appropriation":
            rest = [r for r in as_mended(past.history) if r.stamp.command_id != made]
            known = appropriation_entry(fold(stream, rest))
            if known is not None:
                money[known.id] = known
    return replace(context, appropriations=money)


def _corrections(
    history: Sequence[Recorded], kept: Mapping[UUID, tuple[Envelope | None, Sequence[str]]]
) -> dict[int, list[CorrectEntry]]:
    """What was typed to put entries right, by the entry, oldest first."""
    found: dict[int, list[CorrectEntry]] = {}
    for recorded in history:
        event = recorded.event
        if isinstance(event, EntryMended) and event.says is not None:
            envelope, _ = kept.get(recorded.stamp.command_id, (None, ()))
            command = _command(envelope)
            # On another stream the correction was of another entry, whose values are not these.
            if isinstance(command, CorrectEntry) and command.of == recorded.stamp.stream:
                found.setdefault(event.entry, []).append(command)
    return found


def _as_corrected(envelope: Envelope | None, right: Iterable[CorrectEntry]) -> Envelope | None:
    """What was typed for a command, with the values that were put in the place of others since."""
    if envelope is None:
        return None
    body, on = dict(envelope.body), envelope.effective_on
    for command in right:
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
    connection: Connection, right: Envelope, state: State, at: datetime
) -> tuple[Command, Context]:
    try:
        says = right.command()
    except ValidationError as problem:
        raise Invalid(explain(problem, right.kind)) from problem
    return says, await resolve(connection, right, says, state, at)
