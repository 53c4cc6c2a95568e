"""Published documents: each is read once, and known again by the digest of its content."""

from collections import OrderedDict
from contextlib import suppress
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from domain.policy.calendar import CalendarPack
from domain.policy.framework import Framework
from domain.policy.playbook import Playbook
from domain.rules.context import ProgramEntry
from store.database import Connection, listed, queries
from store.errors import REBUILD, Unreadable

Document = TypeVar("Document", bound=BaseModel)

_READ: OrderedDict[tuple[type[BaseModel], int], BaseModel] = OrderedDict()
_AT_MOST = 64
"""A worker decides by the same few documents all day."""

_KINDS: dict[str, type[BaseModel]] = {
    "playbook": Playbook,
    "calendar": CalendarPack,
    "framework": Framework,
}


def held(of: type[Document]) -> dict[int, Document]:
    """The documents of a kind that this process has read before, by digest."""
    return {digest: found for (kind, digest), found in _READ.items() if kind is of}  # type: ignore[misc]


def read(of: type[Document], row: Any, version: int, known: dict[int, Document]) -> Document:
    """A document from a row, which has its content only where it is none of those known.

    Raises:
        Unreadable: It does not have the form that this release knows.
    """
    found = known.get(row["digest"])
    if found is None:
        try:
            found = of.model_validate_json(row["content"])
        except ValidationError as problem:
            kind = next(kind for kind, model in _KINDS.items() if model is of)
            fields = ", ".join(sorted({str(e["loc"][0]) for e in problem.errors() if e["loc"]}))
            raise Unreadable(
                f"{kind}:{row['id']}",
                None,
                f"version {version} as it is kept does not have the form that this release "
                f"knows: {fields or 'all of it'}",
                REBUILD,
            ) from None
    _READ[of, row["digest"]] = found
    _READ.move_to_end((of, row["digest"]))
    if len(_READ) > _AT_MOST:
        _READ.popitem(last=False)
    return found


async def _published(
    connection: Connection, of: type[Document], name: str, version: int | None
) -> Document | None:
    kind = next(kind for kind, model in _KINDS.items() if model is of)
    known = held(of)
    row = await queries.document(connection, kind=kind, id=name, version=version, held=[*known])
    return read(of, row, row["version"], known) if row else None


async def _named(connection: Connection, of: type[Document], ref: str) -> Document | None:
    name, _, version = ref.strip().partition("@")
    if version and not (version.isdecimal() and len(version) < 10):
        return None
    return await _published(connection, of, name, int(version) if version else None)


async def check_published(connection: Connection, kind: str, name: str) -> None:
    """See that every version of a document can be read.

    Raises:
        Unreadable: One cannot.
    """
    for ref in await listed(queries.document_refs(connection, kind=kind)):
        if ref["id"] == name:
            await _published(connection, _KINDS[kind], name, ref["version"])


def program_from(row: Any, known: dict[int, CalendarPack]) -> ProgramEntry | None:
    """The program's settings from a row with its calendar; None before ``handrail init``.

    Raises:
        Unreadable: Its calendar is not there, or cannot be read.
    """
    if row is None or row["name"] is None:
        return None
    if row["id"] is None:
        stream = f"calendar:{row['calendar']}"
        raise Unreadable(stream, None, "it is not among the read models", REBUILD)
    return ProgramEntry(
        name=row["name"],
        agency=row["agency"],
        zone=row["zone"],
        sender=row["sender"],
        playbook=row["playbook"],
        calendar=read(CalendarPack, row, row["of_calendar"], known),
        gathering_seconds=row["gathering_seconds"],
    )


async def program(connection: Connection) -> ProgramEntry | None:
    """The program's settings; None before ``handrail init``.

    Raises:
        Unreadable: Its calendar is not there, or cannot be read.
    """
    known = held(CalendarPack)
    return program_from(await queries.program_with_calendar(connection, held=[*known]), known)


async def playbook(connection: Connection, ref: str) -> Playbook | None:
    """A playbook by ``name@version``, or the newest by name; None when it is not published."""
    return await _named(connection, Playbook, ref)


async def own_playbook(connection: Connection, settings: ProgramEntry) -> Playbook | None:
    """The program's playbook by its newest version that can be read: mails go on by it."""
    name = settings.playbook.partition("@")[0]
    try:
        return await playbook(connection, name)
    except Unreadable:
        refs = await listed(queries.document_refs(connection, kind="playbook"))
        for version in sorted((r["version"] for r in refs if r["id"] == name), reverse=True)[1:]:
            with suppress(Unreadable):
                return await playbook(connection, f"{name}@{version}")
        raise


async def framework(connection: Connection, ref: str) -> Framework | None:
    """A review framework by ``name@version``, or the newest by name; None when not published."""
    return await _named(connection, Framework, ref)


async def document_refs(connection: Connection, kind: str) -> frozenset[str]:
    """Every version of a kind of document, as ``name@version``."""
    rows = await listed(queries.document_refs(connection, kind=kind))
    return frozenset(f"{row['id']}@{row['version']}" for row in rows)
