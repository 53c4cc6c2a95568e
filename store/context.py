"""Resolves what a decision may know: people, LEAs, playbook and calendar of the moment."""

import json
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Any, TypeVar, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from domain.appropriations import AppropriationCommand
from domain.calendar import CalendarPack, Closure, WorkingDays, at_local, local_date, spoken
from domain.context import (
    AGENCY,
    EXTERNAL,
    SYSTEM,
    SYSTEM_PERSON,
    AppropriationEntry,
    Context,
    HeldRole,
    LeaEntry,
    PersonEntry,
    ProgramEntry,
    SummitEntry,
)
from domain.engagement import Engagement, OpenEngagement
from domain.erasing import ErasePerson
from domain.errors import Unknown, WrongPerson, did_you_mean
from domain.frameworks import Framework
from domain.investments import InvestmentCommand
from domain.kernel import Command, Ref, State
from domain.leas import AddAlias, ChangeLea, RegisterLea
from domain.leaving import LeavePerson
from domain.messages import Envelope
from domain.notices import Notices
from domain.overviews import OverviewRules, next_overview
from domain.people import RegisterPerson
from domain.playbook import Playbook
from domain.program import InitProgram
from domain.review import OpenReview
from domain.summits import Summit
from domain.upgrade import UpgradePlaybook
from domain.weekly import own_days, reach
from store.database import Connection, listed, queries


def refs(command: BaseModel, kind: str) -> list[str]:
    """The people or LEAs a command names, as it names them, also in the entries of a list."""
    found: list[str] = []
    for name, field in type(command).model_fields.items():
        value = getattr(command, name)
        if isinstance(value, tuple):
            found += [
                r for entry in value if isinstance(entry, BaseModel) for r in refs(entry, kind)
            ]
        if value is None or not _is_ref(field, kind):
            continue
        found.extend([value] if isinstance(value, str) else value)
    return found


def _is_ref(field: FieldInfo, kind: str) -> bool:
    return any(isinstance(m, Ref) and m.kind == kind for m in field.metadata) or _mentions(
        field.annotation, kind
    )


def _mentions(annotation: Any, kind: str) -> bool:
    metadata = getattr(annotation, "__metadata__", ())
    if any(isinstance(m, Ref) and m.kind == kind for m in metadata):
        return True
    inner = get_args(annotation) if get_origin(annotation) is not None else ()
    return any(_mentions(argument, kind) for argument in inner)


Document = TypeVar("Document", bound=BaseModel)


@lru_cache(maxsize=32)
def _read(kind: type[Document], content: str) -> Document:
    """A published document; a worker decides by the same few of them all day."""
    return kind.model_validate_json(content)


async def program(connection: Connection) -> ProgramEntry | None:
    """The program's settings; None before ``handrail init``."""
    row = await queries.program(connection)
    if row is None:
        return None
    calendar = await queries.document(connection, kind="calendar", id=row["calendar"], version=None)
    return ProgramEntry(
        name=row["name"],
        agency=row["agency"],
        zone=row["zone"],
        sender=row["sender"],
        playbook=row["playbook"],
        calendar=_read(CalendarPack, calendar["content"]),
        gathering_seconds=row["gathering_seconds"],
    )


async def playbook(connection: Connection, ref: str) -> Playbook | None:
    """A playbook by ``name@version``, or the newest by name; None when it is not published."""
    name, _, version = ref.partition("@")
    if version and not version.isdecimal():
        return None
    row = await queries.document(
        connection, kind="playbook", id=name, version=int(version) if version else None
    )
    return _read(Playbook, row["content"]) if row else None


async def overview_rules(
    connection: Connection, settings: ProgramEntry
) -> tuple[OverviewRules, ...]:
    """The overviews of the program's own playbook, by its newest version."""
    newest = await playbook(connection, settings.playbook.partition("@")[0])
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
    newest = await playbook(connection, settings.playbook.partition("@")[0])
    days = newest.bounces.give_up_days if newest and newest.bounces else None
    return timedelta(days=days) if days else None


async def mail_opening(
    connection: Connection, person: str, settings: ProgramEntry, now: datetime
) -> datetime:
    """The first moment from now on at which a person's digest may go, by their own working days."""
    newest = await playbook(connection, settings.playbook.partition("@")[0])
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


async def framework(connection: Connection, ref: str) -> Framework | None:
    """A review framework by ``name@version``, or the newest by name; None when not published."""
    name, _, version = ref.strip().partition("@")
    if version and not (version.isdecimal() and len(version) < 10):
        return None
    row = await queries.document(
        connection, kind="framework", id=name, version=int(version) if version else None
    )
    return _read(Framework, row["content"]) if row else None


async def _refs(connection: Connection, kind: str) -> frozenset[str]:
    rows = await listed(queries.document_refs(connection, kind=kind))
    return frozenset(f"{row['id']}@{row['version']}" for row in rows)


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


async def staff(connection: Connection) -> dict[str, PersonEntry]:
    """Every Director and assistant, by id and by handle."""
    found: dict[str, PersonEntry] = {}
    for row in await listed(queries.staff(connection, roles=["director", "assistant"])):
        entry = _person(row)
        found[entry.id] = found[entry.handle] = entry
    return found


async def _with_fallbacks(
    connection: Connection, known: dict[str, PersonEntry]
) -> dict[str, PersonEntry]:
    """These people with whoever is written to instead of them, and instead of those."""
    while behind := {p.fallback for p in known.values() if p.fallback} - known.keys():
        known = known | await people(connection, behind)
    return known


def _is_money(state: State) -> bool:
    """Whether it is an appropriation: every Director's, by the newest version of the playbook."""
    return state.stream.startswith("appropriation:")


async def leas_named(connection: Connection, names: set[str]) -> dict[str, LeaEntry]:
    """LEAs by id and by the name given, as the registry has them."""
    found: dict[str, LeaEntry] = {}
    rows = await listed(queries.leas_named(connection, names=sorted(n.casefold() for n in names)))
    for row in rows:
        entry = LeaEntry(
            id=row["id"],
            name=row["name"],
            type=row["type"],
            county=row["county"],
            recess=tuple(Closure.model_validate(c) for c in json.loads(row["recess"])),
        )
        found[entry.id] = found[row["folded"]] = entry
    return found


async def appropriations(connection: Connection) -> dict[str, AppropriationEntry]:
    """Every appropriation as it stands."""
    return {
        row["id"]: AppropriationEntry(**dict(row))
        for row in await listed(queries.appropriations(connection))
    }


async def _engagement_ids(connection: Connection) -> frozenset[str]:
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


async def _summit_ids(connection: Connection) -> frozenset[str]:
    return frozenset([row["id"] for row in await listed(queries.summits(connection))])


async def resolve(
    connection: Connection,
    envelope: Envelope,
    command: Command,
    state: State,
    now: datetime,
) -> Context:
    """The context of one decision.

    Raises:
        WrongPerson: The acting person is unknown, or not staff.
    """
    settings = await program(connection)
    engagement = state.of(Engagement)
    names = {envelope.actor, *refs(command, "person"), *engagement.roles.values()}
    for notice in state.of(Notices).all.values():
        names.update(notice.deliveries)
    if isinstance(command, RegisterPerson):
        names.add(command.handle)
    known = await people(connection, names)
    if _is_money(state):
        known |= await staff(connection)
    known = await _with_fallbacks(connection, known)
    wanted_leas = {*refs(command, "lea"), *([engagement.lea] if engagement.lea else [])}
    # Where those named work: a county office has representatives.
    at = {known[ref].organisation for ref in refs(command, "person") if ref in known}
    wanted_leas |= {lea for lea in at if lea != AGENCY and not lea.startswith(f"{EXTERNAL}:")}
    if isinstance(command, RegisterLea | ChangeLea | AddAlias):
        wanted_leas |= {*command.names}
    leas = await leas_named(connection, wanted_leas)
    missing_person = any(ref not in known for ref in names)
    lea_names = frozenset(leas)
    if any(name.casefold() not in leas for name in wanted_leas):
        rows = await listed(queries.lea_names(connection))
        lea_names = frozenset(row["folded"] for row in rows)
        # A name that somebody took a moment ago is told with the LEA that has it.
        leas = await leas_named(connection, wanted_leas)
    unopened = state.stream.startswith("engagement:") and engagement.phase is None
    effective_at = envelope.issued_at
    on = envelope.effective_on
    if on and settings and on != local_date(envelope.issued_at, settings.zone):
        effective_at = at_local(on, time(0), settings.zone)
    ref = engagement.playbook
    if isinstance(command, OpenEngagement) and settings and not ref:
        # A new engagement begins with the newest version, unless it names another.
        ref = command.playbook or settings.playbook.partition("@")[0]
    elif state.stream.startswith("summit:") and settings:
        # A summit keeps the version it was planned under.
        ref = state.of(Summit).playbook or settings.playbook.partition("@")[0]
    elif _is_money(state) and settings:
        ref = settings.playbook.partition("@")[0]
    named = getattr(command, "summit", None)
    found_summit = await summit(connection, named) if named else None
    wanted_framework = command.framework if isinstance(command, OpenReview) else None
    about_money = isinstance(command, InvestmentCommand | AppropriationCommand)
    money = await appropriations(connection) if about_money else {}
    found_framework = await framework(connection, wanted_framework) if wanted_framework else None
    return Context(
        now=now,
        issued_at=envelope.issued_at.astimezone(UTC),
        effective_at=effective_at,
        command_id=envelope.command_id,
        actor=await _actor(connection, envelope, command, known, settings, now),
        program=settings,
        playbook=await playbook(connection, ref) if ref else None,
        playbooks=frozenset(
            f"{row['id']}@{row['version']}"
            for row in (
                await listed(queries.document_refs(connection, kind="playbook")) if ref else ()
            )
        ),
        other_playbook=await playbook(connection, command.to.strip())
        if isinstance(command, UpgradePlaybook)
        else None,
        framework=found_framework,
        frameworks=await _refs(connection, "framework")
        if wanted_framework and not found_framework
        else frozenset(),
        people=known,
        handles=await handles(connection) if missing_person else frozenset(),
        leas=leas,
        lea_names=lea_names,
        engagements=await _engagement_ids(connection) if unopened else frozenset(),
        held=await held_roles(connection, state.id)
        if isinstance(command, LeavePerson | ErasePerson)
        else (),
        appropriations=money,
        versions={f"appropriation:{m.id}": m.version for m in money.values()},
        summit=found_summit,
        summits=await _summit_ids(connection) if named and not found_summit else frozenset(),
    )


async def held_roles(connection: Connection, person: str) -> tuple[HeldRole, ...]:
    """What somebody holds in the engagements that are open."""
    rows = await listed(queries.held_roles(connection, person=person))
    return tuple(HeldRole(row["engagement"], row["role"], row["changes_on"]) for row in rows)


async def standing(connection: Connection, state: State, now: datetime) -> Context:
    """The context in which a stream is looked at while nobody decides anything on it."""
    engagement = state.of(Engagement)
    leas = await leas_named(connection, {engagement.lea} if engagement.lea else set())
    ref = engagement.playbook
    settings = await program(connection)
    known = await people(connection, set(engagement.roles.values()))
    if _is_money(state) and settings:
        ref = settings.playbook.partition("@")[0]
        known = await _with_fallbacks(connection, await staff(connection))
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


async def _actor(
    connection: Connection,
    envelope: Envelope,
    command: Command,
    known: dict[str, PersonEntry],
    settings: ProgramEntry | None,
    now: datetime,
) -> PersonEntry:
    if command.internal and envelope.actor == SYSTEM:
        return SYSTEM_PERSON
    if isinstance(command, InitProgram):
        return SYSTEM_PERSON
    if settings is None:
        raise Unknown("There is no program yet. Make one first: handrail init --help")
    actor = known.get(envelope.actor)
    if actor is None:
        near = did_you_mean(envelope.actor, await handles(connection))
        raise WrongPerson(
            f"You act as {envelope.actor!r}, and nobody in the directory is called that. {near} "
            f"Set HANDRAIL_ACTOR to your own handle."
        )
    if not actor.is_staff:
        raise WrongPerson(
            f"You act as {actor.id}, who has no staff role. What somebody at an LEA did is "
            f"recorded by staff: set HANDRAIL_ACTOR to your own handle and name them with --for."
        )
    if actor.left_on is not None and actor.has_left(local_date(now, settings.zone)):
        raise WrongPerson(
            f"You act as {actor.id}, who is no longer there from {spoken(actor.left_on)} on. Set "
            f"HANDRAIL_ACTOR to your own handle, or ask a Director: "
            f"handrail person return @{actor.id}"
        )
    return actor


async def canonical_stream(connection: Connection, stream: str) -> str:
    """A stream whose person or LEA was named by handle or alias, by its id.

    Raises:
        Unknown: Nobody is called that.
    """
    aggregate, _, name = stream.partition(":")
    name = name.removeprefix("@")
    if aggregate == "person" and not name.startswith("p-"):
        found = await people(connection, {name})
        if name not in found:
            raise Unknown(
                f"Nobody in the directory is called {name!r}. "
                f"{did_you_mean(name, await handles(connection))} "
                f"See them all: handrail person list"
            )
        return f"person:{found[name].id}"
    if aggregate == "lea":
        leas = await leas_named(connection, {name})
        if leas:
            return f"lea:{next(iter(leas.values())).id}"
    return stream
