"""Working days and deadlines: pure date arithmetic over calendar packs, which are data."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, model_validator

from domain.kernel.bounds import Day, Version, Written
from domain.kernel.wording import spoken as spoken  # noqa: PLC0414 - who asks for days asks for it here

Weekday = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_WEEKDAYS: tuple[Weekday, ...] = (
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
)
_SEARCH_LIMIT_DAYS = 366
LONGEST_REST_DAYS = 365
"""Shorter than what is searched for a working day, so that one is always found."""
_CLOSURE_LIMIT_DAYS = 120
"""Longer than any summer recess; beyond lies a slip of the keyboard, such as 2028 for 2027."""
_COMMON_YEAR = 2027


def _hour(value: object) -> object:
    if isinstance(value, time):
        at: time | None = value
    elif isinstance(value, str) and ":" in value:
        try:
            at = time.fromisoformat(value.strip())
        except ValueError:
            at = None
    else:
        at = None  # A number is no hour, though 1080 could be read as minutes.
    if at is None or at.tzinfo:
        raise ValueError('write a local hour as "18:00"')
    return at


LocalHour = Annotated[time, BeforeValidator(_hour)]
"""An hour on the program's wall clock, for example 18:00."""


def _day_of_month(value: object) -> object:
    day = int(value) if isinstance(value, str) and value.strip().isdecimal() else value
    if day != "last" and not (type(day) is int and 1 <= day <= 31):
        raise ValueError("write the day of the month as 1 to 31, or last")
    return day


Keeper = Literal["state", "school", "college", "court"]
"""The kinds of office that rest by a law of their own: each keeps other days than the others."""


class _Kept(Written):
    """Who keeps a holiday, and where that was read."""

    name: str
    kept_by: tuple[Keeper, ...] = Field(default=(), exclude_if=lambda v: not v)
    """The kinds of office that keep it; all of them if empty."""
    source: str | None = Field(default=None, exclude_if=lambda v: v is None)
    """The section and where it was read; None where nothing was read that says so."""
    checked: bool = Field(default=False, exclude_if=lambda v: not v)
    """Whether somebody read it there."""

    @model_validator(mode="after")
    def _checked_somewhere(self) -> Self:
        if self.checked and self.source is None:
            raise ValueError(
                f"{self.name}: checked, but where is not said; give its source, or leave out "
                f"checked"
            )
        return self

    def is_kept_by(self, keeper: Keeper) -> bool:
        """Whether a kind of office rests on it."""
        return not self.kept_by or keeper in self.kept_by


class FixedHoliday(_Kept):
    """A holiday on a day of the year, such as Veterans Day on 11 November."""

    kind: Literal["fixed"] = "fixed"
    month: int = Field(ge=1, le=12)
    day: int = Field(ge=1, le=31)
    observed: Literal["on-the-day", "nearest-weekday", "sunday-to-monday"] = "nearest-weekday"
    """``nearest-weekday``: Saturday is kept on Friday, Sunday on Monday; ``sunday-to-monday``:
    Saturday is kept on no other day."""

    @model_validator(mode="after")
    def _in_every_year(self) -> Self:
        try:
            date(_COMMON_YEAR, self.month, self.day)
        except ValueError as problem:
            raise ValueError(
                f"{self.name}: day {self.day} of month {self.month} is not in every year"
            ) from problem
        return self

    def on(self, year: int) -> date:
        """The day it is kept for `year`; for 1 January that may be 31 December before."""
        day = date(year, self.month, self.day)
        if day.weekday() == 5 and self.observed == "nearest-weekday":
            return day - timedelta(days=1)
        if day.weekday() == 6 and self.observed != "on-the-day":
            return day + timedelta(days=1)
        return day


class FloatingHoliday(_Kept):
    """A holiday on the nth weekday of a month, such as the first Monday of September."""

    kind: Literal["floating"] = "floating"
    month: int = Field(ge=1, le=12)
    weekday: Weekday
    nth: Literal[1, 2, 3, 4, -1]
    """-1 is the last of the month."""
    plus_days: int = Field(default=0, ge=0, le=6)
    """Days after it, for the Friday after Thanksgiving."""

    def on(self, year: int) -> date:
        """The day in `year`."""
        wanted = _WEEKDAYS.index(self.weekday)
        if self.nth == -1:
            last = date(year + self.month // 12, self.month % 12 + 1, 1) - timedelta(days=1)
            day = last - timedelta(days=(last.weekday() - wanted) % 7)
        else:
            first = date(year, self.month, 1)
            day = first + timedelta(days=(wanted - first.weekday()) % 7 + 7 * (self.nth - 1))
        return day + timedelta(days=self.plus_days)


class ChosenHoliday(_Kept):
    """A holiday whose day each LEA chooses, or keeps only where it agreed to.

    Nobody rests on it until the LEA's own day is entered: handrail lea recess.
    """

    kind: Literal["chosen"] = "chosen"
    choice: str
    """Between which days, and who chooses."""


Holiday = Annotated[FixedHoliday | FloatingHoliday | ChosenHoliday, Field(discriminator="kind")]


def out_of_order(first: date, last: date) -> str | None:
    """What is wrong with a closure's days, as the end of a sentence; None when nothing is."""
    days = (last - first).days + 1
    if days < 1:
        return f"ends {last}, before it begins {first}"
    if days > _CLOSURE_LIMIT_DAYS:
        return (
            f"lasts {days} days, from {first} to {last}, and no more than {_CLOSURE_LIMIT_DAYS} "
            f"can be meant; check the years"
        )
    return None


class Closure(Written):
    """Consecutive days on which an office or an LEA rests, such as winter recess."""

    name: str
    first: Day
    last: Day

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if problem := out_of_order(self.first, self.last):
            raise ValueError(f"{self.name} {problem}")
        return self


class FiscalYears(Written):
    """On which day of the year money is counted anew; a year is written with both its years."""

    month: int = Field(ge=1, le=12)
    day: int = Field(ge=1, le=31)

    @model_validator(mode="after")
    def _in_every_year(self) -> Self:
        try:
            date(_COMMON_YEAR, self.month, self.day)
        except ValueError as problem:
            raise ValueError(
                f"no fiscal year can begin on day {self.day} of month {self.month}: it is not in "
                f"every year"
            ) from problem
        return self

    def of(self, day: date) -> str:
        """The fiscal year of a day, for example 2026-27."""
        first = day.year if day >= date(day.year, self.month, self.day) else day.year - 1
        return f"{first}-{(first + 1) % 100:02d}"

    def first_day(self, fiscal_year: str) -> date:
        """The day on which a fiscal year begins."""
        return date(int(fiscal_year[:4]), self.month, self.day)

    def last_day(self, fiscal_year: str) -> date:
        """The day on which a fiscal year ends."""
        return date(int(fiscal_year[:4]) + 1, self.month, self.day) - timedelta(days=1)


class StatuteDate(Written):
    """A day by which a statute wants something of an LEA, every year."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    name: str
    month: int = Field(ge=1, le=12)
    day: Annotated[
        Annotated[int, Field(ge=1, le=31)] | Literal["last"], BeforeValidator(_day_of_month)
    ]
    """The day of the month; ``last`` is the month's last, as 29 February in a leap year."""
    lea_types: tuple[str, ...] = Field(min_length=1)
    """The kinds of LEA that owe it."""
    statute: str
    """The citation, and how sure it is."""
    source: str
    checked: bool | None = Field(default=None, exclude_if=lambda v: v is None)
    """Whether somebody read it there: of what nobody read, nobody is reminded unless the playbook
    names it.  None in a calendar that does not say."""
    policy: str
    """The reminder policy; nobody is reminded where the playbook does not have it."""

    @model_validator(mode="after")
    def _in_every_year(self) -> Self:
        try:
            self.on(_COMMON_YEAR)
        except ValueError as problem:
            raise ValueError(
                f"{self.id}: day {self.day} of month {self.month} is not in every year; for the "
                f"end of the month write day: last"
            ) from problem
        return self

    def on(self, year: int) -> date:
        """The day in `year`, whether it is worked or not."""
        if self.day == "last":
            return date(year + self.month // 12, self.month % 12 + 1, 1) - timedelta(days=1)
        return date(year, self.month, self.day)


class CalendarPack(Written):
    """The non-working days of an agency, versioned; an LEA adds its own recess to it."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    version: Version
    title: str
    source: str
    """Where the days come from, for whoever must check them."""
    agency_keeps: Keeper = Field(default="state", exclude_if=lambda v: v == "state")
    """Whose holidays the agency keeps."""
    leas_keep: Keeper = Field(default="school", exclude_if=lambda v: v == "school")
    """Whose holidays an LEA keeps, besides its own."""
    holidays: tuple[Holiday, ...] = ()
    closures: tuple[Closure, ...] = ()
    fiscal_year: FiscalYears | None = Field(default=None, exclude_if=lambda v: v is None)
    """None in a version that does not say when a fiscal year begins."""
    statute_dates: tuple[StatuteDate, ...] = Field(default=(), exclude_if=lambda v: not v)

    @model_validator(mode="after")
    def _each_date_once(self) -> Self:
        ids = [d.id for d in self.statute_dates]
        if twice := sorted({i for i in ids if ids.count(i) > 1}):
            raise ValueError(f"the statute date {', '.join(twice)} is there twice")
        return self

    def statute_date(self, date_id: str) -> StatuteDate | None:
        """A statute date by id; None when this calendar does not have it."""
        return next((d for d in self.statute_dates if d.id == date_id), None)


class _Years(dict[int, dict[date, str]]):
    """The holidays of each year by their day, those of a year found out when first asked for."""

    def __init__(self, holidays: Iterable[FixedHoliday | FloatingHoliday]) -> None:
        self._holidays = tuple(holidays)

    def __missing__(self, year: int) -> dict[date, str]:
        self[year] = {
            holiday.on(of): holiday.name
            for holiday in reversed(self._holidays)
            # That of 1 January may be kept the year before.
            for of in (year + 1, year, year - 1)
        }
        return self[year]


@lru_cache
def _kept(holidays: tuple[Holiday, ...], keeper: Keeper) -> _Years:
    """The holidays of a kind of office: found out once, though a decision asks many times."""
    return _Years(h for h in holidays if not isinstance(h, ChosenHoliday) and h.is_kept_by(keeper))


class WorkingDays:
    """Which days are worked: a weekday that is neither a holiday nor inside a closure.

    Args:
        pack: The calendar.
        recess: Closures besides those of the calendar.
        keeper: Whose holidays are kept; the agency's if left out.
        works: Days that are worked although the calendar or a closure has them for rest.
    """

    def __init__(
        self,
        pack: CalendarPack,
        recess: Iterable[Closure] = (),
        keeper: Keeper | None = None,
        works: Iterable[date] = (),
    ) -> None:
        self._pack = pack
        self._closures = (*pack.closures, *recess)
        self._works = frozenset(works)
        self._kept = _kept(pack.holidays, keeper or pack.agency_keeps)

    def is_working(self, day: date) -> bool:
        """True when work is expected on that day."""
        return self.why_not(day) is None

    def why_not(self, day: date) -> str | None:
        """The reason why a day is not worked; None for a working day."""
        if day in self._works:
            return None
        if day.weekday() >= 5:
            return f"a {day:%A}"
        for closure in self._closures:
            if closure.first <= day <= closure.last:
                return closure.name
        return self._kept[day.year].get(day)

    def _step(self, day: date, by: int) -> date:
        for _ in range(_SEARCH_LIMIT_DAYS):
            if self.is_working(day):
                return day
            day += timedelta(days=by)
        raise ValueError(f"calendar {self._pack.id}: no working day within a year of {day}")

    def forward(self, day: date) -> date:
        """The day itself, or the next working day."""
        return self._step(day, 1)

    def back(self, day: date) -> date:
        """The day itself, or the working day before."""
        return self._step(day, -1)

    def add(self, day: date, working_days: int) -> date:
        """The day so many working days later, or earlier when negative; the day itself for 0."""
        direction = 1 if working_days > 0 else -1
        for _ in range(abs(working_days)):
            day = self._step(day + timedelta(days=direction), direction)
        return day


def endless_rest(
    pack: CalendarPack, closures: Iterable[Closure], year: int, keeper: Keeper | None = None
) -> date | None:
    """The first day of a rest that lasts a year; None without one.

    A year of days is tried, and what lies around each closure: closures, holidays and weekends may
    join each other.

    Args:
        pack: The holidays; its own closures count only where they are among `closures`.
        closures: Every closure that counts.
        year: The year that is tried.
        keeper: Whose holidays count; the agency's if left out.
    """
    closed = {
        c.first + timedelta(days=n) for c in closures for n in range((c.last - c.first).days + 1)
    }
    open_days = WorkingDays(pack.model_copy(update={"closures": ()}), keeper=keeper)
    tried = {date(year, 1, 1) + timedelta(days=n) for n in range(_SEARCH_LIMIT_DAYS)}
    tried |= {day + timedelta(days=n) for day in closed for n in (-2, -1, 0)}
    worked_on = date.min
    for day in sorted(tried):
        worked_on = max(worked_on, day)
        while worked_on in closed or not open_days.is_working(worked_on):
            worked_on += timedelta(days=1)
            if (worked_on - day).days >= LONGEST_REST_DAYS:
                return day
    return None


def at_local(day: date, at: time, zone: str) -> datetime:
    """The instant of a local clock time, in UTC.

    A time that the spring change skips is taken an hour later, one that autumn repeats is the
    first of the two.
    """
    local = datetime.combine(day, at, tzinfo=ZoneInfo(zone))
    return local.astimezone(ZoneInfo("UTC"))


def clock_trouble(day: date, at: time, zone: str) -> Literal["skipped", "repeated"] | None:
    """What the change of the clocks does to a local time; None on all other days of the year."""
    local = datetime.combine(day, at, tzinfo=ZoneInfo(zone))
    first, second = local.utcoffset(), local.replace(fold=1).utcoffset()
    if first is None or second is None or first == second:
        return None
    # Of a time that is skipped the offset before the change counts first, and it is the smaller.
    return "skipped" if first < second else "repeated"


def local_date(instant: datetime, zone: str) -> date:
    """The date on the wall at an instant."""
    return instant.astimezone(ZoneInfo(zone)).date()


def add_months(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day when it is shorter."""
    index = day.year * 12 + day.month - 1 + months
    year, month = divmod(index, 12)
    next_first = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return min(
        date(year, month + 1, 1) + timedelta(days=day.day - 1), next_first - timedelta(days=1)
    )
