"""People and LEAs as somebody typed them, by handle, id, name or a part of it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Generic, TypeVar

from domain.kernel.naming import Called, folded, meant
from domain.rules.context import LeaEntry, PersonEntry, no_lea, nobody, several_leas, several_people
from store.context import handles, leas_named, people
from store.database import Connection, listed, queries

Entry = TypeVar("Entry", PersonEntry, LeaEntry)
_ID = re.compile(r"p-[a-z2-7]{13}")


@dataclass(frozen=True, slots=True)
class Found(Generic[Entry]):
    """What names turned out to mean."""

    one: dict[str, Entry] = field(default_factory=dict)
    """By the name that was typed, by id, and of a person by handle."""
    several: Mapping[str, Sequence[Entry]] = field(default_factory=dict)
    """Whom a name may mean that several have."""


def as_handle(typed: str) -> str:
    """What somebody typed, as a handle is kept: it may stand after an @."""
    return typed.strip().removeprefix("@")


async def people_meant(
    connection: Connection,
    typed: Iterable[str],
    day: date | None = None,
    known: Mapping[str, PersonEntry] | None = None,
) -> Found[PersonEntry]:
    """People as they were typed: by handle, also after an @, by id, by name or by a part of it.

    Args:
        day: Somebody who has left by then is meant only where nobody is who is there; where none
            is given, whoever ever was in the directory may be meant.
        known: Whoever has one of these handles or ids; asked for where it is not given.
    """
    wanted = {name: as_handle(name) for name in typed}
    if not wanted:
        return Found()
    if known is None:
        known = await people(connection, {*wanted.values()})
    one = {name: known[ref] for name, ref in wanted.items() if ref in known}
    several: dict[str, Sequence[PersonEntry]] = {}
    rest = {name: ref for name, ref in wanted.items() if name not in one and not _is_id(ref)}
    if not rest:
        return Found(_also_by_id(one) | {p.handle: p for p in one.values()})
    called = {
        row["id"]: Called((row["name"],), (row["handle"],))
        for row in await listed(queries.names_of_people(connection))
    }
    ids = {name: meant(ref, called) for name, ref in rest.items()}
    entries = await people(connection, {id_ for found in ids.values() for id_ in found})
    for name, found in ids.items():
        candidates = [entries[id_] for id_ in found if id_ in entries]
        there = [p for p in candidates if day is None or not p.has_left(day)] or candidates
        if len(there) == 1:
            one[name] = there[0]
        elif there:
            several[name] = there
    return Found(_also_by_id(one) | {p.handle: p for p in one.values()}, several)


async def person_meant(connection: Connection, typed: str, day: date | None = None) -> PersonEntry:
    """The one person whom a name means, on a day or on any.

    Raises:
        Ambiguous: It is the name of several.
        Unknown: It is nobody's.
    """
    found = await people_meant(connection, {typed}, day)
    if typed in found.several:
        raise several_people(typed, found.several[typed])
    if typed not in found.one:
        raise nobody(typed, await handles(connection))
    return found.one[typed]


async def leas_meant(
    connection: Connection, typed: Iterable[str], known: Mapping[str, LeaEntry] | None = None
) -> Found[LeaEntry]:
    """LEAs as they were typed: by id, name or alias, or by a part of a name.

    Args:
        known: Whichever have one of these names; asked for where it is not given.
    """
    wanted = {*typed}
    if not wanted:
        return Found()
    if known is None:
        known = await leas_named(connection, wanted)
    one = {name: known[folded(name)] for name in wanted if folded(name) in known}
    several: dict[str, Sequence[LeaEntry]] = {}
    rest = wanted - one.keys()
    if not rest:
        return Found(_also_by_id(one))
    names: dict[str, list[str]] = {}
    for row in await listed(queries.names_of_leas(connection)):
        names.setdefault(row["lea"], []).append(row["name"])
    called = {lea: Called(tuple(all_)) for lea, all_ in names.items()}
    ids = {name: meant(name, called) for name in rest}
    entries = await leas_named(connection, {id_ for found in ids.values() for id_ in found})
    for name, found in ids.items():
        candidates = [entries[id_] for id_ in found if id_ in entries]
        if len(candidates) == 1:
            one[name] = candidates[0]
        elif candidates:
            several[name] = candidates
    return Found(_also_by_id(one), several)


async def lea_meant(connection: Connection, typed: str) -> LeaEntry:
    """The one LEA that a name means.

    Raises:
        Ambiguous: It is the name of several.
        Unknown: It is none's.
    """
    found = await leas_meant(connection, {typed})
    if typed in found.several:
        raise several_leas(typed, found.several[typed])
    if typed not in found.one:
        names = [row["folded"] for row in await listed(queries.lea_names(connection))]
        raise no_lea(typed, names)
    return found.one[typed]


async def canonical_stream(connection: Connection, stream: str, *, new: bool = False) -> str:
    """A stream whose person or LEA was typed, by its id.

    Args:
        new: What it names is to be registered: a part of another's name does not mean that one.

    Raises:
        Ambiguous: Several are called that.
        Unknown: Nobody is called that.
    """
    aggregate, _, name = stream.partition(":")
    if aggregate == "person" and not _is_id(name):
        return f"person:{(await person_meant(connection, name)).id}"
    if aggregate == "lea":
        if new:
            known = await leas_named(connection, {name})
            return f"lea:{known[folded(name)].id}" if folded(name) in known else stream
        found = await leas_meant(connection, {name})
        if name in found.several:
            raise several_leas(name, found.several[name])
        if name in found.one:
            return f"lea:{found.one[name].id}"
    return stream


def _also_by_id(one: Mapping[str, Entry]) -> dict[str, Entry]:
    return {entry.id: entry for entry in one.values()} | {**one}


def _is_id(name: str) -> bool:
    return _ID.fullmatch(name) is not None
