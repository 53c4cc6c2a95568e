"""What people may write: days, numbers and texts within reason, so that no rule can break on one.

A day or number far out of reach is a slip of the keyboard; let in, it would overflow the date
arithmetic of everybody who looks at it.  Here is stated, once, how far reason goes.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date, datetime
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2250, 12, 31)
"""What lies outside is a slip, such as 0226 or 9999; timers count no further than 2262."""

MOST_ENTRIES = 1000
"""Of a list in what is written."""
MOST_CHARACTERS = 10_000
"""Of a text in what is written, where its field does not say less."""

Moment = TypeVar("Moment", date, datetime)

_WRITTEN_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def _written_day(value: object) -> object:
    """Only YYYY-MM-DD is a day: 1785715200 is none, though it can be read as seconds since 1970."""
    if isinstance(value, str) and _WRITTEN_DAY.fullmatch(value.strip()):
        return value.strip()
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError("not a day; write it as YYYY-MM-DD")


def within_reach(day: Moment) -> Moment:
    """The day or moment, where it lies within `FIRST_DAY` and `LAST_DAY`.

    Raises:
        ValueError: It lies outside.
    """
    if not FIRST_DAY.year <= day.year <= LAST_DAY.year:
        raise ValueError(
            f"the year {day.year} must lie between {FIRST_DAY.year} and {LAST_DAY.year}"
        )
    return day


Day = Annotated[date, BeforeValidator(_written_day), AfterValidator(within_reach)]
"""A day as people write it."""

Year = Annotated[int, Field(ge=2000, le=LAST_DAY.year)]
"""A year of something that recurs or is published every year."""
WorkingDayCount = Annotated[int, Field(ge=1, le=250)]
"""Working days within which something is to happen: no more than a year has."""
Months = Annotated[int, Field(ge=1, le=120)]
LookBack = Annotated[int, Field(ge=1, le=3660)]
"""Calendar days that are looked back upon."""
Hours = Annotated[int, Field(ge=0, le=2400)]
"""Hours before something: a hundred days."""
Days = Annotated[int, Field(ge=0, le=100)]
"""Days before something."""
Count = Annotated[int, Field(ge=1, le=1000)]
Version = Annotated[int, Field(ge=1, le=9999)]
"""Of a published document; some are numbered by their year."""


_TURNS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Whatever shows the text after it in another order than it has; what is written from right to left
needs none of these."""


def printable(text: str) -> str:
    """The text, where it has no character that cannot be printed, stored or sent.

    Raises:
        ValueError: It has one, or one that shows others in another order.
    """
    if turning := next((c for c in text if c in _TURNS), None):
        raise ValueError(f"must not turn text round: U+{ord(turning):04X} does")
    if any(unicodedata.category(c) in ("Cc", "Cs") and c not in "\n\r\t" for c in text):
        raise ValueError("must not contain control characters or broken ones")
    return text


def within_reason(value: Any) -> Any:
    """The value, where it is printable as a text and no longer than can be meant.

    Raises:
        ValueError: It has a character that no text has, or is too long.
    """
    if isinstance(value, str):
        if len(value) > MOST_CHARACTERS:
            raise ValueError(f"longer than {MOST_CHARACTERS} characters; shorten it")
        return printable(value)
    if isinstance(value, (tuple, list, Mapping)) and len(value) > MOST_ENTRIES:
        raise ValueError(f"may have at most {MOST_ENTRIES} entries")
    return value


class Written(BaseModel):
    """A part of what people write: frozen, and a word that it does not know is refused.

    The command that brings it looks at its texts.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)
