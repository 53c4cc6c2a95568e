"""Claims what is due for one person, and freezes the mail that says it."""

import base64
import json
from datetime import datetime
from email.message import EmailMessage
from typing import Any
from uuid import UUID, uuid5

import structlog

from activities.erasing import note_names
from activities.mail.compose import compose
from activities.mail.digest import Digest
from activities.mailing.letters import mail_id
from activities.mailing.mailroom import Mailroom
from activities.mailing.overviews import Overseen, still_to_send
from activities.mailing.telling import Found, claimed_by, digest_of, message_id, said_in
from activities.mailing.threads import answered
from activities.names import ClaimedMail, DigestRun
from domain.envelope import Envelope
from domain.policy.calendar import local_date
from domain.reminders.notices import ClaimNotices
from domain.rules.context import ProgramEntry
from domain.streams import DIGEST, alarm_of, id_of, stream_of
from store.context import mail_reach, people
from store.database import Connection, listed, queries
from store.documents import program
from store.sick import note, sickness
from store.vault import Vault

log = structlog.get_logger()


async def claim(at: Mailroom, digest: DigestRun) -> ClaimedMail:
    """Claim what is due for a person now, and freeze the mail that says it.

    One transaction over every stream concerned; claimed again, it is the same mail.  A
    digest whose day is over claims nothing: it would go at any hour of any day, and the
    streams announce what is due anew.  Nor does one while an earlier is still on its way:
    that one says everything once the mail server is back.
    """
    mail = mail_id(digest.person, digest.on, digest.kind)
    alarm = alarm_of(digest.kind)
    now = await at.clock.now()

    async def once(connection: Connection) -> ClaimedMail:
        if await queries.mail(connection, id=mail) is not None:
            return ClaimedMail(mail=mail)
        settings = await program(connection)
        assert settings is not None
        if not alarm and (
            local_date(now, settings.zone) != digest.on
            or await queries.has_another_mail(
                connection, person=digest.person, kind=DIGEST, id=mail, local_date=digest.on
            )
        ):
            return ClaimedMail()
        made = await _made(at, connection, digest, mail, settings, now, again=False)
        if made is None:
            return ClaimedMail()
        content, found, overseen = made
        message = compose(content, sent_at=now)
        await queries.add_mail(
            connection,
            id=mail,
            person=digest.person,
            local_date=digest.on,
            kind=digest.kind,
            message_id=content.message_id,
            content=await _sealed(at.vault, connection, mail, content, message),
            claimed_at=now,
        )
        await note_names(connection, mail, message, found.people)
        await _note(connection, digest, mail, found, overseen)
        return ClaimedMail(mail=mail)

    return await at.record.in_transaction(once)


async def make_anew(
    at: Mailroom, row: Any, settings: ProgramEntry, now: datetime, *, why: str, lost: bool = False
) -> None:
    """Make a mail again under its own id: it is of another day, or cannot be opened."""
    mail, today = row["id"], local_date(now, settings.zone)
    digest = DigestRun(person=row["person"], on=today, kind=row["kind"])

    async def once(connection: Connection) -> bool:
        await listed(queries.forget_overviews(connection, mail=mail))
        made = await _made(at, connection, digest, mail, settings, now, again=True)
        if made is None:
            await queries.settle_mail(
                connection,
                id=mail,
                outcome="dropped",
                detail=f"nothing was left to say {why}",
                at=now,
            )
            return False
        content, found, overseen = made
        message = compose(content, sent_at=now)
        await queries.make_mail_anew(
            connection,
            id=mail,
            content=await _sealed(at.vault, connection, mail, content, message),
            made_on=today,
            lost=lost,
        )
        await note_names(connection, mail, message, found.people)
        await _note(connection, digest, mail, found, overseen)
        return True

    still = await at.record.in_transaction(once)
    log.info("mail_made_anew", mail=str(mail), still=still)


async def _made(
    at: Mailroom,
    connection: Connection,
    digest: DigestRun,
    mail: UUID,
    settings: ProgramEntry,
    now: datetime,
    *,
    again: bool,
) -> tuple[Digest, Found, list[Overseen]] | None:
    """What the mail says if it is made now; None where there is nothing to say."""
    alarm = alarm_of(digest.kind)
    if alarm:
        concerned = [stream_of("engagement", alarm[0])]
    else:
        until = await mail_reach(connection, digest.person, settings, now)
        rows = await listed(queries.streams_to_claim(connection, person=digest.person, until=until))
        rows += await listed(queries.streams_in_mail(connection, mail=mail))
        concerned = sorted({row["stream"] for row in rows})
    claim = ClaimNotices(
        of="any",
        mail=mail,
        message_id=message_id(mail, settings.sender),
        person=digest.person,
        on=local_date(now, settings.zone),
        alarm=alarm[1] if alarm else None,
        again=again,
    )
    found = Found()
    for stream in concerned:
        await _claimed(at, connection, claim, stream, now, found)
    overseen = [] if alarm else await still_to_send(connection, digest.person, settings, now)
    if not found.items and not overseen:
        return None
    if not alarm:
        rows = await listed(
            queries.streams_to_take_back(connection, person=digest.person, today=claim.on)
        )
        for stream in [r["stream"] for r in rows]:
            if stream not in concerned:
                passing = claim.model_copy(update={"in_passing": True})
                await _claimed(at, connection, passing, stream, now, found)
        rows = await listed(queries.sick_engagements_of(connection, person=digest.person))
        for row in rows:
            found.left_out[stream_of("engagement", row["id"])] = (
                row["lea_name"],
                row["illustrative"],
            )
    directory = await people(connection, {digest.person, *found.leads})
    found.people |= directory
    for overview in overseen:
        found.people |= overview.people
    kind = await queries.store_kind(connection)
    content = digest_of(
        digest,
        mail,
        directory,
        settings,
        found,
        overseen,
        on=claim.on,
        sandbox=kind == "sandbox",
        alarm_at=now if alarm else None,
        answers=await answered(connection, digest.person, found),
    )
    return content, found, overseen


async def _claimed(
    at: Mailroom,
    connection: Connection,
    claim: ClaimNotices,
    stream: str,
    now: datetime,
    found: Found,
) -> None:
    """Claim what is due on one stream; one that cannot be read is left out and noted."""
    command = claim.model_copy(update={"of": stream})
    command_id = uuid5(claim.mail, f"{stream}/{now.isoformat()}")
    try:
        async with connection.transaction():
            envelope = Envelope.by_system(command, command_id, now)
            outcome = await at.record.decide_and_append(connection, envelope, now=now)
            if outcome.news and not claimed_by(outcome, claim.mail):
                # No mail answers for what else the moment brought.
                await at.record.keep(connection, envelope, outcome.receipt)
            found.add(outcome, claim.mail, claim.person)
    except Exception as problem:
        sick = sickness(problem, stream)
        if sick is None:
            raise
        await note(connection, sick)
        log.warning("stream_unreadable", stream=stream, why=sick.why)
        found.left_out[stream] = id_of(stream), False
        return
    for notice in said_in(outcome, claim.mail, claim.person):
        log.info(
            "notice_claimed",
            stream=stream,
            command=str(command_id),
            notice=f"{notice.item} {notice.step} {notice.due}",
            mail=str(claim.mail),
            person=claim.person,
        )


async def _note(
    connection: Connection,
    digest: DigestRun,
    mail: UUID,
    found: Found,
    overseen: list[Overseen],
) -> None:
    """Keep what the mail speaks of: who must learn its fate, which week it looked over."""
    concerned = list(found.streams)
    if not concerned:
        # Were it to come back, somebody must hear of it.
        first = overseen[0]
        answers = await queries.overview_engagement(
            connection, person=first.whose, role=first.rules.to, reader=digest.person
        )
        concerned = [stream_of("engagement", answers)] if answers else []
    await queries.add_mail_streams(connection, mail=mail, streams=concerned)
    for overview in overseen:
        await queries.put_overview(
            connection,
            person=overview.whose,
            overview=overview.rules.id,
            period=overview.period,
            mail=mail,
        )
    log.info(
        "mail_claimed",
        mail=str(mail),
        notices=len(found.items),
        overviews=[overview.rules.id for overview in overseen],
        person=digest.person,
    )


async def _sealed(
    vault: Vault, connection: Connection, mail: UUID, content: Digest, message: EmailMessage
) -> str:
    """The finished mail as it is kept, sealed with its reader's key."""
    letter = {
        "sender": content.sender,
        "recipient": content.address,
        "message": base64.b64encode(message.as_bytes()).decode(),
    }
    document: dict[str, Any] = {"about": content.person, "text": json.dumps(letter)}
    await vault.seal(connection, f"mail {mail}", [document])
    return json.dumps(document)
