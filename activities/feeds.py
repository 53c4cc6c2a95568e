"""Calendar files to subscribe to: one for each engagement and one for each Lead, kept up to date.

Everything in them is derived from the read models, so they can be deleted at any time.
"""

import asyncio
import base64
import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import structlog

from activities.clock import Clock
from activities.mail.addresses import parse_mailbox
from activities.mail.dates import Entry, published, uid
from activities.stopping import rest, unless_told_to_stop
from domain.owing.items import heading
from domain.policy.calendar import local_date
from domain.rules.context import ProgramEntry
from domain.streams import stream_of
from store.context import people
from store.database import AWAY, Connection, Pool, listed, queries
from store.documents import program
from store.errors import Unreadable
from store.vault import Vault

log = structlog.get_logger()

_POLL_SECONDS = 2.0
_ANYWAY = 30
"""Look after so many polls in any case: a changed calendar moves dates without an entry in the
log, and somebody may have deleted a file."""

_FOR_A_WEB_SERVER = 0o755
"""Which reads it as another user; the names of the files are the secret."""

_OURS = re.compile(r"[a-z2-7]{32}\.ics")
_STAMP = re.compile(rb"^DTSTAMP:.*\r\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Feed:
    """One file: whose dates it holds, and under which name nobody guesses."""

    kind: Literal["lead", "engagement"]
    of: str
    """The person's or the engagement's id."""
    file: str
    title: str
    engagements: tuple[str, ...]


def file_name(vault: Vault, kind: str, of: str) -> str:
    """The name of a feed's file: always the same, and only who holds the master key can tell it."""
    digest = vault.fingerprint(f"calendar feed/{kind}/{of}".encode())
    return base64.b32encode(digest[:20]).decode().lower() + ".ics"


async def feeds(connection: Connection, vault: Vault, zone: str, now: datetime) -> list[Feed]:
    """Every feed there is; that of an engagement that is over stays, without a date in it."""
    rows = await listed(queries.calendar_owners(connection))
    led: dict[str, list[str]] = {}
    for row in rows:
        if row["lead"] and not row["over"]:
            led.setdefault(row["lead"], []).append(row["id"])
    caseload = await listed(queries.caseload(connection))
    known = await people(connection, {row["id"] for row in caseload})
    found = [
        Feed("engagement", row["id"], file_name(vault, "engagement", row["id"]), row["lea_name"],
             () if row["over"] else (row["id"],))
        for row in rows
    ]  # fmt: skip
    found += [
        Feed("lead", person, file_name(vault, "lead", person), "Engagements",
             tuple(led.get(person, ())))
        for person in sorted({entry.id for entry in known.values()})
        if not known[person].has_left(local_date(now, zone))
    ]  # fmt: skip
    return found


async def entries(
    connection: Connection, engagements: Sequence[str] | None, settings: ProgramEntry
) -> dict[str, list[Entry]]:
    """The dates owed on engagements, or on all that are not over, as the mails show them."""
    domain = parse_mailbox(settings.sender).address.rpartition("@")[2]
    found: dict[str, list[Entry]] = {}
    rows = await listed(
        queries.calendar_dates(
            connection, engagements=None if engagements is None else list(engagements)
        )
    )
    for row in rows:
        found.setdefault(row["engagement"], []).append(_entry(row, domain))
    return found


def _entry(row: Any, domain: str) -> Entry:
    marks = [" (on hold)"] * bool(row["held"]) + [" (illustrative)"] * row["illustrative"]
    return Entry(
        uid=uid(stream_of("engagement", row["engagement"]), row["item"], domain),
        round=row["round"],
        summary=f"{heading(row['item'], row['title'])} due – {row['lea_name']}{''.join(marks)}",
        day=row["due"],
        at=row["due_at"],
        description=row["ask"],
    )


def rendered(
    found: Iterable[Entry], settings: ProgramEntry, whose: str, stamped: datetime
) -> bytes:
    """A calendar file of these dates, soonest first."""
    ordered = sorted(found, key=lambda entry: (entry.day, entry.uid))
    return published(
        ordered,
        stamped=stamped,
        organizer=parse_mailbox(settings.sender),
        name=f"{whose} – {settings.name}",
    )


class Keeper:
    """Keeps the files of a directory up to date, for as long as the worker lives."""

    def __init__(self, pool: Pool, vault: Vault, clock: Clock, directory: Path) -> None:
        self._pool = pool
        self._vault = vault
        self._clock = clock
        self._directory = directory
        self._written: dict[str, tuple[str, tuple[Entry, ...]]] = {}
        """What each file holds, as far as this worker knows."""

    async def keep(self) -> None:
        """Write what changed, for ever; what cannot be read or written now is tried again."""
        seen: str | None = None
        polls = 0
        while True:
            try:
                async with self._pool.acquire() as connection:
                    look = await queries.log_moved(connection, seen=seen)
                if look["moved"] or polls % _ANYWAY == 0:
                    await self.refresh()
                seen = look["seen"]
                polls += 1
            except (*AWAY, Unreadable) as away:
                unless_told_to_stop(away)
                log.warning(
                    "feeds_not_written", directory=str(self._directory), why=str(away)[:200]
                )
            await rest(_POLL_SECONDS)

    async def refresh(self) -> int:
        """Write every file whose dates changed, remove those that belong to nobody.

        Returns:
            How many files were written or removed.
        """
        async with self._pool.acquire() as connection:
            settings = await program(connection)
            if settings is None:
                return 0
            now = await self._clock.now()
            wanted = await feeds(connection, self._vault, settings.zone, now)
            dates = await entries(connection, None, settings)
        return await asyncio.to_thread(self._write, wanted, dates, settings, now)

    def _write(
        self,
        wanted: list[Feed],
        dates: dict[str, list[Entry]],
        settings: ProgramEntry,
        now: datetime,
    ) -> int:
        if not self._directory.is_dir():
            self._directory.mkdir(parents=True)
            self._directory.chmod(_FOR_A_WEB_SERVER)
        there = {path.name for path in self._directory.iterdir() if _OURS.fullmatch(path.name)}
        changed = 0
        for feed in wanted:
            found = tuple(entry for one in feed.engagements for entry in dates.get(one, ()))
            title = f"{feed.title} – {settings.name} – {settings.sender}"
            if feed.file in there and self._written.get(feed.file) == (title, found):
                continue
            if feed.kind == "engagement" and not feed.engagements and feed.file not in there:
                continue  # Nobody can have subscribed to what was over before it had a file.
            content = rendered(found, settings, feed.title, now)
            path = self._directory / feed.file
            if feed.file not in there or _unstamped(path.read_bytes()) != _unstamped(content):
                _replace(path, content)
                changed += 1
            self._written[feed.file] = (title, found)
        for gone in there - {feed.file for feed in wanted}:
            (self._directory / gone).unlink(missing_ok=True)
            self._written.pop(gone, None)
            changed += 1
        if changed:
            log.info("feeds_written", files=changed)
        return changed


def _unstamped(content: bytes) -> bytes:
    return _STAMP.sub(b"", content)


def _replace(path: Path, content: bytes) -> None:
    """Put a file in place whole: whoever reads it meanwhile gets the old one or the new one."""
    descriptor, fresh = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".new")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(fresh).chmod(_FOR_A_WEB_SERVER & 0o666)
        Path(fresh).replace(path)
    except BaseException:
        Path(fresh).unlink(missing_ok=True)
        raise
