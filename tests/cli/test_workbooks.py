"""Workbooks as Excel, LibreOffice and others write them: read as their reader sees them."""

import io
import zipfile
from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from cli.imports import headings_for
from cli.sheets import workbook
from cli.sheets.grid import Broken, NotASheet
from cli.sheets.results import guarded, put
from cli.sheets.workbook import read_workbook
from cli.terminal.tables import read_table

LEAS = headings_for("lea register")
ROSTER = (("id", "name", "county"), ("alder-creek-usd", "Alder Creek USD", "Manzanita"))
ONE = {"id": "alder-creek-usd", "name": "Alder Creek USD", "county": "Manzanita"}


def book(*rows: Sequence[object], title: str = "Rows") -> Workbook:
    made = Workbook()
    sheet = made.worksheets[0]
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    return made


def packed(made: Workbook) -> bytes:
    file = io.BytesIO()
    made.save(file)
    return file.getvalue()


def cells(content: bytes) -> list[list[str]]:
    return [line.cells for line in read_workbook(Path("x.xlsx"), content).lines]


def rewritten(content: bytes, part: str, text: str) -> bytes:
    """The same workbook with another part in the place of one."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, text if name == part else old.read(name))
    return file.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


def sheet_of(*rows: str) -> bytes:
    body = "".join(f'<row r="{n}">{row}</row>' for n, row in enumerate(rows, start=1))
    xml = (
        '<?xml version="1.0" encoding="UTF-8"?><worksheet xmlns="http://schemas.openxmlformats.org'
        f'/spreadsheetml/2006/main"><sheetData>{body}</sheetData></worksheet>'
    )
    return rewritten(packed(book(("x",))), SHEET, xml)


def inline(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{escape(text)}</t></is></c>'


def file_of(tmp_path: Path, content: bytes, name: str = "leas.xlsx") -> Path:
    file = tmp_path / name
    file.write_bytes(content)
    return file


def test_a_roster_made_in_a_workbook_is_read(tmp_path: Path) -> None:
    [row] = read_table(file_of(tmp_path, packed(book(*ROSTER))), LEAS)
    assert (row.number, row.values) == (2, ONE)


def test_a_workbook_is_known_by_what_it_holds_whatever_it_is_called(tmp_path: Path) -> None:
    assert read_table(file_of(tmp_path, packed(book(*ROSTER)), "leas.csv"), LEAS)[0].values == ONE


def test_titles_empty_rows_and_columns_and_columns_of_others_are_skipped_and_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = book(
        ("Roster of the County", None, None, None),
        (None, "as of August"),
        (None, "Short ID", "District Name", None, "Phone", "COUNTY"),
        (None, "alder-creek-usd", "Alder Creek USD", None, "555", "Manzanita"),
        (None,),
        (None, "birch-flat", "Birch Flat", None, None, "No Data"),
    )
    rows = read_table(file_of(tmp_path, packed(made)), LEAS)
    assert [(r.number, r.values) for r in rows] == [
        (4, ONE),
        (6, {"id": "birch-flat", "name": "Birch Flat", "county": ""}),
    ]
    said = capsys.readouterr().err
    assert "read headings in row 3" in said
    assert "'Roster of the County'" in said
    assert "1 empty row skipped" in said
    assert "2 empty columns skipped" in said
    assert "nobody needs the column 'Phone': skipped" in said


def test_a_column_that_nobody_needs_is_refused_where_that_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = file_of(tmp_path, packed(book(("id", "name", "contry"), ("a", "A", "M"))))
    with pytest.raises(SystemExit):
        read_table(file, LEAS, strict=True)
    said = capsys.readouterr().err
    assert "'contry'" in said
    assert "Did you mean county?" in said


@pytest.mark.parametrize(
    "over",
    [
        pytest.param(("id", "Name", "NAME "), id="capitals"),
        pytest.param(("id", "District", "Full name"), id="two words for it"),
    ],
)
def test_the_same_column_twice_is_refused(
    over: Sequence[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        read_table(file_of(tmp_path, packed(book(over, ("a", "A", "B")))), LEAS)
    assert "'name' is there twice" in capsys.readouterr().err


def test_a_word_for_a_column_that_is_there_by_its_name_is_nobodys(tmp_path: Path) -> None:
    made = book(("id", "name", "District"), ("a", "Alder", "the second supervisorial one"))
    assert read_table(file_of(tmp_path, packed(made)), LEAS)[0].values == {
        "id": "a",
        "name": "Alder",
    }


@pytest.mark.parametrize(
    ("value", "read"),
    [
        pytest.param(date(2026, 9, 3), "2026-09-03", id="a day"),
        pytest.param(datetime.fromisoformat("2026-09-03 18:00"), "2026-09-03 18:00", id="a moment"),
        pytest.param(time(18, 0), "18:00", id="an hour"),
        pytest.param(24000, "24000", id="a number"),
        pytest.param(0.1 + 0.2, "0.3", id="a fraction as Excel shows it"),
        pytest.param(41689160000000, "41689160000000", id="a code"),
        pytest.param(True, "TRUE", id="a name that Excel takes for yes"),
        pytest.param("  Ñandú  ", "Ñandú", id="text"),
    ],
)
def test_a_cell_is_read_as_its_reader_sees_it(value: object, read: str) -> None:
    assert cells(packed(book((value, "x"))))[0][0] == read


def test_a_code_shown_with_its_zeros_has_them() -> None:
    made = book((1611190000000,))
    made.worksheets[0]["A1"].number_format = "0" * 14
    assert cells(packed(made)) == [["01611190000000"]]


@given(st.dates(date(1905, 1, 1), date(2100, 1, 1)))
def test_a_day_is_the_same_in_both_of_excels_calendars(day: date) -> None:
    new, old = book((day,)), book((day,))
    old.epoch = CALENDAR_MAC_1904
    assert cells(packed(new)) == cells(packed(old)) == [[day.isoformat()]]


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)


@given(st.lists(st.lists(TEXTS, min_size=1, max_size=4), min_size=1, max_size=4))
def test_what_is_put_into_a_workbook_is_read_from_it(rows: list[list[str]]) -> None:
    made = Workbook()
    for at, row in enumerate(rows, start=1):
        for place, text in enumerate(row, start=1):
            put(made.worksheets[0].cell(at, place), text)
    content = packed(made)
    assert cells(content) == rows
    kinds = {
        cell.data_type
        for row in load_workbook(io.BytesIO(content)).worksheets[0].iter_rows()
        for cell in row
    }
    assert kinds <= {"s", "n"}, "nothing runs as a formula"


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_texts_that_stand_in_the_cells_themselves_are_read(texts: list[str]) -> None:
    """As LibreOffice's and other programs' export writes them: no shared texts, no places."""
    row = "".join(f'<c t="inlineStr"><is><t>{escape(t)}</t></is></c>' for t in texts)
    assert cells(sheet_of(row)) == [texts]


def sharing(texts: Sequence[str]) -> bytes:
    """A workbook whose texts stand apart from its cells, as Excel writes them."""
    content = sheet_of("".join(f'<c t="s"><v>{n}</v></c>' for n in range(len(texts))))
    body = "".join(f'<si><t xml:space="preserve">{escape(t)}</t></si>' for t in texts)
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    types = zipfile.ZipFile(io.BytesIO(content)).read("[Content_Types].xml").decode()
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sharedStrings+xml"
    override = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{kind}"/></Types>'
    file = io.BytesIO(
        rewritten(content, "[Content_Types].xml", types.replace("</Types>", override))
    )
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{main}">{body}</sst>')
    return file.getvalue()


@given(st.lists(TEXTS, min_size=1, max_size=5))
def test_texts_that_stand_apart_from_the_cells_are_read(texts: list[str]) -> None:
    assert cells(sharing(texts)) == [texts]


def test_a_row_without_end_is_refused_unread(monkeypatch: pytest.MonkeyPatch) -> None:
    content = sheet_of("".join(inline(f"A{n}", "x") for n in range(1, 400)))
    monkeypatch.setattr(workbook, "_MOST_OF_A_ROW", 10_000)
    with pytest.raises(NotASheet, match="without a row in it"):
        cells(content)


def test_a_formula_says_its_result_and_one_without_is_refused_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    saved = '<c r="A2" t="str"><f>LOWER("A")</f><v>a</v></c>'
    nothing = '<c r="C2" t="str"><f>IF(1,"","x")</f><v></v></c>'
    heads = inline("A1", "id") + inline("B1", "name") + inline("C1", "county")
    good = sheet_of(heads, saved + inline("B2", "A") + nothing)
    assert read_table(file_of(tmp_path, good), LEAS)[0].values == {
        "id": "a",
        "name": "A",
        "county": "",
    }
    with pytest.raises(SystemExit):
        read_table(file_of(tmp_path, packed(book(("id", "name"), ("a", '=UPPER("a")')))), LEAS)
    assert "B2 holds =…, a formula whose result was not saved" in capsys.readouterr().err


def test_an_error_is_refused_with_its_place_where_somebody_needs_the_column(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    heads = inline("A1", "id") + inline("B1", "name") + inline("C1", "phone")
    wrong = '<c r="{}" t="e"><v>#N/A</v></c>'
    with pytest.raises(SystemExit):
        read_table(file_of(tmp_path, sheet_of(heads, inline("A2", "a") + wrong.format("B2"))), LEAS)
    assert "B2 holds #N/A, an error" in capsys.readouterr().err
    fine = sheet_of(heads, inline("A2", "a") + inline("B2", "A") + wrong.format("C2"))
    assert read_table(file_of(tmp_path, fine), LEAS)[0].values == {"id": "a", "name": "A"}


def test_the_sheet_with_something_in_it_is_read_and_another_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made = Workbook()
    made.create_sheet("Secret").append(["id", "name"])
    made["Secret"].append(["x", "X"])
    made["Secret"].sheet_state = "hidden"
    for title, row in (("LEAs", ROSTER[1]), ("Old", ("b", "B", "M"))):
        sheet = made.create_sheet(title)
        sheet.append(list(ROSTER[0]))
        sheet.append(list(row))
    file = file_of(tmp_path, packed(made))
    assert [r.values for r in read_table(file, LEAS)] == [ONE]
    said = capsys.readouterr().err
    assert "from its sheet 'LEAs'" in said
    assert "'Old'" in said
    assert "Secret" not in said
    made.create_sheet("Notes", 0).append(["Codes are of the State."])
    made.save(file)
    assert [r.values for r in read_table(file, LEAS)] == [ONE], "notes stand before the rows"
    assert read_table(file, LEAS, sheet="old")[0].values["id"] == "b"
    with pytest.raises(SystemExit):
        read_table(file, LEAS, sheet="New")
    assert "has no sheet 'New'. It has" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"PK\x03\x04nothing", "is not an Excel workbook", id="no archive"),
        pytest.param(b"id,name\n", "is not an Excel workbook", id="text"),
        pytest.param(b"\xd0\xcf\x11\xe0" + bytes(600), "old kind (.xls)", id="old or locked"),
        pytest.param(rewritten(packed(book(("x",))), SHEET, "<worksheet"), "cannot be read",
                     id="broken inside"),
        pytest.param(
            rewritten(packed(book(("x",))), SHEET,
                      '<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><x>&c;</x>'),
            "cannot be read", id="entities that grow"),
    ],
)  # fmt: skip
def test_what_is_no_workbook_is_refused_in_words(
    content: bytes, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = words.replace("cannot be read", "that can be read")
    with pytest.raises(SystemExit) as left:
        read_table(file_of(tmp_path, content), LEAS)
    assert left.value.code == 1
    assert words in capsys.readouterr().err


def test_a_workbook_that_unpacks_without_end_is_refused_unread(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = packed(book(*ROSTER))
    monkeypatch.setattr(workbook, "MOST_UNPACKED", 1000)
    with pytest.raises(NotASheet, match="unpacks to more"):
        cells(content)


def test_a_cell_far_down_or_to_the_right_is_refused_and_empty_ones_there_are_nothing() -> None:
    with pytest.raises(NotASheet, match="columns"):
        cells(sheet_of(inline("A1", "id") + inline("XFD1", "far")))
    down = rewritten(
        packed(book(("x",))),
        SHEET,
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="A1048576"/></row>'
        "</sheetData></worksheet>",
    )
    assert cells(down) == [["1"]]
    with pytest.raises(NotASheet, match="rows"):
        cells(down_with_something())


def down_with_something() -> bytes:
    return rewritten(
        packed(book(("x",))),
        SHEET,
        '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
        '<row r="200000"><c r="A200000"><v>1</v></c></row></sheetData></worksheet>',
    )


def test_a_broken_cell_says_where_it_is() -> None:
    cell: Any = Broken("#N/A", "C7", "an error")
    assert (str(cell), cell.place, cell.why) == ("#N/A", "C7", "an error")


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_a_cell_of_a_csv_file_never_runs_and_is_read_as_it_was(text: str, tmp_path: Path) -> None:
    file = file_of(tmp_path, f'id,name\na,"{guarded(text)}"\n'.encode(), "leas.csv")
    assert guarded(text) == f"'{text}"
    assert read_table(file, LEAS)[0].values["name"] == text
    assert guarded("Alder") == "Alder"
    assert guarded(datetime(2026, 1, 1, tzinfo=UTC)) == datetime(2026, 1, 1, tzinfo=UTC)
