"""Rows that say what is so already, though it was not imported: typed, or written another way."""

from typing import TYPE_CHECKING, Any

from domain.kernel.messages import Command
from domain.kernel.naming import folded
from domain.kernel.refusals import Unknown
from domain.program.leas import RegisterLea
from domain.program.people import RegisterPerson
from domain.streams import AGENCY

if TYPE_CHECKING:
    from bootstrap.door import Door


async def stands(door: "Door", command: Command) -> str | None:
    """That what a row registers is registered with all that it says; None where it is not."""
    try:
        match command:
            case RegisterLea():
                return await _lea_stands(door, command)
            case RegisterPerson():
                return await _person_stands(door, command)
            case _:
                return None
    except Unknown:
        return None


async def _lea_stands(door: "Door", command: RegisterLea) -> str | None:
    from queries.directory import lea_of

    lea = await lea_of(door, command.id)
    said = command.model_dump(include=command.model_fields_set - {"id", "alias", "facts"})
    same = (
        lea["id"] == command.id
        and not command.facts
        and all(lea[name] == value for name, value in said.items())
        and {*map(folded, command.alias)} <= {*map(folded, lea["aliases"])}
    )
    return f"registered already: {lea['id']}, {lea['name']}" if same else None


async def _person_stands(door: "Door", command: RegisterPerson) -> str | None:
    from queries.directory import person_of
    from queries.refs import lea_named

    person = await person_of(door, command.handle)
    if command.external or command.capacity or person["handle"] != command.handle:
        return None
    at = (await lea_named(door, command.at)).id if command.at else AGENCY
    wanted: dict[str, Any] = {"name": command.name, "organisation": at}
    if command.email:
        wanted["email"] = command.email
    if command.role:
        wanted["staff_roles"] = sorted(command.role)
    if command.fallback:
        wanted["fallback"] = command.fallback
    if command.digest:
        wanted["digest"] = command.digest
    same = all(person[name] == value for name, value in wanted.items())
    return f"registered already: {person['handle']}, {person['name']}" if same else None
