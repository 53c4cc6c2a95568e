"""What the overview of a week or a month says, and who reads it: from the read models alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from math import ceil
from typing import Any

from temporalio.client import Client

from activities.dispatch import start_digest
from activities.mail.digest import Overview, OverviewLine
from activities.names import DigestRun
from activities.naming import mentions, with_names
from domain.kernel.wording import dollars
from domain.owing.items import heading
from domain.policy.calendar import WorkingDays, at_local, local_date, spoken
from domain.policy.overviews import OverviewRules
from domain.reminders.bounces import item_of
from domain.rules.context import PersonEntry, ProgramEntry
from domain.streams import DIGEST
from store.context import mail_opening, overview_rules, people
from store.database import Connection, listed, queries
from store.documents import program


@dataclass(frozen=True, slots=True)
class Overseen:
    """One overview that a person has still to get for its week or month."""

    rules: OverviewRules
    period: str
    sections: tuple[Overview, ...]
    whose: str
    """Whose engagements it looks over: the reader's own, or those of whom no mail reaches."""
    people: Mapping[str, PersonEntry] = field(default_factory=dict)
    """Whoever it may name."""


async def readers(
    connection: Connection, role: str, today: date, person: str | None = None
) -> dict[str, str]:
    """Whoever holds a role, each with who reads their overview.

    That is the holder, or else their fallback contact, or that one's; whoever has none that a mail
    reaches is left out, and their overview waits for the right address.

    Args:
        person: Only the overviews that this person reads; everybody's if left out.
    """
    rows = await listed(
        queries.overview_people_of(connection, role=role, person=person)
        if person
        else queries.overview_people(connection, role=role)
    )
    holders = [row["person"] for row in rows]
    directory = await people(connection, set(holders))
    while behind := {p.fallback for p in directory.values() if p.fallback} - directory.keys():
        directory |= await people(connection, behind)
    dead = {row["item"] for row in await listed(queries.dead_addresses(connection))}
    found = {}
    for holder in holders:
        tried: set[str] = set()
        reader: str | None = holder
        while reader and reader not in tried:
            tried.add(reader)
            entry = directory[reader]
            if entry.email and not entry.has_left(today) and item_of(reader) not in dead:
                found[holder] = reader
                break
            reader = entry.fallback
    return {h: r for h, r in found.items() if person in (None, r)}


async def to_go(
    connection: Connection, rules: OverviewRules, settings: ProgramEntry, now: datetime
) -> frozenset[str]:
    """Whose overview of this week or month has still to go, once its day has come.

    Who is to have it is settled when that is first asked, on its day or after an outage: whoever
    takes a role later in the week has none before the next, and one that had nothing to point at
    is over.
    """
    days, today = WorkingDays(settings.calendar), local_date(now, settings.zone)
    day, period = rules.day(today, days), rules.period(today)
    if day is None or today < day:
        return frozenset()
    if not await queries.overview_had_its_day(connection, overview=rules.id, period=period):
        moment = at_local(day, rules.at, settings.zone)
        await queries.add_overviews(
            connection, overview=rules.id, period=period, role=rules.to, by=min(moment, now)
        )
    rows = await listed(queries.overviews_to_go(connection, overview=rules.id, period=period))
    return frozenset(row["person"] for row in rows)


async def still_to_send(
    connection: Connection, person: str, settings: ProgramEntry, now: datetime
) -> list[Overseen]:
    """The overviews whose day has come, which this person reads and has not had.

    One without anything to point at is over with that: what is recorded later is for the next.
    """
    found = []
    today = local_date(now, settings.zone)
    for rules in await overview_rules(connection, settings):
        period = rules.period(today)
        whose_to_go = await to_go(connection, rules, settings, now)
        for whose in await readers(connection, rules.to, today, person):
            if whose not in whose_to_go:
                continue
            sections, named = await _sections(
                connection, whose, rules, settings, now, reader=person
            )
            if not sections:
                await queries.overview_is_empty(
                    connection, person=whose, overview=rules.id, period=period
                )
                continue
            if whose != person:
                named |= await people(connection, {whose})
                name = named[whose].name
                sections = tuple(
                    s.model_copy(update={"title": f"{s.title}: {name}, whom mail does not reach"})
                    for s in sections
                )
            found.append(Overseen(rules, period, sections, whose, named))
    return found


async def pass_on(
    connection: Connection, client: Client, row: Any, now: datetime, *, current: bool
) -> None:
    """Have the overviews of a mail that came back sent to whoever reads them now.

    They go into that reader's next mail, at the latest one of the next working day.  Where the
    address is not known to be dead they stay: sent there again, they would come back again.

    Args:
        row: The mail that came back.
        current: Whether the address it went to is still the person's.
    """
    settings = await program(connection)
    assert settings is not None
    today = local_date(now, settings.zone)
    dead = {r["item"] for r in await listed(queries.dead_addresses(connection))}
    if current and item_of(row["person"]) not in dead:
        return
    roles = {rules.id: rules.to for rules in await overview_rules(connection, settings)}
    async with connection.transaction():
        for lost in await listed(queries.forget_overviews(connection, mail=row["id"])):
            read_by = await readers(connection, roles.get(lost["overview"], ""), today)
            if reader := read_by.get(lost["person"]):
                await _start_next(connection, client, reader, settings, now)


async def _start_next(
    connection: Connection, client: Client, person: str, settings: ProgramEntry, now: datetime
) -> None:
    """Start somebody's mail of today, or of their next working day if they had today's."""
    today = local_date(now, settings.zone)
    rows = await listed(queries.mailed_since(connection, since=today, kind=DIGEST))
    tomorrow = at_local(today + timedelta(days=1), time(0), settings.zone)
    had = person in {row["person"] for row in rows}
    opening = await mail_opening(connection, person, settings, tomorrow if had else now)
    waits = ceil((opening - now).total_seconds())
    await start_digest(
        client,
        DigestRun(
            person=person,
            on=local_date(opening, settings.zone),
            gathering_seconds=waits + settings.gathering_seconds,
        ),
    )


async def _sections(
    connection: Connection,
    person: str,
    rules: OverviewRules,
    settings: ProgramEntry,
    now: datetime,
    *,
    reader: str,
) -> tuple[tuple[Overview, ...], dict[str, PersonEntry]]:
    """What an overview says, and everybody it may name."""
    today = local_date(now, settings.zone)
    whose = {"person": person, "role": rules.to}
    owed = await listed(
        queries.overview_owed(connection, until=today + timedelta(days=rules.ahead_days), **whose)
    )
    quiet = await listed(
        queries.overview_quiet(connection, since=now - timedelta(days=rules.quiet_days), **whose)
    )
    risky = await listed(queries.overview_at_risk(connection, levels=list(rules.at_risk), **whose))
    expiring = (
        await listed(
            queries.expiring(
                connection, today=today, by=today + timedelta(days=rules.expiring_days)
            )
        )
        if rules.expiring_days
        else []
    )
    back = now - timedelta(days=7 if rules.every == "week" else 31)
    bounced = await listed(queries.overview_bounced(connection, since=back, **whose))
    mentioned = {who for row in owed for who in mentions(row["title"])}
    mentioned |= {row["person"] for row in (*owed, *bounced) if row["person"]}
    names = await people(connection, mentioned)

    def told(instant: datetime) -> str:
        return spoken(local_date(instant, settings.zone))

    def owing(row: Any) -> OverviewLine:
        what = with_names(heading(row["item"], row["title"]), names)
        holder = names.get(row["person"])
        whose = holder.name if holder else f"the {row['owner'].replace('_', ' ')}"
        whose = "you" if row["person"] == reader else whose
        return _line(row, f"{what}, due {spoken(row['due'])}, with {whose}")

    sections = [
        _section("Overdue", [owing(row) for row in owed if row["due"] < today], rules, late=True),
        _section(
            "Due by tomorrow"
            if rules.ahead_days == 1
            else f"Due in the next {rules.ahead_days} days",
            [owing(row) for row in owed if row["due"] >= today],
            rules,
        ),
        _section(
            "At risk",
            [_line(row, _at_risk(row, rules)) for row in risky],
            rules,
            late=True,
        ),
        _section(
            "Quiet",
            [_line(row, f"nothing was recorded since {told(row['at'])}") for row in quiet],
            rules,
        ),
        _section(
            "Mail that came back",
            [
                _line(
                    row,
                    f"mail to {names[row['person']].name} came back on {told(row['at'])}",
                    f"handrail ledger {row['id']}",
                )
                for row in bounced
            ],
            rules,
            late=True,
        ),
        _section(
            "Money to commit",
            [
                OverviewLine(
                    lea_name=row["source"],
                    text=f"{dollars(row['amount'] - row['invested'])} of {dollars(row['amount'])} "
                    f"left, to commit by {spoken(row['until'])}",
                    command=f"handrail appropriation show {row['id']}",
                    illustrative=row["illustrative"],
                )
                for row in expiring
            ],
            rules,
        ),
    ]
    told_once = tuple(_each_told_once(section for section in sections if section is not None))
    return told_once, names


def _each_told_once(sections: Iterable[Overview]) -> Iterable[Overview]:
    """The sections with the command that shows an engagement only where it first comes up."""
    seen: set[str | None] = set()
    for section in sections:
        lines = []
        for line in section.lines:
            known = line.command in seen
            seen.add(line.command)
            lines.append(line.model_copy(update={"command": None}) if known else line)
        yield section.model_copy(update={"lines": tuple(lines)})


def _at_risk(row: Any, rules: OverviewRules) -> str:
    risk = f"risk {row['risk']}" if row["risk"] in rules.at_risk else None
    held = f"on hold since {spoken(row['held_since'])}" if row["held_since"] else None
    return " and ".join(filter(None, (risk, held)))


def _line(row: Any, text: str, command: str | None = None) -> OverviewLine:
    return OverviewLine(
        lea_name=row["lea_name"],
        text=text,
        command=command or f"handrail engagement show {row['id']}",
        illustrative=row["illustrative"],
    )


def _section(
    title: str, lines: Sequence[OverviewLine], rules: OverviewRules, *, late: bool = False
) -> Overview | None:
    if not lines:
        return None
    return Overview(
        title=title,
        late=late,
        lines=tuple(lines[: rules.lines]),
        more=max(0, len(lines) - rules.lines),
    )
