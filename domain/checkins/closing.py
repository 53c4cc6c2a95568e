"""The close of a check-in: every purpose answered, every earlier promise judged."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Annotated

from pydantic import model_validator

from domain.checkins.checkins import (
    CheckIn,
    CheckInClosed,
    CheckInCorrected,
    CheckIns,
    DatedCommitment,
    Outcome,
    in_play,
    needs_agreement,
)
from domain.checkins.commitments import (
    CheckInId,
    CommitmentAdded,
    closed_one,
    commitments,
    side_of,
    unjudged,
)
from domain.engagement.state import Engagement
from domain.kernel.bounds import Day, Written
from domain.kernel.fields import PROSE, Line, Option, PersonRef, Positional, Prose
from domain.kernel.messages import Decision, EngagementCommand, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Invalid,
    Unknown,
    WrongState,
    did_you_mean,
)
from domain.kernel.sealed import Sealed
from domain.policy.calendar import local_date, spoken
from domain.rules.context import Context
from domain.rules.days import not_in_the_future, within_reach
from domain.rules.registry import decides

about_noun("commitment", "What was promised at a check-in: judge, re-date, correct and add it.")


class Promise(Written):
    """What somebody will have done by a day."""

    by: Day
    owner: PersonRef
    text: Line

    @model_validator(mode="before")
    @classmethod
    def _typed(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        when, equals, text = value.partition("=")
        by, slash, owner = when.partition("/")
        if not equals or not slash or not owner.strip():
            raise ValueError(
                "write it as DATE/PERSON=TEXT, for example 2027-09-01/joy=Name a coach"
            )
        if not text.strip():
            raise ValueError(f"it is blank; say what {owner.strip()} promised")
        return {"by": by.strip(), "owner": owner, "text": text}


class _Said(EngagementCommand):
    """What may be said at the close, and corrected after it."""

    adjust: Annotated[Prose | None, Option("change")] = None
    """What changes, with outcome adjust; kept encrypted."""
    sustain: Prose | None = None
    """How the LEA keeps it going on its own, with outcome end; kept encrypted."""


class CloseCheckIn(_Said):
    """Close the check-in that was held: every purpose answered, commitments dated."""

    noun = "checkin"
    verb = "close"

    purpose: Annotated[Mapping[str, Annotated[str, PROSE]], Option("answer")]
    """An answer to each purpose, as NAME=TEXT; kept encrypted."""
    commitment: tuple[Promise, ...] = ()
    """Who promised what by when, as DATE/PERSON=TEXT, once for each promise; kept encrypted."""
    outcome: Outcome = "continue"
    """continue, adjust or end."""
    reason: Annotated[Line | None, Option("basis")] = None
    """Why this outcome; needed to adjust and to end."""


class CorrectCheckIn(_Said):
    """Correct what was recorded at the close of a check-in; the history keeps both."""

    noun = "checkin"
    verb = "correct"
    happened = "The correction"

    checkin: CheckInId
    """The check-in, for example CI-1."""
    reason: Line
    """What was wrong."""
    purpose: Annotated[Mapping[str, Annotated[str, PROSE]], Option("answer")] = {}
    """The right answer to a purpose, as NAME=TEXT."""
    outcome: Outcome | None = None
    """The right outcome: continue, adjust or end."""
    because: Annotated[Line | None, Option("basis")] = None
    """Why that outcome."""


class AddCommitment(EngagementCommand):
    """Add a commitment that was left out when the check-in was closed."""

    noun = "commitment"
    verb = "add"

    checkin: CheckInId
    """The check-in at which it was made, for example CI-1."""
    text: Annotated[Line, Positional()]
    """What was promised, in the words of whoever promised it; kept encrypted."""
    owner: PersonRef
    """Who promised it: somebody of the agency or of the LEA."""
    by: Annotated[Day, Option("due")]
    """The day by which it will be done."""


def _unknown_purposes(said: Iterable[str], context: Context) -> None:
    known = [p.id for p in context.the_playbook.checkins.purposes]
    for name in said:
        if name not in known:
            raise Unknown(
                f"{name!r} is not a purpose of the annual check-in. {did_you_mean(name, known)}"
                f"The purposes: {', '.join(known)}."
            )


def _outcome_said(
    command: _Said, outcome: Outcome, reason: object, option: str, name: str, state: State
) -> None:
    """Refuse an outcome without what belongs to it, or with what belongs to another one."""
    for given, belongs, option_of in (
        (command.adjust, "adjust", "--change"),
        (command.sustain, "end", "--sustain"),
    ):
        if given and outcome != belongs:
            raise Invalid(
                f"{state.id}: {option_of} belongs to outcome {belongs}, and {name} is to "
                f"{outcome}. Leave it out, or say --outcome {belongs}."
            )
    if outcome != "continue" and reason is None:
        raise Incomplete(f"{state.id}: {name} cannot {outcome} without its reason: {option} TEXT")


@decides(CloseCheckIn)
def close_checkin(command: CloseCheckIn, state: State, context: Context) -> Decision:
    needs_agreement(state, context)
    current = in_play(state)
    not_in_the_future(context.effective_on, "The close of the check-in", context)
    if current.held_on is None:
        raise _not_held(current, state, context)
    if context.effective_on < current.held_on:
        raise ImpossibleDate(
            f"{state.id}: {current.id} cannot have been closed on "
            f"{spoken(context.effective_on)}: it was held on {spoken(current.held_on)}. Give the "
            f"day of the close."
        )
    _unknown_purposes(command.purpose, context)
    blank = [
        p
        for p in context.the_playbook.checkins.purposes
        if not command.purpose.get(p.id, "").strip()
    ]
    if blank:
        raise Incomplete(
            f"{state.id}: {current.id} cannot be closed while "
            f"{', '.join(f'{p.id} ({p.name})' for p in blank)} "
            f"{'is' if len(blank) == 1 else 'are'} blank. Answer it: "
            + " ".join(f'--answer {p.id}="…"' for p in blank)
        )
    _outcome_said(command, command.outcome, command.reason, "--basis", current.id, state)
    if command.outcome == "end" and command.sustain is None:
        raise Incomplete(
            f"{state.id}: {current.id} cannot end it without a plan. Say how the LEA keeps it "
            f"going on its own: --sustain TEXT"
        )
    waiting = unjudged(state, current)
    if waiting:
        first = waiting[0]
        raise Incomplete(
            f"{state.id}: {current.id} cannot be closed while nobody has said what became of "
            + "; ".join(f"{c.checkin} commitment {c.number} ({c.text})" for c in waiting)
            + f". Say it of each: handrail commitment judge {state.id} {first.checkin} "
            f"{first.number} --outcome kept, or partly or dropped with --note"
        )
    about = state.stream
    return [
        CheckInClosed(
            checkin=current.id,
            purposes={
                name: Sealed(about=about, text=text.strip())
                for name, text in command.purpose.items()
            },
            commitments=_promised(command, current, state, context),
            outcome=command.outcome,
            reason=_sealed(command.reason, state),
            adjust=_sealed(command.adjust, state),
            sustain=_sealed(command.sustain, state),
        )
    ]


def _not_held(current: CheckIn, state: State, context: Context) -> WrongState | AlreadyExists:
    """Why a check-in that was not held cannot be closed: another one may have just been."""
    last = next((c for c in reversed(state.of(CheckIns).all) if c.closed_at), None)
    just = last and last.closed_at and local_date(last.closed_at, context.zone)
    if last and just and not current.opened_for:
        return AlreadyExists(
            f"{state.id}: {last.id} was closed on {spoken(just)} already, and {current.id} was "
            f"not held yet. To correct the one that is closed: handrail checkin correct "
            f"{state.id} {last.id} --help; to record the next one: handrail checkin hold "
            f"{state.id} --on DATE --with PERSON"
        )
    return WrongState(
        f"{state.id}: {current.id} was not held yet, so it cannot be closed. Record it first: "
        f"handrail checkin hold {state.id} --on DATE --with PERSON"
    )


def _sealed(text: str | None, state: State) -> Sealed | None:
    return Sealed(about=state.stream, text=text) if text else None


def _promised(
    command: CloseCheckIn, current: CheckIn, state: State, context: Context
) -> tuple[DatedCommitment, ...]:
    """The commitments in the order of their days."""
    found: list[DatedCommitment] = []
    for promise in sorted(command.commitment, key=lambda p: p.by):
        possible_day(promise.by, promise.text, current, state, context)
        owner = context.person(promise.owner)
        made = DatedCommitment(
            by=promise.by,
            text=Sealed(about=state.stream, text=promise.text),
            owner=owner.id,
            side=side_of(owner, state.of(Engagement)),
        )
        if made in found:
            raise AlreadyExists(
                f"{state.id}: the commitment {promise.text!r} by {spoken(promise.by)} is said "
                f"twice. Give it once."
            )
        found.append(made)
    return tuple(found)


def possible_day(by: date, text: str, checkin: CheckIn, state: State, context: Context) -> None:
    """Refuse a day by which nothing can be promised at a check-in.

    Raises:
        ImpossibleDate: It lies before the check-in, or absurdly far ahead.
    """
    assert checkin.held_on is not None
    if by < checkin.held_on:
        raise ImpossibleDate(
            f"{state.id}: the commitment {text!r} is dated {spoken(by)}, before the check-in of "
            f"{spoken(checkin.held_on)}. Give the day by which it will be done."
        )
    within_reach(by, f"{state.id}: the commitment {text!r} by", context)


@decides(AddCommitment)
def add_commitment(command: AddCommitment, state: State, context: Context) -> Decision:
    checkin = closed_one(command.checkin, state, context)
    not_in_the_future(context.effective_on, "The commitment", context)
    owner = context.person(command.owner)
    side = side_of(owner, state.of(Engagement))
    possible_day(command.by, command.text, checkin, state, context)
    known = commitments(state, checkin.id)
    twin = next(
        (
            c
            for c in known
            if (str(c.text).casefold(), c.owner) == (command.text.casefold(), owner.id)
        ),
        None,
    )
    if twin:
        raise AlreadyExists(
            f"{state.id}: {checkin.id} has that commitment already, as number {twin.number}, by "
            f"{spoken(twin.by)}. To move it: handrail commitment redate {state.id} {checkin.id} "
            f"{twin.number} --help"
        )
    return [
        CommitmentAdded(
            checkin=checkin.id,
            number=max((c.number for c in known), default=0) + 1,
            by=command.by,
            text=Sealed(about=state.stream, text=command.text),
            owner=owner.id,
            side=side,
        )
    ]


@decides(CorrectCheckIn)
def correct_checkin(command: CorrectCheckIn, state: State, context: Context) -> Decision:
    closed = {c.id: c for c in state.of(CheckIns).all if c.said}
    checkin = closed.get(command.checkin.upper())
    if checkin is None or checkin.said is None or checkin.closed_at is None:
        raise Unknown(
            f"{state.id} has no closed check-in {command.checkin!r} to correct. Name one that is "
            f"closed: {', '.join(closed) or 'there is none yet'}."
        )
    on = local_date(checkin.closed_at, context.zone)
    if context.effective_on < on:
        raise ImpossibleDate(
            f"{state.id}: {checkin.id} was closed on {spoken(on)}, so it cannot be corrected on "
            f"{spoken(context.effective_on)}. Correct --on."
        )
    _unknown_purposes(command.purpose, context)
    blank = [name for name, text in command.purpose.items() if not text.strip()]
    if blank:
        raise Incomplete(
            f"{state.id}: no purpose stays blank, and the answer to {', '.join(blank)} would. Say "
            f"what is right: --answer {blank[0]}=TEXT"
        )
    said = checkin.said
    outcome = command.outcome or said.outcome
    kept = said.outcome == outcome
    _outcome_said(
        command, outcome, command.because or (said.reason if kept else None), "--basis",
        checkin.id, state,
    )  # fmt: skip
    if outcome == "end" and not (command.sustain or (kept and said.sustain)):
        raise Incomplete(
            f"{state.id}: {checkin.id} cannot end it without a plan. Say how the LEA keeps it "
            f"going on its own: --sustain TEXT"
        )
    fix = CheckInCorrected(
        checkin=checkin.id,
        purposes={
            name: Sealed(about=state.stream, text=text.strip())
            for name, text in command.purpose.items()
        },
        outcome=command.outcome,
        because=_sealed(command.because, state),
        adjust=_sealed(command.adjust, state),
        sustain=_sealed(command.sustain, state),
        reason=Sealed(about=state.stream, text=command.reason),
    )
    now = (said.purposes, said.outcome, said.reason, said.adjust, said.sustain)
    then = (
        {**said.purposes, **fix.purposes},
        outcome,
        fix.because or (said.reason if kept else None),
        fix.adjust or (said.adjust if kept else None),
        fix.sustain or (said.sustain if kept else None),
    )
    if now == then:
        raise AlreadyExists(
            f"{state.id}: {checkin.id} says that already. Give what is right with --answer, "
            f"--outcome, --basis, --change or --sustain; of a commitment: handrail commitment "
            f"correct {state.id} {checkin.id} --help"
        )
    return [fix]
