"""What a handover owes: a meeting of both Leads, then a first contact by the new one."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from typing import ClassVar

from domain.coaching.contacts import Coaching, coached_since
from domain.engagement.state import Engagement
from domain.kernel.bounds import Day
from domain.kernel.fields import Line, Prose
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import AlreadyExists, ImpossibleDate, WrongState
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.owing.items import hanging
from domain.owing.obligations import Obligation, owes
from domain.policy.calendar import local_date, spoken
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves
from domain.team.handover import Handover, Handovers, HandoverSet, Status, put, rules_of, status_of

about_noun("handover", "Record the meeting of the outgoing and the new Lead.")


class MeetForHandover(EngagementCommand):
    """Record that the outgoing and the new Lead met."""

    noun = "handover"
    verb = "meet"
    stated = frozenset({"on"})

    on: Day | None = None
    """The day on which they met."""
    note: Prose | None = None
    """What was handed on, for the record."""


class SkipMeeting(EngagementCommand):
    """Record that the two Leads will not meet, for example because the one has left already."""

    noun = "handover"
    verb = "skip"
    happened = "The decision"

    reason: Line
    """Why they do not meet."""


class HandoverMet(Event):
    type: ClassVar[str] = "handover-met"
    handover: str
    on: date
    note: Sealed | None = None

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        return f"{self.handover}: the two Leads met on {spoken(self.on)}" + (
            f": {self.note}" if self.note else "."
        )


class MeetingSkipped(Event):
    type: ClassVar[str] = "handover-meeting-skipped"
    handover: str
    reason: Sealed

    def sentence(self) -> str:
        return f"{self.handover}: the two Leads do not meet: {full(self.reason)}"


def _whose_meeting(state: State) -> Handover:
    """The handover whose meeting is owed.

    Raises:
        WrongState: None is.
        AlreadyExists: It is settled.
    """
    live = [
        h
        for h in state.of(Handovers).all.values()
        if h.facts and h.facts.overlap and status_of(h, state) in ("pending", "effective")
    ]
    if not live:
        raise WrongState(
            f"{state.id}: no handover owes a meeting of its Leads. See where it stands: "
            f"handrail engagement show {state.id}"
        )
    if live[-1].met_on:
        raise AlreadyExists(
            f"{state.id}: the Leads of {live[-1].id} met on {spoken(live[-1].met_on)} already. "
            f"Nothing more is needed."
        )
    if live[-1].skipped:
        raise AlreadyExists(
            f"{state.id}: it is recorded that the Leads of {live[-1].id} do not meet "
            f"({live[-1].skipped}). Nothing more is needed."
        )
    return live[-1]


@decides(MeetForHandover)
def meet(command: MeetForHandover, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    on = command.on or context.effective_on
    not_in_the_future(on, "The meeting", context)
    handover = _whose_meeting(state)
    assert engagement.opened_at is not None
    opened = local_date(engagement.opened_at, context.zone)
    if on < opened:
        raise ImpossibleDate(
            f"{state.id}: they cannot have met on {spoken(on)}, for it was opened on "
            f"{spoken(opened)}. Give the day on which they met: --on DATE"
        )
    note = Sealed(about=state.stream, text=command.note) if command.note else None
    return [HandoverMet(handover=handover.id, on=on, note=note)]


@evolves(HandoverMet)
def handover_met(state: State, event: HandoverMet, stamp: Stamp) -> State:
    known = state.of(Handovers).of(event.handover)
    return put(state, replace(known, met_on=event.on, met_note=event.note))


@decides(SkipMeeting)
def skip(command: SkipMeeting, state: State, context: Context) -> Decision:
    handover = _whose_meeting(state)
    reason = Sealed(about=state.stream, text=command.reason)
    return [MeetingSkipped(handover=handover.id, reason=reason)]


@evolves(MeetingSkipped)
def meeting_skipped(state: State, event: MeetingSkipped, stamp: Stamp) -> State:
    known = state.of(Handovers).of(event.handover)
    return put(state, replace(known, skipped=event.reason))


_OVER: Mapping[Status, str] = {
    "cancelled": "handover cancelled",
    "replaced": "handover replaced",
    "overtaken": "the Lead changed again",
}


@owes
def handovers_owe(state: State, context: Context) -> Iterable[Obligation]:
    """A meeting of both Leads, then a first contact by the new one."""
    rules = rules_of(context)
    for handover in state.of(Handovers).all.values():
        facts = handover.facts
        if facts is None:
            continue
        status = status_of(handover, state)
        over = _OVER.get(status)
        if facts.overlap:
            met = "met" if handover.met_on else "no meeting" if handover.skipped else None
            yield Obligation(
                hanging(handover.id, "overlap"),
                "Meeting of the outgoing and the new Lead",
                1,
                facts.overlap,
                "lead",
                "agency",
                "Meet with the other Lead of this handover, go through the packet, and record it.",
                f"handrail handover meet {state.id} --on DATE",
                rules.policy if rules else None,
                met or over,
                others="See that both Leads meet; whoever of them comes first records it.",
            )
        if facts.contact_by and status != "pending" and coached_since(state):
            yield Obligation(
                hanging(handover.id, "contact"),
                "First contact by the new Lead",
                1,
                facts.contact_by,
                "lead",
                "agency",
                "Be in contact with the LEA's leadership as its new Lead, and log it.",
                f"handrail contact log {state.id} --kind KIND --with PERSON --purpose PURPOSE",
                rules.contact_policy if rules else None,
                over or _first_contact(facts, state),
            )


def _first_contact(facts: HandoverSet, state: State) -> str | None:
    """What settles the first contact of a new Lead."""
    coaching = state.of(Coaching)
    if "coaching" in coaching.out:
        return "opted out"
    logged = any(
        c.counts and c.coach == facts.to and c.on >= facts.effective for c in coaching.contacts
    )
    return "contact logged" if logged else None
