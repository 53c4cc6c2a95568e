"""Which days a fact may have."""

from datetime import date, time

from domain.kernel.refusals import ImpossibleDate
from domain.policy.calendar import clock_trouble, spoken
from domain.rules.context import Context


def not_in_the_future(day: date, what: str, context: Context) -> None:
    """Refuse a fact that is dated after today.

    Raises:
        ImpossibleDate: It is.
    """
    if day > context.today:
        raise ImpossibleDate(
            f"{what} is dated {spoken(day)}, but today is {spoken(context.today)}: what has not "
            f"happened yet cannot be recorded. Give the day on which it happened."
        )


def on_the_clock(day: date, at: time, what: str, context: Context) -> None:
    """Refuse a local time that the clock skips; of one that it repeats the first is meant.

    Raises:
        ImpossibleDate: The clocks go forward over it.
    """
    if clock_trouble(day, at, context.zone) == "skipped":
        raise ImpossibleDate(
            f"{what} cannot be {spoken(day)} at {at:%H:%M}: the clocks in {context.zone} go "
            f"forward over that hour. Give the time that the clock on the wall showed or will show."
        )


_REACH_YEARS = 10
"""No engagement plans further; beyond lies a slip of the keyboard, such as 2207 for 2027."""


def within_reach(day: date, what: str, context: Context) -> None:
    """Refuse a date to come that nobody can mean.

    Raises:
        ImpossibleDate: It lies more than ten years ahead.
    """
    if day.year > context.today.year + _REACH_YEARS:
        raise ImpossibleDate(
            f"{what} {spoken(day)} lies more than {_REACH_YEARS} years ahead of today, "
            f"{spoken(context.today)}. Check the year."
        )
