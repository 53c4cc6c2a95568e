"""The seals of what is recorded: keyed digests that nobody makes without the master key.

Everything here is reckoned outside the database, from what it gives back: a function replaced in it
changes nothing.
"""

import hashlib
import hmac
import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_MODULUS = 1 << 256
_BEGINNING = b""
"""What the first event of a stream is chained to."""


def _microseconds(at: datetime) -> bytes:
    since = at - _EPOCH
    whole = (since.days * 86400 + since.seconds) * 1_000_000 + since.microseconds
    return whole.to_bytes(8, "big", signed=True)


def _joined(*parts: object) -> bytes:
    """Parts side by side, so that none can flow into the next."""
    return b"".join(
        len(raw).to_bytes(4, "big") + raw
        for raw in (part if isinstance(part, bytes) else str(part).encode() for part in parts)
    )


def _number(value: Decimal) -> list[str]:
    return ["#", str(value.normalize())]


def canonical(text: str) -> bytes:
    """JSON in one form, however the database orders keys and writes numbers."""
    value = json.loads(text, parse_float=Decimal, parse_int=Decimal)
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=_number
    ).encode()


def chain_hash(previous: bytes | None, row: Any) -> bytes:
    """What `es.chain_hash` answers, reckoned here."""
    words = chr(31).join(
        (
            row["stream"],
            row["type"],
            str(row["schema_version"]),
            row["actor"],
            str(row["causation_id"] or ""),
            row["data"],
        )
    )
    return hashlib.sha256(
        (previous or _BEGINNING)
        + row["version"].to_bytes(4, "big")
        + _microseconds(row["recorded_at"])
        + _microseconds(row["effective_at"])
        + row["command_id"].bytes
        + words.encode()
    ).digest()


def added(total: bytes, more: bytes) -> bytes:
    """A sum of keyed digests: what was added, and how often, whatever the order."""
    return ((int.from_bytes(total) + int.from_bytes(more)) % _MODULUS).to_bytes(32)


def taken(total: bytes, less: bytes) -> bytes:
    """A sum without one of the digests in it."""
    return ((int.from_bytes(total) - int.from_bytes(less)) % _MODULUS).to_bytes(32)


NOTHING = bytes(32)
"""The sum of no digests."""


@dataclass(frozen=True, slots=True)
class Head:
    """How far a stream had come when it was sealed."""

    stream: str
    version: int
    keyed_from: int
    hash: bytes
    places: bytes = NOTHING
    orders: bytes = NOTHING


@dataclass(frozen=True, slots=True)
class Whole:
    """The store as it was when it was sealed."""

    until: str
    restored_to: int
    receipts_to: int
    receipts_keyed_from: int
    streams: int
    events: int
    receipts: int
    heads: bytes
    answers: bytes
    revision: str
    schema_: bytes
    begun_at: datetime
    sealed_at: datetime

    def without_head(self, mac: bytes, version: int) -> "Whole":
        """Before a stream's head is replaced."""
        return replace(
            self,
            streams=self.streams - 1,
            events=self.events - version,
            heads=taken(self.heads, mac),
        )

    def with_head(self, mac: bytes, version: int) -> "Whole":
        """With a stream's head."""
        return replace(
            self,
            streams=self.streams + 1,
            events=self.events + version,
            heads=added(self.heads, mac),
        )


class Evidence:
    """Makes and checks seals with a key derived from the master key."""

    def __init__(self, master_key: bytes) -> None:
        # HKDF's two steps (RFC 5869), for one block of output.
        extracted = hmac.digest(bytes(32), master_key, "sha256")
        self._key = hmac.digest(extracted, b"handrail evidence\x01", "sha256")

    def _mac(self, *parts: object) -> bytes:
        return hmac.digest(self._key, _joined(*parts), "sha256")

    def event(
        self,
        *,
        stream: str,
        version: int,
        seq: int,
        command_id: UUID,
        type: str,  # noqa: A002 - the column's name
        schema_version: int,
        actor: str,
        causation_id: UUID | None,
        effective_at: datetime,
        data: str,
    ) -> bytes:
        """The seal of one event, made by its writer before it is appended."""
        return self._mac(
            "event",
            stream,
            version,
            seq,
            command_id.bytes,
            type,
            schema_version,
            actor,
            causation_id or "",
            _microseconds(effective_at),
            canonical(data),
        )

    def event_in(self, row: Any) -> bytes:
        """The seal that an event should bear."""
        return self.event(
            stream=row["stream"],
            version=row["version"],
            seq=row["command_seq"],
            command_id=row["command_id"],
            type=row["type"],
            schema_version=row["schema_version"],
            actor=row["actor"],
            causation_id=row["causation_id"],
            effective_at=row["effective_at"],
            data=row["data"],
        )

    def receipt(self, command_id: UUID, stream: str, content_hash: bytes, receipt: str) -> bytes:
        """The seal of an answer, made by its writer."""
        return self._mac(
            "receipt", command_id.bytes, stream, bytes(content_hash), canonical(receipt)
        )

    def place(self, row: Any) -> bytes:
        """Where an event stands in the log, and in its command."""
        seal = "unsealed" if row["seal"] is None else bytes(row["seal"])
        return self._mac(
            "place", row["stream"], row["version"], row["position"], row["command_seq"], seal
        )

    def order(self, row: Any) -> bytes:
        """In which transaction an event was recorded."""
        return self._mac("order", row["stream"], row["version"], row["xact_id"])

    def answer(self, row: Any) -> bytes:
        """A receipt with what its writer did not know: when it was recorded."""
        seal = "unsealed" if row["seal"] is None else bytes(row["seal"])
        return self._mac(
            "answer",
            self.receipt(row["command_id"], row["stream"], row["content_hash"], row["receipt"]),
            row["position"],
            _microseconds(row["recorded_at"]),
            seal,
        )

    def head(self, head: Head) -> bytes:
        """The seal of how far a stream had come."""
        return self._mac(
            "head",
            head.stream,
            head.version,
            head.keyed_from,
            head.hash,
            head.places,
            head.orders,
        )

    def whole(self, whole: Whole) -> bytes:
        """The seal of the store."""
        return self._mac(
            "whole",
            whole.until,
            whole.restored_to,
            whole.receipts_to,
            whole.receipts_keyed_from,
            whole.streams,
            whole.events,
            whole.receipts,
            whole.heads,
            whole.answers,
            whole.revision,
            whole.schema_,
            _microseconds(whole.begun_at),
            _microseconds(whole.sealed_at),
        )

    def schema(self, parts: dict[str, str]) -> bytes:
        """A digest of a description of the schema."""
        return self._mac("schema", *(f"{name}={what}" for name, what in sorted(parts.items())))

    def document(self, content: Any) -> str:
        """The seal of what an auditor keeps."""
        return self._mac("document", canonical(json.dumps(content))).hex()


def fits(seal: bytes | None, should: bytes) -> bool:
    """Whether a seal is what it should be."""
    return seal is not None and hmac.compare_digest(bytes(seal), should)
