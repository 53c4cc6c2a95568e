"""What was observed of a measure: kept always, and judged only when an effect can be expected."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import ClassVar, Literal

from domain.engagement.state import Engagement
from domain.focus.measures import Amount, Definition, Measure, MeasureCommand, found, not_dropped
from domain.kernel.bounds import Day
from domain.kernel.fields import Line
from domain.kernel.messages import Decision, Event, Stamp, State
from domain.kernel.refusals import AlreadyExists, ImpossibleDate, Invalid
from domain.kernel.sealed import Sealed
from domain.policy.calendar import local_date, spoken
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves

Standing = Literal[
    "no observation", "too early to judge", "reached", "nearer the target", "no nearer"
]


class ObserveMeasure(MeasureCommand):
    """Record an observed value; one that comes too early is kept and marked so."""

    noun = "measure"
    verb = "observe"

    value: Amount
    """What was observed."""
    on: Day | None = None
    """The day it was observed; today if left out."""
    source: Line | None = None
    """Where the value stands, for example "attendance report of October"; kept encrypted."""
    reason: Line | None = None
    """Why it takes the place of another value recorded for that day."""


class MeasureObserved(Event):
    type: ClassVar[str] = "measure-observed"
    measure: str
    value: Decimal
    on: date
    too_early: bool = False
    not_before: date | None = None
    source: Sealed | None = None
    replaces: Decimal | None = None
    reason: Sealed | None = None

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        return (
            f"{self.measure} observed on {spoken(self.on)}: {self.value:f}"
            + (
                f" in place of {self.replaces:f} ({self.reason})"
                if self.replaces is not None
                else ""
            )
            + (
                f"; too early to judge, not expected before {spoken(self.not_before)}."
                if self.too_early and self.not_before
                else "."
            )
        )


@dataclass(frozen=True, slots=True)
class Observation:
    """What was observed on a day; the last reading holds, the others were corrected."""

    on: date
    readings: tuple[tuple[int, MeasureObserved], ...]
    """Each with the version it was recorded at, in that order."""

    @property
    def latest(self) -> MeasureObserved:
        return self.readings[-1][1]


@dataclass(frozen=True, slots=True)
class Observations:
    """Everything observed, by measure, oldest day first."""

    all: Mapping[str, tuple[Observation, ...]] = field(default_factory=dict)

    def of(self, measure: str) -> tuple[Observation, ...]:
        """What was observed of one measure."""
        return self.all.get(measure, ())


def standing(measure: Measure, observed: tuple[Observation, ...]) -> Standing:
    """Where a measure stands, by the last observation that was not too early."""
    if not observed or not measure.definitions:
        return "no observation"
    judged = [o.latest for o in observed if not o.latest.too_early]
    if not judged:
        return "too early to judge"
    value, now = judged[-1].value, measure.definitions[-1]
    sign = 1 if now.better == "higher" else -1
    if sign * (value - now.target) >= 0:
        return "reached"
    if now.baseline is not None and sign * (value - now.baseline) > 0:
        return "nearer the target"
    return "no nearer"


def _terms_on(measure: Measure, on: date, context: Context) -> Definition:
    """The definition that held on a day; the first one for a day before it."""
    held = [d for d in measure.definitions if local_date(d.since, context.zone) <= on]
    return held[-1] if held else measure.definitions[0]


@decides(ObserveMeasure)
def observe_measure(command: ObserveMeasure, state: State, context: Context) -> Decision:
    measure = found(command, state)
    on = command.on or context.effective_on
    not_in_the_future(on, "The observation", context)
    opened = state.of(Engagement).opened_at
    assert opened is not None
    if on < local_date(opened, context.zone):
        raise ImpossibleDate(
            f"{state.id}: {measure.id} cannot be observed on {spoken(on)}: the engagement was "
            f"opened on {spoken(local_date(opened, context.zone))}. What was measured before is "
            f"the baseline: handrail measure revise {state.id} {measure.id} --baseline NUMBER "
            f"--reason REASON"
        )
    not_dropped(measure, on, state, context)
    observed = state.of(Observations).of(measure.id)
    known = next((o.latest for o in observed if o.on == on), None)
    if known and known.value == command.value:
        raise AlreadyExists(
            f"{state.id}: {measure.id} was observed at {command.value:f} on {spoken(on)} already. "
            f"Nothing more is needed."
        )
    if known and command.reason is None:
        raise AlreadyExists(
            f"{state.id}: {measure.id} was observed at {known.value:f} on {spoken(on)} already. To "
            f"correct it, add --reason REASON; the former value stays in the history."
        )
    if command.reason and not known:
        raise Invalid(
            f"{state.id}: {measure.id} has no value for {spoken(on)} that could be corrected. "
            f"Check --on, or leave out --reason."
        )
    not_before = _terms_on(measure, on, context).not_before
    return [
        MeasureObserved(
            measure=measure.id,
            value=command.value,
            on=on,
            too_early=not_before is not None and on < not_before,
            not_before=not_before,
            source=Sealed(about=state.stream, text=command.source) if command.source else None,
            replaces=known.value if known else None,
            reason=Sealed(about=state.stream, text=command.reason) if command.reason else None,
        )
    ]


@evolves(MeasureObserved)
def measure_observed(state: State, event: MeasureObserved, stamp: Stamp) -> State:
    slice_ = state.of(Observations)
    by_day = {o.on: o.readings for o in slice_.of(event.measure)}
    # Sorted by version: told as true, a correction may come before the value it corrects.
    readings = (*by_day.get(event.on, ()), (stamp.version, event))
    by_day[event.on] = tuple(sorted(readings, key=lambda r: r[0]))
    observations = tuple(Observation(on, by_day[on]) for on in sorted(by_day))
    return state.put(Observations({**slice_.all, event.measure: observations}))
