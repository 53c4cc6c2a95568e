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

MONEY = re.compile(
    r"(.*\.)?((\w+_)?(amount|charge)|invested|reported)"
    r"|(?!data\.)(.*\.)?left"  # In a history they are hours too.
)
"""Names of sums of money: dollars with both digits of the cents, in every answer."""
HOURS = re.compile(r"(.*_)?hours|cap|allowed|forecast")
"""Names of hours of the LEA's people: without digits that say nothing, in every answer."""


def texts(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text of an answer, with the names that lead to it."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from texts(part, f"{path}.{name}".lstrip("."))
    elif isinstance(value, list):
        for part in value:
            yield from texts(part, path)
    elif isinstance(value, str):
        yield path, value


def otherwise_written(answer: Any) -> dict[str, str]:
    """The sums and hours of an answer that are not written as everywhere else."""
    return {
        path: text
        for path, text in texts(answer)
        for name in [path.rpartition(".")[2]]
        if (MONEY.fullmatch(path) and not re.fullmatch(r"-?\d+\.\d\d", text))
        or (HOURS.fullmatch(name) and not re.fullmatch(r"\d+(\.\d*[1-9])?", text))
    }


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
