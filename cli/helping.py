"""What there is to type, and what was meant by what there is not; from the index alone."""

from collections.abc import Sequence
from typing import Final

from cli import index

HELP = """Technical-assistance engagements: open them, drive them, and ask what happened.

Who acts is set once: HANDRAIL_ACTOR=your-handle.
Start everything on this machine with `handrail up`, or practise with `handrail up --sandbox`.
"""

GROUPS: Final = {
    "Start": "init lea person engagement conversation fit eligibility readiness import",
    "Agree": "agreement board statute step",
    "Review": "sir evidence framework",
    "Make": "focus measure dashboard deliverable course investment appropriation",
    "Coach": "contact cycle consultancy prong team lead handover",
    "Meet": "checkin commitment summit survey",
    "Look": "due history ledger rehearse portfolio dosage burden",
    "Mend": "correct retract undo reminders address risk leader recommitment bulk",
    "Run": "up down status doctor backup restore clock mail playbook calendar admin completion",
}
"""What people do, with the words that each begins with."""

_ELSEWHERE: Final = {
    "list": ("list", "show"),
    "show": ("show", "list"),
    "search": ("list", "show"),
    "find": ("list", "show"),
    "ls": ("list", "show"),
    "get": ("show", "list"),
    "view": ("show",),
    "info": ("show",),
    "create": ("add", "register", "open", "propose"),
    "new": ("add", "register", "open", "propose"),
    "delete": ("withdraw", "drop", "leave", "erase"),
    "remove": ("withdraw", "drop", "leave", "erase"),
    "edit": ("change", "correct"),
    "update": ("change", "correct"),
    "set": ("change", "correct"),
    "approve": ("accept", "sign"),
    "start": ("up", "open"),
    "stop": ("down",),
    "rm": ("withdraw", "drop", "leave", "erase"),
}
"""Verbs that people look for, with the ones there may be instead."""

_MOSTLY: Final = ("engagement", "deliverable", "lea", "person")
"""What people mostly mean."""

_AT_MOST: Final = 6
_WIDEST: Final = 100


def overview(version: str) -> str:
    """The help of the whole command line, in the width of the terminal."""
    import shutil
    import textwrap

    width = min(shutil.get_terminal_size().columns, _WIDEST)
    lines = ["Usage: handrail COMMAND", "", HELP]
    inset = max(len(word) for words in GROUPS.values() for word in words.split()) + 4
    for title, words in GROUPS.items():
        lines.append(f"{title}:")
        for word in words.split():
            said = textwrap.wrap(index.ABOUT[word], max(width - inset, 20))
            lines.append(f"  {word.ljust(inset - 2)}{said[0]}")
            lines += [" " * inset + more for more in said[1:]]
        lines.append("")
    lines += [f"Each says more: handrail COMMAND --help. This is handrail {version}."]
    return "\n".join(lines)


def unknown(typed: Sequence[str]) -> str:
    """What is said of words that are no command, with those that were meant.

    Args:
        typed: The words, up to the first option.
    """
    known: list[str] = []
    while len(known) + 1 < len(typed) and typed[len(known)] in below(known):
        known.append(typed[len(known)])
    word, path = typed[len(known)], " ".join(known)
    meant = _meant(path, word, typed[len(known) + 1 :])
    said = f"There is no `{' '.join(['handrail', *known, word])}`."
    if meant:
        shown = ", ".join(f"`handrail {one}`" for one in meant[:_AT_MOST])
        more = ", …" if len(meant) > _AT_MOST else ""
        return f"{said} Did you mean {shown}{more}?"
    if known:
        return f"{said} There is: {', '.join(below(known))}."
    return f"{said} See what there is, by what people do: handrail --help"


def _meant(path: str, word: str, rest: Sequence[str]) -> list[str]:
    """The commands that somebody may have meant by a word after a path, the likeliest first."""
    word = word.casefold()
    here = below(path.split())
    forms = (word, word.removesuffix("s"), f"{word}s", word.removesuffix("es"))
    from difflib import get_close_matches

    near = [form for form in forms if form in here] or get_close_matches(word, here, 3, 0.7)
    close = [f"{path} {one}".strip() for one in dict.fromkeys(near)]
    # Whoever went on typing meant a verb of it.
    longer = [" ".join([one, *rest[:more]]) for more in (2, 1) for one in close]
    close = [one for one in longer if one in index.VERBS] or close
    found = []
    for verb in _ELSEWHERE.get(word, (word,)):
        ends = [said for said in index.VERBS if said.split()[-1] == verb]
        ends.sort(key=lambda said: [said.split()[0] != word for word in _MOSTLY])
        found += [said for said in ends if said.startswith(path) and said != path]
    if not path:
        # A word that stands deeper down, such as `wave`.
        found += [said for said in index.ABOUT if f" {said}".endswith(f" {word}")]
    found = [*found, *close] if word in _ELSEWHERE else [*close, *found]
    return list(dict.fromkeys(found))


def below(path: Sequence[str]) -> list[str]:
    """The words that may follow a path, which may be empty."""
    depth = len(path)
    return list(
        dict.fromkeys(
            words[depth]
            for words in (said.split() for said in index.VERBS)
            if len(words) > depth and words[:depth] == list(path)
        )
    )
