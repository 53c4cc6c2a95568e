"""Writes what follows from the code: `cli.md` and `events.md` here, and two indexes beside it.

The indexes say where a verb, a command and an event are declared, so that a process imports what
it needs and no more.

Run it after a change of a command or an event: ``python docs/reference/generate.py``.
``--check`` says which page is out of date, and a test runs it.
"""

import os
import re
import sys
import types
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin
from uuid import UUID

from cyclopts import App
from pydantic import BaseModel

from cli import commands
from cli.admin import PACKS
from cli.verbs import Verbs
from cli.whole import MODULES, build
from docs.reference import vocabulary
from domain.kernel.messages import Event
from domain.kernel.sealed import Sealed
from domain.rules import registry
from domain.rules.registry import EVENTS, every_subject
from domain.subjects import SUBJECTS

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

CLI_HEAD = """\
# Command line

*Reference, generated from the commands themselves by `docs/reference/generate.py`.*

What the exit codes mean stands in [exit-codes.md](exit-codes.md), what the environment sets in [settings.md](settings.md).

## Every command that records something

"""  # noqa: E501

SHARED = re.compile(r"\*\*Every command\*\*:\n\n((?:\*.*\n|    .*\n)+)\n?")
"""The options that every recording verb has, shown once; a command with a day of its own has its
own --on."""

EVENTS_HEAD = """\
# Events

*Reference, generated from the events themselves by `docs/reference/generate.py`.*

An event is a fact: it is never changed nor removed, and its type never changes its meaning.
The store keeps with each its stream, version, position, effective and recorded instants, actor, command and hash; `handrail history ENGAGEMENT --json` shows them.

Every event also has `illustrative`, true for invented data.
A field in *italics* may be absent.
A field marked † holds text about somebody: it is stored sealed with the key of that person or engagement, and reads `(erased)` once that key is destroyed.
"""  # noqa: E501

EXAMPLES: Mapping[object, object] = {
    bool: False,
    int: 1,
    date: date(2027, 4, 16),
    datetime: datetime(2027, 4, 16, 15, 0, tzinfo=UTC),
    Decimal: Decimal("1500.00"),
    UUID: UUID("01890000-0000-7000-8000-000000000001"),
}
"""A value for each plain type, for the sentence that an event tells."""


def command_line() -> str:
    """The page about every verb."""
    app = build()
    generated = app.generate_docs(heading_level=2)
    _, _, rest = generated.partition("## Table of Contents")
    # Where Handrail is installed is nobody's default.
    rest = rest.replace(str(PACKS), "packs") + "\n"
    shared = max((found[1] for found in SHARED.finditer(rest)), key=len)
    rest = SHARED.sub("", rest)
    return f"{CLI_HEAD}{shared}\n{vocabulary.page()}\n## Contents{rest.rstrip()}\n"


def events() -> str:
    """The page about every event."""
    parts = [EVENTS_HEAD]
    for module in SUBJECTS:
        mine = [e for e in EVENTS.values() if e.__module__ == module.__name__]
        if not mine:
            continue
        title, _, _ = (module.__doc__ or "").strip().partition("\n")
        parts.append(f"## `{module.__name__.replace('.', '/')}.py`\n\n{title}\n")
        parts.append("| Type | Fields | Reads as |\n|---|---|---|")
        parts += [f"| `{e.type}` | {fields(e)} | {_cell(sample(e).sentence())} |" for e in mine]
        parts.append("")
    return "\n".join(parts)


def fields(event: type[Event]) -> str:
    """An event's fields with their marks."""
    shown = []
    for name, field in event.model_fields.items():
        if name == "illustrative":
            continue
        mark = "†" if _mentions(field.annotation, Sealed) else ""
        text = f"`{name}`{mark}"
        shown.append(text if field.is_required() else f"*{text}*")
    return ", ".join(shown)


def sample(model: type[Any]) -> Any:
    """An instance whose values are the names of its fields, where they can be."""
    return model.model_construct(
        **{name: _value(name, field.annotation) for name, field in model.model_fields.items()}
    )


def _value(name: str, annotation: Any) -> Any:
    if name == "zone":
        return "America/Los_Angeles"  # A sentence with an hour in it reads the zone.
    if annotation in EXAMPLES:
        return EXAMPLES[annotation]
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _value(name, inner[0])
    if origin in (Union, types.UnionType):
        return _value(name, next(a for a in inner if a is not type(None)))
    if origin is Literal:
        return inner[0]
    if origin is tuple:
        return (_value(name, inner[0]),)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {_value("name", inner[0]): _value("answer", inner[1])}
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        if annotation is Sealed:
            return Sealed(about="p-", text=_named(name))
        return sample(annotation)
    return _named(name)


def _named(name: str) -> str:
    return f"⟨{name.replace('_', ' ')}⟩"


def _mentions(annotation: Any, wanted: type) -> bool:
    if annotation is wanted:
        return True
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return any(_mentions(f.annotation, wanted) for f in annotation.model_fields.values())
    return any(_mentions(inner, wanted) for inner in get_args(annotation))


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")


DOMAIN_INDEX = '''"""Where each command and event is declared.

Written by docs/reference/generate.py; a test holds it current.
"""

from typing import Final

'''

CLI_INDEX = '''"""Where each verb of the command line is, and what each of its first words is about.

Written by docs/reference/generate.py; a test holds it current.
"""

from typing import Final

'''


def domain_index() -> str:
    """The module that says which subject declares what."""
    every_subject()
    commands = {kind.kind(): decider for kind, decider in registry._DECIDERS.items()}
    events = {kind.type: evolver for kind, evolver in registry._EVOLVERS.items()}
    tables = [
        _table("COMMANDS_IN", _by_subject(commands)),
        _table("EVENTS_IN", _by_subject(events)),
    ]
    return DOMAIN_INDEX + "\n".join(tables)


def _by_subject(meanings: Mapping[str, Callable[..., Any]]) -> dict[str, str]:
    """Each name with its module: the subjects as a reader meets them, each as it stands there."""
    first = {m.__name__: place for place, m in enumerate(SUBJECTS)}
    where = {name: meaning.__module__ for name, meaning in meanings.items()}
    ordered = sorted(where, key=lambda name: (first.get(where[name], len(first)), where[name]))
    return {name: where[name].removeprefix("domain.") for name in ordered}


def cli_index() -> str:
    """The module that says where each verb is."""
    app = build()
    registering: dict[str, str] = {}
    for module in (commands.__name__, *MODULES):
        alone = Verbs("handrail")
        import_module(module).register(alone)
        registering |= dict.fromkeys((said for said, _ in verbs(alone.app())), module)
    places = {said: registering[said] for said, _ in verbs(app)}
    about = {said: str(noun.help).strip() for said, noun in nouns(app)}
    about |= {said: _first_line(verb) for said, verb in verbs(app) if " " not in said}
    return CLI_INDEX + _table("VERBS", places) + "\n" + _table("ABOUT", about)


def _first_line(verb: App) -> str:
    return str(verb.help).strip().partition("\n")[0].replace("`", "")


def verbs(app: App, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every verb, as it is typed."""
    for name in (n for n in app if not n.startswith("-")):
        spoken = f"{path} {name}".strip()
        if app[name].default_command:
            yield spoken, app[name]
        yield from verbs(app[name], spoken)


def nouns(app: App, path: str = "") -> Iterator[tuple[str, App]]:
    """Every noun, as it is typed."""
    for name in (n for n in app if not n.startswith("-")):
        spoken = f"{path} {name}".strip()
        if not app[name].default_command:
            yield spoken, app[name]
        yield from nouns(app[name], spoken)


def _table(name: str, entries: Mapping[str, str]) -> str:
    """A dictionary, as ruff would write it."""
    lines = []
    for key, value in entries.items():
        line = f"    {_quoted(key)}: {_quoted(value)},"
        if len(line) > 100:
            line = f"    {_quoted(key)}: (\n        {_quoted(value)}\n    ),"
        lines.append(line)
    return f"{name}: Final = {{\n" + "\n".join(lines) + "\n}\n"


def _quoted(text: str) -> str:
    shown = repr(text)
    return shown if '"' in text or "'" in text else f'"{shown[1:-1]}"'


PAGES = {
    ROOT / "domain/rules/index.py": domain_index,
    ROOT / "cli/index.py": cli_index,
    HERE / "cli.md": command_line,
    HERE / "events.md": events,
}


def main(arguments: list[str]) -> int:
    """Write every page; with ``--check`` only say which are out of date."""
    stale = 0
    for path, page in PAGES.items():
        text = page()
        if path.exists() and path.read_text("utf-8") == text:
            continue
        stale += 1
        sys.stdout.write(f"{path.relative_to(ROOT)}\n")
        if "--check" not in arguments:
            path.write_text(text, "utf-8")
            if path.suffix == ".py":
                # The others follow from what was just written.
                os.execv(sys.executable, [sys.executable, *sys.argv])  # noqa: S606
    return stale if "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
