"""Steps of the journey: in the playbook's order, tight ones asked for, loose ones the LEA's own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, ClassVar, Literal, get_args

from domain.agreements.agreements import Agreements
from domain.checkins.checkins import CheckIns
from domain.coaching.cycles import Cycles
from domain.deliverables.proposing import Deliverables
from domain.engagement.guards import evidence_for, of_the_lea
from domain.engagement.state import Engagement, StepWaived
from domain.focus.dashboard import Dashboards
from domain.focus.focus import Focus
from domain.focus.measures import Measures
from domain.kernel.fields import Line, Option, PersonRef, Positional, Slug
from domain.kernel.messages import Command, Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import (
    AlreadyExists,
    TightStep,
    Unknown,
    WrongPerson,
    WrongState,
    did_you_mean,
)
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.policy.calendar import spoken
from domain.policy.parts import StepPhase
from domain.policy.playbook import Playbook, Step
from domain.recruitment.recruitment import Recruitment
from domain.review.review import Review
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves

about_noun(
    "step", "The steps of an engagement, in their order: see, do, add, leave out and waive them."
)

PHASES: tuple[StepPhase, ...] = get_args(StepPhase)
Standing = Literal["done", "waived", "dropped", "behind", "next", "ahead"]


class StepCommand(EngagementCommand):
    step: Annotated[Slug, Positional()]
    """The step's id, as handrail step list shows it."""


class DropStep(StepCommand):
    """Record that the LEA leaves out a loose step; it is asked for no more."""

    noun = "step"
    verb = "drop"

    reason: Line
    """Why it is left out."""
    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA decided it."""
    evidence: Line | None = None
    """Where that is written down."""


class AddStep(StepCommand):
    """Add a step of the LEA's own, or take up again one that it left out."""

    noun = "step"
    verb = "add"

    name: Annotated[Line | None, Positional()] = None
    """What is done in it; needed for a step that is new."""
    reason: Line
    """Why it is added."""
    after: Slug | None = None
    """The step it comes after; if left out, the last one of the engagement's phase."""
    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA decided it."""
    evidence: Line | None = None
    """Where that is written down."""


class DoStep(StepCommand):
    """Record that a step was done, where Handrail cannot see it by itself."""

    noun = "step"
    verb = "done"

    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA did it, if it was the LEA's to do."""
    evidence: Line | None = None
    """Where that is written down."""


class WaiveStep(StepCommand):
    """Waive a tight step, with the authority that the playbook names."""

    noun = "step"
    verb = "waive"

    reason: Line
    """Why the engagement goes on without it."""


class StepDropped(Event):
    type: ClassVar[str] = "step-dropped"
    step: str
    on: date
    reason: Sealed
    person: str | None = None
    evidence: Sealed | None = None

    def sentence(self) -> str:
        by = f" by {self.person}" if self.person else ""
        return f"Step {self.step!r} was left out{by}: {full(self.reason)}"


class StepAdded(Event):
    type: ClassVar[str] = "step-added"
    step: str
    name: str
    on: date
    reason: Sealed
    after: str | None = None
    phase: StepPhase | None = None
    again: bool = False
    person: str | None = None
    evidence: Sealed | None = None

    def sentence(self) -> str:
        what = "was taken up again" if self.again else "was added"
        by = f" by {self.person}" if self.person else ""
        return f"Step {self.step!r} ({self.name}) {what}{by}: {full(self.reason)}"


class StepDone(Event):
    type: ClassVar[str] = "step-done"
    step: str
    on: date
    person: str | None = None
    evidence: Sealed | None = None

    def sentence(self) -> str:
        by = f" by {self.person}" if self.person else ""
        shown = f" ({self.evidence})" if self.evidence else ""
        return f"Step {self.step!r} was done on {spoken(self.on)}{by}{shown}."


@dataclass(frozen=True, slots=True)
class Steps:
    """What was said about steps; what Handrail sees by itself stands with its own subject."""

    done: Mapping[str, date] = field(default_factory=dict)
    dropped: Mapping[str, StepDropped] = field(default_factory=dict)
    added: Mapping[str, StepAdded] = field(default_factory=dict)
    kept: Mapping[str, str] = field(default_factory=dict)
    """Steps found done when the playbook was upgraded, with the version they were done under."""


@dataclass(frozen=True, slots=True)
class StepNow:
    """One step of an engagement, as it stands."""

    step: Step
    standing: Standing
    why: str | None = None
    """The reason why it is waived or left out, or what it was done by."""
    own: bool = False
    """Added by the LEA."""

    @property
    def is_asked(self) -> bool:
        """Whether it is still to be done."""
        return self.standing in ("next", "ahead")


@dataclass(frozen=True, slots=True)
class _Seen:
    """How Handrail sees by itself that a step is done, and what does it."""

    done: Callable[[State, Playbook], bool]
    how: str


def _all_groups(state: State, playbook: Playbook) -> bool:
    covered = state.of(Recruitment).covered
    return all(group.id in covered for group in playbook.stakeholder_groups)


def _fits(state: State, playbook: Playbook) -> bool:
    decided = state.of(Recruitment).decided
    return decided is not None and decided.proceed


def _has_agreed(state: State, playbook: Playbook) -> bool:
    return any(d.due for d in state.of(Deliverables).all.values())


def _has_measure(state: State, playbook: Playbook) -> bool:
    return any(m.definitions and not m.dropped_at for m in state.of(Measures).all.values())


SEEN: Mapping[str, _Seen] = {
    "conversations": _Seen(_all_groups, "handrail conversation log"),
    "fit": _Seen(_fits, "handrail fit decide"),
    "agreements": _Seen(
        lambda s, _: s.of(Agreements).effective_on is not None, "handrail agreement act"
    ),
    "dashboard": _Seen(lambda s, _: bool(s.of(Dashboards).all), "handrail dashboard record"),
    "evidence": _Seen(lambda s, _: bool(s.of(Review).evidence), "handrail evidence log"),
    "review": _Seen(lambda s, _: s.of(Review).finalized_on is not None, "handrail sir finalize"),
    "board-presentation": _Seen(lambda s, _: bool(s.of(Review).presented), "handrail sir present"),
    "focus": _Seen(lambda s, _: s.of(Focus).current is not None, "handrail focus set"),
    "measures": _Seen(_has_measure, "handrail measure add"),
    "deliverables": _Seen(_has_agreed, "handrail deliverable sign"),
    "cycle": _Seen(lambda s, _: bool(s.of(Cycles).all), "handrail cycle open"),
    "check-in": _Seen(
        lambda s, _: any(c.closed for c in s.of(CheckIns).all), "handrail checkin close"
    ),
}
"""The steps that Handrail sees by themselves, by the id that playbooks give them."""


def in_order(state: State, playbook: Playbook) -> list[Step]:
    """The playbook's steps with the LEA's own among them."""
    steps = list(playbook.steps)
    for added in state.of(Steps).added.values():
        if any(s.id == added.step for s in steps):
            continue
        ids = [s.id for s in steps]
        step = Step(id=added.step, name=added.name, tight=False, phase=added.phase)
        place = ids.index(added.after) + 1 if added.after in ids else len(steps)
        steps.insert(place, step)
    return steps


def is_behind(step: Step, state: State) -> bool:
    """Whether the engagement is past the phase to which a step belongs."""
    phase = state.of(Engagement).phase
    if step.phase is None:
        return False
    return phase not in PHASES or PHASES.index(step.phase) < PHASES.index(phase)


def journey(state: State, playbook: Playbook) -> list[StepNow]:
    """Every step in its order, with where it stands; the first one still to be done is next."""
    engagement, said = state.of(Engagement), state.of(Steps)
    found: list[StepNow] = []
    has_next = not engagement.is_open
    for step in in_order(state, playbook):
        own = playbook.step(step.id) is None
        seen = SEEN.get(step.id)
        if step.id in said.done or (seen is not None and not own and seen.done(state, playbook)):
            why = spoken(said.done[step.id]) if step.id in said.done else None
            found.append(StepNow(step, "done", why, own))
        elif step.id in said.kept:
            found.append(StepNow(step, "done", f"under {said.kept[step.id]}", own))
        elif step.id in engagement.waived:
            waived = str(engagement.waived[step.id].reason)
            found.append(StepNow(step, "waived", waived, own))
        elif step.id in said.dropped and not step.tight:
            found.append(StepNow(step, "dropped", str(said.dropped[step.id].reason), own))
        elif step.id in engagement.spared or (
            not (step.tight and step.before) and is_behind(step, state)
        ):
            found.append(StepNow(step, "behind", None, own))
        else:
            found.append(StepNow(step, "ahead" if has_next else "next", None, own))
            has_next = True
    return found


def held_to_steps(command: Command, state: State, context: Context) -> None:
    """Refuse a command that waits for a tight step of the pinned playbook.

    Raises:
        TightStep: The step is neither done nor waived, and does not lie behind.
    """
    if command.internal or context.playbook is None or not state.of(Engagement).is_open:
        return
    if not any(command.kind() in step.before for step in context.playbook.steps):
        return
    for now in journey(state, context.playbook):
        if command.kind() not in now.step.before or not now.is_asked:
            continue
        how = SEEN[now.step.id].how if now.step.id in SEEN else "handrail step done"
        can = (
            f"or a {now.step.waiver} waives it: handrail step waive {state.id} {now.step.id} "
            f"--reason REASON"
            if now.step.waiver
            else "it cannot be waived"
        )
        raise TightStep(
            f"{state.id}: {command.kind()} waits for the step {now.step.name!r}, which is tight "
            f"in {context.playbook.ref} and not done. Do it first ({how} {state.id}), {can}."
        )


def _asked(command: StepCommand, state: State, context: Context) -> tuple[StepNow, Engagement]:
    """The step that is meant, on an engagement that is running.

    Raises:
        Unknown: The engagement has no such step.
    """
    engagement = state.of(Engagement)
    steps = journey(state, context.the_playbook)
    for now in steps:
        if now.step.id == command.step:
            return now, engagement
    known = [now.step.id for now in steps]
    raise Unknown(
        f"{state.id} has no step {command.step!r}. {did_you_mean(command.step, known)}See them "
        f"all: handrail step list {state.id}"
    )


def _said_by(
    command: DropStep | AddStep | DoStep, engagement: Engagement, context: Context
) -> tuple[str | None, Sealed | None]:
    if command.person is None or command.evidence is None:
        return None, None
    person = of_the_lea(command.person, engagement, context).id
    return person, Sealed(about=person, text=command.evidence)


def _not_over(now: StepNow, state: State) -> None:
    if now.standing in ("done", "waived"):
        raise AlreadyExists(
            f"{state.id}: the step {now.step.name!r} is {now.standing} already"
            f"{f' ({now.why})' if now.why else ''}. See where every step stands: "
            f"handrail step list {state.id}"
        )


@decides(DropStep)
def drop_step(command: DropStep, state: State, context: Context) -> Decision:
    now, engagement = _asked(command, state, context)
    evidence_for(command.person, command.evidence, "Leaving out the step")
    not_in_the_future(context.effective_on, "The decision", context)
    if now.step.tight:
        waiver = (
            f"a {now.step.waiver} may waive it: handrail step waive {state.id} {now.step.id} "
            f"--reason REASON"
            if now.step.waiver
            else f"nobody may waive it. See handrail step list {state.id}"
        )
        raise TightStep(
            f"{state.id}: the step {now.step.name!r} is tight in {context.the_playbook.ref}, so "
            f"it cannot be left out; {waiver}"
        )
    _not_over(now, state)
    if now.standing == "dropped":
        raise AlreadyExists(
            f"{state.id}: the step {now.step.name!r} is left out already ({now.why}). To take it "
            f"up again: handrail step add {state.id} {now.step.id} --reason REASON"
        )
    person, evidence = _said_by(command, engagement, context)
    return [
        StepDropped(
            step=now.step.id,
            on=context.effective_on,
            reason=Sealed(about=state.stream, text=command.reason),
            person=person,
            evidence=evidence,
        )
    ]


@evolves(StepDropped)
def step_dropped(state: State, event: StepDropped, stamp: Stamp) -> State:
    said = state.of(Steps)
    return state.put(replace(said, dropped={**said.dropped, event.step: event}))


@decides(AddStep)
def add_step(command: AddStep, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    evidence_for(command.person, command.evidence, "Adding the step")
    not_in_the_future(context.effective_on, "The decision", context)
    steps = {now.step.id: now for now in journey(state, context.the_playbook)}
    known = steps.get(command.step)
    if known is not None and known.standing != "dropped":
        raise AlreadyExists(
            f"{state.id} has the step {command.step!r} ({known.step.name}) already. Choose "
            f"another id, or see handrail step list {state.id}"
        )
    if known is None and command.name is None:
        raise Unknown(
            f"{state.id} never left out a step {command.step!r}. "
            f"{did_you_mean(command.step, steps)}To add a new one, say what is done in it: "
            f"handrail step add {state.id} {command.step} NAME --reason REASON"
        )
    if command.after is not None and command.after not in steps:
        raise Unknown(
            f"{state.id} has no step {command.after!r} to come after. "
            f"{did_you_mean(command.after, steps)}See handrail step list {state.id}"
        )
    phase = next((p for p in PHASES if p == engagement.phase), None)
    after = command.after
    if after is None:
        here = [s.id for s in in_order(state, context.the_playbook) if s.phase == phase]
        after = here[-1] if here else None
    elif steps[after].step.phase and not is_behind(steps[after].step, state):
        phase = steps[after].step.phase
    person, evidence = _said_by(command, engagement, context)
    return [
        StepAdded(
            step=command.step,
            name=known.step.name if known else str(command.name),
            on=context.effective_on,
            reason=Sealed(about=state.stream, text=command.reason),
            after=None if known else after,
            phase=None if known else phase,
            again=known is not None,
            person=person,
            evidence=evidence,
        )
    ]


@evolves(StepAdded)
def step_added(state: State, event: StepAdded, stamp: Stamp) -> State:
    said = state.of(Steps)
    dropped = {step: out for step, out in said.dropped.items() if step != event.step}
    added = said.added if event.again else {**said.added, event.step: event}
    return state.put(replace(said, dropped=dropped, added=added))


@decides(DoStep)
def do_step(command: DoStep, state: State, context: Context) -> Decision:
    now, engagement = _asked(command, state, context)
    evidence_for(command.person, command.evidence, "The step")
    not_in_the_future(context.effective_on, "The step", context)
    _not_over(now, state)
    if now.step.id in SEEN and not now.own:
        raise WrongState(
            f"{state.id}: that {now.step.name!r} is done is seen from what was recorded, not said. "
            f"It comes with {SEEN[now.step.id].how} {state.id}"
        )
    person, evidence = _said_by(command, engagement, context)
    return [StepDone(step=now.step.id, on=context.effective_on, person=person, evidence=evidence)]


@evolves(StepDone)
def step_done(state: State, event: StepDone, stamp: Stamp) -> State:
    said = state.of(Steps)
    return state.put(replace(said, done={**said.done, event.step: event.on}))


@decides(WaiveStep)
def waive_step(command: WaiveStep, state: State, context: Context) -> Decision:
    now, _ = _asked(command, state, context)
    not_in_the_future(context.effective_on, "The waiver", context)
    _not_over(now, state)
    playbook = context.the_playbook
    if not now.step.tight:
        raise WrongState(
            f"{state.id}: the step {now.step.name!r} is loose and needs no waiver. The LEA may "
            f"leave it out: handrail step drop {state.id} {now.step.id} --reason REASON"
        )
    if now.step.waiver is None or now.step.waiver not in context.actor.staff_roles:
        raise WrongPerson(
            f"{context.actor.id} may not waive {now.step.name!r}: in {playbook.ref} "
            f"{f'only a {now.step.waiver} may' if now.step.waiver else 'nobody may'}. "
            + (
                f"Ask a {now.step.waiver.title()} to run this command."
                if now.step.waiver
                else f"Do it: see handrail step list {state.id}"
            )
        )
    reason = Sealed(about=state.stream, text=command.reason)
    return [StepWaived(step=now.step.id, reason=reason, authority=context.actor.id)]
