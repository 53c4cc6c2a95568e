"""Weekly and monthly overviews: sections of that day's digest, for Leads and Directors.

An overview belongs to a week or a month, not to an hour: after an outage it stands in the first
mail of what is left of its week.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from domain.kernel.bounds import Written
from domain.policy.calendar import LocalHour, WorkingDays, at_local, local_date


class OverviewRules(Written):
    """One overview, as the playbook wants it."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")
    title: str
    """How the mail calls it: Your week."""
    to: Literal["lead", "director"]
    """Whose engagements it looks over: each holder of the role gets their own."""
    every: Literal["week", "month"]
    """On the first working day of the week, or the last one of the month."""
    working_day: Annotated[int, Field(ge=-23, le=23)] | None = Field(
        default=None, exclude_if=lambda v: v is None
    )
    """On another working day of it: 5 is the fifth, -1 the last; a week or month that has no such
    day has no overview."""
    at: LocalHour = time(8)
    latest: LocalHour = time(18)
    """No mail at or after this local time, when it is late after an outage."""
    ahead_days: int = Field(ge=1, le=366)
    """How many calendar days it looks ahead."""
    quiet_days: int = Field(ge=1, le=366)
    """An engagement on which nobody recorded anything for so long is called quiet."""
    at_risk: tuple[str, ...] = ()
    """The levels of risk that it points at."""
    expiring_days: int | None = Field(default=None, ge=1, le=1100)
    """It points at appropriations that must be committed within so many days; None for none."""
    lines: int = Field(default=20, ge=1, le=200)
    """How many lines a section has at most; the rest is counted."""

    @model_validator(mode="after")
    def _counts_from_one(self) -> Self:
        if self.working_day == 0:
            raise ValueError(
                f"overview {self.id!r}: working_day counts from 1, or from -1 at the end"
            )
        return self

    def day(self, within: date, days: WorkingDays) -> date | None:
        """The day of the overview in the week or month around a day.

        None where so many of its days are not worked.
        """
        if self.every == "week":
            first = within - timedelta(days=within.weekday())
        else:
            first = within.replace(day=1)
        length = (self._next(within) - first).days
        worked = [d for n in range(length) if days.is_working(d := first + timedelta(days=n))]
        wanted = self.working_day or (1 if self.every == "week" else -1)
        place = wanted - 1 if wanted > 0 else len(worked) + wanted
        return worked[place] if 0 <= place < len(worked) else None

    def period(self, within: date) -> str:
        """The week or month around a day, by its name: 2027-W15, 2027-04."""
        if self.every == "week":
            year, week, _ = within.isocalendar()
            return f"{year}-W{week:02}"
        return f"{within:%Y-%m}"

    def _next(self, within: date) -> date:
        """A day of the following week or month."""
        if self.every == "week":
            return within + timedelta(days=7 - within.weekday())
        return (within.replace(day=28) + timedelta(days=4)).replace(day=1)

    def opening(self, now: datetime, days: WorkingDays, zone: str) -> datetime:
        """The first moment from `now` on at which a mail may go: now, or a working morning."""
        local = now.astimezone(ZoneInfo(zone))
        if days.is_working(local.date()) and self.at <= local.time() < self.latest:
            return now
        late = local.time() >= self.latest
        return at_local(days.forward(local.date() + timedelta(days=late)), self.at, zone)

    def is_open(self, now: datetime, days: WorkingDays, zone: str) -> bool:
        """Whether the overview of this week or month may go out, now that its moment has come."""
        today = local_date(now, zone)
        day = self.day(today, days)
        return day is not None and now >= at_local(day, self.at, zone)

    def next_moment(self, now: datetime, days: WorkingDays, zone: str) -> datetime:
        """The moment of the first overview after an instant."""
        within = local_date(now, zone)
        for _ in range(60):
            day = self.day(within, days)
            if day is not None and (moment := at_local(day, self.at, zone)) > now:
                return moment
            within = self._next(within)
        raise ValueError(f"overview {self.id}: the calendar has no working day in sixty periods")


def next_overview(
    rules: Iterable[OverviewRules], now: datetime, days: WorkingDays, zone: str
) -> datetime | None:
    """When the next overview of any kind is due; None where the playbook has none."""
    return min((rule.next_moment(now, days, zone) for rule in rules), default=None)
