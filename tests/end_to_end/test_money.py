"""An appropriation, an investment with swapped digits and its correction, from the command line."""

from pathlib import Path
from typing import Any

from tests.end_to_end.conftest import E, Handrail


def test_an_investment_is_put_right_and_its_appropriation_follows(
    desk: Handrail, tmp_path: Path
) -> None:
    def must(*arguments: str, actor: str = "tess") -> list[dict[str, Any]]:
        answer = desk(*arguments, "--json", actor=actor)
        assert answer.code == 0, answer.said
        return answer.lines

    today = must("clock")[0]["local"][:10]
    first = int(today[:4]) - (today[5:] < "07-01")
    fy = f"{first}-{(first + 1) % 100:02d}"
    record = ("appropriation", "record", "dta-x", "--amount", "50000", "--source", "an act",
              "--first", f"{first}-07-01", "--last", f"{first + 2}-06-30")  # fmt: skip
    refused = desk(*record, actor="tess")
    assert refused.code == 1
    assert "Ask a Director" in refused.said
    must(*record, actor="dana")

    add = (
        "investment",
        "add",
        E,
        "--purpose",
        "review",
        "--fiscal-year",
        fy,
        "--kind",
        "consultant",
    )
    over = desk(*add, "--amount", "50000.01")
    assert over.code == 1
    assert "$50,000.00 is left" in over.said
    must(*add, "--amount", "24000")
    [listed] = must("investment", "list", E)
    must("investment", "correct", E, listed["investment"], "--amount", "42000",
         "--reason", "digits swapped")  # fmt: skip

    file = tmp_path / "investments.csv"
    file.write_text(
        "engagement,amount,fiscal-year,kind,purpose\n"
        f"{E},5000,{fy},stipends,first half\n{E},3000.01,{fy},stipends,second half\n",
        encoding="utf-8",
    )
    half_wrong = desk("investment", "import", str(file), "--json")
    assert [line["outcome"] for line in half_wrong.lines] == ["would be recorded", "refused"]
    assert "$3,000.00 is left" in half_wrong.lines[1]["message"]

    [row] = must("investment", "list", E, "--fiscal-year", fy)
    assert (row["reported"]["amount"], row["now"]["amount"]) == ("24000.00", "42000.00")
    assert row["made_on"] == today
    assert [c["reason"] for c in row["corrections"]] == ["digits swapped"]
    text = desk("investment", "list", "--fiscal-year", fy)
    assert text.code == 0
    assert "digits swapped" in text.said
    assert must("investment", "list", "--fiscal-year", "2020-21") == []

    def listed_money() -> dict[str, Any]:
        return next(m for m in must("appropriation", "list") if m["appropriation"] == "dta-x")

    money = listed_money()
    assert money["by_fiscal_year"] == {fy: "42000.00"}
    assert (money["left"], money["standing"][:10]) == ("8000.00", "expires in")
    [shown] = must("appropriation", "show", "dta-x")
    assert [i["amount"] for i in shown["investments"]] == ["42000.00"]
    must("investment", "withdraw", E, listed["investment"], "--reason", "never paid")
    assert listed_money()["invested"] == "0.00"
    [engagement] = must("engagement", "show", E)
    assert engagement["investments"][-1]["withdrawn"] == "never paid"


def test_what_became_of_the_reminders_of_money_is_asked_like_everything_else(
    desk: Handrail,
) -> None:
    def must(*arguments: str, actor: str = "dana") -> list[dict[str, Any]]:
        answer = desk(*arguments, "--json", actor=actor)
        assert answer.code == 0, answer.said
        return answer.lines

    year = int(must("clock")[0]["local"][:4])
    must("appropriation", "record", E, "--amount", "1000", "--source", "an act",
         "--first", f"{year + 1}-07-01", "--last", f"{year + 3}-06-30")  # fmt: skip
    money = f"appropriation:{E}"
    planned = [line["step"] for line in must("ledger", money)]
    assert planned == ["t-120", "t-60", "t-30", "t-10", "due"]
    assert [line["to"] for line in must("ledger", money)] == [["dana"]] * 5
    assert "money/commit" not in {line["item"] for line in must("ledger", E)}, (
        "the engagement's own"
    )
    [plan] = must("reminders", "plan", money)
    assert (plan["appropriation"], len(plan["planned"]), len(plan["mails"])) == (E, 5, 5)
    assert plan["planned"][0]["policy"] == "expiry"

    def owed(*more: str) -> list[dict[str, Any]]:
        return [o for o in must("due", *more) if o["item"] == "money/commit"]

    assert {(o["engagement"], o["appropriation"]) for o in owed("--person", "dana")} >= {(None, E)}
    assert owed("--person", "marcus") == owed("--engagement", E) == []
    assert "every director" in desk("due").said

    lapse = ("appropriation", "lapse", E, "--reason", "the program ends")
    assert "Ask a Director" in desk(*lapse, actor="tess").said
    asked = desk(*lapse, actor="dana")
    assert asked.code == 2
    assert "add --yes" in asked.said
    must(*lapse, "--yes")
    assert {line["reason"] for line in must("ledger", money)} == {"let lapse"}
    shown = desk("appropriation", "show", E)
    assert "May lapse: $1,000.00: the program ends" in shown.said
    assert "Reminders: 5 suppressed" in shown.said
    [standing] = [m["standing"] for m in must("appropriation", "list") if m["appropriation"] == E]
    assert standing.endswith("; may lapse")
    assert E not in {o["appropriation"] for o in owed()}
    must("appropriation", "resume", E, "--reason", "another LEA joins")
    assert [line["outcome"] for line in must("ledger", money)].count("planned") == 5
    must(*lapse, "--yes")


def test_only_what_is_reminded_of_has_a_ledger(desk: Handrail) -> None:
    for name, words in (
        ("appropriation:dtb", "There is no appropriation 'dtb'"),
        ("person:dana", "Nobody is reminded of 'person:dana'"),
        ("nothing-like-it", "There is no engagement 'nothing-like-it'"),
    ):
        answer = desk("ledger", name)
        assert (answer.code, words in answer.said) == (1, True), answer.said
