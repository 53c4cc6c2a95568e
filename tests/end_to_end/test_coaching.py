"""Coaching on the command line: what was logged can be read back, as text and as JSON."""

from tests.end_to_end.conftest import TODAY, E, Handrail


def test_contacts_cycles_and_dosage_are_read_back(desk: Handrail) -> None:
    contact = ["contact", "log", E, "--kind", "visit", "--with", "joy", "--note", "Twice a week."]
    assert desk(*contact, "--purpose", "the cycle", actor="marcus").code == 0
    opened = desk("cycle", "open", E, "Exit tickets", "--prediction", "8 of 10.", "--json")
    [cycle] = [told.split()[0] for told in opened.lines[0]["told"]]
    assert desk("cycle", "do", E, cycle, "--tried", "In two classes.").code == 0
    studied = desk(
        "cycle", "study", E, cycle, "--learned", "6 of 10.", "--prediction-held", "partly"
    )
    assert studied.code == 0, studied.said
    assert desk("cycle", "act", E, cycle, "adapt", "--reason", "Shorter.").code == 0
    noted = desk("consultancy", "note", E, "How?", "--note", "Begin small.", "--cycle", cycle)
    assert noted.code == 0, noted.said

    [logged] = desk("contact", "list", E, "--json").lines
    assert (logged["on"], logged["coach"], logged["with"]) == (TODAY, "marcus", ["joy"])
    assert (logged["for"], logged["note"]) == ("the cycle", "Twice a week.")
    assert "Marcus Oyelaran" in desk("contact", "list", E).out
    [found] = [c for c in desk("cycle", "list", E, "--json").lines if c["cycle"] == cycle]
    assert (found["stage"], found["prediction_held"], found["decision"]) == (
        "act",
        "partly",
        "adapt",
    )
    assert "partly as predicted: 6 of 10." in desk("cycle", "list", E).out
    assert "Begin small." in desk("consultancy", "list", E).out
    [dosage] = desk("dosage", E, "--json").lines
    assert dosage["months"][-1]["by_kind"] == {"visit": 1}
    assert dosage["days_since_contact"] == 0
    assert "0 days without contact on Tue 4 Aug 2054; the limit is 35." in desk("dosage", E).out
    shown = desk("engagement", "show", E).out
    assert "Last coaching contact: Tue 4 Aug 2054 (visit)" in shown
    assert f"{cycle} Exit tickets: adapt since Tue 4 Aug 2054" in shown


def test_a_question_about_coaching_that_cannot_be_answered_is_refused(desk: Handrail) -> None:
    for question in (["dosage"], ["contact", "list"], ["cycle", "list"], ["consultancy", "list"]):
        early = desk(*question, E, "--as-known", "2054-07-01")
        assert (early.code, early.out) == (1, "")
        assert "was not open yet on that day" in early.err
        assert "no engagement 'nowhere'" in desk(*question, "nowhere").err
