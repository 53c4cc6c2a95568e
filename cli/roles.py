"""Who holds a role: whoever has left is marked, with who stands in for them."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from domain.kernel.wording import spoken
from queries.roles import Absent

if TYPE_CHECKING:
    from queries.names import Names


def told(absent: Absent | None, names: "Names") -> str:
    """What is said of it behind the holder's name; nothing for whoever is there."""
    if absent is None:
        return ""
    other = names.of(absent.stands_in) if absent.stands_in else None
    return as_text({"left_on": absent.left, "stands_in": other}).strip(" ()")


def behind(name: str, absent: Absent | None, names: "Names") -> str:
    """A name with what is said behind it."""
    said = told(absent, names)
    return f"{name} ({said})" if said else name


def as_text(absent: Mapping[str, Any] | None) -> str:
    """What is said of it behind a name, of plain data with names for ids."""
    if not absent:
        return ""
    said = [f"left {spoken(absent['left_on'])}"] if absent["left_on"] else []
    said += [f"{absent['stands_in']} stands in"] if absent["stands_in"] else []
    return f" ({'; '.join(said)})" if said else ""
