"""What could not be decoded or decided: noted with its place, listed until it is mended.

A defect stops its own stream, moment or mail alone. What is noted of it says what kind of error it
was and where in the code, never a value: a value may be about somebody.
"""

import traceback
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Literal

from domain.streams import is_person_id
from store.database import Connection, listed, queries

Kind = Literal["command", "moment", "news", "mail", "stream"]
"""What a defect stops: one command; a stream's waking for what is due; a fact on its way to the
other streams that it concerns; one mail; a whole stream that cannot be read."""

OURS = frozenset({"activities", "bootstrap", "domain", "store"})
"""The packages whose places are named."""

NOBODY = "person:unknown"
"""In the place of a stream that is called by what somebody typed, which may be a name."""


@dataclass(frozen=True)
class Defect:
    """Something sick, as it is listed."""

    kind: Kind
    place: str
    """A command's or mail's id, a stream, or stream@version."""
    stream: str | None
    """The stream that it stops."""
    about: str
    """The kind of command or the type of event; what is known of it without reading it."""
    problem: str
    release: str
    """By which it was seen last."""
    first_seen: datetime
    last_seen: datetime
    seen: int
    """How often."""


async def note(
    connection: Connection,
    kind: Kind,
    place: str,
    problem: BaseException | str,
    *,
    stream: str | None = None,
    about: str = "",
) -> int:
    """Note that something could not be decoded or decided; how often it was seen by now.

    Args:
        place: Which one it is: the same however often it is tried.
        problem: The error, of which only kind and place are kept; or words without any value.
    """
    if isinstance(problem, BaseException):
        problem = problem_of(problem)
    if stream is not None:
        stream = without_names(stream)
    seen: int = await queries.note_defect(
        connection,
        kind=kind,
        place=place,
        stream=stream,
        about=about,
        problem=problem,
        release=version("handrail"),
    )
    return seen


async def mend(connection: Connection, kind: Kind, place: str) -> bool:
    """Strike a defect off the list; whether it stood there."""
    return bool(await queries.mend_defect(connection, kind=kind, place=place))


async def defects(connection: Connection) -> list[Defect]:
    """Everything that is sick, the oldest first."""
    return [Defect(**row) for row in await listed(queries.defects(connection))]


def problem_of(error: BaseException) -> str:
    """The kind of an error and where in our code it came about, without its words."""
    places = [
        f"{module}.{frame.f_code.co_name}, line {line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if (module := str(frame.f_globals.get("__name__", ""))).partition(".")[0] in OURS
    ]
    name = type(error).__name__
    return f"{name} in {places[-1]}" if places else name


def without_names(stream: str) -> str:
    """The stream, where it is not called by what somebody typed."""
    kind, _, name = stream.partition(":")
    return NOBODY if kind == "person" and not is_person_id(name) else stream
