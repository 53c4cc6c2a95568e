"""Who holds a role as things stand: whoever has left is marked, with who stands in for them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, cast

from domain.owing.items import parts
from domain.streams import id_of

if TYPE_CHECKING:
    from domain.engagement.state import EngagementRole
    from domain.kernel.messages import Event
    from domain.rules.context import PersonEntry
    from queries.names import Names
    from queries.source import Source
    from store.database import Connection


Held = tuple[str, str, str | None]
"""An engagement, a role in it, and who holds that; None where nobody does."""


@dataclass(frozen=True, slots=True)
class Absent:
    """Why no mail reaches the holder of a role, and who is told in their place."""

    left: date | None = None
    """The first day on which they are no longer there; None for another reason."""
    stands_in: str | None = None
    """By id; None where nobody can be told."""


Absences = dict[tuple[str, str], Absent]
"""By engagement and role."""


async def absences(
    connection: "Connection", held: Iterable[Held], today: date
) -> dict[tuple[str, str], Absent]:
    """The roles whose holder no mail reaches, by engagement and role.

    The same turn is taken as for a reminder: the holder's own fallback contact, then the next
    role.
    """
    from store.database import listed, queries

    asked = list(held)
    names = sorted({p for _, _, p in asked if p})
    there = {
        row["id"]
        for row in await listed(queries.people_named(connection, names=names))
        if row["email"] and not (row["left_on"] and row["left_on"] <= today)
    }
    dead = {
        (id_of(row["stream"]), parts(row["item"])[-1])
        for row in await listed(queries.dead_addresses_by_stream(connection))
    }

    lost = [(e, role, p) for e, role, p in asked if p not in there or (e, p) in dead]
    if not lost:
        return {}
    # Who stands in is for the rules to say; mostly nobody has to.
    from store.context import people, with_fallbacks

    roles: dict[str, dict[str, str]] = {}
    rows = await listed(queries.roles_in(connection, engagements=sorted({e for e, *_ in lost})))
    for row in rows:
        roles.setdefault(row["engagement"], {})[row["role"]] = row["person"]
    named = {p for _, _, p in lost if p} | {p for r in roles.values() for p in r.values()}
    known = await with_fallbacks(connection, await people(connection, named))

    def reached(person: str, engagement: str) -> bool:
        entry = known.get(person)
        there = entry is not None and entry.email and not entry.has_left(today)
        return bool(there and (engagement, person) not in dead)

    found = {}
    for engagement, role, person in lost:
        entry = known.get(person or "")
        turn = _turn(role, person, roles.get(engagement, {}), known)
        found[engagement, role] = Absent(
            entry.left_on if entry and entry.has_left(today) else None,
            next((p for p in turn if p != person and reached(p, engagement)), None),
        )
    return found


def _turn(
    role: str, holder: str | None, roles: Mapping[str, str], known: Mapping[str, "PersonEntry"]
) -> Iterable[str]:
    from domain.reminders.planning import in_turn

    def holding(wanted: "EngagementRole") -> tuple[str, ...]:
        return (roles[wanted],) if wanted in roles else ()

    return in_turn(cast("EngagementRole", role), holder, holding, known)


def as_data(absent: Absent | None, names: "Names") -> dict[str, Any]:
    """The same as plain data, by handle."""
    return {
        "left_on": absent.left if absent else None,
        "stands_in": names.handle(absent.stands_in) if absent else None,
    }


async def now_acting(source: "Source", stream: str, events: Iterable["Event"]) -> list[str]:
    """Who acts from now on, and for what, after somebody left or a role went to another.

    Returns:
        A sentence a role, with people named by id.
    """
    from domain.engagement.engagement import RoleAssigned
    from domain.program.leaving import PersonLeft
    from store.database import listed, queries

    said = []
    async with source.pool.acquire() as connection:
        for event in events:
            if isinstance(event, RoleAssigned) and event.person != event.before:
                owed = await _owed(connection, id_of(stream), event.role)
                said += [f"Theirs from now on: {owed}."] if owed else []
            if not isinstance(event, PersonLeft):
                continue
            person = id_of(stream)
            rows = await listed(queries.engagements_of_person(connection, person=person))
            held = [(r["engagement"], r["role"], person) for r in rows if not r["over"]]
            away = await absences(connection, held, event.on)
            for engagement, role, _ in held:
                absent = away.get((engagement, role))
                owed = await _owed(connection, engagement, role)
                as_role = f"as {role.replace('_', ' ')} of {engagement}"
                who = (
                    f"{absent.stands_in} stands in {as_role}"
                    if absent and absent.stands_in
                    else f"Nobody stands in {as_role}"
                )
                said.append(
                    f"{who}{f', for {owed}' if owed else ''}. To give the role to somebody: "
                    f"handrail engagement assign {engagement} {role} PERSON"
                )
    return said


async def _owed(connection: "Connection", engagement: str, role: str) -> str:
    from domain.policy.calendar import spoken
    from store.database import listed, queries

    rows = await listed(queries.owed_by_role(connection, engagement=engagement, role=role))
    return ", ".join(
        f"{r['item']} ({spoken(r['due']) if r['due'] else 'no day yet'})" for r in rows
    )
