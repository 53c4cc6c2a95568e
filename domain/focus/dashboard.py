"""The Dashboard of a year as it shows the LEA, and whether the focus is aligned with it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Annotated, ClassVar, Literal

from pydantic import model_validator

from domain.focus.focus import Entry, Focus
from domain.kernel.bounds import Written, Year
from domain.kernel.fields import Line, Option, Prose
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Invalid,
    Unknown,
    WrongState,
    did_you_mean,
)
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.policy.calendar import local_date, spoken
from domain.policy.parts import DashboardRules
from domain.rules.context import Context
from domain.rules.registry import decides, evolves

about_noun("dashboard", "Record what the Dashboard of a year shows of the LEA.")

Verdict = Literal["yes", "no", "not-applicable", "not-measurable"]
Key = tuple[str, str]
NO_COLOUR = "no-colour"


class Result(Written):
    """One result of the Dashboard: an indicator, a student group, and what it shows."""

    indicator: str
    group: str = ""
    """The first of the playbook's if left out."""
    result: str | None = None
    """A colour or rating; None without one, or where nobody stated it."""
    no_colour: bool = False
    """True where the Dashboard shows the group without a colour; False and no result: unstated."""

    @model_validator(mode="before")
    @classmethod
    def _typed(cls, value: object) -> object:
        if isinstance(value, str):
            place, equals, result = value.partition("=")
            indicator, _, group = place.partition("/")
            if not equals or not indicator.strip():
                raise ValueError(f"{value!r}: write it as INDICATOR/GROUP=COLOUR")
            value = {"indicator": indicator, "group": group, "result": result}
        if not isinstance(value, Mapping):
            return value
        said = {k: v.strip().casefold() if isinstance(v, str) else v for k, v in value.items()}
        if said.get("result") in (NO_COLOUR, "no colour", "no-color", "no color"):
            said |= {"result": None, "no_colour": True}
        return said | {"result": said.get("result") or None, "group": said.get("group") or ""}

    @property
    def key(self) -> Key:
        return self.indicator, self.group

    @property
    def shown(self) -> str:
        """As people read it."""
        return self.result or ("no colour" if self.no_colour else "not stated")


class RecordDashboard(EngagementCommand):
    """Record results of one year's Dashboard; results already recorded are added to."""

    noun = "dashboard"
    verb = "record"
    happened = "The Dashboard"

    year: Year
    """The Dashboard's year, for example 2026."""
    row: Annotated[tuple[Result, ...], Option("result")]
    """A result as INDICATOR/GROUP=COLOUR; =no-colour for none shown, = for not stated."""
    source: Line | None = None
    """Where the results stand."""
    reason: Line | None = None
    """Why a result takes the place of another one recorded for the same year."""


class AlignFocus(EngagementCommand):
    """Judge whether the focus is aligned with the Dashboard of a year, always with why."""

    noun = "focus"
    verb = "align"
    happened = "The judgement"

    year: Year
    """The Dashboard's year."""
    verdict: Verdict
    """yes, no, not-applicable or not-measurable."""
    why: Annotated[Prose, Option("basis")]
    """The explanation; kept encrypted."""
    reason: Line | None = None
    """Why the judgement changes, where the same entry was judged for that year before."""
    judged: Annotated[Line | None, Option("problem")] = None
    """The entry judged, for example F1; the one that held while that Dashboard was the newest."""


class DashboardRecorded(Event):
    type: ClassVar[str] = "dashboard-recorded"
    year: int
    on: date
    results: tuple[Result, ...]
    source: str | None = None
    reason: Sealed | None = None

    def sentence(self) -> str:
        counts = Counter(r.shown for r in self.results)
        return (
            f"Dashboard {self.year}: "
            + ", ".join(f"{n} {what}" for what, n in counts.items())
            + (f", corrected: {full(self.reason)}" if self.reason else ".")
        )


class FocusAligned(Event):
    type: ClassVar[str] = "focus-aligned"
    year: int
    focus: str
    verdict: Verdict
    why: Sealed
    computed: Verdict | None = None
    """What follows from the indicators the focus names; None where it names none."""
    rests_on: tuple[Result, ...] = ()
    """The results of those indicators as they stood."""
    reason: Sealed | None = None
    """Why it is judged otherwise than before."""

    def sentence(self) -> str:
        said = f"{self.focus} and the Dashboard {self.year}: aligned {self.verdict}"
        if self.computed and self.computed != self.verdict:
            said += f" (computed: {self.computed})"
        return f"{said}. {self.why}" + (f" Changed: {self.reason}" if self.reason else "")


@dataclass(frozen=True, slots=True)
class Reading:
    """One result with those that it replaced."""

    said: tuple[tuple[int, Result], ...]
    """Each with the version it was recorded at, in that order; the last one holds."""

    @property
    def result(self) -> Result:
        return self.said[-1][1]

    @property
    def before(self) -> tuple[Result, ...]:
        """What was recorded and corrected, oldest first."""
        return tuple(result for _, result in self.said[:-1])


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The Dashboard of one year."""

    year: int
    on: date
    """The day from which it was known."""
    readings: Mapping[Key, Reading] = field(default_factory=dict)
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Alignment:
    """One judgement with its day; it stays whatever becomes of the focus."""

    said: FocusAligned
    at: datetime
    by: str
    version: int


@dataclass(frozen=True, slots=True)
class Dashboards:
    """Every snapshot by year, and every judgement of alignment in the order they were made."""

    all: Mapping[int, Snapshot] = field(default_factory=dict)
    alignments: tuple[Alignment, ...] = ()

    def judgements(self, year: int) -> list[Alignment]:
        """What was judged about one year."""
        return [a for a in self.alignments if a.said.year == year]


def _rules(state: State, context: Context) -> DashboardRules:
    rules = context.the_playbook.dashboard
    if rules is None:
        raise WrongState(
            f"{state.id}: {context.the_playbook.ref} does not say what a Dashboard shows. Add the "
            f"section dashboard in a new version: handrail playbook publish FILE"
        )
    return rules


def wrong(result: Result, rules: DashboardRules, ref: str) -> str | None:
    """What is wrong with a result; None when nothing is."""
    indicators = {i.id: i for i in rules.indicators}
    groups = [g.id for g in rules.groups]
    indicator = indicators.get(result.indicator)
    if indicator is None:
        return (
            f"{result.indicator!r} is not an indicator of {ref}. "
            f"{did_you_mean(result.indicator, indicators)}Name one of {', '.join(indicators)}"
        )
    if result.group not in groups:
        return (
            f"{result.group!r} is not a student group of {ref}. "
            f"{did_you_mean(result.group, groups)}Name one of {', '.join(groups)}"
        )
    scale = [n.id for n in (rules.ratings if indicator.local else rules.colours)]
    if indicator.local and (result.no_colour or result.group != groups[0]):
        return (
            f"{indicator.id} is a local indicator: it has one rating for {groups[0]} and no "
            f"colour. Give {', '.join(scale)}, or leave it blank"
        )
    if result.result is not None and result.result not in scale:
        return (
            f"{indicator.id} cannot be {result.result!r}. Give {', '.join(scale)}"
            + ("" if indicator.local else f", {NO_COLOUR}")
            + ", or leave it blank where it is not stated"
        )
    return None


def _checked(command: RecordDashboard, state: State, context: Context) -> list[Result]:
    """The results with the group that was left out put in, each once; refuses all at once."""
    rules = _rules(state, context)
    every = [r.model_copy(update={"group": r.group or rules.groups[0].id}) for r in command.row]
    problems = [
        f"{r.indicator}/{r.group}: {said}"
        for r in every
        if (said := wrong(r, rules, context.the_playbook.ref))
    ]
    if problems:
        raise Invalid(f"{state.id}: {'; '.join(problems)}.")
    once: dict[Key, Result] = {}
    for r in every:
        if once.setdefault(r.key, r) != r:
            raise Invalid(
                f"{state.id}: {r.indicator}/{r.group} is said twice, {once[r.key].shown} and "
                f"{r.shown}. Give it once."
            )
    return list(once.values())


@decides(RecordDashboard)
def record_dashboard(command: RecordDashboard, state: State, context: Context) -> Decision:
    if command.year > context.today.year:
        raise ImpossibleDate(
            f"{state.id}: there is no Dashboard {command.year} yet; today is "
            f"{spoken(context.today)}. Check --year."
        )
    results = _checked(command, state, context)
    if not results:
        raise Incomplete(
            f"{state.id}: no result is given. Give each with --result INDICATOR/GROUP=COLOUR, or "
            f"a file: handrail dashboard import {state.id} FILE --year {command.year}"
        )
    snapshot = state.of(Dashboards).all.get(command.year)
    known = snapshot.readings if snapshot else {}
    news = [r for r in results if r.key not in known or known[r.key].result != r]
    if not news:
        return []  # All of it is recorded already: a file can be given again.
    changed = [r for r in news if r.key in known and known[r.key].result.shown != "not stated"]
    if changed and command.reason is None:
        raise AlreadyExists(
            f"{state.id}: the Dashboard {command.year} is recorded with "
            + ", ".join(f"{r.indicator}/{r.group}={known[r.key].result.shown}" for r in changed)
            + ". To correct it, add --reason REASON; the former result stays in the history."
        )
    return [
        DashboardRecorded(
            year=command.year,
            on=context.effective_on,
            results=tuple(news),
            source=command.source,
            reason=Sealed(about=state.stream, text=command.reason) if command.reason else None,
        )
    ]


@evolves(DashboardRecorded)
def dashboard_recorded(state: State, event: DashboardRecorded, stamp: Stamp) -> State:
    slice_ = state.of(Dashboards)
    former = slice_.all.get(event.year) or Snapshot(event.year, event.on)
    readings = dict(former.readings)
    for result in event.results:
        known = readings.get(result.key)
        # By version: told as true, a correction may come before the result it corrects.
        said = (*(known.said if known else ()), (stamp.version, result))
        readings[result.key] = Reading(tuple(sorted(said, key=lambda s: s[0])))
    sources = former.sources
    if event.source and event.source not in sources:
        sources = (*sources, event.source)
    snapshot = replace(former, on=min(former.on, event.on), readings=readings, sources=sources)
    return state.put(replace(slice_, all={**slice_.all, event.year: snapshot}))


def _judged(command: AlignFocus, state: State, context: Context) -> Entry:
    """The entry a judgement is about: the one that held while that Dashboard was the newest."""
    problems = state.of(Focus).problems
    if not problems:
        raise WrongState(
            f"{state.id} has no problem of practice yet, so nothing can be aligned. Set it first: "
            f'handrail focus set {state.id} "TEXT"'
        )
    known = ", ".join(p.id for p in problems)
    if command.judged is not None:
        found = next((p for p in problems if p.id == command.judged.upper()), None)
        if found is None:
            raise Unknown(
                f"{state.id} has no focus {command.judged!r}. Name one of {known} with --problem."
            )
        if context.effective_at < found.since:
            raise ImpossibleDate(
                f"{state.id}: {found.id} did not hold yet on {spoken(context.effective_on)}. Give "
                f"a later day with --on, or another entry with --problem."
            )
        return found
    later = [s.on for s in state.of(Dashboards).all.values() if s.year > command.year]
    until = min(later, default=None)
    held = [
        p
        for p in problems
        if p.since <= context.effective_at
        and (until is None or local_date(p.since, context.zone) < until)
    ]
    if not held:
        raise Incomplete(
            f"{state.id}: no problem of practice was set while the Dashboard {command.year} was "
            f"the newest. Say which one is judged: --problem, one of {known}."
        )
    return held[-1]


def computed(
    indicators: tuple[str, ...], snapshot: Snapshot | None, rules: DashboardRules | None
) -> tuple[Verdict | None, tuple[Result, ...]]:
    """Whether the indicators a focus names show a need, and the results that say so.

    Yes where one of them shows a colour or rating of concern for any group, no where all that is
    shown is better, not measurable where nothing is shown; nothing is computed for a focus that
    names no indicator.
    """
    if not indicators or rules is None:
        return None, ()
    readings = snapshot.readings.values() if snapshot else ()
    rests_on = tuple(r.result for r in readings if r.result.indicator in indicators)
    stated = [r.result for r in rests_on if r.result is not None]
    if not stated:
        return "not-measurable", rests_on
    return ("yes" if any(s in rules.concern for s in stated) else "no"), rests_on


@decides(AlignFocus)
def align_focus(command: AlignFocus, state: State, context: Context) -> Decision:
    slice_ = state.of(Dashboards)
    snapshot = slice_.all.get(command.year)
    if snapshot is None and command.verdict in ("yes", "no") and state.of(Focus).problems:
        known = ", ".join(str(y) for y in sorted(slice_.all)) or "none"
        raise WrongState(
            f"{state.id}: the Dashboard {command.year} is not recorded (recorded: {known}), so "
            f"nothing can be {command.verdict} to it. Record it: "
            f"handrail dashboard import {state.id} FILE --year {command.year}; or say "
            f"--verdict not-measurable."
        )
    entry = _judged(command, state, context)
    if snapshot and context.effective_on < snapshot.on:
        raise ImpossibleDate(
            f"{state.id}: the Dashboard {command.year} is known since {spoken(snapshot.on)}, so "
            f"it cannot be judged on {spoken(context.effective_on)}. Correct --on."
        )
    verdict, rests_on = computed(entry.indicators, snapshot, context.the_playbook.dashboard)
    said = FocusAligned(
        year=command.year,
        focus=entry.id,
        verdict=command.verdict,
        why=Sealed(about=state.stream, text=command.why),
        computed=verdict,
        rests_on=rests_on,
        reason=Sealed(about=state.stream, text=command.reason) if command.reason else None,
    )
    mine = [a for a in slice_.judgements(command.year) if a.said.focus == entry.id]
    if mine and (mine[-1].said.verdict, mine[-1].said.why) == (said.verdict, said.why):
        raise AlreadyExists(
            f"{state.id}: {entry.id} is judged so for {command.year} already. Nothing more is "
            f"needed; see handrail focus show {state.id}"
        )
    if mine and command.reason is None:
        before = local_date(mine[-1].at, context.zone)
        raise Incomplete(
            f"{state.id}: {entry.id} was judged {mine[-1].said.verdict} for {command.year} on "
            f"{spoken(before)}. Say why the judgement changes: --reason REASON"
        )
    return [said]


@evolves(FocusAligned)
def focus_aligned(state: State, event: FocusAligned, stamp: Stamp) -> State:
    slice_ = state.of(Dashboards)
    alignment = Alignment(event, stamp.effective_at, stamp.actor, stamp.version)
    every = sorted((*slice_.alignments, alignment), key=lambda a: a.version)
    return state.put(replace(slice_, alignments=tuple(every)))
