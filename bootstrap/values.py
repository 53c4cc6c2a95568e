"""How the value of a setting is read, from text or from what a file holds.

What cannot be read raises a `ValueError` that says what is expected, and never quotes the value,
which may be a secret.
"""

import math
import re
from pathlib import Path
from typing import Literal, cast, get_args
from urllib.parse import urlsplit

from bootstrap.clear import SERVERS

MOST_MAILS_PER_SECOND = 1000
DAY_SECONDS = 24 * 60 * 60

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class Secret:
    """A text that is shown to nobody by accident: no dataclass, which would be taken apart."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return "Secret('**********')"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def told(self) -> str:
        """The text itself."""
        return self._text


def text(value: object) -> str:
    """Text in UTF-8."""
    if not isinstance(value, str):
        raise ValueError("not text; put it in quotes")  # noqa: TRY004 - all are refused as one
    # Bytes that are no text reach us as halves of letters; paths may hold them.
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise ValueError("expected text in UTF-8")
    return value


def texts(value: object) -> tuple[str, ...]:
    """Any number of texts."""
    if not isinstance(value, list):
        raise ValueError("not a list of texts")  # noqa: TRY004 - all are refused as one
    return tuple(text(one) for one in value)


def servers(value: object) -> frozenset[str]:
    """Names of servers, in a list or with commas or spaces between them."""
    named = value if isinstance(value, list) else str(value).replace(",", " ").split()
    if unknown := set(named) - set(SERVERS):
        raise ValueError(f"not one of {', '.join(SERVERS)}: {', '.join(sorted(map(str, unknown)))}")
    return frozenset(named)


def path(value: object) -> Path:
    """A path, made absolute."""
    if not isinstance(value, str | Path):
        raise ValueError("not a path; put it in quotes")  # noqa: TRY004 - all are refused as one
    return Path(value).expanduser().absolute()


def secret(value: object) -> Secret:
    """A text that stays hidden."""
    return Secret(text(value))


def _url(value: object, schemes: tuple[str, ...], example: str) -> Secret:
    found = text(value)
    # urlsplit's own complaints quote the value, password and all; ours must not.
    try:
        parts = urlsplit(found)
        port_fits = parts.port is None or 0 < parts.port < 65536
        usable = parts.scheme in schemes and bool(parts.hostname) and port_fits
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(f"expected {example}")
    return Secret(found)


def postgresql_url(value: object) -> Secret:
    """A database."""
    return _url(value, ("postgresql", "postgres"), "postgresql://USER:PASSWORD@HOST:PORT/DB")


def smtp_url(value: object) -> Secret:
    """A mail server."""
    return _url(value, ("smtp", "smtps"), "smtp://HOST:PORT or smtps://USER:PASSWORD@HOST")


def address(value: object) -> str:
    """A host with a port."""
    found = text(value)
    if not re.fullmatch(r"(\[[0-9A-Fa-f:]+\]|[^\s:/]+):\d{1,5}", found):
        raise ValueError("expected HOST:PORT, for example 127.0.0.1:7233")
    return found


def rate(value: object) -> float:
    """How many a second."""
    try:
        found = float(str(value))
    except ValueError:
        raise ValueError("not a number; write it as 12 or 12.5") from None
    if math.isnan(found):
        raise ValueError("not a number; write it as 12 or 12.5")
    if found <= 0:
        raise ValueError("must be more than 0")
    if found > MOST_MAILS_PER_SECOND:
        raise ValueError(f"must be at most {MOST_MAILS_PER_SECOND}")
    return found


def seconds(value: object) -> int:
    """A whole number of seconds, up to a day's."""
    try:
        found = int(str(value))
    except ValueError:
        raise ValueError("not a whole number; write it as 12") from None
    if found < 1:
        raise ValueError("must be at least 1")
    if found > DAY_SECONDS:
        raise ValueError(f"must be at most {DAY_SECONDS}")
    return found


def level(value: object) -> LogLevel:
    """A level of the log, in any case."""
    for known in get_args(LogLevel):
        if str(value).upper() == known:
            return cast("LogLevel", known)
    *others, last = get_args(LogLevel)
    raise ValueError(f"not one of {', '.join(others)} or {last}")


def yes_or_no(value: object) -> bool:
    """Yes or no."""
    if not isinstance(value, bool):
        raise ValueError("not yes or no")  # noqa: TRY004 - all are refused as one
    return value
