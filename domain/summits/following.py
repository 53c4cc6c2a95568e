"""How an LEA follows a summit that moves, is called off, begins, or is held without it."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, time
from typing import ClassVar, Literal

from domain.engagement.burden import Burden, first_of, hours_asked
from domain.engagement.state import Engagement
from domain.kernel.fields import Hours, Line
from domain.kernel.messages import Decision, Event, Stamp, State
from domain.kernel.refusals import AlreadyExists
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full, lea_hours, plain
from domain.owing.coming import Coming, comes_true
from domain.policy.calendar import at_local, spoken
from domain.rules.context import Context, SummitEntry
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves
from domain.summits.invitations import (
    Invitation,
    InvitationCommand,
    Invitations,
    ahead,
    in_recess,
    invitation_in,
    the_invitation,
    with_invitation,
)
from domain.summits.summits import span, the_summit

RECESS = "in recess on the new days"
"""Why an LEA did not follow a summit."""


class FollowSummit(InvitationCommand):
    """Take an LEA along to a summit's new days although it is in recess then."""

    noun = "summit"
    verb = "follow"

    waive: Line
    """Why it comes all the same, for example "the team agreed by mail of 5 April"."""


class TakeOverSummit(InvitationCommand):
    """Take over what became of a summit."""

    noun = "summit"
    verb = "take-over"
    internal = True
    needs = "nothing"


class SummitFollowed(Event):
    type: ClassVar[str] = "summit-followed"
    summit: str
    round: int
    first: date
    last: date
    registration_due: date
    place: str
    over_cap: str | None = None
    """What the month asks of the LEA now, where that is more than the cap."""
    waived: Sealed | None = None
    title: str | None = None
    """What it is called now, where that was put right."""
    hours: Hours | None = None
    """What it asks now, where that was put right."""

    def sentence(self) -> str:
        called = f" {self.title!r}" if self.title else ""
        return (
            f"Summit {self.summit}{called} is now {span(self.first, self.last)} in {self.place}; "
            f"registration by {spoken(self.registration_due)}"
            + (f"; {lea_hours(self.hours)}" if self.hours is not None else "")
            + (f"; over the cap: {self.over_cap}" if self.over_cap else "")
            + (f"; although in recess: {self.waived}." if self.waived else ".")
        )


class SummitNotFollowed(Event):
    type: ClassVar[str] = "summit-not-followed"
    summit: str
    round: int
    first: date
    last: date
    why: str

    def sentence(self) -> str:
        return (
            f"Summit {self.summit} moved to {span(self.first, self.last)}, and the LEA did not "
            f"follow: {full(self.why)}"
        )


class SummitCalledOff(Event):
    type: ClassVar[str] = "summit-called-off"
    summit: str
    why: Literal["cancelled", "held without the LEA"]

    def sentence(self) -> str:
        return f"Summit {self.summit} is off for this LEA: {full(self.why)}"


class SummitBegan(Event):
    type: ClassVar[str] = "summit-began"
    summit: str
    on: date

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        return f"Summit {self.summit} began on {spoken(self.on)}."


def over_cap(state: State, context: Context, entry: SummitEntry) -> str | None:
    """What the summit's month would ask of the LEA, where that is more than the playbook's cap."""
    rules = context.the_playbook.burden
    if rules is None:
        return None
    month = first_of(entry.first)
    limit = state.of(Burden).limit(month, rules)
    total = entry.hours + sum(
        asked.hours
        for asked in hours_asked(state)
        if asked.agreed and asked.item != entry.id and first_of(asked.on) == month
    )
    return (
        f"{lea_hours(total)} in {entry.first:%b %Y} against {plain(limit)}"
        if total > limit
        else None
    )


@decides(FollowSummit)
def follow(command: FollowSummit, state: State, context: Context) -> Decision:
    entry = ahead(command.summit, context, "taken along to")
    invitation = the_invitation(command, state, "taken along to")
    not_in_the_future(context.effective_on, "The change", context)
    if invitation.round >= entry.round:
        raise AlreadyExists(
            f"{state.id} has the days of summit {entry.id} already: "
            f"{span(entry.first, entry.last)}. See it: handrail summit show {entry.id}"
        )
    waived = Sealed(about=state.stream, text=command.waive)
    return [_followed(entry, state, context, waived if in_recess(entry, state, context) else None)]


def _followed(
    entry: SummitEntry, state: State, context: Context, waived: Sealed | None = None
) -> SummitFollowed:
    known = invitation_in(state, entry.id)
    return SummitFollowed(
        summit=entry.id,
        # A move that was taken back does not make the next one an old one.
        round=max(entry.round, known.round),
        first=entry.first,
        last=entry.last,
        registration_due=entry.registration_due,
        place=entry.place,
        over_cap=over_cap(state, context, entry),
        waived=waived,
        title=entry.title if entry.title != known.title else None,
        hours=entry.hours if entry.hours != known.hours else None,
    )


def _put_right(known: Invitation, entry: SummitEntry) -> bool:
    """Whether a summit whose days the LEA has says something else of itself now."""
    if known.not_followed or known.seen > known.round:
        return False
    return (
        known.title != entry.title
        or known.place != entry.place
        or (known.first, known.last) != (entry.first, entry.last)
        or known.registration_due != entry.registration_due
        or known.hours != entry.hours
    )


def taken_over(state: State, context: Context, entry: SummitEntry) -> Event | None:
    """What becomes of an engagement's invitation once its summit stands so; None for nothing."""
    known = invitation_in(state, entry.id)
    if not state.of(Engagement).is_open:
        return None
    if entry.status != "cancelled" and known.called_off_as is not None:
        return _followed(entry, state, context)
    if known.status not in ("invited", "registered"):
        return None
    if entry.status == "cancelled":
        return SummitCalledOff(summit=entry.id, why="cancelled")
    if entry.round > known.seen or _put_right(known, entry):
        recess = in_recess(entry, state, context)
        if recess is None:
            return _followed(entry, state, context)
        return SummitNotFollowed(
            summit=entry.id,
            round=entry.round,
            first=entry.first,
            last=entry.last,
            why=f"{RECESS} ({recess})",
        )
    if entry.status == "held" and known.not_followed:
        return SummitCalledOff(summit=entry.id, why="held without the LEA")
    return None


@decides(TakeOverSummit)
def take_over(command: TakeOverSummit, state: State, context: Context) -> Decision:
    event = taken_over(state, context, the_summit(command.summit, context))
    return [event] if event else []


@evolves(SummitFollowed)
def summit_followed(state: State, event: SummitFollowed, stamp: Stamp) -> State:
    known = invitation_in(state, event.summit)
    if known.round > event.round:
        return state
    past = known.past
    if known.registration_due and known.registration_due != event.registration_due:
        past = (*past, (known.registration_due, "re-dated"))
    return with_invitation(
        state,
        replace(
            known,
            title=event.title or known.title,
            hours=known.hours if event.hours is None else event.hours,
            status=known.called_off_as or known.status,
            called_off_as=None,
            place=event.place,
            first=event.first,
            last=event.last,
            registration_due=event.registration_due,
            round=event.round,
            seen=event.round,
            not_followed=None,
            new_days=None,
            over_cap=event.over_cap,
            past=past,
        ),
    )


@evolves(SummitNotFollowed)
def summit_not_followed(state: State, event: SummitNotFollowed, stamp: Stamp) -> State:
    known = invitation_in(state, event.summit)
    if known.seen >= event.round:
        return state
    return with_invitation(
        state,
        replace(
            known, seen=event.round, not_followed=event.why, new_days=(event.first, event.last)
        ),
    )


@evolves(SummitCalledOff)
def summit_called_off(state: State, event: SummitCalledOff, stamp: Stamp) -> State:
    known = invitation_in(state, event.summit)
    was = known.status if event.why == "cancelled" else None
    return with_invitation(state, replace(known, status="cancelled", called_off_as=was))


@comes_true
def summit_begins(state: State, context: Context) -> Iterable[Coming]:
    """On its first day registration makes no sense any more."""
    for i in state.of(Invitations).all.values():
        if i.stands and i.first and not i.began:
            moment = at_local(i.first, time(0), context.zone)
            yield Coming(moment, SummitBegan(summit=i.summit, on=i.first))


@evolves(SummitBegan)
def summit_began(state: State, event: SummitBegan, stamp: Stamp) -> State:
    return with_invitation(state, replace(invitation_in(state, event.summit), began=True))
