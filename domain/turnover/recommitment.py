"""The LEA's new leader renews the commitment, and its board where that was asked for."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from typing import Annotated, ClassVar

from domain.engagement.guards import of_the_lea
from domain.engagement.state import Engagement, EngagementRole
from domain.kernel.bounds import Day
from domain.kernel.fields import Line, Option, PersonRef
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import WrongPerson, WrongState
from domain.kernel.sealed import Sealed
from domain.owing.obligations import Obligation, owes
from domain.policy.calendar import spoken
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.registry import decides, evolves
from domain.turnover.leavings import (
    Turnover,
    leaving_in,
    lifted,
    not_before_the_announcement,
    rules_of,
    spoken_role,
    with_leaving,
)

about_noun("recommitment", "Record that a new leader, and the board, renew the commitment.")

ITEM = "recommitment/leader"
"""The item under which the new leader's recommitment is owed and reminded of."""


class RecordRecommitment(EngagementCommand):
    """Record that the LEA's new leader renewed the commitment."""

    noun = "recommitment"
    verb = "record"

    person: Annotated[PersonRef, Option("for")]
    """The new leader, who holds the role by now."""
    evidence: Line
    """Where it is written down, for example "letter of 9 September"."""


class ReaffirmCommitment(EngagementCommand):
    """Record that the LEA's board reaffirmed the commitment under its new leader."""

    noun = "recommitment"
    verb = "reaffirm"

    meeting: Annotated[Day, Option("on")]
    """The day of the board's meeting."""
    evidence: Line
    """Where it is written down, for example "minutes, item 12"."""


class Recommitted(Event):
    type: ClassVar[str] = "leader-recommitted"
    leaving: int
    role: EngagementRole
    person: str
    on: date
    evidence: Sealed

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        return (
            f"{self.person}, {spoken_role(self.role)}, renewed the LEA's commitment on "
            f"{spoken(self.on)} ({self.evidence})."
        )


class BoardReaffirmed(Event):
    type: ClassVar[str] = "board-reaffirmed"
    leavings: tuple[int, ...]
    meeting: date
    evidence: Sealed

    def came_true(self) -> date:
        return self.meeting

    def sentence(self) -> str:
        return (
            f"The LEA's board reaffirmed the commitment on {spoken(self.meeting)} "
            f"({self.evidence})."
        )


@decides(RecordRecommitment)
def record_recommitment(command: RecordRecommitment, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    rules_of(state, context)
    not_in_the_future(context.effective_on, "The recommitment", context)
    person = of_the_lea(command.person, engagement, context)
    waiting = [x for x in state.of(Turnover).open if x.recommitted is None]
    if not waiting:
        done = next((x for x in reversed(state.of(Turnover).all) if x.recommitted), None)
        raise WrongState(
            f"{state.id} waits for no leader's recommitment"
            + (
                f"; the last was recorded for {spoken(done.recommitted)}"
                if done and done.recommitted
                else ""
            )
            + f". When a leader leaves: handrail leader leave {state.id} PERSON --last DATE"
        )
    leaving = next((x for x in waiting if engagement.roles.get(x.role) == person.id), None)
    if leaving is None:
        role = waiting[0].role
        now = engagement.roles.get(role)
        raise WrongPerson(
            f"{state.id}: {person.id} is not {spoken_role(role)}"
            + (f"; that is {now}" if now else ", and nobody is")
            + f". Say who is, an interim one as well: handrail engagement assign {state.id} {role} "
            f"@{person.id}"
        )
    if leaving.person == person.id:
        raise WrongPerson(
            f"{state.id}: {person.id} is leaving, with {spoken(leaving.last_day)} as the last day, "
            f"so the recommitment is for whoever comes after. If they stay: handrail leader stay "
            f"{state.id} @{person.id} --reason REASON"
        )
    on = context.effective_on
    not_before_the_announcement(on, "The recommitment", leaving, state)
    recommitted = Recommitted(
        leaving=leaving.n,
        role=leaving.role,
        person=person.id,
        on=on,
        evidence=Sealed(about=person.id, text=command.evidence),
    )
    return [recommitted, *lifted({leaving.n: {"recommitted": on}}, on, state, context)]


@evolves(Recommitted)
def recommitted(state: State, event: Recommitted, stamp: Stamp) -> State:
    return with_leaving(
        state,
        replace(
            leaving_in(state, event.leaving), recommitted=event.on, recommitted_by=event.person
        ),
    )


@decides(ReaffirmCommitment)
def reaffirm(command: ReaffirmCommitment, state: State, context: Context) -> Decision:
    rules_of(state, context)
    not_in_the_future(command.meeting, "The board's meeting", context)
    not_in_the_future(context.effective_on, "The reaffirmation", context)
    waiting = [x for x in state.of(Turnover).open if x.board_reaffirms and x.reaffirmed is None]
    if not waiting:
        raise WrongState(
            f"{state.id} waits for no board to reaffirm its commitment. See where it stands: "
            f"handrail team show {state.id}"
        )
    for leaving in waiting:
        not_before_the_announcement(command.meeting, "The board's meeting", leaving, state)
    reaffirmed = BoardReaffirmed(
        leavings=tuple(x.n for x in waiting),
        meeting=command.meeting,
        evidence=Sealed(about=state.stream, text=command.evidence),
    )
    news: dict[int, dict[str, object]] = {x.n: {"reaffirmed": command.meeting} for x in waiting}
    return [reaffirmed, *lifted(news, command.meeting, state, context)]


@evolves(BoardReaffirmed)
def board_reaffirmed(state: State, event: BoardReaffirmed, stamp: Stamp) -> State:
    for n in event.leavings:
        state = with_leaving(state, replace(leaving_in(state, n), reaffirmed=event.meeting))
    return state


@owes
def recommitment_owed(state: State, context: Context) -> Iterable[Obligation]:
    """The Lead owes a talk that renews the commitment; the LEA's board may have to follow."""
    rules = context.the_playbook.turnover
    found = state.of(Turnover)
    if rules is None:
        return
    last = {x.role: x.n for x in found.all}
    for x in found.all:
        settled = "stays" if x.stayed else None
        if last[x.role] != x.n:
            settled = settled or "another change of leader"
        yield Obligation(
            ITEM,
            f"Recommitment of the LEA's new {spoken_role(x.role)}",
            x.n,
            x.recommit_by,
            "lead",
            "agency",
            "Meet the new leader, renew the commitment, and record it.",
            f"handrail recommitment record {state.id} --for PERSON --evidence REFERENCE",
            rules.policy,
            "recommitted" if x.recommitted else settled,
        )
        if x.board_reaffirms:
            yield Obligation(
                "recommitment/board",
                "The LEA's board reaffirms the commitment",
                x.n,
                None,
                "lead",
                "agency",
                "Ask for it on the board's agenda, and record what the board did.",
                f"handrail recommitment reaffirm {state.id} --on DATE --evidence REFERENCE",
                None,
                "reaffirmed" if x.reaffirmed else settled,
            )
