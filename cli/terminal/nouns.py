"""The groups of verbs: one for each noun."""

from cli import index
from cli.verbs import Verbs
from domain.kernel.nouns import NOUNS


def noun(app: Verbs, name: str) -> Verbs:
    """The group of verbs about one thing, made when it is first asked for.

    Args:
        name: A noun, or several words where one thing is part of another, as in ``sir wave``.
    """
    within = ""
    for word in name.split():
        within = f"{within} {word}".strip()
        if word not in app:
            said = NOUNS.get(within) or index.ABOUT.get(within, "")
            app.add(Verbs(word, said))
        app = app[word]
    return app
