"""Short cycles of plan, do, study and act, and what peers said in a consultancy."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import StringConstraints

from domain.coaching.contacts import coached
from domain.focus.measures import Measures, not_dropped
from domain.kernel.fields import LeaRef, Line, Option, Positional, Prose
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State, next_name
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import AlreadyExists, ImpossibleDate, Unknown, WrongPerson, WrongState
from domain.kernel.sealed import Sealed
from domain.policy.calendar import spoken
from domain.rules.context import Context
from domain.rules.registry import decides, evolves

about_noun("consultancy", "Note what peers said in a consultancy.")
about_noun("cycle", "Short cycles: plan, do, study, act.")

Stage = Literal["plan", "do", "study", "act"]
STAGES: tuple[Stage, ...] = ("plan", "do", "study", "act")
Answer = Literal["yes", "partly", "no"]
Next = Literal["adopt", "adapt", "abandon"]
AS_PREDICTED: Mapping[Answer, str] = {
    "yes": "as predicted",
    "partly": "partly as predicted",
    "no": "not as predicted",
}


class OpenCycle(EngagementCommand):
    """Open a short cycle: what will be tried, and what is predicted to come of it."""

    noun = "cycle"
    verb = "open"

    title: Annotated[Line, Positional()]
    """What is tried, for example "Exit tickets in two classes"."""
    prediction: Prose
    """What is predicted to happen, so that it can be compared with what did."""
    measure: (
        Annotated[
            str, StringConstraints(strip_whitespace=True, to_upper=True, pattern=r"^[Mm]\d{1,4}$")
        ]
        | None
    ) = None
    """The measure it should move, for example M2."""
    after: Line | None = None
    """The finished cycle it goes on from, for example C1."""


class _CycleCommand(EngagementCommand):
    cycle: Annotated[Line, Positional()]
    """The cycle's id, for example C1."""


class DoCycle(_CycleCommand):
    """Record that what was planned was tried, and what happened."""

    noun = "cycle"
    verb = "do"

    tried: Prose
    """What was tried, and how it differed from the plan."""


class StudyCycle(_CycleCommand):
    """Compare the result of a cycle with its prediction."""

    noun = "cycle"
    verb = "study"

    result: Annotated[Prose, Option("learned")]
    """What came of it."""
    prediction_held: Answer
    """yes, partly or no: whether the result was as predicted."""


class ActOnCycle(_CycleCommand):
    """Decide what follows from a cycle: adopt, adapt or abandon; only abandoning needs no study."""

    noun = "cycle"
    verb = "act"

    decision: Annotated[Next, Positional()]
    """adopt, adapt or abandon."""
    reason: Prose
    """Why, in words the LEA's team would use."""


class NoteConsultancy(EngagementCommand):
    """Note a consultancy: what the LEA asked its peers, and what they said."""

    noun = "consultancy"
    verb = "note"

    question: Annotated[Line, Positional()]
    """What the LEA brought to the others."""
    note: Prose
    """What they said, as critical friends."""
    partner: tuple[LeaRef, ...] = ()
    """The LEA that gave the consultancy, once for each."""
    cycle: Line | None = None
    """The cycle it was about or that takes it up, for example C1."""


class CycleOpened(Event):
    type: ClassVar[str] = "cycle-opened"
    cycle: str
    on: date
    title: str
    prediction: Sealed
    measure: str | None = None
    after: str | None = None

    def sentence(self) -> str:
        return (
            f"{self.cycle} {self.title!r} planned on {spoken(self.on)}"
            + (f" for {self.measure}" if self.measure else "")
            + (f", after {self.after}" if self.after else "")
            + f"; predicted: {self.prediction}"
        )


class CycleDone(Event):
    type: ClassVar[str] = "cycle-done"
    cycle: str
    on: date
    tried: Sealed

    def sentence(self) -> str:
        return f"{self.cycle} tried on {spoken(self.on)}: {self.tried}"


class CycleStudied(Event):
    type: ClassVar[str] = "cycle-studied"
    cycle: str
    on: date
    result: Sealed
    prediction_held: Answer

    def sentence(self) -> str:
        held = AS_PREDICTED[self.prediction_held]
        return f"{self.cycle} studied on {spoken(self.on)}, {held}: {self.result}"


class CycleActedOn(Event):
    type: ClassVar[str] = "cycle-acted-on"
    cycle: str
    on: date
    decision: Next
    reason: Sealed

    def sentence(self) -> str:
        return f"{self.cycle} ended on {spoken(self.on)} with {self.decision}: {self.reason}"


class ConsultancyNoted(Event):
    type: ClassVar[str] = "consultancy-noted"
    on: date
    question: Sealed
    note: Sealed
    partners: tuple[str, ...] = ()
    cycle: str | None = None

    def sentence(self) -> str:
        return (
            f"Consultancy on {spoken(self.on)}"
            + (f" with {' and '.join(self.partners)}" if self.partners else "")
            + (f" about {self.cycle}" if self.cycle else "")
            + f": {self.question} – {self.note}"
        )


@dataclass(frozen=True, slots=True)
class Cycle:
    """One short cycle; each stage is there once it was recorded."""

    id: str
    planned: CycleOpened | None = None
    done: CycleDone | None = None
    studied: CycleStudied | None = None
    acted: CycleActedOn | None = None

    @property
    def title(self) -> str:
        """What is tried."""
        return self.planned.title if self.planned else self.id

    @property
    def stage(self) -> Stage:
        """The stage it has reached."""
        if self.acted:
            return "act"
        if self.studied:
            return "study"
        return "do" if self.done else "plan"

    @property
    def steps(self) -> tuple[tuple[Stage, date], ...]:
        """The stages recorded, each with its day."""
        found = (self.planned, self.done, self.studied, self.acted)
        return tuple((s, e.on) for s, e in zip(STAGES, found, strict=True) if e is not None)


@dataclass(frozen=True, slots=True)
class Cycles:
    """All cycles by id, and every consultancy."""

    all: Mapping[str, Cycle] = field(default_factory=dict)
    consultancies: tuple[ConsultancyNoted, ...] = ()


def _found(name: str, state: State) -> Cycle:
    known = state.of(Cycles).all
    wanted = name.upper()
    if wanted in known:
        return known[wanted]
    raise Unknown(
        f"{state.id} has no cycle {name!r}. "
        + (
            f"Name one that it has: {', '.join(f'{c.id} ({c.title})' for c in known.values())}."
            if known
            else f"It has none yet. Open one: handrail cycle open {state.id} TITLE "
            f"--prediction TEXT"
        )
    )


def _get(state: State, cycle_id: str) -> Cycle:
    """The cycle; a blank one where facts folded by effective date come before its opening."""
    return state.of(Cycles).all.get(cycle_id, Cycle(cycle_id))


def _put(state: State, cycle: Cycle) -> State:
    cycles = state.of(Cycles)
    return state.put(replace(cycles, all={**cycles.all, cycle.id: cycle}))


def _sealed(state: State, text: str) -> Sealed:
    return Sealed(about=state.stream, text=text)


@decides(OpenCycle)
def open_cycle(command: OpenCycle, state: State, context: Context) -> Decision:
    coached(state, context, "The cycle's plan")
    all_ = state.of(Cycles).all
    twin = next(
        (
            c
            for c in all_.values()
            if c.acted is None and c.title.casefold() == command.title.casefold()
        ),
        None,
    )
    if twin:
        raise AlreadyExists(
            f"{state.id} has {twin.id} {twin.title!r} already, at {twin.stage}. Go on with it, or "
            f"end it: handrail cycle act {state.id} {twin.id} abandon --reason REASON"
        )
    known = state.of(Measures).all
    if command.measure and command.measure not in known:
        raise Unknown(
            f"{state.id} has no measure {command.measure!r} that a cycle could move. "
            + (f"Name one that it has: {', '.join(known)}. " if known else "It has none yet. ")
            + f'To define one: handrail measure add {state.id} "TITLE" --kind leading '
            f"--target NUMBER"
        )
    if command.measure:
        not_dropped(known[command.measure], context.effective_on, state, context)
    after = _found(command.after, state) if command.after else None
    if after and after.acted is None:
        raise WrongState(
            f"{state.id}: {after.id} {after.title!r} is at {after.stage}, and a cycle goes on from "
            f"one that is finished. Finish it first: handrail cycle act {state.id} {after.id} "
            f"adapt --reason REASON"
        )
    if after and after.acted and context.effective_on < after.acted.on:
        raise ImpossibleDate(
            f"{state.id}: a cycle that goes on from {after.id} cannot begin on "
            f"{spoken(context.effective_on)}: {after.id} ended on {spoken(after.acted.on)}. Give "
            f"a day from then on: --on DATE"
        )
    return [
        CycleOpened(
            cycle=next_name(state, "C", all_),
            on=context.effective_on,
            title=command.title,
            prediction=_sealed(state, command.prediction),
            measure=command.measure,
            after=after.id if after else None,
        )
    ]


@evolves(CycleOpened)
def cycle_opened(state: State, event: CycleOpened, stamp: Stamp) -> State:
    return _put(state, replace(_get(state, event.cycle), planned=event))


_NEXT_STEP: Mapping[Stage, str] = {
    "plan": "do {0} {1} --tried TEXT",
    "do": "study {0} {1} --learned TEXT --prediction-held yes|partly|no",
    "study": "act {0} {1} adopt|adapt|abandon --reason REASON",
    "act": "open {0} TITLE --prediction TEXT --after {1}",
}


def _step(command: _CycleCommand, wanted: Stage, state: State, context: Context) -> Cycle:
    """The cycle, provided that this step comes next and on a day on which it can."""
    coached(state, context, "The cycle's step")
    cycle = _found(command.cycle, state)
    reached = STAGES.index(cycle.stage)
    abandoned = isinstance(command, ActOnCycle) and command.decision == "abandon"
    if reached + 1 != STAGES.index(wanted) and not (abandoned and cycle.acted is None):
        come = _NEXT_STEP[cycle.stage].format(state.id, cycle.id)
        what = (
            f"is finished ({cycle.acted.decision} on {spoken(cycle.acted.on)})"
            if cycle.acted
            else f"is at {cycle.stage} since {spoken(cycle.steps[-1][1])}"
        )
        raise WrongState(
            f"{state.id}: {wanted!r} cannot be recorded on {cycle.id} {cycle.title!r}: it {what}. "
            f"What comes next: handrail cycle {come}"
        )
    last, on = cycle.steps[-1]
    if context.effective_on < on:
        raise ImpossibleDate(
            f"{state.id}: {wanted!r} of {cycle.id} cannot be dated "
            f"{spoken(context.effective_on)}: {last!r} was on {spoken(on)}. Give a day from then "
            f"on: --on DATE"
        )
    return cycle


@decides(DoCycle)
def do_cycle(command: DoCycle, state: State, context: Context) -> Decision:
    cycle = _step(command, "do", state, context)
    return [
        CycleDone(cycle=cycle.id, on=context.effective_on, tried=_sealed(state, command.tried)),
    ]


@evolves(CycleDone)
def cycle_done(state: State, event: CycleDone, stamp: Stamp) -> State:
    return _put(state, replace(_get(state, event.cycle), done=event))


@decides(StudyCycle)
def study_cycle(command: StudyCycle, state: State, context: Context) -> Decision:
    cycle = _step(command, "study", state, context)
    return [
        CycleStudied(
            cycle=cycle.id,
            on=context.effective_on,
            result=_sealed(state, command.result),
            prediction_held=command.prediction_held,
        )
    ]


@evolves(CycleStudied)
def cycle_studied(state: State, event: CycleStudied, stamp: Stamp) -> State:
    return _put(state, replace(_get(state, event.cycle), studied=event))


@decides(ActOnCycle)
def act_on_cycle(command: ActOnCycle, state: State, context: Context) -> Decision:
    cycle = _step(command, "act", state, context)
    return [
        CycleActedOn(
            cycle=cycle.id,
            on=context.effective_on,
            decision=command.decision,
            reason=_sealed(state, command.reason),
        )
    ]


@evolves(CycleActedOn)
def cycle_acted_on(state: State, event: CycleActedOn, stamp: Stamp) -> State:
    return _put(state, replace(_get(state, event.cycle), acted=event))


@decides(NoteConsultancy)
def note_consultancy(command: NoteConsultancy, state: State, context: Context) -> Decision:
    engagement = coached(state, context, "The consultancy")
    partners = tuple(dict.fromkeys(context.lea(lea).id for lea in command.partner))
    if engagement.lea in partners:
        raise WrongPerson(
            f"{state.id}: {engagement.lea_name} cannot be its own partner in a consultancy. Name "
            f"the LEA that gave it: --partner LEA"
        )
    cycle = _found(command.cycle, state).id if command.cycle else None
    on = context.effective_on
    known = state.of(Cycles).consultancies
    if any(
        (c.on, str(c.question), str(c.note)) == (on, command.question, command.note) for c in known
    ):
        raise AlreadyExists(
            f"{state.id}: the consultancy of {spoken(on)} about {command.question!r} is noted "
            f"already, in the same words. See it: handrail history {state.id}"
        )
    return [
        ConsultancyNoted(
            on=on,
            question=_sealed(state, command.question),
            note=_sealed(state, command.note),
            partners=partners,
            cycle=cycle,
        )
    ]


@evolves(ConsultancyNoted)
def consultancy_noted(state: State, event: ConsultancyNoted, stamp: Stamp) -> State:
    cycles = state.of(Cycles)
    return state.put(replace(cycles, consultancies=(*cycles.consultancies, event)))
