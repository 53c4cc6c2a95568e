"""The reference pages say what the code says, and the registries they come from are complete."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bootstrap.settings import CONFIG_VARIABLE, ENVIRONMENT
from cli.terminal.options import descriptions
from docs.reference.generate import HERE, fields, sample
from domain import subjects
from domain.kernel.messages import Command, Event
from domain.kernel.refusals import Refused
from domain.rules import registry
from domain.rules.registry import COMMANDS, EVENTS

ROOT = Path(__file__).parent.parent.parent


def every(kind: type) -> Iterator[type]:
    """A class's concrete descendants that the domain declares."""
    children: list[type] = type.__subclasses__(kind)
    for child in children:
        if child.__module__.startswith("domain.") and not child.__name__.startswith("_"):
            yield child
        yield from every(child)


DECLARED_EVENTS = [e for e in every(Event) if "type" in vars(e)]
DECLARED_COMMANDS = [c for c in dict.fromkeys(every(Command)) if "verb" in vars(c)]


def test_the_generated_pages_are_current() -> None:
    # A process of its own: the order of the verbs is that in which modules were imported.
    checked = subprocess.run(
        [sys.executable, HERE / "generate.py", "--check"],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )

    assert (checked.returncode, checked.stdout) == (0, ""), (
        f"run: python docs/reference/generate.py\n{checked.stderr}"
    )


def test_every_subject_of_the_domain_is_imported() -> None:
    declared = {kind.__module__ for kind in (*DECLARED_EVENTS, *DECLARED_COMMANDS)}

    assert declared <= {module.__name__ for module in subjects.SUBJECTS}


@pytest.mark.parametrize("event", DECLARED_EVENTS, ids=lambda e: e.__name__)
def test_every_event_is_known_evolves_and_tells_what_happened(event: type[Event]) -> None:
    assert EVENTS[event.type] is event
    assert event in registry._EVOLVERS
    assert sample(event).sentence().strip()


@pytest.mark.parametrize("command", DECLARED_COMMANDS, ids=lambda c: c.__name__)
def test_every_command_is_known_decides_and_explains_itself(command: type[Command]) -> None:
    assert COMMANDS[command.kind()] is command
    assert command in registry._DECIDERS
    assert command.__doc__
    assert [n for n in command.model_fields if not descriptions(command).get(n)] == []


def test_sealed_and_optional_fields_are_marked() -> None:
    assert fields(EVENTS["person-changed"]).startswith("*`name`†*, *`email`†*, *`staff_roles`*")


def test_every_setting_is_described() -> None:
    page = (HERE / "settings.md").read_text("utf-8")
    described = set(re.findall(r"^\| `([A-Z_]+)`", page, re.MULTILINE))

    assert {*ENVIRONMENT.values(), CONFIG_VARIABLE} <= described


def test_every_kind_of_refusal_is_described() -> None:
    page = (HERE / "exit-codes.md").read_text("utf-8")
    described = set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))

    assert {kind.__name__ for kind in every(Refused)} == described


def test_every_table_of_the_database_is_described() -> None:
    page = (HERE / "database.md").read_text("utf-8")
    migrations = ROOT / "store/migrations"
    made = {
        name
        for file in sorted(migrations.glob("*.sql"))
        for name in re.findall(
            r"^create (?:table|view|function) (\w+\.\w+)", file.read_text("utf-8"), re.MULTILINE
        )
    }

    assert made
    assert {name for name in made if f"`{name}`" not in page} == set()
