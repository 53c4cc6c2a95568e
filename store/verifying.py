"""Holds the whole store against its seals, reckoned outside the database, and says what differs."""

import asyncio
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

from domain.rules.context import SYSTEM
from store.comparing import differing
from store.database import Connection, listed, queries, streamed
from store.errors import VaultError
from store.evidence import NOTHING, Head, Whole, added, chain_hash, fits
from store.liveness import FOLLOWER
from store.schema import described, replaced_functions
from store.sealing import head_of, whole_of
from store.vault import Vault

_LOOK_AGAIN_SECONDS = 0.5
_PATIENCE_SECONDS = 5.0

_ABOUT = re.compile(r'"about": "([^"]*)"')
_UNFIT = "does not bear the seal of a holder of the master key"


class Found(NamedTuple):
    """Something that is not as it was sealed."""

    where: str
    what: str
    version: int | None = None
    """The first event concerned, where it is one."""


@dataclass
class Report:
    """What verifying saw."""

    streams: int = 0
    events: int = 0
    receipts: int = 0
    found: list[Found] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    """What is no fault, but should be known."""
    heads: dict[str, tuple[int, str]] = field(default_factory=dict)
    """How far each stream has come: version and hash."""
    answers: dict[str, Any] = field(default_factory=dict)
    """Which receipts there are: of which time, how many, and their sum."""

    def say(self, where: str, what: str, version: int | None = None) -> None:
        """Something differs."""
        self.found.append(Found(where, what, version))


@dataclass
class _Seals:
    whole: Whole | None
    heads: dict[str, tuple[Head, bool]]
    """By stream: how far it had come, and whether that is itself as it was sealed."""


async def verify(
    connection: Connection, vault: Vault, against: dict[str, Any] | None = None
) -> Report:
    """Look at all that is sealed, in one transaction that only reads; nobody waits for it.

    Args:
        against: A document that `head_document` made earlier, kept outside the database.
    """
    report = Report()
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        seals = await _seals(connection, vault, report)
        await _schema(connection, vault, seals.whole, report)
        erased, subjects = await _events(connection, vault, seals, report, against)
        await _receipts(connection, vault, seals.whole, report, against)
        await _keys(connection, vault, erased, subjects, report)
        await _mails(connection, vault, erased, report)
    if against is not None:
        _held_against(vault, against, report)
    return report


async def compare(connection: Connection, vault: Vault, report: Report) -> None:
    """Hold the lists against the events; what the follower still has to bring about is no fault."""
    if await queries.is_read_only(connection):
        report.notes.append(
            "the read models were not compared with the events: this database is a read-only copy, "
            "in which nothing can be laid beside them. Verify the one that is written to as well"
        )
        return
    if not await connection.fetchval(
        "select has_database_privilege(current_database(), 'TEMPORARY')"
    ):
        report.notes.append(
            "the read models were not compared with the events: the application's role may make no "
            "temporary tables here (GRANT TEMPORARY ON DATABASE … TO handrail_app)"
        )
        return
    found = [one async for one in differing(connection, vault)]
    waited = 0.0
    while found and waited < _PATIENCE_SECONDS:
        # A changed calendar, say, reaches an engagement's lists a moment later.
        await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        waited += _LOOK_AGAIN_SECONDS
        if await queries.unread(connection, reader=FOLLOWER):
            continue
        found = [one async for one in differing(connection, vault)]
        break
    unread = await queries.unread(connection, reader=FOLLOWER) if found else 0
    if unread:
        report.notes.append(
            f"{unread} events have still to reach the streams they concern, so that lists may be "
            f"behind: {', '.join(sorted({stream for stream, _ in found}))}. Look again once a "
            f"worker has run"
        )
        return
    for stream, what in found:
        report.say(stream, what)


async def _seals(connection: Connection, vault: Vault, report: Report) -> _Seals:
    row = await queries.sealed(connection)
    heads: dict[str, tuple[Head, bool]] = {}
    total, count, events = NOTHING, 0, 0
    async for kept in streamed(connection, queries.sealed_streams, streams=None):
        head = head_of(kept)
        true = fits(kept["mac"], vault.evidence.head(head))
        if not true:
            report.say(head.stream, "the seal of its end was changed or forged")
        heads[head.stream] = head, true
        total, count, events = added(total, bytes(kept["mac"])), count + 1, events + head.version
    if row is None:
        if await queries.bears_seals(connection):
            report.say(
                "the store's seal",
                "is gone: what was recorded bears seals, and a store is sealed before that",
            )
        return _Seals(None, heads)
    whole = whole_of(row)
    if not fits(row["mac"], vault.evidence.whole(whole)):
        report.say("the store's seal", "was changed, or made with another master key")
        return _Seals(None, heads)
    if (whole.streams, whole.events, whole.heads) != (count, events, total):
        report.say(
            "the store's seal",
            f"speaks of {whole.streams} streams with {whole.events} events; the seals of streams "
            f"that are there speak of {count} with {events}: some were changed, removed or added",
        )
    if whole.until and any(h.keyed_from > 1 for h, _ in heads.values()):
        report.notes.append(
            f"what was recorded before {whole.begun_at:%Y-%m-%d %H:%M} UTC bears no seal of its "
            f"own; it is sealed as it was then"
        )
    return _Seals(whole, heads)


async def _schema(
    connection: Connection, vault: Vault, whole: Whole | None, report: Report
) -> None:
    for name in await replaced_functions(connection):
        report.say(f"function {name}", "is not what this release's migrations made of it")
    if whole is None:
        return
    kept = json.loads(await queries.sealed_schema(connection) or "{}")
    if vault.evidence.schema(kept) != whole.schema_:
        report.say("the schema's seal", "the description of the schema was changed")
        return
    revision = await connection.fetchval("select version_num from alembic_version")
    if revision != whole.revision:
        report.notes.append(f"the schema was brought up to {revision} and is not sealed yet")
        return
    now = await described(connection)
    for name in sorted(kept.keys() | now.keys()):
        if kept.get(name) != now.get(name):
            what = (
                "changed"
                if name in kept and name in now
                else ("is missing" if name in kept else "was added")
            )
            report.say(name, f"{what} since the schema was sealed")


class _Stream:
    """One stream as it is walked."""

    def __init__(self, name: str, sealed: Head | None, vault: Vault, report: Report) -> None:
        self.name = name
        self._sealed = sealed
        self._vault = vault
        self._report = report
        self._hash: bytes | None = None
        self._stored: bytes | None = None
        self._version = 0
        self._reached: Head | None = None
        self._said = set[str]()
        self.kept: tuple[int, str] | None = None

    def _say(self, what: str, version: int | None) -> None:
        if what not in self._said:
            self._said.add(what)
            at = f"event {version}: " if version else ""
            self._report.say(self.name, at + what, version)

    def take(self, row: Any, wanted: tuple[int, str] | None) -> None:
        """The next event."""
        version, evidence = row["version"], self._vault.evidence
        if version != self._version + 1:
            gone = (
                f"event {self._version + 1} before it is missing"
                if version == self._version + 2
                else f"events {self._version + 1} to {version - 1} before it are missing"
            )
            self._say(gone, version)
        try:
            should = chain_hash(self._stored, row)
        except (OverflowError, UnicodeError, AttributeError):
            should = b""
        if should != bytes(row["hash"]):
            self._say("changed, or what stands before it is: its hash does not follow", version)
        self._stored, self._hash, self._version = bytes(row["hash"]), should, version
        head = self._sealed
        if row["seal"] is None:
            if head is None or version >= head.keyed_from:
                self._say(f"{_UNFIT}: forged, or recorded by an older release", version)
        elif not fits(row["seal"], _made(partial(evidence.event_in, row))):
            self._say(f"changed or forged: {_UNFIT}", version)
        if wanted is not None and version == wanted[0] and should.hex() != wanted[1]:
            self._say("is not the event of the document", version)
        if head is None or version > head.version:
            return
        before = self._reached or Head(self.name, 0, head.keyed_from, b"")
        self._reached = replace(
            before,
            version=version,
            hash=should,
            places=added(before.places, evidence.place(row)),
            orders=added(before.orders, evidence.order(row)),
        )

    def end(self) -> None:
        """There are no more."""
        head, reached = self._sealed, self._reached
        if head is None:
            return
        if reached is None or reached.version < head.version:
            have = self._version
            self._say(
                f"its end is missing: {head.version} events were sealed, {have} are there", None
            )
            return
        if reached.hash != head.hash:
            self._say("is not as it was sealed: the chain was made anew after a change", None)
        if reached.places != head.places:
            self._say("position, command_seq or seals of its events were changed", None)
        if reached.orders != head.orders:
            self._say("the transaction ids (xact_id) of its events were changed", None)


def _made(make: Callable[[], bytes]) -> bytes:
    """A seal as it should be; none for what could never have been sealed."""
    try:
        return make()
    except (ValueError, OverflowError, RecursionError, ArithmeticError):
        return b""


async def _events(
    connection: Connection,
    vault: Vault,
    seals: _Seals,
    report: Report,
    against: dict[str, Any] | None,
) -> tuple[set[str], set[str]]:
    """Walk every stream; who was erased, and about whom something is sealed."""
    erased, subjects = set[str](), set[str]()
    wanted = (against or {}).get("streams", {})
    seen = set[str]()
    current: _Stream | None = None
    last: Any = None

    def ended() -> None:
        if current is None:
            return
        current.end()
        report.heads[current.name] = last["version"], bytes(last["hash"]).hex()

    async for row in streamed(connection, queries.whole_log):
        stream = row["stream"]
        if current is None or current.name != stream:
            ended()
            head, true = seals.heads.get(stream, (None, False))
            current = _Stream(stream, head if true else None, vault, report)
            seen.add(stream)
        entry = wanted.get(stream)
        current.take(row, (entry["version"], entry["hash"]) if entry else None)
        last = row
        report.events += 1
        if row["type"] == "person-erased" and stream.startswith("person:"):
            erased.add(stream.removeprefix("person:"))
        if '"sealed": "' in row["data"]:
            for about in _ABOUT.findall(row["data"]):
                subjects.update(about.split())
    ended()
    report.streams = len(seen)
    for stream, (head, true) in seals.heads.items():
        if true and stream not in seen:
            report.say(stream, f"is gone as a whole: {head.version} events were sealed")
    return erased, subjects


async def _receipts(
    connection: Connection,
    vault: Vault,
    whole: Whole | None,
    report: Report,
    against: dict[str, Any] | None,
) -> None:
    horizon = await queries.horizon(connection)
    restored_to = whole.restored_to if whole else 0
    known = (against or {}).get("receipts")
    asked = known or {"until": horizon["until"], "restored_to": restored_to, "to": None}
    sealed, there = (0, NOTHING), (0, NOTHING)
    last = 0
    async for row in streamed(
        connection,
        queries.all_receipts,
        until=whole.until if whole else "0",
        restored_to=restored_to,
        asked_until=asked["until"],
        asked_restored_to=asked["restored_to"],
        asked_to=asked["to"],
    ):
        report.receipts += 1
        last = max(last, row["position"])
        where = f"receipt {row['command_id']}"
        if row["seal"] is None:
            if row["position"] >= (whole.receipts_keyed_from if whole else 1):
                report.say(where, f"{_UNFIT}: forged, or answered by an older release")
        elif not fits(row["seal"], _made(partial(_receipt_seal, vault, row))):
            report.say(where, f"changed or forged: {_UNFIT}")
        answer = _made(partial(vault.evidence.answer, row))
        if row["is_sealed"]:
            sealed = sealed[0] + 1, added(sealed[1], answer)
        if row["is_asked"]:
            there = there[0] + 1, added(there[1], answer)
    if whole is not None and sealed != (whole.receipts, whole.answers):
        report.say("receipts", _counted("were sealed", whole.receipts, sealed[0]))
    if known and there != (known["count"], bytes.fromhex(known["sum"])):
        report.say("receipts", _counted("are in the document", known["count"], there[0]))
    report.answers = {**asked, "to": last, "count": there[0], "sum": there[1].hex()}
    for row in await listed(queries.receipts_without_events(connection)):
        report.say(
            f"receipt {row['command_id']}", f"speaks of events that are not there ({row['stream']})"
        )
    for row in await listed(queries.events_without_receipt(connection, system=SYSTEM)):
        report.say(
            row["stream"],
            f"event {row['version']}: the receipt of its command {row['command_id']} is missing",
            row["version"],
        )


def _receipt_seal(vault: Vault, row: Any) -> bytes:
    return vault.evidence.receipt(
        row["command_id"], row["stream"], row["content_hash"], row["receipt"]
    )


def _counted(what: str, wanted: int, have: int) -> str:
    changed = ", and some were changed since" if wanted == have else ""
    return f"{wanted} {what}, {have} of them are there{changed}"


async def _keys(
    connection: Connection, vault: Vault, erased: set[str], subjects: set[str], report: Report
) -> None:
    there = set[str]()
    async for row in streamed(connection, queries.all_keys):
        subject = row["subject"]
        there.add(subject)
        if row["wrapped"] is None:
            if subject not in erased:
                report.say(f"key of {subject}", "was destroyed, and no event says so")
            continue
        if subject in erased:
            report.say(f"key of {subject}", "is there, though they were erased")
        try:
            vault.check_wrapped(subject, bytes(row["wrapped"]), row["master_id"])
        except VaultError as problem:
            report.say(f"key of {subject}", str(problem))
    for subject in sorted(subjects - there):
        report.say(f"key of {subject}", "is missing: what was sealed about them cannot be read")


async def _mails(connection: Connection, vault: Vault, erased: set[str], report: Report) -> None:
    async for row in streamed(connection, queries.all_mails):
        where = f"mail {row['id']}"
        try:
            document = json.loads(row["content"])
            await vault.open(connection, [(f"{where}+0", document)])
            if document.get("about") != row["person"]:
                report.say(where, f"is sealed for somebody else than {row['person']}")
            elif document["text"] is None and row["person"] not in erased:
                report.say(where, "its text was removed")
            if not row["message_id"].startswith(f"<{row['id']}@"):
                report.say(where, f"bears the Message-ID of another mail: {row['message_id']}")
        except (VaultError, ValueError, TypeError, KeyError, AttributeError):
            report.say(where, "its text was changed")
    for row in await listed(queries.mails_without_delivery(connection)):
        report.say(f"mail {row['id']}", f"is not what {row['stream']} knows of it")


def head_document(vault: Vault, report: Report, **more: Any) -> dict[str, Any]:
    """What an auditor keeps: how far every stream has come, and totals, under a seal."""
    content = {
        "handrail": "head of the store",
        "events": report.events,
        "receipts": report.answers,
        "streams": {
            stream: {"version": version, "hash": digest}
            for stream, (version, digest) in sorted(report.heads.items())
        },
        **more,
    }
    return content | {"seal": vault.evidence.document(content)}


def _held_against(vault: Vault, document: dict[str, Any], report: Report) -> None:
    content = {k: v for k, v in document.items() if k != "seal"}
    if document.get("seal") != vault.evidence.document(content):
        report.say("the document", "was changed, or belongs to a store with another master key")
    for stream, entry in document.get("streams", {}).items():
        have = report.heads.get(stream)
        if have is None:
            report.say(
                stream, f"is gone as a whole: the document has {entry['version']} events of it"
            )
        elif have[0] < entry["version"]:
            report.say(
                stream,
                f"its end is missing: the document has {entry['version']} events, "
                f"{have[0]} are there",
            )
    if report.events < document.get("events", 0):
        report.say("events", f"the document has {document['events']}, {report.events} are there")


def streams_broken(report: Report) -> dict[str, list[int]]:
    """The events at fault by stream, for whoever asks by program."""
    broken: dict[str, list[int]] = {}
    for found in report.found:
        if found.version is not None:
            broken.setdefault(found.where, []).append(found.version)
    return broken
