"""Names as people type them: whose name, or which LEA's, that is."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

_ALIKE = str.maketrans(
    {"\u2018": "'", "\u2019": "'", "\u02bc": "'"}
    | dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-")
)
_APART = re.compile(r"[\s,;/()\"]+")

Key = TypeVar("Key")


class Called(NamedTuple):
    """What somebody or something is called."""

    full: tuple[str, ...]
    """The whole names."""
    short: tuple[str, ...] = ()
    """What stands for a part of a name, such as a handle."""


def folded(text: str) -> str:
    """A name without what nobody types twice alike.

    That is case, the composition of accents, kinds of spaces, hyphens and apostrophes, and what
    cannot be seen.
    """
    shown = "".join(c for c in text if unicodedata.category(c) != "Cf")
    alike = unicodedata.normalize("NFKC", shown).translate(_ALIKE)
    return " ".join(unicodedata.normalize("NFKC", alike.casefold()).split())


def _bare(text: str) -> str:
    """A folded name without its accents."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(c for c in apart if unicodedata.category(c) != "Mn")


def _words(text: str) -> set[str]:
    return {stripped for word in _APART.split(text) if (stripped := word.strip(".'"))}


def meant(typed: str, called: Mapping[Key, Called]) -> list[Key]:
    """Whom a name means: several where it is the name of several, none where it is nobody's.

    A whole name goes before a part of one, and a name with its accents before one without.
    """
    wanted = folded(typed)
    if not wanted:
        return []
    folds = {
        key: ([folded(n) for n in names.full], [folded(n) for n in names.short])
        for key, names in called.items()
    }
    for seen in (str, _bare):
        sought = seen(wanted)
        if same := [k for k, (full, _) in folds.items() if sought in map(seen, full)]:
            return same
    for seen in (str, _bare):
        sought_words = _words(seen(wanted))
        if sought_words and (
            part := [k for k, names in folds.items() if sought_words <= _parts(*names, seen)]
        ):
            return part
    return []


def _parts(full: list[str], short: list[str], seen: Callable[[str], str]) -> set[str]:
    """The words of a name; of one with a hyphen, each side as well."""
    words = {word for name in full for word in _words(seen(name))}
    return {
        *words,
        *(part for word in words for part in word.split("-") if part),
        *map(seen, short),
    }
