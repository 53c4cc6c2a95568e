"""The `handrail` command: noun, then verb."""

import sys
from typing import Any

from cyclopts import App, CycloptsError

from cli import (
    admin,
    burden,
    calendars,
    checking_in,
    coaching,
    coauthoring,
    commands,
    focusing,
    handing,
    imports,
    ledger,
    looking_ahead,
    money,
    portfolio,
    reading,
    registry,
    reviewing,
    stack,
    stepping,
    summits,
    surveying,
    team,
    upgrading,
)
from cli.output import REFUSED, USAGE, answering, fail, leave, prepare

HELP = """Technical-assistance engagements: open them, drive them, and ask what happened.

Who acts is set once: HANDRAIL_ACTOR=your-handle.
Start everything on this machine with `handrail up`, or practise with `handrail up --sandbox`.
"""


def build(word: str | None = None) -> App:
    """The whole command line, or as much of it as a command needs that begins with a word."""
    app = App(name="handrail", help=HELP, version_flags=["--version"], version=_version)
    stack.register(app)
    admin.register(app)
    commands.register(app, word)
    reading.register(app)
    ledger.register(app)
    looking_ahead.register(app)
    burden.register(app)
    calendars.register(app)
    coaching.register(app)
    coauthoring.register(app)
    reviewing.register(app)
    imports.register(app)
    focusing.register(app)
    money.register(app)
    portfolio.register(app)
    team.register(app)
    handing.register(app)
    checking_in.register(app)
    surveying.register(app)
    registry.register(app)
    stepping.register(app)
    upgrading.register(app)
    summits.register(app)
    app.register_install_completion_command(name="completion")
    if word is not None and (word.startswith("-") or word not in app):
        return build()
    return app


def _version() -> str:
    from importlib.metadata import version

    return version("handrail")


def main(arguments: list[str] | None = None) -> None:
    """Run one command; the exit code is 0 done, 1 refused, 2 wrong usage, 3 unavailable."""
    tokens = prepare(sys.argv[1:] if arguments is None else arguments)
    app = build(tokens[0] if tokens else None)
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
    code = 0
    try:
        main()
    except SystemExit as left:
        code = left.code if isinstance(left.code, int) else REFUSED
    leave(code)


if __name__ == "__main__":
    run()
