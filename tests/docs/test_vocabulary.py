"""The agency assists: no text of Handrail's accuses anybody."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ACCUSING = re.compile(
    r"\b(violat|(non-?)?complian|sanction|penal|delinquen|negligen|blam|failed to comply)",
    re.IGNORECASE,
)
CODE = sorted(f for where in ("domain", "cli", "activities") for f in (ROOT / where).rglob("*.py"))
TEXTS = sorted(
    [
        *(ROOT / "activities/mail/templates").iterdir(),
        *(ROOT / "packs/playbooks").iterdir(),
        *(ROOT / "packs/calendars").iterdir(),
    ]
)


def strings(source: str) -> list[str]:
    """Every text in a module: what is said, and what explains it in the help."""
    found = ast.walk(ast.parse(source))
    return [n.value for n in found if isinstance(n, ast.Constant) and isinstance(n.value, str)]


@pytest.mark.parametrize("file", [*CODE, *TEXTS], ids=lambda f: str(f.relative_to(ROOT)))
def test_nothing_that_is_said_accuses_an_lea(file: Path) -> None:
    text = file.read_text("utf-8")
    said = strings(text) if file.suffix == ".py" else text.splitlines()

    assert [line for line in said if ACCUSING.search(line)] == []


def test_an_accusation_is_noticed() -> None:
    said = strings('def f():\n    """Help."""\n    raise Refused(f"{lea} is in violation of it")\n')

    assert [bool(ACCUSING.search(line)) for line in said].count(True) == 1
