"""Dates as calendar entries: each under one identity for ever, moved or taken back later.

A calendar program knows an entry by its UID and believes the highest SEQUENCE, and of one SEQUENCE
the latest DTSTAMP.  The UID is the stream's and the item's; the sequence grows with every round of
the date, so that whoever opens a later mail sees the date move instead of a second entry.

That is how programs treat what is *sent* to somebody (RFC 5546): METHOD:REQUEST with the reader as
attendee, and CANCEL to take it away.  What is published to nobody in particular they take in as it
is, and a file of several entries as a calendar of its own; so a mail has one file for each date.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal

from icalendar import Calendar, Event, vCalAddress

from activities.mail.addresses import Mailbox
from domain.owing.items import parts
from domain.streams import aggregate_of, id_of

Method = Literal["PUBLISH", "REQUEST", "CANCEL"]

_PRODUCT = "-//Handrail//Dates//EN"
_REFRESH = timedelta(hours=1)
"""How often a program should fetch a calendar that it subscribed to."""


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


def uid(stream: str, item: str, domain: str) -> str:
    """The identity of an item's date, in every mail and every feed."""
    kind, name = aggregate_of(stream), id_of(stream)
    of = name if kind == "engagement" else f"{name}.{kind}"
    return f"{of}.{'.'.join(parts(item))}@{domain}"


def sent(
    entry: Entry, *, stamped: datetime, organizer: Mailbox, reader: Mailbox, cancelled: bool = False
) -> bytes:
    """The file that puts a date into the reader's calendar, moves it or takes it away.

    Args:
        stamped: When it was made, aware; later than that of any file sent before.
        organizer: Whose date it is: the sender of the mail.
        reader: To whom it is sent; no answer is asked for.
    """
    made = _calendar("CANCEL" if cancelled else "REQUEST")
    made.add_component(_event(entry, stamped, organizer, reader=reader, cancelled=cancelled))
    return bytes(made.to_ical())


def published(
    entries: Iterable[Entry], *, stamped: datetime, organizer: Mailbox, name: str
) -> bytes:
    """A calendar to subscribe to or to open once, the same bytes for the same entries.

    Args:
        name: What the calendar is called.
    """
    made = _calendar("PUBLISH")
    for key in ("name", "x-wr-calname"):
        made.add(key, name)
    made.add("refresh-interval", _REFRESH, parameters={"value": "DURATION"})
    made.add("x-published-ttl", _REFRESH)
    for entry in entries:
        made.add_component(_event(entry, stamped, organizer))
    return bytes(made.to_ical())


def _calendar(method: Method) -> Calendar:
    made = Calendar()
    made.add("prodid", _PRODUCT)
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("method", method)
    return made


def _event(
    entry: Entry,
    stamped: datetime,
    organizer: Mailbox,
    *,
    reader: Mailbox | None = None,
    cancelled: bool = False,
) -> Event:
    event = Event()
    event.add("uid", entry.uid)
    event.add("dtstamp", stamped)
    # Taking a date back is one step after the round that set it.
    event.add("sequence", 2 * entry.round + (1 if cancelled else 0))
    event.add("summary", entry.summary)
    if entry.at is None:
        event.add("dtstart", entry.day)
        event.add("dtend", entry.day + timedelta(days=1))
        event.add("x-microsoft-cdo-alldayevent", "TRUE")
    else:
        event.add("dtstart", entry.at)  # without an end it takes no time
    if entry.description:
        event.add("description", entry.description)
    event.add("organizer", _party(organizer))
    if reader is not None:
        party = _party(reader)
        for name, value in (
            ("cutype", "INDIVIDUAL"),
            ("role", "REQ-PARTICIPANT"),
            ("partstat", "NEEDS-ACTION"),
            ("rsvp", "FALSE"),
        ):
            party.params[name] = value
        event.add("attendee", party)
    # A date blocks nobody: Outlook has words of its own for that.
    event.add("transp", "TRANSPARENT")
    event.add("x-microsoft-cdo-busystatus", "FREE")
    event.add("x-microsoft-cdo-intendedstatus", "FREE")
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    return event


def _party(mailbox: Mailbox) -> vCalAddress:
    party = vCalAddress(f"mailto:{mailbox.address}")
    if mailbox.name:
        # Quotes cannot stand in a parameter (RFC 5545 3.1).
        party.params["cn"] = mailbox.name.replace('"', "'")
    return party
