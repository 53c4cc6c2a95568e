"""Engagements: all of them, and one whole."""

from typing import Any

from cli.roles import as_text as absence_as_text
from cli.roles import behind
from cli.terminal.dates import AsKnown, AsTrue, day_typed
from cli.terminal.nouns import noun
from cli.terminal.output import emit_json, emit_table
from cli.terminal.session import ByPerson, Json, run
from cli.verbs import Verbs
from domain.kernel.phases import Phase
from domain.kernel.wording import counted, dollars, spoken


def register(app: Verbs) -> None:
    """Add the questions."""
    noun(app, "engagement").command(engagement_list, name="list")
    noun(app, "engagement").command(engagement_show, name="show")


def engagement_list(
    *, phase: Phase | None = None, person: ByPerson = None, json_: Json = False
) -> None:
    """Show the portfolio: every engagement, where it stands and what is next.

    Args:
        phase: Only engagements in this phase, for example partnering.
        person: Only engagements in which this person has a role.
        json_: One JSON object a line.
    """
    from queries.engagements import as_data, engagements

    rows, away, names = run(lambda door: engagements(door, phase, person))
    if json_:
        for r in rows:
            emit_json(as_data(r, away, names))
        return
    emit_table(
        counted(len(rows), "engagement"),
        ("Engagement", "LEA", "Phase", "Lead", "Next due", "Invested"),
        [
            (
                r["id"] + (" *" if r["illustrative"] else ""),
                r["lea_name"],
                r["phase"] + (", on hold" if r["held_since"] else ""),
                behind(names.of(r["lead"]), away.get((r["id"], "lead")), names),
                spoken(r["next_due"]) if r["next_due"] else "–",
                dollars(r["invested"]) if r["invested"] else "–",
            )
            for r in rows
        ],
        empty="Open one: handrail engagement open --help",
    )
    invested = [r["invested"] for r in rows if r["invested"]]
    if invested:
        print(f"Invested: {dollars(sum(invested))} in {counted(len(invested), 'engagement')}")
    if any(r["illustrative"] for r in rows):
        print("* illustrative: dates and deliverables are invented, not facts about the LEA.")


def engagement_show(
    engagement: str,
    /,
    *,
    as_known: AsKnown = None,
    as_true: AsTrue = None,
    json_: Json = False,
) -> None:
    """Show one engagement: now, as known on a day, or as true on a day.

    Args:
        engagement: The engagement's id, for example alder-creek-usd.
        as_known: Only what had been entered by the end of this day (YYYY-MM-DD).
        as_true: Only what had come true by the end of this day (YYYY-MM-DD).
        json_: One JSON object.
    """
    from queries.whole import show

    known, true = day_typed(as_known, "--as-known"), day_typed(as_true, "--as-true")
    found, names = run(lambda door: show(door, engagement, known, true))
    if json_:
        emit_json(names.throughout(found))
    else:
        print("\n".join(names.told(line) for line in as_lines(found)))


def as_lines(found: dict[str, Any]) -> list[str]:
    """One engagement for reading; each subject says its own lines."""
    from cli import (
        agreements,
        burden,
        checkins,
        coaching,
        deliverables,
        focus,
        handover,
        money,
        recruitment,
        review,
        summits,
        surveys,
        team,
    )

    subjects = (
        recruitment,
        agreements,
        review,
        focus,
        deliverables,
        burden,
        checkins,
        surveys,
        coaching,
        handover,
        summits,
        money,
    )
    since = found["on_hold_since"]
    on_hold = f", on hold since {spoken(since)}" if since else ""
    lines = [f"{found['engagement']}: {found['lea_name']}, {found['phase']}{on_hold}"]
    if found["illustrative"]:
        lines.append("ILLUSTRATIVE: dates and deliverables are invented, not facts about the LEA.")
    if "as_known" in found:
        lines.append(f"As known on {spoken(found['as_known'])}.")
    if "as_true" in found:
        lines.append(f"As true on {spoken(found['as_true'])}.")
    if found["lea_became"]:
        lines.append(f"  The LEA is no more. {found['lea_became']}.")
    lines.append(f"  Playbook {found['playbook']}; opened {spoken(found['opened'])}")
    if found["ended"]:
        lines.append(f"  Ended {spoken(found['ended'])}: {found['end_reason']}")
    if found["next_step"]:
        lines.append(f"  Next step: {found['next_step']}")
    for label, value in (("Source", found["source"]), ("Statute", found["statute"])):
        if value:
            lines.append(f"  {label}: {value}")
    interim = {t["role"] for t in found["tenures"] if t["interim"] and not t["until"]}
    lines += [
        f"  {role.replace('_', ' ')}: {p}{' (interim)' if role in interim else ''}"
        + absence_as_text(found.get("absent", {}).get(role))
        for role, p in found["roles"].items()
    ]
    lines += team.section(found)
    lines += _addresses(found)
    lines += found.get("etiquette", [])
    lines += [f"  Waived {step}: {reason}" for step, reason in found["waived"].items()]
    for subject in subjects:
        lines += subject.section(found)
    return lines


def _addresses(found: dict[str, Any]) -> list[str]:
    """The addresses from which mail comes back."""
    return [
        f"Mail to {a['person']} comes back since {spoken(a['since'])}: {a['detail']}"
        + (f"; right address by {spoken(a['find_by'])}" if a["find_by"] else "")
        for a in found["addresses"]
    ]
