"""Names in place of ids: what is owed names people by id, a mail by what they are called."""

import re
from collections.abc import Mapping

from domain.rules.context import PersonEntry

_PERSON = re.compile(r"(@?)\b(p-[a-z2-7]{13})\b")


def mentions(text: str) -> set[str]:
    """The ids of everybody whom a text names."""
    return {match[2] for match in _PERSON.finditer(text)}


def with_names(text: str, people: Mapping[str, PersonEntry]) -> str:
    """The text with names for ids, and handles for ids after an @."""

    def name(match: re.Match[str]) -> str:
        known = people.get(match[2])
        if known is None:
            return match[0]
        return known.handle if match[1] else known.name

    return _PERSON.sub(name, text)
