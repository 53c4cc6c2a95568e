"""One engagement as people see it: folded now, as known then, or as true then."""

from collections.abc import Callable, Iterable
from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cli import reviewing, summits
from domain.agenda import AgendaItem, clocked
from domain.agreements import MAIN, Agreements
from domain.calendar import spoken
from domain.checkins import CheckIns
from domain.coaching import Coaching
from domain.cycles import Cycles
from domain.deliverables import Deliverables
from domain.eligibility import Eligibility, years_met
from domain.engagement import Engagement
from domain.errors import Unknown
from domain.focus import Focus
from domain.investments import Investments
from domain.kernel import Recorded, State, fold
from domain.measures import MEASURE_KINDS, Measures
from domain.observations import Observations, standing
from domain.recruitment import Recruitment
from domain.review import Review

if TYPE_CHECKING:
    from bootstrap.door import Door


async def read_history(
    door: "Door", stream: str, known: date | None, true: date | None, zone: ZoneInfo
) -> list[Recorded]:
    """A stream's events: what was entered by a day, then what was true by a day."""
    from cli.reading import end_of
    from store.events import as_true, read_stream

    async with door.pool.acquire() as connection:
        recorded = await read_stream(
            connection, door.vault, stream, known_by=end_of(known, zone) if known else None
        )
    return as_true(recorded, end_of(true, zone), zone.key) if true else recorded


async def show(
    door: "Door", engagement: str, known: date | None, true: date | None
) -> tuple[dict[str, Any], list[str]]:
    """The engagement as data, and every text in it that may name somebody."""
    from cli.asking import engagement_named
    from store.context import playbook, program

    engagement = await engagement_named(door, engagement)
    async with door.pool.acquire() as connection:
        settings = await program(connection)
    zone = ZoneInfo(settings.zone if settings else "UTC")
    state = fold(
        f"engagement:{engagement}",
        await read_history(door, f"engagement:{engagement}", known, true, zone),
    )
    async with door.pool.acquire() as connection:
        pinned = await playbook(connection, state.of(Engagement).playbook)
    if state.of(Engagement).phase is None:
        raise Unknown(
            f"{engagement} was not open yet on that day. Ask for a later one, or see "
            f"handrail history {engagement}"
        )
    found = as_data(state, zone)
    rows = state.of(Eligibility).rows.values()
    if rows and pinned and pinned.eligibility:
        found["years_met"] = years_met(rows, pinned.eligibility).told(pinned.eligibility)
    if known:
        found["as_known"] = known
    if true:
        found["as_true"] = true
    people = [*found["roles"].values(), *(t["person"] for t in found["tenures"])]
    people += [p for s in found["summits"] for p in (*s["registered"], *s["people"])]
    return found, people


def as_data(state: State, zone: ZoneInfo) -> dict[str, Any]:
    """A folded engagement as plain data."""
    e = state.of(Engagement)
    recruitment = state.of(Recruitment)

    def day(instant: Any) -> date | None:
        return instant.astimezone(zone).date() if instant else None

    return {
        "engagement": state.id,
        "version": state.version,
        "lea": e.lea,
        "lea_name": e.lea_name,
        "phase": e.phase,
        "illustrative": e.illustrative,
        "playbook": e.playbook,
        "source": e.source,
        "statute": e.statute,
        "opened": day(e.opened_at),
        "ended": day(e.ended_at),
        "end_reason": e.end_reason,
        "roles": dict(e.roles),
        "tenures": [
            {"role": t.role, "person": t.person, "since": day(t.since), "until": day(t.until)}
            for t in e.tenures
        ],
        "waived": {step: str(w.reason) for step, w in e.waived.items()},
        "conversations": dict(recruitment.covered),
        "fit": None
        if recruitment.decided is None
        else {
            "proceed": recruitment.decided.proceed,
            "criteria": dict(recruitment.decided.criteria),
        },
        "eligibility": [
            {"year": r.year, "group": r.group, "criterion": r.criterion, "source": r.source}
            for r in sorted(state.of(Eligibility).rows.values(), key=lambda r: (r.year, r.group))
        ],
        "readiness": [
            {"on": j.on, "willing": j.willing, "able": j.able, "why": str(j.why)}
            for j in state.of(Eligibility).readiness
        ],
        "agreements": [
            {
                "agreement": a.id,
                "type": a.kind,
                "about": a.about,
                "drafted": a.drafted_on,
                "effective": a.effective_on,
                "boards": {
                    b: {
                        "state": i.state,
                        "meeting": i.meeting,
                        "next_meeting": i.next_meeting,
                        "agenda": [_on_agenda(i.agenda[n]) for n in sorted(i.agenda)],
                    }
                    for b, i in a.boards.items()
                },
            }
            for a in state.of(Agreements).all
        ],
        "review": reviewing.as_data(state) if state.of(Review).opened_on else None,
        "focus": _focus(state, day),
        "deliverables": [
            {
                "deliverable": d.id,
                "title": d.title,
                "status": d.status,
                "due": d.due,
                "round": d.round,
                "hours": d.hours,
                "proposed_due": d.proposal.due if d.proposal else None,
                "signed": dict(d.proposal.signed) if d.proposal else {},
            }
            for d in state.of(Deliverables).all.values()
        ],
        "checkins": [
            {
                "checkin": c.id,
                "planned": c.opened_for,
                "held": c.held_on,
                "outcome": c.closed.outcome if c.closed else None,
                "purposes": {k: str(v) for k, v in c.closed.purposes.items()} if c.closed else {},
                "commitments": [{"by": k.by, "text": str(k.text)} for k in c.closed.commitments]
                if c.closed
                else [],
            }
            for c in state.of(CheckIns).all
        ],
        **coaching_as_data(state),
        "summits": summits.as_data(state),
        "commitments": summits.commitments_as_data(state),
        "invested": str(state.of(Investments).total),
        "investments": [
            {
                "investment": i.investment,
                "amount": str(i.amount),
                "approximate": i.approximate,
                "purpose": i.purpose,
                "fiscal_year": i.fiscal_year,
                "source": i.source,
            }
            for i in state.of(Investments).all
        ],
    }


def coaching_as_data(state: State) -> dict[str, Any]:
    """The last contact, every cycle, and the prongs left out."""
    coaching = state.of(Coaching)
    last = next((c for c in reversed(coaching.contacts) if c.counts), None)
    return {
        "contacts": len(coaching.contacts),
        "last_contact": {"on": last.on, "kind": last.kind} if last else None,
        "cycles": [
            {
                "cycle": c.id,
                "title": c.title,
                "stage": c.stage,
                "since": c.steps[-1][1] if c.steps else None,
                "prediction_held": c.studied.prediction_held if c.studied else None,
                "decision": c.acted.decision if c.acted else None,
            }
            for c in state.of(Cycles).all.values()
        ],
        "opted_out": {
            prong: {"on": out.on, "reason": out.reason} for prong, out in coaching.out.items()
        },
    }


def _focus(state: State, day: Callable[[Any], date | None]) -> dict[str, Any] | None:
    """The focus that holds; `handrail focus show` has the lineage."""
    focus, observed = state.of(Focus), state.of(Observations)
    if focus.current is None:
        return None
    return {
        "focus": focus.current.id,
        "since": day(focus.current.since),
        "problem": str(focus.current.text),
        "root_causes": {e.id: str(e.text) for e in focus.current_causes},
        "theory": str(focus.theory.text) if focus.theory else None,
        "measures": {
            kind: {
                m.id: {"title": m.definitions[-1].title, "standing": standing(m, observed.of(m.id))}
                for m in state.of(Measures).of_kind(kind)
                if m.definitions and not m.dropped_at
            }
            for kind in MEASURE_KINDS
        },
    }


def coaching_as_text(found: dict[str, Any]) -> list[str]:
    """The same for reading."""
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


def _focus_lines(focus: dict[str, Any]) -> Iterable[str]:
    yield f"Focus {focus['focus']} since {spoken(focus['since'])}: {focus['problem']}"
    yield from (f"   {id_}: {text}" for id_, text in focus["root_causes"].items())
    if focus["theory"]:
        yield f"   theory of action: {focus['theory']}"
    for kind, measures in focus["measures"].items():
        yield from (f"   {kind} {id_} {m['title']}: {m['standing']}" for id_, m in measures.items())


def _on_agenda(item: AgendaItem) -> dict[str, Any]:
    """A board's agenda item as plain data, with the sentence that tells it."""
    found: dict[str, Any] = {"round": item.round, "consent": item.on_consent, "ended": item.ended}
    text = ["on consent" if item.on_consent else "on the agenda"]
    if item.posting:
        zone, by = item.posting.zone, item.posting.post_by
        found |= {"meeting": clocked(item.posting.meeting_at, zone), "kind": item.posting.kind}
        found["post_by"] = clocked(by, zone) if by else None
        text.append(f"of {found['meeting']}, {item.posting.deadline}")
        if item.posted_at:
            found |= {"posted": clocked(item.posted_at, zone), "late": item.late}
            text.append(f"; posted {found['posted']}{', late' if item.late else ''}")
    text.append(f"; {item.ended}" if item.ended else "")
    found["text"] = " ".join(text).replace(" ;", ";").strip()
    return found


def as_text(found: dict[str, Any]) -> str:
    """The same for reading."""
    lines = [f"{found['engagement']}: {found['lea_name']}, {found['phase']}"]
    if found["illustrative"]:
        lines.append("ILLUSTRATIVE: dates and deliverables are invented, not facts about the LEA.")
    if "as_known" in found:
        lines.append(f"As known on {spoken(found['as_known'])}.")
    if "as_true" in found:
        lines.append(f"As true on {spoken(found['as_true'])}.")
    lines.append(f"  Playbook {found['playbook']}; opened {spoken(found['opened'])}")
    if found["ended"]:
        lines.append(f"  Ended {spoken(found['ended'])}: {found['end_reason']}")
    for label, value in (("Source", found["source"]), ("Statute", found["statute"])):
        if value:
            lines.append(f"  {label}: {value}")
    lines += [f"  {role.replace('_', ' ')}: {p}" for role, p in found["roles"].items()]
    lines += [f"  Waived {step}: {reason}" for step, reason in found["waived"].items()]
    if found["conversations"]:
        lines.append("Conversations:")
        lines += [f"   {spoken(on)}: {g}" for g, on in found["conversations"].items()]
    if found["fit"]:
        answers = ", ".join(f"{k} {v}" for k, v in found["fit"]["criteria"].items())
        verdict = "proceed" if found["fit"]["proceed"] else "do not proceed"
        lines.append(f"Fit: {verdict} ({answers})")
    if found["eligibility"]:
        lines.append("Eligibility:")
        lines += [f"   {r['year']}: {r['group']}, {r['criterion']}" for r in found["eligibility"]]
    if "years_met" in found:
        lines.append(f"   {found['years_met']}")
    lines += [
        f"Readiness {spoken(j['on'])}: willing {j['willing']}, able {j['able']} ({j['why']})"
        for j in found["readiness"]
    ]
    for a in found["agreements"]:
        boards = ", ".join(
            f"{b.upper()} {i['state']}"
            + (f" {spoken(i['meeting'])}" if i["meeting"] else "")
            + (f", next {spoken(i['next_meeting'])}" if i["next_meeting"] else "")
            for b, i in a["boards"].items()
        )
        effective = f"effective {spoken(a['effective'])}" if a["effective"] else "not effective"
        kind = "" if a["type"] == MAIN else f" ({a['type']})"
        about = f", {a['about']}" if a["about"] else ""
        lines.append(f"Agreement {a['agreement']}{kind}{about}: {effective} ({boards})")
        lines += [
            f"   {b.upper()} {agenda['text']}"
            for b, i in a["boards"].items()
            for agenda in i["agenda"]
        ]
    if found["review"]:
        line = reviewing.as_line(found["review"])
        lines.append(line[0].upper() + line[1:])
    if found["focus"]:
        lines += _focus_lines(found["focus"])
    for d in found["deliverables"]:
        due = f", due {spoken(d['due'])}" if d["due"] else ""
        lines.append(f"{d['deliverable']} {d['title']}: {d['status']}{due}")
        if d["proposed_due"]:
            signed = " and ".join(d["signed"]) or "nobody"
            lines.append(f"   proposed for {spoken(d['proposed_due'])}, signed so far by: {signed}")
    for c in found["checkins"]:
        when = f"held {spoken(c['held'])}" if c["held"] else f"planned {spoken(c['planned'])}"
        outcome = f", closed: {c['outcome']}" if c["outcome"] else ""
        lines.append(f"{c['checkin']}: {when}{outcome}")
        lines += [f"   {name}: {text}" for name, text in c["purposes"].items()]
        lines += [f"   by {spoken(k['by'])}: {k['text']}" for k in c["commitments"]]
    lines += coaching_as_text(found)
    lines += summits.as_text(found)
    for i in found["investments"]:
        about = "about " if i["approximate"] else ""
        lines.append(f"{i['investment']}: {about}${float(i['amount']):,.0f} for {i['purpose']}")
    return "\n".join(lines)
