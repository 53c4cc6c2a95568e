"""Measures of success as the LEA defines them, leading apart from lagging."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from domain.engagement.guards import evidence_for, of_the_lea
from domain.engagement.state import Engagement
from domain.focus.focus import Focus
from domain.kernel.bounds import Day
from domain.kernel.fields import Line, Option, PersonRef, Positional
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State, next_name
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Invalid,
    Unknown,
    WrongState,
)
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.policy.calendar import local_date, spoken
from domain.rules.context import Context
from domain.rules.days import not_in_the_future, within_reach
from domain.rules.registry import decides, evolves

about_noun("measure", "The LEA's own measures of success: define, revise, observe and drop them.")

Kind = Literal["leading", "lagging"]
MEASURE_KINDS: tuple[Kind, ...] = ("leading", "lagging")
Better = Literal["higher", "lower"]
Amount = Annotated[Decimal, Field(max_digits=14, decimal_places=4)]


class AddMeasure(EngagementCommand):
    """Define a measure of success as the LEA sees it."""

    noun = "measure"
    verb = "add"

    title: Annotated[Line, Positional()]
    """What is measured, for example "Pupils absent on ten days or more"."""
    sort: Annotated[Kind, Option("kind")]
    """leading (moves early: process, practice) or lagging (moves late: outcomes)."""
    target: Amount
    """The value to reach."""
    baseline: Amount | None = None
    """The value at the start; left out where nobody knows it yet."""
    unit: Line | None = None
    """What the numbers count, for example percent."""
    not_before: Day | None = None
    """No effect is expected before this day; what is observed earlier is too early to judge."""
    better: Better | None = None
    """higher or lower; taken from baseline and target if left out."""
    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA defined it."""
    evidence: Line | None = None
    """Where that is written down."""


class MeasureCommand(EngagementCommand):
    """A command about a measure that is there."""

    measure: Annotated[Line, Positional()]
    """The measure's id, for example M1."""


class ReviseMeasure(MeasureCommand):
    """Change what a measure says; the former definition stays, with when and why."""

    noun = "measure"
    verb = "revise"

    reason: Line
    """Why it changes."""
    title: Line | None = None
    """What is measured."""
    target: Amount | None = None
    """The value to reach."""
    baseline: Amount | None = None
    """The value at the start."""
    unit: Line | None = None
    """What the numbers count."""
    not_before: Day | None = None
    """No effect is expected before this day."""
    better: Better | None = None
    """higher or lower."""


class DropMeasure(MeasureCommand):
    """End a measure; its definitions and observations stay."""

    noun = "measure"
    verb = "drop"

    reason: Line
    """Why it is dropped."""


class _Defined(Event):
    measure: str
    title: str
    target: Decimal
    baseline: Decimal | None = None
    unit: str | None = None
    not_before: date | None = None
    better: Better

    def _terms(self) -> str:
        unit = f" {self.unit}" if self.unit else ""
        return (
            f"from {'an unknown baseline' if self.baseline is None else f'{self.baseline:f}'} to "
            f"{self.target:f}{unit}"
            + (f", not expected before {spoken(self.not_before)}" if self.not_before else "")
        )


class MeasureAdded(_Defined):
    type: ClassVar[str] = "measure-added"
    kind: Kind
    focus: str | None = None
    said_by: str | None = None
    evidence: Sealed | None = None

    def sentence(self) -> str:
        return f"{self.measure} ({self.kind}) {self.title}: {self._terms()}."


class MeasureRevised(_Defined):
    type: ClassVar[str] = "measure-revised"
    reason: Sealed

    def sentence(self) -> str:
        return f"{self.measure} changed to {self.title}: {self._terms()}. Why: {full(self.reason)}"


class MeasureDropped(Event):
    type: ClassVar[str] = "measure-dropped"
    measure: str
    reason: Sealed

    def sentence(self) -> str:
        return f"{self.measure} dropped: {full(self.reason)}"


@dataclass(frozen=True, slots=True)
class Definition:
    """What a measure says, from when until when and why it changed."""

    title: str
    target: Decimal
    baseline: Decimal | None
    unit: str | None
    not_before: date | None
    better: Better
    since: datetime
    reason: Sealed | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Measure:
    """One measure with everything it ever said."""

    id: str
    kind: Kind = "leading"
    focus: str | None = None
    definitions: tuple[Definition, ...] = ()
    dropped_at: datetime | None = None
    drop_reason: Sealed | None = None
    said_by: str | None = None
    evidence: Sealed | None = None
    illustrative: bool = False


@dataclass(frozen=True, slots=True)
class Measures:
    """Every measure by id."""

    all: Mapping[str, Measure] = field(default_factory=dict)

    def of_kind(self, kind: Kind) -> list[Measure]:
        """Leading and lagging measures are never looked at together."""
        return [m for m in self.all.values() if m.kind == kind]


def _direction(
    baseline: Decimal | None, target: Decimal, better: Better | None, what: str
) -> Better:
    if baseline is None or baseline == target:
        if better is None:
            why = "is not known" if baseline is None else "is the target"
            raise Incomplete(
                f"{what}: the baseline {why}, so nobody can tell which way is better. Say it: "
                f"--better higher or --better lower"
            )
        return better
    seen: Better = "higher" if target > baseline else "lower"
    if better not in (None, seen):
        raise Invalid(
            f"{what}: from {baseline:f} to {target:f} is {seen}, so --better {better} cannot be. "
            f"Check baseline and target, or leave out --better."
        )
    return seen


def _expected_by(day: date | None, kind: Kind, what: str, context: Context) -> None:
    rules = context.the_playbook.measures
    if day is None and rules and kind in rules.dated:
        raise Incomplete(
            f"{what}: a {kind} measure moves late. Say before when no effect is expected: "
            f"--not-before DATE"
        )
    if day is not None:
        within_reach(day, "--not-before", context)


@decides(AddMeasure)
def add_measure(command: AddMeasure, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    evidence_for(command.person, command.evidence, "The measure")
    not_in_the_future(context.effective_on, "The measure", context)
    what = f"{state.id}: {command.title!r}"
    for known in state.of(Measures).all.values():
        says = known.definitions[-1] if known.definitions and not known.dropped_at else None
        if says and says.title.casefold() == command.title.casefold():
            raise AlreadyExists(
                f"{what} is {known.id} already. To change it: "
                f"handrail measure revise {state.id} {known.id} --reason REASON"
            )
    _expected_by(command.not_before, command.sort, what, context)
    focus = state.of(Focus).current
    said_by = of_the_lea(command.person, engagement, context).id if command.person else None
    return [
        MeasureAdded(
            measure=next_name(state, "M", state.of(Measures).all),
            title=command.title,
            kind=command.sort,
            target=command.target,
            baseline=command.baseline,
            unit=command.unit,
            not_before=command.not_before,
            better=_direction(command.baseline, command.target, command.better, what),
            focus=focus.id if focus else None,
            said_by=said_by,
            evidence=Sealed(about=said_by, text=command.evidence) if said_by else None,
        )
    ]


def _get(state: State, measure_id: str) -> Measure:
    """The measure; a blank one where facts folded by effective date come before its definition."""
    return state.of(Measures).all.get(measure_id, Measure(measure_id))


def _put(state: State, measure: Measure) -> State:
    return state.put(Measures({**state.of(Measures).all, measure.id: measure}))


def _defined(measure: Measure, event: _Defined, stamp: Stamp, why: Sealed | None) -> Measure:
    at = stamp.effective_at
    former = tuple(replace(d, until=d.until or at) for d in measure.definitions)
    now = Definition(
        title=event.title,
        target=event.target,
        baseline=event.baseline,
        unit=event.unit,
        not_before=event.not_before,
        better=event.better,
        since=at,
        reason=why,
    )
    return replace(measure, definitions=(*former, now))


@evolves(MeasureAdded)
def measure_added(state: State, event: MeasureAdded, stamp: Stamp) -> State:
    measure = replace(
        _get(state, event.measure),
        kind=event.kind,
        focus=event.focus,
        said_by=event.said_by,
        evidence=event.evidence,
        illustrative=event.illustrative,
    )
    return _put(state, _defined(measure, event, stamp, None))


def found(command: MeasureCommand, state: State) -> Measure:
    """The measure a command names.

    Raises:
        Unknown: There is none of that id.
    """
    known = state.of(Measures).all
    wanted = command.measure.upper()
    if wanted not in known:
        raise Unknown(
            f"{state.id} has no measure {command.measure!r}. "
            + (f"Name one that it has: {', '.join(known)}. " if known else "It has none yet. ")
            + f'To define one: handrail measure add {state.id} "TITLE" --kind leading '
            f"--target NUMBER"
        )
    return known[wanted]


def _standing(command: MeasureCommand, state: State, context: Context) -> Measure:
    """A measure whose definition can change now."""
    measure = found(command, state)
    not_dropped(measure, None, state, context)
    not_in_the_future(context.effective_on, "The change", context)
    since = measure.definitions[-1].since
    if context.effective_at < since:
        raise ImpossibleDate(
            f"{state.id}: {measure.id} cannot change on {spoken(context.effective_on)}: it says "
            f"what it says since {spoken(local_date(since, context.zone))}. Give a later day with "
            f"--on."
        )
    return measure


def not_dropped(measure: Measure, on: date | None, state: State, context: Context) -> None:
    """Refuse what comes after a measure was dropped.

    Args:
        on: The day it is about; None for now.

    Raises:
        WrongState: It was dropped before.
    """
    if measure.dropped_at is None:
        return
    dropped = local_date(measure.dropped_at, context.zone)
    if on is None or on > dropped:
        raise WrongState(
            f"{state.id}: {measure.id} was dropped on {spoken(dropped)} ({measure.drop_reason}). "
            f'Define another: handrail measure add {state.id} "TITLE" --kind {measure.kind} '
            f"--target NUMBER"
        )


@decides(ReviseMeasure)
def revise_measure(command: ReviseMeasure, state: State, context: Context) -> Decision:
    measure = _standing(command, state, context)
    now = measure.definitions[-1]
    baseline = now.baseline if command.baseline is None else command.baseline
    target = now.target if command.target is None else command.target
    moved = (baseline, target) != (now.baseline, now.target)
    revised = MeasureRevised(
        measure=measure.id,
        title=command.title or now.title,
        target=target,
        baseline=baseline,
        unit=command.unit or now.unit,
        not_before=command.not_before or now.not_before,
        better=_direction(
            baseline,
            target,
            command.better or (None if moved and baseline not in (None, target) else now.better),
            f"{state.id}: {measure.id}",
        ),
        reason=Sealed(about=state.stream, text=command.reason),
    )
    _expected_by(revised.not_before, measure.kind, f"{state.id}: {measure.id}", context)
    said = {"title", "target", "baseline", "unit", "not_before", "better"}
    if all(getattr(revised, name) == getattr(now, name) for name in said):
        raise AlreadyExists(
            f"{state.id}: {measure.id} says exactly that already. Say what changes, for example "
            f"--target NUMBER or --not-before DATE."
        )
    return [revised]


@evolves(MeasureRevised)
def measure_revised(state: State, event: MeasureRevised, stamp: Stamp) -> State:
    return _put(state, _defined(_get(state, event.measure), event, stamp, event.reason))


@decides(DropMeasure)
def drop_measure(command: DropMeasure, state: State, context: Context) -> Decision:
    measure = _standing(command, state, context)
    reason = Sealed(about=state.stream, text=command.reason)
    return [MeasureDropped(measure=measure.id, reason=reason)]


@evolves(MeasureDropped)
def measure_dropped(state: State, event: MeasureDropped, stamp: Stamp) -> State:
    measure = _get(state, event.measure)
    return _put(state, replace(measure, dropped_at=stamp.effective_at, drop_reason=event.reason))
