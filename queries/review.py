"""Where a review stands, and its thread from either end."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from domain.deliverables.proposing import Deliverables
from domain.deliverables.submissions import DeliverableSubmitted
from domain.engagement.state import Engagement
from domain.kernel.messages import Recorded, State
from domain.kernel.refusals import WrongState
from domain.kernel.wording import spoken, texts
from domain.review.review import Finding, Review
from domain.review.thread import Strand, through, unserving
from queries.answers import Answer, dumped
from queries.names import Names
from queries.seen import Seen, seen
from queries.source import Source
from store.database import listed, queries
from store.documents import framework


@dataclass(frozen=True)
class CorrectionShown(Answer):
    """A correction of facts, and whether it was taken."""

    correction: str
    on: date
    area: str | None
    taken: bool | None


@dataclass(frozen=True)
class ActionShown(Answer):
    """A recommended action, and what serves it."""

    action: str
    area: str
    title: str
    status: str
    chosen: bool
    deliverables: tuple[str, ...]


@dataclass(frozen=True)
class SparedPart(Answer):
    """What was not asked for, because somebody holds it."""

    part: str
    hours: Decimal
    held_by: Any


@dataclass(frozen=True)
class WaveShown(Answer):
    """A wave of requests for evidence."""

    wave: str
    title: str
    status: str
    due: date | None
    proposed_due: date | None
    hours: Decimal
    spared: tuple[SparedPart, ...]


@dataclass(frozen=True)
class AreaShown(Answer):
    """An area with its evidence and what was found."""

    area: str
    name: str
    priorities: tuple[int, ...]
    evidence: dict[str, int]
    why_empty: str | None
    strength: str | None
    need: str | None


@dataclass(frozen=True)
class ReviewShown(Answer):
    """Where a review stands."""

    framework: str
    standing: str
    opened: date | None
    draft_sent: date | None
    corrections_until: date | None
    final: date | None
    presented: tuple[date, ...]
    chosen: tuple[str, ...]
    empty_areas: list[str]
    areas: tuple[AreaShown, ...]
    waves: tuple[WaveShown, ...]
    actions: tuple[ActionShown, ...]
    corrections: tuple[CorrectionShown, ...]


@dataclass(frozen=True)
class ReviewOf(Answer):
    """The review of an engagement."""

    engagement: str
    illustrative: bool
    review: ReviewShown

    def dumped(self) -> dict[str, Any]:
        """As plain data: the review itself, and whose it is."""
        whose = {"engagement": self.engagement, "illustrative": self.illustrative}
        return {**whose, **self.review.dumped()}


@dataclass(frozen=True)
class StrandShown(Answer):
    """One way from an area over an action and a deliverable to its evidence."""

    area: str
    area_evidence: dict[str, int]
    strength: str | None
    need: str | None
    action: str | None
    action_title: str | None
    action_status: str | None
    chosen: bool
    deliverable: str | None
    deliverable_title: str | None
    deliverable_status: str | None
    evidence: tuple[str, ...]


@dataclass(frozen=True)
class Thread(Answer):
    """The thread through a review, as strands and told in lines."""

    lines: tuple[str, ...]
    strands: tuple[StrandShown, ...]
    illustrative: bool


async def frameworks(source: Source) -> list[dict[str, Any]]:
    """The published versions of frameworks."""
    rows = []
    async with source.pool.acquire() as connection:
        for r in await listed(queries.document_refs(connection, kind="framework")):
            found = await framework(connection, f"{r['id']}@{r['version']}")
            assert found is not None
            rows.append({"framework": found.ref, **found.model_dump(exclude={"id", "version"})})
    return rows


async def _reviewed(source: Source, engagement: str) -> Seen:
    """An engagement that has a review.

    Raises:
        WrongState: It has none yet.
    """
    it = await seen(source, engagement, None, None)
    state = it.state
    if state.of(Review).standing == "none":
        raise WrongState(
            f"{state.id} is {state.of(Engagement).phase} and has no review yet. Open it: handrail "
            f"sir open {state.id} --framework FRAMEWORK@VERSION (handrail framework list)"
        )
    return it


async def review_of(source: Source, engagement: str) -> ReviewOf:
    """Where the review of an engagement stands."""
    state = (await _reviewed(source, engagement)).state
    return ReviewOf(state.id, state.of(Engagement).illustrative, review(state))


async def thread_of(source: Source, engagement: str, item: str | None) -> tuple[Thread, Names]:
    """The thread through a review, its strands and told in lines; people by id."""
    it = await _reviewed(source, engagement)
    state, ways = it.state, through(item, it.state)
    submitted = submissions(it.history)
    strands = [strand_data(s, state, submitted) for s in ways]
    deliverable = item.strip().upper() if item else ""
    if deliverable in state.of(Deliverables).all:
        lines = backwards(deliverable, ways, state, submitted)
    else:
        lines = forwards(ways, state, submitted, rest=item is None)
    await it.names.learn(*lines, *texts(dumped(strands)))
    marked = state.of(Engagement).illustrative
    return Thread(tuple(lines), tuple(strands), marked), it.names


def review(state: State) -> ReviewShown:
    """Where the review of a folded engagement stands."""
    review = state.of(Review)
    nothing = Finding()
    return ReviewShown(
        framework=review.framework,
        standing=review.standing,
        opened=review.opened_on,
        draft_sent=review.drafts[-1].on if review.drafts else None,
        corrections_until=review.drafts[-1].due if review.drafts else None,
        final=review.finalized_on,
        presented=tuple(review.presented),
        chosen=tuple(review.chosen),
        empty_areas=review.empty_areas,
        areas=tuple(
            AreaShown(
                area=a.id,
                name=a.name,
                priorities=tuple(a.priorities),
                evidence=review.by_method(a.id),
                why_empty=review.without_evidence.get(a.id),
                strength=_text(review.findings.get(a.id, nothing).strength),
                need=_text(review.findings.get(a.id, nothing).need),
            )
            for a in review.areas.values()
        ),
        waves=tuple(
            WaveShown(
                wave=w.id,
                title=w.title,
                status=w.status,
                due=w.due,
                proposed_due=w.proposal.due if w.proposal else None,
                hours=w.hours,
                spared=tuple(
                    SparedPart(part=s.part, hours=s.hours, held_by=s.held_by) for s in w.spared
                ),
            )
            for w in review.waves.values()
        ),
        actions=tuple(
            ActionShown(
                action=a.id,
                area=a.area,
                title=a.title,
                status=a.status,
                chosen=a.id in review.chosen,
                deliverables=tuple(a.deliverables),
            )
            for a in review.recommended
        ),
        corrections=tuple(
            CorrectionShown(correction=c.id, on=c.on, area=c.area, taken=c.taken)
            for c in review.corrections.values()
        ),
    )


def _text(sealed: object) -> str | None:
    return None if sealed is None else str(sealed)


Submissions = dict[str, list[str]]


def submissions(history: Sequence[Recorded]) -> Submissions:
    """What was submitted for each deliverable: when, by whom, and where it is."""
    found: Submissions = {}
    for recorded in history:
        event = recorded.event
        if isinstance(event, DeliverableSubmitted):
            found.setdefault(event.deliverable, []).append(
                f"submitted {spoken(event.on)} by {event.person}: {event.evidence}"
            )
    return found


def strand_data(strand: Strand, state: State, submitted: Submissions) -> StrandShown:
    review = state.of(Review)
    action = review.actions[strand.action] if strand.action else None
    deliverable = state.of(Deliverables).all.get(strand.deliverable or "")
    return StrandShown(
        area=strand.area,
        area_evidence=review.by_method(strand.area),
        strength=_text(review.findings.get(strand.area, Finding()).strength),
        need=_text(review.findings.get(strand.area, Finding()).need),
        action=strand.action,
        action_title=action.title if action else None,
        action_status=action.status if action else None,
        chosen=strand.action in review.chosen,
        deliverable=strand.deliverable,
        deliverable_title=deliverable.title if deliverable else None,
        deliverable_status=deliverable.status if deliverable else None,
        evidence=tuple(submitted.get(strand.deliverable or "", ())),
    )


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


def forwards(ways: list[Strand], state: State, submitted: Submissions, *, rest: bool) -> list[str]:
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


def backwards(
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


def section(state: State, zone: ZoneInfo) -> dict[str, Any]:
    """What `engagement show` says of the review."""
    return {"review": review(state) if state.of(Review).opened_on else None}
