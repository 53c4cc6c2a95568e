"""Types of a field: what may stand in it, and what the command line does with it."""

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, Literal, get_args

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
)
from pydantic.fields import FieldInfo
from pydantic_core import InitErrorDetails

from domain.kernel.bounds import MOST_CHARACTERS, printable, within_reason

RefKind = Literal["person", "lea", "engagement", "summit", "framework", "playbook"]


@dataclass(frozen=True, slots=True)
class Ref:
    """Marks a field as a name of what the decision is to know: whoever resolves it looks it up.

    An engagement may be typed by a name of its LEA; the door puts its id in the place of it.  A
    playbook is the one that an engagement begins with, or may change to.
    """

    kind: RefKind


@dataclass(frozen=True, slots=True)
class Positional:
    """Marks a field that the command line takes by position."""


@dataclass(frozen=True, slots=True)
class Option:
    """Gives a field another name on the command line."""

    name: str


def option_name(name: str, field: FieldInfo) -> str:
    """What a field is called on the command line, without dashes."""
    for mark in field.metadata:
        if isinstance(mark, Option):
            return mark.name
    return name.replace("_", "-")


_NOT_IN_A_LINE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Whatever breaks a line, turns text round or is not seen: two names must not look the same."""
_JOINERS = frozenset("\u200c\u200d")
"""Between two letters of some scripts, and within one emoji made of several."""
_VARIANTS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
"""Behind an emoji or an ideograph they say which form it has; behind a plain letter, nothing."""
_NOTHING_TO_SEE = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_PLAIN_LETTERS_TO = "\u024f"


def _one_line(text: str) -> str:
    # No less than a mail refuses: a title that no mail can say would hold up its reader's mails.
    for at, character in enumerate(text):
        unseen = unicodedata.category(character) in _NOT_IN_A_LINE and not _joins(text, at)
        if unseen or (character in _VARIANTS and not _varies(text, at)):
            raise ValueError(
                f"must be one line, without control characters or others that cannot be seen: "
                f"character {at + 1} is U+{ord(character):04X}"
            )
    if text.strip() and not any(_is_seen(character) for character in text):
        raise ValueError("must have a character that can be seen")
    return text


def _joins(text: str, at: int) -> bool:
    beside = (text[at - 1], text[at + 1]) if 0 < at < len(text) - 1 else ("", "")
    return text[at] in _JOINERS and all(c > _PLAIN_LETTERS_TO and c not in _JOINERS for c in beside)


def _varies(text: str, at: int) -> bool:
    before = text[at - 1] if at else " "
    return not before.isspace() and not (before.isalpha() and before <= _PLAIN_LETTERS_TO)


def _is_seen(character: str) -> bool:
    return unicodedata.category(character)[0] in "LNPS" and character not in _NOTHING_TO_SEE


def _no_more_zeros(number: Decimal) -> Decimal:
    whole = number.to_integral_value()
    return whole if whole == number else number.normalize()


Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=300),
    AfterValidator(_one_line),
]
"""One line of text for a title, a reason or a name: it may end up in a mail's subject."""


PROSE = AfterValidator(printable)


Prose = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST_CHARACTERS), PROSE
]
"""Free text of any number of lines; every other text that people write is to be a `Line`."""


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


@cache
def _a_line() -> TypeAdapter[str]:
    return TypeAdapter(Line)


@cache
def prose_in(model: type[BaseModel]) -> frozenset[str]:
    """The fields of a model that hold prose, or whatever another command checks."""

    def free(kind: Any) -> bool:
        return kind is Any or kind is PROSE or any(map(free, (*get_args(kind), *_marks(kind))))

    fields = model.model_fields.items()
    return frozenset(n for n, f in fields if free(f.annotation) or any(map(free, f.metadata)))


def _marks(kind: Any) -> tuple[Any, ...]:
    return getattr(kind, "__metadata__", ())


def wrong_texts(
    value: Any, at: tuple[str | int, ...] = (), *, prose: bool = False
) -> Iterator[InitErrorDetails]:
    """Whatever in something written is neither a line nor prose, or has no end, with its place.

    Held against what people write, not against what is kept: an earlier release may have let in
    more, and that must be read for ever.
    """
    try:
        within_reason(value)
        if isinstance(value, str) and not prose:
            _one_line(value)
            _a_line().validate_python(value)
    except ValidationError as wrong:
        for error in wrong.errors(include_url=False):
            yield {"type": error["type"], "ctx": error.get("ctx", {}), "loc": at, "input": value}
    except ValueError as wrong:
        yield {"type": "value_error", "ctx": {"error": wrong}, "loc": at, "input": value}
    else:
        for place, part in _parts(value):
            free = prose or (isinstance(value, BaseModel) and place in prose_in(type(value)))
            yield from wrong_texts(part, (*at, place), prose=free)


def _parts(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, BaseModel):
        said = type(value).model_fields
        yield from ((name, part) for name, part in value if part != said[name].default)
    elif isinstance(value, (tuple, list)):
        yield from enumerate(value)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield key, key
            yield key, part
