"""The evidence log of a review: what was gathered for each area, by method and group."""

from dataclasses import replace
from datetime import date
from typing import Annotated, ClassVar

from pydantic import Field

from domain.kernel.fields import Line, Positional
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State, next_name
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import AlreadyExists, ImpossibleDate, Unknown
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.policy.calendar import spoken
from domain.review.review import AreaId, Gathered, Review, area_named, reviewing, rules_of
from domain.review.waves import wave_named
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.named import the_named
from domain.rules.registry import decides, evolves

about_noun("evidence", "Log what a review's areas rest on, by method and group.")


class LogEvidence(EngagementCommand):
    """Log evidence gathered for an area of the review."""

    noun = "evidence"
    verb = "log"

    area: AreaId
    """The area, by its id or its number in the framework."""
    method: Line
    """How, by a method of the playbook, for example interview, walk or document."""
    group: Line
    """Whom or what it is from, for example "elementary teachers"; kept encrypted."""
    count: int = Field(default=1, ge=1, le=10_000)
    """How many: interviews, groups, classrooms or documents."""
    wave: Line | None = None
    """The wave that brought it, for example W1."""


class WithdrawEvidence(EngagementCommand):
    """Take back an entry of the evidence log that was wrong."""

    noun = "evidence"
    verb = "withdraw"

    entry: Annotated[Line, Positional()]
    """The entry's id, for example E3."""
    reason: Line
    """What was wrong with it."""


class EvidenceLogged(Event):
    type: ClassVar[str] = "evidence-logged"
    entry: str
    area: str
    method: str
    group: Sealed
    count: int
    on: date
    wave: str | None = None

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        return (
            f"{self.entry}: evidence for {self.area} on {spoken(self.on)}, "
            f"{self.method.replace('-', ' ')} × {self.count}: {self.group}"
            + (f" ({self.wave})." if self.wave else ".")
        )


class EvidenceWithdrawn(Event):
    type: ClassVar[str] = "evidence-withdrawn"
    entry: str
    reason: Sealed

    def sentence(self) -> str:
        return f"{self.entry} was taken back: {full(self.reason)}"


@decides(LogEvidence)
def log_evidence(command: LogEvidence, state: State, context: Context) -> Decision:
    review = reviewing(state, context)
    area = area_named(command.area, review, state)
    not_in_the_future(context.effective_on, "The evidence", context)
    methods, method = rules_of(state, context).evidence_methods, command.method
    if methods:
        no = f"is no way of gathering evidence in {context.the_playbook.ref}"
        method = the_named(method, methods, no, "The methods:").id
    wave = wave_named(command.wave, review, state) if command.wave else None
    if wave and wave.received_on and context.effective_on < wave.received_on:
        raise ImpossibleDate(
            f"{state.id}: evidence that {wave.id} brought cannot be dated "
            f"{spoken(context.effective_on)}: it was received on {spoken(wave.received_on)}. "
            f"Correct --on, or leave --wave out."
        )
    said = (area.id, method, command.count, context.effective_on, wave and wave.id)
    group = Sealed(about=state.stream, text=command.group)
    twin = next(
        (
            e
            for e in review.evidence.values()
            if (e.area, e.method, e.count, e.on, e.wave) == said
            and e.group == group
            and not e.withdrawn
        ),
        None,
    )
    if twin:
        raise AlreadyExists(
            f"{state.id}: {twin.id} logs {method} × {command.count} for {area.id} on "
            f"{spoken(context.effective_on)} from {command.group!r} already. If there were more, "
            f"take it back and log them together with --count: handrail evidence withdraw "
            f"{state.id} {twin.id} --reason REASON; or say more exactly whom it is from: --group"
        )
    return [
        EvidenceLogged(
            entry=next_name(state, "E", review.evidence),
            area=area.id,
            method=method,
            group=group,
            count=command.count,
            on=context.effective_on,
            wave=wave.id if wave else None,
        )
    ]


def _keep(state: State, entry: Gathered) -> State:
    review = state.of(Review)
    return state.put(replace(review, evidence={**review.evidence, entry.id: entry}))


@evolves(EvidenceLogged)
def evidence_logged(state: State, event: EvidenceLogged, stamp: Stamp) -> State:
    known = state.of(Review).evidence.get(event.entry, Gathered(event.entry))
    return _keep(
        state,
        replace(
            known,
            area=event.area,
            method=event.method,
            group=event.group,
            count=event.count,
            on=event.on,
            wave=event.wave,
        ),
    )


@decides(WithdrawEvidence)
def withdraw_evidence(command: WithdrawEvidence, state: State, context: Context) -> Decision:
    review = reviewing(state, context)
    entry = review.evidence.get(command.entry.upper())
    not_in_the_future(context.effective_on, "The taking back", context)
    if entry is None or entry.withdrawn:
        standing = [e.id for e in review.evidence.values() if not e.withdrawn]
        raise Unknown(
            f"{state.id}: the evidence log has no entry {command.entry!r} to take back. Name one "
            f"that stands: {', '.join(standing) or 'there is none'}."
        )
    reason = Sealed(about=state.stream, text=command.reason)
    return [EvidenceWithdrawn(entry=entry.id, reason=reason)]


@evolves(EvidenceWithdrawn)
def evidence_withdrawn(state: State, event: EvidenceWithdrawn, stamp: Stamp) -> State:
    known = state.of(Review).evidence.get(event.entry, Gathered(event.entry))
    return _keep(state, replace(known, withdrawn=True))
