"""What is typed means one thing, whether it is read directly or by cyclopts."""

import inspect
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

import pytest
from cyclopts import CycloptsError
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.index import VERBS
from cli.verbs import Date, plain
from cli.whole import declared

DECLARED = declared()
WHOLE = DECLARED.app()
READ_BY_CYCLOPTS = {
    "calendar export",
    "correct",
    "deliverable merge",
    "sir choose",
    "summit invite",
}
"""Verbs that take any number of words."""

Call = tuple[object, dict[str, Any]]


def directly(typed: list[str]) -> Call | None:
    found = DECLARED.call(typed)
    if found is None:
        return None
    does, arguments = found
    arguments.apply_defaults()
    return does, arguments.arguments


def by_cyclopts(typed: list[str]) -> Call | CycloptsError:
    try:
        does, arguments, _ = WHOLE.parse_args(typed, exit_on_error=False, print_error=False)
    except CycloptsError as wrong:
        return wrong
    arguments.apply_defaults()
    return inspect.unwrap(does), arguments.arguments


def signature_of(verb: str) -> inspect.Signature:
    app = WHOLE
    for word in verb.split():
        app = app[word]
    assert app.default_command is not None
    return inspect.signature(inspect.unwrap(app.default_command))


def options_of(verb: str) -> dict[str, Any]:
    """Every option as cyclopts knows it, the ones that say no and those for help left out."""
    app = WHOLE
    for word in verb.split():
        app = app[word]
    return {
        argument.names[0]: argument.hint
        for argument in app.assemble_argument_collection()
        if argument.names[0].startswith("-")
    }


def fitting(kind: Any) -> str:
    """A value that an argument takes."""
    kind = plain(kind)
    if get_origin(kind) is list:
        kind = plain(get_args(kind)[0])
    if get_origin(kind) is Literal:
        return str(get_args(kind)[-1])
    return {int: "12", Date: "2054-09-01", Path: "~/a file.yaml", str: "Joy Kim"}[kind]


def places_of(verb: str) -> list[str]:
    return [
        fitting(p.annotation)
        for p in signature_of(verb).parameters.values()
        if p.kind is inspect.Parameter.POSITIONAL_ONLY
    ]


@pytest.mark.parametrize("verb", [verb for verb in VERBS if verb not in READ_BY_CYCLOPTS])
def test_what_is_typed_plainly_is_read_without_cyclopts(verb: str) -> None:
    line = [*verb.split(), *places_of(verb)]
    for option, kind in options_of(verb).items():
        line += [option] if plain(kind) is bool else [option, fitting(kind)]
    found = directly(line)
    assert found is not None
    assert found == by_cyclopts(line)


ODD = (
    "", "-", "--", "-5", "-x", "--help", "-h", "--version", "--no-json", "--json=true",
    "--empty-on", "0x10", "1_000", "٣", "1.0", " 7 ", "true", "no", "DIRECTOR", "list", "a=b", "~",
    "@file", "né", "--on=2054-09-01", "--note=", "--reason", "--Json", "--json_", "--command_id",
    "9" * 5000,
)  # fmt: skip


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """A verb with some of what it takes, in any order, and some of what nothing takes."""
    verb = draw(st.sampled_from(list(VERBS)))
    parts = [[one] for one in places_of(verb)]
    for option, kind in options_of(verb).items():
        value = fitting(kind) if plain(kind) is not bool else None
        many = draw(st.sampled_from([0, 1, 1, 1, 1, 1, 2]))
        parts += [[option] if value is None else [option, value]] * many
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        parts.append([draw(st.one_of(st.sampled_from(ODD), st.text(max_size=4)))])
    if draw(st.booleans()) and parts:
        parts.pop(draw(st.integers(0, len(parts) - 1)))
    parts = draw(st.permutations(parts))
    if draw(st.booleans()) and parts:  # A value is left out, or has something in its place.
        last = parts[draw(st.integers(0, len(parts) - 1))]
        last[-1:] = draw(st.sampled_from([[], *([odd] for odd in ODD)]))
    return [*verb.split(), *(word for part in parts for word in part)]


def test_a_number_longer_than_any_that_python_reads_is_left_to_cyclopts() -> None:
    line = ["due", "--within", "9" * 5000]
    assert directly(line) is None
    assert isinstance(by_cyclopts(line), CycloptsError)


@settings(max_examples=400)
@given(lines())
def test_what_is_read_directly_is_what_cyclopts_reads(line: list[str]) -> None:
    found = directly(line)
    if found is not None:
        assert found == by_cyclopts(line)
