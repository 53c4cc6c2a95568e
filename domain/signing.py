"""What both sides sign: the conditions that every due date and every signature meets."""

from datetime import date

from domain.calendar import spoken
from domain.context import Context
from domain.engagement import Engagement, within_reach
from domain.errors import ImpossibleDate, WrongPerson
from domain.kernel import State


def possible_due(due: date, state: State, context: Context) -> None:
    """Refuse a due date that the LEA cannot keep.

    Raises:
        ImpossibleDate: It does not lie ahead, lies absurdly far ahead, or the LEA rests then.
    """
    if due <= context.today:
        raise ImpossibleDate(
            f"{state.id}: the due date {spoken(due)} is not after today, "
            f"{spoken(context.today)}. Give a date that lies ahead."
        )
    within_reach(due, "The due date", context)
    days = context.lea_days(state.of(Engagement).lea)
    why_not = days.why_not(due)
    if why_not:
        raise ImpossibleDate(
            f"{state.id}: {spoken(due)} is {why_not}, and nothing is due at the LEA then. Give a "
            f"working day: the nearest are {spoken(days.back(due))} and "
            f"{spoken(days.forward(due))}."
        )


def the_lead(what: str, state: State, context: Context) -> None:
    """Refuse anybody but the Lead where the agency signs.

    Raises:
        WrongPerson: Somebody else acts.
    """
    lead = state.of(Engagement).roles["lead"]
    if context.actor.id != lead:
        raise WrongPerson(
            f"{state.id}: {context.actor.id} is not the Lead and cannot {what} for the agency; "
            f"the Lead is {lead}. For the LEA's side, name who it was: "
            f"--for PERSON --evidence REFERENCE"
        )
