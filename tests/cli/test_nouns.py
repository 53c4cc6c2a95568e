"""What the help says of nouns, and of the files that are imported."""

import pytest
from cyclopts import App

from cli.imports import columns
from domain.kernel import COMMANDS, about_noun
from tests.cli.test_json import verbs


@pytest.mark.parametrize(
    "kind",
    ["lea register", "person register", "conversation log", "evidence log", "investment add"],
)
def test_the_help_of_an_import_names_its_columns(kind: str) -> None:
    from cli.main import build

    importer = dict(verbs(build()))[f"{kind.partition(' ')[0]} import"]
    assert columns(kind) in str(importer.help)


def test_columns_that_must_be_there_come_first() -> None:
    assert columns("evidence log") == (
        "Columns that must be there: engagement, area, method, group. "
        "Others: count, wave, on, illustrative."
    )


def test_one_word_brings_the_same_verbs_as_the_whole_command_line() -> None:
    from cli.main import build

    whole = [name for name, _ in verbs(build())]
    for word in {name.split()[0] for name in whole}:
        wanted = [name for name in whole if name.split()[0] == word]
        assert [name for name, _ in verbs(build(word)) if name.split()[0] == word] == wanted
    for nothing_known in ("deliverble", "--help"):
        assert [name for name, _ in verbs(build(nothing_known))] == whole


def test_every_noun_says_what_it_is_about() -> None:
    from cli.main import build

    app = build()
    silent = [
        noun
        for command in COMMANDS.values()
        if not command.internal
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
