"""The whole command line, or as much of it as one command needs."""

from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from cli import helping, index

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
    "cli.directory",
    "cli.engagements",
    "cli.due",
    "cli.history",
    "cli.ledger",
    "cli.reminders",
    "cli.burden",
    "cli.calendars",
    "cli.coaching",
    "cli.deliverables",
    "cli.review",
    "cli.imports",
    "cli.focus",
    "cli.money",
    "cli.portfolio",
    "cli.team",
    "cli.handover",
    "cli.packet",
    "cli.checkins",
    "cli.surveys",
    "cli.steps",
    "cli.playbooks",
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
    app = declared(tokens).app(version_flags=["--version"], version=version)
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


def version() -> str:
    from importlib.metadata import version

    return version("handrail")
