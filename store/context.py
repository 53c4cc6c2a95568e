"""Looks up what is known of now: the program, its people and LEAs, playbook and calendar."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.kernel.naming import folded
from domain.policy.calendar import Closure, WorkingDays
from domain.policy.overviews import OverviewRules, next_overview
from domain.reminders.weekly import own_days, reach
from domain.rules.context import (
    SYSTEM_PERSON,
    AppropriationEntry,
    Context,
    LeaEntry,
    PersonEntry,
    ProgramEntry,
    SummitEntry,
)
from domain.streams import AGENCY
from store.database import Connection, listed, queries
from store.documents import own_playbook, playbook, program
from store.errors import REBUILD, Unreadable
from store.events import Conflict


async def overview_rules(
    connection: Connection, settings: ProgramEntry
) -> tuple[OverviewRules, ...]:
    """The overviews of the program's own playbook, by its newest version."""
    newest = await own_playbook(connection, settings)
    return newest.overviews if newest else ()


async def next_overview_moment(connection: Connection, now: datetime) -> datetime | None:
    """When the program next has an overview to send.

    None without a program, an overview in its playbook, or an engagement to look over.
    """
    settings = await program(connection)
    if settings is None or not await queries.work_is_under_way(connection):
        return None
    rules = await overview_rules(connection, settings)
    return next_overview(rules, now, WorkingDays(settings.calendar), settings.zone)


async def mail_patience(connection: Connection, settings: ProgramEntry) -> timedelta | None:
    """For how long a mail that the server puts off is tried again; None for ever."""
    newest = await own_playbook(connection, settings)
    days = newest.bounces.give_up_days if newest and newest.bounces else None
    return timedelta(days=days) if days else None


async def mail_opening(
    connection: Connection, person: str, settings: ProgramEntry, now: datetime
) -> datetime:
    """The first moment from now on at which a person's digest may go, by their own working days."""
    newest = await own_playbook(connection, settings)
    policy = next((p for p in newest.policies if not p.any_hour), None) if newest else None
    if policy is None:
        return now
    reader = await _reading(connection, person, settings, now)
    return policy.opening(now, own_days(person, reader), settings.zone)


async def mail_reach(
    connection: Connection, person: str, settings: ProgramEntry, now: datetime
) -> datetime:
    """Until which moment a person's mail speaks of what is planned, if it is made now."""
    return reach(person, await _reading(connection, person, settings, now))


async def _reading(
    connection: Connection, person: str, settings: ProgramEntry, now: datetime
) -> Context:
    """What is known of one reader, their own calendar with it."""
    found = await people(connection, {person})
    at = found[person].organisation if person in found else AGENCY
    leas = await leas_named(connection, {at}) if at != AGENCY else {}
    return Context(
        now=now,
        issued_at=now,
        effective_at=now,
        command_id=UUID(int=0),
        actor=SYSTEM_PERSON,
        program=settings,
        people=found,
        leas=leas,
    )


def _person(row: Any) -> PersonEntry:
    return PersonEntry(
        id=row["id"],
        handle=row["handle"] or row["id"],
        name=row["name"],
        email=row["email"],
        organisation=row["organisation"],
        staff_roles=frozenset(row["staff_roles"]),
        left_on=row["left_on"],
        capacity=row["capacity"],
        fallback=row["fallback"],
        digest=row["digest"],
    )


async def people(connection: Connection, names: set[str]) -> dict[str, PersonEntry]:
    """People by id and by handle, of those named."""
    found: dict[str, PersonEntry] = {}
    for row in await listed(queries.people_named(connection, names=sorted(names))):
        entry = _person(row)
        found[entry.id] = found[entry.handle] = entry
    return found


async def people_and_leas(
    connection: Connection, people: set[str], leas: set[str]
) -> tuple[dict[str, PersonEntry], dict[str, LeaEntry], dict[str, list[LeaEntry]]]:
    """People by id and by handle, of those named, with whoever is written to instead of them.

    And LEAs by id and by the name given, those where any of these people work among them, and all
    that have a name, by that.
    """
    row = await queries.people_and_leas(
        connection, people=sorted(people), leas=sorted({folded(name) for name in leas})
    )
    found: dict[str, PersonEntry] = {}
    for known in json.loads(row["people"]):
        if known["left_on"] is not None:
            known["left_on"] = date.fromisoformat(known["left_on"])
        entry = _person(known)
        found[entry.id] = found[entry.handle] = entry
    rows = json.loads(row["leas"])
    for lea in rows:
        lea["works"] = [date.fromisoformat(day) for day in lea["works"]]
        if lea["closed_on"]:
            lea["closed_on"] = date.fromisoformat(lea["closed_on"])
    return found, *_entries(rows)


async def staff(connection: Connection) -> dict[str, PersonEntry]:
    """Every Director and assistant, by id and by handle."""
    found: dict[str, PersonEntry] = {}
    for row in await listed(queries.staff(connection, roles=["director", "assistant"])):
        entry = _person(row)
        found[entry.id] = found[entry.handle] = entry
    return found


async def with_fallbacks(
    connection: Connection, known: dict[str, PersonEntry]
) -> dict[str, PersonEntry]:
    """These people with whoever is written to instead of them, and instead of those."""
    while behind := {p.fallback for p in known.values() if p.fallback} - known.keys():
        known = known | await people(connection, behind)
    return known


def is_money(state: State) -> bool:
    """Whether it is an appropriation: every Director's, by the newest version of the playbook."""
    return state.stream.startswith("appropriation:")


async def leas_named(connection: Connection, names: set[str]) -> dict[str, LeaEntry]:
    """LEAs by id and by the name given, not by what several are called."""
    names = {folded(n) for n in names}
    return _entries(await listed(queries.leas_named(connection, names=sorted(names))))[0]


async def still_borne(
    connection: Connection, names: Iterable[str], bearers: Mapping[str, Sequence[LeaEntry]]
) -> None:
    """Make sure that the LEAs which have some names are those that a decision saw.

    Raises:
        Conflict: Another LEA was given one meanwhile.
    """
    if not (folds := sorted({folded(name) for name in names})):
        return
    await queries.hold_lea_names(connection)
    _, now = _entries(await listed(queries.leas_named(connection, names=folds)))
    for name in folds:
        if {e.id for e in now.get(name, ())} != {e.id for e in bearers.get(name, ())}:
            raise Conflict(f"somebody gave the name {name!r} to another LEA just now")


async def leas_in_recess(connection: Connection) -> dict[str, LeaEntry]:
    """Every LEA that has a recess of its own."""
    return _entries(await listed(queries.leas_in_recess(connection)))[0]


def _entries(rows: Iterable[Any]) -> tuple[dict[str, LeaEntry], dict[str, list[LeaEntry]]]:
    """LEAs by id and by the name that only one has; and all that have one, by their name."""
    found: dict[str, LeaEntry] = {}
    named: dict[str, list[LeaEntry]] = {}
    for row in rows:
        try:
            recess = tuple(Closure.model_validate(c) for c in json.loads(row["recess"]))
        except (ValidationError, TypeError) as wrong:
            why = "its recess as it is kept does not have the form that this release knows"
            raise Unreadable(f"lea:{row['id']}", None, why, REBUILD) from wrong
        entry = LeaEntry(
            id=row["id"],
            name=row["name"],
            type=row["type"],
            county=row["county"],
            recess=recess,
            works=tuple(row["works"]),
            cds=row["cds"],
            closed_on=row["closed_on"],
            successors=tuple(row["successors"]),
        )
        found[entry.id] = entry
        named.setdefault(row["folded"], []).append(entry)
        if row["own"]:
            found[row["folded"]] = entry
    found |= {name: all_[0] for name, all_ in named.items() if len(all_) == 1}
    return found, named


async def appropriations(connection: Connection) -> dict[str, AppropriationEntry]:
    """Every appropriation as it stands."""
    return {
        row["id"]: AppropriationEntry(**dict(row))
        for row in await listed(queries.appropriations(connection))
    }


async def engagement_ids(connection: Connection) -> frozenset[str]:
    return frozenset([row["id"] for row in await listed(queries.engagement_ids(connection))])


async def summit(connection: Connection, name: str) -> SummitEntry | None:
    """A summit as it stands, by id; None for one that was never planned."""
    row = await queries.summit(connection, id=name)
    if row is None:
        return None
    return SummitEntry(
        id=row["id"],
        version=row["version"],
        title=row["title"],
        place=row["place"],
        first=row["first"],
        last=row["last"],
        registration_due=row["registration_due"],
        hours=row["hours"],
        round=row["round"],
        status=row["status"],
        invited=json.loads(row["invited"]),
        over=frozenset(row["over"]),
    )


async def summit_ids(connection: Connection) -> frozenset[str]:
    return frozenset([row["id"] for row in await listed(queries.summits(connection))])


async def standing(connection: Connection, state: State, now: datetime) -> Context:
    """The context in which a stream is looked at while nobody decides anything on it."""
    engagement = state.of(Engagement)
    leas = await leas_named(connection, {engagement.lea} if engagement.lea else set())
    ref = engagement.playbook
    settings = await program(connection)
    known = await people(connection, set(engagement.roles.values()))
    if is_money(state) and settings:
        ref = settings.playbook.partition("@")[0]
        known = await with_fallbacks(connection, await staff(connection))
    return Context(
        now=now,
        issued_at=now,
        effective_at=now,
        command_id=UUID(int=0),
        actor=SYSTEM_PERSON,
        program=settings,
        playbook=await playbook(connection, ref) if ref else None,
        people=known,
        leas=leas,
        lea_names=frozenset(leas),
    )


async def handles(connection: Connection) -> frozenset[str]:
    """Every handle in the directory."""
    return frozenset([row["handle"] for row in await listed(queries.handles(connection))])
