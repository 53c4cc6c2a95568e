"""What is to come: the plan of an engagement's reminders, and a rehearsal of whole months."""

from collections.abc import Iterable
from datetime import date, time
from typing import Any
from zoneinfo import ZoneInfo

from domain.engagement.burden import by_month, first_of
from domain.engagement.state import Engagement
from domain.kernel.messages import State
from domain.kernel.wording import spoken
from domain.outlook.rehearsal import Message, as_signed, rehearsed, waiting_for_signatures
from domain.owing.matter import kind_of_stream, matter_of
from domain.owing.obligations import obligations
from domain.policy.calendar import add_months, at_local
from domain.reminders.etiquette import Etiquette, kind_of, snooze_of, snoozed_until
from domain.reminders.not_planned import why_unreminded
from domain.reminders.notices import Notice, Notices
from domain.reminders.planning import recipients
from domain.reminders.weekly import monday
from domain.rules.context import Context
from domain.streams import DIGEST
from domain.turnover.holds import told
from queries.burden import hours_of
from queries.clocks import local
from queries.names import Names
from queries.refs import engagement_named, reminded_stream
from queries.source import Source
from store.context import standing
from store.database import listed, queries
from store.events import read_state


async def standing_of(source: Source, stream: str) -> tuple[State, Context, dict[str, set[date]]]:
    """A stream as it stands, what is known around it, and who has had which mails."""
    now = await source.now()
    async with source.pool.acquire() as connection:
        state = await read_state(connection, source.vault, stream)
        context = await standing(connection, state, now)
        week = monday(now.astimezone(ZoneInfo(context.zone)).date())
        mailed: dict[str, set[date]] = {}
        for row in await listed(queries.mails_since(connection, since=week, kind=DIGEST)):
            mailed.setdefault(row["person"], set()).add(row["on"])
    return state, context, mailed


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
            "local": local(p.planned_for, zone),
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
            {**hours_of(m), "for": [f"{i.item} {i.title}" for i in m.items]}
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
        "local": local(message.at, zone),
        "alarm": message.alarm,
        "items": [
            {"item": i.item, "round": i.round, "step": i.step, "title": i.title, "due": i.due}
            for i in message.items
        ],
    }


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


async def plan_of(source: Source, engagement: str) -> tuple[dict[str, Any], Names]:
    """Every reminder to come of an engagement or an appropriation; people by id."""
    stream = await reminded_stream(source, engagement)
    found = plan_as_data(*await standing_of(source, stream))
    names = Names(source)
    await names.learn(
        *(p for r in found["planned"] for p in r["to"]), *(m["person"] for m in found["mails"])
    )
    return found, names


async def rehearsal_of(
    source: Source, engagement: str, months: int
) -> tuple[dict[str, Any], Names]:
    """Every mail of the coming months and the LEA's hours; people by id."""
    stream = f"engagement:{await engagement_named(source, engagement)}"
    found = rehearsal_as_data(*await standing_of(source, stream), months)
    names = Names(source)
    await names.learn(*(m["person"] for m in found["mails"]))
    return found, names
