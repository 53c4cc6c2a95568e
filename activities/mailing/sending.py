"""Hands mails to the mail server, and records its answer."""

import asyncio
import base64
from datetime import datetime
from uuid import UUID

import structlog

from activities.mail.deliver import Delivery, MailUnavailable, deliver
from activities.mailing.claiming import make_anew
from activities.mailing.mailroom import Mailroom
from activities.mailing.reporting import recorded
from activities.names import ClaimedMail, Handed
from activities.stopping import unless_told_to_stop
from domain.policy.calendar import local_date
from domain.streams import DIGEST
from store.context import mail_opening, mail_patience
from store.database import AWAY, queries
from store.documents import program
from store.errors import Unreadable
from store.mails import kept_letter
from store.sick import note

log = structlog.get_logger()


_INSIST = 60
_INSIST_SECONDS = 4.0
"""Together less than an attempt to send may take."""


PRACTICE = "this store is a copy to practise with: no mail leaves it"


async def send(at: Mailroom, claimed: ClaimedMail) -> Handed:
    """Hand a mail to the mail server, once for all its attempts' sake, and record its answer.

    A mail whose day is over, and which no mail server has seen, is made anew first: after
    days without one a person gets a single mail that is true today.

    Raises:
        MailUnavailable: The server is away or says "later"; the workflow tries again.
    """
    assert claimed.mail is not None
    async with at.hands.holding(claimed.mail) as ours:
        if not ours:
            raise MailUnavailable("another attempt has this mail in hand")
        if (wait_until := await _handed_over(at, claimed.mail)) is not None:
            return Handed(wait_until=wait_until)
    return Handed(recorded=await recorded(at, claimed.mail))


async def _handed_over(at: Mailroom, mail: UUID) -> datetime | None:
    """See that a mail has an outcome; the moment to try at, where none may go now."""
    now = await at.clock.now()
    async with at.pool.acquire() as connection:
        row = await queries.mail(connection, id=mail)
        if row["outcome"] is not None:
            return None
        settings = await program(connection)
        assert settings is not None
        if row["kind"] == DIGEST:
            opening = await mail_opening(connection, row["person"], settings, now)
            if opening > now:
                return opening
    stale = row["made_on"] < local_date(now, settings.zone)
    if row["kind"] == DIGEST and stale and not row["offered"]:
        await make_anew(at, row, settings, now, why="when the mail server was back")
    letter = await _letter(at, mail)
    if isinstance(letter, Unreadable):
        async with at.pool.acquire() as connection:
            await note(connection, letter)
        log.warning("mail_unreadable", mail=str(mail), why=letter.why)
        await make_anew(at, row, settings, now, why="when it was to be made again", lost=True)
        letter = await _letter(at, mail)
        if isinstance(letter, Unreadable):
            raise letter
    async with at.pool.acquire() as connection:
        row = await queries.mail(connection, id=mail)
        if row["outcome"] is not None:
            return None
    if letter is None:
        await _settle(at, mail, "bounced", "the recipient's data were erased before it was sent")
        return None
    if at.practice:
        await _settle(at, mail, "dropped", PRACTICE)
        return None
    raw = base64.b64decode(letter["message"])

    async def offered() -> None:
        async with at.pool.acquire() as connection:
            await queries.offer_mail(connection, id=mail)

    try:
        delivery = await deliver(
            raw, letter["sender"], letter["recipient"], at.smtp_url, before_data=offered
        )
    except MailUnavailable as later:
        async with at.pool.acquire() as connection:
            patience = await mail_patience(connection, settings)
        if not later.puts_off or patience is None or now - row["claimed_at"] < patience:
            raise
        # Put off for days: as good as refused, and somebody must find out why.
        told = f"given up after {patience.days} days: {later}"
        delivery = Delivery(outcome="bounced", detail=told)
    await _settle(at, mail, delivery.outcome, delivery.detail)
    return None


async def _letter(at: Mailroom, mail: UUID) -> dict[str, str] | Unreadable | None:
    async with at.pool.acquire() as connection:
        row = await queries.mail(connection, id=mail)
        try:
            return await kept_letter(connection, at.vault, row)
        except Unreadable as sick:
            return sick


async def _settle(at: Mailroom, mail: UUID, outcome: str, detail: str) -> None:
    """Record what the mail server answered.

    Insisted on: were its answer forgotten, the mail would be sent a second time.
    """
    for attempt in range(1, _INSIST + 1):
        try:
            async with at.pool.acquire() as connection:
                await queries.settle_mail(
                    connection,
                    id=mail,
                    outcome=outcome,
                    detail=detail,
                    at=await at.clock.now(),
                )
            break
        except AWAY as away:
            unless_told_to_stop(away)
            if attempt == _INSIST:
                raise
            log.warning("outcome_not_recorded_yet", mail=str(mail), why=type(away).__name__)
            await asyncio.sleep(_INSIST_SECONDS)
    log.info("mail_settled", mail=str(mail), outcome=outcome)
