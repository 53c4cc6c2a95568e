"""Mailboxes and single lines: the two things that may reach a mail header.

Messages never repeat the offending value: it is somebody's name or address, and errors are logged.
"""

import re
import unicodedata
from typing import Annotated, Final, NamedTuple

from pydantic import AfterValidator

_LOCAL_LIMIT = 64
_ADDRESS_LIMIT = 254
# Characters that would end an address inside a header or on an SMTP command line.
_ATOM = r"[^\s@<>()\[\]\\,;:\"]+"
_ADDRESS = re.compile(rf"(?P<local>{_ATOM})@(?P<domain>{_ATOM})")
_MAILBOX = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>")
_QUOTED_PAIR = re.compile(r"\\(.)")
# They reverse what follows on screen, so that a name can pose as another text.
_BIDIRECTIONAL_OVERRIDES: Final = frozenset(
    "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_LINE_BREAKING_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})


class Mailbox(NamedTuple):
    """A display name, possibly empty, and a bare address."""

    name: str
    address: str


def single_line(text: str) -> str:
    """The text itself, when it is safe on one line of a header, a page or a terminal.

    Raises:
        ValueError: A control character, a line break, half a surrogate pair or a text-direction
            override is in it.
    """
    for position, character in enumerate(text):
        if _breaks_line(character) or character in _BIDIRECTIONAL_OVERRIDES:
            raise ValueError(
                f"has the control character U+{ord(character):04X} at position {position}; "
                "write it on one line, without control characters"
            )
    return text


def on_one_line(text: str) -> str:
    """The text as a mail shows it on one line.

    What people write today is a line before it is recorded; what an earlier release let in must
    not hold up its reader's mails.
    """
    if not text.strip():
        return "(blank)"
    try:
        return single_line(text)
    except ValueError:
        kept = (" " if _breaks_line(c) else c for c in text if c not in _BIDIRECTIONAL_OVERRIDES)
        return " ".join("".join(kept).split()) or "(blank)"


def _breaks_line(character: str) -> bool:
    return unicodedata.category(character) in _LINE_BREAKING_CATEGORIES


def bare_address(text: str) -> str:
    """The text itself, when it is one bare mail address such as `joy@alder.example`.

    Quoted local parts and address literals are refused: no mailbox of a school is written so, and
    both are ways to smuggle text past a mail server.
    Non-ASCII addresses are accepted; whether they can be delivered is the server's word.

    Raises:
        ValueError: Says what is wrong, without the address.
    """
    single_line(text)
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise ValueError(
            "is not a mail address; write it as person@agency.example, "
            "without spaces, quotes or brackets"
        )
    local, domain = match["local"], match["domain"]
    if any(part.startswith(".") or part.endswith(".") or ".." in part for part in (local, domain)):
        raise ValueError("is not a mail address: a dot stands first, last or twice in a row")
    if len(local.encode()) > _LOCAL_LIMIT or len(text.encode()) > _ADDRESS_LIMIT:
        raise ValueError(
            f"is too long for a mail address: at most {_LOCAL_LIMIT} bytes before the @ "
            f"and {_ADDRESS_LIMIT} in all"
        )
    return text


def parse_mailbox(text: str) -> Mailbox:
    """Read `Name <person@agency.example>` or a bare address.

    The name may hold commas and need not be quoted: people write it into a configuration file.

    Raises:
        ValueError: Says what is wrong, without the value.
    """
    single_line(text)
    match = _MAILBOX.fullmatch(text.strip())
    if match is None:
        return Mailbox("", bare_address(text.strip()))
    name = match["name"].strip()
    if len(name) > 1 and name.startswith('"') and name.endswith('"'):
        name = _QUOTED_PAIR.sub(r"\1", name[1:-1]).strip()
    return Mailbox(name, bare_address(match["address"].strip()))


def _checked_mailbox(text: str) -> str:
    parse_mailbox(text)
    return text


Line = Annotated[str, AfterValidator(on_one_line)]
"""A text that is not blank and stays on one line, whatever was kept."""

AddressLine = Annotated[str, AfterValidator(bare_address)]
"""A bare mail address."""

MailboxLine = Annotated[str, AfterValidator(_checked_mailbox)]
"""`Name <address>` or a bare address."""
