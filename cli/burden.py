"""What is asked of the LEA, month by month, as people see it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cli.asking import Json, Names, engagement_named, run, say_if_illustrative
from cli.nouns import noun
from cli.output import emit_json, emit_table
from cli.reading import AsKnown, AsTrue, _day
from cli.verbs import Verbs
from domain.engagement.burden import Month, by_month, collisions, first_of
from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.kernel.refusals import Unknown
from domain.kernel.wording import plain
from domain.policy.calendar import WorkingDays, spoken
from domain.policy.parts import BurdenRules

if TYPE_CHECKING:
    from bootstrap.door import Door


def register(app: Verbs) -> None:
    """Add what is asked of the burden."""
    noun(app, "burden").command(burden_show, name="show")


def burden_show(
    engagement: str, /, *, as_known: AsKnown = None, as_true: AsTrue = None, json_: Json = False
) -> None:
    """Show the LEA's hours by calendar month: agreed, proposed, and against the cap.

    Args:
        engagement: The engagement's id, or any name of its LEA.
        as_known: Only what had been entered by the end of this day (YYYY-MM-DD).
        as_true: Only what had come true by the end of this day (YYYY-MM-DD).
        json_: One JSON object.
    """
    known, true = _day(as_known, "--as-known"), _day(as_true, "--as-true")

    async def work(door: "Door") -> tuple[dict[str, Any], Names]:
        from cli.showing import read_state, registered
        from store.context import program, standing

        one = await engagement_named(door, engagement)
        async with door.pool.acquire() as connection:
            settings = await program(connection)
        zone = ZoneInfo(settings.zone if settings else "UTC")
        state = await read_state(door, one, known, true, zone)
        if state.of(Engagement).phase is None:
            raise Unknown(
                f"{one} was not open yet on that day. Ask for a later one, or see "
                f"handrail history {one}"
            )
        async with door.pool.acquire() as connection:
            context = await standing(connection, state, await door.now())
        if known and (lea := await registered(door, state.of(Engagement).lea, known, zone)):
            context = replace(context, leas={lea.id: lea})
        rules = context.the_playbook.burden
        found = as_data(state, rules, context.lea_days(state.of(Engagement).lea))
        found |= {k: d for k, d in (("as_known", known), ("as_true", true)) if d}
        names = Names(door, known)
        await names.learn(*(w["authority"] for m in found["months"] for w in m["waivers"]))
        return found, names

    found, names = run(work)
    if json_:
        for month in found["months"]:
            for waiver in month["waivers"]:
                waiver["authority"] = names.handle(waiver["authority"])
        emit_json(found)
        return
    say_if_illustrative(found["illustrative"])
    cap = f"cap {found['cap']} a month in " if found["cap"] else "no cap in "
    title = f"LEA hours of {found['engagement']}, {cap}{found['playbook']}"
    title += f", as known on {spoken(found['as_known'])}" if "as_known" in found else ""
    title += f", as true on {spoken(found['as_true'])}" if "as_true" in found else ""
    if not found["months"]:
        print(f"{title}: nothing is asked of the LEA yet.")
        return
    emit_table(
        title,
        ("Month", "Agreed", "Proposed", "If all is signed", "Against the cap", "For what"),
        [
            (
                m["name"],
                m["agreed"],
                m["proposed"],
                m["forecast"],
                m["standing"].replace("; ", "\n"),
                "\n".join(_item(i) for i in m["items"]),
            )
            for m in found["months"]
        ],
    )
    for m in found["months"]:
        for w in m["waivers"]:
            print(
                f"{m['name']}: up to {w['hours']} h allowed by {names.of(w['authority'])}: "
                f"{w['reason']}"
            )


def _item(item: dict[str, Any]) -> str:
    proposed = "" if item["agreed"] else ", proposed"
    collides = f", falls on {' and '.join(item['collides'])}" if item["collides"] else ""
    return (
        f"{item['item']} {item['title']}: {item['hours']} h, {spoken(item['on'])}"
        f"{proposed}{collides}"
    )


def as_data(state: State, rules: BurdenRules | None, days: WorkingDays) -> dict[str, Any]:
    """The burden of a folded engagement as plain data; hours are text, to be exact."""
    return {
        "engagement": state.id,
        "illustrative": state.of(Engagement).illustrative,
        "playbook": state.of(Engagement).playbook,
        "cap": plain(rules.cap_hours) if rules else None,
        "months": [
            {
                **month_as_data(m),
                "items": [
                    {
                        "item": i.item,
                        "title": i.title,
                        "on": i.on,
                        "hours": plain(i.hours),
                        "agreed": i.agreed,
                        "collides": collisions(i.item, i.on, state, days),
                    }
                    for i in m.items
                ],
                "waivers": [
                    {
                        "hours": plain(w.hours),
                        "reason": str(w.reason),
                        "authority": w.authority,
                    }
                    for w in m.waivers
                ],
            }
            for m in by_month(state, rules)
        ],
    }


def month_as_data(m: Month) -> dict[str, Any]:
    """A month as plain data; hours are text, to be exact."""
    over = m.limit is not None and m.agreed > m.limit
    return {
        "month": f"{m.first:%Y-%m}",
        "name": f"{m.first:%b %Y}",
        "agreed": plain(m.agreed),
        "proposed": plain(m.proposed),
        "forecast": plain(m.forecast),
        "cap": plain(m.cap) if m.cap is not None else None,
        "allowed": plain(m.limit) if m.limit is not None else None,
        "over": over,
        "forecast_over": m.limit is not None and m.forecast > m.limit,
        "standing": m.standing,
    }


def ahead(state: State, rules: BurdenRules | None, today: date) -> list[dict[str, Any]]:
    """The months that are not over and cost the LEA something, for `engagement show`."""
    return [
        month_as_data(m)
        for m in by_month(state, rules)
        if m.first >= first_of(today) and (m.agreed or m.proposed)
    ]


def as_lines(months: Iterable[dict[str, Any]]) -> list[str]:
    """The same for reading, in a line."""
    parts = [
        f"{m['name']} {m['agreed']}"
        + (f" ({m['forecast']} if all is signed)" if m["forecast"] != m["agreed"] else "")
        + (", OVER THE CAP" if m["over"] else "")
        + (", would be over the cap" if m["forecast_over"] and not m["over"] else "")
        for m in months
    ]
    return [f"LEA hours: {'; '.join(parts)}"] if parts else []
