"""Scripts can use every verb."""

from collections.abc import Iterator

from cyclopts import App

from cli.main import build

NOT_ASKED = {"completion"}
"""It writes a file for the shell and answers nothing."""


def verbs(app: App, path: str = "") -> Iterator[tuple[str, App]]:
    for name in app:
        if name.startswith("-"):
            continue
        verb = app[name]
        spoken = f"{path} {name}".strip()
        if verb.default_command:
            yield spoken, verb
        yield from verbs(verb, spoken)


def test_every_verb_answers_in_json() -> None:
    found = dict(verbs(build()))
    assert len(found) > 80
    silent = {
        spoken
        for spoken, verb in found.items()
        if "--json"
        not in [name for argument in verb.assemble_argument_collection() for name in argument.names]
    }
    assert silent == NOT_ASKED
