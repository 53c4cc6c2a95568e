"""Words that many sentences share."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal


def counted(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: 1 row, 2 rows."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def full(text: object) -> str:
    """Words that somebody typed, as the end of a sentence: with one full stop, not two."""
    said = str(text).rstrip()
    return said if said.endswith((".", "!", "?", "…")) else f"{said}."


def plain(number: Decimal) -> str:
    """A number as people write it: 6, 3.5."""
    return f"{number.normalize():f}"


def lea_hours(hours: Decimal) -> str:
    """Hours of the LEA's people with their noun."""
    return f"{plain(hours)} LEA hour{'' if hours == 1 else 's'}"


def spoken(day: date) -> str:
    """A date as people write it: Fri 16 Apr 2027."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def dollars(amount: Decimal) -> str:
    """An amount as people write it: $24,000.00."""
    return f"${amount:,.2f}"


def exact(amount: Decimal) -> str:
    """An amount as programs read it: 24000.00."""
    return f"{amount:.2f}"


def texts(value: object) -> Iterator[str]:
    """Every text in plain data, without the names that it stands under."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from texts(inner)
