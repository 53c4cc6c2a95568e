"""Sourced facts about an LEA: two values may stand side by side until somebody settles them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from domain.kernel.bounds import Day
from domain.kernel.fields import LeaRef, Line, Option, Positional, Slug
from domain.kernel.messages import Command, Decision, Event, Stamp, State, next_name
from domain.kernel.refusals import AlreadyExists, ImpossibleDate, Unknown, WrongState, did_you_mean
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.policy.calendar import spoken
from domain.program.leas import Lea
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves

Standing = Literal["stands", "in conflict", "prevails", "outweighed", "replaced", "withdrawn"]


class _FactCommand(Command):
    aggregate = "lea"

    lea: Annotated[LeaRef, Positional()]
    """The LEA, by id, name or alias."""


class RecordFact(_FactCommand):
    """Record a fact about an LEA with where it was read; another source may say otherwise."""

    noun = "lea"
    verb = "fact"

    attribute: Annotated[Slug, Positional()]
    """What it is about, for example enrolment. People belong in the directory, not here."""
    value: Annotated[Line, Positional()]
    """What the source says."""
    source: Line
    """Where it was read, for example "Dashboard 2026" or "mail of the business office"."""
    as_of: Day
    """The day for which the source says it."""
    scope: Annotated[Line | None, Option("covers")] = None
    """Of which part it is true, for example high schools; facts of different scopes stand apart."""


class SettleFact(_FactCommand):
    """Say which source prevails where several contradict each other; the others stay visible."""

    noun = "lea"
    verb = "fact-settle"

    attribute: Annotated[Slug, Positional()]
    """What the sources contradict each other in, for example enrolment."""
    prevails: Line
    """The fact that prevails, for example SF2."""
    why: Annotated[Line, Option("reason")]
    """Why it prevails."""


class WithdrawFact(_FactCommand):
    """Take back a fact that was recorded by mistake; it stays in the history."""

    noun = "lea"
    verb = "fact-withdraw"

    fact: Annotated[Line, Positional()]
    """The fact's id, for example SF2."""
    reason: Line
    """What was wrong with it."""


class LeaFactRecorded(Event):
    type: ClassVar[str] = "lea-fact-recorded"
    fact: str
    attribute: str
    value: str
    source: str
    as_of: date
    scope: str | None = None

    def sentence(self) -> str:
        scope = f" ({self.scope})" if self.scope else ""
        return (
            f"{self.fact}: {self.attribute}{scope} is {self.value} as of {spoken(self.as_of)}, "
            f"says {self.source}."
        )


class LeaFactSettled(Event):
    type: ClassVar[str] = "lea-fact-settled"
    attribute: str
    prevails: str
    against: tuple[str, ...]
    why: Sealed
    scope: str | None = None

    def sentence(self) -> str:
        return (
            f"{self.attribute}: {self.prevails} prevails over {' and '.join(self.against)}, "
            f"because {full(self.why)}"
        )


class LeaFactWithdrawn(Event):
    type: ClassVar[str] = "lea-fact-withdrawn"
    fact: str
    attribute: str
    reason: Sealed

    def sentence(self) -> str:
        return f"{self.fact} ({self.attribute}) was withdrawn: {full(self.reason)}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What was recorded since the LEA was registered, by id."""

    recorded: Mapping[str, LeaFactRecorded] = field(default_factory=dict)
    withdrawn: Mapping[str, str] = field(default_factory=dict)
    """Why a fact was taken back, by its id."""
    settled: tuple[LeaFactSettled, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """One fact, as it stands among the others."""

    id: str
    name: str
    value: Any
    """None where the source is silent."""
    source: str
    as_of: date | None = None
    scope: str | None = None
    qualifier: str | None = None
    standing: Standing = "stands"
    against: tuple[str, ...] = ()
    """The facts that say otherwise, by id."""
    why: str | None = None
    """Why it prevails, is outweighed or was withdrawn."""

    @property
    def key(self) -> tuple[str, str]:
        """What two facts must share to be able to contradict each other."""
        return _plain(self.name), (self.scope or "").casefold()

    @property
    def said(self) -> str:
        """The value as people read it."""
        if self.value is None:
            return "not stated"
        return " ".join(str(part) for part in (self.qualifier, self.value) if part is not None)


def _plain(text: object) -> str:
    """A name or value without what makes no difference: case, and commas within a number."""
    return re.sub(r"(?<=\d),(?=\d{3})", "", str(text)).strip().casefold().replace("_", "-")


def facts_of(state: State) -> list[Fact]:
    """Every fact about an LEA in the order it was recorded, with how it stands.

    A later value of the same source replaces the earlier one; sources that say different things
    are in conflict until somebody says which prevails.
    """
    said = state.of(Facts)
    facts = [
        Fact(f"SF{n}", f.name, f.value, f.source, scope=f.scope, qualifier=f.qualifier)
        for n, f in enumerate(state.of(Lea).facts, start=1)
    ]
    facts += [
        Fact(f.fact, f.attribute, f.value, f.source, f.as_of, f.scope)
        for f in said.recorded.values()
    ]
    return [_standing(fact, facts, said) for fact in facts]


def _is_replaced(fact: Fact, others: list[Fact]) -> bool:
    return any(
        other.as_of is not None
        and other.source.casefold() == fact.source.casefold()
        and (fact.as_of is None or other.as_of > fact.as_of)
        for other in others
    )


def _standing(fact: Fact, facts: list[Fact], said: Facts) -> Fact:
    if fact.id in said.withdrawn:
        return replace(fact, standing="withdrawn", why=said.withdrawn[fact.id])
    alike = [
        f for f in facts if f.key == fact.key and f.id != fact.id and f.id not in said.withdrawn
    ]
    if _is_replaced(fact, alike):
        return replace(fact, standing="replaced")
    against = tuple(
        f.id
        for f in alike
        if f.value is not None
        and fact.value is not None
        and _plain(f.value) != _plain(fact.value)
        and not _is_replaced(f, [o for o in [*alike, fact] if o.id != f.id])
    )
    if not against:
        return fact
    for settled in reversed(said.settled):
        about = {settled.prevails, *settled.against}
        if fact.id not in about or not about.issuperset(against):
            continue
        if settled.prevails == fact.id:
            return replace(fact, standing="prevails", against=against, why=str(settled.why))
        if settled.prevails in against:
            return replace(fact, standing="outweighed", against=against, why=str(settled.why))
    return replace(fact, standing="in conflict", against=against)


def _known(state: State, lea: str, context: Context) -> list[Fact]:
    if not state.version:
        context.lea(lea)
    return facts_of(state)


@decides(RecordFact)
def record_fact(command: RecordFact, state: State, context: Context) -> Decision:
    known = _known(state, command.lea, context)
    not_in_the_future(command.as_of, "The fact", context)
    new = Fact(
        next_name(state, "SF", (fact.id for fact in known)),
        command.attribute,
        command.value,
        command.source,
        command.as_of,
        command.scope,
    )
    for fact in known:
        if (
            fact.key == new.key
            and fact.as_of == new.as_of
            and fact.source.casefold() == new.source.casefold()
            and fact.standing != "withdrawn"
        ):
            if _plain(fact.value) == _plain(new.value):
                raise AlreadyExists(
                    f"{state.id} has that fact already: {fact.id}, {fact.name} {fact.said}, of "
                    f"{fact.source}. See handrail lea facts {state.id}"
                )
            raise AlreadyExists(
                f"{state.id}: {fact.source} says {fact.said} for {fact.name} as of "
                f"{spoken(command.as_of)} already ({fact.id}), and one source cannot say two "
                f"things of one day. If {fact.id} was a slip: handrail lea fact-withdraw "
                f"{state.id} {fact.id} --reason REASON"
            )
    return [
        LeaFactRecorded(
            fact=new.id,
            attribute=command.attribute,
            value=command.value,
            source=command.source,
            as_of=command.as_of,
            scope=command.scope,
        )
    ]


@evolves(LeaFactRecorded)
def fact_recorded(state: State, event: LeaFactRecorded, stamp: Stamp) -> State:
    said = state.of(Facts)
    return state.put(replace(said, recorded={**said.recorded, event.fact: event}))


def _fact(wanted: str, known: list[Fact], state: State) -> Fact:
    for fact in known:
        if fact.id == wanted.strip().upper():
            return fact
    ids = [f"{f.id} ({f.name})" for f in known]
    raise Unknown(
        f"{state.id} has no fact {wanted!r}. It has {', '.join(ids[-8:]) or 'none yet'}. See "
        f"handrail lea facts {state.id}"
    )


@decides(SettleFact)
def settle_fact(command: SettleFact, state: State, context: Context) -> Decision:
    known = _known(state, command.lea, context)
    not_in_the_future(context.effective_on, "The decision", context)
    names = sorted({f.name for f in known})
    if not any(_plain(f.name) == command.attribute for f in known):
        raise Unknown(
            f"{state.id} has no fact about {command.attribute!r}. "
            f"{did_you_mean(command.attribute, names)}See handrail lea facts {state.id}"
        )
    fact = _fact(command.prevails, known, state)
    if _plain(fact.name) != command.attribute:
        raise WrongState(
            f"{state.id}: {fact.id} is about {fact.name}, not about {command.attribute}. See "
            f"handrail lea facts {state.id}"
        )
    if fact.standing == "prevails":
        raise AlreadyExists(
            f"{state.id}: {fact.id} prevails already ({fact.why}). See "
            f"handrail lea facts {state.id}"
        )
    if fact.standing not in ("in conflict", "outweighed"):
        raise WrongState(
            f"{state.id}: nothing contradicts {fact.id} ({fact.name} {fact.said}); it "
            f"{'stands' if fact.standing == 'stands' else f'is {fact.standing}'}. See "
            f"handrail lea facts {state.id}"
        )
    return [
        LeaFactSettled(
            attribute=fact.name,
            scope=fact.scope,
            prevails=fact.id,
            against=fact.against,
            why=Sealed(about=state.stream, text=command.why),
        )
    ]


@evolves(LeaFactSettled)
def fact_settled(state: State, event: LeaFactSettled, stamp: Stamp) -> State:
    said = state.of(Facts)
    return state.put(replace(said, settled=(*said.settled, event)))


@decides(WithdrawFact)
def withdraw_fact(command: WithdrawFact, state: State, context: Context) -> Decision:
    known = _known(state, command.lea, context)
    if context.effective_on > context.today:
        raise ImpossibleDate(
            f"{state.id}: a fact is withdrawn today, not on {spoken(context.effective_on)}. "
            f"Correct --on."
        )
    fact = _fact(command.fact, known, state)
    if fact.standing == "withdrawn":
        raise AlreadyExists(
            f"{state.id}: {fact.id} was withdrawn already ({fact.why}). See "
            f"handrail lea facts {state.id}"
        )
    return [
        LeaFactWithdrawn(
            fact=fact.id,
            attribute=fact.name,
            reason=Sealed(about=state.stream, text=command.reason),
        )
    ]


@evolves(LeaFactWithdrawn)
def fact_withdrawn(state: State, event: LeaFactWithdrawn, stamp: Stamp) -> State:
    said = state.of(Facts)
    return state.put(replace(said, withdrawn={**said.withdrawn, event.fact: str(event.reason)}))
