"""From the plan to the mail: who is told when, and what a mail takes with it."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.engagement.state import EngagementRole
from domain.kernel.messages import Decision, Event, State
from domain.owing.coming import coming
from domain.owing.matter import matter_of
from domain.owing.obligations import obligations
from domain.reminders.etiquette import resting
from domain.reminders.notices import (
    UNKNOWN_FATE,
    ClaimedNotice,
    ClaimNotices,
    DroppedNotice,
    HoldUnknown,
    Notice,
    Notices,
    NoticesClaimed,
    NoticesSuppressed,
    PlannedNotice,
    RecipientsDropped,
    ReconcileNotices,
    SuppressedNotice,
    TakenBack,
    TakenBackDate,
)
from domain.reminders.planning import (
    SUPERSEDED,
    SUPERSEDED_IN_WEEK,
    TAKEN_BACK,
    days_of,
    recipients,
    suppressed,
    unreachable,
)
from domain.reminders.weekly import early, goes_at, is_weekly, next_turn, reach
from domain.rules.context import Context
from domain.rules.registry import decides

LOOK_AGAIN = timedelta(minutes=5)
"""After this the stream looks whether what it announced was claimed.  A mail that was just
being finished, or made by a worker whose clock is behind, found nothing to say."""


def next_wake(state: State, context: Context) -> datetime | None:
    """The next moment at which the stream has something to do by itself."""
    moments = [fact.at for fact in coming(state, context)]
    notice = state.of(Notices).next_wake
    if notice:
        moments.append(notice)
    if any(entry.digest == "weekly" for entry in context.people.values()):
        moments += _weekly_moments(state, context)
    return min(moments, default=None)


def _weekly_moments(state: State, context: Context) -> Iterable[datetime]:
    """When the week's mails speak of what is planned."""
    rest = resting(state, context.today)
    for notice in state.of(Notices).all.values():
        if notice.planned.alarm or not (notice.status == "planned" or notice.waiting):
            continue
        if (notice.planned.item, notice.planned.round) in rest:
            continue
        for person in notice.waiting or tuple(recipients(notice, state, context)):
            if moment := early(person, notice.planned.planned_for, context):
                yield moment


def _due(state: State, context: Context) -> list[Notice]:
    """The planned notices whose moment has come."""
    return [
        n
        for n in state.of(Notices).all.values()
        if n.status == "planned" and n.planned.planned_for <= context.now
    ]


def _latest_due(state: State, context: Context) -> dict[str, Notice]:
    """Of each item, the one notice that still goes out when several have fallen due."""
    latest: dict[str, Notice] = {}
    for notice in _due(state, context):
        current = latest.get(notice.planned.item)
        if current is None or current.planned.planned_for < notice.planned.planned_for:
            latest[notice.planned.item] = notice
    return latest


def _is_overtaken(notice: Notice, latest: Mapping[str, Notice]) -> bool:
    """Whether a planned notice waits only to be suppressed by the mail that has a later one."""
    if notice.status != "planned":
        return False
    last = latest.get(notice.planned.item)
    return (
        last is not None
        and last.planned.n != notice.planned.n
        and notice.planned.planned_for <= last.planned.planned_for
    )


def _taken_over(notice: Notice, state: State, context: Context) -> tuple[EngagementRole, ...]:
    """The roles that a notice about to go takes over from those of its item that it overtakes."""
    latest = _latest_due(state, context)
    if latest.get(notice.planned.item) is not notice:
        return ()
    overtaken = (
        role
        for n in _due(state, context)
        if n.planned.item == notice.planned.item and _is_overtaken(n, latest)
        for role in n.planned.to
    )
    return tuple(r for r in dict.fromkeys(overtaken) if r not in notice.planned.to)


@dataclass(frozen=True, slots=True)
class Announcement:
    """Who must be told now, and when to look again."""

    people: frozenset[str]
    """Whose digest is due."""
    again_at: datetime | None
    alarms: frozenset[tuple[str, int]] = frozenset()
    """Whom an alarm must reach at once, with the number of its notice."""


def announcement(
    state: State, context: Context, already_mailed: Callable[[str], bool]
) -> Announcement:
    """Whose digest is due, respecting quiet hours, rest days and one digest a day.

    Args:
        already_mailed: Whether a person's digest of today has gone, or of this week for somebody
            who gets one a week; what falls due after it waits for the next.
    """
    owed = {(o.item, o.round): o for o in obligations(state, context)}
    people: set[str] = set()
    alarms: set[tuple[str, int]] = set()
    later = [fact.at for fact in coming(state, context)]
    latest = _latest_due(state, context)
    rest = resting(state, context.today)
    for notice in state.of(Notices).all.values():
        if _is_overtaken(notice, latest) or not (notice.status == "planned" or notice.waiting):
            continue
        planned = notice.planned
        if planned.planned_for > context.now:
            later.append(planned.planned_for)
        of = owed.get((planned.item, planned.round))
        if of is None or of.policy is None:
            continue
        also = _taken_over(notice, state, context)
        told = notice.waiting or tuple(recipients(notice, state, context, also))
        if planned.alarm:
            if planned.planned_for <= context.now:
                alarms.update((person, planned.n) for person in told)
            continue
        policy, days = context.the_playbook.policy(of.policy), days_of(of, state, context)
        for person in told:
            goes = goes_at(
                person,
                planned.planned_for,
                policy,
                days,
                context,
                rests=(planned.item, planned.round) in rest,
            )
            if goes > context.now:
                later.append(goes)
            elif already_mailed(person):
                later.append(next_turn(person, policy, days, context))
            else:
                people.add(person)
    if people or alarms:
        later.append(context.now + LOOK_AGAIN)
    return Announcement(frozenset(people), min(later, default=None), frozenset(alarms))


@decides(ReconcileNotices)
def reconcile_notices(command: ReconcileNotices, state: State, context: Context) -> Decision:
    return []  # The reconciler follows every command; this one has nothing else to say.


@decides(HoldUnknown)
def hold_unknown(command: HoldUnknown, state: State, context: Context) -> Decision:
    """Whatever was due meanwhile, and whatever was on its way into somebody's mail."""
    ledger = state.of(Notices).all.values()
    due = [
        suppressed(n, recipients(n, state, context))
        for n in ledger
        if n.status == "planned" and command.since <= n.planned.planned_for <= command.until
    ]
    under_way = [
        DroppedNotice(**n.ref.model_dump(), recipients=pending)
        for n in ledger
        if (pending := tuple(p for p, d in n.deliveries.items() if d.outcome == "pending"))
    ]
    events: list[Event] = []
    if due:
        events.append(NoticesSuppressed(notices=tuple(due), reason=UNKNOWN_FATE))
    if under_way:
        events.append(RecipientsDropped(notices=tuple(under_way), reason=UNKNOWN_FATE))
    return events


def _belongs(notice: Notice, command: ClaimNotices, state: State) -> bool:
    """Whether a mail may speak of a notice: a digest of none that is an alarm, an alarm of its own.

    An alarm looks at the whole of its item, for a later one overtakes those before it.
    """
    if command.alarm is None:
        return not notice.planned.alarm
    alarm = state.of(Notices).all.get(command.alarm)
    return alarm is not None and notice.planned.alarm and notice.planned.item == alarm.planned.item


def _is_in(command: ClaimNotices, notice: Notice) -> bool:
    """Whether a notice goes into the mail that is being made: an alarm is a mail of its own."""
    return notice.planned.n == command.alarm if command.alarm else not notice.planned.alarm


def _out_of_date(command: ClaimNotices, state: State, context: Context) -> list[Event]:
    """What a mail made anew leaves out: it was settled, held or overtaken since."""
    owed = {(o.item, o.round): o for o in obligations(state, context)}
    latest = _latest_due(state, context)
    mine = [
        n
        for n in state.of(Notices).all.values()
        if (d := n.deliveries.get(command.person))
        and d.mail == command.mail
        and d.outcome == "pending"
    ]
    newest = {n.planned.item: n for n in sorted(mine, key=lambda n: n.planned.planned_for)}
    ended = matter_of(state, context).ended
    by_reason: dict[str, list[DroppedNotice]] = {}
    for notice in mine:
        item = notice.planned.item
        of = owed.get((item, notice.planned.round))
        reason = ended if of is None else of.settled or of.held or ended
        if reason is None and (item in latest or newest[item] is not notice):
            reason = SUPERSEDED
        if reason is not None:
            by_reason.setdefault(reason, []).append(
                DroppedNotice(**notice.ref.model_dump(), recipients=(command.person,))
            )
    return [
        RecipientsDropped(notices=tuple(notices), reason=reason)
        for reason, notices in by_reason.items()
    ]


def _fallen_away(
    command: ClaimNotices, state: State, context: Context
) -> tuple[TakenBackDate, ...]:
    """What was announced to somebody, and nobody has to keep any more.

    That is a date still ahead of what is settled, and any of what was entered by mistake.
    """
    told = state.of(TakenBack).dates
    announced: dict[str, PlannedNotice] = {}
    mistaken: set[tuple[str, int]] = set()
    for notice in state.of(Notices).all.values():
        delivery = notice.deliveries.get(command.person)
        if delivery and delivery.outcome == "sent" and not notice.planned.alarm:
            known = announced.setdefault(notice.planned.item, notice.planned)
            if known.due < notice.planned.due:
                announced[notice.planned.item] = notice.planned
        if notice.reason == TAKEN_BACK:
            mistaken.add((notice.planned.item, notice.planned.round))
    owed = obligations(state, context)
    last = {o.item: o for o in owed if o.item in announced}
    ended = matter_of(state, context).ended
    gone = [
        TakenBackDate(item=item, round=of.round, why=why)
        for item, of in last.items()
        if (why := of.settled or ended) and announced[item].due > context.today
    ]
    gone += [
        TakenBackDate(item=item, round=planned.round, why=TAKEN_BACK, due=planned.due)
        for item, planned in announced.items()
        if item not in last and (item, planned.round) in mistaken
    ]
    return tuple(
        it
        for it in gone
        if told.get((command.person, it.item, it.round), command.mail) == command.mail
    )


@decides(ClaimNotices)
def claim(command: ClaimNotices, state: State, context: Context) -> Decision:
    who = command.person
    latest = _latest_due(state, context)
    until = context.now if command.alarm else reach(who, context)
    superseded = SUPERSEDED_IN_WEEK if is_weekly(who, context) else SUPERSEDED
    claimed = []
    overtaken: list[SuppressedNotice] = []
    told_again: set[str] = set()
    no_others: tuple[EngagementRole, ...] = ()
    rest = resting(state, context.today)
    for notice in state.of(Notices).all.values():
        planned = notice.planned
        if notice.status != "planned" or planned.planned_for > until:
            continue
        if not _belongs(notice, command, state):
            continue
        if planned.planned_for > context.now and (planned.item, planned.round) in rest:
            continue
        if planned.planned_for > context.now:
            last, also = notice, no_others
        else:
            last = latest[planned.item]
            also = _taken_over(last, state, context)
        people = recipients(last, state, context, also)
        if who not in people:
            continue
        if _is_overtaken(notice, latest):
            overtaken.append(suppressed(notice, recipients(notice, state, context)))
        elif command.alarm in (None, planned.n):
            claimed.append(
                ClaimedNotice(
                    **notice.ref.model_dump(),
                    recipients=tuple(people),
                    also=also,
                    instead_of={p: other for p, other in people.items() if other},
                )
            )
            told_again |= {planned.item} if planned.planned_for <= context.now else set()
    waiting = [
        notice
        for notice in state.of(Notices).all.values()
        if who in notice.waiting
        and notice.planned.planned_for <= until
        and not (
            notice.planned.planned_for > context.now
            and (notice.planned.item, notice.planned.round) in rest
        )
        and _is_in(command, notice)
        and unreachable(who, state, context) is None
    ]
    newest = {
        n.planned.item: n
        for n in sorted(waiting, key=lambda n: n.planned.planned_for)
        if n.planned.planned_for <= context.now
    }
    outdone: list[DroppedNotice] = []
    for notice in waiting:
        item, fallen_due = notice.planned.item, notice.planned.planned_for <= context.now
        if fallen_due and (item in told_again or newest[item] is not notice):
            outdone.append(DroppedNotice(**notice.ref.model_dump(), recipients=(who,)))
        else:
            recipients_ = tuple(notice.deliveries)
            claimed.append(ClaimedNotice(**notice.ref.model_dump(), recipients=recipients_))
    events: list[Event] = []
    if overtaken:
        events.append(NoticesSuppressed(notices=tuple(overtaken), reason=superseded))
    if outdone:
        events.append(RecipientsDropped(notices=tuple(outdone), reason=superseded))
    if command.again:
        events += _out_of_date(command, state, context)
    gone = _fallen_away(command, state, context) if command.alarm is None else ()
    if claimed or (gone and (command.in_passing or command.again)):
        events.append(
            NoticesClaimed(
                mail=command.mail,
                message_id=command.message_id,
                person=command.person,
                on=command.on,
                notices=tuple(claimed),
                taken_back=gone,
            )
        )
    return events
