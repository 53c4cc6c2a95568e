"""Deliverables: where they are, everything about one, and every change of course."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

from cli.terminal.dates import AsKnown, AsTrue, day_typed, distance
from cli.terminal.nouns import noun
from cli.terminal.output import emit_json, emit_table, say_if_illustrative
from cli.terminal.session import Json, Switch, run
from cli.verbs import Verbs
from domain.deliverables.ratings import TAGS
from domain.deliverables.terms import Status
from domain.kernel.wording import counted, lea_hours, spoken
from domain.owing.obligations import Side

if TYPE_CHECKING:
    from queries.deliverables import CourseShown, DeliverableShown, ProposalShown
    from queries.whereabouts import DeliverableThere


SIDES = {"agency": "the agency", "lea": "the LEA"}


def register(app: Verbs) -> None:
    """Add the questions about deliverables."""
    noun(app, "deliverable").command(deliverable_list, name="list")
    noun(app, "deliverable").command(deliverable_show, name="show")
    noun(app, "course").command(course_list, name="list")


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
    from queries.whereabouts import deliverables_of

    known, true = day_typed(as_known, "--as-known"), day_typed(as_true, "--as-true")
    rows, today = run(
        lambda door: deliverables_of(
            door, engagement, known, true, status=status, side=side, overdue=overdue, lead=lead
        )
    )
    if json_:
        for row in rows:
            emit_json(row)
        return
    then = f", as known on {spoken(known)}" if known else ""
    then += f", as true on {spoken(true)}" if true else ""
    emit_table(
        f"{counted(len(rows), 'deliverable')} as of {spoken(today)}{then}",
        ("Engagement", "Id", "Title", "Status", "Due", "In", "Waits for", "Lead"),
        [
            (
                row.engagement + (" *" if row.illustrative else ""),
                row.deliverable,
                row.title,
                row.status,
                *_when(row, today),
                _whom(row),
                row.lead.now(today) if row.lead else "–",
            )
            for row in rows
        ],
        empty="Propose one: handrail deliverable propose --help"
        if not (status or side or overdue or lead)
        else "Leave out an option to see more.",
    )
    if any(row.illustrative for row in rows):
        print("* illustrative: dates and deliverables are invented, not facts about the LEA.")


def _when(row: "DeliverableThere", today: date) -> tuple[str, str]:
    if row.due is None:
        asked = row.proposed_due
        return (f"{spoken(asked)} if signed" if asked else "–"), ""
    if row.held:
        return spoken(row.due), "held"
    owed = row.status == "agreed" and row.waits_on
    return spoken(row.due), distance(row.due, today) if owed else ""


def _whom(row: "DeliverableThere") -> str:
    """Who has something to do, and whether it is to sign."""
    from domain.outlook.whereabouts import ACTS

    def together(sides: Iterable[str]) -> str:
        return " and ".join(SIDES[side] for side in sides)

    acting = [s for s in row.waits_on if s == ACTS.get(row.status)]
    told = [together(acting)] if acting else []
    told += [f"signature of {together(row.unsigned)}"] if row.unsigned else []
    return "; ".join(told) or "–"


_SIDES = {"agency": "agency", "lea": "LEA"}


def deliverable_show(
    engagement: str,
    deliverable: str,
    /,
    *,
    as_known: AsKnown = None,
    as_true: AsTrue = None,
    json_: Json = False,
) -> None:
    """Show everything about one deliverable: terms, signatures, ratings, links and reminders.

    Args:
        engagement: The engagement's id, for example alder-creek-usd.
        deliverable: The deliverable's id, for example D1.
        as_known: Only what had been entered by the end of this day (YYYY-MM-DD).
        as_true: Only what had come true by the end of this day (YYYY-MM-DD).
        json_: One JSON object.
    """
    from queries.deliverables import deliverable_of

    known, true = day_typed(as_known, "--as-known"), day_typed(as_true, "--as-true")
    found, names = run(lambda door: deliverable_of(door, engagement, deliverable, known, true))
    if json_:
        emit_json(names.throughout(found))
        return
    for line in as_lines(found):
        print(names.told(line))
    if found.reminders:
        emit_table(
            "Reminders",
            ("Planned for", "Item", "Round", "Step", "Outcome", "Why"),
            [
                (
                    f"{n.planned_for:%a %Y-%m-%d %H:%M}",
                    n.item,
                    n.round,
                    n.step,
                    n.outcome,
                    n.reason or "",
                )
                for n in found.reminders
            ],
        )
        print(
            f"{counted(len(found.reminders), 'reminder')}: "
            + ", ".join(f"{n} {what}" for what, n in found.reminder_counts.items())
        )
    say_if_illustrative(found.illustrative)


def as_lines(found: "DeliverableShown") -> list[str]:
    """One deliverable for reading, without its reminders."""
    ending = f" into {' and '.join(found.went_into)}" if found.went_into else ""
    due = f", due {spoken(found.due)} (round {found.round})" if found.due else ""
    lines = [f"{found.deliverable} {found.title}: {found.status}{ending}{due}"]

    def say(label: str, value: object) -> None:
        if value:
            lines.append(f"  {label}: {value}")

    say("Hours", lea_hours(found.hours) if found.hours else None)
    say("Scope", found.scope)
    say("Agreed by", _signatures(found.agreed_by) if found.due else None)
    for gone in found.past:
        say("Earlier", f"due {spoken(gone.due)}, {gone.why}")
    if p := found.proposal:
        say("Proposed", _proposed(p))
        say("  because", p.reason)
        say("  merging", f"{' and '.join(p.merges)} once signed" if p.merges else None)
        say("  signed by", _signatures(p.signed) or "nobody yet")
    proposal = "Last proposal declined because" if found.status == "agreed" else ""
    say(proposal or "Declined because", found.declined_because)
    say("Came from", " and ".join(found.came_from))
    if found.unsettled_parts:
        say("Being split into", " and ".join(found.being_split_into))
        say("  still to sign", " and ".join(found.unsettled_parts))
    for wait in found.waits_for:
        late = ", later than this one" if wait.too_late else ""
        say(
            "Waits for",
            f"{wait.deliverable} {wait.title}"
            + (f", due {spoken(wait.due)}{late}" if wait.due else ""),
        )
    say("Awaited by", " and ".join(found.awaited_by))
    say("Feeds", " and ".join(found.feeds))
    kinds = found.kinds or {}
    for link in found.satisfies:
        label = "Done already for" if link.already_done else "Also satisfies"
        by = f" (says {link.said_by})" if link.said_by else ""
        say(label, f"{kinds.get(link.what, link.what)}, {link.reference}{by}")
    for sent in found.submissions:
        say("Submitted", f"{spoken(sent.on)} by {sent.by}: {sent.evidence}")
    _say_ratings(found, say)
    for c in found.corrections:
        lines += correction_lines(c, "  ")
    return lines


def _signatures(signed: Mapping[Side, str]) -> str:
    return " and ".join(f"{person} for the {_SIDES[side]}" for side, person in signed.items())


def _proposed(p: "ProposalShown") -> str:
    return ", ".join(
        [
            *([repr(p.title)] if p.title else []),
            *([lea_hours(p.hours)] if p.hours is not None else []),
            *([f"scope {p.scope!r}"] if p.scope else []),
            f"due {spoken(p.due)}",
        ]
    )


def _say_ratings(found: "DeliverableShown", say: Any) -> None:
    scale = found.scale or {}
    last = len(found.submissions)
    for side, rating in found.ratings.items():
        tags = ", ".join(
            f"{t} {scale.get(rating.tags[t], rating.tags[t]).lower()}"
            for t in TAGS
            if t in rating.tags
        )
        of = f" (of submission {rating.submission})" if rating.submission != last else ""
        note = f" – {rating.note}" if rating.note else ""
        say(f"Rated by the {_SIDES[side]}", f"{tags}{note}{of} ({rating.by})")
    say("The two sides differ on", " and ".join(found.differences))


def correction_lines(c: "CourseShown", indent: str = "") -> list[str]:
    """One course correction for reading."""
    about = f" after {c.deliverable}" if c.deliverable and not indent else ""
    who = f"the {_SIDES[c.side]} ({c.person})"
    return [
        f"{indent}Course correction {c.correction}, {spoken(c.on)}{about}, from {who}",
        f"{indent}  Learned: {c.because}",
        f"{indent}  Now: {c.change}",
        f"{indent}  Evidence: {c.evidence}",
    ]


def course_list(engagement: str, /, *, json_: Json = False) -> None:
    """Show every change of course of an engagement, oldest first.

    Args:
        engagement: The engagement's id, for example alder-creek-usd.
        json_: One JSON object a line.
    """
    from queries.deliverables import courses_of

    found, names = run(lambda door: courses_of(door, engagement))
    if json_:
        for row in found.corrections:
            emit_json(names.throughout(row))
        return
    if not found.corrections:
        print(f"{found.engagement} has recorded no change of course yet.")
    for row in found.corrections:
        for line in correction_lines(row):
            print(names.told(line))
    say_if_illustrative(found.illustrative)


def section(found: dict[str, Any]) -> list[str]:
    """What `engagement show` says of them."""
    lines: list[str] = []
    for d in found["deliverables"]:
        due = f", due {spoken(d['due'])}" if d["due"] else ""
        due += f" into {' and '.join(d['went_into'])}" if d["went_into"] else ""
        due += f", waits for {' and '.join(d['waits_for'])}" if d["waits_for"] else ""
        lines.append(f"{d['deliverable']} {d['title']}: {d['status']}{due}")
        if d["proposed_due"]:
            signed = " and ".join(d["signed"]) or "nobody"
            asked = d["proposed_hours"]
            hours = "" if asked is None else f" and {lea_hours(asked)}"
            lines.append(
                f"   proposed for {spoken(d['proposed_due'])}{hours}, signed so far by: {signed}"
            )
    return lines
