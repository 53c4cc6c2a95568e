"""Questions about coaching: the contacts, the cycles, and how much of the offer reaches an LEA."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cli.terminal.dates import AsKnown, AsTrue, day_typed
from cli.terminal.nouns import noun
from cli.terminal.output import emit_json, emit_table, say_if_illustrative
from cli.terminal.session import Json, run
from cli.verbs import Verbs
from domain.coaching.cycles import AS_PREDICTED
from domain.engagement.state import Engagement
from domain.kernel.wording import counted, spoken

if TYPE_CHECKING:
    from domain.outlook.dosage import Dosage
    from queries.coaching import CycleShown


def register(app: Verbs) -> None:
    """Add every question about coaching."""
    noun(app, "contact").command(contact_list, name="list")
    noun(app, "cycle").command(cycle_list, name="list")
    noun(app, "consultancy").command(consultancy_list, name="list")
    app.command(dosage_show, name="dosage")


def contact_list(
    engagement: str, /, *, as_known: AsKnown = None, as_true: AsTrue = None, json_: Json = False
) -> None:
    """Show every coaching contact of an engagement, oldest first.

    Args:
        engagement: The engagement's id.
        as_known: Only what had been entered by the end of this day (YYYY-MM-DD).
        as_true: Only what had come true by the end of this day (YYYY-MM-DD).
        json_: One JSON object a line.
    """
    from queries.coaching import contacts_of

    known, true = day_typed(as_known, "--as-known"), day_typed(as_true, "--as-true")
    contacts, illustrative = run(lambda door: contacts_of(door, engagement, known, true))
    if json_:
        for row in contacts:
            emit_json(row)
        return
    emit_table(
        counted(len(contacts), "contact"),
        ("On", "Kind", "Coach", "With", "For", "Note"),
        [
            (
                spoken(row.on),
                row.kind + ("" if row.counts else " (does not count)"),
                row.coach.name,
                ", ".join(p.name for p in row.with_),
                row.for_,
                row.note or "–",
            )
            for row in contacts
        ],
        empty="Log one: handrail contact log --help",
    )
    say_if_illustrative(illustrative)


def cycle_list(
    engagement: str, /, *, as_known: AsKnown = None, as_true: AsTrue = None, json_: Json = False
) -> None:
    """Show every short cycle of an engagement: its prediction beside its result.

    Args:
        engagement: The engagement's id.
        as_known: Only what had been entered by the end of this day (YYYY-MM-DD).
        as_true: Only what had come true by the end of this day (YYYY-MM-DD).
        json_: One JSON object a line.
    """
    from queries.coaching import cycles_of

    known, true = day_typed(as_known, "--as-known"), day_typed(as_true, "--as-true")
    found = run(lambda door: cycles_of(door, engagement, known, true))
    cycles = found.cycles
    if json_:
        for cycle in cycles:
            emit_json(cycle)
        return
    none = f". Open one: handrail cycle open {found.engagement} --help" if not cycles else ""
    print(counted(len(cycles), "cycle") + none)
    for cycle in cycles:
        print("\n".join(_cycle_text(cycle)))
    say_if_illustrative(found.illustrative)


def _cycle_text(c: "CycleShown") -> list[str]:
    lines, dates = [f"{c.cycle} {c.title}: {c.stage}"], c.dates
    if c.prediction is not None:
        what = f" for {c.measure}" if c.measure else ""
        what += f" after {c.after}" if c.after else ""
        lines.append(f"   {spoken(dates['plan'])}  planned{what}; predicted: {c.prediction}")
    if c.done is not None:
        lines.append(f"   {spoken(dates['do'])}  done: {c.done}")
    if c.result is not None and c.prediction_held is not None:
        held = AS_PREDICTED[c.prediction_held]
        lines.append(f"   {spoken(dates['study'])}  studied, {held}: {c.result}")
    if c.decision is not None:
        lines.append(f"   {spoken(dates['act'])}  {c.decision}: {c.reason}")
    return lines


def consultancy_list(
    engagement: str, /, *, as_known: AsKnown = None, as_true: AsTrue = None, json_: Json = False
) -> None:
    """Show every consultancy of an engagement.

    Args:
        engagement: The engagement's id.
        as_known: Only what had been entered by the end of this day (YYYY-MM-DD).
        as_true: Only what had come true by the end of this day (YYYY-MM-DD).
        json_: One JSON object a line.
    """
    from queries.coaching import consultancies_of

    known, true = day_typed(as_known, "--as-known"), day_typed(as_true, "--as-true")
    found = run(lambda door: consultancies_of(door, engagement, known, true))
    noted = found.consultancies
    if json_:
        for row in noted:
            emit_json(row)
        return
    emit_table(
        counted(len(noted), "consultancy", "consultancies"),
        ("On", "With", "Cycle", "Question", "What they said"),
        [(spoken(c.on), ", ".join(c.partners), c.cycle, c.question, c.note) for c in noted],
        empty="Note one: handrail consultancy note --help",
    )
    say_if_illustrative(found.illustrative)


def dosage_show(
    engagement: str, /, *, as_known: AsKnown = None, as_true: AsTrue = None, json_: Json = False
) -> None:
    """Show how much of the offer reached an LEA, month by month, and where contact broke off.

    Args:
        engagement: The engagement's id.
        as_known: Only what had been entered by the end of this day (YYYY-MM-DD).
        as_true: Only what had come true by the end of this day (YYYY-MM-DD).
        json_: One JSON object.
    """
    from queries.dosage import dosage_data, dosage_of

    known, true = day_typed(as_known, "--as-known"), day_typed(as_true, "--as-true")
    state, found = run(lambda door: dosage_of(door, engagement, known, true))
    if json_:
        emit_json({"engagement": state.id, **dosage_data(found).dumped()})
        return
    illustrative = " (illustrative)" if state.of(Engagement).illustrative else ""
    emit_table(
        f"{state.id}{illustrative}, {spoken(found.since)} to {spoken(found.until)}",
        (
            "Month",
            "Contacts",
            "Messages",
            "Cycle steps",
            "Consultancies",
            "Handed in",
            "Summits",
            "Opted out",
        ),
        [
            (
                f"{m.first:%b %Y}",
                _kinds(m.contacts),
                m.other_contacts,
                m.cycle_steps,
                m.consultancies,
                m.submissions,
                ", ".join(m.summits) or "–",
                ", ".join(m.out) or "–",
            )
            for m in found.months
        ],
    )
    print("\n".join(_summary(found)))


def _kinds(contacts: Mapping[str, int]) -> str:
    kinds = ", ".join(f"{kind} {n}" if n > 1 else kind for kind, n in contacts.items())
    return f"{sum(contacts.values())} ({kinds})" if contacts else "0"


def _summary(found: "Dosage") -> list[str]:
    """What the table means, in sentences."""
    lines = []
    waiting = found.days_since_contact
    if waiting is not None:
        lines.append(
            f"{counted(waiting, 'day')} without contact on {spoken(found.until)}; "
            f"the limit is {found.limit_days}."
        )
    lines += [
        f"{counted(gap.days, 'day')} without contact from {spoken(gap.since)} to "
        f"{spoken(gap.until)}{', and still none' if gap.open else ''}: {gap.over} over the limit."
        for gap in found.gaps
    ]
    lines.append(f"Days without contact over {found.limit_days}: {found.days_over} in all.")
    told = [
        f"{p.id} in {p.months}" + (f" (last {p.last:%b %Y})" if p.last else "")
        for p in found.prongs
    ]
    lines.append(f"Of {counted(len(found.months), 'month')}: {', '.join(told)}.")
    lines.append("Cycles: " + ", ".join(f"{n} at {stage}" for stage, n in found.cycles.items()))
    lines += [
        f"Opted out of {p.id} since {spoken(p.out.on)}: {p.out.reason}"
        for p in found.prongs
        if p.out
    ]
    return lines


def section(found: dict[str, Any]) -> list[str]:
    """What `engagement show` says of it."""
    lines = []
    if found["last_contact"]:
        last = found["last_contact"]
        lines.append(f"Last coaching contact: {spoken(last['on'])} ({last['kind']})")
    for c in found["cycles"]:
        since = f" since {spoken(c['since'])}" if c["since"] else ""
        lines.append(f"{c['cycle']} {c['title']}: {c['decision'] or c['stage']}{since}")
    lines += [
        f"Opted out of {prong} since {spoken(out['on'])}: {out['reason']}"
        for prong, out in found["opted_out"].items()
    ]
    return lines
