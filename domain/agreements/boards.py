"""The agenda of each board: submitted, posted in time or late, pulled from consent, no quorum."""

from dataclasses import replace
from datetime import date, datetime
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

from domain.agreements.agenda import (
    AgendaItem,
    MeetingKind,
    Posting,
    act_named,
    changed,
    clocked,
    ended,
    next_posting,
    posting_for,
    standing,
)
from domain.agreements.agreements import (
    Agreement,
    BoardItem,
    agreement_for,
    board_item,
    get_agreement,
    put_agreement,
)
from domain.engagement.guards import evidence_for
from domain.kernel.bounds import Day
from domain.kernel.fields import Line, Option, PersonRef, Positional
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import AlreadyExists, ImpossibleDate, WrongState
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.policy.calendar import LocalHour, at_local, local_date, spoken
from domain.rules.context import Context
from domain.rules.days import not_in_the_future, on_the_clock, within_reach
from domain.rules.registry import decides, evolves

about_noun(
    "board", "Submit an agreement to a board's meeting and record the posting of its agenda."
)

NO_QUORUM = "no quorum"
"""How an item ends at a meeting that could not act."""
MOVED = "moved to another meeting"
"""How an item ends that was submitted anew before its meeting."""


class _BoardCommand(EngagementCommand):
    """What every command about a board's agenda names."""

    board: Annotated[Line, Positional()]
    """Which board: lea or ccee."""
    agreement: Line | None = None
    """Which agreement, for example A2, where several are before the boards."""


def _not_final(agreement: Agreement, item: BoardItem, board: str, state: State) -> None:
    if item.is_final:
        assert item.meeting is not None
        raise WrongState(
            f"{state.id}: the {board.upper()} board has finally acted on {agreement.id}: "
            f"{item.state} on "
            f"{spoken(item.meeting)}. Nothing more is needed from its agenda."
        )


def _on_agenda(agreement: Agreement, board: str, state: State) -> tuple[AgendaItem, Posting]:
    item = board_item(agreement, board)
    _not_final(agreement, item, board, state)
    found = item.on_agenda
    if found is None or found.posting is None:
        raise WrongState(
            f"{state.id}: {agreement.id} is on no agenda of the {board.upper()} board. Submit it "
            f"first: handrail board submit {state.id} {board} --scheduled DATE --at 18:00"
        )
    return found, found.posting


def _evidence(person: str | None, text: str | None) -> Sealed | None:
    return Sealed(about=person, text=text) if person and text else None


def _with_item(state: State, agreement: Agreement, board: str, item: BoardItem) -> State:
    boards = {**agreement.boards, board: item}
    return put_agreement(state, replace(agreement, boards=boards))


class SubmitToBoard(_BoardCommand):
    """Record that the agreement was submitted for the agenda of a board's meeting.

    It says by when the agenda must be posted, worked back from the meeting.
    """

    noun = "board"
    verb = "submit"

    meeting: Annotated[Day, Option("scheduled")]
    """The day of the meeting."""
    at: LocalHour
    """The local hour at which the meeting begins, for example 18:00."""
    meeting_kind: Annotated[MeetingKind, Option("kind")] = "regular"
    """A regular or a special meeting: they are posted differently."""
    consent: bool = False
    """It is to be voted on with the rest of the consent agenda."""
    act: Line | None = None
    """The open-meeting act, where the playbook does not name the one that binds this board."""
    person: Annotated[PersonRef | None, Option("for")] = None
    """Who submitted it, if it was not you, for example the board clerk."""
    evidence: Line | None = None
    """Where that is written down."""


class BoardItemSubmitted(Event):
    type: ClassVar[str] = "board-item-submitted"
    agreement: str
    board: str
    posting: Posting
    consent: bool = False
    submitted_by: str | None = None
    evidence: Sealed | None = None
    too_late: bool = False
    """The agenda could not be posted in time any more."""

    def sentence(self) -> str:
        posting = self.posting
        return (
            f"{self.agreement} submitted to the {self.board.upper()} board"
            + (f" by {self.submitted_by}" if self.submitted_by else "")
            + (" on consent" if self.consent else "")
            + f" for the {posting.kind} meeting of {clocked(posting.meeting_at, posting.zone)}: "
            + f"{posting.deadline}."
            + (
                " That deadline had passed by then: a later meeting has time for its agenda."
                if self.too_late
                else ""
            )
        )


@decides(SubmitToBoard)
def submit_to_board(command: SubmitToBoard, state: State, context: Context) -> Decision:
    agreement = agreement_for(state, command.agreement)
    item = board_item(agreement, command.board)
    _not_final(agreement, item, command.board, state)
    evidence_for(command.person, command.evidence, "The submission")
    submitter = context.person(command.person) if command.person else None
    not_in_the_future(context.effective_on, "The submission", context)
    within_reach(command.meeting, "The meeting", context)
    first = max(agreement.drafted_on, item.meeting or agreement.drafted_on)
    if command.meeting < first:
        raise ImpossibleDate(
            f"{state.id}: {agreement.id} cannot be on the agenda of {spoken(command.meeting)}: "
            f"it was drafted, or the {command.board.upper()} board last acted on it, on "
            f"{spoken(first)}. "
            f"Give the day of a later meeting."
        )
    act = act_named(command.act, command.board, context)
    posting = posting_for(
        item.agenda, command.meeting, command.at, command.meeting_kind, act, context
    )
    now = item.on_agenda
    same = now and now.posting and now.posting.model_copy(update={"round": posting.round})
    if now and same == posting and now.consent == command.consent:
        raise AlreadyExists(
            f"{state.id}: {agreement.id} is on the {command.board.upper()} board's agenda of "
            f"{clocked(posting.meeting_at, posting.zone)} already. Record its posting: handrail "
            f"board post {state.id} {command.board} --on DATE --at HH:MM"
        )
    return [
        BoardItemSubmitted(
            agreement=agreement.id,
            board=command.board,
            posting=posting,
            consent=command.consent,
            submitted_by=submitter.id if submitter else None,
            evidence=_evidence(submitter.id if submitter else None, command.evidence),
            too_late=posting.post_by is not None and _submitted_after(posting.post_by, context),
        )
    ]


def _submitted_after(moment: datetime, context: Context) -> bool:
    """Whether what is recorded came after that moment; of an earlier day only the day is known."""
    if context.effective_on == context.today:
        return context.issued_at > moment
    return context.effective_on > local_date(moment, context.zone)


@evolves(BoardItemSubmitted)
def board_item_submitted(state: State, event: BoardItemSubmitted, stamp: Stamp) -> State:
    agreement = get_agreement(state, event.agreement, event.posting.meeting)
    item = agreement.boards.get(event.board, BoardItem())
    agenda = changed(
        ended(item.agenda, MOVED),
        event.posting.round,
        posting=event.posting,
        consent=event.consent,
        ended=None,
    )
    return _with_item(state, agreement, event.board, replace(item, agenda=agenda))


class PostAgenda(_BoardCommand):
    """Record that the agenda with the agreement was posted, in time or late."""

    noun = "board"
    verb = "post"

    on: Day
    """The day of the posting."""
    at: LocalHour
    """The local hour of the posting, for example 17:20."""
    person: Annotated[PersonRef | None, Option("for")] = None
    """Who posted it, if it was not you, for example the board clerk."""
    evidence: Line | None = None
    """Where it can be seen."""


class AgendaPosted(Event):
    type: ClassVar[str] = "agenda-posted"
    agreement: str
    board: str
    posting: Posting
    at: datetime
    posted_by: str | None = None
    evidence: Sealed | None = None

    def came_true(self) -> date:
        return self.at.astimezone(ZoneInfo(self.posting.zone)).date()

    def sentence(self) -> str:
        by, zone = self.posting.post_by, self.posting.zone
        timely = ""
        if by is not None:
            wanted = clocked(by, zone)
            timely = (
                f", late: it was due by {wanted}" if self.at > by else f", in time for {wanted}"
            )
        if self.at > self.posting.meeting_at:
            timely += (
                f"; the meeting was {clocked(self.posting.meeting_at, zone)}, before the posting"
            )
        return (
            f"Agenda of the {self.board.upper()} board with {self.agreement} posted "
            f"{clocked(self.at, zone)}"
            + (f" by {self.posted_by}" if self.posted_by else "")
            + f"{timely}."
        )


@decides(PostAgenda)
def post_agenda(command: PostAgenda, state: State, context: Context) -> Decision:
    agreement = agreement_for(state, command.agreement)
    evidence_for(command.person, command.evidence, "The posting")
    on_the_clock(command.on, command.at, "The posting", context)
    at = at_local(command.on, command.at, context.zone)
    item, posting = _posted_for(agreement, command.board, at, state)
    zone = posting.zone
    if item.posted_at is not None:
        raise AlreadyExists(
            f"{state.id}: the {command.board.upper()} board's agenda of {spoken(posting.meeting)} "
            f"was posted {clocked(item.posted_at, zone)} already. Nothing more is needed before "
            f"the meeting."
        )
    if at > context.issued_at:
        raise ImpossibleDate(
            f"{state.id}: the posting is dated {clocked(at, zone)}, but it is "
            f"{clocked(context.issued_at, zone)}: what has not happened yet cannot be recorded. "
            f"Give the day and hour at which it was posted."
        )
    if local_date(at, zone) < agreement.drafted_on:
        raise ImpossibleDate(
            f"{state.id}: no agenda with {agreement.id} can have been posted "
            f"{clocked(at, zone)}: it was drafted on {spoken(agreement.drafted_on)}. Give the day "
            f"and hour at which it was posted."
        )
    poster = context.person(command.person) if command.person else None
    return [
        AgendaPosted(
            agreement=agreement.id,
            board=command.board,
            posting=posting,
            at=at,
            posted_by=poster.id if poster else None,
            evidence=_evidence(poster.id if poster else None, command.evidence),
        )
    ]


def _posted_for(
    agreement: Agreement, board: str, at: datetime, state: State
) -> tuple[AgendaItem, Posting]:
    """The item whose agenda was posted then: of the first meeting after it, however it ended.

    So a posting that is entered after its meeting is not taken for the next meeting's.
    """
    for _, item in sorted(board_item(agreement, board).agenda.items()):
        if item.posting and item.posting.meeting_at >= at and item.ended != MOVED:
            return item, item.posting
    return _on_agenda(agreement, board, state)


@evolves(AgendaPosted)
def agenda_posted(state: State, event: AgendaPosted, stamp: Stamp) -> State:
    agreement = get_agreement(state, event.agreement, event.posting.meeting)
    item = agreement.boards.get(event.board, BoardItem())
    agenda = changed(item.agenda, event.posting.round, posting=event.posting, posted_at=event.at)
    return _with_item(state, agreement, event.board, replace(item, agenda=agenda))


class PullFromConsent(_BoardCommand):
    """Record that the agreement was pulled from the consent agenda: it is an item of its own."""

    noun = "board"
    verb = "pull"

    reason: Line | None = None
    """Why, for example "a trustee asks for a discussion"; kept encrypted."""


class PulledFromConsent(Event):
    type: ClassVar[str] = "pulled-from-consent"
    agreement: str
    board: str
    round: int
    on: date
    reason: Sealed | None = None

    def sentence(self) -> str:
        return (
            f"{self.agreement} pulled from the consent agenda of the {self.board.upper()} board; "
            f"it is an item of its own" + (f": {full(self.reason)}" if self.reason else ".")
        )


@decides(PullFromConsent)
def pull_from_consent(command: PullFromConsent, state: State, context: Context) -> Decision:
    agreement = agreement_for(state, command.agreement)
    item, posting = _on_agenda(agreement, command.board, state)
    not_in_the_future(context.effective_on, "The change of the agenda", context)
    if not item.on_consent:
        why = "was pulled already" if item.pulled else "was never on the consent agenda"
        raise WrongState(
            f"{state.id}: {agreement.id} {why} on {spoken(posting.meeting)}, so it is an item of "
            f"its own. Record what the board does with it: handrail agreement act {state.id} "
            f"{command.board} DECISION --on {posting.meeting}"
        )
    return [
        PulledFromConsent(
            agreement=agreement.id,
            board=command.board,
            round=item.round,
            on=context.effective_on,
            reason=Sealed(about=state.stream, text=command.reason) if command.reason else None,
        )
    ]


@evolves(PulledFromConsent)
def pulled_from_consent(state: State, event: PulledFromConsent, stamp: Stamp) -> State:
    agreement = get_agreement(state, event.agreement, event.on)
    item = agreement.boards.get(event.board, BoardItem())
    agenda = changed(item.agenda, event.round, pulled=True)
    return _with_item(state, agreement, event.board, replace(item, agenda=agenda))


class NoteNoQuorum(_BoardCommand):
    """Record that a meeting could not act for want of a quorum."""

    noun = "board"
    verb = "no-quorum"

    next_meeting: Annotated[Day | None, Option("next")] = None
    """The meeting that takes it up; left out while nobody knows."""
    next_at: LocalHour | None = None
    """The local hour of that meeting; that of the last one if left out."""


class MeetingWithoutQuorum(Event):
    type: ClassVar[str] = "meeting-without-quorum"
    agreement: str
    board: str
    meeting: date
    posting: Posting | None = None
    """The next meeting with the new deadline of its agenda; None while nobody knows it."""

    def came_true(self) -> date:
        return self.meeting

    def sentence(self) -> str:
        then = self.posting
        return (
            f"{self.board.upper()} board had no quorum on {spoken(self.meeting)} and did not act "
            f"on {self.agreement}; "
            + (
                f"next {clocked(then.meeting_at, then.zone)}, {then.deadline}."
                if then
                else "the next meeting is open."
            )
        )


@decides(NoteNoQuorum)
def note_no_quorum(command: NoteNoQuorum, state: State, context: Context) -> Decision:
    agreement = agreement_for(state, command.agreement)
    _not_said_before(agreement, command.board, state, context)
    _, posting = _on_agenda(agreement, command.board, state)
    not_in_the_future(posting.meeting, "The meeting without a quorum", context)
    following = None
    if command.next_meeting is None:
        if command.next_at is not None:
            raise WrongState(
                f"{state.id}: --next-at {command.next_at:%H:%M} needs its day. Add --next "
                f"DATE, or leave it out."
            )
    else:
        within_reach(command.next_meeting, "The next meeting", context)
        if command.next_meeting <= posting.meeting:
            raise ImpossibleDate(
                f"{state.id}: {agreement.id} cannot go from {spoken(posting.meeting)} to "
                f"{spoken(command.next_meeting)}: the next meeting must be later. Correct "
                f"--next."
            )
        agenda = board_item(agreement, command.board).agenda
        following = next_posting(
            agenda, command.board, command.next_meeting, command.next_at, context
        )
    return [
        MeetingWithoutQuorum(
            agreement=agreement.id,
            board=command.board,
            meeting=posting.meeting,
            posting=following,
        )
    ]


def _not_said_before(agreement: Agreement, board: str, state: State, context: Context) -> None:
    """Refuse a second press: the last meeting had no quorum, and the next is not known or over."""
    agenda = board_item(agreement, board).agenda
    failed = [i.posting for _, i in sorted(agenda.items()) if i.ended == NO_QUORUM and i.posting]
    now = standing(agenda)
    if not failed or (now and now.posting and now.posting.meeting <= context.today):
        return
    last = failed[-1]
    if now is None and last.round != max(agenda):
        return
    if now and now.posting:
        then = f"next is {clocked(now.posting.meeting_at, now.posting.zone)}. For another day"
    else:
        then = "the next meeting is open. Once it is known"
    raise AlreadyExists(
        f"{state.id}: that the {board.upper()} board had no quorum on {spoken(last.meeting)} is "
        f"recorded already; {then}: handrail board submit {state.id} {board} --scheduled DATE "
        f"--at 18:00"
    )


@evolves(MeetingWithoutQuorum)
def meeting_without_quorum(state: State, event: MeetingWithoutQuorum, stamp: Stamp) -> State:
    agreement = get_agreement(state, event.agreement, event.meeting)
    item = agreement.boards.get(event.board, BoardItem())
    agenda = ended(item.agenda, NO_QUORUM)
    if event.posting:
        agenda = changed(agenda, event.posting.round, posting=event.posting)
    return _with_item(state, agreement, event.board, replace(item, agenda=agenda))
