"""Which days are worked, by docs/rules/working-days.md and packs/calendars/california.yaml."""

from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

PACKS = Path(__file__).parents[3] / "packs"
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
ONE_DAY = timedelta(days=1)

Recess = tuple[date, date]


@cache
def calendar() -> dict[str, Any]:
    """The agency's calendar."""
    return dict(yaml.safe_load((PACKS / "calendars/california.yaml").read_text("utf-8")))


def _days_of(year: int) -> Iterator[date]:
    day = date(year, 1, 1)
    while day.year == year:
        yield day
        day += ONE_DAY


@cache
def holidays(year: int, keeper: str) -> frozenset[date]:
    """The days of a year that a kind of office keeps."""
    kept = set()
    for of_year in (year - 1, year, year + 1):
        for rule in calendar()["holidays"]:
            if rule["kind"] == "chosen" or keeper not in rule["kept_by"]:
                continue
            if rule["kind"] == "fixed":
                day = date(of_year, rule["month"], rule["day"])
                if day.weekday() == 5 and rule["observed"] == "nearest-weekday":
                    day -= ONE_DAY
                elif day.weekday() == 6:
                    day += ONE_DAY
            else:
                matching = [
                    day
                    for day in _days_of(of_year)
                    if day.month == rule["month"] and WEEKDAYS[day.weekday()] == rule["weekday"]
                ]
                day = matching[rule["nth"] - 1 if rule["nth"] > 0 else -1]
                day += timedelta(days=rule.get("plus_days", 0))
            kept.add(day)
    return frozenset(kept)


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or its last day when that month is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    days = [d for d in _days_of(year) if d.month == month + 1]
    return days[min(day.day, len(days)) - 1]


class Days:
    """Which days are worked: at the agency, or at an LEA with its recess."""

    def __init__(self, closures: list[Recess], recess: list[Recess] | None = None) -> None:
        self.closures = closures
        """On which the agency is closed, besides its holidays."""
        self.recess = recess or []
        self.keeper = "state" if recess is None else "school"

    def on(self, day: date) -> bool:
        rests = any(first <= day <= last for first, last in (*self.closures, *self.recess))
        return day.weekday() < 5 and day not in holidays(day.year, self.keeper) and not rests

    def count(self, day: date, working_days: int) -> date:
        """So many working days later, or earlier where negative."""
        step = ONE_DAY if working_days > 0 else -ONE_DAY
        left = abs(working_days)
        while left:
            day += step
            left -= self.on(day)
        return day

    def forward(self, day: date) -> date:
        """The day itself, or the next working day."""
        while not self.on(day):
            day += ONE_DAY
        return day

    def back(self, day: date) -> date:
        """The day itself, or the working day before."""
        while not self.on(day):
            day -= ONE_DAY
        return day

    def first_of_week(self, around: date) -> date | None:
        """The first working day of the week around a day; None where all of it is rest."""
        monday = around - timedelta(days=around.weekday())
        week = [monday + timedelta(days=n) for n in range(7)]
        return next((day for day in week if self.on(day)), None)

    def week_mail_before(self, day: date) -> date:
        """The day of the week's mail in which what is planned for a day stands."""
        while True:
            first = self.first_of_week(day)
            if first is not None and first <= day:
                return first
            day -= timedelta(days=day.weekday() + 1)

    def week_mail_after(self, day: date) -> date:
        """The day of the next week's mail."""
        while True:
            day += timedelta(days=7 - day.weekday())
            first = self.first_of_week(day)
            if first is not None:
                return first
