"""Which reminders are wanted, compared with the plan in the stream: nothing more."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cache

from domain.engagement.state import Engagement, EngagementRole
from domain.kernel.messages import Event, State
from domain.owing.matter import matter_of
from domain.owing.obligations import Obligation, obligations
from domain.policy.calendar import WorkingDays, at_local, local_date
from domain.policy.reminder_policies import NoticeStep
from domain.reminders.bounces import BOUNCES, Bounces
from domain.reminders.etiquette import SNOOZED, SNOOZED_STEP, snooze_of
from domain.reminders.notices import (
    DroppedNotice,
    Notice,
    Notices,
    NoticesPlanned,
    NoticesSuppressed,
    PlannedNotice,
    RecipientsDropped,
    SuppressedNotice,
)
from domain.rules.context import Context, PersonEntry

_INSTEAD: Mapping[EngagementRole, tuple[EngagementRole, ...]] = {
    "lea_contact": ("superintendent", "lead"),
    "superintendent": ("lea_contact", "lead"),
    "lead": ("director",),
    "incoming_lead": ("lead", "director"),
    "director": ("lead", "assistant"),
    "assistant": ("lead", "director"),
    "board_clerk": ("lea_contact", "superintendent", "assistant", "lead"),
    # Whoever is only copied has nobody to stand in for them.
    "county_rep": (),
}
"""Who gets a notice when its role is vacant or has no mail address, nearest first."""

CALENDAR_CHANGED = "calendar changed"
UPGRADED = "playbook upgraded"
POLICY_MOVED = "calendar or playbook changed"
"""The same where both are always the newest."""
TERMS_CHANGED = "terms changed"
"""Why somebody is not reminded of what somebody else has to do first again."""
POLICY_CHANGED = "policy changed"
REDATED = "re-dated"
TAKEN_BACK = "taken back"
CORRECTED = "corrected"
"""Why it does not go after an entry was mended: nothing of the kind is owed, or by another day."""
NOT_OWED = "not owed any more"
"""Why a reminder does not go that what somebody recorded did away with."""
WOKEN = "woken early"

NO_ADDRESS = "no mail address"
"""Why somebody whose mail was still to come is not sent it."""

LEFT = "left"
"""Why somebody who is no longer there is not sent it."""

PASSED_ON = "role passed on"
"""Why it goes to whoever holds the role now."""

SUPERSEDED = "superseded after an outage"
"""Why a notice is left out that a later one of the same item overtook."""

SUPERSEDED_IN_WEEK = "superseded in the week's mail"
"""Why it is left out for somebody who gets one mail a week."""

_SOMEBODY_ELSES = frozenset({BOUNCES, PASSED_ON})
"""Why somebody else is told in a person's place."""

_NOT_THEIRS = _SOMEBODY_ELSES | {NO_ADDRESS, LEFT, SUPERSEDED, SUPERSEDED_IN_WEEK}
"""Why one person is not told of what is owed all the same, or was told of it by a later step."""


_Moment = tuple[str, int, str, datetime]


@dataclass(slots=True)
class _Wanted:
    """What is to be planned as things stand, and why the rest is not."""

    owed: dict[tuple[str, int], Obligation] = field(default_factory=dict)
    why: dict[tuple[str, int], str] = field(default_factory=dict)
    running: dict[tuple[str, int], Obligation] = field(default_factory=dict)
    resting: dict[tuple[str, int], Obligation] = field(default_factory=dict)
    plan: dict[_Moment, PlannedNotice] = field(default_factory=dict)


def _wanted(state: State, context: Context) -> _Wanted:
    matter, found = matter_of(state, context), _Wanted()
    for owed in obligations(state, context):
        key = (owed.item, owed.round)
        found.owed[key] = owed
        if matter.ended is not None:
            found.why[key] = owed.settled or matter.ended
        elif reason := owed.settled or owed.held:
            found.why[key] = reason
            if not owed.settled:
                found.resting[key] = owed
        elif owed.due is not None and owed.policy is not None:
            found.running[key] = owed
            for notice in _planned(owed, state, context):
                found.plan[notice.item, notice.round, notice.step, notice.planned_for] = notice
        else:
            found.why[key] = TERMS_CHANGED
    return found


def reconcile(state: State, context: Context, before: State | None = None) -> list[Event]:
    """The events that bring the plan in the stream to the plan that is wanted.

    A moment already past is never planned; a notice already claimed is never suppressed.

    Args:
        before: The stream without what was just recorded, so that a reminder which that moves is
            not put down to the calendar.
    """
    ledger = state.of(Notices).all
    now = _wanted(state, context)
    why, running, wanted = now.why, now.running, now.plan

    @cache
    def earlier() -> _Wanted:
        return _wanted(before, context) if before else _Wanted()

    def unwanted(entry: Notice) -> str | None:
        """Why a notice does not go any more; None while it does."""
        key = (entry.planned.item, entry.planned.round)
        if key in why:
            rests, ran = now.resting.get(key), earlier().running.get(key)
            # A hold is one side's: what the other side takes over from it begins to rest.
            return PASSED_ON if rests and ran and rests.side != ran.side else why[key]
        plan = wanted.get(entry.moment)
        # Whom it addresses changes with the policy, and the due date with the calendar; what has
        # fallen due is not planned again.
        same = plan is not None and (
            (plan.to, plan.due) == (entry.planned.to, entry.planned.due)
            or entry.planned.planned_for <= context.now
        )
        if same:
            return None
        return _why_moved(entry, running.get(key), earlier, state, context)

    standing: set[tuple[str, int, str, datetime]] = set()
    # It was said already: a calendar that moves its day, or a hold that is lifted before it, does
    # not say it again, unless somebody who has not heard of it yet is told on that day.
    cut_off = {
        n.planned.n
        for n in ledger.values()
        if any(
            d.outcome == "dropped" and d.detail not in _NOT_THEIRS for d in n.deliveries.values()
        )
        or (n.waiting and n.planned.planned_for > context.now and unwanted(n))
    }
    said: dict[tuple[str, int, str, date], datetime] = {}
    for n in ledger.values():
        if n.status in ("claimed", "sent") and n.planned.n not in cut_off:
            saying = _saying(n.planned)
            said[saying] = max(n.planned.planned_for, said.get(saying, n.planned.planned_for))

    def was_said(notice: PlannedNotice) -> bool:
        last = said.get(_saying(notice))
        if last is None or notice.alarm:
            return False
        if notice.step != SNOOZED_STEP:
            return True
        # Each snooze ends with one of its own.
        snooze = snooze_of(running[notice.item, notice.round], state)
        return snooze is not None and snooze.since is not None and last >= snooze.since

    events: list[Event] = []
    by_reason: dict[str, list[SuppressedNotice]] = {}
    for entry in ledger.values():
        if entry.status == "planned" and (reason := unwanted(entry)):
            gone = suppressed(entry, recipients(entry, before or state, context))
            by_reason.setdefault(reason, []).append(gone)
        elif entry.status != "suppressed" and entry.planned.n not in cut_off:
            standing.add(entry.moment)
    for reason, refs in by_reason.items():
        events.append(NoticesSuppressed(notices=tuple(refs), reason=reason))
    for reason, dropped in _dropped(ledger.values(), unwanted, now.owed, state, context).items():
        events.append(RecipientsDropped(notices=dropped, reason=reason))
    new = [
        notice
        for moment, notice in sorted(wanted.items(), key=lambda entry: (entry[0][3], entry[0]))
        if moment not in standing and notice.planned_for > context.now and not was_said(notice)
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


def suppressed(notice: Notice, meant_for: Iterable[str]) -> SuppressedNotice:
    """How an event names a notice that nobody gets, and whom it would have gone to."""
    return SuppressedNotice(**notice.ref.model_dump(), meant_for=tuple(meant_for))


def addressed(notice: Notice, state: State, context: Context) -> tuple[str, ...]:
    """Whom a notice that no mail took goes to now, or was meant for when it was suppressed."""
    if notice.status == "suppressed" and notice.meant_for is not None:
        return notice.meant_for
    return tuple(recipients(notice, state, context))


def _saying(notice: PlannedNotice) -> tuple[str, int, str, date]:
    """What a notice says, whichever day it says it on; an alarm's hour is part of what it says."""
    return (notice.item, notice.round, notice.step, notice.due)


def _why_moved(
    entry: Notice,
    owed: Obligation | None,
    earlier: Callable[[], _Wanted],
    state: State,
    context: Context,
) -> str:
    """Why a notice of something still owed does not go at its moment.

    Args:
        earlier: What was wanted without what was just recorded, by the same calendar.
    """
    planned = entry.planned
    if context.past:
        return CORRECTED if owed else TAKEN_BACK
    if context.other_playbook:
        return UPGRADED
    plan = earlier().plan.get(entry.moment)
    if plan is None or (plan.to, plan.due) != (planned.to, planned.due):
        keeps = matter_of(state, context).keeps_its_playbook
        return CALENDAR_CHANGED if keeps else POLICY_MOVED
    if owed is None:
        return NOT_OWED
    snooze, days = snooze_of(owed, state), days_of(owed, state, context)
    if snooze and snooze.until:
        ends = days.forward(snooze.until)
        if local_date(planned.planned_for, context.zone) <= ends:
            return SNOOZED
    if planned.step == SNOOZED_STEP:
        return SNOOZED if snooze else WOKEN
    if owed.due != planned.due:
        return REDATED
    before = earlier().running[planned.item, planned.round]
    return POLICY_CHANGED if owed.policy != before.policy else PASSED_ON


def unreachable(person: str, state: State, context: Context) -> str | None:
    """Why no mail can reach somebody: whoever was erased has no address any more."""
    entry = context.people.get(person)
    if entry is None or entry.email is None:
        return NO_ADDRESS
    if entry.has_left(local_date(context.now, context.zone)):
        return LEFT
    return BOUNCES if person in state.of(Bounces).open else None


def _dropped(
    ledger: Iterable[Notice],
    unwanted: Callable[[Notice], str | None],
    owed: Mapping[tuple[str, int], Obligation],
    state: State,
    context: Context,
) -> dict[str, tuple[DroppedNotice, ...]]:
    """Claimed notices that somebody has still to get and never will, by reason.

    Nothing is owed any more, it is snoozed or moved away, there is nowhere to send it to, or
    somebody else gets it instead: who holds the role now, or stands in while mail comes back.
    """
    matter = matter_of(state, context)
    by_reason: dict[str, list[DroppedNotice]] = {}
    for notice in ledger:
        if not notice.waiting:
            continue
        of = owed.get((notice.planned.item, notice.planned.round))
        ended = unwanted(notice)
        fallen_due = notice.planned.planned_for <= context.now
        moved = ended not in (None, TERMS_CHANGED) and matter.is_open
        if moved and fallen_due and of and not (of.settled or of.held):
            # Somebody was told of it already; only a snooze takes it back from the others.
            snooze = snooze_of(of, state)
            resting = (
                snooze and snooze.until and snooze.until > local_date(context.now, context.zone)
            )
            ended = ended if resting else None
        now = {} if ended else recipients(notice, state, context)
        gone: dict[str, tuple[str, ...]] = {}
        for person in notice.waiting:
            reason = ended or unreachable(person, state, context)
            if reason is None and person not in now and not _stands_in(person, notice):
                reason = PASSED_ON
            if reason is not None:
                gone[reason] = (*gone.get(reason, ()), person)
        for reason, people in gone.items():
            instead = tuple(p for p in now if has_still_to_hear(p, notice))
            by_reason.setdefault(reason, []).append(
                DroppedNotice(
                    **notice.ref.model_dump(),
                    recipients=people,
                    instead=instead if reason in _SOMEBODY_ELSES else (),
                )
            )
    return {reason: tuple(notices) for reason, notices in by_reason.items()}


def has_still_to_hear(person: str, notice: Notice) -> bool:
    """Whether somebody is none of a notice's readers; or is one again, whose role came back."""
    delivery = notice.deliveries.get(person)
    return delivery is None or (
        delivery.outcome == "dropped" and delivery.detail in _SOMEBODY_ELSES
    )


def days_of(owed: Obligation, state: State, context: Context) -> WorkingDays:
    """The working days of whoever owes it."""
    if owed.side == "lea":
        return context.lea_days(state.of(Engagement).lea)
    return context.agency_days


def _planned(owed: Obligation, state: State, context: Context) -> Iterable[PlannedNotice]:
    assert owed.due is not None
    assert owed.policy is not None
    policy = context.the_playbook.policy(owed.policy)
    days = days_of(owed, state, context)
    moments = policy.moments(owed.due, days, context.zone, owed.due_at)
    for step, moment in moments if policy.any_hour else _rested(moments, owed, state, context):
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


def _rested(
    moments: list[tuple[NoticeStep, datetime]], owed: Obligation, state: State, context: Context
) -> list[tuple[NoticeStep, datetime]]:
    """The moments that a snooze leaves, with the one reminder that goes when it ends.

    That one goes to everybody whom the reminders left out would have told.
    """
    snooze = snooze_of(owed, state)
    if snooze is None or snooze.until is None or snooze.since is None or owed.policy is None:
        return moments
    policy = context.the_playbook.policy(owed.policy)
    morning = at_local(days_of(owed, state, context).forward(snooze.until), policy.at, context.zone)
    rested = [
        step.to
        for step, at in moments
        if at > snooze.since and local_date(at, context.zone) < snooze.until
    ]
    to = tuple(role for roles in (*_unsaid(owed, snooze.since, state), *rested) for role in roles)
    left = [
        (step.model_copy(update={"to": tuple(dict.fromkeys((*step.to, *to)))}), at)
        if at == morning
        else (step, at)
        for step, at in moments
        if local_date(at, context.zone) >= snooze.until
    ]
    if all(at != morning for _, at in left):
        left.append((NoticeStep(id=SNOOZED_STEP, to=tuple(dict.fromkeys(("owner", *to)))), morning))
    return left


def _unsaid(
    owed: Obligation, since: datetime, state: State
) -> Iterable[tuple[EngagementRole, ...]]:
    """The roles of what nobody was told before a snooze, since the last reminder that went.

    An earlier snooze left it out, or it had fallen due while no mail went.
    """
    about = [
        n
        for n in state.of(Notices).all.values()
        if (n.planned.item, n.planned.round) == (owed.item, owed.round)
        and n.planned.planned_for <= since
    ]
    said = [n.planned.planned_for for n in about if n.status in ("claimed", "sent")]
    return [
        n.planned.to
        for n in about
        if (n.status == "planned" or n.reason == SNOOZED)
        and all(n.planned.planned_for > moment for moment in said)
    ]


def _stands_in(person: str, notice: Notice) -> bool:
    """Whether somebody gets a notice because it did not reach another, who is past telling."""
    other = notice.deliveries[person].instead_of
    was = notice.deliveries.get(other) if other else None
    return was is not None and was.outcome in ("bounced", "dropped")


def recipients(
    notice: Notice, state: State, context: Context, also: Iterable[EngagementRole] = ()
) -> dict[str, str | None]:
    """The people a notice goes to now: holders of its roles, or who stands in for them.

    Whoever cannot be reached is told through their own fallback contact, and that one through
    theirs; then the next role has its turn.  Whoever was told the same on a day that has moved
    since is not told again.

    Args:
        also: The roles of reminders that it is about to overtake.

    Returns:
        Each with the person in whose place they are told; None for their own role's sake, or a
        vacant one's.
    """
    matter, heard = matter_of(state, context), _heard(notice, state)
    found: dict[str, str | None] = {}
    for role in dict.fromkeys((*notice.planned.to, *notice.also, *also)):
        for holder in matter.holding(role) or (None,):
            missed: str | None = None
            for person in in_turn(role, holder, matter.holding, context.people):
                if unreachable(person, state, context) is None:
                    if person not in heard:
                        found[person] = missed and found.get(person, missed)
                    break
                missed = missed or person
    return found


def _heard(notice: Notice, state: State) -> set[str]:
    """Who was told what a planned notice says, before its day moved; each snooze says it anew."""
    planned = notice.planned
    if notice.status != "planned" or planned.alarm or planned.step == SNOOZED_STEP:
        return set()
    saying = _saying(planned)
    return {
        person
        for n in state.of(Notices).all.values()
        if n.status in ("claimed", "sent") and _saying(n.planned) == saying
        for person, delivery in n.deliveries.items()
        if delivery.mail and delivery.outcome in ("pending", "sent")
    }


def told_instead(person: str, notice: Notice, state: State, context: Context) -> dict[str, str]:
    """Who gets a notice that did not reach somebody, each with the person in whose place.

    Whoever is next for a role that they were told for; where they are told for none any more, the
    role has passed on.
    """
    matter = matter_of(state, context)
    turns = [
        list(in_turn(role, holder, matter.holding, context.people))
        for role in (*notice.planned.to, *notice.also)
        for holder in matter.holding(role) or (None,)
    ]
    passed_on = not any(person in turn for turn in turns)
    found: dict[str, str] = {}
    for turn in turns:
        missed: list[str] = []
        for other in turn:
            if other != person and unreachable(other, state, context) is None:
                if passed_on or person in missed:
                    found.setdefault(other, missed[0] if missed else person)
                break
            missed.append(other)
    return found


def in_turn(
    role: EngagementRole,
    holder: str | None,
    holding: Callable[[EngagementRole], Iterable[str]],
    people: Mapping[str, PersonEntry],
) -> Iterable[str]:
    """Who may be told what one holder of a role is told, nearest first; everybody once."""
    seen: set[str] = set()
    others = (p for candidate in (role, *_INSTEAD[role]) for p in holding(candidate))
    for nearest in (holder, *others):
        person = nearest
        while person and person not in seen:
            seen.add(person)
            yield person
            entry = people.get(person)
            person = entry.fallback if entry else None
