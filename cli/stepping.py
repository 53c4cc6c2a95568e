"""Where an engagement stands among its steps, and the dates that statutes set for the LEA."""

from typing import TYPE_CHECKING, Any

from cli.asking import Json, Names, engagement_named, run, say_if_illustrative
from cli.nouns import noun
from cli.output import emit_json, emit_table
from cli.verbs import Verbs
from domain.engagement.state import Engagement
from domain.journey.statute_dates import StatuteDateOpened, Statutes, dates_for, dates_to_come
from domain.journey.steps import StepNow, journey
from domain.kernel.messages import State
from domain.policy.calendar import local_date, spoken

if TYPE_CHECKING:
    from bootstrap.door import Door
    from domain.rules.context import Context

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


async def standing_of(door: "Door", name: str) -> tuple[State, "Context"]:
    """An engagement as it is now, with what is known of it."""
    from store.context import standing
    from store.events import read_state

    stream = f"engagement:{await engagement_named(door, name)}"
    async with door.pool.acquire() as connection:
        state = await read_state(connection, door.vault, stream)
        return state, await standing(connection, state, await door.now())


def step_list(engagement: str, /, *, json_: Json = False) -> None:
    """Show the steps of an engagement in their order, and which one is next.

    Args:
        engagement: The engagement's id.
        json_: One JSON object a line.
    """

    async def work(door: "Door") -> tuple[State, list[StepNow], Names, str]:
        state, context = await standing_of(door, engagement)
        steps = journey(state, context.the_playbook)
        names = Names(door)
        await names.learn(*(s.why for s in steps))
        return state, steps, names, context.the_playbook.ref

    state, steps, names, playbook = run(work)
    if json_:
        for s in steps:
            emit_json(
                {
                    "step": s.step.id,
                    "name": s.step.name,
                    "phase": s.step.phase,
                    "tight": s.step.tight,
                    "waiver": s.step.waiver,
                    "before": list(s.step.before),
                    "own": s.own,
                    "standing": s.standing,
                    "why": names.told(s.why) if s.why else None,
                }
            )
        return
    of = state.of(Engagement)
    emit_table(
        f"Steps of {state.id} ({of.phase}, {playbook})",
        ("Step", "What", "Phase", "Kind", "Standing", "Why or when"),
        [
            (
                s.step.id,
                s.step.name,
                s.step.phase,
                "tight" if s.step.tight else "the LEA's own" if s.own else "loose",
                _TOLD[s.standing],
                names.told(s.why) if s.why else "",
            )
            for s in steps
        ],
    )
    say_if_illustrative(of.illustrative)


def statute_list(engagement: str, /, *, json_: Json = False) -> None:
    """Show the dates that statutes set for an engagement's LEA, and what was recorded.

    Args:
        engagement: The engagement's id.
        json_: One JSON object a line.
    """

    async def work(door: "Door") -> tuple[State, "Context", Names]:
        state, context = await standing_of(door, engagement)
        names = Names(door)
        await names.learn(*(m.person for m in state.of(Statutes).met.values()))
        return state, context, names

    state, context, names = run(work)
    rows = statute_rows(state, context)
    if json_:
        for row in rows:
            emit_json({**row, "person": names.handle(row["person"])})
        return
    rules = context.the_playbook.statutes
    if rules is None:
        print(
            f"{state.id} follows {context.the_playbook.ref}, which leaves the dates of statutes "
            f"to the LEA."
        )
    emit_table(
        f"Statute dates of {state.id}",
        ("Date", "Year", "What", "Due", "Standing", "Statute"),
        [
            (
                row["date"],
                row["year"],
                row["name"],
                spoken(row["due"]) if row["due"] else "–",
                f"done {spoken(row['done'])}, told by {names.of(row['person'])}"
                if row["done"]
                else row["standing"],
                row["statute"],
            )
            for row in rows
        ],
    )
    say_if_illustrative(state.of(Engagement).illustrative)


def statute_rows(state: State, context: "Context") -> list[dict[str, Any]]:
    """Every date that was opened or met, and those still to open, as plain data."""
    said = state.of(Statutes)
    asked = {d.id: d for d in dates_for(state, context)}
    rows: list[dict[str, Any]] = []
    for statute, year in sorted({*said.opened, *said.met}, key=lambda key: (key[1], key[0])):
        date_, opened = asked.get(statute), said.opened.get((statute, year))
        met = said.met.get((statute, year))
        due = date_.on(year) if date_ else opened.due if opened else None
        rows.append(
            {
                "date": statute,
                "year": year,
                "name": date_.name if date_ else (opened or met).name,  # type: ignore[union-attr]
                "due": due,
                "done": met.on if met else None,
                "person": met.person if met else None,
                "standing": "done" if met else "open",
                "statute": date_.statute if date_ else None,
            }
        )
    for fact in dates_to_come(state, context):
        assert isinstance(fact.event, StatuteDateOpened)
        event = fact.event
        rows.append(
            {
                "date": event.statute,
                "year": event.year,
                "name": event.name,
                "due": event.due,
                "done": None,
                "person": None,
                "standing": f"opens {spoken(local_date(fact.at, context.zone))}",
                "statute": asked[event.statute].statute,
            }
        )
    return rows
