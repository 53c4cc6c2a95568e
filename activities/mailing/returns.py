"""Mails that come back after the mail server took them: read from a mailbox, never changing it."""

import asyncio
import mailbox
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

import structlog
from temporalio.client import Client

from activities.clock import Clock
from activities.dispatch import NO_ANSWER, send
from activities.mail.report import LONGEST, OUR_MAIL, Failure, Report, read_report
from activities.mailing.letters import still_theirs, went_to
from activities.mailing.overviews import pass_on
from activities.turns import in_turn
from domain.envelope import Envelope
from domain.reminders.notices import RecordReturn
from store.context import people
from store.database import AWAY, Connection, Pool, listed, queries
from store.errors import Unreadable
from store.sick import note
from store.turns import RETURNS
from store.vault import Vault

log = structlog.get_logger()

POLL_SECONDS = 10.0
_BATCH_BYTES = 8_000_000

Unread = list[tuple[bytes, bytes]]
"""Messages, each with the digest by which it is known."""


class ReturnReader:
    """Reads a bounce mailbox for as long as the worker lives."""

    def __init__(self, pool: Pool, vault: Vault, clock: Clock, client: Client, where: Path) -> None:
        self._pool = pool
        self._vault = vault
        self._clock = clock
        self._client = client
        self._box = _Box(where)

    async def follow(self) -> None:
        """Read for ever; what cannot be reached now is tried again."""
        away = (*AWAY, *NO_ANSWER, mailbox.Error)
        await in_turn(self._pool, RETURNS, self.catch_up, poll_seconds=POLL_SECONDS, away=away)

    async def catch_up(self, connection: Connection) -> Counter[str]:
        """Read what is new in the mailbox; reading it twice changes nothing.

        Returns:
            How many messages there were of each kind.
        """
        found: Counter[str] = Counter()
        waiting: set[bytes] = set()
        while unread := await asyncio.to_thread(self._box.unread):
            digests = [digest for digest, _ in unread]
            rows = await listed(queries.bounces_read(connection, digests=digests))
            known = {bytes(row["digest"]) for row in rows}
            for digest, raw in unread:
                if digest not in known:
                    try:
                        what = await self._deal_with(connection, raw, digest.hex()[:12])
                    except Unreadable as sick:
                        # It waits by itself, and is read again at the next look.
                        await note(connection, sick)
                        log.warning("bounce_waits", message=digest.hex()[:12], why=sick.why)
                        waiting.add(digest)
                        self._box.seen.add(digest)
                        continue
                    await queries.add_bounce_read(connection, digest=digest, found=what)
                    found[what] += 1
                    known.add(digest)
                # Only now: what was interrupted is read again.
                self._box.seen.add(digest)
        self._box.look_again_at(waiting)
        return found

    async def _deal_with(self, connection: Connection, raw: bytes, digest: str) -> str:
        report = await asyncio.to_thread(read_report, raw)
        what, why = str(report.verdict), report.why
        if report.verdict == "failed":
            what, why = await self._returned(connection, report)
        elif report.verdict in ("foreign", "automatic"):
            what = await self._answer(connection, report) or what
        if what != "bounced":
            log.info("bounce_skipped", message=digest, what=what, why=why)
        return what

    async def _returned(self, connection: Connection, report: Report) -> tuple[str, str]:
        """Deal with a mail that did not arrive; what it is for us, and why."""
        found = ("foreign", "not one of our mails")
        for message_id in report.message_ids:
            row = await self._mail(connection, message_id)
            if row is None:
                continue
            address = await went_to(connection, self._vault, row)
            if not address:
                return "foreign", "the mail cannot be read any more"
            if report.is_from(address):
                return "automatic", "written in the reader's name"
            failure = report.failure_for(address)
            if failure is not None:
                await self._came_back(connection, row, failure, address)
                return "bounced", ""
            found = ("elsewhere", "not about whom the mail went to")
        return found

    async def _answer(self, connection: Connection, report: Report) -> str | None:
        """What an answer to one of our mails is; None for what answers none, or only says "away".

        Whether it comes from the reader is for whoever looks: people answer from other addresses.
        """
        for message_id in report.message_ids:
            if await self._mail(connection, message_id) is not None:
                if report.says_left:
                    return "left"
                return "answer" if report.verdict == "foreign" else None
        return None

    async def _mail(self, connection: Connection, message_id: str) -> Any | None:
        """The mail with a Message-ID, if it is one of ours that a mail server has seen."""
        ours = OUR_MAIL.match(message_id)
        row = await queries.mail(connection, id=UUID(ours[1])) if ours else None
        seen = row is not None and row["message_id"] == message_id and row["offered"]
        return row if seen else None

    async def _came_back(
        self, connection: Connection, row: Any, failure: Failure, address: str
    ) -> None:
        """Tell every stream in a mail, in the words of its first report."""
        mail, person = row["id"], row["person"]
        entry = (await people(connection, {person})).get(person)
        detail = failure.detail(address, entry.name if entry else "")
        now = await self._clock.now()
        await queries.return_mail(connection, id=mail, at=now, detail=detail)
        # Where its taking was never recorded, it need not be tried again.
        await queries.settle_mail(connection, id=mail, outcome="bounced", detail=detail, at=now)
        row = await queries.mail(connection, id=mail)
        current = await still_theirs(connection, self._vault, row)
        overview = await queries.overviews_in_mail(connection, mail=mail)
        rows = await listed(queries.streams_in_mail(connection, mail=mail))
        for stream in [r["stream"] for r in rows]:
            command = RecordReturn(
                of=stream,
                mail=mail,
                message_id=row["message_id"],
                person=person,
                detail=row["returned_detail"],
                at=row["returned_at"],
                current=current,
                overview=overview,
            )
            envelope = Envelope.by_system(command, uuid5(mail, f"{stream}/returned"), now)
            await send(self._client, envelope)
        if overview:
            await pass_on(connection, self._client, row, now, current=current)
        log.info("mail_returned", mail=str(mail), person=person, streams=len(rows))


class _Box:
    """An mbox file or a Maildir, of which each message is handed out until it counts as seen."""

    def __init__(self, where: Path) -> None:
        self._where = where
        self._as_it_was: tuple[int, int, int] | None = None
        self._files: dict[str, bytes] = {}
        self._missing = False
        self.seen: set[bytes] = set()

    def look_again_at(self, digests: set[bytes]) -> None:
        """Hand these messages out again."""
        if digests:
            self.seen -= digests
            self._as_it_was = None

    def unread(self) -> Unread:
        """Some messages that were not seen yet; none when all were."""
        try:
            found = self._maildir() if self._where.is_dir() else self._mbox()
        except (FileNotFoundError, mailbox.NoSuchMailboxError):
            # A mail server makes it with its first mail.
            if not self._missing:
                log.warning("bounce_mailbox_missing", path=str(self._where))
            self._missing = True
            return []
        self._missing = False
        return found

    def _mbox(self) -> Unread:
        stat = self._where.stat()
        as_it_is = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if as_it_is == self._as_it_was:
            return []
        box = mailbox.mbox(self._where, create=False)
        try:
            found, size = [], 0
            for key in box.iterkeys():
                with box.get_file(key) as file:
                    digest, raw = _limited(file)
                if digest not in self.seen:
                    found.append((digest, raw))
                    size += len(raw)
                if size > _BATCH_BYTES:
                    break
            else:
                if not found:
                    self._as_it_was = as_it_is
            return found
        finally:
            box.close()

    def _maildir(self) -> Unread:
        box = mailbox.Maildir(self._where, create=False)
        found, size = [], 0
        for key in box.iterkeys():
            if self._files.get(key) in self.seen:
                continue
            try:
                with box.get_file(key) as file:
                    digest, raw = _limited(file)
            except (KeyError, FileNotFoundError):
                continue  # Taken away, or moved by a mail program: looked at again soon.
            self._files[key] = digest
            if digest not in self.seen:
                found.append((digest, raw))
                size += len(raw)
            if size > _BATCH_BYTES:
                break
        return found


def _limited(file: Any) -> tuple[bytes, bytes]:
    """A message with its digest, no longer than it is looked at."""
    raw: bytes = file.read(LONGEST + 1)
    return sha256(raw).digest(), raw
