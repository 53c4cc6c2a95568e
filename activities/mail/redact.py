"""Taking somebody's name, handle and address out of a mail that was written to somebody else."""

import quopri
import re
from collections.abc import Iterable, Iterator
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP
from urllib.parse import quote

from markupsafe import escape

ERASED = "(erased)"

_POLICY = SMTP.clone(refold_source="none")
"""What is not changed is written as it was read."""
_FOLD = re.compile(r"\r?\n[ \t]")
_ICS_OCTETS = 74
_WHOLE = frozenset({"reply-to", "list-unsubscribe"})
"""Headers that are nothing without the address in them."""
_KEPT = frozenset({"to", "from"})
"""The reader's own, and the program's."""


def naming(words: Iterable[str]) -> re.Pattern[str] | None:
    """What finds these words as they may stand in a mail; None for no words."""
    forms: set[str] = set()
    for word in filter(None, (w.strip() for w in words)):
        for form in (
            word,
            str(escape(word)),
            word.replace("\\", "\\\\").replace(",", "\\,").replace(";", "\\;"),
            *((quote(word), quote(word, safe="")) if "@" in word else ()),
        ):
            forms.add(r"\s+".join(re.escape(part) for part in form.split()))
    if not forms:
        return None
    # The longest first: an address before the name in it.
    found = "|".join(sorted(forms, key=len, reverse=True))
    return re.compile(rf"(?<![\w-])(?:{found})(?![\w-])", re.IGNORECASE)


def texts(message: EmailMessage) -> Iterator[str]:
    """What a mail says: its headers but the reader's and the sender's, and its texts."""
    for header, value in message.items():
        if header.lower() not in _KEPT:
            yield str(value)
    for part in _parts(message):
        yield _content(part)


def without(raw: bytes, words: Iterable[str]) -> bytes:
    """The same mail with these words taken out."""
    pattern = naming(words)
    message = message_from_bytes(raw, policy=_POLICY)
    assert isinstance(message, EmailMessage)
    if pattern is None or not any(pattern.search(text) for text in texts(message)):
        return raw
    for header, value in list(message.items()):
        if header.lower() in _KEPT or not pattern.search(str(value)):
            continue
        del message[header]
        if header.lower() not in _WHOLE:
            message[header] = pattern.sub(ERASED, str(value))
    for part in _parts(message):
        text = _content(part)
        if not pattern.search(text):
            continue
        clean = pattern.sub(ERASED, text)
        if part.get_content_subtype() == "calendar":
            clean = "\n".join(_folded(line) for line in clean.splitlines()) + "\n"
        del part["Content-Transfer-Encoding"]
        part["Content-Transfer-Encoding"] = "quoted-printable"
        part.set_param("charset", "utf-8")
        part.set_payload(quopri.encodestring(clean.encode()).decode("ascii"))
    return message.as_bytes()


def _parts(message: EmailMessage) -> Iterator[EmailMessage]:
    for part in message.walk():
        if part.get_content_maintype() == "text":
            assert isinstance(part, EmailMessage)
            yield part


def _content(part: EmailMessage) -> str:
    """A part's text; a calendar's long lines made whole."""
    text = str(part.get_content())
    return _FOLD.sub("", text) if part.get_content_subtype() == "calendar" else text


def _folded(line: str) -> str:
    """A calendar's line in pieces of at most 75 octets, none of which cuts a character."""
    pieces, octets = [""], 0
    for character in line:
        width = len(character.encode())
        if octets + width > _ICS_OCTETS:
            pieces.append("")
            octets = 1
        pieces[-1] += character
        octets += width
    return "\n ".join(pieces)
