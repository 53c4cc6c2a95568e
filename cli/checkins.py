"""Check-ins as people see them: this year's beside last year's, and what became of promises."""

from typing import TYPE_CHECKING, Any

from cli.terminal.dates import AsKnown, AsTrue, day_typed
from cli.terminal.nouns import noun
from cli.terminal.output import emit_json, say_if_illustrative
from cli.terminal.session import Json, run
from cli.verbs import Verbs
from domain.kernel.wording import spoken

if TYPE_CHECKING:
    from queries.checkins import CheckInSaid, CommitmentShown, TwoCheckIns


SIDES = {"lea": "LEA", "agency": "agency"}
CLOSING_WORDS = {"reason": "why", "adjust": "to adjust", "sustain": "to sustain it"}
"""What a check-in's outcome rests on and leads to, and how it is said."""


def register(app: Verbs) -> None:
    """Add the question."""
    noun(app, "checkin").command(checkin_show, name="show")


def checkin_show(
    engagement: str,
    checkin: str | None = None,
    /,
    *,
    as_known: AsKnown = None,
    as_true: AsTrue = None,
    json_: Json = False,
) -> None:
    """Show a check-in beside that of the year before: purposes, commitments and outcome.

    Args:
        engagement: The engagement's id, or any name of its LEA.
        checkin: The check-in, for example CI-2; the last one that was held if left out.
        as_known: Only what had been entered by the end of this day (YYYY-MM-DD).
        as_true: Only what had come true by the end of this day (YYYY-MM-DD).
        json_: One JSON object.
    """
    from queries.checkins import checkin_of

    known, true = day_typed(as_known, "--as-known"), day_typed(as_true, "--as-true")
    data = run(lambda door: checkin_of(door, engagement, checkin, known, true))
    if json_:
        emit_json(data)
        return
    print(as_text(data))
    say_if_illustrative(data.illustrative)


def as_text(found: "TwoCheckIns") -> str:
    """Two check-ins side by side for reading."""
    this, before = found.checkin, found.before
    beside = f" beside {before.checkin}" if before else ""
    both = [c for c in (before, this) if c]
    lines = [f"{found.engagement}: {found.lea_name}, {this.checkin}{beside}"]
    for c in both:
        lines.append(f"  {c.checkin} {_when(c)}")
        lines += [f"    to adjust: {c.adjust}"] if c.adjust else []
        lines += [f"    to sustain it: {c.sustain}"] if c.sustain else []
        lines += [f"    corrected: {reason}" for reason in c.corrected]
    for p in found.purposes:
        lines.append(f"{p.purpose}: {p.name}")
        if before:
            lines.append(f"   {before.checkin}: {p.before or '–'}")
        lines.append(f"   {this.checkin}: {p.now or '–'}")
    for c in both:
        lines.append(f"Commitments of {c.checkin}:" + ("" if c.commitments else " none"))
        lines += [f"   {_line(k)}" for k in c.commitments]
    return "\n".join(lines)


def _when(c: "CheckInSaid") -> str:
    if not c.held:
        return f"planned for {spoken(c.planned)}" if c.planned else "not planned yet"
    why = f" ({c.reason})" if c.reason else ""
    closed = f", closed: {c.outcome}{why}" if c.outcome else ", not closed yet"
    return f"held {spoken(c.held)}{closed}"


def _line(k: "CommitmentShown") -> str:
    first = k.promised_first_for
    moved = f", at first {spoken(first)}" if first else ""
    whose = f", {k.owner_name} ({SIDES[k.side]})" if k.owner and k.side else ""
    became = "not judged yet"
    if k.verdict and k.judged_on:
        became = f"{k.verdict} ({spoken(k.judged_on)})"
        became += f": {k.note}" if k.note else ""
    return f"{k.number}. by {spoken(k.by)}{moved}{whose}: {k.text}. {became}"


def section(found: dict[str, Any]) -> list[str]:
    """What `engagement show` says of them."""
    lines: list[str] = []
    for c in found["checkins"]:
        when = f"held {spoken(c['held'])}" if c["held"] else f"planned {spoken(c['planned'])}"
        outcome = f", closed: {c['outcome']}" if c["outcome"] else ""
        lines.append(f"{c['checkin']}: {when}{outcome}")
        lines += [f"   {said}: {c[name]}" for name, said in CLOSING_WORDS.items() if c[name]]
        lines += [f"   {name}: {text}" for name, text in c["purposes"].items()]
        lines += [
            f"   {k['number']}. by {spoken(k['by'])}"
            + (f", {k['owner']}" if k["owner"] else "")
            + f": {k['text']}"
            + (f" ({k['verdict']})" if k["verdict"] else "")
            for k in c["commitments"]
        ]
    return lines
