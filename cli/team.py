"""The question who was what, on any day: roles, the team, what it lacks, and who stayed."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

from cli.asking import Date, Json, Names, engagement_named, run, say_if_illustrative
from cli.nouns import noun
from cli.output import REFUSED, emit_json, emit_table, fail
from cli.reading import AsKnown, _day
from cli.verbs import Parameter, Verbs
from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.kernel.wording import counted
from domain.policy.calendar import local_date, spoken
from domain.team.members import Team, continuity, lacking
from domain.turnover.leavings import Leaving, Turnover

if TYPE_CHECKING:
    from bootstrap.door import Door

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
    day, known = _day(on, "--on"), _day(as_known, "--as-known")

    async def work(door: "Door") -> tuple[dict[str, Any] | None, Names]:
        from cli.showing import read_state
        from store.context import playbook, program

        one = await engagement_named(door, engagement)
        async with door.pool.acquire() as connection:
            settings = await program(connection)
        zone = settings.zone if settings else "UTC"
        # What came true by a day is told apart below, so that whoever is to leave says so.
        state = await read_state(door, one, known, None, ZoneInfo(zone))
        async with door.pool.acquire() as connection:
            pinned = await playbook(connection, state.of(Engagement).playbook)
        asked = day or known or local_date(await door.now(), zone)
        names = Names(door, known)
        found = who_was_what(state, asked, zone)
        if found is None:
            return None, names
        if pinned and pinned.team:
            members = state.of(Team).on(asked)
            found["lacks"] = list(lacking(members, pinned.team)) if members else []
            figures = continuity(state, pinned.team, asked, zone)
            found["continuity"] = {
                "months": figures.months,
                "joined": figures.joined,
                "stayed": figures.stayed,
                "percent": None if figures.share is None else str(figures.share),
                "changes": dict(figures.changes),
            }
        await names.learn(*(r["person"] for r in (*found["roles"], *found["team"])))
        await names.learn(*(r["person"] for r in found["before"]))
        return found, names

    found, names = run(work)
    if found is None:
        fail(f"{engagement} was not open yet on that day. Ask for a later one.", REFUSED)
    if json_:
        for part in ("roles", "team", "before"):
            for row in found[part]:
                row["person"] = names.handle(row["person"])
        emit_json(found)
        return
    _tell(found, names)


def who_was_what(state: State, day: date, zone: str) -> dict[str, Any] | None:
    """Roles and memberships at the end of a day; None before the engagement was opened."""
    engagement = state.of(Engagement)
    if engagement.opened_at is None or local_date(engagement.opened_at, zone) > day:
        return None
    roles, before = [], []
    for t in engagement.tenures:
        since = local_date(t.since, zone)
        until = local_date(t.until, zone) if t.until else None
        row: dict[str, Any] = {
            "what": t.role,
            "side": "role",
            "person": t.person,
            "since": since,
            "until": until,
            "interim": t.interim,
        }
        if since <= day and (until is None or day < until):
            note = _leaving(state.of(Turnover).all, t.role, t.person, day)
            roles.append({**row, "leaves": note.last_day if note else None})
        elif until is not None and until <= day and since < until:
            before.append(row)
    team = []
    for m in state.of(Team).all:
        row = {
            "what": m.kind,
            "side": m.side,
            "person": m.person,
            "since": m.since,
            "until": m.until,
        }
        if m.on(day):
            team.append(row)
        elif m.until is not None and m.until <= day:
            before.append(row)
    return {
        "engagement": state.id,
        "on": day,
        "illustrative": engagement.illustrative,
        "roles": roles,
        "team": team,
        "before": before,
        "lacks": [],
        "continuity": None,
    }


def _leaving(leavings: tuple[Leaving, ...], role: str, person: str, day: date) -> Leaving | None:
    """The leaving that was announced by a day."""
    mine = [x for x in leavings if (x.role, x.person) == (role, person) and not x.stayed]
    return next((x for x in reversed(mine) if x.announced <= day), None)


def _tell(found: dict[str, Any], names: Names) -> None:
    def rows(part: str) -> list[tuple[str, str, str, str]]:
        return [
            (
                r["what"].replace("_", " ")
                + (" (interim)" if r.get("interim") else "")
                + (", in the team" if part == "before" and r["side"] != "role" else ""),
                names.now(r["person"], found["on"]),
                spoken(r["since"]),
                spoken(r["until"])
                if r["until"]
                else f"leaves after {spoken(r['leaves'])}"
                if r.get("leaves")
                else "",
            )
            for r in found[part]
        ]

    title = f"{found['engagement']} on {spoken(found['on'])}"
    emit_table(f"Roles of {title}", ("Role", "Who", "Since", "Gone from"), rows("roles"))
    if found["team"]:
        emit_table("Team", ("As", "Who", "Since", "Gone from"), rows("team"))
    else:
        print(
            f"No team is recorded. Add somebody: "
            f"handrail team add {found['engagement']} PERSON --role KIND"
        )
    if found["lacks"]:
        print(f"The team has not yet: {' and '.join(found['lacks'])}")
    if found["before"]:
        emit_table("Before", ("As", "Who", "Since", "Gone from"), rows("before"))
    if figures := found["continuity"]:
        if figures["joined"]:
            months = counted(figures["months"], "month")
            print(
                f"Still there {months} after they joined: {figures['stayed']} "
                f"of {figures['joined']} ({figures['percent']} %)"
            )
        changes = ", ".join(f"{r.replace('_', ' ')} {n}" for r, n in figures["changes"].items())
        print(f"Roles that lost their holder: {changes or 'none'}")
    say_if_illustrative(found["illustrative"])
