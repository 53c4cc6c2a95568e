"""Agreements: drafted at no cost to the LEA, effective only when both boards have finally acted."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints

from domain.agreements.agenda import (
    Agenda,
    AgendaItem,
    Posting,
    changed,
    ended,
    next_posting,
    standing,
)
from domain.engagement.guards import evidence_for
from domain.engagement.state import Engagement, moved_to
from domain.kernel.bounds import Day
from domain.kernel.fields import Line, Option, PersonRef, Positional
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State, next_name
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import (
    AlreadyExists,
    ChargedToLea,
    ImpossibleDate,
    Incomplete,
    Unknown,
    WrongState,
    did_you_mean,
)
from domain.kernel.sealed import Sealed
from domain.kernel.wording import dollars
from domain.policy.calendar import LocalHour, spoken
from domain.rules.context import Context
from domain.rules.days import not_in_the_future, within_reach
from domain.rules.registry import decides, evolves

about_noun("agreement", "Draft the agreement and record what both boards do with it.")

BoardAct = Literal["approved", "denied", "continued", "signed", "ratified"]
BoardState = Literal["pending", "continued", "signed", "approved", "ratified", "denied"]
FINAL: frozenset[BoardState] = frozenset({"approved", "ratified"})
AgreementType = Literal["engagement", "renewal", "amendment", "data-sharing"]
MAIN: AgreementType = "engagement"


class DraftAgreement(EngagementCommand):
    """Draft an agreement and make an item for each of the two boards. The LEA never pays."""

    noun = "agreement"
    verb = "draft"

    type: Annotated[AgreementType, Option("kind")] = MAIN
    """engagement (the agreement itself), renewal, amendment or data-sharing."""
    about: Line | None = None
    """What it is about in a line, for example "a second year"; shown wherever it is named."""
    until: Annotated[Day | None, Option("last")] = None
    """The last day of its term; leave it out for an agreement without an end."""
    charge: Decimal = Field(default=Decimal(0), ge=0, max_digits=12, decimal_places=2)
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
    action: Annotated[BoardAct, Positional(), Option("decision")]
    """What it did."""
    meeting: Annotated[Day, Option("on")]
    """The day of the meeting, or of the signature under delegation."""
    next_meeting: Annotated[Day | None, Option("next")] = None
    """For continued: the meeting to which it was continued."""
    next_at: LocalHour | None = None
    """For continued: the local hour of that meeting; that of the last one if left out."""
    agreement: Line | None = None
    """Which agreement, for example A2, where several are before the boards."""
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
    kind: AgreementType = MAIN
    of: str | None = None
    """The agreement that a renewal or an amendment belongs to."""
    about: str | None = None
    until: date | None = None
    """The last day of its term."""

    def sentence(self) -> str:
        boards = " and ".join(self.boards)
        what = "" if self.kind == MAIN else f" ({_named(self.kind, self.of)})"
        about = f", {self.about}," if self.about else ""
        about += f" until {spoken(self.until)}" if self.until else ""
        return (
            f"Agreement {self.agreement}{what}{about} drafted at no cost to the LEA; boards: "
            f"{boards}."
        )


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
    on_consent: bool = False
    """Approved with the rest of the consent agenda, without a vote of its own."""
    posting: Posting | None = None
    """For continued: the next meeting with the new deadline of its agenda."""

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
            + (", on consent" if self.on_consent else "")
            + (f", vote {self.vote}" if self.vote else "")
            + (f", continued to {spoken(self.next_meeting)}" if self.next_meeting else "")
            + (f", {self.posting.deadline}" if self.posting else "")
            + (f", reported by {self.reported_by}" if self.reported_by else "")
            + "."
        )


class AgreementEffective(Event):
    type: ClassVar[str] = "agreement-effective"
    agreement: str
    on: date
    kind: AgreementType = MAIN

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
    agenda: Agenda = field(default_factory=dict)

    @property
    def on_agenda(self) -> AgendaItem | None:
        """The item that stands on an agenda of this board now."""
        return standing(self.agenda)

    @property
    def is_final(self) -> bool:
        """Whether the board's item takes no further action."""
        return self.state in FINAL or self.state == "denied"


@dataclass(frozen=True, slots=True)
class Agreement:
    """One agreement between the agency and the LEA."""

    id: str
    drafted_on: date
    boards: Mapping[str, BoardItem] = field(default_factory=dict)
    effective_on: date | None = None
    kind: AgreementType = MAIN
    of: str | None = None
    about: str | None = None
    until: date | None = None

    @property
    def in_play(self) -> bool:
        """Whether the boards have still to act on it."""
        return self.effective_on is None and not self.denied_by

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
        """The one drafted last; None before the first draft."""
        return self.all[-1] if self.all else None

    @property
    def main(self) -> Agreement | None:
        """The agreement on the engagement itself: the last draft of it."""
        return next((a for a in reversed(self.all) if a.kind == MAIN), None)

    @property
    def effective_on(self) -> date | None:
        """Since when the engagement itself is agreed on; None while it is not."""
        return self.main.effective_on if self.main else None


def _named(kind: AgreementType, of: str | None) -> str:
    return f"{kind} of {of}" if of else kind


def agreement_for(state: State, named: str | None) -> Agreement:
    """The agreement that a command is about: the one named, or the only one before the boards.

    Raises:
        WrongState: None was drafted.
        Unknown: None has that name.
        Incomplete: Several are before the boards, and none was named.
    """
    agreements = state.of(Agreements)
    if agreements.latest is None:
        raise WrongState(
            f"{state.id} has no agreement a board could act on. Draft it first: "
            f"handrail agreement draft {state.id}"
        )
    ids = {a.id: a for a in agreements.all}
    if named is not None:
        if named.upper() not in ids:
            raise Unknown(
                f"{state.id} has no agreement {named!r}. {did_you_mean(named, ids)}"
                f"The agreements: {', '.join(ids)}. See handrail engagement show {state.id}"
            )
        return ids[named.upper()]
    in_play = [a for a in agreements.all if a.in_play]
    if len(in_play) > 1:
        told = ", ".join(f"{a.id} ({_named(a.kind, a.of)})" for a in in_play)
        raise Incomplete(
            f"{state.id} has several agreements before the boards: {told}. Say which: "
            f"--agreement {in_play[0].id}"
        )
    return in_play[0] if in_play else agreements.latest


def board_item(agreement: Agreement, board: str) -> BoardItem:
    """Where an agreement stands with a board.

    Raises:
        Unknown: It goes before no board of that name.
    """
    item = agreement.boards.get(board)
    if item is None:
        raise Unknown(
            f"{board!r} is not one of the boards of {agreement.id}. "
            f"{did_you_mean(board, agreement.boards)}"
            f"The boards: {', '.join(agreement.boards)}."
        )
    return item


@decides(DraftAgreement)
def draft_agreement(command: DraftAgreement, state: State, context: Context) -> Decision:
    engagement = state.of(Engagement)
    if command.charge:
        raise ChargedToLea(
            f"{state.id}: the draft charges the LEA {dollars(command.charge)}, but the LEA never "
            f"pays. Leave out --charge, and record what the agency spends with "
            f"handrail investment add."
        )
    if engagement.phase == "recruiting":
        raise WrongState(
            f"{state.id} is recruiting: fit comes before the agreement. Decide it first: "
            f"handrail fit decide {state.id} --proceed"
        )
    agreements = state.of(Agreements)
    main = agreements.main
    of = None
    if command.type in ("renewal", "amendment"):
        if main is None or main.effective_on is None:
            raise WrongState(
                f"{state.id}: there is nothing a {command.type} could belong to: the agreement on "
                f"the engagement is {'before the boards' if main else 'not drafted'}. Record what "
                f"the boards do with it first: handrail agreement act {state.id} BOARD DECISION "
                f"--on DATE"
            )
        of = main.id
    alone = command.type in (MAIN, "renewal")
    twins = [a for a in agreements.all if a.kind == command.type and not a.denied_by]
    latest = next((a for a in reversed(twins) if a.kind == MAIN or a.in_play), None)
    if alone and latest:
        raise AlreadyExists(
            f"{state.id} has agreement {latest.id} of {spoken(latest.drafted_on)} already, "
            f"{'effective' if latest.effective_on else 'before the boards'}. Record what the "
            f"boards do with it: handrail agreement act {state.id} BOARD DECISION --on DATE"
        )
    not_in_the_future(context.effective_on, "The draft", context)
    if command.until is not None:
        if command.until <= context.said_on:
            raise ImpossibleDate(
                f"{state.id}: a term that ends on {spoken(command.until)} is over before it "
                f"begins. Give a day after {context.said_when}, or leave --last out."
            )
        within_reach(command.until, "The end of the term,", context)
    return [
        AgreementDrafted(
            agreement=next_name(state, "A", (a.id for a in state.of(Agreements).all)),
            boards=tuple(b.id for b in context.the_playbook.boards),
            on=context.effective_on,
            kind=command.type,
            of=of,
            about=command.about,
            until=command.until,
        )
    ]


@evolves(AgreementDrafted)
def agreement_drafted(state: State, event: AgreementDrafted, stamp: Stamp) -> State:
    known = get_agreement(state, event.agreement, event.on)
    boards = {**{b: BoardItem() for b in event.boards}, **known.boards}
    return put_agreement(
        state,
        replace(
            known,
            drafted_on=event.on,
            boards=boards,
            kind=event.kind,
            of=event.of,
            about=event.about,
            until=event.until,
        ),
    )


@decides(ActOnAgreement)
def act_on_agreement(command: ActOnAgreement, state: State, context: Context) -> Decision:
    agreement = agreement_for(state, command.agreement)
    item = board_item(agreement, command.board)
    evidence_for(command.person, command.evidence, "The board's action")
    reporter = context.person(command.person) if command.person else None
    not_in_the_future(command.meeting, "The meeting", context)
    if command.meeting < agreement.drafted_on:
        raise ImpossibleDate(
            f"{state.id}: the {command.board.upper()} board cannot have acted on {agreement.id} on "
            f"{spoken(command.meeting)}: it was drafted on {spoken(agreement.drafted_on)}. Give "
            f"the day of the meeting."
        )
    if item.meeting and command.meeting < item.meeting:
        raise ImpossibleDate(
            f"{state.id}: the {command.board.upper()} board acted on {agreement.id} on "
            f"{spoken(item.meeting)} already, so an action of {spoken(command.meeting)} cannot "
            f"follow it. Give the day of the later meeting."
        )
    if item.next_meeting and command.meeting == item.meeting and command.action != "continued":
        raise ImpossibleDate(
            f"{state.id}: the {command.board.upper()} board continued {agreement.id} on "
            f"{spoken(command.meeting)} to {spoken(item.next_meeting)}, so it did nothing else "
            f"with it at that meeting. Give the day of the later meeting."
        )
    if item.is_final:
        assert item.meeting is not None
        way = (
            f"Draft a new one: handrail agreement draft {state.id}"
            if item.state == "denied"
            else "Nothing more is needed from this board."
        )
        raise WrongState(
            f"{state.id}: the {command.board.upper()} board has finally acted on {agreement.id}: "
            f"{item.state} on {spoken(item.meeting)}. {way}"
        )
    if command.action == "ratified" and item.state != "signed":
        raise WrongState(
            f"{state.id}: {agreement.id} cannot be ratified by the {command.board.upper()} board: "
            f"only what was signed under delegation is ratified, and it is {item.state}. Record "
            f"the signature first (handrail agreement act {state.id} {command.board} signed "
            f"--on DATE), or record the vote as approved."
        )
    if command.action == "signed" and item.state == "signed":
        raise AlreadyExists(
            f"{state.id}: {agreement.id} is signed for the {command.board.upper()} side already, "
            f"pending ratification. Record the ratification: handrail agreement act {state.id} "
            f"{command.board} ratified --on DATE"
        )
    if command.action == "continued":
        if command.next_meeting is None:
            raise Incomplete(
                f"{state.id}: continued to when? Add --next DATE, the meeting to which "
                f"the {command.board.upper()} board continued {agreement.id}."
            )
        if command.next_meeting <= command.meeting:
            raise ImpossibleDate(
                f"{state.id}: {agreement.id} cannot be continued from "
                f"{spoken(command.meeting)} to {spoken(command.next_meeting)}: the next meeting "
                f"must be later. Correct --next."
            )
        within_reach(command.next_meeting, "The next meeting", context)
    elif command.next_meeting is not None or command.next_at is not None:
        said = (
            f"--next {command.next_meeting}"
            if command.next_meeting
            else f"--next-at {command.next_at:%H:%M}"
        )
        raise WrongState(
            f"{state.id}: {said} belongs to an item that was "
            f"continued, not to one that was {command.action}. Leave it out."
        )
    on_agenda = item.on_agenda
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
        on_consent=command.action in FINAL and on_agenda is not None and on_agenda.on_consent,
        posting=next_posting(
            item.agenda, command.board, command.next_meeting, command.next_at, context
        )
        if command.next_meeting
        else None,
    )
    others = [i for b, i in agreement.boards.items() if b != command.board]
    if command.action in FINAL and all(other.state in FINAL for other in others):
        dates = [command.meeting, *(other.meeting for other in others if other.meeting)]
        effective = AgreementEffective(agreement=agreement.id, on=max(dates), kind=agreement.kind)
        return [acted, effective]
    return [acted]


def get_agreement(state: State, agreement_id: str, on: date) -> Agreement:
    """The agreement; a blank one where facts folded by effective date come before its draft."""
    known = (a for a in state.of(Agreements).all if a.id == agreement_id)
    return next(known, Agreement(id=agreement_id, drafted_on=on))


def put_agreement(state: State, agreement: Agreement) -> State:
    """The state with one agreement replaced or added."""
    all_ = {a.id: a for a in state.of(Agreements).all}
    return state.put(Agreements(tuple({**all_, agreement.id: agreement}.values())))


@evolves(BoardActed)
def board_acted(state: State, event: BoardActed, stamp: Stamp) -> State:
    agreement = get_agreement(state, event.agreement, event.meeting)
    before = agreement.boards.get(event.board, BoardItem())
    # A continued item that was signed is still signed: only the ratification moves.
    now: BoardState = (
        "signed" if event.action == "continued" and before.state == "signed" else event.action
    )
    # A signature under delegation comes between meetings: what stands on an agenda stays on it.
    agenda = before.agenda if event.action == "signed" else ended(before.agenda, event.action)
    if event.posting:
        agenda = changed(agenda, event.posting.round, posting=event.posting)
    item = BoardItem(
        state=now, meeting=event.meeting, next_meeting=event.next_meeting, agenda=agenda
    )
    return put_agreement(state, replace(agreement, boards={**agreement.boards, event.board: item}))


@evolves(AgreementEffective)
def agreement_effective(state: State, event: AgreementEffective, stamp: Stamp) -> State:
    agreement = get_agreement(state, event.agreement, event.on)
    state = put_agreement(state, replace(agreement, effective_on=event.on, kind=event.kind))
    return moved_to(state, "onboarding") if event.kind == MAIN else state
