"""Cells as people write them, in the form in which their command takes them."""

from typing import Any

import pytest

from cli.imports import headings_for, parsed
from cli.sheets.headings import folded, headings_of
from cli.sheets.refs import references
from cli.sheets.state import COLOURS, Skip, cds_of, shaped_lea, shaped_result, slug, with_ids
from cli.sheets.values import Order, Reading
from cli.terminal.tables import Numbered
from domain.kernel.fields import option_name
from domain.rules.registry import COMMANDS

MONEY = {"engagement": "a", "purpose": "Stipends"}
AGENDA = {"engagement": "a", "board": "lea", "scheduled": "2026-09-21"}
VOTE = {"engagement": "a", "board": "lea", "decision": "approved", "on": "2026-09-21"}


def said(kind: str, row: dict[str, Any], order: Order | None = None) -> dict[str, Any]:
    good, wrong = parsed([Numbered(2, row)], kind, Reading(order))
    assert wrong == []
    return {**good[0].command.model_dump(mode="json", by_alias=True), "-on": good[0].effective_on}


def why(kind: str, row: dict[str, Any], order: Order | None = None) -> str:
    good, [wrong] = parsed([Numbered(2, row)], kind, Reading(order))
    assert good == []
    return wrong.message


@pytest.mark.parametrize(
    "typed", ["$24,000.00", "24,000", "24000", "$ 24000.00", "24000.0", " $24,000 "]
)
def test_an_amount_is_read_with_its_sign_and_commas(typed: str) -> None:
    assert said("investment add", {**MONEY, "amount": typed})["amount"] == "24000.00"


@pytest.mark.parametrize("typed", ["(500.00)", "24.000,00", "2,4000", "$", "24 000", "€5", "1e3x"])
def test_an_amount_that_may_be_another_is_refused_as_it_was_typed(typed: str) -> None:
    assert f"--amount {typed!r}" in why("investment add", {**MONEY, "amount": typed})


@pytest.mark.parametrize("typed", ["5–0", "5-0", "5 – 0", "5—0", "5\u22120"])
def test_a_vote_may_have_any_dash(typed: str) -> None:
    row = {**VOTE, "vote": typed}
    assert said("agreement act", row)["vote"] == "5-0"


def test_a_fiscal_year_may_have_any_dash() -> None:
    row = {**MONEY, "amount": "1", "fiscal-year": "2026–27"}
    assert said("investment add", row)["fy"] == "2026-27"


def test_a_dash_in_a_text_stays() -> None:
    row = {"engagement": "a", "group": "parents", "note": "grades 5–8"}
    assert said("conversation log", row)["notes"] == "grades 5–8"


@pytest.mark.parametrize(
    ("typed", "read"),
    [("6:00 PM", "18:00"), ("6 pm", "18:00"), ("12:30 a.m.", "00:30"), ("12:00 PM", "12:00"),
     ("18:00:00", "18:00"), ("18:00", "18:00"), ("6:00:00 PM", "18:00")],
)  # fmt: skip
def test_an_hour_may_be_of_either_clock(typed: str, read: str) -> None:
    assert said("board submit", {**AGENDA, "at": typed})["at"].startswith(read)


@pytest.mark.parametrize("typed", ["13:00 PM", "0:30 AM", "6", "0.75", "6:75 PM"])
def test_an_hour_that_is_none_is_refused(typed: str) -> None:
    assert repr(typed)[1:-1].split(":")[0] in why("board submit", {**AGENDA, "at": typed})


TALK = {"engagement": "a", "group": "parents"}


@pytest.mark.parametrize(
    ("order", "read"), [("mdy", "2026-03-09"), ("dmy", "2026-09-03")], ids=["mdy", "dmy"]
)
def test_a_day_is_read_in_the_order_that_was_said_and_told_in_words(
    order: Order, read: str
) -> None:
    reading = Reading(order)
    [row], wrong = parsed([Numbered(2, {**TALK, "on": "3/9/2026"})], "conversation log", reading)
    assert wrong == []
    assert str(row.effective_on) == read
    words = "Mon 9 Mar 2026" if order == "mdy" else "Thu 3 Sep 2026"
    assert f"3/9/2026 is {words}" in str(reading.in_words())


@pytest.mark.parametrize(
    "typed", ["August 3, 2026", "Aug. 3 2026", "3 August 2026", "3-Aug-2026", "Mon 3 Aug 2026",
              "Monday, August 3, 2026"]
)  # fmt: skip
def test_a_day_in_words_needs_no_order_and_is_told(typed: str) -> None:
    reading = Reading()
    [row], _ = parsed([Numbered(2, {**TALK, "on": typed})], "conversation log", reading)
    assert str(row.effective_on) == "2026-08-03"
    assert f"{typed} is Mon 3 Aug 2026" in str(reading.in_words())


@pytest.mark.parametrize("typed", ["Ma 3, 2026", "3 Foo 2026", "February 30, 2026", "August 2026"])
def test_a_day_in_words_that_is_none_is_refused(typed: str) -> None:
    assert repr(typed) in why("conversation log", {**TALK, "on": typed})


def test_a_day_without_an_order_is_refused_with_the_way_out() -> None:
    told = why("conversation log", {**TALK, "on": "3/9/2026"})
    assert "'3/9/2026'" in told
    assert "--dates mdy" in told
    assert Reading().in_words() is None


@pytest.mark.parametrize("typed", ["13/13/2026", "46237", "1785715200", "3/9/26", "2/30/2026"])
def test_what_is_no_day_is_refused_in_any_order(typed: str) -> None:
    assert repr(typed) in why("conversation log", {**TALK, "on": typed}, "mdy")


def test_a_day_with_midnight_behind_it_is_that_day() -> None:
    assert str(said("conversation log", {**TALK, "on": "2026-09-03T00:00:00"})["-on"]) == (
        "2026-09-03"
    )
    assert "18:00" in why("conversation log", {**TALK, "on": "2026-09-03 18:00"})


@pytest.mark.parametrize("typed", ["School District", "school_district", "SCHOOL-DISTRICT"])
def test_a_choice_may_be_written_as_people_write_it(typed: str) -> None:
    row = {"id": "a", "name": "A", "kind": typed}
    assert said("lea register", row)["type"] == "school_district"


@pytest.mark.parametrize(
    ("kind", "heading", "name"),
    [
        ("lea register", "District Name", "name"),
        ("lea register", "TYPE", "kind"),
        ("lea register", "CDS-Code", "cds"),
        ("person register", "E-Mail Address", "email"),
        ("person register", "Organization *", "organisation"),
        ("conversation log", "Date (YYYY-MM-DD)", "on"),
        ("conversation log", "Notes", "note"),
        ("conversation log", "District", "engagement"),
        ("investment add", "Fiscal_Year", "fiscal-year"),
        ("lea fact", "As of:", "as-of"),
        ("evidence log", "How many", "count"),
        ("lea register", "Número", None),
    ],
)
def test_a_heading_is_known_by_name_or_another_word(
    kind: str, heading: str, name: str | None
) -> None:
    assert headings_of([COMMANDS[kind]]).name(heading) == name


@pytest.mark.parametrize("kind", [k for k, c in COMMANDS.items() if not c.internal])
def test_every_option_is_known_by_its_own_name(kind: str) -> None:
    headings = headings_of([COMMANDS[kind]])
    for name in {*headings.names.values()}:
        assert headings.name(name) == name
    assert not {*headings.words} & {*headings.names}


def test_every_reference_of_a_command_is_looked_up() -> None:
    assert list(references(COMMANDS["conversation log"])) == [
        ("engagement", "engagement", False),
        ("with", "person", False),
    ]
    assert ("with", "person", True) in list(references(COMMANDS["contact log"]))
    assert "engagement" not in [name for name, *_ in references(COMMANDS["engagement open"])]


def district(name: str, code: str, **more: str) -> dict[str, Any]:
    said = {"name": name, "cds": code, "list-type": "Unified School District"}
    return {**said, "list-status": "Active", **more}


def test_the_states_districts_are_leas_with_the_code_of_a_whole_district() -> None:
    assert shaped_lea(district("Alder Unified", "0161119", county="Alameda")) == {
        "name": "Alder Unified",
        "cds": "01611190000000",
        "county": "Alameda",
        "kind": "school_district",
    }
    office = shaped_lea(
        district("Alameda County Office", "0110017") | {"list-type": "County Office of Education"}
    )
    assert isinstance(office, dict)
    assert office["kind"] == "county_office_of_education"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"list-status": "Closed"}, "closed"),
        ({"list-status": "Merged"}, "merged"),
        ({"list-school": "Alder High"}, "schools"),
        ({"list-school": "Alder High", "list-charter": "N"}, "schools"),
        ({"list-type": "State Board of Education"}, "neither"),
    ],
)
def test_what_is_no_lea_of_today_is_left_out(more: dict[str, str], words: str) -> None:
    left_out = shaped_lea(district("A", "0161119", **more))
    assert isinstance(left_out, Skip)
    assert words in left_out.why


def test_a_charter_school_of_the_states_list_is_an_lea_of_its_district() -> None:
    row = district(
        "Alder Unified", "01611190130229", **{"list-school": "Star", "list-charter": "Y"}
    )
    assert shaped_lea(row) == {
        "name": "Star",
        "cds": "01611190130229",
        "parent": "Alder Unified",
        "kind": "charter_school",
    }


def test_leas_that_are_called_the_same_have_their_county_in_the_id() -> None:
    rows = [
        Numbered(2, {"name": "Pine Elementary", "county": "Kern"}),
        Numbered(3, {"name": "Pine Elementary", "county": "San Mateo"}),
        Numbered(4, {"name": "La Cañada Unified", "county": "Los Angeles"}),
        Numbered(5, {"name": "Oak", "county": "Kern"}),
        Numbered(6, {"name": "Elm", "id": "my-elm"}),
    ]
    made = [row.values for row in with_ids(rows, {"oak"})]
    assert [v["id"] for v in made] == [
        "pine-elementary-kern", "pine-elementary-san-mateo", "la-canada-unified", "oak-kern",
        "my-elm",
    ]  # fmt: skip
    assert made[0]["name"] == "Pine Elementary", "a name may be that of several"
    assert slug("O'Neals Joint Union") == "oneals-joint-union"


@pytest.mark.parametrize(
    ("written", "code"),
    [("0161119", "01611190000000"), ("1611190130229", "01611190130229"), ("", ""),
     ("01-61119-0130229", "01611190130229")],
)  # fmt: skip
def test_a_code_is_looked_up_whatever_a_spreadsheet_made_of_it(written: str, code: str) -> None:
    assert cds_of({"cds": written}) == code


@pytest.mark.parametrize(("number", "colour"), [*enumerate(COLOURS)])
def test_colours_of_the_states_files_are_numbers_from_none_to_blue(
    number: int, colour: str
) -> None:
    row = {"indicator": "Math", "group": "SED", "colour": str(number)}
    shaped = shaped_result(row, "a", {})
    assert shaped == {
        "indicator": "mathematics", "group": "socioeconomically-disadvantaged", "colour": colour,
    }  # fmt: skip


def test_results_of_other_leas_in_the_states_file_are_left_out() -> None:
    codes = {"01611190000000": "alder", "02611190000000": "birch"}
    row = {"cds": "1611190000000", "rtype": "D", "indicator": "ELA", "group": "ALL", "colour": "2"}
    mine = shaped_result(dict(row), "alder", codes)
    assert isinstance(mine, dict)
    assert (mine["engagement"], mine["colour"]) == ("alder", "orange")
    assert "rtype" not in mine
    assert isinstance(shaped_result(dict(row), "birch", codes), Skip)
    assert isinstance(shaped_result({**row, "cds": "01611190130229"}, None, codes), Skip)
    assert isinstance(shaped_result({**row, "group": "RFP"}, None, codes), Skip)
    whole = shaped_result(dict(row), None, codes)
    assert isinstance(whole, dict)
    assert whole["engagement"] == "alder"


def test_a_heading_is_folded_without_what_people_add_to_it() -> None:
    assert folded("  Due Date (YYYY-MM-DD) * ") == folded("due_date:") == "due date"
    assert folded("(name)") == "name"


def test_a_column_of_any_command_is_the_option_of_that_name() -> None:
    headings = headings_for(None)
    for kind, command in COMMANDS.items():
        if not command.internal:
            for name, field in command.model_fields.items():
                option = option_name(name, field)
                assert headings.name(option) == option, kind
