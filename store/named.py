"""Named queries: cut out of a file of SQL, and made ready when they are first asked for.

Above each stands ``-- name: some-name`` with a mark that says what it answers: none for rows one
after the other, ``^`` for one row or None, ``$`` for one value, ``!`` for a change and ``#`` for a
script, which answer what the server says of them.  What a query takes is written ``:name``.
"""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from asyncpg import Connection, Pool, Record
    from asyncpg.pool import PoolConnectionProxy

    Asked = Connection[Any] | PoolConnectionProxy[Any] | Pool[Any]

_HEAD = re.compile(r"([a-z][a-z0-9-]*)([\^$!#]?)")
_COMMENT = re.compile(r"^\s*--.*\n", re.MULTILINE)
_PARAMETER = re.compile(
    r"""
    '(?: '' | [^'] )*'  # nothing in quotes is one,
    | "[^"]*"
    | ::                # nor is what a cast casts to
    | :([a-z]\w*)
    """,
    re.VERBOSE,
)
_METHODS = {"^": "fetchrow", "$": "fetchval", "!": "execute", "#": "execute"}


class Query:
    """A query, called with a connection (or a pool) and what it takes, by name.

    Args:
        name: Its name.
        mark: What it answers.
        text: Its SQL, with comments.
    """

    def __init__(self, name: str, mark: str, text: str) -> None:
        self.name = name
        self.takes: list[str] = []
        """What it takes, in the order of the numbers."""
        self.sql = _PARAMETER.sub(self._number, _COMMENT.sub("", text)).strip()
        """As the server gets it, with numbers for names."""
        self._method = _METHODS.get(mark)

    def _number(self, found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return found[0]
        if name not in self.takes:
            self.takes.append(name)
        return f"${self.takes.index(name) + 1}"

    def __call__(self, connection: "Asked", **values: object) -> Any:
        if values.keys() != set(self.takes):
            raise TypeError(f"{self.name} takes {self.takes}, and was given {[*values]}")
        given = [values[name] for name in self.takes]
        if self._method is None:
            return self._rows(connection, given)
        return getattr(connection, self._method)(self.sql, *given)

    async def _rows(self, connection: "Asked", given: list[object]) -> AsyncIterator["Record"]:
        for row in await connection.fetch(self.sql, *given):
            yield row


class Queries:
    """The queries of a file, each an attribute with ``_`` for ``-``.

    Args:
        path: The file of SQL.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cut: dict[str, tuple[str, str]] = {}
        for part in path.read_text("utf-8").split("-- name: ")[1:]:
            head, _, text = part.partition("\n")
            read = _HEAD.fullmatch(head)
            if read is None:
                raise ValueError(f"{path} names a query {head!r}; write it as some-name^")
            name = read[1].replace("-", "_")
            if name in self._cut:
                raise ValueError(f"{path} has two queries named {read[1]!r}")
            self._cut[name] = read[2], text

    def names(self) -> list[str]:
        """What every query is called."""
        return [*self._cut]

    def __getattr__(self, name: str) -> Query:
        if name not in self._cut:
            raise AttributeError(f"no query in {self._path} is named {name!r}")
        made = Query(name, *self._cut[name])
        setattr(self, name, made)
        return made
