"""Which column of a sheet is which option: by its name, in any case, or another word for it."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from cli.sheets.grid import Line
from domain.kernel.fields import option_name
from domain.kernel.messages import Command

COMMON: Final = ("on", "illustrative")
"""What any row may say besides its command."""

_ELSEWHERE: Final[Mapping[str, tuple[str, ...]]] = {
    "engagement": ("lea", "lea name", "district", "district name", "lea id", "cds", "cds code"),
    "lea": ("lea name", "district", "district name", "lea id", "cds", "cds code"),
    "organisation": ("organization", "lea", "lea name", "district", "district name", "employer"),
    "name": ("full name", "lea name", "lea", "district name", "district", "person"),
    "id": ("short id", "lea id"),
    "kind": ("type", "lea type"),
    "county": ("county name",),
    "cds": (
        "cds code",
        "cdscode",
        "cd code",
        "cdcode",
        "district code",
        "county district code",
        "county district school code",
    ),
    "alias": ("aliases", "other names", "other name", "abbreviation", "also called"),
    "handle": ("user name", "login"),
    "email": ("e mail", "e mail address", "email address", "mail"),
    "person": ("participant", "attendee", "name", "full name", "handle"),
    "count": ("number", "number of people", "how many", "people", "attendees", "headcount"),
    "role": ("roles", "position", "job title", "title"),
    "with": ("person", "name", "who", "spoken with"),
    "group": ("stakeholder group", "student group", "stakeholders", "groups"),
    "note": ("notes", "comment", "comments", "text"),
    "amount": ("sum", "dollars", "cost", "usd", "amount usd"),
    "purpose": ("what for", "used for", "description"),
    "fiscal-year": ("fy", "fiscal yr"),
    "due": ("due date", "deadline", "due by"),
    "hours": ("lea hours", "number of hours"),
    "attribute": ("fact", "what"),
    "value": ("figure", "number"),
    "as-of": ("as at", "date", "day"),
    "source": ("sources", "where from", "where read"),
    "at": ("time", "hour"),
    "scheduled": ("date", "day", "meeting", "scheduled for"),
    "on": ("date", "day", "when", "effective", "effective on", "effective date"),
    "reason": ("why", "because"),
    "vote": ("votes",),
    "first": ("first day", "start", "starts", "from", "start date"),
    "last": ("last day", "end", "ends", "through", "end date"),
}
"""Other words over a column, by the option it is for; a word that is an option itself means that
one, and one for two options of a command means the first here."""

_LOOKED_AT = 30
"""Rows among which the headings are looked for."""


def folded(heading: str) -> str:
    """A heading without case, accents, punctuation, and what is added in brackets or by a star."""
    bare = re.sub(r"\([^)]*\)|\[[^\]]*\]", " ", heading)
    apart = unicodedata.normalize("NFKD", bare if bare.strip() else heading).casefold()
    letters = "".join(c for c in apart if unicodedata.category(c) != "Mn")
    return " ".join(re.sub(r"[\W_]+", " ", letters).split())


@dataclass(frozen=True)
class Headings:
    """What may stand over the columns of a sheet."""

    names: Mapping[str, str]
    """What a column is called by us, by its heading folded."""
    words: Mapping[str, str]
    """The same for other words; a column with its own name goes before."""

    marks: frozenset[str] = frozenset()
    lone: frozenset[str] = frozenset()
    """Columns that count only where one of the marks is there too."""

    def name(self, heading: str) -> str | None:
        """What a column is for, by its heading; None where nobody needs it."""
        wanted = folded(heading)
        return self.names.get(wanted) or self.words.get(wanted)

    def own(self, heading: str) -> bool:
        """Whether it has a column's own name."""
        return folded(heading) in self.names

    def named(self, over: list[str]) -> list[str]:
        """What each column is called by us; nothing for one that nobody needs.

        A word for a column that is there by its own name means nothing.
        """
        own = {self.name(heading) for heading in over if self.own(heading)}
        names = [
            "" if name is None or (name in own and not self.own(heading)) else name
            for heading in over
            for name in [self.name(heading)]
        ]
        if self.marks & {*names}:
            return names
        return ["" if name in self.lone else name for name in names]

    def line_of(self, lines: list[Line]) -> int:
        """The place of the headings among the lines: titles may stand above them."""
        filled = [i for i, line in enumerate(lines) if any(line.cells)][:_LOOKED_AT]
        if not filled:
            return 0

        best = max(filled, key=lambda at: (self.known_in(lines[at].cells), -at))
        return best if self.known_in(lines[best].cells) else filled[0]

    def known_in(self, cells: list[str]) -> int:
        """How many columns these cells are the headings of."""
        return len({name for cell in cells if cell and (name := self.name(cell))})


def headings_of(kinds: Iterable[type[Command]], extra: Mapping[str, str] | None = None) -> Headings:
    """What may stand over the columns of a sheet whose rows give these commands.

    Args:
        kinds: The commands; other words are known where it is one.
        extra: Further columns, each with other words for it, apart by "|".
    """
    commands = list(kinds)
    options: dict[str, None] = {}
    names: dict[str, str] = {}
    for command in commands:
        for name, field in command.model_fields.items():
            option = option_name(name, field)
            options[option] = None
            names.setdefault(folded(option), option)
    for command in commands:  # A field's name, where no option of any is called so.
        for name, field in command.model_fields.items():
            names.setdefault(folded(name), option_name(name, field))
    for name in (*COMMON, *(extra or {})):
        options[name] = None
        names.setdefault(folded(name), name)
    words: dict[str, str] = {}
    for option, others in _ELSEWHERE.items() if len(commands) == 1 else ():
        if option in options:
            for word in others:
                if folded(word) not in names:
                    words.setdefault(folded(word), option)
    for name, further in (extra or {}).items():
        for word in filter(None, further.split("|")):
            words[folded(word)] = name
    return Headings(names, words)
