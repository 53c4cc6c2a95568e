"""Lead handover: set ahead of its day, prepared by an overlap meeting, brought about by time."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from typing import ClassVar, Literal

from domain.engagement.engagement import RoleAssigned
from domain.engagement.guards import before_assigning
from domain.engagement.state import Engagement, EngagementRole, Tenure
from domain.kernel.bounds import Day
from domain.kernel.fields import Line, PersonRef
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State, next_name
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import AlreadyExists, ImpossibleDate, WrongState
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.owing.coming import Coming, comes_true
from domain.policy.authority import Holder
from domain.policy.calendar import at_local, local_date, spoken
from domain.policy.parts import HandoverRules
from domain.rules.authority import require
from domain.rules.context import Context
from domain.rules.days import within_reach
from domain.rules.registry import decides, evolves

about_noun("lead", "Hand over to another Lead, with a packet; see who leads how much.")

Status = Literal["pending", "effective", "overtaken", "cancelled", "replaced"]


class HandOverLead(EngagementCommand):
    """Hand an engagement over to another Lead, from --on on, which may lie ahead.

    On that day the role changes by itself; until then the Lead stays the Lead.
    """

    noun = "lead"
    verb = "handover"

    to: PersonRef
    """Who will be Lead."""
    reason: Line
    """Why, for example "Marcus moves to another county"."""
    overlap: Day | None = None
    """The day on which both Leads meet; by the playbook, so many working days before, if left
    out. A handover that takes effect at once owes no meeting unless a day is named."""
    replace: bool = False
    """Put this in the place of the handover that is set and not yet effective."""


class CancelHandover(EngagementCommand):
    """Cancel the handover that is set and not yet effective: the Lead stays."""

    noun = "lead"
    verb = "handover-cancel"
    happened = "The cancelling"

    reason: Line
    """Why it does not come about."""


class HandoverSet(Event):
    type: ClassVar[str] = "handover-set"
    handover: str
    before: str
    to: str
    effective: date
    set_on: date
    reason: Sealed
    overlap: date | None = None
    contact_by: date | None = None
    replaces: str | None = None

    def came_true(self) -> date:
        return min(self.set_on, self.effective)

    def sentence(self) -> str:
        return (
            f"{self.handover}: {self.before} hands over to {self.to} on {spoken(self.effective)}"
            + (f", in the place of {self.replaces}" if self.replaces else "")
            + f": {full(self.reason)}"
            + (f" They meet by {spoken(self.overlap)}." if self.overlap else "")
        )


class HandoverCancelled(Event):
    type: ClassVar[str] = "handover-cancelled"
    handover: str
    reason: Sealed

    def sentence(self) -> str:
        return f"{self.handover} was cancelled: {full(self.reason)}"


@dataclass(frozen=True, slots=True)
class Handover:
    """One handover; its `facts` are missing where facts folded by effective date come first."""

    id: str
    facts: HandoverSet | None = None
    nth: int = 0
    """How many Leads the engagement had had when it was set."""
    ended: Literal["cancelled", "replaced"] | None = None
    met_on: date | None = None
    met_note: Sealed | None = None
    skipped: Sealed | None = None


@dataclass(frozen=True, slots=True)
class Handovers:
    """Every handover that was set, by id."""

    all: Mapping[str, Handover] = field(default_factory=dict)

    def of(self, handover: str) -> Handover:
        """One handover; an empty one where nothing of it is known yet."""
        return self.all.get(handover) or Handover(handover)


def lead_tenures(state: State) -> list[Tenure]:
    """Who was Lead, in the order in which they were assigned."""
    return [t for t in state.of(Engagement).tenures if t.role == "lead"]


def status_of(handover: Handover, state: State) -> Status:
    """What became of a handover: the tenures of the Leads say whether its day has come."""
    if handover.ended or handover.facts is None:
        return handover.ended or "cancelled"
    since = lead_tenures(state)[handover.nth :]
    if not since:
        return "pending"
    return "effective" if [t.person for t in since] == [handover.facts.to] else "overtaken"


def pending(state: State) -> HandoverSet | None:
    """The handover that is set and not yet effective; at most one is."""
    found = [h for h in state.of(Handovers).all.values() if status_of(h, state) == "pending"]
    return found[-1].facts if found else None


def rules_of(context: Context) -> HandoverRules | None:
    """What the pinned playbook says about handovers; None where it says nothing."""
    return context.the_playbook.handover


def may_make_lead(what: str, state: State, context: Context) -> None:
    """Refuse somebody who has no say in who leads the engagement.

    Raises:
        WrongPerson: Neither the playbook nor, where it is silent, the table of authority has them.
    """
    rules = rules_of(context)
    own: Mapping[str, Holder] = {"lead": "its-lead"}
    by = [own.get(role, role) for role in rules.by] if rules else "engagement assign lead"
    require(f"{what} {state.id}", by, context, lead=state.of(Engagement).roles["lead"])


@decides(HandOverLead)
def hand_over(command: HandOverLead, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    may_make_lead("hand over", state, context)
    outgoing, effective = engagement.roles["lead"], context.effective_on
    within_reach(effective, "The handover on", context)
    to = context.staff(command.to, "lead")
    standing = pending(state)
    if to.id == outgoing:
        keep = (
            f" To call off the handover to {standing.to}: handrail lead handover-cancel {state.id} "
            f"--reason REASON"
            if standing
            else ""
        )
        raise AlreadyExists(
            f"{state.id}: {to.id} is the Lead already. Name somebody else: "
            f"handrail person list --organisation agency.{keep}"
        )
    _not_set_twice(command, to.id, standing, state, context)
    since = lead_tenures(state)[-1].since
    if context.effective_at < since:
        raise ImpossibleDate(
            f"{state.id}: {outgoing} is Lead since {spoken(local_date(since, context.zone))} and "
            f"cannot have handed over on {spoken(effective)}. Give a later day: --on DATE"
        )
    rules = rules_of(context)
    at_once = effective <= context.today
    within = rules.contact_within_days if rules else None
    facts = HandoverSet(
        handover=next_name(state, "LH", state.of(Handovers).all),
        before=outgoing,
        to=to.id,
        effective=effective,
        set_on=context.today,
        reason=Sealed(about=state.stream, text=command.reason),
        overlap=_overlap(command, effective, rules, state, context),
        contact_by=max(effective, context.today) + timedelta(days=within) if within else None,
        replaces=standing.handover if standing else None,
    )
    return [facts, _change(facts)] if at_once else [facts]


def _not_set_twice(
    command: HandOverLead, to: str, standing: HandoverSet | None, state: State, context: Context
) -> None:
    """Refuse a second handover, unless it replaces the first with something else."""
    if standing is None:
        if command.replace:
            raise WrongState(
                f"{state.id}: no handover is set, so there is nothing to replace. Leave out "
                f"--replace."
            )
        return
    told = f"{standing.handover} to {standing.to} on {spoken(standing.effective)}"
    same_day = command.overlap in (None, standing.overlap)
    if (to, context.effective_on) == (standing.to, standing.effective) and same_day:
        raise AlreadyExists(
            f"{state.id}: {told} is set already. Nothing more is needed; see it: "
            f"handrail engagement show {state.id}"
        )
    if not command.replace:
        raise AlreadyExists(
            f"{state.id}: {told} is set already. Put this one in its place: add --replace; or call "
            f"it off: handrail lead handover-cancel {state.id} --reason REASON"
        )


def _overlap(
    command: HandOverLead,
    effective: date,
    rules: HandoverRules | None,
    state: State,
    context: Context,
) -> date | None:
    """The day by which both Leads meet: the one named, or the playbook's; None for no meeting."""
    days, on = context.agency_days, command.overlap
    if on is None:
        if rules is None or effective <= context.today:
            return None
        soonest = days.forward(context.today + timedelta(days=1))
        return max(days.add(effective, -rules.overlap_working_days), soonest)
    if on < context.today:
        raise ImpossibleDate(
            f"{state.id}: the meeting of {spoken(on)} lies behind us: today is "
            f"{spoken(context.today)}. Leave out --overlap, then record that they met: "
            f"handrail handover meet {state.id} --on {on}"
        )
    if effective > context.today and on > effective:
        raise ImpossibleDate(
            f"{state.id}: the meeting of {spoken(on)} is after the handover of "
            f"{spoken(effective)}. Give a day before it, or leave out --overlap."
        )
    within_reach(on, "The meeting of", context)
    if why_not := days.why_not(on):
        raise ImpossibleDate(
            f"{state.id}: {spoken(on)} is {why_not}. Give a working day of the agency: the nearest "
            f"are {spoken(days.back(on))} and {spoken(days.forward(on))}."
        )
    return on


def _change(facts: HandoverSet) -> RoleAssigned:
    return RoleAssigned(role="lead", person=facts.to, before=facts.before)


def moment_of(facts: HandoverSet, zone: str) -> datetime:
    """When the role changes: as its day begins where the program is."""
    return at_local(facts.effective, time(0), zone)


@comes_true
def the_day_of_a_handover(state: State, context: Context) -> Iterable[Coming]:
    """The new Lead takes over as the day of the handover begins."""
    facts = pending(state)
    if facts is not None:
        yield Coming(moment_of(facts, context.zone), _change(facts))


def put(state: State, handover: Handover) -> State:
    """The state with what is known of one handover replaced."""
    known = state.of(Handovers).all
    return state.put(Handovers({**known, handover.id: handover}))


def _incoming(state: State, person: str | None) -> State:
    engagement = state.of(Engagement)
    roles: dict[EngagementRole, str] = dict(engagement.roles)
    roles.pop("incoming_lead", None)
    if person is not None:
        roles["incoming_lead"] = person
    return state.put(replace(engagement, roles=roles))


@evolves(HandoverSet)
def handover_set(state: State, event: HandoverSet, stamp: Stamp) -> State:
    if event.replaces:
        before = state.of(Handovers).of(event.replaces)
        state = put(state, replace(before, ended="replaced"))
    known = state.of(Handovers).of(event.handover)
    state = put(state, replace(known, facts=event, nth=len(lead_tenures(state))))
    return _incoming(state, event.to)


@decides(CancelHandover)
def cancel(command: CancelHandover, state: State, context: Context) -> Decision:
    may_make_lead("keep the Lead of", state, context)
    facts = pending(state)
    if facts is None:
        raise WrongState(
            f"{state.id}: no handover is set that could be cancelled. To make somebody else Lead: "
            f"handrail lead handover {state.id} --to PERSON --reason REASON"
        )
    outgoing = context.people.get(facts.before)
    if outgoing is not None and outgoing.left_on is not None:
        raise WrongState(
            f"{state.id}: {facts.before} leaves on {spoken(outgoing.left_on)}, so somebody must "
            f"take over. Name somebody else: handrail lead handover {state.id} --to PERSON "
            f"--on {facts.effective} --reason REASON --replace"
        )
    reason = Sealed(about=state.stream, text=command.reason)
    return [HandoverCancelled(handover=facts.handover, reason=reason)]


@evolves(HandoverCancelled)
def handover_cancelled(state: State, event: HandoverCancelled, stamp: Stamp) -> State:
    known = state.of(Handovers).of(event.handover)
    return _incoming(put(state, replace(known, ended="cancelled")), None)


@before_assigning
def _who_makes_somebody_lead(
    role: EngagementRole, before: str, state: State, context: Context
) -> None:
    if role == "lead":
        may_make_lead("say who is Lead of", state, context)
