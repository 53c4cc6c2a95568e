"""Whoever wants one mail a week gets it on the first working day of their week.

What is planned for the week is in it already.  Where that mail had nothing to say, the first
reminder of the week goes at its own moment and is the week's mail.
"""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.policy.calendar import WorkingDays, at_local, local_date
from domain.policy.reminder_policies import ReminderPolicy
from domain.rules.context import Context
from domain.streams import AGENCY

_SEARCH_WEEKS = 60


def is_weekly(person: str, context: Context) -> bool:
    """Whether somebody wants one mail a week."""
    entry = context.people.get(person)
    return entry is not None and entry.digest == "weekly"


def own_days(person: str, context: Context) -> WorkingDays:
    """The working days of where somebody works."""
    entry = context.people.get(person)
    at = entry.organisation if entry else AGENCY
    return context.agency_days if at == AGENCY else context.lea_days(at)


def monday(day: date) -> date:
    """The day on which the week around a day begins."""
    return day - timedelta(days=day.weekday())


def mail_day(within: date, days: WorkingDays) -> date | None:
    """The day of the week's mail in the week around a day; None where all of it is rest."""
    first = monday(within)
    week = (first + timedelta(days=n) for n in range(7))
    return next((day for day in week if days.is_working(day)), None)


def _first(weeks: Iterable[date], days: WorkingDays, *, by: date | None, after: date) -> date:
    for within in weeks:
        day = mail_day(within, days)
        if day is not None and (day <= by if by is not None else day > after):
            return day
    raise ValueError(f"the calendar has no working day in sixty weeks around {after}")


def mail_day_by(day: date, days: WorkingDays) -> date:
    """The day of the mail that speaks of what is planned for a day: the last one until then."""
    weeks = (day - timedelta(weeks=n) for n in range(_SEARCH_WEEKS))
    return _first(weeks, days, by=day, after=day)


def next_mail_day(day: date, days: WorkingDays) -> date:
    """The first day of a week's mail after a day."""
    weeks = (day + timedelta(weeks=n) for n in range(_SEARCH_WEEKS))
    return _first(weeks, days, by=None, after=day)


def reach(person: str, context: Context) -> datetime:
    """Until which moment a mail that is made now speaks of what is planned."""
    today = local_date(context.now, context.zone)
    days = own_days(person, context)
    if not is_weekly(person, context) or mail_day(today, days) != today:
        return context.now
    following = at_local(next_mail_day(today, days), time(0), context.zone)
    return following - timedelta(microseconds=1)


def _hour_on(day: date, planned_for: datetime, zone: str) -> datetime:
    """A notice's own local hour on another day."""
    return at_local(day, planned_for.astimezone(ZoneInfo(zone)).time(), zone)


def early(person: str, planned_for: datetime, context: Context) -> datetime | None:
    """When the week's mail speaks of a notice to come; None for somebody who is told daily.

    Once that mail's day is over, the notice's own moment counts.
    """
    if not is_weekly(person, context) or planned_for <= context.now:
        return None
    day = mail_day_by(local_date(planned_for, context.zone), own_days(person, context))
    if day < local_date(context.now, context.zone):
        return None
    return _hour_on(day, planned_for, context.zone)


def goes_at(
    person: str,
    planned_for: datetime,
    policy: ReminderPolicy,
    side: WorkingDays,
    context: Context,
    *,
    rests: bool = False,
) -> datetime:
    """The first moment from now on at which a notice may go to somebody.

    Args:
        side: The working days of whoever owes the item; for a week's mail the reader's own count.
        rests: Whether nothing may be said of it before its moment, because it is snoozed.
    """
    if not is_weekly(person, context):
        if planned_for > context.now:
            return planned_for
        return policy.opening(context.now, side, context.zone)
    moment = (None if rests else early(person, planned_for, context)) or planned_for
    ready = max(moment, context.now)
    return policy.opening(ready, own_days(person, context), context.zone)


def next_turn(person: str, policy: ReminderPolicy, side: WorkingDays, context: Context) -> datetime:
    """When somebody who has had their mail gets the next."""
    if not is_weekly(person, context):
        return policy.next_morning(context.now, side, context.zone)
    today = local_date(context.now, context.zone)
    day = next_mail_day(today, own_days(person, context))
    return at_local(day, policy.at, context.zone)
