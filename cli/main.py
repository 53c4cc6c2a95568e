"""The `handrail` command: noun, then verb."""

import gc
import sys

from cli import helping
from cli.terminal.output import DONE, REFUSED, USAGE, answering, fail, leave, prepare
from cli.whole import build, declared, version


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
                print(helping.overview(version()))
                raise SystemExit(DONE)
            case ["--version"]:
                print(version())
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
