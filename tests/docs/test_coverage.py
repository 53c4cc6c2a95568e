"""docs/rules/coverage.md names what is there: commands, events and tests, for every number."""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from cyclopts import App

from cli.whole import build
from domain.rules.registry import COMMANDS, EVENTS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/rules/coverage.md").read_text("utf-8")
NUMBERS = range(1, 116)
COLUMNS = ["No.", "Rule", "Commands", "Events", "Tests", "Remark"]
OUT, PART = "Out of scope: ", "In part: "
NOTHING = "–"

Row = dict[str, str]


def rows(page: str) -> list[Row]:
    """Every numbered row of a page."""
    cells = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in page.splitlines()
        if re.match(r"\| \d+ \|", line)
    ]
    return [dict(zip(COLUMNS, row, strict=True)) for row in cells]


def named(cell: str) -> list[str]:
    """What a cell names; a dash is nothing."""
    found = re.findall(r"`([^`]+)`", cell)
    assert bool(found) != (cell == NOTHING), f"neither names nor a dash: {cell!r}"
    assert ", ".join(f"`{name}`" for name in found) == cell.replace(NOTHING, ""), cell
    return found


def verbs(app: App, path: tuple[str, ...] = ()) -> Iterator[str]:
    """Every verb of the command line as it is typed."""
    inner = [name for name in app if not name.startswith("-")]
    if path and not inner:
        yield " ".join(path)
    for name in inner:
        yield from verbs(app[name], (*path, name))


@cache
def verbs_there_are() -> frozenset[str]:
    # A command that only the system gives itself is nothing that people can do.
    return frozenset(verbs(build())) | {k for k, c in COMMANDS.items() if not c.internal}


@cache
def functions_of(file: str) -> frozenset[str]:
    path = ROOT / "tests" / file
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text("utf-8"))
    return frozenset(
        n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)
    )


def standing(row: Row) -> str:
    """Whether a number is covered, in part, or out of scope."""
    remark = row["Remark"]
    return (
        "out of scope"
        if remark.startswith(OUT)
        else "in part"
        if remark.startswith(PART)
        else "covered"
    )


def wrong_with(row: Row) -> list[str]:
    """What a row names that is not there, and what it should name and does not."""
    commands, events, tests = (named(row[c]) for c in ("Commands", "Events", "Tests"))
    wrong = [f"no command {c!r}" for c in commands if c not in verbs_there_are()]
    wrong += [f"no event {e!r}" for e in events if e not in EVENTS]
    for test in tests:
        file, _, function = test.partition("::")
        if not function.startswith("test_") or function not in functions_of(file):
            wrong.append(f"no test {test!r}")
    if not row["Rule"]:
        wrong.append("no rule")
    if standing(row) == "out of scope":
        if commands or events or tests:
            wrong.append("out of scope, and yet it names something")
        if len(row["Remark"]) < len(OUT) + 10:
            wrong.append("out of scope without a reason")
    elif not tests:
        wrong.append("nothing proves it")
    return wrong


ROWS = rows(PAGE)


def test_every_number_stands_there_once_and_in_order() -> None:
    assert [int(row["No."]) for row in ROWS] == list(NUMBERS)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["No."])
def test_a_row_names_what_is_there(row: Row) -> None:
    assert wrong_with(row) == []


@pytest.mark.parametrize("kind", ["covered", "in part", "out of scope"])
def test_the_page_counts_its_own_rows(kind: str) -> None:
    found = re.search(rf"^\| {kind} \| (\d+) \|$", PAGE, re.MULTILINE)

    assert found is not None
    assert int(found[1]) == sum(standing(row) == kind for row in ROWS)


def test_no_head_differs_from_the_others() -> None:
    heads = re.findall(r"^\| No\. .*$", PAGE, re.MULTILINE)

    assert heads
    assert set(heads) == {"| " + " | ".join(COLUMNS) + " |"}


HERE = "docs/test_coverage.py::test_every_number_stands_there_once_and_in_order"


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (("R", "`lea fact`", "`focus-set`", f"`{HERE}`", ""), []),
        (("R", "`lea facto`", "–", f"`{HERE}`", ""), ["no command 'lea facto'"]),
        (("R", "`notices claim`", "–", f"`{HERE}`", ""), ["no command 'notices claim'"]),
        (("R", "`lead`", "–", f"`{HERE}`", ""), ["no command 'lead'"]),
        (("R", "–", "`focus-sat`", f"`{HERE}`", ""), ["no event 'focus-sat'"]),
        (("R", "–", "–", f"`{HERE}s`", ""), [f"no test '{HERE}s'"]),
        (("R", "–", "–", "`docs/none.py::test_it`", ""), ["no test 'docs/none.py::test_it'"]),
        (("R", "–", "–", "`docs/test_coverage.py::rows`", ""),
         ["no test 'docs/test_coverage.py::rows'"]),
        (("R", "`lea fact`", "–", "–", ""), ["nothing proves it"]),
        (("R", "`lea fact`", "–", "–", "In part: half"), ["nothing proves it"]),
        (("", "–", "–", f"`{HERE}`", ""), ["no rule"]),
        (("R", "–", "–", "–", "Out of scope: "), ["nothing proves it"]),
        (("R", "–", "–", "–", "Out of scope: no"), ["out of scope without a reason"]),
        (("R", "`lea fact`", "–", "–", "Out of scope: a figure of the pilot"),
         ["out of scope, and yet it names something"]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_row_is_noticed(cells: tuple[str, ...], said: list[str]) -> None:
    [row] = rows(f"| 1 | {' | '.join(cells)} |")

    assert wrong_with(row) == said
