"""When people are told about something that is owed: the steps of a policy, and their hours."""

from datetime import date, datetime, time, timedelta
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from domain.policy.calendar import LocalHour, WorkingDays, at_local
from domain.policy.parts import PlaybookPart

Role = Literal[
    "owner",
    "lead",
    "director",
    "lea_contact",
    "superintendent",
    "assistant",
    "board_clerk",
    "county_rep",
    "incoming_lead",
]
"""To whom a notice is addressed; people are looked up when it is claimed."""


class NoticeStep(PlaybookPart):
    """One moment of a reminder policy."""

    id: str
    days: int = Field(default=0, ge=-366, le=366)
    """Days from the due date; negative is before."""
    hours: int | None = Field(default=None, ge=-2400, le=2400)
    """Hours from the instant at which it is due, instead of days; negative is before."""
    unit: Literal["calendar", "working"] = "calendar"
    """Calendar days are moved off non-working days; working days are counted."""
    moved: Literal["forward", "back"] = Field(
        default="forward", exclude_if=lambda v: v == "forward"
    )
    """Which way a calendar day is moved: back where nothing can be done after the due date."""
    to: tuple[Role, ...] = Field(min_length=1)


class ReminderPolicy(PlaybookPart):
    """When people are told about something that is owed."""

    id: str
    at: LocalHour = time(8, 0)
    """Local time in the program's zone."""
    earliest: LocalHour = time(7, 0)
    """No mail before this local time, when something is late after an outage."""
    latest: LocalHour = time(18, 0)
    """No mail at or after this local time."""
    any_hour: bool = False
    """True for an alarm: it goes at its instant, as a mail of its own, on rest days too."""
    steps: tuple[NoticeStep, ...]

    @model_validator(mode="after")
    def _within_hours(self) -> Self:
        if not self.earliest <= self.at < self.latest:
            raise ValueError(
                f"policy {self.id!r}: {self.at:%H:%M} is not between {self.earliest:%H:%M} and "
                f"{self.latest:%H:%M}"
            )
        if any(step.hours is not None for step in self.steps) and not self.any_hour:
            raise ValueError(
                f"policy {self.id!r} has steps in hours, which quiet hours would move: say "
                f"any_hour: true"
            )
        return self

    def opening(self, now: datetime, days: WorkingDays, zone: str) -> datetime:
        """The first moment from `now` on at which a mail may go: now, or a working morning."""
        if self.any_hour:
            return now
        local = now.astimezone(ZoneInfo(zone))
        today = local.date()
        if days.is_working(today) and self.earliest <= local.time() < self.latest:
            return now
        day = days.forward(today)
        if day == today and local.time() >= self.latest:
            day = days.add(today, 1)
        return at_local(day, self.at, zone)

    def next_morning(self, now: datetime, days: WorkingDays, zone: str) -> datetime:
        """The policy's hour on the next working day after today."""
        today = now.astimezone(ZoneInfo(zone)).date()
        return at_local(days.add(today, 1), self.at, zone)

    def moments(
        self, due: date, days: WorkingDays, zone: str, due_at: datetime | None = None
    ) -> list[tuple[NoticeStep, datetime]]:
        """Every step with its instant in UTC, in order.

        Steps in hours count from `due_at`, or from the policy's hour of the due date.

        A step that recess pushes onto or past a later step is left out: nobody is told twice on
        one day, nor "in 14 days" after "in 3 days".
        """
        instant = due_at or at_local(due, self.at, zone)
        by_hours = [
            (step, instant + timedelta(hours=step.hours))
            for step in self.steps
            if step.hours is not None
        ]
        dated = []
        for step in self.steps:
            if step.hours is not None:
                continue
            if step.unit == "working":
                day = days.add(due, step.days)
            else:
                day = due + timedelta(days=step.days)
                day = days.back(day) if step.moved == "back" else days.forward(day)
            dated.append((step, day))
        by_days = [
            (step, at_local(day, self.at, zone))
            for i, (step, day) in enumerate(dated)
            if all(day < later for _, later in dated[i + 1 :])
        ]
        return sorted(by_days + by_hours, key=lambda planned: planned[1])
