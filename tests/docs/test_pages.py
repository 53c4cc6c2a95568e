"""What every page of the documentation owes its reader."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
DECISIONS = sorted((DOCS / "adr").glob("[0-9]*.md"))
KINDS = ("Tutorial", "How-to", "Reference", "Explanation")
HEADINGS = ["Status", "Context", "Decision", "Rejected alternatives", "Consequences"]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def name(page: Path) -> str:
    return str(page.relative_to(DOCS))


@pytest.mark.parametrize("page", [p for p in PAGES if p not in DECISIONS], ids=name)
def test_a_page_says_which_of_the_four_kinds_it_is(page: Path) -> None:
    said = re.search(r"^\*([\w-]+)", page.read_text("utf-8"), re.MULTILINE)

    assert said is not None
    assert said[1] in KINDS


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text("utf-8"))
    targets = [t for t in LINK.findall(text) if "://" not in t and not t.startswith("#")]

    assert [t for t in targets if not (page.parent / t.partition("#")[0]).exists()] == []


@pytest.mark.parametrize("page", DECISIONS, ids=name)
def test_a_decision_has_its_five_headings_and_its_place_in_the_index(page: Path) -> None:
    text = page.read_text("utf-8")
    number = int(page.name[:4])

    assert text.startswith(f"# {number}. ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    assert f"]({page.name})" in (DOCS / "adr/README.md").read_text("utf-8")


def test_decisions_are_numbered_without_gaps() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


@pytest.mark.parametrize(
    "page", [p for p in PAGES if p.parent.name in ("rules", "how-to")], ids=name
)
def test_a_page_of_rules_or_steps_stands_in_the_index(page: Path) -> None:
    assert f"]({name(page)})" in (DOCS / "README.md").read_text("utf-8")


def test_no_word_stands_twice_in_a_table_of_the_glossary_and_all_in_order() -> None:
    for section in (DOCS / "glossary.md").read_text("utf-8").split("\n## ")[1:]:
        words = re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)[1:]
        words = [w for w in words if not w.startswith("-")]

        assert words == sorted(set(words), key=str.casefold)
