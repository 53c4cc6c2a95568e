"""The picture of imports has no circle: whoever reads a module reads what lies below it."""

from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp
import pytest

import domain
from domain.subjects import SUBJECTS

WITHOUT_CIRCLES = ("domain", "store", "activities", "workflows", "bootstrap", "embedded")
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
    graph = grimp.build_graph(*WITHOUT_CIRCLES, cache_dir=None)

    assert circle(graph) == []
    assert len(graph.modules) > 200


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
