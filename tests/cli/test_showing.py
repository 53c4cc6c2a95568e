"""What is shown on the command line: names in every text, outcomes with their reasons."""

import json
from datetime import date
from typing import Any, cast

from cli.terminal.output import emit_json, emit_table
from domain.kernel.sealed import Sealed
from queries.names import Names


def named(name: str) -> Names:
    names = Names(cast(Any, None))
    names._known["p-aaaaaaaaaaaaa"] = (name, "joy")
    return names


def test_a_name_may_hold_any_character_in_json(capsys: Any) -> None:
    found = {
        "lead": "p-aaaaaaaaaaaaa",
        "signed": {"lea": "p-aaaaaaaaaaaaa"},
        "told": ["@p-aaaaaaaaaaaaa said so", Sealed(about="x", text="p-aaaaaaaaaaaaa was there")],
        "n": 3,
        "none": None,
    }
    name = 'Joy "J" \\ Kim'
    emit_json(named(name).throughout(found))
    assert json.loads(capsys.readouterr().out) == {
        "lead": name,
        "signed": {"lea": name},
        "told": ["joy said so", f"{name} was there"],
        "n": 3,
        "none": None,
    }


def test_an_item_is_told_as_it_is_typed_wherever_it_stands() -> None:
    names = named("Joy Kim")
    assert names.told("address/p-aaaaaaaaaaaaa") == "address/joy"
    assert names.told("1 reminder planned: address/p-aaaaaaaaaaaaa due.") == (
        "1 reminder planned: address/joy due."
    )
    assert names.told("address/p-bbbbbbbbbbbbb") == "address/p-bbbbbbbbbbbbb", "nobody known"


def test_an_empty_list_says_what_there_is_none_of_and_what_to_do(capsys: Any) -> None:
    emit_table("0 LEAs", ("Id", "Name"), [], empty="Register one: handrail lea register --help")
    assert capsys.readouterr().out == "0 LEAs. Register one: handrail lea register --help\n"
    emit_table("Playbooks", ("Playbook", "Title"), [])
    assert capsys.readouterr().out == "Playbooks: none.\n"


def test_whoever_has_left_is_marked_from_that_day_on_and_not_before() -> None:
    names = named("Joy Kim")
    names._left["p-aaaaaaaaaaaaa"] = date(2027, 4, 9)
    assert names.now("p-aaaaaaaaaaaaa", date(2027, 4, 8)) == "Joy Kim"
    assert names.now("p-aaaaaaaaaaaaa", date(2027, 4, 9)) == "Joy Kim (left Fri 9 Apr 2027)"
    assert names.now(None, date(2027, 4, 9)) == "–"
