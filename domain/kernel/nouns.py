"""What the nouns of the command line are about: said once, in the subject that each belongs to."""

NOUNS: dict[str, str] = {}
"""In a line; of several words where a noun is a part of another."""


def about_noun(noun: str, line: str) -> None:
    """Say in a line what the verbs of a noun do: once, in the subject that the noun is about."""
    if NOUNS.setdefault(noun, line) != line:
        raise TypeError(f"the noun {noun!r} is described twice")
