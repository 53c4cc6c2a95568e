"""Risks: what may hold an engagement back, each with its level and why it changed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, ClassVar

from domain.kernel.fields import Line, Option
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import AlreadyExists, ImpossibleDate, WrongState
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.policy.calendar import spoken
from domain.policy.parts import RiskRules
from domain.rules.context import Context
from domain.rules.named import the_named
from domain.rules.registry import decides, evolves

about_noun("risk", "Raise and lower what may hold an engagement back.")


class _RiskCommand(EngagementCommand):
    happened = "The change of the risk"

    risk: Annotated[Line, Option("kind")]
    """The kind of risk, for example politics, turnover, resources or location."""
    level: Line
    """The level from now on, for example low, medium or high."""
    reason: Line
    """Why it changed."""


class RaiseRisk(_RiskCommand):
    """Say that a risk is higher than before."""

    noun = "risk"
    verb = "raise"


class LowerRisk(_RiskCommand):
    """Say that a risk is lower than before."""

    noun = "risk"
    verb = "lower"


class RiskChanged(Event):
    type: ClassVar[str] = "risk-changed"
    kind: str
    level: str
    rank: int
    """The place of the level in the playbook of that day, counted from 1, the lowest."""
    before: str | None = None
    on: date
    reason: Sealed

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        before = f", was {self.before}" if self.before else ""
        return (
            f"Risk {self.kind}: {self.level}{before}, since {spoken(self.on)}: {full(self.reason)}"
        )


@dataclass(frozen=True, slots=True)
class Risk:
    """One kind of risk as it stands."""

    level: str
    rank: int
    since: date
    reason: str


@dataclass(frozen=True, slots=True)
class Risks:
    """The risk register."""

    all: Mapping[str, Risk] = field(default_factory=dict)

    @property
    def level(self) -> str | None:
        """The highest level of all: the risk of the engagement; None while none is known."""
        highest = max(self.all.values(), key=lambda r: r.rank, default=None)
        return highest.level if highest else None


def rules_of(state: State, context: Context) -> RiskRules:
    """What the pinned playbook says about risks.

    Raises:
        WrongState: It says nothing.
    """
    rules = context.the_playbook.risks
    if rules is None:
        raise WrongState(
            f"{state.id}: its playbook {context.the_playbook.ref} says nothing about risks, so "
            f"none can be recorded. See which versions do: handrail playbook list"
        )
    return rules


def risen(kind: str, level: str, reason: str, state: State, context: Context) -> list[RiskChanged]:
    """A risk that rises to a level by itself; nothing where it is as high already."""
    ranks = [n.id for n in rules_of(state, context).levels]
    before = state.of(Risks).all.get(kind)
    if before and before.rank >= ranks.index(level) + 1:
        return []
    return [
        RiskChanged(
            kind=kind,
            level=level,
            rank=ranks.index(level) + 1,
            before=before.level if before else None,
            on=context.effective_on,
            reason=Sealed(about=state.stream, text=reason),
        )
    ]


def _change(command: _RiskCommand, state: State, context: Context) -> Decision:
    rules = rules_of(state, context)
    ref, levels = context.the_playbook.ref, [n.id for n in rules.levels]
    kind = the_named(command.risk, rules.kinds, f"is not a kind of risk in {ref}", "The kinds:").id
    no = f"is not a level of risk in {ref}"
    level = the_named(command.level, rules.levels, no, "Choose one, lowest first:").id
    before = state.of(Risks).all.get(kind)
    rank = levels.index(level) + 1
    if before and context.effective_on < before.since:
        raise ImpossibleDate(
            f"{state.id}: the risk {kind} cannot change on {spoken(context.effective_on)}: it is "
            f"{before.level} since {spoken(before.since)}. Give a later day: --on DATE"
        )
    if before and before.rank == rank:
        raise AlreadyExists(
            f"{state.id}: the risk {kind} is {level} already, since {spoken(before.since)} "
            f"({before.reason}). Choose another level: {', '.join(levels)}."
        )
    up = before is None or rank > before.rank
    if isinstance(command, LowerRisk) and before is None:
        raise WrongState(
            f"{state.id}: nobody has recorded a risk {kind}, so it cannot be lowered. Record it: "
            f"handrail risk raise {state.id} --kind {kind} --level {level} --reason REASON"
        )
    if up != isinstance(command, RaiseRisk):
        assert before is not None
        raise WrongState(
            f"{state.id}: the risk {kind} is {before.level}, and {level} is "
            f"{'higher' if up else 'lower'}. Say so: handrail risk {'raise' if up else 'lower'} "
            f"{state.id} --kind {kind} --level {level} --reason REASON"
        )
    return [
        RiskChanged(
            kind=kind,
            level=level,
            rank=rank,
            before=before.level if before else None,
            on=context.effective_on,
            reason=Sealed(about=state.stream, text=command.reason),
        )
    ]


@decides(RaiseRisk)
def raise_risk(command: RaiseRisk, state: State, context: Context) -> Decision:
    return _change(command, state, context)


@decides(LowerRisk)
def lower_risk(command: LowerRisk, state: State, context: Context) -> Decision:
    return _change(command, state, context)


@evolves(RiskChanged)
def risk_changed(state: State, event: RiskChanged, stamp: Stamp) -> State:
    risk = Risk(event.level, event.rank, event.on, str(event.reason))
    return state.put(Risks({**state.of(Risks).all, event.kind: risk}))
