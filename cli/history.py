"""The question what happened."""

from collections.abc import Mapping
from itertools import groupby
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from cli.terminal.dates import AsKnown, AsTrue, day_typed
from cli.terminal.output import emit_json
from cli.terminal.session import Json, Switch, run
from cli.verbs import Date, Verbs

if TYPE_CHECKING:
    from bootstrap.door import Door
    from domain.kernel.messages import Recorded
    from queries.names import Names


def register(app: Verbs) -> None:
    """Add the question."""
    app.command(history)


def history(
    engagement: str,
    /,
    *,
    item: str | None = None,
    person: str | None = None,
    subject: str | None = None,
    kind: str | None = None,
    first: Date | None = None,
    last: Date | None = None,
    text: str | None = None,
    reminders: Switch = False,
    as_known: AsKnown = None,
    as_true: AsTrue = None,
    json_: Json = False,
) -> None:
    """Show everything that happened on an engagement, month by month, oldest first.

    What became of reminders is counted, a line a month. The options can be combined.

    Args:
        engagement: The engagement's id; or a whole stream, such as lea:alder-creek-usd.
        item: Only what is about this item and what hangs on it, for example D1.
        person: Only what this person did, or what names them.
        subject: Only one subject, for example agreements, deliverables or coaching.
        kind: Only one type of event, for example deliverable-submitted.
        first: Only from this day on (YYYY-MM-DD).
        last: Only up to this day (YYYY-MM-DD).
        text: Only what says this, in any case.
        reminders: Show what became of every reminder, too.
        as_known: Only what had been entered by the end of this day (YYYY-MM-DD).
        as_true: Only what had come true by the end of this day, in the order it came true.
        json_: One JSON object a line.
    """
    from queries.history import Wanted, history_of, looked_for, mended_since, wanted_of

    known, true = day_typed(as_known, "--as-known"), day_typed(as_true, "--as-true")
    asked = Wanted(
        item, person, subject, kind, day_typed(first, "--first"), day_typed(last, "--last"), text
    )

    async def work(
        door: "Door",
    ) -> "tuple[list[Recorded], dict[int, tuple[int, str]], Names, ZoneInfo]":
        wanted = await wanted_of(door, asked)
        recorded, names, zone = await history_of(door, engagement, known, true)
        found = looked_for(recorded, wanted, names, zone, true=true is not None)
        return [*found], mended_since(recorded), names, zone

    recorded, became, names, zone = run(work)
    if json_:
        for r in recorded:
            emit_json(_as_data(r, became))
        return
    if not recorded:
        print("Nothing of the kind is recorded.")
    _print_by_month(recorded, became, names, zone, true=true is not None, reminders=reminders)
    if any(r.event.illustrative for r in recorded):
        print("* illustrative: invented for demonstration, not a fact about the LEA.")


def _print_by_month(
    recorded: "list[Recorded]",
    became: Mapping[int, tuple[int, str]],
    names: "Names",
    zone: ZoneInfo,
    *,
    true: bool,
    reminders: bool,
) -> None:
    from queries.history import is_traffic, moment, traffic

    months = groupby(recorded, lambda r: f"{moment(r, true=true).astimezone(zone):%B %Y}")
    above = ""
    for month, of_month in months:
        entries = [*of_month]
        shown = [r for r in entries if reminders or not is_traffic(r)]
        lines = [_line(r, became, names, zone, true=true) for r in shown]
        if not reminders and (counted := traffic(entries)):
            lines.append(f"      Reminders: {counted}")
        if lines:
            print(f"{above}{month}")
            print("\n".join(lines))
            above = "\n"


def _line(
    r: "Recorded",
    became: Mapping[int, tuple[int, str]],
    names: "Names",
    zone: ZoneInfo,
    *,
    true: bool,
) -> str:
    entered = r.stamp.recorded_at.astimezone(zone)
    effective = r.stamp.effective_at.astimezone(zone)
    when = effective if true else entered
    line = f"{r.stamp.version:>4}  {when:%Y-%m-%d %H:%M}  {names.told(r.event.sentence())}"
    if effective.date() != entered.date():
        line += f" [entered {entered:%Y-%m-%d}]" if true else f" [true since {effective:%Y-%m-%d}]"
    if r.event.illustrative:
        line += " *"
    if r.stamp.version in became:
        line += " [{1} by {0}]".format(*became[r.stamp.version])
    return f"{line} — {names.of(r.stamp.actor)}"


def _as_data(r: "Recorded", became: Mapping[int, tuple[int, str]]) -> dict[str, object]:
    return {
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
