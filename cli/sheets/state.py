"""The State's public files as they are downloaded: lists of LEAs, results of the Dashboard."""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from cli.sheets.headings import folded
from cli.terminal.tables import Numbered

DISTRICT: Final = "0" * 7
"""What a CDS code ends with where it is a whole district's."""

LIST_HEADINGS: Final = {
    "list-type": "doctype|doc type|entity type",
    "list-status": "statustype|status type",
    "list-school": "school|school name",
    "list-charter": "charter|charter y n",
}
"""Columns of the State's lists that `lea register` has no option for."""

LIST_MARKS: Final = frozenset({"list-type", "list-status"})
"""One of them is in every list of the State's; without, the others are nobody's."""

DASHBOARD_HEADINGS: Final = {
    "indicator": "",
    "group": "student group|studentgroup|subgroup",
    "colour": "color",
    "rating": "",
    "cds": "cds code|cdscode",
    "rtype": "record type",
    "year": "reportingyear|reporting year|schoolyear",
}

COLOURS: Final = ("no-colour", "red", "orange", "yellow", "green", "blue")
"""By the number that the Dashboard's files have for each."""

GROUPS: Final = {
    "all": "all", "all students": "all", "aa": "african-american", "ai": "american-indian",
    "as": "asian",
    "el": "english-learners", "fi": "filipino", "fos": "foster-youth", "hi": "hispanic",
    "hom": "homeless", "ltel": "long-term-english-learners", "mr": "two-or-more-races",
    "pi": "pacific-islander", "sed": "socioeconomically-disadvantaged",
    "swd": "students-with-disabilities", "wh": "white",
}  # fmt: skip
"""Student groups by the letters that the Dashboard's files have for each."""

INDICATORS: Final = {
    "ela": "english-language-arts", "english language arts literacy": "english-language-arts",
    "math": "mathematics", "chronic absenteeism": "chronic-absence", "chronic": "chronic-absence",
    "suspension rate": "suspension", "susp": "suspension", "graduation rate": "graduation",
    "grad": "graduation", "english learner progress indicator": "english-learner-progress",
    "elpi": "english-learner-progress", "elpac": "english-learner-progress",
    "college career": "college-career", "college career indicator": "college-career",
    "implementation of academic standards": "standards", "local climate survey": "climate",
    "parent and family engagement": "family-engagement",
    "access to a broad course of study": "broad-course", "cci": "college-career",
    "caast": "science", "cast": "science",
}  # fmt: skip
"""Indicators by the names and short names of the Dashboard's files."""

_WITHOUT_COLOUR = frozenset({"eo", "elo", "elc", "rfp", "rfep"})
"""Groups that its files have besides: English only, current and reclassified learners."""

_OF_A_COUNTY = re.compile(r"county office", re.IGNORECASE)
_OF_A_DISTRICT = re.compile(r"district|unified|elementary|high school", re.IGNORECASE)


@dataclass(frozen=True)
class Skip:
    """Why a row is left out: it is not of the kind that is imported."""

    why: str


def shaped_lea(row: dict[str, Any]) -> dict[str, Any] | Skip:
    """A row of a list of LEAs, the State's or one's own, as `lea register` takes it."""
    said = {name: str(row.pop(name, None) or "") for name in LIST_HEADINGS}
    if code := re.sub(r"[\s-]", "", str(row.get("cds") or "")):
        row["cds"] = code + DISTRICT if re.fullmatch(r"[0-9]{7}", code) else row["cds"]
    if not (said["list-type"] or said["list-status"]):
        return row
    if said["list-status"].casefold() not in ("", "active"):
        return Skip(f"the list has them as {said['list-status'].casefold()}")
    if said["list-school"]:
        if said["list-charter"].casefold() not in ("y", "yes"):
            return Skip("schools, which are no LEAs of their own")
        row |= {"name": said["list-school"], "parent": row.get("name"), "kind": "charter_school"}
    elif _OF_A_COUNTY.search(said["list-type"]):
        row.setdefault("kind", "county_office_of_education")
    elif _OF_A_DISTRICT.search(said["list-type"]):
        row.setdefault("kind", "school_district")
    elif said["list-type"]:
        return Skip("neither districts nor county offices")
    return row


def slug(text: str) -> str:
    """A short id made of a name."""
    apart = unicodedata.normalize("NFKD", text).casefold()
    letters = "".join(c for c in apart if unicodedata.category(c) != "Mn")
    return re.sub(r"[^a-z0-9]+", "-", letters.replace("'", "")).strip("-")[:60].strip("-")


def with_ids(rows: Sequence[Numbered], taken: Collection[str]) -> list[Numbered]:
    """LEAs with an id made of the name; where several are called the same, of the county as well.

    Args:
        rows: Where one has an id already, it stays.
        taken: Names and ids of LEAs that are registered, folded.
    """
    called = Counter(folded(str(row.values.get("name") or "")) for row in rows)
    made = []
    for row in rows:
        name, county = str(row.values.get("name") or ""), str(row.values.get("county") or "")
        values = dict(row.values)
        if name and not values.get("id"):
            if county and (called[folded(name)] > 1 or folded(name) in taken):
                name = f"{name} {county}"
            values["id"] = slug(name)
        made.append(replace(row, values=values))
    return made


def cds_of(row: Mapping[str, Any]) -> str:
    """The CDS code of a row, 14 digits, to look an LEA up by: Excel eats a zero in front."""
    digits = re.sub(r"[\s-]", "", str(row.get("cds") or ""))
    return digits + DISTRICT if len(digits) == 7 else digits.zfill(14) if digits else ""


def shaped_result(
    row: dict[str, Any], engagement: str | None, by_code: Mapping[str, str]
) -> dict[str, Any] | Skip:
    """A row of the Dashboard with our names for what the State's file has codes for.

    Args:
        row: As it stands in the file.
        engagement: The one whose Dashboard it is; None where each row names its own.
        by_code: Engagements by the CDS code of their LEA.
    """
    indicator = str(row.get("indicator") or "")
    group = str(row.get("group") or "")
    row.pop("rtype", None)
    if code := cds_of(row):
        row.pop("cds")
        theirs = by_code.get(code)
        if theirs is None or engagement not in (None, theirs):
            return Skip("of other LEAs, of schools or of the State")
        if group.strip().casefold() in _WITHOUT_COLOUR:
            return Skip("of groups that the Dashboard gives no colour")
        row["engagement"] = theirs
    shaped = {
        **row,
        "indicator": INDICATORS.get(folded(indicator), slug(indicator)),
        "group": GROUPS.get(folded(group), slug(group)),
    }
    for name in ("result", "colour", "color", "rating"):
        said = str(row.get(name) or "").strip()
        if re.fullmatch(r"[0-5](\.0)?", said):
            shaped[name] = COLOURS[int(said[0])]
    return shaped
