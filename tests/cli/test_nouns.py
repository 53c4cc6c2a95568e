"""What the help says of nouns, and of the files that are imported."""

import io

import pytest
from cyclopts import App
from rich.console import Console

from cli import index
from cli.imports import columns
from cli.index import VERBS
from cli.whole import build
from domain.kernel.nouns import about_noun
from domain.rules.registry import COMMANDS
from tests.cli.test_json import verbs


@pytest.mark.parametrize(
    "kind",
    ["lea register", "person register", "conversation log", "evidence log", "investment add"],
)
def test_the_help_of_an_import_names_its_columns(kind: str) -> None:
    importer = dict(verbs(build()))[f"{kind.partition(' ')[0]} import"]
    assert columns(kind) in str(importer.help)


def test_columns_that_must_be_there_come_first() -> None:
    assert columns("evidence log") == (
        "Columns that must be there: engagement, area, method, group. "
        "Others: count, wave, on, illustrative."
    )


WHOLE = build()


def test_a_noun_brings_the_same_verbs_as_the_whole_command_line() -> None:
    whole = [name for name, _ in verbs(WHOLE)]
    for word in {name.split()[0] for name in whole}:
        wanted = [name for name in whole if name.split()[0] == word]
        built = build([word, "--help"])
        assert [name for name, _ in verbs(built) if name.split()[0] == word] == wanted
    for nothing_known in (["deliverble"], ["--help"], ["--json", "due"], []):
        assert [name for name, _ in verbs(build(nothing_known))] == whole


@pytest.mark.parametrize("name", index.VERBS)
def test_a_verb_built_alone_is_the_one_of_the_whole_command_line(name: str) -> None:
    whole, alone = (_found(app, name) for app in (WHOLE, build([*name.split(), "--help"])))
    assert _shown(alone) == _shown(whole)
    run = _found(build([*name.split(), "anything"]), name)
    assert [a.names for a in run.assemble_argument_collection()] == [
        a.names for a in whole.assemble_argument_collection()
    ]


def _shown(app: App) -> str:
    said = io.StringIO()
    app.help_print([], console=Console(file=said, width=100))
    return said.getvalue()


def test_every_noun_says_what_it_is_about() -> None:
    app = build()
    silent = [
        noun
        for command in COMMANDS.values()
        if not command.internal and f"{command.noun} {command.verb}" in VERBS
        for noun in _with_its_wholes(command.noun)
        if not str(_found(app, noun).help).strip()
    ]
    assert silent == []


def _with_its_wholes(noun: str) -> list[str]:
    words = noun.split()
    return [" ".join(words[: n + 1]) for n in range(len(words))]


def _found(app: App, noun: str) -> App:
    for word in noun.split():
        app = app[word]
    return app


def test_a_noun_is_described_once() -> None:
    with pytest.raises(TypeError, match="'lea' is described twice"):
        about_noun("lea", "Something else.")
