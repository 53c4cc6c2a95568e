"""From a due notice to a mail and back: announce, claim, send, report."""

import base64
import json
from datetime import date, datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import structlog
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy

from activities.dispatch import send
from activities.mail.compose import compose
from activities.mail.deliver import deliver
from activities.mail.digest import Digest
from activities.names import WORKFLOW_QUEUE, Announced, ClaimedMail, DigestRun
from activities.overviews import still_to_send
from activities.record import Clock, Outcome, Record
from activities.telling import Found, claimed_in, digest_of, message_id
from domain.calendar import WorkingDays, local_date
from domain.context import SYSTEM, ProgramEntry
from domain.deciding import brought
from domain.ids import DIGEST, alarm_kind, alarm_of, digest_workflow_id
from domain.kernel import fold
from domain.messages import Envelope
from domain.notices import (
    ClaimNotices,
    ReconcileNotices,
    RecordDelivery,
)
from domain.overviews import next_overview
from domain.reminding import announcement
from store.context import overview_rules, people, program, resolve
from store.database import Connection, Pool, listed, queries
from store.events import read_stream
from store.vault import Vault

log = structlog.get_logger()

_MAILS = uuid5(NAMESPACE_URL, "tag:handrail,2026:mail")


def mail_id(person: str, on: date, kind: str = DIGEST) -> UUID:
    """The id of a person's mail of a day: the same however often it is asked for."""
    return uuid5(_MAILS, f"{person}/{on.isoformat()}/{kind}")


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
        sandbox: bool,
    ) -> None:
        self._pool = pool
        self._vault = vault
        self._clock = clock
        self._record = record
        self._client = client
        self._smtp_url = smtp_url
        self._sandbox = sandbox

    async def announce(self, stream: str) -> Announced:
        """Start the mails of everybody who must be told something on this engagement now."""
        now = await self._clock.now()
        async with self._pool.acquire() as connection:
            settings = await program(connection)
            assert settings is not None
            today = local_date(now, settings.zone)
            state = fold(stream, await read_stream(connection, self._vault, stream))
            envelope = _from_system(
                ReconcileNotices(engagement=state.id), uuid5(_MAILS, stream), now
            )
            context = await resolve(connection, envelope, envelope.command(), state, now)
            if brought(state, context):
                # What time has brought is recorded before anybody is told anything.
                command_id = uuid5(_MAILS, f"{stream}@{state.version}/brought")
                await self._record.execute(
                    _from_system(ReconcileNotices(engagement=state.id), command_id, now)
                )
                state = fold(stream, await read_stream(connection, self._vault, stream))
                context = await resolve(connection, envelope, envelope.command(), state, now)
            rows = await listed(queries.mailed_on(connection, local_date=today, kind=DIGEST))
        mailed = {row["person"] for row in rows}
        told = announcement(state, context, mailed.__contains__)
        for person in sorted(told.people):
            await self.start_mail(
                DigestRun(person=person, on=today, gathering_seconds=settings.gathering_seconds)
            )
        for person, notice in sorted(told.alarms):
            kind = alarm_kind(state.id, notice)
            await self.start_mail(
                DigestRun(person=person, on=today, gathering_seconds=0, kind=kind)
            )
        log.info(
            "due_announced",
            engagement=state.id,
            people=len(told.people),
            alarms=len(told.alarms),
            again_at=told.again_at.isoformat() if told.again_at else None,
        )
        return Announced(again_at=told.again_at)

    async def announce_overviews(self) -> Announced:
        """Start the mails of everybody whose overview of the week or the month has come."""
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
            people_ = {
                row["person"]
                for rule in rules
                if rule.is_open(now, days, settings.zone)
                for row in await listed(queries.overview_people(connection, role=rule.to))
            }
        today = local_date(now, settings.zone)
        for person in sorted(people_):
            await self.start_mail(
                DigestRun(person=person, on=today, gathering_seconds=settings.gathering_seconds)
            )
        log.info("overviews_announced", people=len(people_))
        return Announced(again_at=again_at)

    async def start_mail(self, digest: DigestRun) -> None:
        """Start a person's digest or alarm of a day, unless it is on its way already."""
        await self._client.start_workflow(
            "Digest",
            digest,
            id=digest_workflow_id(digest.person, digest.on, digest.kind),
            task_queue=WORKFLOW_QUEUE,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
        )

    async def claim(self, digest: DigestRun) -> ClaimedMail:
        """Claim what is due for a person now, and freeze the mail that says it.

        One transaction over every engagement concerned; claimed again, it is the same mail.  A
        digest whose day is over claims nothing: it would go at any hour of any day, and the
        engagements announce what is due anew.
        """
        mail = mail_id(digest.person, digest.on, digest.kind)
        alarm = alarm_of(digest.kind)
        now = await self._clock.now()

        async def once(connection: Connection) -> ClaimedMail:
            if await queries.mail(connection, id=mail) is not None:
                return ClaimedMail(mail=mail)
            settings = await program(connection)
            assert settings is not None
            if not alarm and local_date(now, settings.zone) != digest.on:
                return ClaimedMail()
            found = await self._found(connection, digest, mail, settings, now)
            overseen = (
                [] if alarm else await still_to_send(connection, digest.person, settings, now)
            )
            if not found.items and not overseen:
                return ClaimedMail()
            if not alarm:
                await self._take_back(connection, digest, mail, settings, now, found)
            directory = await people(connection, {digest.person, *found.leads})
            kind = await queries.store_kind(connection)
            content = digest_of(
                digest, mail, directory, settings, found, overseen, sandbox=kind == "sandbox"
            )
            await self._freeze(connection, digest, mail, settings, content, now)
            await queries.add_mail_engagements(
                connection, mail=mail, engagements=list(found.engagements)
            )
            for overview in overseen:
                await queries.add_overview(
                    connection,
                    person=digest.person,
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
            return ClaimedMail(mail=mail)

        return await self._record.in_transaction(once)

    async def _found(
        self,
        connection: Connection,
        digest: DigestRun,
        mail: UUID,
        settings: ProgramEntry,
        now: datetime,
    ) -> Found:
        """Claim what is due for the person, engagement by engagement."""
        alarm = alarm_of(digest.kind)
        if alarm:
            concerned = [alarm[0]]
        else:
            rows = await listed(
                queries.engagements_to_claim(connection, person=digest.person, now=now)
            )
            concerned = [row["engagement"] for row in rows]
        found = Found()
        for engagement in concerned:
            outcome = await self._claimed(connection, digest, mail, settings, now, engagement)
            found.add(outcome, digest.person)
        return found

    async def _take_back(
        self,
        connection: Connection,
        digest: DigestRun,
        mail: UUID,
        settings: ProgramEntry,
        now: datetime,
        found: Found,
    ) -> None:
        """Take dates back on engagements that have nothing else to say in this mail."""
        rows = await listed(
            queries.engagements_to_take_back(
                connection, person=digest.person, today=local_date(now, settings.zone)
            )
        )
        for row in rows:
            if row["engagement"] not in found.engagements:
                outcome = await self._claimed(
                    connection, digest, mail, settings, now, row["engagement"], in_passing=True
                )
                found.add(outcome, digest.person)

    async def _claimed(
        self,
        connection: Connection,
        digest: DigestRun,
        mail: UUID,
        settings: ProgramEntry,
        now: datetime,
        engagement: str,
        *,
        in_passing: bool = False,
    ) -> Outcome:
        alarm = alarm_of(digest.kind)
        command = ClaimNotices(
            engagement=engagement,
            mail=mail,
            message_id=message_id(mail, settings.sender),
            person=digest.person,
            on=digest.on,
            alarm=alarm[1] if alarm else None,
            in_passing=in_passing,
        )
        command_id = uuid5(mail, f"{engagement}/{now.isoformat()}")
        outcome = await self._record.decide_and_append(
            connection, _from_system(command, command_id, now), now=now
        )
        for notice in claimed_in(outcome):
            log.info(
                "notice_claimed",
                engagement=engagement,
                command=str(command_id),
                notice=f"{notice.item} {notice.step} {notice.planned_for.date()}",
                mail=str(mail),
                person=digest.person,
            )
        return outcome

    async def _freeze(
        self,
        connection: Connection,
        digest: DigestRun,
        mail: UUID,
        settings: ProgramEntry,
        content: Digest,
        now: datetime,
    ) -> None:
        message = compose(content, sent_at=now)
        letter = {
            "sender": settings.sender,
            "recipient": content.address,
            "message": base64.b64encode(message.as_bytes()).decode(),
        }
        document: dict[str, Any] = {"about": digest.person, "text": json.dumps(letter)}
        await self._vault.seal(connection, f"mail {mail}", [document])
        await queries.add_mail(
            connection,
            id=mail,
            person=digest.person,
            local_date=digest.on,
            kind=digest.kind,
            message_id=content.message_id,
            content=json.dumps(document),
            claimed_at=now,
        )

    async def send(self, claimed: ClaimedMail) -> None:
        """Hand a frozen mail to the mail server, once for all its attempts' sake.

        Raises:
            MailUnavailable: The server is away or says "later"; the workflow tries again.
        """
        async with self._pool.acquire() as connection:
            row = await queries.mail(connection, id=claimed.mail)
            if row["outcome"] is not None:
                return
            document = json.loads(row["content"])
            await self._vault.open(connection, [(f"mail {claimed.mail}+0", document)])
        if document["text"] is None:
            outcome, detail = "bounced", "the recipient's data were erased before it was sent"
        else:
            letter = json.loads(document["text"])
            raw = base64.b64decode(letter["message"])
            delivery = await deliver(raw, letter["sender"], letter["recipient"], self._smtp_url)
            outcome, detail = delivery.outcome, delivery.detail
        async with self._pool.acquire() as connection:
            await queries.settle_mail(
                connection,
                id=claimed.mail,
                outcome=outcome,
                detail=detail,
                at=await self._clock.now(),
            )
        log.info("mail_settled", mail=str(claimed.mail), outcome=outcome)

    async def report(self, claimed: ClaimedMail) -> None:
        """Tell every engagement in a mail what became of it."""
        assert claimed.mail is not None
        async with self._pool.acquire() as connection:
            row = await queries.mail(connection, id=claimed.mail)
            rows = await listed(queries.unreported_engagements(connection, mail=claimed.mail))
        for engagement in [r["engagement"] for r in rows]:
            command = RecordDelivery(
                engagement=engagement,
                mail=claimed.mail,
                message_id=row["message_id"],
                person=row["person"],
                outcome=row["outcome"],
                detail=row["detail"],
                at=row["at"],
            )
            command_id = uuid5(claimed.mail, f"{engagement}/delivered")
            await send(
                self._client,
                _from_system(command, command_id, await self._clock.now()),
                sandbox=self._sandbox,
            )
            async with self._pool.acquire() as connection:
                await queries.mark_reported(connection, mail=claimed.mail, engagement=engagement)
            log.info(
                "delivery_reported",
                engagement=engagement,
                command=str(command_id),
                mail=str(claimed.mail),
                outcome=row["outcome"],
            )


def _from_system(command: Any, command_id: UUID, now: datetime) -> Envelope:
    return Envelope.of(command, command_id=command_id, actor=SYSTEM, issued_at=now)
