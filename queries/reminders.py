"""What is to come: the plan of an engagement's reminders, and a rehearsal of whole months."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
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
from queries.answers import IF_ASKED, Answer, Who, by_id
from queries.burden import MonthOfHours, hours_of
from queries.clocks import local
from queries.names import Names
from queries.refs import engagement_named, reminded_stream
from queries.source import Source
from store.context import standing
from store.database import listed, queries
from store.events import read_state


@dataclass(frozen=True)
class ToCome(Answer):
    """A reminder that is planned, and to whom it goes now."""

    at: datetime
    local: str
    item: str
    round: int
    step: str
    title: str
    due: date
    kind: str | None
    policy: str | None
    alarm: bool
    to: tuple[Who, ...]


@dataclass(frozen=True)
class MonthAhead(MonthOfHours):
    """A month of the LEA's hours, with what they are for."""

    for_: tuple[str, ...]


@dataclass(frozen=True)
class NotReminded(Answer):
    """Of what nobody is reminded, and why."""

    item: str
    title: str
    why: str


@dataclass(frozen=True)
class Snoozed(Answer):
    """What is put off, until when and why."""

    item: str
    until: date
    reason: str


@dataclass(frozen=True)
class OwnPolicy(Answer):
    """A policy that an engagement chose."""

    of: str
    policy: str
    reason: str


@dataclass(frozen=True)
class InMail(Answer):
    """What a mail says."""

    item: str
    round: int
    step: str
    title: str
    due: date


@dataclass(frozen=True)
class MailToCome(Answer):
    """A mail to come."""

    person: Who
    at: datetime
    local: str
    alarm: bool
    items: tuple[InMail, ...]


@dataclass(frozen=True)
class Plan(Answer):
    """Every reminder to come, and the mails that makes."""

    engagement: str | None = field(metadata=IF_ASKED)
    appropriation: str | None = field(metadata=IF_ASKED)
    illustrative: bool
    planned: tuple[ToCome, ...]
    mails: tuple[MailToCome, ...]
    snoozed: tuple[Snoozed, ...]
    own_policies: tuple[OwnPolicy, ...]
    not_reminded: tuple[NotReminded, ...]


@dataclass(frozen=True)
class Rehearsal(Answer):
    """Every mail of the coming months, and the hours of the LEA."""

    engagement: str
    illustrative: bool
    from_: date
    until: date
    as_signed: tuple[str, ...]
    assumes: tuple[str, ...]
    mails: tuple[MailToCome, ...]
    hours: tuple[MonthAhead, ...]


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


def plan(state: State, context: Context, mailed: dict[str, set[date]]) -> Plan:
    """The plan of a stream; people by id."""
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

    def row(notice: Notice) -> ToCome:
        p = notice.planned
        of = owed.get((p.item, p.round))
        return ToCome(
            at=p.planned_for,
            local=local(p.planned_for, zone),
            item=p.item,
            round=p.round,
            step=p.step,
            title=of.title if of else p.item,
            due=p.due,
            kind=kind_of(p.item, context.the_playbook),
            policy=of.policy if of else None,
            alarm=p.alarm,
            to=tuple(by_id(p) for p in notice.waiting or recipients(notice, state, context)),
        )

    return Plan(
        engagement=state.id if kind_of_stream(state) == "engagement" else None,
        appropriation=state.id if kind_of_stream(state) == "appropriation" else None,
        illustrative=matter.illustrative,
        planned=tuple(row(n) for n in to_come),
        mails=tuple(
            m
            for m in (_mail(message, zone) for message in mails)
            if any((i.item, i.round, i.step) in numbers for i in m.items)
        ),
        snoozed=tuple(
            Snoozed(item=o.item, until=until, reason=snooze.reason)
            for o in running
            if (until := snoozed_until(o, state, context.today)) and (snooze := snooze_of(o, state))
        ),
        own_policies=own_policies(state),
        not_reminded=tuple(
            NotReminded(item=o.item, title=o.title, why=why)
            for o in running
            if (why := told(o.held, state) or why_unreminded(o, context))
        ),
    )


def own_policies(state: State) -> tuple[OwnPolicy, ...]:
    """The policies that an engagement chose in place of the playbook's."""
    known = state.of(Etiquette)
    return tuple(
        OwnPolicy(of=of, policy=chosen.policy, reason=chosen.reason)
        for chosen_for in (known.of_kinds, known.of_items)
        for of, chosen in chosen_for.items()
    )


def rehearsal(
    state: State, context: Context, mailed: dict[str, set[date]], months: int
) -> Rehearsal:
    """A rehearsal of an engagement; people by id."""
    zone = ZoneInfo(context.zone)
    until = add_months(context.today, months)
    proposed = waiting_for_signatures(state)
    signed = as_signed(state, context)
    result = rehearsed(signed, context, at_local(until, time(0), context.zone), mailed)
    return Rehearsal(
        engagement=state.id,
        illustrative=state.of(Engagement).illustrative,
        from_=context.today,
        until=until,
        as_signed=tuple(proposed),
        assumes=tuple(_assumptions(state, proposed)),
        mails=tuple(_mail(message, zone) for message in result.messages),
        hours=tuple(
            MonthAhead(**hours_of(m), for_=tuple(f"{i.item} {i.title}" for i in m.items))
            for m in by_month(signed, context.the_playbook.burden)
            if first_of(context.today) <= m.first <= until and (m.agreed or m.proposed)
        ),
    )


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


def _mail(message: Message, zone: ZoneInfo) -> MailToCome:
    return MailToCome(
        person=by_id(message.person),
        at=message.at,
        local=local(message.at, zone),
        alarm=message.alarm,
        items=tuple(
            InMail(item=i.item, round=i.round, step=i.step, title=i.title, due=i.due)
            for i in message.items
        ),
    )


def etiquette_as_lines(state: State, today: date) -> list[str]:
    """Snoozes and own policies, for `engagement show`."""
    lines = [
        f"{item} is snoozed until {spoken(snooze.until)}: {snooze.reason}"
        for (item, _), snooze in state.of(Etiquette).snoozes.items()
        if snooze.until and snooze.until > today
    ]
    lines += [f"Reminders of {o.of} by {o.policy}: {o.reason}" for o in own_policies(state)]
    return lines


async def plan_of(source: Source, engagement: str) -> Plan:
    """Every reminder to come of an engagement or an appropriation."""
    stream = await reminded_stream(source, engagement)
    return await Names(source).given(plan(*await standing_of(source, stream)))


async def rehearsal_of(source: Source, engagement: str, months: int) -> Rehearsal:
    """Every mail of the coming months and the LEA's hours."""
    stream = f"engagement:{await engagement_named(source, engagement)}"
    return await Names(source).given(rehearsal(*await standing_of(source, stream), months))
