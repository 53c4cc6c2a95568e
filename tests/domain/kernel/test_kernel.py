"""What every subject owes the registry."""

import json
from collections.abc import Iterator
from typing import Any, get_args
from uuid import UUID

import pytest
from pydantic import BaseModel

import domain
from cli.terminal.options import descriptions
from domain import subjects
from domain.envelope import Envelope
from domain.kernel.messages import Command, Event, State
from domain.kernel.refusals import AlreadyExists, Refused, ReusedCommandId, did_you_mean
from domain.kernel.sealed import Sealed
from domain.rules import registry
from domain.rules.context import SYSTEM
from domain.rules.registry import COMMANDS, EVENTS, decides, evolves, fold
from domain.streams import (
    PROGRAM,
    Aggregate,
    aggregate_of,
    digest_workflow_id,
    engagement_of,
    epoch_of,
    host_workflow_id,
    id_of,
    in_epoch,
    stream_of,
    subject_of,
)
from tests.domain.engagement.test_engagement import BODIES
from tests.domain.story import ALDER, Story, made

NO_COMMAND = UUID(int=7)


def below(base: type[Any]) -> Iterator[type[Any]]:
    """Every class of the domain that derives from one."""
    for kind in base.__subclasses__():
        if kind.__module__.startswith(f"{domain.__name__}."):
            yield kind
            yield from below(kind)


def test_every_command_has_a_decider() -> None:
    declared = {c for c in below(Command) if "noun" in vars(c)}
    assert set(COMMANDS.values()) == declared
    assert set(registry._DECIDERS) == declared


def test_every_event_has_an_evolver() -> None:
    declared = {e for e in below(Event) if "type" in vars(e)}
    assert set(EVENTS.values()) == declared
    assert set(registry._EVOLVERS) == declared


def test_every_subject_is_imported() -> None:
    modules = {m.__name__ for m in subjects.SUBJECTS}
    assert {c.__module__ for c in COMMANDS.values()} <= modules
    assert {e.__module__ for e in EVENTS.values()} <= modules


def test_two_commands_or_events_do_not_share_a_name() -> None:
    class Twin(Command):
        noun = "fit"
        verb = "decide"

    class TwinFact(Event):
        type = "fit-decided"

    with pytest.raises(TypeError, match="two commands are called 'fit decide'"):
        decides(Twin)(lambda command, state, context: [])
    with pytest.raises(TypeError, match="two events are called 'fit-decided'"):
        evolves(TwinFact)(lambda state, event, stamp: state)


@pytest.mark.parametrize("kind", COMMANDS)
def test_every_command_and_field_is_explained(kind: str) -> None:
    command = COMMANDS[kind]
    assert command.__doc__, kind
    assert command.__doc__ != Command.__doc__
    assert [n for n in command.model_fields if not descriptions(command).get(n)] == []


@pytest.mark.parametrize("kind", COMMANDS)
def test_every_command_names_its_stream(kind: str) -> None:
    command = COMMANDS[kind]
    assert command.kind() == kind
    assert command.stream is not Command.stream or command.aggregate in command.model_fields


@pytest.mark.parametrize("name", EVENTS)
def test_every_event_is_told_in_a_sentence(name: str) -> None:
    assert EVENTS[name].sentence is not Event.sentence
    assert EVENTS[name].type == name
    assert name == name.lower()
    assert " " not in name


def models(annotation: Any) -> Iterator[type[BaseModel]]:
    """Every model that an annotation mentions."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models(field.annotation)
    for part in getattr(annotation, "__args__", ()):
        yield from models(part)


def test_no_other_model_has_the_shape_of_sealed_text() -> None:
    mentioned = {m for kind in (*EVENTS.values(), *COMMANDS.values()) for m in models(kind)}
    assert Sealed in mentioned
    assert len(mentioned) > len(EVENTS)
    for model in mentioned - {Sealed}:
        assert set(model.model_fields) != {"about", "text"}, model


def test_no_event_is_configured_to_forget_or_to_change() -> None:
    for event in EVENTS.values():
        assert event.model_config["frozen"] is True
        assert event.model_config["extra"] == "ignore"
        assert "illustrative" in event.model_fields


def test_commands_refuse_what_they_do_not_know() -> None:
    for command in COMMANDS.values():
        assert command.model_config["extra"] == "forbid"


@pytest.mark.parametrize("what", BODIES)
def test_a_command_survives_its_journey(what: str) -> None:
    command = made(what, **BODIES[what])
    story = Story()
    envelope = Envelope.of(command, command_id=NO_COMMAND, actor="tess", issued_at=story.now)
    again = Envelope.model_validate_json(envelope.model_dump_json())
    assert again.command() == command
    assert again.stream == f"engagement:{ALDER}"
    assert again.content() == envelope.content()


def test_the_same_words_at_another_moment_are_the_same_command() -> None:
    command = made("engagement close", reason="over")
    story = Story()
    first = Envelope.of(command, command_id=NO_COMMAND, actor="tess", issued_at=story.now)
    later = first.model_copy(update={"issued_at": story.now.replace(hour=23)})
    assert later.content() == first.content()
    for changed in ({"actor": "dana"}, {"illustrative": True}, {"body": {"reason": "other"}}):
        assert first.model_copy(update=changed).content() != first.content()


def test_a_refusal_is_known_by_its_class() -> None:
    assert AlreadyExists("there").kind == "AlreadyExists"
    assert issubclass(ReusedCommandId, Refused)


def test_near_names_are_offered_and_where_none_is_near_no_word_is_lost() -> None:
    assert did_you_mean("marcu", ["marcus", "dana"]) == "Did you mean marcus? "
    assert did_you_mean("zzz", ["marcus", "dana"]) == ""
    assert did_you_mean("x", []) == ""


def test_the_names_of_streams_and_workflows_lead_back() -> None:
    for aggregate in get_args(Aggregate):
        stream = stream_of(aggregate, ALDER)
        assert (aggregate_of(stream), id_of(stream)) == (aggregate, ALDER)
        assert subject_of(stream) == (ALDER if aggregate == "person" else stream)
    assert (aggregate_of(PROGRAM), id_of(PROGRAM)) == (PROGRAM, PROGRAM)
    assert engagement_of(host_workflow_id(f"engagement:{ALDER}")) == ALDER
    assert engagement_of(host_workflow_id("person:p-joy")) is None
    assert engagement_of(digest_workflow_id("p-joy", Story().today)) is None
    assert digest_workflow_id("p-joy", Story().today) == "digest:p-joy:2026-08-04"


def test_a_life_of_a_store_is_part_of_every_name_in_its_engine() -> None:
    named = in_epoch(host_workflow_id(f"engagement:{ALDER}"), "0a1b2c3d4e5f")
    assert (epoch_of(named), engagement_of(named)) == ("0a1b2c3d4e5f", ALDER)
    assert in_epoch(named, "0a1b2c3d4e5f") == named
    assert in_epoch("handrail-record", "") == "handrail-record"


def test_a_stream_without_a_history_is_empty() -> None:
    empty = fold(f"engagement:{ALDER}", [])
    assert (empty.version, empty.slices, empty.id) == (0, {}, ALDER)
    assert State("program").id == "program"


def test_erased_text_reads_as_erased() -> None:
    assert str(Sealed(about="p-joy", text=None)) == "(erased)"
    assert json.loads(Sealed(about="p-joy", text="x").model_dump_json()) == {
        "about": "p-joy",
        "text": "x",
    }


def test_what_the_system_tells_itself_has_no_place_at_the_door() -> None:
    internal = {kind for kind, command in COMMANDS.items() if command.internal}
    assert internal == {
        "program init",
        "notices claim",
        "notices delivered",
        "notices hold",
        "notices reconcile",
        "program look-ahead",
        "summit conclude",
        "summit take-over",
        "notices returned",
        "address settle",
    }
    assert SYSTEM == "system"
