"""What an evidence wave need not ask for, because somebody else holds it already."""

from dataclasses import replace
from decimal import Decimal
from typing import Annotated, ClassVar

from pydantic import Field

from domain.kernel.fields import Hours, LeaHours, Line, Option, Positional, Prose
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.refusals import AlreadyExists, ImpossibleDate, Invalid
from domain.kernel.sealed import Sealed
from domain.kernel.wording import lea_hours, plain
from domain.policy.calendar import spoken
from domain.review.review import Spared, reviewing
from domain.review.waves import still_asked_for, wave_in, with_wave
from domain.rules.context import Context
from domain.rules.registry import decides, evolves


class SpareWave(EngagementCommand):
    """Take out of a wave what somebody else holds already: the LEA is spared its hours."""

    noun = "sir wave"
    verb = "spare"

    wave: Annotated[Line, Positional()]
    """The wave's id, for example W1."""
    part: Annotated[Line, Option("document")]
    """What the LEA need not send, for example "LCAP and budget files"."""
    hours: LeaHours = Field(gt=0)
    """Hours of the LEA that are spared."""
    held_by: Line
    """Who holds it, for example "the county office"."""
    reason: Prose | None = None
    """Where it is or why that is enough, for example "the folder of 2 November"."""


class WaveSpared(Event):
    type: ClassVar[str] = "wave-spared"
    wave: str
    part: str
    hours: Hours
    left: Hours
    held_by: Sealed
    reason: Sealed | None = None

    def sentence(self) -> str:
        return (
            f"{self.wave} asks no more for {self.part!r}, which {self.held_by} holds already: "
            f"{lea_hours(self.hours)} spared, {plain(self.left)} left"
            + (f" ({self.reason})." if self.reason else ".")
        )


@decides(SpareWave)
def spare_wave(command: SpareWave, state: State, context: Context) -> Decision:
    review = reviewing(state, context)
    wave = still_asked_for(command.wave, review, state, "lightened")
    if context.effective_on != context.today:
        raise ImpossibleDate(
            f"{state.id}: {wave.id} is lightened from today, {spoken(context.today)}, not from "
            f"{spoken(context.effective_on)}. Leave --on out."
        )
    for known in wave.spared:
        if known.part.casefold() == command.part.casefold():
            raise AlreadyExists(
                f"{state.id}: {wave.id} asks for {known.part!r} no more already, "
                f"{lea_hours(known.hours)} held by {known.held_by}. Give --document another name "
                f"if "
                "it is something else."
            )
    least = min(wave.hours, wave.hours if wave.proposed_hours is None else wave.proposed_hours)
    if command.hours >= least:
        raise Invalid(
            f"{state.id}: {wave.id} {wave.title!r} asks for {lea_hours(least)}, so "
            f"{plain(command.hours)} cannot be spared with something left to send. Give fewer "
            f"--hours, or drop it whole: handrail sir wave drop {state.id} {wave.id} "
            f"--reason REASON"
        )
    return [
        WaveSpared(
            wave=wave.id,
            part=command.part,
            hours=command.hours,
            left=wave.hours - command.hours,
            held_by=Sealed(about=state.stream, text=command.held_by),
            reason=Sealed(about=state.stream, text=command.reason) if command.reason else None,
        )
    ]


@evolves(WaveSpared)
def wave_spared(state: State, event: WaveSpared, stamp: Stamp) -> State:
    wave = wave_in(state, event.wave)
    proposed = wave.proposed_hours
    return with_wave(
        state,
        replace(
            wave,
            hours=event.left,
            proposed_hours=None if proposed is None else max(Decimal(0), proposed - event.hours),
            spared=(*wave.spared, Spared(event.part, event.hours, str(event.held_by))),
        ),
    )
