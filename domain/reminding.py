"""The rules of reminders: the wanted plan is compared with the plan in the stream, nothing more."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from domain.calendar import local_date
from domain.context import Context
from domain.engagement import Engagement, EngagementRole
from domain.kernel import Decision, Event, State, decides
from domain.notices import (
    ClaimedNotice,
    ClaimNotices,
    DroppedNotice,
    Notice,
    NoticeRef,
    Notices,
    NoticesClaimed,
    NoticesDelivered,
    NoticesPlanned,
    NoticesSuppressed,
    PlannedNotice,
    RecipientsDropped,
    ReconcileNotices,
    RecordDelivery,
    TakenBack,
    TakenBackDate,
)
from domain.obligations import Obligation, obligations
from domain.passing import coming

_INSTEAD: Mapping[EngagementRole, tuple[EngagementRole, ...]] = {
    "lea_contact": ("superintendent", "lead"),
    "superintendent": ("lea_contact", "lead"),
    "lead": ("director",),
    "incoming_lead": ("lead", "director"),
    "director": ("lead",),
    "assistant": ("lead", "director"),
    "board_clerk": ("lea_contact", "superintendent", "assistant", "lead"),
    # Whoever is only copied has nobody to stand in for them.
    "county_rep": (),
}
"""Who gets a notice when its role is vacant or has no mail address, nearest first."""

SUPERSEDED = "superseded after an outage"
"""Why a notice is left out that a later one of the same item overtook."""

TERMS_CHANGED = "terms changed"
"""Why somebody is not reminded of what somebody else has to do first again."""

NO_ADDRESS = "no mail address"
"""Why somebody whose mail was still to come is not sent it."""

LEFT = "left"
"""Why somebody who is no longer there is not sent it."""

PASSED_ON = "role passed on"
"""Why it goes to whoever holds the role now."""

LOOK_AGAIN = timedelta(minutes=5)
"""After this the engagement looks whether what it announced was claimed.  A mail that was just
being finished, or made by a worker whose clock is behind, found nothing to say."""


def reconcile(state: State, context: Context) -> list[Event]:
    """The events that bring the plan in the stream to the plan that is wanted.

    A moment already past is never planned; a notice already claimed is never suppressed.
    """
    engagement = state.of(Engagement)
    ledger = state.of(Notices).all
    why: dict[tuple[str, int], str] = {}
    wanted: dict[tuple[str, int, str, datetime], PlannedNotice] = {}
    known: set[tuple[str, int]] = set()
    for owed in obligations(state, context):
        known.add((owed.item, owed.round))
        if not engagement.is_open:
            why[owed.item, owed.round] = owed.settled or str(engagement.phase)
        elif reason := owed.settled or owed.held:
            why[owed.item, owed.round] = reason
        elif owed.due is not None and owed.policy is not None:
            for notice in _planned(owed, engagement, context):
                wanted[notice.item, notice.round, notice.step, notice.planned_for] = notice
        else:
            why[owed.item, owed.round] = TERMS_CHANGED
    standing = {n.moment for n in ledger.values() if n.status != "suppressed"}
    changed = "playbook upgraded" if context.other_playbook else "calendar changed"
    for entry in ledger.values():
        if (entry.planned.item, entry.planned.round) not in known:
            why.setdefault((entry.planned.item, entry.planned.round), changed)
    events: list[Event] = []
    by_reason: dict[str, list[NoticeRef]] = {}
    for entry in ledger.values():
        if entry.status == "planned" and entry.moment not in wanted:
            reason = why.get((entry.planned.item, entry.planned.round), changed)
            by_reason.setdefault(reason, []).append(entry.ref)
    for reason, refs in by_reason.items():
        events.append(NoticesSuppressed(notices=tuple(refs), reason=reason))
    for reason, dropped in _dropped(ledger.values(), why, engagement, context).items():
        events.append(RecipientsDropped(notices=dropped, reason=reason))
    new = [
        notice
        for moment, notice in sorted(wanted.items(), key=lambda entry: (entry[0][3], entry[0]))
        if moment not in standing and notice.planned_for > context.now
    ]
    if new:
        first = len(ledger) + 1
        events.append(
            NoticesPlanned(
                notices=tuple(
                    notice.model_copy(update={"n": n}) for n, notice in enumerate(new, first)
                )
            )
        )
    return events


def next_wake(state: State, context: Context) -> datetime | None:
    """The next moment at which the engagement has something to do by itself."""
    moments = [fact.at for fact in coming(state, context)]
    notice = state.of(Notices).next_wake
    return min([*moments, notice] if notice else moments, default=None)


def _unreachable(person: str, context: Context) -> str | None:
    """Why no mail can reach somebody: whoever was erased has no address any more."""
    entry = context.people.get(person)
    if entry is None or entry.email is None:
        return NO_ADDRESS
    return LEFT if entry.has_left(local_date(context.now, context.zone)) else None


def _dropped(
    ledger: Iterable[Notice],
    why: Mapping[tuple[str, int], str],
    engagement: Engagement,
    context: Context,
) -> dict[str, tuple[DroppedNotice, ...]]:
    """Claimed notices that somebody has still to get and never will, by reason.

    Nothing is owed any more, there is nowhere to send it to, or somebody else holds the role now
    and gets it instead.
    """
    by_reason: dict[str, list[DroppedNotice]] = {}
    for notice in ledger:
        settled = why.get((notice.planned.item, notice.planned.round))
        now = recipients(notice, engagement, context) if notice.waiting and not settled else ()
        gone: dict[str, tuple[str, ...]] = {}
        for person in notice.waiting:
            reason = settled or _unreachable(person, context)
            if reason is None and person not in now:
                reason = PASSED_ON
            if reason is not None:
                gone[reason] = (*gone.get(reason, ()), person)
        for reason, people in gone.items():
            instead = tuple(p for p in now if p not in notice.deliveries)
            by_reason.setdefault(reason, []).append(
                DroppedNotice(
                    **notice.ref.model_dump(),
                    recipients=people,
                    instead=instead if reason == PASSED_ON else (),
                )
            )
    return {reason: tuple(notices) for reason, notices in by_reason.items()}


def _planned(owed: Obligation, engagement: Engagement, context: Context) -> Iterable[PlannedNotice]:
    assert owed.due is not None
    assert owed.policy is not None
    days = context.lea_days(engagement.lea) if owed.side == "lea" else context.agency_days
    policy = context.the_playbook.policy(owed.policy)
    for step, moment in policy.moments(owed.due, days, context.zone, owed.due_at):
        roles = tuple(dict.fromkeys(owed.owner if role == "owner" else role for role in step.to))
        yield PlannedNotice(
            n=0,
            item=owed.item,
            round=owed.round,
            step=step.id,
            planned_for=moment,
            due=owed.due,
            to=roles,
            alarm=policy.any_hour,
        )


def recipients(notice: Notice, engagement: Engagement, context: Context) -> tuple[str, ...]:
    """The people a notice goes to now: holders of its roles, or who stands in for them."""
    found: dict[str, None] = {}
    for role in notice.planned.to:
        for candidate in (role, *_INSTEAD[role]):
            holder = engagement.roles.get(candidate)
            if holder and _unreachable(holder, context) is None:
                found[holder] = None
                break
    return tuple(found)


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
        already_mailed: Whether a person's digest of today has gone; what falls due after it
            waits for the next working day's.
    """
    engagement = state.of(Engagement)
    owed = {(o.item, o.round): o for o in obligations(state, context)}
    people: set[str] = set()
    alarms: set[tuple[str, int]] = set()
    later = [fact.at for fact in coming(state, context)]
    latest = _latest_due(state, context)
    for notice in state.of(Notices).all.values():
        if _is_overtaken(notice, latest):
            continue
        if notice.status == "planned" and notice.planned.planned_for > context.now:
            later.append(notice.planned.planned_for)
        elif notice.status == "planned" or notice.waiting:
            of = owed.get((notice.planned.item, notice.planned.round))
            if of is None or of.policy is None:
                continue
            if notice.planned.alarm:
                told = notice.waiting or recipients(notice, engagement, context)
                alarms.update((person, notice.planned.n) for person in told)
                continue
            days = context.lea_days(engagement.lea) if of.side == "lea" else context.agency_days
            policy = context.the_playbook.policy(of.policy)
            opening = policy.opening(context.now, days, context.zone)
            if opening > context.now:
                later.append(opening)
                continue
            for person in notice.waiting or recipients(notice, engagement, context):
                if already_mailed(person):
                    later.append(policy.next_morning(context.now, days, context.zone))
                else:
                    people.add(person)
    if people or alarms:
        later.append(context.now + LOOK_AGAIN)
    return Announcement(frozenset(people), min(later, default=None), frozenset(alarms))


@decides(ReconcileNotices)
def reconcile_notices(command: ReconcileNotices, state: State, context: Context) -> Decision:
    return []  # The reconciler follows every command; this one has nothing else to say.


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
    ended = None if state.of(Engagement).is_open else str(state.of(Engagement).phase)
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
    """Dates still ahead that were announced to somebody, and that nobody has to keep any more."""
    told = state.of(TakenBack).dates
    announced: dict[str, date] = {}
    for notice in state.of(Notices).all.values():
        delivery = notice.deliveries.get(command.person)
        if delivery and delivery.outcome == "sent" and not notice.planned.alarm:
            item, due = notice.planned.item, notice.planned.due
            announced[item] = max(announced.get(item, due), due)
    last = {owed.item: owed for owed in obligations(state, context) if owed.item in announced}
    ended = None if state.of(Engagement).is_open else str(state.of(Engagement).phase)
    return tuple(
        TakenBackDate(item=item, round=owed.round, why=why)
        for item, owed in last.items()
        if (why := owed.settled or ended)
        and announced[item] > context.today
        and told.get((command.person, item, owed.round), command.mail) == command.mail
    )


@decides(ClaimNotices)
def claim(command: ClaimNotices, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    due = [n for n in _due(state, context) if _belongs(n, command, state)]
    latest = _latest_due(state, context)
    claimed = []
    overtaken: list[NoticeRef] = []
    for notice in due:
        people = recipients(latest[notice.planned.item], engagement, context)
        if command.person not in people:
            continue
        if _is_overtaken(notice, latest):
            overtaken.append(notice.ref)
        elif command.alarm in (None, notice.planned.n):
            claimed.append(ClaimedNotice(**notice.ref.model_dump(), recipients=people))
    claimed += [
        ClaimedNotice(**notice.ref.model_dump(), recipients=tuple(notice.deliveries))
        for notice in state.of(Notices).all.values()
        if command.person in notice.waiting
        and _is_in(command, notice)
        and _unreachable(command.person, context) is None
    ]
    events: list[Event] = []
    if overtaken:
        events.append(NoticesSuppressed(notices=tuple(overtaken), reason=SUPERSEDED))
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


@decides(RecordDelivery)
def record_delivery(command: RecordDelivery, state: State, context: Context) -> Decision:
    refs = tuple(
        n.ref
        for n in state.of(Notices).all.values()
        if (d := n.deliveries.get(command.person))
        and d.mail == command.mail
        and d.outcome == "pending"
    )
    if not refs:
        return []
    return [
        NoticesDelivered(
            mail=command.mail,
            message_id=command.message_id,
            person=command.person,
            outcome=command.outcome,
            detail=command.detail,
            at=command.at,
            notices=refs,
        )
    ]
