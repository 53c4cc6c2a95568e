"""The registry, the directory and the steps, from the command line to the store."""

from pathlib import Path

from tests.end_to_end.conftest import E, Handrail


def test_sources_that_contradict_each_other_are_shown_until_they_are_settled(
    desk: Handrail, tmp_path: Path
) -> None:
    file = tmp_path / "facts.csv"
    file.write_text(
        "lea,attribute,value,source,as-of\n"
        'ACUSD,enrolment,"4,120",Dashboard 2053,2053-10-07\n'
        "ACUSD,enrolment,4300,The business office,2054-03-02\n"
        "ACUSD,enrolment,4300,The business office,2 March\n",
        encoding="utf-8",
    )
    refused = desk("lea", "fact-import", str(file), "--json")
    assert refused.code == 1
    assert [r["outcome"] for r in refused.lines] == ["would be recorded"] * 2 + ["refused"]
    assert desk("lea", "fact-import", str(file), "--skip-refused").code == 1

    shown = desk("lea", "show", E).out
    assert "IN CONFLICT with" in shown
    assert "Sources contradict each other about enrolment" in shown
    assert {f["lea"] for f in desk("lea", "facts", "--conflicts", "--json").lines} == {E}
    [one, _] = desk("lea", "facts", E, "--conflicts", "--json").lines
    settled = desk(
        "lea", "fact-settle", E, "enrolment", "--prevails", one["id"], "--reason", "census day"
    )
    assert "prevails over" in settled.out
    assert desk("lea", "facts", E, "--conflicts").out == "No facts contradict each other.\n"
    assert "outweighed by" in desk("lea", "facts", E).out


def test_a_person_is_shown_with_whoever_is_written_to_instead(desk: Handrail) -> None:
    robert = ("robert", "Robert Hale", "--email", "robert@alder-creek.example", "--organisation", E)
    assert desk("person", "register", *robert, "--fallback", "joy").code == 0
    circle = desk("person", "change", "joy", "--fallback", "robert")
    assert circle.code == 1
    assert "Joy Kim → Robert Hale → Joy Kim" in circle.said
    [shown] = desk("person", "show", "robert", "--json").lines
    [joy] = desk("person", "show", "joy", "--json").lines
    assert joy["digest"] == "daily"
    assert "Mail: joy@alder-creek.example, daily" in desk("person", "show", "joy").out
    assert (shown["fallback"], joy["fallback_of"]) == ("joy", ["robert"])
    assert "joy" in desk("person", "list", "--organisation", E).out
    assert desk("person", "show", "jo").code == 1


def test_the_next_step_is_always_in_sight(desk: Handrail) -> None:
    steps = desk("step", "list", E, "--json").lines
    [following] = [s for s in steps if s["standing"] == "next"]
    [shown] = desk("engagement", "show", E, "--json").lines
    assert following["step"] in shown["next_step"]
    assert desk("statute", "list", E, "--json").lines == []
    assert "leaves the dates of statutes" in desk("statute", "list", E).out


def test_a_version_that_is_not_there_is_not_upgraded_to(desk: Handrail) -> None:
    ours, missing = "dta-sir@3", "dta-sir@99"
    given = ("playbook", "upgrade", E, "--dry-run", "--playbook")
    assert desk(*given, missing).code == 1
    assert "follows dta-sir@3 already" in desk(*given, ours).said
    assert desk("playbook", "upgrade", E, "--playbook", ours).code == 2
    assert desk("playbook", "upgrade", "--dry-run", "--playbook", ours).code == 2
    assert "Did you mean" in desk("playbook", "show", missing).said
    assert desk("playbook", "diff", ours, ours).out == "dta-sir@3 → dta-sir@3: nothing differs.\n"
    [listed] = [r for r in desk("playbook", "list", "--json").lines if r["playbook"] == ours]
    assert listed["engagements"] >= 1
    assert "priority_cap" in desk("playbook", "show", ours).out
