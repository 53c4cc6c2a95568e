"""Evidence requests: waves that cost the LEA hours, due only once both sides have signed."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar

from domain.engagement.burden import (
    Ahead,
    BurdenWaiver,
    HoursAsked,
    asks,
    look_ahead,
    proposable,
    within_burden,
)
from domain.engagement.guards import evidence_for, of_the_lea
from domain.engagement.state import Engagement
from domain.kernel.bounds import Day
from domain.kernel.fields import Hours, LeaHours, Line, Option, PersonRef, Positional
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State, next_name
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import AlreadyExists, Unknown, WrongState
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full, lea_hours
from domain.owing.obligations import Obligation, Side, owes
from domain.owing.signing import Proposal, may_sign, possible_due, signatures_owed, signed_told
from domain.policy.calendar import spoken
from domain.review.review import Review, Wave, reviewing, rules_of
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves

about_noun("sir wave", "Evidence requests, in waves that cost the LEA hours.")


class _WaveCommand(EngagementCommand):
    wave: Annotated[Line, Positional()]
    """The wave's id, for example W1."""


class ProposeWave(EngagementCommand):
    """Propose a wave of evidence requests. Nobody is reminded until both sides have signed."""

    noun = "sir wave"
    verb = "propose"

    title: Line
    """What is asked for, for example "Planning documents and calendars"."""
    due: Day
    """The due date to agree on: a working day of the LEA, after today."""
    hours: LeaHours
    """Hours of work it costs the LEA."""
    waive_burden: BurdenWaiver = None


class SignWave(_WaveCommand):
    """Sign a wave as proposed: the Lead for the agency, or with --for a person of the LEA."""

    noun = "sir wave"
    verb = "sign"

    person: Annotated[PersonRef | None, Option("for")] = None
    """Who at the LEA signed; leave it out when you sign as the Lead."""
    evidence: Line | None = None
    """Where the LEA's signature is, for example "mail of 3 November"."""
    waive_burden: BurdenWaiver = None


class RedateWave(_WaveCommand):
    """Propose another due date, or other hours. What was agreed stands until both have signed."""

    noun = "sir wave"
    verb = "redate"

    due: Day
    """The new due date: a working day of the LEA, after today."""
    hours: LeaHours | None = None
    """The hours it costs, if they change."""
    reason: Line
    """Why, for example "the summit is on that day"."""
    waive_burden: BurdenWaiver = None


class ReceiveWave(_WaveCommand):
    """Record that the LEA sent what the wave asked for."""

    noun = "sir wave"
    verb = "receive"

    person: Annotated[PersonRef, Option("for")]
    """Who at the LEA sent it."""
    evidence: Line
    """Where it is, for example "shared folder, wave 1"."""


class DropWave(_WaveCommand):
    """Ask for a wave no more; its reminders end."""

    noun = "sir wave"
    verb = "drop"
    ends = True

    reason: Line
    """Why, for example "the county holds these documents"."""


class WaveProposed(Event):
    type: ClassVar[str] = "wave-proposed"
    wave: str
    title: str
    due: date
    hours: Hours
    ahead: Ahead | None = None

    def sentence(self) -> str:
        return (
            f"{self.wave} {self.title!r} proposed, due {spoken(self.due)}, {lea_hours(self.hours)}."
            + (self.ahead.sentence() if self.ahead else "")
        )


class WaveRedateProposed(Event):
    type: ClassVar[str] = "wave-redate-proposed"
    wave: str
    due: date
    hours: Hours | None = None
    reason: Sealed
    ahead: Ahead | None = None

    def sentence(self) -> str:
        return (
            f"{self.wave}: new due date {spoken(self.due)} proposed"
            + (f", {lea_hours(self.hours)}" if self.hours is not None else "")
            + f": {full(self.reason)}"
            + (self.ahead.sentence() if self.ahead else "")
        )


class WaveSigned(Event):
    type: ClassVar[str] = "wave-signed"
    wave: str
    side: Side
    person: str
    due: date
    evidence: Sealed | None = None

    def sentence(self) -> str:
        return signed_told(self.wave, self.due, self.side, self.person, self.evidence)


class WaveAgreed(Event):
    type: ClassVar[str] = "wave-agreed"
    wave: str
    round: int
    due: date
    hours: Hours

    def sentence(self) -> str:
        return f"{self.wave} is agreed: due {spoken(self.due)}, {lea_hours(self.hours)}."


class WaveReceived(Event):
    type: ClassVar[str] = "wave-received"
    wave: str
    on: date
    person: str
    evidence: Sealed

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        return f"{self.wave} received on {spoken(self.on)} from {self.person} ({self.evidence})."


class WaveDropped(Event):
    type: ClassVar[str] = "wave-dropped"
    wave: str
    reason: Sealed

    def sentence(self) -> str:
        return f"{self.wave} is asked for no more: {full(self.reason)}"


def wave_named(ref: str, review: Review, state: State) -> Wave:
    """A wave by id.

    Raises:
        Unknown: There is none of this id.
    """
    found = review.waves.get(ref.strip().upper())
    if found is None:
        known = ", ".join(f"{w.id} ({w.title})" for w in review.waves.values())
        raise Unknown(
            f"{state.id} has no wave {ref!r}. "
            + (
                f"Name one that it has: {known}."
                if known
                else f"It has none yet. Propose one: handrail sir wave propose {state.id} "
                f"--title TITLE --due DATE --hours N"
            )
        )
    return found


def still_asked_for(ref: str, review: Review, state: State, what: str) -> Wave:
    wave = wave_named(ref, review, state)
    if wave.status in ("received", "dropped"):
        when = f" on {spoken(wave.received_on)}" if wave.received_on else f" ({wave.dropped})"
        raise WrongState(
            f"{state.id}: {wave.id} {wave.title!r} cannot be {what}: it was {wave.status}{when}. "
            f"To ask for more: handrail sir wave propose {state.id} --title TITLE --due DATE "
            f"--hours N"
        )
    return wave


def wave_in(state: State, wave: str) -> Wave:
    """The wave; a blank one where facts folded by effective date come before its proposal."""
    return state.of(Review).waves.get(wave, Wave(wave, title=wave))


def with_wave(state: State, wave: Wave) -> State:
    review = state.of(Review)
    return state.put(replace(review, waves={**review.waves, wave.id: wave}))


@decides(ProposeWave)
def propose_wave(command: ProposeWave, state: State, context: Context) -> Decision:
    review = reviewing(state, context)
    rules_of(state, context)
    not_in_the_future(context.effective_on, "The proposal", context)
    possible_due(command.due, state, context)
    twin = next(
        (
            w
            for w in review.waves.values()
            if w.title.casefold() == command.title.casefold() and w.status in ("proposed", "agreed")
        ),
        None,
    )
    if twin:
        raise AlreadyExists(
            f"{state.id} has {twin.id} {twin.title!r} already ({twin.status}). To move its date: "
            f"handrail sir wave redate {state.id} {twin.id} --due DATE --reason REASON"
        )
    new = Wave(next_name(state, "W", review.waves), title=command.title, hours=command.hours)
    asked = _asking(new, command.due, new.hours, agreed=False)
    return [
        *proposable(state, context, [asked], command.waive_burden),
        WaveProposed(
            wave=new.id,
            title=command.title,
            due=command.due,
            hours=command.hours,
            ahead=look_ahead(state, context, asked),
        ),
    ]


@evolves(WaveProposed)
def wave_proposed(state: State, event: WaveProposed, stamp: Stamp) -> State:
    wave = wave_in(state, event.wave)
    fresh = wave.status == "proposed" and wave.proposal is None
    return with_wave(
        state,
        replace(
            wave,
            title=event.title,
            hours=event.hours if wave.due is None else wave.hours,
            proposal=Proposal(event.due, at=stamp.effective_at) if fresh else wave.proposal,
        ),
    )


@decides(RedateWave)
def redate_wave(command: RedateWave, state: State, context: Context) -> Decision:
    review = reviewing(state, context)
    wave = still_asked_for(command.wave, review, state, "re-dated")
    not_in_the_future(context.effective_on, "The proposal", context)
    possible_due(command.due, state, context)
    due = wave.proposal.due if wave.proposal else wave.due
    hours = wave.hours if wave.proposed_hours is None else wave.proposed_hours
    if command.due == due and command.hours in (None, hours):
        raise AlreadyExists(
            f"{state.id}: {wave.id} is due {spoken(command.due)} for {lea_hours(hours)} already. "
            "Give "
            f"another date or other hours, or sign: handrail sir wave sign {state.id} {wave.id}"
        )
    asked = _asking(
        wave, command.due, hours if command.hours is None else command.hours, agreed=False
    )
    return [
        *proposable(state, context, [asked], command.waive_burden),
        WaveRedateProposed(
            wave=wave.id,
            due=command.due,
            hours=command.hours,
            reason=Sealed(about=state.stream, text=command.reason),
            ahead=look_ahead(state, context, asked),
        ),
    ]


@evolves(WaveRedateProposed)
def wave_redate_proposed(state: State, event: WaveRedateProposed, stamp: Stamp) -> State:
    wave = wave_in(state, event.wave)
    hours = wave.proposed_hours if event.hours is None else event.hours
    proposal = Proposal(event.due, at=stamp.effective_at)
    return with_wave(state, replace(wave, proposal=proposal, proposed_hours=hours))


@decides(SignWave)
def sign_wave(command: SignWave, state: State, context: Context) -> Decision:
    review = reviewing(state, context)
    wave = still_asked_for(command.wave, review, state, "signed")
    evidence_for(command.person, command.evidence, "The LEA's signature")
    not_in_the_future(context.effective_on, "The signature", context)
    proposal, person, side = may_sign(wave, "sir wave", command.person, state, context)
    hours = wave.hours if wave.proposed_hours is None else wave.proposed_hours
    asked = _asking(wave, proposal.due, hours)
    waived = within_burden(state, context, [asked], command.waive_burden)
    signed = WaveSigned(
        wave=wave.id,
        side=side,
        person=person.id,
        due=proposal.due,
        evidence=Sealed(about=person.id, text=command.evidence) if command.evidence else None,
    )
    if not proposal.signed:
        return [*waived, signed]
    return [
        *waived,
        signed,
        WaveAgreed(
            wave=wave.id,
            # Other hours on the same day are no other round.
            round=wave.round + (1 if wave.due not in (None, proposal.due) else 0),
            due=proposal.due,
            hours=hours,
        ),
    ]


@evolves(WaveSigned)
def wave_signed(state: State, event: WaveSigned, stamp: Stamp) -> State:
    wave = wave_in(state, event.wave)
    proposal = wave.proposal or Proposal(event.due)
    signed = proposal.with_signature(event.side, event.person)
    return with_wave(state, replace(wave, proposal=signed))


@evolves(WaveAgreed)
def wave_agreed(state: State, event: WaveAgreed, stamp: Stamp) -> State:
    wave = wave_in(state, event.wave)
    return with_wave(
        state,
        replace(
            wave,
            due=event.due,
            hours=event.hours,
            round=event.round,
            past=wave.past
            + (((wave.due, "re-dated"),) if wave.due not in (None, event.due) else ()),
            proposal=None,
            proposed_hours=None,
        ),
    )


@decides(ReceiveWave)
def receive_wave(command: ReceiveWave, state: State, context: Context) -> Decision:
    review = reviewing(state, context)
    wave = still_asked_for(command.wave, review, state, "received")
    person = of_the_lea(command.person, state.of(Engagement), context)
    not_in_the_future(context.effective_on, "The receipt", context)
    if wave.due is None:
        raise WrongState(
            f"{state.id}: {wave.id} {wave.title!r} cannot be received: it is {wave.status}. Sign "
            f"it first: handrail sir wave sign {state.id} {wave.id}"
        )
    return [
        WaveReceived(
            wave=wave.id,
            on=context.effective_on,
            person=person.id,
            evidence=Sealed(about=person.id, text=command.evidence),
        )
    ]


@evolves(WaveReceived)
def wave_received(state: State, event: WaveReceived, stamp: Stamp) -> State:
    wave = wave_in(state, event.wave)
    return with_wave(state, replace(wave, received_on=event.on, proposal=None, proposed_hours=None))


@decides(DropWave)
def drop_wave(command: DropWave, state: State, context: Context) -> Decision:
    review = reviewing(state, context)
    wave = still_asked_for(command.wave, review, state, "dropped")
    not_in_the_future(context.effective_on, "The dropping", context)
    reason = Sealed(about=state.stream, text=command.reason)
    return [WaveDropped(wave=wave.id, reason=reason)]


@evolves(WaveDropped)
def wave_dropped(state: State, event: WaveDropped, stamp: Stamp) -> State:
    wave = wave_in(state, event.wave)
    return with_wave(state, replace(wave, dropped=str(event.reason), proposal=None))


def _asking(wave: Wave, due: date, hours: Decimal, *, agreed: bool = True) -> HoursAsked:
    return HoursAsked(wave.id, wave.title, due, hours, agreed)


@asks
def waves_asked(state: State) -> Iterable[HoursAsked]:
    """Each wave by its due date, until it is dropped or the review is final without it."""
    review = state.of(Review)
    for w in review.waves.values():
        if w.status == "dropped" or (review.finalized_on and w.status != "received"):
            continue
        if w.due:
            yield _asking(w, w.due, w.hours)
        if w.proposal:
            hours = w.hours if w.proposed_hours is None else w.proposed_hours
            yield _asking(w, w.proposal.due, hours, agreed=False)


@owes
def waves_owed(state: State, context: Context) -> Iterable[Obligation]:
    """The LEA owes what an agreed wave asks for; whoever has not signed owes a signature."""
    review = state.of(Review)
    rules = context.the_playbook.review
    policy = rules.wave_policy if rules else None
    for w in review.waves.values():
        ask = "Send what the request asks for by the due date, or ask for another date."
        command = f"handrail sir wave receive {state.id} {w.id} --for PERSON --evidence REFERENCE"
        over: str | None = w.status if w.status in ("received", "dropped") else None
        if over is None and review.finalized_on:
            over = "final"
        dates = w.past + (((w.due, over),) if w.due else ())
        for number, (due, settled) in enumerate(dates, start=1):
            yield Obligation(
                w.id, w.title, number, due, "lea_contact", "lea", ask, command, policy, settled
            )
        if w.proposal or w.due or over:
            yield from signatures_owed(
                (w.id, w.title, len(w.past) + 1),
                None if over else w.proposal,
                over or "signed",
                f"handrail sir wave sign {state.id} {w.id}",
                state,
                context,
            )
