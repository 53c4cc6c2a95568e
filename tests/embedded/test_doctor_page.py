"""The page for whoever looks after Handrail explains every line that doctor can print."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs/how-to/look-after.md"
DOCTOR = [ROOT / "embedded/doctor.py", *sorted(ROOT.glob("embedded/looks/*.py"))]
STATES = ("ok", "attention", "away")


@dataclass(frozen=True)
class Line:
    """A line as the code can print it: what varies matches anything."""

    part: str
    state: str
    seen: str
    at: str

    def is_explained_by(self, row: tuple[str, str, str]) -> bool:
        part, state, seen = row
        return (part, state) == (self.part, self.state) and bool(re.fullmatch(self.seen, seen))


def pattern(seen: ast.expr) -> str:
    """A regular expression for what a text can be."""
    match seen:
        case ast.Constant(value=str(text)):
            return re.escape(text)
        case ast.JoinedStr(values=parts):
            return "".join(pattern(part) for part in parts)
        case _:
            return ".+"


def lines_of(source: str, name: str = "") -> list[Line]:
    """Every finding that the code makes; its part may be a name given above in its function."""
    found = []
    for function in ast.walk(ast.parse(source)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        named = {
            node.targets[0].id: node.value.value
            for node in ast.walk(function)
            if isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and isinstance(node.value, ast.Constant)
        }
        for call in ast.walk(function):
            if not (isinstance(call, ast.Call) and getattr(call.func, "id", "") == "Finding"):
                continue
            part, state, seen = call.args[:3]
            told = named[part.id] if isinstance(part, ast.Name) else ast.literal_eval(part)
            found.append(
                Line(str(told), ast.literal_eval(state), pattern(seen), f"{name}:{call.lineno}")
            )
    return found


def rows_of(page: str) -> list[tuple[str, str, str]]:
    """Every row of the page's tables about doctor: part, state, what it says."""
    section = page.partition("## What doctor says")[2].partition("\n## ")[0]
    rows = []
    for part, body in re.findall(r"^### (.+)$((?:\n(?!###).*)*)", section, re.MULTILINE):
        for line in body.splitlines():
            cells = [cell.strip() for cell in line.strip("|").split(" | ")]
            if cells[0].strip() in STATES:
                assert len(cells) == 4, line
                assert all(cells), f"{line}: nothing may be left out"
                rows.append((part, cells[0], cells[1]))
    return rows


LINES = [line for at in DOCTOR for line in lines_of(at.read_text("utf-8"), at.name)]
ROWS = rows_of(PAGE.read_text("utf-8"))


@pytest.mark.parametrize("line", LINES, ids=lambda line: f"{line.part}-{line.state}-{line.at}")
def test_every_line_that_doctor_can_print_is_explained(line: Line) -> None:
    assert any(line.is_explained_by(row) for row in ROWS), f"{line.at} {line.seen}"


def test_no_line_is_explained_that_doctor_cannot_print() -> None:
    assert [row for row in ROWS if not any(line.is_explained_by(row) for line in LINES)] == []


def test_each_line_has_a_row_of_its_own() -> None:
    for part, state in {(line.part, line.state) for line in LINES}:
        wanted = sum((line.part, line.state) == (part, state) for line in LINES)
        assert sum(row[:2] == (part, state) for row in ROWS) >= wanted, (part, state)


def test_all_of_doctor_is_read() -> None:
    assert len(LINES) == sum(at.read_text("utf-8").count("Finding(") for at in DOCTOR)
    assert {line.part for line in LINES} >= {
        "Stack", "Temporal", "PostgreSQL", "Schema", "Store", "Workers", "Keys", "Actor", "Mail",
        "Master key",
    }  # fmt: skip
    assert {line.state for line in LINES} == set(STATES)


def test_a_line_that_is_new_is_noticed() -> None:
    source = 'def f():\n    part = "Mail"\n    return Finding(part, "away", f"{where}: no room")'
    [line] = lines_of(source)
    assert (line.part, line.state) == ("Mail", "away")
    assert line.is_explained_by(("Mail", "away", "smtp://x: no room"))
    assert not any(line.is_explained_by(row) for row in ROWS)
