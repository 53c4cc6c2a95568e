"""What is to come: the plan of an engagement's reminders, and a rehearsal of whole months."""

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

from cli.asking import (
    Json,
    Names,
    counted,
    engagement_named,
    reminded_stream,
    run,
    say_if_illustrative,
)
from cli.burden import month_as_data
from cli.nouns import noun
from cli.output import REFUSED, emit_json, emit_table, fail
from cli.verbs import Parameter, Verbs
from domain.engagement.burden import by_month, first_of
from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.outlook.rehearsal import Message, as_signed, rehearsed, waiting_for_signatures
from domain.owing.matter import kind_of_stream, matter_of
from domain.owing.obligations import obligations
from domain.policy.calendar import add_months, at_local, spoken
from domain.reminders.etiquette import Etiquette, kind_of, snooze_of, snoozed_until
from domain.reminders.not_planned import why_unreminded
from domain.reminders.notices import Notice, Notices
from domain.reminders.planning import recipients
from domain.rules.context import Context
from domain.turnover.holds import told

if TYPE_CHECKING:
    from bootstrap.door import Door

LONGEST = 60
"""Months: longer than any engagement."""


def register(app: Verbs) -> None:
    """Add what looks ahead."""
    noun(app, "reminders").command(reminders_plan, name="plan")
    app.command(rehearse)


async def _standing(door: "Door", stream: str) -> tuple[State, Context, dict[str, set[date]]]:
    """A stream as it stands, what is known around it, and who has had which mails."""
    from domain.reminders.weekly import monday
    from domain.streams import DIGEST
    from store.context import standing
    from store.database import listed, queries
    from store.events import read_state

    now = await door.now()
    async with door.pool.acquire() as connection:
        state = await read_state(connection, door.vault, stream)
        context = await standing(connection, state, now)
        week = monday(now.astimezone(ZoneInfo(context.zone)).date())
        mailed: dict[str, set[date]] = {}
        for row in await listed(queries.mails_since(connection, since=week, kind=DIGEST)):
            mailed.setdefault(row["person"], set()).add(row["on"])
    return state, context, mailed


def reminders_plan(engagement: str, /, *, json_: Json = False) -> None:
    """Show every reminder to come, to whom it goes now, and the mails that makes.

    Args:
        engagement: The engagement's id, or any name of its LEA; or an appropriation's id.
        json_: One JSON object.
    """

    async def work(door: "Door") -> tuple[dict[str, Any], Names]:
        stream = await reminded_stream(door, engagement)
        state, context, mailed = await _standing(door, stream)
        found = plan_as_data(state, context, mailed)
        names = Names(door)
        await names.learn(
            *(p for r in found["planned"] for p in r["to"]),
            *(m["person"] for m in found["mails"]),
        )
        return found, names

    found, names = run(work)
    if json_:
        emit_json(_with_handles(found, names))
        return
    say_if_illustrative(found["illustrative"])
    one = found.get("engagement") or found["appropriation"]
    if found["planned"]:
        emit_table(
            f"Reminders to come of {one}",
            ("When", "Item", "Step", "What", "Due", "By policy", "To"),
            [
                (
                    r["local"],
                    r["item"],
                    r["step"],
                    r["title"],
                    spoken(r["due"]),
                    r["policy"],
                    ", ".join(names.of(p) for p in r["to"]) or "nobody who can be mailed",
                )
                for r in found["planned"]
            ],
        )
        emit_table(
            "The mails that makes, if nobody does anything",
            ("When", "To", "About"),
            [(m["local"], names.of(m["person"]), _about(m)) for m in found["mails"]],
        )
    else:
        print(f"{one}: no reminder is planned.")
    for s in found["snoozed"]:
        print(f"{s['item']} is snoozed until {spoken(s['until'])}: {s['reason']}")
    for o in found["own_policies"]:
        print(f"{o['of']}: reminded of by {o['policy']}: {o['reason']}")
    for q in found["not_reminded"]:
        print(f"{q['item']} {q['title']}: nobody is reminded: {q['why']}")


def plan_as_data(state: State, context: Context, mailed: dict[str, set[date]]) -> dict[str, Any]:
    """The plan as plain data; people by id."""
    matter, zone = matter_of(state, context), ZoneInfo(context.zone)
    owed = {(o.item, o.round): o for o in obligations(state, context)}
    to_come = [n for n in state.of(Notices).all.values() if n.status == "planned" or n.waiting]
    to_come.sort(key=lambda n: (n.planned.planned_for, n.planned.n))
    last = max((n.planned.planned_for for n in to_come), default=None)
    mails: tuple[Message, ...] = ()
    if last is not None:
        end = at_local(add_months(last.astimezone(zone).date(), 3), time(0), context.zone)
        mails = rehearsed(state, context, end, mailed).messages
    numbers = {(n.planned.item, n.planned.round, n.planned.step) for n in to_come}
    running = [o for o in owed.values() if o.settled is None] if matter.is_open else []

    def row(notice: Notice) -> dict[str, Any]:
        p = notice.planned
        of = owed.get((p.item, p.round))
        return {
            "at": p.planned_for,
            "local": _local(p.planned_for, zone),
            "item": p.item,
            "round": p.round,
            "step": p.step,
            "title": of.title if of else p.item,
            "due": p.due,
            "kind": kind_of(p.item, context.the_playbook),
            "policy": of.policy if of else None,
            "alarm": p.alarm,
            "to": list(notice.waiting or recipients(notice, state, context)),
        }

    return {
        kind_of_stream(state): state.id,
        "illustrative": matter.illustrative,
        "planned": [row(n) for n in to_come],
        # What arises only later, such as the next check-in, is a rehearsal's to show.
        "mails": [
            m
            for m in (_mail(message, zone) for message in mails)
            if any((i["item"], i["round"], i["step"]) in numbers for i in m["items"])
        ],
        "snoozed": [
            {"item": o.item, "until": until, "reason": snooze.reason}
            for o in running
            if (until := snoozed_until(o, state, context.today)) and (snooze := snooze_of(o, state))
        ],
        "own_policies": own_policies(state),
        "not_reminded": [
            {"item": o.item, "title": o.title, "why": why}
            for o in running
            if (why := told(o.held, state) or why_unreminded(o, context))
        ],
    }


def own_policies(state: State) -> list[dict[str, Any]]:
    """The policies that an engagement chose in place of the playbook's."""
    known = state.of(Etiquette)
    return [
        {"of": of, "policy": chosen.policy, "reason": chosen.reason}
        for chosen_for in (known.of_kinds, known.of_items)
        for of, chosen in chosen_for.items()
    ]


def rehearse(
    engagement: str,
    /,
    *,
    months: Annotated[int, Parameter(name="--months")] = 24,
    json_: Json = False,
) -> None:
    """Show every mail of the coming months and the LEA's hours, before anybody is asked.

    Nothing is written and nothing is sent.

    Args:
        engagement: The engagement's id, or any name of its LEA.
        months: How many months to look ahead.
        json_: One JSON object.
    """
    if not 1 <= months <= LONGEST:
        fail(f"--months {months} cannot be: give a number from 1 to {LONGEST}.", REFUSED)

    async def work(door: "Door") -> tuple[dict[str, Any], Names]:
        stream = f"engagement:{await engagement_named(door, engagement)}"
        state, context, mailed = await _standing(door, stream)
        found = rehearsal_as_data(state, context, mailed, months)
        names = Names(door)
        await names.learn(*(m["person"] for m in found["mails"]))
        return found, names

    found, names = run(work)
    if json_:
        emit_json(_with_handles(found, names))
        return
    say_if_illustrative(found["illustrative"])
    title = (
        f"Rehearsal of {found['engagement']}, {spoken(found['from'])} to {spoken(found['until'])}"
    )
    if found["mails"]:
        emit_table(
            title,
            ("When", "To", "About"),
            [(m["local"], names.of(m["person"]), _about(m)) for m in found["mails"]],
        )
        each = Counter(m["person"] for m in found["mails"])
        print(
            f"{counted(len(found['mails']), 'mail')}: "
            + ", ".join(f"{n} to {names.of(p)}" for p, n in each.most_common())
        )
    else:
        print(f"{title}: no mail would go.")
    if found["hours"]:
        emit_table(
            "Hours asked of the LEA",
            ("Month", "Hours", "Against the cap", "For what"),
            [
                (m["name"], m["forecast"], m["standing"].replace("; ", "\n"), "\n".join(m["for"]))
                for m in found["hours"]
            ],
        )
    else:
        print("No hours are asked of the LEA in these months.")
    print("It assumes:")
    for assumption in found["assumes"]:
        print(f"  - {assumption}")


def rehearsal_as_data(
    state: State, context: Context, mailed: dict[str, set[date]], months: int
) -> dict[str, Any]:
    """A rehearsal as plain data; people by id."""
    zone = ZoneInfo(context.zone)
    until = add_months(context.today, months)
    proposed = waiting_for_signatures(state)
    signed = as_signed(state, context)
    result = rehearsed(signed, context, at_local(until, time(0), context.zone), mailed)
    return {
        "engagement": state.id,
        "illustrative": state.of(Engagement).illustrative,
        "from": context.today,
        "until": until,
        "as_signed": proposed,
        "assumes": list(_assumptions(state, proposed)),
        "mails": [_mail(message, zone) for message in result.messages],
        "hours": [
            {**month_as_data(m), "for": [f"{i.item} {i.title}" for i in m.items]}
            for m in by_month(signed, context.the_playbook.burden)
            if first_of(context.today) <= m.first <= until and (m.agreed or m.proposed)
        ],
    }


def _assumptions(state: State, proposed: Iterable[str]) -> Iterable[str]:
    engagement = state.of(Engagement)
    if not engagement.is_open:
        yield f"the engagement is {engagement.phase}: nobody is reminded any more"
        return
    if engagement.phase in ("recruiting", "agreeing"):
        yield (
            "the agreement is not effective yet: deliverables, check-ins and coaching begin with it"
        )
    names = ", ".join(proposed)
    if names:
        yield f"as if both sides had signed today what is proposed: {names}"
    yield (
        "nobody does anything: each item is reminded of to its last step, and what follows only "
        "once it is done, such as the next check-in or contact, is not there yet"
    )
    yield "people, their weekly or daily mail, calendars and policies stay as they are today"
    yield (
        "only this engagement: what another one has to say that day goes in the same mail, and "
        "the overviews of the week and the month are not counted"
    )


def _mail(message: Message, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "person": message.person,
        "at": message.at,
        "local": _local(message.at, zone),
        "alarm": message.alarm,
        "items": [
            {"item": i.item, "round": i.round, "step": i.step, "title": i.title, "due": i.due}
            for i in message.items
        ],
    }


def _about(mail: dict[str, Any]) -> str:
    """Each item once, with the steps that it has in the mail."""
    steps: dict[tuple[str, str], list[str]] = {}
    for item in mail["items"]:
        steps.setdefault((item["item"], item["title"]), []).append(item["step"])
    alarm = "alarm: " if mail["alarm"] else ""
    return alarm + "\n".join(f"{_named(i, t)} ({', '.join(s)})" for (i, t), s in steps.items())


def _named(item: str, title: str) -> str:
    """What hangs on another item says so in its title."""
    return title if "/" in item else f"{item} {title}"


def _with_handles(found: dict[str, Any], names: Names) -> dict[str, Any]:
    for row in found.get("planned", ()):
        row["to"] = [names.handle(p) for p in row["to"]]
    for mail in found["mails"]:
        mail["person"] = names.handle(mail["person"])
    return found


def _local(instant: datetime, zone: ZoneInfo) -> str:
    return f"{instant.astimezone(zone):%a %Y-%m-%d %H:%M}"


def etiquette_as_lines(state: State, today: date) -> list[str]:
    """Snoozes and own policies, for `engagement show`."""
    lines = [
        f"{item} is snoozed until {spoken(snooze.until)}: {snooze.reason}"
        for (item, _), snooze in state.of(Etiquette).snoozes.items()
        if snooze.until and snooze.until > today
    ]
    lines += [
        f"Reminders of {o['of']} by {o['policy']}: {o['reason']}" for o in own_policies(state)
    ]
    return lines
