"""The registry through which subjects join an aggregate, and the fold of a stream.

A subject declares its commands and events as classes and registers what each means:
``@decides`` turns a command into events or refuses, ``@evolves`` applies an event to the state,
``@owes`` says what is owed.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar

from domain.kernel.messages import Command, Decision, Event, Recorded, Stamp, State
from domain.rules.index import COMMANDS_IN, EVENTS_IN

if TYPE_CHECKING:
    from domain.rules.context import Context

T = TypeVar("T")
C = TypeVar("C", bound=Command)
E = TypeVar("E", bound=Event)


@cache
def every_subject() -> None:
    """Import every subject, for what asks all of them: a process may have met only a few."""
    import_module("domain.subjects")


class Registry(Mapping[str, T]):
    """What subjects declare, by name; a subject is imported when something of it is asked for.

    Args:
        declared_in: Names with the modules that are known to declare them, to import no others.
    """

    def __init__(self, declared_in: Mapping[str, str]) -> None:
        self._declared_in = declared_in
        self._known: dict[str, T] = {}

    def add(self, name: str, kind: T) -> bool:
        """Register what is called so; whether nothing else was."""
        return self._known.setdefault(name, kind) is kind

    def __getitem__(self, name: str) -> T:
        if name not in self._known:
            if name in self._declared_in:
                import_module(f"domain.{self._declared_in[name]}")
            else:
                every_subject()
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        every_subject()
        places = {name: place for place, name in enumerate(self._declared_in)}
        return iter(sorted(self._known, key=lambda name: places.get(name, len(places))))

    def __len__(self) -> int:
        every_subject()
        return len(self._known)


COMMANDS: Registry[type[Command]] = Registry(COMMANDS_IN)


EVENTS: Registry[type[Event]] = Registry(EVENTS_IN)


_DECIDERS: dict[type[Command], Callable[[Any, State, "Context"], Decision]] = {}


_EVOLVERS: dict[type[Event], Callable[[State, Any, Stamp], State]] = {}


def decides(
    kind: type[C],
) -> Callable[
    [Callable[[C, State, "Context"], Decision]], Callable[[C, State, "Context"], Decision]
]:
    """Register the function that turns this command into events, or raises `Refused`."""

    def register(
        function: Callable[[C, State, "Context"], Decision],
    ) -> Callable[[C, State, "Context"], Decision]:
        name = kind.kind()
        if not COMMANDS.add(name, kind):
            raise TypeError(f"two commands are called {name!r}")
        _DECIDERS[kind] = function
        return function

    return register


def evolves(
    kind: type[E],
) -> Callable[[Callable[[State, E, Stamp], State]], Callable[[State, E, Stamp], State]]:
    """Register the function that applies this event; it is total and never refuses."""

    def register(
        function: Callable[[State, E, Stamp], State],
    ) -> Callable[[State, E, Stamp], State]:
        if not EVENTS.add(kind.type, kind):
            raise TypeError(f"two events are called {kind.type!r}")
        _EVOLVERS[kind] = function
        return function

    return register


def decide(command: Command, state: State, context: "Context") -> Decision:
    """The facts that follow from a command.

    Raises:
        Refused: A rule says no.
    """
    every_subject()  # One subject may have a say in the command of another.
    return _DECIDERS[type(command)](command, state, context)


def evolve(state: State, recorded: Recorded) -> State:
    """Apply one fact."""
    evolver = _EVOLVERS[type(recorded.event)]
    after = evolver(state, recorded.event, recorded.stamp)
    return State(after.stream, recorded.stamp.version, after.slices)


def fold(stream: str, history: Iterable[Recorded], start: State | None = None) -> State:
    """The state after a history; the same history gives the same state, whenever it is folded.

    Args:
        start: Where to go on from; a history that mends something must be folded whole.
    """
    state, history = start or State(stream), list(history)
    read = as_mended(history)
    if start is not None and read is not history:
        raise ValueError(f"{stream} was mended: fold its whole history")
    for recorded in read:
        state = evolve(state, recorded)
    return state


def as_mended(history: Sequence[Recorded]) -> Sequence[Recorded]:
    """A history as it is to be read, with what stands in the place of what was mended.

    Part of a history may be left out: what it would have mended is not there then.  Mending twice
    is mending once.
    """
    if not any(recorded.event.mends() for recorded in history):
        return history
    stamps = {recorded.stamp.version: recorded.stamp for recorded in history}
    standing: dict[int, list[Recorded]] = {}
    for recorded in history:
        standing.setdefault(recorded.stamp.version, []).append(recorded)
    for recorded in history:
        if not recorded.event.mends():
            continue
        for version, events in recorded.event.replacements().items():
            if stamp := stamps.get(version):
                standing[version] = [
                    Recorded(event, replace(stamp, effective_at=at)) for event, at in events
                ]
        standing[recorded.stamp.version] = [Recorded(recorded.event.once_mended(), recorded.stamp)]
    return [recorded for events in standing.values() for recorded in events]
