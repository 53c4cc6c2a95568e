"""Why help may be due by statute, and how ready the LEA is: shown, and never deciding."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator

from domain.kernel.fields import Line, Option, Prose
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import AlreadyExists, Unknown
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.policy.calendar import spoken
from domain.policy.parts import EligibilityRules
from domain.rules.context import Context
from domain.rules.registry import decides, evolves

about_noun("eligibility", "Record the rows that make an LEA eligible by statute.")
about_noun("readiness", "Judge how willing and able an LEA is.")

Judgement = Literal["yes", "partly", "no"]


def _school_year(text: str) -> str:
    first, dash, last = text.strip().partition("-")
    shaped = len(first) == 4 and len(last) == 2 and dash and first.isdigit() and last.isdigit()
    if not shaped or (int(first) + 1) % 100 != int(last):
        raise ValueError("write a school year as 2023-24")
    return text.strip()


SchoolYear = Annotated[str, AfterValidator(_school_year)]
"""A school year, for example 2023-24."""


class AddEligibilityRow(EngagementCommand):
    """Record that a student group met a criterion in a school year, as the state published it."""

    noun = "eligibility"
    verb = "row"

    year: Annotated[SchoolYear, Option("school-year")]
    """The school year, for example 2023-24."""
    group: Annotated[Line, Option("student-group")]
    """The student group, for example "English learners"."""
    criterion: Line
    """The criterion that it met, for example "mathematics red"."""
    source: Line | None = None
    """Where that was read."""
    all_groups: bool = False
    """The LEA has fewer groups than the rule counts, and all of them met one in that year."""


class StrikeEligibilityRow(EngagementCommand):
    """Take back an eligibility row that was wrong; the history keeps both."""

    noun = "eligibility"
    verb = "strike"

    year: Annotated[SchoolYear, Option("school-year")]
    """The school year of the row."""
    group: Annotated[Line, Option("student-group")]
    """The student group of the row."""
    criterion: Line
    """The criterion of the row."""
    reason: Line
    """Why it is wrong; kept encrypted."""


class JudgeReadiness(EngagementCommand):
    """Judge how willing and how able the LEA is, and why; judged again whenever that changes."""

    noun = "readiness"
    verb = "judge"
    happened = "The judgement"

    willing: Judgement
    """Whether the LEA's leadership wants the work: yes, partly or no."""
    able: Judgement
    """Whether the LEA can do the work: yes, partly or no."""
    why: Annotated[Prose, Option("basis")]
    """What the judgement rests on; kept encrypted."""


class EligibilityRowAdded(Event):
    type: ClassVar[str] = "eligibility-row-added"
    year: str
    group: str
    criterion: str
    source: str | None = None
    all_groups: bool = False

    def sentence(self) -> str:
        return (
            f"Eligibility {self.year}: {self.group} met {self.criterion}"
            + (", with which all groups of the LEA did" if self.all_groups else "")
            + (f" ({self.source})." if self.source else ".")
        )


class EligibilityRowStruck(Event):
    type: ClassVar[str] = "eligibility-row-struck"
    year: str
    group: str
    criterion: str
    reason: Sealed

    def sentence(self) -> str:
        return (
            f"Eligibility {self.year}: {self.group}, {self.criterion} was taken back: "
            f"{full(self.reason)}"
        )


class ReadinessJudged(Event):
    type: ClassVar[str] = "readiness-judged"
    willing: Judgement
    able: Judgement
    on: date
    why: Sealed

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        return (
            f"Readiness on {spoken(self.on)}: willing {self.willing}, able {self.able} "
            f"({self.why})."
        )


RowKey = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Eligibility:
    """The rows that stand, and every judgement of readiness, oldest first."""

    rows: Mapping[RowKey, EligibilityRowAdded] = field(default_factory=dict)
    readiness: tuple[ReadinessJudged, ...] = ()


def _key(year: str, group: str, criterion: str) -> RowKey:
    return (year, group.casefold(), criterion.casefold())


@decides(AddEligibilityRow)
def add_row(command: AddEligibilityRow, state: State, context: Context) -> Decision:
    known = state.of(Eligibility).rows.get(_key(command.year, command.group, command.criterion))
    if known:
        raise AlreadyExists(
            f"{state.id} has {known.group}, {known.criterion} for {known.year} already. See it: "
            f"handrail engagement show {state.id}"
        )
    return [
        EligibilityRowAdded(
            year=command.year,
            group=command.group,
            criterion=command.criterion,
            source=command.source,
            all_groups=command.all_groups,
        )
    ]


@decides(StrikeEligibilityRow)
def strike_row(command: StrikeEligibilityRow, state: State, context: Context) -> Decision:
    rows = state.of(Eligibility).rows
    known = rows.get(_key(command.year, command.group, command.criterion))
    if known is None:
        raise Unknown(
            f"{state.id} has no row {command.group!r}, {command.criterion!r} for {command.year}. "
            f"See what it has: handrail engagement show {state.id}"
        )
    return [
        EligibilityRowStruck(
            year=known.year,
            group=known.group,
            criterion=known.criterion,
            reason=Sealed(about=state.stream, text=command.reason),
        )
    ]


@decides(JudgeReadiness)
def judge_readiness(command: JudgeReadiness, state: State, context: Context) -> Decision:
    on = context.effective_on
    same_day = [j for j in state.of(Eligibility).readiness if j.on == on]
    said = (command.willing, command.able, command.why)
    # The last of the day holds; judged otherwise and back again is said again.
    if same_day and (same_day[-1].willing, same_day[-1].able, str(same_day[-1].why)) == said:
        raise AlreadyExists(
            f"{state.id}: readiness was judged so on {spoken(on)} already, willing "
            f"{command.willing} and able {command.able}. Nothing more is needed; for another day "
            f"add --on DATE."
        )
    return [
        ReadinessJudged(
            willing=command.willing,
            able=command.able,
            on=context.effective_on,
            why=Sealed(about=state.stream, text=command.why),
        )
    ]


@evolves(EligibilityRowAdded)
def row_added(state: State, event: EligibilityRowAdded, stamp: Stamp) -> State:
    slice_ = state.of(Eligibility)
    key = _key(event.year, event.group, event.criterion)
    return state.put(replace(slice_, rows={**slice_.rows, key: event}))


@evolves(EligibilityRowStruck)
def row_struck(state: State, event: EligibilityRowStruck, stamp: Stamp) -> State:
    slice_ = state.of(Eligibility)
    key = _key(event.year, event.group, event.criterion)
    return state.put(replace(slice_, rows={k: r for k, r in slice_.rows.items() if k != key}))


@evolves(ReadinessJudged)
def readiness_judged(state: State, event: ReadinessJudged, stamp: Stamp) -> State:
    slice_ = state.of(Eligibility)
    # In the order of their days; of one day, the one entered last is the last.
    history = sorted((*slice_.readiness, event), key=lambda judged: judged.on)
    return state.put(replace(slice_, readiness=tuple(history)))


@dataclass(frozen=True, slots=True)
class YearsMet:
    """The school years that count, in the stretch of years in which most do."""

    met: tuple[str, ...]
    enough: bool

    def told(self, rules: EligibilityRules) -> str:
        """The count in a sentence; it decides nothing."""
        years = f" ({', '.join(self.met)})" if self.met else ""
        return (
            f"{len(self.met)} of {rules.of_years} school years count{years}; {rules.statute} looks "
            f"for {rules.years_needed}, so it {'is' if self.enough else 'is not'} met by them."
        )


def years_met(rows: Iterable[EligibilityRowAdded], rules: EligibilityRules) -> YearsMet:
    """Which school years count, and whether enough of them lie close together."""
    groups: dict[str, set[str]] = {}
    whole: set[str] = set()
    for row in rows:
        groups.setdefault(row.year, set()).add(row.group.casefold())
        if row.all_groups:
            whole.add(row.year)
    counting = sorted(
        year for year, met in groups.items() if len(met) >= rules.groups_each_year or year in whole
    )
    best: tuple[str, ...] = ()
    for last in counting:
        stretch = range(int(last[:4]) - rules.of_years + 1, int(last[:4]) + 1)
        met = tuple(year for year in counting if int(year[:4]) in stretch)
        # Of two stretches with as many, the later one says more about now.
        if len(met) >= len(best):
            best = met
    return YearsMet(best, len(best) >= rules.years_needed)
