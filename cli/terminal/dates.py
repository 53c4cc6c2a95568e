"""Days as they are typed, and the options for the two clocks."""

from datetime import date
from typing import Annotated, Any

from cli.terminal.output import REFUSED, fail
from cli.verbs import Date, Parameter
from domain.kernel.wording import counted

AsKnown = Annotated[Date | None, Parameter(name="--as-known")]
AsTrue = Annotated[Date | None, Parameter(name="--as-true")]


def distance(due_on: date | None, today: date) -> str:
    """How far a day is from today; nothing for none."""
    if due_on is None:
        return ""
    days = (due_on - today).days
    if days == 0:
        return "today"
    return counted(days, "day") if days > 0 else f"{counted(-days, 'day')} over"


def day_typed(text: str | None, option: str) -> date | None:
    """A day that was typed for an option, or a refusal."""
    day: date | None = checked(date, text, option)
    return day


def checked(kind: Any, value: str | None, name: str) -> Any:
    """What was typed for an option as the domain reads it, or a refusal."""
    if value is None:
        return None
    from pydantic import TypeAdapter, ValidationError

    from domain.kernel.bounds import Day
    from domain.kernel.validation import wrong_with

    try:
        return TypeAdapter(Day if kind is date else kind).validate_python(value)
    except ValidationError as problem:
        fail(f"{name} {wrong_with(problem.errors()[0])}.", REFUSED)
