"""Commands, events and the state of a stream: what every subject is made of."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, ClassVar, Literal, TypeVar, cast
from uuid import UUID

from pydantic import (
    BaseModel,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from domain.kernel.fields import EngagementId, prose_in, wrong_texts
from domain.streams import Aggregate, id_of, stream_of

LooksAt = Literal["appropriations", "held roles", "recesses"]
"""All money as it stands; the open roles of the person of the stream; every LEA's own recess."""


Needs = Literal["open", "open now", "open or over", "nothing"]
"""How an engagement must stand: open on the day of what is recorded; open now, whenever that was;
open on that day or over by now; or in no way that is asked before the decider."""


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
    looks_at: ClassVar[frozenset[LooksAt]] = frozenset()
    """What else its rules look at, besides its stream and what its fields refer to."""
    happened: ClassVar[str | None] = None
    """What a refusal calls that which it records, for example "The waiver", where that may not be
    dated in the future. None where the decider says so, after what is to be said before, or where
    it may lie ahead."""

    stated: ClassVar[frozenset[str]] = frozenset()
    """What is to be said although it may be left out of what was kept: fields by name, and ``on``
    for the day on which it came true. A fact that nobody stated is not recorded."""

    @field_validator("*")
    @classmethod
    def _within_reason(cls, value: Any, info: ValidationInfo) -> Any:
        if wrong := list(wrong_texts(value, prose=info.field_name in prose_in(cls))):
            raise ValidationError.from_exception_data(cls.__name__, wrong)
        return value

    @classmethod
    def kind(cls) -> str:
        """The name under which the command travels and is kept, for example ``fit decide``."""
        return f"{cls.noun} {cls.verb}"

    @property
    def names(self) -> tuple[str, ...]:
        """The names that it gives to its person or LEA: whoever has one already is looked up."""
        return ()

    def stream(self, command_id: UUID) -> str:
        """The stream this command is decided on: that of what it names of its own kind."""
        return stream_of(self.aggregate, getattr(self, self.aggregate))


class EngagementCommand(Command):
    """A command of one engagement."""

    aggregate = "engagement"
    needs: ClassVar[Needs] = "open"
    """How its engagement must stand, which is asked before its decider."""

    engagement: EngagementId
    """The engagement's id, for example alder-creek-usd."""


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

    def replacements(self) -> Mapping[int, Sequence[tuple["Event", datetime]]]:
        """What is read in the place of earlier events, by version, and since when it is true."""
        return {}

    def once_mended(self) -> "Event":
        """This event once what it mends has been mended."""
        return self

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
        return id_of(self.stream)


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
