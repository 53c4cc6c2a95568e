"""Commitments of a check-in: who promised what by when, and what became of it a year later."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from domain.checkins.checkins import CheckIn, CheckIns
from domain.engagement.guards import of_the_lea
from domain.engagement.state import Engagement, EngagementRole
from domain.kernel.bounds import Day
from domain.kernel.fields import Line, Option, PersonRef, Positional, Prose
from domain.kernel.messages import Decision, EngagementCommand, Event, Stamp, State
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Unknown,
    WrongPerson,
    WrongState,
)
from domain.kernel.sealed import Sealed
from domain.kernel.wording import full
from domain.owing.obligations import Obligation, Side, owes
from domain.owing.signing import the_lead
from domain.policy.calendar import local_date, spoken
from domain.rules.context import Context, PersonEntry
from domain.rules.days import not_in_the_future, within_reach
from domain.rules.registry import decides, evolves
from domain.streams import AGENCY

Verdict = Literal["kept", "partly", "dropped"]
CheckInId = Annotated[Line, Positional()]


class _CommitmentCommand(EngagementCommand):
    checkin: CheckInId
    """The check-in at which it was made, for example CI-1."""
    number: Annotated[int, Positional(), Field(ge=1, le=999)]
    """Its number there, for example 1."""


class JudgeCommitment(_CommitmentCommand):
    """Say what became of a commitment; said again, with a note, it corrects what was said."""

    noun = "commitment"
    verb = "judge"

    verdict: Annotated[Verdict, Option("outcome")]
    """kept, partly or dropped."""
    note: Prose | None = None
    """What became of it; needed unless it was kept. Kept encrypted."""


class RedateCommitment(_CommitmentCommand):
    """Move a commitment to another day, as the Lead agreed with the LEA."""

    noun = "commitment"
    verb = "redate"

    by: Annotated[Day, Option("due")]
    """The new day, after today."""
    reason: Line
    """Why it moves."""
    person: Annotated[PersonRef, Option("for")]
    """Who at the LEA agreed."""
    evidence: Line
    """Where that is written down, for example "mail of 9 March"."""


class CorrectCommitment(_CommitmentCommand):
    """Correct the wording or the owner of a commitment; the history keeps both."""

    noun = "commitment"
    verb = "correct"

    reason: Line
    """What was wrong."""
    text: Line | None = None
    """The right words."""
    owner: PersonRef | None = None
    """Whose it is."""


class CommitmentAdded(Event):
    type: ClassVar[str] = "commitment-added"
    checkin: str
    number: int
    by: date
    text: Sealed
    owner: str
    side: Side

    def sentence(self) -> str:
        return (
            f"{self.checkin} commitment {self.number} added: by {spoken(self.by)}, {self.owner}: "
            f"{full(self.text)}"
        )


class CommitmentJudged(Event):
    type: ClassVar[str] = "commitment-judged"
    checkin: str
    number: int
    verdict: Verdict
    on: date
    note: Sealed | None = None
    before: Verdict | None = None
    """What had been said and is corrected."""

    def came_true(self) -> date:
        return self.on

    def sentence(self) -> str:
        return (
            f"{self.checkin} commitment {self.number}: {self.verdict} on {spoken(self.on)}"
            + (f", not {self.before}" if self.before else "")
            + (f": {self.note}" if self.note else ".")
        )


class CommitmentRedated(Event):
    type: ClassVar[str] = "commitment-redated"
    checkin: str
    number: int
    by: date
    reason: Sealed
    agreed_by: str
    evidence: Sealed

    def sentence(self) -> str:
        return (
            f"{self.checkin} commitment {self.number} moved to {spoken(self.by)}, agreed with "
            f"{self.agreed_by} ({self.evidence}): {full(self.reason)}"
        )


class CommitmentCorrected(Event):
    type: ClassVar[str] = "commitment-corrected"
    checkin: str
    number: int
    text: Sealed | None = None
    owner: str | None = None
    side: Side | None = None
    reason: Sealed

    def sentence(self) -> str:
        said = [str(self.text)] if self.text else []
        said += [f"it is {self.owner}'s"] if self.owner else []
        return (
            f"{self.checkin} commitment {self.number} corrected ({self.reason}): {', '.join(said)}."
        )


_News = CommitmentAdded | CommitmentJudged | CommitmentRedated | CommitmentCorrected


@dataclass(frozen=True, slots=True)
class CommitmentNews:
    """What happened to commitments after the close of their check-in."""

    all: tuple[tuple[int, _News], ...] = ()
    """Each with the version it was recorded at, in that order."""


@dataclass(frozen=True, slots=True)
class Commitment:
    """One commitment as it stands."""

    checkin: str
    number: int
    by: date
    text: Sealed
    owner: str | None
    side: Side | None
    past: tuple[date, ...] = ()
    """Earlier days it was promised for."""
    judged: CommitmentJudged | None = None

    @property
    def item(self) -> str:
        """``CI-1/2``, under which it is owed and reminded of."""
        return f"{self.checkin}/{self.number}"


def commitments(state: State, checkin: str | None = None) -> list[Commitment]:
    """Every commitment as it stands, or those of one check-in, in the order of their numbers."""
    found: dict[tuple[str, int], Commitment] = {}
    for c in state.of(CheckIns).all:
        for number, said in enumerate(c.closed.commitments if c.closed else (), start=1):
            found[c.id, number] = Commitment(
                c.id, number, said.by, said.text, said.owner, said.side
            )
    # First what was added: told as true, what became of a commitment may stand before it.
    news = [event for _, event in state.of(CommitmentNews).all]
    for event in sorted(news, key=lambda e: not isinstance(e, CommitmentAdded)):
        key = event.checkin, event.number
        if isinstance(event, CommitmentAdded):
            found[key] = Commitment(*key, event.by, event.text, event.owner, event.side)
        elif key in found:
            found[key] = _after(found[key], event)
    return [c for _, c in sorted(found.items(), key=lambda f: f[0]) if checkin in (None, c.checkin)]


def _after(
    known: Commitment, event: CommitmentJudged | CommitmentRedated | CommitmentCorrected
) -> Commitment:
    match event:
        case CommitmentJudged():
            return replace(known, judged=event)
        case CommitmentRedated():
            return replace(known, by=event.by, past=(*known.past, known.by))
        case CommitmentCorrected():
            return replace(
                known,
                text=event.text or known.text,
                owner=event.owner or known.owner,
                side=event.side or known.side,
            )


def unjudged(state: State, before: CheckIn) -> list[Commitment]:
    """What was promised at earlier check-ins for a day up to this one, and nobody judged."""
    until = before.held_on
    return [
        c
        for c in commitments(state)
        if c.checkin != before.id and c.judged is None and until is not None and c.by <= until
    ]


def side_of(person: PersonEntry, engagement: Engagement) -> Side:
    """The side a person promises for.

    Raises:
        WrongPerson: They are of neither side.
    """
    if person.organisation == AGENCY:
        return "agency"
    if person.organisation == engagement.lea:
        return "lea"
    raise WrongPerson(
        f"{person.id} works at {person.organisation}, and a commitment is the agency's or that of "
        f"{engagement.lea_name}. Name somebody of either: handrail person list --organisation "
        f"{engagement.lea}"
    )


def closed_one(ref: str, state: State, context: Context) -> CheckIn:
    """A check-in that is closed, by its id."""
    known = state.of(CheckIns).all
    checkin = next((c for c in known if c.id == ref.upper()), None)
    if checkin is None:
        has = ", ".join(c.id for c in known) or "none yet"
        raise Unknown(f"{state.id} has no check-in {ref!r}; it has {has}. Name one that it has.")
    if checkin.closed_at is None:
        raise WrongState(
            f"{state.id}: {checkin.id} is not closed, so it has no commitments yet. They are "
            f"recorded when it is: handrail checkin close {state.id} --commitment DATE/PERSON=TEXT"
        )
    closed = local_date(checkin.closed_at, context.zone)
    if context.effective_on < closed:
        raise ImpossibleDate(
            f"{state.id}: {checkin.id} was closed on {spoken(closed)}, so nothing about its "
            f"commitments can be dated {spoken(context.effective_on)}. Correct --on."
        )
    return checkin


def _found(command: _CommitmentCommand, state: State, context: Context) -> Commitment:
    checkin = closed_one(command.checkin, state, context)
    known = commitments(state, checkin.id)
    found = next((c for c in known if c.number == command.number), None)
    if found is None:
        has = "; ".join(f"{c.number} ({c.text})" for c in known)
        raise Unknown(
            f"{state.id}: {checkin.id} has no commitment {command.number}. "
            + (f"Name one that it has: {has}." if has else "Nothing was promised there. ")
            + ("" if has else f"Add what was left out: handrail commitment add {state.id} --help")
        )
    return found


@decides(JudgeCommitment)
def judge_commitment(command: JudgeCommitment, state: State, context: Context) -> Decision:
    commitment = _found(command, state, context)
    not_in_the_future(context.effective_on, "The judgement", context)
    before, name = commitment.judged, f"{commitment.checkin} commitment {commitment.number}"
    again = before is not None and before.verdict == command.verdict
    if before and again and (command.note is None or command.note == str(before.note)):
        raise AlreadyExists(
            f"{state.id}: {name} was judged {command.verdict} on {spoken(before.on)} already. "
            f"Nothing more is needed; to say something else of it, add --note TEXT."
        )
    if command.note is None and (before or command.verdict != "kept"):
        why = f"it was judged {before.verdict} before" if before else f"it is {command.verdict}"
        raise Incomplete(
            f"{state.id}: say of {name} ({commitment.text}) what became of it, for {why}: "
            f"--note TEXT"
        )
    return [
        CommitmentJudged(
            checkin=commitment.checkin,
            number=commitment.number,
            verdict=command.verdict,
            on=context.effective_on,
            note=Sealed(about=state.stream, text=command.note) if command.note else None,
            before=before.verdict if before and not again else None,
        )
    ]


@decides(RedateCommitment)
def redate_commitment(command: RedateCommitment, state: State, context: Context) -> Decision:
    commitment = _found(command, state, context)
    not_in_the_future(context.effective_on, "The agreement", context)
    name = f"{commitment.checkin} commitment {commitment.number}"
    if commitment.judged:
        raise WrongState(
            f"{state.id}: {name} was judged {commitment.judged.verdict} on "
            f"{spoken(commitment.judged.on)}, so its day cannot move. To promise it anew, add it "
            f"at the next check-in: handrail checkin close {state.id} "
            f"--commitment DATE/PERSON=TEXT"
        )
    the_lead(f"re-date {name}", state, context)
    person = of_the_lea(command.person, state.of(Engagement), context)
    if command.by <= context.said_on:
        raise ImpossibleDate(
            f"{state.id}: {name} cannot move to {spoken(command.by)}: that is not after "
            f"{context.said_when}. Give a day that lies ahead; if it moved long ago, say when: "
            f"--on DATE"
        )
    within_reach(command.by, f"{state.id}: {name} by", context)
    if command.by == commitment.by:
        raise AlreadyExists(
            f"{state.id}: {name} is promised for {spoken(command.by)} already. Give another day."
        )
    return [
        CommitmentRedated(
            checkin=commitment.checkin,
            number=commitment.number,
            by=command.by,
            reason=Sealed(about=state.stream, text=command.reason),
            agreed_by=person.id,
            evidence=Sealed(about=person.id, text=command.evidence),
        )
    ]


@decides(CorrectCommitment)
def correct_commitment(command: CorrectCommitment, state: State, context: Context) -> Decision:
    commitment = _found(command, state, context)
    not_in_the_future(context.effective_on, "The correction", context)
    name = f"{commitment.checkin} commitment {commitment.number}"
    owner = context.person(command.owner) if command.owner else None
    text = command.text if command.text != str(commitment.text) else None
    changed = owner is not None and owner.id != commitment.owner
    if not (command.text or owner):
        raise Incomplete(f"{state.id}: say what is right of {name}: --text TEXT or --owner PERSON")
    if text is None and not changed:
        raise AlreadyExists(f"{state.id}: {name} says that already. Nothing more is needed.")
    return [
        CommitmentCorrected(
            checkin=commitment.checkin,
            number=commitment.number,
            text=Sealed(about=state.stream, text=text) if text else None,
            owner=owner.id if owner and changed else None,
            side=side_of(owner, state.of(Engagement)) if owner and changed else None,
            reason=Sealed(about=state.stream, text=command.reason),
        )
    ]


def _keep(state: State, event: _News, stamp: Stamp) -> State:
    news = (*state.of(CommitmentNews).all, (stamp.version, event))
    return state.put(CommitmentNews(tuple(sorted(news, key=lambda n: n[0]))))


@evolves(CommitmentAdded)
def commitment_added(state: State, event: CommitmentAdded, stamp: Stamp) -> State:
    return _keep(state, event, stamp)


@evolves(CommitmentJudged)
def commitment_judged(state: State, event: CommitmentJudged, stamp: Stamp) -> State:
    return _keep(state, event, stamp)


@evolves(CommitmentRedated)
def commitment_redated(state: State, event: CommitmentRedated, stamp: Stamp) -> State:
    return _keep(state, event, stamp)


@evolves(CommitmentCorrected)
def commitment_corrected(state: State, event: CommitmentCorrected, stamp: Stamp) -> State:
    return _keep(state, event, stamp)


def _reminded(commitment: Commitment, engagement: Engagement) -> EngagementRole:
    """The role its owner holds; who answers for their side where they hold none."""
    agency = commitment.side != "lea"
    held = [role for role, person in engagement.roles.items() if person == commitment.owner]
    return held[0] if held else "lead" if agency else "lea_contact"


@owes
def commitments_owed(state: State, context: Context) -> Iterable[Obligation]:
    """Whoever promised something owes it by its day, until it is judged."""
    engagement = state.of(Engagement)
    for c in commitments(state):
        dates = (*c.past, c.by)
        for round_, due in enumerate(dates, start=1):
            yield Obligation(
                c.item,
                f"Commitment: {c.text}",
                round_,
                due,
                _reminded(c, engagement),
                c.side or "agency",
                "Do what was promised at the check-in, or agree on another day.",
                f"handrail commitment judge {state.id} {c.checkin} {c.number} --outcome kept",
                context.the_playbook.checkins.commitment_policy,
                "re-dated" if round_ < len(dates) else c.judged.verdict if c.judged else None,
            )
