"""Begins another life of a store, and holds what the one before may have sent already."""

from dataclasses import dataclass
from datetime import datetime
from uuid import NAMESPACE_URL, uuid5

from activities.mailing.overviews import to_go
from activities.record import Record
from domain.envelope import Envelope
from domain.policy.calendar import WorkingDays, local_date
from domain.reminders.notices import UNKNOWN_FATE, HoldUnknown
from store.context import overview_rules
from store.database import Connection, listed, queries
from store.documents import program

_HELD = uuid5(NAMESPACE_URL, "tag:handrail,2026:held")


@dataclass(frozen=True)
class Held:
    """A reminder that is not sent, because the life before may have sent it."""

    stream: str
    item: str
    step: str
    planned_for: datetime


async def begin_again(
    connection: Connection,
    record: Record,
    *,
    why: str,
    practice: bool,
    since: datetime | None,
    now: datetime,
) -> list[Held]:
    """Begin a life in which nothing is sent that the one before may have sent after an instant.

    To be called in a transaction: whoever works in the new life meets everything held already.

    Args:
        since: The last moment that this store knows of; None where nothing may have been sent that
            it does not know of.
        now: By the store's own kind of clock.
    """
    epoch = await queries.begin_epoch(connection, why=why, practice=practice, unknown_since=since)
    if since is None:
        return []
    held = []
    for row in await listed(queries.streams_of_unknown_fate(connection, since=since, until=now)):
        command = HoldUnknown(of=row["stream"], since=since, until=now)
        receipt = await record.answer_in(
            connection,
            Envelope.by_system(command, uuid5(_HELD, f"{epoch}/{row['stream']}"), now),
        )
        if receipt.outcome != "recorded":
            raise RuntimeError(f"{row['stream']}: {receipt.message}")
        held += [
            Held(row["stream"], n["item"], n["step"], n["planned_for"])
            for n in await listed(
                queries.notices_held(
                    connection, stream=row["stream"], reason=UNKNOWN_FATE, since=since
                )
            )
        ]
    await queries.drop_unfinished_mails(connection, detail=UNKNOWN_FATE, at=now)
    await _hold_overviews(connection, since, now)
    return held


async def _hold_overviews(connection: Connection, since: datetime, now: datetime) -> None:
    """Overviews of a week or month whose day came meanwhile are over: the next one says more."""
    settings = await program(connection)
    if settings is None:
        return
    days = WorkingDays(settings.calendar)
    for rules in await overview_rules(connection, settings):
        if rules.opening(now, days, settings.zone) < since:
            continue
        period = rules.period(local_date(now, settings.zone))
        for person in await to_go(connection, rules, settings, now):
            await queries.overview_is_empty(
                connection, person=person, overview=rules.id, period=period
            )
