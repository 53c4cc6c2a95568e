"""A file imported again, by somebody else, renamed or in another order changes nothing."""

from pathlib import Path
from uuid import uuid4

import pytest
import yaml

from tests.end_to_end.conftest import Answer, E, Handrail


def outcomes(answer: Answer) -> list[str]:
    return [row["outcome"] for row in answer.lines]


def leas(tmp_path: Path, *names: str, called: str = "leas.csv") -> Path:
    file = tmp_path / called
    rows = "".join(f"{name.lower().replace(' ', '-')},{name}\n" for name in names)
    file.write_text(f"id,name\n{rows}")
    return file


@pytest.fixture
def names() -> tuple[str, str]:
    return f"Juniper {uuid4().hex[:6]}", f"Willow {uuid4().hex[:6]}"


def test_a_second_person_is_told_who_recorded_the_rows_before(
    desk: Handrail, tmp_path: Path, names: tuple[str, str]
) -> None:
    file = leas(tmp_path, *names)
    file.write_text(f"{file.read_text()}Not A Slug,Elm\n")
    first = desk("lea", "import", str(file), "--skip-refused", "--json")
    assert outcomes(first) == ["recorded", "recorded", "refused"]
    second = desk("lea", "import", str(file), "--skip-refused", "--json", actor="marcus")
    assert outcomes(second) == ["recorded before", "recorded before", "refused"]
    assert second.lines[0]["message"].startswith("recorded by Tess Nguyen on ")
    assert "2054" in second.lines[0]["message"]
    assert "was not recorded again" in second.err
    dry = desk("lea", "import", str(file), "--dry-run", "--json", actor="marcus")
    assert outcomes(dry) == ["recorded before", "recorded before", "refused"]


def test_a_file_that_is_renamed_and_put_in_another_order_says_nothing_new(
    desk: Handrail, tmp_path: Path, names: tuple[str, str]
) -> None:
    one, two = names
    assert desk("lea", "import", str(leas(tmp_path, one, two))).code == 0
    other = tmp_path / "leas (1).yaml"
    rows = [{"name": f" {n} ", "id": n.lower().replace(" ", "-")} for n in (two, one)]
    other.write_text(yaml.safe_dump(rows))
    again = desk("import", str(other), "--json")
    assert "command ''" in again.lines[0]["message"], "a YAML file without commands names none"
    again = desk("lea", "import", str(other), "--json", actor="dana")
    assert outcomes(again) == ["recorded before", "recorded before"]


def test_a_row_that_was_refused_is_taken_once_nothing_stands_in_its_way(
    desk: Handrail, tmp_path: Path, names: tuple[str, str]
) -> None:
    lea = names[0].lower().replace(" ", "-")
    file = tmp_path / "people.csv"
    handle = f"h{uuid4().hex[:6]}"
    file.write_text(f"handle,name,email,organisation\n{handle},Ann Null,{handle}@a.example,{lea}\n")
    assert outcomes(desk("person", "import", str(file), "--skip-refused", "--json")) == ["refused"]
    assert desk("lea", "import", str(leas(tmp_path, names[0]))).code == 0
    assert outcomes(desk("person", "import", str(file), "--json")) == ["recorded"]
    assert outcomes(desk("person", "import", str(file), "--json")) == ["recorded before"]


def test_a_table_of_different_commands_is_imported_and_told_once_where_it_is_all_wrong(
    desk: Handrail, tmp_path: Path, names: tuple[str, str]
) -> None:
    lea = names[0].lower().replace(" ", "-")
    handle = f"h{uuid4().hex[:6]}"
    file = tmp_path / "all.csv"
    file.write_text(
        "Command;Id;Name;Handle;Email;Organisation;On\n"
        f"lea register;{lea};{names[0]};;;;\n"
        f"person register;;María José Muñoz;{handle};{handle}@a.example;{lea};\n"
        ";;;;;;\n",
        encoding="utf-8",
    )
    answer = desk("import", str(file), "--json")
    assert outcomes(answer) == ["recorded", "recorded"]
    assert "semicolons" in answer.err
    assert "1 empty row skipped" in answer.err
    file.write_text("CD Code\tDistrict\n1\tA\n2\tB\n")
    wrong = desk("lea", "import", str(file))
    assert (wrong.code, wrong.out) == (1, "")
    assert "each of 2 rows: lea register has no column 'cd-code'" in wrong.err


def test_a_dashboard_in_another_order_is_the_same_dashboard(desk: Handrail, tmp_path: Path) -> None:
    file = tmp_path / "dashboard.csv"
    rows = ["mathematics,,red\n", "science,,no colour\n"]
    file.write_text("indicator,group,colour\n" + "".join(rows))
    given = ("dashboard", "import", E, str(file), "--year", "2051", "--json")
    assert outcomes(desk(*given)) == ["recorded", "recorded"]
    file.write_text("Indicator,Group,Colour\n" + "".join(reversed(rows)))
    assert outcomes(desk(*given, actor="marcus")) == ["recorded before", "recorded before"]
