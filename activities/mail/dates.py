"""The calendar files of a mail: each date under one identity for ever, moved or taken back later.

A calendar program knows an entry by its UID and believes the highest SEQUENCE.  The UID is the
stream's and the item's; the sequence grows with every round of the date, so that whoever opens
a later mail sees the date move instead of a second entry.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from icalendar import Calendar, Event

Method = Literal["PUBLISH", "CANCEL"]

_PRODUCT = "-//Handrail//Dates//EN"


@dataclass(frozen=True, slots=True)
class Entry:
    """One date as a calendar shows it."""

    uid: str
    round: int
    """Of the date: 1 for the first agreed one, one more for each that replaces it."""
    summary: str
    day: date
    at: datetime | None = None
    """The instant, where it is due at an hour."""
    description: str = ""
    cancelled: bool = False


def uid(stream: str, item: str, domain: str) -> str:
    """The identity of an item's date, in every mail and every feed."""
    kind, _, name = stream.partition(":")
    of = name if kind == "engagement" else f"{name}.{kind}"
    return f"{of}.{item.replace('/', '.')}@{domain}"


def calendar(
    entries: Iterable[Entry], *, stamped: datetime, method: Method, name: str | None = None
) -> bytes:
    """A calendar file (RFC 5545), the same bytes for the same entries.

    Args:
        entries: What stands in it; a day without an hour is a whole day that blocks nobody.
        stamped: When it was made, aware.
        method: PUBLISH for dates that stand or move, CANCEL for those that are taken back.
        name: What a subscribed calendar is called.
    """
    made = Calendar()
    made.add("prodid", _PRODUCT)
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("method", method)
    if name:
        made.add("x-wr-calname", name)
    for entry in entries:
        made.add_component(_event(entry, stamped, cancelled=method == "CANCEL" or entry.cancelled))
    return bytes(made.to_ical())


def _event(entry: Entry, stamped: datetime, *, cancelled: bool) -> Event:
    event = Event()
    event.add("uid", entry.uid)
    event.add("dtstamp", stamped)
    # Taking a date back is one step after the round that set it.
    event.add("sequence", 2 * entry.round + (1 if cancelled else 0))
    event.add("summary", entry.summary)
    if entry.at is None:
        event.add("dtstart", entry.day)
        event.add("dtend", entry.day + timedelta(days=1))
    else:
        event.add("dtstart", entry.at)  # without an end it takes no time
    if entry.description:
        event.add("description", entry.description)
    event.add("transp", "TRANSPARENT")
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    return event
