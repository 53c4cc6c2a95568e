"""An engagement of years ago, entered from one file on one morning."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from domain.kernel.fields import option_name
from domain.rules.registry import COMMANDS
from tests.domain.test_the_past import YEARS
from tests.embedded.support import Installation
from tests.end_to_end.scenario.desk import Desk

OLD = "stone-creek"


def row(day: str, what: str, given: dict[str, object]) -> dict[str, object]:
    """A fact as a row of a file, by the words that stand over its columns."""
    fields = COMMANDS[what].model_fields
    named = {option_name(name, fields[name]): value for name, value in given.items()}
    if "engagement" in fields and what != "engagement open":
        named["engagement"] = OLD
    return {"command": what, "on": day} | named


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    installation = Installation(tmp_path / "handrail data")
    installation.home.mkdir()
    installation.run("up", "--sandbox", "--detach")
    desk = Desk(installation)
    desk.clock("2054-08-04")
    desk.do(
        "init", "--name", "Direct technical assistance", "--agency", "The Collaborative",
        "--sender", "handrail@collaborative.example", "--director", "dana",
        "--director-name", "Dana Whitfield", "--director-email", "dana@collaborative.example",
    )  # fmt: skip
    desk.do("person", "register", "marcus", "Marcus Oyelaran", "--role", "lead", "--email",
            "marcus@collaborative.example", by="dana")  # fmt: skip
    desk.do("lea", "register", OLD, "Stone Creek Unified", by="dana")
    for who in ("joy", "elena"):
        desk.do("person", "register", f"{who}-stone", f"{who.title()} Stone", "--email",
                f"{who}@stone.example", "--organisation", OLD, by="dana")  # fmt: skip
    yield desk
    installation.end()


def test_years_are_loaded_from_a_file_and_nobody_is_reminded_of_what_has_passed(
    desk: Desk, tmp_path: Path
) -> None:
    # 28 years on the days of the week are the same; what is still to come is not of the past.
    rows = [row(str(day), what, dict(body)) for day, what, _, body in YEARS if day.year < 2026]
    text = yaml.safe_dump(json.loads(json.dumps(rows, default=str)), sort_keys=False)
    for year in range(2029, 2021, -1):
        text = text.replace(f"{year}-", f"{year + 28}-")
    for before, after in {"joy": "joy-stone", "elena": "elena-stone", "ACUSD": OLD}.items():
        for mark in (":", "-"):
            text = text.replace(f"{mark} {before}\n", f"{mark} {after}\n")
    file = tmp_path / "the-past.yaml"
    file.write_text(text, encoding="utf-8")

    done = desk.rows("import", str(file), by="marcus")
    assert [r["outcome"] for r in done] == ["recorded"] * len(rows)
    again = desk.rows("import", str(file), by="marcus")
    assert [r["outcome"] for r in again] == ["recorded before"] * len(rows)

    shown = desk.show(engagement=OLD)
    assert shown["opened"] == "2050-08-02"
    assert [d["status"] for d in shown["deliverables"]] == ["accepted"]
    ledger = desk.rows("ledger", OLD)
    assert {(r["item"], r["outcome"]) for r in ledger} == {("A1/renewal", "planned")}
    assert min(r["planned_for"] for r in ledger) > "2055-02", "of the term that is still to end"
    then = desk.show("--as-true", "2051-02-02", engagement=OLD)
    assert then["on_hold_since"] == "2051-02-01"
    desk.refused("engagement", "show", OLD, "--as-known", "2054-08-03")
