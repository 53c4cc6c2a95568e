"""The Dashboard from a table and the focus with its lineage, from the command line to the store."""

from pathlib import Path

from tests.end_to_end.conftest import E, Handrail

GOOD = """indicator,group,colour
mathematics,,red
mathematics,english-learners,red
mathematics,homeless,no colour
science,all,
basics,,not-met
"""


def test_a_dashboard_is_one_fact_and_can_be_given_again(desk: Handrail, tmp_path: Path) -> None:
    file = tmp_path / "dashboard.csv"
    file.write_text(GOOD + "maths,all,red\n", encoding="utf-8")
    given = ("dashboard", "import", "ACUSD", str(file), "--year", "2052", "--json")

    half_wrong = desk(*given)
    assert half_wrong.code == 1
    assert [row["outcome"] for row in half_wrong.lines] == ["would be recorded"] * 5 + ["refused"]
    assert "Did you mean mathematics" in half_wrong.lines[-1]["message"]

    file.write_text(GOOD, encoding="utf-8")
    assert [row["outcome"] for row in desk(*given).lines] == ["recorded"] * 5
    assert [row["outcome"] for row in desk(*given).lines] == ["recorded before"] * 5
    events = [e for e in desk("history", E, "--json").lines if e["type"] == "dashboard-recorded"]
    [event] = [e for e in events if e["data"]["year"] == 2052]
    shown = [(r["result"], r["no_colour"]) for r in event["data"]["results"]]
    assert shown == [
        ("red", False), ("red", False), (None, True), (None, False), ("not-met", False),
    ]  # fmt: skip


def test_the_focus_is_shown_with_its_lineage_measures_and_alignment(desk: Handrail) -> None:
    def must(*arguments: str) -> None:
        answer = desk(*arguments, actor="marcus")
        assert answer.code == 0, answer.said

    must("dashboard", "record", E, "--year", "2053", "--result", "mathematics/all=red")
    must(
        "focus", "set", E, "Pupils cannot show what they know.", "--indicator", "mathematics",
        "--for", "joy", "--evidence", "notes of today",
    )  # fmt: skip
    must("focus", "cause", "add", E, "No shared planning time")
    must("focus", "theory", E, "If teams plan together, pupils talk more mathematics.")
    must("focus", "align", E, "--year", "2053", "--verdict", "yes", "--basis", "It is red.",
         "--problem", "F1")  # fmt: skip
    must("measure", "add", E, "Meetings", "--kind", "leading", "--target", "12", "--baseline", "3")
    must("measure", "add", E, "Standard met", "--kind", "lagging", "--target", "50",
         "--baseline", "31.5", "--not-before", "2055-10-01")  # fmt: skip
    must("measure", "observe", E, "M2", "--value", "33")
    silent = desk("focus", "set", E, "One pupil in five is absent.")
    assert silent.code == 1
    assert "--reason REASON" in silent.said
    must("focus", "set", E, "One pupil in five is absent.", "--reason", "the new Dashboard")

    [shown] = desk("focus", "show", E, "--json").lines
    first, second = shown["lineage"]
    assert (first["said_by"], first["ended_because"]) == ("joy", "the new Dashboard")
    assert (first["root_causes"], first["theories"]) == (["RC1"], ["T1"])
    assert [(a["year"], a["verdict"], a["computed"]) for a in first["alignment"]] == [
        (2053, "yes", "yes")
    ]
    assert (second["until"], second["root_causes"], second["alignment"]) == (None, [], [])
    assert [m["id"] for m in shown["measures"]["leading"]] == ["M1"]
    [lagging] = shown["measures"]["lagging"]
    assert lagging["standing"] == "too early to judge"

    told = desk("focus", "show", "ACUSD").out
    assert "said by Joy Kim (notes of today)" in told
    assert told.index("Leading measures") < told.index("Lagging measures")
    assert "One pupil in five is absent." in desk("engagement", "show", E).out
