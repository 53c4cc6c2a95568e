"""Names for ids, in whatever is shown."""

import re
from collections.abc import Mapping
from datetime import date
from typing import Any

from queries.answers import A, Answer, Who, everybody_in, renamed
from queries.source import Source

_PERSON = re.compile(r"([@/]?)\b(p-[a-z2-7]{13})\b")


class Names:
    """Turns the ids in messages into what people are called; learns names as it goes.

    Args:
        known: The day as of whose end the names are wanted; today's if None.
    """

    def __init__(self, source: Source, known: date | None = None) -> None:
        self._source = source
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
            async with self._source.pool.acquire() as connection:
                for row in await listed(queries.people_named(connection, names=sorted(ids))):
                    self._learned(row["id"], row["name"], row["handle"], row["left_on"])
            return
        from queries.clocks import end_of, zone_of
        from store.directory import people_known

        by = end_of(self._day, await zone_of(self._source))
        async with self._source.pool.acquire() as connection:
            found = await people_known(connection, self._source.vault, ids, by)
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
        if isinstance(value, Answer):
            return self.throughout(value.dumped())
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
        return self.of(person) if person is None else self.who(person).now(today)

    def who(self, person: str) -> Who:
        """Somebody as an answer has them."""
        name, handle = self._known.get(person, (person, person))
        return Who(name, handle, self._left.get(person))

    def perhaps(self, person: str | None) -> Who | None:
        """Somebody as an answer has them, or nobody."""
        return None if person is None else self.who(person)

    async def given(self, answer: A) -> A:
        """The same answer with the names of everybody in it, who stand there by id."""
        await self.learn(*(who.handle for who in everybody_in(answer)))
        return renamed(answer, lambda who: self.who(who.handle))

    def handle(self, person: str | None) -> str | None:
        """A person's handle, where it is known."""
        return None if person is None else self._known.get(person, (person, person))[1]
