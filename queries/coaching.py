"""The contacts, the cycles, and how much of the offer reaches an LEA."""

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from zoneinfo import ZoneInfo

from domain.coaching.contacts import Coaching
from domain.coaching.cycles import Cycle, Cycles
from domain.engagement.state import Engagement
from domain.kernel.messages import State
from queries.answers import Answer, Who
from queries.seen import seen
from queries.source import Source


@dataclass(frozen=True)
class ContactMade(Answer):
    """A coaching contact."""

    on: date
    kind: str
    counts: bool
    coach: Who
    with_: tuple[Who, ...]
    for_: str
    note: str | None


@dataclass(frozen=True)
class CycleShown(Answer):
    """A short cycle: its prediction beside its result."""

    cycle: str
    title: str
    stage: str
    measure: str | None
    after: str | None
    dates: dict[str, date]
    prediction: str | None
    done: str | None
    result: str | None
    prediction_held: Literal["yes", "partly", "no"] | None
    decision: str | None
    reason: str | None


@dataclass(frozen=True)
class CyclesShown(Answer):
    """Every short cycle of an engagement."""

    engagement: str
    illustrative: bool
    cycles: tuple[CycleShown, ...]


@dataclass(frozen=True)
class ConsultancyShown(Answer):
    """What partners said about a question."""

    on: date
    partners: tuple[str, ...]
    cycle: str | None
    question: str
    note: str


@dataclass(frozen=True)
class ConsultanciesShown(Answer):
    """Every consultancy of an engagement."""

    illustrative: bool
    consultancies: tuple[ConsultancyShown, ...]


async def contacts_of(
    source: Source, engagement: str, known: date | None, true: date | None
) -> tuple[tuple[ContactMade, ...], bool]:
    """Every coaching contact of an engagement, oldest first; and whether it is illustrative."""
    it = await seen(source, engagement, known, true)
    contacts = it.state.of(Coaching).contacts
    await it.names.learn(*(p for c in contacts for p in (c.coach, *c.people)))
    rows = tuple(
        ContactMade(
            on=c.on,
            kind=c.kind,
            counts=c.counts,
            coach=it.names.who(c.coach),
            with_=tuple(it.names.who(p) for p in c.people),
            for_=str(c.purpose),
            note=str(c.note) if c.note else None,
        )
        for c in contacts
    )
    return rows, it.state.of(Engagement).illustrative


async def cycles_of(
    source: Source, engagement: str, known: date | None, true: date | None
) -> CyclesShown:
    """Every short cycle of an engagement."""
    state = (await seen(source, engagement, known, true)).state
    return CyclesShown(
        engagement=state.id,
        illustrative=state.of(Engagement).illustrative,
        cycles=tuple(cycle_data(cycle) for cycle in state.of(Cycles).all.values()),
    )


async def consultancies_of(
    source: Source, engagement: str, known: date | None, true: date | None
) -> ConsultanciesShown:
    """Every consultancy of an engagement, oldest first."""
    state = (await seen(source, engagement, known, true)).state
    return ConsultanciesShown(
        illustrative=state.of(Engagement).illustrative,
        consultancies=tuple(
            ConsultancyShown(
                on=c.on,
                partners=tuple(c.partners),
                cycle=c.cycle,
                question=str(c.question),
                note=str(c.note),
            )
            for c in sorted(state.of(Cycles).consultancies, key=lambda c: c.on)
        ),
    )


def cycle_data(cycle: Cycle) -> CycleShown:
    planned, done, studied, acted = cycle.planned, cycle.done, cycle.studied, cycle.acted
    return CycleShown(
        cycle=cycle.id,
        title=cycle.title,
        stage=cycle.stage,
        measure=planned.measure if planned else None,
        after=planned.after if planned else None,
        dates={str(stage): on for stage, on in cycle.steps},
        prediction=str(planned.prediction) if planned else None,
        done=str(done.tried) if done else None,
        result=str(studied.result) if studied else None,
        prediction_held=studied.prediction_held if studied else None,
        decision=acted.decision if acted else None,
        reason=str(acted.reason) if acted else None,
    )


def section(state: State, zone: ZoneInfo) -> dict[str, Any]:
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
