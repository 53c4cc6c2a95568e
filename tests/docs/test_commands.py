"""Every command that a page shows is one that can be typed: its verb and its options are there."""

import contextlib
import io
import re
import shlex
from functools import cache
from pathlib import Path

import pytest
from cyclopts import App
from rich.console import Console

from cli.whole import build

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = [
    ROOT / "README.md",
    *sorted((DOCS / "rules").glob("*.md")),
    *sorted((DOCS / "how-to").glob("*.md")),
    DOCS / "architecture.md",
]
INLINE = re.compile(r"`handrail ([^`\n]+)`")
TYPED = re.compile(r"^\$? ?handrail (.+)$", re.MULTILINE)
FENCE = re.compile(r"^ *```(?:sh|console)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
OPTION = re.compile(r"--[a-z][a-z-]*")


def shown(text: str) -> list[str]:
    """Every command of a page, without the word handrail."""
    typed = [line for block in FENCE.findall(text) for line in TYPED.findall(block)]
    return [*INLINE.findall(FENCE.sub("", text)), *typed]


@cache
def the_app() -> App:
    return build()


@cache
def help_of(path: tuple[str, ...]) -> str:
    said = io.StringIO()
    with contextlib.suppress(SystemExit):
        the_app()([*path, "--help"], exit_on_error=False, console=Console(file=said, width=300))
    return said.getvalue()


def wrong_with(command: str) -> str | None:
    """What of a command is not there; None where all of it is."""
    words = [w for w in shlex.split(command.partition("  #")[0]) if w not in ("…", "...")]
    app = the_app()
    path: list[str] = []
    for word in words:
        if word.startswith("-") or word not in app:
            break
        path.append(word)
        app = app[word]
    if not path:
        return f"no verb {words[:1]}"
    rest = words[len(path) :]
    if app.default_command is None and rest and not rest[0].startswith("-"):
        return f"{' '.join(path)} has no verb {rest[0]!r}"
    known = {*OPTION.findall(help_of(tuple(path))), "--help"}
    wrong = sorted({w.partition("=")[0] for w in rest if OPTION.match(w)} - known)
    return f"{' '.join(path)} has no {', '.join(wrong)}" if wrong else None


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_every_command_of_a_page_can_be_typed(page: Path) -> None:
    found = {c: wrong_with(c) for c in shown(page.read_text("utf-8"))}

    assert {c: wrong for c, wrong in found.items() if wrong} == {}


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("lea register acusd --county Kern", None),
        ("lea register acusd --countie Kern", "lea register has no --countie"),
        ("lea registre acusd", "lea has no verb 'registre'"),
        ("leas register", "no verb ['leas']"),
        ("person change priya --capacity=3", None),
    ],
)
def test_what_cannot_be_typed_is_noticed(command: str, said: str | None) -> None:
    assert wrong_with(command) == said


def test_commands_are_found_in_lines_and_in_blocks() -> None:
    blocks = "```console\n$ handrail up\nready\n```\n```sh\nhandrail down\n```\n"
    text = f"See `handrail due --json`.\n\n{blocks}"

    assert shown(text) == ["due --json", "up", "down"]
