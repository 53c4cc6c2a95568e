"""Resolves what one decision may know, from the command, its stream and the read models."""

from datetime import UTC, datetime, time

from domain.engagement.state import Engagement
from domain.envelope import Envelope
from domain.kernel.messages import Command, State
from domain.kernel.naming import folded
from domain.kernel.refusals import Unknown, WrongPerson, did_you_mean
from domain.policy.calendar import at_local, local_date, spoken
from domain.policy.playbook import Playbook
from domain.program.program import InitProgram
from domain.reminders.notices import Notices
from domain.rules.context import SYSTEM, SYSTEM_PERSON, Context, HeldRole, PersonEntry, ProgramEntry
from domain.rules.references import one_ref, refs
from domain.streams import AGENCY, EXTERNAL
from domain.summits.summits import Summit
from store.context import (
    appropriations,
    engagement_ids,
    handles,
    is_money,
    leas_in_recess,
    leas_named,
    people_and_leas,
    staff,
    summit,
    summit_ids,
    with_fallbacks,
)
from store.database import Connection, listed, queries
from store.documents import document_refs, framework, playbook, program
from store.finding import as_handle, leas_meant, people_meant
from store.start import Start


async def resolve(
    connection: Connection,
    envelope: Envelope,
    command: Command,
    state: State,
    now: datetime,
    start: Start | None = None,
) -> Context:
    """The context of one decision.

    Args:
        start: What the transaction began with, where nothing of it has been published since.

    Raises:
        WrongPerson: The acting person is unknown, or not staff.
    """
    settings = start.program if start else await program(connection)
    engagement = state.of(Engagement)
    names = {envelope.actor, *engagement.roles.values()}
    for notice in state.of(Notices).all.values():
        names.update(notice.deliveries)
    if state.stream.startswith("person:"):
        names |= {*command.names}
    on = envelope.effective_on
    today = local_date(envelope.issued_at, settings.zone) if settings else None
    named_people, named_leas = refs(command, "person"), refs(command, "lea")
    wanted_leas = {engagement.lea} if engagement.lea else set()
    if state.stream.startswith("lea:"):
        wanted_leas |= {*command.names}
    known, leas, bearers = await people_and_leas(
        connection, names | {as_handle(name) for name in named_people}, {*wanted_leas, *named_leas}
    )
    typed = await people_meant(connection, named_people, on or today, known)
    known |= typed.one
    if is_money(state):
        known |= await staff(connection)
    known = await with_fallbacks(connection, known)
    typed_leas = await leas_meant(connection, named_leas, leas)
    # Where those named work: a county office has representatives.
    at = {known[ref].organisation for ref in named_people if ref in known}
    wanted_leas |= {lea for lea in at if lea != AGENCY and not lea.startswith(f"{EXTERNAL}:")}
    if not all(lea in leas for lea in at & wanted_leas):  # Of whom only a part of a name was typed.
        leas |= await leas_named(connection, wanted_leas)
    folds = {folded(name) for name in wanted_leas}
    leas = {ref: lea for ref, lea in leas.items() if folds & {ref, lea.id}} | typed_leas.one
    if "recesses" in command.looks_at:
        leas |= await leas_in_recess(connection)
    missing_person = any(ref not in known for ref in [*names, *named_people])
    lea_names = frozenset(leas)
    asked = [*wanted_leas, *named_leas]
    if any(name not in leas and folded(name) not in leas for name in asked):
        rows = await listed(queries.lea_names(connection))
        lea_names = frozenset(row["folded"] for row in rows)
        # A name that somebody took a moment ago is told with the LEA that has it.
        leas = await leas_named(connection, wanted_leas) | typed_leas.one
    unopened = state.stream.startswith("engagement:") and engagement.phase is None
    effective_at = envelope.issued_at
    if on and settings and on != today:
        effective_at = at_local(on, time(0), settings.zone)
    named_playbook = one_ref(command, "playbook")
    ref, other = engagement.playbook, named_playbook
    if unopened:
        # A new engagement begins with the newest version, unless it names another.
        ref, other = (
            named_playbook or (settings.playbook.partition("@")[0] if settings else ""),
            None,
        )
    elif state.stream.startswith("summit:") and settings:
        # A summit keeps the version it was planned under.
        ref = state.of(Summit).playbook or settings.playbook.partition("@")[0]
    elif not ref and settings:
        # Who may do what is asked everywhere.
        ref = settings.playbook.partition("@")[0]
    named = one_ref(command, "summit")
    found_summit = await summit(connection, named) if named else None
    wanted_framework = one_ref(command, "framework")
    money = await appropriations(connection) if "appropriations" in command.looks_at else {}
    found_framework = await framework(connection, wanted_framework) if wanted_framework else None
    return Context(
        now=now,
        issued_at=envelope.issued_at.astimezone(UTC),
        effective_at=effective_at,
        day_said=on is not None,
        command_id=envelope.command_id,
        actor=await _actor(connection, envelope, command, known, settings, now),
        program=settings,
        playbook=await _playbook(connection, ref, start) if ref else None,
        playbooks=await _playbooks(connection, start) if ref else frozenset(),
        other_playbook=await playbook(connection, other) if other else None,
        framework=found_framework,
        frameworks=await document_refs(connection, "framework")
        if wanted_framework and not found_framework
        else frozenset(),
        people=known,
        several=typed.several,
        handles=await handles(connection) if missing_person else frozenset(),
        leas=leas,
        several_leas=typed_leas.several,
        lea_names=lea_names,
        bearers=bearers,
        engagements=await engagement_ids(connection) if unopened else frozenset(),
        held=await held_roles(connection, state.id) if "held roles" in command.looks_at else (),
        appropriations=money,
        versions={f"appropriation:{m.id}": m.version for m in money.values()},
        summit=found_summit,
        summits=await summit_ids(connection) if named and not found_summit else frozenset(),
    )


async def _playbook(connection: Connection, ref: str, start: Start | None) -> Playbook | None:
    return (start.playbook_at_hand(ref) if start else None) or await playbook(connection, ref)


async def _playbooks(connection: Connection, start: Start | None) -> frozenset[str]:
    return start.playbooks if start else await document_refs(connection, "playbook")


async def held_roles(connection: Connection, person: str) -> tuple[HeldRole, ...]:
    """What somebody holds in the engagements that are open."""
    rows = await listed(queries.held_roles(connection, person=person))
    return tuple(HeldRole(row["engagement"], row["role"], row["changes_on"]) for row in rows)


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
            f"You act as {envelope.actor!r}, and nobody in the directory is called that. {near}"
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
