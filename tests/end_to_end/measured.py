"""Which numbers of an answer are numbers: what is counted is, what is measured is text."""

import re
from collections.abc import Iterator
from typing import Any

MEASURED = re.compile(
    r"(.*_)?(hours|amount|charge|percent)"
    r"|invested|reported|cap|limit|agreed|proposed|forecast|baseline|target|value|mean|lowest"
    r"|highest|change|unduplicated"
)
"""Names of what has fractions: money, hours of the LEA's people, values, means and shares."""
NOTICE = re.compile(r"(.*\.)?(regular|special)_hours|.*\b(agenda|posting|steps)\.hours")
"""How many hours a law or a policy gives are counted, like days."""
SAID = re.compile(r"(.*\.)?facts\.value")
"""What a source says of an LEA stands as the source says it."""


def numbers(value: Any, path: str = "") -> Iterator[tuple[str, int | float]]:
    """Every number of an answer, with the names that lead to it."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from numbers(part, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for part in value:
            yield from numbers(part, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path, value


def measured_as_numbers(answer: Any) -> dict[str, int | float]:
    """The numbers of an answer that should be text, by the names that lead to them."""
    return {
        path: number
        for path, number in numbers(answer)
        if isinstance(number, float) or MEASURED.fullmatch(path.rpartition(".")[2])
        if not (NOTICE.fullmatch(path) or SAID.fullmatch(path))
    }
