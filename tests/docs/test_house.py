"""The picture of imports has no circle: whoever reads a module reads what lies below it."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

import domain
from domain.subjects import SUBJECTS

ROOT = Path(__file__).parents[2]
FLOORS = (
    "domain", "store", "queries", "activities", "workflows", "bootstrap", "embedded", "cli",
)  # fmt: skip
LONGEST = 500
"""Lines: a module that tells more than one story is asking for two names."""
WINGS = sorted(path.parent for path in Path(domain.__path__[0]).glob("*/__init__.py"))


def circle(graph: grimp.ImportGraph) -> list[str]:
    """Modules of which each imports the one before, the last being the first; empty without any."""
    try:
        TopologicalSorter(
            {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
        ).prepare()
    except CycleError as found:
        return list(found.args[1])
    return []


def test_no_module_imports_itself_through_others() -> None:
    graph = grimp.build_graph(*FLOORS, cache_dir=None)

    assert circle(graph) == []
    assert len(graph.modules) > 280


def private_imports(code: str) -> list[str]:
    """Names that begin with an underscore, imported from a module of ours."""
    return [
        f"{found.module}.{name.name}"
        for found in ast.walk(ast.parse(code))
        if isinstance(found, ast.ImportFrom) and (found.module or "").split(".")[0] in FLOORS
        for name in found.names
        if name.name.startswith("_")
    ]


@pytest.mark.parametrize("floor", FLOORS)
def test_nobody_imports_what_another_module_keeps_to_itself(floor: str) -> None:
    taken = {
        str(path.relative_to(ROOT)): names
        for path in (ROOT / floor).rglob("*.py")
        if (names := private_imports(path.read_text("utf-8")))
    }

    assert taken == {}
    assert private_imports("from cli.money import _row, section") == ["cli.money._row"]


@pytest.mark.parametrize("floor", ["queries", "cli"])
def test_a_module_tells_one_story(floor: str) -> None:
    lengths = {
        str(path.relative_to(ROOT)): path.read_text("utf-8").count("\n")
        for path in (ROOT / floor).rglob("*.py")
    }

    assert {path: n for path, n in lengths.items() if n > LONGEST} == {}
    assert len(lengths) > 30


def test_a_circle_is_found() -> None:
    graph = grimp.ImportGraph()
    for importer, imported in ("ab", "bc", "cb", "cd"):
        graph.add_import(importer=importer, imported=imported)

    assert {*circle(graph)} == {"b", "c"}


@pytest.mark.parametrize("wing", WINGS, ids=lambda wing: wing.name)
def test_a_wing_says_what_it_is_for(wing: Path) -> None:
    told = (wing / "__init__.py").read_text("utf-8")

    assert told.startswith('"""')
    assert told.count("\n") == 1, "and opens no second door to its rooms"


def test_whoever_declares_something_is_a_subject() -> None:
    registering = {
        ".".join(path.relative_to(Path(domain.__path__[0]).parent).with_suffix("").parts)
        for path in Path(domain.__path__[0]).rglob("*.py")
        if any(
            line.startswith(("@decides", "@evolves", "@owes", "@comes_true", "@asks"))
            for line in path.read_text("utf-8").splitlines()
        )
    }

    assert registering <= {module.__name__ for module in SUBJECTS}
    assert len(registering) > 60
