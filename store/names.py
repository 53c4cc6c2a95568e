"""Who is called what: looked up in the directory of today, for texts that name people."""

import re
from collections.abc import Iterator
from typing import Any

from store.database import Connection, listed, queries


async def named_in(connection: Connection, text: str) -> list[str]:
    """The ids of everybody whom a text names by handle, name or mail address, in their order."""
    if not text:
        return []
    folded = text.casefold()
    found = []
    for row in await listed(queries.people_in_text(connection, text=folded)):
        called = [w.casefold() for w in (row["handle"], row["name"], row["email"]) if w]
        # "al" names nobody in "also".
        if re.search(rf"(?<![\w-])(?:{'|'.join(map(re.escape, called))})(?![\w-])", folded):
            found.append(str(row["id"]))
    return found


async def person_called(connection: Connection, name: str) -> str | None:
    """The id of whoever has this handle or id; None for nobody."""
    rows = await listed(queries.people_named(connection, names=[name]))
    return str(rows[0]["id"]) if rows else None


def words(value: Any) -> Iterator[str]:
    """Every text in plain data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from (*words(key), *words(inner))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from words(inner)
