"""The pilot cohort as data: what `examples/pilot/` says, made into commands with their days."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict

from domain import subjects  # noqa: F401 - registers every command
from domain.kernel.messages import Command, EngagementCommand
from domain.rules.registry import COMMANDS

PILOT = Path(__file__).parent / "pilot"
LEAS = PILOT / "leas.yaml"
ALDER_CREEK = PILOT / "alder-creek.yaml"
PEOPLE = PILOT / "people.yaml"
INVESTMENTS = PILOT / "investments.yaml"
SUMMITS = PILOT / "summits.yaml"
JOURNEY = PILOT / "journey.yaml"


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Group(_Data):
    """LEAs that go the same way on the same days."""

    weeks: int
    """How many weeks after the rows' own dates."""
    lead: str
    director: str
    leas: tuple[str, ...]


class Cohort(_Data):
    """The twelve."""

    groups: tuple[Group, ...]
    rows: tuple[dict[str, Any], ...]


class Fiction(_Data):
    """The district that does not exist."""

    engagement: str
    lead: str
    director: str
    contact: str
    rows: tuple[dict[str, Any], ...]


class Journey(_Data):
    """What happens, and when; all of it invented."""

    shift_years: int
    starts: date
    investments_on: date
    look_on: date
    """The day on which the demonstration shows what is due."""
    summits_on: date
    """The day on which the summits that were held are entered."""
    cohort: Cohort
    alder_creek: Fiction


@dataclass(frozen=True)
class Deed:
    """One command of the story, on its day."""

    day: date
    by: str
    engagement: str
    command: Command | None = None
    effective: date | None = None
    typed: str | None = None
    """A command line instead of a command: it is shown on the screen."""
    refused: str | None = None
    """The refusal that it must meet."""


def load(path: Path) -> Any:
    """The content of a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def journey() -> Journey:
    """The story, checked."""
    return Journey.model_validate(load(JOURNEY))


def stated_total() -> Decimal:
    """The sum of the amounts in the file; the report itself gives none."""
    return sum((Decimal(row["amount"]) for row in load(INVESTMENTS)), Decimal(0))


def deeds(story: Journey) -> list[Deed]:
    """Every command of the story in its order: by day, and within an engagement as written."""
    found = [
        *(
            _deed(row, lea, group.lead, group.director, f"{lea}-contact", group.weeks)
            for group in story.cohort.groups
            for lea in group.leas
            for row in story.cohort.rows
        ),
        *(
            _deed(row, fiction.engagement, fiction.lead, fiction.director, fiction.contact, 0)
            for fiction in [story.alder_creek]
            for row in fiction.rows
        ),
    ]
    return sorted(found, key=lambda deed: deed.day)


def by_day(all_: list[Deed]) -> Iterator[tuple[date, dict[str, list[Deed]]]]:
    """The deeds of each day, by engagement."""
    days: dict[date, dict[str, list[Deed]]] = {}
    for deed in all_:
        days.setdefault(deed.day, {}).setdefault(deed.engagement, []).append(deed)
    yield from days.items()


def _deed(
    row: dict[str, Any], engagement: str, lead: str, director: str, contact: str, weeks: int
) -> Deed:
    names = {"lea": engagement, "lead": lead, "director": director, "contact": contact}
    values = {name: _filled(value, names, weeks) for name, value in row.items()}
    day, by, effective = values.pop("day"), values.pop("by"), values.pop("effective", None)
    typed, refused = values.pop("typed", None), values.pop("refused", None)
    if typed is not None:
        return Deed(day, by, engagement, typed=typed, refused=refused)
    kind = COMMANDS[values.pop("command")]
    assert issubclass(kind, EngagementCommand)
    command = kind.model_validate({"engagement": engagement, **values})
    return Deed(day, by, engagement, command, effective, refused=refused)


def _filled(value: Any, names: dict[str, str], weeks: int) -> Any:
    """A value of a row for one LEA: names filled in, dates moved."""
    match value:
        case str():
            return value.format_map(names)
        case date():
            return value + timedelta(weeks=weeks)
        case list():
            return [_filled(inner, names, weeks) for inner in value]
        case dict():
            return {
                _filled(key, names, weeks): _filled(inner, names, weeks)
                for key, inner in value.items()
            }
        case _:
            return value
