"""Completion of what is typed: a script for the shell, which asks Handrail for each word."""

import os
from collections.abc import Sequence
from inspect import Parameter as Kind
from pathlib import Path, PurePath
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Final, Literal, Union, get_args, get_origin

from cli import index
from cli.helping import below
from cli.terminal.output import USAGE, fail
from cli.verbs import Parameter, Verbs

if TYPE_CHECKING:
    from cyclopts.argument import Argument

Shell = Literal["bash", "zsh", "fish"]

FILES: Final = "<files>"
"""The answer where the shell itself knows best: a file is wanted."""

_SCRIPTS: Final[dict[str, str]] = {
    "bash": """\
# For every session: write this line into ~/.bashrc:  source <(handrail completion bash)
_handrail() {
  local IFS=$'\\n'
  COMPREPLY=($(handrail __complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  if [[ ${COMPREPLY[0]} == "<files>" ]]; then
    compopt -o filenames
    COMPREPLY=($(compgen -f -- "${COMP_WORDS[COMP_CWORD]}"))
  fi
}
complete -F _handrail handrail
""",
    "zsh": """\
# For every session: write this line into ~/.zshrc, after compinit:
#   source <(handrail completion zsh)
_handrail() {
  local -a found
  found=("${(@f)$(handrail __complete "${(@)words[2,CURRENT]}" 2>/dev/null)}")
  if [[ ${found[1]} == "<files>" ]]; then
    _files
  elif [[ -n ${found[1]} ]]; then
    compadd -a found
  fi
}
compdef _handrail handrail
""",
    "fish": """\
# For every session:  handrail completion fish > ~/.config/fish/completions/handrail.fish
function __handrail_words
    set -l found (handrail __complete (commandline -opc)[2..] (commandline -ct) 2>/dev/null)
    if test "$found[1]" = "<files>"
        __fish_complete_path (commandline -ct)
    else
        printf '%s\\n' $found
    end
end
complete -c handrail -f -a '(__handrail_words)'
""",
}


def register(app: Verbs) -> None:
    """Add the command."""
    app.command(completion)


def completion(shell: Annotated[Shell | None, Parameter(name="SHELL")] = None, /) -> None:
    """Print the script that lets a shell complete what you type; nothing is changed by it.

    For this session: `source <(handrail completion bash)`. The script says how to keep it.

    Args:
        shell: The shell; the one you log in with if left out.
    """
    script = _SCRIPTS.get(shell or PurePath(os.environ.get("SHELL", "")).name)
    if script is None:
        fail(f"Which shell? One of {', '.join(_SCRIPTS)}, as in handrail completion bash", USAGE)
    print(script, end="")


def candidates(typed: Sequence[str]) -> list[str]:
    """What the last word may become.

    Args:
        typed: The words so far, the one that is being typed among them, maybe empty.
    """
    *before, word = [w for w in typed if w != "="] or [""]
    path: list[str] = []
    for one in before:
        if one not in below(path):
            break
        path.append(one)
    if " ".join(path) not in index.VERBS:
        return _beginning(word, [*below(path), "--help"]) if path == before else []
    if path == before and (further := _beginning(word, below(path))):
        return further
    option, equals, begun = word.partition("=")
    if equals and option.startswith("--"):
        found = _of_verb(path, [*before[len(path) :], option], begun)
        return [f"{option}={one}" for one in found if one != FILES]
    return _of_verb(path, before[len(path) :], word)


def _of_verb(path: Sequence[str], given: Sequence[str], word: str) -> list[str]:
    """What a word of a verb may become, after those that were given."""
    from cli.whole import build

    app = build([*path])
    for one in path:
        app = app[one]
    arguments = app.assemble_argument_collection()
    named = {name: a for a in arguments for name in a.names if name.startswith("-")}
    by_place = [a for a in arguments if a.field_info.is_positional]
    place, waiting = 0, None
    for one in given:
        if waiting is not None:
            waiting = None
        elif one.startswith("-"):
            found = named.get(one)
            waiting = found if found is not None and found.hint is not bool else None
        else:
            place += 1
    if waiting is not None:
        return _values(waiting, word)
    if word.startswith("-"):
        return _beginning(word, [*named, "--help"])
    if by_place and by_place[-1].field_info.kind is Kind.VAR_POSITIONAL:
        place = min(place, len(by_place) - 1)
    if place < len(by_place):
        return _values(by_place[place], word)
    return [] if word else [*named, "--help"]


def _values(argument: "Argument", word: str) -> list[str]:
    hint = argument.hint
    while get_origin(hint) in (list, tuple, Union, UnionType):
        hint = get_args(hint)[0]  # None, where it may be left out, comes last.
    if get_origin(hint) is Literal:
        return _beginning(word, [str(one) for one in get_args(hint)])
    return [FILES] if hint is Path else []


def _beginning(word: str, among: Sequence[str]) -> list[str]:
    return [one for one in among if one.startswith(word)]
