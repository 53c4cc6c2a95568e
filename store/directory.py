"""The directory as it was known at an instant: people and LEAs folded from their own streams.

What the read models hold is the directory of today; a question about a day gone by wants the names
of that day.
"""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby

from domain.kernel.messages import State
from domain.program.leas import Lea
from domain.program.people import Person
from domain.rules.context import LeaEntry, PersonEntry
from store.database import Connection, listed, queries
from store.errors import Unreadable
from store.events import decode, folded
from store.sick import note
from store.vault import Vault


async def _folded(
    connection: Connection, vault: Vault, streams: Iterable[str], by: datetime
) -> list[State]:
    """Who cannot be read is noted, and told by the id alone."""
    rows = await listed(queries.read_streams(connection, streams=sorted(set(streams)), known_by=by))
    found = []
    for stream, of in groupby(rows, key=lambda row: str(row["stream"])):
        try:
            found.append(folded(stream, await decode(connection, vault, list(of))))
        except Unreadable as sick:
            await note(connection, sick)
    return found


async def people_known(
    connection: Connection, vault: Vault, ids: Iterable[str], by: datetime
) -> dict[str, PersonEntry]:
    """People by id, as the directory had them at an instant; who was not in it is left out."""
    found = {}
    for state in await _folded(connection, vault, (f"person:{id_}" for id_ in ids), by):
        person = state.of(Person)
        if person.handle is None:
            continue
        found[state.id] = PersonEntry(
            id=state.id,
            handle=person.handle.text or state.id,
            name=str(person.name),
            email=person.email.text if person.email else None,
            organisation=person.organisation,
            staff_roles=frozenset(person.staff_roles),
            left_on=person.left_on,
            capacity=person.capacity,
            fallback=person.fallback,
            digest=person.digest,
        )
    return found


async def leas_known(
    connection: Connection, vault: Vault, ids: Iterable[str], by: datetime
) -> dict[str, LeaEntry]:
    """LEAs by id, as the registry had them at an instant; what was not in it is left out."""
    found = {}
    for state in await _folded(connection, vault, (f"lea:{id_}" for id_ in ids), by):
        lea = state.of(Lea)
        if lea.name:
            found[state.id] = LeaEntry(
                state.id,
                lea.name,
                lea.lea_type,
                lea.county,
                lea.recess,
                lea.works,
                lea.cds,
                lea.closed_on,
                lea.successors,
            )
    return found
