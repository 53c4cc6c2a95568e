"""Whom and what the rows of a file mean: people, LEAs and engagements by any name they have."""

import contextlib
import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cli.sheets.results import Result
from cli.sheets.state import with_ids
from cli.terminal.tables import Numbered
from domain.engagement.engagement import OpenEngagement
from domain.kernel.fields import Ref, option_name
from domain.kernel.messages import Command
from domain.kernel.naming import folded
from domain.kernel.refusals import Ambiguous, Unknown
from domain.program.leas import RegisterLea
from domain.program.people import RegisterPerson
from domain.rules.registry import COMMANDS

if TYPE_CHECKING:
    from bootstrap.door import Door

_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


async def registered_before(
    door: "Door", rows: list[Numbered], kind: str | None
) -> tuple[list[Numbered], list[Result]]:
    """Lists of LEAs without ids: each gets one, unless an LEA of its CDS code is registered.

    Returns:
        The rows to be given, and a result for every one that says nothing new.
    """
    if kind != RegisterLea.kind() or any(row.values.get("id") for row in rows):
        return rows, []
    from store.context import leas_named
    from store.database import listed, queries

    codes = {str(row.values["cds"]) for row in rows if row.values.get("cds")}
    async with door.pool.acquire() as connection:
        known = await leas_named(connection, codes)
        taken = {str(row["folded"]) for row in await listed(queries.lea_names(connection))}
    new, before = [], []
    for row in rows:
        lea = known.get(folded(str(row.values.get("cds") or "")))
        if lea is None:
            new.append(row)
        else:
            told = f"its CDS code is registered: {lea.id}, {lea.name}"
            before.append(Result(row.number, kind, "recorded before", told))
    return with_ids(new, taken), before


async def resolved(
    door: "Door", rows: list[Numbered], kind: str | None
) -> tuple[list[Numbered], list[Result]]:
    """The rows with ids for names of engagements and LEAs, and handles for names of people.

    So a row says the same whichever name it is written with.  What is not known yet may be made by
    an earlier row, and stays as it was written; its rule refuses it where it is not.
    """
    known = _Known(door)
    known.made_by(rows, kind)
    good, wrong = [], []
    for row in rows:
        command = COMMANDS.get(_kind(row, kind))
        values = dict(row.values)
        try:
            for name, ref, several in references(command):
                if isinstance(said := values.get(name), str) and said:
                    values[name] = await known.meant(said, ref, several=several)
        except (Unknown, Ambiguous) as problem:
            wrong.append(Result(row.number, _kind(row, kind), "refused", str(problem)))
        else:
            good.append(replace(row, values=values))
    return good, wrong


def _kind(row: Numbered, kind: str | None) -> str:
    return " ".join(str(row.values.get("command") or kind or "").split()).casefold()


def references(command: type[Command] | None) -> Iterable[tuple[str, str, bool]]:
    """The options that name somebody or something: option, of which kind, and whether a list."""
    if command is None:
        return
    for name, field in command.model_fields.items():
        if command is OpenEngagement and name == "engagement":
            continue
        annotation = str(field.annotation)
        for kind in ("engagement", "lea", "person"):
            if Ref(kind) in field.metadata or f"Ref(kind='{kind}')" in annotation:
                yield option_name(name, field), kind, "tuple[" in annotation


class _Known:
    """Whom names mean, each looked up once."""

    def __init__(self, door: "Door") -> None:
        self._door = door
        self._found: dict[tuple[str, str], str] = {}

    def made_by(self, rows: list[Numbered], kind: str | None) -> None:
        """Learn what the file itself registers."""
        for row in rows:
            values: dict[str, Any] = row.values
            made = _kind(row, kind)
            if made == RegisterPerson.kind() and values.get("handle") and values.get("name"):
                self._made("person", str(values["name"]), str(values["handle"]))
            elif made == RegisterLea.kind() and values.get("id"):
                for name in filter(None, (values.get("name"), values.get("cds"))):
                    self._made("lea", str(name), str(values["id"]))

    def _made(self, ref: str, name: str, id_: str) -> None:
        self._found[ref, folded(name)] = self._found[ref, folded(id_)] = id_

    async def meant(self, said: str, ref: str, *, several: bool) -> str:
        """What is meant, by id or handle; several names stay apart.

        Raises:
            Ambiguous: It is the name of several.
            Unknown: It is the name of no engagement.
        """
        if several:
            return ";".join([await self._one(part, ref) for part in said.split(";")])
        return await self._one(said, ref)

    async def _one(self, said: str, ref: str) -> str:
        key = ref, folded(said)
        if key not in self._found:
            self._found[key] = await self._looked_up(said.strip(), ref)
        return self._found[key]

    async def _looked_up(self, said: str, ref: str) -> str:
        from queries.refs import engagement_named, lea_named, person_named

        try:
            if ref == "lea":
                return (await lea_named(self._door, said)).id
            if ref == "person":
                return (await person_named(self._door, said)).handle
            return await engagement_named(self._door, said)
        except Unknown:
            if ref == "engagement" and not _SLUG.fullmatch(said):
                raise
            return said
        except Ambiguous:
            if ref == "engagement":
                raise
            return said


async def engagements_by_code(door: "Door", codes: set[str]) -> dict[str, str]:
    """The engagements of the LEAs that have these CDS codes; an LEA without one is left out."""
    from queries.refs import engagement_named
    from store.context import leas_named

    async with door.pool.acquire() as connection:
        leas = await leas_named(connection, codes)
    found = {}
    for code in codes & leas.keys():
        with contextlib.suppress(Unknown):
            found[code] = await engagement_named(door, leas[code].id)
    return found
