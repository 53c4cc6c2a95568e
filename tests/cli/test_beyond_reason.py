"""A day, hour or number beyond reason, typed for whatever takes one, is refused with the way out.

By type, over every verb there is: a field or an option that is new is tried without a word here.
"""

import types
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from cyclopts import App
from pydantic import BaseModel

from cli.commands import OF_THEIR_OWN
from cli.verbs import Date
from cli.whole import build
from domain.kernel.fields import Positional, option_name
from domain.kernel.messages import Command
from domain.policy.playbook import Playbook
from domain.rules.registry import COMMANDS
from tests.cli.conftest import Answer, Ask
from tests.cli.test_json import verbs
from tests.conftest import Office
from tests.end_to_end.scenario.invariants import ACTS, ON_AN_ENGAGEMENT, ON_ANYTHING_ELSE
from tests.journey import E

HUGE = "9" * 40
DAYS = ["0000-01-01", "0001-01-01", "9999-12-31", "99999-01-01", "-0001-01-01", "1e9", "nan"]
MOMENTS = ["0001-01-01 00:00", "9999-12-31 18:00", "9999-12-31 23:59", HUGE, "inf"]
NUMBERS = [HUGE, f"-{HUGE}", "nan", "inf", "-inf", "1e400", "1e30", f"{HUGE}.5"]
WRITTEN: dict[type, list[str]] = {
    date: DAYS, datetime: MOMENTS, int: NUMBERS, float: NUMBERS, Decimal: NUMBERS,
}  # fmt: skip
ANY = [*DAYS, *MOMENTS, *NUMBERS]
NO_ENDS = {"playbook publish", "calendar publish", "framework publish"}
"""They take a file: tests/domain/test_bounds.py tries every number and day in it."""


def kinds_in(annotation: Any) -> set[type]:
    """The kinds of day, hour or number that a field takes, wherever they stand in it."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return {k for f in annotation.model_fields.values() for k in kinds_in(f.annotation)}
    if annotation in WRITTEN:
        return {annotation}
    return {kind for part in get_args(annotation) for kind in kinds_in(part)}


def alone(annotation: Any) -> bool:
    """Whether a field is one value, not a list of what is written in a form of its own."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return alone(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return all(alone(a) for a in get_args(annotation) if a is not type(None))
    return annotation in WRITTEN


def fields() -> Iterator[tuple[str, type[Command], str, type]]:
    for kind, command in COMMANDS.items():
        if command.internal or kind in (*NO_ENDS, *OF_THEIR_OWN):
            continue
        for name, field in command.model_fields.items():
            for written in sorted(kinds_in(field.annotation), key=str):
                if alone(field.annotation):
                    yield kind, command, name, written


def something(annotation: Any) -> str:
    """A word that a field may take, or that is refused for itself."""
    if get_origin(annotation) is Literal:
        return str(get_args(annotation)[0])
    return next((s for a in get_args(annotation) for s in [something(a)] if s != "x"), "x")


def typed(command: type[Command], name: str, value: str) -> list[str]:
    """A command of which everything else that it needs is something or other."""
    words: list[str] = [*command.noun.split(), *command.verb.split()]
    options: list[str] = []
    for other, field in command.model_fields.items():
        needed = field.is_required() or other == name
        if not needed or (command.kind() == "engagement open" and other == "engagement"):
            continue
        said = value if other == name else something(field.annotation)
        label = option_name(other, field)
        if any(isinstance(m, Positional) for m in field.metadata):
            words.append(said)
        elif field.annotation is bool:
            options.append(f"--{label}")
        else:
            options.append(f"--{label}={said}")
    return [*words, *options]


VERBS = dict(verbs(build()))


@pytest.fixture(autouse=True)
def desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HANDRAIL_ACTOR", "dana")
    monkeypatch.chdir(tmp_path)  # Some write a file that is called so.


@pytest.mark.parametrize(
    ("command", "name", "written"),
    [pytest.param(c, n, w, id=f"{k} {n} {w.__name__}") for k, c, n, w in fields()],
)
async def test_no_command_takes_what_lies_beyond_reason(
    ask: Ask, command: type[Command], name: str, written: type
) -> None:
    for value in WRITTEN[written]:
        answer = await ask(*typed(command, name, value))
        refused(answer, value)
        assert value[:30] in answer.err, "the value"
        assert f"handrail {command.noun} {command.verb} --help" in " ".join(answer.err.split())


def refused(answer: Answer, value: str) -> None:
    told = (value, answer.code, answer.out[:300], answer.err[:600])
    assert answer.code in (1, 2), told
    assert answer.err.strip(), told
    assert "Traceback" not in answer.err, told


@pytest.mark.parametrize("option", ["--on", "--command-id"])
async def test_what_every_command_takes_is_bounded_too(ask: Ask, option: str) -> None:
    for value in DAYS:
        answer = await ask("conversation", "log", E, "parents", f"{option}={value}")
        refused(answer, value)
        assert option in answer.err
        assert value in answer.err


@pytest.fixture
async def story(office: Office, playbook: Playbook) -> Office:
    """An engagement with something of most kinds in it."""
    await office.to_onboarding(playbook)
    office.clock.move(date(2026, 10, 5))
    assert await office.agreed("Theory", date(2026, 11, 20)) == "D1"
    return office


def questions() -> dict[str, list[str]]:
    of = {**dict.fromkeys(ON_AN_ENGAGEMENT, E), **ON_ANYTHING_ELSE, "reminders plan": E}
    return {name: more.split() for name, more in of.items() if name != "clock"}


INIT = "--name=P --agency=A --sender=h@a.example --director=d --director-name=D"
OWN = {
    "bulk reschedule summit": "Y1-1 --first=2027-03-02", "correct": f"{E} 1 --reason=r",
    "dashboard import": f"{E} FILE --year=2026", "init": f"{INIT} --director-email=d@a.example",
    "person reassign": "marcus --to=tess", "retract": f"{E} 1 --reason=r",
    "summit invite": f"Y1-1 {E}", "summit reschedule": "Y1-1 --first=2027-03-02",
    "survey import": f"{E} FILE --survey=2 --on=2026-10-01",
}  # fmt: skip
"""What takes a day or a number and acts with a verb of its own."""


def options_of(verb: App) -> Iterator[tuple[str, Any]]:
    """The options of a verb that take a value, with their types."""
    for argument in verb.assemble_argument_collection():
        names = [name for name in argument.names if name.startswith("--")]
        if names and bool not in (argument.hint, *get_args(argument.hint)):
            yield names[0], argument.hint


def takes_numbers(hint: Any) -> bool:
    return hint in (int, float, Decimal, Date) or any(map(takes_numbers, get_args(hint)))


async def test_no_question_answers_what_lies_beyond_reason_with_a_defect(
    story: Office, ask: Ask
) -> None:
    tried = []
    for name, more in questions().items():
        for option, hint in options_of(VERBS[name]):
            for value in ANY:
                answer = await ask(*name.split(), *more, f"{option}={value}")
                if takes_numbers(hint):
                    refused(answer, f"{name} {option} {value}")
                    tried.append((name, option))
                assert answer.code in (0, 1, 2), (name, option, value, answer)
                assert "Traceback" not in answer.err, (name, option, value, answer)
    assert len(set(tried)) > 15


async def test_no_place_of_a_question_answers_what_lies_beyond_reason_with_a_defect(
    story: Office, ask: Ask
) -> None:
    for name, more in questions().items():
        for place in range(len(more)):
            for value in ("9999-12-31", HUGE, f"D{HUGE}", f"dta-sir@{HUGE}"):
                words = [value if n == place else word for n, word in enumerate(more)]
                refused(await ask(*name.split(), *words), f"{name} {value}")


async def test_no_verb_of_its_own_acts_on_what_lies_beyond_reason(
    story: Office, ask: Ask, tmp_path: Path
) -> None:
    rows = {"dashboard import": "indicator,group,result\nmathematics,all,red\n",
            "survey import": "construct,mean,respondents\ncoaching,3.4,28\n"}  # fmt: skip
    for name, more in OWN.items():
        (tmp_path / "a.csv").write_text(rows.get(name, ""))
        words = more.replace("FILE", str(tmp_path / "a.csv")).split()
        for option, hint in options_of(VERBS[name]):
            if takes_numbers(hint):
                others = [word for word in words if not word.startswith(f"{option}=")]
                for value in ANY:
                    answer = await ask(*name.split(), *others, f"{option}={value}")
                    refused(answer, f"{name} {option} {value}")
                    told = answer.err + answer.out
                    assert value[:30] in told or "must be at most" in told, (name, option, answer)
    for verb in ("correct", "retract"):
        for value in ("0", "-1", HUGE, "nan"):
            refused(await ask(verb, E, value, "--reason=r", "--sure"), f"{verb} {value}")


async def test_no_verb_of_its_own_acts_for_a_reason_that_is_no_line(
    story: Office, ask: Ask, tmp_path: Path
) -> None:
    rows = "construct,mean,respondents\ncoaching,3.4,28\n"
    (tmp_path / "a.csv").write_text(rows)
    for name, more in {**OWN, "undo": ""}.items():
        words = more.replace("FILE", str(tmp_path / "a.csv")).split()
        for option, _ in options_of(VERBS[name]):
            if option in ("--reason", "--waive", "--place", "--source", "--instrument"):
                others = [word for word in words if not word.startswith(f"{option}=")]
                for text in ("", "a\nb", "a\u202eb", "x" * 400):
                    answer = await ask(*name.split(), *others, f"{option}={text}")
                    refused(answer, f"{name} {option} {text!r}")


def test_every_verb_that_takes_a_day_or_a_number_is_tried() -> None:
    takes = {n for n, v in VERBS.items() if any(takes_numbers(h) for _, h in options_of(v))}
    declared = set(COMMANDS) - OF_THEIR_OWN
    assert takes - declared - set(questions()) == set(OWN) - {"correct", "retract"}


def test_every_verb_is_tried_or_acts_on_the_machine() -> None:
    assert set(VERBS) - set(COMMANDS) - ACTS - set(questions()) == {"clock"}
