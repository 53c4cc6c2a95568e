"""Files as spreadsheets and people write them: read as meant, or refused in one message."""

import csv
import io
from datetime import date, time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.imports import Row, headings_for, parsed
from cli.sheets.text import read_text_grid
from cli.terminal.as_written import fitted, read
from cli.terminal.files import load_yaml
from cli.terminal.tables import Numbered, read_table
from domain.policy.calendar import CalendarPack
from domain.policy.framework import Framework
from domain.policy.playbook import Playbook
from domain.policy.reminder_policies import ReminderPolicy
from domain.program.facts import RecordFact
from domain.program.leas import RegisterLea
from domain.program.publishing import PublishCalendar
from tests.conftest import ROOT, load

LEAS = "id,name,county\nalder-creek-usd,Alder Creek USD,Manzanita\n"
ONE = {"id": "alder-creek-usd", "name": "Alder Creek USD", "county": "Manzanita"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "leas.csv"


def rows(file: Path, content: str | bytes, name: str | None = None) -> list[dict[str, Any]]:
    if name:
        file = file.with_name(name)
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return [row.values for row in read_table(file)]


def refusal(
    file: Path, content: str | bytes, capsys: pytest.CaptureFixture[str], name: str | None = None
) -> str:
    with pytest.raises(SystemExit) as left:
        rows(file, content, name)
    assert left.value.code == 1
    said = capsys.readouterr().err
    assert len(said.splitlines()) == 1, "one message a file"
    return said


def taken(content: list[dict[str, Any]], kind: str | None = None) -> list[Row]:
    good, wrong = parsed([Numbered(n, row) for n, row in enumerate(content, start=1)], kind)
    assert wrong == []
    return good


def why(row: dict[str, Any], kind: str | None = None) -> str:
    good, [wrong] = parsed([Numbered(1, row)], kind)
    assert good == []
    return wrong.message


@pytest.mark.parametrize(
    ("content", "told"),
    [
        pytest.param(LEAS, "", id="plain"),
        pytest.param(b"\xef\xbb\xbf" + LEAS.encode(), "", id="UTF-8 with its mark"),
        pytest.param(LEAS.encode("utf-16"), "read as UTF-16", id="UTF-16"),
        pytest.param(b"\xfe\xff" + LEAS.encode("utf-16-be"), "read as UTF-16", id="UTF-16 BE"),
        pytest.param(LEAS.replace(",", ";"), "semicolons between", id="semicolons"),
        pytest.param(LEAS.replace(",", "\t"), "tabs between", id="tabs"),
        pytest.param("sep=,\n" + LEAS, "", id="Excel's own line"),
        pytest.param("sep=;\r\n" + LEAS.replace(",", ";"), "semicolons", id="its line, semicolons"),
        pytest.param("SEP=\t\n" + LEAS.replace(",", "\t"), "tabs", id="its line, tabs"),
        pytest.param(LEAS.replace("\n", "\r\n"), "", id="Windows line ends"),
        pytest.param(LEAS.replace("\n", "\r"), "", id="old line ends"),
        pytest.param("\n\n" + LEAS, "", id="empty lines before the header"),
        pytest.param("sep=;\r" + LEAS.replace(",", ";").replace("\n", "\r"), "semicolons",
                     id="its line, old line ends"),
        pytest.param(LEAS.replace(",", "|"), "upright strokes", id="upright strokes"),
        pytest.param(LEAS.replace("id,name,county", "Id, NAME ,County"), "", id="capitals"),
        pytest.param(LEAS.replace("\n", ",,\n"), "2 empty columns skipped", id="empty columns"),
        pytest.param(LEAS + ",,\n , ,\n\n", "3 empty rows skipped", id="empty rows"),
        pytest.param(LEAS.replace("Manzanita", "Manzanita,,,"), "", id="empty cells beyond"),
        pytest.param('"id","name","county"\n"alder-creek-usd","Alder Creek USD","Manzanita"',
                     "", id="quotes everywhere, no line end"),
        pytest.param('id;name;county\nalder-creek-usd;"Alder Creek USD";Manzanita\n',
                     "semicolons", id="semicolons and quotes"),
    ],
)  # fmt: skip
def test_a_table_is_read_however_a_spreadsheet_saved_it(
    content: str | bytes, told: str, file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert rows(file, content) == [ONE]
    said = capsys.readouterr().err
    assert told in said
    assert bool(said) == bool(told)


@pytest.mark.parametrize("between", [";", "\t", "|"])
def test_a_comma_in_every_cell_is_no_delimiter(between: str, file: Path) -> None:
    table = "id~name\na~Ann, Bo\nb~Cy, Di\n".replace("~", between)
    assert rows(file, table)[1] == {"id": "b", "name": "Cy, Di"}


@pytest.mark.parametrize(
    "content",
    [
        "LEAs, as of August\nby county, sorted\n" + LEAS.replace(",", ";"),
        "id;name;county;Notes, old\na;A;M;x, y\nalder-creek-usd;Alder Creek USD;Manzanita;x, z\n",
    ],
    ids=["in titles", "in cells and headings"],
)
def test_the_delimiter_is_the_one_that_makes_known_headings(content: str, file: Path) -> None:
    file.write_text(content)
    assert read_table(file, headings_for("lea register"))[-1].values == ONE


@pytest.mark.parametrize("name", ["leas.txt", "leas.TSV", "LEAS.CSV"])
def test_a_table_may_have_other_names(name: str, file: Path) -> None:
    assert rows(file, LEAS.replace(",", "\t"), name) == [ONE]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("id,name\nla,La Ca\xf1ada\n".encode("cp437"),
                     ("line 2", "0xA4", "no words in Windows-1252", "CSV UTF-8"), id="DOS"),
        pytest.param("id,name\nla,Jos\xe9s\n".encode("mac-roman"),
                     ("line 2", "0x8E", "CSV UTF-8"), id="an old Macintosh"),
        pytest.param("id,name\nla,La Ca\xf1ada\n".encode() + b"x,\xf1\n",
                     ("line 3", "0xF1", "CSV UTF-8"), id="UTF-8 with a broken line"),
        pytest.param(b"id,name\nla,La\x81\n", ("line 2", "0x81"), id="no letter of Windows-1252"),
        pytest.param(LEAS.encode("utf-16-le"), ("line 1", "NUL"), id="UTF-16 without its mark"),
        pytest.param(LEAS.encode("utf-16")[:-1], ("UTF-16",), id="half a character"),
        pytest.param("id,name,county,,\na,A,M,see note,\n",
                     ("row 2", "'see note'", "without a name"), id="under an empty column"),
        pytest.param("id,name\na,A\nb,B,more\n", ("row 3", "'more'"), id="beyond the last column"),
        pytest.param("id,name, Name\na,A,B\n", ("'name' is there twice",), id="a column twice"),
        pytest.param('id,name\na,"A\n', ("not a CSV file",), id="a quote that is not closed"),
        pytest.param("id," + "n" * 140_000 + "\na,A\n",
                     ("not a CSV file", "131072"), id="a header without an end"),
        pytest.param('id,"name\n' + "a,A\n" * 50_000,
                     ("not a CSV file", "quote"), id="a quote open in the header"),
        pytest.param("", ("no rows",), id="nothing"),
        pytest.param("id,name\n", ("no rows",), id="a header alone"),
        pytest.param("id,name\n,\n,\n", ("no rows",), id="empty rows alone"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_read_is_refused_in_one_message(
    content: str | bytes, words: tuple[str, ...], file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(file, content, capsys)
    assert "leas.csv" in said
    for word in words:
        assert word in said


def test_another_kind_of_file_is_refused(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "leas.ods: an import is an .xlsx, .csv" in refusal(file, b"PK", capsys, "leas.ods")


def test_a_name_between_tabs_may_begin_with_a_quote(file: Path) -> None:
    [row] = rows(file, 'id\tname\na\t"Star" Academy\n')
    assert row["name"] == '"Star" Academy'


def test_no_data_is_nothing(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    [row] = rows(file, "id,name,county\na,A,No Data\n")
    assert row["county"] == ""
    assert '1 cell with "No Data" counted as left out' in capsys.readouterr().err


def test_rows_keep_the_numbers_of_the_spreadsheet(file: Path) -> None:
    file.write_text("id,name\na,A\n,\nb,B\n")
    assert [row.number for row in read_table(file)] == [2, 4]


MIXED = [
    {"command": "lea register", "id": "a", "name": "A", "handle": "", "email": ""},
    {"command": "person register", "id": "", "name": "P", "handle": "p", "email": "p@a.example"},
]


def test_rows_may_name_different_commands_in_one_table() -> None:
    assert [row.command.kind() for row in taken(MIXED)] == ["lea register", "person register"]


def test_a_cell_under_another_commands_column_is_refused_by_its_name() -> None:
    said = why({**MIXED[0], "handle": "p"})
    assert "lea register has no column 'handle'" in said
    assert "county" in said


@pytest.mark.parametrize("label", ["As Of", "as_of", "AS-OF", " as  of"])
def test_a_column_is_known_however_its_name_is_written(label: str) -> None:
    row = {"lea": "a", "attribute": "enrolment", "value": "4", "source": "x", label: "2026-08-03"}
    [made] = taken([row], RecordFact.kind())
    assert isinstance(made.command, RecordFact)
    assert made.command.as_of == date(2026, 8, 3)


@pytest.mark.parametrize("written", ["1785715200", "46237", "8/3/2026", "9999-12-31", "0001-01-01"])
def test_the_day_of_a_row_is_a_day_and_no_number(written: str) -> None:
    said = why({"id": "a", "name": "A", "on": written}, "lea register")
    assert said.startswith(f"on '{written}': ")


def yaml_rows(file: Path, content: str) -> list[dict[str, Any]]:
    return rows(file, content, "rows.yaml")


@pytest.mark.parametrize(
    "name",
    [
        "Null",
        "null",
        "NULL",
        "No",
        "Yes",
        "on",
        "True",
        "~",
        "1.10",
        "2026-08-03",
        "12",
        "0x1F",
        "1_000",
        "1e5",
        "12:30:45",
        ".inf",
    ],
)
@pytest.mark.parametrize("quote", ["", '"', "'"])
def test_a_name_in_yaml_stays_what_was_typed(name: str, quote: str, file: Path) -> None:
    [made] = taken(yaml_rows(file, f"- {{id: a, name: {quote}{name}{quote}}}"), "lea register")
    assert isinstance(made.command, RegisterLea)
    assert made.command.name == name


def test_a_code_in_yaml_keeps_its_zeros(file: Path) -> None:
    [made] = taken(yaml_rows(file, "- {id: a, name: A, cds: 01100170000000}"), "lea register")
    assert isinstance(made.command, RegisterLea)
    assert made.command.cds == "01100170000000"
    said = why(yaml_rows(file, "- {id: a, name: A, cds: 0110017}")[0], "lea register")
    assert "'0110017'" in said
    assert said.split(". See")[0].endswith("01100170000000"), "what to type for a whole district"


@pytest.mark.parametrize("nothing", ["", "null", "~"])
def test_what_may_be_left_out_is_left_out_by_nothing(nothing: str, file: Path) -> None:
    [made] = taken(yaml_rows(file, f"- {{id: a, name: A, county: {nothing}}}"), "lea register")
    assert isinstance(made.command, RegisterLea)
    assert made.command.county is None


def test_a_county_in_quotes_is_a_county(file: Path) -> None:
    [made] = taken(yaml_rows(file, "- {id: a, name: A, county: 'null'}"), "lea register")
    assert isinstance(made.command, RegisterLea)
    assert made.command.county == "null"


@pytest.mark.parametrize(
    ("typed", "value"),
    [("4100", 4100), ("12.5", 12.5), ("true", True), ("null", None), ("~", None), ("", None),
     ("'4100'", "4100"), ("No", "No"), ("007", "007"), ("2026-08-03", "2026-08-03"),
     ("9" * 30, "9" * 30), (".nan", ".nan"), ("1e999", "1e999")],
)  # fmt: skip
def test_a_fact_is_a_number_where_it_is_written_as_one(
    typed: str, value: object, file: Path
) -> None:
    content = f"- id: a\n  name: A\n  facts: [{{name: 2026, value: {typed}, source: 12}}]\n"
    [made] = taken(yaml_rows(file, content), "lea register")
    assert isinstance(made.command, RegisterLea)
    [fact] = made.command.facts
    assert (fact.name, fact.value, type(fact.value), fact.source) == (
        "2026", value, type(value), "12",
    )  # fmt: skip


def test_the_same_row_says_the_same_as_yaml_and_as_csv(file: Path) -> None:
    [written] = taken(yaml_rows(file, "- {engagement: a, area: 12, method: walk, group: g}"),
                      "evidence log")  # fmt: skip
    csv = rows(file, "group,engagement,method,area,count\ng,a,walk,12,1\n")
    assert written.content == taken(csv, "evidence log")[0].content


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("- {id: &x a, name: *x}", ("line 1", "*x", "Write it out")),
        ("- {id: a, name: A, ? [1, 2] : x}", ("line 1", "a name of one word")),
        ("- {id: a, id: b}", ("line 1", "'id' is there twice")),
        ("- {Id: a, id: b}", ("row 1", "'id' is there twice")),
        ("- !!python/object/apply:os.system [ls]", ("line 1", "python/object", "without it")),
        ("- {id: !!int 12}", ("line 1", "without it")),
        ("- " + "[" * 5000 + "]" * 5000, ("line 1", "20 deep")),
        ("- " + "{a: " * 50 + "1" + "}" * 50, ("20 deep",)),
        ("- {id: a}\n---\n- {id: b}", ("line 2", "---")),
        ("id: a", ("list of rows",)),
        ("just words", ("list of rows",)),
        ("- {id: a}\n- b", ("row 2", "'b' is no row")),
        ("- {id: a}\n- [b]", ("row 2", "is no row")),
        ("- {id: a}\n-\n", ("row 2", "None is no row")),
        ("", ("no rows",)),
        ("[]", ("no rows",)),
        ("- {id: a", ("line", "not YAML")),
        ("- {name: \"\\Uffffffff\"}", ("does not exist",)),
        ("- {name: \x07}", ("characters that no YAML file may have",)),
        ("- {name: \x00}", ("line 1", "NUL")),
    ],
)  # fmt: skip
def test_a_yaml_file_that_cannot_be_taken_is_refused_in_one_message(
    content: str, words: tuple[str, ...], file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(file, content, capsys, "rows.yaml")
    assert "rows.yaml" in said
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ('{id: a, name: "A\\0B"}', ("NAME", "control characters")),
        ('{id: a, name: "A\\ud800B"}', ("NAME", "are no text")),
        ("{id: a, name: A, on: 2026-02-30}", ("on ", "'2026-02-30'", "YYYY-MM-DD")),
        ("{id: a, name: A, facts: {x: 1}}", ("--facts", "not a list")),
        ("{id: a, name: [A, B]}", ("NAME", "not text")),
        ("{id: a, name: {A: B}}", ("NAME", "not text")),
        ("{id: a, name: A, illustrative: maybe}", ("illustrative", "'maybe'", "yes or no")),
        ("{id: a, name: A, 12: x}", ("no column '12'",)),
        (f"{{id: a, name: A, cds: {'9' * 5000}}}", ("--cds", "CDS")),
    ],
)
def test_what_is_wrong_with_a_row_of_yaml_is_said_of_the_row(
    row: str, words: tuple[str, ...], file: Path
) -> None:
    said = why(yaml_rows(file, f"- {row}")[0], "lea register")
    for word in words:
        assert word in said


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("packs/playbooks/dta-sir.yaml", Playbook),
        ("packs/calendars/california.yaml", CalendarPack),
        ("packs/frameworks/sir-12-2019.yaml", Framework),
    ],
)
def test_what_is_published_is_read_as_it_stands(path: str, kind: Any) -> None:
    assert kind.model_validate(load_yaml(ROOT / path, kind)) == kind.model_validate(load(path))


def test_an_hour_without_quotes_is_an_hour() -> None:
    content = read("{id: p, latest: 17:30, steps: []}")
    policy = ReminderPolicy.model_validate(fitted(content, ReminderPolicy))
    assert policy.latest == time(17, 30)


def test_a_published_number_may_be_a_choice_or_a_title() -> None:
    holiday = "{kind: floating, name: 2026, month: 1, weekday: monday, nth: -1}"
    content = read(f"id: x\nversion: 1\ntitle: No\nsource: 1.10\nholidays: [{holiday}]")
    pack = PublishCalendar(content=fitted(content, CalendarPack)).content
    [day] = pack.holidays
    assert (pack.title, pack.source, day.name) == ("No", "1.10", "2026")


LEA_HEADINGS = headings_for("lea register")
CELLS = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), max_size=8)
WORDS = st.text(st.sampled_from("abcdeñéüßç -,;|\t"), max_size=8).map(str.strip)


@given(
    st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5),
    st.sampled_from(",;\t|"),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_whatever_a_spreadsheet_writes_is_read_back(
    content: list[tuple[str, str]], delimiter: str, encoding: str, end: str, told: bool
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end)
    if told:
        text.write(f"sep={delimiter}{end}")
    writer.writerows([("id", "name"), *content])
    grid = read_text_grid(
        Path("x.csv"), text.getvalue().encode(encoding), headings_for("lea register")
    )
    assert [tuple(line.cells) for line in grid.lines if any(line.cells)] == [
        ("id", "name"),
        *((a, b) for a, b in content if a or b),
    ]


@given(st.lists(WORDS.filter(bool), min_size=1, max_size=5))
def test_words_of_windows_1252_are_read_as_they_were(names: list[str]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text).writerows([("id", "name"), *(("a", name) for name in names)])
    grid = read_text_grid(Path("x.csv"), text.getvalue().encode("cp1252"))
    assert [line.cells[1] for line in grid.lines[1:]] == names
