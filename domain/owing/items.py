"""Handles of what is owed: made and taken apart here alone.

What stands for itself has a short one, such as D1; what hangs on it says so: D1/review.
"""

from fnmatch import fnmatchcase

_HANGS_ON = "/"


def hanging(of: str, what: str) -> str:
    """The handle of something that hangs on another, such as the review of D1."""
    return f"{of}{_HANGS_ON}{what}"


def parts(item: str) -> list[str]:
    """What a handle is made of, that on which the rest hangs first."""
    return item.split(_HANGS_ON)


def root(item: str) -> str:
    """What an item hangs on, or itself."""
    return parts(item)[0]


def heading(item: str, title: str) -> str:
    """What people call an item; the title of what hangs on another says it all by itself."""
    return title if len(parts(item)) > 1 or title == item else f"{item} {title}"


def fits(item: str, pattern: str) -> bool:
    """Whether a pattern means an item, part by part: D* means D1, and not what hangs on it."""
    wanted = parts(pattern)
    return len(parts(item)) == len(wanted) and all(map(fnmatchcase, parts(item), wanted))
