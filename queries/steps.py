"""Where an engagement stands among its steps, and the dates that statutes set for the LEA."""

from typing import TYPE_CHECKING, Any

from domain.engagement.state import Engagement
from domain.journey.statute_dates import StatuteDateOpened, Statutes, dates_for, dates_to_come
from domain.journey.steps import journey
from domain.kernel.messages import State
from domain.kernel.wording import spoken
from domain.policy.calendar import local_date
from queries.names import Names
from queries.seen import standing_of
from queries.source import Source

if TYPE_CHECKING:
    from domain.rules.context import Context


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


async def steps_of(source: Source, engagement: str) -> dict[str, Any]:
    """The steps of an engagement in their order; people by id."""
    state, context = await standing_of(source, engagement)
    steps = journey(state, context.the_playbook)
    names = Names(source)
    await names.learn(*(s.why for s in steps))
    return {
        "engagement": state.id,
        "phase": state.of(Engagement).phase,
        "playbook": context.the_playbook.ref,
        "illustrative": state.of(Engagement).illustrative,
        "steps": [
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
            for s in steps
        ],
    }


async def statutes_of(source: Source, engagement: str) -> tuple[dict[str, Any], Names]:
    """The dates that statutes set for the LEA of an engagement; people by id."""
    state, context = await standing_of(source, engagement)
    names = Names(source)
    await names.learn(*(m.person for m in state.of(Statutes).met.values()))
    return {
        "engagement": state.id,
        "playbook": context.the_playbook.ref,
        "left_to_the_lea": context.the_playbook.statutes is None,
        "illustrative": state.of(Engagement).illustrative,
        "dates": statute_rows(state, context),
    }, names
