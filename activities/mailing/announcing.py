"""Announces what is due: starts the mail of everybody who must be told something now."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from uuid import uuid5

import structlog

from activities.dispatch import start_digest
from activities.mailing.letters import MAILS
from activities.mailing.mailroom import Mailroom
from activities.mailing.overviews import readers, to_go
from activities.names import Announced, DigestRun
from activities.undecided import or_later
from domain.deciding import brought
from domain.envelope import Envelope
from domain.kernel.messages import State
from domain.policy.calendar import WorkingDays, local_date
from domain.policy.overviews import next_overview
from domain.reminders.claiming import announcement
from domain.reminders.notices import ReconcileNotices
from domain.reminders.weekly import is_weekly, monday
from domain.rules.context import Context, ProgramEntry
from domain.streams import DIGEST, alarm_kind
from store.context import overview_rules
from store.database import listed, queries
from store.documents import program
from store.errors import Unreadable
from store.events import read_state
from store.resolving import resolve
from store.sick import note, sickness

log = structlog.get_logger()


async def put_off(
    at: Mailroom, stream: str, announce: Callable[[], Awaitable[Announced]]
) -> Announced:
    """Announce what a stream's moment asks for; where that is defect, it is looked at later."""
    announced = await or_later(at.pool, stream, announce)
    if isinstance(announced, timedelta):
        return Announced(again_at=await at.clock.now() + announced)
    return announced


async def announce(at: Mailroom, stream: str) -> Announced:
    """Start the mails of everybody who must be told something on this stream now.

    A stream that cannot be read has no next moment: whoever finds that it can be wakes it.
    """
    now = await at.clock.now()
    try:
        settings, state, context, mailed, in_week = await _look_at(at, stream, now)
        told = announcement(
            state,
            context,
            lambda person: person in (in_week if is_weekly(person, context) else mailed),
        )
    except Exception as problem:
        sick = sickness(problem, stream)
        if sick is None:
            raise
        async with at.pool.acquire() as connection:
            await note(connection, sick)
        log.warning("stream_unreadable", stream=stream, why=sick.why)
        return Announced(again_at=None)
    today = local_date(now, settings.zone)
    for person in sorted(told.people):
        await start_digest(
            at.client,
            DigestRun(person=person, on=today, gathering_seconds=settings.gathering_seconds),
        )
    for person, notice in sorted(told.alarms):
        kind = alarm_kind(state.id, notice)
        await start_digest(
            at.client, DigestRun(person=person, on=today, gathering_seconds=0, kind=kind)
        )
    log.info(
        "due_announced",
        stream=stream,
        people=len(told.people),
        alarms=len(told.alarms),
        again_at=told.again_at.isoformat() if told.again_at else None,
    )
    return Announced(again_at=told.again_at)


async def _look_at(
    at: Mailroom, stream: str, now: datetime
) -> tuple[ProgramEntry, State, Context, set[str], set[str]]:
    """A stream with what time has brought, and who has had mail today and this week."""
    async with at.pool.acquire() as connection:
        settings = await program(connection)
        assert settings is not None
        today = local_date(now, settings.zone)
        state = await read_state(connection, at.vault, stream)
        look = ReconcileNotices(of=stream)
        envelope = Envelope.by_system(look, uuid5(MAILS, stream), now)
        context = await resolve(connection, envelope, envelope.command(), state, now)
        if brought(state, context):
            # What time has brought is recorded before anybody is told anything.
            command_id = uuid5(MAILS, f"{stream}@{state.version}/brought")
            await at.record.execute(Envelope.by_system(look, command_id, now))
            state = await read_state(connection, at.vault, stream)
            context = await resolve(connection, envelope, envelope.command(), state, now)
        mailed, in_week = [
            {r["person"] for r in await listed(rows)}
            for rows in (
                queries.mailed_since(connection, since=today, kind=DIGEST),
                queries.mailed_since(connection, since=monday(today), kind=DIGEST),
            )
        ]
    return settings, state, context, mailed, in_week


async def announce_overviews(at: Mailroom) -> Announced:
    """Start the mails of everybody whose overview of the week or the month has come.

    Where the program's own documents cannot be read there is no next moment: whoever finds
    that they can be wakes it.
    """
    try:
        return await _announce_overviews(at)
    except Unreadable as sick:
        async with at.pool.acquire() as connection:
            await note(connection, sick)
        log.warning("stream_unreadable", stream=sick.stream, why=sick.why)
        return Announced(again_at=None)


async def _announce_overviews(at: Mailroom) -> Announced:
    now = await at.clock.now()
    async with at.pool.acquire() as connection:
        settings = await program(connection)
        assert settings is not None
        days = WorkingDays(settings.calendar)
        rules = await overview_rules(connection, settings)
        again_at = next_overview(rules, now, days, settings.zone)
        opening = max((rule.opening(now, days, settings.zone) for rule in rules), default=now)
        if opening > now:
            return Announced(again_at=min(opening, again_at) if again_at else opening)
        today = local_date(now, settings.zone)
        people_ = {
            reader
            for rule in rules
            for whose in [await to_go(connection, rule, settings, now)]
            for holder, reader in (await readers(connection, rule.to, today)).items()
            if holder in whose
        }
    for person in sorted(people_):
        await start_digest(
            at.client,
            DigestRun(person=person, on=today, gathering_seconds=settings.gathering_seconds),
        )
    log.info("overviews_announced", people=len(people_))
    return Announced(again_at=again_at)
