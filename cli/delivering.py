"""The question about many deliverables: where each of them is, and with whom."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from cli.asking import Json, Names, counted, engagement_named, person_named, run
from cli.output import emit_json, emit_table
from cli.reading import AsKnown, AsTrue, _day, _distance, _zone, end_of, not_to_come
from cli.verbs import Parameter
from domain.deliverables.terms import Status
from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.kernel.refusals import Unknown
from domain.outlook.whereabouts import ACTS, whereabouts
from domain.owing.obligations import Side
from domain.policy.calendar import local_date, spoken

if TYPE_CHECKING:
    from bootstrap.door import Door

Switch = Annotated[bool, Parameter(negative="", show_default=False)]
SIDES = {"agency": "the agency", "lea": "the LEA"}


def deliverable_list(
    engagement: str | None = None,
    /,
    *,
    status: Status | None = None,
    side: Side | None = None,
    overdue: Switch = False,
    lead: str | None = None,
    as_known: AsKnown = None,
    as_true: AsTrue = None,
    json_: Json = False,
) -> None:
    """Show deliverables: how each stands, when it is due, and with whom it is now.

    Args:
        engagement: Only this engagement's; all of them if left out.
        status: Only those that stand so, for example agreed.
        side: Only those that wait for this side now, for a signature included.
        overdue: Only those that were to be handed in by now and are not; what is on hold is not.
        lead: Only those of engagements that this person leads.
        as_known: Only what had been entered by the end of this day (YYYY-MM-DD).
        as_true: Only what had come true by the end of this day (YYYY-MM-DD).
        json_: One JSON object a line.
    """
    known, true = _day(as_known, "--as-known"), _day(as_true, "--as-true")

    async def work(door: "Door") -> tuple[list[dict[str, Any]], Names, date]:
        zone = await _zone(door)
        await not_to_come(door, zone, known, true)
        today = min(d for d in (known, true, local_date(await door.now(), zone.key)) if d)
        only = await engagement_named(door, engagement) if engagement is not None else None
        leads = (await person_named(door, lead)).id if lead is not None else None
        if known or true:
            rows = await _then(door, only, known, true, today)
        else:
            rows = await _now(door, only, today)
        rows = [
            row
            for row in rows
            if status in (None, row["status"])
            and (side is None or side in row["waits_on"])
            and (row["overdue"] or not overdue)
            and leads in (None, row["lead"])
        ]
        names = Names(door, known)
        await names.learn(*(row["lead"] for row in rows))
        return rows, names, today

    rows, names, today = run(work)
    if json_:
        for row in rows:
            emit_json({**row, "lead": names.handle(row["lead"])})
        return
    then = f", as known on {spoken(known)}" if known else ""
    then += f", as true on {spoken(true)}" if true else ""
    emit_table(
        f"{counted(len(rows), 'deliverable')} as of {spoken(today)}{then}",
        ("Engagement", "Id", "Title", "Status", "Due", "In", "Waits for", "Lead"),
        [
            (
                row["engagement"] + (" *" if row["illustrative"] else ""),
                row["deliverable"],
                row["title"],
                row["status"],
                *_when(row, today),
                _whom(row),
                names.now(row["lead"], today),
            )
            for row in rows
        ],
        empty="Propose one: handrail deliverable propose --help"
        if not (status or side or overdue or lead)
        else "Leave out an option to see more.",
    )
    if any(row["illustrative"] for row in rows):
        print("* illustrative: dates and deliverables are invented, not facts about the LEA.")


async def _now(door: "Door", only: str | None, today: date) -> list[dict[str, Any]]:
    from store.database import listed, queries

    async with door.pool.acquire() as connection:
        rows = await listed(queries.deliverables(connection, engagement=only, today=today))
    return [dict(row) for row in rows]


async def _then(
    door: "Door", only: str | None, known: date | None, true: date | None, today: date
) -> list[dict[str, Any]]:
    """The same from the events, of each engagement that was open by then."""
    from cli.showing import read_state
    from store.portfolio import states

    zone = await _zone(door)
    found: list[dict[str, Any]] = []

    def add(state: State) -> None:
        engagement = state.of(Engagement)
        found.extend(
            {
                "engagement": state.id,
                "lea_name": engagement.lea_name,
                "lead": engagement.roles.get("lead"),
                **asdict(d),
                "overdue": d.overdue(today),
            }
            for d in whereabouts(state)
        )

    if only is not None:
        state = await read_state(door, only, known, true, zone)
        if state.of(Engagement).phase is None:
            raise Unknown(f"{only} was not open yet on that day. Ask for a later one.")
        add(state)
    else:
        async with door.pool.acquire() as connection:
            async for state in states(
                connection,
                zone=zone.key,
                known_by=end_of(known, zone) if known else None,
                true_by=end_of(true, zone) if true else None,
                left_out=door.left_out,
            ):
                add(state)
    return sorted(found, key=lambda row: row["lea_name"])


def _when(row: dict[str, Any], today: date) -> tuple[str, str]:
    if row["due"] is None:
        asked = row["proposed_due"]
        return (f"{spoken(asked)} if signed" if asked else "–"), ""
    if row["held"]:
        return spoken(row["due"]), "held"
    owed = row["status"] == "agreed" and row["waits_on"]
    return spoken(row["due"]), _distance(row["due"], today) if owed else ""


def _whom(row: dict[str, Any]) -> str:
    """Who has something to do, and whether it is to sign."""

    def together(sides: Iterable[str]) -> str:
        return " and ".join(SIDES[side] for side in sides)

    acting = [s for s in row["waits_on"] if s == ACTS.get(row["status"])]
    told = [together(acting)] if acting else []
    told += [f"signature of {together(row['unsigned'])}"] if row["unsigned"] else []
    return "; ".join(told) or "–"
