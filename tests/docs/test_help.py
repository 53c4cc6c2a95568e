"""Every verb explains itself, and quickly: no engine is loaded for it."""

import json
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent

ASK = """
import contextlib, io, json, sys
from rich.console import Console
from cli.main import build

def verbs(app, path):
    yield path
    for name in app:
        if not name.startswith("-"):
            yield from verbs(app[name], [*path, name])

app, shown = build(), {}
for path in verbs(app, []):
    said = io.StringIO()
    with contextlib.suppress(SystemExit):
        app([*path, "--help"], exit_on_error=False, console=Console(file=said, width=100))
    shown[" ".join(path)] = said.getvalue()
engines = [m for m in ("temporalio", "asyncpg", "sqlalchemy") if m in sys.modules]
print(json.dumps([shown, engines]))
"""


def test_every_verb_explains_itself_without_loading_an_engine() -> None:
    asked = subprocess.run(
        [sys.executable, "-c", ASK],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert asked.returncode == 0, asked.stderr
    shown, engines = json.loads(asked.stdout)

    assert engines == []
    assert len(shown) > 40
    assert [verb for verb, text in shown.items() if f"handrail {verb}".strip() not in text] == []
