"""What is wrong with a value, in words that staff can act on."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from domain.kernel.wording import counted

_LIMITS = {
    "greater_than_equal": ("ge", "must be at least"),
    "greater_than": ("gt", "must be more than"),
    "less_than_equal": ("le", "must be at most"),
    "less_than": ("lt", "must be less than"),
    "multiple_of": ("multiple_of", "must be a multiple of"),
}
_FORMS = {
    "date": "not a day; write it as YYYY-MM-DD",
    "time": "not an hour; write it as 18:00",
    "datetime": 'not a moment; write it as "2026-09-21 17:20"',
    "int": "not a whole number; write it as 12",
    "decimal": "not a number; write it as 12 or 12.5",
    "finite": "not a number; write it as 12 or 12.5",
    "float": "not a number; write it as 12 or 12.5",
    "bool": "not yes or no",
    "string": "not text; put it in quotes",
    "tuple": "not a list",
    "list": "not a list",
    "dict": "not a section of NAME: VALUE",
    "mapping": "not a section of NAME: VALUE",
    "model": "not a section of NAME: VALUE",
    "invalid": "not a name; put it in quotes",
    "uuid": "not an id of the kind that an earlier answer gave",
}
AMOUNT = "not an amount; write dollars as 12000 or 12000.50"
_SHOWN = 80


def wrong_with(error: ErrorDetails, *, form: str | None = None, amount: bool = False) -> str:
    """What is wrong with one value, as the end of a sentence that began with its name.

    Args:
        error: As the check reported it.
        form: What the field says of its form, for a value that does not have it.
        amount: The value is a sum of money.
    """
    kind, context = error["type"], error.get("ctx") or {}
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is not known here; check how it is written, or leave it out"
    shown, said = _shown(error["input"]), _said(kind, context, error, form, amount)
    return said if said.startswith(shown) else f"{shown}: {said}"


def _said(
    kind: str, context: Mapping[str, Any], error: ErrorDetails, form: str | None, amount: bool
) -> str:
    if kind in _LIMITS:
        name, words = _LIMITS[kind]
        return f"{words} {context[name]}"
    if kind == "literal_error":
        return f"not one of {context['expected']}".replace("'", "")
    if kind == "string_too_short":
        least = context["min_length"]
        few = f"needs at least {counted(least, 'character')}"
        return "empty; say something" if least == 1 else few
    if kind == "string_too_long":
        return f"longer than {counted(context['max_length'], 'character')}; shorten it"
    if kind in ("too_short", "too_long"):
        limit = "needs at least" if kind == "too_short" else "may have at most"
        return f"{limit} {context['min_length' if kind == 'too_short' else 'max_length']}"
    if kind == "string_pattern_mismatch":
        return _not_of_the_form(form)
    if kind == "string_unicode":
        return "has characters that are no text; type it again"
    if kind == "decimal_max_places":
        return f"more than {counted(context['decimal_places'], 'decimal place')}"
    if kind in ("decimal_max_digits", "decimal_whole_digits"):
        return "too large"
    if kind == "value_error":
        return error["msg"].removeprefix("Value error, ").rstrip(".")
    start = kind.partition("_")[0]
    if amount and start in ("decimal", "finite"):
        return AMOUNT
    return _FORMS.get(start) or _not_of_the_form(form)


def _not_of_the_form(form: str | None) -> str:
    return "not of the form it needs" + (f". {form.rstrip('.')}" if form else "")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}…"


def explain(problem: ValidationError, kind: str) -> str:
    """What is wrong with a command's values, all of it, in one paragraph."""
    parts = []
    for error in problem.errors(include_url=False):
        where = ".".join(str(p) for p in error["loc"])
        said = wrong_with(error)
        # A problem of the whole command says itself which values it is about.
        parts.append(f"{where} {said}" if where else error["msg"].removeprefix("Value error, "))
    return f"handrail {kind}: " + "; ".join(parts) + f". See handrail {kind} --help."
