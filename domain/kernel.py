"""Commands, events, and the registry through which subjects join an aggregate.

A subject module declares its commands and events as classes and registers what each means:
``@decides`` turns a command into events or refuses, ``@evolves`` applies an event to the state,
``@owes`` says what is owed.  Whoever adds a subject edits its module and nothing else.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, TypeVar, cast, get_args
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import InitErrorDetails

from domain.bounds import MOST_CHARACTERS, printable, within_reason
from domain.index import COMMANDS_IN, EVENTS_IN
from domain.nouns import about_noun as about_noun  # noqa: PLC0414 - every subject asks for it here

if TYPE_CHECKING:
    from domain.context import Context

Aggregate = Literal[
    "engagement",
    "summit",
    "lea",
    "person",
    "playbook",
    "calendar",
    "framework",
    "program",
    "appropriation",
]


@dataclass(frozen=True, slots=True)
class Ref:
    """Marks a field as a name of a person or an LEA, which the context resolves, or an engagement.

    An engagement may be typed by a name of its LEA; the door puts its id in the place of it.
    """

    kind: Literal["person", "lea", "engagement"]


@dataclass(frozen=True, slots=True)
class Positional:
    """Marks a field that the command line takes by position."""


@dataclass(frozen=True, slots=True)
class Option:
    """Gives a field another name on the command line."""

    name: str


_NOT_IN_A_LINE = frozenset({"Cc", "Cs", "Zl", "Zp"})
_TURNS_TEXT_ROUND = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def _one_line(text: str) -> str:
    # No less than a mail refuses: a title that no mail can say would hold up its reader's mails.
    if any(unicodedata.category(c) in _NOT_IN_A_LINE or c in _TURNS_TEXT_ROUND for c in text):
        raise ValueError("must be one line, without control characters")
    return text


def _no_more_zeros(number: Decimal) -> Decimal:
    whole = number.to_integral_value()
    return whole if whole == number else number.normalize()


Line = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=300),
    AfterValidator(_one_line),
]
"""One line of text for a title, a reason or a name: it may end up in a mail's subject."""
PROSE = AfterValidator(printable)
Prose = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MOST_CHARACTERS),
    PROSE,
]
"""Free text of any number of lines; every other text that is written is a `Line`."""
Slug = Annotated[
    str,
    StringConstraints(strip_whitespace=True, pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60),
]
"""A short id that people type: lower-case letters, digits and single hyphens."""
LeaHours = Annotated[
    Decimal, Field(ge=0, le=2000, decimal_places=2), AfterValidator(_no_more_zeros)
]
"""Hours of the LEA's people, to the hundredth."""
Hours = Annotated[Decimal, AfterValidator(_no_more_zeros)]
"""Such hours in an event, or a sum of them, which may be less than nothing."""
PersonRef = Annotated[Line, Ref("person")]
"""A person, by handle or id."""
LeaRef = Annotated[Line, Ref("lea")]
"""An LEA, by id, name or alias."""
EngagementId = Annotated[Slug, Positional(), Ref("engagement")]
"""An engagement's id, for example ``alder-creek-usd``."""


@cache
def _a_line() -> TypeAdapter[str]:
    return TypeAdapter(Line)


@cache
def _prose_in(model: type[BaseModel]) -> frozenset[str]:
    """The fields of a model that hold prose, or whatever another command checks."""

    def free(kind: Any) -> bool:
        return kind is Any or kind is PROSE or any(map(free, (*get_args(kind), *_marks(kind))))

    fields = model.model_fields.items()
    return frozenset(n for n, f in fields if free(f.annotation) or any(map(free, f.metadata)))


def _marks(kind: Any) -> tuple[Any, ...]:
    return getattr(kind, "__metadata__", ())


def wrong_texts(
    value: Any, at: tuple[str | int, ...] = (), *, prose: bool = False
) -> Iterator[InitErrorDetails]:
    """Whatever in something written is neither a line nor prose, or has no end, with its place.

    Held against what people write, not against what is kept: an earlier release may have let in
    more, and that must be read for ever.
    """
    try:
        within_reason(value)
        if isinstance(value, str) and not prose:
            _one_line(value)
            _a_line().validate_python(value)
    except ValidationError as wrong:
        for error in wrong.errors(include_url=False):
            yield {"type": error["type"], "ctx": error.get("ctx", {}), "loc": at, "input": value}
    except ValueError as wrong:
        yield {"type": "value_error", "ctx": {"error": wrong}, "loc": at, "input": value}
    else:
        for place, part in _parts(value):
            free = prose or (isinstance(value, BaseModel) and place in _prose_in(type(value)))
            yield from wrong_texts(part, (*at, place), prose=free)


def _parts(value: Any) -> Iterator[tuple[str | int, Any]]:
    if isinstance(value, BaseModel):
        said = type(value).model_fields
        yield from ((name, part) for name, part in value if part != said[name].default)
    elif isinstance(value, (tuple, list)):
        yield from enumerate(value)
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield key, key
            yield key, part


class Command(BaseModel):
    """What somebody wants done: declared once; command line, imports and documentation follow."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_by_name=True,
        # Each is read when it is first used: a command line needs a handful of them.
        defer_build=True,
    )

    aggregate: ClassVar[Aggregate]
    noun: ClassVar[str]
    verb: ClassVar[str]
    internal: ClassVar[bool] = False
    """True for what the system tells itself; such a command has no place on the command line."""
    ends: ClassVar[bool] = False
    """True for what ends or erases something: whoever gives it at a desk is asked first."""

    @field_validator("*")
    @classmethod
    def _within_reason(cls, value: Any, info: ValidationInfo) -> Any:
        if wrong := list(wrong_texts(value, prose=info.field_name in _prose_in(cls))):
            raise ValidationError.from_exception_data(cls.__name__, wrong)
        return value

    @classmethod
    def kind(cls) -> str:
        """The name under which the command travels and is kept, for example ``fit decide``."""
        return f"{cls.noun} {cls.verb}"

    def stream(self, command_id: UUID) -> str:
        """The stream this command is decided on."""
        raise TypeError(f"{type(self).__name__} names no stream")  # pragma: no cover


class EngagementCommand(Command):
    """A command of one engagement."""

    aggregate = "engagement"

    engagement: EngagementId
    """The engagement's id, for example alder-creek-usd."""

    def stream(self, command_id: UUID) -> str:
        return f"engagement:{self.engagement}"


class ReminderCommand(Command):
    """What the system tells itself about the reminders of a stream."""

    internal = True

    of: str
    """The stream, for example engagement:alder-creek-usd."""

    def stream(self, command_id: UUID) -> str:
        return self.of


class Event(BaseModel):
    """A fact.  Once published its meaning never changes; new fields are optional."""

    model_config = ConfigDict(frozen=True, extra="ignore", defer_build=True)

    type: ClassVar[str]
    schema_version: ClassVar[int] = 1

    illustrative: bool = False
    """True for invented data (a demonstration, training), which every mail and report must say."""

    def came_true(self) -> date | None:
        """The day on which it came true, where the event itself says so."""
        return None

    def mends(self) -> bool:
        """Whether it says how earlier events of its stream are to be read from now on."""
        return False

    def sentence(self) -> str:
        """What happened, in a sentence; people are named by id, which the door replaces."""
        raise TypeError(f"{type(self).__name__} has no sentence")  # pragma: no cover


@dataclass(frozen=True, slots=True)
class On:
    """An event for another stream than the command's own, appended in the same transaction."""

    stream: str
    event: Event
    version: int | None = None
    """The version of that stream the decision rests on: whoever wrote there meanwhile undoes it.
    None where it holds whatever happened there."""


Decision = Sequence[Event | On]


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the store knows about an event besides its content."""

    stream: str
    version: int
    effective_at: datetime
    recorded_at: datetime
    actor: str
    command_id: UUID
    position: int = 0


@dataclass(frozen=True, slots=True)
class Recorded:
    """An event with its stamp, as read from the store."""

    event: Event
    stamp: Stamp


S = TypeVar("S")
T = TypeVar("T")
C = TypeVar("C", bound=Command)
E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class State:
    """One stream, folded: each subject keeps its own slice, keyed by the slice's class."""

    stream: str
    version: int = 0
    slices: Mapping[type, Any] = field(default_factory=dict)

    def of(self, kind: type[S]) -> S:
        """The slice of one subject; its empty default where nothing has happened yet."""
        found = self.slices.get(kind)
        return kind() if found is None else cast(S, found)

    def put(self, part: object) -> "State":
        """This state with one slice replaced."""
        return State(self.stream, self.version, {**self.slices, type(part): part})

    @property
    def id(self) -> str:
        """The people-facing id: the stream without its aggregate."""
        return self.stream.partition(":")[2] or self.stream


@dataclass(frozen=True, slots=True)
class Spent:
    """Names whose bearers were taken back: nothing else on the stream is ever called so."""

    names: frozenset[str] = frozenset()


def next_name(state: State, prefix: str, given: Iterable[str]) -> str:
    """The name of the next thing of a kind, such as D4, which nothing on the stream ever had."""
    [name] = next_names(state, prefix, given, 1)
    return name


def next_names(state: State, prefix: str, given: Iterable[str], count: int) -> tuple[str, ...]:
    """The names of the next few things of a kind."""
    found = (re.fullmatch(rf"{prefix}(\d+)", name) for name in (*given, *state.of(Spent).names))
    first = max((int(match[1]) for match in found if match), default=0) + 1
    return tuple(f"{prefix}{number}" for number in range(first, first + count))


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
    """A history as it is to be read, with what stands in the place of what was mended."""
    if not any(recorded.event.mends() for recorded in history):
        return history
    from domain.mending import mended

    return mended(history)
