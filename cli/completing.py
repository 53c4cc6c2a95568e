"""Completion of what is typed: the shell's script, printed, or put in place for who asks for it."""

from typing import Annotated, Literal

from cyclopts import App, Parameter

from cli.output import USAGE, fail, narrate
from cli.stack import Flag

Shell = Literal["bash", "zsh", "fish", "powershell"]


def register(app: App) -> None:
    """Add the command."""
    app.command(completion)


def completion(
    shell: Annotated[Shell | None, Parameter(name="SHELL")] = None, /, *, install: Flag = False
) -> None:
    """Print the script that lets a shell complete what you type; nothing is changed by it.

    For this session: `source <(handrail completion bash)`.

    Args:
        shell: The shell; the one this is typed in if left out.
        install: Write the script where the shell finds it, and have the shell's start-up file load
            it, instead of printing it.
    """
    from cyclopts.completion.detect import ShellDetectionError

    from cli.main import build

    app = build()
    try:
        if install:
            path = app.install_completion(shell=shell)
            narrate(f"Written to {path}. It works in the next {shell or 'shell'} you open.")
        else:
            print(app.generate_completion(shell=shell))
    except ShellDetectionError:
        fail("Which shell? For example: handrail completion bash", USAGE)
