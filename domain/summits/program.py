"""What happens at a summit: its sessions, and the pairs in which LEAs consult each other."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, ClassVar

from pydantic import Field

from domain.coaching.cycles import ConsultancyNoted
from domain.kernel.fields import EngagementId, Line, Option, Positional, Prose, Slug
from domain.kernel.messages import Decision, Event, On, Stamp, State, next_name
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import (
    AlreadyExists,
    ImpossibleDate,
    Incomplete,
    Unknown,
    WrongState,
    did_you_mean,
)
from domain.kernel.sealed import Sealed
from domain.kernel.wording import counted
from domain.policy.calendar import spoken
from domain.policy.parts import Named
from domain.rules.context import Context
from domain.rules.days import not_in_the_future
from domain.rules.named import the_named
from domain.rules.registry import decides, evolves
from domain.streams import stream_of
from domain.summits.summits import LONGEST_DAYS, SummitCommand, planned, rules_of, span, the_summit

about_noun("summit session", "The sessions of a summit.")


class AddSession(SummitCommand):
    """Add a session to a summit: on which day, about what, and what it is for."""

    noun = "summit session"
    verb = "add"

    title: Annotated[Line, Positional()]
    """What the session is called."""
    day: Annotated[int, Field(ge=1, le=LONGEST_DAYS)]
    """The day of the summit, counted from 1."""
    triad: tuple[Slug, ...] = ()
    """What it is for: what, how or why; once for each."""
    content: Slug | None = None
    """What it is about, by a content of the playbook, for example data-focus."""


class DropSession(SummitCommand):
    """Take a session off a summit."""

    noun = "summit session"
    verb = "drop"

    session: Annotated[Line, Positional()]
    """The session, for example SE2."""


class PairAtSummit(SummitCommand):
    """Pair two LEAs at a summit, with what one brought and the other said, where it is noted."""

    noun = "summit"
    verb = "pair"

    one: Annotated[EngagementId, Option("engagement")]
    """One LEA's engagement."""
    other: EngagementId
    """The other LEA's engagement."""
    question: Line | None = None
    """What the one brought to the other."""
    note: Prose | None = None
    """What was said, as critical friends: it is noted on both engagements."""


class SessionAdded(Event):
    type: ClassVar[str] = "summit-session-added"
    session: str
    title: str
    day: int
    triad: tuple[str, ...] = ()
    content: str | None = None

    def sentence(self) -> str:
        tags = [*self.triad, *([self.content] if self.content else [])]
        return f"{self.session} {self.title!r} on day {self.day}" + (
            f" ({', '.join(tags)})." if tags else "."
        )


class SessionDropped(Event):
    type: ClassVar[str] = "summit-session-dropped"
    session: str

    def sentence(self) -> str:
        return f"{self.session} dropped."


class PairMade(Event):
    type: ClassVar[str] = "summit-pair-made"
    engagements: tuple[str, str]

    def sentence(self) -> str:
        return f"{' and '.join(self.engagements)} paired."


class PairedAtSummit(Event):
    """The same pair, as each of the two engagements keeps it."""

    type: ClassVar[str] = "paired-at-summit"
    summit: str
    partner: str
    """The other engagement."""
    lea: str
    """The other LEA."""

    def sentence(self) -> str:
        return f"Paired with {self.partner} at summit {self.summit}."


@dataclass(frozen=True, slots=True)
class Session:
    """One session of a summit."""

    id: str
    title: str
    day: int
    triad: tuple[str, ...] = ()
    content: str | None = None
    dropped: bool = False


@dataclass(frozen=True, slots=True)
class SummitProgram:
    """The sessions and pairs of a summit."""

    sessions: Mapping[str, Session] = field(default_factory=dict)
    pairs: tuple[tuple[str, str], ...] = ()

    @property
    def standing(self) -> tuple[Session, ...]:
        """The sessions that were not dropped, day by day."""
        found = (s for s in self.sessions.values() if not s.dropped)
        return tuple(sorted(found, key=lambda s: s.day))


def _known(wanted: str, entries: tuple[Named, ...], what: str, context: Context) -> str:
    no = f"is not {what} in {context.the_playbook.ref}"
    return the_named(wanted, entries, no, "Name one of" if entries else "It has none").id


@decides(AddSession)
def add_session(command: AddSession, state: State, context: Context) -> Decision:
    summit = planned(command, state, context)
    rules = rules_of(context)
    assert summit.first is not None
    assert summit.last is not None
    if summit.status == "cancelled":
        raise WrongState(
            f"{state.id} was cancelled and has no sessions any more. Plan another: "
            f"handrail summit plan --help"
        )
    not_in_the_future(context.effective_on, "The planning", context)
    length = (summit.last - summit.first).days + 1
    if command.day > length:
        raise ImpossibleDate(
            f"{state.id} has no day {command.day}: it lasts {counted(length, 'day')}, "
            f"{span(summit.first, summit.last)}. Correct --day."
        )
    triad = tuple(
        dict.fromkeys(_known(t, rules.triad, "of the triad", context) for t in command.triad)
    )
    content = (
        _known(command.content, rules.contents, "a content", context) if command.content else None
    )
    program = state.of(SummitProgram)
    twin = next(
        (
            s
            for s in program.standing
            if s.day == command.day and s.title.casefold() == command.title.casefold()
        ),
        None,
    )
    if twin:
        raise AlreadyExists(
            f"{state.id} has {twin.id} {twin.title!r} on day {twin.day} already. To take it off: "
            f"handrail summit session drop {state.id} {twin.id}"
        )
    return [
        SessionAdded(
            session=next_name(state, "SE", program.sessions),
            title=command.title,
            day=command.day,
            triad=triad,
            content=content,
        )
    ]


@evolves(SessionAdded)
def session_added(state: State, event: SessionAdded, stamp: Stamp) -> State:
    program = state.of(SummitProgram)
    gone = event.session in program.sessions and program.sessions[event.session].dropped
    session = Session(event.session, event.title, event.day, event.triad, event.content, gone)
    return state.put(replace(program, sessions={**program.sessions, session.id: session}))


@decides(DropSession)
def drop_session(command: DropSession, state: State, context: Context) -> Decision:
    planned(command, state, context)
    not_in_the_future(context.effective_on, "The planning", context)
    wanted = command.session.upper()
    standing = {s.id: s for s in state.of(SummitProgram).standing}
    if wanted not in standing:
        known = ", ".join(f"{s.id} ({s.title})" for s in standing.values())
        raise Unknown(
            f"{state.id} has no session {command.session!r}. "
            + (
                f"Name one that it has: {known}."
                if known
                else "It has none: see handrail summit session add --help"
            )
        )
    return [SessionDropped(session=wanted)]


@evolves(SessionDropped)
def session_dropped(state: State, event: SessionDropped, stamp: Stamp) -> State:
    program = state.of(SummitProgram)
    known = program.sessions.get(event.session, Session(event.session, event.session, 1))
    gone = replace(known, dropped=True)
    return state.put(replace(program, sessions={**program.sessions, gone.id: gone}))


@decides(PairAtSummit)
def pair_at_summit(command: PairAtSummit, state: State, context: Context) -> Decision:
    summit = planned(command, state, context)
    entry = the_summit(command.summit, context)
    if summit.status == "cancelled":
        raise WrongState(
            f"{state.id} was cancelled, so nobody is paired at it. See handrail summit list"
        )
    not_in_the_future(context.effective_on, "The pairing", context)
    if command.one == command.other:
        raise WrongState(
            f"{command.one} cannot be paired with itself at {state.id}. Name the other LEA's "
            f"engagement."
        )
    for engagement in (command.one, command.other):
        if engagement not in summit.invited:
            raise Unknown(
                f"{engagement} is not among those invited to {state.id}. "
                f"{did_you_mean(engagement, summit.invited)}See handrail summit show {state.id}"
            )
        if engagement in entry.over:
            raise WrongState(
                f"{engagement} is closed or withdrawn, so nothing can be recorded on it. See "
                f"handrail engagement show {engagement}"
            )
    if (command.question is None) != (command.note is None):
        raise Incomplete(
            f"{state.id}: a consultancy is noted with what was asked and what was said. Give both "
            f"--question and --note, or neither."
        )
    pair = (min(command.one, command.other), max(command.one, command.other))
    events: list[Event | On] = []
    partners = {command.one: command.other, command.other: command.one}
    if pair not in state.of(SummitProgram).pairs:
        events.append(PairMade(engagements=pair))
        events += [
            On(
                stream_of("engagement", engagement),
                PairedAtSummit(summit=state.id, partner=other, lea=summit.invited[other]),
            )
            for engagement, other in partners.items()
        ]
    elif command.question is None:
        raise AlreadyExists(
            f"{pair[0]} and {pair[1]} are paired at {state.id} already. To note what was said: "
            f"--question TEXT --note TEXT"
        )
    if command.question is not None and command.note is not None:
        if summit.first is not None and context.effective_on < summit.first:
            raise ImpossibleDate(
                f"{state.id} begins on {spoken(summit.first)}, so nothing can have been said at it "
                f"on {spoken(context.effective_on)}. Leave out --question and --note until then."
            )
        events += [
            On(
                stream_of("engagement", engagement),
                ConsultancyNoted(
                    on=context.effective_on,
                    question=Sealed(
                        about=stream_of("engagement", engagement), text=command.question
                    ),
                    note=Sealed(about=stream_of("engagement", engagement), text=command.note),
                    partners=(summit.invited[other],),
                ),
            )
            for engagement, other in partners.items()
        ]
    return events


@evolves(PairMade)
def pair_made(state: State, event: PairMade, stamp: Stamp) -> State:
    program = state.of(SummitProgram)
    return state.put(replace(program, pairs=(*program.pairs, event.engagements)))
