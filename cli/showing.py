"""One engagement as people see it: folded now, as known then, or as true then."""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cli import bouncing, burden, handing, looking_ahead, reviewing, summits
from cli.roles import Absent, absences
from cli.roles import as_text as absence_as_text
from domain.agreements.agenda import AgendaItem, clocked
from domain.agreements.agreements import MAIN, Agreements
from domain.checkins.checkins import CheckIns
from domain.checkins.commitments import commitments
from domain.coaching.contacts import Coaching
from domain.coaching.cycles import Cycles
from domain.deliverables.proposing import Deliverables
from domain.deliverables.terms import awaited
from domain.engagement.state import Engagement, with_lea
from domain.focus.focus import Focus
from domain.focus.measures import MEASURE_KINDS, Measures
from domain.focus.observations import Observations, standing
from domain.journey.steps import journey
from domain.kernel.messages import Recorded, State
from domain.kernel.refusals import Unknown
from domain.kernel.wording import counted, dollars, lea_hours
from domain.money.investments import Investments
from domain.money.money import exact
from domain.policy.calendar import spoken
from domain.policy.playbook import Playbook
from domain.recruitment.eligibility import Eligibility, years_met
from domain.recruitment.recruitment import Recruitment
from domain.review.review import Review
from domain.rules.context import LeaEntry
from domain.rules.registry import as_mended
from domain.surveys.surveys import Surveys
from domain.team.members import Team, lacking
from domain.team.risks import Risks
from domain.turnover.holds import Holds
from domain.turnover.leavings import Turnover

if TYPE_CHECKING:
    from bootstrap.door import Door

CLOSING_WORDS = {"reason": "why", "adjust": "to adjust", "sustain": "to sustain it"}
"""What a check-in's outcome rests on and leads to, and how it is said."""


async def read_history(
    door: "Door",
    stream: str,
    known: date | None,
    true: date | None,
    zone: ZoneInfo,
    *,
    as_recorded: bool = False,
) -> list[Recorded]:
    """A stream's events: what was entered by a day, then what was true by a day.

    Args:
        as_recorded: Also what was put right or taken back since, as it was first said.

    Raises:
        ImpossibleDate: One of the days is still to come.
    """
    from cli.reading import end_of, not_to_come
    from store.events import as_true, read_stream

    await not_to_come(door, zone, known, true)
    async with door.pool.acquire() as connection:
        recorded = await read_stream(
            connection, door.vault, stream, known_by=end_of(known, zone) if known else None
        )
    if true:
        return as_true(recorded, end_of(true, zone), zone.key)
    return recorded if as_recorded else list(as_mended(recorded))


async def read_state(
    door: "Door", engagement: str, known: date | None, true: date | None, zone: ZoneInfo
) -> State:
    """An engagement as asked for, with its LEA as the registry had it then, or has it now.

    Raises:
        ImpossibleDate: One of the days is still to come.
    """
    from store.events import folded

    stream = f"engagement:{engagement}"
    state = folded(stream, await read_history(door, stream, known, true, zone))
    return with_lea(state, await registered(door, state.of(Engagement).lea, known, zone))


async def registered(door: "Door", lea: str, known: date | None, zone: ZoneInfo) -> LeaEntry | None:
    """What the registry says of an LEA, or said at the end of a day."""
    from cli.reading import end_of
    from store.context import leas_named
    from store.directory import leas_known

    async with door.pool.acquire() as connection:
        found = (
            await leas_known(connection, door.vault, [lea], end_of(known, zone))
            if known
            else await leas_named(connection, {lea})
        )
    return found.get(lea)


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
    state = await read_state(door, engagement, known, true, zone)
    async with door.pool.acquire() as connection:
        pinned = await playbook(connection, state.of(Engagement).playbook)
    if state.of(Engagement).phase is None:
        raise Unknown(
            f"{engagement} was not open yet on that day. Ask for a later one, or see "
            f"handrail history {engagement}"
        )
    found = as_data(state, zone)
    found["next_step"] = next_step(state, pinned) if pinned else None
    rows = state.of(Eligibility).rows.values()
    if rows and pinned and pinned.eligibility:
        found["years_met"] = years_met(rows, pinned.eligibility).told(pinned.eligibility)
    now = (await door.now()).astimezone(zone).date()
    rules = pinned.burden if pinned else None
    found["burden"] = burden.ahead(state, rules, min(d for d in (now, known, true) if d))
    found["etiquette"] = looking_ahead.etiquette_as_lines(
        state, min(d for d in (now, known, true) if d)
    )
    if known:
        found["as_known"] = known
    if true:
        found["as_true"] = true
    if pinned and pinned.team:
        day = min([d for d in (known, true, (await door.now()).astimezone(zone).date()) if d])
        members = state.of(Team).on(day)
        found["team_lacks"] = list(lacking(members, pinned.team)) if members else []
    away: dict[tuple[str, str], Absent] = {}
    if not known and not true and state.of(Engagement).is_open:
        held = [(engagement, role, person) for role, person in found["roles"].items()]
        async with door.pool.acquire() as connection:
            away = await absences(connection, held, now)
    found["absent"] = {
        role: {"left_on": absent.left, "stands_in": absent.stands_in}
        for (_, role), absent in away.items()
    }
    people = [*found["roles"].values(), *(t["person"] for t in found["tenures"])]
    people += [a["stands_in"] for a in found["absent"].values() if a["stands_in"]]
    people += [m["person"] for m in found["team"]]
    people += [x["person"] for x in found["leavings"]]
    people += handing.people_in(state)
    people += [a["person"] for a in found["addresses"]]
    people += [k["owner"] for c in found["checkins"] for k in c["commitments"] if k["owner"]]
    people += [p for s in found["summits"] for p in (*s["registered"], *s["people"])]
    return found, people


def next_step(state: State, playbook: Playbook) -> str | None:
    """The step that comes next; None when there is none."""
    now = next((s for s in journey(state, playbook) if s.standing == "next"), None)
    return f"{now.step.name} ({now.step.id}{', tight' if now.step.tight else ''})" if now else None


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
            {
                "role": t.role,
                "person": t.person,
                "since": day(t.since),
                "until": day(t.until),
                "interim": t.interim,
            }
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
                "proposed_hours": d.proposal.hours if d.proposal else None,
                "went_into": list(d.into),
                "waits_for": [w.id for w in awaited(d, state)] if d.is_open else [],
            }
            for d in state.of(Deliverables).all.values()
        ],
        "checkins": [
            {
                "checkin": c.id,
                "planned": c.opened_for,
                "held": c.held_on,
                "outcome": c.outcome,
                **{
                    name: str(told) if (told := getattr(c.said, name, None)) else None
                    for name in CLOSING_WORDS
                },
                "purposes": {k: str(v) for k, v in c.said.purposes.items()} if c.said else {},
                "commitments": [
                    {
                        "number": k.number,
                        "by": k.by,
                        "owner": k.owner,
                        "text": str(k.text),
                        "verdict": k.judged.verdict if k.judged else None,
                    }
                    for k in commitments(state, c.id)
                ],
            }
            for c in state.of(CheckIns).all
        ],
        "surveys": [
            {"year": year, "taken": s.taken, "constructs": len(s.results)}
            for year, s in state.of(Surveys).standing.items()
        ],
        **coaching_as_data(state),
        **team_as_data(state),
        "addresses": bouncing.as_data(state, zone),
        "handovers": handing.as_data(state),
        "summits": summits.as_data(state),
        "commitments": summits.commitments_as_data(state),
        "invested": exact(state.of(Investments).total),
        "investments": [
            {
                "investment": i.investment,
                "amount": exact(i.terms.amount),
                "approximate": i.reported.approximate,
                "purpose": i.terms.purpose,
                "fiscal_year": i.terms.fiscal_year,
                "kind": i.terms.category,
                "source": i.reported.source,
                "focus": i.reported.focus,
                "appropriation": i.terms.appropriation,
                "made_on": day(i.since),
                "reported": exact(i.reported.amount),
                "corrected": [day(at) for at, _ in i.corrected],
                "withdrawn": str(i.withdrawn.reason) if i.withdrawn else None,
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


def team_as_data(state: State) -> dict[str, Any]:
    """Who is in the team, what is on hold, the risks, and the leaders who leave."""
    holds = state.of(Holds)
    return {
        "team": [
            {"person": m.person, "kind": m.kind, "side": m.side, "since": m.since}
            for m in state.of(Team).all
            if m.until is None
        ],
        "risk": state.of(Risks).level,
        "risks": {
            kind: {"level": r.level, "since": r.since, "reason": r.reason}
            for kind, r in state.of(Risks).all.items()
        },
        "on_hold_since": holds.whole.on if holds.whole else None,
        "holds": [
            {
                "hold": h.id,
                "on": h.on,
                "until": h.until,
                "items": [i for i in h.items if i not in h.released],
                "reason": h.reason,
            }
            for h in holds.open
        ],
        "passed_on_hold": [
            {"item": item, "round": round_, "due": due}
            for (item, round_), due in holds.passed.items()
        ],
        "leavings": [
            {
                "role": x.role,
                "person": x.person,
                "announced": x.announced,
                "last_day": x.last_day,
                "recommit_by": x.recommit_by,
                "recommitted": x.recommitted,
                "reaffirmed": x.reaffirmed,
                "board_reaffirms": x.board_reaffirms,
            }
            for x in state.of(Turnover).open
        ],
    }


def team_as_text(found: dict[str, Any]) -> list[str]:
    """The same for reading."""
    lines = []
    if found["team"]:
        team = ", ".join(f"{m['person']} ({m['kind'].replace('_', ' ')})" for m in found["team"])
        lines.append(f"Team: {team}")
    if lacks := found.get("team_lacks"):
        lines.append(f"   not yet: {' and '.join(lacks)}")
    lines += [
        f"Risk {kind}: {r['level']} since {spoken(r['since'])}: {r['reason']}"
        for kind, r in found["risks"].items()
    ]
    for x in found["leavings"]:
        role = x["role"].replace("_", " ")
        lines.append(
            f"{x['person']} leaves as {role}: announced {spoken(x['announced'])}, last day "
            f"{spoken(x['last_day'])}"
        )
        lines.append(f"   {recommitment(x)}")
    for h in found["holds"]:
        what = ", ".join(h["items"]) or "everything the LEA owes"
        until = f" until {spoken(h['until'])}" if h["until"] else ""
        lines.append(f"On hold since {spoken(h['on'])}{until}: {what} ({h['hold']}: {h['reason']})")
    return lines


def recommitment(x: dict[str, Any]) -> str:
    """Where a recommitment stands."""
    if not x["recommitted"]:
        told = f"recommitment owed by {spoken(x['recommit_by'])}"
    else:
        told = f"recommitted {spoken(x['recommitted'])}"
    if x["board_reaffirms"]:
        on = f"reaffirmed {spoken(x['reaffirmed'])}" if x["reaffirmed"] else "has still to reaffirm"
        told += f"; the board {on}"
    return told


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


def investment_line(i: dict[str, Any]) -> str:
    about = "about " if i["approximate"] else ""
    line = f"{i['investment']}: {about}{dollars(Decimal(i['amount']))}"
    line += f" for {i['purpose']}"
    line += f", {i['fiscal_year']}" if i["fiscal_year"] else ""
    if i["corrected"]:
        first = f", first recorded as {dollars(Decimal(i['reported']))}"
        line += f" (corrected {spoken(i['corrected'][-1])}"
        line += (first if i["reported"] != i["amount"] else "") + ")"
    return line + (f" – withdrawn: {i['withdrawn']}" if i["withdrawn"] else "")


def as_text(found: dict[str, Any]) -> str:
    """The same for reading."""
    since = found["on_hold_since"]
    on_hold = f", on hold since {spoken(since)}" if since else ""
    lines = [f"{found['engagement']}: {found['lea_name']}, {found['phase']}{on_hold}"]
    if found["illustrative"]:
        lines.append("ILLUSTRATIVE: dates and deliverables are invented, not facts about the LEA.")
    if "as_known" in found:
        lines.append(f"As known on {spoken(found['as_known'])}.")
    if "as_true" in found:
        lines.append(f"As true on {spoken(found['as_true'])}.")
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
    lines += team_as_text(found)
    lines += bouncing.as_text(found)
    lines += found.get("etiquette", [])
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
    lines += burden.as_lines(found["burden"])
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
    lines += [
        f"Survey of year {s['year']}: taken {spoken(s['taken'])}, "
        f"{counted(s['constructs'], 'construct')} (handrail survey show {found['engagement']})"
        for s in found["surveys"]
    ]
    lines += coaching_as_text(found)
    lines += handing.as_lines(found)
    lines += summits.as_text(found)
    lines += map(investment_line, found["investments"])
    return "\n".join(lines)
