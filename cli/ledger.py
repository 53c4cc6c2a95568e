"""The ledger: did somebody get a reminder, when, and if not, why."""

from collections import Counter
from datetime import date
from typing import TYPE_CHECKING, Any

from cli.terminal.output import emit_json, emit_table, say_if_illustrative
from cli.terminal.session import ByPerson, Json, run
from cli.verbs import Verbs
from domain.kernel.wording import counted
from queries.clocks import local
from queries.names import Names

if TYPE_CHECKING:
    pass


NOBODY: tuple[str | None, ...] = (None,)


def register(app: Verbs) -> None:
    """Add the ledger."""
    app.command(ledger)


def ledger(
    engagement: str,
    /,
    *,
    item: str | None = None,
    person: ByPerson = None,
    json_: Json = False,
) -> None:
    """Show every planned reminder of an engagement and what became of it, a line a reader.

    Args:
        engagement: The engagement's id, or any name of its LEA; or an appropriation's id.
        item: Only this item, for example D1.
        person: Only what went, or was to go, to this person.
        json_: One JSON object a line.
    """
    from queries.ledger import as_data, fate, ledger_of, outcome, readers

    found, names = run(lambda door: ledger_of(door, engagement, item, person))
    rows, zone, now = found["reminders"], found["zone"], found["now"]
    if json_:
        for r in rows:
            emit_json(as_data(r, names))
        return
    emit_table(
        found["title"],
        ("Planned for", "Item", "Round", "Step", "To", "What became of it"),
        [
            (
                local(r["planned_for"], zone),
                names.told(r["item"]),
                r["round"],
                r["step"],
                _reader(r, reader, names, now.astimezone(zone).date()),
                fate(r, reader, zone, now),
            )
            for r in rows
            for reader in (readers(r) or NOBODY)
        ],
        empty=found["why_none"],
    )
    if not rows:
        return
    counts = Counter(outcome(r) for r in rows)
    print(
        f"{counted(len(rows), 'reminder')}: "
        + ", ".join(f"{n} {what}" for what, n in counts.items())
    )
    say_if_illustrative(found["illustrative"])


def _reader(row: dict[str, Any], reader: str | None, names: Names, today: date) -> str:
    """Who a line is about, and in whose place they get it."""
    if reader is None:
        return "nobody"
    mine = next((d for d in row["deliveries"] if d["to"] == reader), None)
    other = mine["instead_of"] if mine else None
    return names.now(reader, today) + (f" for {names.now(other, today)}" if other else "")
