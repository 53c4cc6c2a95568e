"""Surveys: how the LEA's people rate their own way of working, and how that grows.

Only means and numbers of answers are kept, never what one person answered.  They are measures of
the process, which grows before outcomes do, and stand apart from the Dashboard.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field

from domain.agreements.agreements import Agreements
from domain.engagement.burden import BurdenWaiver, HoursAsked, asks, within_burden
from domain.engagement.state import Engagement
from domain.kernel.bounds import Day
from domain.kernel.fields import LeaHours, Line, Option
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
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
from domain.kernel.wording import full, lea_hours
from domain.owing.obligations import Obligation, owes
from domain.owing.signing import possible_due
from domain.policy.calendar import local_date, spoken
from domain.policy.parts import SurveyRules
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves
from domain.surveys.means import Mean, instrument_named, kept, unknown_construct

about_noun("survey", "Ask the LEA for a survey, record its means, and see the growth.")

LAST_SURVEY = 20
Year = Annotated[int, Field(ge=1, le=LAST_SURVEY)]


class AskSurvey(EngagementCommand):
    """Ask the LEA to have its people answer a survey; asked again, it moves the day or the hours.

    What it costs the LEA counts in the month of the day.
    """

    noun = "survey"
    verb = "ask"

    due: Day
    """The day by which the answers are wanted: a working day of the LEA, after today."""
    hours: LeaHours
    """Hours of work it costs the LEA, all its people together."""
    year: Annotated[Year | None, Option("survey")] = None
    """The year of the survey, 1 for the first; the next one if left out."""
    waive_burden: BurdenWaiver = None


class DropSurvey(EngagementCommand):
    """Ask for a survey no longer."""

    noun = "survey"
    verb = "drop"
    happened = "The drop"

    year: Annotated[Year, Option("survey")]
    """The year of the survey that was asked for."""
    reason: Line
    """Why; kept encrypted."""


class RecordSurvey(EngagementCommand):
    """Record a year's survey: the mean and the number of answers of each construct."""

    noun = "survey"
    verb = "record"
    happened = "The survey"

    year: Annotated[Year, Option("survey")]
    """The year of the survey, 1 for the first."""
    taken: Annotated[Day, Option("on")]
    """The day on which it was taken; the last one where it was open for longer."""
    result: tuple[Mean, ...]
    """A construct's mean and how many answered, as CONSTRUCT=MEAN/ANSWERS, for example
    coaching=3.4/28; once for each construct."""
    instrument: Line | None = None
    """The questionnaire, as the playbook calls it; its last one if left out."""
    source: Line | None = None
    """Where the means stand."""
    reason: Line | None = None
    """Why it takes the place of what is recorded for the year; kept encrypted."""


class WithdrawSurvey(EngagementCommand):
    """Take back a year's survey that does not belong here, for example another LEA's."""

    noun = "survey"
    verb = "withdraw"
    happened = "The taking back"

    year: Annotated[Year, Option("survey")]
    """The year of the survey."""
    reason: Line
    """Why it is wrong; kept encrypted."""


class SurveyAsked(Event):
    type: ClassVar[str] = "survey-asked"
    year: int
    due: date
    hours: Decimal

    def sentence(self) -> str:
        return (
            f"Survey of year {self.year} asked for by {spoken(self.due)}, {lea_hours(self.hours)}."
        )


class SurveyDropped(Event):
    type: ClassVar[str] = "survey-dropped"
    year: int
    reason: Sealed

    def sentence(self) -> str:
        return f"Survey of year {self.year} is asked for no longer: {full(self.reason)}"


class SurveyRecorded(Event):
    type: ClassVar[str] = "survey-recorded"
    year: int
    taken: date
    instrument: str
    lowest: Decimal
    highest: Decimal
    results: tuple[Mean, ...]
    source: str | None = None
    reason: Sealed | None = None
    """Why it takes the place of what was recorded before."""

    def came_true(self) -> date:
        return self.taken

    def sentence(self) -> str:
        means = ", ".join(f"{r.of} {_shown(r)}" for r in self.results)
        return (
            f"Survey of year {self.year}, taken {spoken(self.taken)} ({self.instrument}, "
            f"{self.lowest:f} to {self.highest:f}): {means}"
            + (f"; corrected: {full(self.reason)}" if self.reason else ".")
        )


class SurveyWithdrawn(Event):
    type: ClassVar[str] = "survey-withdrawn"
    year: int
    taken: date
    """The day of the survey that was recorded: from then on it was not true."""
    reason: Sealed

    def came_true(self) -> date:
        return self.taken

    def sentence(self) -> str:
        return f"Survey of year {self.year} was taken back: {full(self.reason)}"


def _shown(result: Mean) -> str:
    if result.mean is None:
        return f"not kept (answers: {result.respondents})"
    return f"{result.mean:f} (answers: {result.respondents})"


@dataclass(frozen=True, slots=True)
class Ask:
    """One survey that the LEA was asked for, with every day it was asked for."""

    rounds: tuple[SurveyAsked, ...]
    """The last one holds; one that changed only the hours is not a round."""
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class Surveys:
    """Everything said about surveys, in the order in which it was recorded."""

    asked: tuple[tuple[int, SurveyAsked | SurveyDropped], ...] = ()
    recorded: tuple[tuple[int, SurveyRecorded | SurveyWithdrawn], ...] = ()

    @property
    def standing(self) -> Mapping[int, SurveyRecorded]:
        """The surveys that stand, by year."""
        found: dict[int, SurveyRecorded] = {}
        for _, event in self.recorded:
            found.pop(event.year, None)
            if isinstance(event, SurveyRecorded):
                found[event.year] = event
        return dict(sorted(found.items()))

    @property
    def asks(self) -> Mapping[int, Ask]:
        """What the LEA was asked for, by year."""
        found: dict[int, Ask] = {}
        for _, event in self.asked:
            known = found.get(event.year)
            if isinstance(event, SurveyDropped):
                found[event.year] = Ask(known.rounds if known else (), dropped=True)
                continue
            rounds = known.rounds if known else ()
            if known and rounds and not known.dropped and rounds[-1].due == event.due:
                rounds = rounds[:-1]
            found[event.year] = Ask((*rounds, event))
        return dict(sorted(found.items()))


def rules_of(state: State, context: Context) -> SurveyRules:
    """What the pinned playbook says about surveys.

    Raises:
        WrongState: It says nothing.
    """
    rules = context.the_playbook.surveys
    if rules is None:
        raise WrongState(
            f"{state.id}: its playbook {context.the_playbook.ref} says nothing about surveys. Add "
            f"the section surveys in a new version: handrail playbook publish FILE"
        )
    return rules


def _checked(command: RecordSurvey, state: State, context: Context) -> tuple[Mean, ...]:
    """The results in the order of the playbook, without the means of groups that are too small."""
    rules, ref = rules_of(state, context), context.the_playbook.ref
    instrument = instrument_named(command.instrument, rules, ref)
    problems: list[str] = []
    said: dict[str, Mean] = {}
    for r in command.result:
        unknown = unknown_construct(r.of, rules, ref)
        if unknown:
            problems.append(unknown)
        elif r.of in said:
            problems.append(f"{r.of} is said twice. Give it once")
        elif r.mean is None and r.respondents >= rules.smallest_group:
            problems.append(f"{r.of} has {r.respondents} answers and no mean. Give it")
        elif r.mean is not None and not instrument.lowest <= r.mean <= instrument.highest:
            problems.append(
                f"{r.of}={r.mean:f} is not between {instrument.lowest:f} and "
                f"{instrument.highest:f}, the scale of {instrument.id}. Give the mean on that "
                f"scale, or name another with --instrument"
            )
        else:
            said.setdefault(r.of, r)
    if problems:
        raise Invalid(f"{state.id}: {'; '.join(problems)}.")
    return tuple(kept(said[c.id], rules.smallest_group) for c in rules.constructs if c.id in said)


def _in_its_place(command: RecordSurvey, state: State, context: Context) -> None:
    """Refuse a day on which the survey of that year cannot have been taken."""
    not_in_the_future(command.taken, "The survey", context)
    opened = state.of(Engagement).opened_at
    assert opened is not None
    since = local_date(opened, context.zone)
    if command.taken < since:
        raise ImpossibleDate(
            f"{state.id}: the survey cannot have been taken on {spoken(command.taken)}: the "
            f"engagement was opened on {spoken(since)}. Correct --on."
        )
    for year, other in state.of(Surveys).standing.items():
        if (year < command.year and command.taken <= other.taken) or (
            year > command.year and command.taken >= other.taken
        ):
            raise ImpossibleDate(
                f"{state.id}: the survey of year {command.year} cannot have been taken on "
                f"{spoken(command.taken)}: that of year {year} was taken on "
                f"{spoken(other.taken)}. Correct --on or --survey."
            )


@decides(RecordSurvey)
def record_survey(command: RecordSurvey, state: State, context: Context) -> Decision:
    results = _checked(command, state, context)
    if not results:
        raise Incomplete(
            f"{state.id}: no result is given. Give each with --result CONSTRUCT=MEAN/ANSWERS, or a "
            f"file: handrail survey import {state.id} FILE --survey {command.year} --on DATE"
        )
    _in_its_place(command, state, context)
    rules = rules_of(state, context)
    instrument = instrument_named(command.instrument, rules, context.the_playbook.ref)
    known = state.of(Surveys).standing.get(command.year)
    if known and (known.taken, known.instrument, known.results) == (
        command.taken, instrument.id, results,
    ):  # fmt: skip
        return []  # All of it is recorded already: a file can be given again.
    if known and command.reason is None:
        raise AlreadyExists(
            f"{state.id}: the survey of year {command.year} is recorded, taken "
            f"{spoken(known.taken)}, and there is one a year. To put this one in its place, add "
            f"--reason REASON; the former one stays in the history. If it is of another year, "
            f"correct --survey."
        )
    if command.reason and not known:
        raise Invalid(
            f"{state.id}: no survey of year {command.year} is recorded that could be corrected. "
            f"Check --survey, or leave out --reason."
        )
    return [
        SurveyRecorded(
            year=command.year,
            taken=command.taken,
            instrument=instrument.id,
            lowest=instrument.lowest,
            highest=instrument.highest,
            results=results,
            source=command.source,
            reason=Sealed(about=state.stream, text=command.reason) if command.reason else None,
        )
    ]


@decides(WithdrawSurvey)
def withdraw_survey(command: WithdrawSurvey, state: State, context: Context) -> Decision:
    standing = state.of(Surveys).standing
    known = standing.get(command.year)
    if known is None:
        has = ", ".join(str(year) for year in standing) or "none"
        raise Unknown(
            f"{state.id} has no survey of year {command.year} to take back; recorded are: {has}. "
            f"Check --survey."
        )
    reason = Sealed(about=state.stream, text=command.reason)
    return [SurveyWithdrawn(year=command.year, taken=known.taken, reason=reason)]


@decides(AskSurvey)
def ask_survey(command: AskSurvey, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    rules_of(state, context)
    not_in_the_future(context.effective_on, "The asking", context)
    if state.of(Agreements).effective_on is None:
        raise WrongState(
            f"{state.id} is {engagement.phase}: nothing is asked of the LEA before the agreement "
            f"is effective. See where it stands: handrail engagement show {state.id}"
        )
    slice_ = state.of(Surveys)
    open_ = [y for y, a in slice_.asks.items() if not a.dropped and y not in slice_.standing]
    year = command.year or next(iter(open_), max(slice_.standing, default=0) + 1)
    recorded, asked = slice_.standing.get(year), slice_.asks.get(year)
    if recorded:
        raise AlreadyExists(
            f"{state.id}: the survey of year {year} was taken on {spoken(recorded.taken)} already, "
            f"so it need not be asked for. Name another with --survey."
        )
    last = asked.rounds[-1] if asked and asked.rounds and not asked.dropped else None
    if last and (last.due, last.hours) == (command.due, command.hours):
        raise AlreadyExists(
            f"{state.id}: the survey of year {year} is asked for by {spoken(last.due)} already, "
            f"{lea_hours(last.hours)}. Give another day or other hours to change it."
        )
    possible_due(command.due, state, context)
    asking = HoursAsked(f"S{year}", f"Survey of year {year}", command.due, command.hours, True)
    return [
        *within_burden(state, context, [asking], command.waive_burden),
        SurveyAsked(year=year, due=command.due, hours=command.hours),
    ]


@decides(DropSurvey)
def drop_survey(command: DropSurvey, state: State, context: Context) -> Decision:
    slice_ = state.of(Surveys)
    open_ = [y for y, a in slice_.asks.items() if not a.dropped and y not in slice_.standing]
    if command.year not in open_:
        has = ", ".join(str(year) for year in open_) or "none"
        raise Unknown(
            f"{state.id} is not asked for a survey of year {command.year} that is still to come; "
            f"asked for are: {has}. Check --survey."
        )
    reason = Sealed(about=state.stream, text=command.reason)
    return [SurveyDropped(year=command.year, reason=reason)]


def _asked(state: State, event: SurveyAsked | SurveyDropped, stamp: Stamp) -> State:
    slice_ = state.of(Surveys)
    # By version: told as true, what came later may stand before what it changes.
    news = sorted((*slice_.asked, (stamp.version, event)), key=lambda n: n[0])
    return state.put(Surveys(tuple(news), slice_.recorded))


def _recorded(state: State, event: SurveyRecorded | SurveyWithdrawn, stamp: Stamp) -> State:
    slice_ = state.of(Surveys)
    news = sorted((*slice_.recorded, (stamp.version, event)), key=lambda n: n[0])
    return state.put(Surveys(slice_.asked, tuple(news)))


@evolves(SurveyAsked)
def survey_asked(state: State, event: SurveyAsked, stamp: Stamp) -> State:
    return _asked(state, event, stamp)


@evolves(SurveyDropped)
def survey_dropped(state: State, event: SurveyDropped, stamp: Stamp) -> State:
    return _asked(state, event, stamp)


@evolves(SurveyRecorded)
def survey_recorded(state: State, event: SurveyRecorded, stamp: Stamp) -> State:
    return _recorded(state, event, stamp)


@evolves(SurveyWithdrawn)
def survey_withdrawn(state: State, event: SurveyWithdrawn, stamp: Stamp) -> State:
    return _recorded(state, event, stamp)


@asks
def survey_hours(state: State) -> Iterable[HoursAsked]:
    """The hours of every survey asked for, also of one that has come in."""
    for year, ask in state.of(Surveys).asks.items():
        if not ask.dropped and ask.rounds:
            last = ask.rounds[-1]
            yield HoursAsked(f"S{year}", f"Survey of year {year}", last.due, last.hours, True)


@owes
def surveys_owed(state: State, context: Context) -> Iterable[Obligation]:
    """The LEA owes the answers to a survey it was asked for, until they are recorded."""
    slice_ = state.of(Surveys)
    rules = context.the_playbook.surveys
    for year, ask in slice_.asks.items():
        over = "received" if year in slice_.standing else "dropped" if ask.dropped else None
        for round_, asked in enumerate(ask.rounds, start=1):
            yield Obligation(
                f"S{year}",
                f"Survey of year {year}",
                round_,
                asked.due,
                "lea_contact",
                "lea",
                "Have your people answer the survey by the due date, or ask for another date.",
                f"handrail survey import {state.id} FILE --survey {year} --on DATE",
                rules.policy if rules else None,
                over if round_ == len(ask.rounds) else "re-dated",
            )
