"""What ends up in a line is one where it is written, and shown as one whatever was kept."""

import types
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from functools import partial
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from pydantic import BaseModel, ValidationError

from activities.mail.addresses import single_line
from activities.mail.digest import OverviewLine
from domain.kernel.fields import PROSE, wrong_texts
from domain.kernel.messages import Command
from domain.kernel.validation import explain
from domain.program.leas import RegisterLea
from domain.program.publishing import (
    CalendarPublished,
    PlaybookPublished,
    PublishCalendar,
    PublishPlaybook,
)
from domain.rules.registry import COMMANDS
from tests.conftest import load
from tests.mail.digests import a_digest, an_item

NOT_A_LINE = {
    "line break": "Al\nder",
    "line break at the end": "Alder\n",
    "tab": "Al\tder",
    "line separator": "Al\u2028der",
    "NUL": "Al\0der",
    "escape": "Al\x1bder",
    "next line": "Al\x85der",
    "turned round": "Al\u202eder",
    "isolated": "Al\u2066der",
    "of no width": "Al\u200bder",
    "a mark of an order": "Alder\ufeff",
    "a hyphen that is not seen": "Al\u00adder",
    "a direction": "\u200fAlder",
    "a tag": "Al\U000e0041der",
    "a joiner between plain letters": "Al\u200dder",
    "a joiner at the end": "Alder \u738b\u200d",
    "a variant of a plain letter": "Al\ufe0fder",
    "a variant of nothing": "\ufe0fAlder",
    "nothing to see": "\u3164\u2800",
    "broken": "Al\ud800der",
    "blank": "  ",
    "endless": "x" * 301,
}

A_LINE = {
    "an emoji in colour": "Alder \u2764\ufe0f",
    "a key": "Room 1\ufe0f\u20e3",
    "an ideograph's variant": "\u845b\U000e0100\u57ce",
    "a family": "\U0001f469\u200d\U0001f467",
}

Place = tuple[str | int, ...]
Build = Callable[[str], Any]


def places(annotation: Any, marks: tuple[Any, ...] = ()) -> Iterator[tuple[Place, Build]]:
    """Every text within a type that is not prose, and how to make a value with it in its place."""
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        yield from places(inner, (*marks, *more))
    elif PROSE in marks:
        return
    elif origin in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from places(part)
    elif origin is Literal:
        return
    elif isinstance(origin, type) and issubclass(origin, Mapping):
        for_key, for_value = get_args(annotation)
        if for_value is Any or PROSE in getattr(for_value, "__metadata__", ()):
            return  # The names of answers are among those of a playbook.
        yield from (
            ((text_key(), *at), lambda bad, b=b: {b(bad): "x"}) for at, b in places(for_key)
        )
        yield from ((("x", *at), lambda bad, b=b: {"x": b(bad)}) for at, b in places(for_value))
    elif origin is tuple:
        yield from (
            ((0, *at), lambda bad, b=b: (b(bad),)) for at, b in places(get_args(annotation)[0])
        )
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from within(annotation)
    elif annotation is str:
        yield (), lambda bad: bad


def text_key() -> str:
    """Stands for the place of a key, which is the text itself."""
    return "KEY"


def within(model: type[BaseModel]) -> Iterator[tuple[Place, Build]]:
    for name, field in model.model_fields.items():
        for at, build in places(field.annotation, tuple(field.metadata)):
            yield (name, *at), partial(with_field, model, name, build)


def with_field(model: type[BaseModel], name: str, build: Build, bad: str) -> BaseModel:
    """A model of which nothing is known but one field."""
    return model.model_construct(**{name: build(bad)})


def every_text() -> list[Any]:
    found = {}
    for command in COMMANDS.values():
        for at, build in within(command):
            found[f"{command.kind()} {'.'.join(map(str, at))}"] = (at, build)
    return [pytest.param(*value, id=name) for name, value in found.items()]


@pytest.mark.parametrize(("at", "build"), every_text())
def test_every_text_that_is_written_is_a_line_unless_it_is_prose(at: Place, build: Build) -> None:
    for wrong in NOT_A_LINE.values():
        [found] = wrong_texts(build(wrong))
        assert found["loc"] == tuple(wrong if part == "KEY" else part for part in at)
        assert found["input"] == wrong
    assert list(wrong_texts(build("Alder Creek, é 王小明 👩‍🏫 ❤️‍🔥 می‌خواهم"))) == []


def test_the_search_finds_the_texts_of_what_is_published_and_registered() -> None:
    found = {p.id for p in every_text()}
    assert {
        "playbook publish content.title",
        "playbook publish content.steps.0.name",
        "playbook publish content.steps.0.before.0",
        "playbook publish content.policies.0.id",
        "playbook publish content.policies.0.steps.0.id",
        "playbook publish content.overviews.0.title",
        "playbook publish content.coauthoring.tags.0.name",
        "playbook publish content.surveys.constructs.0.name",
        "playbook publish content.posting.boards.KEY",
        "calendar publish content.holidays.0.name",
        "calendar publish content.closures.0.name",
        "calendar publish content.statute_dates.0.statute",
        "framework publish content.areas.0.name",
        "lea register name",
        "lea register facts.0.value",
        "person register name",
        "fit decide criterion.KEY",
    } <= found
    assert not {f for f in found if f.startswith(("focus set text", "conversation log notes"))}


@pytest.mark.parametrize(
    ("command", "path", "at"),
    [
        (PublishPlaybook, "packs/playbooks/dta-sir.yaml", ("steps", 2, "name")),
        (PublishPlaybook, "packs/playbooks/dta-sir.yaml", ("policies", 1, "id")),
        (PublishPlaybook, "packs/playbooks/dta-sir.yaml", ("overviews", 0, "title")),
        (PublishCalendar, "packs/calendars/california.yaml", ("holidays", 3, "name")),
        (COMMANDS["framework publish"], "packs/frameworks/sir-12-2019.yaml", ("areas", 0, "name")),
    ],
)
def test_a_document_is_refused_with_the_place_and_the_value(
    command: type[Command], path: str, at: Place
) -> None:
    content = load(path)
    command.model_validate({"content": content})
    part: Any = content
    for step in at[:-1]:
        part = part[step]
    part[at[-1]] = f"{part[at[-1]]}\nand more"
    with pytest.raises(ValidationError) as caught:
        command.model_validate({"content": content})
    said = explain(caught.value, command.kind())
    assert f"content.{'.'.join(map(str, at))} {part[at[-1]]!r}: must be one line" in said


def test_all_wrong_texts_are_told_at_once() -> None:
    facts = [
        {"name": "size", "value": "a\nb", "source": "x"},
        {"name": "n\0", "value": 1, "source": "x"},
    ]
    with pytest.raises(ValidationError) as caught:
        RegisterLea.model_validate({"id": "a", "name": "A", "facts": facts})
    said = explain(caught.value, "lea register")
    assert r"facts.0.value 'a\nb'" in said
    assert r"facts.1.name 'n\x00'" in said


def test_what_was_published_before_is_read_and_mailed_in_one_line() -> None:
    playbook = deepcopy(load("packs/playbooks/dta-sir.yaml"))
    playbook["title"] = "Two\nlines\x1b and \u202emore"
    calendar = deepcopy(load("packs/calendars/california.yaml"))
    calendar["holidays"][0]["name"] = "New\r\nYear"
    read = PlaybookPublished.model_validate({"playbook": playbook})
    assert read.playbook.title == playbook["title"], "as it was kept, for its hash"
    CalendarPublished.model_validate({"pack": calendar})


@pytest.mark.parametrize("wrong", NOT_A_LINE.values(), ids=NOT_A_LINE)
def test_a_mail_shows_whatever_was_kept_in_one_line(wrong: str) -> None:
    item = an_item(title=wrong, lea_name=wrong, action=wrong, step=wrong)
    digest = a_digest(item, program=wrong, overview_title=wrong, name=wrong)
    line = OverviewLine(lea_name=wrong, text=wrong)
    for text in (item.title, item.action, digest.program, digest.name, line.text):
        assert single_line(text) == text
        assert text.strip()


def test_what_a_mail_shows_of_it_can_still_be_read() -> None:
    assert an_item(title="Two\r\nlines\x1b and \u202emore").title == "Two lines and more"
    assert an_item(title="\n").title == "(blank)"
    assert an_item(title="Theory of  action").title == "Theory of  action", "as it was typed"


@pytest.mark.parametrize("line", A_LINE.values(), ids=A_LINE)
def test_what_can_be_seen_is_a_line(line: str) -> None:
    assert RegisterLea.model_validate({"id": "a", "name": line}).name == line
