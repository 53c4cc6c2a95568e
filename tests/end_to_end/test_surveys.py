"""Check-ins side by side, and surveys from files, from the command line to the store."""

from pathlib import Path

from tests.end_to_end.conftest import E, Handrail

ANSWERS = "coaching,sharing\n3,2\n4,3\n4,\n5,3\n4,2\n"
MEANS = "Construct,Mean,Answers\ncoaching,4.80,22\nsharing,3.1,3\n"


def test_a_survey_is_brought_to_means_before_it_is_recorded(desk: Handrail, tmp_path: Path) -> None:
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    given = ("survey", "import", "ACUSD", str(first), "--survey", "1", "--on", "2054-08-04")

    first.write_text(ANSWERS.replace("4,3", "9,3"), encoding="utf-8")
    wrong = desk(*given, "--json")
    assert wrong.code == 1
    assert [row["outcome"] for row in wrong.lines] == [
        "would be recorded", "refused", *["would be recorded"] * 3,
    ]  # fmt: skip
    assert "not a number between 1 and 5" in wrong.lines[1]["message"]
    first.write_text("name,coaching\nJ. Doe,3\n", encoding="utf-8")
    assert "Take out every other column" in desk(*given).said

    first.write_text(ANSWERS, encoding="utf-8")
    assert desk(*given, "--dry-run").code == 0
    assert desk("survey", "show", E, "--json").lines[0]["surveys"] == []
    assert {row["outcome"] for row in desk(*given, "--json").lines} == {"recorded"}
    assert {row["outcome"] for row in desk(*given, "--json").lines} == {"recorded before"}
    [event] = [
        e for e in desk("history", E, "--json").lines if e["type"] == "survey-recorded"
    ]  # fmt: skip
    assert event["data"]["results"] == [
        {"of": "coaching", "mean": "4.00", "respondents": 5},
        {"of": "sharing", "mean": None, "respondents": 4},
    ]

    second.write_text(MEANS, encoding="utf-8")
    again = desk(*given[:3], str(second), *given[4:])
    assert again.code == 1
    assert "there is one a year" in again.said
    assert desk("survey", "withdraw", E, "--survey", "1", "--reason", "another LEA's").code == 0
    assert {row["outcome"] for row in desk(*given, "--json").lines} == {"recorded"}

    [shown] = desk("survey", "show", E, "--json").lines
    assert (shown["kind"], shown["growth"]) == ("process", [])
    assert "too few answers (4)" in desk("survey", "show", E).out
    [growth] = desk("survey", "growth", "--json").lines
    assert (growth["leas"], growth["percent"]) == (0, None)


def test_what_is_pressed_twice_is_recorded_once(desk: Handrail) -> None:
    judged = (
        "readiness",
        "judge",
        E,
        "--willing",
        "yes",
        "--able",
        "partly",
        "--basis",
        "vacancies",
    )
    assert desk(*judged).code == 0
    again = desk(*judged)
    assert again.code == 1
    assert "already" in again.said
