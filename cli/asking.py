"""What every verb needs: settings, an open door, names instead of ids, and exit codes."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from cli.output import DEFECT, REFUSED, UNAVAILABLE, UNKNOWN, fail, narrate
from cli.stack import settings_or_fail
from cli.verbs import Date as Date  # noqa: PLC0414 - every verb asks for it here
from cli.verbs import Parameter
from domain.kernel.wording import counted as counted  # noqa: PLC0414 - every verb asks for it here
from domain.kernel.wording import spoken

if TYPE_CHECKING:
    from bootstrap.door import Door
    from domain.rules.context import LeaEntry, PersonEntry
    from store.errors import Unreadable

T = TypeVar("T")

_NAMED_SICK = 3
"""How many of what cannot be read are named."""

Json = Annotated[bool, Parameter(name="--json", negative="", show_default=False)]
"""One JSON object (or one a line) instead of text."""


_PERSON = re.compile(r"([@/]?)\b(p-[a-z2-7]{13})\b")


def run(work: Callable[["Door"], Awaitable[T]], *, commands: bool = False) -> T:
    """Run the work of a verb with an open door; what comes of no answer is its exit code."""
    settings = settings_or_fail()
    from bootstrap.away import why
    from bootstrap.door import NotKnown, Unavailable, Undecided, open_door
    from bootstrap.settings import SettingsError
    from domain.kernel.refusals import Refused
    from store.database import AWAY, is_outage
    from store.errors import Unreadable, VaultError

    async def inside() -> T:
        async with open_door(settings, commands=commands) as door:
            try:
                answer = await work(door)
            except Unreadable as sick:
                await _note(door, [sick])
                raise
            await _note(door, door.left_out)
            await _say_what_is_sick(door)
            return answer

    try:
        return asyncio.run(inside())
    except Refused as no:
        fail(str(no), REFUSED, refusal=no.kind)
    except NotKnown as unknown:
        fail(str(unknown), UNKNOWN)
    except Undecided as defect:
        fail(str(defect), DEFECT)
    except (Unavailable, VaultError, Unreadable) as away:
        fail(str(away), UNAVAILABLE)
    except AWAY as away:
        if not is_outage(away):
            raise
        fail(
            f"The database stopped answering ({why(away)}). See handrail doctor, then ask again.",
            UNAVAILABLE,
        )
    except SettingsError as wrong:
        fail(str(wrong), UNAVAILABLE)


async def _note(door: "Door", found: "Sequence[Unreadable]") -> None:
    """Keep what cannot be read, for handrail doctor and whoever looks at it again."""
    from store.defects import note

    if found:
        async with door.pool.acquire() as connection:
            for one in found:
                told = f"{one.why}. {one.remedy}"
                await note(connection, "stream", one.stream, told, stream=one.stream)


async def _say_what_is_sick(door: "Door") -> None:
    """A line on stderr about what cannot be read, whatever was asked."""
    from store.database import listed, queries

    async with door.pool.acquire() as connection:
        rows = await listed(queries.sick_streams(connection))
    # What was met just now is in no list where none can be kept.
    sick = {row["stream"] for row in rows} | {one.stream for one in door.left_out}
    if sick:
        streams = [stream.removeprefix("engagement:") for stream in sorted(sick)]
        named = ", ".join(streams[:_NAMED_SICK])
        more = f" and {len(streams) - _NAMED_SICK} more" if len(streams) > _NAMED_SICK else ""
        narrate(
            f"Cannot be read for now: {named}{more}. What is shown of that may be old or left "
            f"out; all else is whole. What to do: handrail doctor"
        )


async def engagement_named(door: "Door", name: str) -> str:
    """An engagement's id, from the id itself or from any name of its LEA (the latest one then).

    Raises:
        Ambiguous: Several LEAs are called that.
        Unknown: None is called that.
    """
    from domain.kernel.refusals import Unknown, did_you_mean
    from store.database import listed, queries

    async with door.pool.acquire() as connection:
        ids = [row["id"] for row in await listed(queries.engagement_ids(connection))]
        if name.strip() in ids:
            return name.strip()
        from domain.rules.context import several_leas
        from store.finding import leas_meant

        found = await leas_meant(connection, {name})
        if name in found.several:
            raise several_leas(name, found.several[name])
        if lea := found.one.get(name):
            of_lea = await listed(queries.engagements_of_lea(connection, lea=lea.id))
            if of_lea:
                return str(of_lea[-1]["id"])
            raise Unknown(
                f"There is no engagement with {lea.name} yet. Open one: "
                f"handrail engagement open {lea.id} --lead PERSON --director PERSON"
            )
    raise Unknown(
        f"There is no engagement {name!r}. {did_you_mean(name, ids)}"
        f"See them all: handrail engagement list"
    )


async def person_named(door: "Door", name: str, day: date | None = None) -> "PersonEntry":
    """The person whom a question is about, by handle, id, name or a part of it.

    Args:
        day: Whoever has left by then is meant only where nobody is who is there.

    Raises:
        Ambiguous: Several people are called that.
        Unknown: Nobody is called that.
    """
    from domain.kernel.refusals import Ambiguous
    from store.finding import person_meant

    async with door.pool.acquire() as connection:
        try:
            return await person_meant(connection, name, day)
        except Ambiguous as several:
            told = str(several)
    names = Names(door)
    await names.learn(told)
    raise Ambiguous(names.told(told))


async def lea_named(door: "Door", name: str) -> "LeaEntry":
    """The LEA that somebody names, by id, name or alias, or by a part of a name.

    Raises:
        Ambiguous: Several LEAs are called that.
        Unknown: None is called that.
    """
    from store.finding import lea_meant

    async with door.pool.acquire() as connection:
        return await lea_meant(connection, name)


async def reminded_stream(door: "Door", name: str) -> str:
    """The stream whose reminders somebody means: an engagement's, or an appropriation's.

    An appropriation is named by its id, or as appropriation:dta-2026 where an engagement is called
    the same.

    Raises:
        Unknown: None is called that, or nobody is reminded of its kind.
    """
    from domain.kernel.refusals import Unknown, did_you_mean
    from store.context import appropriations

    kind, colon, rest = name.partition(":")
    async with door.pool.acquire() as connection:
        money = [*await appropriations(connection)]
    if colon and kind == "appropriation":
        if rest not in money:
            raise Unknown(
                f"There is no appropriation {rest!r}. {did_you_mean(rest, money)}"
                f"See them all: handrail appropriation list"
            )
        return name
    if colon and kind != "engagement":
        raise Unknown(
            f"Nobody is reminded of {name!r}. Name an engagement, or an appropriation as "
            f"appropriation:ID; see what is owed: handrail due"
        )
    try:
        return f"engagement:{await engagement_named(door, rest if colon else name)}"
    except Unknown:
        if name not in money:
            raise
        return f"appropriation:{name}"


def say_if_illustrative(illustrative: bool) -> None:
    """Whatever is shown of an illustrative engagement says so."""
    if illustrative:
        print("ILLUSTRATIVE: dates and deliverables are invented, not facts about the LEA.")


class Names:
    """Turns the ids in messages into what people are called; learns names as it goes.

    Args:
        known: The day as of whose end the names are wanted; today's if None.
    """

    def __init__(self, door: "Door", known: date | None = None) -> None:
        self._door = door
        self._day = known
        self._known: dict[str, tuple[str, str]] = {"system": ("Handrail", "system")}
        self._left: dict[str, date] = {}

    async def learn(self, *texts: str | None) -> None:
        """Look up everybody these texts mention."""
        from store.database import listed, queries

        ids = {m[1] for text in texts if text for m in _PERSON.findall(text)}
        ids -= self._known.keys()
        if not ids:
            return
        if self._day is None:
            async with self._door.pool.acquire() as connection:
                for row in await listed(queries.people_named(connection, names=sorted(ids))):
                    self._learned(row["id"], row["name"], row["handle"], row["left_on"])
            return
        from cli.reading import _zone, end_of
        from store.directory import people_known

        by = end_of(self._day, await _zone(self._door))
        async with self._door.pool.acquire() as connection:
            found = await people_known(connection, self._door.vault, ids, by)
        for entry in found.values():
            self._learned(entry.id, entry.name, entry.handle, entry.left_on)

    def _learned(self, person: str, name: str, handle: str | None, left_on: date | None) -> None:
        self._known[person] = (name, handle or person)
        if left_on:
            self._left[person] = left_on

    def told(self, text: str) -> str:
        """The text with names for ids; handles after an @, and in an item such as address/joy."""

        def name(match: re.Match[str]) -> str:
            known = self._known.get(match[2])
            if known is None:
                return match[0]
            if match[1]:
                return match[1].removeprefix("@") + known[1]
            return known[0]

        return _PERSON.sub(name, text)

    def throughout(self, value: Any) -> Any:
        """The same data with names for ids in every text; a name may hold any character."""
        if isinstance(value, str):
            return self.told(value)
        if isinstance(value, Mapping):
            return {self.told(str(name)): self.throughout(part) for name, part in value.items()}
        if isinstance(value, list | tuple):
            return [self.throughout(part) for part in value]
        from domain.kernel.sealed import Sealed

        return self.told(str(value)) if isinstance(value, Sealed) else value

    def of(self, person: str | None) -> str:
        """A person's name; a dash for nobody."""
        if person is None:
            return "–"
        return self._known.get(person, (person, person))[0]

    def now(self, person: str | None, today: date) -> str:
        """A person's name, marked where they are no longer there on a day."""
        left = self._left.get(person or "")
        gone = left is not None and left <= today
        return self.of(person) + (f" (left {spoken(left)})" if left and gone else "")

    def handle(self, person: str | None) -> str | None:
        """A person's handle, where it is known."""
        return None if person is None else self._known.get(person, (person, person))[1]


@asynccontextmanager
async def naming(door: "Door", *texts: str | None) -> AsyncIterator[Names]:
    """Names that know everybody these texts mention."""
    names = Names(door)
    await names.learn(*texts)
    yield names
