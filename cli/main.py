"""The `handrail` command: noun, then verb."""

import gc
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from cli import helping, index
from cli.output import DONE, REFUSED, USAGE, answering, fail, leave, prepare

if TYPE_CHECKING:
    from cyclopts import App

    from cli.verbs import Verbs

COMMANDS = "cli.commands"
"""Whose verbs follow from the declarations of commands."""

MODULES = (
    "cli.stack",
    "cli.sandbox",
    "cli.mailbox",
    "cli.admin",
    "cli.keeping",
    "cli.reading",
    "cli.ledger",
    "cli.looking_ahead",
    "cli.burden",
    "cli.calendars",
    "cli.coaching",
    "cli.coauthoring",
    "cli.reviewing",
    "cli.imports",
    "cli.focusing",
    "cli.money",
    "cli.portfolio",
    "cli.team",
    "cli.handing",
    "cli.packet",
    "cli.checking_in",
    "cli.surveying",
    "cli.registry",
    "cli.stepping",
    "cli.upgrading",
    "cli.summits",
    "cli.mending",
    "cli.completing",
)
"""Whose verbs are written out."""

HELP_FLAGS = ("--help", "-h")


def build(tokens: Sequence[str] | None = None) -> "App":
    """The whole command line, or as much of it as one command needs.

    Args:
        tokens: What was typed, where only that is asked for.
    """
    app = declared(tokens).app(version_flags=["--version"], version=_version)
    if tokens is None or _wanted(tokens) is None:
        from cyclopts import Group

        for place, (title, words) in enumerate(helping.GROUPS.items()):
            group = Group(title, sort_key=place)
            for word in words.split():
                app[word].group = group
    return app


def declared(tokens: Sequence[str] | None = None) -> "Verbs":
    """Every verb, or those that what was typed may mean."""
    from cli.verbs import Verbs

    verbs = Verbs("handrail", helping.HELP)
    wanted = None if tokens is None else _wanted(tokens)
    if tokens is None or wanted is None:
        for module in (COMMANDS, *MODULES):
            import_module(module).register(verbs)
        return verbs
    kinds = [verb for verb, module in wanted.items() if module == COMMANDS]
    if kinds:
        from cli import commands

        commands.register(verbs, kinds, described=not set(HELP_FLAGS).isdisjoint(tokens))
    for module in dict.fromkeys(wanted.values()):
        if module != COMMANDS:
            import_module(module).register(verbs)
    return verbs


def _wanted(tokens: Sequence[str]) -> dict[str, str] | None:
    """The verbs that what was typed may mean, with their modules; None where any may be meant."""
    path = ""
    for token in tokens:
        longer = f"{path} {token}".strip()
        if not any(verb == longer or verb.startswith(f"{longer} ") for verb in index.VERBS):
            break
        path = longer
    if not path:
        return None
    if path in index.VERBS:
        return {path: index.VERBS[path]}
    return {verb: m for verb, m in index.VERBS.items() if verb.startswith(f"{path} ")}


def _version() -> str:
    from importlib.metadata import version

    return version("handrail")


def main(arguments: list[str] | None = None) -> None:
    """Run one command.

    The exit code is 0 done, 1 refused, 2 wrong usage, 3 unavailable,
    4 not known, 5 a defect.
    """
    typed = sys.argv[1:] if arguments is None else arguments
    with answering(typed):
        tokens = prepare(typed)
        match tokens:
            case [] | ["--help" | "-h"]:
                print(helping.overview(_version()))
                raise SystemExit(DONE)
            case ["--version"]:
                print(_version())
                raise SystemExit(DONE)
            case ["__complete", *words]:
                from cli.completing import candidates

                print("\n".join(candidates(words)))
                raise SystemExit(DONE)
            case _:
                _carry_out(tokens)


def _carry_out(tokens: list[str]) -> None:
    if tokens[0] not in helping.below([]) and not tokens[0].startswith("-"):
        fail(helping.unknown(tokens), USAGE)
    call = declared(tokens).call(tokens)
    try:
        if call is None:
            _read_by_cyclopts(tokens)
        else:
            does, arguments = call
            does(*arguments.args, **arguments.kwargs)
            raise SystemExit(DONE)
    except KeyboardInterrupt:
        fail(
            "Interrupted. Whether something was recorded, handrail history ENGAGEMENT tells.",
            REFUSED,
        )


def _read_by_cyclopts(tokens: list[str]) -> None:
    """Carry out what was typed in any other way than the plainest, or say what is wrong with it."""
    from cyclopts import CycloptsError

    try:
        build(tokens)(tokens, exit_on_error=False, print_error=False)
    except CycloptsError as wrong:
        from cli.mistyped import explained

        fail(explained(wrong, tokens), USAGE)


def run() -> None:
    """The console script: one command, then out.

    Temporal's runtime sometimes aborts an interpreter that ends in the ordinary way.
    """
    # Most of a command's life is imports, whose objects stay: looking for garbage among them is
    # a tenth of it.
    gc.set_threshold(400_000)
    code = 0
    try:
        main()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else REFUSED
    leave(code)


if __name__ == "__main__":
    run()
