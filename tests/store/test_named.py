"""Named queries: what they take, what they answer, and that every call of one fits it."""

import ast
import re
from pathlib import Path

import pytest

from store.database import Pool, listed, queries
from store.named import Queries

ROOT = Path(__file__).parents[2]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "some.sql"


@pytest.fixture
def one_of_each(file: Path) -> Queries:
    file.write_text(
        "-- name: rows\nselect generate_series(1, :upto) as n;\n"
        "-- name: row^\nselect :n::int as n;\n"
        "-- name: value$\nselect :n::int;\n"
        "-- name: change!\nset local work_mem = '1MB';\n"
        "-- name: script#\nset local work_mem = '1MB'; set local work_mem = '2MB';\n"
    )
    return Queries(file)


def test_names_become_numbers_except_in_quotes_and_casts(file: Path) -> None:
    file.write_text(
        "-- name: one\n-- What :it answers, and Joe's.\n"
        "select ':a' || \":b\", array[1, 2, 3][1:2], 'it''s :c'\n"
        "  from t where x = :x::text\n   -- :y is next\n   and y > :y and z = any(:x::date[]);\n\n"
        "-- name: other-one$\nselect 1;\n"
    )
    found = Queries(file)
    assert found.one.sql == (
        "select ':a' || \":b\", array[1, 2, 3][1:2], 'it''s :c'\n"
        "  from t where x = $1::text\n   and y > $2 and z = any($1::date[]);"
    )
    assert found.one.takes == ["x", "y"]
    assert found.other_one.sql == "select 1;"
    assert found.names() == ["one", "other_one"]


@pytest.mark.parametrize("head", ["One", "one ^", "one^^", "one(x)", "1st", ""])
def test_a_name_that_is_none_is_refused(head: str, file: Path) -> None:
    file.write_text(f"-- name: {head}\nselect 1;\n")
    with pytest.raises(ValueError, match=re.escape(repr(head))):
        Queries(file)


def test_a_name_used_twice_is_refused(file: Path) -> None:
    file.write_text("-- name: a-b\nselect 1;\n-- name: a-b$\nselect 2;\n")
    with pytest.raises(ValueError, match="two queries named 'a-b'"):
        Queries(file)


def test_a_query_that_is_not_there_is_named() -> None:
    with pytest.raises(AttributeError, match=r"queries\.sql is named 'no_such'"):
        _ = queries.no_such


async def test_each_mark_answers_its_kind(pool: Pool, one_of_each: Queries) -> None:
    found = one_of_each
    async with pool.acquire() as connection, connection.transaction():
        assert [row["n"] for row in await listed(found.rows(connection, upto=3))] == [1, 2, 3]
        assert dict(await found.row(connection, n=4)) == {"n": 4}
        assert await found.value(connection, n=5) == 5
        assert await found.change(connection) == "SET"
        assert await found.script(connection) == "SET"
    assert await found.value(pool, n=6) == 6


async def test_what_a_query_does_not_take_is_refused(pool: Pool) -> None:
    for wrong in ({}, {"name": "a", "other": 1}, {"names": "a"}):
        with pytest.raises(TypeError, match=r"lea takes \['name'\]"):
            await queries.lea(pool, **wrong)


async def test_the_server_takes_every_query_but_scripts(pool: Pool) -> None:
    async with pool.acquire() as connection:
        for name in queries.names():
            query = getattr(queries, name)
            if ";" in query.sql.rstrip(";"):
                assert query.takes == []
                continue
            await connection.prepare(query.sql)


def test_every_query_is_asked_for_and_every_call_gives_what_it_takes() -> None:
    code = ("activities", "bootstrap", "cli", "embedded", "examples", "queries", "store")
    paths = [p for d in code for p in (ROOT / d).rglob("*.py")] + [ROOT / "worker.py"]
    asked = set()
    for path in paths:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Attribute(value=ast.Name("queries")):
                    asked.add(node.attr)
                case ast.Call(func=ast.Attribute(value=ast.Name("queries"), attr=name)):
                    given = {keyword.arg for keyword in node.keywords}
                    if None not in given:  # What follows two stars is seen when it runs.
                        assert given == set(getattr(queries, name).takes), f"{path}:{node.lineno}"
                case _:
                    pass
    assert asked == set(queries.names())
