"""Answers: frozen and typed; a door shows them, and dumps them as the JSON that programs read."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any, Final, TypeVar, cast

from domain.kernel.wording import spoken

A = TypeVar("A")

IF_ASKED: Final = {"if_asked": True}
"""Marks a field that is dumped only where it says something."""


@dataclass(frozen=True, slots=True)
class Who:
    """Somebody in an answer: shown by name, dumped by handle."""

    name: str
    handle: str
    left_on: date | None = None

    def __str__(self) -> str:
        return self.name

    def now(self, today: date) -> str:
        """The name, marked where they are no longer there on a day."""
        gone = self.left_on is not None and self.left_on <= today
        return self.name + (f" (left {spoken(self.left_on)})" if self.left_on and gone else "")


def by_id(person: str) -> Who:
    """Somebody whose name is not known yet."""
    return Who(person, person)


def perhaps(person: str | None) -> Who | None:
    """Somebody whose name is not known yet, or nobody."""
    return None if person is None else by_id(person)


@dataclass(frozen=True)
class Answer:
    """What a question is answered, each field a part of it.

    A field that Python has a word for, such as ``for``, ends in an underscore.
    """

    def dumped(self) -> dict[str, Any]:
        """As plain data, for JSON."""
        found = {}
        for field in fields(self):
            value = getattr(self, field.name)
            if value is not None or "if_asked" not in field.metadata:
                found[field.name.removesuffix("_")] = dumped(value)
        return found


def dumped(value: object) -> Any:
    """A part of an answer as plain data."""
    if isinstance(value, Answer):
        return value.dumped()
    if isinstance(value, Who):
        return value.handle
    if isinstance(value, Mapping):
        return {key: dumped(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [dumped(part) for part in value]
    return value


def everybody_in(value: object) -> Iterator[Who]:
    """Everybody whom an answer names."""
    if isinstance(value, Who):
        yield value
    elif isinstance(value, Answer):
        for field in fields(value):
            yield from everybody_in(getattr(value, field.name))
    elif isinstance(value, list | tuple | Mapping):
        for part in value.values() if isinstance(value, Mapping) else value:
            yield from everybody_in(part)


def renamed(value: A, named: Callable[[Who], Who]) -> A:
    """The same with other names."""
    found: Any = value
    if isinstance(value, Who):
        found = named(value)
    elif isinstance(value, Answer):
        parts = {f.name: getattr(value, f.name) for f in fields(value)}
        found = replace(value, **{name: renamed(part, named) for name, part in parts.items()})
    elif isinstance(value, Mapping):
        found = {key: renamed(part, named) for key, part in value.items()}
    elif isinstance(value, list | tuple):
        found = type(value)(renamed(part, named) for part in value)
    return cast(A, found)
