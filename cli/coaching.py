"""Questions about coaching: the contacts, the cycles, and how much of the offer reaches an LEA."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cli.asking import Json, Names, counted, engagement_named, run, say_if_illustrative
from cli.nouns import noun
from cli.output import REFUSED, emit_json, emit_table, fail
from cli.reading import AsKnown, AsTrue, _day
from cli.verbs import Verbs
from domain.coaching.contacts import Coaching, rules_of
from domain.coaching.cycles import AS_PREDICTED, Cycle, Cycles
from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.outlook.dosage import Dosage, Month, dosage
from domain.policy.calendar import local_date, spoken

if TYPE_CHECKING:
    from bootstrap.door import Door
    from domain.rules.context import Context


def register(app: Verbs) -> None:
    """Add every question about coaching."""
    noun(app, "contact").command(contact_list, name="list")
    noun(app, "cycle").command(cycle_list, name="list")
    noun(app, "consultancy").command(consultancy_list, name="list")
    app.command(dosage_show, name="dosage")


@dataclass(frozen=True)
class Seen:
    """An engagement as it was asked for."""

    state: State
    context: "Context"
    today: date
    """The day it is looked at: today, the day asked for, or the day on which it ended."""
    names: Names


def _seen(engagement: str, as_known: str | None, as_true: str | None) -> Seen:
    known, true = _day(as_known, "--as-known"), _day(as_true, "--as-true")

    async def work(door: "Door") -> Seen:
        from cli.showing import read_state
        from store.context import program, standing

        one = await engagement_named(door, engagement)
        async with door.pool.acquire() as connection:
            settings = await program(connection)
        zone = settings.zone if settings else "UTC"
        now = await door.now()
        state = await read_state(door, one, known, true, ZoneInfo(zone))
        async with door.pool.acquire() as connection:
            context = await standing(connection, state, now)
        names = Names(door, known)
        coaching = state.of(Coaching)
        await names.learn(*(c.coach for c in coaching.contacts))
        await names.learn(*(p for c in coaching.contacts for p in c.people))
        return Seen(state, context, _last_day(state, now, zone, known, true), names)

    seen = run(work)
    if seen.state.of(Engagement).phase is None:
        fail(f"{engagement} was not open yet on that day. Ask for a later one.", REFUSED)
    return seen


def _last_day(state: State, now: datetime, zone: str, *asked: date | None) -> date:
    ended = state.of(Engagement).ended_at
    days = [local_date(now, zone), *(day for day in asked if day)]
    return min([*days, local_date(ended, zone)] if ended else days)


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
    seen = _seen(engagement, as_known, as_true)
    contacts, names = seen.state.of(Coaching).contacts, seen.names
    if json_:
        for c in contacts:
            emit_json(
                {
                    "on": c.on,
                    "kind": c.kind,
                    "counts": c.counts,
                    "coach": names.handle(c.coach),
                    "with": [names.handle(p) for p in c.people],
                    "for": str(c.purpose),
                    "note": str(c.note) if c.note else None,
                }
            )
        return
    emit_table(
        counted(len(contacts), "contact"),
        ("On", "Kind", "Coach", "With", "For", "Note"),
        [
            (
                spoken(c.on),
                c.kind + ("" if c.counts else " (does not count)"),
                names.of(c.coach),
                ", ".join(names.of(p) for p in c.people),
                str(c.purpose),
                str(c.note) if c.note else "–",
            )
            for c in contacts
        ],
        empty="Log one: handrail contact log --help",
    )
    say_if_illustrative(seen.state.of(Engagement).illustrative)


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
    state = _seen(engagement, as_known, as_true).state
    cycles = state.of(Cycles).all.values()
    if json_:
        for cycle in cycles:
            emit_json(_cycle_data(cycle))
        return
    none = f". Open one: handrail cycle open {state.id} --help" if not cycles else ""
    print(counted(len(cycles), "cycle") + none)
    for cycle in cycles:
        print("\n".join(_cycle_text(cycle)))
    say_if_illustrative(state.of(Engagement).illustrative)


def _cycle_data(cycle: Cycle) -> dict[str, Any]:
    planned, done, studied, acted = cycle.planned, cycle.done, cycle.studied, cycle.acted
    return {
        "cycle": cycle.id,
        "title": cycle.title,
        "stage": cycle.stage,
        "measure": planned.measure if planned else None,
        "after": planned.after if planned else None,
        "dates": dict(cycle.steps),
        "prediction": str(planned.prediction) if planned else None,
        "done": str(done.tried) if done else None,
        "result": str(studied.result) if studied else None,
        "prediction_held": studied.prediction_held if studied else None,
        "decision": acted.decision if acted else None,
        "reason": str(acted.reason) if acted else None,
    }


def _cycle_text(cycle: Cycle) -> list[str]:
    lines = [f"{cycle.id} {cycle.title}: {cycle.stage}"]
    if cycle.planned:
        p = cycle.planned
        what = "".join(
            [f" for {p.measure}" if p.measure else "", f" after {p.after}" if p.after else ""]
        )
        lines.append(f"   {spoken(p.on)}  planned{what}; predicted: {p.prediction}")
    if cycle.done:
        lines.append(f"   {spoken(cycle.done.on)}  done: {cycle.done.tried}")
    if cycle.studied:
        s = cycle.studied
        lines.append(f"   {spoken(s.on)}  studied, {AS_PREDICTED[s.prediction_held]}: {s.result}")
    if cycle.acted:
        a = cycle.acted
        lines.append(f"   {spoken(a.on)}  {a.decision}: {a.reason}")
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
    state = _seen(engagement, as_known, as_true).state
    noted = sorted(state.of(Cycles).consultancies, key=lambda c: c.on)
    if json_:
        for c in noted:
            emit_json(
                {
                    "on": c.on,
                    "partners": list(c.partners),
                    "cycle": c.cycle,
                    "question": str(c.question),
                    "note": str(c.note),
                }
            )
        return
    emit_table(
        counted(len(noted), "consultancy", "consultancies"),
        ("On", "With", "Cycle", "Question", "What they said"),
        [
            (spoken(c.on), ", ".join(c.partners), c.cycle, str(c.question), str(c.note))
            for c in noted
        ],
        empty="Note one: handrail consultancy note --help",
    )
    say_if_illustrative(state.of(Engagement).illustrative)


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
    from domain.kernel.refusals import Refused

    seen = _seen(engagement, as_known, as_true)
    try:
        found = dosage(seen.state, rules_of(seen.state, seen.context), seen.today)
    except Refused as no:
        fail(str(no), REFUSED)
    if found is None:
        fail(
            f"{seen.state.id} has no dosage yet: coaching begins once the agreement is effective. "
            f"See where it stands: handrail engagement show {seen.state.id}",
            REFUSED,
        )
    if json_:
        emit_json({"engagement": seen.state.id, **as_data(found)})
        return
    illustrative = " (illustrative)" if seen.state.of(Engagement).illustrative else ""
    emit_table(
        f"{seen.state.id}{illustrative}, {spoken(found.since)} to {spoken(found.until)}",
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


def _summary(found: Dosage) -> list[str]:
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


def as_data(found: Dosage) -> dict[str, Any]:
    """The dosage as plain data."""
    return {
        "since": found.since,
        "until": found.until,
        "limit_days": found.limit_days,
        "days_since_contact": found.days_since_contact,
        "days_over": found.days_over,
        "gaps": [
            {"since": g.since, "until": g.until, "days": g.days, "over": g.over, "open": g.open}
            for g in found.gaps
        ],
        "months": [_month(m) for m in found.months],
        "cycles": dict(found.cycles),
        "prongs": [
            {
                "prong": p.id,
                "name": p.name,
                "months": p.months,
                "last_month": p.last,
                "opted_out": {"on": p.out.on, "reason": p.out.reason} if p.out else None,
            }
            for p in found.prongs
        ],
    }


def _month(month: Month) -> dict[str, Any]:
    return {
        "month": f"{month.first:%Y-%m}",
        "contacts": sum(month.contacts.values()),
        "by_kind": dict(month.contacts),
        "messages": month.other_contacts,
        "cycle_steps": month.cycle_steps,
        "consultancies": month.consultancies,
        "submissions": month.submissions,
        "summits": list(month.summits),
        "opted_out": list(month.out),
    }
