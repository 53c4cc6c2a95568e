"""A playbook or calendar, tried on every day of a year before anybody depends on it."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, time, timedelta
from functools import lru_cache

from domain.kernel.bounds import Written
from domain.kernel.refusals import Unworkable
from domain.policy.calendar import (
    CalendarPack,
    Closure,
    Keeper,
    WorkingDays,
    add_months,
    at_local,
    endless_rest,
    spoken,
)
from domain.policy.playbook import Playbook

_YEAR = 366
_TIMES = (time(0), time(12), time(23, 59))


def try_calendar(
    pack: CalendarPack, today: date, recesses: Mapping[str, Iterable[Closure]] | None = None
) -> None:
    """Refuse a calendar on which nobody works any more, alone or with an LEA's recess.

    Args:
        pack: The calendar.
        today: A year from the first day of this day's year is tried, and what lies around every
            closure and recess.
        recesses: Of each LEA, by its id.

    Raises:
        Unworkable: There is a rest that no recess lasts.
    """
    what = f"The calendar {pack.id}@{pack.version}"
    _rests(pack, pack.closures, today, what)
    _rests(pack, pack.closures, today, f"{what} at an LEA", pack.leas_keep)
    for lea, recess in (recesses or {}).items():
        coming = [c for c in recess if c.last >= today]
        if coming:
            with_recess = f"{what} with the recess of {lea}"
            _rests(pack, (*pack.closures, *coming), today, with_recess, pack.leas_keep)
    for statute in pack.statute_dates:
        for year in range(today.year, today.year + 5):
            statute.on(year)


def _rests(
    pack: CalendarPack,
    closures: Iterable[Closure],
    today: date,
    what: str,
    keeper: Keeper | None = None,
) -> None:
    if day := endless_rest(pack, closures, today.year, keeper):
        raise Unworkable(
            f"{what} leaves no working day within a year of {spoken(day)}. Nothing could fall due, "
            f"and nobody could be reminded. Correct the holidays and closures of the file."
        )


def try_playbook(playbook: Playbook, pack: CalendarPack, zone: str, today: date) -> None:
    """Refuse a playbook of which a rule fails on some day of this year.

    Raises:
        Unworkable: A reminder, an overview or a period cannot be reckoned, or is never sent.
    """
    problem = _problem(playbook.model_dump_json(), pack.model_dump_json(), zone, today.year)
    if problem is not None:
        raise Unworkable(f"The playbook {playbook.ref} cannot be followed: {problem}")


@lru_cache(maxsize=8)
def _problem(playbook_json: str, pack_json: str, zone: str, year: int) -> str | None:
    """What fails in a playbook, in a sentence; kept, because a trial takes a while."""
    playbook = Playbook.model_validate_json(playbook_json)
    days = WorkingDays(CalendarPack.model_validate_json(pack_json))
    year_of_days = [date(year, 1, 1) + timedelta(days=n) for n in range(_YEAR)]
    try:
        for policy in playbook.policies:
            sent: set[str] = set()
            for day in year_of_days:
                with _said(f"policy {policy.id!r}, for what is due on {spoken(day)}"):
                    sent |= {step.id for step, _ in policy.moments(day, days, zone)}
                    policy.next_morning(at_local(day, policy.at, zone), days, zone)
                    for at in _TIMES:
                        policy.opening(at_local(day, at, zone), days, zone)
            if never := [step.id for step in policy.steps if step.id not in sent]:
                return (
                    f"policy {policy.id!r} never sends its step {', '.join(never)}, because one "
                    f"after it falls on the same day or before. Correct the order of the steps, or "
                    f"leave it out."
                )
        for rule in playbook.overviews:
            for day in year_of_days:
                with _said(f"overview {rule.id!r}, after {spoken(day)}"):
                    rule.next_moment(at_local(day, time(0), zone), days, zone)
        for place, number in _numbers(playbook, ""):
            for day in year_of_days:
                with _said(f"{place}: {number}, counted from {spoken(day)}"):
                    if place.endswith("working_days"):
                        days.add(day, number)
                        days.add(day, -number)
                    elif place.endswith("months"):
                        add_months(day, number)
                    elif place.endswith("days"):
                        days.forward(day + timedelta(days=number))
    except _FailsError as problem:
        return str(problem)
    return None


class _FailsError(Exception):
    """Something cannot be reckoned; the message says what, and on which day."""


@contextmanager
def _said(what: str) -> Iterator[None]:
    try:
        yield
    except (ValueError, OverflowError) as problem:
        raise _FailsError(f"{what}: {problem}. Correct it in the file.") from problem


def _numbers(part: Written, place: str) -> Iterator[tuple[str, int]]:
    """Every whole number of a playbook with its place."""
    for name in type(part).model_fields:
        value = getattr(part, name)
        where = f"{place}.{name}".removeprefix(".")
        if isinstance(value, Written):
            yield from _numbers(value, where)
        elif isinstance(value, int) and not isinstance(value, bool):
            yield where, value
