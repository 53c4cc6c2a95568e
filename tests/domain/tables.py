"""Reads the tables of docs/rules, so that what staff read and what is tested are one text."""

import re
from datetime import date, datetime
from pathlib import Path

from domain.policy.calendar import spoken

RULES = Path(__file__).parents[2] / "docs" / "rules"

Row = dict[str, str]


def table(page: str, heading: str = "") -> list[Row]:
    """The first table under a heading, a dictionary a row.

    Args:
        heading: Empty for the table before the first heading.
    """
    text = (RULES / page).read_text(encoding="utf-8")
    if heading:
        _, found, text = text.partition(f"\n## {heading}\n")
        assert found, f"{page} has no section {heading!r}"
    section = text.partition("\n## ")[0]
    lines = re.findall(r"^\|(.*)\|$", section, flags=re.MULTILINE)
    assert len(lines) > 2, f"{page}, {heading!r} has no table"
    names, _, *rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    return [dict(zip(names, row, strict=True)) for row in rows]


def day(cell: str) -> date:
    """A date as the pages write it, its weekday checked."""
    found = datetime.strptime(f"{cell} +0000", "%a %d %b %Y %z").date()
    assert spoken(found) == cell, f"{cell!r} is a {found:%A}"
    return found


def days(cell: str) -> list[date]:
    """Dates with commas between them."""
    return [day(part.strip()) for part in cell.split(",")]
