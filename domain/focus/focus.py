"""Focus: the problem of practice, its root causes and the theory of action, each a lineage."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, ClassVar

from domain.engagement.guards import evidence_for, of_the_lea
from domain.engagement.state import Engagement
from domain.kernel.fields import Line, Option, PersonRef, Positional, Prose
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State, next_name
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Unknown,
    WrongState,
    did_you_mean,
)
from domain.kernel.sealed import Sealed
from domain.policy.calendar import local_date, spoken
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves

about_noun(
    "focus", "Problem of practice, root causes and theory of action: set, change, align and see."
)
about_noun("focus cause", "Add, reword and drop root causes.")


class _Wording(EngagementCommand):
    text: Annotated[Prose, Positional()]
    """The LEA's own wording; kept encrypted."""
    reason: Line | None = None
    """Why; needed when it takes the place of an earlier wording."""
    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA said it."""
    evidence: Line | None = None
    """Where that is written down, for example "notes of 2 March"."""


class SetFocus(_Wording):
    """Set the problem of practice, or move the focus to another one; the former one stays."""

    noun = "focus"
    verb = "set"

    keep: Annotated[bool, Option("narrower")] = False
    """The same problem said more narrowly: its root causes and theory of action go on."""
    indicator: tuple[Line, ...] = ()
    """A Dashboard indicator it concerns, once for each; alignment is then computed too."""


class AddCause(_Wording):
    """Add a root cause of the problem of practice."""

    noun = "focus cause"
    verb = "add"


class _CauseCommand(EngagementCommand):
    cause: Annotated[Line, Positional()]
    """The root cause's id, for example RC1."""


class ReviseCause(_CauseCommand):
    """Word a root cause anew; the former wording stays, with when and why."""

    noun = "focus cause"
    verb = "revise"

    text: Annotated[Prose, Positional()]
    """The LEA's own wording; kept encrypted."""
    reason: Line
    """Why it is worded anew."""


class DropCause(_CauseCommand):
    """End a root cause that turned out not to be one; it stays in the lineage."""

    noun = "focus cause"
    verb = "drop"

    reason: Line
    """Why it is dropped."""


class SetTheory(_Wording):
    """State the theory of action, or change it; the former one stays."""

    noun = "focus"
    verb = "theory"

    equity: Prose | None = None
    """How it is grounded in equity: which students it serves, and how; kept encrypted."""


class _Worded(Event):
    focus: str
    reason: Sealed | None = None
    said_by: str | None = None
    evidence: Sealed | None = None


class FocusSet(_Worded):
    type: ClassVar[str] = "focus-set"
    problem: Sealed
    before: str | None = None
    kept: bool = False
    indicators: tuple[str, ...] = ()

    def sentence(self) -> str:
        what = f"{self.focus} takes the place of {self.before}" if self.before else self.focus
        return f"Focus {what}: {_ended(self.problem)}{_why(self.reason)}"


class RootCauseAdded(_Worded):
    type: ClassVar[str] = "root-cause-added"
    cause: str
    text: Sealed

    def sentence(self) -> str:
        return f"Root cause {self.cause} of {self.focus}: {_ended(self.text)}{_why(self.reason)}"


class RootCauseRevised(_Worded):
    type: ClassVar[str] = "root-cause-revised"
    cause: str
    text: Sealed

    def sentence(self) -> str:
        return f"Root cause {self.cause} worded anew: {_ended(self.text)}{_why(self.reason)}"


class RootCauseDropped(Event):
    type: ClassVar[str] = "root-cause-dropped"
    cause: str
    reason: Sealed

    def sentence(self) -> str:
        return f"Root cause {self.cause} dropped.{_why(self.reason)}"


class TheorySet(_Worded):
    type: ClassVar[str] = "theory-of-action-set"
    theory: str
    text: Sealed
    equity: Sealed | None = None
    before: str | None = None

    def sentence(self) -> str:
        return (
            f"Theory of action {self.theory} for {self.focus}"
            f"{f', after {self.before}' if self.before else ''}: {_ended(self.text)}"
            + (f" Equity: {_ended(self.equity)}" if self.equity else "")
            + _why(self.reason)
        )


def _ended(text: Sealed) -> str:
    said = str(text)
    return said if said.endswith((".", "!", "?")) else f"{said}."


def _why(reason: Sealed | None) -> str:
    return f" Why: {_ended(reason)}" if reason else ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One wording, from when until when, and why it came and went."""

    id: str
    text: Sealed
    since: datetime
    by: str
    """Who recorded it."""
    focus: str
    """The problem of practice under which it began."""
    reason: Sealed | None = None
    until: datetime | None = None
    ended_because: Sealed | None = None
    said_by: str | None = None
    evidence: Sealed | None = None
    indicators: tuple[str, ...] = ()
    equity: Sealed | None = None
    illustrative: bool = False


@dataclass(frozen=True, slots=True)
class Focus:
    """The lineage, oldest first; what was never ended holds now."""

    problems: tuple[Entry, ...] = ()
    causes: tuple[Entry, ...] = ()
    theories: tuple[Entry, ...] = ()

    @property
    def current(self) -> Entry | None:
        """The problem of practice that holds."""
        return next((e for e in self.problems if e.until is None), None)

    @property
    def current_causes(self) -> tuple[Entry, ...]:
        """The root causes that hold."""
        return tuple(e for e in self.causes if e.until is None)

    @property
    def theory(self) -> Entry | None:
        """The theory of action that holds."""
        return next((e for e in self.theories if e.until is None), None)


def _sealed(state: State, text: str | None) -> Sealed | None:
    return Sealed(about=state.stream, text=text) if text is not None else None


def _same(entry: Entry, text: str) -> bool:
    return (entry.text.text or "").casefold().split() == text.casefold().split()


def _dated_after(entries: Iterable[Entry], what: str, state: State, context: Context) -> None:
    """Refuse a change dated before the entry it follows: a lineage has one order."""
    not_in_the_future(context.effective_on, what, context)
    last = max(entries, key=lambda e: e.since, default=None)
    if last and context.effective_at < last.since:
        began = local_date(last.since, context.zone)
        raise ImpossibleDate(
            f"{state.id}: {what} cannot be dated {spoken(context.effective_on)}: {last.id} began "
            f"on {spoken(began)}, and a lineage has one order. Give a later day with --on."
        )


def _said(
    person: str | None, evidence: str | None, what: str, state: State, context: Context
) -> tuple[str | None, Sealed | None]:
    """Who at the LEA said it, and where that is written."""
    engagement = state.of(Engagement)
    evidence_for(person, evidence, what)
    if person is None or evidence is None:
        return None, None
    said_by = of_the_lea(person, engagement, context).id
    return said_by, Sealed(about=said_by, text=evidence)


def _needs_focus(state: State) -> Entry:
    current = state.of(Focus).current
    if current is None:
        raise WrongState(
            f"{state.id} has no problem of practice yet, and this belongs to one. Set it first: "
            f'handrail focus set {state.id} "TEXT"'
        )
    return current


def _known_indicators(command: SetFocus, state: State, context: Context) -> tuple[str, ...]:
    rules = context.the_playbook.dashboard
    if rules is None:
        if command.indicator:
            raise Unknown(
                f"{state.id}: {context.the_playbook.ref} names no Dashboard indicators, so "
                f"{command.indicator[0]!r} is not one. Leave out --indicator."
            )
        return ()
    known = [i.id for i in rules.indicators]
    for name in command.indicator:
        if name not in known:
            raise Unknown(
                f"{name!r} is not a Dashboard indicator of {context.the_playbook.ref}. "
                f"{did_you_mean(name, known)}The indicators: {', '.join(known)}."
            )
    return tuple(dict.fromkeys(command.indicator))


@decides(SetFocus)
def set_focus(command: SetFocus, state: State, context: Context) -> Decision:
    said_by, evidence = _said(command.person, command.evidence, "The wording", state, context)
    slice_ = state.of(Focus)
    current = slice_.current
    entries = (*slice_.problems, *slice_.causes, *slice_.theories)
    _dated_after(entries, "The focus", state, context)
    indicators = _known_indicators(command, state, context)
    if current and _same(current, command.text) and set(indicators) == set(current.indicators):
        raise AlreadyExists(
            f"{state.id}: {current.id} says exactly that since "
            f"{spoken(local_date(current.since, context.zone))}. Give another wording, or see it: "
            f"handrail focus show {state.id}"
        )
    if current and command.reason is None:
        raise Incomplete(
            f"{state.id}: the focus cannot move from {current.id} (since "
            f"{spoken(local_date(current.since, context.zone))}) without saying why: add "
            f"--reason REASON. If the problem was only said more narrowly, add --narrower too."
        )
    if command.keep and current is None:
        raise WrongState(
            f"{state.id} has no problem of practice yet, so there is nothing for --narrower to "
            f"keep. "
            f"Leave out --narrower."
        )
    return [
        FocusSet(
            focus=next_name(state, "F", (e.id for e in slice_.problems)),
            problem=Sealed(about=state.stream, text=command.text),
            before=current.id if current else None,
            reason=_sealed(state, command.reason),
            kept=command.keep,
            indicators=indicators,
            said_by=said_by,
            evidence=evidence,
        )
    ]


def _close(
    entries: tuple[Entry, ...], at: datetime, why: Sealed | None, only: str | None = None
) -> tuple[Entry, ...]:
    """The entries with those that hold ended; only those of one id where it is given."""
    return tuple(
        replace(e, until=at, ended_because=why) if e.until is None and only in (None, e.id) else e
        for e in entries
    )


def _entry(id_: str, text: Sealed, event: _Worded, stamp: Stamp) -> Entry:
    return Entry(
        id=id_,
        text=text,
        since=stamp.effective_at,
        by=stamp.actor,
        focus=event.focus,
        reason=event.reason,
        said_by=event.said_by,
        evidence=event.evidence,
        illustrative=event.illustrative,
    )


@evolves(FocusSet)
def focus_set(state: State, event: FocusSet, stamp: Stamp) -> State:
    slice_ = state.of(Focus)
    at = stamp.effective_at
    entry = replace(_entry(event.focus, event.problem, event, stamp), indicators=event.indicators)
    return state.put(
        Focus(
            problems=(*_close(slice_.problems, at, event.reason), entry),
            causes=slice_.causes if event.kept else _close(slice_.causes, at, event.reason),
            theories=slice_.theories if event.kept else _close(slice_.theories, at, event.reason),
        )
    )


@decides(AddCause)
def add_cause(command: AddCause, state: State, context: Context) -> Decision:
    said_by, evidence = _said(command.person, command.evidence, "The root cause", state, context)
    current = _needs_focus(state)
    slice_ = state.of(Focus)
    _dated_after([current], "The root cause", state, context)
    twin = next((e for e in slice_.current_causes if _same(e, command.text)), None)
    if twin:
        raise AlreadyExists(
            f"{state.id}: {twin.id} says exactly that already. To word it anew: "
            f'handrail focus cause revise {state.id} {twin.id} "TEXT" --reason REASON'
        )
    return [
        RootCauseAdded(
            cause=next_name(state, "RC", (e.id for e in slice_.causes)),
            focus=current.id,
            text=Sealed(about=state.stream, text=command.text),
            reason=_sealed(state, command.reason),
            said_by=said_by,
            evidence=evidence,
        )
    ]


@evolves(RootCauseAdded)
def cause_added(state: State, event: RootCauseAdded, stamp: Stamp) -> State:
    slice_ = state.of(Focus)
    entry = _entry(event.cause, event.text, event, stamp)
    return state.put(replace(slice_, causes=(*slice_.causes, entry)))


def _the_cause(command: _CauseCommand, state: State, context: Context) -> Entry:
    slice_ = state.of(Focus)
    wanted = command.cause.upper()
    found = [e for e in slice_.causes if e.id == wanted]
    holding = ", ".join(e.id for e in slice_.current_causes)
    if not found:
        raise Unknown(
            f"{state.id} has no root cause {command.cause!r}. "
            + (f"Name one that holds: {holding}." if holding else "None holds now.")
            + f' To add one: handrail focus cause add {state.id} "TEXT"'
        )
    if found[-1].until is not None:
        raise WrongState(
            f"{state.id}: {wanted} ended on {spoken(local_date(found[-1].until, context.zone))} "
            f'({found[-1].ended_because}). Add it again: handrail focus cause add {state.id} "TEXT"'
        )
    _dated_after([*found, _needs_focus(state)], "The change", state, context)
    return found[-1]


@decides(ReviseCause)
def revise_cause(command: ReviseCause, state: State, context: Context) -> Decision:
    entry = _the_cause(command, state, context)
    if _same(entry, command.text):
        raise AlreadyExists(
            f"{state.id}: {entry.id} says exactly that already. Give another wording."
        )
    return [
        RootCauseRevised(
            cause=entry.id,
            focus=_needs_focus(state).id,
            text=Sealed(about=state.stream, text=command.text),
            reason=Sealed(about=state.stream, text=command.reason),
        )
    ]


@evolves(RootCauseRevised)
def cause_revised(state: State, event: RootCauseRevised, stamp: Stamp) -> State:
    slice_ = state.of(Focus)
    entry = _entry(event.cause, event.text, event, stamp)
    closed = _close(slice_.causes, stamp.effective_at, event.reason, only=event.cause)
    return state.put(replace(slice_, causes=(*closed, entry)))


@decides(DropCause)
def drop_cause(command: DropCause, state: State, context: Context) -> Decision:
    entry = _the_cause(command, state, context)
    reason = Sealed(about=state.stream, text=command.reason)
    return [RootCauseDropped(cause=entry.id, reason=reason)]


@evolves(RootCauseDropped)
def cause_dropped(state: State, event: RootCauseDropped, stamp: Stamp) -> State:
    slice_ = state.of(Focus)
    closed = _close(slice_.causes, stamp.effective_at, event.reason, only=event.cause)
    return state.put(replace(slice_, causes=closed))


@decides(SetTheory)
def set_theory(command: SetTheory, state: State, context: Context) -> Decision:
    said_by, evidence = _said(command.person, command.evidence, "The theory", state, context)
    focus = _needs_focus(state)
    slice_ = state.of(Focus)
    current = slice_.theory
    _dated_after([focus, *slice_.theories], "The theory of action", state, context)
    if current and command.reason is None:
        raise Incomplete(
            f"{state.id}: the theory of action {current.id} (since "
            f"{spoken(local_date(current.since, context.zone))}) cannot change without saying "
            f"why: add --reason REASON."
        )
    if (
        current
        and _same(current, command.text)
        and (command.equity or None) == (current.equity.text if current.equity else None)
    ):
        raise AlreadyExists(
            f"{state.id}: {current.id} says exactly that already. Give another wording."
        )
    return [
        TheorySet(
            theory=next_name(state, "T", (e.id for e in slice_.theories)),
            focus=focus.id,
            text=Sealed(about=state.stream, text=command.text),
            equity=_sealed(state, command.equity),
            before=current.id if current else None,
            reason=_sealed(state, command.reason),
            said_by=said_by,
            evidence=evidence,
        )
    ]


@evolves(TheorySet)
def theory_set(state: State, event: TheorySet, stamp: Stamp) -> State:
    slice_ = state.of(Focus)
    at = stamp.effective_at
    entry = replace(_entry(event.theory, event.text, event, stamp), equity=event.equity)
    return state.put(replace(slice_, theories=(*_close(slice_.theories, at, event.reason), entry)))
