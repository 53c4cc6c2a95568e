"""From a digest to the bytes of a mail, the same bytes every time.

The composed mail is frozen before SMTP sees it and may be composed again after a crash, so nothing
here depends on a clock, a locale or chance: the date is a parameter, the MIME boundary comes from
the mail's id.

Address and free-text headers are encoded here and handed over finished: the standard library's
refolding of long names has lost quotes and spaces in several versions, which turns one recipient
with a comma in the name into two.
"""

import textwrap
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8, Policy
from email.utils import format_datetime
from urllib.parse import quote
from zoneinfo import ZoneInfo

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from activities.mail.addresses import Mailbox, parse_mailbox
from activities.mail.dates import Entry, Method, sent, uid
from activities.mail.digest import Digest, DigestItem
from activities.mail.wording import due_sentence, headline, long_date, subject
from domain.owing.items import heading

_TEXT_WIDTH = 72
_HEADER_WIDTH = 76
_NAME_LIMIT = 60
_LEAS_NAMED = 3
_NAME_CHARACTERS = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-/=?^_`{|}~ "
)


@dataclass(frozen=True)
class _Entry:
    """An item with the sentences the templates print."""

    item: DigestItem
    heading: str
    due: str
    marked: bool
    """Say beside it that it is illustrative."""


@dataclass(frozen=True)
class _Section:
    title: str
    overdue: bool
    entries: tuple[_Entry, ...]


class _FinishedHeader(str):
    """A header that reads as plain text and carries its own encoding for the wire."""

    __slots__ = ("name", "wire")
    name: str
    wire: str
    """Encoded, with a line feed and a space wherever it may be folded."""

    @classmethod
    def of(cls, name: str, text: str, wire: str) -> "_FinishedHeader":
        header = cls(text)
        header.name = name
        header.wire = wire
        return header

    def fold(self, *, policy: Policy) -> str:
        """Called by the standard library's generator instead of its own refolding."""
        line = f"{self.name}: {self.wire}"
        unfolded = line.replace("\n", "")
        fits = len(unfolded) <= _HEADER_WIDTH
        return (unfolded if fits else line.replace("\n", policy.linesep)) + policy.linesep


def compose(digest: Digest, *, sent_at: datetime) -> EmailMessage:
    """The mail that says `digest`; `as_bytes()` of it is what is frozen and sent.

    Args:
        digest: What to say; its models have refused whatever could break a header.
        sent_at: The instant for the Date header, aware; written in the program's zone.

    Raises:
        ValueError: `sent_at` has no time zone.
    """
    if sent_at.tzinfo is None:
        raise ValueError(f"sent_at is {sent_at.isoformat()} without a time zone; pass aware UTC")
    digest = digest.in_order()
    sender = parse_mailbox(digest.sender)
    recipient = Mailbox(digest.name, digest.address)
    reply_to = parse_mailbox(digest.reply_to) if digest.reply_to is not None else None
    mailboxes = [box for box in (sender, recipient, reply_to) if box is not None]
    ascii_only = all(box.address.isascii() for box in mailboxes)
    about = subject(digest)

    message = EmailMessage(policy=SMTP if ascii_only else SMTPUTF8)
    _set_mailbox(message, "From", sender)
    _set_mailbox(message, "To", recipient)
    if reply_to is not None:
        _set_mailbox(message, "Reply-To", reply_to)
    _set(message, "Subject", about, wire=_encoded_text("Subject", about))
    _set(message, "Date", format_datetime(sent_at.astimezone(ZoneInfo(digest.zone))))
    _set(message, "Message-ID", digest.message_id)
    _set(message, "Auto-Submitted", "auto-generated")
    _set(message, "X-Auto-Response-Suppress", "All")
    if digest.answers:
        _set(message, "In-Reply-To", digest.answers[-1])
        _set(message, "References", " ".join(digest.answers), wire="\n ".join(digest.answers))
    # Whoever answers for the mail takes the wish to be left alone, too.
    mailto = f"mailto:{_url_quoted((reply_to or sender).address)}?subject=unsubscribe"
    _set(message, "List-Unsubscribe", f"<{mailto}>")

    # Quoted-printable keeps every line short and plain, whatever the servers on the way can do.
    words = _words(digest, about, reply_to)
    message.set_content(_rendered("digest.txt.j2", words), cte="quoted-printable")
    message.add_alternative(
        _rendered("digest.html.j2", words), subtype="html", cte="quoted-printable"
    )
    # "=_" cannot occur in quoted-printable text, so no part can hold the boundary.
    message.set_boundary(f"=_handrail_{digest.mail_id.hex}")
    attached = _calendars(digest, sender, recipient, sent_at)
    for name, method, content in attached:
        message.add_attachment(
            content.decode(),
            subtype="calendar",
            filename=name,
            params={"method": method},
            cte="quoted-printable",
        )
    if attached:
        message.set_boundary(f"=_handrail_{digest.mail_id.hex}_dates")
    return message


def _calendars(
    digest: Digest, sender: Mailbox, recipient: Mailbox, sent_at: datetime
) -> list[tuple[str, Method, bytes]]:
    """The calendar files, one for each date: those that stand or moved, and those taken back."""
    domain = sender.address.rpartition("@")[2]
    ahead = [
        Entry(
            uid=uid(item.stream, item.item, domain),
            round=item.round,
            summary=f"{heading(item.item, item.title)} due – {item.lea_name}",
            day=item.due,
            at=item.due_at,
            description=item.action,
        )
        for item in digest.items
        if item.due >= digest.local_date
    ]
    gone = [
        Entry(
            uid=uid(past.stream, past.item, domain),
            round=past.round,
            summary=f"{heading(past.item, past.title)} – {past.lea_name}",
            day=past.due,
            at=past.due_at,
        )
        for past in digest.taken_back
    ]
    found: list[tuple[str, Method, bytes]] = []
    files: list[tuple[str, Method, list[Entry]]] = [
        ("dates", "REQUEST", ahead),
        ("taken-back", "CANCEL", gone),
    ]
    for name, method, entries in files:
        for n, entry in enumerate(entries, 1):
            content = sent(
                entry,
                stamped=sent_at,
                organizer=sender,
                reader=recipient,
                cancelled=method == "CANCEL",
            )
            found.append((f"{name}{f'-{n}' if n > 1 else ''}.ics", method, content))
    return found


def _words(digest: Digest, about: str, reply_to: Mailbox | None) -> dict[str, object]:
    return {
        "digest": digest,
        "subject": about,
        "headline": headline(digest),
        "sections": _sections(digest),
        "leas": _named_leas(digest),
        "about": (
            f"This is your summary for {long_date(digest.local_date)}"
            if digest.alarm_at is None
            else f"This mail tells of {_deadlines(digest)} and is apart from your daily summary"
        ),
        "taken_back": [
            (heading(past.item, past.title), past.lea_name, long_date(past.due), past.why)
            for past in digest.taken_back
        ],
        "dated": any(item.due >= digest.local_date for item in digest.items),
        "some_illustrative": any(item.illustrative for item in digest.items)
        or any(line.illustrative for section in digest.overviews for line in section.lines),
        "reply_to": reply_to,
    }


def _deadlines(digest: Digest) -> str:
    several = len(digest.items)
    return "one deadline at its hour" if several == 1 else f"{several} deadlines at their hour"


def _named_leas(digest: Digest) -> str:
    names = list(dict.fromkeys(item.lea_name for item in digest.items))
    if not 0 < len(names) <= _LEAS_NAMED:
        return "the LEAs named in it"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _sections(digest: Digest) -> list[_Section]:
    parts: dict[str, list[_Entry]] = {"Overdue": [], "Due today": [], "Coming up": []}
    for item in digest.items:
        days_left = digest.days_left(item)
        title = "Overdue" if days_left < 0 else "Due today" if days_left == 0 else "Coming up"
        parts[title].append(
            _Entry(
                item=item,
                heading=heading(item.item, item.title),
                due=due_sentence(digest, item),
                marked=digest.illustrative or item.illustrative,
            )
        )
    return [
        _Section(title=title, overdue=title == "Overdue", entries=tuple(entries))
        for title, entries in parts.items()
        if entries
    ]


def _set(message: EmailMessage, name: str, text: str, *, wire: str | None = None) -> None:
    message[name] = _FinishedHeader.of(name, text, text if wire is None else wire)


def _set_mailbox(message: EmailMessage, name: str, mailbox: Mailbox) -> None:
    text = f"{mailbox.name} <{mailbox.address}>" if mailbox.name.strip() else mailbox.address
    _set(message, name, text, wire=_encoded_mailbox(name, mailbox))


def _encoded_text(header: str, text: str) -> str:
    """RFC 2047 words, each within the width that mail programs accept."""
    encoded = Header(text, "utf-8", maxlinelen=_HEADER_WIDTH, header_name=header)
    return encoded.encode(linesep="\n")


def _encoded_mailbox(header: str, mailbox: Mailbox) -> str:
    """`Name <address>`, with the name quoted or encoded so that it stays one name."""
    address = f"<{mailbox.address}>"
    if not mailbox.name.strip():
        return mailbox.address
    # A plain name that looks like an encoded word, or is too long for one line, is encoded too.
    if not mailbox.name.isascii() or "=?" in mailbox.name or len(mailbox.name) > _NAME_LIMIT:
        return f"{_encoded_text(header, mailbox.name)}\n {address}"
    if _NAME_CHARACTERS.issuperset(mailbox.name):
        return f"{mailbox.name}\n {address}"
    escaped = mailbox.name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"\n {address}'


def _url_quoted(address: str) -> str:
    """An address inside a mailto URL (RFC 6068): `%`, `?`, `&` and the like are escaped."""
    local, _, domain = address.rpartition("@")
    return f"{quote(local, safe='!$*+-._~')}@{quote(domain, safe='')}"


def _wrapped(text: str, indent: str = "", first: str | None = None) -> str:
    """Fold a sentence for a terminal; words are never broken, so an id can be copied whole."""
    return textwrap.fill(
        text,
        width=_TEXT_WIDTH,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("activities.mail", "templates"),
        autoescape=select_autoescape(enabled_extensions=("html.j2",), default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["wrapped"] = _wrapped
    return environment


_ENVIRONMENT = _environment()


def _rendered(template: str, words: dict[str, object]) -> str:
    return _ENVIRONMENT.get_template(template).render(words)
