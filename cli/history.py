"""The question what happened."""

from typing import TYPE_CHECKING

from cli.terminal.dates import AsKnown, AsTrue, day_typed
from cli.terminal.output import emit_json
from cli.terminal.session import Json, run
from cli.verbs import Verbs

if TYPE_CHECKING:
    pass


def register(app: Verbs) -> None:
    """Add the question."""
    app.command(history)


def history(
    engagement: str,
    /,
    *,
    as_known: AsKnown = None,
    as_true: AsTrue = None,
    json_: Json = False,
) -> None:
    """Show everything that happened on an engagement, oldest first.

    Args:
        engagement: The engagement's id; or a whole stream, such as lea:alder-creek-usd.
        as_known: Only what had been entered by the end of this day (YYYY-MM-DD).
        as_true: Only what had come true by the end of this day, in the order it came true.
        json_: One JSON object a line.
    """
    from queries.history import history_of, mended_since

    known, true = day_typed(as_known, "--as-known"), day_typed(as_true, "--as-true")
    recorded, names, zone = run(lambda door: history_of(door, engagement, known, true))
    became = mended_since(recorded)
    if json_:
        for r in recorded:
            emit_json(
                {
                    "position": r.stamp.position,
                    "stream": r.stamp.stream,
                    "version": r.stamp.version,
                    "type": r.event.type,
                    "effective_at": r.stamp.effective_at,
                    "recorded_at": r.stamp.recorded_at,
                    "actor": r.stamp.actor,
                    "command_id": r.stamp.command_id,
                    "mended_by": became.get(r.stamp.version, (None, ""))[0],
                    "data": r.event.model_dump(mode="json"),
                }
            )
        return
    for r in recorded:
        when = r.stamp.recorded_at.astimezone(zone)
        effective = r.stamp.effective_at.astimezone(zone).date()
        line = f"{r.stamp.version:>4}  {when:%Y-%m-%d %H:%M}  {names.told(r.event.sentence())}"
        if effective != when.date():
            line += f" [true since {effective}]"
        if r.event.illustrative:
            line += " *"
        if r.stamp.version in became:
            line += " [{1} by {0}]".format(*became[r.stamp.version])
        print(f"{line} — {names.of(r.stamp.actor)}")
    if any(r.event.illustrative for r in recorded):
        print("* illustrative: invented for demonstration, not a fact about the LEA.")
