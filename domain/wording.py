"""Words that many sentences share."""

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
