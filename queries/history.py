"""Everything that happened, or what of it somebody looks for, and what was put right since."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from domain.kernel.messages import Recorded
from domain.kernel.refusals import Unknown, did_you_mean
from domain.kernel.wording import texts
from domain.mending import EntryMended
from domain.owing.items import root
from domain.reminders.notices import (
    NOTICE_EVENTS,
    NoticesDelivered,
    NoticesSuppressed,
    RecipientsAdded,
    RecipientsDropped,
)
from domain.rules.index import EVENTS_IN
from queries.clocks import zone_of
from queries.names import Names
from queries.refs import person_named, stream_named
from queries.seen import read_history
from queries.source import Source


@dataclass(frozen=True)
class Wanted:
    """What somebody looks for; all of it together."""

    item: str | None = None
    """An item, with what hangs on it."""
    person: str | None = None
    """Who did it, or whom it names, by id."""
    subject: str | None = None
    kind: str | None = None
    """The type of an event."""
    first: date | None = None
    last: date | None = None
    text: str | None = None


def subjects() -> list[str]:
    """The subjects that an event may be of."""
    return sorted({place.partition(".")[0] for place in EVENTS_IN.values()})


async def wanted_of(source: Source, wanted: Wanted) -> Wanted:
    """What is looked for, with its person by id.

    Raises:
        Unknown: There is no such person, subject or type of event.
    """
    for value, known, what in (
        (wanted.subject, subjects(), "subject"),
        (wanted.kind, [*EVENTS_IN], "type of event"),
    ):
        if value is not None and value not in known:
            raise Unknown(
                f"{value!r} is no {what}. {did_you_mean(value, known)}"
                + (f"Name one of {', '.join(known)}." if len(known) < 40 else "See --json.")
            )
    if wanted.person is None:
        return wanted
    person = await person_named(source, wanted.person)
    return Wanted(**{**vars(wanted), "person": person.id})


def looked_for(
    recorded: Iterable[Recorded], wanted: Wanted, names: Names, zone: ZoneInfo, *, true: bool
) -> Iterator[Recorded]:
    """What of a history somebody looks for."""
    for r in recorded:
        said = [*texts(r.event.model_dump(mode="json"))]
        on = moment(r, true=true).astimezone(zone).date()
        if (
            (wanted.subject is None or EVENTS_IN[r.event.type].startswith(f"{wanted.subject}."))
            and wanted.kind in (None, r.event.type)
            and (wanted.first is None or on >= wanted.first)
            and (wanted.last is None or on <= wanted.last)
            and (wanted.item is None or any(_is_of(t, wanted.item) for t in said))
            and (wanted.person is None or wanted.person in (r.stamp.actor, *said))
            and (
                wanted.text is None
                or wanted.text.casefold() in names.told(r.event.sentence()).casefold()
            )
        ):
            yield r


def _is_of(text: str, item: str) -> bool:
    wanted = item.casefold()
    return wanted in (text.casefold(), root(text).casefold())


def moment(recorded: Recorded, *, true: bool) -> datetime:
    """When it was entered, or when it came true."""
    return recorded.stamp.effective_at if true else recorded.stamp.recorded_at


def traffic(recorded: Iterable[Recorded]) -> str | None:
    """What became of reminders, in a few words; None where nothing did."""
    counts: Counter[str] = Counter()
    for r in recorded:
        if isinstance(r.event, NoticesDelivered):
            counts["sent" if r.event.outcome == "sent" else "came back"] += len(r.event.notices)
        elif isinstance(r.event, NoticesSuppressed):
            counts["not needed"] += len(r.event.notices)
    told = [
        f"{counts[what]} {what}" for what in ("sent", "came back", "not needed") if counts[what]
    ]
    return ", ".join(told) or None


def is_traffic(recorded: Recorded) -> bool:
    """Whether it only says what became of reminders, and not that somebody else gets them."""
    passed_on = (RecipientsAdded, RecipientsDropped)
    return isinstance(recorded.event, NOTICE_EVENTS) and not isinstance(recorded.event, passed_on)


def mended_since(recorded: Sequence[Recorded]) -> dict[int, tuple[int, str]]:
    """Each version that something else stands for now: the entry that mended it, and how."""
    if not any(r.event.mends() for r in recorded):
        return {}

    return {
        instead.version: (r.stamp.version, "corrected" if r.event.says else "taken back")
        for r in recorded
        if isinstance(r.event, EntryMended)
        for instead in r.event.instead
    }


async def history_of(
    source: Source, name: str, known: date | None, true: date | None
) -> tuple[list[Recorded], Names, ZoneInfo]:
    """Everything that happened on a stream; people by id.

    Args:
        name: An engagement's id, or a whole stream.
    """
    zone = await zone_of(source)
    stream = await stream_named(source, name)
    recorded = await read_history(source, stream, known, true, zone, as_recorded=True)
    names = Names(source, known)
    await names.learn(*(r.stamp.actor for r in recorded), *(r.event.sentence() for r in recorded))
    return recorded, names, zone
