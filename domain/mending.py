"""Corrections: any entry on a stream can be put right or taken back by a later one.

An entry is what one command recorded together.  What stands instead of it is found by deciding its
command again, where it stood, with other values or not at all, and every later command after it: a
correction leads to nothing but what the rules could have reached.  The first value stays where it
is; whoever asks what was known before reads it there.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationInfo,
    field_validator,
)

from domain.deciding import Dated, facts
from domain.engagement.state import Engagement
from domain.kernel.bounds import Day
from domain.kernel.fields import Line, Positional
from domain.kernel.messages import Command, Decision, Event, On, Recorded, Spent, Stamp, State
from domain.kernel.nouns import about_noun
from domain.kernel.refusals import Refused, Unknown, WrongState
from domain.kernel.sealed import Sealed, sealed_in
from domain.kernel.wording import texts
from domain.owing.matter import kind_of_stream
from domain.policy.calendar import spoken
from domain.program.erasing import ErasePerson
from domain.reminders.notices import NOTICE_EVENTS
from domain.rules.authority import authority, require
from domain.rules.context import SYSTEM, Context, Entry, Past
from domain.rules.registry import EVENTS, as_mended, decides, evolves, fold
from domain.streams import subject_of

_NAME = re.compile(r"[A-Z]{1,3}-?\d+")
"""A short name such as D1 or INV-2."""

MOST_ENTRIES = 1_000_000
"""No stream ever has so many."""

about_noun("entry", "Put right or take back what was entered.")


class _Mending(Command):
    aggregate = "engagement"

    of: Annotated[Line, Positional()]
    """The stream: engagement:alder-creek-usd, lea:alder-creek-usd, and so on."""
    entry: Annotated[int, Field(ge=1, le=MOST_ENTRIES)]
    """Its number in handrail history; any number of those that one command recorded."""
    reason: Line
    """Why, for example "typed 4-1"."""
    with_consequences: bool = False
    """Take back what rests on it as well."""

    def stream(self, command_id: UUID) -> str:
        return self.of


class CorrectEntry(_Mending):
    """Put other values in the place of what was recorded."""

    noun = "entry"
    verb = "correct"

    values: Mapping[str, Any] = Field(default_factory=dict)
    """The values that were wrong, by the names that the command has for them."""
    on: Day | None = None
    """The day on which it came true, where that was wrong."""


class RetractEntry(_Mending):
    """Take back what should never have been recorded."""

    noun = "entry"
    verb = "retract"


MENDS = (CorrectEntry, RetractEntry)


class Standing(BaseModel):
    """An event that stands in the place of another."""

    model_config = ConfigDict(frozen=True)

    type: str
    schema_version: int
    effective_at: datetime
    data: SerializeAsAny[Event]
    """The event itself."""

    @field_validator("data", mode="before")
    @classmethod
    def _of_its_type(cls, value: Any, info: ValidationInfo) -> Any:
        if isinstance(value, Event):
            return value
        if (kind := EVENTS.get(info.data["type"])) is None:
            raise ValueError("of a kind that this release does not know")
        return kind.model_validate(value)

    @classmethod
    def of(cls, event: Event, at: datetime) -> "Standing":
        """An event as it is kept inside another."""
        return cls(
            type=event.type, schema_version=event.schema_version, effective_at=at, data=event
        )


class NamesSpent(Event):
    """Stands where something was taken back: its names are given to nothing else."""

    type: ClassVar[str] = "names-spent"

    names: tuple[str, ...]

    def sentence(self) -> str:
        return f"{', '.join(self.names)} is not given again."


@evolves(NamesSpent)
def names_spent(state: State, event: NamesSpent, stamp: Stamp) -> State:
    return state.put(Spent(state.of(Spent).names | {*event.names}))


class Instead(BaseModel):
    """What is read in the place of one event."""

    model_config = ConfigDict(frozen=True)

    version: int
    events: tuple[Standing, ...] = ()


class EntryMended(Event):
    """An entry was put right or taken back, with what followed from it."""

    type: ClassVar[str] = "entry-mended"
    entry: int
    """The first version of the entry."""
    reason: Sealed
    was: Sealed
    """What it said, in words."""
    says: Sealed | None = None
    """What it says now; None where it was taken back."""
    also: tuple[int, ...] = ()
    """The entries that rested on it and were taken back with it."""
    instead: tuple[Instead, ...] = ()

    def mends(self) -> bool:
        return bool(self.instead)

    def replacements(self) -> Mapping[int, Sequence[tuple[Event, datetime]]]:
        return {
            it.version: [(standing.data, standing.effective_at) for standing in it.events]
            for it in self.instead
        }

    def once_mended(self) -> Event:
        return self.model_copy(update={"instead": ()})

    def sentence(self) -> str:
        also = f" with {_numbered(self.also)}" if self.also else ""
        if self.says is None:
            return f"Entry {self.entry} taken back{also} ({self.reason}): {self.was}"
        return f"Entry {self.entry} corrected ({self.reason}): {self.says} It said: {self.was}"


@dataclass(frozen=True, slots=True)
class Mendings:
    """What was mended on a stream, by the first version of each entry: the last that did it."""

    by: Mapping[int, int] = field(default_factory=dict)


@evolves(EntryMended)
def entry_mended(state: State, event: EntryMended, stamp: Stamp) -> State:
    news = dict.fromkeys((event.entry, *event.also), stamp.version)
    return state.put(Mendings({**state.of(Mendings).by, **news}))


@decides(CorrectEntry)
def correct(command: CorrectEntry, state: State, context: Context) -> Decision:
    past, entry = _mendable(command, state, context)
    if past.corrected is None:
        raise WrongState(
            f"{state.id}: entry {entry.number} has nothing that could be typed otherwise. Take it "
            f'back: handrail retract {state.id} {entry.number} --reason "..."'
        )
    return _mend(command, past, entry, past.corrected, state, context)


@decides(RetractEntry)
def retract(command: RetractEntry, state: State, context: Context) -> Decision:
    past, entry = _mendable(command, state, context)
    if entry.number == 1:
        aggregate = kind_of_stream(state)
        raise WrongState(
            f"{state.id}: everything else rests on its first entry. Put that right: handrail "
            f"correct {_typed(state)} 1; {_ENDS.get(aggregate, 'it cannot be as if it never was')}"
        )
    return _mend(command, past, entry, None, state, context)


_ENDS = {
    "engagement": "or end it: handrail engagement withdraw",
    "person": "or say when they leave: handrail person leave",
    "summit": "or call it off: handrail summit cancel",
}
"""What there is to do about what should not have been begun."""

_PUBLISHED = frozenset({"playbook", "calendar", "framework", "program"})
"""What is put right by publishing it anew: everybody may have read it."""


def _typed(state: State) -> str:
    """A stream as people type it."""
    return state.id if kind_of_stream(state) == "engagement" else state.stream


def _mendable(command: _Mending, state: State, context: Context) -> tuple[Past, Entry]:
    past = context.past
    assert past is not None, "who resolves a correction resolves the past"
    if not past.history:
        raise Unknown(
            f"Nothing was ever recorded of {state.stream!r}. See: handrail engagement list"
        )
    if (aggregate := kind_of_stream(state)) in _PUBLISHED:
        raise WrongState(
            f"{state.stream} is put right by the next version of what is published: handrail "
            f"{aggregate if aggregate != 'program' else 'playbook'} publish FILE"
        )
    entry = past.entry(command.entry)
    if entry is None:
        raise Unknown(
            f"{state.id} has no entry {command.entry}: they go from 1 to {state.version}. See "
            f"them all: handrail history {_typed(state)}"
        )
    if entry.command is None and entry.actor == SYSTEM:
        raise WrongState(
            f"{state.id}: entry {entry.number} was recorded by Handrail itself, and follows from "
            f"others. Put right what it follows from: handrail history {_typed(state)}"
        )
    if isinstance(entry.command, ErasePerson):
        raise WrongState(
            f"{state.id}: entry {entry.number} erased them, and nobody can read any more what "
            f"was. Register them anew: handrail person register"
        )
    _may_mend(entry, past, state, context)
    return past, entry


def _binds(entry: Entry, context: Context) -> bool:
    """Whether it is what a board decided, was signed or moved money, or nobody knows what."""
    kind = entry.command
    binding = authority(context).corrections.binding
    return kind is None or not {kind.noun, kind.kind()}.isdisjoint(binding)


def _may_mend(entry: Entry, past: Past, state: State, context: Context) -> None:
    """Refuse who may not put an entry right."""
    rules = authority(context).corrections
    recorded = past.history[entry.number - 1].stamp.recorded_at
    recent = context.now - recorded < timedelta(days=rules.own_days)
    roles = state.of(Engagement).roles
    require(
        f"put entry {entry.number} right",
        rules.binding_by if _binds(entry, context) else rules.by,
        context,
        lead=roles.get("lead"),
        director=roles.get("director"),
        concerned=entry.actor if recent else None,
    )


def _mend(
    command: _Mending,
    past: Past,
    entry: Entry,
    corrected: tuple[Command, Context] | None,
    state: State,
    context: Context,
) -> Decision:
    others: dict[str, list[Dated]] = {}

    def right(then: State) -> list[Dated]:
        if corrected is None:
            return []
        own, also = facts(corrected[0], then, corrected[1], illustrative=entry.illustrative)
        others.update(also)
        return own

    found = _replayed(past, entry, right, command.with_consequences)
    rests = [(state.stream, e, past) for e in found.resting]
    there: dict[str, _Replay] = {}
    for stream in dict.fromkeys((*past.elsewhere, *others)):
        other = past.elsewhere.get(stream)
        twin = other and next((e for e in other.entries if e.command_id == entry.command_id), None)
        if other and twin:
            right_there = partial(_instead, others.pop(stream, []))
            there[stream] = _replayed(other, twin, right_there, command.with_consequences)
            rests += [(stream, e, other) for e in there[stream].resting]
    if rests and not command.with_consequences:
        named = "; ".join(
            f"{e.number}{'' if on == state.stream else f' of {on}'} ({_said(_of(e, its.history))})"
            for on, e, its in rests
        )
        raise WrongState(
            f"{state.id}: this rests on entry {entry.number}: {named}. Put that right first, or "
            f"take it back together: --with-consequences"
        )
    for _, resting, its in rests:
        if _binds(resting, context):
            _may_mend(resting, its, state, context)
    if also := [e for _, e, _ in rests if e.elsewhere]:
        raise WrongState(
            f"{state.id}: entry {also[0].number} rests on it and changed "
            f"{', '.join(also[0].elsewhere)} as well. Take that back first: handrail retract "
            f"{_typed(state)} {also[0].number} --reason REASON"
        )
    before = [r.event for r in _facts(_of(entry, as_mended(past.history)))]
    was = _sentences(before) or "nothing, since it had been taken back."
    says = _sentences(found.now) or "nothing."
    if isinstance(command, CorrectEntry) and command.on is not None:
        says += f" It came true on {spoken(command.on)}."

    # What is repeated in words goes with whomever it was sealed for.
    by = list(_abouts([*before, *found.now]))

    def sealed(stream: str, text: str) -> Sealed:
        about = dict.fromkeys([subject_of(stream), *by])
        return Sealed(about=" ".join(about), text=text)

    def event(stream: str, number: int, replay: _Replay) -> EntryMended:
        # The entry itself first: it is told first.
        order = sorted(replay.instead, key=lambda v: (v != number, v))
        return EntryMended(
            entry=number,
            reason=Sealed(about=subject_of(stream), text=command.reason),
            was=sealed(stream, was),
            says=sealed(stream, says) if corrected else None,
            also=tuple(e.number for e in replay.resting),
            instead=tuple(Instead(version=v, events=replay.instead[v]) for v in order),
        )

    events: list[Event | On] = [event(state.stream, entry.number, found)] if found.instead else []
    for stream, replay in there.items():
        if replay.instead:
            other = past.elsewhere[stream]
            [twin] = [e for e in other.entries if e.command_id == entry.command_id]
            mend = event(stream, twin.number, replay)
            events.append(On(stream, mend, len(other.history)))
    # Where the right values lead to a stream that had nothing of it.
    events += [On(stream, fact) for stream, news in others.items() for fact, _ in news]
    return events


def _instead(news: list[Dated], then: State) -> list[Dated]:
    return news


@dataclass(slots=True)
class _Replay:
    """What a past comes to once an entry is mended."""

    recorded: Sequence[Recorded]
    state: State
    instead: dict[int, tuple[Standing, ...]] = field(default_factory=dict)
    resting: list[Entry] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    now: list[Event] = field(default_factory=list)
    """What the entry itself says now."""

    def put(self, entry: Entry, was: Sequence[Recorded], now: Sequence[Dated] | None) -> None:
        """Go on with an entry as it was, or with other facts in the place of its own."""
        said = _facts(was)
        if now is None or list(now) == [(r.event, r.stamp.effective_at) for r in said]:
            self.seen |= _names(r.event for r in said)
            self.state = fold(self.state.stream, was, self.state)
            return
        self.seen |= _names(event for event, _ in now)
        raw = _of(entry, self.recorded)
        first, *others = _facts(raw) or raw
        events = list(now)
        if spent := _names(r.event for r in _facts(raw)) - self.seen:
            events.append((NamesSpent(names=tuple(sorted(spent))), first.stamp.effective_at))
        self.instead |= {r.stamp.version: () for r in others}
        self.instead[first.stamp.version] = tuple(Standing.of(event, at) for event, at in events)
        standing = [Recorded(event, replace(first.stamp, effective_at=at)) for event, at in events]
        notices = [r for r in was if isinstance(r.event, NOTICE_EVENTS)]
        before = [r for r in notices if r.stamp.version < first.stamp.version]
        rest = notices[len(before) :]
        self.state = fold(self.state.stream, [*before, *standing, *rest], self.state)


def _replayed(
    past: Past, mending: Entry, right: Callable[[State], list[Dated]], carry: bool
) -> _Replay:
    history = as_mended(past.history)
    stream = history[0].stamp.stream
    control, replay, begun = State(stream), _Replay(past.history, State(stream)), False
    for entry in past.entries:
        was = _of(entry, history)
        if entry is mending:
            begun = True
            now = right(replay.state)
            replay.now = [event for event, _ in now]
            replay.put(entry, was, now)
        elif not begun or entry.context is None or not _facts(was):
            replay.put(entry, was, None)
        else:
            replay.put(entry, was, _again(entry, was, control, replay, carry))
        control = fold(stream, was, control)
    return replay


def _again(
    entry: Entry, was: Sequence[Recorded], control: State, replay: _Replay, carry: bool
) -> Sequence[Dated] | None:
    """What an entry says after what was mended before it; None where it says the same.

    Whatever it would not say today on its own past, for another reason than this correction, is
    left as it was recorded.
    """
    assert entry.context is not None
    recorded = [(r.event, r.stamp.effective_at) for r in _facts(was)]

    def says(state: State) -> tuple[list[Dated], dict[str, list[Dated]]]:
        assert entry.context is not None
        return facts(entry.command, state, entry.context, illustrative=entry.illustrative)

    try:
        before, elsewhere = says(control)
    except Refused:
        return None
    if before != recorded:
        return None
    try:
        now, there = says(replay.state)
    except Refused:
        replay.resting.append(entry)
        return [] if carry else None
    if there != elsewhere:
        raise WrongState(
            f"{control.id}: entry {entry.number} follows from it, and says something else of "
            f"{', '.join({*there, *elsewhere})} then. Take that back first: handrail retract "
            f"{control.id} {entry.number} --reason REASON"
        )
    return now


def _of(entry: Entry, history: Iterable[Recorded]) -> list[Recorded]:
    return [r for r in history if r.stamp.version in entry.versions]


def _facts(history: Iterable[Recorded]) -> list[Recorded]:
    beside = (*NOTICE_EVENTS, EntryMended, NamesSpent)
    return [r for r in history if not isinstance(r.event, beside)]


def _said(history: Iterable[Recorded]) -> str:
    return _sentences(r.event for r in _facts(history))


def _sentences(events: Iterable[Event]) -> str:
    return " ".join(event.sentence() for event in events)


def _abouts(events: Iterable[Event]) -> Iterator[str]:
    """Everybody and everything whose key seals something in events."""
    for event in events:
        for text, _, _ in sealed_in(event, event.model_dump(mode="json")):
            yield from text.about.split()


def _numbered(entries: Sequence[int]) -> str:
    return f"{'entry' if len(entries) == 1 else 'entries'} {', '.join(map(str, entries))}"


def _names(events: Iterable[Event]) -> set[str]:
    return {
        text
        for event in events
        for text in texts(event.model_dump(mode="json"))
        if _NAME.fullmatch(text)
    }
