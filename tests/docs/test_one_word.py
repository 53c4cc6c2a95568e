"""Every verb, derived from a command or written by hand, speaks the words of the vocabulary."""

import types
from collections.abc import Iterator, Mapping
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from cyclopts import App
from cyclopts.argument import Argument

from cli.commands import OF_THEIR_OWN
from cli.verbs import Date
from cli.whole import build
from docs.reference.vocabulary import INSTEAD, SECTIONS, WORDS
from domain.kernel.fields import Ref, option_name
from domain.rules.registry import COMMANDS


def verbs(app: App, path: tuple[str, ...] = ()) -> Iterator[tuple[str, App]]:
    """Every verb below an app, by its words."""
    for word in app:
        if word.startswith("-"):
            continue
        here = (*path, word)
        if app[word].default_command is not None:
            yield " ".join(here), app[word]
        yield from verbs(app[word], here)


VERBS = dict(verbs(build()))


def takes(annotation: Any) -> str:
    """What the value of an option is, from its declaration."""
    for mark in getattr(annotation, "__metadata__", ()):
        if isinstance(mark, Ref):
            return {"lea": "LEA", "person": "person"}.get(mark.kind, "text")
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return takes(inner[0])
    if origin in (Union, types.UnionType):
        return takes(next(a for a in inner if a is not type(None)))
    if origin in (tuple, list):
        return takes(inner[0])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "NAME="
    if annotation in PLAIN:
        return PLAIN[annotation]
    return "text"


PLAIN: Mapping[object, str] = {
    bool: "nothing",
    date: "day",
    Date: "day",
    time: "hour",
    int: "number",
    Decimal: "number",
    Path: "file",
}


def words_of(verb: str, app: App) -> Iterator[tuple[str, str, bool]]:
    """Every word of a verb, what it takes, and whether its declaration says so for sure."""
    command = None if verb in OF_THEIR_OWN else COMMANDS.get(verb)
    fields = {option_name(n, f): f for n, f in command.model_fields.items()} if command else {}
    for argument in app.assemble_argument_collection():
        for name in argument.names:
            word = name.lstrip("-").casefold()
            field = fields.get(word)
            if field is None:
                yield word, takes(argument.hint), False
            elif any(isinstance(m, Ref) for m in field.metadata):
                yield word, takes(Annotated[str, *field.metadata]), True
            else:
                yield word, "file" if is_file(argument) else takes(field.annotation), True


def is_file(argument: Argument) -> bool:
    """Whether the command line takes the value from a file."""
    return takes(argument.hint) == "file"


def wrong_with(word: str, kind: str, *, sure: bool) -> str | None:
    """Why a word is not one that a verb may say; None where it is."""
    if word in INSTEAD:
        return f"--{word} is not said here: say {INSTEAD[word]}"
    if word not in WORDS:
        return f"--{word} is in no vocabulary: docs/reference/vocabulary.py may have a word for it"
    allowed = WORDS[word].takes
    # A verb that is written by hand takes names and words alike as text.
    if kind in allowed or (not sure and kind == "text" and {"person", "LEA"} & {*allowed}):
        return None
    return f"--{word} takes {' or '.join(allowed)} everywhere else, and {kind} here"


@pytest.mark.parametrize("verb", VERBS)
def test_every_word_of_a_verb_is_in_the_vocabulary_and_means_the_same(verb: str) -> None:
    found = [wrong_with(word, kind, sure=sure) for word, kind, sure in words_of(verb, VERBS[verb])]

    assert [wrong for wrong in found if wrong] == []


def test_every_word_of_the_vocabulary_is_said_by_some_verb() -> None:
    said = {word for verb, app in VERBS.items() for word, _, _ in words_of(verb, app)}

    assert sorted(WORDS.keys() - said) == []


def test_a_word_and_its_meaning_stand_in_the_vocabulary_once() -> None:
    assert len(WORDS) == sum(len(words) for words in SECTIONS.values())
    meanings = [word.means for word in WORDS.values() if word.means != "Several of them."]
    assert len({*meanings}) == len(meanings)
    assert sorted(INSTEAD.keys() & WORDS.keys()) == []


@pytest.mark.parametrize(
    ("word", "kind", "said"),
    [
        pytest.param("on", "day", None, id="known"),
        pytest.param("effective", "day", "--effective is not said here: say --on", id="old"),
        pytest.param("fortnight", "day", "--fortnight is in no vocabulary", id="new"),
        pytest.param("to", "day", "--to takes person everywhere else, and day here", id="other"),
        pytest.param("to", "text", "--to takes person everywhere else, and text here", id="bare"),
    ],
)
def test_a_word_with_no_meaning_or_another_one_is_noticed(
    word: str, kind: str, said: str | None
) -> None:
    found = wrong_with(word, kind, sure=True)

    assert found is None if said is None else found is not None and found.startswith(said)
