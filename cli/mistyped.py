"""What is wrong with what was typed, all of it at once, and how it is typed."""

import re
import shlex
from collections.abc import Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Final, Literal, get_args, get_origin

from cyclopts import (
    CycloptsError,
    MissingArgumentError,
    UnknownCommandError,
    UnknownOptionError,
    UnusedCliTokensError,
)

from cli import helping
from cli.verbs import Date

if TYPE_CHECKING:
    from cyclopts import App
    from cyclopts.argument import Argument

_EXAMPLE = re.compile(r'for example (?:"([^"]+)"|([^\s,;]+[^\s,;:.]))')

_ELSEWHERE: Final = {
    "date": ("on", "scheduled", "due", "first", "as-of"),
    "day": ("on", "scheduled", "due", "first"),
    "when": ("on", "scheduled", "at"),
    "effective": ("on",),
    "effective-on": ("on",),
    "on": ("scheduled", "first", "as-known"),
    "meeting": ("on", "scheduled"),
    "time": ("at",),
    "deadline": ("due", "until"),
    "by": ("due", "until", "within"),
    "due-date": ("due",),
    "from": ("first", "on"),
    "since": ("first", "on"),
    "start": ("first", "on"),
    "to": ("last", "due", "until"),
    "through": ("last", "until"),
    "end": ("last", "until"),
    "as-of": ("as-known", "as-true"),
    "sure": ("yes",),
    "force": ("yes",),
    "confirm": ("yes",),
    "notes": ("note",),
    "comment": ("note", "reason"),
    "text": ("note",),
    "note": ("reason", "basis"),
    "why": ("reason", "basis"),
    "because": ("reason", "basis"),
    "for": ("reason", "person", "basis"),
    "who": ("person", "for"),
    "actor": ("for",),
}
"""Words that people look for among the options, with the ones there may be instead."""


def explained(wrong: CycloptsError, tokens: Sequence[str]) -> str:
    """A paragraph about a mistake, with a line to go on from.

    Args:
        wrong: The first mistake that was found.
        tokens: What was typed.
    """
    path = list(wrong.command_chain or ())
    see = f"See {' '.join(['handrail', *path, '--help'])}"
    if isinstance(wrong, UnknownCommandError):
        return helping.unknown([*path, *(wrong.unused_tokens or ())])
    if isinstance(wrong, MissingArgumentError) and wrong.argument is not None:
        if wrong.keyword is not None:
            typed = " ".join([wrong.keyword, *_example(wrong.argument)])
            return f"{wrong.keyword} needs a value, as in {typed}\n{see}"
        return "\n".join([*_missing(path, tokens), see])
    if isinstance(wrong, UnusedCliTokensError):
        more = ", ".join(repr(token) for token in wrong.unused_tokens or ())
        return (
            f"`{' '.join(['handrail', *path])}` takes less than was typed: nothing is to be done "
            f'with {more}. Leave it out, or put "" around a value of several words.\n{see}'
        )
    return f"{_said(wrong)}\n{see}"


def _said(wrong: CycloptsError) -> str:
    """A mistake, and for an option that is not there the one that was meant."""
    if not isinstance(wrong, UnknownOptionError):
        return str(wrong)
    typed = (wrong.token.keyword or wrong.token.value).split("=", 1)[0]
    here = [n for a in wrong.argument_collection if a.parse for n in a.names if n[:2] == "--"]
    meant = [f"--{word}" for word in _ELSEWHERE.get(typed.lstrip("-").casefold(), ())]
    near = [n for n in meant if n in here][:1] or get_close_matches(typed, here, 1, 0.6)
    return f"Unknown option: {typed}." + "".join(f" Did you mean {n}?" for n in near)


def _missing(path: Sequence[str], tokens: Sequence[str]) -> list[str]:
    """Everything that must be said and was not, and what else is wrong, with an example."""
    from cli.whole import build

    app = build([*path, "--help"])  # Built with what its options are for: examples stand there.
    found: list[str] = []
    line, tried = list(tokens), list(tokens)
    while True:
        also = _tried(app, tried)
        if not isinstance(also, MissingArgumentError) or also.argument is None or also.keyword:
            break
        argument = also.argument
        name = [] if argument.field_info.is_positional else [argument.name]
        found.append(argument.name if name else argument.name.lstrip("-").upper())
        switch = argument.hint is bool
        line += [*name, *([] if switch else _example(argument))]
        tried += [*name, *([] if switch else _fitting(argument))]
    said = f"`{' '.join(['handrail', *path])}` needs {', '.join(found)}."
    if also is not None:
        return [said, _said(also)]
    return [said, f"For example: handrail {shlex.join(line)}"]


def _tried(app: "App", tokens: Sequence[str]) -> CycloptsError | None:
    try:
        app.parse_args(list(tokens), exit_on_error=False, print_error=False)
    except CycloptsError as wrong:
        return wrong
    return None


def _example(argument: "Argument") -> list[str]:
    """A value that somebody may type: from what is said of the argument, or its kind."""
    if argument.hint is Date:
        return ["YYYY-MM-DD"]
    if named := example_in(argument.parameter.help or ""):
        return [named]
    return _choices(argument) or [argument.name.lstrip("-").upper()]


def example_in(said: str) -> str | None:
    """The value that a description gives as an example."""
    named = _EXAMPLE.search(said)
    return (named[1] or named[2]) if named else None


def _fitting(argument: "Argument") -> list[str]:
    """A value that can be read, whatever it means."""
    return _choices(argument) or ["1"]


def _choices(argument: "Argument") -> list[str]:
    hint = argument.hint
    if get_origin(hint) is list:
        [hint] = get_args(hint)
    return [str(get_args(hint)[0])] if get_origin(hint) is Literal else []
