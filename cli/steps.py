"""Where an engagement stands among its steps, and the dates that statutes set for the LEA."""

from typing import TYPE_CHECKING

from cli.terminal.nouns import noun
from cli.terminal.output import emit_json, emit_table, say_if_illustrative
from cli.terminal.session import Json, run
from cli.verbs import Verbs
from domain.kernel.wording import spoken

if TYPE_CHECKING:
    pass


_TOLD = {
    "done": "done",
    "waived": "waived",
    "dropped": "left out",
    "behind": "lies behind",
    "next": "NEXT",
    "ahead": "ahead",
}


def register(app: Verbs) -> None:
    """Add the questions."""
    noun(app, "step").command(step_list, name="list")
    noun(app, "statute").command(statute_list, name="list")


def step_list(engagement: str, /, *, json_: Json = False) -> None:
    """Show the steps of an engagement in their order, and which one is next.

    Args:
        engagement: The engagement's id.
        json_: One JSON object a line.
    """
    from queries.steps import steps_of

    found = run(lambda door: steps_of(door, engagement))
    if json_:
        for step in found.steps:
            emit_json(step)
        return
    emit_table(
        f"Steps of {found.engagement} ({found.phase}, {found.playbook})",
        ("Step", "What", "Phase", "Kind", "Standing", "Why or when"),
        [
            (
                s.step,
                s.name,
                s.phase,
                "tight" if s.tight else "the LEA's own" if s.own else "loose",
                _TOLD[s.standing],
                s.why or "",
            )
            for s in found.steps
        ],
    )
    say_if_illustrative(found.illustrative)


def statute_list(engagement: str, /, *, json_: Json = False) -> None:
    """Show the dates that statutes set for an engagement's LEA, and what was recorded.

    Args:
        engagement: The engagement's id.
        json_: One JSON object a line.
    """
    from queries.steps import statutes_of

    found = run(lambda door: statutes_of(door, engagement))
    if json_:
        for row in found.dates:
            emit_json(row)
        return
    if found.left_to_the_lea:
        print(
            f"{found.engagement} follows {found.playbook}, which leaves the dates of "
            f"statutes to the LEA."
        )
    emit_table(
        f"Statute dates of {found.engagement}",
        ("Date", "Year", "What", "Due", "Standing", "Statute"),
        [
            (
                row.date,
                row.year,
                row.name,
                spoken(row.due) if row.due else "–",
                f"done {spoken(row.done)}, told by {row.person}" if row.done else row.standing,
                row.statute,
            )
            for row in found.dates
        ],
    )
    say_if_illustrative(found.illustrative)
