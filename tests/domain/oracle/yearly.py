"""What comes every year: surveys by docs/rules/surveys.md, statute-dates.md."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tests.domain.oracle.days import ONE_DAY, calendar
from tests.domain.oracle.world import Debt, Subject, World


@dataclass
class Survey:
    asked: list[date] = field(default_factory=list)
    """The days for which it was asked, one after the other."""
    dropped: bool = False
    recorded: bool = False

    @property
    def open(self) -> bool:
        return bool(self.asked) and not (self.dropped or self.recorded)


class Surveys(Subject):
    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.years: dict[int, Survey] = {}

    def _of(self, year: int) -> Survey:
        return self.years.setdefault(year, Survey())

    def survey_ask(self, day: date, *, due: date, year: int | None = None, **_: Any) -> None:
        """Of the year named, or of the one that is asked for already, or of the next."""
        if year is None:
            asked = [y for y in sorted(self.years) if self.years[y].open]
            taken = [y for y, survey in self.years.items() if survey.recorded]
            year = asked[0] if asked else max(taken, default=0) + 1
        survey = self._of(year)
        if survey.dropped or survey.asked[-1:] != [due]:
            survey.asked.append(due)
        survey.dropped = False

    def survey_drop(self, day: date, *, year: int, **_: Any) -> None:
        self._of(year).dropped = True

    def survey_record(self, day: date, *, year: int, **_: Any) -> None:
        self._of(year).recorded = True

    def survey_withdraw(self, day: date, *, year: int, **_: Any) -> None:
        self._of(year).recorded = False

    def owed(self) -> Iterator[Debt]:
        policy = self.world.book["surveys"]["policy"]
        for year, survey in self.years.items():
            if survey.open:
                due, round_ = survey.asked[-1], len(survey.asked)
                yield Debt(f"S{year}", round_, due, policy, "lea_contact", "lea")


class Statutes(Subject):
    """Only where the playbook asks for the dates."""

    def __init__(self, world: World, lea_type: str) -> None:
        super().__init__(world)
        self.lea_type = lea_type
        self.opened: set[tuple[str, int]] = set()
        self.done: set[tuple[str, int]] = set()

    def _dates(self) -> Iterator[dict[str, Any]]:
        rules = self.world.book.get("statutes")
        for statute in calendar()["statute_dates"] if rules else ():
            assert rules
            read = statute["checked"] or statute["id"] in rules.get("unchecked", ())
            left_out = statute["id"] in rules["leave_out"]
            if self.lea_type in statute["lea_types"] and read and not left_out:
                yield statute

    @staticmethod
    def _day(statute: dict[str, Any], year: int) -> date:
        month, day = statute["month"], statute["day"]
        if day == "last":
            return date(year + month // 12, month % 12 + 1, 1) - ONE_DAY
        return date(year, month, day)

    def to_come(self) -> Iterator[tuple[datetime, Callable[[], None]]]:
        rules = self.world.book.get("statutes")
        if not rules or self.world.phase not in rules["phases"]:
            return
        for statute in self._dates():
            # A date already past is left alone.
            year = self.world.today.year + (
                self._day(statute, self.world.today.year) < self.world.today
            )
            while (statute["id"], year) in self.opened | self.done:
                year += 1
            opens = self._day(statute, year) - timedelta(days=rules["opens_days_before"])
            key = (statute["id"], year)
            yield self.world.moment(opens), lambda k=key: self.opened.add(k)  # type: ignore[misc]

    def statute_done(self, day: date, *, statute: str, year: int, **_: Any) -> None:
        self.done.add((statute, year))

    def statute_undo(self, day: date, *, statute: str, year: int, **_: Any) -> None:
        self.done.discard((statute, year))

    def owed(self) -> Iterator[Debt]:
        policies = {policy["id"] for policy in self.world.book["policies"]}
        for statute in self._dates():
            years = [year for name, year in self.opened if name == statute["id"]]
            # The next year's date takes the place of one that nobody recorded.
            if years and (statute["id"], max(years)) not in self.done:
                due = self._day(statute, max(years))
                policy = statute["policy"] if statute["policy"] in policies else None
                yield Debt(f"{statute['id']}/{max(years)}", 1, due, policy, "lea_contact", "lea")
