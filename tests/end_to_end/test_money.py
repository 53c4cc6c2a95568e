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
              "--from", f"{first}-07-01", "--until", f"{first + 2}-06-30")  # fmt: skip
    refused = desk(*record, actor="tess")
    assert refused.code == 1
    assert "Ask a Director" in refused.said
    must(*record, actor="dana")

    add = ("investment", "add", E, "--purpose", "review", "--fy", fy, "--kind", "consultant")
    over = desk(*add, "--amount", "50000.01")
    assert over.code == 1
    assert "$50,000.00 is left" in over.said
    must(*add, "--amount", "24000")
    [listed] = must("investment", "list", E)
    must("investment", "correct", E, listed["investment"], "--amount", "42000",
         "--reason", "digits swapped")  # fmt: skip

    file = tmp_path / "investments.csv"
    file.write_text(
        "engagement,amount,fy,kind,purpose\n"
        f"{E},5000,{fy},stipends,first half\n{E},3000.01,{fy},stipends,second half\n",
        encoding="utf-8",
    )
    half_wrong = desk("investment", "import", str(file), "--json")
    assert [line["outcome"] for line in half_wrong.lines] == ["would be recorded", "refused"]
    assert "$3,000.00 is left" in half_wrong.lines[1]["message"]

    [row] = must("investment", "list", E, "--fy", fy)
    assert (row["reported"]["amount"], row["now"]["amount"]) == ("24000.00", "42000.00")
    assert row["made_on"] == today
    assert [c["reason"] for c in row["corrections"]] == ["digits swapped"]
    text = desk("investment", "list", "--fy", fy)
    assert text.code == 0
    assert "digits swapped" in text.said
    assert must("investment", "list", "--fy", "2020-21") == []

    [money] = must("appropriation", "list")
    assert money["by_fiscal_year"] == {fy: "42000.00"}
    assert (money["left"], money["standing"][:10]) == ("8000.00", "expires in")
    [shown] = must("appropriation", "show", "dta-x")
    assert [i["amount"] for i in shown["investments"]] == ["42000.00"]
    must("investment", "withdraw", E, listed["investment"], "--reason", "never paid")
    [money] = must("appropriation", "list")
    assert money["invested"] == "0.00"
    [engagement] = must("engagement", "show", E)
    assert engagement["investments"][-1]["withdrawn"] == "never paid"
