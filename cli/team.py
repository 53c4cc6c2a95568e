"""The question who was what, on any day: roles, the team, what it lacks, and who stayed."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from cli.terminal.dates import AsKnown, day_typed
from cli.terminal.nouns import noun
from cli.terminal.output import emit_json, emit_table, say_if_illustrative
from cli.terminal.session import Json, run
from cli.verbs import Date, Parameter, Verbs
from domain.kernel.wording import counted, spoken

if TYPE_CHECKING:
    from queries.team import Place, WhoWasWhat


On = Annotated[Date | None, Parameter(name="--on")]


def register(app: Verbs) -> None:
    """Add the question."""
    noun(app, "team").command(team_show, name="show")


def team_show(
    engagement: str, /, *, on: On = None, as_known: AsKnown = None, json_: Json = False
) -> None:
    """Show who was what at the end of a day: roles, team, what it lacked, and who stayed.

    Args:
        engagement: The engagement's id, for example alder-creek-usd.
        on: The day (YYYY-MM-DD); today if left out.
        as_known: Only what had been entered by the end of this day (YYYY-MM-DD).
        json_: One JSON object.
    """
    from queries.team import team_of

    day, known = day_typed(on, "--on"), day_typed(as_known, "--as-known")
    found = run(lambda door: team_of(door, engagement, day, known))
    if json_:
        emit_json(found)
        return
    _tell(found)


def _tell(found: "WhoWasWhat") -> None:
    def rows(places: "Sequence[Place]", *, past: bool = False) -> list[tuple[str, str, str, str]]:
        return [
            (
                p.what.replace("_", " ")
                + (" (interim)" if p.interim else "")
                + (", in the team" if past and p.side != "role" else ""),
                p.person.now(found.on),
                spoken(p.since),
                _gone(p),
            )
            for p in places
        ]

    title = f"{found.engagement} on {spoken(found.on)}"
    emit_table(f"Roles of {title}", ("Role", "Who", "Since", "Gone from"), rows(found.roles))
    if found.team:
        emit_table("Team", ("As", "Who", "Since", "Gone from"), rows(found.team))
    else:
        print(
            f"No team is recorded. Add somebody: "
            f"handrail team add {found.engagement} PERSON --role KIND"
        )
    if found.lacks:
        print(f"The team has not yet: {' and '.join(found.lacks)}")
    if found.before:
        emit_table("Before", ("As", "Who", "Since", "Gone from"), rows(found.before, past=True))
    if figures := found.continuity:
        if figures.joined:
            months = counted(figures.months, "month")
            print(
                f"Still there {months} after they joined: {figures.stayed} "
                f"of {figures.joined} ({figures.percent} %)"
            )
        changes = ", ".join(f"{r.replace('_', ' ')} {n}" for r, n in figures.changes.items())
        print(f"Roles that lost their holder: {changes or 'none'}")
    say_if_illustrative(found.illustrative)


def _gone(place: "Place") -> str:
    if place.until:
        return spoken(place.until)
    leaves = getattr(place, "leaves", None)
    return f"leaves after {spoken(leaves)}" if leaves else ""


def section(found: dict[str, Any]) -> list[str]:
    """What `engagement show` says of it."""
    lines = []
    if found["team"]:
        team = ", ".join(f"{m['person']} ({m['kind'].replace('_', ' ')})" for m in found["team"])
        lines.append(f"Team: {team}")
    if lacks := found.get("team_lacks"):
        lines.append(f"   not yet: {' and '.join(lacks)}")
    lines += [
        f"Risk {kind}: {r['level']} since {spoken(r['since'])}: {r['reason']}"
        for kind, r in found["risks"].items()
    ]
    for x in found["leavings"]:
        role = x["role"].replace("_", " ")
        lines.append(
            f"{x['person']} leaves as {role}: announced {spoken(x['announced'])}, last day "
            f"{spoken(x['last_day'])}"
        )
        lines.append(f"   {_recommitment(x)}")
    for h in found["holds"]:
        what = ", ".join(h["items"]) or "everything the LEA owes"
        until = f" until {spoken(h['until'])}" if h["until"] else ""
        lines.append(f"On hold since {spoken(h['on'])}{until}: {what} ({h['hold']}: {h['reason']})")
    return lines


def _recommitment(x: dict[str, Any]) -> str:
    """Where a recommitment stands."""
    if not x["recommitted"]:
        told = f"recommitment owed by {spoken(x['recommit_by'])}"
    else:
        told = f"recommitted {spoken(x['recommitted'])}"
    if x["board_reaffirms"]:
        on = f"reaffirmed {spoken(x['reaffirmed'])}" if x["reaffirmed"] else "has still to reaffirm"
        told += f"; the board {on}"
    return told
