"""What is asked of the LEA, month by month, as people see it."""

from typing import TYPE_CHECKING, Any

from cli.terminal.dates import AsKnown, AsTrue, day_typed
from cli.terminal.nouns import noun
from cli.terminal.output import emit_json, emit_table, say_if_illustrative
from cli.terminal.session import Json, run
from cli.verbs import Verbs
from domain.kernel.wording import spoken

if TYPE_CHECKING:
    from queries.burden import AskedOfLea


def register(app: Verbs) -> None:
    """Add what is asked of the burden."""
    noun(app, "burden").command(burden_show, name="show")


def burden_show(
    engagement: str, /, *, as_known: AsKnown = None, as_true: AsTrue = None, json_: Json = False
) -> None:
    """Show the LEA's hours by calendar month: agreed, proposed, and against the cap.

    Args:
        engagement: The engagement's id, or any name of its LEA.
        as_known: Only what had been entered by the end of this day (YYYY-MM-DD).
        as_true: Only what had come true by the end of this day (YYYY-MM-DD).
        json_: One JSON object.
    """
    from queries.burden import burden_of

    known, true = day_typed(as_known, "--as-known"), day_typed(as_true, "--as-true")
    found = run(lambda door: burden_of(door, engagement, known, true))
    if json_:
        emit_json(found)
        return
    say_if_illustrative(found.illustrative)
    cap = f"cap {found.cap} a month in " if found.cap else "no cap in "
    title = f"LEA hours of {found.engagement}, {cap}{found.playbook}"
    title += f", as known on {spoken(found.as_known)}" if found.as_known else ""
    title += f", as true on {spoken(found.as_true)}" if found.as_true else ""
    if not found.months:
        print(f"{title}: nothing is asked of the LEA yet.")
        return
    emit_table(
        title,
        ("Month", "Agreed", "Proposed", "If all is signed", "Against the cap", "For what"),
        [
            (
                m.name,
                m.agreed,
                m.proposed,
                m.forecast,
                m.standing.replace("; ", "\n"),
                "\n".join(_item(i) for i in m.items),
            )
            for m in found.months
        ],
    )
    for m in found.months:
        for w in m.waivers:
            print(f"{m.name}: up to {w.hours} h allowed by {w.authority}: {w.reason}")


def _item(item: "AskedOfLea") -> str:
    proposed = "" if item.agreed else ", proposed"
    collides = f", falls on {' and '.join(item.collides)}" if item.collides else ""
    return f"{item.item} {item.title}: {item.hours} h, {spoken(item.on)}{proposed}{collides}"


def section(found: dict[str, Any]) -> list[str]:
    """What `engagement show` says of the months to come, in a line."""
    parts = [
        f"{m['name']} {m['agreed']}"
        + (f" ({m['forecast']} if all is signed)" if m["forecast"] != m["agreed"] else "")
        + (", OVER THE CAP" if m["over"] else "")
        + (", would be over the cap" if m["forecast_over"] and not m["over"] else "")
        for m in found["burden"]
    ]
    return [f"LEA hours: {'; '.join(parts)}"] if parts else []
