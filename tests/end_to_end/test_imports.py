"""A file imported again, by somebody else, renamed or in another order changes nothing."""

import csv
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from uuid import uuid4

import pytest
import yaml
from openpyxl import Workbook, load_workbook

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
    return f"Juniper USD {uuid4().hex[:6]}", f"Willow USD {uuid4().hex[:6]}"


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
    file.write_text("Codigo\tNombre\n1\tA\n2\tB\n")
    wrong = desk("lea", "import", str(file))
    assert (wrong.code, wrong.out) == (1, "")
    assert "nobody needs the columns 'Codigo', 'Nombre'" in wrong.err


def test_a_dashboard_in_another_order_is_the_same_dashboard(desk: Handrail, tmp_path: Path) -> None:
    file = tmp_path / "dashboard.csv"
    rows = ["mathematics,,red\n", "science,,no colour\n"]
    file.write_text("indicator,group,colour\n" + "".join(rows))
    given = ("dashboard", "import", E, str(file), "--year", "2051", "--json")
    assert outcomes(desk(*given)) == ["recorded", "recorded"]
    file.write_text("Indicator,Group,Colour\n" + "".join(reversed(rows)))
    assert outcomes(desk(*given, actor="marcus")) == ["recorded before", "recorded before"]


def workbook(file: Path, *rows: Sequence[object]) -> str:
    book = Workbook()
    for row in rows:
        book.worksheets[0].append(list(row))
    book.save(file)
    return str(file)


def test_a_workbook_says_the_same_as_a_csv_file_and_is_answered_row_by_row_in_a_file(
    desk: Handrail, tmp_path: Path, names: tuple[str, str]
) -> None:
    one, two = names
    assert desk("lea", "import", str(leas(tmp_path, one))).code == 0
    file = workbook(
        tmp_path / "leas.xlsx",
        ("Our LEAs", None, None),
        ("ID", "District", "Telephone"),
        (one.lower().replace(" ", "-"), one, 555),
        (two.lower().replace(" ", "-"), two, None),
        ("Not A Slug", "+Elm", None),
    )
    back = tmp_path / "back.csv"
    given = ("lea", "import", file, "--json", "--results", str(back))
    refused = desk(*given)
    assert outcomes(refused) == ["recorded before", "would be recorded", "refused"]
    assert [row["row"] for row in refused.lines] == [3, 4, 5]
    assert "headings in row 2" in refused.err
    assert "'Telephone': skipped" in refused.err
    rows = list(csv.reader(back.read_text("utf-8-sig").splitlines()))
    assert [row[1] for row in rows] == ["About", one, two, "'+Elm"]
    assert rows[3][4].startswith("ID 'Not A Slug'")
    assert desk(*given, "--strict").code == 1
    written = desk(*given, "--skip-refused", actor="marcus")
    assert outcomes(written) == ["recorded before", "recorded", "refused"]
    assert desk("lea", "import", file, "--results", file).code == 1


def test_people_and_engagements_may_be_named_as_anywhere_and_the_row_says_the_same(
    desk: Handrail, tmp_path: Path
) -> None:
    note = f"budget {uuid4().hex}"
    over = ("LEA", "Group", "Spoken with", "Notes", "Date")
    first = workbook(
        tmp_path / "talks.xlsx", over, ("ACUSD", "parents", "Joy Kim", note, date(2054, 8, 3))
    )
    given = ("conversation", "import", "--json")
    assert outcomes(desk(*given, first)) == ["recorded"]
    again = workbook(tmp_path / "again.xlsx", over, (E, "Parents", "joy", note, "8/3/2054"))
    told = desk(*given, again)
    assert outcomes(told) == ["refused"]
    assert "--dates mdy" in told.lines[0]["message"]
    told = desk(*given, again, "--dates", "mdy", actor="marcus")
    assert outcomes(told) == ["recorded before"]
    assert "8/3/2054 is Mon 3 Aug 2054" in told.err


def test_a_sheet_to_fill_in_is_imported_once_it_is_filled_in(
    desk: Handrail, tmp_path: Path, names: tuple[str, str]
) -> None:
    file = tmp_path / "leas.xlsx"
    assert "handrail lea import" in desk("import", "template", "lea", "--xlsx", str(file)).out
    assert desk("import", "template", "lea", "--xlsx", str(file)).code == 1
    book = load_workbook(file)
    sheet = book.worksheets[0]
    over = [cell.value for cell in sheet[1]]
    for name, value in (
        ("id", names[0].lower().replace(" ", "-")), ("name", names[0]),
        ("kind", "Charter school"), ("cds", "01611190130229"),
    ):  # fmt: skip
        sheet.cell(2, over.index(name) + 1).value = value
    book.save(file)
    assert outcomes(desk("lea", "import", str(file), "--json")) == ["recorded"]
    shown = desk("lea", "show", names[0], "--json").lines[0]
    assert shown["cds"] == "01611190130229"


@pytest.mark.parametrize(
    "kind", ["person", "conversation", "evidence", "investment", "attendance", "dashboard",
             "survey", "lea fact", "deliverable propose"]
)  # fmt: skip
def test_every_import_has_a_sheet_to_fill_in(kind: str, desk: Handrail, tmp_path: Path) -> None:
    file = tmp_path / "sheet.xlsx"
    assert desk("import", "template", kind, "--xlsx", str(file), "--json").code == 0
    first, second = load_workbook(file).worksheets
    assert [c.value for c in first[1]] == [r[0].value for r in second.iter_rows(min_row=2)]
    assert desk("import", "template", "nothing", "--xlsx", str(file)).code == 1


def test_the_states_list_is_read_as_it_is_and_says_nothing_new_of_what_is_registered(
    desk: Handrail, tmp_path: Path, names: tuple[str, str]
) -> None:
    one, two = names
    file = tmp_path / "pubdistricts.txt"
    file.write_text(
        "CD Code\tCounty\tDistrict\tStreet\tDOCType\tStatusType\n"
        f"0261119\tAlpine\t{one}\t1 Main\tUnified School District\tActive\n"
        f"0361119\tNo Data\t{two}\tNo Data\tElementary School District\tActive\n"
        "0461119\tButte\tOld Unified\tNo Data\tUnified School District\tClosed\n"
    )
    first = desk("lea", "import", str(file), "--json")
    assert outcomes(first) == ["recorded", "recorded", "left out"]
    assert "1 row left out: the list has them as closed" in first.err
    shown = desk("lea", "show", "02611190000000", "--json").lines[0]
    assert (shown["name"], shown["county"]) == (one, "Alpine")
    assert desk("lea", "show", two, "--json").lines[0]["county"] is None
    again = desk("lea", "import", str(file), "--json")
    assert outcomes(again) == ["recorded before", "recorded before", "left out"]


def test_the_states_dashboard_is_read_for_the_lea_that_it_is_of(
    desk: Handrail, tmp_path: Path
) -> None:
    assert desk("lea", "change", E, "--cds", "05611190000000").code == 0
    file = tmp_path / "mathdownload2047.txt"
    file.write_text(
        "cds\trtype\tstudentgroup\tcurrstatus\tcolor\treportingyear\n"
        "00000000000000\tX\tALL\t1\t3\t2047\n"
        "5611190000000\tD\tALL\t-12.5\t0\t2047\n"
        "05611190000000\tD\tSED\t-30\t1\t2047\n"
        "05611190000000\tD\tRFP\t5\t\t2047\n"
        "05611190130229\tS\tALL\t5\t5\t2047\n"
    )
    told = desk("dashboard", "import", E, str(file), "--indicator", "Math", "--json")
    assert outcomes(told) == ["left out", "recorded", "recorded", "left out", "left out"]
    assert "left out" not in desk("dashboard", "import", E, str(file), "--indicator", "Math").out
    shown = desk("focus", "show", E).out
    assert "mathematics: all no colour; socioeconomically-disadvantaged red" in shown
    again = desk("dashboard", "import", "-", str(file), "--indicator", "Math", "--json")
    assert outcomes(again)[1:3] == ["recorded before", "recorded before"]


def test_what_was_typed_is_no_news_in_a_file_and_another_word_of_it_is_refused(
    desk: Handrail, tmp_path: Path, names: tuple[str, str]
) -> None:
    one, two = names
    lea, handle = one.lower().replace(" ", "-"), f"h{uuid4().hex[:6]}"
    assert desk("lea", "register", lea, one, "--county", "Kern", "--alias", f"{lea}x").code == 0
    person = ("person", "register", handle, f"Bo {handle}", "--email", f"{handle}@a.example")
    assert desk(*person, "--organisation", lea).code == 0
    file = workbook(
        tmp_path / "leas.xlsx",
        ("id", "name", "county", "alias"),
        (lea, one, "Kern", f"{lea}x"),
        (two.lower().replace(" ", "-"), two, None, None),
    )
    assert outcomes(desk("lea", "import", file, "--json")) == ["recorded before", "recorded"]
    people = tmp_path / "people.csv"
    people.write_text(
        f"handle,name,email,organisation\n{handle},Bo {handle},{handle}@a.example,{one}\n"
    )
    told = desk("person", "import", str(people), "--json", actor="marcus")
    assert outcomes(told) == ["recorded before"], told.said
    file = workbook(tmp_path / "o.xlsx", ("id", "name", "county"), (lea, one, "Kings"))
    assert outcomes(desk("lea", "import", file, "--json")) == ["refused"]
    people.write_text(people.read_text().replace("@a.example", "@b.example"))
    assert outcomes(desk("person", "import", str(people), "--json")) == ["refused"]
