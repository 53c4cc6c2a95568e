"""Short names such as D1 tell things apart: no two kinds of things share their letters."""

import ast
import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[3]
LETTERS = re.compile(r"[A-Z]+-?")
GLOSSARY = (ROOT / "docs/glossary.md").read_text("utf-8").partition("\n## Short names\n")[2]
NAMED = re.findall(r"^\| ([A-Z]+-?)1 \|", GLOSSARY.partition("\n## ")[0], re.MULTILINE)
"""The letters that the glossary gives each kind of thing."""


def letters(source: str) -> set[str]:
    """The letters with which a module makes short names: of ``next_name(state, "D", ...)``, or of
    ``f"S{number}"``."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        match node:
            case (
                ast.Call(
                    func=ast.Name(id="next_name" | "next_names"),
                    args=[_, ast.Constant(str(named)), *_],
                )
                | ast.JoinedStr(values=[ast.Constant(str(named)), _])
            ):
                found.add(named)
            case _:
                pass
    return {named for named in found if LETTERS.fullmatch(named)}


def test_no_two_subjects_name_what_they_keep_with_the_same_letters() -> None:
    makers: dict[str, list[str]] = {}
    for module in sorted((ROOT / "domain").rglob("*.py")):
        for prefix in letters(module.read_text("utf-8")):
            makers.setdefault(prefix, []).append(module.stem)

    assert {prefix: by for prefix, by in makers.items() if len(by) > 1} == {}
    assert len(makers) > 15


def test_every_short_name_stands_in_the_glossary_once() -> None:
    made = {p for m in (ROOT / "domain").rglob("*.py") for p in letters(m.read_text("utf-8"))}

    assert [name for name, times in Counter(NAMED).items() if times > 1] == []
    assert made == set(NAMED)


def test_a_maker_of_short_names_is_noticed() -> None:
    assert letters('id = next_name(state, "D", known); other = f"INV-{n}"; no = f"Year {n}"') == {
        "D", "INV-",
    }  # fmt: skip
