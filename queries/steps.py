"""Where an engagement stands among its steps, and the dates that statutes set for the LEA."""

import datetime
from dataclasses import dataclass
from typing import TYPE_CHECKING

from domain.engagement.state import Engagement
from domain.journey.statute_dates import StatuteDateOpened, Statutes, dates_for, dates_to_come
from domain.journey.steps import journey
from domain.kernel.messages import State
from domain.kernel.wording import spoken
from domain.policy.calendar import local_date
from queries.answers import Answer, Who
from queries.names import Names
from queries.seen import standing_of
from queries.source import Source

if TYPE_CHECKING:
    from domain.rules.context import Context


@dataclass(frozen=True)
class StatuteDateShown(Answer):
    """A date that a statute sets, and whether it was met."""

    date: str
    year: int
    name: str
    due: datetime.date | None
    done: datetime.date | None
    person: Who | None
    standing: str
    statute: str | None


@dataclass(frozen=True)
class StepShown(Answer):
    """A step, where it stands and why."""

    step: str
    name: str
    phase: str | None
    tight: bool
    waiver: str | None
    before: tuple[str, ...]
    own: bool
    standing: str
    why: str | None


@dataclass(frozen=True)
class StepsShown(Answer):
    """The steps of an engagement in their order."""

    engagement: str
    phase: str | None
    playbook: str
    illustrative: bool
    steps: tuple[StepShown, ...]


@dataclass(frozen=True)
class StatutesShown(Answer):
    """The dates that statutes set for an LEA."""

    engagement: str
    playbook: str
    left_to_the_lea: bool
    illustrative: bool
    dates: tuple[StatuteDateShown, ...]


def statute_rows(state: State, context: "Context", names: Names) -> list[StatuteDateShown]:
    """Every date that was opened or met, and those still to open."""
    said = state.of(Statutes)
    asked = {d.id: d for d in dates_for(state, context)}
    rows: list[StatuteDateShown] = []
    for statute, year in sorted({*said.opened, *said.met}, key=lambda key: (key[1], key[0])):
        date_, opened = asked.get(statute), said.opened.get((statute, year))
        met = said.met.get((statute, year))
        due = date_.on(year) if date_ else opened.due if opened else None
        rows.append(
            StatuteDateShown(
                date=statute,
                year=year,
                name=date_.name if date_ else (opened or met).name,  # type: ignore[union-attr]
                due=due,
                done=met.on if met else None,
                person=names.who(met.person) if met else None,
                standing="done" if met else "open",
                statute=date_.statute if date_ else None,
            )
        )
    for fact in dates_to_come(state, context):
        assert isinstance(fact.event, StatuteDateOpened)
        event = fact.event
        rows.append(
            StatuteDateShown(
                date=event.statute,
                year=event.year,
                name=event.name,
                due=event.due,
                done=None,
                person=None,
                standing=f"opens {spoken(local_date(fact.at, context.zone))}",
                statute=asked[event.statute].statute,
            )
        )
    return rows


async def steps_of(source: Source, engagement: str) -> StepsShown:
    """The steps of an engagement in their order."""
    state, context = await standing_of(source, engagement)
    steps = journey(state, context.the_playbook)
    names = Names(source)
    await names.learn(*(s.why for s in steps))
    return StepsShown(
        engagement=state.id,
        phase=state.of(Engagement).phase,
        playbook=context.the_playbook.ref,
        illustrative=state.of(Engagement).illustrative,
        steps=tuple(
            StepShown(
                step=s.step.id,
                name=s.step.name,
                phase=s.step.phase,
                tight=s.step.tight,
                waiver=s.step.waiver,
                before=tuple(s.step.before),
                own=s.own,
                standing=s.standing,
                why=names.told(s.why) if s.why else None,
            )
            for s in steps
        ),
    )


async def statutes_of(source: Source, engagement: str) -> StatutesShown:
    """The dates that statutes set for the LEA of an engagement."""
    state, context = await standing_of(source, engagement)
    names = Names(source)
    await names.learn(*(m.person for m in state.of(Statutes).met.values()))
    return StatutesShown(
        engagement=state.id,
        playbook=context.the_playbook.ref,
        left_to_the_lea=context.the_playbook.statutes is None,
        illustrative=state.of(Engagement).illustrative,
        dates=tuple(statute_rows(state, context, names)),
    )
