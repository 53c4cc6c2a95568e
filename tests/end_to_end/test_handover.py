"""Handing over on the command line: one by one, everything of one person, and the packet."""

from pathlib import Path

import pytest

from tests.end_to_end.conftest import TODAY, Handrail

LEAS = ("quail-run", "river-bend")
DAY = "2055-02-01"


@pytest.fixture
def office(desk: Handrail) -> Handrail:
    """Paula leads two engagements of her own; Peter is another Lead with room for one."""
    if "paula" in desk("person", "list", "--organisation", "agency").out:
        return desk
    for handle, name in (("paula", 'Paula "P" Ott'), ("peter", "Peter Vale")):
        registered = desk(
            "person", "register", handle, name, "--email", f"{handle}@collaborative.example",
            "--role", "lead", "--capacity", "1", actor="dana",
        )  # fmt: skip
        assert registered.code == 0, registered.said
    for lea in LEAS:
        assert (
            desk("lea", "register", lea, f"{lea} *School*", "--kind", "school_district").code == 0
        )
        opened = desk("engagement", "open", lea, "--lead", "paula", "--director", "dana")
        assert opened.code == 0, opened.said
        assert (lea == LEAS[1]) == ("Warning: Paula" in opened.err), "the second is one too many"
    return desk


def test_everything_of_one_person_is_handed_over_and_repeating_changes_nothing(
    office: Handrail, tmp_path: Path
) -> None:
    move = ["person", "reassign", "paula", "--to", "peter", "--on", DAY, "--json"]
    refused = office(*move, actor="tess")
    assert refused.code == 1
    assert {r["outcome"] for r in refused.lines} == {"refused"}
    assert "may not hand over" in refused.lines[0]["message"]

    dry = office(*move, "--dry-run", actor="dana")
    assert dry.code == 0, dry.said
    assert [(r["engagement"], r["role"], r["outcome"]) for r in dry.lines] == [
        (lea, "lead", "would change") for lea in LEAS
    ]
    assert "Handover" not in office("history", LEAS[0]).out
    assert "hands over" not in office("history", LEAS[0]).out

    # One is set by hand, to the same person and day.
    by_hand = ["lead", "handover", LEAS[0], "--to", "peter", "--on", DAY, "--reason", "r"]
    assert office(*by_hand, actor="paula").code == 0
    away = ["person", "leave", "paula", "--on", DAY]
    still = office(*away, actor="dana")
    assert still.code == 1
    assert "lead of river-bend" in still.err
    assert [r["outcome"] for r in office(*move, actor="dana").lines] == ["so already", "changed"]
    histories = [office("history", lea).out for lea in LEAS]
    again = office(*move, actor="dana")
    assert [r["outcome"] for r in again.lines] == ["so already"] * 2
    assert [office("history", lea).out for lea in LEAS] == histories

    loads = {r["lead"]: r for r in office("lead", "caseload", "--json").lines}
    assert loads["paula"]["engagements"] == list(LEAS)
    assert (loads["peter"]["engagements"], loads["peter"]["over"]) == ([], 1)
    assert [c["on"] for c in loads["peter"]["changes"]] == [DAY, DAY]
    assert "1, over by 1" in office("lead", "caseload").out

    shown = office("engagement", "show", LEAS[0])
    assert 'LH1: Paula "P" Ott hands over to Peter Vale on Mon 1 Feb 2055 (pending)' in shown.out
    assert office(*away, actor="dana").code == 0
    assert "Mon 1 Feb 2055" in office("person", "list", "--organisation", "agency").out
    late = office("lead", "handover", LEAS[0], "--to", "paula", "--on", DAY,
                  "--reason", "r", "--replace", actor="dana")  # fmt: skip
    assert "paula" not in late.out
    assert late.code == 1


def test_a_role_that_cannot_be_given_is_reported_for_each_engagement(office: Handrail) -> None:
    move = ["person", "reassign", "dana", "--to", "tess", "--role", "director", "--json"]
    answer = office(*move, actor="dana")
    assert answer.code == 1
    assert {r["outcome"] for r in answer.lines} == {"refused"}
    assert {"quail-run", "river-bend"} <= {r["engagement"] for r in answer.lines}
    assert "refused" in answer.err
    nobody = office("person", "reassign", "paul", "--to", "tess", actor="dana")
    assert nobody.code == 1
    assert "paula" in nobody.err
    same = office("person", "reassign", "tess", "--to", "tess", actor="dana")
    assert (same.code, "same person" in same.err) == (1, True)
    none = office("person", "reassign", "tess", "--to", "dana", actor="dana")
    assert none.code == 0
    assert "nothing was changed" in none.out


def test_the_packet_is_one_document_and_never_overwrites(office: Handrail, tmp_path: Path) -> None:
    out = tmp_path / "packet.md"
    made = office("lead", "packet", "quail-run", "--out", str(out))
    assert made.code == 0, made.said
    text = out.read_text("utf-8")
    assert "# Handover packet: quail-run \\*School\\*" in text
    assert 'lead: Paula "P" Ott, paula@collaborative.example' in text
    assert out.stat().st_mode & 0o077 == 0
    again = office("lead", "packet", "quail-run", "--out", str(out))
    assert (again.code, "is there already" in again.err) == (1, True)
    [data] = office("lead", "packet", "alder-creek-usd", "--json").lines
    pending = {d["deliverable"] for d in data["signatures_pending"]}
    assert "D2" in pending
    assert "D1" not in pending
    assert any(o["item"] == "D1" for o in data["owed"])
    assert data["as_of"].startswith(TODAY[:4])
    lost = office("lead", "packet", "quail-runn")
    assert (lost.code, "Did you mean quail-run" in lost.err) == (1, True)
