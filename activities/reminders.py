"""From a due notice to a mail and back: announce, claim, send, report."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any, TypeVar
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from temporalio.client import Client

from activities.caught import forget
from activities.clock import Clock
from activities.dispatch import hand_on, start_digest
from activities.erasing import note_names
from activities.hands import Hands
from activities.mail.compose import compose
from activities.mail.deliver import Delivery, MailUnavailable, deliver
from activities.mail.digest import Digest
from activities.mailing.overviews import Overseen, pass_on, readers, still_to_send, to_go
from activities.mailing.telling import Found, claimed_by, digest_of, message_id, said_in
from activities.mailing.threads import answered
from activities.names import Announced, ClaimedMail, DigestRun, Handed
from activities.record import Record
from activities.stopping import unless_told_to_stop
from activities.undecided import or_later, or_rest
from domain.deciding import brought
from domain.envelope import Envelope
from domain.kernel.messages import State
from domain.policy.calendar import WorkingDays, local_date
from domain.policy.overviews import next_overview
from domain.reminders.claiming import announcement
from domain.reminders.notices import ClaimNotices, ReconcileNotices, RecordDelivery
from domain.reminders.weekly import is_weekly, monday
from domain.rules.context import SYSTEM, Context, ProgramEntry
from domain.streams import DIGEST, alarm_kind, alarm_of
from store.context import (
    mail_opening,
    mail_patience,
    mail_reach,
    overview_rules,
    people,
    program,
)
from store.database import AWAY, Connection, Pool, listed, queries
from store.errors import Unreadable
from store.events import read_state
from store.mails import kept_letter
from store.resolving import resolve
from store.sick import note, sickness
from store.vault import Vault

log = structlog.get_logger()

T = TypeVar("T")

_INSIST = 60
_INSIST_SECONDS = 4.0
"""Together less than an attempt to send may take."""

PRACTICE = "this store is a copy to practise with: no mail leaves it"

_MAILS = uuid5(NAMESPACE_URL, "tag:handrail,2026:mail")


def mail_id(person: str, on: date, kind: str = DIGEST) -> UUID:
    """The id of a person's mail of a day: the same however often it is asked for."""
    return uuid5(_MAILS, f"{person}/{on.isoformat()}/{kind}")


async def went_to(connection: Connection, vault: Vault, row: Any) -> str:
    """The address that a mail went to, or was to go to; empty once its reader was erased.

    Of a mail that cannot be opened it is the one that the directory has.
    """
    try:
        letter = await kept_letter(connection, vault, row)
    except Unreadable as sick:
        await note(connection, sick)
        entry = (await people(connection, {row["person"]})).get(row["person"])
        return (entry.email if entry else None) or ""
    return letter["recipient"] if letter else ""


async def still_theirs(connection: Connection, vault: Vault, row: Any) -> bool:
    """Whether a mail went to the address that the directory still has for its reader."""
    address = await went_to(connection, vault, row)
    entry = (await people(connection, {row["person"]})).get(row["person"])
    return bool(address and entry and address == entry.email)


class Reminders:
    """The activities around mails."""

    def __init__(
        self,
        *,
        pool: Pool,
        vault: Vault,
        clock: Clock,
        record: Record,
        client: Client,
        smtp_url: str,
        caught: Path | None = None,
        practice: bool = False,
    ) -> None:
        self._pool = pool
        self._vault = vault
        self._clock = clock
        self._record = record
        self._client = client
        self._smtp_url = smtp_url
        self._caught = caught
        self._hands = Hands(pool)
        self._practice = practice

    async def forget(self, person: str) -> None:
        """Bring the copies in the mail catcher up to what erasing somebody has left of them."""
        if self._caught is None:
            return
        kept: dict[str, bytes | None] = {}
        async with self._pool.acquire() as connection:
            for row in await listed(queries.mails_about(connection, person=person)):
                try:
                    letter = await kept_letter(connection, self._vault, row)
                except Unreadable as sick:
                    # Nobody can take them out of it, so no copy is kept.
                    await note(connection, sick)
                    letter = None
                kept[row["message_id"]] = base64.b64decode(letter["message"]) if letter else None
        done = await asyncio.to_thread(forget, self._caught, kept)
        log.info("caught_mails_forgotten", person=person, mails=done)

    async def resting(self, mail: UUID | None, work: Callable[[], Awaitable[T]]) -> T:
        """Work on one mail; a defect stops it alone, and is tried again ever more rarely."""
        return await or_rest(self._pool, str(mail), work)

    async def put_off(self, stream: str, announce: Callable[[], Awaitable[Announced]]) -> Announced:
        """Announce what a stream's moment asks for; where that is defect, it is looked at later."""
        announced = await or_later(self._pool, stream, announce)
        if isinstance(announced, timedelta):
            return Announced(again_at=await self._clock.now() + announced)
        return announced

    async def announce(self, stream: str) -> Announced:
        """Start the mails of everybody who must be told something on this stream now.

        A stream that cannot be read has no next moment: whoever finds that it can be wakes it.
        """
        now = await self._clock.now()
        try:
            settings, state, context, mailed, in_week = await self._look_at(stream, now)
            told = announcement(
                state,
                context,
                lambda person: person in (in_week if is_weekly(person, context) else mailed),
            )
        except Exception as problem:
            sick = sickness(problem, stream)
            if sick is None:
                raise
            async with self._pool.acquire() as connection:
                await note(connection, sick)
            log.warning("stream_unreadable", stream=stream, why=sick.why)
            return Announced(again_at=None)
        today = local_date(now, settings.zone)
        for person in sorted(told.people):
            await start_digest(
                self._client,
                DigestRun(person=person, on=today, gathering_seconds=settings.gathering_seconds),
            )
        for person, notice in sorted(told.alarms):
            kind = alarm_kind(state.id, notice)
            await start_digest(
                self._client, DigestRun(person=person, on=today, gathering_seconds=0, kind=kind)
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
        self, stream: str, now: datetime
    ) -> tuple[ProgramEntry, State, Context, set[str], set[str]]:
        """A stream with what time has brought, and who has had mail today and this week."""
        async with self._pool.acquire() as connection:
            settings = await program(connection)
            assert settings is not None
            today = local_date(now, settings.zone)
            state = await read_state(connection, self._vault, stream)
            look = ReconcileNotices(of=stream)
            envelope = _from_system(look, uuid5(_MAILS, stream), now)
            context = await resolve(connection, envelope, envelope.command(), state, now)
            if brought(state, context):
                # What time has brought is recorded before anybody is told anything.
                command_id = uuid5(_MAILS, f"{stream}@{state.version}/brought")
                await self._record.execute(_from_system(look, command_id, now))
                state = await read_state(connection, self._vault, stream)
                context = await resolve(connection, envelope, envelope.command(), state, now)
            mailed, in_week = [
                {r["person"] for r in await listed(rows)}
                for rows in (
                    queries.mailed_since(connection, since=today, kind=DIGEST),
                    queries.mailed_since(connection, since=monday(today), kind=DIGEST),
                )
            ]
        return settings, state, context, mailed, in_week

    async def announce_overviews(self) -> Announced:
        """Start the mails of everybody whose overview of the week or the month has come.

        Where the program's own documents cannot be read there is no next moment: whoever finds
        that they can be wakes it.
        """
        try:
            return await self._announce_overviews()
        except Unreadable as sick:
            async with self._pool.acquire() as connection:
                await note(connection, sick)
            log.warning("stream_unreadable", stream=sick.stream, why=sick.why)
            return Announced(again_at=None)

    async def _announce_overviews(self) -> Announced:
        now = await self._clock.now()
        async with self._pool.acquire() as connection:
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
                self._client,
                DigestRun(person=person, on=today, gathering_seconds=settings.gathering_seconds),
            )
        log.info("overviews_announced", people=len(people_))
        return Announced(again_at=again_at)

    async def claim(self, digest: DigestRun) -> ClaimedMail:
        """Claim what is due for a person now, and freeze the mail that says it.

        One transaction over every stream concerned; claimed again, it is the same mail.  A
        digest whose day is over claims nothing: it would go at any hour of any day, and the
        streams announce what is due anew.  Nor does one while an earlier is still on its way:
        that one says everything once the mail server is back.
        """
        mail = mail_id(digest.person, digest.on, digest.kind)
        alarm = alarm_of(digest.kind)
        now = await self._clock.now()

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
            made = await self._made(connection, digest, mail, settings, now, again=False)
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
                content=await self._sealed(connection, mail, content, message),
                claimed_at=now,
            )
            await note_names(connection, mail, message, found.people)
            await self._note(connection, digest, mail, found, overseen)
            return ClaimedMail(mail=mail)

        return await self._record.in_transaction(once)

    async def _made(
        self,
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
            concerned = [f"engagement:{alarm[0]}"]
        else:
            until = await mail_reach(connection, digest.person, settings, now)
            rows = await listed(
                queries.streams_to_claim(connection, person=digest.person, until=until)
            )
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
            await self._claimed(connection, claim, stream, now, found)
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
                    await self._claimed(connection, passing, stream, now, found)
            rows = await listed(queries.sick_engagements_of(connection, person=digest.person))
            for row in rows:
                found.left_out[f"engagement:{row['id']}"] = row["lea_name"], row["illustrative"]
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
        self, connection: Connection, claim: ClaimNotices, stream: str, now: datetime, found: Found
    ) -> None:
        """Claim what is due on one stream; one that cannot be read is left out and noted."""
        command = claim.model_copy(update={"of": stream})
        command_id = uuid5(claim.mail, f"{stream}/{now.isoformat()}")
        try:
            async with connection.transaction():
                envelope = _from_system(command, command_id, now)
                outcome = await self._record.decide_and_append(connection, envelope, now=now)
                if outcome.news and not claimed_by(outcome, claim.mail):
                    # No mail answers for what else the moment brought.
                    await self._record.keep(connection, envelope, outcome.receipt)
                found.add(outcome, claim.mail, claim.person)
        except Exception as problem:
            sick = sickness(problem, stream)
            if sick is None:
                raise
            await note(connection, sick)
            log.warning("stream_unreadable", stream=stream, why=sick.why)
            found.left_out[stream] = stream.partition(":")[2], False
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
        self,
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
            concerned = [f"engagement:{answers}"] if answers else []
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
        self, connection: Connection, mail: UUID, content: Digest, message: EmailMessage
    ) -> str:
        """The finished mail as it is kept, sealed with its reader's key."""
        letter = {
            "sender": content.sender,
            "recipient": content.address,
            "message": base64.b64encode(message.as_bytes()).decode(),
        }
        document: dict[str, Any] = {"about": content.person, "text": json.dumps(letter)}
        await self._vault.seal(connection, f"mail {mail}", [document])
        return json.dumps(document)

    async def send(self, claimed: ClaimedMail) -> Handed:
        """Hand a mail to the mail server, once for all its attempts' sake, and record its answer.

        A mail whose day is over, and which no mail server has seen, is made anew first: after
        days without one a person gets a single mail that is true today.

        Raises:
            MailUnavailable: The server is away or says "later"; the workflow tries again.
        """
        assert claimed.mail is not None
        async with self._hands.holding(claimed.mail) as ours:
            if not ours:
                raise MailUnavailable("another attempt has this mail in hand")
            if (wait_until := await self._handed_over(claimed.mail)) is not None:
                return Handed(wait_until=wait_until)
        return Handed(recorded=await self._recorded(claimed.mail))

    async def _handed_over(self, mail: UUID) -> datetime | None:
        """See that a mail has an outcome; the moment to try at, where none may go now."""
        now = await self._clock.now()
        async with self._pool.acquire() as connection:
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
            await self._make_anew(row, settings, now, why="when the mail server was back")
        letter = await self._letter(mail)
        if isinstance(letter, Unreadable):
            async with self._pool.acquire() as connection:
                await note(connection, letter)
            log.warning("mail_unreadable", mail=str(mail), why=letter.why)
            await self._make_anew(row, settings, now, why="when it was to be made again", lost=True)
            letter = await self._letter(mail)
            if isinstance(letter, Unreadable):
                raise letter
        async with self._pool.acquire() as connection:
            row = await queries.mail(connection, id=mail)
            if row["outcome"] is not None:
                return None
        if letter is None:
            await self._settle(
                mail, "bounced", "the recipient's data were erased before it was sent"
            )
            return None
        if self._practice:
            await self._settle(mail, "dropped", PRACTICE)
            return None
        raw = base64.b64decode(letter["message"])

        async def offered() -> None:
            async with self._pool.acquire() as connection:
                await queries.offer_mail(connection, id=mail)

        try:
            delivery = await deliver(
                raw, letter["sender"], letter["recipient"], self._smtp_url, before_data=offered
            )
        except MailUnavailable as later:
            async with self._pool.acquire() as connection:
                patience = await mail_patience(connection, settings)
            if not later.puts_off or patience is None or now - row["claimed_at"] < patience:
                raise
            # Put off for days: as good as refused, and somebody must find out why.
            told = f"given up after {patience.days} days: {later}"
            delivery = Delivery(outcome="bounced", detail=told)
        await self._settle(mail, delivery.outcome, delivery.detail)
        return None

    async def _letter(self, mail: UUID) -> dict[str, str] | Unreadable | None:
        async with self._pool.acquire() as connection:
            row = await queries.mail(connection, id=mail)
            try:
                return await kept_letter(connection, self._vault, row)
            except Unreadable as sick:
                return sick

    async def _make_anew(
        self, row: Any, settings: ProgramEntry, now: datetime, *, why: str, lost: bool = False
    ) -> None:
        """Make a mail again under its own id: it is of another day, or cannot be opened."""
        mail, today = row["id"], local_date(now, settings.zone)
        digest = DigestRun(person=row["person"], on=today, kind=row["kind"])

        async def once(connection: Connection) -> bool:
            await listed(queries.forget_overviews(connection, mail=mail))
            made = await self._made(connection, digest, mail, settings, now, again=True)
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
                content=await self._sealed(connection, mail, content, message),
                made_on=today,
                lost=lost,
            )
            await note_names(connection, mail, message, found.people)
            await self._note(connection, digest, mail, found, overseen)
            return True

        still = await self._record.in_transaction(once)
        log.info("mail_made_anew", mail=str(mail), still=still)

    async def _settle(self, mail: UUID, outcome: str, detail: str) -> None:
        """Record what the mail server answered.

        Insisted on: were its answer forgotten, the mail would be sent a second time.
        """
        for attempt in range(1, _INSIST + 1):
            try:
                async with self._pool.acquire() as connection:
                    await queries.settle_mail(
                        connection,
                        id=mail,
                        outcome=outcome,
                        detail=detail,
                        at=await self._clock.now(),
                    )
                break
            except AWAY as away:
                unless_told_to_stop(away)
                if attempt == _INSIST:
                    raise
                log.warning("outcome_not_recorded_yet", mail=str(mail), why=type(away).__name__)
                await asyncio.sleep(_INSIST_SECONDS)
        log.info("mail_settled", mail=str(mail), outcome=outcome)

    async def report(self, claimed: ClaimedMail) -> None:
        """Tell every stream in a mail what became of it, where that is not known there."""
        assert claimed.mail is not None
        if await self._recorded(claimed.mail):
            return
        async with self._pool.acquire() as connection:
            row = await queries.mail(connection, id=claimed.mail)
            current = await still_theirs(connection, self._vault, row)
            overview = await queries.overviews_in_mail(connection, mail=claimed.mail)
        for stream in await self._unaware(claimed.mail):
            now = await self._clock.now()
            came_back = _delivery(row, stream, now, current=current, overview=overview)
            await hand_on(self._client, came_back)
            async with self._pool.acquire() as connection:
                await queries.mark_reported(connection, mail=claimed.mail, stream=stream)
            self._log_report(row, stream)
        if overview:
            async with self._pool.acquire() as connection:
                now = await self._clock.now()
                await pass_on(connection, self._client, row, now, current=current)

    async def _recorded(self, mail: UUID) -> bool:
        """Record a mail that was sent on every stream in it; whether its fate is known on all now.

        That it was sent moves no next moment, so no workflow is woken for it.  A mail that came
        back does, and is told through the workflows.
        """
        async with self._pool.acquire() as connection:
            row = await queries.mail(connection, id=mail)
        if row["outcome"] == "bounced":
            return False
        for stream in await self._unaware(mail):
            now = await self._clock.now()
            # What was dropped is known there: each dropped it itself.
            sent = _delivery(row, stream, now) if row["outcome"] == "sent" else None

            async def once(
                connection: Connection, stream: str = stream, sent: Envelope | None = sent
            ) -> None:
                if sent is not None:
                    await self._record.answer_in(connection, sent)
                await queries.mark_reported(connection, mail=mail, stream=stream)

            await self._record.in_transaction(once)
            self._log_report(row, stream)
        return True

    async def _unaware(self, mail: UUID) -> list[str]:
        """The streams in a mail on which it is not known yet what became of it."""
        async with self._pool.acquire() as connection:
            rows = await listed(queries.unreported_streams(connection, mail=mail))
        return [row["stream"] for row in rows]

    def _log_report(self, row: Any, stream: str) -> None:
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
    return _from_system(command, _delivery_id(row["id"], stream), now)


def _from_system(command: Any, command_id: UUID, now: datetime) -> Envelope:
    return Envelope.of(command, command_id=command_id, actor=SYSTEM, issued_at=now)
