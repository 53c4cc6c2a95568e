"""No refusal is told in the words of a library, whatever was typed or stands in a file."""

import inspect
import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest
from pydantic import TypeAdapter, ValidationError
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from cli.commands import verb
from cli.terminal.options import explain
from domain import subjects  # noqa: F401 - registers every command
from domain.kernel.messages import Command
from domain.kernel.validation import wrong_with
from domain.rules.registry import COMMANDS
from tests.conftest import load

WORDS_OF_A_LIBRARY = re.compile(
    r"[Ii]nput|String should|Keys should|finite|valid (string|integer|number|list|dict|date)"
    r"|Field required|[Pp]ydantic|Value error|unable to|[Aa]ssertion|isoformat|invalid literal"
    r"|out of range|could not convert|function-|constrained|literal\[|Decimal|codec|NoneType"
    r"|unhashable|compare"
)
TYPED = [
    "", " ", "x" * 11_000, "no such word", "-1", "9" * 21, "1.123456789", "NaN", "inf", "1e400",
    "2027-02-30", "99999-01-01", "2027-04-16T25:00", "2027-04-16 12:00+00:00", "00:99", "12:00Z",
    "\0", "a\nb", "a\u202eb", "=", "/", "a=b=c", "2027-01-01/joy=", "../../etc",
]  # fmt: skip
"""What somebody may type for a value."""
FROM_A_FILE = [None, True, -1, 3.5, 1080, [], [""], [[1]], {}, {"": ""}, {1: 2}, {"a": {"b": 1}}]
"""What a file may hold in its place besides."""


class Anything(dict[str, Any]):
    """The context of an error that has whatever is asked of it."""

    def __missing__(self, name: str) -> Any:
        return 1


@pytest.mark.parametrize("kind", sorted(set(get_args(ErrorType)) - {"value_error"}))
def test_every_kind_of_problem_has_words_of_ours(kind: str) -> None:
    error: Any = {
        "type": kind,
        "loc": ("x",),
        "msg": "Input should be as the library says",
        "input": "typed",
        "ctx": Anything(expected="'a' or 'b'"),
    }
    told: ErrorDetails = error
    assert not WORDS_OF_A_LIBRARY.search(wrong_with(told, form="A form"))


def refusal(command: type[Command], body: dict[str, Any]) -> str:
    """What is said of a body, without the values that were typed; nothing where it is taken."""
    try:
        command.model_validate(body)
    except ValidationError as problem:
        return re.sub(r"'[^']*'|\"[^\"]*\"", "", explain(problem, command))
    return ""


def test_no_command_answers_a_wrong_value_in_words_of_a_library() -> None:
    leaked = {
        f"{kind}: {field} {bad!r:.40}": said
        for kind, command in COMMANDS.items()
        for field in command.model_fields
        for bad in (*TYPED, *FROM_A_FILE)
        for said in [refusal(command, {field: bad})]
        if WORDS_OF_A_LIBRARY.search(said)
    }
    assert leaked == {}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict):
        for name, part in value.items():
            yield from places(part, (*path, name))
    elif value and isinstance(value, list):
        yield from places(value[0], (*path, 0))


def put(document: Any, path: tuple[Any, ...], bad: Any) -> Any:
    if not path:
        return bad
    first, *rest = path
    return (
        {**document, first: put(document[first], tuple(rest), bad)}
        if isinstance(document, dict)
        else [put(document[first], tuple(rest), bad), *document[1:]]
    )


@pytest.mark.parametrize(
    ("kind", "file"),
    [
        ("playbook publish", "packs/playbooks/dta-sir.yaml"),
        ("calendar publish", "packs/calendars/california.yaml"),
        ("framework publish", "packs/frameworks/practice-3.yaml"),
    ],
)
def test_no_file_is_refused_in_words_of_a_library(kind: str, file: str) -> None:
    document = load(file)
    leaked = {
        f"{path}: {bad!r}": said
        for path in places(document)
        for bad in ("", "NaN", "12:00Z", *FROM_A_FILE)
        for said in [refusal(COMMANDS[kind], {"content": put(document, path, bad)})]
        if WORDS_OF_A_LIBRARY.search(said)
    }
    assert leaked == {}


@pytest.mark.parametrize("hour", ["policies", "overviews"])
def test_a_number_of_minutes_is_no_hour(hour: str) -> None:
    document = load("packs/playbooks/dta-sir.yaml")
    document[hour][0]["latest"] = 18 * 60
    said = explain_of("playbook publish", document)
    assert f'FILE ({hour}.0.latest) 1080: write a local hour as "18:00"' in said


def explain_of(kind: str, document: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        COMMANDS[kind].model_validate({"content": document})
    return explain(caught.value, COMMANDS[kind])


def test_a_value_is_checked_by_the_domain_alone_and_refused_in_its_words() -> None:
    tried = 0
    for command in COMMANDS.values():
        for parameter in inspect.signature(verb(command)).parameters.values():
            hint = get_args(parameter.annotation)[0]
            words = next(iter(get_args(hint)), hint)
            several = list in (get_origin(hint), get_origin(words))
            if str in (words, *get_args(words)) and not several:
                assert TypeAdapter(hint).validate_python("nonsense") == "nonsense", command.kind()
                tried += 1
    assert tried > len(COMMANDS)
