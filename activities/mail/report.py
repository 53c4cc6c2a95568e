"""Mails about mails: which mail could not be delivered to whom, and why.

Most servers report in the form that RFC 3464 lays down, and there what `Action:` says decides.
The others write in words (`activities/mail/words.py`), each in its own way; common to them is who
writes, and that they send back what could not be delivered.  A mail of ours has one reader and a
Message-ID of its own, so to know the mail is to know whom it did not reach.

Anybody may send one, so nothing in it is believed but what is checked against our own record, and
its size and nesting are limited before it is looked at.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from email.header import decode_header, make_header
from email.message import Message
from email.parser import HeaderParser
from email.utils import collapse_rfc2231_value
from html import unescape
from typing import Literal

from activities.mail import words
from activities.mail.deliver import without_recipient

LONGEST = 1_000_000
"""Bytes of a message; our mails come back whole within far less."""
_MOST_PARTS = 50
"""Mentions of a boundary, or of a message inside: more than any mail server ever nests."""
_MOST_RECIPIENTS = 100
_MOST_REFERENCES = 20
_MOST_TEXT = 200_000
"""Characters of a report's own words; the copy that it returns may be longer."""
_STATUS = re.compile(r"(?<![\d.])([245])\.\d{1,3}\.\d{1,3}(?![\d.])")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}@[^<>\s]{1,250}>")
OUR_MAIL = re.compile(r"<([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@[^<>\s]{1,250}>")
"""How the Message-IDs of our mails look; whether one is ours, our record knows."""
_NAMED_ID = re.compile(
    r"^[ \t>|*]*(?:x-)?(?:original-)?message-?id[ \t]*:\s*(<?[^<>\s]{1,250}@[^<>\s]{1,250}>?)",
    re.IGNORECASE | re.MULTILINE,
)
_ANY_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:=/\\]{1,64}@[^\s<>()\[\]\"',;:]{1,250}")
_ESCAPED = re.compile(r"\\x\{([0-9A-Fa-f]{2,6})\}")
_ENCODED = re.compile(r"\+([0-9A-F]{2})")

Verdict = Literal["failed", "temporary", "automatic", "foreign", "unclear", "malformed"]
"""What a message is:

- *failed*: a mail did not arrive and will not;
- *temporary*: a mail server is still trying;
- *automatic*: something else that no person wrote: a read receipt, an out-of-office, a success;
- *foreign*: a mail from somebody;
- *unclear*: a mail server says something that is not understood;
- *malformed*: too large, nested too deeply or broken.
"""


@dataclass(frozen=True, slots=True)
class Failure:
    """One recipient to whom a mail could not be delivered, for good."""

    recipient: str
    """As the last server knew them; blank where it is said in words only."""
    status: str
    diagnostic: str
    original: str = ""
    """As the mail was addressed, where the report says so: before any forwarding."""

    def is_for(self, address: str) -> bool:
        """Whether it speaks of this address; nobody's mailbox depends on capitals."""
        known = {self.recipient.casefold(), self.original.casefold()}
        # A server may know its own users without a domain.
        return bool(known & {address.casefold(), address.casefold().rpartition("@")[0]})

    def detail(self, recipient: str, name: str) -> str:
        """What the mail server said, without anybody's address or the recipient's name."""
        said = self.diagnostic
        if self.status and self.status not in said:
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
    sender: str = ""
    """Whose address it comes from."""
    named: frozenset[str] = frozenset()
    """The addresses in the report's own words, in small letters."""
    says_left: bool = False
    """It says that somebody does not work there any more."""

    def is_from(self, address: str) -> bool:
        """Whether it was written, or is said to be, by whom the mail went to.

        No server reports in the name of the reader whom it could not reach.
        """
        return bool(self.sender) and self.sender == address.casefold()

    def failure_for(self, address: str) -> Failure | None:
        """What it says of a mail to this address; None where it speaks of others only.

        Where an address forwards, a server may know only where it leads to.
        That is believed when the report also says whom the mail was for, in a field or in words.
        """
        for failure in self.failures:
            if failure.is_for(address):
                return failure
        if address.casefold() in self.named:
            return self.failures[0]
        others = self.named or any("@" in f.recipient for f in self.failures)
        return None if others else self.failures[0]


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


@dataclass(slots=True)
class _Parts:
    """What a message consists of, as far as it matters here."""

    text: str = ""
    """Its own words, and the copy of a mail where that follows in the same part."""
    blocks: list[Message] | None = None
    """Of its delivery-status part: of the mail, then of each recipient; None without the part."""
    returned: list[Message] | None = None
    """The headers of the mails that it brings."""
    kinds: frozenset[str] = frozenset()


_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_OTHER_REPORTS = frozenset(
    {
        "message/disposition-notification",
        "message/global-disposition-notification",
        "message/feedback-report",
    }
)


def _read(message: Message) -> Report:
    parts = _taken_apart(message)
    sender = _sender(message)
    report_type = message.get_param("report-type")
    named_type = collapse_rfc2231_value(report_type).casefold() if report_type else ""
    if parts.kinds & _OTHER_REPORTS or named_type in (
        "disposition-notification",
        "feedback-report",
    ):
        return Report("automatic", "another kind of report", sender=sender)
    own, copied = words.own_words(parts.text)
    ids = _message_ids(message, parts)
    about = [b for b in parts.blocks or _blocks(own) if b.get("Final-Recipient") or b.get("Action")]
    if about:
        found = _by_the_fields(about, own)
        if found is not None:
            verdict, failures = found
            if verdict == "failed" and not ids:
                return Report("unclear", "names no mail", sender=sender)
            return Report(
                verdict,
                "" if verdict == "failed" else "nothing failed for good",
                failures,
                ids,
                sender,
                _named(own, message),
            )
    subject = _decoded(message, "Subject")
    brought = bool(parts.returned) or copied
    standing = words.standing(message, subject, own, brought=brought)
    if standing != "server":
        left = words.says_left(f"{subject} {own}")
        return Report(standing, "no report", message_ids=ids, sender=sender, says_left=left)
    said = words.verdict(subject, own)
    if said.verdict == "failed" and not ids:
        return Report("unclear", "names no mail", sender=sender)
    failed = (Failure("", said.status, said.why),) if said.verdict == "failed" else ()
    named = _named(own, message) | _addresses(_field(message, "X-Failed-Recipients"))
    why = "" if failed else "in words"
    return Report(said.verdict, why, failed, ids, sender, named)


def _taken_apart(message: Message) -> _Parts:
    texts: list[str] = []
    pages: list[str] = []
    returned: list[Message] = []
    blocks: list[Message] | None = None
    kinds: set[str] = set()
    waiting = [message]
    while waiting:
        part = waiting.pop(0)
        kind = part.get_content_type()
        kinds.add(kind)
        if kind in _STATUS_TYPES:
            blocks = (blocks or []) + _status_blocks(part)
        elif kind.startswith("text/rfc822") or part.get_content_maintype() == "message":
            returned += _payload(part) or [HeaderParser().parsestr(_text(part).lstrip())]
        elif part.is_multipart():
            waiting = _payload(part) + waiting
        elif kind == "text/html":
            pages.append(words.without_markup(_text(part)))
        elif part.get_content_maintype() == "text":
            texts.append(_text(part))
    text = "\n".join(texts if "".join(texts).strip() else pages)
    return _Parts(text[:_MOST_TEXT], blocks, returned, frozenset(kinds))


def _payload(message: Message) -> list[Message]:
    payload = message.get_payload()
    return [p for p in payload if isinstance(p, Message)] if isinstance(payload, list) else []


def _status_blocks(part: Message) -> list[Message]:
    """The blocks of a delivery-status part; which the library never decodes."""
    blocks = _payload(part)
    encoding = _field(part, "Content-Transfer-Encoding").strip().casefold()
    if encoding in ("base64", "quoted-printable") and not any(b.get("Action") for b in blocks):
        whole = HeaderParser().parsestr(f"Content-Transfer-Encoding: {encoding}\n\n")
        whole.set_payload("\n".join(str(b.get_payload()) for b in blocks))
        return _blocks(_text(whole))
    return blocks


def _text(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        return content.decode(part.get_content_charset() or "utf-8")
    except (UnicodeDecodeError, LookupError):
        return content.decode("latin-1")


def _blocks(text: str) -> list[Message]:
    """The fields of a report that stand in a text part; none where there are none."""
    if "final-recipient" not in text.lower():
        return []
    paragraphs = re.split(r"\r?\n[ \t]*\r?\n", text.strip())
    return [HeaderParser().parsestr(p.lstrip()) for p in paragraphs if "-recipient" in p.lower()]


_FAILED = re.compile(r"fail|expired|undeliver|bounced|rejected", re.IGNORECASE)
_LATE = re.compile(r"delay|defer|retr", re.IGNORECASE)


def _by_the_fields(about: list[Message], own: str) -> tuple[Verdict, tuple[Failure, ...]] | None:
    """What the fields of a report say; None where they leave it open."""
    failures: list[Failure] = []
    seen: set[str] = set()
    for block in about[:_MOST_RECIPIENTS]:
        action = _field(block, "Action").strip()
        status = _STATUS.search(_field(block, "Status"))
        if action:
            kind = "failed" if _FAILED.match(action) else "late" if _LATE.match(action) else "other"
        elif status:
            # RFC 3464 demands an action; without one the status is all there is.
            kind = {"5": "failed", "4": "late", "2": "other"}[status[1]]
        else:
            continue
        seen.add(kind)
        if kind == "failed":
            failures.append(_failure(block, status[0] if status else "", own))
    if failures:
        return "failed", tuple(failures)
    if not seen:
        return None
    return ("temporary" if "late" in seen else "automatic"), ()


def _failure(block: Message, status: str, own: str) -> Failure:
    # "smtp; 550 5.1.1 no such user": how it is to be read stands first.
    said = re.sub(r"^[\w-]+;", "", _field(block, "Diagnostic-Code").strip())
    said = " ".join(said.split())
    if not said and not status:
        told = words.verdict("", own)
        said, status = told.why, told.status
    return Failure(
        recipient=_recipient(_field(block, "Final-Recipient")),
        status=status,
        diagnostic=said,
        original=_recipient(_field(block, "Original-Recipient")),
    )


def _recipient(field: str) -> str:
    """The address in a recipient's field, which says its kind first (RFC 3464, RFC 6533)."""
    kind, semicolon, address = field.partition(";")
    if not semicolon:
        kind, address = "", field
    if kind.strip().casefold() == "utf-8":
        address = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), address)
    brackets = re.search(r"<([^<>]*)>", address)
    address = (brackets[1] if brackets else address).strip().strip('"')
    if "@" not in address:
        # Whole addresses in xtext (RFC 3461); in others a plus stands for itself.
        address = _ENCODED.sub(lambda found: chr(int(found[1], 16)), address)
    return address


def _field(block: Message, name: str) -> str:
    """A header as it was written; the library gives bytes beyond ASCII as something else."""
    for key, value in block.raw_items():
        if key.casefold() == name.casefold():
            raw = str(value).encode("utf-8", "surrogateescape")
            try:
                return raw.decode()
            except UnicodeDecodeError:
                return raw.decode("latin-1")
    return ""


def _decoded(message: Message, name: str) -> str:
    try:
        return str(make_header(decode_header(_field(message, name))))
    except (LookupError, ValueError):
        return _field(message, name)


def _addresses(text: str) -> frozenset[str]:
    return frozenset(found.casefold().rstrip(".") for found in _ANY_ADDRESS.findall(text))


def _sender(message: Message) -> str:
    return min(_addresses(_field(message, "From")), default="")


def _named(own: str, message: Message) -> frozenset[str]:
    """The addresses that a report speaks of, without those it only writes from and to."""
    around = " ".join(_field(message, h) for h in ("From", "To", "Reply-To", "Sender"))
    without = _addresses(around) | _addresses(_field(message, "Delivered-To"))
    return frozenset(a for a in _addresses(own) - without if not words.SERVER_ADDRESS.match(a))


def _message_ids(message: Message, parts: _Parts) -> tuple[str, ...]:
    """The Message-IDs of the mail it is about: of the copy it brings, or of what it answers."""
    return tuple(dict.fromkeys(_likely_ids(message, parts)))[:_MOST_REFERENCES]


def _likely_ids(message: Message, parts: _Parts) -> Iterator[str]:
    copies = [_field(copy, "Message-ID") for copy in parts.returned or []]
    found = [i for copy in copies for i in _MESSAGE_ID.findall(copy) or _bare_id(copy)]
    found += [f"<{i.strip('<>')}>" for i in _NAMED_ID.findall(parts.text)]
    if not any(OUR_MAIL.match(i) for i in found):
        # No copy, or one to which a server on the way gave an id of its own.
        found += _MESSAGE_ID.findall(_field(message, "In-Reply-To"))
        found += reversed(_MESSAGE_ID.findall(_field(message, "References")))
        found += (m[0] for m in OUR_MAIL.finditer(unescape(parts.text)))
    yield from found


def _bare_id(field: str) -> list[str]:
    """A Message-ID that a gateway wrote without its brackets."""
    bare = field.strip()
    return [f"<{bare}>"] if _ANY_ADDRESS.fullmatch(bare) else []
