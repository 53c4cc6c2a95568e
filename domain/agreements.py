"""Agreements: drafted at no cost to the LEA, effective only when both boards have finally acted."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from domain.calendar import spoken
from domain.context import Context
from domain.engagement import (
    evidence_for,
    moved_to,
    not_in_the_future,
    running,
)
from domain.errors import (
    AlreadyExists,
    ChargedToLea,
    ImpossibleDate,
    Incomplete,
    Unknown,
    WrongState,
    did_you_mean,
)
from domain.kernel import (
    Decision,
    EngagementCommand,
    Event,
    Line,
    Option,
    PersonRef,
    Positional,
    Stamp,
    State,
    decides,
    evolves,
)
from domain.personal import Sealed

BoardAct = Literal["approved", "denied", "continued", "signed", "ratified"]
BoardState = Literal["pending", "continued", "signed", "approved", "ratified", "denied"]
FINAL: frozenset[BoardState] = frozenset({"approved", "ratified"})


class DraftAgreement(EngagementCommand):
    """Draft the agreement and make an item for each of the two boards. The LEA never pays."""

    noun = "agreement"
    verb = "draft"

    charge: Decimal = Field(default=Decimal(0), ge=0)
    """Dollars charged to the LEA: only 0 is possible."""


class ActOnAgreement(EngagementCommand):
    """Record what a board did with the agreement.

    approved, denied, continued to a later meeting, signed under delegation (which binds nobody
    before the board ratifies), or ratified.
    """

    noun = "agreement"
    verb = "act"

    board: Annotated[Line, Positional()]
    """Which board: lea or ccee."""
    action: Annotated[BoardAct, Positional()]
    """What it did."""
    meeting: date
    """The day of the meeting, or of the signature under delegation."""
    next_meeting: date | None = None
    """For continued: the meeting to which it was continued."""
    vote: Annotated[str, StringConstraints(pattern=r"^\d{1,2}-\d{1,2}(-\d{1,2})?$")] | None = None
    """The vote as yes-no or yes-no-abstained, for example 4-1."""
    minutes: Line | None = None
    """Where the minutes are."""
    person: Annotated[PersonRef | None, Option("for")] = None
    """Who reported it, if it was not you, for example the board clerk."""
    evidence: Line | None = None
    """Where that is written down."""


class AgreementDrafted(Event):
    type: ClassVar[str] = "agreement-drafted"
    agreement: str
    boards: tuple[str, ...]
    on: date

    def sentence(self) -> str:
        boards = " and ".join(self.boards)
        return f"Agreement {self.agreement} drafted at no cost to the LEA; boards: {boards}."


class BoardActed(Event):
    type: ClassVar[str] = "board-acted"
    agreement: str
    board: str
    action: BoardAct
    meeting: date
    next_meeting: date | None = None
    vote: str | None = None
    minutes: str | None = None
    reported_by: str | None = None
    evidence: Sealed | None = None

    def came_true(self) -> date:
        return self.meeting

    def sentence(self) -> str:
        done = {
            "approved": "approved",
            "denied": "denied",
            "continued": "continued",
            "signed": "signed under delegation, pending ratification,",
            "ratified": "ratified",
        }[self.action]
        return (
            f"{self.board.upper()} board {done} {self.agreement} on {spoken(self.meeting)}"
            + (f", vote {self.vote}" if self.vote else "")
            + (f", continued to {spoken(self.next_meeting)}" if self.next_meeting else "")
            + (f", reported by {self.reported_by}" if self.reported_by else "")
            + "."
        )


class AgreementEffective(Event):
    type: ClassVar[str] = "agreement-effective"
    agreement: str
    on: date

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        return f"{self.agreement} is effective {spoken(self.on)}: both boards have finally acted."


@dataclass(frozen=True, slots=True)
class BoardItem:
    """Where an agreement stands with one board."""

    state: BoardState = "pending"
    meeting: date | None = None
    next_meeting: date | None = None


@dataclass(frozen=True, slots=True)
class Agreement:
    """One agreement between the agency and the LEA."""

    id: str
    drafted_on: date
    boards: Mapping[str, BoardItem] = field(default_factory=dict)
    effective_on: date | None = None

    @property
    def denied_by(self) -> tuple[str, ...]:
        """The boards that said no."""
        return tuple(b for b, item in self.boards.items() if item.state == "denied")


@dataclass(frozen=True, slots=True)
class Agreements:
    """All agreements of the engagement, oldest first."""

    all: tuple[Agreement, ...] = ()

    @property
    def latest(self) -> Agreement | None:
        """The one in play; None before the first draft."""
        return self.all[-1] if self.all else None


@decides(DraftAgreement)
def draft_agreement(command: DraftAgreement, state: State, context: Context) -> Decision:
    engagement = running(state, context)
    if command.charge:
        raise ChargedToLea(
            f"{state.id}: the draft charges the LEA ${command.charge:,.2f}, but the LEA never "
            f"pays. Leave out --charge, and record what the agency spends with "
            f"handrail investment add."
        )
    if engagement.phase == "recruiting":
        raise WrongState(
            f"{state.id} is recruiting: fit comes before the agreement. Decide it first: "
            f"handrail fit decide {state.id} --proceed"
        )
    latest = state.of(Agreements).latest
    if latest and not latest.denied_by:
        raise AlreadyExists(
            f"{state.id} has agreement {latest.id} of {spoken(latest.drafted_on)} already, "
            f"{'effective' if latest.effective_on else 'before the boards'}. Record what the "
            f"boards do with it: handrail agreement act {state.id} BOARD ACTION --meeting DATE"
        )
    not_in_the_future(context.effective_on, "The draft", context)
    return [
        AgreementDrafted(
            agreement=f"A{len(state.of(Agreements).all) + 1}",
            boards=tuple(b.id for b in context.the_playbook.boards),
            on=context.effective_on,
        )
    ]


@evolves(AgreementDrafted)
def agreement_drafted(state: State, event: AgreementDrafted, stamp: Stamp) -> State:
    known = _get(state, event.agreement, event.on)
    boards = {**{b: BoardItem() for b in event.boards}, **known.boards}
    return _put(state, replace(known, drafted_on=event.on, boards=boards))


@decides(ActOnAgreement)
def act_on_agreement(command: ActOnAgreement, state: State, context: Context) -> Decision:
    running(state, context)
    agreement = state.of(Agreements).latest
    if agreement is None:
        raise WrongState(
            f"{state.id} has no agreement a board could act on. Draft it first: "
            f"handrail agreement draft {state.id}"
        )
    item = agreement.boards.get(command.board)
    if item is None:
        raise Unknown(
            f"{command.board!r} is not one of the boards of {agreement.id}. "
            f"{did_you_mean(command.board, agreement.boards)} "
            f"The boards: {', '.join(agreement.boards)}."
        )
    evidence_for(command.person, command.evidence, "The board's action")
    reporter = context.person(command.person) if command.person else None
    not_in_the_future(command.meeting, "The meeting", context)
    if command.meeting < agreement.drafted_on:
        raise ImpossibleDate(
            f"{state.id}: the {command.board} board cannot have acted on {agreement.id} on "
            f"{spoken(command.meeting)}: it was drafted on {spoken(agreement.drafted_on)}. Give "
            f"the day of the meeting."
        )
    if item.meeting and command.meeting < item.meeting:
        raise ImpossibleDate(
            f"{state.id}: the {command.board} board acted on {agreement.id} on "
            f"{spoken(item.meeting)} already, so an action of {spoken(command.meeting)} cannot "
            f"follow it. Give the day of the later meeting."
        )
    if item.state in FINAL or item.state == "denied":
        assert item.meeting is not None
        way = (
            f"Draft a new one: handrail agreement draft {state.id}"
            if item.state == "denied"
            else "Nothing more is needed from this board."
        )
        raise WrongState(
            f"{state.id}: the {command.board} board has finally acted on {agreement.id}: "
            f"{item.state} on {spoken(item.meeting)}. {way}"
        )
    if command.action == "ratified" and item.state != "signed":
        raise WrongState(
            f"{state.id}: {agreement.id} cannot be ratified by the {command.board} board: only "
            f"what was signed under delegation is ratified, and it is {item.state}. Record the "
            f"signature first (handrail agreement act {state.id} {command.board} signed "
            f"--meeting DATE), or record the vote as approved."
        )
    if command.action == "signed" and item.state == "signed":
        raise AlreadyExists(
            f"{state.id}: {agreement.id} is signed for the {command.board} side already, pending "
            f"ratification. Record the ratification: "
            f"handrail agreement act {state.id} {command.board} ratified --meeting DATE"
        )
    if command.action == "continued":
        if command.next_meeting is None:
            raise Incomplete(
                f"{state.id}: continued to when? Add --next-meeting DATE, the meeting to which "
                f"the {command.board} board continued {agreement.id}."
            )
        if command.next_meeting <= command.meeting:
            raise ImpossibleDate(
                f"{state.id}: {agreement.id} cannot be continued from "
                f"{spoken(command.meeting)} to {spoken(command.next_meeting)}: the next meeting "
                f"must be later. Correct --next-meeting."
            )
    elif command.next_meeting is not None:
        raise WrongState(
            f"{state.id}: --next-meeting {command.next_meeting} belongs to an item that was "
            f"continued, not to one that was {command.action}. Leave it out."
        )
    acted = BoardActed(
        agreement=agreement.id,
        board=command.board,
        action=command.action,
        meeting=command.meeting,
        next_meeting=command.next_meeting,
        vote=command.vote,
        minutes=command.minutes,
        reported_by=reporter.id if reporter else None,
        evidence=Sealed(about=reporter.id, text=command.evidence)
        if reporter and command.evidence
        else None,
    )
    others = [i for b, i in agreement.boards.items() if b != command.board]
    if command.action in FINAL and all(other.state in FINAL for other in others):
        dates = [command.meeting, *(other.meeting for other in others if other.meeting)]
        return [acted, AgreementEffective(agreement=agreement.id, on=max(dates))]
    return [acted]


def _get(state: State, agreement_id: str, on: date) -> Agreement:
    """The agreement; a blank one where facts folded by effective date come before its draft."""
    known = (a for a in state.of(Agreements).all if a.id == agreement_id)
    return next(known, Agreement(id=agreement_id, drafted_on=on))


def _put(state: State, agreement: Agreement) -> State:
    all_ = {a.id: a for a in state.of(Agreements).all}
    return state.put(Agreements(tuple({**all_, agreement.id: agreement}.values())))


@evolves(BoardActed)
def board_acted(state: State, event: BoardActed, stamp: Stamp) -> State:
    agreement = _get(state, event.agreement, event.meeting)
    before = agreement.boards.get(event.board, BoardItem())
    # A continued item that was signed is still signed: only the ratification moves.
    now: BoardState = (
        "signed" if event.action == "continued" and before.state == "signed" else event.action
    )
    item = BoardItem(state=now, meeting=event.meeting, next_meeting=event.next_meeting)
    return _put(state, replace(agreement, boards={**agreement.boards, event.board: item}))


@evolves(AgreementEffective)
def agreement_effective(state: State, event: AgreementEffective, stamp: Stamp) -> State:
    agreement = _get(state, event.agreement, event.on)
    return moved_to(_put(state, replace(agreement, effective_on=event.on)), "onboarding")
