"""Questions about a review: its frameworks, where it stands, and its thread from either end."""

import json
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cli.asking import Json, Names, counted, engagement_named, run, say_if_illustrative
from cli.nouns import noun
from cli.output import emit_json, emit_table
from cli.verbs import Verbs
from domain.deliverables.proposing import Deliverables
from domain.deliverables.submissions import DeliverableSubmitted
from domain.engagement.state import Engagement
from domain.kernel.messages import Recorded, State
from domain.kernel.refusals import WrongState
from domain.policy.calendar import spoken
from domain.review.review import Finding, Review
from domain.review.thread import Strand, through, unserving

if TYPE_CHECKING:
    from bootstrap.door import Door


def register(app: Verbs) -> None:
    """Add the questions about reviews."""
    noun(app, "framework").command(framework_list, name="list")
    noun(app, "sir").command(sir_show, name="show")
    noun(app, "sir").command(sir_thread, name="thread")


def framework_list(*, json_: Json = False) -> None:
    """Show the published framework versions."""

    async def work(door: "Door") -> list[dict[str, Any]]:
        from store.database import listed, queries
        from store.documents import framework

        rows = []
        async with door.pool.acquire() as connection:
            for r in await listed(queries.document_refs(connection, kind="framework")):
                found = await framework(connection, f"{r['id']}@{r['version']}")
                assert found is not None
                rows.append({"framework": found.ref, **found.model_dump(exclude={"id", "version"})})
        return rows

    rows = run(work)
    if json_:
        for row in rows:
            emit_json(row)
        return
    emit_table(
        "Frameworks",
        ("Framework", "Areas", "Title", "Source"),
        [(r["framework"], len(r["areas"]), r["title"], r["source"]) for r in rows],
    )


async def _read(door: "Door", engagement: str) -> tuple[State, list[Recorded]]:
    """The engagement folded, with its events.

    Raises:
        WrongState: It has no review yet.
    """
    from cli.showing import read_history

    stream = f"engagement:{await engagement_named(door, engagement)}"
    history = await read_history(door, stream, None, None, ZoneInfo("UTC"))
    from store.events import folded

    state = folded(stream, history)
    if state.of(Review).standing == "none":
        raise WrongState(
            f"{state.id} is {state.of(Engagement).phase} and has no review yet. Open it: handrail "
            f"sir open {state.id} --framework FRAMEWORK@VERSION (handrail framework list)"
        )
    return state, history


def sir_show(engagement: str, /, *, json_: Json = False) -> None:
    """Show where a review stands: areas with their evidence, waves, actions and corrections.

    Args:
        engagement: The engagement's id, for example alder-creek-usd.
        json_: One JSON object.
    """

    async def work(door: "Door") -> dict[str, Any]:
        state, _ = await _read(door, engagement)
        marked = state.of(Engagement).illustrative
        return {"engagement": state.id, "illustrative": marked, **as_data(state)}

    found = run(work)
    if json_:
        emit_json(found)
        return
    print(f"{found['engagement']}: {as_line(found)}")
    say_if_illustrative(found["illustrative"])
    emit_table(
        "Areas",
        ("No.", "Area", "LCFF", "Evidence", "Strength", "Need"),
        [
            (
                number,
                a["area"],
                ", ".join(str(p) for p in a["priorities"]),
                ", ".join(f"{m.replace('-', ' ')} {n}" for m, n in a["evidence"].items())
                or ("EMPTY" + (f": {a['why_empty']}" if a["why_empty"] else "")),
                "yes" if a["strength"] else "–",
                "yes" if a["need"] else "–",
            )
            for number, a in enumerate(found["areas"], start=1)
        ],
    )
    if found["waves"]:
        emit_table(
            "Waves of evidence requests",
            ("Wave", "Title", "Status", "Due", "LEA hours"),
            [
                (
                    w["wave"],
                    w["title"],
                    w["status"],
                    spoken(w["due"]) if w["due"] else "–",
                    w["hours"],
                )
                for w in found["waves"]
            ],
        )
        for w in found["waves"]:
            for s in w["spared"]:
                print(f"{w['wave']} without {s['part']} ({s['hours']} h), held by {s['held_by']}")
    if found["actions"]:
        emit_table(
            "Recommended actions (* chosen)",
            ("Action", "Area", "Title", "Status", "Served by"),
            [
                (
                    a["action"] + (" *" if a["chosen"] else ""),
                    a["area"],
                    a["title"],
                    a["status"].replace("-", " "),
                    ", ".join(a["deliverables"]),
                )
                for a in found["actions"]
            ],
        )
    for c in found["corrections"]:
        about = f" about {c['area']}" if c["area"] else ""
        answer = {None: "not answered", True: "taken", False: "not taken"}[c["taken"]]
        print(f"{c['correction']} filed {spoken(c['on'])}{about}: {answer}")


def as_data(state: State) -> dict[str, Any]:
    """A review as plain data."""
    review = state.of(Review)
    nothing = Finding()
    return {
        "framework": review.framework,
        "standing": review.standing,
        "opened": review.opened_on,
        "draft_sent": review.drafts[-1].on if review.drafts else None,
        "corrections_until": review.drafts[-1].due if review.drafts else None,
        "final": review.finalized_on,
        "presented": list(review.presented),
        "chosen": list(review.chosen),
        "empty_areas": review.empty_areas,
        "areas": [
            {
                "area": a.id,
                "name": a.name,
                "priorities": list(a.priorities),
                "evidence": review.by_method(a.id),
                "why_empty": review.without_evidence.get(a.id),
                "strength": _text(review.findings.get(a.id, nothing).strength),
                "need": _text(review.findings.get(a.id, nothing).need),
            }
            for a in review.areas.values()
        ],
        "waves": [
            {
                "wave": w.id,
                "title": w.title,
                "status": w.status,
                "due": w.due,
                "proposed_due": w.proposal.due if w.proposal else None,
                "hours": w.hours,
                "spared": [
                    {"part": s.part, "hours": s.hours, "held_by": s.held_by} for s in w.spared
                ],
            }
            for w in review.waves.values()
        ],
        "actions": [
            {
                "action": a.id,
                "area": a.area,
                "title": a.title,
                "status": a.status,
                "chosen": a.id in review.chosen,
                "deliverables": list(a.deliverables),
            }
            for a in review.recommended
        ],
        "corrections": [
            {"correction": c.id, "on": c.on, "area": c.area, "taken": c.taken}
            for c in review.corrections.values()
        ],
    }


def as_line(found: dict[str, Any]) -> str:
    """A review in a sentence, for the engagement's page and the head of its own."""
    empty = found["empty_areas"]
    since = f" {spoken(found['final'])}" if found["final"] else ""
    said = [f"review under {found['framework']}, {found['standing']}{since}"]
    if found["final"]:
        said += [f"presented {spoken(on)}" for on in found["presented"]]
    elif found["corrections_until"]:
        said.append(f"the LEA may correct facts until {spoken(found['corrections_until'])}")
    said.append(
        f"evidence for {len(found['areas']) - len(empty)} of {counted(len(found['areas']), 'area')}"
        + (f" (empty: {', '.join(empty)})" if empty else "")
    )
    said.append(counted(len(found["actions"]), "action"))
    said.append(f"chosen: {', '.join(found['chosen']) or 'none'}")
    return "; ".join(said)


def _text(sealed: object) -> str | None:
    return None if sealed is None else str(sealed)


def sir_thread(engagement: str, item: str | None = None, /, *, json_: Json = False) -> None:
    """Walk the thread from area over need, action and deliverable to evidence, or back.

    Args:
        engagement: The engagement's id, for example alder-creek-usd.
        item: An area, an action such as RA1, or a deliverable such as D1; everything if left out.
        json_: One JSON object a strand.
    """

    async def work(door: "Door") -> tuple[list[str], list[dict[str, Any]], Names, bool]:
        state, history = await _read(door, engagement)
        ways = through(item, state)
        submitted = _submissions(history)
        data = [_strand(s, state, submitted) for s in ways]
        deliverable = item.strip().upper() if item else ""
        if deliverable in state.of(Deliverables).all:
            lines = _backwards(deliverable, ways, state, submitted)
        else:
            lines = _forwards(ways, state, submitted, rest=item is None)
        names = Names(door)
        await names.learn(*lines, json.dumps(data, default=str))
        return lines, data, names, state.of(Engagement).illustrative

    lines, data, names, illustrative = run(work)
    if json_:
        for strand in data:
            emit_json(names.throughout(strand))
        return
    for line in lines:
        print(names.told(line))
    say_if_illustrative(illustrative)


Submissions = dict[str, list[str]]


def _submissions(history: list[Recorded]) -> Submissions:
    """What was submitted for each deliverable: when, by whom, and where it is."""
    found: Submissions = {}
    for recorded in history:
        event = recorded.event
        if isinstance(event, DeliverableSubmitted):
            found.setdefault(event.deliverable, []).append(
                f"submitted {spoken(event.on)} by {event.person}: {event.evidence}"
            )
    return found


def _strand(strand: Strand, state: State, submitted: Submissions) -> dict[str, Any]:
    review = state.of(Review)
    action = review.actions[strand.action] if strand.action else None
    deliverable = state.of(Deliverables).all.get(strand.deliverable or "")
    return {
        "area": strand.area,
        "area_evidence": review.by_method(strand.area),
        "strength": _text(review.findings.get(strand.area, Finding()).strength),
        "need": _text(review.findings.get(strand.area, Finding()).need),
        "action": strand.action,
        "action_title": action.title if action else None,
        "action_status": action.status if action else None,
        "chosen": strand.action in review.chosen,
        "deliverable": strand.deliverable,
        "deliverable_title": deliverable.title if deliverable else None,
        "deliverable_status": deliverable.status if deliverable else None,
        "evidence": submitted.get(strand.deliverable or "", []),
    }


def _area(area: str, state: State) -> list[str]:
    review = state.of(Review)
    finding = review.findings.get(area, Finding())
    counts = ", ".join(f"{m.replace('-', ' ')} {n}" for m, n in review.by_method(area).items())
    return [
        f"{area}: {review.areas[area].name} (evidence: {counts or 'EMPTY'})",
        f"  need: {finding.need or 'not recorded yet'}",
    ]


def _action(action: str, state: State) -> str:
    review = state.of(Review)
    found = review.actions[action]
    chosen = ", chosen" if action in review.chosen else ""
    return f"{action} {found.title}: {found.status.replace('-', ' ')}{chosen}"


def _deliverable(deliverable: str, state: State) -> str:
    found = state.of(Deliverables).all.get(deliverable)
    if found is None:
        return deliverable
    due = f", due {spoken(found.due)}" if found.due else ""
    return f"{deliverable} {found.title}: {found.status}{due}"


def _forwards(ways: list[Strand], state: State, submitted: Submissions, *, rest: bool) -> list[str]:
    lines: list[str] = []
    area = action = None
    for strand in ways:
        if strand.area != area:
            area, action = strand.area, None
            lines += _area(area, state)
        if strand.action and strand.action != action:
            action = strand.action
            lines.append(f"  {_action(action, state)}")
        if strand.deliverable:
            lines.append(f"    {_deliverable(strand.deliverable, state)}")
            lines += [f"      {text}" for text in submitted.get(strand.deliverable, [])]
    if rest and (others := unserving(state)):
        lines.append(f"Serving no recommended action: {', '.join(others)}")
    return lines


def _backwards(
    deliverable: str, ways: list[Strand], state: State, submitted: Submissions
) -> list[str]:
    lines = [_deliverable(deliverable, state)]
    lines += [f"  {text}" for text in submitted.get(deliverable, [])]
    for strand in ways:
        assert strand.action is not None
        lines.append(f"  serves {_action(strand.action, state)}")
        lines += [f"    {text}" for text in _area(strand.area, state)]
    if not ways:
        lines.append(
            f"  serves no recommended action; link it: "
            f"handrail sir link {state.id} ACTION {deliverable}"
        )
    return lines
