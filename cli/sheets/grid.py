"""What a sheet holds before anybody knows what its columns mean: rows of texts."""

from dataclasses import dataclass, field

MOST_ROWS = 100_000
"""No list of ours is nearly as long; the State's, with every school that ever was, is a fifth."""
MOST_COLUMNS = 2_000
MOST_BYTES = 50_000_000
"""Of a file as it lies on the disk."""


class NotASheet(ValueError):
    """What cannot be read as rows; the message says why, and what to do."""


class Broken(str):
    """A cell that says nothing that can be taken, shown as it is: an error, or no result."""

    __slots__ = ("place", "why")
    place: str
    why: str

    def __new__(cls, shown: str, place: str, why: str) -> "Broken":
        made = super().__new__(cls, shown)
        made.place, made.why = place, why
        return made


@dataclass(frozen=True)
class Line:
    """A row as it stands in the sheet."""

    number: int
    """As the spreadsheet shows it, from 1."""
    cells: list[str]


@dataclass(frozen=True)
class Grid:
    """A sheet's rows, without those that are wholly empty."""

    lines: list[Line]
    read: list[str] = field(default_factory=list)
    """What had to be understood to read it, such as its encoding."""
    told: list[str] = field(default_factory=list)
    """What else whoever handed it in should know, in sentences."""
    between: str = ""
    """What stands between the columns of a text file, in the plural."""
