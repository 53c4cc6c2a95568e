"""A summit that was held before it could be planned here."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import ClassVar, Self

from pydantic import model_validator

from domain.kernel.bounds import Day
from domain.kernel.fields import Hours, LeaHours, Line
from domain.kernel.messages import Decision, Event, Stamp, State
from domain.kernel.refusals import ImpossibleDate
from domain.kernel.wording import lea_hours
from domain.policy.calendar import spoken
from domain.rules.context import Context
from domain.rules.registry import decides, evolves
from domain.summits.summits import Summit, SummitCommand, in_order, not_there_yet, rules_of, span


class EnterSummit(SummitCommand):
    """Enter a summit that was held before it could be planned here; nobody is asked for it."""

    noun = "summit"
    verb = "enter"

    title: Line
    """What it was called."""
    first: Day
    """Its first day."""
    last: Day
    """Its last day."""
    place: Line
    """Where it was."""
    hours: LeaHours | None = None
    """How many hours it asked of each LEA's people, where known."""

    @model_validator(mode="after")
    def _days(self) -> Self:
        in_order(self.first, self.last)
        return self


class SummitEntered(Event):
    type: ClassVar[str] = "summit-entered"
    title: str
    first: date
    last: date
    place: str
    hours: Hours | None = None
    playbook: str

    def came_true(self) -> date:
        return self.last

    def sentence(self) -> str:
        asked = "" if self.hours is None else f", {lea_hours(self.hours)} each"
        return (
            f"{self.title} was held {span(self.first, self.last)} in {self.place}{asked}; it was "
            f"entered afterwards."
        )


@decides(EnterSummit)
def enter_summit(command: EnterSummit, state: State, context: Context) -> Decision:
    not_there_yet(state)
    rules_of(context)
    if command.last >= context.today:
        raise ImpossibleDate(
            f"What is entered was held already; {spoken(command.last)} is not before today, "
            f"{spoken(context.today)}. Plan it instead: handrail summit plan {state.id} --first "
            f"{command.first}"
        )
    return [
        SummitEntered(
            title=command.title,
            first=command.first,
            last=command.last,
            place=command.place,
            hours=command.hours,
            playbook=context.the_playbook.ref,
        )
    ]


@evolves(SummitEntered)
def summit_entered(state: State, event: SummitEntered, stamp: Stamp) -> State:
    return state.put(
        replace(
            state.of(Summit),
            title=event.title,
            place=event.place,
            first=event.first,
            last=event.last,
            registration_due=event.first,
            hours=event.hours or Decimal(0),
            playbook=event.playbook,
            round=1,
            status="held",
            illustrative=event.illustrative,
        )
    )
