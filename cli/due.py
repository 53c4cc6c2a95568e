"""The question what is owed."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

from cli.roles import told
from cli.terminal.dates import distance
from cli.terminal.output import REFUSED, emit_json, emit_table, fail
from cli.terminal.session import ByPerson, Json, run
from cli.verbs import Parameter, Verbs
from domain.kernel.wording import spoken
from queries.names import Names
from queries.roles import Absent

if TYPE_CHECKING:
    pass


FARTHEST = 3660
"""Days: ten years, longer than anything is owed ahead."""


def register(app: Verbs) -> None:
    """Add the question."""
    app.command(due)


def due(
    *,
    engagement: str | None = None,
    person: ByPerson = None,
    within: Annotated[int | None, Parameter(name="--within")] = None,
    json_: Json = False,
) -> None:
    """Show what is owed across all engagements and appropriations, soonest first.

    Args:
        engagement: Only this engagement.
        person: Only what this person owes.
        within: Only what is due within so many days.
        json_: One JSON object a line.
    """
    from queries.due import as_data, away_from, owed

    if within is not None and not 0 <= within <= FARTHEST:
        fail(f"--within {within} cannot be: give a number from 0 to {FARTHEST}.", REFUSED)

    rows, away, names, today = run(lambda door: owed(door, engagement, person, within))
    if json_:
        for r in rows:
            emit_json(as_data(r, away, names))
        return
    emit_table(
        f"Owed as of {spoken(today)}",
        ("Due", "In", "Engagement", "Item", "What", "Who"),
        [
            (
                spoken(r["due"]) if r["due"] else "no date",
                "held" if r["held"] else distance(r["due"], today),
                (r["engagement"] or f"appropriation:{r['appropriation']}")
                + (" *" if r["illustrative"] else ""),
                names.told(r["item"]),
                names.told(r["title"])
                + (f" ({r['held']})" if r["held"] else "")
                + _snoozed(r, today),
                _owing(r, away_from(away, r), names),
            )
            for r in rows
        ],
        empty="Nothing is owed by these terms.",
    )
    if any(r["illustrative"] for r in rows):
        print("* illustrative: dates and deliverables are invented, not facts about the LEA.")


def _owing(row: Any, absent: Absent | None, names: Names) -> str:
    role = row["owner"].replace("_", " ")
    if row["appropriation"]:
        return f"every {role}"
    said = filter(None, (role, told(absent, names)))
    return f"{names.of(row['person'])} ({'; '.join(said)})"


def _snoozed(row: Any, today: date) -> str:
    until = row["snoozed_until"]
    return f" (snoozed until {spoken(until)})" if until and until > today else ""
