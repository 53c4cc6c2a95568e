"""The `handrail` command: noun, then verb."""

import gc
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from cyclopts import App, CycloptsError

from cli import index
from cli.output import REFUSED, USAGE, answering, fail, leave, prepare

HELP = """Technical-assistance engagements: open them, drive them, and ask what happened.

Who acts is set once: HANDRAIL_ACTOR=your-handle.
Start everything on this machine with `handrail up`, or practise with `handrail up --sandbox`.
"""

MODULES = (
    "cli.stack",
    "cli.sandbox",
    "cli.mailbox",
    "cli.admin",
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
    "cli.completing",
)
"""Whose verbs are written out; those of commands follow from their declaration."""


def build(tokens: Sequence[str] | None = None) -> App:
    """The whole command line, or as much of it as one command needs.

    Args:
        tokens: What was typed, where only that is asked for.
    """
    app = App(name="handrail", help=HELP, version_flags=["--version"], version=_version)
    from cli import commands

    wanted = None if tokens is None else _wanted(tokens)
    if tokens is None or wanted is None:
        commands.register(app)
        for module in MODULES:
            import_module(module).register(app)
        return app
    declared = [verb for verb, module in wanted.items() if module == commands.__name__]
    commands.register(app, declared, described=not {"--help", "-h"}.isdisjoint(tokens))
    for module in dict.fromkeys(wanted.values()):
        if module != commands.__name__:
            import_module(module).register(app)
    return app


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
    """Run one command; the exit code is 0 done, 1 refused, 2 wrong usage, 3 unavailable."""
    tokens = prepare(sys.argv[1:] if arguments is None else arguments)
    app = build(tokens)
    with answering(tokens):
        try:
            app(tokens, exit_on_error=False, print_error=False)
        except CycloptsError as wrong:
            fail(f"{wrong}\nSee {_help_for(wrong)}", USAGE)
        except KeyboardInterrupt:
            fail("Interrupted. What was accepted is kept; repeating is safe.", REFUSED)


def _help_for(wrong: CycloptsError) -> str:
    chain: Any = wrong.command_chain or ()
    return " ".join(["handrail", *chain, "--help"])


def run() -> None:
    """The console script: one command, then out.

    Temporal's runtime sometimes aborts an interpreter that ends in the ordinary way.
    """
    # Most of a command's life is imports, whose objects stay: looking for garbage among them is
    # a tenth of it.
    gc.set_threshold(100_000)
    code = 0
    try:
        main()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else REFUSED
    leave(code)


if __name__ == "__main__":
    run()
