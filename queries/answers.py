"""Answers: frozen and typed; a door shows them, and dumps them as the JSON that programs read."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, Final

from domain.kernel.wording import spoken

ASIDE: Final = {"aside": True}
"""Marks a field that a door shows and no program reads."""
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
            if "aside" in field.metadata or ("if_asked" in field.metadata and value is None):
                continue
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
