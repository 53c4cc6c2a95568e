"""Delivery-status mails (RFC 3464): which mail could not be delivered to whom, and why.

Anybody may send one, so nothing in it is believed but what is checked against our own record, and
its size and nesting are limited before it is looked at.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import collapse_rfc2231_value
from typing import Literal

from activities.mail.deliver import without_recipient

LONGEST = 1_000_000
"""Bytes of a message; our mails come back whole within far less."""
_MOST_PARTS = 50
"""Mentions of a boundary, or of a message inside: more than any mail server ever nests."""
_MOST_RECIPIENTS = 100
_MOST_REFERENCES = 20
_STATUS = re.compile(r"\s*([245])\.\d{1,3}\.\d{1,3}\b")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}@[^<>\s]{1,250}>")
_ANY_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:]+@[^\s<>()\[\]\"',;:]+")

Verdict = Literal["failed", "temporary", "foreign", "malformed"]


@dataclass(frozen=True, slots=True)
class Failure:
    """One recipient to whom a mail could not be delivered, for good."""

    recipient: str
    status: str
    diagnostic: str

    def is_for(self, address: str) -> bool:
        """Whether it speaks of this address; nobody's mailbox depends on capitals."""
        return self.recipient.casefold() == address.casefold()

    def detail(self, recipient: str, name: str) -> str:
        """What the mail server said, without anybody's address or the recipient's name."""
        said = self.diagnostic
        if self.status not in said:
            said = f"{self.status} {said}"
        if name.strip():
            said = re.sub(re.escape(name.strip()), "(recipient)", said, flags=re.IGNORECASE)
        return _ANY_ADDRESS.sub("(address)", without_recipient(said, recipient)).strip()


@dataclass(frozen=True, slots=True)
class Report:
    """What a message of the bounce mailbox says."""

    verdict: Verdict
    why: str = ""
    """Why it is of no use, for the log: never anything out of the message."""
    failures: tuple[Failure, ...] = ()
    message_ids: tuple[str, ...] = ()
    """Of the mail it is about, the likeliest first."""


def read_report(raw: bytes) -> Report:
    """Read a message; whatever it holds, the answer is a report."""
    if len(raw) > LONGEST:
        return Report("malformed", "too large")
    lower = raw.lower()
    if lower.count(b"boundary") > _MOST_PARTS or lower.count(b"message/") > _MOST_PARTS:
        return Report("malformed", "too deeply nested")
    try:
        return _read(message_from_bytes(raw))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as broken:
        # The library's parser stumbles over some malice; not one message may stop the others.
        return Report("malformed", type(broken).__name__)


def _read(message: Message) -> Report:
    kind = message.get_param("report-type")
    named = collapse_rfc2231_value(kind).casefold() if kind else ""
    if message.get_content_type() != "multipart/report" or named != "delivery-status":
        return Report("foreign", "no delivery-status report")
    parts = _payload(message)
    status = next((p for p in parts if p.get_content_type() in _STATUS_TYPES), None)
    if status is None:
        return Report("malformed", "no delivery-status part")
    about = [block for block in _payload(status) if block.get("Final-Recipient")]
    if not about:
        return Report("malformed", "names no recipient")
    failures = tuple(f for block in about[:_MOST_RECIPIENTS] if (f := _failure(block)))
    if not failures:
        return Report("temporary", "nothing failed for good")
    ids = tuple(_message_ids(message, parts))[:_MOST_REFERENCES]
    if not ids:
        return Report("malformed", "names no mail")
    return Report("failed", failures=failures, message_ids=ids)


_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_HEADER_TYPES = frozenset({"text/rfc822-headers", "message/global-headers"})


def _payload(message: Message) -> list[Message]:
    payload = message.get_payload()
    return [p for p in payload if isinstance(p, Message)] if isinstance(payload, list) else []


def _failure(block: Message) -> Failure | None:
    """The failure for good that a recipient's block tells of; None for anything else."""
    status = _STATUS.match(_field(block, "Status"))
    if _field(block, "Action").strip().casefold() != "failed" or not status or status[1] != "5":
        return None
    recipient = _field(block, "Final-Recipient").partition(";")[2].strip().strip("<>")
    # "smtp; 550 5.1.1 no such user": how it is to be read stands first.
    diagnostic = re.sub(r"^[\w-]+;", "", _field(block, "Diagnostic-Code").strip())
    return Failure(
        recipient=recipient, status=status[0].strip(), diagnostic=" ".join(diagnostic.split())
    )


def _field(block: Message, name: str) -> str:
    # A header with bytes that are no text comes as an object of the library's.
    return str(block.get(name, ""))


def _message_ids(message: Message, parts: list[Message]) -> Iterator[str]:
    """The Message-IDs of the mail that came back: of the copy it brings, or what it answers to."""
    returned = []
    for part in parts:
        if part.get_content_type() in _HEADER_TYPES:
            content = part.get_payload(decode=True)
            if isinstance(content, bytes):
                returned.append(BytesHeaderParser().parsebytes(content.lstrip()))
        if part.get_content_type() not in _STATUS_TYPES:
            returned += _payload(part)
    found = dict.fromkeys(
        i for copy in returned for i in _MESSAGE_ID.findall(_field(copy, "Message-ID"))
    )
    if not found:
        references = f"{_field(message, 'In-Reply-To')} {_field(message, 'References')}"
        found = dict.fromkeys(_MESSAGE_ID.findall(references))
    yield from found
