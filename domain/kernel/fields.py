"""Types of a field: what may stand in it, and what the command line does with it."""

import unicodedata
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
)

from domain.kernel.bounds import MOST_CHARACTERS, printable

if TYPE_CHECKING:
    pass


@dataclass(frozen=True, slots=True)
class Ref:
    """Marks a field as a name of a person or an LEA, which the context resolves, or an engagement.

    An engagement may be typed by a name of its LEA; the door puts its id in the place of it.
    """

    kind: Literal["person", "lea", "engagement"]


@dataclass(frozen=True, slots=True)
class Positional:
    """Marks a field that the command line takes by position."""


@dataclass(frozen=True, slots=True)
class Option:
    """Gives a field another name on the command line."""

    name: str


_NOT_IN_A_LINE = frozenset({"Cc", "Cs", "Zl", "Zp"})


_TURNS_TEXT_ROUND = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _one_line(text: str) -> str:
    # No less than a mail refuses: a title that no mail can say would hold up its reader's mails.
    if any(unicodedata.category(c) in _NOT_IN_A_LINE or c in _TURNS_TEXT_ROUND for c in text):
        raise ValueError("must be one line, without control characters")
    return text


def _no_more_zeros(number: Decimal) -> Decimal:
    whole = number.to_integral_value()
    return whole if whole == number else number.normalize()


Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=300),
    AfterValidator(_one_line),
]
"""One line of text for a title, a reason or a name: it may end up in a mail's subject."""


Prose = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST_CHARACTERS),
    AfterValidator(printable),
]
"""Free text of any number of lines."""


Slug = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60),
]
"""A short id that people type: lower-case letters, digits and single hyphens."""


LeaHours = Annotated[
    Decimal, Field(ge=0, le=2000, decimal_places=2), AfterValidator(_no_more_zeros)
]
"""Hours of the LEA's people, to the hundredth."""


Hours = Annotated[Decimal, AfterValidator(_no_more_zeros)]
"""Such hours in an event, or a sum of them, which may be less than nothing."""


PersonRef = Annotated[Line, Ref("person")]
"""A person, by handle or id."""


LeaRef = Annotated[Line, Ref("lea")]
"""An LEA, by id, name or alias."""


EngagementId = Annotated[Slug, Positional(), Ref("engagement")]
"""An engagement's id, for example ``alder-creek-usd``."""
