"""The portfolio as it stands, as it stood, and who needs a Lead most."""

from tests.end_to_end.conftest import E, Handrail


def test_the_portfolio_is_read_as_it_stood_on_a_day(desk: Handrail) -> None:
    [now] = desk("portfolio", "mix", "--json").lines
    [before] = desk("portfolio", "mix", "--as-known", "2054-08-03", "--json").lines
    assert now["taking_part"] >= 1
    assert sum(now["phases"].values()) == now["taking_part"]
    assert (before["taking_part"], before["phases"], before["gone"]) == (0, {}, [])
    shown = desk("portfolio", "mix").out
    assert "By phase: " in shown
    assert "Half of the pupils unduplicated or more" in shown
    assert "3 August" in desk("portfolio", "mix", "--as-true", "3 August").said


def test_what_says_who_needs_a_lead_stands_side_by_side(desk: Handrail) -> None:
    judged = ("--willing", "yes", "--able", "partly", "--basis", "One coach for nine schools.")
    assert desk("readiness", "judge", E, *judged, actor="marcus").code == 0
    [row] = [r for r in desk("portfolio", "triage", "--json").lines if r["engagement"] == E]
    assert (row["willing"], row["able"], row["lead"]) == ("yes", "partly", "marcus")
    shown = desk("portfolio", "triage").out
    assert "Marcus Oyelaran" in shown
    assert "handrail lead caseload" in shown
