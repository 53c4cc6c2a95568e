"""Invitations: what a summit asks of one LEA, and how the LEA follows when it moves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from domain.coaching.contacts import Coaching, coached_since
from domain.engagement.burden import Away, BurdenWaiver, HoursAsked, asks, takes_days, within_burden
from domain.engagement.guards import evidence_for, of_the_lea
from domain.engagement.state import Engagement
from domain.kernel.fields import Hours, Line, Option, PersonRef
from domain.kernel.messages import Decision, EngagementCommand, Event, On, Stamp, State
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Unknown,
    WrongState,
    did_you_mean,
)
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full, lea_hours
from domain.owing.items import hanging
from domain.owing.obligations import Obligation, owes
from domain.policy.calendar import spoken
from domain.policy.parts import SummitRules
from domain.rules.context import Context, SummitEntry
from domain.rules.days import not_in_the_future
from domain.rules.named import the_named
from domain.rules.registry import decides, evolves
from domain.streams import stream_of
from domain.summits.summits import (
    EngagementDeclined,
    EngagementInvited,
    SummitCommand,
    span,
    the_summit,
)

MOST_PLACES = 200
"""No LEA brings more people of one role; more is a slip of the keyboard."""

InvitationStatus = Literal["none", "invited", "registered", "declined", "cancelled"]


class InvitationCommand(EngagementCommand, SummitCommand):
    """A command about one summit on one engagement; the summit is named first."""

    aggregate = "engagement"


class InviteToSummit(InvitationCommand):
    """Invite an engagement to a summit: its LEA owes the registration from now on."""

    noun = "summit"
    verb = "invite"

    waive: Line | None = None
    """Why it is invited although it is in recess on those days."""


class RegisterForSummit(InvitationCommand):
    """Record whom an LEA brings to a summit; given again, it replaces what was said before."""

    noun = "summit"
    verb = "register"

    people: Annotated[tuple[PersonRef, ...], Option("person")] = ()
    """Who comes, once for each person of the LEA."""
    places: Mapping[str, Annotated[int, Field(ge=1, le=MOST_PLACES)]] = {}
    """How many of a role come whose names are not known yet, as ROLE=NUMBER, once for each role."""
    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA registered them."""
    evidence: Line | None = None
    """Where that is written down, for example "mail of 3 November"."""
    waive_burden: BurdenWaiver = None


class DeclineSummit(InvitationCommand):
    """Record that an LEA does not come to a summit; it is not reminded of it any more."""

    noun = "summit"
    verb = "decline-invitation"

    reason: Line
    """Why, in words the LEA could read."""
    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA said so."""
    evidence: Line | None = None
    """Where that is written down."""


class SummitInvited(Event):
    type: ClassVar[str] = "summit-invited"
    summit: str
    title: str
    place: str
    first: date
    last: date
    registration_due: date
    hours: Hours
    round: int = 1
    """The summit's round of days."""
    waived: Sealed | None = None

    def sentence(self) -> str:
        return (
            f"Invited to summit {self.summit} {self.title!r}, {span(self.first, self.last)} in "
            f"{self.place}: register by {spoken(self.registration_due)}, {lea_hours(self.hours)}"
            + (f"; although in recess: {full(self.waived)}" if self.waived else ".")
        )


class SummitRegistered(Event):
    type: ClassVar[str] = "summit-registered"
    summit: str
    on: date
    people: tuple[str, ...] = ()
    places: Mapping[str, int] = {}
    person: str | None = None
    evidence: Sealed | None = None

    def sentence(self) -> str:
        who = [*self.people, *(f"{n} {role}" for role, n in self.places.items())]
        said = f" ({self.person}, {self.evidence})" if self.person else ""
        return f"Registered for summit {self.summit}: {', '.join(who)}{said}."


class SummitDeclined(Event):
    type: ClassVar[str] = "summit-declined"
    summit: str
    on: date
    reason: Sealed
    person: str | None = None
    evidence: Sealed | None = None

    def sentence(self) -> str:
        said = f" ({self.person}, {self.evidence})" if self.person else ""
        return f"Does not come to summit {self.summit}: {full(f'{self.reason}{said}')}"


@dataclass(frozen=True, slots=True)
class Invitation:
    """One LEA's part in one summit."""

    summit: str
    title: str = ""
    place: str = ""
    status: InvitationStatus = "none"
    """``none`` where people came without having been invited."""
    first: date | None = None
    last: date | None = None
    registration_due: date | None = None
    hours: Decimal = Decimal(0)
    round: int = 0
    """The summit's round of days that the LEA has taken over."""
    seen: int = 0
    """The summit's latest round that was looked at, taken over or not."""
    not_followed: str | None = None
    """Why the LEA did not follow the summit to its new days; None while it does."""
    new_days: tuple[date, date] | None = None
    """The days to which it did not follow."""
    over_cap: str | None = None
    called_off_as: InvitationStatus | None = None
    """What it was when the summit was called off: it is that again where that is taken back."""
    began: bool = False
    past: tuple[tuple[date, str], ...] = ()
    """Registration dates that run no more, each with the reason."""
    people: tuple[str, ...] = ()
    places: Mapping[str, int] = field(default_factory=dict)

    @property
    def stands(self) -> bool:
        """Whether the LEA is expected on the days it has."""
        return self.status in ("invited", "registered") and self.not_followed is None

    @property
    def registered(self) -> int:
        """How many people were registered."""
        return len(self.people) + sum(self.places.values())


@dataclass(frozen=True, slots=True)
class Invitations:
    """An engagement's summits, in the order in which it was invited."""

    all: Mapping[str, Invitation] = field(default_factory=dict)


def became_of(invitation: Invitation, state: State) -> str:
    """What became of an invitation; whoever left the program before the summit is not expected.

    Returns:
        Its status, or that of the engagement: withdrawn, closed.
    """
    engagement = state.of(Engagement)
    expected = invitation.status in ("invited", "registered") and not invitation.began
    return invitation.status if engagement.is_open or not expected else str(engagement.phase)


@takes_days
def summit_days(state: State) -> list[Away]:
    """The days of every summit the LEA is expected at, so that nothing else is asked for then."""
    return [
        Away(f"Summit {i.summit}", i.first, i.last, i.summit)
        for i in state.of(Invitations).all.values()
        if i.stands and i.first and i.last
    ]


def invitation_in(state: State, summit: str) -> Invitation:
    """The invitation; a blank one where facts folded by effective date come before it."""
    return state.of(Invitations).all.get(summit, Invitation(summit))


def with_invitation(state: State, invitation: Invitation) -> State:
    """The state with one invitation replaced."""
    known = state.of(Invitations).all
    return state.put(Invitations({**known, invitation.summit: invitation}))


def summit_rules(state: State, context: Context) -> SummitRules:
    """What the engagement's playbook says about summits.

    Raises:
        WrongState: It says nothing.
    """
    rules = context.the_playbook.summits
    if rules is None:
        raise WrongState(
            f"{state.id}: its playbook {context.the_playbook.ref} says nothing about summits, so "
            f"nothing of one can be recorded. See which versions do: handrail playbook list"
        )
    return rules


def in_recess(entry: SummitEntry, state: State, context: Context) -> str | None:
    """The LEA's recess in which a summit falls; None for none."""
    lea = context.leas.get(state.of(Engagement).lea)
    for closure in lea.recess if lea else ():
        if closure.first <= entry.last and entry.first <= closure.last:
            return f"{closure.name} {span(closure.first, closure.last)}"
    return None


def ahead(name: str, context: Context, what: str) -> SummitEntry:
    """The summit, provided that it was neither over nor called off on the day of what is said."""
    entry = the_summit(name, context)
    if entry.status != "planned" and not (
        entry.status == "held" and context.said_on < entry.first and context.said_on < context.today
    ):
        raise WrongState(
            f"Nobody can be {what} summit {entry.id}: it was {entry.status}. See the others: "
            f"handrail summit list"
        )
    return entry


def the_invitation(command: InvitationCommand, state: State, what: str) -> Invitation:
    """The invitation, provided that the LEA has one that stands.

    Raises:
        Unknown: It was never invited.
        WrongState: It declined, or the summit moved to days on which it is in recess.
    """
    found = state.of(Invitations).all.get(command.summit)
    if found is None or found.status == "none":
        known = state.of(Invitations).all
        raise Unknown(
            f"{state.id} is not invited to summit {command.summit}. "
            f"{did_you_mean(command.summit, known)}"
            f"Invite it: handrail summit invite {command.summit} {state.id}"
        )
    if found.status in ("declined", "cancelled"):
        raise WrongState(
            f"{state.id} cannot be {what} summit {found.summit}: the invitation was "
            f"{found.status}. To invite it again: handrail summit invite {found.summit} {state.id}"
        )
    return found


@decides(InviteToSummit)
def invite(command: InviteToSummit, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    rules = summit_rules(state, context)
    entry = ahead(command.summit, context, "invited to")
    not_in_the_future(context.effective_on, "The invitation", context)
    known = invitation_in(state, entry.id)
    if known.status in ("invited", "registered"):
        raise AlreadyExists(
            f"{state.id} is {known.status} for summit {entry.id} already. To record who comes: "
            f"handrail summit register {entry.id} {state.id} --places ROLE=NUMBER"
        )
    if coached_since(state) is None:
        raise WrongState(
            f"{state.id} is {engagement.phase}: an LEA is invited to summits once its agreement is "
            f"effective. See where it stands: handrail engagement show {state.id}"
        )
    out = state.of(Coaching).out.get(rules.opt_out_prong)
    if out:
        raise WrongState(
            f"{state.id} is out of {rules.opt_out_prong} since {spoken(out.on)} ({out.reason}). "
            f"If it takes part again: handrail prong opt-in {state.id} {rules.opt_out_prong}"
        )
    if entry.registration_due < context.said_on:
        raise ImpossibleDate(
            f"Registration for summit {entry.id} ended on {spoken(entry.registration_due)}. Give "
            f"it more time first: handrail summit reschedule {entry.id} --first {entry.first} "
            f"--registration-due DATE"
        )
    recess = in_recess(entry, state, context)
    if recess and command.waive is None:
        raise ImpossibleDate(
            f"{state.id} is in recess ({recess}) when summit {entry.id} takes place, "
            f"{span(entry.first, entry.last)}. Leave it out, or say why it is invited all the "
            f"same: --waive REASON"
        )
    return [
        SummitInvited(
            summit=entry.id,
            title=entry.title,
            place=entry.place,
            first=entry.first,
            last=entry.last,
            registration_due=entry.registration_due,
            hours=entry.hours,
            round=entry.round,
            waived=Sealed(about=state.stream, text=command.waive)
            if command.waive and recess
            else None,
        ),
        # Both know of it or neither does; a summit that moves meanwhile is read anew.
        On(
            stream_of("summit", entry.id),
            EngagementInvited(engagement=state.id, lea=engagement.lea),
            entry.version,
        ),
    ]


@evolves(SummitInvited)
def summit_invited(state: State, event: SummitInvited, stamp: Stamp) -> State:
    known = invitation_in(state, event.summit)
    past = known.past
    if known.registration_due and known.status in ("declined", "cancelled"):
        past = (*past, (known.registration_due, known.status))
    later = known.round > event.round  # Folded by effective date, a move may come before.
    return with_invitation(
        state,
        replace(
            known,
            title=event.title,
            place=known.place if later else event.place,
            status="registered" if known.status == "registered" else "invited",
            first=known.first if later else event.first,
            last=known.last if later else event.last,
            registration_due=known.registration_due if later else event.registration_due,
            hours=event.hours,
            called_off_as=None,
            round=max(known.round, event.round),
            seen=max(known.seen, event.round),
            not_followed=known.not_followed if known.seen > event.round else None,
            past=past,
        ),
    )


@decides(RegisterForSummit)
def register(command: RegisterForSummit, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    rules = summit_rules(state, context)
    entry = ahead(command.summit, context, "registered for")
    invitation = the_invitation(command, state, "registered for")
    not_in_the_future(context.effective_on, "The registration", context)
    if invitation.not_followed:
        raise WrongState(
            f"{state.id} did not follow summit {entry.id} to {span(entry.first, entry.last)}: "
            f"{invitation.not_followed}. If it comes all the same: handrail summit follow "
            f"{entry.id} {state.id} --waive REASON"
        )
    people = tuple(dict.fromkeys(of_the_lea(p, engagement, context).id for p in command.people))
    no = f"is no role at a summit in {context.the_playbook.ref}"
    places = {
        the_named(role, rules.roles, no, "Name one of").id: number
        for role, number in command.places.items()
    }
    if not people and not places:
        raise Incomplete(
            f"Who comes from {engagement.lea_name} to summit {entry.id}? Name them with --person "
            f"PERSON, or say how many with --places ROLE=NUMBER. Nobody at all: handrail summit "
            f"decline-invitation {entry.id} {state.id} --reason REASON"
        )
    evidence_for(command.person, command.evidence, "The registration")
    person = of_the_lea(command.person, engagement, context).id if command.person else None
    if invitation.status == "registered" and (people, places) == (
        invitation.people,
        dict(invitation.places),
    ):
        raise AlreadyExists(
            f"{state.id} is registered for summit {entry.id} so already. See it: handrail summit "
            f"show {entry.id}"
        )
    coming = HoursAsked(entry.id, f"Summit {entry.id}", entry.first, entry.hours, agreed=True)
    asked = [coming] if entry.hours else []
    return [
        *within_burden(state, context, asked, command.waive_burden),
        SummitRegistered(
            summit=entry.id,
            on=context.effective_on,
            people=people,
            places=places,
            person=person,
            evidence=Sealed(about=person, text=command.evidence)
            if person and command.evidence
            else None,
        ),
    ]


@evolves(SummitRegistered)
def summit_registered(state: State, event: SummitRegistered, stamp: Stamp) -> State:
    known = invitation_in(state, event.summit)
    status: InvitationStatus = known.status if known.status == "cancelled" else "registered"
    return with_invitation(
        state, replace(known, status=status, people=event.people, places=dict(event.places))
    )


@decides(DeclineSummit)
def decline(command: DeclineSummit, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    entry = ahead(command.summit, context, "excused from")
    invitation = the_invitation(command, state, "excused from")
    not_in_the_future(context.effective_on, "The answer", context)
    evidence_for(command.person, command.evidence, "The answer")
    person = of_the_lea(command.person, engagement, context).id if command.person else None
    return [
        SummitDeclined(
            summit=invitation.summit,
            on=context.effective_on,
            reason=Sealed(about=state.stream, text=command.reason),
            person=person,
            evidence=Sealed(about=person, text=command.evidence)
            if person and command.evidence
            else None,
        ),
        On(stream_of("summit", entry.id), EngagementDeclined(engagement=state.id), entry.version),
    ]


@evolves(SummitDeclined)
def summit_declined(state: State, event: SummitDeclined, stamp: Stamp) -> State:
    known = invitation_in(state, event.summit)
    return with_invitation(
        state, replace(known, status="declined", people=(), places={}, not_followed=None)
    )


@owes
def registration_owed(state: State, context: Context) -> Iterable[Obligation]:
    """The LEA owes the registration, by the day the summit says."""
    rules = context.the_playbook.summits
    out = rules is not None and rules.opt_out_prong in state.of(Coaching).out
    for i in state.of(Invitations).all.values():
        if i.registration_due is None:
            continue
        over: str | None = i.status if i.status != "invited" else None
        if over is None and (i.began or out):
            over = "begun" if i.began else "opted out"
        dates = (*i.past, (i.registration_due, over))
        for number, (due, settled) in enumerate(dates, start=1):
            yield Obligation(
                item=hanging(i.summit, "registration"),
                title=f"Registration for summit {i.summit} {i.title}".rstrip(),
                round=number,
                due=due,
                owner="lea_contact",
                side="lea",
                ask=_asked(i),
                command=f"handrail summit register {i.summit} {state.id} --places ROLE=NUMBER "
                f"--for PERSON --evidence REFERENCE",
                policy=rules.registration_policy if rules else None,
                settled=settled,
                held=i.not_followed,
            )


def _asked(i: Invitation) -> str:
    """What the registration is for, and how to answer."""
    answer = "say who comes, by name or how many in which role, or that nobody does."
    if not i.first or not i.last:
        return answer.capitalize()
    worth = f", {lea_hours(i.hours)}" if i.hours else ""
    return f"{span(i.first, i.last)} in {i.place}{worth}: {answer}"


@asks
def hours_of_summits(state: State) -> Iterable[HoursAsked]:
    """A summit asks hours of the LEA's people; they are agreed once it has registered."""
    for i in state.of(Invitations).all.values():
        if i.stands and i.first and i.hours:
            yield HoursAsked(
                i.summit, f"Summit {i.summit}", i.first, i.hours, i.status == "registered"
            )
