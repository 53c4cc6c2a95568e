"""Values as people write them into cells, in the form in which their field takes them."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, time
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from cli.terminal.as_written import Plain, fitted
from cli.verbs import plain
from domain.kernel.wording import spoken

Order = Literal["mdy", "dmy"]
"""In which order a day's parts are written: month/day/year, or day/month/year."""

LIST_SEPARATOR = ";"

_PARTS = re.compile(r"(\d{1,2})([/.-])(\d{1,2})\2(\d{4})", re.ASCII)
_IN_WORDS = re.compile(
    r"(?:[a-z]{3,9}\.?,?\s+)?(?:(\d{1,2})[\s-]+([a-z]{3,9})\.?,?[\s-]+|([a-z]{3,9})\.?\s+(\d{1,2}),?\s+)"
    r"(\d{4})",
    re.ASCII | re.IGNORECASE,
)
_MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september",
    "october", "november", "december",
)  # fmt: skip
_DAY_WITH_HOUR = re.compile(r"(\d{4}-\d\d-\d\d)[T ]00:00(:00(\.0+)?)?", re.ASCII)
_AMOUNT = re.compile(r"\$?\s*(\d{1,3}(,\d{3})+|\d+)(\.\d+)?", re.ASCII)
_COUNT = re.compile(r"\d{1,3}(,\d{3})+|\d+\.0+", re.ASCII)
_HOUR = re.compile(r"(\d{1,2})(?::([0-5]\d))?(?::00)?\s*([ap])\.?\s*m\.?", re.ASCII | re.IGNORECASE)
_ON_THE_HOUR = re.compile(r"(\d{1,2}:\d\d):00", re.ASCII)
_DASHES = re.compile(r"\s*[\u2010-\u2015\u2212]\s*")
_PAIR = re.compile(r"\d+(\s*[-\u2010-\u2015\u2212]\s*\d+)+", re.ASCII)

ORDER_UNKNOWN = (
    "its month may stand first, or its day: write days as YYYY-MM-DD, or say in which order they "
    "are written: --dates mdy or --dates dmy"
)


@dataclass
class Reading:
    """How the values of one file are read, and what was understood."""

    order: Order | None = None
    days: dict[str, date] = field(default_factory=dict)
    """Days that were read by the order, by how they were written."""

    def day(self, text: str) -> str:
        """A day as YYYY-MM-DD, where it is one in the order; else what was written."""
        if midnight := _DAY_WITH_HOUR.fullmatch(text):
            return midnight[1]
        if words := _IN_WORDS.fullmatch(text):
            return self._read(text, words[5], _month(words[2] or words[3]), words[1] or words[4])
        if self.order and (parts := _PARTS.fullmatch(text)):
            one, _, two, year = parts.groups()
            month, day = (one, two) if self.order == "mdy" else (two, one)
            return self._read(text, year, month, day)
        return text

    def _read(self, text: str, year: str, month: str | int, day: str) -> str:
        try:
            meant = date(int(year), int(month), int(day))
        except ValueError:
            return text
        self.days[text] = meant
        return meant.isoformat()

    def doubtful(self, text: object) -> bool:
        """Whether it is a day whose order nobody has said."""
        return self.order is None and isinstance(text, str) and bool(_PARTS.fullmatch(text.strip()))

    def in_words(self) -> str | None:
        """The days that were read, for whoever must see that they are right; None without any."""
        if not self.days:
            return None
        orders = {"mdy": " as month/day/year", "dmy": " as day/month/year", None: ""}
        shown = [f"{written} is {spoken(day)}" for written, day in self.days.items()]
        more = f", and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else ""
        return f"Days read{orders[self.order]}: {', '.join(shown[:_SHOWN])}{more}."


_SHOWN = 6


def _month(word: str) -> int:
    """The month that a word begins; 0 where it is none."""
    begun = [n for n, m in enumerate(_MONTHS, start=1) if m.startswith(word.casefold())]
    return begun[0] if len(begun) == 1 else 9 if word.casefold() == "sept" else 0


def value_for(value: object, taken_by: FieldInfo, reading: Reading) -> object:
    """A cell or a YAML value as a field takes it; what it cannot be stays as it was written."""
    annotation = taken_by.annotation
    if not isinstance(value, str) or isinstance(value, Plain):
        value = fitted(value, annotation)
    if not isinstance(value, str):
        return value
    kind = plain(annotation)
    origin = get_origin(kind)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return dict(part.partition("=")[::2] for part in _listed(value))
    if origin is tuple:
        element = plain(get_args(kind)[0])
        return [_written(part, element, reading) for part in _listed(value)]
    if kind in (date, time, Decimal, int) or origin is Literal:
        return _written(value.strip(), kind, reading)
    if kind is str and _PAIR.fullmatch(value.strip()) and any(_patterns(taken_by)):
        return _DASHES.sub("-", value.strip()).replace(" ", "")
    return value


def _listed(value: str) -> list[str]:
    return [part.strip() for part in value.split(LIST_SEPARATOR) if part.strip()]


def _written(text: str, kind: Any, reading: Reading) -> str:
    if kind is date:
        return reading.day(text)
    if kind is time:
        return _hour(text)
    if kind is Decimal and _AMOUNT.fullmatch(text):
        return text.replace("$", "").replace(",", "").strip()
    if kind is int and _COUNT.fullmatch(text):
        return text.replace(",", "").partition(".")[0]
    if get_origin(kind) is Literal:
        return next((str(c) for c in get_args(kind) if _alike(str(c)) == _alike(text)), text)
    return str(text)


def _hour(text: str) -> str:
    """An hour by the clock of twelve as one of the clock of twenty-four."""
    if whole := _ON_THE_HOUR.fullmatch(text):
        return whole[1]
    said = _HOUR.fullmatch(text)
    if said is None or not 1 <= int(said[1]) <= 12:
        return text
    hour = int(said[1]) % 12 + (12 if said[3].casefold() == "p" else 0)
    return f"{hour:02}:{said[2] or '00'}"


def _alike(word: str) -> str:
    return " ".join(re.sub(r"[\W_]+", " ", word.casefold()).split())


def _patterns(marked: FieldInfo) -> Iterator[str]:
    """The patterns that a text must have."""
    marks = [*marked.metadata]
    kinds = [marked.annotation]
    while kinds:
        kind = kinds.pop()
        if get_origin(kind) is Annotated:
            marks += get_args(kind)[1:]
            kinds.append(get_args(kind)[0])
        else:
            kinds += [k for k in get_args(kind) if not isinstance(k, str)]
    for mark in marks:
        if pattern := getattr(mark, "pattern", None):
            yield str(pattern)
