"""Whatever can be written has bounds, so that no day or number overflows a rule later."""

import types
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic.fields import FieldInfo

from domain import subjects  # noqa: F401 - registers every command
from domain.envelope import Envelope
from domain.kernel.bounds import Day, Written
from domain.kernel.messages import Command
from domain.kernel.validation import wrong_with
from domain.policy.playbook import Playbook
from domain.program.program import InitProgram
from domain.program.publishing import PublishCalendar, PublishPlaybook
from domain.rules.registry import COMMANDS
from tests.conftest import load

WRITTEN = [c for c in COMMANDS.values() if not c.internal or c is InitProgram]
"""What people write; what the system tells itself was bounded when it came in."""

Leaf = tuple[str, type, list[Any]]


def leaves(model: type[BaseModel], within: str = "") -> Iterator[Leaf]:
    """Every number, day and moment of a model, with all that is said of it."""
    for name, field in model.model_fields.items():
        yield from _leaves(field.annotation, field.metadata, f"{within or model.__name__}.{name}")


def _leaves(annotation: Any, metadata: list[Any], place: str) -> Iterator[Leaf]:
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *more = get_args(annotation)
        yield from _leaves(inner, [*metadata, *more], place)
    elif origin in (Union, types.UnionType):
        for part in get_args(annotation):
            yield from _leaves(part, metadata, place)
    elif origin is not None and origin is not Literal:
        for part in get_args(annotation):
            yield from _leaves(part, [], place)
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from leaves(annotation, place)
    elif annotation in (int, float, Decimal, date, datetime):
        yield place, annotation, metadata


def bounded(kind: type, metadata: list[Any]) -> bool:
    flat = [
        m for mark in metadata for m in (mark.metadata if isinstance(mark, FieldInfo) else [mark])
    ]
    least = any(isinstance(m, annotated_types.Ge | annotated_types.Gt) for m in flat)
    most = any(isinstance(m, annotated_types.Le | annotated_types.Lt) for m in flat)
    digits = kind is Decimal and any(getattr(m, "max_digits", None) for m in flat)
    return (least and most) or digits


def every_leaf() -> list[Leaf]:
    return list({leaf[0]: leaf for command in WRITTEN for leaf in leaves(command)}.values())


@pytest.mark.parametrize("leaf", every_leaf(), ids=lambda leaf: leaf[0])
def test_every_number_and_day_that_can_be_written_has_bounds(leaf: Leaf) -> None:
    place, kind, metadata = leaf
    if kind in (date, datetime):
        written_as: Any = Annotated[kind, *metadata]
        for far in ("0001-01-01", "1899-12-31", "2251-01-01", "9999-12-31"):
            written = far if kind is date else f"{far} 18:00"
            with pytest.raises(ValidationError, match="must lie between 1900"):
                TypeAdapter(written_as).validate_python(written)
        return
    assert bounded(kind, metadata), f"{place} has no bounds: see domain/kernel/bounds.py"


def test_the_search_for_bounds_finds_what_it_must() -> None:
    found = {place for place, _, _ in every_leaf()}
    assert {
        "PublishPlaybook.content.checkins.every_months",
        "PublishPlaybook.content.policies.steps.days",
        "PublishPlaybook.content.overviews.quiet_days",
        "PublishCalendar.content.closures.last",
        "PublishFramework.content.version",
        "SetRecess.first",
        "CloseCheckIn.commitment.by",
        "RegisterForSummit.places",
    } <= found


def models(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    """A model with all that stand in it."""

    def inner(annotation: Any) -> Iterator[type[BaseModel]]:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            yield from models(annotation)
        for part in get_args(annotation):
            yield from inner(part)

    yield model
    for field in model.model_fields.values():
        yield from inner(field.annotation)


@pytest.mark.parametrize("command", WRITTEN, ids=lambda c: c.kind())
def test_the_texts_of_all_that_is_written_are_held_to_what_can_be_kept(
    command: type[Command],
) -> None:
    assert all(issubclass(m, Command | Written) for m in models(command))


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param("Al\0der", id="NUL"),
        pytest.param("Al\x1bder", id="escape"),
        pytest.param("Al\udce9der", id="bytes that are no text"),
        pytest.param("x" * 100_000, id="endless"),
    ],
)
def test_a_text_that_cannot_be_kept_is_refused_wherever_it_stands(wrong: str) -> None:
    of = {"engagement": "alder-creek-usd"}
    content = load("packs/playbooks/dta-sir.yaml")
    calendar = load("packs/calendars/california.yaml")
    for kind, body in (
        (COMMANDS["lea register"], {"id": "a", "name": "A", "facts": [
            {"name": wrong, "value": 1, "source": "x"}
        ]}),
        (COMMANDS["lea register"], {"id": "a", "name": "A", "facts": [
            {"name": "x", "value": wrong, "source": "x"}
        ]}),
        (COMMANDS["engagement open"], {**of, "lea": wrong, "lead": "m", "director": "d"}),
        (COMMANDS["engagement open"], {**of, "lea": "a", "lead": wrong, "director": "d"}),
        (COMMANDS["fit decide"], {**of, "proceed": True, "criterion": {wrong: "yes"}}),
        (COMMANDS["dashboard record"], {**of, "year": 2026, "row": [
            {"indicator": wrong, "group": "all", "result": "red"}
        ]}),
        (PublishPlaybook, {"content": {**content, "title": wrong}}),
        (PublishPlaybook, {"content": {**content, "fit_criteria": [{"id": "x", "name": wrong}]}}),
        (PublishCalendar, {"content": {**calendar, "source": wrong}}),
    ):  # fmt: skip
        with pytest.raises(ValidationError):
            kind.model_validate(body)


def hex_of(character: str) -> str:
    return f"U+{ord(character):04X}"


@pytest.mark.parametrize("turning", ["\u202e", "\u202a", "\u2067", "\u2069"], ids=hex_of)
def test_prose_is_not_shown_in_another_order_than_it_has(turning: str) -> None:
    log = COMMANDS["conversation log"]
    body = {"engagement": "alder-creek-usd", "group": "parents"}
    with pytest.raises(ValidationError, match="must not turn text round: U\\+2"):
        log.model_validate({**body, "notes": f"They said\nyes.{turning}"})


@pytest.mark.parametrize(
    "said", ["نعم، قالوا", "כן\u200f!", "Yes \u2764\ufe0f 1\ufe0f\u20e3 \u845b\U000e0100"]
)
def test_prose_may_be_in_any_script(said: str) -> None:
    log = COMMANDS["conversation log"]
    made = log.model_validate(
        {"engagement": "alder-creek-usd", "group": "parents", "notes": f"Line\n{said}"}
    )
    assert made.model_dump()["notes"] == f"Line\n{said}"


def test_a_list_without_end_is_refused() -> None:
    content = load("packs/playbooks/dta-sir.yaml")
    content["policies"][0]["steps"] *= 1000
    with pytest.raises(ValidationError, match="may have at most 1000 entries"):
        PublishPlaybook.model_validate({"content": content})


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("0001-01-01", "must lie between 1900 and 2250"),
        ("9999-12-31", "must lie between 1900 and 2250"),
        ("1785715200", "not a day; write it as YYYY-MM-DD"),
        ("46237", "not a day; write it as YYYY-MM-DD"),
        ("8/3/2026", "not a day; write it as YYYY-MM-DD"),
        ("2026-02-30", "not a day; write it as YYYY-MM-DD"),
        ("2026-8-3", "not a day; write it as YYYY-MM-DD"),
        ("20260803", "not a day; write it as YYYY-MM-DD"),
        ("2026-08-03T10:00", "not a day; write it as YYYY-MM-DD"),
        ("\uff12\uff10\uff12\uff16-08-03", "not a day; write it as YYYY-MM-DD"),
        (datetime(2026, 8, 3, tzinfo=UTC), "not a day; write it as YYYY-MM-DD"),
        (1785715201, "not a day; write it as YYYY-MM-DD"),
    ],
)
def test_only_year_month_and_day_within_reason_are_a_day(written: object, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(Day).validate_python(written)
    assert said in wrong_with(caught.value.errors()[0])


@pytest.mark.parametrize("written", ["2026-08-03", " 2026-08-03 ", date(2026, 8, 3)])
def test_a_day_is_taken_as_people_write_it(written: object) -> None:
    assert TypeAdapter(Day).validate_python(written) == date(2026, 8, 3)


def test_the_day_on_which_something_came_true_is_bounded_too() -> None:
    [leaf] = [leaf for leaf in leaves(Envelope) if leaf[0] == "Envelope.effective_on"]
    test_every_number_and_day_that_can_be_written_has_bounds(leaf)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"checkins": {"every_months": 100000}}, "every_months"),
        ({"deliverables": {"review_working_days": 1000000000}}, "review_working_days"),
        ({"burden": {"cap_hours": 1e30}}, "cap_hours"),
        ({"version": 10**30}, "version"),
    ],
)
def test_a_playbook_with_a_number_beyond_reason_is_refused(
    change: dict[str, Any], said: str
) -> None:
    content = load("packs/playbooks/dta-sir.yaml")
    for part, value in change.items():
        content[part] = {**content[part], **value} if isinstance(value, Mapping) else value
    with pytest.raises(ValidationError) as caught:
        Playbook.model_validate(content)
    assert {e["loc"][-1] for e in caught.value.errors()} == {said}
