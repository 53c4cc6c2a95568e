"""Check-ins as people see them: this year's beside last year's, and what became of promises."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cli.asking import Json, Names, engagement_named, run, say_if_illustrative
from cli.nouns import noun
from cli.output import REFUSED, emit_json, fail
from cli.reading import AsKnown, AsTrue, _day
from cli.verbs import Verbs
from domain.checkins.checkins import CheckIn, CheckIns
from domain.checkins.commitments import Commitment, commitments
from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.kernel.refusals import Unknown
from domain.policy.calendar import spoken

if TYPE_CHECKING:
    from bootstrap.door import Door
    from domain.rules.context import Context

SIDES = {"lea": "LEA", "agency": "agency"}


def register(app: Verbs) -> None:
    """Add the question."""
    noun(app, "checkin").command(checkin_show, name="show")


@dataclass(frozen=True)
class Seen:
    """An engagement as it was asked for."""

    state: State
    context: "Context"
    names: Names


def seen(
    engagement: str,
    as_known: str | None,
    as_true: str | None,
    people: Callable[[State], Iterable[str]] = lambda state: (),
) -> Seen:
    """An engagement folded as known and as true on the days that were asked for.

    Args:
        people: Ids of whoever the answer will name.
    """
    from cli.showing import read_state

    known, true = _day(as_known, "--as-known"), _day(as_true, "--as-true")

    async def work(door: "Door") -> Seen:
        from store.context import program, standing

        one = await engagement_named(door, engagement)
        async with door.pool.acquire() as connection:
            settings = await program(connection)
        zone = ZoneInfo(settings.zone if settings else "UTC")
        state = await read_state(door, one, known, true, zone)
        if state.of(Engagement).phase is None:
            raise Unknown(
                f"{one} was not open yet on that day. Ask for a later one, or see "
                f"handrail history {one}"
            )
        async with door.pool.acquire() as connection:
            context = await standing(connection, state, await door.now())
        names = Names(door, known)
        await names.learn(*people(state))
        return Seen(state, context, names)

    return run(work)


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
    found = seen(engagement, as_known, as_true, _people)
    state = found.state
    known = state.of(CheckIns).all
    held = [c for c in known if c.held_on]
    wanted = checkin.upper() if checkin else held[-1].id if held else None
    this = next((c for c in known if c.id == wanted), None)
    if this is None:
        has = ", ".join(c.id for c in known)
        fail(
            f"{state.id} has no check-in {checkin!r} that was held; it has {has}. Name one of them."
            if checkin and has
            else f"{state.id} has no check-in that was held yet. See when it is owed: "
            f"handrail due --engagement {state.id}",
            REFUSED,
        )
    before = next((c for c in known if c.number == this.number - 1), None)
    data = as_data(this, before, found)
    if json_:
        emit_json(data)
        return
    print(as_text(data))
    say_if_illustrative(state.of(Engagement).illustrative)


def _people(state: State) -> Iterable[str]:
    yield from (c.owner for c in commitments(state) if c.owner)
    yield from (p for c in state.of(CheckIns).all for p in c.attended)


def as_data(this: CheckIn, before: CheckIn | None, found: Seen) -> dict[str, Any]:
    """Two check-ins side by side as plain data."""
    said = [c.said.purposes if c and c.said else {} for c in (before, this)]
    names = {p.id: p.name for p in found.context.the_playbook.checkins.purposes}
    for answers in said:
        # An older playbook may have asked something else.
        names |= {p: p for p in answers if p not in names}
    return {
        "engagement": found.state.id,
        "lea_name": found.state.of(Engagement).lea_name,
        "illustrative": found.state.of(Engagement).illustrative,
        "checkin": _checkin(this, found),
        "before": _checkin(before, found) if before else None,
        "purposes": [
            {
                "purpose": purpose,
                "name": name,
                "before": str(said[0][purpose]) if purpose in said[0] else None,
                "now": str(said[1][purpose]) if purpose in said[1] else None,
            }
            for purpose, name in names.items()
        ],
    }


def _checkin(checkin: CheckIn, found: Seen) -> dict[str, Any]:
    said = checkin.said

    def text(sealed: object) -> str | None:
        return str(sealed) if sealed else None

    return {
        "checkin": checkin.id,
        "planned": checkin.opened_for,
        "held": checkin.held_on,
        "attended": [found.names.handle(p) for p in checkin.attended],
        "outcome": said.outcome if said else None,
        "reason": text(said.reason) if said else None,
        "adjust": text(said.adjust) if said else None,
        "sustain": text(said.sustain) if said else None,
        "corrected": [str(fix.reason) for _, fix in checkin.corrections],
        "commitments": [_commitment(c, found.names) for c in commitments(found.state, checkin.id)],
    }


def _commitment(c: Commitment, names: Names) -> dict[str, Any]:
    return {
        "number": c.number,
        "by": c.by,
        "promised_first_for": c.past[0] if c.past else None,
        "owner": names.handle(c.owner),
        "owner_name": names.of(c.owner) if c.owner else None,
        "side": c.side,
        "text": str(c.text),
        "verdict": c.judged.verdict if c.judged else None,
        "judged_on": c.judged.on if c.judged else None,
        "note": str(c.judged.note) if c.judged and c.judged.note else None,
    }


def as_text(found: dict[str, Any]) -> str:
    """The same for reading."""
    this, before = found["checkin"], found["before"]
    beside = f" beside {before['checkin']}" if before else ""
    both = [c for c in (before, this) if c]
    lines = [f"{found['engagement']}: {found['lea_name']}, {this['checkin']}{beside}"]
    for c in both:
        lines.append(f"  {c['checkin']} {_when(c)}")
        lines += [f"    to adjust: {c['adjust']}"] if c["adjust"] else []
        lines += [f"    to sustain it: {c['sustain']}"] if c["sustain"] else []
        lines += [f"    corrected: {reason}" for reason in c["corrected"]]
    for p in found["purposes"]:
        lines.append(f"{p['purpose']}: {p['name']}")
        if before:
            lines.append(f"   {before['checkin']}: {p['before'] or '–'}")
        lines.append(f"   {this['checkin']}: {p['now'] or '–'}")
    for c in both:
        lines.append(f"Commitments of {c['checkin']}:" + ("" if c["commitments"] else " none"))
        lines += [f"   {_line(k)}" for k in c["commitments"]]
    return "\n".join(lines)


def _when(c: dict[str, Any]) -> str:
    if not c["held"]:
        return f"planned for {spoken(c['planned'])}" if c["planned"] else "not planned yet"
    why = f" ({c['reason']})" if c["reason"] else ""
    closed = f", closed: {c['outcome']}{why}" if c["outcome"] else ", not closed yet"
    return f"held {spoken(c['held'])}{closed}"


def _line(k: dict[str, Any]) -> str:
    first = k["promised_first_for"]
    moved = f", at first {spoken(first)}" if first else ""
    whose = f", {k['owner_name']} ({SIDES[k['side']]})" if k["owner"] else ""
    became = "not judged yet"
    if k["verdict"]:
        became = f"{k['verdict']} ({spoken(k['judged_on'])})"
        became += f": {k['note']}" if k["note"] else ""
    return f"{k['number']}. by {spoken(k['by'])}{moved}{whose}: {k['text']}. {became}"
