"""What the overview of a week or a month says: read from the read models, nothing recorded."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from activities.mail.digest import Overview, OverviewLine
from activities.naming import mentions, with_names
from domain.calendar import WorkingDays, local_date, spoken
from domain.context import ProgramEntry
from domain.overviews import OverviewRules
from store.context import overview_rules, people
from store.database import Connection, listed, queries


@dataclass(frozen=True, slots=True)
class Overseen:
    """One overview that a person has still to get for its week or month."""

    rules: OverviewRules
    period: str
    sections: tuple[Overview, ...]


async def still_to_send(
    connection: Connection, person: str, settings: ProgramEntry, now: datetime
) -> list[Overseen]:
    """The overviews whose moment has come and which this person has not had.

    One without anything to point at is left out; it may have something before its week is over.
    """
    found = []
    for rules in await overview_rules(connection, settings):
        if not rules.is_open(now, WorkingDays(settings.calendar), settings.zone):
            continue
        period = rules.period(local_date(now, settings.zone))
        if await queries.overview_sent(connection, person=person, overview=rules.id, period=period):
            continue
        if sections := await _sections(connection, person, rules, settings, now):
            found.append(Overseen(rules, period, sections))
    return found


async def _sections(
    connection: Connection, person: str, rules: OverviewRules, settings: ProgramEntry, now: datetime
) -> tuple[Overview, ...]:
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
        what = row["title"] if "/" in row["item"] else f"{row['item']} {row['title']}"
        what = with_names(what, names)
        holder = names.get(row["person"])
        whose = holder.name if holder else f"the {row['owner'].replace('_', ' ')}"
        return _line(row, f"{what}, due {spoken(row['due'])}, with {whose}")

    sections = [
        _section("Overdue", [owing(row) for row in owed if row["due"] < today], rules),
        _section(
            f"Due in the next {rules.ahead_days} days",
            [owing(row) for row in owed if row["due"] >= today],
            rules,
        ),
        _section(
            "At risk",
            [_line(row, _at_risk(row, rules)) for row in risky],
            rules,
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
        ),
        _section(
            "Money to commit",
            [
                OverviewLine(
                    lea_name=row["source"],
                    text=f"${row['amount'] - row['invested']:,.2f} of ${row['amount']:,.2f} left, "
                    f"to commit by {spoken(row['until'])}",
                    command=f"handrail appropriation show {row['id']}",
                    illustrative=row["illustrative"],
                )
                for row in expiring
            ],
            rules,
        ),
    ]
    return tuple(_each_told_once(section for section in sections if section is not None))


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


def _section(title: str, lines: Sequence[OverviewLine], rules: OverviewRules) -> Overview | None:
    if not lines:
        return None
    return Overview(
        title=title, lines=tuple(lines[: rules.lines]), more=max(0, len(lines) - rules.lines)
    )
