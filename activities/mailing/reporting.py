"""Reports the fate of a mail to every stream that it speaks of."""

from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

import structlog

from activities.dispatch import hand_on
from activities.mailing.letters import still_theirs
from activities.mailing.mailroom import Mailroom
from activities.mailing.overviews import pass_on
from activities.names import ClaimedMail
from domain.envelope import Envelope
from domain.reminders.notices import RecordDelivery
from store.database import Connection, listed, queries

log = structlog.get_logger()


async def report(at: Mailroom, claimed: ClaimedMail) -> None:
    """Tell every stream in a mail what became of it, where that is not known there."""
    assert claimed.mail is not None
    if await recorded(at, claimed.mail):
        return
    async with at.pool.acquire() as connection:
        row = await queries.mail(connection, id=claimed.mail)
        current = await still_theirs(connection, at.vault, row)
        overview = await queries.overviews_in_mail(connection, mail=claimed.mail)
    for stream in await _unaware(at, claimed.mail):
        now = await at.clock.now()
        came_back = _delivery(row, stream, now, current=current, overview=overview)
        await hand_on(at.client, came_back)
        async with at.pool.acquire() as connection:
            await queries.mark_reported(connection, mail=claimed.mail, stream=stream)
        _log_report(row, stream)
    if overview:
        async with at.pool.acquire() as connection:
            now = await at.clock.now()
            await pass_on(connection, at.client, row, now, current=current)


async def recorded(at: Mailroom, mail: UUID) -> bool:
    """Record a mail that was sent on every stream in it; whether its fate is known on all now.

    That it was sent moves no next moment, so no workflow is woken for it.  A mail that came
    back does, and is told through the workflows.
    """
    async with at.pool.acquire() as connection:
        row = await queries.mail(connection, id=mail)
    if row["outcome"] == "bounced":
        return False
    for stream in await _unaware(at, mail):
        now = await at.clock.now()
        # What was dropped is known there: each dropped it itself.
        sent = _delivery(row, stream, now) if row["outcome"] == "sent" else None

        async def once(
            connection: Connection, stream: str = stream, sent: Envelope | None = sent
        ) -> None:
            if sent is not None:
                await at.record.answer_in(connection, sent)
            await queries.mark_reported(connection, mail=mail, stream=stream)

        await at.record.in_transaction(once)
        _log_report(row, stream)
    return True


async def _unaware(at: Mailroom, mail: UUID) -> list[str]:
    """The streams in a mail on which it is not known yet what became of it."""
    async with at.pool.acquire() as connection:
        rows = await listed(queries.unreported_streams(connection, mail=mail))
    return [row["stream"] for row in rows]


def _log_report(row: Any, stream: str) -> None:
    log.info(
        "delivery_reported",
        stream=stream,
        command=str(_delivery_id(row["id"], stream)),
        mail=str(row["id"]),
        outcome=row["outcome"],
    )


def _delivery_id(mail: UUID, stream: str) -> UUID:
    """The id of the command that records a mail's fate: the same however often it is told."""
    return uuid5(mail, f"{stream}/delivered")


def _delivery(
    row: Any, stream: str, now: datetime, *, current: bool = True, overview: bool = False
) -> Envelope:
    """The command that records on a stream what became of a mail."""
    command = RecordDelivery(
        of=stream,
        mail=row["id"],
        message_id=row["message_id"],
        person=row["person"],
        outcome=row["outcome"],
        detail=row["detail"],
        at=row["at"],
        current=current,
        overview=overview,
    )
    return Envelope.by_system(command, _delivery_id(row["id"], stream), now)
