"""Whoever mistypes is told everything that is wrong at once, and what was meant."""

import json
import os
from typing import Annotated, Any

import pytest
from pydantic import TypeAdapter, ValidationError

from cli import helping, index
from cli.helping import GROUPS, overview
from cli.main import main
from cli.mistyped import example_in
from cli.terminal.options import descriptions, explain
from domain.rules.registry import COMMANDS


def said(*typed: str, capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit) as left:
        main(list(typed))
    assert left.value.code == 2
    answer = capsys.readouterr()
    assert answer.out == ""
    return answer.err


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("deliverables", ["deliverable"]),
        ("Leas", ["lea"]),
        ("persons", ["person"]),
        ("histroy", ["history"]),
        ("deliverables show", ["deliverable show"]),
        ("engagments list", ["engagement list"]),
        ("list", ["engagement list", "deliverable list", "lea list", "person list"]),
        ("show", ["engagement show", "deliverable show", "lea show"]),
        ("search", ["engagement list", "deliverable list", "lea list", "person list"]),
        ("propose", ["deliverable propose"]),
        ("wave", ["sir wave"]),
        ("packet", ["lead packet"]),
        ("person remove", ["person leave", "person erase"]),
        ("person regster", ["person register"]),
        ("sir wave propse", ["sir wave propose"]),
        ("stop", ["down"]),
    ],
)
def test_a_word_that_is_not_there_is_answered_with_what_was_meant(
    typed: str, meant: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    answer = said(*typed.split(), capsys=capsys)
    shown = ", ".join(f"`handrail {one}`" for one in meant)
    assert answer.startswith(
        f"There is no `handrail {_to_the_mistake(typed)}`. Did you mean {shown}"
    )


def _to_the_mistake(typed: str) -> str:
    words = typed.split()
    for count in range(1, len(words) + 1):
        begun = " ".join(words[:count])
        if not any(f"{verb} ".startswith(f"{begun} ") for verb in index.VERBS):
            return begun
    raise AssertionError(f"{typed} is there")


@pytest.mark.parametrize("typed", ["xyzzy", "Ñandú", "12", "--", "--list", "-x", ""])
def test_a_word_like_no_other_is_answered_with_the_way_to_all_of_them(
    typed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "handrail --help" in said(typed, capsys=capsys)


def test_what_a_noun_has_is_named_where_nothing_is_near(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = said("agreement", "xyzzy", capsys=capsys)
    assert answer == "There is no `handrail agreement xyzzy`. There is: draft, act.\n"


@pytest.mark.parametrize("verb", index.VERBS)
def test_every_verb_is_found_by_its_noun_in_the_plural_and_by_itself(verb: str) -> None:
    first, *rest = verb.split()
    assert f"`handrail {verb}`" in helping.unknown([f"{first}s", *rest])
    if rest and rest[-1] not in GROUPS_WORDS:
        answer = helping.unknown([rest[-1]])
        assert f"`handrail {verb}`" in answer or answer.endswith(", …?")


GROUPS_WORDS = [word for words in GROUPS.values() for word in words.split()]


def test_every_word_stands_in_one_group_of_the_help() -> None:
    assert sorted(GROUPS_WORDS) == sorted({verb.split()[0] for verb in index.VERBS})


def test_the_help_fits_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in (40, 80, 200):
        monkeypatch.setenv("COLUMNS", str(columns))
        lines = overview("1.2.3").splitlines()
        told = [line for line in lines if line.startswith("  ")]
        assert max(len(line) for line in told) <= max(columns, 40)
        shown = [line.split()[0] for line in lines if line.startswith("  ") and line[2] != " "]
        assert shown == GROUPS_WORDS


@pytest.mark.parametrize(
    ("typed", "missing", "example"),
    [
        (
            "init --agency Agency",
            ["--name", "--sender", "--director", "--director-name", "--director-email"],
            "init --agency Agency --name ",
        ),
        ("deliverable propose alder", ["TITLE", "--due"], "deliverable propose alder 'Theory of"),
        ("person register", ["HANDLE", "NAME"], "person register "),
        ("fit decide alder", ["--proceed"], "fit decide alder --proceed"),
        ("clock to", ["WHEN"], "clock to WHEN"),
        ("history", ["ENGAGEMENT"], "history "),
    ],
)
def test_everything_that_is_missing_is_named_at_once(
    typed: str, missing: list[str], example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, third = said(*typed.split(), capsys=capsys).splitlines()
    path = _verb(typed)
    assert first == f"`handrail {path}` needs {', '.join(missing)}."
    assert second.startswith(f"For example: handrail {example}")
    assert third == f"See handrail {path} --help"


def _verb(typed: str) -> str:
    words = typed.split()
    return next(" ".join(words[:n]) for n in (3, 2, 1) if " ".join(words[:n]) in index.VERBS)


def test_a_misspelled_option_is_told_with_what_is_missing(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = said("init", "--name", "Name", "--agncy", "Agency", capsys=capsys)
    assert "`handrail init` needs --agency, --sender, " in answer
    assert "Unknown option: --agncy. Did you mean --agency?" in answer
    assert "For example" not in answer


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("agreement act E lea approved --effective 2054-08-03", "--on"),
        ("agreement act E lea approved --date 2054-08-03", "--on"),
        ("agreement act E lea approved --meeting=2054-08-03", "--on"),
        ("conversation log E board --date 2054-08-03", "--on"),
        ("conversation log E board --notes x", "--note"),
        ("engagement hold E --for strike", "--reason"),
        ("engagement hold E --because strike", "--reason"),
        ("deliverable redate E D1 --to 2054-09-01", "--due"),
        ("deliverable propose E T --deadline 2054-09-01", "--due"),
        ("engagement show E --as-of 2054-08-03", "--as-known"),
    ],
)
def test_another_word_for_an_option_is_answered_with_ours(
    typed: str, meant: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = said(*typed.split(), capsys=capsys)
    option = next(word for word in typed.split() if word.startswith("--")).split("=")[0]
    assert f"Unknown option: {option}. Did you mean {meant}?" in answer


@pytest.mark.parametrize(
    ("typed", "more"),
    [
        ("evidence import E evidence.csv", "'evidence.csv'"),
        ("person show Joy Kim", "'Kim'"),
        ("engagement show Alder Creek USD", "'Creek', 'USD'"),
    ],
)
def test_a_word_too_many_is_named_with_the_way_out(
    typed: str, more: str, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = said(*typed.split(), capsys=capsys)
    assert f"nothing is to be done with {more}." in answer
    assert 'put "" around a value of several words' in answer


def test_an_option_like_none_is_answered_with_no_guess(capsys: pytest.CaptureFixture[str]) -> None:
    answer = said("due", "--zzzz", "x", capsys=capsys)
    assert "Unknown option: --zzzz.\n" in answer


def test_an_option_without_its_value_says_how_it_is_typed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = said("deliverable", "propose", "alder", "Theory", "--due", capsys=capsys)
    assert answer.startswith("--due needs a value, as in --due YYYY-MM-DD\n")


@pytest.mark.parametrize(
    ("typed", "named"),
    [
        ([b"summit", b"show", b"\xe9"], r"argument 3 ($'\xe9')"),
        ([b"\xff"], r"argument 1 ($'\xff')"),
        ([b"ledger", b"alder", b"--item", b"D\xc3"], r"argument 4 ($'D\xc3')"),
        ([b"lea", b"show", b"caf\xe9", b"--json"], r"argument 3 ($'caf\xe9')"),
        ([b"deliverable", b"propose", b"\xed\xa0\x80", b"\xfe"], r"argument 4 ($'\xfe')"),
        ([b"person", b"show", b"--na\xefve=x"], r"argument 3 ($'--na\xefve=x')"),
        ([b"lead", b"packet", b"alder", b"--out", b"\xe9.md"], r"argument 5 ($'\xe9.md')"),
    ],
)
def test_bytes_that_are_no_text_are_named(
    typed: list[bytes], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        main([os.fsdecode(word) for word in typed])
    assert left.value.code == 2
    answer = capsys.readouterr()
    message = json.loads(answer.out)["message"] if b"--json" in typed else answer.err
    assert named in message
    assert message.startswith("This is not text in UTF-8: ")


def examples() -> list[Any]:
    """Every example that is given for one value, with what it is an example of."""
    return [
        pytest.param(Annotated[field.annotation, "", *field.metadata], example, id=f"{kind} {name}")
        for kind, command in COMMANDS.items()
        for name, field in command.model_fields.items()
        if not command.internal and "Mapping" not in str(field.annotation)
        and "tuple" not in str(field.annotation) and "date" not in str(field.annotation)
        if (example := example_in(descriptions(command).get(name, "")))
    ]  # fmt: skip


@pytest.mark.parametrize(("kind", "example"), examples())
def test_what_is_shown_as_an_example_can_be_typed(kind: Any, example: str) -> None:
    assert TypeAdapter(kind).validate_python(example)


def test_a_day_is_shown_as_it_is_written_and_an_hour_whole(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert "--at 18:00" in said("board", "submit", "alder-creek-usd", "lea", capsys=capsys)
    assert "YYYY-MM-DD" in said("lea", "works", "alder-creek-usd", capsys=capsys)


def test_values_that_do_not_fit_together_are_told_without_all_the_others() -> None:
    command = COMMANDS["lea recess"]
    with pytest.raises(ValidationError) as caught:
        command.model_validate(
            {"lea": "a", "name": "R", "first": "1900-01-01", "last": "2250-12-31"}
        )
    told = explain(caught.value, command)
    assert told.startswith("the recess lasts 128200 days, from 1900-01-01 to 2250-12-31"), told
