"""The yearly dates that a statute sets for the LEA: they come by themselves, from the calendar."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, time, timedelta
from typing import Annotated, ClassVar

from domain.engagement.guards import evidence_for, of_the_lea
from domain.engagement.state import Engagement
from domain.kernel.bounds import Year
from domain.kernel.fields import Line, Option, PersonRef, Positional, Slug
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import AlreadyExists, ImpossibleDate, Incomplete, Unknown, did_you_mean
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.owing.coming import Coming, comes_true
from domain.owing.obligations import Obligation, owes
from domain.policy.calendar import StatuteDate, at_local, local_date, spoken
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves

about_noun("statute", "The yearly dates that a statute sets for the LEA.")

Key = tuple[str, int]


class StatuteCommand(EngagementCommand):
    statute: Annotated[Slug, Positional()]
    """The date's id in the calendar, for example lcap-mid-year."""
    year: Year
    """The year in which it is due."""


class DoStatute(StatuteCommand):
    """Record that the LEA did what a statute wants of it that year; --on says when."""

    noun = "statute"
    verb = "done"

    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA did it."""
    evidence: Line | None = None
    """Where that is written down, for example "board minutes of 22 February"."""


class UndoStatute(StatuteCommand):
    """Take back that a statute's date was met, where it was recorded by mistake."""

    noun = "statute"
    verb = "undo"
    happened = "The correction"

    reason: Line
    """What was wrong."""


class StatuteDateOpened(Event):
    type: ClassVar[str] = "statute-date-opened"
    statute: str
    year: int
    name: str
    due: date
    calendar: str

    def sentence(self) -> str:
        return f"{self.name} is due by {spoken(self.due)} ({self.calendar})."


class StatuteDateMet(Event):
    type: ClassVar[str] = "statute-date-met"
    statute: str
    year: int
    name: str
    on: date
    person: str
    evidence: Sealed

    def sentence(self) -> str:
        return (
            f"{self.name} of {self.year} was done on {spoken(self.on)}, told by {self.person} "
            f"({self.evidence})."
        )


class StatuteDateUnmet(Event):
    type: ClassVar[str] = "statute-date-unmet"
    statute: str
    year: int
    name: str
    reason: Sealed

    def sentence(self) -> str:
        return f"{self.name} of {self.year} is not recorded as done any more: {full(self.reason)}"


@dataclass(frozen=True, slots=True)
class Statutes:
    """What was opened and what was met, each by the date's id and its year."""

    opened: Mapping[Key, StatuteDateOpened] = field(default_factory=dict)
    met: Mapping[Key, StatuteDateMet] = field(default_factory=dict)


def dates_for(state: State, context: Context) -> list[StatuteDate]:
    """The calendar's dates that this kind of LEA owes and the playbook asks for."""
    rules = context.the_playbook.statutes
    kind = state.of(Engagement).lea_type
    if rules is None:
        return []
    return [
        d
        for d in context.the_program.calendar.statute_dates
        if kind in d.lea_types
        and d.id not in rules.leave_out
        and (d.checked is not False or d.id in rules.unchecked)
    ]


def _known(command: StatuteCommand, state: State, context: Context) -> StatuteDate:
    if context.the_playbook.statutes is None:
        raise Unknown(
            f"{state.id} follows {context.the_playbook.ref}, which leaves the dates of statutes "
            f"to the LEA. See what it follows: handrail playbook show {context.the_playbook.ref}"
        )
    dates = dates_for(state, context)
    for statute in dates:
        if statute.id == command.statute:
            return statute
    known = [d.id for d in dates]
    calendar = context.the_program.calendar
    raise Unknown(
        f"{command.statute!r} is not among the statute dates of {state.id} in "
        f"{calendar.id}@{calendar.version}. {did_you_mean(command.statute, known)}"
        f"It has {', '.join(known) or 'none'}. See handrail statute list {state.id}"
    )


@decides(DoStatute)
def do_statute(command: DoStatute, state: State, context: Context) -> Decision:
    statute = _known(command, state, context)
    engagement = state.of(Engagement)
    evidence_for(command.person, command.evidence, "What the LEA did")
    if command.person is None or command.evidence is None:
        raise Incomplete(
            f"{state.id}: who at the LEA did {statute.name!r}, and where is it written down? Add "
            f"--for PERSON --evidence REFERENCE."
        )
    not_in_the_future(context.effective_on, "What the LEA did", context)
    due, before = statute.on(command.year), statute.on(command.year - 1)
    if context.effective_on <= before:
        raise ImpossibleDate(
            f"{state.id}: what was done on {spoken(context.effective_on)} was for the date of "
            f"{spoken(before)}, not for that of {spoken(due)}. Check --year {command.year}."
        )
    known = state.of(Statutes).met.get((statute.id, command.year))
    if known:
        raise AlreadyExists(
            f"{state.id}: {statute.name!r} of {command.year} is recorded as done on "
            f"{spoken(known.on)}. If that was a mistake: handrail statute undo {state.id} "
            f"{statute.id} --year {command.year} --reason REASON"
        )
    person = of_the_lea(command.person, engagement, context).id
    return [
        StatuteDateMet(
            statute=statute.id,
            year=command.year,
            name=statute.name,
            on=context.effective_on,
            person=person,
            evidence=Sealed(about=person, text=command.evidence),
        )
    ]


@evolves(StatuteDateMet)
def statute_date_met(state: State, event: StatuteDateMet, stamp: Stamp) -> State:
    statutes = state.of(Statutes)
    return state.put(replace(statutes, met={**statutes.met, (event.statute, event.year): event}))


@decides(UndoStatute)
def undo_statute(command: UndoStatute, state: State, context: Context) -> Decision:
    known = state.of(Statutes).met.get((command.statute, command.year))
    if known is None:
        raise Unknown(
            f"{state.id}: nothing was recorded as done for {command.statute!r} of {command.year}. "
            f"See what was: handrail statute list {state.id}"
        )
    return [
        StatuteDateUnmet(
            statute=command.statute,
            year=command.year,
            name=known.name,
            reason=Sealed(about=state.stream, text=command.reason),
        )
    ]


@evolves(StatuteDateUnmet)
def statute_date_unmet(state: State, event: StatuteDateUnmet, stamp: Stamp) -> State:
    statutes = state.of(Statutes)
    met = {key: m for key, m in statutes.met.items() if key != (event.statute, event.year)}
    return state.put(replace(statutes, met=met))


@evolves(StatuteDateOpened)
def statute_date_opened(state: State, event: StatuteDateOpened, stamp: Stamp) -> State:
    statutes = state.of(Statutes)
    return state.put(
        replace(statutes, opened={**statutes.opened, (event.statute, event.year): event})
    )


@comes_true
def dates_to_come(state: State, context: Context) -> Iterator[Coming]:
    """Each date opens anew every year, so long before it is due as the playbook says."""
    rules = context.playbook.statutes if context.playbook else None
    if rules is None or state.of(Engagement).phase not in rules.phases:
        return
    statutes = state.of(Statutes)
    calendar = context.the_program.calendar
    today = local_date(context.now, context.zone)
    for statute in dates_for(state, context):
        year = today.year if statute.on(today.year) >= today else today.year + 1
        while (statute.id, year) in statutes.opened or (statute.id, year) in statutes.met:
            year += 1
        due = statute.on(year)
        opens = at_local(due - timedelta(days=rules.opens_days_before), time(0), context.zone)
        yield Coming(
            # Where its day passed before anybody asked for it, it opens now.
            max(opens, context.now),
            StatuteDateOpened(
                statute=statute.id,
                year=year,
                name=statute.name,
                due=due,
                calendar=f"{calendar.id}@{calendar.version}",
            ),
        )


@owes
def statutes_owed(state: State, context: Context) -> Iterable[Obligation]:
    """The LEA owes what is open; the next year's date takes the place of one nobody recorded."""
    statutes = state.of(Statutes)
    if not statutes.opened:
        return
    asked = {d.id: d for d in dates_for(state, context)}
    policies = {p.id for p in context.the_playbook.policies}
    for (date_id, year), opened in sorted(statutes.opened.items()):
        statute = asked.get(date_id)
        later = any(other == date_id and y > year for other, y in statutes.opened)
        settled = None
        if (date_id, year) in statutes.met:
            settled = "done"
        elif later:
            settled = "the next year's date is open"
        elif statute is None:
            settled = "not asked for any more"
        yield Obligation(
            f"{date_id}/{year}",
            statute.name if statute else opened.name,
            1,
            statute.on(year) if statute else opened.due,
            "lea_contact",
            "lea",
            f"See to it by then ({statute.statute if statute else opened.calendar}), and tell your "
            f"Lead when it is done.",
            f"handrail statute done {state.id} {date_id} --year {year} --for PERSON "
            f"--evidence REFERENCE",
            statute.policy if statute and statute.policy in policies else None,
            settled,
            others="Ask whether help is needed; the date is the LEA's own.",
        )
